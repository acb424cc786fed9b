//! `greatest` and `least` of floats, as ClickHouse has them: NaNs and nulls are passed over unless
//! there is nothing else. Not here: `max` and `min` ([`super::rank`]).

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use super::canonical::is_float;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Extreme {
    is_greatest: bool,
    signature: Signature,
}

/// A call of DataFusion's `greatest` or `least` of floats as one of ours; `None` where one of the
/// arguments is no number.
pub(super) fn extreme(function: &ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    for arg in &function.args {
        let ty = arg.get_type(schema)?;
        if !ty.is_numeric() && !ty.is_null() {
            return Ok(None);
        }
    }
    let is_greatest = function.name() == "greatest";
    let signature = Signature::variadic_any(Volatility::Immutable);
    let own = Arc::new(ScalarUDF::new_from_impl(Extreme { is_greatest, signature }));
    Ok(Some(Expr::ScalarFunction(ScalarFunction::new_udf(own, function.args.clone()))))
}

impl ScalarUDFImpl for Extreme {
    fn name(&self) -> &str {
        if self.is_greatest { "greatest_float" } else { "least_float" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let is_narrow = |ty: &DataType| *ty == DataType::Float32 || ty.is_null();
        match args {
            [] => plan_err!("{} wants an argument", self.name()),
            narrow if narrow.iter().all(is_narrow) => Ok(DataType::Float32),
            _ => Ok(DataType::Float64),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let is_nullable = args.arg_fields.iter().all(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ty = args.return_field.data_type();
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let arrays = arrays.iter().map(|array| Ok(cast(array, ty)?));
        let arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
        let rows = arrays.first().map_or(0, |array| array.len());
        let mut found: ArrayRef = match ty {
            DataType::Float32 => Arc::new(Float32Array::new_null(rows)),
            float if is_float(float) => Arc::new(Float64Array::new_null(rows)),
            other => return plan_err!("{} has no {other}", self.name()),
        };
        for next in &arrays {
            found = self.of_two(&found, next);
        }
        Ok(ColumnarValue::Array(found))
    }
}

impl Extreme {
    /// Both are floats of one width.
    fn of_two(&self, so_far: &ArrayRef, next: &ArrayRef) -> ArrayRef {
        if let (Some(a), Some(b)) =
            (so_far.as_primitive_opt::<Float32Type>(), next.as_primitive_opt::<Float32Type>())
        {
            let each = a.iter().zip(b.iter()).map(|(a, b)| self.pick(a, b));
            return Arc::new(each.collect::<Float32Array>());
        }
        if let (Some(a), Some(b)) =
            (so_far.as_primitive_opt::<Float64Type>(), next.as_primitive_opt::<Float64Type>())
        {
            let each = a.iter().zip(b.iter()).map(|(a, b)| self.pick(a, b));
            return Arc::new(each.collect::<Float64Array>());
        }
        next.clone()
    }

    fn pick<T: PartialOrd + Copy>(&self, so_far: Option<T>, next: Option<T>) -> Option<T> {
        let (Some(a), Some(b)) = (so_far, next) else { return so_far.or(next) };
        let stays = match a.partial_cmp(&b) {
            Some(order) if self.is_greatest => order.is_gt(),
            Some(order) => order.is_lt(),
            // The one that is no NaN.
            None => a.partial_cmp(&a).is_some(),
        };
        Some(if stays { a } else { b })
    }
}
