//! What is known about the values of a column: counts, bounds, and exact value counts when there
//! are few. Not about the values of a row, and not about where they are stored.

mod builder;
mod scan;
#[cfg(test)]
mod tests;

pub use builder::StatsBuilder;

use std::cmp::Ordering;

use arrow_array::Array;

use crate::value::Scalar;

/// The most distinct values whose counts [`ColumnStats::values`] holds.
pub const STATS_VALUES_MAX: usize = 256;

/// A string or byte value longer than this is not put in [`ColumnStats::values`].
pub const STATS_VALUE_BYTES_MAX: usize = 1024;

/// Statistics of one column over some rows: a granule, a part, or a table.
///
/// `min` and `max` leave out nulls and NaN. A missing bound means "no value" when every row is
/// null, and "unknown" otherwise (a list, only NaN, a truncated string without a successor).
#[derive(Debug, Clone, PartialEq, minicbor::Encode, minicbor::Decode)]
pub struct ColumnStats {
    /// Rows, nulls included.
    #[n(0)]
    pub rows: u64,
    /// Rows that are null.
    #[n(1)]
    pub nulls: u64,
    /// The least value, or something that is not greater than it.
    #[n(2)]
    pub min: Option<Scalar>,
    /// The greatest value, or something that is not less than it.
    #[n(3)]
    pub max: Option<Scalar>,
    /// True when `min` and `max` are values of the column. False when they are only bounds: a
    /// long string was cut, rows were removed, the type has no order, or a NaN was seen.
    #[n(4)]
    pub exact: bool,
    /// About how many distinct non-null values there are; exact when `values` is there, 0 when
    /// it was not estimated.
    #[n(5)]
    pub distinct: u64,
    /// Every distinct non-null value, ascending, with the number of rows that hold it. Always
    /// exact; left out past [`STATS_VALUES_MAX`] values, for NaN, and for long values.
    #[n(6)]
    pub values: Option<Vec<(Scalar, u64)>>,
}

/// Of no rows: the neutral element of [`ColumnStats::merge`].
impl Default for ColumnStats {
    fn default() -> ColumnStats {
        ColumnStats {
            rows: 0,
            nulls: 0,
            min: None,
            max: None,
            exact: true,
            distinct: 0,
            values: Some(Vec::new()),
        }
    }
}

impl ColumnStats {
    /// The statistics of one array. For more than one, [`StatsBuilder`] estimates `distinct`
    /// over all of them.
    pub fn of(array: &dyn Array) -> ColumnStats {
        let mut builder = StatsBuilder::new();
        builder.push(array);
        builder.finish()
    }

    /// [`ColumnStats::values`] as SQL tells values apart: zeros of both signs are one.
    pub fn value_counts(&self) -> Option<Vec<(Scalar, u64)>> {
        let values = self.values.as_ref()?;
        let mut out: Vec<(Scalar, u64)> = Vec::with_capacity(values.len());
        for (value, count) in values {
            match (value, out.last_mut()) {
                (Scalar::Float(0.0), Some((Scalar::Float(0.0), before))) => {
                    *before = before.saturating_add(*count);
                }
                (Scalar::Float(0.0), _) => out.push((Scalar::Float(0.0), *count)),
                _ => out.push((value.clone(), *count)),
            }
        }
        Some(out)
    }

    /// Rows that are not null.
    pub fn non_nulls(&self) -> u64 {
        self.rows.saturating_sub(self.nulls)
    }

    /// Adds the statistics of other rows of the same column.
    ///
    /// Counts, bounds and value counts are exact if both sides' are. Without value counts
    /// `distinct` can only be placed between the greater of the two and their sum: the sum is
    /// taken when the ranges do not overlap, or when on both sides more than half of the values
    /// are distinct (keys); otherwise the greater.
    pub fn merge(&mut self, other: &ColumnStats) {
        let distinct = merged_distinct(self, other);
        let (min, min_known) = merge_bound(self, other, |stats| &stats.min, Ordering::Less);
        let (max, max_known) = merge_bound(self, other, |stats| &stats.max, Ordering::Greater);
        self.exact = self.exact && other.exact && min_known && max_known;
        self.min = min;
        self.max = max;
        self.rows = self.rows.saturating_add(other.rows);
        self.nulls = self.nulls.saturating_add(other.nulls);
        let merged = match (self.values.take(), &other.values) {
            (Some(ours), Some(theirs)) => merge_counts(ours, theirs),
            _ => None,
        };
        self.distinct = match &merged {
            Some(values) => values.len() as u64,
            None => distinct.min(self.non_nulls()),
        };
        self.values = merged.filter(|values| values.len() <= STATS_VALUES_MAX);
    }

