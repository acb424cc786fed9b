//! Comparing an array with values, by Arrow's kernels. Not for comparing two columns, nor for
//! floats (`floats.rs`).

use std::sync::Arc;

use arrow_arith::boolean::or_kleene;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Decimal128Array, LargeBinaryArray,
    LargeStringArray, PrimitiveArray, Scalar as Datum, StringArray, StringViewArray,
};
use arrow_buffer::BooleanBuffer;
use arrow_ord::cmp;
use arrow_schema::{DataType, TimeUnit};
use hashbrown::HashMap;

use super::{CompareOp, constant, floats};
use crate::error::{Error, Result};
use crate::value::{Scalar, ScalarRef, hash_array, hash_scalar};

/// Up to this many values an `IN` is that many comparisons; beyond, a hash table.
const KERNELS_MAX: usize = 8;

/// A value as the array's own type can express it.
enum Operand {
    /// An array of one value, equal to the value.
    Exact(ArrayRef),
    /// The value is greater than everything the type can hold.
    AboveAll,
    /// The value is less than everything the type can hold.
    BelowAll,
}

/// `array op value` for each row.
pub(super) fn compare(
    column: u32,
    array: &dyn Array,
    op: CompareOp,
    value: &Scalar,
) -> Result<BooleanArray> {
    if let Scalar::Float(value) = value
        && let Some(answer) = floats::compare(array, op, *value)
    {
        return Ok(answer);
    }
    let operand = operand(leaf_type(array), value).ok_or_else(|| mismatch(column, array, value))?;
    let fixed = |holds: bool| Ok(constant_where_valid(array, holds));
    match (operand, op) {
        (Operand::Exact(value), _) => kernel(op, array, value),
        (Operand::AboveAll, CompareOp::Lt | CompareOp::LtEq | CompareOp::NotEq) => fixed(true),
        (Operand::AboveAll, _) => fixed(false),
        (Operand::BelowAll, CompareOp::Gt | CompareOp::GtEq | CompareOp::NotEq) => fixed(true),
        (Operand::BelowAll, _) => fixed(false),
    }
}

/// `array IN (values)` for each row.
pub(super) fn is_in(column: u32, array: &dyn Array, values: &[Scalar]) -> Result<BooleanArray> {
    let float = |value: &Scalar| if let Scalar::Float(value) = value { Some(*value) } else { None };
    if let Some(values) = values.iter().map(float).collect::<Option<Vec<f64>>>()
        && !values.is_empty()
        && let Some(answer) = floats::is_in(array, &values)
    {
        return Ok(answer);
    }
    if values.len() <= KERNELS_MAX {
        let mut any = constant(false, array.len());
        for value in values {
            any = or_kleene(&any, &compare(column, array, CompareOp::Eq, value)?)?;
        }
        return Ok(any);
    }
    let mut wanted: HashMap<u64, Vec<&Scalar>> = HashMap::with_capacity(values.len());
    for value in values {
        if !comparable(leaf_type(array), value) {
            return Err(mismatch(column, array, value));
        }
        wanted.entry(hash_scalar(value)).or_default().push(value);
    }
    let mut hashes = Vec::with_capacity(array.len());
    hash_array(array, &mut hashes);
    let found = BooleanBuffer::from_iter(hashes.iter().enumerate().map(|(row, hash)| {
        wanted.get(hash).is_some_and(|candidates| {
            ScalarRef::at(array, row).is_some_and(|value| {
                let same = |other: &&Scalar| value.compare(other.borrowed());
                candidates.iter().any(|other| same(other).is_some_and(|order| order.is_eq()))
            })
        })
    }));
    Ok(BooleanArray::new(found, array.logical_nulls()))
}

/// `startsWith(array, prefix)` for each row.
pub(super) fn starts_with(column: u32, array: &dyn Array, prefix: &str) -> Result<BooleanArray> {
    let value = Scalar::String(prefix.to_owned());
    let Some(Operand::Exact(prefix)) = operand(leaf_type(array), &value) else {
        return Err(mismatch(column, array, &value));
    };
    Ok(arrow_string::like::starts_with(&array, &Datum::new(prefix))?)
}

fn mismatch(column: u32, array: &dyn Array, value: &Scalar) -> Error {
    Error::wrong_type(
        format!("column {column}"),
        format!(
            "it is {} and cannot be compared with the {} {value}; cast one to the other's type",
            array.data_type(),
            value.kind()
        ),
    )
}

