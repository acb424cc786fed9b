//! The 64-bit hash that Bloom filters and distinct counts share. Not for hash tables: it is
//! stored, so it may never change.
//!
//! XXH64 with seed 0 over these bytes, chosen so that values that compare equal hash equal:
//!
//! | value | bytes |
//! |---|---|
//! | boolean | one byte, 0 or 1 |
//! | integer of any width, date, timestamp | 8, little-endian `i64`; past `i64::MAX`, `u64` |
//! | float of either width | 8, little-endian `f64`; `-0.0` as `0.0`, every NaN as [`f64::NAN`] |
//! | decimal | 16, the unscaled value as little-endian `i128` |
//! | string, JSON, UUID | the UTF-8 text |
//! | bytes | themselves |

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use twox_hash::XxHash64;

use super::Scalar;

/// XXH64 with seed 0, as in the Parquet Bloom filter specification.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

/// The hash of a value: what [`hash_array`] gives for a row that holds it.
pub fn hash_scalar(value: &Scalar) -> u64 {
    match value {
        Scalar::Bool(v) => hash_bytes(&[u8::from(*v)]),
        Scalar::Int(v) => hash_word(*v as u64),
        Scalar::UInt(v) => hash_word(*v),
        Scalar::Float(v) => hash_word(float_word(*v)),
        Scalar::Decimal(v) => hash_bytes(&v.to_le_bytes()),
        Scalar::String(v) => hash_bytes(v.as_bytes()),
        Scalar::Bytes(v) => hash_bytes(v),
    }
}

/// Appends one hash per row of `array` to `out`, 0 where the value is null, and returns which
/// rows are not null (`None`: all of them).
///
/// Rows of a type without scalars (lists, vectors) are all flagged null.
pub fn hash_array(array: &dyn Array, out: &mut Vec<u64>) -> Option<NullBuffer> {
    let start = out.len();
    if !hash_values(array, out) {
        out.truncate(start);
        out.resize(start + array.len(), 0);
        return Some(NullBuffer::new_null(array.len()));
    }
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
    for (hash, valid) in out.iter_mut().skip(start).zip(nulls.iter()) {
        if !valid {
            *hash = 0;
        }
    }
    Some(nulls)
}

#[inline]
fn hash_word(word: u64) -> u64 {
    hash_bytes(&word.to_le_bytes())
}

/// Bits that are the same for values that are: zeros of both signs, and all NaNs.
#[inline]
pub(crate) fn float_word(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// Hashes every row, null or not; false when the type has no scalars.
fn hash_values(array: &dyn Array, out: &mut Vec<u64>) -> bool {
    match array.data_type() {
        DataType::Boolean => array.as_boolean_opt().is_some_and(|array| {
            let (no, yes) = (hash_bytes(&[0]), hash_bytes(&[1]));
            out.extend(array.values().iter().map(|v| if v { yes } else { no }));
            true
        }),
        DataType::Utf8 => hash_blobs(array.as_string_opt::<i32>(), out),
        DataType::LargeUtf8 => hash_blobs(array.as_string_opt::<i64>(), out),
        DataType::Utf8View => hash_blobs(array.as_string_view_opt(), out),
        DataType::Binary => hash_blobs(array.as_binary_opt::<i32>(), out),
        DataType::LargeBinary => hash_blobs(array.as_binary_opt::<i64>(), out),
        DataType::BinaryView => hash_blobs(array.as_binary_view_opt(), out),
        DataType::Dictionary(..) => hash_dictionary(array, out),
        _ => hash_numbers(array, out),
    }
}

fn hash_numbers(array: &dyn Array, out: &mut Vec<u64>) -> bool {
    let word = |v: i64| hash_word(v as u64);
    match array.data_type() {
        DataType::Int8 => hash_primitives::<Int8Type>(array, out, |v| word(v.into())),
        DataType::Int16 => hash_primitives::<Int16Type>(array, out, |v| word(v.into())),
        DataType::Int32 => hash_primitives::<Int32Type>(array, out, |v| word(v.into())),
        DataType::Int64 => hash_primitives::<Int64Type>(array, out, word),
        DataType::UInt8 => hash_primitives::<UInt8Type>(array, out, |v| word(v.into())),
        DataType::UInt16 => hash_primitives::<UInt16Type>(array, out, |v| word(v.into())),
        DataType::UInt32 => hash_primitives::<UInt32Type>(array, out, |v| word(v.into())),
        DataType::UInt64 => hash_primitives::<UInt64Type>(array, out, hash_word),
        DataType::Float32 => {
            hash_primitives::<Float32Type>(array, out, |v| hash_word(float_word(v.into())))
        }
        DataType::Float64 => {
            hash_primitives::<Float64Type>(array, out, |v| hash_word(float_word(v)))
        }
        DataType::Decimal128(..) => {
            hash_primitives::<Decimal128Type>(array, out, |v| hash_bytes(&v.to_le_bytes()))
        }
        DataType::Date32 => hash_primitives::<Date32Type>(array, out, |v| word(v.into())),
        DataType::Date64 => hash_primitives::<Date64Type>(array, out, word),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => hash_primitives::<TimestampSecondType>(array, out, word),
            TimeUnit::Millisecond => hash_primitives::<TimestampMillisecondType>(array, out, word),
            TimeUnit::Microsecond => hash_primitives::<TimestampMicrosecondType>(array, out, word),
            TimeUnit::Nanosecond => hash_primitives::<TimestampNanosecondType>(array, out, word),
        },
        _ => false,
    }
}

fn hash_primitives<T: ArrowPrimitiveType>(
    array: &dyn Array,
    out: &mut Vec<u64>,
    hash: impl Fn(T::Native) -> u64,
) -> bool {
    let Some(array) = array.as_primitive_opt::<T>() else { return false };
    out.extend(array.values().iter().map(|value| hash(*value)));
    true
}

fn hash_blobs<A: ArrayAccessor<Item: AsRef<[u8]>>>(array: Option<A>, out: &mut Vec<u64>) -> bool {
    let Some(array) = array else { return false };
    out.extend(
        (0..array.len())
            .map(|row| if array.is_null(row) { 0 } else { hash_bytes(array.value(row).as_ref()) }),
    );
    true
}

/// Each entry of the dictionary is hashed once.
fn hash_dictionary(array: &dyn Array, out: &mut Vec<u64>) -> bool {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return false };
    let mut entries = Vec::with_capacity(dictionary.values().len());
    if !hash_values(dictionary.values().as_ref(), &mut entries) {
        return false;
    }
    if entries.is_empty() {
        out.resize(out.len() + array.len(), 0);
        return true;
    }
    // Keys under nulls are arbitrary; `normalized_keys` brings them in range.
    let keys = dictionary.normalized_keys();
    out.extend(keys.into_iter().map(|key| entries.get(key).copied().unwrap_or(0)));
    true
}
