//! `SELECT min(c), max(c), count(c), count(*) FROM t WHERE d > 1` from what is known of parts and
//! files, so that only those are read of which that is too little. Not here: the same of all rows
//! and whole columns, which DataFusion answers from a scan's exact statistics, and counts by value
//! ([`crate::group_count`]).

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode;
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr};
use dodb_engine::{Asked, Bounds, PathColumn};
use dodb_part::{ColumnStats, ColumnType, Predicate};

use crate::floats::{argument_of, rank_of};
use crate::group_count::{Counted, is_count_of_rows, source_of};
use crate::lower::{lower_all, lower_column, raise, without_sign_of_zero};
use crate::provider::DodbTable;

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
            // Bounds that are exact are those of values without a NaN.
            "min" => Some(Known::Min(argument_of(of))),
            "max" => Some(Known::Max(argument_of(of))),
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
    table: &'a DodbTable,
    predicate: Predicate,
    paths: Vec<PathColumn>,
    /// Of each aggregate the column or path, if it has one.
    columns: Vec<Option<(u32, ColumnType)>>,
}

impl<'a> Question<'a> {
    fn of(aggregate: &'a Aggregate, known: &[Known<'a>]) -> Option<Question<'a>> {
        let (_, scan, table) = source_of(None, &aggregate.input)?;
        let def = table.snapshot.def();
        let (mut paths, mut columns) = (Vec::new(), Vec::with_capacity(known.len()));
        for one in known {
            columns.push(match one.argument() {
                Some(of) => {
                    let (of, ..) = source_of(Some(of), &aggregate.input)?;
                    Some(lower_column(def, &mut paths, of?)?)
                }
                None => None,
            });
        }
        let predicate = lower_all(def, &mut paths, &scan.filters)?;
        Some(Question { table, paths, columns, predicate })
    }

    /// Does the scan know it without asking?
    fn is_known_of_all(&self) -> bool {
        let exact = |id: u32| self.table.snapshot.column_stats(id).is_some_and(|stats| stats.exact);
        self.predicate == Predicate::True && self.columns.iter().flatten().all(|(id, _)| exact(*id))
    }
}

/// What an aggregate comes to by bounds and counts.
pub(crate) fn known(aggregate: &Aggregate) -> Option<Counted<'_>> {
    if !aggregate.group_expr.is_empty() || aggregate.aggr_expr.is_empty() {
        return None;
    }
    let all: Vec<Known<'_>> = aggregate.aggr_expr.iter().map(Known::of).collect::<Option<_>>()?;
    // Counts of rows alone are among a scan's statistics, or counted by value.
    if all.iter().all(|one| one.argument().is_none()) {
        return None;
    }
    let question = Question::of(aggregate, &all)?;
    let is_known_of_all = question.is_known_of_all();
    // DataFusion has no eye for a column in a form of floats.
    if is_known_of_all && !has_form(aggregate) {
        return None;
    }
    let Question { table, predicate, paths, columns } = question;
    let asked = all.iter().zip(&columns).filter_map(|(one, column)| {
        let bounds = matches!(one, Known::Min(_) | Known::Max(_));
        column.as_ref().map(|(id, _)| Asked { id: *id, bounds })
    });
    let asked: Vec<Asked> = asked.collect();
    let snapshot = &table.snapshot;
    let Bounds { rows, known, rest } = match is_known_of_all {
        true => {
            let stats = asked.iter().map(|asked| snapshot.column_stats(asked.id).cloned());
            Bounds { rows: snapshot.rows(), known: stats.collect::<Option<_>>()?, rest: None }
        }
        // A failure here is one of the scan too, which tells of it.
        false => snapshot.bounds(&asked, &predicate, &paths, &table.budget.usage).ok()??,
    };
    let mut stats = known.iter();
    let fields = aggregate.schema.fields();
    let mut values = Vec::with_capacity(all.len());
    for ((one, column), field) in all.iter().zip(&columns).zip(fields) {
        let of = match column {
            Some((_, ty)) => Some((ty, stats.next()?)),
            None => None,
        };
        values.push(Expr::Literal(value(*one, rows, of, field.data_type())?, None));
    }
    let rest = rest.map(|snapshot| table.with_snapshot(snapshot));
    let fold = all.iter().map(|one| one.fold()).collect();
    Some(Counted { aggregate, values: vec![values], rest, fold })
}

/// Is one of the arguments a float in canonical form?
fn has_form(aggregate: &Aggregate) -> bool {
    let mut all = aggregate.aggr_expr.iter();
    all.any(|expr| expr.exists(|expr| Ok(argument_of(expr) != expr)).unwrap_or(false))
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
        (Known::Min(_), Some((column, stats))) => {
            stats.min.as_ref().map(|min| raise(column, &without_sign_of_zero(min)))
        }
        (Known::Max(_), Some((column, stats))) => {
            stats.max.as_ref().map(|max| raise(column, &without_sign_of_zero(max)))
        }
        (_, None) => return None,
    };
    match bound {
        Some(value) => {
            let value = value?;
            let value = if value.data_type() == *ty { value } else { rank_of(value) };
            Some(value).filter(|value| value.data_type() == *ty)
        }
        None => ScalarValue::try_from(ty).ok(),
    }
}
