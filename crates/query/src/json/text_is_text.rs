//! A text is no number: `sum(name)` and `name > 5` are errors, as they are in ClickHouse. Paths of
//! documents are the exception: what they hold may be a number written as a text. A constant text
//! beside a number is that number. Not here: making numbers of paths ([`super::planner`]).

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{Between, BinaryExpr, InList};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, Operator};

use super::kind::is_of_path;
use super::planner::field_of;
use crate::functions::{AS_FLOAT, AS_NUMBER};

/// Refuses texts where numbers are computed or compared.
#[derive(Debug, Default, Clone, Copy)]
pub struct TextIsText;

impl FunctionRewrite for TextIsText {
    fn name(&self) -> &str {
        "text_is_text"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _config: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        match &expr {
            Expr::ScalarFunction(function) if matches!(function.name(), AS_NUMBER | AS_FLOAT) => {
                for argument in &function.args {
                    check(argument, schema, "a number is expected")?;
                }
            }
            // Arithmetic with texts DataFusion refuses by itself.
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => {
                compared(left, right, schema)?;
                compared(right, left, schema)?;
            }
            Expr::InList(InList { expr, list, .. }) => {
                for value in list {
                    compared(expr, value, schema)?;
                }
            }
            Expr::Between(Between { expr, low, high, .. }) => {
                compared(expr, low, schema)?;
                compared(expr, high, schema)?;
            }
            _ => {}
        }
        Ok(Transformed::no(expr))
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator as O;
    matches!(
        op,
        O::Eq
            | O::NotEq
            | O::Lt
            | O::LtEq
            | O::Gt
            | O::GtEq
            | O::IsDistinctFrom
            | O::IsNotDistinctFrom
    )
}

fn is_text(field: &FieldRef) -> bool {
    matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        && !is_of_path(field)
}

fn is_number(field: &FieldRef) -> bool {
    field.data_type().is_numeric()
}

/// An expression that must not be a text.
fn check(expr: &Expr, schema: &DFSchema, what: &str) -> Result<()> {
    match field_of(expr, schema) {
        Ok(field) if is_text(&field) => plan_err!(
            "{what}, and `{expr}` is a String: convert it, as with toFloat64(x) or toInt64(x)"
        ),
        // Whoever plans it says better what is wrong.
        _ => Ok(()),
    }
}

/// `text > number` is refused, but of a constant text that is the number it says.
fn compared(text: &Expr, number: &Expr, schema: &DFSchema) -> Result<()> {
    if matches!(text, Expr::Literal(..)) {
        return Ok(());
    }
    match field_of(number, schema) {
        Ok(field) if is_number(&field) => check(text, schema, "texts and numbers are not compared"),
        _ => Ok(()),
    }
}
