//! Walks a statement: first long chains of AND and OR become balanced trees, so that nothing later
//! recurses deep, then every query and every expression is rewritten, innermost first.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, Expr, Query, Statement, TableFactor, UnaryOperator,
    Value, VisitMut, VisitorMut,
};

use super::{calls, moment, query};
use crate::dialect::error::ParseError;
use crate::dialect::options::ParseOptions;
use crate::json::SUBCOLUMN;

/// Rewrites a whole statement.
pub(in crate::dialect) fn rewrite(
    statement: &mut Statement,
    options: &ParseOptions,
) -> Result<(), ParseError> {
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut Balance);
    match VisitMut::visit(statement, &mut Rewrite { options }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Balance;

impl VisitorMut for Balance {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } = expr {
            let op = op.clone();
            let terms = chain(std::mem::replace(expr, null()), &op);
            *expr = balanced(terms, &op);
        }
        ControlFlow::Continue(())
    }
}

fn null() -> Expr {
    Expr::value(Value::Null)
}

/// The terms of a chain that leans left, in order.
fn chain(mut expr: Expr, op: &BinaryOperator) -> Vec<Expr> {
    let mut terms = Vec::new();
    loop {
        match expr {
            Expr::BinaryOp { left, op: found, right } if found == *op => {
                terms.push(*right);
                expr = *left;
            }
            other => {
                terms.push(other);
                terms.reverse();
                return terms;
            }
        }
    }
}

/// A tree of logarithmic depth; short chains keep their shape.
fn balanced(mut terms: Vec<Expr>, op: &BinaryOperator) -> Expr {
    let join = |left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: Box::new(right),
    };
    if terms.len() <= 4 {
        return terms.into_iter().reduce(join).unwrap_or_else(null);
    }
    let right = terms.split_off(terms.len() / 2);
    join(balanced(terms, op), balanced(right, op))
}

struct Rewrite<'a> {
    options: &'a ParseOptions,
}

impl VisitorMut for Rewrite<'_> {
    type Break = ParseError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<ParseError> {
        flow(query::before(query))
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<ParseError> {
        flow(query::after(query))
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<ParseError> {
        if let TableFactor::Table { sample: Some(_), .. } = table {
            let hint = "read all rows, or filter by a hash of a key";
            return ControlFlow::Break(ParseError::unsupported("SAMPLE", hint));
        }
        flow(moment::into_name(table))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<ParseError> {
        flow(rewrite_expr(expr, self.options))
    }
}

fn flow(result: Result<(), ParseError>) -> ControlFlow<ParseError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// `data.a[1].b`: the planner takes names behind a position only as text.
fn keys_behind_positions(chain: Vec<AccessExpr>) -> Vec<AccessExpr> {
    let first = chain.iter().position(|access| matches!(access, AccessExpr::Subscript(_)));
    let position = first.unwrap_or(chain.len());
    let as_text = |(at, access)| match access {
        AccessExpr::Dot(Expr::Identifier(name)) if at > position => {
            AccessExpr::Dot(Expr::value(Value::SingleQuotedString(name.value)))
        }
        other => other,
    };
    chain.into_iter().enumerate().map(as_text).collect()
}

fn rewrite_expr(expr: &mut Expr, options: &ParseOptions) -> Result<(), ParseError> {
    let taken = std::mem::replace(expr, null());
    *expr = match taken {
        Expr::Function(function) => calls::rewrite(function, options)?,
        Expr::TypedString(typed) => calls::cast(Expr::Value(typed.value), typed.data_type),
        // Only `.:Type` is parsed to this.
        Expr::Cast { kind: CastKind::SafeCast, expr, data_type, .. } => {
            let name = Expr::value(Value::SingleQuotedString(data_type.to_string()));
            calls::function(SUBCOLUMN, vec![*expr, name])
        }
        Expr::RLike { negated, expr, pattern, .. } => {
            let matches = calls::function("match", vec![*expr, *pattern]);
            negate_if(negated, matches)
        }
        Expr::InList { list, negated, .. } if list.is_empty() => {
            Expr::value(Value::Boolean(negated))
        }
        // Of a text too, which has no sign.
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => *expr,
        // Tuples in IN hold anything; the planner's own tuples only names and literals.
        Expr::Tuple(values) => calls::function("struct", values),
        Expr::BinaryOp { left, op, right } => interval_arithmetic(*left, op, *right),
        Expr::CompoundFieldAccess { root, access_chain } => {
            Expr::CompoundFieldAccess { root, access_chain: keys_behind_positions(access_chain) }
        }
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => {
            let hint = "write {name:Type} and pass param_name";
            return Err(ParseError::unsupported(format!("the placeholder {value}"), hint));
        }
        other => other,
    };
    Ok(())
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if !negated {
        return expr;
    }
    let op = UnaryOperator::Not;
    Expr::UnaryOp { op, expr: Box::new(expr) }
}

/// `x + INTERVAL k DAY` with `k` not a literal is a call; DataFusion only knows literal intervals.
fn interval_arithmetic(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    let sign = match op {
        BinaryOperator::Plus => 1,
        BinaryOperator::Minus => -1,
        _ => return Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) },
    };
    match right {
        Expr::Interval(interval) if !is_literal(&interval.value) => {
            let Some(unit) = interval.leading_field.as_ref() else {
                let right = Box::new(Expr::Interval(interval));
                return Expr::BinaryOp { left: Box::new(left), op, right };
            };
            let unit = calls::string(&unit.to_string().to_ascii_lowercase());
            let count = if sign > 0 {
                *interval.value
            } else {
                let op = UnaryOperator::Minus;
                Expr::UnaryOp { op, expr: Box::new(Expr::Nested(interval.value)) }
            };
            calls::function("dateadd", vec![unit, count, left])
        }
        right => Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) },
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::UnaryOp { expr, .. } => is_literal(expr),
        _ => false,
    }
}
