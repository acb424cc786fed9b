//! `float_rank(x)`: whole numbers in the order of floats, and back. DataFusion's `min` and `max` of
//! floats start from the greatest finite number and take a NaN for less and for greater than all;
//! those of whole numbers are right. Not here: which aggregates they are ([`super::compare`]).

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type,
};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::Nan;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Rank {
    /// `None`: from ranks back to floats.
    nan: Option<Nan>,
    signature: Signature,
}

/// The rank of a float among all, zeros as one and NaNs where it says.
pub(super) fn rank(nan: Nan, expr: Expr) -> Expr {
    call(Some(nan), expr)
}

/// The float of a rank.
pub(super) fn unrank(expr: Expr) -> Expr {
    call(None, expr)
}

fn call(nan: Option<Nan>, expr: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    let function = ScalarUDF::new_from_impl(Rank { nan, signature });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
}

/// What an expression is the rank of.
pub(super) fn ranked(expr: &Expr) -> Option<&Expr> {
    let Expr::ScalarFunction(function) = expr else { return None };
    let rank = function.func.inner().downcast_ref::<Rank>()?;
    rank.nan.and(function.args.first())
}

/// The rank of a value that is no NaN; other values as they are.
pub(crate) fn rank_of(value: ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Float32(value) => ScalarValue::Int32(value.map(|v| in_order_32(v + 0.0))),
        ScalarValue::Float64(value) => ScalarValue::Int64(value.map(|v| in_order_64(v + 0.0))),
        other => other,
    }
}

/// Of negative numbers the greater have the lesser bits.
fn in_order_64(value: f64) -> i64 {
    turned_64(value.to_bits().cast_signed())
}

fn turned_64(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

fn in_order_32(value: f32) -> i32 {
    turned_32(value.to_bits().cast_signed())
}

fn turned_32(bits: i32) -> i32 {
    bits ^ ((bits >> 31) & i32::MAX)
}

impl ScalarUDFImpl for Rank {
    fn name(&self) -> &str {
        match self.nan {
            Some(Nan::Last) => "float_rank",
            Some(Nan::First) => "float_rank_nan_first",
            None => "float_of_rank",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match (self.nan, args) {
            (Some(_), [DataType::Float32]) => Ok(DataType::Int32),
            (Some(_), [DataType::Float64]) => Ok(DataType::Int64),
            (None, [DataType::Int32]) => Ok(DataType::Float32),
            (None, [DataType::Int64]) => Ok(DataType::Float64),
            _ => plan_err!("{} cannot be called", self.name()),
        }
    }

    /// As nullable as the argument.
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else { return plan_err!("{} wants a value", self.name()) };
        let ty = self.return_type(std::slice::from_ref(field.data_type()))?;
        Ok(Arc::new(Field::new(self.name(), ty, field.is_nullable())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(self.of_array(array)?)),
            [ColumnarValue::Scalar(value)] => {
                let array = self.of_array(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            _ => plan_err!("{} wants a value", self.name()),
        }
    }
}

impl Rank {
    fn of_array(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if let (Some(nan), Some(array)) = (self.nan, array.as_primitive_opt::<Float64Type>()) {
            return Ok(Arc::new(array.unary::<_, Int64Type>(|v| in_order_64(nan.f64(v)))));
        }
        if let (Some(nan), Some(array)) = (self.nan, array.as_primitive_opt::<Float32Type>()) {
            return Ok(Arc::new(array.unary::<_, Int32Type>(|v| in_order_32(nan.f32(v)))));
        }
        if let (None, Some(array)) = (self.nan, array.as_primitive_opt::<Int64Type>()) {
            let of = |rank: i64| f64::from_bits(turned_64(rank).cast_unsigned());
            return Ok(Arc::new(array.unary::<_, Float64Type>(of)));
        }
        if let (None, Some(array)) = (self.nan, array.as_primitive_opt::<Int32Type>()) {
            let of = |rank: i32| f32::from_bits(turned_32(rank).cast_unsigned());
            return Ok(Arc::new(array.unary::<_, Float32Type>(of)));
        }
        plan_err!("{} has nothing for {}", self.name(), array.data_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_floats_and_lead_back() {
        let all = [f64::NEG_INFINITY, -1.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.0, f64::INFINITY];
        let ranks = all.map(in_order_64);
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        let back = ranks.map(|rank| f64::from_bits(turned_64(rank).cast_unsigned()));
        assert_eq!(back, all);
        let narrow = all.map(|value| in_order_32(value as f32));
        assert!(narrow.is_sorted(), "{narrow:?}");
        assert!(in_order_64(Nan::Last.f64(f64::NAN)) > in_order_64(f64::INFINITY));
        assert!(in_order_64(Nan::First.f64(f64::NAN)) < in_order_64(f64::NEG_INFINITY));
        assert_eq!(in_order_64(Nan::Last.f64(-0.0)), in_order_64(0.0));
    }
}
