//! Comparing an array of floats with values, as SQL does and IEEE 754 says: `-0.0` equals `0.0`,
//! and a NaN is unequal to everything, itself included. Arrow's kernels order all bit patterns
//! instead. Not for the order of statistics, which has a place for each of them.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type};
use arrow_array::{Array, BooleanArray, PrimitiveArray};
use arrow_schema::DataType;
use hashbrown::HashSet;

use super::CompareOp;
use crate::value::float_word;

/// Up to this many values each is compared with; beyond, they are in a hash table.
const ONE_BY_ONE_MAX: usize = 8;

/// `array op value` for each row; `None` when these are no floats. A 32-bit column is compared as
/// if it were widened: 0.1 equals no `Float32`.
pub(super) fn compare(array: &dyn Array, op: CompareOp, value: f64) -> Option<BooleanArray> {
    match array.data_type() {
        DataType::Float32 => Some(each::<Float32Type>(array.as_primitive_opt()?, op, value)),
        DataType::Float64 => Some(each::<Float64Type>(array.as_primitive_opt()?, op, value)),
        _ => None,
    }
}

fn each<T>(array: &PrimitiveArray<T>, op: CompareOp, value: f64) -> BooleanArray
where
    T: ArrowPrimitiveType<Native: Into<f64>>,
{
    match op {
        CompareOp::Eq => BooleanArray::from_unary(array, |v| v.into() == value),
        CompareOp::NotEq => BooleanArray::from_unary(array, |v| v.into() != value),
        CompareOp::Lt => BooleanArray::from_unary(array, |v| v.into() < value),
        CompareOp::LtEq => BooleanArray::from_unary(array, |v| v.into() <= value),
        CompareOp::Gt => BooleanArray::from_unary(array, |v| v.into() > value),
        CompareOp::GtEq => BooleanArray::from_unary(array, |v| v.into() >= value),
    }
}

/// `array IN (values)` for each row, where a NaN is in a list that has one; `None` when these are
/// no floats.
pub(super) fn is_in(array: &dyn Array, values: &[f64]) -> Option<BooleanArray> {
    match array.data_type() {
        DataType::Float32 => Some(among::<Float32Type>(array.as_primitive_opt()?, values)),
        DataType::Float64 => Some(among::<Float64Type>(array.as_primitive_opt()?, values)),
        _ => None,
    }
}

fn among<T>(array: &PrimitiveArray<T>, values: &[f64]) -> BooleanArray
where
    T: ArrowPrimitiveType<Native: Into<f64>>,
{
    if values.len() > ONE_BY_ONE_MAX {
        let wanted: HashSet<u64> = values.iter().map(|value| float_word(*value)).collect();
        return BooleanArray::from_unary(array, |v| wanted.contains(&float_word(v.into())));
    }
    let has_nan = values.iter().any(|value| value.is_nan());
    BooleanArray::from_unary(array, |v| {
        let v: f64 = v.into();
        values.contains(&v) || (has_nan && v.is_nan())
    })
}
