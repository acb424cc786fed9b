//! Constants on the side of an outer join that may have no row: `LEFT JOIN (SELECT k, 1 AS one ...)
//! ORDER BY one`. DataFusion takes them for constants of the join's rows too, though they are null
//! where there is no row, and leaves out of an order what it thinks is constant. They are hidden
//! from it. Not here: other orders.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result, Statistics};
use datafusion::config::ConfigOptions;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    PlanProperties, SendableRecordBatchStream, StatisticsArgs,
};

/// Hides them. Before all other rules, which use what is known of orders.
#[derive(Debug)]
pub(crate) struct OuterConstants;

impl PhysicalOptimizerRule for OuterConstants {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let hidden = plan.transform_up(|plan| {
            let Some((left, right)) = join_type(&plan).map(may_be_missing) else {
                return Ok(Transformed::no(plan));
            };
            let mut changed = false;
            let inputs = plan.children().into_iter().zip([left, right]);
            let inputs: Vec<Arc<dyn ExecutionPlan>> = inputs
                .map(|(input, missing)| {
                    let has_some = !input.equivalence_properties().constants().is_empty();
                    changed |= missing && has_some;
                    match missing && has_some {
                        true => Arc::new(HiddenExec::new(input.clone())) as Arc<dyn ExecutionPlan>,
                        false => input.clone(),
                    }
                })
                .collect();
            Ok(match changed {
                true => Transformed::yes(crate::one_partition::with_inputs(plan, inputs)?),
                false => Transformed::no(plan),
            })
        });
        Ok(hidden?.data)
    }

    fn name(&self) -> &str {
        "outer_constants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn join_type(plan: &Arc<dyn ExecutionPlan>) -> Option<JoinType> {
    let hash = plan.downcast_ref::<HashJoinExec>().map(|join| *join.join_type());
    let loops = || plan.downcast_ref::<NestedLoopJoinExec>().map(|join| *join.join_type());
    let merge = || plan.downcast_ref::<SortMergeJoinExec>().map(SortMergeJoinExec::join_type);
    hash.or_else(loops).or_else(merge)
}

/// Whether there may be no row on the left, and on the right.
fn may_be_missing(join_type: JoinType) -> (bool, bool) {
    let left = matches!(join_type, JoinType::Right | JoinType::Full);
    let right = matches!(join_type, JoinType::Left | JoinType::Full);
    (left, right)
}

/// A plan of which nothing is known but its rows.
#[derive(Debug)]
struct HiddenExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl HiddenExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> HiddenExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        HiddenExec { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for HiddenExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenExec")
    }
}

impl ExecutionPlan for HiddenExec {
    fn name(&self) -> &str {
        "HiddenExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next().unwrap_or_else(|| self.input.clone());
        Ok(Arc::new(HiddenExec::new(input)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(match inputs {
            [input] => input.clone(),
            _ => Arc::new(Statistics::new_unknown(&self.input.schema())),
        })
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
