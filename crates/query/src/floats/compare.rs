//! Conditions and keys of floats, in terms that DataFusion means right. Not here: which of a plan's
//! expressions they are ([`super::rule`]).

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{
    AggregateFunction, Between, BinaryExpr, Case, Cast, InList, ScalarFunction, Sort, TryCast,
    WindowFunction, WindowFunctionDefinition,
};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, when};

use super::Nan;
use super::canonical::{canonical, is_float};
use super::extremes::extreme;
use super::rank::rank;

/// Is it a float?
pub(super) fn is_of_floats(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|ty| is_float(&ty))
}

/// Is it a constant that is neither zero nor NaN? What equals it has its bits.
fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Float32(Some(value)), _) => *value != 0.0 && !value.is_nan(),
        Expr::Literal(ScalarValue::Float64(Some(value)), _) => *value != 0.0 && !value.is_nan(),
        Expr::Literal(value, _) => value.is_null(),
        _ => false,
    }
}

/// Is it made of a whole number? Then it is no NaN and no `-0.0`.
fn is_whole(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => {
            let is_exact = |ty: DataType| ty.is_integer() || ty.is_decimal();
            expr.get_type(schema).is_ok_and(is_exact)
        }
        _ => false,
    }
}

/// A float as an operand.
fn operand(nan: Nan, expr: Expr, schema: &DFSchema) -> Expr {
    if is_whole(&expr, schema) { expr } else { canonical(nan, expr) }
}

/// What rows are put together by: zeros are one value, and NaNs are.
pub(super) fn key(expr: Expr, schema: &DFSchema) -> Expr {
    if is_of_floats(&expr, schema) { operand(Nan::Last, expr, schema) } else { expr }
}

/// What rows are ordered by. NaNs are where nulls are, on the side of the others.
pub(super) fn sort_key(sort: Sort, schema: &DFSchema) -> Sort {
    if !is_of_floats(&sort.expr, schema) {
        return sort;
    }
    let nan = if sort.asc == sort.nulls_first { Nan::First } else { Nan::Last };
    Sort { expr: operand(nan, sort.expr, schema), ..sort }
}

/// The two sides of a comparison: a NaN on either makes it false, but for `<>`.
fn sides(op: Operator) -> Option<(Nan, Nan)> {
    match op {
        Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq => {
            Some((Nan::Last, Nan::First))
        }
        Operator::Gt | Operator::GtEq => Some((Nan::First, Nan::Last)),
        // Rows are put together by it.
        Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => Some((Nan::Last, Nan::Last)),
        _ => None,
    }
}

/// `left op right`; `None` where it means what it should as it is.
pub(super) fn comparison(
    left: &Expr,
    op: Operator,
    right: &Expr,
    schema: &DFSchema,
) -> Option<(Expr, Expr)> {
    let (of_left, of_right) = sides(op)?;
    if !is_of_floats(left, schema) || !is_of_floats(right, schema) {
        return None;
    }
    let is_order = matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
    if !is_order && (is_plain(left) || is_plain(right)) {
        return None;
    }
    let new_left = operand(of_left, left.clone(), schema);
    let new_right = operand(of_right, right.clone(), schema);
    (new_left != *left || new_right != *right).then_some((new_left, new_right))
}

fn compared(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Expr {
    let (left, right) = comparison(&left, op, &right, schema).unwrap_or((left, right));
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// An expression whose inner ones are done; `None` where nothing changes.
pub(super) fn rewritten(expr: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => comparison(left, *op, right, schema)
            .map(|(left, right)| {
                Expr::BinaryExpr(BinaryExpr::new(Box::new(left), *op, Box::new(right)))
            }),
        Expr::Between(between) if is_of_floats(&between.expr, schema) => {
            Some(within(between, schema))
        }
        Expr::InList(list) if is_of_floats(&list.expr, schema) => among(list, schema),
        Expr::Case(case) => case_of(case, schema),
        Expr::ScalarFunction(function) => call(function, schema)?,
        Expr::AggregateFunction(function) => aggregate(function, schema),
        Expr::WindowFunction(function) => window(function, schema),
        _ => None,
    })
}

/// A NaN is neither within nor without.
fn within(between: &Between, schema: &DFSchema) -> Expr {
    let Between { expr, negated, low, high } = between.clone();
    let compared = |op, bound: Box<Expr>| compared(expr.as_ref().clone(), op, *bound, schema);
    match negated {
        false => compared(Operator::GtEq, low).and(compared(Operator::LtEq, high)),
        true => compared(Operator::Lt, low).or(compared(Operator::Gt, high)),
    }
}

