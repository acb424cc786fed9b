//! Booleans, numbers, dates, timestamps and decimals.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, ScalarBuffer, ToByteSlice};

use super::mismatch;
use super::validity::{Validity, decode_bits, encode_bits};
use crate::codec::cursor::Cursor;
use crate::codec::number::{self, Number};
use crate::codec::{Codec, Encoder, block};
use crate::error::{Error, Result};
use crate::schema::{ColumnType, TimeUnit};

/// A decimal column whose values all fit in 64 bits.
const DECIMAL_NARROW: u8 = 0;
/// A decimal column of 16 bytes a value.
const DECIMAL_WIDE: u8 = 1;

/// Runs a generic function with the Arrow primitive type of a column type.
macro_rules! with_primitive {
    ($ty:expr, $function:ident($($argument:expr),*)) => {
        match $ty {
            ColumnType::Int8 => $function::<Int8Type>($($argument),*),
            ColumnType::Int16 => $function::<Int16Type>($($argument),*),
            ColumnType::Int32 => $function::<Int32Type>($($argument),*),
            ColumnType::Int64 => $function::<Int64Type>($($argument),*),
            ColumnType::UInt8 => $function::<UInt8Type>($($argument),*),
            ColumnType::UInt16 => $function::<UInt16Type>($($argument),*),
            ColumnType::UInt32 => $function::<UInt32Type>($($argument),*),
            ColumnType::UInt64 => $function::<UInt64Type>($($argument),*),
            ColumnType::Float32 => $function::<Float32Type>($($argument),*),
            ColumnType::Float64 => $function::<Float64Type>($($argument),*),
            ColumnType::Date => $function::<Date32Type>($($argument),*),
            ColumnType::Timestamp(TimeUnit::Second) => {
                $function::<TimestampSecondType>($($argument),*)
            }
            ColumnType::Timestamp(TimeUnit::Millisecond) => {
                $function::<TimestampMillisecondType>($($argument),*)
            }
            ColumnType::Timestamp(TimeUnit::Microsecond) => {
                $function::<TimestampMicrosecondType>($($argument),*)
            }
            ColumnType::Timestamp(TimeUnit::Nanosecond) => {
                $function::<TimestampNanosecondType>($($argument),*)
            }
            other => Err(Error::wrong_type("a number", format!("{other} is none"))),
        }
    };
}

pub(super) fn encode_number(
    encoder: &mut Encoder,
    ty: &ColumnType,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    with_primitive!(ty, encode_primitive(encoder, dense, out))
}

fn encode_primitive<P: ArrowPrimitiveType<Native: Number>>(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let array =
        dense.as_primitive_opt::<P>().ok_or_else(|| mismatch(P::DATA_TYPE, dense.data_type()))?;
    number::encode(encoder, array.values(), out)
}

pub(super) fn decode_number(
    cursor: &mut Cursor,
    ty: &ColumnType,
    validity: Validity,
) -> Result<ArrayRef> {
    with_primitive!(ty, decode_primitive(cursor, ty, validity))
}

fn decode_primitive<P: ArrowPrimitiveType<Native: Number>>(
    cursor: &mut Cursor,
    ty: &ColumnType,
    validity: Validity,
) -> Result<ArrayRef> {
    let packed = match validity.is_empty() {
        true => ScalarBuffer::from(Vec::new()),
        false => number::decode::<P::Native>(cursor, validity.values)?,
    };
    let values = validity.spread(cursor, packed)?;
    let array = PrimitiveArray::<P>::try_new(values, validity.nulls)?;
    Ok(Arc::new(array.with_data_type(ty.arrow())))
}

pub(super) fn encode_bool(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let array = dense.as_boolean_opt().ok_or_else(|| mismatch("Boolean", dense.data_type()))?;
    encode_bits(encoder, array.values(), out)
}

pub(super) fn decode_bool(cursor: &mut Cursor, validity: Validity) -> Result<ArrayRef> {
    if validity.is_empty() {
        let values = BooleanBuffer::new_unset(validity.rows);
        return Ok(Arc::new(BooleanArray::new(values, validity.nulls)));
    }
    let packed = decode_bits(cursor, validity.values)?;
    let Some(nulls) = &validity.nulls else {
        return Ok(Arc::new(BooleanArray::new(packed, None)));
    };
    cursor.allocate(validity.rows, 1)?;
    let mut packed = packed.iter();
    let spread: BooleanBuffer =
        nulls.iter().map(|valid| valid && packed.next().unwrap_or_default()).collect();
    Ok(Arc::new(BooleanArray::new(spread, validity.nulls)))
}

pub(super) fn encode_decimal(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let array = dense
        .as_primitive_opt::<Decimal128Type>()
        .ok_or_else(|| mismatch("Decimal128", dense.data_type()))?;
    let narrow: Option<Vec<i64>> =
        array.values().iter().map(|value| i64::try_from(*value).ok()).collect();
    if let Some(narrow) = narrow {
        out.push(DECIMAL_NARROW);
        return number::encode(encoder, &narrow, out);
    }
    out.push(DECIMAL_WIDE);
    block::encode(encoder, array.values().to_byte_slice(), false, out)
}

pub(super) fn decode_decimal(
    cursor: &mut Cursor,
    ty: &ColumnType,
    validity: Validity,
) -> Result<ArrayRef> {
    let packed: ScalarBuffer<i128> = match validity.is_empty() {
        true => ScalarBuffer::from(Vec::new()),
        false => decode_decimals(cursor, validity.values)?,
    };
    let values = validity.spread(cursor, packed)?;
    let array = PrimitiveArray::<Decimal128Type>::try_new(values, validity.nulls)?;
    Ok(Arc::new(array.with_data_type(ty.arrow())))
}

fn decode_decimals(cursor: &mut Cursor, count: usize) -> Result<ScalarBuffer<i128>> {
    cursor.allocate(count, size_of::<i128>())?;
    match cursor.byte()? {
        DECIMAL_NARROW => {
            let narrow = number::decode::<i64>(cursor, count)?;
            Ok(narrow.iter().map(|value| i128::from(*value)).collect())
        }
        DECIMAL_WIDE => {
            let bytes = block::decode(cursor)?;
            let (values, rest) = bytes.as_slice().as_chunks::<{ size_of::<i128>() }>();
            if values.len() != count || !rest.is_empty() {
                let detail = format!("{} bytes for {count} values", bytes.len());
                return Err(Error::corrupt("decimal block", detail));
            }
            Ok(values.iter().map(|value| i128::from_le_bytes(*value)).collect())
        }
        tag => Err(Error::corrupt("decimal block", format!("unknown tag {tag}"))),
    }
}
