//! The header of a part: granules, columns, segments and statistics, as CBOR, compressed with
//! zstd when that makes it smaller.

use super::prelude::HEADER_BYTES_MAX;
use super::{GRANULE_ROWS_MAX, GRANULES_MAX};
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::stats::ColumnStats;
use crate::value::Scalar;

/// The level of zstd for headers.
const ZSTD_LEVEL: i32 = 3;

/// Shorter headers are not compressed.
const COMPRESSIBLE_BYTES_MIN: usize = 256;

/// What a part holds.
#[derive(Debug, Clone, PartialEq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct Header {
    /// The rows of each granule.
    #[n(0)]
    pub(crate) granule_rows: Vec<u32>,
    /// Rows of a part without columns and granules are counted here too.
    #[n(1)]
    pub(crate) row_count: u64,
    #[n(2)]
    pub(crate) columns: Vec<ColumnHeader>,
    /// JSON columns that are stored as subcolumns; missing in version 1.
    #[n(3)]
    pub(crate) json: Option<Vec<JsonHeader>>,
}

/// A JSON column that is stored as subcolumns. Its own segments hold the shapes.
#[derive(Debug, Clone, PartialEq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct JsonHeader {
    /// The id of the column.
    #[n(0)]
    pub(crate) column: u32,
    #[n(1)]
    pub(crate) subs: Vec<SubHeader>,
}

/// One column that a JSON column is stored as.
#[derive(Debug, Clone, PartialEq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct SubHeader {
    #[n(0)]
    pub(crate) role: u8,
    #[n(1)]
    pub(crate) path: String,
    /// The first granule from which on values of the path are nowhere else.
    #[n(2)]
    pub(crate) since: u32,
    /// Whether it has a stream of its own in a wide part; else it is in the stream of its column.
    #[n(3)]
    pub(crate) own_stream: bool,
    #[n(4)]
    pub(crate) column: ColumnHeader,
}

/// One column of a part. The lists have one entry for each granule.
#[derive(Debug, Clone, PartialEq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct ColumnHeader {
    #[n(0)]
    pub(crate) id: u32,
    /// The type by name, as `ColumnType::parse` reads it.
    #[n(1)]
    pub(crate) type_name: String,
    /// The first segment, from the end of the header (compact) or the start of the stream (wide).
    /// Segments follow one another, and then the Bloom filter.
    #[n(2)]
    pub(crate) offset: u64,
    /// The bytes of each segment; 0 when every value is null.
    #[n(3)]
    pub(crate) segment_bytes: Vec<u32>,
    /// The codec of each segment.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub(crate) codecs: Vec<u8>,
    /// The bytes of the Bloom filter; 0 when there is none.
    #[n(5)]
    pub(crate) bloom_bytes: u32,
    /// Statistics of the whole part.
    #[n(6)]
    pub(crate) stats: ColumnStats,
    #[n(7)]
    pub(crate) nulls: Vec<u32>,
    #[n(8)]
    pub(crate) mins: Vec<Option<Scalar>>,
    #[n(9)]
    pub(crate) maxs: Vec<Option<Scalar>>,
    /// One byte for each granule: 1 when its min and max are exact.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub(crate) exact: Vec<u8>,
}

impl ColumnHeader {
    /// The bytes of all segments and the Bloom filter.
    pub(crate) fn stored_bytes(&self) -> u64 {
        let segments = self.segment_bytes.iter().map(|bytes| u64::from(*bytes)).sum::<u64>();
        segments + u64::from(self.bloom_bytes)
    }

    /// Adds the statistics of the next granule.
    pub(crate) fn push_granule_stats(&mut self, stats: ColumnStats) {
        self.nulls.push(u32::try_from(stats.nulls).unwrap_or(u32::MAX));
        self.mins.push(stats.min);
        self.maxs.push(stats.max);
        self.exact.push(u8::from(stats.exact));
    }

    /// The statistics of each granule.
    pub(crate) fn granule_stats(&self, granule_rows: &[u32]) -> Vec<ColumnStats> {
        let rows = granule_rows.iter().enumerate();
        rows.filter_map(|(granule, rows)| self.stats_of_granule(granule, *rows)).collect()
    }

