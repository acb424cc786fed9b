//! Literals as SQL and ClickHouse's arrays write them: `'text'`, `12`, `NULL`, `[1,2]`.

use std::borrow::Cow;

use super::builder::{ColumnBuilder, Kind};

/// What is wrong, and at which byte.
pub(crate) type Wrong = (usize, String);

/// Appends a text that must be one array literal and nothing else.
pub(crate) fn append_whole(column: &mut ColumnBuilder, text: &str) -> Result<(), String> {
    let end = append_literal(column, text, 0).map_err(|(_, problem)| problem)?;
    match text.get(end..).unwrap_or_default().trim() {
        "" => Ok(()),
        // The value is in already, so say it by spoiling the row.
        rest => Err(column.mismatch(rest)),
    }
}

/// Appends the literal at `at` and answers where it ends.
pub(crate) fn append_literal(
    column: &mut ColumnBuilder,
    text: &str,
    at: usize,
) -> Result<usize, Wrong> {
    let at = skip_space(text, at);
    let rest = text.get(at..).unwrap_or_default();
    match rest.as_bytes().first() {
        Some(quote @ (b'\'' | b'"')) => {
            let end = quoted_end(rest, *quote).ok_or((at, "a quote is not closed".to_string()))?;
            let inner = unquote(rest.get(1..end - 1).unwrap_or_default(), *quote);
            if column.inner().is_some() && !inner.trim_start().starts_with('[') {
                return Err((at, column.mismatch(&inner)));
            }
            column.append_text(&inner).map_err(|problem| (at, problem))?;
            Ok(at + end)
        }
        Some(b'[') if column.inner().is_some() => append_list(column, text, at),
        Some(b'[' | b'{') if matches!(column.kind, Kind::Json(_)) => append_json(column, text, at),
        _ => append_bare(column, rest, at),
    }
}

fn append_list(column: &mut ColumnBuilder, text: &str, at: usize) -> Result<usize, Wrong> {
    let bytes = text.as_bytes();
    let mut at = skip_space(text, at + 1);
    let mut count = 0;
    let mut closed = bytes.get(at) == Some(&b']');
    while !closed {
        let Some((inner, count_max)) = column.inner() else { break };
        if count == count_max {
            return Err((at, format!("expected {count_max} elements, found more")));
        }
        at = skip_space(text, append_literal(inner, text, at)?);
        count += 1;
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b']') => closed = true,
            _ => return Err((at, "expected `,` or `]` in an array".to_string())),
        }
    }
    column.end_list(count).map_err(|problem| (at, problem))?;
    Ok(at + 1)
}

fn append_json(column: &mut ColumnBuilder, text: &str, at: usize) -> Result<usize, Wrong> {
    let rest = text.get(at..).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => {
            let end = values.byte_offset();
            let document = rest.get(..end).unwrap_or_default();
            column.append_document(document).map_err(|problem| (at, problem))?;
            Ok(at + end)
        }
        _ => Err((at, column.mismatch(rest))),
    }
}

fn append_bare(column: &mut ColumnBuilder, rest: &str, at: usize) -> Result<usize, Wrong> {
    let ends = |c: char| matches!(c, ',' | ')' | ']' | '}' | ';') || c.is_whitespace();
    let word = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
    if word.eq_ignore_ascii_case("NULL") {
        column.append_default();
    } else if column.inner().is_some() {
        return Err((at, column.mismatch(word)));
    } else if column.is_quoted() && word.parse::<f64>().is_err() {
        let problem = format!("{}; text must stand in single quotes", column.mismatch(word));
        return Err((at, problem));
    } else {
        column.append_text(word).map_err(|problem| (at, problem))?;
    }
    Ok(at + word.len())
}

/// The first byte at or after `at` that is no white space.
pub(crate) fn skip_space(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// Where the quoted literal at the start of `text` ends, after its closing quote.
pub(crate) fn quoted_end(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'\\') || bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
}

/// The inside of a quoted literal without its escapes.
fn unquote(inner: &str, quote: u8) -> Cow<'_, str> {
    if memchr::memchr2(quote, b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    unescape(inner, Some(char::from(quote)), &mut text);
    Cow::Owned(text)
}

/// Appends `text` without backslash escapes; with `quote`, two quotes are one. An escape that is
/// none stays as it is, as in ClickHouse.
pub(crate) fn unescape(text: &str, quote: Option<char>, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(|c| c == '\\' || Some(c) == quote) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let mut chars = rest.get(at..).unwrap_or_default().chars();
        let (first, second) = (chars.next(), chars.next());
        match (first, second) {
            (Some('\\'), Some(c)) => {
                if c == 'x'
                    && let Some(byte) = hex_byte(chars.as_str())
                {
                    out.push(byte);
                    rest = chars.as_str().get(2..).unwrap_or_default();
                    continue;
                }
                match c {
                    'b' => out.push('\u{8}'),
                    'f' => out.push('\u{c}'),
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    '0' => out.push('\0'),
                    'a' => out.push('\u{7}'),
                    'v' => out.push('\u{b}'),
                    '\\' | '\'' | '"' | '/' | '`' | '=' | '\n' => out.push(c),
                    _ => out.extend(['\\', c]),
                }
                rest = chars.as_str();
            }
            (Some(first), _) => {
                // A doubled quote, or a backslash at the very end.
                out.push(first);
                let doubled = second.is_some() && second == quote;
                let mut after = rest.get(at..).unwrap_or_default().chars();
                after.next();
                if doubled {
                    after.next();
                }
                rest = after.as_str();
            }
            _ => break,
        }
    }
    out.push_str(rest);
}

/// `\xHH` below 0x80: text must stay UTF-8.
fn hex_byte(text: &str) -> Option<char> {
    let byte = u8::from_str_radix(text.get(..2)?, 16).ok()?;
    byte.is_ascii().then_some(char::from(byte))
}
