//! Calendar arithmetic: `dateDiff`, `dateAdd` with any unit, `formatDateTime`. All in UTC.

use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, Months, TimeDelta, Timelike, Utc};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, PrimitiveArray, StringViewBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, plan_err};

use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_text};
use super::text::instant;
use crate::dialect::clickhouse_name;

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    let diff = NativeFunction::new("datediff", 3..=3, |_| Ok(DataType::Int64), date_diff);
    let add = NativeFunction::new("dateadd", 3..=3, added_type, date_add);
    let format = |_: &[DataType]| Ok(DataType::Utf8View);
    let format = NativeFunction::new("formatdatetime", 2..=2, format, format_datetime);
    let hour = NativeFunction::new("time_of_day", 2..=2, |_| Ok(DataType::Int32), time_of_day);
    vec![
        Function::internal(hour),
        Function::new(
            diff,
            "dateDiff(unit, a, b)",
            "dateDiff('year', '2023-12-31', '2024-01-01')",
            "1",
        ),
        Function::new(
            add,
            "dateAdd(unit, k, x)",
            "dateAdd(hour, 5, toDateTime(0))",
            "1970-01-01 05:00:00",
        ),
        Function::new(
            format,
            "formatDateTime(x, f)",
            "formatDateTime(toDate('2024-05-06'), '%d.%m.%y')",
            "06.05.24",
        ),
    ]
}

/// `time_of_day('hour', t)`: the hour, minute or second in UTC, without a calendar. DataFusion's
/// `date_part` goes through time zones, at ten times the cost.
fn time_of_day(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let (length_s, count) = match arguments.constant_text(0)? {
        Some("hour") => (3600, 24),
        Some("minute") => (60, 60),
        Some("second") => (1, 60),
        other => return exec_err!("no part of a day is {other:?}"),
    };
    let array = arguments.array(1)?;
    let units = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => 1,
        DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1_000_000_000,
        _ => 1,
    };
    let ticks = match array.data_type() {
        // Midnight.
        DataType::Date32 => return Ok(Arc::new(zeros(&array))),
        DataType::Timestamp(..) => cast(&array, &DataType::Int64)?,
        other => return exec_err!("a time is expected, not {}", clickhouse_name(other)),
    };
    let length = length_s * units;
    let parts = ticks
        .as_primitive::<Int64Type>()
        .unary::<_, Int32Type>(|tick| tick.div_euclid(length).rem_euclid(count) as i32);
    Ok(Arc::new(parts))
}

fn zeros(like: &ArrayRef) -> PrimitiveArray<Int32Type> {
    PrimitiveArray::new(vec![0; like.len()].into(), like.logical_nulls())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// Names and short names as in ClickHouse.
    fn parse(text: &str) -> Option<Unit> {
        Some(match text.to_ascii_lowercase().as_str() {
            "nanosecond" | "nanoseconds" | "ns" => Unit::Nanosecond,
            "microsecond" | "microseconds" | "us" | "u" => Unit::Microsecond,
            "millisecond" | "milliseconds" | "ms" => Unit::Millisecond,
            "second" | "seconds" | "ss" | "s" => Unit::Second,
            "minute" | "minutes" | "mi" | "n" => Unit::Minute,
            "hour" | "hours" | "hh" | "h" => Unit::Hour,
            "day" | "days" | "dd" | "d" => Unit::Day,
            "week" | "weeks" | "wk" | "ww" => Unit::Week,
            "month" | "months" | "mm" | "m" => Unit::Month,
            "quarter" | "quarters" | "qq" | "q" => Unit::Quarter,
            "year" | "years" | "yyyy" | "yy" => Unit::Year,
            _ => return None,
        })
    }

    /// Microseconds of a unit of fixed length.
    fn micros(self) -> Option<i64> {
        Some(match self {
            Unit::Microsecond => 1,
            Unit::Millisecond => 1_000,
            Unit::Second => 1_000_000,
            Unit::Minute => 60_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Day => 86_400_000_000,
            Unit::Week => 604_800_000_000,
            _ => return None,
        })
    }
}

fn unit(arguments: &Arguments<'_>) -> Result<Unit> {
    let text = arguments.constant_text(0)?.unwrap_or_default();
    match Unit::parse(text) {
        Some(unit) => Ok(unit),
        None => exec_err!(
            "{text:?} is no unit of time: use second, minute, hour, day, week, month, \
             quarter or year"
        ),
    }
}

