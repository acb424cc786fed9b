//! `SELECT EXISTS (SELECT ...)`: outside of conditions DataFusion plans no EXISTS, but a subquery
//! that gives one value. Not here: EXISTS in WHERE and HAVING, which become joins.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery, lit};
use datafusion::optimizer::AnalyzerRule;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct ExistsAsCount;

impl AnalyzerRule for ExistsAsCount {
    fn name(&self) -> &str {
        "exists_as_count"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let names = NamePreserver::new_for_projection();
        let rewritten = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Filter(_) | LogicalPlan::Join(_) => Ok(Transformed::no(plan)),
            plan => plan
                .map_expressions(|expr| {
                    let name = names.save(&expr);
                    expr.transform_up(counted)?.map_data(|expr| Ok(name.restore(expr)))
                })?
                // Whether a column can be null depends on those below.
                .map_data(LogicalPlan::recompute_schema),
        });
        Ok(rewritten?.data)
    }
}

/// An EXISTS as a count of rows: of one at most, unless it depends on the row outside.
fn counted(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::Exists(exists) = expr else { return Ok(Transformed::no(expr)) };
    let Subquery { subquery, outer_ref_columns, spans } = exists.subquery;
    let mut rows = LogicalPlanBuilder::from(subquery.as_ref().clone());
    if outer_ref_columns.is_empty() {
        rows = rows.limit(0, Some(1))?;
    }
    let number = count(lit(1_i64));
    let column = Expr::Column(Column::from_name(number.schema_name().to_string()));
    let any = if exists.negated { column.eq(lit(0_i64)) } else { column.gt(lit(0_i64)) };
    let rows = rows.aggregate(Vec::<Expr>::new(), [number])?.project([any])?.build()?;
    let subquery = Subquery { subquery: Arc::new(rows), outer_ref_columns, spans };
    Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
}