    /// Takes away rows that were deleted; `removed` are their statistics.
    ///
    /// With value counts on both sides everything stays exact. Without, `min` and `max` stay
    /// valid bounds, and `exact` becomes false if a removed row may have held one of them.
    pub fn remove(&mut self, removed: &ColumnStats) {
        let bounds_lost = removed.non_nulls() > 0
            && !(strictly_inside(&self.min, &removed.min, Ordering::Less)
                && strictly_inside(&self.max, &removed.max, Ordering::Greater));
        self.rows = self.rows.saturating_sub(removed.rows);
        self.nulls = self.nulls.saturating_sub(removed.nulls).min(self.rows);
        self.values = match (self.values.take(), &removed.values) {
            (Some(ours), Some(theirs)) => subtract_counts(ours, theirs),
            (Some(ours), None) if removed.non_nulls() == 0 => Some(ours),
            _ => None,
        };
        if self.non_nulls() == 0 {
            self.values = Some(Vec::new());
        }
        match &self.values {
            Some(values) => {
                self.min = values.first().map(|(value, _)| value.clone());
                self.max = values.last().map(|(value, _)| value.clone());
                self.exact = true;
                self.distinct = values.len() as u64;
            }
            None => {
                self.exact = self.exact && !bounds_lost;
                self.distinct = self.distinct.min(self.non_nulls());
            }
        }
    }

    /// Makes every string and byte value at most `bytes_max` bytes, so that a header stays small.
    ///
    /// `min` is cut at a character boundary; `max` is cut and its last character incremented, or
    /// dropped when nothing that short is greater. Either makes `exact` false. `values` is
    /// dropped when one of its values is longer, since it could not stay exact.
    pub fn truncate_strings(&mut self, bytes_max: usize) {
        if let Some(min) = self.min.take() {
            let cut = cut_below(&min, bytes_max);
            self.exact &= cut.is_none();
            self.min = Some(cut.unwrap_or(min));
        }
        if let Some(max) = self.max.take() {
            if text_bytes(&max).is_some_and(|bytes| bytes > bytes_max) {
                self.exact = false;
                self.max = cut_above(&max, bytes_max);
            } else {
                self.max = Some(max);
            }
        }
        let long = |(value, _): &(Scalar, u64)| text_bytes(value).is_some_and(|n| n > bytes_max);
        if self.values.as_ref().is_some_and(|values| values.iter().any(long)) {
            self.values = None;
        }
    }
}

/// The bound of two sides together, and whether it is one: false when a side's is unknown.
fn merge_bound(
    ours: &ColumnStats,
    theirs: &ColumnStats,
    bound: impl Fn(&ColumnStats) -> &Option<Scalar>,
    wanted: Ordering,
) -> (Option<Scalar>, bool) {
    if theirs.non_nulls() == 0 {
        return (bound(ours).clone(), true);
    }
    if ours.non_nulls() == 0 {
        return (bound(theirs).clone(), true);
    }
    let (Some(a), Some(b)) = (bound(ours), bound(theirs)) else { return (None, false) };
    match b.partial_cmp_same(a) {
        Some(order) if order == wanted => (Some(b.clone()), true),
        Some(_) => (Some(a.clone()), true),
        None => (None, false),
    }
}

/// Whether the removed rows' bound is known and lies strictly inside ours.
fn strictly_inside(ours: &Option<Scalar>, removed: &Option<Scalar>, outward: Ordering) -> bool {
    match (ours, removed) {
        (Some(ours), Some(removed)) => ours.partial_cmp_same(removed) == Some(outward),
        _ => false,
    }
}