fn micros(array: &ArrayRef) -> Result<PrimitiveArray<TimestampMicrosecondType>> {
    let data_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Ok(cast(array, &data_type)?.as_primitive::<TimestampMicrosecondType>().clone())
}

/// `dateDiff(unit, a, b)`: how many borders of the unit lie between.
fn date_diff(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let unit = unit(arguments)?;
    let (a, b) = (micros(&arguments.array(1)?)?, micros(&arguments.array(2)?)?);
    let differences: Int64Array = a
        .iter()
        .zip(b.iter())
        .map(|(a, b)| ordinal(b?, unit)?.checked_sub(ordinal(a?, unit)?))
        .collect();
    Ok(Arc::new(differences))
}

/// The number of the unit an instant is in.
fn ordinal(micros: i64, unit: Unit) -> Option<i64> {
    // 1970-01-01 was a Thursday; weeks begin on Monday.
    const MONDAY: i64 = 3 * 86_400_000_000;
    match unit {
        Unit::Nanosecond => micros.checked_mul(1000),
        Unit::Week => Some(micros.checked_add(MONDAY)?.div_euclid(604_800_000_000)),
        Unit::Month | Unit::Quarter | Unit::Year => {
            let time = instant(micros, &TimeUnit::Microsecond)?;
            let months = i64::from(time.year()) * 12 + i64::from(time.month0());
            Some(match unit {
                Unit::Month => months,
                Unit::Quarter => months.div_euclid(3),
                _ => months.div_euclid(12),
            })
        }
        _ => Some(micros.div_euclid(unit.micros()?)),
    }
}

/// Dates stay dates where the unit allows; it is not known when planning, so a Date plus hours is
/// an error and asks for `toDateTime`.
fn added_type(args: &[DataType]) -> Result<DataType> {
    match args.get(2) {
        Some(time @ (DataType::Date32 | DataType::Timestamp(_, _))) => Ok(time.clone()),
        Some(text) if is_text(text) || text.is_null() => {
            Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
        }
        Some(other) => plan_err!("a date or time is expected, not {}", clickhouse_name(other)),
        None => plan_err!("dateAdd wants a unit, a number and a time"),
    }
}

fn date_add(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let unit = unit(arguments)?;
    let counts = arguments.integers(1)?;
    let times = arguments.array(2)?;
    if times.data_type() == &DataType::Date32 {
        if !matches!(unit, Unit::Day | Unit::Week | Unit::Month | Unit::Quarter | Unit::Year) {
            return exec_err!(
                "a Date has no time of day: use toDateTime(x) to add less than a day"
            );
        }
        let dates = times.as_primitive::<Date32Type>();
        let sums: PrimitiveArray<Date32Type> = dates
            .iter()
            .zip(counts.iter())
            .map(|(date, count)| {
                let sum = add(midnight(date?)?, unit, count?)?;
                i32::try_from(sum.timestamp().div_euclid(86_400)).ok()
            })
            .collect();
        return Ok(Arc::new(sums));
    }
    let target = added_type(&[DataType::Null, DataType::Null, times.data_type().clone()])?;
    let times = cast(&times, &target)?;
    let DataType::Timestamp(time_unit, _) = &target else {
        return exec_err!("dateAdd of {target}");
    };
    let values = cast(&times, &DataType::Int64)?;
    let sums: Int64Array = values
        .as_primitive::<Int64Type>()
        .iter()
        .zip(counts.iter())
        .map(|(value, count)| {
            let sum = add(instant(value?, time_unit)?, unit, count?)?;
            stamp(&sum, time_unit)
        })
        .collect();
    Ok(cast(&sums, &target)?)
}

fn midnight(days: i32) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::from(days) * 86_400, 0)
}

fn stamp(time: &DateTime<Utc>, unit: &TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => Some(time.timestamp()),
        TimeUnit::Millisecond => Some(time.timestamp_millis()),
        TimeUnit::Microsecond => Some(time.timestamp_micros()),
        TimeUnit::Nanosecond => time.timestamp_nanos_opt(),
    }
}

