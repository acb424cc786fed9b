//! Arrays of any type, and vectors of floats.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, PrimitiveArray, new_null_array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};

use super::validity::Validity;
use super::{decode_at, encode, mismatch};
use crate::codec::cursor::Cursor;
use crate::codec::{Codec, Encoder, number};
use crate::error::{Error, Result};
use crate::schema::{ColumnType, element_field};

pub(super) fn encode_list(
    encoder: &mut Encoder,
    element: &ColumnType,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let list = dense.as_list_opt::<i32>().ok_or_else(|| mismatch("List", dense.data_type()))?;
    let offsets = list.offsets();
    let lengths: Vec<u32> = offsets.lengths().map(|length| length as u32).collect();
    number::encode(encoder, &lengths, out)?;
    let first = offsets.first().copied().unwrap_or_default() as usize;
    let last = offsets.last().copied().unwrap_or_default() as usize;
    encode(encoder, element, &list.values().slice(first, last - first), out)
}

pub(super) fn decode_list(
    cursor: &mut Cursor,
    element: &ColumnType,
    validity: Validity,
    depth: usize,
) -> Result<ArrayRef> {
    let field = element_field(element.arrow());
    if validity.is_empty() {
        return Ok(new_null_array(&arrow_schema::DataType::List(field), validity.rows));
    }
    let lengths = number::decode::<u32>(cursor, validity.values)?;
    cursor.allocate(validity.rows, 2 * size_of::<i32>())?;
    let lengths = validity.spread(cursor, lengths)?;
    let mut offsets = Vec::with_capacity(validity.rows + 1);
    let mut end = 0i32;
    offsets.push(end);
    for length in lengths.iter() {
        let next = i32::try_from(*length).ok().and_then(|length| end.checked_add(length));
        end = next.ok_or_else(|| Error::corrupt("array block", "its lengths add up too high"))?;
        offsets.push(end);
    }
    let values = decode_at(cursor, element, end as usize, depth + 1)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, validity.nulls)?))
}

pub(super) fn encode_vector(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let list = dense
        .as_fixed_size_list_opt()
        .ok_or_else(|| mismatch("FixedSizeList", dense.data_type()))?;
    let floats = list.len() * usize::try_from(list.value_length()).unwrap_or_default();
    let start = usize::try_from(list.value_offset(0)).unwrap_or_default();
    encode(encoder, &ColumnType::Float32, &list.values().slice(start, floats), out)
}

pub(super) fn decode_vector(
    cursor: &mut Cursor,
    ty: &ColumnType,
    dimensions: u32,
    validity: Validity,
    depth: usize,
) -> Result<ArrayRef> {
    let bytes = (dimensions as usize).saturating_mul(size_of::<f32>());
    if validity.is_empty() {
        cursor.allocate(validity.rows, bytes)?;
        return Ok(new_null_array(&ty.arrow(), validity.rows));
    }
    let floats = cursor.allocate(validity.values, bytes)? / size_of::<f32>();
    let child = decode_at(cursor, &ColumnType::Float32, floats, depth + 1)?;
    let size = i32::try_from(dimensions).unwrap_or(i32::MAX);
    let field = element_field(arrow_schema::DataType::Float32);
    let packed = FixedSizeListArray::try_new(field, size, child, None)?;
    let Some(nulls) = &validity.nulls else { return Ok(Arc::new(packed)) };
    cursor.allocate(validity.rows, bytes)?;
    let mut next = 0u32;
    let indices: PrimitiveArray<UInt32Type> = nulls
        .iter()
        .map(|valid| {
            valid.then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    Ok(arrow_select::take::take(&packed, &indices, None)?)
}
