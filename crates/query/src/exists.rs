//! `SELECT EXISTS (SELECT ...)`: outside of conditions DataFusion plans no EXISTS, but a subquery
//! that gives one value. Not here: EXISTS in WHERE and HAVING, which become joins, but for what is
//! true of any rows.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, plan_err};
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::logical_expr::expr::Exists;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Expr, FetchType, LogicalPlan, LogicalPlanBuilder, SkipType, Subquery, lit,
};
use datafusion::optimizer::AnalyzerRule;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct ExistsAsValue;

impl AnalyzerRule for ExistsAsValue {
    fn name(&self) -> &str {
        "exists_as_value"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let names = NamePreserver::new_for_projection();
        let mut number = 0;
        let rewritten = plan.transform_up_with_subqueries(|plan| {
            let is_condition = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
            let changed = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let changed = expr.transform_up(|expr| match expr {
                    Expr::Exists(exists) if is_always_true(&exists.subquery.subquery) => {
                        Ok(Transformed::yes(lit(!exists.negated)))
                    }
                    Expr::Exists(exists) if depends_on_a_count(&exists.subquery) => plan_err!(
                        "EXISTS of an aggregate with HAVING cannot depend on the row outside: \
                         compare the aggregate itself"
                    ),
                    Expr::Exists(exists) if !is_condition => {
                        number += 1;
                        Ok(Transformed::yes(as_value(exists, &format!("__exists_{number}"))?))
                    }
                    other => Ok(Transformed::no(other)),
                })?;
                changed.map_data(|expr| Ok(name.restore(expr)))
            });
            let changed = changed?;
            if changed.transformed {
                changed.map_data(LogicalPlan::recompute_schema)
            } else {
                Ok(changed)
            }
        });
        Ok(rewritten?.data)
    }
}

/// Does the plan give a row whatever it reads? An aggregate of everything does.
fn is_always_true(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(projection) => is_always_true(&projection.input),
        LogicalPlan::Sort(sort) => sort.fetch.is_none() && is_always_true(&sort.input),
        LogicalPlan::SubqueryAlias(alias) => is_always_true(&alias.input),
        _ => false,
    }
}

/// Is it for a condition on an aggregate of rows that depend on the row outside? Where there are
/// none such the aggregate has a row, but a join with it has not.
fn depends_on_a_count(subquery: &Subquery) -> bool {
    fn is_of_all(plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::Filter(filter) => is_of_all(&filter.input),
            LogicalPlan::Limit(limit) => is_of_all(&limit.input),
            LogicalPlan::Sort(sort) => is_of_all(&sort.input),
            LogicalPlan::Projection(projection) => is_of_all(&projection.input),
            LogicalPlan::SubqueryAlias(alias) => is_of_all(&alias.input),
            LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
            _ => false,
        }
    }
    !subquery.outer_ref_columns.is_empty() && is_of_all(&subquery.subquery)
}

/// An EXISTS as a value of its rows that is null when there are none, under a name of its own.
fn as_value(exists: Exists, name: &str) -> Result<Expr> {
    let Subquery { subquery, spans, .. } = exists.subquery;
    let rows = any_of(&subquery).clone();
    let outer_ref_columns = rows.all_out_ref_exprs();
    let rows = LogicalPlanBuilder::from(rows);
    let (rows, is_there): (_, fn(Expr) -> Expr) = if outer_ref_columns.is_empty() {
        // One row is enough, and a count is often known without reading any.
        let count = count(lit(1_i64)).alias(name);
        (rows.limit(0, Some(1))?.aggregate(Vec::<Expr>::new(), [count])?, is_positive)
    } else {
        // A join with what there is for each row outside, where that lacks counts of zero.
        let one = max(lit(1_i64)).alias(name);
        (rows.aggregate(Vec::<Expr>::new(), [one])?, Expr::is_not_null)
    };
    let subquery = Subquery { subquery: Arc::new(rows.build()?), outer_ref_columns, spans };
    let found = is_there(Expr::ScalarSubquery(subquery));
    // Never null, as EXISTS is not: plans above count on that.
    Ok(if exists.negated { found.is_not_true() } else { found.is_true() })
}

fn is_positive(count: Expr) -> Expr {
    count.gt(lit(0_i64))
}

/// The rows of a plan in any order, with any columns, and perhaps more of them; of none none.
fn any_of(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(projection) => any_of(&projection.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => any_of(&sort.input),
        LogicalPlan::Limit(limit) => match (limit.get_skip_type(), limit.get_fetch_type()) {
            (Ok(SkipType::Literal(0)), Ok(FetchType::Literal(Some(1..)))) => any_of(&limit.input),
            _ => plan,
        },
        _ => plan,
    }
}