/// A list finds a NaN, as in ClickHouse.
fn among(list: &InList, schema: &DFSchema) -> Option<Expr> {
    let InList { expr, list, negated } = list;
    if list.iter().all(is_plain) {
        return None;
    }
    let expr = Box::new(operand(Nan::Last, expr.as_ref().clone(), schema));
    let list = list.iter().map(|one| operand(Nan::Last, one.clone(), schema)).collect();
    Some(Expr::InList(InList { expr, list, negated: *negated }))
}

/// `CASE x WHEN 0 THEN ...`
fn case_of(case: &Case, schema: &DFSchema) -> Option<Expr> {
    let of = case.expr.as_ref().filter(|of| is_of_floats(of, schema))?;
    if case.when_then_expr.iter().all(|(when, _)| is_plain(when)) {
        return None;
    }
    let expr = Some(Box::new(operand(Nan::Last, of.as_ref().clone(), schema)));
    let branches = case.when_then_expr.iter().map(|(when, then)| {
        (Box::new(operand(Nan::First, when.as_ref().clone(), schema)), then.clone())
    });
    let when_then_expr = branches.collect();
    let changed = Case { expr, when_then_expr, else_expr: case.else_expr.clone() };
    (changed != *case).then_some(Expr::Case(changed))
}

fn call(function: &ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let args = function.args.as_slice();
    let is_float = args.iter().any(|arg| is_of_floats(arg, schema));
    Ok(match (function.name(), args) {
        ("nullif", [value, other]) if is_float && is_of_floats(value, schema) => {
            let null = Expr::Literal(ScalarValue::try_from(&value.get_type(schema)?)?, None);
            let is_equal = compared(value.clone(), Operator::Eq, other.clone(), schema);
            Some(when(is_equal, null).otherwise(value.clone())?)
        }
        ("greatest" | "least", [_, ..]) if is_float => extreme(function, schema)?,
        // What distinct values are counted by.
        ("uniq_key", [value]) if is_float => {
            let args = vec![operand(Nan::Last, value.clone(), schema)];
            let changed = ScalarFunction { args, ..function.clone() };
            (changed != *function).then_some(Expr::ScalarFunction(changed))
        }
        _ => None,
    })
}

/// The arguments of an aggregate that tells values apart, or orders them.
fn arguments(name: &str, distinct: bool, args: &[Expr], schema: &DFSchema) -> Vec<Expr> {
    let each = |arg: &Expr| match (name, distinct) {
        // NaNs are passed over, unless there is nothing else. The rule takes ranks for floats.
        ("min", _) if is_of_floats(arg, schema) => rank(Nan::Last, arg.clone()),
        ("max", _) if is_of_floats(arg, schema) => rank(Nan::First, arg.clone()),
        (_, true) => member(arg.clone(), schema),
        _ => arg.clone(),
    };
    args.iter().map(each).collect()
}

/// A key, or a tuple of keys.
fn member(expr: Expr, schema: &DFSchema) -> Expr {
    match expr {
        Expr::ScalarFunction(function) if function.name() == "struct" => {
            let args = function.args.into_iter().map(|arg| member(arg, schema)).collect();
            Expr::ScalarFunction(ScalarFunction { args, ..function })
        }
        expr => key(expr, schema),
    }
}

fn aggregate(function: &AggregateFunction, schema: &DFSchema) -> Option<Expr> {
    let mut changed = function.clone();
    let params = &mut changed.params;
    params.args = arguments(function.func.name(), params.distinct, &params.args, schema);
    params.order_by = params.order_by.drain(..).map(|by| sort_key(by, schema)).collect();
    (changed != *function).then_some(Expr::AggregateFunction(changed))
}

fn window(function: &WindowFunction, schema: &DFSchema) -> Option<Expr> {
    let mut changed = function.clone();
    let params = &mut changed.params;
    if let WindowFunctionDefinition::AggregateUDF(aggregate) = &function.fun {
        params.args = arguments(aggregate.name(), params.distinct, &params.args, schema);
    }
    params.partition_by = params.partition_by.drain(..).map(|by| key(by, schema)).collect();
    params.order_by = params.order_by.drain(..).map(|by| sort_key(by, schema)).collect();
    (changed != *function).then_some(Expr::WindowFunction(Box::new(changed)))
}
