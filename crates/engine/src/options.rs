//! The sizes the engine works to. Not here: settings of a query.

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
    /// Rows that one commit moves to the bucket, or writes anew there.
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
    /// Open files of a table whose footers are kept in memory.
    pub footers_max: usize,
    /// The longest string, document or byte string taken.
    pub value_bytes_max: usize,
    /// Filters of parts with at most this many rows ride in the head row.
    pub inline_filter_rows_max: u64,
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
            head_bytes_max: 1_900_000,
            merge_fanout: 8,
            cache_bytes_max: 24 << 20,
            hot_rows_max: u64::MAX,
            hot_bytes_max: 1 << 30,
            hot_age_ms_max: i64::MAX,
            flush_rows_max: 32_768,
            flush_bytes_max: 2 << 20,
            file_bytes: 32 << 20,
            foreign_rows_max: 200_000,
            snapshot_age_ms_max: 5 * DAY_MS,
            orphan_age_ms_min: DAY_MS,
            footers_max: 64,
            value_bytes_max: 2_000_000,
            inline_filter_rows_max: 4_096,
        }
    }
}

impl Options {
    /// Sizes for a native process with memory to spare.
    pub fn native() -> Self {
        Options {
            wide_bytes_max: 64 << 20,
            cache_bytes_max: 256 << 20,
            flush_rows_max: 1_000_000,
            flush_bytes_max: 64 << 20,
            file_bytes: 128 << 20,
            foreign_rows_max: 10_000_000,
            footers_max: 1_024,
            ..Options::default()
        }
    }
}
