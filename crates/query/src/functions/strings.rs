//! String functions whose ClickHouse meaning differs from DataFusion's of the same name. `length`
//! counts bytes; positions in `substring` count characters.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length as lengths;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, plan_err};

use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_list, is_text};
use crate::dialect::clickhouse_name;

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    let substring = NativeFunction::new("substring", 2..=3, |_| Ok(DataType::Utf8View), substring);
    let replace_one =
        NativeFunction::new("replaceone", 3..=3, |_| Ok(DataType::Utf8View), replace_one);
    let length =
        NativeFunction::new("length", 1..=1, |args| counted(args, DataType::Int64), length);
    let character_length =
        NativeFunction::new("character_length", 1..=1, is_counted_text, character_length);
    let empty = NativeFunction::new(
        "empty",
        1..=1,
        |args| counted(args, DataType::Boolean),
        |args| is_empty(args, true),
    );
    let not_empty = NativeFunction::new(
        "notempty",
        1..=1,
        |args| counted(args, DataType::Boolean),
        |args| is_empty(args, false),
    );
    vec![
        Function::new(length, "length(x)", "length('día')", "4"),
        Function::new(character_length, "character_length(x)", "character_length('día')", "3"),
        Function::new(empty, "empty(x)", "empty('')", "true"),
        Function::new(not_empty, "notEmpty(x)", "notEmpty([n])", "true"),
        Function::new(substring, "substring(x, from[, count])", "substring('hello', -3, 2)", "ll"),
        Function::new(
            replace_one,
            "replaceOne(x, a, b)",
            "replaceOne('banana', 'a', 'o')",
            "bonana",
        ),
    ]
}

fn counted(args: &[DataType], answer: DataType) -> Result<DataType> {
    match args {
        [arg] if is_text(arg) || is_list(arg) || arg.is_null() => Ok(answer),
        [DataType::Binary | DataType::LargeBinary | DataType::BinaryView] => Ok(answer),
        [other] => plan_err!("a String or an Array is expected, not {}", clickhouse_name(other)),
        _ => plan_err!("one argument is expected"),
    }
}

fn is_counted_text(args: &[DataType]) -> Result<DataType> {
    match args {
        [arg] if is_text(arg) || arg.is_null() => Ok(DataType::Int64),
        [other] => plan_err!("a String is expected, not {}", clickhouse_name(other)),
        _ => plan_err!("one argument is expected"),
    }
}

fn character_length(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = arguments.text(0)?;
    let counts = texts.iter().map(|text| text.map(|text| text.chars().count() as i64));
    Ok(Arc::new(counts.collect::<Int64Array>()))
}

/// Bytes of a string, elements of an array.
fn count(arguments: &Arguments<'_>) -> Result<Int64Array> {
    let array = arguments.array(0)?;
    let array = match array.data_type() {
        DataType::Null => cast(&array, &DataType::Utf8)?,
        DataType::BinaryView => cast(&array, &DataType::Binary)?,
        _ => array,
    };
    let lengths = cast(&lengths(&array)?, &DataType::Int64)?;
    Ok(lengths.as_primitive::<Int64Type>().clone())
}

fn length(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    Ok(Arc::new(count(arguments)?))
}

fn is_empty(arguments: &Arguments<'_>, wanted: bool) -> Result<ArrayRef> {
    let counts = count(arguments)?;
    let answers: BooleanArray =
        counts.iter().map(|count| count.map(|count| (count == 0) == wanted)).collect();
    Ok(Arc::new(answers))
}

/// `substring(s, from[, count])`: from 1, negative from the end, 0 gives nothing.
fn substring(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let text = arguments.text(0)?;
    let from = arguments.integers(1)?;
    let count = if arguments.count() > 2 { Some(arguments.integers(2)?) } else { None };
    let mut builder = StringViewBuilder::with_capacity(text.len());
    for row in 0..text.len() {
        let counted = count.as_ref().map(|count| count.is_valid(row).then(|| count.value(row)));
        if text.is_null(row) || from.is_null(row) || counted == Some(None) {
            builder.append_null();
            continue;
        }
        builder.append_value(cut(text.value(row), from.value(row), counted.flatten()));
    }
    Ok(Arc::new(builder.finish()))
}

fn cut(text: &str, from: i64, count: Option<i64>) -> &str {
    let start = match from {
        0 => return "",
        1.. => byte_of(text, from.unsigned_abs() - 1),
        _ => {
            let characters = text.chars().count() as u64;
            match characters.checked_sub(from.unsigned_abs()) {
                Some(skipped) => byte_of(text, skipped),
                None => 0,
            }
        }
    };
    let rest = text.get(start..).unwrap_or_default();
    match count {
        None => rest,
        Some(count @ 1..) => rest.get(..byte_of(rest, count.unsigned_abs())).unwrap_or(rest),
        Some(0) => "",
        // A negative count leaves that many characters at the end.
        Some(count) => {
            let kept = (rest.chars().count() as u64).saturating_sub(count.unsigned_abs());
            rest.get(..byte_of(rest, kept)).unwrap_or_default()
        }
    }
}

/// The byte at which a character begins, or the length.
fn byte_of(text: &str, character: u64) -> usize {
    if text.is_ascii() {
        return usize::try_from(character).unwrap_or(usize::MAX).min(text.len());
    }
    let character = usize::try_from(character).unwrap_or(usize::MAX);
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

fn replace_one(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let (text, from, to) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    let mut builder = StringViewBuilder::with_capacity(text.len());
    for ((text, from), to) in text.iter().zip(from.iter()).zip(to.iter()) {
        match (text, from, to) {
            (Some(text), Some(""), Some(_)) => builder.append_value(text),
            (Some(text), Some(from), Some(to)) => builder.append_value(text.replacen(from, to, 1)),
            _ => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}
