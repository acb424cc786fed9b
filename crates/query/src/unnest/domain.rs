//! The different values that a subquery takes from the rows outside, as a plan of its own. It may
//! have more of them than there are outside: nobody asks for those. Not here: what is computed for
//! them ([`super::push`]).

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, Result, plan_err};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Filter, Join, JoinType, LogicalPlan, Projection, SubqueryAlias,
};

use super::push::has_subquery;

/// The plan outside, less what does not change which values there are, or makes them fewer.
///
/// # Errors
/// The rows outside may not be the same when they are computed twice.
pub(super) fn source_of(outside: &LogicalPlan, values: &[Expr]) -> Result<LogicalPlan> {
    let columns: HashSet<Column> = values.iter().flat_map(Expr::column_refs).cloned().collect();
    let source = widened(outside, &columns)?;
    if !is_repeatable(&source)? {
        return plan_err!(
            "a subquery cannot depend on rows that are chosen by LIMIT or by a random function \
             before they are grouped: store them in a table first"
        );
    }
    Ok(source)
}

fn widened(plan: &LogicalPlan, columns: &HashSet<Column>) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Limit(limit) => widened(&limit.input, columns)?,
        LogicalPlan::Sort(sort) => widened(&sort.input, columns)?,
        LogicalPlan::Distinct(Distinct::All(input)) => widened(input, columns)?,
        // What a subquery in it chooses may be another thing the next time.
        LogicalPlan::Filter(filter) if has_subquery(&filter.predicate)? => {
            widened(&filter.input, columns)?
        }
        LogicalPlan::Filter(filter) => {
            let mut needed = columns.clone();
            needed.extend(filter.predicate.column_refs().into_iter().cloned());
            let input = widened(&filter.input, &needed)?;
            LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), Arc::new(input))?)
        }
        LogicalPlan::Join(join) => match side(join, columns) {
            Some(side) => widened(side, columns)?,
            None => plan.clone(),
        },
        LogicalPlan::SubqueryAlias(alias) => {
            // The names inside are others; limits there are looked for all the same.
            let inside = alias.input.schema().columns().into_iter().collect();
            let input = widened(&alias.input, &inside)?;
            let alias = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
            LogicalPlan::SubqueryAlias(alias)
        }
        LogicalPlan::Projection(projection) => {
            let outputs = projection.schema.columns().into_iter().zip(&projection.expr);
            let exprs = outputs.filter(|(column, _)| columns.contains(column));
            let exprs: Vec<Expr> = exprs.map(|(_, expr)| expr.clone()).collect();
            let needed = exprs.iter().flat_map(Expr::column_refs).cloned().collect();
            let input = widened(&projection.input, &needed)?;
            LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?)
        }
        other => other.clone(),
    })
}

/// The input of a join that has all of the columns, and each of their rows at least once.
fn side<'a>(join: &'a Join, columns: &HashSet<Column>) -> Option<&'a LogicalPlan> {
    let has_all =
        |plan: &LogicalPlan| columns.iter().all(|column| plan.schema().has_column(column));
    let (left, right) = match join.join_type {
        JoinType::Inner => (true, true),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti => (true, false),
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti => (false, true),
        _ => (false, false),
    };
    if left && has_all(&join.left) {
        return Some(&join.left);
    }
    (right && has_all(&join.right)).then_some(join.right.as_ref())
}

/// Does the plan give the same rows each time?
fn is_repeatable(plan: &LogicalPlan) -> Result<bool> {
    let mut same = true;
    plan.apply_with_subqueries(|node| {
        same &= match node {
            LogicalPlan::Limit(_) => false,
            LogicalPlan::Sort(sort) => sort.fetch.is_none(),
            _ => true,
        };
        node.apply_expressions(|expr| {
            same &= !expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if same { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(same)
}

/// One row for each combination of `values` that the plan outside has, under the names `keys`.
pub(super) fn domain(
    source: Arc<LogicalPlan>,
    values: &[Expr],
    keys: &[Column],
) -> Result<LogicalPlan> {
    let named = values
        .iter()
        .zip(keys)
        .map(|(value, key)| value.clone().alias_qualified(key.relation.clone(), key.name.clone()));
    let named = Projection::try_new(named.collect(), source)?;
    let keys = keys.iter().cloned().map(Expr::Column).collect();
    let named = Arc::new(LogicalPlan::Projection(named));
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(named, keys, Vec::new())?))
}
