//! Literals as SQL and ClickHouse's arrays write them: `'text'`, `12`, `NULL`, `[1,2]`, put into
//! columns. Not here: what an escape or a number stands for, which the dialect of SQL knows.

use std::borrow::Cow;

use dodb_query::dialect::literal::{self, Literal, Malformed};

use super::builder::{ColumnBuilder, Kind};
use crate::formats::encode::push_f64;

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
            let inner = rest.get(1..end - 1).unwrap_or_default();
            let text = literal::unquote(inner, char::from(*quote));
            let text = text.map_err(|wrong| (at + 1 + wrong.at, wrong.problem))?;
            append_string(column, &text, at)?;
            Ok(at + end)
        }
        Some(b'$') => append_other_string(column, rest, at),
        Some(b'x' | b'X' | b'b' | b'B') if rest.as_bytes().get(1) == Some(&b'\'') => {
            append_other_string(column, rest, at)
        }
        Some(b'[') if column.inner().is_some() => append_list(column, text, at),
        Some(b'[' | b'{') if matches!(column.kind, Kind::Json(_)) => append_json(column, text, at),
        _ => append_bare(column, rest, at),
    }
}

fn append_string(column: &mut ColumnBuilder, text: &str, at: usize) -> Result<(), Wrong> {
    if column.inner().is_some() && !text.trim_start().starts_with('[') {
        return Err((at, column.mismatch(text)));
    }
    column.append_text(text).map_err(|problem| (at, problem))
}

/// `x'41'`, `b'01000001'`, `$tag$text$tag$`.
fn append_other_string(column: &mut ColumnBuilder, rest: &str, at: usize) -> Result<usize, Wrong> {
    let wrong = |Malformed { at: within, problem }| (at + within, problem);
    match literal::read(rest).map_err(wrong)? {
        Some((Literal::Text(text), length)) => {
            append_string(column, &text, at)?;
            Ok(at + length)
        }
        _ => Err((at, column.mismatch(rest))),
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
    } else if let Some(number) = signed(word) {
        let number = number.map_err(|Malformed { at: within, problem }| (at + within, problem))?;
        let fitting = fitting(column, &number);
        column.append_text(&fitting).map_err(|_| (at, column.mismatch(word)))?;
    } else if column.is_quoted() {
        let problem = format!("{}; text must stand in single quotes", column.mismatch(word));
        return Err((at, problem));
    } else {
        column.append_text(word).map_err(|problem| (at, problem))?;
    }
    Ok(at + word.len())
}

/// The number that a word is, perhaps with a sign, if it looks like one.
fn signed(word: &str) -> Option<Result<Cow<'_, str>, Malformed>> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let sign = word.len() - digits.len();
    if literal::is_number_word(digits) {
        return Some(Ok(Cow::Borrowed(word)));
    }
    let looks_so = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    looks_so.then(|| match literal::number(digits) {
        Ok(Cow::Borrowed(_)) => Ok(Cow::Borrowed(word)),
        Ok(number) => Ok(Cow::Owned(format!("{}{number}", word.get(..sign).unwrap_or_default()))),
        Err(wrong) => Err(Malformed { at: wrong.at + sign, ..wrong }),
    })
}

/// A number as the column reads it: a statement would compute it before it is put there.
fn fitting<'t>(column: &ColumnBuilder, number: &'t str) -> Cow<'t, str> {
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let float = || number.parse::<f64>().unwrap_or(f64::NAN);
    match &column.kind {
        Kind::Int8(_)
        | Kind::Int16(_)
        | Kind::Int32(_)
        | Kind::Int64(_)
        | Kind::UInt8(_)
        | Kind::UInt16(_)
        | Kind::UInt32(_)
        | Kind::UInt64(_)
            if !is_whole || digits.trim_start_matches('0').is_empty() =>
        {
            // Adding nothing takes the sign off -0.
            Cow::Owned((float().trunc() + 0.0).to_string())
        }
        Kind::Bool(_) => Cow::Borrowed(if float() == 0.0 { "0" } else { "1" }),
        Kind::Text(_) => {
            let signed = number.parse::<i64>().map(|whole| whole.to_string());
            let whole = signed.or_else(|_| number.parse::<u64>().map(|whole| whole.to_string()));
            Cow::Owned(whole.unwrap_or_else(|_| float_text(float())))
        }
        _ => Cow::Borrowed(number),
    }
}

/// A float as ClickHouse writes it.
fn float_text(value: f64) -> String {
    let mut text = Vec::new();
    push_f64(value, &mut text);
    String::from_utf8_lossy(&text).into_owned()
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

/// Where the heredoc at the start of `text` ends, after its closing tag; a `$` that begins none is
/// one byte.
pub(crate) fn heredoc_end(text: &str) -> Option<usize> {
    match literal::read(text) {
        Ok(Some((_, end))) => Some(end),
        Ok(None) => Some(1),
        Err(_) => None,
    }
}
