//! Finds subqueries in a plan and has joins made of them, innermost first. Not here: how.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Filter, Join, JoinConstraint, JoinType, LogicalPlan,
    LogicalPlanBuilder, Projection, Sort, SortExpr, Window, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::push::{Names, has_subquery, named, subquery_of};
use super::value::{Values, is_mine, is_never_empty};

/// The rule; see [`super`].
#[derive(Debug)]
pub(crate) struct UnnestSubqueries;

impl AnalyzerRule for UnnestSubqueries {
    fn name(&self) -> &str {
        "unnest_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = Unnesting::default().plan(plan)?.data;
        check(&plan)?;
        Ok(plan)
    }
}

/// Whatever depends on a row outside has become a join, or stands where none can be made of it.
fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            if expr.contains_outer() {
                return plan_err!(
                    "`{expr}` takes a column from outside of its query, which cannot be done \
                     here: write the subquery as a join"
                );
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

#[derive(Default)]
struct Unnesting {
    names: Names,
}

impl Unnesting {
    /// The plan with the same columns, of which the inputs and subqueries are done first.
    fn plan(&mut self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let changed = plan.map_children(|input| self.plan(input))?;
        let inputs_changed = changed.transformed;
        let changed = changed.data.map_expressions(|expr| self.inner(expr))?;
        let mut plan = changed.data;
        if inputs_changed || changed.transformed {
            plan = plan.recompute_schema()?;
        }
        let is_changed = inputs_changed || changed.transformed;
        let done = self.node(plan)?;
        let transformed = is_changed || done.transformed;
        Ok(Transformed::new_transformed(done.data, transformed))
    }

    /// The plans of the subqueries in an expression.
    fn inner(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_up(|inner| {
            Ok(match inner {
                Expr::ScalarSubquery(subquery) => {
                    let (subquery, changed) = self.subquery(subquery)?;
                    Transformed::new_transformed(Expr::ScalarSubquery(subquery), changed)
                }
                Expr::Exists(Exists { subquery, negated }) => {
                    let (subquery, changed) = self.subquery(subquery)?;
                    let exists = Expr::Exists(Exists { subquery, negated });
                    Transformed::new_transformed(exists, changed)
                }
                Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                    let (subquery, changed) = self.subquery(subquery)?;
                    let is_in = Expr::InSubquery(InSubquery { expr, subquery, negated });
                    Transformed::new_transformed(is_in, changed)
                }
                Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                    let (subquery, changed) = self.subquery(subquery)?;
                    let comparison = SetComparison { expr, subquery, op, quantifier };
                    Transformed::new_transformed(Expr::SetComparison(comparison), changed)
                }
                other => Transformed::no(other),
            })
        })
    }

    fn subquery(&mut self, subquery: Subquery) -> Result<(Subquery, bool)> {
        let Subquery { subquery, spans, .. } = subquery;
        let changed = self.plan(Arc::unwrap_or_clone(subquery))?;
        let outer_ref_columns = changed.data.all_out_ref_exprs();
        let subquery = Arc::new(changed.data);
        Ok((Subquery { subquery, outer_ref_columns, spans }, changed.transformed))
    }

    fn node(&mut self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let mut has_some = false;
        plan.apply_expressions(|expr| {
            has_some = has_some || expr.exists(|inner| Ok(is_mine(inner)))?;
            Ok(if has_some { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        if !has_some {
            return Ok(Transformed::no(plan));
        }
        Ok(match plan {
            LogicalPlan::Filter(filter) => self.filter(filter)?,
            LogicalPlan::Projection(projection) => Transformed::yes(self.projection(projection)?),
            LogicalPlan::Aggregate(aggregate) => Transformed::yes(self.aggregate(aggregate)?),
            LogicalPlan::Window(window) => Transformed::yes(self.window(window)?),
            LogicalPlan::Sort(sort) => Transformed::yes(self.sort(sort)?),
            LogicalPlan::Join(join) => Transformed::yes(self.join(join)?),
            other => Transformed::no(other),
        })
    }

    fn filter(&mut self, filter: Filter) -> Result<Transformed<LogicalPlan>> {
        let columns = filter.input.schema().clone();
        let (mut simple, mut mine) = (Vec::new(), Vec::new());
        for term in split_conjunction_owned(filter.predicate) {
            let expr = positive(term);
            let by_datafusion = !expr.exists(|inner| Ok(is_mine(inner)))?
                || is_simple(&expr, filter.input.schema())?;
            if by_datafusion { simple.push(expr) } else { mine.push(expr) }
        }
        if mine.is_empty() {
            let predicate = conjunction(simple).unwrap_or_else(|| lit(true));
            let plan = LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?);
            return Ok(Transformed::no(plan));
        }
        // What needs no join goes first: fewer rows have to be joined then.
        let input = match conjunction(simple) {
            Some(simple) => Arc::new(LogicalPlan::Filter(Filter::try_new(simple, filter.input)?)),
            None => filter.input,
        };
        let mut values = Values::of(input, &mut self.names);
        let mut terms = Vec::with_capacity(mine.len());
        for term in mine {
            match term {
                Expr::Exists(exists)
                    if !exists.subquery.outer_ref_columns.is_empty()
                        && !is_never_empty(&exists.subquery.subquery) =>
                {
                    values.keep(&exists)?;
                }
                term => terms.push(values.value(term)?.data),
            }
        }
        let input = Arc::new(values.plan);
        let plan = match conjunction(terms) {
            Some(terms) => LogicalPlan::Filter(Filter::try_new(terms, input)?),
            None => Arc::unwrap_or_clone(input),
        };
        Ok(Transformed::yes(only(plan, &columns)?))
    }

    fn projection(&mut self, projection: Projection) -> Result<LogicalPlan> {
        let Projection { expr, input, schema, .. } = projection;
        let mut values = Values::of(input, &mut self.names);
        let mut exprs = Vec::with_capacity(expr.len());
        for (expr, field) in expr.into_iter().zip(schema.iter()) {
            let value = values.value(expr)?;
            exprs.push(match value.transformed {
                true => named(value.data, field),
                false => value.data,
            });
        }
        let input = Arc::new(values.plan);
        Ok(LogicalPlan::Projection(Projection::try_new(exprs, input)?))
    }

    fn aggregate(&mut self, aggregate: Aggregate) -> Result<LogicalPlan> {
        let Aggregate { input, group_expr, aggr_expr, schema, .. } = aggregate;
        let mut values = Values::of(input, &mut self.names);
        let mut all = |exprs: Vec<Expr>| -> Result<Vec<Expr>> {
            exprs.into_iter().map(|expr| Ok(values.value(expr)?.data)).collect()
        };
        let (groups, aggregates) = (all(group_expr)?, all(aggr_expr)?);
        let plan = Aggregate::try_new(Arc::new(values.plan), groups, aggregates)?;
        renamed(LogicalPlan::Aggregate(plan), &schema)
    }

    fn window(&mut self, window: Window) -> Result<LogicalPlan> {
        let Window { input, window_expr, schema, .. } = window;
        let kept = input.schema().fields().len();
        let columns = input.schema().columns();
        let mut values = Values::of(input, &mut self.names);
        let mut exprs = Vec::with_capacity(window_expr.len());
        for expr in window_expr {
            exprs.push(values.value(expr)?.data);
        }
        let before = values.plan.schema().fields().len();
        let plan = Window::try_new(exprs, Arc::new(values.plan))?;
        let mut outputs: Vec<Expr> = columns.into_iter().map(Expr::Column).collect();
        let made = plan.schema.columns().into_iter().skip(before);
        let fields = schema.iter().skip(kept);
        outputs.extend(made.zip(fields).map(|(made, field)| named(Expr::Column(made), field)));
        let plan = Arc::new(LogicalPlan::Window(plan));
        Ok(LogicalPlan::Projection(Projection::try_new(outputs, plan)?))
    }

    fn sort(&mut self, sort: Sort) -> Result<LogicalPlan> {
        let Sort { expr, input, fetch } = sort;
        let columns = input.schema().clone();
        let input = with_columns_of(&expr, input)?;
        let mut values = Values::of(input, &mut self.names);
        let mut by = Vec::with_capacity(expr.len());
        for SortExpr { expr, asc, nulls_first } in expr {
            by.push(SortExpr::new(values.value(expr)?.data, asc, nulls_first));
        }
        let plan = Sort { expr: by, input: Arc::new(values.plan), fetch };
        only(LogicalPlan::Sort(plan), &columns)
    }

    /// Conditions of an inner join are conditions on its rows; those of others have to be about one
    /// side, of which they become a column.
    fn join(&mut self, join: Join) -> Result<LogicalPlan> {
        let columns = join.schema.clone();
        let Join { left, right, on, filter, join_type, null_equality, null_aware, .. } = join;
        let (mut pairs, mut terms) = (Vec::new(), Vec::new());
        for (l, r) in on {
            let has_some = has_subquery(&l)? || has_subquery(&r)?;
            if has_some { terms.push(l.eq(r)) } else { pairs.push((l, r)) }
        }
        terms.extend(filter.into_iter().flat_map(split_conjunction_owned));
        if join_type == JoinType::Inner {
            let (mine, plain): (Vec<Expr>, Vec<Expr>) =
                terms.into_iter().partition(|term| has_subquery(term).unwrap_or(true));
            let join = Join::try_new(
                left,
                right,
                pairs,
                conjunction(plain),
                join_type,
                JoinConstraint::On,
                null_equality,
                null_aware,
            )?;
            let plan = Arc::new(LogicalPlan::Join(join));
            let predicate = conjunction(mine).unwrap_or_else(|| lit(true));
            return Ok(self.filter(Filter::try_new(predicate, plan)?)?.data);
        }
        let mut sides = [left, right];
        let mut rest = Vec::with_capacity(terms.len());
        for term in terms {
            rest.push(self.on_one_side(term, &mut sides)?);
        }
        let [left, right] = sides;
        let join = Join::try_new(
            left,
            right,
            pairs,
            conjunction(rest),
            join_type,
            JoinConstraint::On,
            null_equality,
            null_aware,
        )?;
        only(LogicalPlan::Join(join), &columns)
    }

    /// A term with subqueries as a column of the side that it is about.
    fn on_one_side(&mut self, term: Expr, sides: &mut [Arc<LogicalPlan>; 2]) -> Result<Expr> {
        if !term.exists(|inner| Ok(is_mine(inner)))? {
            return Ok(term);
        }
        for side in sides.iter_mut() {
            if !is_about(&term, side.schema())? {
                continue;
            }
            let columns = side.schema().columns().into_iter().map(Expr::Column);
            let mut exprs: Vec<Expr> = columns.collect();
            let mut values = Values::of(side.clone(), &mut self.names);
            let value = values.value(term)?.data;
            let plan = Arc::new(values.plan);
            let column = Column::new(Some(self.names.relation()), "condition");
            exprs.push(value.alias_qualified(column.relation.clone(), column.name.clone()));
            *side = Arc::new(LogicalPlan::Projection(Projection::try_new(exprs, plan)?));
            return Ok(Expr::Column(column));
        }
        plan_err!(
            "a subquery in ON of an outer join cannot depend on both sides: compare in a subquery \
             of one side"
        )
    }
}

/// `NOT (x IN (...))` as `x NOT IN (...)`, the same of EXISTS.
fn positive(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                Expr::InSubquery(InSubquery { expr, subquery, negated: !negated })
            }
            Expr::Exists(Exists { subquery, negated }) => {
                Expr::Exists(Exists { subquery, negated: !negated })
            }
            other => Expr::Not(Box::new(other)),
        },
        other => other,
    }
}

