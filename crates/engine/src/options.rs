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
    /// The longest string, document or byte string taken.
    pub value_bytes_max: usize,
    /// Filters of parts with at most this many rows ride in the head row.
    pub inline_filter_rows_max: u64,
}

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
            value_bytes_max: 2_000_000,
            inline_filter_rows_max: 4_096,
        }
    }
}

impl Options {
    /// Sizes for a native process with memory to spare.
    pub fn native() -> Self {
        Options { wide_bytes_max: 64 << 20, cache_bytes_max: 256 << 20, ..Options::default() }
    }
}
