//! Single values: what statistics, filters and predicates hold. Not rows, not Arrow arrays.

mod hash;
#[cfg(test)]
mod tests;

pub(crate) use hash::float_word;
pub use hash::{hash_array, hash_bytes, hash_scalar};

use std::cmp::Ordering;
use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{ArrowError, DataType, TimeUnit};

/// One value of a column, never null.
///
/// Dates are [`Scalar::Int`] (days since 1970-01-01), timestamps are [`Scalar::Int`] in the unit
/// of their column, UUIDs and JSON are [`Scalar::String`] (their text). Decimals are unscaled.
///
/// Values of one variant are totally ordered: floats by [`f64::total_cmp`], so `-0.0 < 0.0` and
/// every NaN has a place; strings and bytes by their bytes. Values of two variants are not
/// ordered and not equal; [`Scalar::compare`] is the comparison that lets integers mix.
#[derive(Debug, Clone, minicbor::Encode, minicbor::Decode)]
pub enum Scalar {
    /// A truth value; `false` is the lesser.
    #[n(0)]
    Bool(#[n(0)] bool),
    /// A signed integer of any width, a date (days), or a timestamp (units of its column).
    #[n(1)]
    Int(#[n(0)] i64),
    /// An unsigned integer of any width.
    #[n(2)]
    UInt(#[n(0)] u64),
    /// A float of either width.
    #[n(3)]
    Float(#[n(0)] f64),
    /// A decimal without its scale: 12.34 in `Decimal(10, 2)` is 1234.
    #[n(4)]
    Decimal(#[cbor(n(0), with = "decimal_cbor")] i128),
    /// Text, JSON text, or the canonical text of a UUID.
    #[n(5)]
    String(#[n(0)] String),
    /// Raw bytes.
    #[n(6)]
    Bytes(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

/// CBOR has no 128-bit integers: a decimal travels as 16 little-endian bytes.
mod decimal_cbor {
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{self, Encoder, Write};

    pub(super) fn encode<Ctx, W: Write>(
        value: &i128,
        encoder: &mut Encoder<W>,
        _: &mut Ctx,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.bytes(&value.to_le_bytes())?;
        Ok(())
    }

    pub(super) fn decode<Ctx>(decoder: &mut Decoder<'_>, _: &mut Ctx) -> Result<i128, Error> {
        let bytes = <[u8; 16]>::try_from(decoder.bytes()?)
            .map_err(|_| Error::message("a decimal must have 16 bytes"))?;
        Ok(i128::from_le_bytes(bytes))
    }
}

impl Scalar {
    /// The value at `row` of `array`.
    ///
    /// `None` where the value is null, the row is out of range, or the type has no scalars (lists
    /// and vectors). Dictionaries are looked through.
    pub fn at(array: &dyn Array, row: usize) -> Option<Scalar> {
        ScalarRef::at(array, row).map(ScalarRef::to_scalar)
    }

    /// The order of two values of the same variant; `None` when the variants differ.
    pub fn partial_cmp_same(&self, other: &Scalar) -> Option<Ordering> {
        match (self, other) {
            (Scalar::Int(_), Scalar::UInt(_)) | (Scalar::UInt(_), Scalar::Int(_)) => None,
            _ => self.compare(other),
        }
    }

    /// The order of two values by what they mean: as [`Scalar::partial_cmp_same`], but signed and
    /// unsigned integers compare as numbers. `None` for every other mix.
    pub fn compare(&self, other: &Scalar) -> Option<Ordering> {
        self.borrowed().compare(other.borrowed())
    }

    /// The name of the variant, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Scalar::Bool(_) => "boolean",
            Scalar::Int(_) => "integer",
            Scalar::UInt(_) => "unsigned integer",
            Scalar::Float(_) => "float",
            Scalar::Decimal(_) => "decimal",
            Scalar::String(_) => "string",
            Scalar::Bytes(_) => "bytes",
        }
    }

    pub(crate) fn borrowed(&self) -> ScalarRef<'_> {
        match self {
            Scalar::Bool(v) => ScalarRef::Bool(*v),
            Scalar::Int(v) => ScalarRef::Int(*v),
            Scalar::UInt(v) => ScalarRef::UInt(*v),
            Scalar::Float(v) => ScalarRef::Float(*v),
            Scalar::Decimal(v) => ScalarRef::Decimal(*v),
            Scalar::String(v) => ScalarRef::String(v),
            Scalar::Bytes(v) => ScalarRef::Bytes(v),
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.partial_cmp_same(other) == Some(Ordering::Equal)
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Scalar) -> Option<Ordering> {
        self.partial_cmp_same(other)
    }
}

/// As SQL writes it: strings in quotes, bytes in hex, decimals unscaled.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(v) => write!(f, "{v}"),
            Scalar::Int(v) => write!(f, "{v}"),
            Scalar::UInt(v) => write!(f, "{v}"),
            Scalar::Float(v) => write!(f, "{v:?}"),
            Scalar::Decimal(v) => write!(f, "{v}"),
            Scalar::String(v) => write!(f, "'{}'", v.replace('\'', "''")),
            Scalar::Bytes(v) => {
                f.write_str("x'")?;
                for byte in v {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("'")
            }
        }
    }
}

/// A [`Scalar`] that borrows its text or bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ScalarRef<'a> {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Decimal(i128),
    String(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> ScalarRef<'a> {
    /// See [`Scalar::at`].
    pub(crate) fn at(array: &'a dyn Array, row: usize) -> Option<ScalarRef<'a>> {
        if row >= array.len() || array.is_null(row) {
            return None;
        }
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            let key = match ScalarRef::at(dictionary.keys(), row)? {
                ScalarRef::Int(key) => usize::try_from(key).ok()?,
                ScalarRef::UInt(key) => usize::try_from(key).ok()?,
                _ => return None,
            };
            return ScalarRef::at(dictionary.values().as_ref(), key);
        }
        match array.data_type() {
            DataType::Boolean => Some(ScalarRef::Bool(array.as_boolean_opt()?.value(row))),
            DataType::Utf8 => Some(ScalarRef::String(array.as_string_opt::<i32>()?.value(row))),
            DataType::LargeUtf8 => {
                Some(ScalarRef::String(array.as_string_opt::<i64>()?.value(row)))
            }
            DataType::Utf8View => Some(ScalarRef::String(array.as_string_view_opt()?.value(row))),
            DataType::Binary => Some(ScalarRef::Bytes(array.as_binary_opt::<i32>()?.value(row))),
            DataType::LargeBinary => {
                Some(ScalarRef::Bytes(array.as_binary_opt::<i64>()?.value(row)))
            }
            DataType::BinaryView => Some(ScalarRef::Bytes(array.as_binary_view_opt()?.value(row))),
            _ => ScalarRef::at_number(array, row),
        }
    }

    /// The numeric half of [`ScalarRef::at`]: `row` is in range and not null.
    fn at_number(array: &'a dyn Array, row: usize) -> Option<ScalarRef<'a>> {
        fn get<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Option<T::Native> {
            Some(array.as_primitive_opt::<T>()?.value(row))
        }
        let int = ScalarRef::Int;
        let uint = ScalarRef::UInt;
        match array.data_type() {
            DataType::Int8 => get::<Int8Type>(array, row).map(|v| int(v.into())),
            DataType::Int16 => get::<Int16Type>(array, row).map(|v| int(v.into())),
            DataType::Int32 => get::<Int32Type>(array, row).map(|v| int(v.into())),
            DataType::Int64 => get::<Int64Type>(array, row).map(int),
            DataType::UInt8 => get::<UInt8Type>(array, row).map(|v| uint(v.into())),
            DataType::UInt16 => get::<UInt16Type>(array, row).map(|v| uint(v.into())),
            DataType::UInt32 => get::<UInt32Type>(array, row).map(|v| uint(v.into())),
            DataType::UInt64 => get::<UInt64Type>(array, row).map(uint),
            DataType::Float32 => get::<Float32Type>(array, row).map(|v| ScalarRef::Float(v.into())),
            DataType::Float64 => get::<Float64Type>(array, row).map(ScalarRef::Float),
            DataType::Decimal128(..) => get::<Decimal128Type>(array, row).map(ScalarRef::Decimal),
            DataType::Date32 => get::<Date32Type>(array, row).map(|v| int(v.into())),
            DataType::Date64 => get::<Date64Type>(array, row).map(int),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => get::<TimestampSecondType>(array, row),
                TimeUnit::Millisecond => get::<TimestampMillisecondType>(array, row),
                TimeUnit::Microsecond => get::<TimestampMicrosecondType>(array, row),
                TimeUnit::Nanosecond => get::<TimestampNanosecondType>(array, row),
            }
            .map(int),
            _ => None,
        }
    }

    /// See [`Scalar::compare`].
    pub(crate) fn compare(self, other: ScalarRef<'_>) -> Option<Ordering> {
        use ScalarRef::{Bool, Bytes, Decimal, Float, Int, String, UInt};
        match (self, other) {
            (Bool(a), Bool(b)) => Some(a.cmp(&b)),
            (Int(a), Int(b)) => Some(a.cmp(&b)),
            (UInt(a), UInt(b)) => Some(a.cmp(&b)),
            (Int(a), UInt(b)) => Some(i128::from(a).cmp(&i128::from(b))),
            (UInt(a), Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
            (Float(a), Float(b)) => Some(a.total_cmp(&b)),
            (Decimal(a), Decimal(b)) => Some(a.cmp(&b)),
            (String(a), String(b)) => Some(a.cmp(b)),
            (Bytes(a), Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    pub(crate) fn to_scalar(self) -> Scalar {
        match self {
            ScalarRef::Bool(v) => Scalar::Bool(v),
            ScalarRef::Int(v) => Scalar::Int(v),
            ScalarRef::UInt(v) => Scalar::UInt(v),
            ScalarRef::Float(v) => Scalar::Float(v),
            ScalarRef::Decimal(v) => Scalar::Decimal(v),
            ScalarRef::String(v) => Scalar::String(v.to_owned()),
            ScalarRef::Bytes(v) => Scalar::Bytes(v.to_owned()),
        }
    }
}

/// A dictionary array with every value in its place; `None` for any other array.
pub(crate) fn unpack_dictionary(array: &dyn Array) -> Result<Option<ArrayRef>, ArrowError> {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return Ok(None) };
    arrow_select::take::take(dictionary.values().as_ref(), dictionary.keys(), None).map(Some)
}
