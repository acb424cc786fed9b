//! Deciding from statistics and filters that no row can meet a predicate. Not for finding the
//! rows: `Predicate::evaluate` does that.
//!
//! For each condition two questions are asked: can it be true for some row, and can it be false
//! for some row? Null is neither. `NOT` swaps the answers, `AND` and `OR` combine them. Every
//! doubt is answered "it can": a granule too many costs time, one too few costs an answer.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::bloom::Sbbf;
use crate::predicate::{CompareOp, Predicate};
use crate::stats::ColumnStats;
use crate::value::{Scalar, hash_scalar};

/// Whether rows can be left unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// No row meets the predicate.
    CannotMatch,
    /// Some row may meet it: read and look.
    MightMatch,
}

/// What is known of one column; all of it may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// The statistics of exactly the rows in question, or of more.
    pub stats: Option<&'a ColumnStats>,
    /// A filter that holds every value of these rows (or more).
    pub bloom: Option<&'a Sbbf>,
}

/// Whether any row can meet the predicate, as far as the evidence tells.
///
/// May keep too much, never too little. The values of the predicate must be of the kind their
/// column is compared with (see [`Predicate`]).
pub fn prune<'a>(predicate: &Predicate, evidence: &dyn Fn(u32) -> Evidence<'a>) -> Answer {
    if possible(predicate, evidence).yes { Answer::MightMatch } else { Answer::CannotMatch }
}

/// Whether a condition can be true, and can be false, for some row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Possible {
    yes: bool,
    no: bool,
}

impl Possible {
    const ANY: Possible = Possible { yes: true, no: true };
    const NEITHER: Possible = Possible { yes: false, no: false };

    fn or(self, other: Possible) -> Possible {
        Possible { yes: self.yes || other.yes, no: self.no || other.no }
    }
}

fn possible<'a>(predicate: &Predicate, evidence: &dyn Fn(u32) -> Evidence<'a>) -> Possible {
    match predicate {
        Predicate::True => Possible { yes: true, no: false },
        Predicate::Compare { column, op, value } => compare(evidence(*column), *op, value),
        Predicate::In { column, values } => is_in(evidence(*column), values),
        Predicate::IsNull { column } => is_null(evidence(*column)),
        Predicate::IsNotNull { column } => opposite(is_null(evidence(*column))),
        Predicate::StartsWith { column, prefix } => starts_with(evidence(*column), prefix),
        Predicate::And(terms) => {
            let terms = || terms.iter().map(|term| possible(term, evidence));
            Possible { yes: terms().all(|term| term.yes), no: terms().any(|term| term.no) }
        }
        Predicate::Or(terms) => {
            let terms = || terms.iter().map(|term| possible(term, evidence));
            Possible { yes: terms().any(|term| term.yes), no: terms().all(|term| term.no) }
        }
        Predicate::Not(term) => opposite(possible(term, evidence)),
    }
}

fn opposite(of: Possible) -> Possible {
    Possible { yes: of.no, no: of.yes }
}

fn is_null(evidence: Evidence<'_>) -> Possible {
    match evidence.stats {
        Some(stats) => Possible { yes: stats.nulls > 0, no: stats.non_nulls() > 0 },
        None => Possible::ANY,
    }
}

fn compare(evidence: Evidence<'_>, op: CompareOp, value: &Scalar) -> Possible {
    let from_stats = match evidence.stats {
        None => Possible::ANY,
        Some(stats) if stats.non_nulls() == 0 => Possible::NEITHER,
        Some(_) if is_nan(value) => of_nan(op),
        Some(ColumnStats { values: Some(values), .. }) => values
            .iter()
            .map(|(ours, _)| test(ours, op, value))
            .fold(Possible::NEITHER, Possible::or),
        Some(stats) => compare_bounds(stats, op, value),
    };
    let absent = matches!(op, CompareOp::Eq | CompareOp::NotEq)
        && evidence.bloom.is_some_and(|bloom| !bloom.might_contain(hash_scalar(value)));
    match op {
        CompareOp::Eq if absent => Possible { yes: false, ..from_stats },
        CompareOp::NotEq if absent => Possible { no: false, ..from_stats },
        _ => from_stats,
    }
}

/// One value of the column against the predicate's.
fn test(ours: &Scalar, op: CompareOp, value: &Scalar) -> Possible {
    if is_nan(value) {
        return of_nan(op);
    }
    match order(ours, value) {
        Some(order) => Possible { yes: op.holds(order), no: !op.holds(order) },
        None => Possible::ANY,
    }
}

/// `None` when nothing can be said: different kinds, or a NaN.
fn order(a: &Scalar, b: &Scalar) -> Option<Ordering> {
    match (a, b) {
        (Scalar::Float(a), Scalar::Float(b)) => a.partial_cmp(b),
        _ => a.compare(b),
    }
}

