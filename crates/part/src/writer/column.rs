//! One column of a part that is being written: its segments, statistics and Bloom filter.

use arrow_array::{Array, ArrayRef};

use crate::bloom::Sbbf;
use crate::codec::segment::{encode_with, seed};
use crate::codec::{Codec, Encoder};
use crate::error::{Error, Result};
use crate::layout::ColumnHeader;
use crate::schema::{Column, ColumnType};
use crate::stats::{ColumnStats, StatsBuilder};
use crate::value::{hash_array, hash_scalar};

/// Longer strings are cut in the header.
const BOUND_BYTES_MAX: usize = 64;

/// Segments and header of one column.
pub(super) struct ColumnWriter {
    ty: ColumnType,
    header: ColumnHeader,
    bytes: Vec<u8>,
    stats: StatsBuilder,
    /// The hashes of all values, when a Bloom filter is wanted: empty while the values are few
    /// and counted.
    hashes: Option<Vec<u64>>,
    /// How many of the hashes are known to differ; the rest came later.
    hashes_distinct: usize,
}

/// So many hashes are kept unsorted behind those that differ.
const HASHES_LATE_MAX: usize = 512;

impl ColumnWriter {
    pub(super) fn new(column: &Column, bloom: bool) -> ColumnWriter {
        ColumnWriter::of_type(column.id, column.ty.clone(), column.ty.name(), bloom)
    }

    /// A column whose segments are of the type `ty`, whatever the name of its own type.
    pub(super) fn of_type(id: u32, ty: ColumnType, type_name: String, bloom: bool) -> ColumnWriter {
        ColumnWriter {
            ty,
            header: ColumnHeader {
                id,
                type_name,
                offset: 0,
                segment_bytes: Vec::new(),
                codecs: Vec::new(),
                bloom_bytes: 0,
                stats: ColumnStats::default(),
                nulls: Vec::new(),
                mins: Vec::new(),
                maxs: Vec::new(),
                exact: Vec::new(),
            },
            bytes: Vec::new(),
            stats: StatsBuilder::new(),
            hashes: bloom.then(Vec::new),
            hashes_distinct: 0,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.header.id
    }

    pub(super) fn bytes_written(&self) -> usize {
        self.bytes.len()
    }

    /// Adds granules that hold no value, of so many rows each.
    pub(super) fn write_nulls(&mut self, granule_rows: &[u32]) {
        for rows in granule_rows {
            let stats = ColumnStats {
                rows: u64::from(*rows),
                nulls: u64::from(*rows),
                ..ColumnStats::default()
            };
            self.stats.push_nulls(stats.rows);
            self.header.push_granule_stats(stats);
            self.header.segment_bytes.push(0);
            self.header.codecs.push(Codec::Constant as u8);
        }
    }

    /// Adds a granule about whose values nothing is kept but how many are null.
    pub(super) fn write_without_stats(
        &mut self,
        encoder: &mut Encoder,
        array: &ArrayRef,
    ) -> Result<()> {
        let (rows, nulls) = (array.len() as u64, array.null_count() as u64);
        let exact = nulls == rows;
        let stats = ColumnStats { rows, nulls, exact, values: None, ..ColumnStats::default() };
        self.stats.push_unknown(rows, nulls);
        self.header.push_granule_stats(stats);
        self.write_segment(encoder, array, exact)
    }

    /// Adds a granule.
    pub(super) fn write(&mut self, encoder: &mut Encoder, array: &ArrayRef) -> Result<()> {
        // What is counted now may be too much to be counted with this granule.
        let counted = match (&self.hashes, self.stats.values()) {
            (Some(_), Some(values)) => values.iter().map(|(value, _)| hash_scalar(value)).collect(),
            _ => Vec::new(),
        };
        let mut stats = self.stats.push(array.as_ref());
        stats.truncate_strings(BOUND_BYTES_MAX);
        let all_null = stats.nulls == stats.rows;
        self.header.push_granule_stats(stats);
        self.write_segment(encoder, array, all_null)?;
        if !all_null && self.stats.values().is_none() {
            self.add_hashes(counted, array.as_ref());
        }
        Ok(())
    }

    fn write_segment(
        &mut self,
        encoder: &mut Encoder,
        array: &ArrayRef,
        all_null: bool,
    ) -> Result<()> {
        if all_null {
            self.header.segment_bytes.push(0);
            self.header.codecs.push(Codec::Constant as u8);
            return Ok(());
        }
        let seed = seed(self.header.id, self.header.segment_bytes.len());
        let (segment, codec) = encode_with(encoder, &self.ty, array, seed)?;
        let bytes = u32::try_from(segment.len()).map_err(|_| Error::Limit {
            what: format!("segment of column {}", self.header.id),
            detail: format!("{} bytes", segment.len()),
        })?;
        self.header.segment_bytes.push(bytes);
        self.header.codecs.push(codec as u8);
        self.bytes.extend_from_slice(&segment);
        Ok(())
    }

    fn add_hashes(&mut self, counted: Vec<u64>, array: &dyn Array) {
        let Some(hashes) = &mut self.hashes else { return };
        hashes.extend(counted);
        let start = hashes.len();
        if let Some(valid) = hash_array(array, hashes) {
            let added = hashes.split_off(start);
            let kept = added.into_iter().zip(valid.iter()).filter(|(_, valid)| *valid);
            hashes.extend(kept.map(|(hash, _)| hash));
        }
        if hashes.len() > 2 * self.hashes_distinct + HASHES_LATE_MAX {
            hashes.sort_unstable();
            hashes.dedup();
            hashes.shrink_to(hashes.len() + HASHES_LATE_MAX);
            self.hashes_distinct = hashes.len();
        }
    }

    /// The header, with everything but its offset, and the segments.
    pub(super) fn finish(mut self) -> (ColumnHeader, Vec<u8>, Option<Vec<u64>>) {
        // The counts may yet be dropped from the header; then the filter has to know the values.
        if let (Some(hashes), Some(values)) = (&mut self.hashes, self.stats.values()) {
            hashes.extend(values.iter().map(|(value, _)| hash_scalar(value)));
        }
        let mut stats = self.stats.finish();
        stats.truncate_strings(BOUND_BYTES_MAX);
        self.header.stats = stats;
        (self.header, self.bytes, self.hashes)
    }
}

/// The Bloom filter of a column, sized by its distinct values.
pub(super) fn bloom(mut hashes: Vec<u64>, bits_per_key: u32) -> Sbbf {
    hashes.sort_unstable();
    hashes.dedup();
    let mut filter = Sbbf::with_capacity(hashes.len(), bits_per_key);
    hashes.iter().for_each(|hash| filter.insert(*hash));
    filter
}
