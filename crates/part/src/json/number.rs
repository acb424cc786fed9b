//! Numbers of JSON text: which kind holds one so that it prints as it was written.

use super::kind::{Kind, Kinds};

/// A number in the kind that keeps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Only its text keeps it.
    Text,
}

/// Integers up to here are doubles too.
const EXACT_INT_MAX: u64 = 1 << 53;

/// A decimal of so many digits is the only one of that many that its nearest double stands for.
const EXACT_DIGITS_MAX: usize = 15;

/// Powers of ten that are doubles exactly, as far as 15 digits need them.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

impl Number {
    /// Reads a number that is well formed.
    pub(crate) fn parse(text: &str) -> Number {
        let bytes = text.as_bytes();
        let (negative, digits) = match bytes {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let mut value = 0u64;
        let mut count = 0;
        for byte in digits {
            if !byte.is_ascii_digit() || count > 18 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            count += 1;
        }
        if count == digits.len() && count <= 18 {
            let value = value as i64;
            return match (negative, value) {
                (true, 0) => Number::Text,
                (true, value) => Number::Int(-value),
                (false, value) => Number::Int(value),
            };
        }
        if digits.iter().all(u8::is_ascii_digit) {
            return match (text.parse(), text.parse()) {
                (Ok(int), _) => Number::Int(int),
                (_, Ok(uint)) => Number::UInt(uint),
                _ => Number::Text,
            };
        }
        match decimal(digits, value, count) {
            Some(value) => Number::Float(if negative { -value } else { value }),
            None => float(text),
        }
    }

    /// The kind that holds it, with the marks that decide the type of its path.
    pub(crate) fn kinds(self, text: &str) -> Kinds {
        match self {
            Number::Int(value) if value.unsigned_abs() > EXACT_INT_MAX => {
                Kinds::of(Kind::Int).with(Kinds::WIDE_INT)
            }
            Number::Int(_) => Kinds::of(Kind::Int),
            Number::UInt(_) => Kinds::of(Kind::UInt),
            Number::Float(_) => Kinds::of(Kind::Float),
            Number::Text if is_short(text) => Kinds::of(Kind::Number),
            Number::Text => Kinds::of(Kind::Number).with(Kinds::LONG_NUMBER),
        }
    }
}

/// `12.34` of few digits, without an exponent: exact by one division (Clinger 1990, the fast
/// path), and printed the same if no zero is at its end. `head` is the value of its `count` whole
/// digits.
fn decimal(digits: &[u8], head: u64, count: usize) -> Option<f64> {
    let fraction = digits.get(count..)?.strip_prefix(b".")?;
    if fraction.is_empty() || count + fraction.len() > EXACT_DIGITS_MAX {
        return None;
    }
    if fraction.ends_with(b"0") && fraction.len() > 1 {
        return None;
    }
    let mut mantissa = head;
    for byte in fraction {
        if !byte.is_ascii_digit() {
            return None;
        }
        mantissa = mantissa * 10 + u64::from(byte - b'0');
    }
    let value = mantissa as f64 / POWERS.get(fraction.len())?;
    // Smaller ones are printed with an exponent.
    (value >= 1e-4 || mantissa == 0).then_some(value)
}

fn float(text: &str) -> Number {
    use std::fmt::Write;
    let Ok(value) = text.parse::<f64>() else { return Number::Text };
    let mut printed = String::with_capacity(24);
    let same = write!(printed, "{value:?}").is_ok() && printed == text;
    if same { Number::Float(value) } else { Number::Text }
}

/// Whether a double stands for this number alone, among numbers of as many digits.
fn is_short(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit);
    let digits = digits.skip_while(|digit| *digit == b'0').count();
    digits <= EXACT_DIGITS_MAX && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Appends a double as it was written.
pub(crate) fn push_float(out: &mut String, value: f64) {
    use std::fmt::Write;
    // Writing to a String cannot fail.
    let _ = write!(out, "{value:?}");
}
