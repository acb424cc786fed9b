//! The rows of a part back to arrays. Fetches only the rows that are asked for, through a
//! function of the caller; keeps no row but the first. Never panics, whatever the rows hold.

mod json;
mod open;

pub use json::{PartPath, documents_path};

use std::collections::HashMap;
use std::ops::Range;

use arrow_array::{ArrayRef, BooleanArray, new_null_array};
use arrow_buffer::{BooleanBuffer, Buffer};

use crate::bloom::Sbbf;
use crate::codec::Codec;
use crate::codec::segment::{decode_with, seed};
use crate::error::{Error, Result};
use crate::layout::{ColumnHeader, HEADER_STREAM, Header, Layout, RowKey, Segment, bloom_checksum};
use crate::schema::{Column, ColumnType};
use crate::stats::ColumnStats;
use json::JsonColumn;

/// The checksum before a Bloom filter.
const CHECKSUM_BYTES: usize = 8;

/// One column of an open part.
#[derive(Debug)]
struct PartColumn {
    ty: ColumnType,
    header: ColumnHeader,
    granule_stats: Vec<ColumnStats>,
    /// The first byte of each segment, from the start of the stream; the Bloom filter's is last.
    starts: Vec<u64>,
    stream: u32,
}

/// An open part: its header, decoded. Cheap to keep.
#[derive(Debug)]
pub struct PartReader {
    layout: Layout,
    row_bytes: u64,
    row_count: u64,
    /// The first row of each granule, and the row count.
    granule_starts: Vec<u64>,
    columns: Vec<PartColumn>,
    index_by_id: HashMap<u32, usize>,
    /// JSON columns stored as subcolumns, by column id.
    json: HashMap<u32, JsonColumn>,
    /// The last row of the header, when segments follow it there.
    held: Option<(u32, Buffer)>,
}

/// Some bytes of one stream.
#[derive(Debug, Clone, Copy)]
struct Extent {
    stream: u32,
    start: u64,
    bytes: u32,
}

impl PartReader {
    /// Opens a part: fetches the row `(0, 0)` and, for a long header, the rows after it.
    ///
    /// # Errors
    /// What `fetch` returns; [`Error::Corrupt`] or [`Error::Unsupported`] for other bytes.
    pub fn open(fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>) -> Result<PartReader> {
        open::open(fetch)
    }

    /// The rows of the table in this part.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// How many granules there are.
    pub fn granule_count(&self) -> usize {
        self.granule_starts.len().saturating_sub(1)
    }

    /// The rows of a granule; empty for one that is not there.
    pub fn granule_rows(&self, granule: usize) -> Range<u64> {
        match self.granule_starts.get(granule..) {
            Some([start, end, ..]) => *start..*end,
            _ => self.row_count..self.row_count,
        }
    }

