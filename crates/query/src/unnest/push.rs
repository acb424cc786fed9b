//! A subquery for all values of its domain at once: the domain is pushed down through the plan of
//! the subquery until what lies below depends on nothing outside, and is joined with that. Where a
//! condition says that a column equals what comes from outside, the column stands for the domain
//! and no join is needed. Not here: what becomes of the rows ([`super::value`]).

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::common::{
    Column, DFSchema, NullEquality, Result, ScalarValue, TableReference, plan_err,
};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprFunctionExt, ExprSchemable, FetchType, Filter, Join,
    JoinConstraint, JoinType, Limit, LogicalPlan, LogicalPlanBuilder, Operator, Projection,
    SkipType, Sort, SortExpr, SubqueryAlias, Union, Unnest, Window, lit,
};

use super::domain::domain;
use super::outer::{bound, node_depends, outside_of, plan_depends};

/// A subquery that depends on the row outside.
pub(super) struct Dependent<'a> {
    /// What it takes from outside.
    pub(super) outer: Vec<Expr>,
    /// Rows with all values of that, and the columns they are computed from.
    pub(super) source: Arc<LogicalPlan>,
    /// The columns of the plan outside.
    pub(super) outside: &'a DFSchema,
    /// Numbers for names that nobody else has.
    pub(super) names: &'a mut Names,
    /// Whether no row means the same as the next aggregate of no rows.
    pub(super) may_be_missing: bool,
}

/// Makes names.
#[derive(Debug, Default)]
pub(super) struct Names {
    count: usize,
}

impl Names {
    /// A name for a relation.
    pub(super) fn relation(&mut self) -> TableReference {
        self.count += 1;
        TableReference::bare(format!("__sub_{}", self.count))
    }
}

/// A plan for all values of the domain: the columns that it had, and keys.
pub(super) struct Pushed {
    pub(super) plan: LogicalPlan,
    /// The columns with what comes from outside, in the order of [`Dependent::outer`].
    pub(super) keys: Vec<Expr>,
    /// Whether a key may be null.
    pub(super) with_null: bool,
}

/// The pairs by which rows of the same keys are joined; null is the same as null, if there are any.
/// They are never null themselves: DataFusion mixes joins in which null is equal to null with
/// conditions in which it is not.
pub(super) fn same_keys(
    left: &[Expr],
    left_schema: &DFSchema,
    right: &[Expr],
    right_schema: &DFSchema,
    with_null: bool,
) -> Result<Vec<(Expr, Expr)>> {
    let mut pairs = Vec::with_capacity(left.len());
    for (left, right) in left.iter().zip(right) {
        if !with_null || !left.nullable(left_schema)? || !right.nullable(right_schema)? {
            pairs.push((left.clone(), right.clone()));
            continue;
        }
        let zero = ScalarValue::new_default(&right.get_type(right_schema)?)?;
        let filled = |expr: &Expr| coalesce(vec![expr.clone(), Expr::Literal(zero.clone(), None)]);
        pairs.push((filled(left), filled(right)));
        pairs.push((left.clone().is_null(), right.clone().is_null()));
    }
    Ok(pairs)
}