/// The sum, or none when it is outside the calendar.
fn add(time: DateTime<Utc>, unit: Unit, count: i64) -> Option<DateTime<Utc>> {
    let months = |per_unit: i64| -> Option<DateTime<Utc>> {
        let months = count.checked_mul(per_unit)?;
        let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        if months < 0 { time.checked_sub_months(size) } else { time.checked_add_months(size) }
    };
    let days = |per_unit: i64| -> Option<DateTime<Utc>> {
        let days = count.checked_mul(per_unit)?;
        let size = Days::new(days.unsigned_abs());
        if days < 0 { time.checked_sub_days(size) } else { time.checked_add_days(size) }
    };
    match unit {
        Unit::Year => months(12),
        Unit::Quarter => months(3),
        Unit::Month => months(1),
        Unit::Week => days(7),
        Unit::Day => days(1),
        Unit::Nanosecond => time.checked_add_signed(TimeDelta::nanoseconds(count)),
        _ => {
            let micros = count.checked_mul(unit.micros()?)?;
            time.checked_add_signed(TimeDelta::microseconds(micros))
        }
    }
}

/// `formatDateTime(x, format)`, with the specifiers of MySQL and ClickHouse.
fn format_datetime(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let format = arguments.constant_text(1)?.unwrap_or_default();
    let times = micros(&arguments.array(0)?)?;
    let mut builder = StringViewBuilder::with_capacity(times.len());
    let mut text = String::new();
    for micros in &times {
        match micros.and_then(|micros| instant(micros, &TimeUnit::Microsecond)) {
            Some(time) => {
                text.clear();
                write_time(&time, format, &mut text)?;
                builder.append_value(&text);
            }
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn write_time(time: &DateTime<Utc>, format: &str, out: &mut String) -> Result<()> {
    let mut chars = format.chars();
    while let Some(ch) = chars.next() {
        if ch != '%' {
            out.push(ch);
            continue;
        }
        let specifier = chars.next();
        let hour12 = time.hour12().1;
        // Writing to a String cannot fail.
        let _ = match specifier {
            Some('Y') => write!(out, "{:04}", time.year()),
            Some('y') => write!(out, "{:02}", time.year().rem_euclid(100)),
            Some('C') => write!(out, "{:02}", time.year().div_euclid(100)),
            Some('m') => write!(out, "{:02}", time.month()),
            Some('c') => write!(out, "{}", time.month()),
            Some('d') => write!(out, "{:02}", time.day()),
            Some('e') => write!(out, "{:2}", time.day()),
            Some('j') => write!(out, "{:03}", time.ordinal()),
            Some('H') => write!(out, "{:02}", time.hour()),
            Some('k') => write!(out, "{:2}", time.hour()),
            Some('h' | 'I') => write!(out, "{hour12:02}"),
            Some('l') => write!(out, "{hour12:2}"),
            Some('i') => write!(out, "{:02}", time.minute()),
            Some('S' | 's') => write!(out, "{:02}", time.second()),
            Some('f') => write!(out, "{:06}", time.timestamp_subsec_micros()),
            Some('p') => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
            Some('M') => write!(out, "{}", time.format("%B")),
            Some('b') => write!(out, "{}", time.format("%b")),
            Some('W') => write!(out, "{}", time.format("%A")),
            Some('a') => write!(out, "{}", time.format("%a")),
            Some('u') => write!(out, "{}", time.weekday().number_from_monday()),
            Some('w') => write!(out, "{}", time.weekday().num_days_from_sunday()),
            Some('V') => write!(out, "{:02}", time.iso_week().week()),
            Some('G') => write!(out, "{:04}", time.iso_week().year()),
            Some('g') => write!(out, "{:02}", time.iso_week().year().rem_euclid(100)),
            Some('Q') => write!(out, "{}", time.month0() / 3 + 1),
            Some('F') => write!(out, "{}", time.format("%Y-%m-%d")),
            Some('D') => write!(out, "{}", time.format("%m/%d/%y")),
            Some('T') => write!(out, "{}", time.format("%H:%M:%S")),
            Some('R') => write!(out, "{}", time.format("%H:%M")),
            Some('r') => write!(out, "{hour12:02}:{}", time.format("%M %p")),
            Some('z') => write!(out, "+0000"),
            Some('n') => out.write_char('\n'),
            Some('t') => write!(out, "\t"),
            Some('%') => write!(out, "%"),
            Some(other) => return exec_err!("formatDateTime does not know %{other}"),
            None => return exec_err!("formatDateTime: the format ends in %"),
        };
    }
    Ok(())
}