fn is_nan(value: &Scalar) -> bool {
    matches!(value, Scalar::Float(value) if value.is_nan())
}

/// Any value but null beside a NaN, on either side.
fn of_nan(op: CompareOp) -> Possible {
    let holds = op == CompareOp::NotEq;
    Possible { yes: holds, no: !holds }
}

/// From the bounds alone: there are non-null values, and no list of them.
fn compare_bounds(stats: &ColumnStats, op: CompareOp, value: &Scalar) -> Possible {
    // An unknown order to a bound is as good as no bound there.
    let to_min = stats.min.as_ref().and_then(|min| order(min, value));
    let to_max = stats.max.as_ref().and_then(|max| order(max, value));
    let some_less = to_min.is_none_or(Ordering::is_lt);
    let some_greater = to_max.is_none_or(Ordering::is_gt);
    let some_equal = to_min.is_none_or(Ordering::is_le) && to_max.is_none_or(Ordering::is_ge);
    let possible = match op {
        CompareOp::Eq => Possible { yes: some_equal, no: some_less || some_greater },
        CompareOp::NotEq => Possible { yes: some_less || some_greater, no: some_equal },
        CompareOp::Lt => Possible { yes: some_less, no: some_equal || some_greater },
        CompareOp::LtEq => Possible { yes: some_less || some_equal, no: some_greater },
        CompareOp::Gt => Possible { yes: some_greater, no: some_less || some_equal },
        CompareOp::GtEq => Possible { yes: some_greater || some_equal, no: some_less },
    };
    if stats.exact || !matches!(value, Scalar::Float(_)) {
        return possible;
    }
    // There may be NaNs outside the bounds.
    possible.or(of_nan(op))
}

fn is_in(evidence: Evidence<'_>, values: &[Scalar]) -> Possible {
    if values.is_empty() {
        return Possible { yes: false, no: true };
    }
    let each = |evidence: Evidence<'_>| {
        let mut all = Possible { yes: false, no: true };
        for value in values {
            let one = match is_nan(value) {
                true => has_nan(evidence),
                false => compare(evidence, CompareOp::Eq, value),
            };
            all = Possible { yes: all.yes || one.yes, no: all.no && one.no };
        }
        all
    };
    let Some(ColumnStats { values: Some(ours), .. }) = evidence.stats else {
        return each(evidence);
    };
    // With the values known, `no` is exact: is there one that equals none of the list?
    let no =
        ours.iter().any(|(ours, _)| values.iter().all(|value| test(ours, CompareOp::Eq, value).no));
    Possible { yes: each(evidence).yes, no }
}

/// Whether a NaN is among the values: a list finds it, though it equals none.
fn has_nan(evidence: Evidence<'_>) -> Possible {
    let from_stats = match evidence.stats {
        None => Possible::ANY,
        Some(stats) if stats.non_nulls() == 0 => Possible::NEITHER,
        Some(stats) => Possible { yes: !stats.exact && stats.values.is_none(), no: true },
    };
    let nan = hash_scalar(&Scalar::Float(f64::NAN));
    let absent = evidence.bloom.is_some_and(|bloom| !bloom.might_contain(nan));
    Possible { yes: from_stats.yes && !absent, ..from_stats }
}

fn starts_with(evidence: Evidence<'_>, prefix: &str) -> Possible {
    let Some(stats) = evidence.stats else { return Possible::ANY };
    if stats.non_nulls() == 0 {
        return Possible::NEITHER;
    }
    if let Some(values) = &stats.values {
        return values
            .iter()
            .map(|(value, _)| match value {
                Scalar::String(text) => {
                    let holds = text.starts_with(prefix);
                    Possible { yes: holds, no: !holds }
                }
                _ => Possible::ANY,
            })
            .fold(Possible::NEITHER, Possible::or);
    }
    let (min, max) = match (&stats.min, &stats.max) {
        (Some(Scalar::String(min)), Some(Scalar::String(max))) => (Some(min), Some(max)),
        (Some(Scalar::String(min)), None) => (Some(min), None),
        (None, Some(Scalar::String(max))) => (None, Some(max)),
        _ => return Possible::ANY,
    };
    // What starts with the prefix begins at the prefix itself and is contiguous.
    let from_below = |min: &String| min.as_str() <= prefix || min.starts_with(prefix);
    let within = |bound: Option<&String>| bound.is_some_and(|text| text.starts_with(prefix));
    Possible {
        yes: min.is_none_or(from_below) && max.is_none_or(|max| max.as_str() >= prefix),
        no: !(within(min) && within(max)),
    }
}
