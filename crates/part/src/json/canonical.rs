//! Documents as they are kept: without blanks, strings with no escape that is not needed, and of
//! keys that occur twice in an object the last value at the place of the first, as `JSON.parse`
//! and `JSON.stringify` of ECMAScript do. Numbers stay as they were written.

use std::borrow::Cow;

use super::leaf::push_string;
use super::read::{elements, entries, raw, unquoted};
use super::scan::Scanner;
use super::shred::{JSON_DEPTH_MAX, ShredOptions, Shredder, Stop};
use super::summary::PathSummary;

/// Checks documents, makes them canonical, and notes which kinds of values their paths hold.
pub struct Inspector {
    shredder: Shredder,
}

impl Default for Inspector {
    fn default() -> Inspector {
        Inspector::new()
    }
}

impl Inspector {
    /// Of no documents yet.
    pub fn new() -> Inspector {
        Inspector { shredder: Shredder::new(ShredOptions::default()) }
    }

    /// The document in canonical form.
    ///
    /// # Errors
    /// Why the text is no document, with the place of the fault.
    pub fn inspect<'a>(&mut self, text: &'a str) -> Result<Cow<'a, str>, String> {
        match self.shredder.inspect(text) {
            Ok(is_canonical) if is_canonical => Ok(Cow::Borrowed(text)),
            Ok(_) => Ok(Cow::Owned(rewritten(text)?)),
            Err(Stop::Invalid) => Err(why_invalid(text)),
            Err(Stop::Duplicate) => {
                let text = rewritten(text)?;
                self.shredder.inspect(&text).map_err(|_| why_invalid(&text))?;
                Ok(Cow::Owned(text))
            }
        }
    }

    /// The kinds at every path of the documents inspected.
    pub fn summary(&self) -> PathSummary {
        self.shredder.summary()
    }
}

/// A document in canonical form.
///
/// # Errors
/// Why the text is no document, with the place of the fault.
pub fn canonical(text: &str) -> Result<Cow<'_, str>, String> {
    Inspector::new().inspect(text)
}

/// The document without keys that occur twice, canonical in all else too.
pub(super) fn without_duplicates(text: &str) -> Result<String, String> {
    rewritten(text)
}

fn rewritten(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let trimmed = raw(text, &[]).ok_or_else(|| why_invalid(text))?;
    rewrite(trimmed, JSON_DEPTH_MAX, &mut out).ok_or_else(|| why_invalid(text))?;
    Ok(out)
}

fn rewrite(raw: &str, depth: usize, out: &mut String) -> Option<()> {
    match raw.as_bytes().first()? {
        b'{' => {
            let depth = depth.checked_sub(1)?;
            let mut kept: Vec<(String, &str)> = Vec::new();
            let mut places = hashbrown::HashMap::new();
            for (key, value) in entries(raw)? {
                let place = *places.entry(key.clone()).or_insert(kept.len());
                match kept.get_mut(place) {
                    Some((_, old)) => *old = value,
                    None => kept.push((key, value)),
                }
            }
            out.push('{');
            for (at, (key, value)) in kept.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_string(out, key);
                out.push(':');
                rewrite(value, depth, out)?;
            }
            out.push('}');
        }
        b'[' => {
            let depth = depth.checked_sub(1)?;
            out.push('[');
            for (at, element) in elements(raw)?.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                rewrite(element, depth, out)?;
            }
            out.push(']');
        }
        b'"' => match unquoted(raw) {
            Some(text) => push_string(out, &text),
            // A lone surrogate, which no text can hold: as written.
            None => out.push_str(raw),
        },
        _ => out.push_str(raw),
    }
    Some(())
}

/// A value without blanks and needless escapes.
pub(super) fn minified(raw: &str) -> Cow<'_, str> {
    let mut scanner = Scanner::new(raw);
    if scanner.skip().is_some() && scanner.is_canonical() {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    match rewrite(raw, JSON_DEPTH_MAX, &mut out) {
        Some(()) => Cow::Owned(out),
        None => Cow::Borrowed(raw),
    }
}

/// What is wrong with a text that is no document.
pub(super) fn why_invalid(text: &str) -> String {
    let excerpt: String = text.chars().take(60).collect();
    match serde_json::from_str::<serde_json::Value>(text) {
        Err(error) => {
            format!("not a JSON document (at byte {}): {error}: {excerpt:?}", error.column())
        }
        Ok(_) => format!(
            "not a document that can be kept: nested deeper than {JSON_DEPTH_MAX} levels, or a \
             key with half a surrogate pair: {excerpt:?}"
        ),
    }
}
