//! Joins in which null is equal to null (`ON a.x IS NOT DISTINCT FROM b.x`), kept apart from
//! conditions in which it is not: two rules of DataFusion put both into the same keys, so that
//! `a.y = b.y` beside them would be true of nulls. Not here: what makes such joins.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{NullEquality, Result};
use datafusion::logical_expr::{JoinType, LogicalPlan};
use datafusion::optimizer::optimizer::Optimizer;
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// DataFusion's rules, of which two leave joins alone that they would get wrong.
pub(crate) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guarded = |rule: Arc<dyn OptimizerRule + Send + Sync>| match rule.name() {
        "extract_equijoin_predicate" | "eliminate_cross_join" => {
            Arc::new(Guarded { rule }) as Arc<dyn OptimizerRule + Send + Sync>
        }
        _ => rule,
    };
    Optimizer::new().rules.into_iter().map(guarded).collect()
}

/// A rule that is not for joins in which null is equal to null.
#[derive(Debug)]
struct Guarded {
    rule: Arc<dyn OptimizerRule + Send + Sync>,
}

impl OptimizerRule for Guarded {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let is_wrong = match self.apply_order() {
            // A node at a time: a join that has such keys already.
            Some(_) => matches!(&plan, LogicalPlan::Join(join)
                if join.null_equality == NullEquality::NullEqualsNull && !join.on.is_empty()),
            // The whole plan: whatever inner joins there are may become one.
            None => has_null_safe(&plan)?,
        };
        if is_wrong { Ok(Transformed::no(plan)) } else { self.rule.rewrite(plan, config) }
    }
}

fn has_null_safe(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found |= matches!(node, LogicalPlan::Join(join)
            if join.join_type == JoinType::Inner
                && join.null_equality == NullEquality::NullEqualsNull);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}
