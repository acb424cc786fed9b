//! Finished columns to rows: offsets, header, and cutting streams to the size of a row.

use super::column::{ColumnWriter, bloom};
use super::{PartImage, PartRow, WriteOptions};
use crate::error::{Error, Result};
use crate::layout::{ColumnHeader, HEADER_STREAM, Header, Layout, Prelude, RowKey, bloom_checksum};
use crate::value::Scalar;

/// Value counts of all columns together take at most this much of a header.
const VALUES_BYTES_MAX: usize = 256 << 10;

/// The part of these columns.
pub(super) fn assemble(
    columns: Vec<ColumnWriter>,
    granule_rows: Vec<u32>,
    row_count: u64,
    options: &WriteOptions,
) -> Result<PartImage> {
    let mut headers = Vec::with_capacity(columns.len());
    let mut bodies = Vec::with_capacity(columns.len());
    for column in columns {
        let (header, bytes, hashes) = column.finish();
        headers.push(header);
        bodies.push((bytes, hashes));
    }
    bound_values(&mut headers);
    let mut offset = 0;
    let mut streams = Vec::with_capacity(headers.len());
    for (header, (mut bytes, hashes)) in headers.iter_mut().zip(bodies) {
        if let Some(hashes) = hashes.filter(|_| header.stats.values.is_none()) {
            header.bloom_bytes = append_bloom(&mut bytes, header.id, hashes, options)?;
        }
        header.offset = offset;
        if options.layout == Layout::Compact {
            offset += bytes.len() as u64;
        }
        streams.push((options.layout.stream(header.id), bytes));
    }
    let stats = headers.iter().map(|header| (header.id, header.stats.clone())).collect();
    let header = Header { granule_rows, row_count, columns: headers };
    let mut cutter = Cutter::new(options.row_bytes_max);
    write_header(&mut cutter, &header, options)?;
    for (stream, bytes) in streams {
        cutter.push(stream, &bytes)?;
    }
    Ok(PartImage { rows: cutter.finish(), row_count, stats })
}

fn write_header(cutter: &mut Cutter, header: &Header, options: &WriteOptions) -> Result<()> {
    let (stored, header_raw_bytes) = header.to_bytes()?;
    let prelude = Prelude {
        layout: options.layout,
        // Bounded by the check of the options and of the header.
        row_bytes: options.row_bytes_max as u32,
        header_stored_bytes: stored.len() as u32,
        header_raw_bytes,
    };
    cutter.push(HEADER_STREAM, &prelude.to_bytes(&stored))?;
    cutter.push(HEADER_STREAM, &stored)
}

/// Appends checksum and filter; returns the bytes appended.
fn append_bloom(
    bytes: &mut Vec<u8>,
    column_id: u32,
    hashes: Vec<u64>,
    options: &WriteOptions,
) -> Result<u32> {
    let filter = bloom(hashes, options.bloom_bits_per_key);
    let filter = filter.as_bytes();
    let start = bytes.len();
    bytes.extend_from_slice(&bloom_checksum(column_id, filter).to_le_bytes());
    bytes.extend_from_slice(filter);
    u32::try_from(bytes.len() - start).map_err(|_| Error::Limit {
        what: "Bloom filter".into(),
        detail: format!("{} bytes", filter.len()),
    })
}

/// Drops the largest value counts until the rest is small enough for a header.
fn bound_values(headers: &mut [ColumnHeader]) {
    let size = |header: &ColumnHeader| match &header.stats.values {
        Some(values) => values.iter().map(|(value, _)| scalar_bytes(value) + 4).sum(),
        None => 0usize,
    };
    let mut sizes: Vec<(usize, usize)> = headers.iter().map(size).zip(0..).collect();
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    sizes.sort_unstable();
    while total > VALUES_BYTES_MAX
        && let Some((size, index)) = sizes.pop()
    {
        if let Some(header) = headers.get_mut(index) {
            header.stats.values = None;
        }
        total -= size;
    }
}

fn scalar_bytes(value: &Scalar) -> usize {
    match value {
        Scalar::String(text) => text.len() + 4,
        Scalar::Bytes(bytes) => bytes.len() + 4,
        Scalar::Decimal(_) => 20,
        _ => 12,
    }
}

/// Cuts streams in rows.
struct Cutter {
    row_bytes: usize,
    rows: Vec<PartRow>,
}

impl Cutter {
    fn new(row_bytes: usize) -> Cutter {
        Cutter { row_bytes, rows: Vec::new() }
    }

    /// Appends to a stream; the bytes of one stream come together.
    fn push(&mut self, stream: u32, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let row = match self.rows.last_mut() {
                Some(row) if row.key.stream == stream && row.bytes.len() < self.row_bytes => row,
                last => {
                    let key = next_key(last.as_deref(), stream)?;
                    let capacity = bytes.len().min(self.row_bytes);
                    self.rows.push(PartRow { key, bytes: Vec::with_capacity(capacity) });
                    continue;
                }
            };
            let room = self.row_bytes - row.bytes.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            row.bytes.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn finish(self) -> Vec<PartRow> {
        self.rows
    }
}

fn next_key(last: Option<&PartRow>, stream: u32) -> Result<RowKey> {
    let seq = match last {
        Some(row) if row.key.stream == stream => row.key.seq.checked_add(1),
        _ => Some(0),
    };
    let limit = || Error::Limit { what: "stream".into(), detail: "too many rows".into() };
    Ok(RowKey { stream, seq: seq.ok_or_else(limit)? })
}
