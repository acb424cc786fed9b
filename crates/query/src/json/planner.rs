//! Plans JSON paths, and operators beside them, while names and types are at hand.

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, TableReference, plan_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::expr::{BinaryExpr, Cast};
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, Operator, TryCast};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::extract::as_type;
use super::kind::{hinted_type, path_type, time_type};
use super::path::JsonPath;
use super::read::Step;
use super::subcolumn::path_type as subcolumn_type;
use super::udf::{elements, get};
use super::{is_dynamic, is_json};
use dodb_part::json::PathType;

use crate::dialect::ELEMENTS;
use crate::functions::{AS_NUMBER, as_number, as_time, intdiv};

/// From here on a Float64 may stand for several integers.
const FLOAT_INEXACT_MIN: u64 = 1 << 53;

/// Paths of JSON columns, their operators, and ClickHouse's division.
///
/// - `data.a.b`, `data['a']`, `data.a[1]`, `data->'a'`, `data->>'a'` become `json_get(data, ...)`.
/// - Beside a number, or in arithmetic, a path is a Float64 (NULL when it is no number); beside a
///   Bool, a Date or a time it is cast to that. `=` with a whole number from 2^53 on compares
///   integers. Two paths compare as numbers when both are, else as text.
/// - `a / b` of integers is a Float64.
#[derive(Debug, Default, Clone, Copy)]
pub struct JsonPlanner;

impl ExprPlanner for JsonPlanner {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        match op {
            BinaryOperator::Arrow | BinaryOperator::LongArrow => {
                Ok(PlannerResult::Planned(arrow(left, &right, schema)?))
            }
            BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide => {
                Ok(PlannerResult::Planned(intdiv().call(vec![left, right])))
            }
            _ => match operator(&op) {
                Some(operator) => Ok(match binary(operator, left, right, schema)? {
                    Planned::Done(expr) => PlannerResult::Planned(expr),
                    Planned::Unchanged(left, right) => {
                        PlannerResult::Original(RawBinaryExpr { op, left, right })
                    }
                }),
                None => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
            },
        }
    }

    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let field = field_of(&expr.expr, schema)?;
        if !is_json(&field) && !is_dynamic(&field) {
            return Ok(PlannerResult::Original(expr));
        }
        let step = match &expr.field_access {
            GetFieldAccess::NamedStructField { name } => {
                name.try_as_str().flatten().map(|key| Step::Key(key.to_owned()))
            }
            GetFieldAccess::ListIndex { key } => index(key).map(Step::Index),
            GetFieldAccess::ListRange { .. } => None,
        };
        match step {
            Some(step) => Ok(PlannerResult::Planned(value_at(expr.expr, [step], schema)?)),
            None => plan_err!("an element of JSON wants a constant key or position"),
        }
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        if !is_json(field) && !is_dynamic(field) {
            return Ok(PlannerResult::Original(vec![]));
        }
        let column = Expr::Column(Column::from((qualifier, field)));
        if is_json(field)
            && let Some(at) = nested_names.iter().position(|name| name == ELEMENTS)
        {
            let (outer, inner) = nested_names.split_at(at);
            let array = JsonPath::call(column, outer.to_vec(), PathType::Json);
            return Ok(PlannerResult::Planned(elements(array, inner)));
        }
        if is_json(field) {
            return Ok(PlannerResult::Planned(path_of(column, field, nested_names.to_vec())));
        }
        let steps = nested_names.iter().map(|name| Step::Key(name.clone()));
        Ok(PlannerResult::Planned(get(column, steps)))
    }
}

