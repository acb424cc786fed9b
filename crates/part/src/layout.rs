//! Where the bytes of a part lie: rows, streams, prelude, header. `docs/format.md` is the same in
//! words. The values inside segments are the business of `codec` and `column`.

mod header;
mod prelude;

pub(crate) use header::{ColumnHeader, Header, JsonHeader, SubHeader};
pub(crate) use prelude::{PRELUDE_BYTES, Prelude};

use twox_hash::XxHash3_64;

use crate::codec::Codec;

/// The version of parts that this crate writes, and the newest that it reads. It reads all before.
pub const FORMAT_VERSION: u16 = 2;

/// The columns of JSON columns have ids from here on, so that no column of a table has one.
pub(crate) const SUB_ID_MIN: u32 = 1 << 30;

/// A granule has at most this many rows.
pub(crate) const GRANULE_ROWS_MAX: usize = 1 << 20;

/// A part has at most this many granules.
pub(crate) const GRANULES_MAX: usize = 1 << 16;

/// A row of a part has at least this many bytes, so that the prelude fits in the first.
pub(crate) const ROW_BYTES_MIN: usize = 64;

/// The stream that holds the header.
pub(crate) const HEADER_STREAM: u32 = 0;

/// The checksum of a column's Bloom filter; seeded, so that one in the place of another is noticed.
pub(crate) fn bloom_checksum(column_id: u32, filter: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(u64::from(column_id), filter)
}

/// How the columns of a part are spread over streams. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Layout {
    /// Everything in stream 0: few rows, for small parts.
    #[default]
    Compact = 0,
    /// Each column in a stream of its own, for large parts.
    Wide = 1,
}

impl Layout {
    /// The stream that holds a column.
    pub(crate) fn stream(self, column_id: u32) -> u32 {
        match self {
            Layout::Compact => HEADER_STREAM,
            // Ids below u32::MAX are checked by schemas and by readers.
            Layout::Wide => column_id.saturating_add(1),
        }
    }
}

/// Names one row of a part. `(0, 0)` is the first row of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// 0 for the header (and everything else in a compact part), else column id + 1.
    pub stream: u32,
    /// The position of the row in its stream.
    pub seq: u32,
}

/// Where one column of one granule lies; for inspection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The column's id.
    pub column: u32,
    /// The granule.
    pub granule: usize,
    /// The stream.
    pub stream: u32,
    /// The first byte, from the start of the stream.
    pub offset: u64,
    /// Bytes; 0 when every value is null and nothing is stored.
    pub bytes: u32,
    /// The codec of the values.
    pub codec: Codec,
}
