//! `SELECT c, count(*) FROM t GROUP BY c` from the counts in the head row: where the table keeps
//! exact counts of every value of a column, no part is read. Not here: `count(*)`, `min` and `max`
//! without GROUP BY, which DataFusion answers from a scan's exact statistics.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::DefaultTableSource;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::logical_plan::Values;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::json::JsonPath;
use crate::lower::{path_id, raise};
use crate::provider::DodbTable;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct GroupCount;

impl OptimizerRule for GroupCount {
    fn name(&self) -> &str {
        "group_count"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let counted = match &plan {
            LogicalPlan::Aggregate(aggregate) => counted(aggregate),
            _ => None,
        };
        Ok(match counted {
            Some(values) => Transformed::yes(LogicalPlan::Values(values)),
            None => Transformed::no(plan),
        })
    }
}

fn counted(aggregate: &Aggregate) -> Option<Values> {
    let [group] = aggregate.group_expr.as_slice() else { return None };
    if !aggregate.aggr_expr.iter().all(is_count_of_rows) {
        return None;
    }
    let (expr, table) = source_of(group, &aggregate.input)?;
    let def = table.snapshot.def();
    let (ty, counts) = match JsonPath::of(expr) {
        Some((path, Expr::Column(column))) => {
            let mut paths = Vec::new();
            path_id(def, &mut paths, path, &column.name)?;
            // A failure here is one of the scan too, which tells of it.
            let counts = table.snapshot.path_counts(paths.first()?, &table.budget.usage).ok()??;
            (path.ty.column_type(), counts)
        }
        _ => {
            let Expr::Column(column) = expr else { return None };
            let column = def.schema.by_name(&column.name)?;
            let counts = table.snapshot.column_stats(column.id)?;
            // The null ids of relationships stand for derived ones: there the counts do not serve.
            if counts.nulls > 0 && def.is_builtin() {
                return None;
            }
            (column.ty.clone(), counts.clone())
        }
    };
    let mut values = Vec::new();
    let mut add = |value: ScalarValue, count: u64| {
        let mut row = vec![Expr::Literal(value, None)];
        let count = ScalarValue::Int64(Some(count as i64));
        row.resize(1 + aggregate.aggr_expr.len(), Expr::Literal(count, None));
        values.push(row);
    };
    for (value, count) in counts.values.as_ref()? {
        add(raise(&ty, value)?, *count);
    }
    if counts.nulls > 0 {
        add(ScalarValue::try_from(&ty.arrow()).ok()?, counts.nulls);
    }
    if values.is_empty() {
        return None;
    }
    Some(Values { schema: aggregate.schema.clone(), values })
}

fn is_count_of_rows(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_count_of_rows(&alias.expr),
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            func.name() == "count"
                && !params.distinct
                && params.filter.is_none()
                && matches!(
                    params.args.as_slice(),
                    [] | [Expr::Literal(
                        ScalarValue::Int64(Some(_)) | ScalarValue::UInt8(Some(_)),
                        _
                    )]
                )
        }
        _ => false,
    }
}

/// What an expression over a plan is in terms of the table under it, if every row of the table
/// comes through plain scans and renamings.
fn source_of<'a>(expr: &'a Expr, plan: &'a LogicalPlan) -> Option<(&'a Expr, &'a DodbTable)> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
            let source = scan.source.as_any().downcast_ref::<DefaultTableSource>()?;
            Some((expr, source.table_provider.as_any().downcast_ref::<DodbTable>()?))
        }
        LogicalPlan::SubqueryAlias(alias) => source_of(expr, &alias.input),
        LogicalPlan::Projection(projection) => {
            let Expr::Column(column) = expr else { return None };
            let at = projection.schema.maybe_index_of_column(column)?;
            let mut inner = projection.expr.get(at)?;
            while let Expr::Alias(alias) = inner {
                inner = &alias.expr;
            }
            source_of(inner, &projection.input)
        }
        _ => None,
    }
}
