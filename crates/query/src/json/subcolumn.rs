//! `data.a.:Int64`: the values of a path that are of one type, as a function until the path is
//! known for what it is. Not casts, which convert.

use std::sync::Arc;

use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use dodb_part::ColumnType;
use dodb_part::json::PathType;

use super::path::JsonPath;

/// The name of the function; the dialect writes it for `.:`.
pub(crate) const SUBCOLUMN: &str = "json_subcolumn";

/// The function, to be registered.
pub(crate) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(Subcolumn { signature: Signature::any(2, Volatility::Immutable) })
}

/// A call of the function as a path, where its argument is one.
pub(super) fn subcolumn(expr: &Expr) -> Option<Expr> {
    let Expr::ScalarFunction(function) = expr else { return None };
    if function.name() != SUBCOLUMN {
        return None;
    }
    let [value, Expr::Literal(name, _)] = function.args.as_slice() else { return None };
    let (path, document) = JsonPath::of(value)?;
    let ty = path_type(&ColumnType::parse(name.try_as_str()??).ok()?)?;
    Some(JsonPath::call(document.clone(), path.keys.clone(), ty))
}

/// The type of path whose values are of a column type.
pub(super) fn path_type(ty: &ColumnType) -> Option<PathType> {
    Some(match ty {
        ColumnType::Bool => PathType::Bool,
        ColumnType::Int64 => PathType::Int64,
        ColumnType::UInt64 => PathType::UInt64,
        ColumnType::Float64 => PathType::Float,
        ColumnType::String => PathType::String,
        ColumnType::Json => PathType::Object,
        ColumnType::Date => PathType::Date,
        ColumnType::Timestamp(unit) => PathType::Time(*unit),
        ColumnType::Array(element) => match element.as_ref() {
            ColumnType::Bool => PathType::Bools,
            ColumnType::Int64 => PathType::Ints,
            ColumnType::Float64 => PathType::Floats,
            ColumnType::String => PathType::Strings,
            _ => return None,
        },
        _ => return None,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Subcolumn {
    signature: Signature,
}

impl ScalarUDFImpl for Subcolumn {
    fn name(&self) -> &str {
        SUBCOLUMN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of .: is known from its argument")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let name = match args.scalar_arguments {
            [_, Some(name)] => name.try_as_str().flatten(),
            _ => None,
        };
        match name.map(ColumnType::parse) {
            Some(Ok(ty)) => Ok(Arc::new(Field::new(SUBCOLUMN, ty.arrow(), true))),
            _ => plan_err!("no type is {}", name.unwrap_or("missing")),
        }
    }

    /// Of what is no path: whatever can be cast.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let options = CastOptions { safe: true, ..CastOptions::default() };
        let ty = args.return_field.data_type();
        match args.args.first() {
            Some(ColumnarValue::Array(array)) => {
                Ok(ColumnarValue::Array(cast_with_options(array, ty, &options)?))
            }
            Some(ColumnarValue::Scalar(value)) => {
                let array = cast_with_options(&value.to_array()?, ty, &options)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            None => plan_err!("a value is expected"),
        }
    }
}
