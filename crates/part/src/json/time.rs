//! Texts that are dates or times: kept as numbers where that prints them as they were written.
//! Not the conversion of other spellings, which stay texts.

use chrono::{Datelike, NaiveDate};

use super::kind::Kind;
use crate::schema::TimeUnit;

/// What stands around the digits of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `2024-05-06T07:08:09Z`
    Zulu,
    /// `2024-05-06 07:08:09`
    Space,
    /// `2024-05-06T07:08:09+00:00`
    Offset,
}

impl Style {
    const ALL: [Style; 3] = [Style::Zulu, Style::Space, Style::Offset];

    /// Between date and time, and behind the time.
    fn around(self) -> (u8, &'static str) {
        match self {
            Style::Zulu => (b'T', "Z"),
            Style::Space => (b' ', ""),
            Style::Offset => (b'T', "+00:00"),
        }
    }
}

/// Style and unit of each kind of time.
const TIMES: [(Kind, Style, TimeUnit); 9] = [
    (Kind::ZuluSeconds, Style::Zulu, TimeUnit::Second),
    (Kind::ZuluMillis, Style::Zulu, TimeUnit::Millisecond),
    (Kind::ZuluMicros, Style::Zulu, TimeUnit::Microsecond),
    (Kind::SpaceSeconds, Style::Space, TimeUnit::Second),
    (Kind::SpaceMillis, Style::Space, TimeUnit::Millisecond),
    (Kind::SpaceMicros, Style::Space, TimeUnit::Microsecond),
    (Kind::OffsetSeconds, Style::Offset, TimeUnit::Second),
    (Kind::OffsetMillis, Style::Offset, TimeUnit::Millisecond),
    (Kind::OffsetMicros, Style::Offset, TimeUnit::Microsecond),
];

/// Days from the first of January of the year 1 to that of 1970, both in the calendar of today.
const DAYS_TO_1970: i64 = 719_163;
const DAY_SECONDS: i64 = 86_400;
/// `2024-05-06`
const DATE_BYTES: usize = 10;
/// `2024-05-06 07:08:09`
const TIME_BYTES: usize = 19;

