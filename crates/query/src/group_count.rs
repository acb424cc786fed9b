//! `SELECT c, count(*) FROM t WHERE d = 1 GROUP BY c`, and the same without GROUP BY, from counts
//! of values: those in the head row, else those of parts and files, so that no row is read but of
//! those whose counts are not known. Not here: `count(*)`, `min` and `max` of all rows or by one
//! column, which DataFusion answers from a scan's exact statistics.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::DefaultTableSource;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::logical_plan::Values;
use datafusion::logical_expr::{
    Aggregate, EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, TableScan, ident, lit, when,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use dodb_engine::{PathColumn, Snapshot, ValueCounts};
use dodb_part::Predicate;

use crate::floats::seen_through;
use crate::lower::{lower_all, lower_column, raise};
use crate::provider::DodbTable;

#[cfg(test)]
mod tests;

/// A rule that takes an aggregate for what is known of it.
#[derive(Debug)]
pub(crate) struct KnownAggregate {
    pub(crate) name: &'static str,
    /// What it comes to; `None` where it is to be computed.
    pub(crate) of: for<'a> fn(&'a Aggregate) -> Option<Counted<'a>>,
}

impl OptimizerRule for KnownAggregate {
    fn name(&self) -> &str {
        self.name
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
        let known = match &plan {
            LogicalPlan::Aggregate(aggregate) => (self.of)(aggregate),
            _ => None,
        };
        Ok(match known {
            Some(known) => Transformed::yes(known.plan()?),
            None => Transformed::no(plan),
        })
    }
}

/// What an aggregate comes to.
pub(crate) struct Counted<'a> {
    pub(crate) aggregate: &'a Aggregate,
    /// A row for each group.
    pub(crate) values: Vec<Vec<Expr>>,
    /// What else has to be counted, by reading it.
    pub(crate) rest: Option<DodbTable>,
    /// Of each aggregate what two lots of it come to.
    pub(crate) fold: Vec<fn(Expr) -> Expr>,
}

