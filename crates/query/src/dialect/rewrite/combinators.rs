//! Aggregate combinators: `sumIf(x, c)`, `uniqExactIf`, `sumDistinct`, `maxOrNull`. A name that the
//! table has as it stands is not touched.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

use super::calls::Call;
use super::names::SPELLINGS;
use super::template::{find, is_native_aggregate};
use crate::dialect::error::ParseError;

/// Takes combinators off the name and puts what they mean into the call.
pub(super) fn strip(call: &mut Call) -> Result<(), ParseError> {
    while find(call).is_none() && !is_aggregate(&call.name) {
        if let Some(base) = base(&call.name, "if") {
            let Some(condition) = call.args.pop() else {
                return Err(ParseError::call(&call.written, "the condition is missing"));
            };
            call.filter = Some(match call.filter.take() {
                Some(filter) => Expr::BinaryOp {
                    left: Box::new(Expr::Nested(Box::new(filter))),
                    op: BinaryOperator::And,
                    right: Box::new(Expr::Nested(Box::new(condition))),
                },
                None => condition,
            });
            call.name = base;
        } else if let Some(base) = base(&call.name, "distinct") {
            call.distinct = true;
            call.name = base;
        } else if let Some(base) = base(&call.name, "ornull") {
            call.name = base;
        } else {
            return Ok(());
        }
    }
    Ok(())
}

/// The name without the combinator, when an aggregate is left.
fn base(name: &str, combinator: &str) -> Option<String> {
    let base = name.strip_suffix(combinator)?;
    let inner = |base: &str| {
        ["if", "distinct", "ornull"]
            .iter()
            .any(|combinator| base.strip_suffix(combinator).is_some_and(is_aggregate))
    };
    (is_aggregate(base) || inner(base)).then(|| base.to_owned())
}

/// Whether a lower-case name is an aggregate, in either spelling.
pub(super) fn is_aggregate(name: &str) -> bool {
    let aggregates = SPELLINGS.first().map(|(_, spellings)| *spellings).unwrap_or_default();
    is_native_aggregate(name)
        || matches!(name, "quantiles" | "quantilestdigest" | "quantilesexact" | "median")
        || aggregates.iter().any(|spelling| {
            spelling.call.split('(').next().is_some_and(|call| call.eq_ignore_ascii_case(name))
        })
}