impl Dependent<'_> {
    /// The plan for all values of the domain.
    ///
    /// # Errors
    /// A node that cannot depend on the row outside, by its name.
    pub(super) fn push(&mut self, plan: &LogicalPlan) -> Result<Pushed> {
        if !plan_depends(plan, self.outside)? {
            return self.beside(plan);
        }
        match plan {
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::SubqueryAlias(alias) => self.alias(alias),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Pushed { plan, keys, with_null } = self.push(input)?;
                let plan = self.only(plan, &keys, input.schema())?;
                let plan = LogicalPlan::Distinct(Distinct::All(Arc::new(plan)));
                Ok(Pushed { plan, keys, with_null })
            }
            LogicalPlan::Sort(sort) => self.sort(sort),
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            other => plan_err!(
                "`{}` in a subquery cannot depend on the row outside: write it as a join",
                other.display()
            ),
        }
    }

    /// New columns for what comes from outside.
    fn keys(&mut self) -> Vec<Column> {
        let relation = self.names.relation();
        let name = |at| Column::new(Some(relation.clone()), format!("key_{at}"));
        (0..self.outer.len()).map(name).collect()
    }

    fn domain(&mut self) -> Result<Pushed> {
        let keys = self.keys();
        let outer = self.outer.iter().cloned();
        let values: Vec<Expr> =
            outer.map(|value| outside_of(value, self.outside)).collect::<Result<_>>()?;
        let plan = domain(self.source.clone(), &values, &keys)?;
        let keys = keys.into_iter().map(Expr::Column).collect();
        Ok(Pushed { plan, keys, with_null: true })
    }

    /// What depends on nothing outside is the same for all.
    fn beside(&mut self, plan: &LogicalPlan) -> Result<Pushed> {
        let Pushed { plan: domain, keys, with_null } = self.domain()?;
        let plan = match plan {
            LogicalPlan::EmptyRelation(empty)
                if empty.produce_one_row && empty.schema.fields().is_empty() =>
            {
                domain
            }
            other => LogicalPlanBuilder::from(domain).cross_join(other.clone())?.build()?,
        };
        Ok(Pushed { plan, keys, with_null })
    }

    fn bound(&self, expr: Expr, keys: &[Expr]) -> Result<Expr> {
        bound(expr, &self.outer, keys)
    }

    /// The keys and the columns of `schema`, and nothing else.
    fn only(&self, plan: LogicalPlan, keys: &[Expr], schema: &DFSchema) -> Result<LogicalPlan> {
        let columns = schema.columns().into_iter().map(Expr::Column);
        let exprs: Vec<Expr> = keys.iter().cloned().chain(columns).collect();
        if plan.schema().fields().len() == exprs.len() {
            return Ok(plan);
        }
        Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?))
    }

    fn filter(&mut self, filter: &Filter) -> Result<Pushed> {
        if !plan_depends(&filter.input, self.outside)?
            && let Some(pushed) = self.by_equality(filter)?
        {
            return Ok(pushed);
        }
        let Pushed { plan, keys, with_null } = self.push(&filter.input)?;
        let predicate = self.bound(filter.predicate.clone(), &keys)?;
        let plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(plan))?);
        Ok(Pushed { plan, keys, with_null })
    }

    /// `inner = outer` for all that comes from outside: the inner sides are the keys.
    fn by_equality(&mut self, filter: &Filter) -> Result<Option<Pushed>> {
        let mut rest = Vec::new();
        let mut inner: Vec<Option<Expr>> = vec![None; self.outer.len()];
        for term in split_conjunction_owned(filter.predicate.clone()) {
            match self.equality(&term, filter.input.schema())? {
                Some((at, expr)) if inner.get(at).is_some_and(Option::is_none) => {
                    if let Some(slot) = inner.get_mut(at) {
                        *slot = Some(expr);
                    }
                }
                _ => rest.push(term),
            }
        }
        let Some(inner) = inner.into_iter().collect::<Option<Vec<Expr>>>() else {
            return Ok(None);
        };
        // An equality is true of no null.
        let mut terms: Vec<Expr> = inner.iter().cloned().map(Expr::is_not_null).collect();
        for term in rest {
            terms.push(self.bound(term, &inner)?);
        }
        let input = match conjunction(terms) {
            Some(terms) => LogicalPlan::Filter(Filter::try_new(terms, filter.input.clone())?),
            None => filter.input.as_ref().clone(),
        };
        let keys = self.keys();
        let named = inner
            .into_iter()
            .zip(&keys)
            .map(|(inner, key)| inner.alias_qualified(key.relation.clone(), key.name.clone()));
        let columns = filter.input.schema().columns().into_iter().map(Expr::Column);
        let exprs = named.chain(columns).collect();
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?);
        let keys = keys.into_iter().map(Expr::Column).collect();
        Ok(Some(Pushed { plan, keys, with_null: false }))
    }

    /// Which of the outer expressions a term says to be equal to what, of the same type.
    fn equality(&self, term: &Expr, schema: &DFSchema) -> Result<Option<(usize, Expr)>> {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = term else {
            return Ok(None);
        };
        for (outer, inner) in [(left, right), (right, left)] {
            let Some(at) = self.outer.iter().position(|expr| expr == outer.as_ref()) else {
                continue;
            };
            let depends =
                inner.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..))))?;
            let is_free = !depends && !inner.is_volatile() && !has_subquery(inner)?;
            if is_free && inner.get_type(schema)? == outer.get_type(schema)? {
                return Ok(Some((at, inner.as_ref().clone())));
            }
        }
        Ok(None)
    }

    fn projection(&mut self, projection: &Projection) -> Result<Pushed> {
        let Pushed { plan, keys, with_null } = self.push(&projection.input)?;
        let mut exprs = keys.clone();
        for (expr, field) in projection.expr.iter().zip(projection.schema.iter()) {
            exprs.push(named(self.bound(expr.clone(), &keys)?, field));
        }
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        Ok(Pushed { plan, keys, with_null })
    }

    fn alias(&mut self, alias: &SubqueryAlias) -> Result<Pushed> {
        let Pushed { plan, keys, with_null } = self.push(&alias.input)?;
        let mut exprs = keys.clone();
        let inside = alias.input.schema().columns();
        for (column, field) in inside.into_iter().zip(alias.schema.iter()) {
            exprs.push(named(Expr::Column(column), field));
        }
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        Ok(Pushed { plan, keys, with_null })
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Pushed> {
        if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
            return plan_err!(
                "ROLLUP, CUBE and GROUPING SETS in a subquery cannot depend on the row outside"
            );
        }
        let may_be_missing = std::mem::take(&mut self.may_be_missing);
        let Pushed { plan, keys, with_null } = self.push(&aggregate.input)?;
        // Of everything there is a row even where there is nothing.
        let is_there = aggregate.group_expr.is_empty() && !may_be_missing;
        let (plan, keys, is_there) = match is_there {
            true => self.with_missing(plan, &keys, with_null)?,
            false => (plan, keys, None),
        };
        let with_null = with_null || is_there.is_some();
        let mut groups = keys.clone();
        for group in &aggregate.group_expr {
            groups.push(self.bound(group.clone(), &keys)?);
        }
        let mut aggregates = Vec::with_capacity(aggregate.aggr_expr.len());
        for expr in &aggregate.aggr_expr {
            let expr = self.bound(expr.clone(), &keys)?;
            aggregates.push(match &is_there {
                Some(is_there) => only_if(expr, is_there)?,
                None => expr,
            });
        }
        let inner = Aggregate::try_new(Arc::new(plan), groups, aggregates)?;
        let columns = inner.schema.columns();
        let mut exprs = keys.clone();
        let outputs = columns.into_iter().skip(keys.len()).zip(aggregate.schema.iter());
        exprs.extend(outputs.map(|(column, field)| named(Expr::Column(column), field)));
        let inner = Arc::new(LogicalPlan::Aggregate(inner));
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, inner)?);
        Ok(Pushed { plan, keys, with_null })
    }

    /// A row for each value of the domain that has none, and a condition that is true of the
    /// others.
    fn with_missing(
        &mut self,
        plan: LogicalPlan,
        keys: &[Expr],
        with_null: bool,
    ) -> Result<(LogicalPlan, Vec<Expr>, Option<Expr>)> {
        let Pushed { plan: domain, keys: all, .. } = self.domain()?;
        let marker = Column::new(Some(self.names.relation()), "is_there");
        let mark = lit(true).alias_qualified(marker.relation.clone(), marker.name.clone());
        let columns = plan.schema().columns().into_iter().map(Expr::Column);
        let exprs = columns.chain([mark]).collect();
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        let on = same_keys(&all, domain.schema(), keys, plan.schema(), with_null)?;
        let plan = join(domain, plan, on, None, JoinType::Left)?;
        Ok((plan, all, Some(Expr::Column(marker).is_not_null())))
    }

    fn sort(&mut self, sort: &Sort) -> Result<Pushed> {
        if let Some(fetch) = sort.fetch {
            return self.numbered(&sort.input, &sort.expr, 0, Some(fetch));
        }
        let Pushed { plan, keys, with_null } = self.push(&sort.input)?;
        let expr = self.order(&sort.expr, &keys)?;
        let plan = LogicalPlan::Sort(Sort { expr, input: Arc::new(plan), fetch: None });
        Ok(Pushed { plan, keys, with_null })
    }

    fn order(&self, order: &[SortExpr], keys: &[Expr]) -> Result<Vec<SortExpr>> {
        let bound = |SortExpr { expr, asc, nulls_first }: &SortExpr| {
            Ok(SortExpr::new(self.bound(expr.clone(), keys)?, *asc, *nulls_first))
        };
        order.iter().map(bound).collect()
    }

    fn limit(&mut self, limit: &Limit) -> Result<Pushed> {
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
            (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return plan_err!("LIMIT in a subquery that depends on the row outside wants numbers");
        };
        let below = |input: &Arc<LogicalPlan>| {
            Arc::new(LogicalPlan::Limit(Limit { input: input.clone(), ..limit.clone() }))
        };
        match limit.input.as_ref() {
            LogicalPlan::Sort(Sort { expr, input, fetch: None }) => {
                self.numbered(input, expr, skip, fetch)
            }
            // The order is below what gives a row for each of its own.
            LogicalPlan::Projection(projection) => {
                let input = below(&projection.input);
                let mut projection = projection.clone();
                projection.input = input;
                self.projection(&projection)
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let input = below(&alias.input);
                let mut alias = alias.clone();
                alias.input = input;
                self.alias(&alias)
            }
            input => self.numbered(input, &[], skip, fetch),
        }
    }

    /// The rows of each key by number.
    fn numbered(
        &mut self,
        input: &LogicalPlan,
        order: &[SortExpr],
        skip: usize,
        fetch: Option<usize>,
    ) -> Result<Pushed> {
        let Pushed { plan, keys, with_null } = self.push(input)?;
        let by = self.order(order, &keys)?;
        let number = row_number().partition_by(keys.clone()).order_by(by).build()?;
        let name = number.schema_name().to_string();
        let plan = Window::try_new(vec![number], Arc::new(plan))?;
        let number = Expr::Column(Column::new_unqualified(name));
        let (first, last) = (skip as u64, fetch.map(|fetch| skip.saturating_add(fetch) as u64));
        let mut predicate = number.clone().gt(lit(first));
        if let Some(last) = last {
            predicate = predicate.and(number.lt_eq(lit(last)));
        }
        let plan = Filter::try_new(predicate, Arc::new(LogicalPlan::Window(plan)))?;
        let plan = self.only(LogicalPlan::Filter(plan), &keys, input.schema())?;
        Ok(Pushed { plan, keys, with_null })
    }

    fn window(&mut self, window: &Window) -> Result<Pushed> {
        let Pushed { plan, keys, with_null } = self.push(&window.input)?;
        let mut exprs = Vec::with_capacity(window.window_expr.len());
        for expr in &window.window_expr {
            exprs.push(by_key(self.bound(expr.clone(), &keys)?, &keys)?);
        }
        let before = plan.schema().fields().len();
        let inner = Window::try_new(exprs, Arc::new(plan))?;
        let mut outputs = keys.clone();
        let kept = window.input.schema().fields().len();
        outputs.extend(window.input.schema().columns().into_iter().map(Expr::Column));
        let columns = inner.schema.columns().into_iter().skip(before);
        let fields = window.schema.iter().skip(kept);
        outputs.extend(columns.zip(fields).map(|(c, field)| named(Expr::Column(c), field)));
        let inner = Arc::new(LogicalPlan::Window(inner));
        let plan = LogicalPlan::Projection(Projection::try_new(outputs, inner)?);
        Ok(Pushed { plan, keys, with_null })
    }

    fn join(&mut self, join: &Join) -> Result<Pushed> {
        use JoinType as T;
        let condition = node_depends(&LogicalPlan::Join(join.clone()), self.outside)?;
        let left_depends = plan_depends(&join.left, self.outside)?;
        let right_depends = plan_depends(&join.right, self.outside)?;
        // A side whose rows may be missing has to know for whom they are.
        let (left, right) = match join.join_type {
            T::Inner => (left_depends || !right_depends, right_depends),
            T::Left | T::LeftSemi | T::LeftAnti => (true, right_depends),
            T::Right | T::RightSemi | T::RightAnti => (left_depends, true),
            T::Full => (true, true),
            T::LeftMark | T::RightMark => {
                return plan_err!("this join cannot depend on the row outside");
            }
        };
        let (left, left_keys, left_null) = self.side(&join.left, left)?;
        let (right, right_keys, right_null) = self.side(&join.right, right)?;
        let keys = left_keys.as_ref().or(right_keys.as_ref()).cloned().unwrap_or_default();
        let of_condition = match join.join_type {
            T::RightSemi | T::RightAnti | T::Right => right_keys.as_ref().unwrap_or(&keys),
            _ => &keys,
        };
        let (mut on, mut terms) = (Vec::new(), Vec::new());
        for (l, r) in &join.on {
            let is_outer = condition && (node_has(l, self.outside)? || node_has(r, self.outside)?);
            let pair = (self.bound(l.clone(), of_condition)?, self.bound(r.clone(), of_condition)?);
            match join.null_equality {
                _ if !is_outer => on.push(pair),
                NullEquality::NullEqualsNothing => terms.push(pair.0.eq(pair.1)),
                NullEquality::NullEqualsNull => terms.push(not_distinct(pair.0, pair.1)),
            }
        }
        if let Some(filter) = &join.filter {
            terms.push(self.bound(filter.clone(), of_condition)?);
        }
        if let (Some(l), Some(r)) = (&left_keys, &right_keys) {
            let with_null = left_null && right_null;
            on.extend(same_keys(l, left.schema(), r, right.schema(), with_null)?);
        }
        let inner = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            on,
            conjunction(terms),
            join.join_type,
            JoinConstraint::On,
            join.null_equality,
            join.null_aware,
        )?;
        let plan = LogicalPlan::Join(inner);
        let (plan, keys) = match (join.join_type, left_keys, right_keys) {
            (T::Full, Some(left), Some(right)) => self.either(plan, &left, &right, join)?,
            (T::Right | T::RightSemi | T::RightAnti, _, Some(right)) => (plan, right),
            _ => (plan, keys),
        };
        let plan = self.only(plan, &keys, &join.schema)?;
        Ok(Pushed { plan, keys, with_null: left_null || right_null })
    }

    fn side(
        &mut self,
        plan: &LogicalPlan,
        with_keys: bool,
    ) -> Result<(LogicalPlan, Option<Vec<Expr>>, bool)> {
        if !with_keys {
            return Ok((plan.clone(), None, false));
        }
        let Pushed { plan, keys, with_null } = self.push(plan)?;
        Ok((plan, Some(keys), with_null))
    }

    /// The keys of a full join, which are null on the side that has no row.
    fn either(
        &mut self,
        plan: LogicalPlan,
        left: &[Expr],
        right: &[Expr],
        join: &Join,
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        let keys = self.keys();
        let both = left.iter().zip(right).zip(&keys).map(|((left, right), key)| {
            let either = coalesce(vec![left.clone(), right.clone()]);
            either.alias_qualified(key.relation.clone(), key.name.clone())
        });
        let columns = join.schema.columns().into_iter().map(Expr::Column);
        let exprs = both.chain(columns).collect();
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        Ok((plan, keys.into_iter().map(Expr::Column).collect()))
    }

    fn union(&mut self, union: &Union) -> Result<Pushed> {
        let name = |at: usize| format!("__column_{at}");
        let mut inputs = Vec::with_capacity(union.inputs.len());
        let mut with_null = false;
        for input in &union.inputs {
            let Pushed { plan, keys, with_null: has_null } = self.push(input)?;
            with_null |= has_null;
            let columns = input.schema().columns().into_iter().map(Expr::Column);
            let exprs = keys.into_iter().chain(columns).enumerate();
            let exprs = exprs.map(|(at, expr)| expr.alias(name(at))).collect();
            let plan = Projection::try_new(exprs, Arc::new(plan))?;
            inputs.push(Arc::new(LogicalPlan::Projection(plan)));
        }
        let all = Union::try_new_with_loose_types(inputs)?;
        let keys = self.keys();
        let mut columns = all.schema.columns().into_iter().map(Expr::Column);
        let mut exprs = Vec::with_capacity(all.schema.fields().len());
        for (key, column) in keys.iter().zip(columns.by_ref()) {
            exprs.push(column.alias_qualified(key.relation.clone(), key.name.clone()));
        }
        exprs.extend(columns.zip(union.schema.iter()).map(|(c, field)| named(c, field)));
        let all = Arc::new(LogicalPlan::Union(all));
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, all)?);
        let keys = keys.into_iter().map(Expr::Column).collect();
        Ok(Pushed { plan, keys, with_null })
    }

    fn unnest(&mut self, unnest: &Unnest) -> Result<Pushed> {
        let Pushed { plan, keys, with_null } = self.push(&unnest.input)?;
        let (columns, options) = (unnest.exec_columns.clone(), unnest.options.clone());
        let plan = LogicalPlanBuilder::from(plan).unnest_columns_with_options(columns, options)?;
        Ok(Pushed { plan: plan.build()?, keys, with_null })
    }
}