impl Counted<'_> {
    pub(crate) fn plan(self) -> Result<LogicalPlan> {
        let schema = self.aggregate.schema.clone();
        let known = (!self.values.is_empty())
            .then(|| LogicalPlan::Values(Values { schema: schema.clone(), values: self.values }));
        let Some(rest) = self.rest else {
            let empty = EmptyRelation { produce_one_row: false, schema };
            return Ok(known.unwrap_or(LogicalPlan::EmptyRelation(empty)));
        };
        let source = Arc::new(DefaultTableSource::new(Arc::new(rest)));
        let input = self.aggregate.input.as_ref().clone().transform_down(|plan| match plan {
            LogicalPlan::TableScan(scan) => {
                let scan = TableScan { source: source.clone(), ..scan };
                Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        let rest = LogicalPlan::Aggregate(Aggregate::try_new(
            Arc::new(input.data),
            self.aggregate.group_expr.clone(),
            self.aggregate.aggr_expr.clone(),
        )?);
        match known {
            Some(known) => folded(self.aggregate, known, rest, &self.fold),
            None => Ok(rest),
        }
    }
}

/// What two lots of aggregates come to, in the columns of `aggregate`.
fn folded(
    aggregate: &Aggregate,
    a: LogicalPlan,
    b: LogicalPlan,
    fold: &[fn(Expr) -> Expr],
) -> Result<LogicalPlan> {
    let groups = aggregate.group_expr.len();
    let names: Vec<String> =
        (0..aggregate.schema.fields().len()).map(|at| format!("_{at}")).collect();
    // Names of aggregates are hard to refer to.
    let renamed = |plan: LogicalPlan| {
        let columns = plan.schema().columns().into_iter().zip(&names);
        let columns: Vec<Expr> =
            columns.map(|(column, name)| Expr::Column(column).alias(name)).collect();
        LogicalPlanBuilder::from(plan).project(columns)
    };
    let union = renamed(a)?.union(renamed(b)?.build()?)?;
    let by: Vec<Expr> = names.iter().take(groups).map(ident).collect();
    let names = names.iter().skip(groups).zip(fold);
    let all: Vec<Expr> = names.map(|(name, fold)| fold(ident(name))).collect();
    let all = union.aggregate(by, all)?.build()?;
    let fields = aggregate.schema.iter().zip(all.schema().columns()).enumerate();
    let columns = fields.map(|(at, ((qualifier, field), column))| {
        let column = Expr::Column(column);
        // A sum can be null, what it is of cannot: plans above count on that.
        let column = match at < groups || field.is_nullable() {
            true => column,
            // Not `coalesce`, which other rules would have to make this of before it can run.
            false => when(column.clone().is_not_null(), column).otherwise(lit(0_i64))?,
        };
        Ok(column.alias_qualified(qualifier.cloned(), field.name()))
    });
    let columns: Vec<Expr> = columns.collect::<Result<_>>()?;
    LogicalPlanBuilder::from(all).project(columns)?.build()
}

/// The same from counts of values.
pub(crate) fn counted(aggregate: &Aggregate) -> Option<Counted<'_>> {
    let group = match aggregate.group_expr.as_slice() {
        [] => None,
        [group] => Some(group),
        _ => return None,
    };
    if aggregate.aggr_expr.is_empty() || !aggregate.aggr_expr.iter().all(is_count_of_rows) {
        return None;
    }
    // Counts of values know zeros as one, and are not known where there is a NaN.
    let group = group.map(|group| seen_through(group).1);
    let (expr, scan, table) = source_of(group, &aggregate.input)?;
    let def = table.snapshot.def();
    let mut paths = Vec::new();
    let predicate = lower_all(def, &mut paths, &scan.filters)?;
    let (rows, rest) = match expr {
        Some(expr) => by_value(expr, table, &mut paths, &predicate)?,
        None => {
            let columns = predicate.columns();
            let is_path = |id: &u32| paths.iter().any(|path| path.id == *id);
            // The others are among a scan's statistics.
            if columns.len() < 2 && !columns.iter().any(is_path) {
                return None;
            }
            // A failure here is one of the scan too, which tells of it.
            let usage = &table.budget.usage;
            let counts = table.snapshot.value_counts(None, &predicate, &paths, usage);
            let ValueCounts { known, rest } = counts.ok()??;
            (vec![(None, known.rows)], rest)
        }
    };
    let values = rows.into_iter().map(|(value, count)| {
        let count = Expr::Literal(ScalarValue::Int64(Some(count as i64)), None);
        let counts = std::iter::repeat_n(count, aggregate.aggr_expr.len());
        value.map(|value| Expr::Literal(value, None)).into_iter().chain(counts).collect()
    });
    let values: Vec<Vec<Expr>> = values.collect();
    let rest = rest.map(|snapshot| table.with_snapshot(snapshot));
    let fold: Vec<fn(Expr) -> Expr> = vec![sum; aggregate.aggr_expr.len()];
    Some(Counted { aggregate, values, rest, fold })
}

/// Each value with the number of rows that have it, null last; and what else has to be counted.
type ByValue = (Vec<(Option<ScalarValue>, u64)>, Option<Snapshot>);

/// The values of an expression.
fn by_value(
    expr: &Expr,
    table: &DodbTable,
    paths: &mut Vec<PathColumn>,
    predicate: &Predicate,
) -> Option<ByValue> {
    let def = table.snapshot.def();
    let usage = &table.budget.usage;
    let (id, ty) = lower_column(def, paths, expr)?;
    let is_column = def.schema.by_id(id).is_some();
    let ValueCounts { known: counts, rest } = match (is_column, predicate) {
        (true, Predicate::True) => {
            ValueCounts { known: table.snapshot.column_stats(id)?.clone(), rest: None }
        }
        _ => table.snapshot.value_counts(Some(id), predicate, paths, usage).ok()??,
    };
    // The null ids of relationships stand for derived ones: there the counts do not serve.
    if is_column && counts.nulls > 0 && def.is_builtin() {
        return None;
    }
    let mut rows = Vec::new();
    for (value, count) in counts.value_counts()? {
        rows.push((Some(raise(&ty, &value)?), count));
    }
    if counts.nulls > 0 {
        rows.push((Some(ScalarValue::try_from(&ty.arrow()).ok()?), counts.nulls));
    }
    Some((rows, rest))
}

pub(crate) fn is_count_of_rows(expr: &Expr) -> bool {
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

/// What an expression over a plan is in terms of the table under it, if every row that the table's
/// scan gives comes through plain renamings; and that scan.
pub(crate) fn source_of<'a>(
    expr: Option<&'a Expr>,
    plan: &'a LogicalPlan,
) -> Option<(Option<&'a Expr>, &'a TableScan, &'a DodbTable)> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
            let source = scan.source.downcast_ref::<DefaultTableSource>()?;
            Some((expr, scan, source.table_provider.downcast_ref::<DodbTable>()?))
        }
        LogicalPlan::SubqueryAlias(alias) => source_of(expr, &alias.input),
        LogicalPlan::Projection(projection) => {
            let Some(expr) = expr else { return source_of(None, &projection.input) };
            let Expr::Column(column) = expr else { return None };
            let at = projection.schema.maybe_index_of_column(column)?;
            let mut inner = projection.expr.get(at)?;
            while let Expr::Alias(alias) = inner {
                inner = &alias.expr;
            }
            source_of(Some(inner), &projection.input)
        }
        _ => None,
    }
}
