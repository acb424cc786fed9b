//! Subqueries as values: each becomes a join with the plan under the expression, and the value a
//! column of it. Not here: which subqueries ([`super::rule`]).

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, plan_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::expr::{AggregateFunction, Exists, InSubquery, SetComparison};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, ExprSchemable, FetchType, Filter, JoinType, LogicalPlan,
    LogicalPlanBuilder, Projection, SkipType, expr::SetQuantifier, lit, when,
};

use super::domain::source_of;
use super::outer::{outer_expressions, outside_of};
use super::push::{Dependent, Names, Pushed, join, same_keys};
use super::single::single;

/// A plan that grows by a join for each subquery in the expressions above it.
pub(super) struct Values<'a> {
    pub(super) plan: LogicalPlan,
    /// As it was before, which is what subqueries depend on.
    base: Arc<LogicalPlan>,
    names: &'a mut Names,
    /// Subqueries that have a value already.
    known: Vec<(Expr, Expr)>,
}

impl<'a> Values<'a> {
    pub(super) fn of(plan: Arc<LogicalPlan>, names: &'a mut Names) -> Values<'a> {
        Values { plan: plan.as_ref().clone(), base: plan, names, known: Vec::new() }
    }

    /// The expression with values in place of subqueries.
    pub(super) fn value(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_up(|inner| {
            if !is_mine(&inner) {
                return Ok(Transformed::no(inner));
            }
            if let Some((_, value)) = self.known.iter().find(|(known, _)| *known == inner) {
                return Ok(Transformed::yes(value.clone()));
            }
            let value = match inner.clone() {
                Expr::ScalarSubquery(subquery) => self.scalar(&subquery)?,
                Expr::Exists(exists) => self.exists(&exists)?,
                Expr::InSubquery(is_in) => self.is_in(is_in)?,
                Expr::SetComparison(comparison) => self.comparison(comparison)?,
                other => other,
            };
            self.known.push((inner, value.clone()));
            Ok(Transformed::yes(value))
        })
    }

    /// The rows of a subquery for all that it takes from outside, and the pairs that join them.
    fn rows(&mut self, plan: &LogicalPlan, may_be_missing: bool) -> Result<Rows> {
        let base = self.base.clone();
        let outside = base.schema();
        let outer = outer_expressions(plan, outside)?;
        if outer.is_empty() {
            return Ok(Rows { plan: plan.clone(), keys: Vec::new(), on: Vec::new() });
        }
        let values = outer.iter().cloned().map(|expr| outside_of(expr, outside));
        let values: Vec<Expr> = values.collect::<Result<_>>()?;
        let source = Arc::new(source_of(&base, &values)?);
        let names = &mut *self.names;
        let mut dependent = Dependent { outer, source, outside, names, may_be_missing };
        let Pushed { plan, keys, with_null } = dependent.push(plan)?;
        let on = same_keys(&values, outside, &keys, plan.schema(), with_null)?;
        Ok(Rows { plan, keys, on })
    }

    /// Joins `columns` of a plan. The keys get new names: the plan may be joined more than once.
    fn join(
        &mut self,
        right: LogicalPlan,
        columns: Vec<Expr>,
        on: Vec<(Expr, Expr)>,
    ) -> Result<()> {
        let relation = self.names.relation();
        let (mut exprs, mut pairs) = (columns, Vec::with_capacity(on.len()));
        for (at, (outside, key)) in on.into_iter().enumerate() {
            let name = Column::new(Some(relation.clone()), format!("key_{at}"));
            exprs.push(as_column(key, &name));
            pairs.push((outside, Expr::Column(name)));
        }
        let right = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(right))?);
        let left = std::mem::take(&mut self.plan);
        self.plan = join(left, right, pairs, None, JoinType::Left)?;
        Ok(())
    }

    /// Rows outside that have a row in the subquery, or those that have none.
    pub(super) fn keep(&mut self, exists: &Exists) -> Result<()> {
        let Rows { plan, on, .. } = self.rows(any_of(&exists.subquery.subquery), false)?;
        let kind = if exists.negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
        let left = std::mem::take(&mut self.plan);
        self.plan = join(left, plan, on, None, kind)?;
        Ok(())
    }

    fn scalar(&mut self, subquery: &Subquery) -> Result<Expr> {
        let plan = subquery.subquery.as_ref();
        let column = only_column(plan, "a subquery that stands for a value")?;
        let missing = of_no_rows(plan);
        let is_single = plan.max_rows().is_some_and(|rows| rows <= 1);
        let Rows { plan, keys, on } = self.rows(plan, missing.is_some())?;
        let relation = self.names.relation();
        let value = Column::new(Some(relation.clone()), "value");
        let rows = Column::new(Some(relation.clone()), "rows");
        if is_single {
            self.join(plan, vec![as_column(Expr::Column(column), &value)], on)?;
            let value = Expr::Column(value);
            return Ok(match missing {
                Some(Some(missing)) => coalesce(vec![value, Expr::Literal(missing, None)]),
                _ => value,
            });
        }
        let any = as_column(first_value(Expr::Column(column), Vec::new()), &value);
        let all = vec![any, as_column(count(lit(1_i64)), &rows)];
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), keys, all)?);
        let (value, rows) = (Expr::Column(value), Expr::Column(rows));
        self.join(plan, vec![value.clone(), rows.clone()], on)?;
        Ok(single(value, rows))
    }

    fn exists(&mut self, exists: &Exists) -> Result<Expr> {
        if is_never_empty(&exists.subquery.subquery) {
            return Ok(lit(!exists.negated));
        }
        let Subquery { subquery, spans, .. } = &exists.subquery;
        let rows = any_of(subquery);
        if rows.all_out_ref_exprs().is_empty() {
            // One row is enough, and a count is often known without reading any.
            let rows = LogicalPlanBuilder::from(rows.clone()).limit(0, Some(1))?;
            let rows = rows.aggregate(Vec::<Expr>::new(), [count(lit(1_i64))])?;
            let subquery = Arc::new(rows.build()?);
            let outer_ref_columns = Vec::new();
            let one = Subquery { subquery, outer_ref_columns, spans: spans.clone() };
            let found = Expr::ScalarSubquery(one).gt(lit(0_i64));
            return Ok(if exists.negated { found.is_not_true() } else { found.is_true() });
        }
        let Rows { plan, keys, on } = self.rows(rows, false)?;
        let found = Column::new(Some(self.names.relation()), "found");
        let plan = different(plan, keys)?;
        self.join(plan, vec![as_column(lit(true), &found)], on)?;
        let found = Expr::Column(found);
        Ok(if exists.negated { found.is_null() } else { found.is_not_null() })
    }

    /// True where there is an equal value, else null where there is a null on either side, unless
    /// there is no value at all.
    fn is_in(&mut self, InSubquery { expr, subquery, negated }: InSubquery) -> Result<Expr> {
        let plan = subquery.subquery.as_ref();
        let column = only_column(plan, "the subquery of IN")?;
        let nullable = plan.schema().qualified_field_from_column(&column)?.1.is_nullable()
            || expr.nullable(self.plan.schema())?;
        let Rows { plan, keys, mut on } = self.rows(plan, false)?;
        let relation = self.names.relation();
        let value = Column::new(Some(relation.clone()), "value");
        let inside = Expr::Column(column);
        // A constant is looked for before rows are joined.
        let is_constant = expr.column_refs().is_empty() && !expr.contains_outer();
        let condition = match is_constant {
            true => inside.clone().eq(expr.as_ref().clone()),
            false => inside.clone().is_not_null(),
        };
        let known = Filter::try_new(condition, Arc::new(plan.clone()))?;
        let named = as_column(inside.clone(), &value);
        let groups = keys.iter().cloned().chain([named]).collect();
        let known = different(LogicalPlan::Filter(known), groups)?;
        let counted = nullable.then(|| (keys, on.clone()));
        let value = Expr::Column(value);
        if !is_constant {
            on.push((expr.as_ref().clone(), value.clone()));
        }
        self.join(known, vec![value.clone()], on)?;
        let found = value.is_not_null();
        let answer = match counted {
            None => found,
            Some((keys, on)) => {
                let rows = Column::new(Some(relation.clone()), "rows");
                let values = Column::new(Some(relation), "values");
                let all = as_column(count(lit(1_i64)), &rows);
                let all = vec![all, as_column(count(inside), &values)];
                let plan = Aggregate::try_new(Arc::new(plan), keys, all)?;
                let (rows, values) = (Expr::Column(rows), Expr::Column(values));
                let columns = vec![rows.clone(), values.clone()];
                self.join(LogicalPlan::Aggregate(plan), columns, on)?;
                let none = rows.clone().is_null().or(rows.clone().eq(lit(0_i64)));
                let unknown = expr.is_null().or(values.lt(rows));
                when(found, lit(true))
                    .when(none, lit(false))
                    .when(unknown, Expr::Literal(ScalarValue::Boolean(None), None))
                    .otherwise(lit(false))?
            }
        };
        Ok(if negated { Expr::Not(Box::new(answer)) } else { answer })
    }

    /// `x > ANY (SELECT y ...)`: is there a `y` for which it is true; if not, one for which it is
    /// null. ALL is that there is none for which it is not.
    fn comparison(&mut self, comparison: SetComparison) -> Result<Expr> {
        let SetComparison { expr, subquery, op, quantifier } = comparison;
        let plan = &subquery.subquery;
        let column = only_column(plan, "the subquery of ANY and ALL")?;
        let outside = self.base.schema().clone();
        let expr = as_outer(*expr, &outside)?;
        let compared =
            Expr::BinaryExpr(BinaryExpr::new(Box::new(expr), op, Box::new(Expr::Column(column))));
        let mut any = |condition: Expr| {
            let plan = Filter::try_new(condition, plan.clone())?;
            let plan = LogicalPlan::Filter(plan);
            let outer_ref_columns = plan.all_out_ref_exprs();
            let subquery = Arc::new(plan);
            let subquery = Subquery { subquery, outer_ref_columns, spans: Default::default() };
            self.exists(&Exists { subquery, negated: false })
        };
        let is_all = quantifier == SetQuantifier::All;
        let decides = if is_all { Expr::Not(Box::new(compared.clone())) } else { compared.clone() };
        let decided = any(decides)?;
        let unknown = any(compared.is_null())?;
        when(decided, lit(!is_all))
            .when(unknown, Expr::Literal(ScalarValue::Boolean(None), None))
            .otherwise(lit(is_all))
    }
}

