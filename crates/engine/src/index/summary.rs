//! What the values of one path are in one file: bounds, and counts where there are few values. Made
//! from documents, in the terms in which the path is read. Not here: where it is kept
//! ([`super::stats`]).

use std::cmp::Ordering;

use dodb_part::json::{PathType, unquoted};
use dodb_part::{ColumnStats, Scalar};
use hashbrown::HashMap;

/// Distinct values that are counted one by one.
const VALUES_MAX: usize = 64;
/// A longer one is not.
const VALUE_BYTES_MAX: usize = 64;
/// Bounds of texts are cut to so many bytes.
const BOUND_BYTES_MAX: usize = 32;

/// The values of one path so far.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    min: Option<Scalar>,
    max: Option<Scalar>,
    /// Values that are neither null nor of another kind than the first.
    count: u64,
    /// By the text in the document.
    values: Option<HashMap<String, u64>>,
    is_mixed: bool,
}

impl Default for Summary {
    fn default() -> Summary {
        Summary { min: None, max: None, count: 0, values: Some(HashMap::new()), is_mixed: false }
    }
}

impl Summary {
    /// Adds a value as it is written in a document.
    pub(crate) fn push(&mut self, raw: &str) {
        if self.is_mixed || raw == "null" {
            return;
        }
        let known = self.values.as_mut().and_then(|values| values.get_mut(raw));
        if let Some(count) = known {
            *count += 1;
            self.count += 1;
            return;
        }
        let Some(value) = value_of(raw) else {
            self.is_mixed = true;
            return;
        };
        self.count += 1;
        self.widen(&value);
        if let Some(values) = &mut self.values {
            if values.len() >= VALUES_MAX || raw.len() > VALUE_BYTES_MAX {
                self.values = None;
            } else {
                values.insert(raw.to_owned(), 1);
            }
        }
    }

    /// Are there too many values to count them one by one?
    pub(crate) fn has_many(&self) -> bool {
        self.values.is_none()
    }

    fn widen(&mut self, value: &Scalar) {
        let (min, max) = match (self.min.take(), self.max.take()) {
            (Some(min), Some(max)) => (min, max),
            _ => (value.clone(), value.clone()),
        };
        match (bound_order(value, &min), bound_order(value, &max)) {
            (Some(to_min), Some(to_max)) => {
                self.min = Some(if to_min.is_lt() { value.clone() } else { min });
                self.max = Some(if to_max.is_gt() { value.clone() } else { max });
            }
            _ => self.is_mixed = true,
        }
    }

    /// The statistics of the path, read as `ty`, in a file of `rows` rows; `None` when nothing can
    /// be said.
    pub(crate) fn stats(&self, ty: PathType, rows: u64) -> Option<ColumnStats> {
        let nulls = rows.checked_sub(self.count).filter(|_| !self.is_mixed)?;
        let read = |value: &Scalar| as_read(value, ty);
        let bound = |bound: &Option<Scalar>| match bound {
            Some(value) => read(value).map(Some),
            None => Some(None),
        };
        let (min, max) = (bound(&self.min)?, bound(&self.max)?);
        let values = match &self.values {
            Some(values) => Some(counted(values, ty)?),
            None => None,
        };
        let distinct = values.as_ref().map_or(0, |values| values.len() as u64);
        let mut stats = ColumnStats { rows, nulls, min, max, exact: true, distinct, values };
        stats.truncate_strings(BOUND_BYTES_MAX);
        Some(stats)
    }
}

/// Every value with its count, ascending.
fn counted(values: &HashMap<String, u64>, ty: PathType) -> Option<Vec<(Scalar, u64)>> {
    let mut all: Vec<(Scalar, u64)> = Vec::with_capacity(values.len());
    for (raw, count) in values {
        all.push((as_read(&value_of(raw)?, ty)?, *count));
    }
    all.sort_by(|(a, _), (b, _)| order(a, b).unwrap_or(Ordering::Equal));
    // `1.0` and `1.00` are one value.
    all.dedup_by(|(next, more), (kept, count)| {
        let is_same = order(next, kept) == Some(Ordering::Equal);
        *count += if is_same { *more } else { 0 };
        is_same
    });
    Some(all)
}

/// Numbers among themselves as doubles, where they are not all integers.
fn order(a: &Scalar, b: &Scalar) -> Option<Ordering> {
    match (a, b) {
        (Scalar::Int(a), Scalar::Float(b)) => (*a as f64).partial_cmp(b),
        (Scalar::Float(a), Scalar::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Scalar::Float(a), Scalar::Float(b)) => a.partial_cmp(b),
        _ => a.partial_cmp_same(b),
    }
}

/// The same, with minus zero below zero, so that bounds do not depend on which came first.
fn bound_order(a: &Scalar, b: &Scalar) -> Option<Ordering> {
    let float = |value: &Scalar| match value {
        Scalar::Float(value) => Some(*value),
        Scalar::Int(0) => Some(0.0),
        _ => None,
    };
    match (order(a, b)?, float(a), float(b)) {
        (Ordering::Equal, Some(a), Some(b)) => Some(a.total_cmp(&b)),
        (other, ..) => Some(other),
    }
}

/// A scalar of a document; `None` for arrays, empty objects and what has no value of its own.
fn value_of(raw: &str) -> Option<Scalar> {
    match raw.as_bytes().first()? {
        b'"' => Some(Scalar::String(unquoted(raw)?.into_owned())),
        b't' => Some(Scalar::Bool(true)),
        b'f' => Some(Scalar::Bool(false)),
        // Minus zero is no integer.
        b'-' | b'0'..=b'9' if raw != "-0" => match raw.parse::<i64>() {
            Ok(number) => Some(Scalar::Int(number)),
            Err(_) => {
                raw.parse::<f64>().ok().filter(|number| number.is_finite()).map(Scalar::Float)
            }
        },
        _ => None,
    }
}

/// A value as it is read from the path; `None` where that is another thing.
fn as_read(value: &Scalar, ty: PathType) -> Option<Scalar> {
    /// Integers past it are not doubles.
    const EXACT_MAX: u64 = 1 << 53;
    match (ty, value) {
        (PathType::String, Scalar::String(_))
        | (PathType::Bool, Scalar::Bool(_))
        | (PathType::Int64, Scalar::Int(_))
        | (PathType::Float64, Scalar::Float(_)) => Some(value.clone()),
        (PathType::Float64, Scalar::Int(number)) if number.unsigned_abs() <= EXACT_MAX => {
            Some(Scalar::Float(*number as f64))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_is_zero_has_the_sign_that_is_farther_out() {
        for texts in [["0.0", "-0.0", "0"], ["0", "0.0", "-0.0"], ["-0.0", "0", "0.0"]] {
            let mut summary = Summary::default();
            texts.iter().for_each(|text| summary.push(text));
            let stats = summary.stats(PathType::Float64, 3).unwrap();
            let bits = |bound: Option<Scalar>| match bound {
                Some(Scalar::Float(value)) => value.to_bits(),
                other => panic!("{other:?}"),
            };
            assert_eq!(bits(stats.min), (-0.0_f64).to_bits(), "{texts:?}");
            assert_eq!(bits(stats.max), 0.0_f64.to_bits(), "{texts:?}");
            assert_eq!(stats.values.unwrap().len(), 1, "{texts:?}: they are equal");
        }
    }
}