fn node_has(expr: &Expr, outside: &DFSchema) -> Result<bool> {
    expr.exists(|inner| {
        Ok(matches!(inner, Expr::OuterReferenceColumn(_, column) if outside.has_column(column)))
    })
}

/// Are there subqueries in the expression?
pub(super) fn has_subquery(expr: &Expr) -> Result<bool> {
    expr.exists(|inner| Ok(subquery_of(inner).is_some()))
}

/// The plan of an expression that is a subquery.
pub(super) fn subquery_of(expr: &Expr) -> Option<&LogicalPlan> {
    match expr {
        Expr::ScalarSubquery(subquery) => Some(&subquery.subquery),
        Expr::Exists(exists) => Some(&exists.subquery.subquery),
        Expr::InSubquery(is_in) => Some(&is_in.subquery.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery.subquery),
        _ => None,
    }
}

/// An expression under the name of a field.
pub(super) fn named<T>(expr: Expr, field: (Option<&TableReference>, T)) -> Expr
where
    T: std::ops::Deref,
    T::Target: AsRef<datafusion::arrow::datatypes::Field>,
{
    let (relation, field) = field;
    let name = field.as_ref().name();
    match &expr {
        Expr::Column(column) if column.relation.as_ref() == relation && column.name == *name => {
            expr
        }
        _ => expr.alias_qualified(relation.cloned(), name),
    }
}