/// The type of the values: a dictionary's is that of its entries.
fn leaf_type(array: &dyn Array) -> &DataType {
    match array.data_type() {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

fn kernel(op: CompareOp, array: &dyn Array, value: ArrayRef) -> Result<BooleanArray> {
    let value = Datum::new(value);
    Ok(match op {
        CompareOp::Eq => cmp::eq(&array, &value),
        CompareOp::NotEq => cmp::neq(&array, &value),
        CompareOp::Lt => cmp::lt(&array, &value),
        CompareOp::LtEq => cmp::lt_eq(&array, &value),
        CompareOp::Gt => cmp::gt(&array, &value),
        CompareOp::GtEq => cmp::gt_eq(&array, &value),
    }?)
}

/// The same answer for every row that is not null.
fn constant_where_valid(array: &dyn Array, holds: bool) -> BooleanArray {
    let (values, _) = constant(holds, array.len()).into_parts();
    BooleanArray::new(values, array.logical_nulls())
}

/// Whether [`operand`] has an answer.
fn comparable(ty: &DataType, value: &Scalar) -> bool {
    match value {
        Scalar::Bool(_) => *ty == DataType::Boolean,
        Scalar::Int(_) | Scalar::UInt(_) => {
            ty.is_integer()
                || matches!(ty, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
        }
        // These are compared in `floats`.
        Scalar::Float(_) => false,
        Scalar::Decimal(_) => matches!(ty, DataType::Decimal128(..)),
        Scalar::String(_) => {
            matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        Scalar::Bytes(_) => {
            matches!(ty, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        }
    }
}

/// The value as an array of type `ty`; `None` when they cannot be compared.
fn operand(ty: &DataType, value: &Scalar) -> Option<Operand> {
    if !comparable(ty, value) {
        return None;
    }
    Some(match value {
        Scalar::Bool(v) => Operand::Exact(Arc::new(BooleanArray::from(vec![*v]))),
        Scalar::Int(v) => int_operand(ty, i128::from(*v))?,
        Scalar::UInt(v) => int_operand(ty, i128::from(*v))?,
        Scalar::Float(_) => return None,
        Scalar::Decimal(v) => {
            // The data type must be the column's own, with its precision and scale.
            let array = Decimal128Array::from(vec![*v]).with_data_type(ty.clone());
            Operand::Exact(Arc::new(array))
        }
        Scalar::String(v) => Operand::Exact(match ty {
            DataType::Utf8 => Arc::new(StringArray::from(vec![v.as_str()])),
            DataType::LargeUtf8 => Arc::new(LargeStringArray::from(vec![v.as_str()])),
            _ => Arc::new(StringViewArray::from(vec![v.as_str()])),
        }),
        Scalar::Bytes(v) => Operand::Exact(match ty {
            DataType::Binary => Arc::new(BinaryArray::from(vec![v.as_slice()])),
            DataType::LargeBinary => Arc::new(LargeBinaryArray::from(vec![v.as_slice()])),
            _ => Arc::new(BinaryViewArray::from(vec![v.as_slice()])),
        }),
    })
}

fn int_operand(ty: &DataType, value: i128) -> Option<Operand> {
    fn exact<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(ty: &DataType, value: i128) -> Operand {
        match T::Native::try_from(value) {
            // The data type must be the column's own, with its time zone.
            Ok(value) => Operand::Exact(Arc::new(
                PrimitiveArray::<T>::from_value(value, 1).with_data_type(ty.clone()),
            )),
            Err(_) if value < 0 => Operand::BelowAll,
            Err(_) => Operand::AboveAll,
        }
    }
    let make = match ty {
        DataType::Int8 => exact::<Int8Type>,
        DataType::Int16 => exact::<Int16Type>,
        DataType::Int32 => exact::<Int32Type>,
        DataType::Int64 => exact::<Int64Type>,
        DataType::UInt8 => exact::<UInt8Type>,
        DataType::UInt16 => exact::<UInt16Type>,
        DataType::UInt32 => exact::<UInt32Type>,
        DataType::UInt64 => exact::<UInt64Type>,
        DataType::Date32 => exact::<Date32Type>,
        DataType::Date64 => exact::<Date64Type>,
        DataType::Timestamp(TimeUnit::Second, _) => exact::<TimestampSecondType>,
        DataType::Timestamp(TimeUnit::Millisecond, _) => exact::<TimestampMillisecondType>,
        DataType::Timestamp(TimeUnit::Microsecond, _) => exact::<TimestampMicrosecondType>,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => exact::<TimestampNanosecondType>,
        _ => return None,
    };
    Some(make(ty, value))
}