    /// The ids of the columns that are stored.
    pub fn column_ids(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|column| column.header.id)
    }

    /// The type that a column had when it was written.
    pub fn column_type(&self, column: u32) -> Option<&ColumnType> {
        Some(&self.column(column)?.ty)
    }

    /// The statistics of a column over the whole part.
    pub fn stats(&self, column: u32) -> Option<&ColumnStats> {
        Some(&self.column(column)?.header.stats)
    }

    /// The statistics of a column over one granule: rows, nulls, min and max.
    pub fn granule_stats(&self, column: u32, granule: usize) -> Option<&ColumnStats> {
        self.column(column)?.granule_stats.get(granule)
    }

    /// The rows that hold one column of one granule, without the one that the reader holds.
    pub fn row_keys(&self, column: u32, granule: usize) -> Vec<RowKey> {
        let extent = self.column(column).and_then(|column| self.segment_extent(column, granule));
        extent.map(|extent| self.keys_to_fetch(extent)).unwrap_or_default()
    }

    /// The bytes of a column: its segments and its Bloom filter.
    pub fn encoded_bytes(&self, column: u32) -> u64 {
        self.column(column).map(|column| column.header.stored_bytes()).unwrap_or_default()
    }

    /// How the part is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Every segment, column by column; for inspection.
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        for column in &self.columns {
            for (granule, codec) in column.header.codecs.iter().enumerate() {
                let extent = self.segment_extent(column, granule);
                if let (Some(extent), Ok(codec)) = (extent, Codec::from_byte(*codec)) {
                    segments.push(Segment {
                        column: column.header.id,
                        granule,
                        stream: extent.stream,
                        offset: extent.start,
                        bytes: extent.bytes,
                        codec,
                    });
                }
            }
        }
        segments
    }

    /// Reads one column of one granule, in its column's Arrow type. A column that the part does
    /// not have is all null. `fetch` is called once for each of [`PartReader::row_keys`].
    ///
    /// # Errors
    /// What `fetch` returns; [`Error::Type`] when the column had another type when it was
    /// written; [`Error::Corrupt`] for damaged bytes; [`Error::Value`] for a granule that is not
    /// there.
    pub fn read(
        &self,
        column: &Column,
        granule: usize,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<ArrayRef> {
        if granule >= self.granule_count() {
            let detail = format!("granule {granule} of {}", self.granule_count());
            return Err(Error::bad_value("a read of a part", detail));
        }
        let range = self.granule_rows(granule);
        let rows = usize::try_from(range.end - range.start).unwrap_or_default();
        let Some(found) = self.column(column.id) else {
            return Ok(new_null_array(&column.ty.arrow(), rows));
        };
        if found.ty != column.ty {
            let detail = format!("the part holds {}, {} was asked for", found.ty, column.ty);
            return Err(Error::wrong_type(format!("column {:?}", column.name), detail));
        }
        if let Some(documents) = self.read_documents(column, granule, None, fetch)? {
            return Ok(documents);
        }
        match self.segment_extent(found, granule) {
            Some(extent) if extent.bytes > 0 => {
                let bytes = self.bytes(extent, fetch)?;
                decode_with(&found.ty, rows, bytes, seed(column.id, granule))
            }
            _ => Ok(new_null_array(&column.ty.arrow(), rows)),
        }
    }

    /// Like [`PartReader::read`], of the rows in `selection` only: as many as are set in it. Saves
    /// putting documents together that nobody wants.
    ///
    /// # Errors
    /// As for [`PartReader::read`].
    pub fn read_selected(
        &self,
        column: &Column,
        granule: usize,
        selection: &BooleanBuffer,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<ArrayRef> {
        let rows = self.granule_rows(granule);
        let is_whole = selection.len() as u64 == rows.end - rows.start;
        if column.ty == ColumnType::Json
            && is_whole
            && let Some(documents) = self.read_documents(column, granule, Some(selection), fetch)?
        {
            return Ok(documents);
        }
        let array = self.read(column, granule, fetch)?;
        Ok(arrow_select::filter::filter(&array, &BooleanArray::new(selection.clone(), None))?)
    }

    /// About how many bytes the open part takes in memory.
    pub fn memory_bytes(&self) -> usize {
        let held = self.held.as_ref().map_or(0, |(_, row)| row.len());
        let subs = self.json.values().flat_map(|json| &json.columns);
        let columns = self.columns.iter().chain(subs);
        let bytes = columns.map(|column| {
            let values = column.header.stats.values.as_ref().map_or(0, Vec::len);
            400 + 160 * self.granule_count() + 64 * values
        });
        held + bytes.sum::<usize>()
    }

    /// The rows that hold the Bloom filter of a column; empty when it has none, or when the
    /// reader holds it.
    pub fn bloom_row_keys(&self, column: u32) -> Vec<RowKey> {
        let extent = self.column(column).and_then(|column| self.bloom_extent(column));
        extent.map(|extent| self.keys_to_fetch(extent)).unwrap_or_default()
    }

    /// The Bloom filter over all values of a column; None when it has none.
    ///
    /// # Errors
    /// What `fetch` returns, and [`Error::Corrupt`] for damaged bytes.
    pub fn bloom(
        &self,
        column: u32,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<Option<Sbbf>> {
        self.column(column).map_or(Ok(None), |column| self.bloom_of(column, fetch))
    }

    fn bloom_of(
        &self,
        column: &PartColumn,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<Option<Sbbf>> {
        let Some(extent) = self.bloom_extent(column) else { return Ok(None) };
        let bytes = self.bytes(extent, fetch)?;
        match bytes.as_slice().split_first_chunk::<CHECKSUM_BYTES>() {
            Some((stored, filter))
                if bloom_checksum(column.header.id, filter) == u64::from_le_bytes(*stored) =>
            {
                Ok(Some(Sbbf::from_bytes(filter)?))
            }
            _ => Err(Error::corrupt("Bloom filter", "the checksum does not match")),
        }
    }

    fn column(&self, id: u32) -> Option<&PartColumn> {
        self.columns.get(*self.index_by_id.get(&id)?)
    }

    fn segment_extent(&self, column: &PartColumn, granule: usize) -> Option<Extent> {
        Some(Extent {
            stream: column.stream,
            start: *column.starts.get(granule)?,
            bytes: *column.header.segment_bytes.get(granule)?,
        })
    }

    fn bloom_extent(&self, column: &PartColumn) -> Option<Extent> {
        let bytes = column.header.bloom_bytes;
        let stream = column.stream;
        (bytes > 0).then_some(Extent { stream, start: *column.starts.last()?, bytes })
    }

    /// The rows of an extent, in order; too many for a key means corrupt, and none.
    fn seqs(&self, extent: Extent) -> Option<Range<u32>> {
        if extent.bytes == 0 {
            return Some(0..0);
        }
        let last = extent.start.checked_add(u64::from(extent.bytes) - 1)? / self.row_bytes;
        let first = extent.start / self.row_bytes;
        Some(u32::try_from(first).ok()?..u32::try_from(last).ok()?.checked_add(1)?)
    }

    fn keys_to_fetch(&self, extent: Extent) -> Vec<RowKey> {
        let held = self.held.as_ref().map(|(seq, _)| *seq);
        let seqs = self.seqs(extent).unwrap_or_default();
        seqs.filter(|seq| extent.stream != HEADER_STREAM || Some(*seq) != held)
            .map(|seq| RowKey { stream: extent.stream, seq })
            .collect()
    }

    /// The bytes of an extent; shares memory with the row when there is only one.
    fn bytes(
        &self,
        extent: Extent,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<Buffer> {
        let seqs = self.seqs(extent);
        let seqs = seqs.ok_or_else(|| Error::corrupt("part header", "an offset is too high"))?;
        let mut joined = Vec::new();
        let end = extent.start + u64::from(extent.bytes);
        for seq in seqs.clone() {
            let row = match &self.held {
                Some((held, row)) if extent.stream == HEADER_STREAM && *held == seq => row.clone(),
                _ => fetch(RowKey { stream: extent.stream, seq })?,
            };
            let row_start = u64::from(seq) * self.row_bytes;
            let from = (extent.start.max(row_start) - row_start) as usize;
            let to = (end.min(row_start + self.row_bytes) - row_start) as usize;
            if to > row.len() {
                let detail = format!(
                    "row {seq} of stream {} has {} bytes, {to} or more expected",
                    extent.stream,
                    row.len()
                );
                return Err(Error::corrupt("part", detail));
            }
            if seqs.len() == 1 {
                return Ok(row.slice_with_length(from, to - from));
            }
            joined.extend_from_slice(row.as_slice().get(from..to).unwrap_or_default());
        }
        Ok(Buffer::from_vec(joined))
    }
}
