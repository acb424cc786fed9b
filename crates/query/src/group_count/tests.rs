//! Two lots of an aggregate, folded to one by a plan that no other rule touches any more: what the
//! last of the rules makes has to run as it is.

use datafusion::arrow::array::{AsArray, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::functions_aggregate::expr_fn::{max, sum};
use datafusion::physical_plan::collect;

use super::*;
use crate::functions::tests::{add_table, context};

#[tokio::test]
async fn what_is_folded_runs_as_it_is() {
    let ctx = context();
    let n = Field::new("n", DataType::Int64, false);
    add_table(&ctx, "t", vec![(n, Arc::new(Int64Array::from(vec![1, 2, 3])))]);
    let state = ctx.state();
    let plan = state.create_logical_plan("SELECT count(1), max(n) FROM t").await.unwrap();
    let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {});
    let LogicalPlan::Projection(projection) = plan.unwrap() else { panic!("not a projection") };
    let rest = projection.input.as_ref().clone();
    let LogicalPlan::Aggregate(aggregate) = rest.clone() else { panic!("not an aggregate") };
    let values = vec![vec![lit(39_i64), lit(7_i64)]];
    let known = LogicalPlan::Values(Values { schema: aggregate.schema.clone(), values });
    let folded = folded(&aggregate, known, rest, &[sum, max]).unwrap();
    let fields = folded.schema().fields();
    assert!(!fields[0].is_nullable(), "a count is never null: plans above rely on it");
    let physical = state.query_planner().create_physical_plan(&folded, &state).await.unwrap();
    let batches: Vec<RecordBatch> = collect(physical, ctx.task_ctx()).await.unwrap();
    let numbers: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.columns().iter().map(|c| c.as_primitive::<Int64Type>().value(0)))
        .collect();
    assert_eq!(numbers, [42, 7]);
}
