//! Predicates as SQL text, for `EXPLAIN`. Not meant to be parsed again.

use std::fmt;

use super::{CompareOp, Predicate};

/// See [`Predicate::display`].
pub struct PredicateDisplay<'a> {
    predicate: &'a Predicate,
    name: &'a dyn Fn(u32) -> Option<String>,
}

impl<'a> PredicateDisplay<'a> {
    pub(super) fn new(
        predicate: &'a Predicate,
        name: &'a dyn Fn(u32) -> Option<String>,
    ) -> PredicateDisplay<'a> {
        PredicateDisplay { predicate, name }
    }

    fn name_of(&self, column: u32) -> String {
        (self.name)(column).unwrap_or_else(|| format!("#{column}"))
    }

    fn list(&self, f: &mut fmt::Formatter<'_>, terms: &[Predicate], word: &str) -> fmt::Result {
        for (place, term) in terms.iter().enumerate() {
            if place > 0 {
                write!(f, " {word} ")?;
            }
            self.nested(f, term)?;
        }
        Ok(())
    }

    /// In parentheses if it is itself a list.
    fn nested(&self, f: &mut fmt::Formatter<'_>, term: &Predicate) -> fmt::Result {
        let inner = PredicateDisplay { predicate: term, name: self.name };
        match term {
            Predicate::And(terms) | Predicate::Or(terms) if !terms.is_empty() => {
                write!(f, "({inner})")
            }
            _ => write!(f, "{inner}"),
        }
    }
}

impl fmt::Display for PredicateDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.predicate {
            Predicate::True => f.write_str("true"),
            Predicate::Compare { column, op, value } => {
                write!(f, "{} {op} {value}", self.name_of(*column))
            }
            Predicate::In { column, values } => {
                write!(f, "{} IN (", self.name_of(*column))?;
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{value}")?;
                }
                f.write_str(")")
            }
            Predicate::IsNull { column } => write!(f, "{} IS NULL", self.name_of(*column)),
            Predicate::IsNotNull { column } => write!(f, "{} IS NOT NULL", self.name_of(*column)),
            Predicate::StartsWith { column, prefix } => {
                let prefix = prefix.replace('\'', "''");
                write!(f, "startsWith({}, '{prefix}')", self.name_of(*column))
            }
            Predicate::And(terms) if terms.is_empty() => f.write_str("true"),
            Predicate::Or(terms) if terms.is_empty() => f.write_str("false"),
            Predicate::And(terms) => self.list(f, terms, "AND"),
            Predicate::Or(terms) => self.list(f, terms, "OR"),
            Predicate::Not(term) => {
                f.write_str("NOT (")?;
                write!(f, "{}", PredicateDisplay { predicate: term, name: self.name })?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CompareOp::Eq => "=",
            CompareOp::NotEq => "<>",
            CompareOp::Lt => "<",
            CompareOp::LtEq => "<=",
            CompareOp::Gt => ">",
            CompareOp::GtEq => ">=",
        })
    }
}
