//! Conditions of a query to conditions of the engine. What cannot be said exactly is left to
//! DataFusion. Not here: evaluating either.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, Like};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use dodb_engine::{PATH_ID_MIN, PathColumn, TableDef};
use dodb_part::{ColumnType, CompareOp, Predicate, Scalar, TimeUnit};

use crate::floats::{self, Nan, argument_of, seen_through};
use crate::json::JsonPath;

/// The same condition as a predicate over column ids, true for exactly the same rows; `None` when
/// it cannot be said. The paths of JSON columns that it names are added to `paths`.
pub(crate) fn lower(def: &TableDef, paths: &mut Vec<PathColumn>, expr: &Expr) -> Option<Predicate> {
    Lowering { def, paths }.predicate(expr)
}

/// Conditions that all have to be met, as one.
pub(crate) fn lower_all(
    def: &TableDef,
    paths: &mut Vec<PathColumn>,
    all: &[Expr],
) -> Option<Predicate> {
    let mut each = all.iter().map(|expr| lower(def, paths, expr));
    each.try_fold(Predicate::True, |before, one| Some(Predicate::and(before, one?)))
}

/// The id and the type of a column, or of a path of one, which is added to `paths`; of floats in
/// canonical form that of the floats.
pub(crate) fn lower_column(
    def: &TableDef,
    paths: &mut Vec<PathColumn>,
    expr: &Expr,
) -> Option<(u32, ColumnType)> {
    Lowering { def, paths }.column(argument_of(expr))
}

/// The id of a path of a JSON column among `paths`, where it is put if it is new.
pub(crate) fn path_id(
    def: &TableDef,
    paths: &mut Vec<PathColumn>,
    path: &JsonPath,
    column: &str,
) -> Option<u32> {
    let column = def.schema.by_name(column).filter(|column| column.ty == ColumnType::Json)?;
    let stored = path.stored();
    let is_it = |known: &&PathColumn| {
        known.column == column.id && known.path == stored && known.ty == path.ty
    };
    if let Some(known) = paths.iter().find(is_it) {
        return Some(known.id);
    }
    let id = PATH_ID_MIN.checked_add(u32::try_from(paths.len()).ok()?)?;
    let name = format!("{}.{}", column.name, path.keys.join("."));
    paths.push(PathColumn { id, name, column: column.id, path: stored, ty: path.ty });
    Some(id)
}

/// What expressions are lowered with.
struct Lowering<'a> {
    def: &'a TableDef,
    paths: &'a mut Vec<PathColumn>,
}

