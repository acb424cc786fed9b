//! What a subquery takes from the row outside: the largest expressions in it that are made of
//! columns outside and constants alone. Not here: where they come from ([`super::domain`]).

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Is it a column of the plan outside?
fn is_outer(expr: &Expr, outside: &DFSchema) -> bool {
    matches!(expr, Expr::OuterReferenceColumn(_, column) if outside.has_column(column))
}

/// Does the expression take anything from outside? What subqueries in it take does not count: they
/// lie closer to what they depend on.
fn depends(expr: &Expr, outside: &DFSchema) -> Result<bool> {
    expr.exists(|inner| Ok(is_outer(inner, outside)))
}

/// Does the plan?
pub(super) fn plan_depends(plan: &LogicalPlan, outside: &DFSchema) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found = found || node_depends(node, outside)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Does the node itself, whatever its inputs do?
pub(super) fn node_depends(node: &LogicalPlan, outside: &DFSchema) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found = found || depends(expr, outside)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Is the expression made of columns outside and constants alone?
fn is_of_outside(expr: &Expr, outside: &DFSchema) -> Result<bool> {
    let mut only = true;
    expr.apply(|inner| {
        only &= match inner {
            Expr::Column(_)
            | Expr::AggregateFunction(_)
            | Expr::WindowFunction(_)
            | Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::SetComparison(_)
            | Expr::GroupingSet(_)
            | Expr::Unnest(_)
            | Expr::Alias(_)
            | Expr::Placeholder(_) => false,
            Expr::OuterReferenceColumn(..) => is_outer(inner, outside),
            other => !other.is_volatile_node(),
        };
        Ok(if only { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(only && depends(expr, outside)?)
}

/// All that a plan takes from outside, each once.
pub(super) fn outer_expressions(plan: &LogicalPlan, outside: &DFSchema) -> Result<Vec<Expr>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|inner| {
                if !is_of_outside(inner, outside)? {
                    return Ok(TreeNodeRecursion::Continue);
                }
                if !found.contains(inner) {
                    found.push(inner.clone());
                }
                Ok(TreeNodeRecursion::Jump)
            })
        })
    })?;
    Ok(found)
}

/// The expression with `keys` in place of the expressions of outside.
pub(super) fn bound(expr: Expr, outer: &[Expr], keys: &[Expr]) -> Result<Expr> {
    let bound = expr.transform_down(|inner| {
        let at = outer.iter().position(|outer| *outer == inner);
        Ok(match at.and_then(|at| keys.get(at)) {
            Some(key) => Transformed::new(key.clone(), true, TreeNodeRecursion::Jump),
            None => Transformed::no(inner),
        })
    });
    Ok(bound?.data)
}

/// The expression as the plan outside has it: its columns are columns there.
pub(super) fn outside_of(expr: Expr, outside: &DFSchema) -> Result<Expr> {
    let stripped = expr.transform_up(|inner| {
        Ok(match inner {
            Expr::OuterReferenceColumn(_, column) if outside.has_column(&column) => {
                Transformed::yes(Expr::Column(column))
            }
            other => Transformed::no(other),
        })
    });
    Ok(stripped?.data)
}
