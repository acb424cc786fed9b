//! IN and BETWEEN with a JSON path: the planner has no hook for them, so they are put right before
//! types are checked.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, Cast, InList, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

use super::describe::{dynamic_type_of_path, stored_paths};
use super::is_dynamic;
use super::planner::{as_times, beside, field_of, is_text, is_text_path};
use super::subcolumn::subcolumn;
use crate::functions::{AS_TIME, as_time_type};

/// Converts the path of `path IN (1, 2)` and `path BETWEEN 1 AND 2` to the type of the others.
#[derive(Debug, Default, Clone, Copy)]
pub struct JsonOperands;

impl FunctionRewrite for JsonOperands {
    fn name(&self) -> &str {
        "json_operands"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _config: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        match expr {
            Expr::InList(InList { expr, list, negated }) => {
                let (expr, changed) = converted(*expr, list.first(), schema)?;
                let list = InList { expr: Box::new(expr), list, negated };
                Ok(Transformed::new_transformed(Expr::InList(list), changed))
            }
            Expr::Between(Between { expr, negated, low, high }) => {
                let (expr, changed) = converted(*expr, Some(&low), schema)?;
                let between = Between { expr: Box::new(expr), negated, low, high };
                Ok(Transformed::new_transformed(Expr::Between(between), changed))
            }
            other => {
                let path = subcolumn(&other)
                    .or_else(|| dynamic_type_of_path(&other))
                    .or_else(|| stored_paths(&other, schema))
                    .or_else(|| time_of_path(&other, schema));
                Ok(match path {
                    Some(path) => Transformed::yes(path),
                    None => Transformed::no(other),
                })
            }
        }
    }
}

/// A path whose texts are all dates or times, where a time is made of it.
fn time_of_path(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let (path, data_type) = match expr {
        Expr::ScalarFunction(function) if function.name() == AS_TIME => {
            (function.args.first()?, as_time_type())
        }
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })
            if matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) =>
        {
            (expr.as_ref(), field.data_type().clone())
        }
        _ => return None,
    };
    let times = as_times(path, schema)?;
    Some(Expr::Cast(Cast::new(Box::new(times), data_type)))
}

/// The expression, converted when it is a path and `other` has a type; and whether it was.
fn converted(expr: Expr, other: Option<&Expr>, schema: &DFSchema) -> Result<(Expr, bool)> {
    let Some(other) = other else { return Ok((expr, false)) };
    let other_type = other.get_type(schema)?;
    let is_path = is_dynamic(field_of(&expr, schema)?.as_ref())
        || is_text_path(&expr) && !is_text(&other_type);
    if !is_path {
        return Ok((expr, false));
    }
    let before = expr.clone();
    let expr = beside(expr, Operator::Eq, other, &other_type, schema);
    let changed = expr != before;
    Ok((expr, changed))
}
