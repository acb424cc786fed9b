//! Conditions on the rows of a part, and which rows meet them. Not for deciding from statistics:
//! that is `prune.rs`. Not a query language: the planner translates into this.

mod compare;
mod display;
mod floats;
#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests;

pub use display::PredicateDisplay;

use arrow_arith::boolean::{and_kleene, is_not_null, is_null, not, or_kleene};
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;

use crate::error::{Error, Result};
use crate::value::Scalar;

/// How a column is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

impl CompareOp {
    /// Whether `a op b` holds when `a.cmp(b)` is `order`; of values that have no order, as those
    /// beside a NaN, only `<>` does.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Eq => order.is_eq(),
            CompareOp::NotEq => order.is_ne(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::LtEq => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::GtEq => order.is_ge(),
        }
    }
}

/// A condition on a row, with SQL's three values: a comparison with null is null, and only rows
/// for which the whole is true are kept. Columns are named by their id.
///
/// Values must be of the column's kind: integers (of any width and sign) for integers, dates and
/// timestamps; floats for floats; decimals at the column's scale; strings for text, JSON and
/// UUIDs. The planner casts; anything else is an error. Floats compare as in SQL and IEEE 754:
/// `-0.0 = 0.0`, and of a NaN nothing is true but `<>`. Only in the list of an `IN` a NaN is found,
/// as ClickHouse finds it: there two NaNs are the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Every row.
    True,
    /// `column op value`
    Compare {
        /// The id of the column.
        column: u32,
        /// The comparison; the column is on its left.
        op: CompareOp,
        /// The value on its right.
        value: Scalar,
    },
    /// `column IN (values)`; false, even for null, when there are none.
    In {
        /// The id of the column.
        column: u32,
        /// The values, in any order.
        values: Vec<Scalar>,
    },
    /// `column IS NULL`
    IsNull {
        /// The id of the column.
        column: u32,
    },
    /// `column IS NOT NULL`
    IsNotNull {
        /// The id of the column.
        column: u32,
    },
    /// `column LIKE 'prefix%'`, the prefix taken literally.
    StartsWith {
        /// The id of a text column.
        column: u32,
        /// What the text starts with.
        prefix: String,
    },
    /// All of these; true when there are none.
    And(Vec<Predicate>),
    /// Any of these; false when there are none.
    Or(Vec<Predicate>),
    /// The opposite; null stays null.
    Not(Box<Predicate>),
}

impl Predicate {
    /// Both: without nested `And`s, and without `True`.
    pub fn and(a: Predicate, b: Predicate) -> Predicate {
        let mut terms = Vec::new();
        for side in [a, b] {
            match side {
                Predicate::True => {}
                Predicate::And(inner) => terms.extend(inner),
                other => terms.push(other),
            }
        }
        match (terms.pop(), terms.is_empty()) {
            (None, _) => Predicate::True,
            (Some(only), true) => only,
            (Some(last), false) => {
                terms.push(last);
                Predicate::And(terms)
            }
        }
    }

    /// The ids of the columns it mentions, ascending, each once.
    pub fn columns(&self) -> Vec<u32> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn collect_columns(&self, columns: &mut Vec<u32>) {
        match self {
            Predicate::True => {}
            Predicate::Compare { column, .. }
            | Predicate::In { column, .. }
            | Predicate::IsNull { column }
            | Predicate::IsNotNull { column }
            | Predicate::StartsWith { column, .. } => columns.push(*column),
            Predicate::And(terms) | Predicate::Or(terms) => {
                terms.iter().for_each(|term| term.collect_columns(columns));
            }
            Predicate::Not(term) => term.collect_columns(columns),
        }
    }

    /// Prints as SQL, for `EXPLAIN`. `name` gives the name of a column; without one it is
    /// printed as `#id`.
    pub fn display<'a>(&'a self, name: &'a dyn Fn(u32) -> Option<String>) -> PredicateDisplay<'a> {
        PredicateDisplay::new(self, name)
    }

    /// Which of `rows` rows meet it: true, false or null for each.
    ///
    /// `column` gives the array of a column, `rows` long. It is asked only for what is needed:
    /// an `And` stops at the first term that no row meets.
    pub fn evaluate(
        &self,
        rows: usize,
        column: &dyn Fn(u32) -> Option<ArrayRef>,
    ) -> Result<BooleanArray> {
        let array = |id: u32| fetch(id, rows, column);
        match self {
            Predicate::True => Ok(constant(true, rows)),
            Predicate::Compare { column, op, value } => {
                compare::compare(*column, array(*column)?.as_ref(), *op, value)
            }
            Predicate::In { column, values } => {
                compare::is_in(*column, array(*column)?.as_ref(), values)
            }
            Predicate::IsNull { column } => Ok(is_null(array(*column)?.as_ref())?),
            Predicate::IsNotNull { column } => Ok(is_not_null(array(*column)?.as_ref())?),
            Predicate::StartsWith { column, prefix } => {
                compare::starts_with(*column, array(*column)?.as_ref(), prefix)
            }
            Predicate::And(terms) => {
                let mut all = constant(true, rows);
                for term in terms {
                    all = and_kleene(&all, &term.evaluate(rows, column)?)?;
                    if all.null_count() == 0 && all.true_count() == 0 {
                        break;
                    }
                }
                Ok(all)
            }
            Predicate::Or(terms) => {
                let mut any = constant(false, rows);
                for term in terms {
                    any = or_kleene(&any, &term.evaluate(rows, column)?)?;
                    if any.true_count() == rows {
                        break;
                    }
                }
                Ok(any)
            }
            Predicate::Not(term) => Ok(not(&term.evaluate(rows, column)?)?),
        }
    }
}

fn fetch(id: u32, rows: usize, column: &dyn Fn(u32) -> Option<ArrayRef>) -> Result<ArrayRef> {
    let array = column(id).ok_or_else(|| {
        Error::bad_value(format!("column {id}"), "the predicate needs it and it was not given")
    })?;
    if array.len() != rows {
        return Err(Error::bad_value(
            format!("column {id}"),
            format!("it has {} rows, expected {rows}", array.len()),
        ));
    }
    Ok(array)
}

fn constant(value: bool, rows: usize) -> BooleanArray {
    let values = if value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
    BooleanArray::new(values, None)
}
