//! The analyzer rule that puts floats into canonical form wherever a plan compares, groups, sorts
//! or joins by them. Names and types of what a plan gives stay. Not here: the forms
//! ([`super::canonical`]), single expressions ([`super::compare`]).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, JoinConstraint, Result};
use datafusion::datasource::DefaultTableSource;
use datafusion::logical_expr::expr::{
    AggregateFunctionParams, BinaryExpr, GroupingSet, InSubquery, SetComparison, Sort as SortExpr,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, merge_schema, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, Join, LogicalPlan, Operator, Projection, Sort, Subquery,
    Window,
};
use datafusion::optimizer::AnalyzerRule;

use super::Nan;
use super::canonical::{canonical, is_float, seen_through};
use super::compare::{is_of_floats, key, rewritten, sort_key};
use super::rank::unrank;
use crate::provider::DodbTable;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct FloatMeaning;

impl AnalyzerRule for FloatMeaning {
    fn name(&self) -> &str {
        "float_meaning"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(of_plan)?.data)
    }
}

fn of_plan(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => of_aggregate(aggregate),
        LogicalPlan::Window(window) => of_window(window),
        LogicalPlan::Sort(sort) => of_sort(sort),
        LogicalPlan::Distinct(distinct) => of_distinct(distinct),
        LogicalPlan::Join(join) => of_join(join),
        plan => {
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            let changed = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(of_expr(expr, &schema)?.update_data(|expr| name.restore(expr)))
            })?;
            match changed.transformed {
                true => changed.map_data(LogicalPlan::recompute_schema),
                false => Ok(changed),
            }
        }
    }
}

/// Everything in an expression.
fn of_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        let changed = match &expr {
            Expr::InSubquery(among) => of_in_subquery(among, schema)?,
            Expr::SetComparison(set) => of_set_comparison(set, schema)?,
            other => rewritten(other, schema)?,
        };
        Ok(match changed {
            Some(changed) => Transformed::yes(changed),
            None => Transformed::no(expr),
        })
    })
}

fn of_all(exprs: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
    exprs.into_iter().map(|expr| Ok(of_expr(expr, schema)?.data)).collect()
}

/// `x IN (SELECT ...)` finds a NaN, as in ClickHouse.
fn of_in_subquery(among: &InSubquery, schema: &DFSchema) -> Result<Option<Expr>> {
    if !is_of_floats(&among.expr, schema) {
        return Ok(None);
    }
    let expr = Box::new(canonical(Nan::Last, among.expr.as_ref().clone()));
    let subquery = with_first_column(&among.subquery, Nan::Last)?;
    let changed = InSubquery { expr, subquery, negated: among.negated };
    Ok((changed != *among).then_some(Expr::InSubquery(changed)))
}

/// `x < ANY (SELECT ...)`
fn of_set_comparison(set: &SetComparison, schema: &DFSchema) -> Result<Option<Expr>> {
    let (left, right) = match set.op {
        Operator::Gt | Operator::GtEq => (Nan::First, Nan::Last),
        _ => (Nan::Last, Nan::First),
    };
    if !is_of_floats(&set.expr, schema) {
        return Ok(None);
    }
    let expr = Box::new(canonical(left, set.expr.as_ref().clone()));
    let subquery = with_first_column(&set.subquery, right)?;
    let changed = SetComparison { expr, subquery, ..set.clone() };
    Ok((changed != *set).then_some(Expr::SetComparison(changed)))
}

/// A subquery of one column, a float, in canonical form.
fn with_first_column(subquery: &Subquery, nan: Nan) -> Result<Subquery> {
    let plan = subquery.subquery.as_ref().clone();
    let plan = Arc::new(with_columns(plan, |expr, _| canonical(nan, expr))?);
    Ok(Subquery { subquery: plan, ..subquery.clone() })
}

/// A plan whose float columns are `form` of what they were.
fn with_columns(plan: LogicalPlan, form: impl Fn(Expr, &DFSchema) -> Expr) -> Result<LogicalPlan> {
    if is_done(&plan) {
        return Ok(plan);
    }
    let schema = plan.schema().clone();
    let mut is_changed = false;
    let columns = schema.iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        if !is_of_floats(&column, &schema) {
            return column;
        }
        is_changed = true;
        form(column, &schema).alias_qualified(qualifier.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    match is_changed {
        true => Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?)),
        false => Ok(plan),
    }
}

