//! EXCEPT ALL and INTERSECT ALL count: a row that is there three times less one that is there once
//! is there twice. DataFusion's joins for them only ask whether there is one, so equal rows are
//! numbered on both sides, and the numbers have to be equal too. Not here: EXCEPT and INTERSECT of
//! different rows, of which the joins are right.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, NullEquality, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{
    Distinct, Expr, ExprFunctionExt, Join, JoinConstraint, JoinType, LogicalPlan, Projection,
    Window,
};
use datafusion::optimizer::AnalyzerRule;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct CountedSetOperations;

impl AnalyzerRule for CountedSetOperations {
    fn name(&self) -> &str {
        "counted_set_operations"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let counted = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Join(join) if counts(&join) => Ok(Transformed::yes(counted(join)?)),
            other => Ok(Transformed::no(other)),
        });
        Ok(counted?.data)
    }
}

/// Is the join one of EXCEPT ALL or INTERSECT ALL? Null is equal to null in no join of a query's
/// own, and without ALL the rows on the left are different ones.
fn counts(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && join.on.len() == join.left.schema().fields().len()
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
}

fn counted(join: Join) -> Result<LogicalPlan> {
    let Join { left, right, mut on, join_type, null_equality, null_aware, .. } = join;
    let columns: Vec<Expr> = left.schema().columns().into_iter().map(Expr::Column).collect();
    let (left_by, right_by): (Vec<Expr>, Vec<Expr>) = on.iter().cloned().unzip();
    let (left, left_number) = numbered(left, left_by)?;
    let (right, right_number) = numbered(right, right_by)?;
    on.push((left_number, right_number));
    let constraint = JoinConstraint::On;
    let join =
        Join::try_new(left, right, on, None, join_type, constraint, null_equality, null_aware)?;
    let join = Arc::new(LogicalPlan::Join(join));
    Ok(LogicalPlan::Projection(Projection::try_new(columns, join)?))
}

/// The plan with a number for each row among those that are equal to it.
fn numbered(plan: Arc<LogicalPlan>, by: Vec<Expr>) -> Result<(Arc<LogicalPlan>, Expr)> {
    let number = row_number().partition_by(by).build()?;
    let column = Column::new_unqualified(number.schema_name().to_string());
    let plan = LogicalPlan::Window(Window::try_new(vec![number], plan)?);
    Ok((Arc::new(plan), Expr::Column(column)))
}