impl Lowering<'_> {
    fn predicate(&mut self, expr: &Expr) -> Option<Predicate> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Some(Predicate::And(vec![self.predicate(left)?, self.predicate(right)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(Predicate::Or(vec![self.predicate(left)?, self.predicate(right)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => self.comparison(left, *op, right),
            Expr::Not(inner) => Some(Predicate::Not(Box::new(self.predicate(inner)?))),
            Expr::IsNull(inner) => Some(Predicate::IsNull { column: self.operand(inner)?.column }),
            Expr::IsNotNull(inner) => {
                Some(Predicate::IsNotNull { column: self.operand(inner)?.column })
            }
            Expr::InList(InList { expr, list, negated }) => {
                let operand = self.operand(expr)?;
                let values = list.iter().map(|v| literal(&operand.ty, v));
                Some(negate(operand.is_in(values.collect::<Option<_>>()?)?, *negated))
            }
            // Of floats it was split before.
            Expr::Between(Between { expr, negated, low, high }) => {
                let (column, ty) = self.column(expr).filter(|(_, ty)| !is_float(ty))?;
                let (low, high) = (literal(&ty, low)?, literal(&ty, high)?);
                let from = Predicate::Compare { column, op: CompareOp::GtEq, value: low };
                let to = Predicate::Compare { column, op: CompareOp::LtEq, value: high };
                Some(negate(Predicate::And(vec![from, to]), *negated))
            }
            Expr::Like(like) => self.prefix(like),
            Expr::Literal(ScalarValue::Boolean(Some(true)), _) => Some(Predicate::True),
            // What `x = true` is simplified to.
            _ => match self.column(expr)? {
                (column, ColumnType::Bool) => {
                    let value = Scalar::Bool(true);
                    Some(Predicate::Compare { column, op: CompareOp::Eq, value })
                }
                _ => None,
            },
        }
    }

    /// A column or a path of one, and its type.
    fn column(&mut self, expr: &Expr) -> Option<(u32, ColumnType)> {
        if let Some((path, Expr::Column(column))) = JsonPath::of(expr) {
            let id = path_id(self.def, self.paths, path, &column.name)?;
            return Some((id, path.ty.column_type()));
        }
        let Expr::Column(column) = expr else { return None };
        let column = self.def.schema.by_name(&column.name)?;
        Some((column.id, column.ty.clone()))
    }

    /// The same of what may be a float in canonical form.
    fn operand(&mut self, expr: &Expr) -> Option<Operand> {
        let (form, inner) = seen_through(expr);
        let (column, ty) = self.column(inner)?;
        Some(Operand { column, ty, form })
    }

    fn comparison(&mut self, left: &Expr, op: Operator, right: &Expr) -> Option<Predicate> {
        let op = match op {
            Operator::Eq => CompareOp::Eq,
            Operator::NotEq => CompareOp::NotEq,
            Operator::Lt => CompareOp::Lt,
            Operator::LtEq => CompareOp::LtEq,
            Operator::Gt => CompareOp::Gt,
            Operator::GtEq => CompareOp::GtEq,
            _ => return None,
        };
        if let Some(operand) = self.operand(left) {
            return operand.compared(op, literal(&operand.ty, right)?);
        }
        let operand = self.operand(right)?;
        let op = match op {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::LtEq => CompareOp::GtEq,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::GtEq => CompareOp::LtEq,
            same => same,
        };
        operand.compared(op, literal(&operand.ty, left)?)
    }

    /// `LIKE 'abc%'` with no other wildcard; a backslash takes the meaning of what follows it.
    fn prefix(&mut self, like: &Like) -> Option<Predicate> {
        if like.case_insensitive || like.escape_char.is_some() {
            return None;
        }
        let (column, ty) = self.column(&like.expr)?;
        if !matches!(ty, ColumnType::String | ColumnType::Json | ColumnType::Uuid) {
            return None;
        }
        let Scalar::String(pattern) = literal(&ty, &like.pattern)? else { return None };
        let mut chars = pattern.chars();
        let mut prefix = String::with_capacity(pattern.len());
        let is_open = loop {
            match chars.next() {
                None => break false,
                Some('%') => break true,
                Some('_') => return None,
                Some('\\') => prefix.push(chars.next()?),
                Some(ch) => prefix.push(ch),
            }
        };
        let predicate = match (is_open, chars.next()) {
            (true, None) => Predicate::StartsWith { column, prefix },
            (true, Some(_)) => return None,
            (false, _) => {
                let value = Scalar::String(prefix);
                Predicate::Compare { column, op: CompareOp::Eq, value }
            }
        };
        Some(negate(predicate, like.negated))
    }
}

/// A column that a condition is about.
pub(crate) struct Operand {
    pub(crate) column: u32,
    pub(crate) ty: ColumnType,
    /// Of a float: the form that it is in.
    pub(crate) form: Option<Nan>,
}

impl Operand {
    /// The condition `column op value`.
    pub(crate) fn compared(&self, op: CompareOp, value: Scalar) -> Option<Predicate> {
        match value {
            Scalar::Float(value) => floats::condition(self.column, self.form, op, value),
            value => Some(Predicate::Compare { column: self.column, op, value }),
        }
    }

    /// The condition `column IN (values)`.
    pub(crate) fn is_in(&self, values: Vec<Scalar>) -> Option<Predicate> {
        match is_float(&self.ty) {
            true => floats::is_in(self.column, self.form, values),
            false => Some(Predicate::In { column: self.column, values }),
        }
    }
}

fn is_float(ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::Float32 | ColumnType::Float64)
}

fn negate(predicate: Predicate, negated: bool) -> Predicate {
    if negated { Predicate::Not(Box::new(predicate)) } else { predicate }
}

/// A literal as a value of a column of type `ty`; `None` for null and for types that the planner
/// has not made equal.
fn literal(ty: &ColumnType, expr: &Expr) -> Option<Scalar> {
    let Expr::Literal(value, _) = expr else { return None };
    scalar(ty, value)
}

/// A value of DataFusion as one of a column of type `ty`; `None` where it is none.
pub(crate) fn scalar(ty: &ColumnType, value: &ScalarValue) -> Option<Scalar> {
    use ColumnType as T;
    use ScalarValue as V;
    Some(match (ty, value) {
        (T::Bool, V::Boolean(Some(v))) => Scalar::Bool(*v),
        (T::Int8, V::Int8(Some(v))) => Scalar::Int(i64::from(*v)),
        (T::Int16, V::Int16(Some(v))) => Scalar::Int(i64::from(*v)),
        (T::Int32, V::Int32(Some(v))) => Scalar::Int(i64::from(*v)),
        (T::Int64, V::Int64(Some(v))) => Scalar::Int(*v),
        (T::UInt8, V::UInt8(Some(v))) => Scalar::UInt(u64::from(*v)),
        (T::UInt16, V::UInt16(Some(v))) => Scalar::UInt(u64::from(*v)),
        (T::UInt32, V::UInt32(Some(v))) => Scalar::UInt(u64::from(*v)),
        (T::UInt64, V::UInt64(Some(v))) => Scalar::UInt(*v),
        (T::Float32, V::Float32(Some(v))) => Scalar::Float(f64::from(*v)),
        (T::Float64, V::Float64(Some(v))) => Scalar::Float(*v),
        (T::Decimal { precision, scale }, V::Decimal128(Some(v), p, s))
            if precision == p && scale == s =>
        {
            Scalar::Decimal(*v)
        }
        (
            T::String | T::Json | T::Uuid,
            V::Utf8(Some(v)) | V::Utf8View(Some(v)) | V::LargeUtf8(Some(v)),
        ) => Scalar::String(v.clone()),
        (T::Bytes, V::Binary(Some(v)) | V::BinaryView(Some(v)) | V::LargeBinary(Some(v))) => {
            Scalar::Bytes(v.clone())
        }
        (T::Date, V::Date32(Some(v))) => Scalar::Int(i64::from(*v)),
        (T::Timestamp(TimeUnit::Second), V::TimestampSecond(Some(v), _))
        | (T::Timestamp(TimeUnit::Millisecond), V::TimestampMillisecond(Some(v), _))
        | (T::Timestamp(TimeUnit::Microsecond), V::TimestampMicrosecond(Some(v), _))
        | (T::Timestamp(TimeUnit::Nanosecond), V::TimestampNanosecond(Some(v), _)) => {
            Scalar::Int(*v)
        }
        _ => return None,
    })
}

/// The value, zero as the positive one.
pub(crate) fn without_sign_of_zero(value: &Scalar) -> Scalar {
    match value {
        Scalar::Float(value) => Scalar::Float(*value + 0.0),
        other => other.clone(),
    }
}

/// A value of a column of type `ty` as DataFusion writes it.
pub(crate) fn raise(ty: &ColumnType, value: &Scalar) -> Option<ScalarValue> {
    use ColumnType as T;
    use Scalar as S;
    use ScalarValue as V;
    let utc = || Some("UTC".into());
    let whole = match value {
        S::Int(v) => Some(i128::from(*v)),
        S::UInt(v) => Some(i128::from(*v)),
        _ => None,
    };
    Some(match (ty, value) {
        (T::Bool, S::Bool(v)) => V::Boolean(Some(*v)),
        (T::Int8, _) => V::Int8(Some(i8::try_from(whole?).ok()?)),
        (T::Int16, _) => V::Int16(Some(i16::try_from(whole?).ok()?)),
        (T::Int32, _) => V::Int32(Some(i32::try_from(whole?).ok()?)),
        (T::Int64, _) => V::Int64(Some(i64::try_from(whole?).ok()?)),
        (T::UInt8, _) => V::UInt8(Some(u8::try_from(whole?).ok()?)),
        (T::UInt16, _) => V::UInt16(Some(u16::try_from(whole?).ok()?)),
        (T::UInt32, _) => V::UInt32(Some(u32::try_from(whole?).ok()?)),
        (T::UInt64, _) => V::UInt64(Some(u64::try_from(whole?).ok()?)),
        (T::Float32, S::Float(v)) => V::Float32(Some(*v as f32)),
        (T::Float64, S::Float(v)) => V::Float64(Some(*v)),
        (T::Decimal { precision, scale }, S::Decimal(v)) => {
            V::Decimal128(Some(*v), *precision, *scale)
        }
        (T::String | T::Json | T::Uuid, S::String(v)) => V::Utf8View(Some(v.clone())),
        (T::Bytes, S::Bytes(v)) => V::BinaryView(Some(v.clone())),
        (T::Date, S::Int(v)) => V::Date32(Some(i32::try_from(*v).ok()?)),
        (T::Timestamp(TimeUnit::Second), S::Int(v)) => V::TimestampSecond(Some(*v), utc()),
        (T::Timestamp(TimeUnit::Millisecond), S::Int(v)) => {
            V::TimestampMillisecond(Some(*v), utc())
        }
        (T::Timestamp(TimeUnit::Microsecond), S::Int(v)) => {
            V::TimestampMicrosecond(Some(*v), utc())
        }
        (T::Timestamp(TimeUnit::Nanosecond), S::Int(v)) => V::TimestampNanosecond(Some(*v), utc()),
        _ => return None,
    })
}
