//! The text of hints to [`JsonHints`]. Blanks do not matter outside of quotes.

use dodb_part::ColumnType;
use regex::RegexBuilder;

use super::{HINTS_MAX, JsonHints, PATHS_MAX, TypedPath, stored};
use crate::error::{Error, Result};

/// The compiled size of one regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

pub(super) fn parse(text: &str) -> Result<JsonHints> {
    let mut hints = JsonHints::default();
    let mut seen = std::collections::HashSet::new();
    for (count, hint) in split(text)?.into_iter().enumerate() {
        if count >= HINTS_MAX {
            return Err(wrong(hint, &format!("a JSON column has at most {HINTS_MAX} hints")));
        }
        add(&mut hints, hint)?;
    }
    let paths = hints.typed.iter().map(|path| &path.keys).chain(&hints.skipped);
    for keys in paths {
        if !seen.insert(stored(keys)) {
            return Err(wrong(&keys.join("."), "the path has two hints"));
        }
    }
    Ok(hints)
}

fn wrong(hint: &str, why: &str) -> Error {
    Error::invalid(format!(
        "the hint `{hint}` of a JSON column: {why}; write max_dynamic_paths=N, a.b Type, SKIP a.b \
         or SKIP REGEXP 'pattern'"
    ))
}

/// The hints between the commas that stand in no brackets and no quotes.
fn split(text: &str) -> Result<Vec<&str>> {
    let mut out = Vec::new();
    let (mut depth, mut start, mut quote) = (0usize, 0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.checked_sub(1).ok_or_else(|| wrong(text, "a bracket too many"))?;
            }
            (None, ',') if depth == 0 => {
                out.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || quote.is_some() {
        return Err(wrong(text, "a bracket or a quote is not closed"));
    }
    let last = text.get(start..).unwrap_or_default().trim();
    if !last.is_empty() || !out.is_empty() {
        out.push(last);
    }
    Ok(out)
}

fn add(hints: &mut JsonHints, hint: &str) -> Result<()> {
    if let Some((name, value)) = hint.split_once('=') {
        return setting(hints, hint, name.trim(), value.trim());
    }
    let (first, rest) = word(hint);
    if first.eq_ignore_ascii_case("skip") && !rest.starts_with('.') && !rest.is_empty() {
        let (second, pattern) = word(rest);
        if second.eq_ignore_ascii_case("regexp") && pattern.starts_with('\'') {
            return skip_pattern(hints, hint, pattern);
        }
        let (keys, rest) = path(hint, rest)?;
        if !rest.is_empty() {
            return Err(wrong(hint, "SKIP takes one path"));
        }
        hints.skipped.push(keys);
        return Ok(());
    }
    let (keys, ty) = path(hint, hint)?;
    if ty.is_empty() {
        return Err(wrong(hint, "the path has no type"));
    }
    let ty = ColumnType::parse(ty).map_err(|e| wrong(hint, &e.to_string()))?;
    if matches!(ty, ColumnType::Bytes) {
        return Err(wrong(hint, "JSON has no bytes"));
    }
    hints.typed.push(TypedPath { keys, ty });
    Ok(())
}

fn setting(hints: &mut JsonHints, hint: &str, name: &str, value: &str) -> Result<()> {
    let number: usize =
        value.parse().map_err(|_| wrong(hint, &format!("`{value}` is not a number")))?;
    match name {
        "max_dynamic_paths" if number <= PATHS_MAX => hints.paths_max = Some(number),
        "max_dynamic_paths" => {
            return Err(wrong(hint, &format!("max_dynamic_paths is at most {PATHS_MAX}")));
        }
        // A path has a subcolumn for each type that occurs, of which there are few.
        "max_dynamic_types" => {}
        _ => return Err(wrong(hint, &format!("there is no setting `{name}`"))),
    }
    Ok(())
}

fn skip_pattern(hints: &mut JsonHints, hint: &str, quoted: &str) -> Result<()> {
    let inner = quoted.strip_prefix('\'').and_then(|text| text.trim_end().strip_suffix('\''));
    let pattern = inner.ok_or_else(|| wrong(hint, "the pattern is in single quotes"))?;
    let pattern = RegexBuilder::new(&pattern.replace("''", "'"))
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|e| wrong(hint, &e.to_string()))?;
    hints.patterns.push(pattern);
    Ok(())
}

/// The first word and what is behind it.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The keys of a path at the start of `text`, and what is behind it.
fn path<'a>(hint: &str, text: &'a str) -> Result<(Vec<String>, &'a str)> {
    let mut keys = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let quote = rest.chars().next().filter(|c| matches!(c, '`' | '"'));
        let (key, behind) = match quote {
            Some(quote) => quoted(rest, quote).ok_or_else(|| wrong(hint, "a quote is open"))?,
            None => {
                let (key, behind) = word(rest);
                (key.to_owned(), behind)
            }
        };
        if key.is_empty() && quote.is_none() {
            return Err(wrong(hint, "a path is keys with dots between them"));
        }
        keys.push(key);
        let behind = behind.trim_start();
        match behind.strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None => return Ok((keys, behind)),
        }
    }
}

/// A key in quotes, doubled inside, and what is behind it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            key.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            key.push(quote);
        } else {
            return Some((key, text.get(at + 1..).unwrap_or_default()));
        }
    }
    None
}