/// A subquery's rows and how they are joined with the rows outside.
struct Rows {
    plan: LogicalPlan,
    keys: Vec<Expr>,
    /// The expressions outside and the keys.
    on: Vec<(Expr, Expr)>,
}

/// Subqueries that become joins. One that depends on nothing outside is a value already, but where
/// DataFusion takes it for one that is never null, though it may have no row.
pub(super) fn is_mine(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarSubquery(Subquery { subquery, .. }) => {
            let fields = subquery.schema().fields();
            !subquery.all_out_ref_exprs().is_empty()
                || (fields.iter().any(|field| !field.is_nullable()) && !is_never_empty(subquery))
        }
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => true,
        _ => false,
    }
}

fn as_column(expr: Expr, column: &Column) -> Expr {
    expr.alias_qualified(column.relation.clone(), column.name.clone())
}

/// The different rows by some columns; of no columns one row if there is any.
fn different(plan: LogicalPlan, columns: Vec<Expr>) -> Result<LogicalPlan> {
    if columns.is_empty() {
        return LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build();
    }
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), columns, Vec::new())?))
}

fn only_column(plan: &LogicalPlan, what: &str) -> Result<Column> {
    match plan.schema().columns().as_slice() {
        [column] => Ok(column.clone()),
        columns => plan_err!("{what} gives {} columns, not one", columns.len()),
    }
}

