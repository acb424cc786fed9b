//! `SELECT min(c), max(c), count(c), count(*) FROM t WHERE d > 1` from what is known of parts and
//! files, so that only those are read of which that is too little. Not here: the same of all rows
//! and whole columns, which DataFusion answers from a scan's exact statistics, and counts by value
//! ([`crate::group_count`]).

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, TableScan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use dodb_engine::{Asked, Bounds, PathColumn};
use dodb_part::{ColumnStats, ColumnType, Predicate};

use crate::group_count::{Counted, is_count_of_rows, source_of};
use crate::json::JsonPath;
use crate::lower::{lower, path_id, raise};
use crate::provider::DodbTable;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct KnownBounds;

impl OptimizerRule for KnownBounds {
    fn name(&self) -> &str {
        "known_bounds"
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
            LogicalPlan::Aggregate(aggregate) => known(aggregate),
            _ => None,
        };
        Ok(match known {
            Some(known) => Transformed::yes(known.plan()?),
            None => Transformed::no(plan),
        })
    }
}

/// An aggregate that bounds or counts answer; those of an expression with the expression.
#[derive(Clone, Copy)]
enum Known<'a> {
    Rows,
    Count(&'a Expr),
    Min(&'a Expr),
    Max(&'a Expr),
}

impl<'a> Known<'a> {
    fn of(expr: &'a Expr) -> Option<Known<'a>> {
        if is_count_of_rows(expr) {
            return Some(Known::Rows);
        }
        let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
            let Expr::Alias(alias) = expr else { return None };
            return Known::of(&alias.expr);
        };
        let [of] = params.args.as_slice() else { return None };
        if params.filter.is_some() {
            return None;
        }
        match func.name() {
            "count" if !params.distinct => Some(Known::Count(of)),
            "min" => Some(Known::Min(of)),
            "max" => Some(Known::Max(of)),
            _ => None,
        }
    }

    fn argument(self) -> Option<&'a Expr> {
        match self {
            Known::Rows => None,
            Known::Count(of) | Known::Min(of) | Known::Max(of) => Some(of),
        }
    }

    /// What two of it come to.
    fn fold(self) -> fn(Expr) -> Expr {
        match self {
            Known::Rows | Known::Count(_) => sum,
            Known::Min(_) => min,
            Known::Max(_) => max,
        }
    }
}

/// What an aggregate is asked of, in terms of the table under it.
struct Question<'a> {
    scan: &'a TableScan,
    table: &'a DodbTable,
    paths: Vec<PathColumn>,
    /// Of each aggregate the column or path, if it has one.
    columns: Vec<Option<(u32, ColumnType)>>,
}

impl<'a> Question<'a> {
    fn of(aggregate: &'a Aggregate, known: &[Known<'a>]) -> Option<Question<'a>> {
        let (_, scan, table) = source_of(None, &aggregate.input)?;
        let mut question = Question { scan, table, paths: Vec::new(), columns: Vec::new() };
        for one in known {
            let column = match one.argument() {
                Some(of) => Some(question.column(source_of(Some(of), &aggregate.input)?.0?)?),
                None => None,
            };
            question.columns.push(column);
        }
        Some(question)
    }

    fn column(&mut self, expr: &Expr) -> Option<(u32, ColumnType)> {
        let def = self.table.snapshot.def();
        if let Some((path, Expr::Column(column))) = JsonPath::of(expr) {
            let id = path_id(def, &mut self.paths, path, &column.name)?;
            return Some((id, path.ty.column_type()));
        }
        let Expr::Column(column) = expr else { return None };
        let column = def.schema.by_name(&column.name)?;
        Some((column.id, column.ty.clone()))
    }

    fn predicate(&mut self) -> Option<Predicate> {
        let def = self.table.snapshot.def();
        let filters = self.scan.filters.iter();
        let filters = filters.map(|filter| lower(def, &mut self.paths, filter));
        Some(filters.collect::<Option<Vec<_>>>()?.into_iter().fold(Predicate::True, Predicate::and))
    }

    /// Does the scan know it without asking?
    fn is_known_of_all(&self, predicate: &Predicate) -> bool {
        let exact = |id: u32| self.table.snapshot.column_stats(id).is_some_and(|stats| stats.exact);
        *predicate == Predicate::True && self.columns.iter().flatten().all(|(id, _)| exact(*id))
    }
}

fn known(aggregate: &Aggregate) -> Option<Counted<'_>> {
    if !aggregate.group_expr.is_empty() || aggregate.aggr_expr.is_empty() {
        return None;
    }
    let all: Vec<Known<'_>> = aggregate.aggr_expr.iter().map(Known::of).collect::<Option<_>>()?;
    // Counts of rows alone are among a scan's statistics, or counted by value.
    if all.iter().all(|one| one.argument().is_none()) {
        return None;
    }
    let mut question = Question::of(aggregate, &all)?;
    let predicate = question.predicate()?;
    if question.is_known_of_all(&predicate) {
        return None;
    }
    let asked = all.iter().zip(&question.columns).filter_map(|(one, column)| {
        let bounds = matches!(one, Known::Min(_) | Known::Max(_));
        column.as_ref().map(|(id, _)| Asked { id: *id, bounds })
    });
    let asked: Vec<Asked> = asked.collect();
    let table = question.table;
    // A failure here is one of the scan too, which tells of it.
    let found = table.snapshot.bounds(&asked, &predicate, &question.paths, &table.budget.usage);
    let Bounds { rows, known, rest } = found.ok()??;
    let mut stats = known.iter();
    let fields = aggregate.schema.fields();
    let mut values = Vec::with_capacity(all.len());
    for ((one, column), field) in all.iter().zip(&question.columns).zip(fields) {
        let of = column.as_ref().map(|(_, ty)| Some((ty, stats.next()?)));
        let of = match of {
            Some(of) => Some(of?),
            None => None,
        };
        values.push(Expr::Literal(value(*one, rows, of, field.data_type())?, None));
    }
    let rest = rest.map(|snapshot| table.with_snapshot(snapshot));
    let fold = all.iter().map(|one| one.fold()).collect();
    Some(Counted { aggregate, values: vec![values], rest, fold })
}

/// What an aggregate of `rows` rows comes to. `None` when it is of another type than that of the
/// plan.
fn value(
    one: Known<'_>,
    rows: u64,
    of: Option<(&ColumnType, &ColumnStats)>,
    ty: &DataType,
) -> Option<ScalarValue> {
    let bound = match (one, of) {
        (Known::Rows, _) => return Some(ScalarValue::Int64(Some(rows as i64))),
        (Known::Count(_), Some((_, stats))) => {
            return Some(ScalarValue::Int64(Some(stats.non_nulls() as i64)));
        }
        (Known::Min(_), Some((column, stats))) => stats.min.as_ref().map(|min| raise(column, min)),
        (Known::Max(_), Some((column, stats))) => stats.max.as_ref().map(|max| raise(column, max)),
        (_, None) => return None,
    };
    match bound {
        Some(value) => value.filter(|value| value.data_type() == *ty),
        None => ScalarValue::try_from(ty).ok(),
    }
}
