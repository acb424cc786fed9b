//! `nan_last(x)` and `nan_first(x)`: floats in a form whose order by bits is that of their values,
//! `-0.0` as `0.0` and every NaN as the one that is greater, or less, than all else. Not here:
//! where they are put ([`super::rule`]).

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Float32Type, Float64Type,
};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::rank::ranked;

/// Where NaNs are among the other floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Nan {
    /// Above all.
    Last,
    /// Below all.
    First,
}

impl Nan {
    pub(super) fn f64(self, value: f64) -> f64 {
        match value.is_nan() {
            true if self == Nan::First => f64::NAN.copysign(-1.0),
            true => f64::NAN.copysign(1.0),
            // Zero of either sign becomes the positive one.
            false => value + 0.0,
        }
    }

    pub(super) fn f32(self, value: f32) -> f32 {
        match value.is_nan() {
            true if self == Nan::First => f32::NAN.copysign(-1.0),
            true => f32::NAN.copysign(1.0),
            false => value + 0.0,
        }
    }
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Canonical {
    nan: Nan,
    signature: Signature,
}

impl ScalarUDFImpl for Canonical {
    fn name(&self) -> &str {
        match self.nan {
            Nan::Last => "nan_last",
            Nan::First => "nan_first",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [float] if is_float(float) => Ok(float.clone()),
            _ => plan_err!("{} wants a float", self.name()),
        }
    }

    /// As nullable as the argument, and with what is said of it.
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else { return plan_err!("{} wants a float", self.name()) };
        let ty = self.return_type(&[field.data_type().clone()])?;
        let own = Field::new(self.name(), ty, field.is_nullable());
        Ok(Arc::new(own.with_metadata(field.metadata().clone())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(value)] => Ok(ColumnarValue::Scalar(of_value(self.nan, value))),
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(of_array(self.nan, array)?)),
            _ => plan_err!("{} wants a float", self.name()),
        }
    }
}

pub(super) fn of_array(nan: Nan, array: &ArrayRef) -> Result<ArrayRef> {
    fn floats<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<&PrimitiveArray<T>> {
        match array.as_primitive_opt() {
            Some(array) => Ok(array),
            None => plan_err!("a float is expected, not {}", array.data_type()),
        }
    }
    Ok(match array.data_type() {
        DataType::Float32 => {
            let array = floats::<Float32Type>(array)?;
            Arc::new(array.unary::<_, Float32Type>(|value| nan.f32(value)))
        }
        _ => {
            let array = floats::<Float64Type>(array)?;
            Arc::new(array.unary::<_, Float64Type>(|value| nan.f64(value)))
        }
    })
}

fn of_value(nan: Nan, value: &ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Float32(Some(value)) => ScalarValue::Float32(Some(nan.f32(*value))),
        ScalarValue::Float64(Some(value)) => ScalarValue::Float64(Some(nan.f64(*value))),
        other => other.clone(),
    }
}

pub(super) fn is_float(ty: &DataType) -> bool {
    matches!(ty, DataType::Float32 | DataType::Float64)
}

/// The expression, a float, in that form; as it is where it cannot be a NaN or `-0.0`.
pub(super) fn canonical(nan: Nan, expr: Expr) -> Expr {
    match expr {
        Expr::Literal(value, metadata) => Expr::Literal(of_value(nan, &value), metadata),
        expr if seen_through(&expr).0.is_some() => expr,
        expr => {
            let signature = Signature::any(1, Volatility::Immutable);
            let function = ScalarUDF::new_from_impl(Canonical { nan, signature });
            Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
        }
    }
}

/// What an expression is the canonical form of, and which; else the expression itself.
pub(crate) fn seen_through(expr: &Expr) -> (Option<Nan>, &Expr) {
    if let Expr::ScalarFunction(function) = expr
        && let Some(canonical) = function.func.inner().downcast_ref::<Canonical>()
        && let [inner] = function.args.as_slice()
    {
        return (Some(canonical.nan), inner);
    }
    (None, expr)
}

/// What an expression is a form of, or the rank of; else the expression itself.
pub(crate) fn argument_of(expr: &Expr) -> &Expr {
    seen_through(ranked(expr).unwrap_or(expr)).1
}

/// [`seen_through`] of a physical expression.
pub(crate) fn seen_through_physical(
    expr: &Arc<dyn PhysicalExpr>,
) -> (Option<Nan>, &Arc<dyn PhysicalExpr>) {
    if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>()
        && let Some(canonical) = function.fun().inner().downcast_ref::<Canonical>()
        && let [inner] = function.args()
    {
        return (Some(canonical.nan), inner);
    }
    (None, expr)
}