/// Is the condition one of which DataFusion makes a join that is right?
fn is_simple(term: &Expr, outside: &DFSchema) -> Result<bool> {
    let subquery = match term {
        Expr::Exists(Exists { subquery, .. }) if is_never_empty(&subquery.subquery) => {
            return Ok(false);
        }
        Expr::Exists(Exists { subquery, .. }) => subquery,
        Expr::InSubquery(InSubquery { expr, subquery, negated: false }) => {
            let is_constant = expr.column_refs().is_empty();
            if is_constant || has_subquery(expr)? || expr.contains_outer() {
                return Ok(false);
            }
            subquery
        }
        _ => return Ok(false),
    };
    if subquery.outer_ref_columns.is_empty() {
        return Ok(true);
    }
    let is_near = subquery.outer_ref_columns.iter().all(|outer| is_near(outer, outside));
    Ok(is_near && depends_by_filter(&subquery.subquery)?)
}

/// Is it a column of the plan right outside?
fn is_near(outer: &Expr, outside: &DFSchema) -> bool {
    matches!(outer, Expr::OuterReferenceColumn(_, column) if outside.has_column(column))
}

/// Does the plan depend on the row outside by a condition alone, right on what it reads?
fn depends_by_filter(plan: &LogicalPlan) -> Result<bool> {
    let node_is_free = || {
        let mut free = true;
        plan.apply_expressions(|expr| {
            free &= !expr.contains_outer();
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok::<_, datafusion::common::DataFusionError>(free)
    };
    Ok(match plan {
        LogicalPlan::Projection(inner) => node_is_free()? && depends_by_filter(&inner.input)?,
        LogicalPlan::SubqueryAlias(inner) => depends_by_filter(&inner.input)?,
        LogicalPlan::Distinct(Distinct::All(input)) => depends_by_filter(input)?,
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            node_is_free()? && depends_by_filter(&sort.input)?
        }
        LogicalPlan::Filter(filter) => {
            filter.input.all_out_ref_exprs().is_empty() && !has_subquery(&filter.predicate)?
        }
        _ => false,
    })
}

/// Is the condition about the columns of one side alone, in subqueries too?
fn is_about(term: &Expr, side: &DFSchema) -> Result<bool> {
    let mut only = term.column_refs().into_iter().all(|column| side.has_column(column));
    term.apply(|inner| {
        let outer = subquery_of(inner).map(LogicalPlan::all_out_ref_exprs).unwrap_or_default();
        only &= outer.iter().all(|outer| is_near(outer, side));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(only)
}

/// A projection with the columns too that subqueries of an order take from below it.
fn with_columns_of(order: &[SortExpr], input: Arc<LogicalPlan>) -> Result<Arc<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = input.as_ref() else { return Ok(input) };
    let mut missing: Vec<Expr> = Vec::new();
    for key in order {
        key.expr.apply(|inner| {
            for outer in subquery_of(inner).map(LogicalPlan::all_out_ref_exprs).unwrap_or_default()
            {
                let Expr::OuterReferenceColumn(_, column) = outer else { continue };
                let is_below = projection.input.schema().has_column(&column);
                let column = Expr::Column(column);
                let is_there = matches!(&column, Expr::Column(c) if input.schema().has_column(c));
                if is_below && !is_there && !missing.contains(&column) {
                    missing.push(column);
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    if missing.is_empty() {
        return Ok(input);
    }
    let exprs = projection.expr.iter().cloned().chain(missing).collect();
    let wider = Projection::try_new(exprs, projection.input.clone())?;
    Ok(Arc::new(LogicalPlan::Projection(wider)))
}

/// The columns of `schema` of a plan that has more of them.
fn only(plan: LogicalPlan, schema: &DFSchema) -> Result<LogicalPlan> {
    if plan.schema().fields().len() == schema.fields().len() {
        return Ok(plan);
    }
    let columns: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// The columns of a plan under the names of `schema`.
fn renamed(plan: LogicalPlan, schema: &DFSchema) -> Result<LogicalPlan> {
    let columns = plan.schema().columns().into_iter().zip(schema.iter());
    let exprs = columns.map(|(column, field)| named(Expr::Column(column), field)).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?))
}
