//! Conditions that grow narrower while a query runs: the worst of the best rows so far of an
//! `ORDER BY ... LIMIT`, the keys that the other side of a join has. DataFusion keeps them; a scan
//! asks before each piece of work what they have come to, and leaves out what cannot matter any
//! more. Not here: conditions that a query states ([`crate::lower`]).

use std::sync::Arc;

use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, DynamicFilterPhysicalExpr, InListExpr, IsNotNullExpr, IsNullExpr, Literal,
};
use dodb_engine::TableDef;
use dodb_part::{ColumnType, CompareOp, Predicate, Scalar};

use crate::floats::{self, seen_through_physical};
use crate::lower::{Operand, scalar};

/// A longer list is not looked at.
const VALUES_MAX: usize = 1_024;

/// Is it one of those?
pub(crate) fn is_narrowing(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.is::<DynamicFilterPhysicalExpr>()
}

/// What the conditions have come to by now: a predicate that is true of every row that can still
/// matter, and perhaps of others. `columns` are the ids of the columns that they count by.
pub(crate) fn narrowed(
    def: &TableDef,
    columns: &[u32],
    conditions: &[Arc<dyn PhysicalExpr>],
) -> Predicate {
    let weakening = Weakening { def, columns };
    let known = conditions.iter().filter_map(|expr| weakening.of(expr));
    known.fold(Predicate::True, Predicate::and)
}

struct Weakening<'a> {
    def: &'a TableDef,
    columns: &'a [u32],
}

impl Weakening<'_> {
    /// `None`: nothing can be said.
    fn of(&self, expr: &Arc<dyn PhysicalExpr>) -> Option<Predicate> {
        if let Some(dynamic) = expr.downcast_ref::<DynamicFilterPhysicalExpr>() {
            return self.of(&dynamic.current().ok()?);
        }
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            return self.of_binary(binary);
        }
        if let Some(is_null) = expr.downcast_ref::<IsNullExpr>() {
            return Some(Predicate::IsNull { column: self.operand(is_null.arg())?.column });
        }
        if let Some(is_not_null) = expr.downcast_ref::<IsNotNullExpr>() {
            return Some(Predicate::IsNotNull { column: self.operand(is_not_null.arg())?.column });
        }
        let list = expr.downcast_ref::<InListExpr>()?;
        if list.negated() || list.list().len() > VALUES_MAX {
            return None;
        }
        let operand = self.operand(list.expr())?;
        let values = list.list().iter().map(|value| literal(&operand.ty, value));
        operand.is_in(values.collect::<Option<_>>()?)
    }

    fn of_binary(&self, binary: &BinaryExpr) -> Option<Predicate> {
        let (left, right) = (binary.left(), binary.right());
        let op = match binary.op() {
            // One side alone says less than both: that is allowed.
            Operator::And => {
                let terms = [self.of(left), self.of(right)].into_iter().flatten();
                return terms.reduce(Predicate::and);
            }
            Operator::Or => return Some(Predicate::Or(vec![self.of(left)?, self.of(right)?])),
            Operator::Eq => CompareOp::Eq,
            Operator::Lt => CompareOp::Lt,
            Operator::LtEq => CompareOp::LtEq,
            Operator::Gt => CompareOp::Gt,
            Operator::GtEq => CompareOp::GtEq,
            _ => return None,
        };
        let operand = self.operand(left)?;
        match (operand.form, literal(&operand.ty, right)?) {
            (None, Scalar::Float(value)) => floats::weakened(operand.column, op, value),
            (_, value) => operand.compared(op, value),
        }
    }

    fn operand(&self, expr: &Arc<dyn PhysicalExpr>) -> Option<Operand> {
        let (form, inner) = seen_through_physical(expr);
        let place = inner.downcast_ref::<Column>()?;
        let column = *self.columns.get(place.index())?;
        Some(Operand { column, ty: self.def.schema.by_id(column)?.ty.clone(), form })
    }
}

fn literal(ty: &ColumnType, expr: &Arc<dyn PhysicalExpr>) -> Option<Scalar> {
    scalar(ty, expr.downcast_ref::<Literal>()?.value())
}
