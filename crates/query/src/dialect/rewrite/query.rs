//! Clauses of one query: PREWHERE, GROUP BY modifiers and ALL, LIMIT BY, names of the result.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    GroupByWithModifier, LimitClause, Offset, OrderByExpr, OrderByKind, Query, Select, SetExpr,
    Value, WindowSpec, WindowType,
};

use super::{calls, projection};
use crate::dialect::error::{ParseError, ParseErrorKind};
use crate::dialect::{shape, tokens};

/// Before the expressions inside are rewritten.
pub(super) fn before(query: &mut Query) -> Result<(), ParseError> {
    if let Some(order_by) = &query.order_by {
        let fills = match &order_by.kind {
            OrderByKind::Expressions(exprs) => exprs.iter().any(|expr| expr.with_fill.is_some()),
            OrderByKind::All(_) => false,
        };
        if fills || order_by.interpolate.is_some() {
            return Err(ParseError::unsupported("ORDER BY ... WITH FILL", "join with range()"));
        }
    }
    query.locks.clear();
    limit_by(query)?;
    each_select(&mut query.body, &mut before_select)
}

/// After the expressions inside are rewritten.
pub(super) fn after(query: &mut Query) -> Result<(), ParseError> {
    each_select(&mut query.body, &mut |select| {
        projection::group_by_all(select);
        Ok(())
    })
}

/// The selects of one query, not those of subqueries: the visitor comes to them by itself.
fn each_select(
    body: &mut SetExpr,
    each: &mut dyn FnMut(&mut Select) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    match body {
        SetExpr::Select(select) => each(select),
        SetExpr::SetOperation { left, right, .. } => {
            each_select(left, each)?;
            each_select(right, each)
        }
        _ => Ok(()),
    }
}

fn before_select(select: &mut Select) -> Result<(), ParseError> {
    if select.from.len() > tokens::JOINS_MAX {
        let kind = ParseErrorKind::TooMany { what: "tables", count_max: tokens::JOINS_MAX };
        return Err(ParseError::nowhere(kind));
    }
    if let Some(prewhere) = select.prewhere.take() {
        select.selection = Some(match select.selection.take() {
            Some(selection) => Expr::BinaryOp {
                left: Box::new(Expr::Nested(Box::new(prewhere))),
                op: BinaryOperator::And,
                right: Box::new(Expr::Nested(Box::new(selection))),
            },
            None => prewhere,
        });
    }
    if let Some(selection) = &mut select.selection
        && let Expr::Value(value) = selection
        && let Value::Number(text, _) = &value.value
    {
        // WHERE 1
        *selection = Expr::value(Value::Boolean(text.parse::<f64>().is_ok_and(|n| n != 0.0)));
    }
    modifiers(&mut select.group_by)?;
    projection::name_and_resolve(select)
}

/// `GROUP BY a, b WITH ROLLUP` and `WITH CUBE` in standard form.
fn modifiers(group_by: &mut GroupByExpr) -> Result<(), ParseError> {
    let (GroupByExpr::Expressions(_, modifiers) | GroupByExpr::All(modifiers)) = group_by;
    let modifiers = std::mem::take(modifiers);
    for modifier in modifiers {
        let sets = |exprs: &mut Vec<Expr>| -> Vec<Vec<Expr>> {
            std::mem::take(exprs).into_iter().map(|expr| vec![expr]).collect()
        };
        match (modifier, &mut *group_by) {
            (GroupByWithModifier::Rollup, GroupByExpr::Expressions(exprs, _)) => {
                *exprs = vec![Expr::Rollup(sets(exprs))];
            }
            (GroupByWithModifier::Cube, GroupByExpr::Expressions(exprs, _)) => {
                *exprs = vec![Expr::Cube(sets(exprs))];
            }
            (GroupByWithModifier::Totals, _) => {
                let hint = "use WITH ROLLUP, or a second query without GROUP BY";
                return Err(ParseError::unsupported("WITH TOTALS", hint));
            }
            (other, _) => {
                return Err(ParseError::unsupported(format!("GROUP BY ALL {other}"), ""));
            }
        }
    }
    Ok(())
}

/// `LIMIT n BY a, b` becomes `QUALIFY row_number() OVER (PARTITION BY a, b ORDER BY ...) <= n`.
fn limit_by(query: &mut Query) -> Result<(), ParseError> {
    let Some(LimitClause::LimitOffset { limit, offset, limit_by }) = &mut query.limit_clause else {
        return Ok(());
    };
    if limit_by.is_empty() {
        return Ok(());
    }
    let SetExpr::Select(select) = query.body.as_mut() else {
        let hint = "put the set operation in a subquery";
        return Err(ParseError::unsupported("LIMIT BY after a set operation", hint));
    };
    let mut keys = std::mem::take(limit_by);
    let (per_key, skip) = match keys.pop() {
        // A second LIMIT followed; see `shape`.
        Some(Expr::Function(mark)) if mark.name.to_string() == shape::LIMIT_BY => {
            let mut numbers = arguments(mark.args).into_iter();
            (numbers.next(), numbers.next())
        }
        last => {
            keys.extend(last);
            let skip = offset.take().map(|Offset { value, .. }| value);
            (limit.take(), skip)
        }
    };
    let Some(per_key) = per_key else {
        return Err(ParseError::unsupported("LIMIT BY without a number", ""));
    };
    let order_by = match query.order_by.as_ref().map(|order_by| &order_by.kind) {
        Some(OrderByKind::Expressions(exprs)) => exprs.clone(),
        _ => vec![],
    };
    if limit.is_none() && offset.is_none() {
        query.limit_clause = None;
    }
    qualify(select, keys, order_by, per_key, skip);
    Ok(())
}

fn arguments(arguments: FunctionArguments) -> Vec<Expr> {
    let FunctionArguments::List(list) = arguments else { return vec![] };
    let exprs = list.args.into_iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    exprs.collect()
}

fn qualify(
    select: &mut Select,
    mut keys: Vec<Expr>,
    mut order_by: Vec<OrderByExpr>,
    per_key: Expr,
    skip: Option<Expr>,
) {
    // The window sees columns, not the names of the result.
    for key in &mut keys {
        projection::resolve_name(key, &select.projection);
    }
    for order in &mut order_by {
        projection::resolve_name(&mut order.expr, &select.projection);
    }
    let mut row_number = calls::function("row_number", vec![]);
    if let Expr::Function(function) = &mut row_number {
        function.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by: keys,
            order_by,
            window_frame: None,
        }));
    }
    let compare = |op, limit| Expr::BinaryOp {
        left: Box::new(row_number.clone()),
        op,
        right: Box::new(limit),
    };
    let condition = match skip {
        Some(skip) => {
            let last = Expr::BinaryOp {
                left: Box::new(per_key),
                op: BinaryOperator::Plus,
                right: Box::new(skip.clone()),
            };
            Expr::BinaryOp {
                left: Box::new(compare(BinaryOperator::Gt, skip)),
                op: BinaryOperator::And,
                right: Box::new(compare(BinaryOperator::LtEq, last)),
            }
        }
        None => compare(BinaryOperator::LtEq, per_key),
    };
    select.qualify = Some(match select.qualify.take() {
        Some(own) => Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(own))),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(condition))),
        },
        None => condition,
    });
}
