//! Dates and times of day as text and back, ClickHouse's way. Time zones by name are Arrow's.

use arrow_array::timezone::Tz;
use arrow_schema::TimeUnit;
use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone};

/// Days from 1 January of year 1 to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;
const DAY_SECONDS: i64 = 86_400;

/// Ticks of a unit in one second, and the number of digits after the point.
pub(crate) fn ticks(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// Appends `number` in decimal, filled with zeros to `width` (at most 9) digits.
fn push_padded(number: u32, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 9];
    let mut rest = number;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(digits.get(9 - width.min(9)..).unwrap_or_default());
}

/// Appends `YYYY-MM-DD`; a day outside the calendar is written as its number.
pub(crate) fn push_date(days: i64, out: &mut Vec<u8>) {
    let date = i32::try_from(days)
        .ok()
        .and_then(|days| days.checked_add(EPOCH_FROM_CE))
        .and_then(NaiveDate::from_num_days_from_ce_opt);
    let Some(date) = date else {
        out.extend_from_slice(itoa::Buffer::new().format(days).as_bytes());
        return;
    };
    let year = date.year();
    if (0..=9999).contains(&year) {
        push_padded(year.unsigned_abs(), 4, out);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
    }
    out.push(b'-');
    push_padded(date.month(), 2, out);
    out.push(b'-');
    push_padded(date.day(), 2, out);
}

/// Appends `YYYY-MM-DD hh:mm:ss` and the fraction of the unit, in the zone (UTC when none).
pub(crate) fn push_timestamp(value: i64, unit: TimeUnit, zone: Option<&Tz>, out: &mut Vec<u8>) {
    let (per_second, digits) = ticks(unit);
    let mut seconds = value.div_euclid(per_second);
    let fraction = value.rem_euclid(per_second);
    if let Some(zone) = zone
        && let Some(utc) = DateTime::from_timestamp(seconds, 0)
    {
        let offset = zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc();
        seconds = seconds.saturating_add(i64::from(offset));
    }
    push_date(seconds.div_euclid(DAY_SECONDS), out);
    let second = seconds.rem_euclid(DAY_SECONDS) as u32;
    out.push(b' ');
    push_padded(second / 3600, 2, out);
    out.push(b':');
    push_padded(second / 60 % 60, 2, out);
    out.push(b':');
    push_padded(second % 60, 2, out);
    if digits > 0 {
        out.push(b'.');
        push_padded(fraction as u32, digits, out);
    }
}

fn two(text: &[u8], at: usize) -> Option<u32> {
    let (tens, ones) = (text.get(at)?.wrapping_sub(b'0'), text.get(at + 1)?.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Days since 1970-01-01 of `YYYY-MM-DD`, which must be all of `text`.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    if text.len() != 10 || text.get(4) != Some(&b'-') || text.get(7) != Some(&b'-') {
        return None;
    }
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let date = NaiveDate::from_ymd_opt(year as i32, two(text, 5)?, two(text, 8)?)?;
    date.num_days_from_ce().checked_sub(EPOCH_FROM_CE)
}

/// Ticks since 1970 of `YYYY-MM-DD`, `YYYY-MM-DD hh:mm[:ss[.f]]` or RFC 3339 with an offset.
///
/// A fraction finer than the unit is cut. Without an offset the time is UTC.
pub(crate) fn parse_timestamp(text: &[u8], unit: TimeUnit) -> Option<i64> {
    let days = i64::from(parse_date(text.get(..10)?)?);
    let (per_second, digits) = ticks(unit);
    let mut seconds = days * DAY_SECONDS;
    let mut fraction = 0i64;
    if text.len() > 10 {
        if !matches!(text.get(10), Some(b' ' | b'T' | b't')) || text.get(13) != Some(&b':') {
            return None;
        }
        let (hour, minute) = (two(text, 11)?, two(text, 14)?);
        let mut at = 16;
        let mut second = 0;
        if text.get(at) == Some(&b':') {
            second = two(text, at + 1)?;
            at += 3;
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds += i64::from(hour * 3600 + minute * 60 + second);
        if text.get(at) == Some(&b'.') {
            at += 1;
            let length = text.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
            fraction = parse_fraction(text.get(at..at + length)?, digits)?;
            at += length;
        }
        seconds -= parse_offset(text.get(at..)?)?;
    }
    seconds.checked_mul(per_second)?.checked_add(fraction)
}

/// The digits after the point as ticks of a unit with `digits` digits; longer ones are cut.
pub(crate) fn parse_fraction(text: &[u8], digits: usize) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for at in 0..digits {
        let digit = text.get(at).map_or(0, |b| i64::from(b.wrapping_sub(b'0')));
        value = value * 10 + digit;
    }
    Some(value)
}

/// Seconds east of UTC: nothing, `Z`, `+hh`, `+hhmm` or `+hh:mm`, one space before it allowed.
fn parse_offset(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, rest) = match text {
        [] | [b'Z' | b'z'] | [b'U', b'T', b'C'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let minutes = match rest.len() {
        2 => 0,
        4 => two(rest, 2)?,
        5 if rest.get(2) == Some(&b':') => two(rest, 3)?,
        _ => return None,
    };
    let hours = two(rest, 0)?;
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}
