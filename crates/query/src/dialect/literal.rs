//! What a literal of ClickHouse stands for: escapes and quotes of strings, numbers in all their
//! spellings. Whoever reads a statement and whoever reads rows of values agree because both come
//! here. Not here: where a literal ends in a text ([`super::lexer`]).

use std::borrow::Cow;

use super::lexer::{Kind, Lexer};

/// The value of a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number without its sign, see [`number`].
    Number(Cow<'a, str>),
}

/// What is wrong with a literal, and at which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Byte of the text that was read.
    pub at: usize,
    /// What is wrong and what is expected.
    pub problem: String,
}

fn malformed<T>(at: usize, problem: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed { at, problem: problem.into() })
}

/// The literal at the start of `text`, and where it ends; none where something else stands.
///
/// # Errors
/// One that does not end, or stands for nothing.
pub fn read(text: &str) -> Result<Option<(Literal<'_>, usize)>, Malformed> {
    let first = Lexer::new(text).next();
    let Some(first) = first.map_err(|fault| Malformed { at: fault.at, problem: fault.problem })?
    else {
        return Ok(None);
    };
    let literal = of(first.kind, text.get(..first.end).unwrap_or_default())?;
    Ok(literal.map(|literal| (literal, first.end)))
}

/// The literal that a lexeme is, if it is one.
pub(super) fn of(kind: Kind, piece: &str) -> Result<Option<Literal<'_>>, Malformed> {
    Ok(Some(match kind {
        Kind::Text => Literal::Text(quoted(piece, '\'')?),
        Kind::Bits => Literal::Text(Cow::Owned(bits(piece)?)),
        Kind::Heredoc => Literal::Text(Cow::Borrowed(heredoc(piece))),
        Kind::Number => Literal::Number(number(piece)?),
        _ => return Ok(None),
    }))
}

/// What stands between the quotes around a piece, see [`unquote`].
pub(super) fn quoted(piece: &str, quote: char) -> Result<Cow<'_, str>, Malformed> {
    let inner = piece.get(1..piece.len().saturating_sub(1)).unwrap_or_default();
    unquote(inner, quote).map_err(|wrong| Malformed { at: wrong.at + 1, ..wrong })
}

/// The text between quotes without its escapes; two quotes are one.
///
/// # Errors
/// An escape that breaks off, and bytes that are no UTF-8.
pub fn unquote(inner: &str, quote: char) -> Result<Cow<'_, str>, Malformed> {
    unescaped(inner, Some(quote))
}

/// The text without backslash escapes. One that ClickHouse does not know keeps its backslash.
///
/// # Errors
/// An escape that breaks off, and bytes that are no UTF-8.
pub fn unescape(text: &str) -> Result<Cow<'_, str>, Malformed> {
    unescaped(text, None)
}

fn unescaped(text: &str, quote: Option<char>) -> Result<Cow<'_, str>, Malformed> {
    let is_plain = |ch: char| ch != '\\' && Some(ch) != quote;
    if text.chars().all(is_plain) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.char_indices();
    while let Some((at, ch)) = chars.next() {
        if is_plain(ch) {
            push(&mut out, ch);
        } else if ch == '\\' {
            escape(&mut chars, at, &mut out)?;
        } else {
            push(&mut out, ch);
            if chars.as_str().starts_with(ch) {
                chars.next();
            }
        }
    }
    let of_bytes = |_| Malformed {
        at: text.find("\\x").unwrap_or_default(),
        problem: "its \\x bytes are no UTF-8, and a String holds nothing else here".into(),
    };
    String::from_utf8(out).map(Cow::Owned).map_err(of_bytes)
}

