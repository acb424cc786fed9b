//! Structs of a JSON column back to documents: the text where there is one, else what the fields
//! spell, for rows that another engine wrote.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, StructArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use dodb_part::json::canonical;

use crate::error::{Error, Result};
use crate::schema::JSON_FIELD;

/// The documents of a JSON column as read from a file. A column with nothing but texts is read
/// without its other fields.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for a text that is no document.
pub(crate) fn documents(structs: &ArrayRef) -> Result<ArrayRef> {
    let structs = structs.as_struct_opt();
    let structs = structs.ok_or_else(|| Error::corrupt("a JSON column is no struct"))?;
    let texts = match structs.column_by_name(JSON_FIELD) {
        Some(texts) => Some(arrow_cast::cast(texts, &DataType::Utf8View)?),
        None => None,
    };
    let texts = texts.as_ref().and_then(|texts| texts.as_string_view_opt());
    let mut out = StringViewBuilder::with_capacity(structs.len());
    for row in 0..structs.len() {
        let text = texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row));
        match text {
            _ if structs.is_null(row) => out.append_null(),
            Some(text) => out.append_value(text),
            None => {
                let mut text = String::new();
                object(structs, row, true, &mut text)?;
                let spelt = canonical(&text).map_err(Error::corrupt)?;
                out.append_value(spelt.as_ref());
            }
        }
    }
    Ok(Arc::new(out.finish()))
}

fn object(structs: &StructArray, row: usize, is_root: bool, out: &mut String) -> Result<()> {
    out.push('{');
    let mut is_first = true;
    for (field, values) in structs.fields().iter().zip(structs.columns()) {
        if values.is_null(row) || is_root && field.name() == JSON_FIELD {
            continue;
        }
        if !is_first {
            out.push(',');
        }
        is_first = false;
        quoted(field.name(), out)?;
        out.push(':');
        value(values, row, out)?;
    }
    out.push('}');
    Ok(())
}

fn value(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Boolean => {
            let is_true = array.as_boolean_opt().is_some_and(|values| values.value(row));
            out.push_str(if is_true { "true" } else { "false" });
        }
        DataType::Int8 => number::<Int8Type>(array, row, out),
        DataType::Int16 => number::<Int16Type>(array, row, out),
        DataType::Int32 => number::<Int32Type>(array, row, out),
        DataType::Int64 => number::<Int64Type>(array, row, out),
        DataType::UInt8 => number::<UInt8Type>(array, row, out),
        DataType::UInt16 => number::<UInt16Type>(array, row, out),
        DataType::UInt32 => number::<UInt32Type>(array, row, out),
        DataType::UInt64 => number::<UInt64Type>(array, row, out),
        DataType::Decimal128(_, 0) => number::<Decimal128Type>(array, row, out),
        DataType::Float32 => {
            let value = array.as_primitive_opt::<Float32Type>().map(|values| values.value(row));
            float(value.filter(|v| v.is_finite()).map(f64::from), out);
        }
        DataType::Float64 => {
            let value = array.as_primitive_opt::<Float64Type>().map(|values| values.value(row));
            float(value.filter(|v| v.is_finite()), out);
        }
        DataType::Struct(_) => match array.as_struct_opt() {
            Some(structs) => object(structs, row, false, out)?,
            None => out.push_str("null"),
        },
        DataType::List(_) => {
            let Some(list) = array.as_list_opt::<i32>() else { return Ok(()) };
            let elements = list.value(row);
            out.push('[');
            for at in 0..elements.len() {
                if at > 0 {
                    out.push(',');
                }
                value(&elements, at, out)?;
            }
            out.push(']');
        }
        _ => {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())?;
            quoted(&formatter.value(row).try_to_string()?, out)?;
        }
    }
    Ok(())
}

fn number<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize, out: &mut String)
where
    T::Native: std::fmt::Display,
{
    if let Some(values) = array.as_primitive_opt::<T>() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", values.value(row));
    }
}

/// JSON has no infinities and no NaN.
fn float(value: Option<f64>, out: &mut String) {
    match value {
        Some(value) => drop(write!(out, "{value:?}")),
        None => out.push_str("null"),
    }
}

fn quoted(text: &str, out: &mut String) -> Result<()> {
    out.push_str(&serde_json::to_string(text)?);
    Ok(())
}
