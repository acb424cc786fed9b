//! Builds the statistics of a column from its batches. Not for merging finished statistics.

use arrow_array::Array;
use hyperloglockless::HyperLogLog;

use super::scan::{Scan, scan};
use super::{ColumnStats, STATS_VALUES_MAX, merge_counts};
use crate::value::{Scalar, hash_array, hash_scalar, unpack_dictionary};

/// 4,096 one-byte registers: a standard error of 1.6 % in `distinct`.
const SKETCH_PRECISION: u8 = 12;

/// Collects the [`ColumnStats`] of one column, array by array.
///
/// Values are counted exactly until there are more than [`STATS_VALUES_MAX`]; from then on a
/// HyperLogLog sketch of 4 KiB estimates how many there are.
#[derive(Debug)]
pub struct StatsBuilder {
    /// `exact` and the bounds leave out the NaN and unknown arrays, which the two flags record.
    stats: ColumnStats,
    nan: bool,
    unknown: bool,
    sketch: Option<HyperLogLog>,
    /// Scratch, kept for its capacity.
    hashes: Vec<u64>,
}

impl Default for StatsBuilder {
    fn default() -> StatsBuilder {
        StatsBuilder::new()
    }
}

impl StatsBuilder {
    /// Of no rows yet.
    pub fn new() -> StatsBuilder {
        StatsBuilder {
            stats: ColumnStats::default(),
            nan: false,
            unknown: false,
            sketch: None,
            hashes: Vec::new(),
        }
    }

    /// Adds the rows of `array`, and returns the rows, nulls and bounds of these rows alone
    /// (`distinct` 0, no `values`): what a granule records.
    pub fn push(&mut self, array: &dyn Array) -> ColumnStats {
        let unpacked = unpack_dictionary(array).ok().flatten();
        let array = unpacked.as_deref().unwrap_or(array);
        let found = scan(array, self.stats.values.is_some());
        let granule = ColumnStats {
            rows: found.rows,
            nulls: found.nulls,
            min: found.min.clone(),
            max: found.max.clone(),
            exact: !found.nan && !found.unknown,
            distinct: 0,
            values: None,
        };
        self.add_bounds(&found);
        self.add_values(array, found);
        granule
    }

    /// The values with their counts, while they are few.
    pub fn values(&self) -> Option<&[(Scalar, u64)]> {
        self.stats.values.as_deref()
    }

    /// Adds rows that are all null.
    pub fn push_nulls(&mut self, rows: u64) {
        self.stats.rows = self.stats.rows.saturating_add(rows);
        self.stats.nulls = self.stats.nulls.saturating_add(rows);
    }

    /// Adds rows of whose values nothing is known but how many are null.
    pub fn push_unknown(&mut self, rows: u64, nulls: u64) {
        self.stats.rows = self.stats.rows.saturating_add(rows);
        self.stats.nulls = self.stats.nulls.saturating_add(nulls);
        if nulls < rows {
            self.unknown = true;
            self.stats.values = None;
        }
    }

    /// The statistics of everything pushed.
    pub fn finish(self) -> ColumnStats {
        let mut stats = self.stats;
        stats.exact = !self.nan && !self.unknown;
        if self.unknown {
            (stats.min, stats.max) = (None, None);
        }
        stats.distinct = match (&stats.values, &self.sketch) {
            (Some(values), _) => values.len() as u64,
            (None, Some(sketch)) => {
                let least = u64::from(stats.non_nulls() > 0);
                (sketch.raw_count().round() as u64).clamp(least, stats.non_nulls())
            }
            (None, None) => 0,
        };
        stats
    }

    fn add_bounds(&mut self, found: &Scan) {
        let stats = &mut self.stats;
        stats.rows = stats.rows.saturating_add(found.rows);
        stats.nulls = stats.nulls.saturating_add(found.nulls);
        self.nan |= found.nan;
        self.unknown |= found.unknown;
        let (Some(min), Some(max)) = (&found.min, &found.max) else { return };
        match &stats.min {
            Some(ours) => match min.partial_cmp_same(ours) {
                Some(order) if order.is_lt() => stats.min = Some(min.clone()),
                Some(_) => {}
                None => self.unknown = true,
            },
            None => stats.min = Some(min.clone()),
        }
        match &stats.max {
            Some(ours) if max.partial_cmp_same(ours).is_some_and(|order| order.is_le()) => {}
            _ => stats.max = Some(max.clone()),
        }
    }

    fn add_values(&mut self, array: &dyn Array, found: Scan) {
        if found.unknown || found.rows == found.nulls {
            if found.unknown {
                self.stats.values = None;
            }
            return;
        }
        if let Some(ours) = self.stats.values.take() {
            match found.counts {
                None => self.start_sketch(&ours),
                Some(counts) => match merge_counts(ours, &counts) {
                    Some(merged) if merged.len() <= STATS_VALUES_MAX => {
                        self.stats.values = Some(merged);
                        return;
                    }
                    merged => self.start_sketch(&merged.unwrap_or_default()),
                },
            }
        }
        self.hashes.clear();
        let valid = hash_array(array, &mut self.hashes);
        let Some(sketch) = &mut self.sketch else { return };
        match valid {
            None => self.hashes.iter().for_each(|hash| sketch.insert_hash(*hash)),
            Some(valid) => {
                for row in valid.valid_indices() {
                    if let Some(hash) = self.hashes.get(row) {
                        sketch.insert_hash(*hash);
                    }
                }
            }
        }
    }

    /// The hasher's seed is never used: hashes are given.
    fn start_sketch(&mut self, values: &[(Scalar, u64)]) {
        let mut sketch = HyperLogLog::seeded(SKETCH_PRECISION, 0);
        for (value, _) in values {
            sketch.insert_hash(hash_scalar(value));
        }
        self.sketch = Some(sketch);
    }
}
