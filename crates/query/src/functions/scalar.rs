//! One type for every native function: a name, a number of arguments, a result type, and code over
//! arrays. Constants are folded here, not in each function.

use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, StringViewArray,
};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// A function in code.
#[derive(Debug, Clone)]
pub(crate) struct NativeFunction {
    /// Lower-case name.
    pub name: &'static str,
    /// Numbers of arguments it takes.
    pub arity: RangeInclusive<usize>,
    /// Result type for the argument types.
    pub returns: fn(&[DataType]) -> Result<DataType>,
    /// The code. The answer has as many rows as the arguments.
    pub evaluate: fn(&Arguments<'_>) -> Result<ArrayRef>,
    /// For which type of its only argument the function does nothing and is dropped.
    pub identity: Option<fn(&DataType) -> bool>,
    /// Says what type the result stands for, as metadata `dodb.type`.
    pub result_kind: Option<&'static str>,
    signature: Signature,
}

impl NativeFunction {
    /// A function without side effects.
    pub fn new(
        name: &'static str,
        arity: RangeInclusive<usize>,
        returns: fn(&[DataType]) -> Result<DataType>,
        evaluate: fn(&Arguments<'_>) -> Result<ArrayRef>,
    ) -> NativeFunction {
        let signature = Signature::variadic_any(Volatility::Immutable);
        let (identity, result_kind) = (None, None);
        NativeFunction { name, arity, returns, evaluate, identity, result_kind, signature }
    }

    /// See [`NativeFunction::identity`].
    pub fn with_identity(mut self, identity: fn(&DataType) -> bool) -> NativeFunction {
        self.identity = Some(identity);
        self
    }

    /// See [`NativeFunction::result_kind`].
    pub fn with_result_kind(mut self, kind: &'static str) -> NativeFunction {
        self.result_kind = Some(kind);
        self
    }

    /// As DataFusion registers it.
    pub fn udf(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(self)
    }

    /// A call of it.
    pub fn call(self, args: Vec<Expr>) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(self.udf()), args))
    }

    fn result_type(&self, args: &[DataType]) -> Result<DataType> {
        if !self.arity.contains(&args.len()) {
            let (least, most) = (self.arity.start(), self.arity.end());
            let wanted =
                if least == most { format!("{least}") } else { format!("{least} to {most}") };
            return plan_err!("{} wants {wanted} arguments, not {}", self.name, args.len());
        }
        (self.returns)(args)
    }
}

impl PartialEq for NativeFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NativeFunction {}

impl Hash for NativeFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for NativeFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        self.result_type(args)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> =
            args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let field = Field::new(self.name, self.result_type(&types)?, true);
        Ok(Arc::new(match self.result_kind {
            Some(kind) => field.with_metadata(crate::json::kind_metadata(kind)),
            None => field,
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arguments =
            Arguments { name: self.name, args: &args.args, fields: &args.arg_fields, rows };
        let array = (self.evaluate)(&arguments)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        if let (Some(identity), [arg]) = (self.identity, args.as_slice())
            && identity(&info.get_data_type(arg)?)
        {
            return Ok(ExprSimplifyResult::Simplified(arg.clone()));
        }
        Ok(ExprSimplifyResult::Original(args))
    }
}

/// Arguments of one call over one batch.
pub(crate) struct Arguments<'a> {
    name: &'static str,
    args: &'a [ColumnarValue],
    fields: &'a [FieldRef],
    /// Rows to answer.
    pub rows: usize,
}

impl Arguments<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.args.len()
    }

    /// The field of an argument, with its metadata.
    pub fn field(&self, at: usize) -> Option<&FieldRef> {
        self.fields.get(at)
    }

    /// An argument with one value per row.
    pub fn array(&self, at: usize) -> Result<ArrayRef> {
        match self.args.get(at) {
            Some(arg) => arg.to_array(self.rows),
            None => exec_err!("{}: argument {} is missing", self.name, at + 1),
        }
    }

    /// The constant an argument is, when it is one.
    pub fn constant(&self, at: usize) -> Option<&ScalarValue> {
        match self.args.get(at) {
            Some(ColumnarValue::Scalar(value)) => Some(value),
            _ => None,
        }
    }

    /// A text constant, required to be one.
    pub fn constant_text(&self, at: usize) -> Result<Option<&str>> {
        match self.constant(at).map(ScalarValue::try_as_str) {
            Some(Some(text)) => Ok(text),
            _ => exec_err!("{}: argument {} must be a constant string", self.name, at + 1),
        }
    }

    /// An argument as text.
    pub fn text(&self, at: usize) -> Result<StringViewArray> {
        let array = self.array(at)?;
        if array.data_type() == &DataType::Utf8View {
            return Ok(array.as_string_view().clone());
        }
        Ok(cast(&array, &DataType::Utf8View)?.as_string_view().clone())
    }

    /// An argument as 64-bit integers.
    pub fn integers(&self, at: usize) -> Result<Int64Array> {
        Ok(cast(&self.array(at)?, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    /// An argument as floats; NULL where it is no number.
    pub fn floats(&self, at: usize) -> Result<Float64Array> {
        let array = try_cast(&self.array(at)?, &DataType::Float64)?;
        Ok(array.as_primitive::<Float64Type>().clone())
    }
}

/// A cast with NULL where a value does not fit.
pub(crate) fn try_cast(array: &dyn Array, data_type: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    Ok(cast_with_options(array, data_type, &options)?)
}

/// Whether a type holds text.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether a type is a list of any kind.
pub(crate) fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _))
}
