//! A subquery that stands for a value must give one row at most: `single_value(value, rows)` is the
//! value, or an error where there are more rows. Not here: counting them ([`super::value`]).

use std::sync::LazyLock;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::kernels::aggregate::max;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The value, which is an error of more than one row.
pub(super) fn single(value: Expr, rows: Expr) -> Expr {
    single_value().call(vec![value, rows])
}

/// The function.
fn single_value() -> &'static ScalarUDF {
    static FUNCTION: LazyLock<ScalarUDF> = LazyLock::new(|| {
        let signature = Signature::any(2, Volatility::Immutable);
        ScalarUDF::from(SingleValue { signature })
    });
    &FUNCTION
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SingleValue {
    signature: Signature,
}

impl ScalarUDFImpl for SingleValue {
    fn name(&self) -> &str {
        "single_value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [value, DataType::Int64] => Ok(value.clone()),
            _ => internal_err!("single_value takes a value and a number of rows"),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [value, counts] = arguments.args.as_slice() else {
            return internal_err!("single_value takes a value and a number of rows");
        };
        let counts = counts.to_array(rows)?;
        let most = counts.as_primitive_opt::<Int64Type>().and_then(max);
        if most.is_some_and(|most| most > 1) {
            return exec_err!(
                "a subquery that stands for a value gives more than one row: add LIMIT 1, or \
                 an aggregate"
            );
        }
        Ok(value.clone())
    }
}