/// A path of a document, of the type that a hint gives it, or that fits all its values.
fn path_of(document: Expr, field: &Field, keys: Vec<String>) -> Expr {
    let own = path_type(field, &keys);
    let Some(ty) = hinted_type(field, &keys) else { return JsonPath::call(document, keys, own) };
    let hinted = match subcolumn_type(&ty) {
        // Whole numbers are floats too, where that is the type.
        Some(PathType::Float) => Some(PathType::Float64),
        other => other,
    };
    let as_stored = hinted.filter(|hinted| match (time_type(field, &keys), hinted) {
        (Some(PathType::Time(unit)), PathType::Time(hinted)) => unit <= *hinted,
        (Some(time), PathType::Date | PathType::Time(_)) => time == *hinted,
        (_, PathType::Float64) => matches!(own, PathType::Int64 | PathType::Float64),
        _ => own == *hinted,
    });
    match as_stored {
        Some(ty) => JsonPath::call(document, keys, ty),
        None => as_type(JsonPath::call(document, keys, PathType::Json), &ty),
    }
}

/// The value at steps of a document, or of a value within one. As long as they are keys it is a
/// path; what is behind a position is read from the JSON text before it.
fn value_at(json: Expr, steps: impl IntoIterator<Item = Step>, schema: &DFSchema) -> Result<Expr> {
    let mut value = json;
    for step in steps {
        value = match (JsonPath::of(&value), step) {
            (Some((path, document)), Step::Key(key)) => {
                let mut keys = path.keys.clone();
                keys.push(key);
                path_of(document.clone(), field_of(document, schema)?.as_ref(), keys)
            }
            (Some((path, document)), position) => {
                let array = JsonPath::call(document.clone(), path.keys.clone(), PathType::Json);
                get(array, [position])
            }
            (None, Step::Key(key)) if is_json(field_of(&value, schema)?.as_ref()) => {
                let field = field_of(&value, schema)?;
                path_of(value, field.as_ref(), vec![key])
            }
            (None, step) => get(value, [step]),
        };
    }
    Ok(value)
}

/// `json -> step`. Positions count from 0, as in PostgreSQL.
fn arrow(left: Expr, right: &Expr, schema: &DFSchema) -> Result<Expr> {
    let field = field_of(&left, schema)?;
    let text =
        matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if !text && JsonPath::of(&left).is_none() {
        return plan_err!("-> and ->> read JSON text; functions with lambdas are not supported");
    }
    let step = match right {
        Expr::Literal(value, _) => match value.try_as_str() {
            Some(key) => key.map(|key| Step::Key(key.to_owned())),
            None => index(right).map(|at| Step::Index(if at < 0 { at } else { at + 1 })),
        },
        _ => None,
    };
    match step {
        Some(step) => value_at(left, [step], schema),
        None => plan_err!("-> and ->> want a constant key or position on their right"),
    }
}

fn index(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(index), _) => index.filter(|at| *at != i64::MAX),
        Expr::Negative(inner) => index(inner)?.checked_neg(),
        _ => None,
    }
}

pub(super) fn field_of(expr: &Expr, schema: &DFSchema) -> Result<FieldRef> {
    Ok(expr.to_field(schema)?.1)
}

fn operator(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Modulo,
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
        _ => return None,
    })
}

enum Planned {
    Done(Expr),
    Unchanged(Expr, Expr),
}

