//! Reads one value out of JSON text without building a tree. Text that is not JSON has no values.
//!
//! Of duplicate keys the last wins. The whole text is read, so an error behind the value is seen.
//! A value nested deeper than 128 levels counts as not JSON.

use std::borrow::Cow;

use super::path::push_key;
use super::scan::Scanner;
use super::shred::JSON_DEPTH_MAX;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key of an object.
    Key(String),
    /// An element of an array: from 1, negative from the end. 0 finds nothing.
    Index(i64),
}

/// Most steps of a path; longer ones find nothing.
pub const STEPS_MAX: usize = 128;

/// The value at a path, as written in `json`.
pub fn raw<'a>(json: &'a str, path: &[Step]) -> Option<&'a str> {
    if path.len() > STEPS_MAX {
        return None;
    }
    let mut scanner = Scanner::new(json);
    let found = seek(&mut scanner, path)?;
    if scanner.is_end() { found } else { None }
}

/// The value at a path as text: strings without quotes, numbers, objects and arrays as written,
/// nothing for null.
pub fn text<'a>(json: &'a str, path: &[Step]) -> Option<Cow<'a, str>> {
    unquoted(raw(json, path)?)
}

/// A raw value as text, see [`text`].
pub fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes() {
        [b'n', ..] => None,
        [b'"', ..] => {
            let inner = raw.get(1..raw.len().checked_sub(1)?)?;
            if inner.as_bytes().contains(&b'\\') {
                return serde_json::from_str::<String>(raw).ok().map(Cow::Owned);
            }
            Some(Cow::Borrowed(inner))
        }
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// How many elements an array or keys an object has; nothing for other values.
pub fn length(raw: &str) -> Option<usize> {
    match raw.as_bytes().first() {
        Some(b'[') => Some(elements(raw)?.len()),
        Some(b'{') => Some(keys(raw)?.len()),
        _ => None,
    }
}

/// Raw elements of an array.
pub fn elements(raw: &str) -> Option<Vec<&str>> {
    let mut scanner = Scanner::new(raw);
    let mut elements = Vec::new();
    each_element(&mut scanner, &mut |scanner| {
        elements.push(scanner.value()?);
        Some(())
    })?;
    scanner.is_end().then_some(elements)
}

/// Keys of an object, in order, duplicates as they are.
pub fn keys(raw: &str) -> Option<Vec<String>> {
    let mut scanner = Scanner::new(raw);
    let mut keys = Vec::new();
    each_key(&mut scanner, &mut |scanner, key| {
        keys.push(unquoted(key)?.into_owned());
        scanner.skip()
    })?;
    scanner.is_end().then_some(keys)
}

/// Keys and raw values of an object, in order, duplicates as they are.
pub fn entries(raw: &str) -> Option<Vec<(String, &str)>> {
    let mut scanner = Scanner::new(raw);
    let mut entries = Vec::new();
    each_key(&mut scanner, &mut |scanner, key| {
        let key = unquoted(key)?.into_owned();
        entries.push((key, scanner.value()?));
        Some(())
    })?;
    scanner.is_end().then_some(entries)
}

/// The keys that lead to each value of a document that is neither an object nor `null`, sorted as
/// they are shown (with dots between them), and its JSON text.
pub fn leaves(document: &str) -> Vec<(Vec<String>, &str)> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), document)];
    while let Some((keys, value)) = open.pop() {
        if !value.starts_with('{') {
            if value != "null" {
                found.push((keys, value));
            }
            continue;
        }
        for (key, inner) in entries(value).unwrap_or_default() {
            let mut keys = keys.clone();
            keys.push(key);
            open.push((keys, inner));
        }
    }
    found.sort_by_cached_key(|(keys, _)| keys.join("."));
    found
}

/// Calls `each` with the stored path and the raw text of every value of a document that is no
/// object, in its order; arrays are one value. `false` when the text is not JSON: then values may
/// be missing.
pub fn each_value<'a>(document: &'a str, each: &mut dyn FnMut(&str, &'a str)) -> bool {
    let mut scanner = Scanner::new(document);
    let walked = walk(&mut scanner, &mut String::new(), 0, each);
    walked.is_some() && scanner.is_end()
}

fn walk<'a>(
    scanner: &mut Scanner<'a>,
    path: &mut String,
    depth: usize,
    each: &mut dyn FnMut(&str, &'a str),
) -> Option<()> {
    if scanner.peek()? != b'{' {
        each(path, scanner.value()?);
        return Some(());
    }
    if depth >= JSON_DEPTH_MAX {
        return None;
    }
    let length = path.len();
    each_key(scanner, &mut |scanner, key| {
        push_key(path, &unquoted(key)?);
        walk(scanner, path, depth + 1, each)?;
        path.truncate(length);
        Some(())
    })
}

/// Steps over one value; gives the value at a path inside it. The outer `None` is no JSON.
fn seek<'a>(scanner: &mut Scanner<'a>, path: &[Step]) -> Option<Option<&'a str>> {
    let mut found = None;
    match (path.split_first(), scanner.peek()?) {
        (None, _) => found = Some(scanner.value()?),
        (Some((Step::Key(wanted), rest)), b'{') => each_key(scanner, &mut |scanner, key| {
            if is_key(key, wanted) {
                found = seek(scanner, rest)?;
                Some(())
            } else {
                scanner.skip()
            }
        })?,
        (Some((Step::Index(index @ 1..), rest)), b'[') => {
            let mut at = 0;
            each_element(scanner, &mut |scanner| {
                at += 1;
                if at == *index {
                    found = seek(scanner, rest)?;
                    Some(())
                } else {
                    scanner.skip()
                }
            })?;
        }
        (Some((Step::Index(index), rest)), b'[') if *index < 0 => {
            let mut elements = Vec::new();
            each_element(scanner, &mut |scanner| {
                elements.push(scanner.value()?);
                Some(())
            })?;
            let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
            let element = elements.len().checked_sub(from_end).and_then(|at| elements.get(at));
            found = element.and_then(|element| raw(element, rest));
        }
        _ => scanner.skip()?,
    }
    Some(found)
}

/// Steps over an object; `each` gets the raw key and must step over the value.
fn each_key<'a>(
    scanner: &mut Scanner<'a>,
    each: &mut dyn FnMut(&mut Scanner<'a>, &'a str) -> Option<()>,
) -> Option<()> {
    if !scanner.take(b'{') {
        return None;
    }
    if scanner.take(b'}') {
        return Some(());
    }
    loop {
        let key = scanner.key()?;
        each(scanner, key)?;
        if scanner.take(b'}') {
            return Some(());
        }
        if !scanner.take(b',') {
            return None;
        }
    }
}

/// Steps over an array; `each` must step over one element.
fn each_element<'a>(
    scanner: &mut Scanner<'a>,
    each: &mut dyn FnMut(&mut Scanner<'a>) -> Option<()>,
) -> Option<()> {
    if !scanner.take(b'[') {
        return None;
    }
    if scanner.take(b']') {
        return Some(());
    }
    loop {
        each(scanner)?;
        if scanner.take(b']') {
            return Some(());
        }
        if !scanner.take(b',') {
            return None;
        }
    }
}

/// Whether a raw key, with quotes, is the wanted one.
fn is_key(raw: &str, wanted: &str) -> bool {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if inner.len() == wanted.len() && inner == wanted {
        return !inner.contains('\\');
    }
    // Escapes make a key longer, never shorter.
    inner.len() > wanted.len()
        && inner.contains('\\')
        && unquoted(raw).is_some_and(|key| key == wanted)
}