/// A join by pairs that are equal.
pub(super) fn join(
    left: LogicalPlan,
    right: LogicalPlan,
    on: Vec<(Expr, Expr)>,
    filter: Option<Expr>,
    join_type: JoinType,
) -> Result<LogicalPlan> {
    let (left, right) = (Arc::new(left), Arc::new(right));
    let nulls = NullEquality::NullEqualsNothing;
    let constraint = JoinConstraint::On;
    let join = Join::try_new(left, right, on, filter, join_type, constraint, nulls, false)?;
    Ok(LogicalPlan::Join(join))
}

fn not_distinct(left: Expr, right: Expr) -> Expr {
    let (left, right) = (Box::new(left), Box::new(right));
    Expr::BinaryExpr(BinaryExpr::new(left, Operator::IsNotDistinctFrom, right))
}

/// An aggregate of those rows alone of which a condition is true.
fn only_if(expr: Expr, condition: &Expr) -> Result<Expr> {
    Ok(match expr {
        Expr::Alias(mut alias) => {
            alias.expr = Box::new(only_if(*alias.expr, condition)?);
            Expr::Alias(alias)
        }
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            params.filter = Some(Box::new(match params.filter.take() {
                Some(filter) => condition.clone().and(*filter),
                None => condition.clone(),
            }));
            Expr::AggregateFunction(AggregateFunction { func, params })
        }
        other => return plan_err!("`{other}` in a subquery cannot depend on the row outside"),
    })
}

/// A window function over the rows of each key.
fn by_key(expr: Expr, keys: &[Expr]) -> Result<Expr> {
    Ok(match expr {
        Expr::Alias(mut alias) => {
            alias.expr = Box::new(by_key(*alias.expr, keys)?);
            Expr::Alias(alias)
        }
        Expr::WindowFunction(function) => {
            let WindowFunction { fun, mut params } = *function;
            params.partition_by.extend(keys.iter().cloned());
            Expr::from(WindowFunction { fun, params })
        }
        other => return plan_err!("`{other}` in a subquery cannot depend on the row outside"),
    })
}
