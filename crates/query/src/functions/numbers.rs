//! Functions that bring a value of any type to a kind: numbers, times, keys of a distinct count.
//! They vanish from the plan where the value is of that kind already.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringViewArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::numeric::div;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::plan_err;
use dodb_part::ColumnType;

use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_text, try_cast};
use crate::dialect::clickhouse_name;

/// Name of the function that makes numbers of JSON values.
pub(crate) const AS_NUMBER: &str = "as_number";
/// Name of the function that makes floats of values.
pub(crate) const AS_FLOAT: &str = "as_float";

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::internal(as_number()),
        Function::internal(as_float()),
        Function::internal(as_time()),
        Function::internal(uniq_key()),
        Function::new(intdiv(), "intdiv(a, b)", "intDiv(-7, 2)", "-3"),
        Function::new(to_type_name(), "toTypeName(x)", "toTypeName(toUInt8(n))", "UInt8"),
    ]
}

/// The number a value is: itself, 0 or 1 of a Bool, Float64 of text (NULL when it is none).
pub(crate) fn as_number() -> NativeFunction {
    let returns = |args: &[DataType]| match args {
        [number] if number.is_numeric() => Ok(number.clone()),
        [DataType::Boolean] => Ok(DataType::Int64),
        [text] if is_text(text) || text.is_null() => Ok(DataType::Float64),
        [DataType::Dictionary(_, value)] if is_text(value) => Ok(DataType::Float64),
        [other] => plan_err!("a number is expected, not {}", clickhouse_name(other)),
        _ => plan_err!("as_number wants one argument"),
    };
    let evaluate = |arguments: &Arguments<'_>| {
        let array = arguments.array(0)?;
        match array.data_type() {
            DataType::Boolean => Ok(cast(&array, &DataType::Int64)?),
            number if number.is_numeric() => Ok(array),
            _ => try_cast(&array, &DataType::Float64),
        }
    };
    NativeFunction::new(AS_NUMBER, 1..=1, returns, evaluate).with_identity(DataType::is_numeric)
}

/// A value as Float64; NULL when it is no number.
fn as_float() -> NativeFunction {
    let returns = |args: &[DataType]| match args {
        [arg] if arg.is_numeric() || is_text(arg) || arg.is_null() || *arg == DataType::Boolean => {
            Ok(DataType::Float64)
        }
        [other] => plan_err!("a number is expected, not {}", clickhouse_name(other)),
        _ => plan_err!("as_float wants one argument"),
    };
    let evaluate = |arguments: &Arguments<'_>| Ok(Arc::new(arguments.floats(0)?) as ArrayRef);
    NativeFunction::new(AS_FLOAT, 1..=1, returns, evaluate)
        .with_identity(|data_type| *data_type == DataType::Float64)
}

/// The name of [`as_time`].
pub(crate) const AS_TIME: &str = "as_time";

/// What [`as_time`] makes of text.
pub(crate) fn as_time_type() -> DataType {
    instant(TimeUnit::Microsecond)
}

/// A value as a date or an instant: text is parsed (microseconds), integers are Unix seconds.
pub(crate) fn as_time() -> NativeFunction {
    let returns = |args: &[DataType]| match args {
        [time] if is_time(time) => Ok(time.clone()),
        [text] if is_text(text) || text.is_null() => Ok(as_time_type()),
        [number] if number.is_numeric() => Ok(instant(TimeUnit::Second)),
        [other] => plan_err!("a date or time is expected, not {}", clickhouse_name(other)),
        _ => plan_err!("as_time wants one argument"),
    };
    let evaluate = |arguments: &Arguments<'_>| {
        let array = arguments.array(0)?;
        match array.data_type() {
            time if is_time(time) => Ok(array),
            number if number.is_numeric() => {
                Ok(cast(&cast(&array, &DataType::Int64)?, &instant(TimeUnit::Second))?)
            }
            _ => Ok(cast(&array, &as_time_type())?),
        }
    };
    NativeFunction::new(AS_TIME, 1..=1, returns, evaluate).with_identity(is_time)
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(_, _))
}

fn instant(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

/// A value as a type that DataFusion's approximate distinct count takes.
fn uniq_key() -> NativeFunction {
    let returns = |args: &[DataType]| match args {
        [key] if is_key(key) => Ok(key.clone()),
        _ => Ok(DataType::Utf8View),
    };
    let evaluate = |arguments: &Arguments<'_>| {
        let array = arguments.array(0)?;
        if is_key(array.data_type()) { Ok(array) } else { Ok(cast(&array, &DataType::Utf8View)?) }
    };
    NativeFunction::new("uniq_key", 1..=1, returns, evaluate).with_identity(is_key)
}

fn is_key(data_type: &DataType) -> bool {
    data_type.is_integer() || is_text(data_type) || is_time(data_type)
}

/// Division of integers, rounded to zero. Division by zero is an error.
pub(crate) fn intdiv() -> NativeFunction {
    let returns = |_: &[DataType]| Ok(DataType::Int64);
    let evaluate =
        |arguments: &Arguments<'_>| Ok(div(&arguments.integers(0)?, &arguments.integers(1)?)?);
    NativeFunction::new("intdiv", 2..=2, returns, evaluate)
}

/// Are values of a declared type stored as `data_type`? What is cast keeps what it was declared as.
fn is_stored_as(name: &str, data_type: &DataType) -> bool {
    match ColumnType::parse(name) {
        Ok(declared) => declared.arrow() == *data_type,
        // Of no column, but of a path.
        Err(_) => *data_type == DataType::Utf8View,
    }
}

/// The ClickHouse name of a type.
fn to_type_name() -> NativeFunction {
    let evaluate = |arguments: &Arguments<'_>| {
        let name = arguments.field(0).map(|field| {
            let declared = field.metadata().get(crate::json::TYPE_KEY);
            let declared = declared.filter(|name| is_stored_as(name, field.data_type()));
            declared.cloned().unwrap_or_else(|| clickhouse_name(field.data_type()))
        });
        let names = std::iter::repeat_n(name, arguments.rows);
        Ok(Arc::new(names.collect::<StringViewArray>()) as ArrayRef)
    };
    NativeFunction::new("totypename", 1..=1, |_| Ok(DataType::Utf8View), evaluate)
}
