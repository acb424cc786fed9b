//! Arrays of each column type to bytes and back: validity first, then the non-null values,
//! close together, in the blocks of `codec`. Not for frames or checksums (`codec::segment`).

mod accept;
mod list;
mod scalar;
mod size;
mod text;
mod validity;

pub(crate) use accept::accept;
pub(crate) use size::add_row_bytes;
pub(crate) use text::parse_uuid;

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use crate::codec::cursor::Cursor;
use crate::codec::{Codec, Encoder};
use crate::error::{Error, Result};
use crate::schema::{ARRAY_DEPTH_MAX, ColumnType};

/// Appends an array of the type `ty.arrow()`; returns the codec of its values.
pub(crate) fn encode(
    encoder: &mut Encoder,
    ty: &ColumnType,
    array: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let dense = match validity::encode(encoder, array, out)? {
        validity::Dense::Same => array.clone(),
        validity::Dense::Filtered(dense) => dense,
        validity::Dense::Empty => return Ok(Codec::Constant),
    };
    match ty {
        ColumnType::Bool => scalar::encode_bool(encoder, &dense, out),
        ColumnType::Decimal { .. } => scalar::encode_decimal(encoder, &dense, out),
        ColumnType::String | ColumnType::Json => text::encode_text(encoder, &dense, out),
        ColumnType::Bytes => text::encode_bytes(encoder, &dense, out),
        ColumnType::Uuid => text::encode_uuid(encoder, &dense, out),
        ColumnType::Array(element) => list::encode_list(encoder, element, &dense, out),
        ColumnType::Vector(_) => list::encode_vector(encoder, &dense, out),
        number => scalar::encode_number(encoder, number, &dense, out),
    }
}

/// Reads `rows` values of the type.
pub(crate) fn decode(cursor: &mut Cursor, ty: &ColumnType, rows: usize) -> Result<ArrayRef> {
    decode_at(cursor, ty, rows, 0)
}

fn decode_at(cursor: &mut Cursor, ty: &ColumnType, rows: usize, depth: usize) -> Result<ArrayRef> {
    if depth > ARRAY_DEPTH_MAX {
        return Err(Error::corrupt("segment", "arrays are nested too deep"));
    }
    let validity = validity::decode(cursor, rows)?;
    match ty {
        ColumnType::Bool => scalar::decode_bool(cursor, validity),
        ColumnType::Decimal { .. } => scalar::decode_decimal(cursor, ty, validity),
        ColumnType::String | ColumnType::Json => text::decode_text(cursor, validity),
        ColumnType::Bytes => text::decode_bytes(cursor, validity),
        ColumnType::Uuid => text::decode_uuid(cursor, validity),
        ColumnType::Array(element) => list::decode_list(cursor, element, validity, depth),
        ColumnType::Vector(n) => list::decode_vector(cursor, ty, *n, validity, depth),
        number => scalar::decode_number(cursor, number, validity),
    }
}

/// The error for an array that is not of the type that was promised.
fn mismatch(expected: impl std::fmt::Display, found: &DataType) -> Error {
    Error::wrong_type("an array to encode", format!("expected {expected}, found {found}"))
}
