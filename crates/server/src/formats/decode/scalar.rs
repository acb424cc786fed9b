//! Scalars from text. No allocation; `None` where the text is not such a value.

use arrow_schema::TimeUnit;

use crate::formats::calendar::{parse_fraction, parse_timestamp, ticks};

/// An unsigned integer: digits only.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0u64;
    // Nineteen digits always fit.
    let (head, tail) = text.split_at(text.len().min(19));
    for byte in head {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    for byte in tail {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// A signed integer: digits, perhaps a sign before them.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => 0i64.checked_sub_unsigned(parse_u64(digits)?),
        [b'+', digits @ ..] => i64::try_from(parse_u64(digits)?).ok(),
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// `true`, `false`, `t`, `f`, `yes`, `no`, `on`, `off`, `1`, `0` in any case.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "1", "t", "yes", "y", "on"];
    const FALSE: [&str; 6] = ["false", "0", "f", "no", "n", "off"];
    if TRUE.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Some(true);
    }
    FALSE.iter().any(|word| word.eq_ignore_ascii_case(text)).then_some(false)
}

/// A double; `nan` and `inf` are taken, a number too large is not.
pub(crate) fn parse_f64(text: &str) -> Option<f64> {
    let value = text.parse::<f64>().ok()?;
    (value.is_finite() || names_no_number(text)).then_some(value)
}

/// A float; `nan` and `inf` are taken, a number too large is not.
pub(crate) fn parse_f32(text: &str) -> Option<f32> {
    let value = text.parse::<f32>().ok()?;
    (value.is_finite() || names_no_number(text)).then_some(value)
}

fn names_no_number(text: &str) -> bool {
    !text.bytes().any(|b| b.is_ascii_digit())
}

/// A decimal as an integer of its last digit; digits beyond the scale are cut, as ClickHouse
/// does; more digits than the precision holds are refused.
pub(crate) fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (text.get(..at)?, parse_i64(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.');
    let digits = mantissa.len() - usize::from(point.is_some());
    if digits == 0 {
        return None;
    }
    let whole = point.unwrap_or(mantissa.len()) as i64;
    // Digits that stand before the last digit of the column.
    let kept = whole.checked_add(exponent)?.checked_add(i64::from(scale))?;
    let mut value = 0i128;
    let mut taken = 0i64;
    for byte in mantissa.iter().filter(|b| **b != b'.') {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        if taken < kept {
            value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        taken += 1;
    }
    if mantissa.iter().filter(|b| **b == b'.').count() > 1 {
        return None;
    }
    if value != 0 {
        let missing = u32::try_from(kept.saturating_sub(taken).max(0)).ok()?;
        value = value.checked_mul(10i128.checked_pow(missing)?)?;
    }
    let limit = 10i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(if negative { -value } else { value })
}

/// A time: see [`parse_timestamp`]; or a whole number of the column's unit since 1970; or a
/// number of seconds with a point.
pub(crate) fn parse_time(text: &[u8], unit: TimeUnit) -> Option<i64> {
    if let Some(value) = parse_timestamp(text, unit) {
        return Some(value);
    }
    if let Some(value) = parse_i64(text) {
        return Some(value);
    }
    let point = memchr::memchr(b'.', text)?;
    let (seconds, fraction) = (text.get(..point)?, text.get(point + 1..)?);
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (per_second, digits) = ticks(unit);
    let fraction = parse_fraction(fraction, digits)?;
    let whole = parse_i64(seconds)?.checked_mul(per_second)?;
    if seconds.starts_with(b"-") {
        whole.checked_sub(fraction)
    } else {
        whole.checked_add(fraction)
    }
}

/// A UUID in canonical lower-case form, from 36 characters with dashes or 32 without.
pub(crate) fn parse_uuid(text: &[u8]) -> Option<[u8; 36]> {
    let dashed = text.len() == 36;
    if !dashed && text.len() != 32 {
        return None;
    }
    let mut canonical = [b'-'; 36];
    let mut from = text.iter();
    for (at, slot) in canonical.iter_mut().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if dashed && from.next() != Some(&b'-') {
                return None;
            }
            continue;
        }
        let byte = from.next()?;
        if !byte.is_ascii_hexdigit() {
            return None;
        }
        *slot = byte.to_ascii_lowercase();
    }
    Some(canonical)
}

/// Whether brackets nest deeper than `max` outside strings.
pub(crate) fn is_deeper_than(json: &str, max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
