//! What a writer accepts for a column, and turns into the column's own Arrow type: other string
//! and list layouts, dictionaries, UUIDs in any spelling. Never a change of value.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, StringViewArray, make_array, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field};

use super::text::{format_uuid, parse_uuid};
use crate::error::{Error, Result};
use crate::schema::{Column, ColumnType, element_field};

/// The array as `column.ty.arrow()`.
///
/// # Errors
/// [`Error::Type`] when the types do not fit, naming both, and [`Error::Value`] for a null in a
/// column that is not nullable or for text that is no UUID, naming the row.
pub(crate) fn accept(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    let expected = column.ty.arrow();
    let array = if *array.data_type() == expected {
        array.clone()
    } else if *array.data_type() == DataType::Null {
        new_null_array(&expected, array.len())
    } else {
        convert(column, array, &expected)?
    };
    if !column.nullable
        && let Some(nulls) = array.logical_nulls()
        && let Some(row) = nulls.iter().position(|valid| !valid)
    {
        let detail = format!("row {row} of the batch is null, but the column is not nullable");
        return Err(Error::bad_value(what(column), detail));
    }
    canonical(column, &column.ty, array)
}

fn convert(column: &Column, array: &ArrayRef, expected: &DataType) -> Result<ArrayRef> {
    let mismatch = || {
        let detail = format!(
            "expected {} (Arrow type {expected}), found Arrow type {}",
            column.ty,
            array.data_type()
        );
        Error::wrong_type(what(column), detail)
    };
    let bare = Field::new(&column.name, array.data_type().clone(), true);
    let natural = ColumnType::of_field(&bare).map_err(|_| mismatch())?;
    if natural.arrow() != *expected {
        return Err(mismatch());
    }
    change_layout(array, expected)
}

/// The same values in another Arrow type. Arrow's cast of timestamps wants a database of time
/// zones, which `part` does without: an instant is the same number in every zone.
fn change_layout(array: &ArrayRef, expected: &DataType) -> Result<ArrayRef> {
    match (array.data_type(), expected) {
        (DataType::Timestamp(found, _), DataType::Timestamp(unit, _)) if found == unit => {
            let relabelled = array.to_data().into_builder().data_type(expected.clone());
            Ok(make_array(relabelled.build()?))
        }
        (DataType::List(_), DataType::List(field)) => {
            let list = array.as_list::<i32>();
            let values = change_layout(list.values(), field.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, nulls)?))
        }
        _ => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            Ok(cast_with_options(array, expected, &options)?)
        }
    }
}

/// Rewrites UUIDs that are not in canonical form; everything else stays.
fn canonical(column: &Column, ty: &ColumnType, array: ArrayRef) -> Result<ArrayRef> {
    match ty {
        ColumnType::Uuid => canonical_uuids(column, array),
        ColumnType::Array(element) if holds_uuids(element) => {
            let Some(list) = array.as_list_opt::<i32>() else { return Ok(array) };
            let values = canonical(column, element, list.values().clone())?;
            let field = element_field(element.arrow());
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
        }
        _ => Ok(array),
    }
}

fn holds_uuids(ty: &ColumnType) -> bool {
    match ty {
        ColumnType::Array(element) => holds_uuids(element),
        ty => *ty == ColumnType::Uuid,
    }
}

fn canonical_uuids(column: &Column, array: ArrayRef) -> Result<ArrayRef> {
    let Some(texts) = array.as_string_view_opt() else { return Ok(array) };
    let mut all_canonical = true;
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let Some(uuid) = parse_uuid(text) else {
            let detail = format!("row {row} of the batch holds {text:?}, which is no UUID");
            return Err(Error::bad_value(what(column), detail));
        };
        all_canonical &= format_uuid(&uuid) == text.as_bytes();
    }
    if all_canonical {
        return Ok(array);
    }
    let rewritten: StringViewArray = texts
        .iter()
        .map(|text| {
            let uuid = format_uuid(&parse_uuid(text?)?);
            Some(std::str::from_utf8(&uuid).ok()?.to_owned())
        })
        .collect();
    Ok(Arc::new(rewritten))
}

fn what(column: &Column) -> String {
    format!("column {:?}", column.name)
}
