//! A path of a JSON column as a function of the column: typed by what the table knows of the path,
//! and taken over by scans, which read the subcolumn. Here also: reading it from text, where it
//! was not taken over.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExpressionPlacement, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use dodb_part::documents_path;
use dodb_part::json::{PathType, path_text};

use super::kind::{DYNAMIC, kind_metadata, path_metadata};
use crate::error::external;

/// The function; its one argument is the document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct JsonPath {
    /// Keys from the outside in.
    pub keys: Vec<String>,
    /// What the values are read as.
    pub ty: PathType,
    signature: Signature,
}

/// The name of the function, in plans.
const NAME: &str = "json_path";

impl JsonPath {
    /// The value at `keys` of a document.
    pub fn call(document: Expr, keys: Vec<String>, ty: PathType) -> Expr {
        let signature = Signature::any(1, Volatility::Immutable);
        let function = ScalarUDF::new_from_impl(JsonPath { keys, ty, signature });
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![document]))
    }

    /// The path and its document, when the expression is one.
    pub fn of(expr: &Expr) -> Option<(&JsonPath, &Expr)> {
        match expr {
            Expr::ScalarFunction(function) => {
                Some((JsonPath::of_udf(&function.func)?, function.args.first()?))
            }
            _ => None,
        }
    }

    /// The path, when the function is one.
    pub fn of_udf(function: &ScalarUDF) -> Option<&JsonPath> {
        function.inner().downcast_ref::<JsonPath>()
    }

    /// The path as it is stored.
    pub fn stored(&self) -> String {
        path_text(self.keys.iter().map(String::as_str))
    }

    /// The type of the values in Arrow.
    pub fn arrow(&self) -> DataType {
        self.ty.column_type().arrow()
    }
}

impl ScalarUDFImpl for JsonPath {
    fn name(&self) -> &str {
        NAME
    }

    /// Plans tell expressions apart by their names.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let document = args.iter().map(|arg| arg.schema_name().to_string()).collect::<String>();
        Ok(format!("{NAME}({document}, {:?}, {:?})", self.stored(), self.ty))
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.arrow())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields.first().map(|field| field.data_type()) {
            Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) => {}
            _ => return plan_err!("a path is read from JSON text"),
        }
        let field = Field::new(self.keys.join("."), self.arrow(), true);
        Ok(Arc::new(match self.ty {
            PathType::Text => field.with_metadata(kind_metadata(DYNAMIC)),
            PathType::String => field.with_metadata(path_metadata()),
            _ => field,
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(documents) = arrays.first() else { return plan_err!("a document is expected") };
        let documents: ArrayRef = cast(documents, &DataType::Utf8View)?;
        let values = documents_path(&documents, &self.stored(), self.ty)
            .map_err(|e| external(dodb_engine::Error::invalid(e.to_string())))?;
        Ok(ColumnarValue::Array(values))
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        match args.first() {
            Some(ExpressionPlacement::Column | ExpressionPlacement::MoveTowardsLeafNodes) => {
                ExpressionPlacement::MoveTowardsLeafNodes
            }
            _ => ExpressionPlacement::KeepInPlace,
        }
    }
}