/// See [`ColumnStats::merge`]: for when the values themselves are not known.
fn merged_distinct(a: &ColumnStats, b: &ColumnStats) -> u64 {
    let sum = a.distinct.saturating_add(b.distinct);
    let below = |x: &ColumnStats, y: &ColumnStats| match (&x.max, &y.min) {
        (Some(max), Some(min)) => max.partial_cmp_same(min) == Some(Ordering::Less),
        _ => false,
    };
    let key = |stats: &ColumnStats| stats.distinct > stats.non_nulls() / 2;
    if below(a, b) || below(b, a) || (key(a) && key(b)) { sum } else { a.distinct.max(b.distinct) }
}

/// Both lists are ascending; so is the result, which may be longer than [`STATS_VALUES_MAX`].
/// `None` when the values are of different variants.
fn merge_counts(ours: Vec<(Scalar, u64)>, theirs: &[(Scalar, u64)]) -> Option<Vec<(Scalar, u64)>> {
    let mut merged = Vec::with_capacity(ours.len() + theirs.len());
    let mut ours = ours.into_iter().peekable();
    for (value, count) in theirs {
        loop {
            let order = match ours.peek() {
                Some((ours, _)) => ours.partial_cmp_same(value)?,
                None => Ordering::Greater,
            };
            match order {
                Ordering::Less => merged.extend(ours.next()),
                Ordering::Equal => {
                    let our_count = ours.next().map_or(0, |(_, count)| count);
                    merged.push((value.clone(), our_count.saturating_add(*count)));
                    break;
                }
                Ordering::Greater => {
                    merged.push((value.clone(), *count));
                    break;
                }
            }
        }
    }
    merged.extend(ours);
    Some(merged)
}

/// `None` when `removed` is not a part of `ours`, so that nothing exact can be said any more.
fn subtract_counts(
    mut ours: Vec<(Scalar, u64)>,
    removed: &[(Scalar, u64)],
) -> Option<Vec<(Scalar, u64)>> {
    for (value, count) in removed {
        let place = ours
            .binary_search_by(|(ours, _)| ours.partial_cmp_same(value).unwrap_or(Ordering::Greater))
            .ok()?;
        let (_, ours) = ours.get_mut(place)?;
        *ours = ours.checked_sub(*count)?;
    }
    ours.retain(|(_, count)| *count > 0);
    Some(ours)
}

/// The length of a string or byte value; `None` for every other.
fn text_bytes(value: &Scalar) -> Option<usize> {
    match value {
        Scalar::String(text) => Some(text.len()),
        Scalar::Bytes(bytes) => Some(bytes.len()),
        _ => None,
    }
}

/// A value of at most `bytes_max` bytes that is not greater; `None` when it is short already.
fn cut_below(value: &Scalar, bytes_max: usize) -> Option<Scalar> {
    if text_bytes(value)? <= bytes_max {
        return None;
    }
    match value {
        Scalar::String(text) => Some(Scalar::String(prefix(text, bytes_max).to_owned())),
        Scalar::Bytes(bytes) => Some(Scalar::Bytes(bytes.get(..bytes_max)?.to_owned())),
        _ => None,
    }
}

/// A value of at most `bytes_max` bytes that is greater than everything that starts as `value`
/// does; `None` when there is none.
fn cut_above(value: &Scalar, bytes_max: usize) -> Option<Scalar> {
    match value {
        Scalar::String(text) => {
            let mut text = prefix(text, bytes_max).to_owned();
            while let Some(last) = text.pop() {
                // The order of UTF-8 bytes is the order of characters.
                if let Some(next) = next_char(last)
                    && text.len() + next.len_utf8() <= bytes_max
                {
                    text.push(next);
                    return Some(Scalar::String(text));
                }
            }
            None
        }
        Scalar::Bytes(bytes) => {
            let mut bytes = bytes.get(..bytes_max)?.to_owned();
            while let Some(last) = bytes.pop() {
                if let Some(next) = last.checked_add(1) {
                    bytes.push(next);
                    return Some(Scalar::Bytes(bytes));
                }
            }
            None
        }
        _ => None,
    }
}

/// The longest prefix of at most `bytes_max` bytes that ends between two characters.
fn prefix(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or("")
}

/// The character after `c`; surrogates are not characters.
fn next_char(c: char) -> Option<char> {
    match c {
        '\u{d7ff}' => Some('\u{e000}'),
        _ => char::from_u32(u32::from(c).checked_add(1)?),
    }
}
