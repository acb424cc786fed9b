//! IN and BETWEEN with a JSON path: the planner has no hook for them, so they are put right before
//! types are checked.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

use super::describe::dynamic_type_of_path;
use super::is_dynamic;
use super::planner::{beside, field_of};
use super::subcolumn::subcolumn;

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
            other => match subcolumn(&other).or_else(|| dynamic_type_of_path(&other)) {
                Some(path) => Ok(Transformed::yes(path)),
                None => Ok(Transformed::no(other)),
            },
        }
    }
}

/// The expression, converted when it is a path and `other` has a type; and whether it was.
fn converted(expr: Expr, other: Option<&Expr>, schema: &DFSchema) -> Result<(Expr, bool)> {
    let Some(other) = other else { return Ok((expr, false)) };
    if !is_dynamic(field_of(&expr, schema)?.as_ref()) {
        return Ok((expr, false));
    }
    let other_type = other.get_type(schema)?;
    let before = expr.clone();
    let expr = beside(expr, Operator::Eq, other, &other_type);
    let changed = expr != before;
    Ok((expr, changed))
}
