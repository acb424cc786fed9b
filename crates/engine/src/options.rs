//! The sizes the engine works to. Not here: settings of a query.

use crate::error::{Error, Result};
use crate::warm::AttachOptions;

/// Sizes and limits. The defaults suit a Durable Object of 128 MB; the native binary raises the
/// cache and the size of a wide part.
#[derive(Debug, Clone)]
pub struct Options {
    /// An insert of fewer rows than this waits in the head row as fresh rows.
    pub fresh_insert_rows_max: usize,
    /// Fresh rows past this fold into a part at the next job.
    pub fold_rows_min: u64,
    /// Fresh bytes past this fold into a part at the next job.
    pub fold_bytes_min: u64,
    /// Fresh bytes past this fold inside the commit that brings them.
    pub fold_bytes_max: u64,
    /// Fresh entries past this many are joined to one.
    pub fresh_entries_max: usize,
    /// A compact part is cut once its bytes pass this, so that it stays one row.
    pub compact_bytes_max: u64,
    /// A wide part is cut once its bytes pass this.
    pub wide_bytes_max: u64,
    /// A part is cut once it has so many rows.
    pub part_rows_max: u64,
    /// A part is cut once its rows take about so much memory: those that go to the bucket are in
    /// memory together.
    pub part_memory_bytes_max: u64,
    /// The largest head row, below the 2,000,000 bytes a row may have.
    pub head_bytes_max: usize,
    /// Parts of one size class that are merged together.
    pub merge_fanout: usize,
    /// Bytes of decoded headers and raw rows kept in memory.
    pub cache_bytes_max: usize,
    /// Hot rows past so many go to the bucket, the oldest first, until half of them is left.
    pub hot_rows_max: u64,
    /// The same for their encoded bytes.
    pub hot_bytes_max: u64,
    /// Hot rows older than this go to the bucket, in milliseconds.
    pub hot_age_ms_max: i64,
    /// Rows that one commit moves to the bucket, or writes anew there. Nor do they take more memory
    /// than those of a part, or than twice that when they are of one file.
    pub flush_rows_max: u64,
    /// Encoded bytes of hot rows that one commit moves.
    pub flush_bytes_max: u64,
    /// A file in the bucket is ended once it is about this large.
    pub file_bytes: usize,
    /// Rows that one commit of another engine may bring.
    pub foreign_rows_max: u64,
    /// Snapshots older than this expire in the background, in milliseconds.
    pub snapshot_age_ms_max: i64,
    /// Objects that nothing names are swept once they are older than this, in milliseconds.
    pub orphan_age_ms_min: i64,
    /// Bytes of posting lists of a table kept in memory; half as many of statistics of files.
    pub index_cache_bytes_max: usize,
    /// The largest row of posting lists, below the 2,000,000 bytes a row may have.
    pub index_row_bytes_max: usize,
    /// The index says where in a file a value is by slices of so many rows, a page of Parquet.
    pub index_slice_rows: u32,
    /// Files get filters over their keys as long as those of the table have no more bytes than
    /// this, for memory holds them all. Files without one are found by their posting lists.
    pub file_filter_bytes_max: usize,
    /// Bytes of ranges of objects kept in memory.
    pub object_cache_bytes_max: usize,
    /// Open files of a table whose footers are kept in memory.
    pub footers_max: usize,
    /// How far a query reads files ahead of their turn.
    pub read_ahead: ReadAhead,
    /// Lets the index leave a file out that it should not: for the test that has to notice.
    #[cfg(any(test, feature = "testing"))]
    pub plants_fault_in_index: bool,
    /// What other databases may be attached.
    pub attach: AttachOptions,
    /// The longest string, document or byte string taken.
    pub value_bytes_max: usize,
    /// Filters of parts with at most this many rows ride in the head row.
    pub inline_filter_rows_max: u64,
}

/// Files that are read at the same time by each partition of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAhead {
    /// How many at most.
    pub files: usize,
    /// Further ones only while all have no more bytes than this.
    pub bytes: u64,
}