/// Has [`with_columns`] made the plan?
fn is_done(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Projection(projection) = plan else { return false };
    let is_float = |expr: &&Expr| is_of_floats(expr, projection.input.schema());
    let mut floats = projection.expr.iter().filter(is_float).peekable();
    floats.peek().is_some()
        && floats.all(|expr| match expr {
            Expr::Alias(alias) => seen_through(&alias.expr).0.is_some(),
            _ => false,
        })
}

/// What `new` gives, column by column, under the names of `before`; ranks as the floats.
fn renamed(new: LogicalPlan, before: &DFSchema) -> Result<Transformed<LogicalPlan>> {
    let schema = new.schema().clone();
    let columns =
        schema.iter().zip(before.iter()).map(|((relation, found), (qualifier, field))| {
            let column = Expr::Column(Column::new(relation.cloned(), found.name()));
            let is_float = is_float(field.data_type());
            let value = match is_float && found.data_type() != field.data_type() {
                true => unrank(column),
                false if relation == qualifier && found.name() == field.name() => return column,
                false => column,
            };
            value.alias_qualified(qualifier.cloned(), field.name())
        });
    let columns = columns.collect();
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(new))?)))
}

fn of_aggregate(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let schema = aggregate.input.schema();
    let groups = of_all(aggregate.group_expr.clone(), schema)?;
    let groups: Vec<Expr> = groups.into_iter().map(|expr| group(expr, schema)).collect();
    let each = aggregate.aggr_expr.iter().cloned().map(|expr| {
        match groups.is_empty() && is_extreme_of_numbers(&expr, &aggregate.input) {
            true => Ok(expr),
            false => Ok(of_expr(expr, schema)?.data),
        }
    });
    let each: Vec<Expr> = each.collect::<Result<_>>()?;
    if groups == aggregate.group_expr && each == aggregate.aggr_expr {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let new = Aggregate::try_new(aggregate.input.clone(), groups, each)?;
    renamed(LogicalPlan::Aggregate(new), &aggregate.schema)
}

/// Is it the `min` or `max` of all rows of a column that has no NaN? DataFusion has that right, and
/// leaves out what its bounds say cannot matter.
fn is_extreme_of_numbers(expr: &Expr, plan: &LogicalPlan) -> bool {
    let Expr::AggregateFunction(function) = expr else { return false };
    let AggregateFunctionParams { args, distinct: false, filter: None, .. } = &function.params
    else {
        return false;
    };
    match (function.func.name(), args.as_slice()) {
        ("min" | "max", [Expr::Column(column)]) => has_no_nan(column, plan),
        _ => false,
    }
}

/// Do exact bounds of the whole column say that it has no NaN?
fn has_no_nan(column: &Column, plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Filter(filter) => has_no_nan(column, &filter.input),
        LogicalPlan::SubqueryAlias(alias) => has_no_nan(column, &alias.input),
        LogicalPlan::TableScan(scan) => {
            let source = scan.source.downcast_ref::<DefaultTableSource>();
            let table = source.and_then(|s| s.table_provider.downcast_ref::<DodbTable>());
            table.is_some_and(|table| {
                let column = table.snapshot.def().schema.by_name(&column.name);
                let stats = column.and_then(|column| table.snapshot.column_stats(column.id));
                stats.is_some_and(|stats| stats.exact)
            })
        }
        _ => false,
    }
}

/// A key of GROUP BY, or sets of them.
fn group(expr: Expr, schema: &DFSchema) -> Expr {
    let all = |of: Vec<Expr>| of.into_iter().map(|expr| key(expr, schema)).collect::<Vec<_>>();
    match expr {
        Expr::GroupingSet(sets) => Expr::GroupingSet(match sets {
            GroupingSet::Rollup(of) => GroupingSet::Rollup(all(of)),
            GroupingSet::Cube(of) => GroupingSet::Cube(all(of)),
            GroupingSet::GroupingSets(sets) => {
                GroupingSet::GroupingSets(sets.into_iter().map(all).collect())
            }
        }),
        expr => key(expr, schema),
    }
}

fn of_window(window: Window) -> Result<Transformed<LogicalPlan>> {
    let each = of_all(window.window_expr.clone(), window.input.schema())?;
    if each == window.window_expr {
        return Ok(Transformed::no(LogicalPlan::Window(window)));
    }
    let new = Window::try_new(each, window.input.clone())?;
    renamed(LogicalPlan::Window(new), &window.schema)
}