fn push(out: &mut Vec<u8>, ch: char) {
    out.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads what follows a backslash.
fn escape(
    chars: &mut std::str::CharIndices<'_>,
    at: usize,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let Some((_, ch)) = chars.next() else {
        return malformed(at, "a backslash stands at the end: write \\\\ for one");
    };
    match ch {
        '0' => out.push(0),
        'a' => out.push(0x07),
        'b' => out.push(0x08),
        'e' => out.push(0x1b),
        'f' => out.push(0x0c),
        'n' => out.push(b'\n'),
        'r' => out.push(b'\r'),
        't' => out.push(b'\t'),
        'v' => out.push(0x0b),
        // As ClickHouse reads it: NULL of its text formats, and nothing in a text.
        'N' => {}
        'x' => {
            let digits = chars.as_str().get(..2).filter(|two| is_hexadecimal(two));
            let Some(byte) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()) else {
                return malformed(at, "\\x wants two hexadecimal digits: write \\\\x for the text");
            };
            out.push(byte);
            chars.nth(1);
        }
        '\\' | '\'' | '"' | '`' | '/' | '=' | '\0'..='\u{1f}' => push(out, ch),
        _ => {
            out.push(b'\\');
            push(out, ch);
        }
    }
    Ok(())
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The text of `x'41'` or `b'01000001'`, quotes and all.
///
/// # Errors
/// Digits of another kind, and bytes that are no UTF-8.
fn bits(literal: &str) -> Result<String, Malformed> {
    let digits = literal.get(2..literal.len().saturating_sub(1)).unwrap_or_default();
    let (radix, width, name) = match literal.as_bytes().first() {
        Some(b'x' | b'X') => (16, 2, "hexadecimal"),
        _ => (2, 8, "binary"),
    };
    if let Some(wrong) = digits.chars().position(|ch| !ch.is_digit(radix)) {
        return malformed(wrong + 2, format!("{literal} holds what is no {name} digit"));
    }
    // The first byte may lack leading zeros.
    let (head, tail) = digits.as_bytes().split_at(digits.len() % width);
    let pieces = Some(head).filter(|head| !head.is_empty()).into_iter().chain(tail.chunks(width));
    let byte = |piece: &[u8]| {
        let value = |byte: &u8| char::from(*byte).to_digit(radix).unwrap_or_default();
        piece.iter().fold(0u32, |sum, digit| sum * radix + value(digit)) as u8
    };
    String::from_utf8(pieces.map(byte).collect()).or_else(|_| {
        malformed(
            0,
            format!("the bytes of {literal} are no UTF-8, and a String holds nothing else"),
        )
    })
}

/// The text of `$tag$text$tag$`, tags and all, as it stands there.
fn heredoc(literal: &str) -> &str {
    let tag = literal.get(1..).and_then(|rest| rest.find('$')).map_or(0, |end| end + 2);
    literal.get(tag..literal.len().saturating_sub(tag)).unwrap_or_default()
}

/// A number without its sign, as decimal digits that Rust and the planner read: `0xFF` is `255`,
/// `1_000` is `1000`. Whole numbers beyond 64 bits are floats, as in ClickHouse.
///
/// # Errors
/// What is no number, and a float too large for 64 bits.
pub fn number(literal: &str) -> Result<Cow<'_, str>, Malformed> {
    if let Some(wrong) = misplaced_underscore(literal) {
        return malformed(wrong, format!("in {literal} each _ must stand between two digits"));
    }
    let plain = match literal.contains('_') {
        true => Cow::Owned(literal.replace('_', "")),
        false => Cow::Borrowed(literal),
    };
    match plain.as_bytes() {
        [b'0', b'x' | b'X', ..] => Ok(Cow::Owned(hexadecimal(&plain)?)),
        [b'0', b'b' | b'B', ..] => Ok(Cow::Owned(binary(&plain)?)),
        _ => decimal(plain),
    }
}

fn is_no_number<T>(literal: &str) -> Result<T, Malformed> {
    let hint = "a name that begins with a digit must stand in backticks";
    malformed(0, format!("{literal} is no number; {hint}"))
}

fn is_too_large<T>(literal: &str) -> Result<T, Malformed> {
    malformed(0, format!("the number {literal} is too large: it has no place in 64 bits"))
}

fn misplaced_underscore(literal: &str) -> Option<usize> {
    let bytes = literal.as_bytes();
    let is_hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|byte| match is_hexadecimal {
            true => byte.is_ascii_hexdigit(),
            false => byte.is_ascii_digit(),
        })
    };
    let is_misplaced = |at: &usize| {
        bytes.get(*at) == Some(&b'_') && !(is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)))
    };
    (0..bytes.len()).find(is_misplaced)
}

fn decimal(plain: Cow<'_, str>) -> Result<Cow<'_, str>, Malformed> {
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(plain),
        Ok(_) => is_too_large(&plain),
        Err(_) => is_no_number(&plain),
    }
}

fn binary(plain: &str) -> Result<String, Malformed> {
    let digits = plain.strip_prefix("0b").unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| matches!(byte, b'0' | b'1')) {
        return is_no_number(plain);
    }
    u64::from_str_radix(digits, 2).map(|value| value.to_string()).or_else(|_| is_too_large(plain))
}

/// `0xFF`, `0x1.8p3`.
fn hexadecimal(plain: &str) -> Result<String, Malformed> {
    let digits = plain.get(2..).unwrap_or_default();
    let (mantissa, exponent) = match digits.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()),
        None => (digits, Some(0)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(exponent) = exponent else { return is_no_number(plain) };
    if whole.is_empty() || !is_hexadecimal(whole) || !is_hexadecimal(fraction) {
        return is_no_number(plain);
    }
    if whole == digits
        && let Ok(value) = u64::from_str_radix(whole, 16)
    {
        return Ok(value.to_string());
    }
    let mut value = 0u128;
    let mut shift = exponent.clamp(-100_000, 100_000);
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u128::from(digit.to_digit(16).unwrap_or_default());
        let is_fraction = at >= whole.len();
        if value >> 120 == 0 {
            value = value << 4 | digit;
            shift = shift.saturating_sub(if is_fraction { 4 } else { 0 });
        } else {
            // Only whether there is more decides how the last bit is rounded.
            value |= u128::from(digit != 0);
            shift = shift.saturating_add(if is_fraction { 0 } else { 4 });
        }
    }
    let value = scaled(value as f64, shift);
    if value.is_finite() { Ok(format!("{value:?}")) } else { is_too_large(plain) }
}

/// `value * 2^exponent`, in steps that none of them leaves the range of a float by itself.
fn scaled(mut value: f64, mut exponent: i32) -> f64 {
    while exponent != 0 && value != 0.0 && value.is_finite() {
        let step = exponent.clamp(-1000, 1000);
        value *= 2f64.powi(step);
        exponent -= step;
    }
    value
}

/// Whether a word stands for a number: an infinite one, or none at all.
pub fn is_number_word(word: &str) -> bool {
    ["inf", "infinity", "nan"].iter().any(|name| name.eq_ignore_ascii_case(word))
}