fn limit(name: &str, text: &str, value: Option<u64>) -> Result<u64> {
    let value = value.filter(|value| *value > 0);
    value.ok_or_else(|| Error::invalid(format!("{name} is a number above zero, not {text:?}")))
}

const DAY_MS: i64 = 86_400_000;

impl Default for Options {
    fn default() -> Self {
        Options {
            fresh_insert_rows_max: 512,
            fold_rows_min: 1_000,
            fold_bytes_min: 48 << 10,
            fold_bytes_max: 512 << 10,
            fresh_entries_max: 16,
            compact_bytes_max: 1_400_000,
            wide_bytes_max: 8 << 20,
            part_rows_max: 100_000,
            part_memory_bytes_max: 16 << 20,
            head_bytes_max: 1_900_000,
            merge_fanout: 8,
            cache_bytes_max: 24 << 20,
            hot_rows_max: u64::MAX,
            hot_bytes_max: 1 << 30,
            hot_age_ms_max: i64::MAX,
            flush_rows_max: 20_000,
            flush_bytes_max: 2 << 20,
            file_bytes: 32 << 20,
            foreign_rows_max: 200_000,
            snapshot_age_ms_max: 5 * DAY_MS,
            orphan_age_ms_min: DAY_MS,
            index_cache_bytes_max: 4 << 20,
            index_row_bytes_max: 1_900_000,
            index_slice_rows: 4_096,
            file_filter_bytes_max: 16 << 20,
            object_cache_bytes_max: 1 << 20,
            footers_max: 16,
            // An invocation may have six connections open at once.
            read_ahead: ReadAhead { files: 5, bytes: 2 << 20 },
            #[cfg(any(test, feature = "testing"))]
            plants_fault_in_index: false,
            attach: AttachOptions { files_max: 10_000, ..AttachOptions::default() },
            value_bytes_max: 2_000_000,
            inline_filter_rows_max: 4_096,
        }
    }
}

impl Options {
    /// With limits of the hot tier as a user sets them, as texts: rows, encoded bytes, hours.
    /// What is not set stays.
    ///
    /// # Errors
    /// One is no number above zero; it is named as in [`Options::HOT_LIMITS`].
    pub fn with_hot_limits(mut self, limits: [Option<&str>; 3]) -> Result<Self> {
        const HOUR_MS: f64 = 3_600_000.0;
        let [rows, bytes, hours] = limits;
        let [rows_name, bytes_name, hours_name] = Options::HOT_LIMITS;
        if let Some(text) = rows {
            self.hot_rows_max = limit(rows_name, text, text.parse().ok())?;
        }
        if let Some(text) = bytes {
            self.hot_bytes_max = limit(bytes_name, text, text.parse().ok())?;
        }
        if let Some(text) = hours {
            let ms = text.parse::<f64>().ok().filter(|hours| hours.is_finite());
            // Saturates.
            let ms = ms.map(|hours| (hours * HOUR_MS).max(0.0) as u64);
            let ms = i64::try_from(limit(hours_name, text, ms)?);
            self.hot_age_ms_max = ms.unwrap_or(i64::MAX);
        }
        Ok(self)
    }

    /// What the limits of the hot tier are called outside, in the order in which
    /// [`Options::with_hot_limits`] takes them.
    pub const HOT_LIMITS: [&str; 3] = ["DODB_HOT_ROWS", "DODB_HOT_BYTES", "DODB_HOT_HOURS"];

    /// Sizes for a native process with memory to spare.
    pub fn native() -> Self {
        Options {
            wide_bytes_max: 64 << 20,
            part_rows_max: 4_000_000,
            part_memory_bytes_max: 1 << 30,
            cache_bytes_max: 256 << 20,
            flush_rows_max: 1_000_000,
            flush_bytes_max: 64 << 20,
            file_bytes: 128 << 20,
            foreign_rows_max: 10_000_000,
            index_cache_bytes_max: 128 << 20,
            file_filter_bytes_max: 64 << 20,
            object_cache_bytes_max: 256 << 20,
            footers_max: 1_024,
            read_ahead: ReadAhead { files: 16, bytes: 64 << 20 },
            ..Options::default()
        }
    }
}