/// The expression with columns of outside as a subquery has them.
fn as_outer(expr: Expr, outside: &DFSchema) -> Result<Expr> {
    let outer = expr.transform_up(|inner| {
        Ok(match inner {
            Expr::Column(column) if outside.has_column(&column) => {
                let field = outside.qualified_field_from_column(&column)?.1.clone();
                Transformed::yes(Expr::OuterReferenceColumn(field, column))
            }
            other => Transformed::no(other),
        })
    });
    Ok(outer?.data)
}

/// Whether a subquery is a well-known aggregate of all its rows and nothing more, and what that is
/// of no rows: null unless it says a value.
fn of_no_rows(plan: &LogicalPlan) -> Option<Option<ScalarValue>> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => of_no_rows(&alias.input),
        LogicalPlan::Projection(projection) => match projection.expr.as_slice() {
            [Expr::Column(_)] => of_no_rows(&projection.input),
            [Expr::Alias(alias)] if matches!(*alias.expr, Expr::Column(_)) => {
                of_no_rows(&projection.input)
            }
            _ => None,
        },
        LogicalPlan::Aggregate(Aggregate { group_expr, aggr_expr, schema, .. })
            if group_expr.is_empty() =>
        {
            let [expr] = aggr_expr.as_slice() else { return None };
            let mut expr = expr;
            while let Expr::Alias(alias) = expr {
                expr = &alias.expr;
            }
            let Expr::AggregateFunction(AggregateFunction { func, .. }) = expr else { return None };
            match func.name() {
                "min" | "max" | "sum" | "avg" => Some(None),
                "count" => {
                    let ty = schema.fields().first()?.data_type();
                    Some(Some(ScalarValue::new_zero(ty).ok()?))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Does the plan give a row whatever it reads? An aggregate of everything does.
pub(super) fn is_never_empty(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(projection) => is_never_empty(&projection.input),
        LogicalPlan::Sort(sort) => sort.fetch.is_none() && is_never_empty(&sort.input),
        LogicalPlan::SubqueryAlias(alias) => is_never_empty(&alias.input),
        _ => false,
    }
}

/// The rows of a plan in any order, with any columns, and perhaps more of them; of none none.
fn any_of(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(projection) => any_of(&projection.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => any_of(&sort.input),
        LogicalPlan::Limit(limit) => match (limit.get_skip_type(), limit.get_fetch_type()) {
            (Ok(SkipType::Literal(0)), Ok(FetchType::Literal(Some(1..)))) => any_of(&limit.input),
            _ => plan,
        },
        _ => plan,
    }
}