    /// The statistics of one granule of `rows` rows.
    pub(crate) fn stats_of_granule(&self, granule: usize, rows: u32) -> Option<ColumnStats> {
        Some(ColumnStats {
            rows: u64::from(rows),
            nulls: u64::from(*self.nulls.get(granule)?),
            min: self.mins.get(granule)?.clone(),
            max: self.maxs.get(granule)?.clone(),
            exact: *self.exact.get(granule)? == 1,
            distinct: 0,
            values: None,
        })
    }
}

impl Header {
    /// The header as stored, and its size before compression.
    pub(crate) fn to_bytes(&self) -> Result<(Vec<u8>, u32)> {
        let raw = minicbor::to_vec(self)
            .map_err(|error| Error::Encode { what: "part header", detail: error.to_string() })?;
        let raw_bytes = u32::try_from(raw.len()).unwrap_or(u32::MAX);
        if raw_bytes > HEADER_BYTES_MAX {
            return Err(Error::Limit {
                what: "part header".into(),
                detail: format!(
                    "{} columns and {} granules need {} bytes, at most {HEADER_BYTES_MAX}; \
                     write smaller parts or larger granules",
                    self.columns.len(),
                    self.granule_rows.len(),
                    raw.len()
                ),
            });
        }
        if raw.len() >= COMPRESSIBLE_BYTES_MIN {
            let small = zstd::bulk::compress(&raw, ZSTD_LEVEL).map_err(|error| Error::Encode {
                what: "part header",
                detail: error.to_string(),
            })?;
            if small.len() < raw.len() {
                return Ok((small, raw_bytes));
            }
        }
        Ok((raw, raw_bytes))
    }

    /// Reads a stored header and checks that its parts fit together.
    pub(crate) fn from_bytes(stored: &[u8], raw_bytes: usize) -> Result<Header> {
        let raw;
        let bytes = if stored.len() == raw_bytes {
            stored
        } else {
            raw = zstd::bulk::decompress(stored, raw_bytes).map_err(corrupt)?;
            raw.as_slice()
        };
        let header: Header = minicbor::decode(bytes).map_err(corrupt)?;
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<()> {
        if self.granule_rows.len() > GRANULES_MAX {
            return Err(corrupt(format!("{} granules", self.granule_rows.len())));
        }
        let mut rows = 0u64;
        for granule in &self.granule_rows {
            if !(1..=GRANULE_ROWS_MAX).contains(&(*granule as usize)) {
                return Err(corrupt(format!("a granule of {granule} rows")));
            }
            rows += u64::from(*granule);
        }
        if rows != self.row_count {
            return Err(corrupt(format!("{} rows, but granules of {rows}", self.row_count)));
        }
        self.columns.iter().try_for_each(|column| self.check_column(column))?;
        for json in self.json.iter().flatten() {
            if !self.columns.iter().any(|column| column.id == json.column) {
                return Err(corrupt(format!("subcolumns of column {}, not there", json.column)));
            }
            json.subs.iter().try_for_each(|sub| self.check_column(&sub.column))?;
        }
        Ok(())
    }

    fn check_column(&self, column: &ColumnHeader) -> Result<()> {
        let granules = self.granule_rows.len();
        let lists = [
            column.segment_bytes.len(),
            column.codecs.len(),
            column.nulls.len(),
            column.mins.len(),
            column.maxs.len(),
            column.exact.len(),
        ];
        let fail = |detail: &str| Err(corrupt(format!("column {}: {detail}", column.id)));
        if lists.iter().any(|length| *length != granules) {
            return fail("a list has not one entry for each granule");
        }
        if column.id == u32::MAX {
            return fail("the id is reserved");
        }
        if column.offset.checked_add(column.stored_bytes()).is_none_or(|end| end >= 1 << 62) {
            return fail("the offset is out of range");
        }
        if column.stats.rows != self.row_count || column.stats.nulls > column.stats.rows {
            return fail("the statistics count other rows");
        }
        if column.nulls.iter().zip(&self.granule_rows).any(|(nulls, rows)| nulls > rows) {
            return fail("a granule has more nulls than rows");
        }
        column.codecs.iter().try_for_each(|codec| Codec::from_byte(*codec).map(|_| ()))
    }
}

fn corrupt(detail: impl ToString) -> Error {
    Error::corrupt("part header", detail)
}
