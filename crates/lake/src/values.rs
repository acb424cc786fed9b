//! Arrays of dodb's columns as arrays of Iceberg's types and back. Documents are converted in
//! `documents`.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, FieldRef};
use dodb_part::ColumnType;
use uuid::Uuid;

use crate::error::{Error, Result};

/// A value that does not fit is an error, not null.
const EXACT: CastOptions<'static> =
    CastOptions { safe: false, format_options: arrow_cast::display::FormatOptions::new() };

/// An array of a column as it lies in a file: `target` is the field's Arrow type.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a value that the type does not hold, such as a moment past
/// the years that microseconds reach.
pub(crate) fn to_iceberg(
    array: &ArrayRef,
    ty: &ColumnType,
    target: &DataType,
    name: &str,
) -> Result<ArrayRef> {
    let converted = match (ty, target) {
        (ColumnType::Uuid, DataType::FixedSizeBinary(16)) => uuid_bytes(array),
        (ColumnType::Array(element), DataType::List(field)) => {
            let list = array.as_list_opt::<i32>();
            let list = list.ok_or_else(|| Error::invalid(unlike(array, "a list")))?;
            let values = to_iceberg(list.values(), element, field.data_type(), name)?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            ListArray::try_new(field.clone(), offsets, values, nulls)
                .map(|list| Arc::new(list) as ArrayRef)
                .map_err(Error::from)
        }
        (ColumnType::Vector(_), DataType::List(field)) => floats(array, field),
        _ => cast_with_options(array, target, &EXACT).map_err(Error::from),
    };
    converted.map_err(|e| Error::invalid(format!("column {name:?} cannot be written: {e}")))
}

/// Vectors as lists; a null vector has no elements.
fn floats(array: &ArrayRef, field: &FieldRef) -> Result<ArrayRef> {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Float32, true)));
    let list = cast_with_options(array, &list, &EXACT)?;
    let list = list.as_list_opt::<i32>().cloned();
    let list = list.ok_or_else(|| Error::invalid(unlike(array, "a vector")))?;
    let (_, offsets, values, nulls) = list.into_parts();
    Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, nulls)?))
}

/// An array from a file as the column has it ([`ColumnType::arrow`]).
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for a value that the column does not hold.
pub(crate) fn from_iceberg(array: &ArrayRef, ty: &ColumnType) -> Result<ArrayRef> {
    match ty {
        ColumnType::Uuid if matches!(array.data_type(), DataType::FixedSizeBinary(_)) => {
            uuid_text(array)
        }
        ColumnType::Array(element) => {
            let list = cast_to_list(array)?;
            let list = list.as_list_opt::<i32>();
            let list = list.ok_or_else(|| Error::corrupt(unlike(array, "a list")))?;
            let values = from_iceberg(list.values(), element)?;
            let DataType::List(field) = ty.arrow() else { return Err(no_list(ty)) };
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
        }
        ColumnType::Vector(_) => vector(array, ty),
        _ => Ok(cast_with_options(array, &ty.arrow(), &EXACT)?),
    }
}

fn no_list(ty: &ColumnType) -> Error {
    Error::corrupt(format!("{ty} is no list"))
}

fn unlike(array: &ArrayRef, wanted: &str) -> String {
    format!("{wanted} was expected, not {}", array.data_type())
}

fn cast_to_list(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::LargeList(field) | DataType::ListView(field) => {
            Ok(cast_with_options(array, &DataType::List(field.clone()), &EXACT)?)
        }
        _ => Ok(array.clone()),
    }
}

/// Lists of exactly so many floats.
fn vector(array: &ArrayRef, ty: &ColumnType) -> Result<ArrayRef> {
    let DataType::FixedSizeList(field, length) = ty.arrow() else { return Err(no_list(ty)) };
    if let Some(fixed) = array.as_fixed_size_list_opt() {
        let values = cast_with_options(fixed.values(), field.data_type(), &EXACT)?;
        let nulls = fixed.nulls().cloned();
        return Ok(Arc::new(FixedSizeListArray::try_new(field, length, values, nulls)?));
    }
    Ok(cast_with_options(&cast_to_list(array)?, &DataType::FixedSizeList(field, length), &EXACT)?)
}

fn uuid_bytes(array: &ArrayRef) -> Result<ArrayRef> {
    let texts = array.as_string_view_opt();
    let texts = texts.ok_or_else(|| Error::invalid(unlike(array, "text of a UUID")))?;
    let mut out = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
    for text in texts {
        match text {
            None => out.append_null(),
            Some(text) => {
                let uuid = Uuid::parse_str(text);
                let uuid = uuid.map_err(|e| Error::invalid(format!("{text:?} is no UUID: {e}")))?;
                out.append_value(uuid.as_bytes())?;
            }
        }
    }
    Ok(Arc::new(out.finish()))
}

fn uuid_text(array: &ArrayRef) -> Result<ArrayRef> {
    let bytes = array.as_fixed_size_binary_opt();
    let bytes = bytes.ok_or_else(|| Error::corrupt(unlike(array, "a UUID")))?;
    let mut out = StringViewBuilder::with_capacity(bytes.len());
    for value in bytes {
        match value {
            None => out.append_null(),
            Some(value) => {
                let uuid = Uuid::from_slice(value);
                let uuid = uuid.map_err(|e| Error::corrupt(format!("no UUID: {e}")))?;
                out.append_value(uuid.hyphenated().to_string());
            }
        }
    }
    Ok(Arc::new(out.finish()))
}