fn binary(op: Operator, left: Expr, right: Expr, schema: &DFSchema) -> Result<Planned> {
    let (left_field, right_field) = match (field_of(&left, schema), field_of(&right, schema)) {
        (Ok(left_field), Ok(right_field)) => (left_field, right_field),
        // An unknown column: the planner says so better.
        _ => return Ok(Planned::Unchanged(left, right)),
    };
    let is_path = |expr: &Expr, field: &FieldRef, other: &FieldRef| {
        is_dynamic(field)
            || is_text_path(expr) && (op.is_numerical_operators() || !is_text(other.data_type()))
    };
    let left_path = is_path(&left, &left_field, &right_field);
    let right_path = is_path(&right, &right_field, &left_field);
    let done = |left, right| Planned::Done(joined(left, op, right));
    let whole = |field: &FieldRef| field.data_type().is_integer();
    if op == Operator::Divide && whole(&left_field) && whole(&right_field) {
        return Ok(done(float(left), float(right)));
    }
    Ok(match (left_path, right_path) {
        (false, false) => Planned::Unchanged(left, right),
        (true, true) if op.is_numerical_operators() => {
            done(as_number().call(vec![left]), as_number().call(vec![right]))
        }
        (true, true) if matches!(op, Operator::And | Operator::Or) => {
            done(try_cast(left, DataType::Boolean), try_cast(right, DataType::Boolean))
        }
        (true, true) if !matches!(op, Operator::Eq | Operator::NotEq) => {
            let numbers = joined(
                as_number().call(vec![left.clone()]),
                op,
                as_number().call(vec![right.clone()]),
            );
            Planned::Done(coalesce(vec![numbers, joined(left, op, right)]))
        }
        (true, true) => Planned::Unchanged(left, right),
        (true, false) => {
            let left = beside(left, op, &right, right_field.data_type(), schema);
            done(left, right)
        }
        (false, true) => {
            let right = beside(right, op, &left, left_field.data_type(), schema);
            done(left, right)
        }
    })
}

fn joined(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn float(expr: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), DataType::Float64))
}

fn try_cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::TryCast(TryCast::new(Box::new(expr), data_type))
}

/// Whether an expression is a path whose values are all text: beside anything else it is what the
/// other wants, as a path of values of several types is.
pub(super) fn is_text_path(expr: &Expr) -> bool {
    JsonPath::of(expr).is_some_and(|(path, _)| path.ty == PathType::String)
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

/// A path as the dates or times that all its texts stand for, read without parsing them.
pub(super) fn as_times(path: &Expr, schema: &DFSchema) -> Option<Expr> {
    let (path, document) = JsonPath::of(path).filter(|_| is_text_path(path))?;
    let ty = time_type(field_of(document, schema).ok()?.as_ref(), &path.keys)?;
    Some(JsonPath::call(document.clone(), path.keys.clone(), ty))
}

/// The value of a path as what `other` wants beside it.
pub(super) fn beside(
    path: Expr,
    op: Operator,
    other: &Expr,
    other_type: &DataType,
    schema: &DFSchema,
) -> Expr {
    if matches!(op, Operator::And | Operator::Or) {
        return try_cast(path, DataType::Boolean);
    }
    let is_temporal = matches!(
        other_type,
        DataType::Interval(_) | DataType::Duration(_) | DataType::Date32 | DataType::Timestamp(..)
    );
    if is_temporal && let Some(times) = as_times(&path, schema) {
        return times;
    }
    match other_type {
        DataType::Interval(_) | DataType::Duration(_) => as_time().call(vec![path]),
        DataType::Boolean if !op.is_numerical_operators() => try_cast(path, DataType::Boolean),
        DataType::Date32 => try_cast(path, DataType::Date32),
        DataType::Timestamp(TimeUnit::Second, zone) => {
            try_cast(path, DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))
        }
        DataType::Timestamp(..) => try_cast(path, other_type.clone()),
        number if number.is_integer() && is_beyond_float(other) && !op.is_numerical_operators() => {
            try_cast(path, number.clone())
        }
        number if number.is_numeric() => as_number().call(vec![path]),
        _ if op.is_numerical_operators() => as_number().call(vec![path]),
        _ => path,
    }
}

/// Whether a literal is a whole number that Float64 may not hold.
fn is_beyond_float(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => {
            value.unsigned_abs() >= FLOAT_INEXACT_MIN
        }
        Expr::Literal(ScalarValue::UInt64(Some(value)), _) => *value >= FLOAT_INEXACT_MIN,
        Expr::Negative(inner) => is_beyond_float(inner),
        _ => false,
    }
}

/// Whether an expression is a number already made of a path.
pub(super) fn is_number_of_path(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(function) if function.name() == AS_NUMBER)
}
