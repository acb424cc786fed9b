//! ORDER BY a JSON path: numbers first, by value, then the rest as text.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Expr, LogicalPlan, Sort, SortExpr};
use datafusion::optimizer::AnalyzerRule;

use super::is_dynamic;
use super::planner::field_of;
use crate::floats::seen_through;
use crate::functions::as_number;

/// Sorts paths by their number, then by their text.
#[derive(Debug, Default, Clone, Copy)]
pub struct JsonOrder;

impl AnalyzerRule for JsonOrder {
    fn name(&self) -> &str {
        "json_order"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(sorted)?.data)
    }
}

fn sorted(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Sort(sort) = plan else { return Ok(Transformed::no(plan)) };
    let schema = sort.input.schema();
    let mut keys = Vec::with_capacity(sort.expr.len());
    let mut changed = false;
    for key in sort.expr {
        let is_path = is_dynamic(field_of(&key.expr, schema)?.as_ref());
        // One that is there already was put there by this rule.
        let done = keys.last().is_some_and(|last: &SortExpr| is_number_of(&last.expr, &key.expr));
        if is_path && !done {
            changed = true;
            if key.nulls_first {
                keys.push(SortExpr::new(Expr::IsNull(Box::new(key.expr.clone())), false, false));
            }
            let number = as_number().call(vec![key.expr.clone()]);
            keys.push(SortExpr::new(number, key.asc, false));
        }
        keys.push(key);
    }
    let sort = Sort { expr: keys, input: sort.input, fetch: sort.fetch };
    Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), changed))
}

fn is_number_of(number: &Expr, path: &Expr) -> bool {
    let (_, number) = seen_through(number);
    match number {
        Expr::ScalarFunction(function) => {
            super::planner::is_number_of_path(number) && function.args.first() == Some(path)
        }
        _ => false,
    }
}