/// Ticks of a unit in a second, and the digits they take.
fn resolution(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// The unit of a kind of time; `None` for dates and for what is no time.
pub(crate) fn unit_of(kind: Kind) -> Option<TimeUnit> {
    TIMES.iter().find(|(own, ..)| *own == kind).map(|(.., unit)| *unit)
}

/// Whether values of the kind are dates or times.
pub(crate) fn is_time(kind: Kind) -> bool {
    kind == Kind::Date || unit_of(kind).is_some()
}

/// A value of a kind of time, or a date, in another unit; `None` where it is finer than that, or
/// too large.
pub(crate) fn rescaled(kind: Kind, value: i64, unit: TimeUnit) -> Option<i64> {
    let (to, _) = resolution(unit);
    let (value, from) = match unit_of(kind) {
        Some(own) => (value, resolution(own).0),
        None => (value.checked_mul(DAY_SECONDS)?, 1),
    };
    if to >= from {
        return value.checked_mul(to / from);
    }
    let ticks = from / to;
    (value % ticks == 0).then_some(value / ticks)
}

/// The kind and the value of a text that is a date or a time written in one of the ways that are
/// kept as numbers: days, or ticks of the kind's unit, since 1970.
pub(crate) fn parse(text: &str) -> Option<(Kind, i64)> {
    let bytes = text.as_bytes();
    if bytes.len() < DATE_BYTES || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let (year, month, day) = (number(bytes, 0, 4)?, number(bytes, 5, 2)?, number(bytes, 8, 2)?);
    let date = NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?;
    let days = i64::from(date.num_days_from_ce()) - DAYS_TO_1970;
    let Some(separator) = bytes.get(DATE_BYTES) else { return Some((Kind::Date, days)) };
    if bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) =
        (number(bytes, 11, 2)?, number(bytes, 14, 2)?, number(bytes, 17, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * DAY_SECONDS + hour * 3_600 + minute * 60 + second;
    let (unit, fraction, end) = match bytes.get(TIME_BYTES) {
        Some(b'.') => {
            let digits = bytes.iter().skip(TIME_BYTES + 1).take_while(|b| b.is_ascii_digit());
            let digits = digits.take(7).count();
            let unit = match digits {
                3 => TimeUnit::Millisecond,
                6 => TimeUnit::Microsecond,
                _ => return None,
            };
            (unit, number(bytes, TIME_BYTES + 1, digits)?, TIME_BYTES + 1 + digits)
        }
        _ => (TimeUnit::Second, 0, TIME_BYTES),
    };
    let tail = text.get(end..)?;
    let style = Style::ALL.into_iter().find(|style| style.around() == (*separator, tail))?;
    let found = TIMES.iter().find(|(_, own, ticks)| *own == style && *ticks == unit);
    found.map(|(kind, ..)| (*kind, seconds * resolution(unit).0 + fraction))
}

/// The number of `count` digits at `start`.
fn number(bytes: &[u8], start: usize, count: usize) -> Option<i64> {
    let digits = bytes.get(start..start + count)?;
    digits.iter().try_fold(0i64, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
    })
}

/// Appends a value of a kind of time as it was written; `None` for a number that no text stands
/// for.
pub(crate) fn push_text(out: &mut String, kind: Kind, value: i64) -> Option<()> {
    if kind == Kind::Date {
        return push_date(out, value);
    }
    let (_, style, unit) = TIMES.iter().find(|(own, ..)| *own == kind)?;
    let (ticks, digits) = resolution(*unit);
    let (seconds, fraction) = (value.div_euclid(ticks), value.rem_euclid(ticks));
    push_date(out, seconds.div_euclid(DAY_SECONDS))?;
    let (separator, tail) = style.around();
    out.push(char::from(separator));
    let of_day = seconds.rem_euclid(DAY_SECONDS);
    push_digits(out, of_day / 3_600, 2);
    out.push(':');
    push_digits(out, of_day / 60 % 60, 2);
    out.push(':');
    push_digits(out, of_day % 60, 2);
    if digits > 0 {
        out.push('.');
        push_digits(out, fraction, digits);
    }
    out.push_str(tail);
    Some(())
}

fn push_date(out: &mut String, days: i64) -> Option<()> {
    let days = i32::try_from(days.checked_add(DAYS_TO_1970)?).ok()?;
    let date = NaiveDate::from_num_days_from_ce_opt(days)?;
    if !(0..=9_999).contains(&date.year()) {
        return None;
    }
    push_digits(out, i64::from(date.year()), 4);
    out.push('-');
    push_digits(out, i64::from(date.month()), 2);
    out.push('-');
    push_digits(out, i64::from(date.day()), 2);
    Some(())
}

fn push_digits(out: &mut String, value: i64, count: usize) {
    let mut scale = 10i64.pow(count.saturating_sub(1) as u32);
    while scale > 0 {
        out.push(char::from(b'0' + (value / scale % 10) as u8));
        scale /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Kind, i64)>) {
        let found = parse(text);
        assert_eq!(found, expected, "{text}");
        if let Some((kind, value)) = found {
            let mut printed = String::new();
            push_text(&mut printed, kind, value).unwrap();
            assert_eq!(printed, text);
        }
    }

    #[test]
    fn a_time_is_a_number_that_prints_it() {
        check("1970-01-01", Some((Kind::Date, 0)));
        check("0000-01-01", Some((Kind::Date, -719_528)));
        check("9999-12-31", Some((Kind::Date, 2_932_896)));
        check("2024-02-29", Some((Kind::Date, 19_782)));
        check("1970-01-01T00:00:01Z", Some((Kind::ZuluSeconds, 1)));
        check("1969-12-31T23:59:59.999Z", Some((Kind::ZuluMillis, -1)));
        check("2013-01-01 05:00:00", Some((Kind::SpaceSeconds, 1_357_016_400)));
        check("1970-01-02 00:00:00.000001", Some((Kind::SpaceMicros, 86_400_000_001)));
        check("1970-01-01T00:01:00+00:00", Some((Kind::OffsetSeconds, 60)));
        check("9999-12-31T23:59:59.999999+00:00", Some((Kind::OffsetMicros, 253402300799999999)));
    }

    #[test]
    fn other_spellings_stay_texts() {
        for text in [
            "",
            "2024",
            "2024-5-06",
            "2024-02-30",
            "2023-02-29",
            "+2024-01-01",
            "2024-01-01T",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00.1Z",
            "2024-01-01T00:00:00.1234567Z",
            "2024-01-01T00:00:00.123456789Z",
            "2024-01-01T00:00:00z",
            "2024-01-01t00:00:00Z",
            "2024-01-01T00:00:00-00:00",
            "2024-01-01T00:00:00+01:00",
            "2024-01-01T00:00Z",
            " 2024-01-01",
            "2024-01-01 ",
            "२०२४-01-01",
            "2024-01-01T00:00:00,123Z",
            "12024-01-01",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn numbers_that_no_text_stands_for_print_nothing() {
        for (kind, value) in [(Kind::Date, i64::MAX), (Kind::ZuluSeconds, i64::MIN)] {
            assert_eq!(push_text(&mut String::new(), kind, value), None);
        }
        assert_eq!(push_text(&mut String::new(), Kind::Int, 0), None);
    }

    #[test]
    fn a_time_changes_its_unit_only_where_it_stays_the_same() {
        let unit = TimeUnit::Millisecond;
        assert_eq!(rescaled(Kind::Date, 1, unit), Some(86_400_000));
        assert_eq!(rescaled(Kind::ZuluSeconds, -1, unit), Some(-1_000));
        assert_eq!(rescaled(Kind::ZuluMicros, 5_000, unit), Some(5));
        assert_eq!(rescaled(Kind::ZuluMicros, 5_001, unit), None);
        assert_eq!(rescaled(Kind::ZuluSeconds, i64::MAX, unit), None);
    }
}
