//! `toString`: values as ClickHouse writes them in text formats.

use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, PrimitiveArray, StringViewArray, StringViewBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    ArrowTimestampType, DataType, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::Result;

use super::register::Function;
use super::scalar::{Arguments, NativeFunction};

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::new(to_string(), "toString(x)", "toString(n / 4)", "0.25")]
}

fn to_string() -> NativeFunction {
    let evaluate = |arguments: &Arguments<'_>| {
        let array = arguments.array(0)?;
        Ok(Arc::new(shown(&array)?) as ArrayRef)
    };
    NativeFunction::new("tostring", 1..=1, |_| Ok(DataType::Utf8View), evaluate)
        .with_identity(|data_type| *data_type == DataType::Utf8View)
}

/// Every value of a column as text.
pub(crate) fn shown(array: &ArrayRef) -> Result<StringViewArray> {
    Ok(match array.data_type() {
        DataType::Float32 => written(array.as_primitive::<Float32Type>(), |value, out| {
            float(f64::from(value), format!("{value}"), out)
        }),
        DataType::Float64 => written(array.as_primitive::<Float64Type>(), |value, out| {
            float(value, format!("{value}"), out)
        }),
        DataType::Timestamp(TimeUnit::Second, _) => {
            instants::<TimestampSecondType>(array, "%Y-%m-%d %H:%M:%S")
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            instants::<TimestampMillisecondType>(array, "%Y-%m-%d %H:%M:%S%.3f")
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            instants::<TimestampMicrosecondType>(array, "%Y-%m-%d %H:%M:%S%.6f")
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            instants::<TimestampNanosecondType>(array, "%Y-%m-%d %H:%M:%S%.9f")
        }
        _ => cast(array, &DataType::Utf8View)?.as_string_view().clone(),
    })
}

/// ClickHouse writes `inf`, `-inf`, `nan`, and large numbers with an exponent.
fn float(value: f64, shortest: String, out: &mut String) {
    if value.is_nan() {
        out.push_str("nan");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "inf" } else { "-inf" });
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        let _ = write!(out, "{value:e}");
    } else {
        out.push_str(&shortest);
    }
}

fn written<T: datafusion::arrow::datatypes::ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    write: impl Fn(T::Native, &mut String),
) -> StringViewArray {
    let mut builder = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for value in array {
        text.clear();
        match value {
            Some(value) => {
                write(value, &mut text);
                builder.append_value(&text);
            }
            None => builder.append_null(),
        }
    }
    builder.finish()
}

fn instants<T: ArrowTimestampType>(array: &ArrayRef, format: &str) -> StringViewArray
where
    T::Native: Into<i64>,
{
    written(array.as_primitive::<T>(), |value, out| {
        let _ = match instant(value, &T::UNIT) {
            Some(time) => write!(out, "{}", time.format(format)),
            None => write!(out, "{value}"),
        };
    })
}

/// The instant of a timestamp, when chrono can hold it.
pub(super) fn instant(value: i64, unit: &TimeUnit) -> Option<DateTime<Utc>> {
    match unit {
        TimeUnit::Second => DateTime::from_timestamp(value, 0),
        TimeUnit::Millisecond => DateTime::from_timestamp_millis(value),
        TimeUnit::Microsecond => DateTime::from_timestamp_micros(value),
        TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(value)),
    }
}
