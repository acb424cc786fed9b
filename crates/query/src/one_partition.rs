//! Plans for where one thread does everything, as in a Worker: DataFusion gives every input of a
//! union a partition of its own, and a task each to what joins them, but there is nobody to run
//! tasks. Not here: scans, which have one partition there by themselves.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics};
use datafusion::config::ConfigOptions;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    ChildStats, ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan,
    ExecutionPlanProperties, Partitioning, PlanProperties, ReplaceChildrenOptions,
    SendableRecordBatchStream, StatisticsArgs,
};
use futures::{StreamExt, TryStreamExt};

/// Reads the inputs of unions one after another. Before all other rules: those that join
/// partitions find none to join then.
#[derive(Debug)]
pub(crate) struct OnePartition;

impl PhysicalOptimizerRule for OnePartition {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if config.execution.target_partitions > 1 {
            return Ok(plan);
        }
        let chained = plan.transform_up(|plan| {
            Ok(match plan.is::<UnionExec>() {
                true => Transformed::yes(Arc::new(ChainExec::new(plan)) as Arc<dyn ExecutionPlan>),
                false => Transformed::no(plan),
            })
        });
        Ok(chained?.data)
    }

    fn name(&self) -> &str {
        "one_partition"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A plan over other inputs, of which nothing is known.
pub(crate) fn with_inputs(
    plan: Arc<dyn ExecutionPlan>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let anew = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    plan.replace_children(inputs, anew)
}

/// A union whose inputs are read in turn.
#[derive(Debug)]
struct ChainExec {
    union: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl ChainExec {
    fn new(union: Arc<dyn ExecutionPlan>) -> ChainExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(union.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            union.boundedness(),
        );
        ChainExec { union, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ChainExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainExec")
    }
}

impl ExecutionPlan for ChainExec {
    fn name(&self) -> &str {
        "ChainExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.union.children()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(ChainExec::new(with_inputs(self.union.clone(), children)?)))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let union = self.union.clone();
        let partitions = 0..union.output_partitioning().partition_count();
        let inputs = futures::stream::iter(partitions)
            .map(move |partition| union.execute(partition, context.clone()))
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.union.schema(), inputs)))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.union.statistics_from_inputs(inputs, &StatisticsArgs::new())
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        self.union.child_stats_requests(None)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