fn of_sorts(sorts: Vec<SortExpr>, schema: &DFSchema) -> Result<Vec<SortExpr>> {
    let each = sorts.into_iter().map(|sort| {
        let expr = of_expr(sort.expr, schema)?.data;
        Ok(sort_key(SortExpr { expr, ..sort }, schema))
    });
    each.collect()
}

fn of_sort(sort: Sort) -> Result<Transformed<LogicalPlan>> {
    let expr = of_sorts(sort.expr.clone(), sort.input.schema())?;
    let is_changed = expr != sort.expr;
    let sort = LogicalPlan::Sort(Sort { expr, ..sort });
    Ok(Transformed::new_transformed(sort, is_changed))
}

fn of_distinct(distinct: Distinct) -> Result<Transformed<LogicalPlan>> {
    let before = distinct.clone();
    let distinct = match distinct {
        Distinct::All(input) => Distinct::All(Arc::new(with_columns(input.as_ref().clone(), key)?)),
        Distinct::On(on) => {
            let schema = on.input.schema().clone();
            let names = NamePreserver::new_for_projection();
            let on_expr = of_all(on.on_expr, &schema)?;
            let on_expr: Vec<Expr> = on_expr.into_iter().map(|expr| key(expr, &schema)).collect();
            let select = on.select_expr.into_iter().map(|expr| {
                let name = names.save(&expr);
                Ok(name.restore(of_expr(expr, &schema)?.data))
            });
            let select_expr = select.collect::<Result<_>>()?;
            let mut sort = on.sort_expr.map(|sort| of_sorts(sort, &schema)).transpose()?;
            // They begin with the keys, as they are.
            let first = sort.iter_mut().flatten().zip(&on_expr);
            first.for_each(|(sort, key)| sort.expr = key.clone());
            Distinct::On(DistinctOn::try_new(on_expr, select_expr, sort, on.input)?)
        }
    };
    let is_changed = distinct != before;
    Ok(Transformed::new_transformed(LogicalPlan::Distinct(distinct), is_changed))
}

/// Keys find a NaN, as in ClickHouse.
fn of_join(join: Join) -> Result<Transformed<LogicalPlan>> {
    let (left, right) = (join.left.schema(), join.right.schema());
    let on = join.on.iter().map(|(of_left, of_right)| {
        let of_left = key(of_expr(of_left.clone(), left)?.data, left);
        Ok((of_left, key(of_expr(of_right.clone(), right)?.data, right)))
    });
    let on: Vec<(Expr, Expr)> = on.collect::<Result<_>>()?;
    let both = merge_schema(&[join.left.as_ref(), join.right.as_ref()]);
    let filter = match join.filter.clone() {
        Some(filter) => {
            let terms = split_conjunction_owned(filter).into_iter();
            let terms = terms.map(|term| Ok(of_expr(as_key(term, left, right), &both)?.data));
            conjunction(terms.collect::<Result<Vec<Expr>>>()?)
        }
        None => None,
    };
    if on == join.on && filter == join.filter {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    // USING wants plain columns.
    let join_constraint = match on == join.on {
        true => join.join_constraint,
        false => JoinConstraint::On,
    };
    let join = Join { on, filter, join_constraint, ..join };
    Ok(Transformed::yes(LogicalPlan::Join(join)))
}

/// An equality of floats of both sides of a join is one of keys.
fn as_key(term: Expr, left: &DFSchema, right: &DFSchema) -> Expr {
    let Expr::BinaryExpr(BinaryExpr { left: a, op: Operator::Eq, right: b }) = term else {
        return term;
    };
    let is_of = |expr: &Expr, schema: &DFSchema| {
        let columns = expr.column_refs();
        !columns.is_empty() && columns.iter().all(|column| schema.has_column(column))
    };
    let (a, b) = match () {
        () if is_of(&a, left) && is_of(&b, right) => (key(*a, left), key(*b, right)),
        () if is_of(&a, right) && is_of(&b, left) => (key(*a, right), key(*b, left)),
        () => (*a, *b),
    };
    Expr::BinaryExpr(BinaryExpr::new(Box::new(a), Operator::Eq, Box::new(b)))
}
