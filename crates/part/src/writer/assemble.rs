//! Finished columns to rows: offsets, header, and cutting streams to the size of a row.

use std::collections::BTreeMap;

use super::column::{ColumnWriter, bloom};
use super::{PartImage, PartRow, StoredColumn, WriteOptions};
use crate::error::{Error, Result};
use crate::json::Sub;
use crate::layout::{
    ColumnHeader, HEADER_STREAM, Header, JsonHeader, Layout, Prelude, RowKey, SubHeader,
    bloom_checksum,
};
use crate::value::Scalar;

/// Value counts of all columns together take at most this much of a header.
const VALUES_BYTES_MAX: usize = 256 << 10;

/// A subcolumn of a wide part with so many bytes has a stream, and so a row, of its own.
const OWN_STREAM_BYTES_MIN: usize = 32 << 10;

/// A column that is finished but for its place.
struct Finished {
    header: ColumnHeader,
    bytes: Vec<u8>,
    hashes: Option<Vec<u64>>,
    /// For a subcolumn: of which JSON column, and what it is.
    sub: Option<(u32, Sub)>,
}

/// The part of these columns.
pub(super) fn assemble(
    columns: Vec<StoredColumn>,
    granule_rows: Vec<u32>,
    row_count: u64,
    options: &WriteOptions,
) -> Result<PartImage> {
    let mut finished = finish(columns);
    bound_values(finished.iter_mut().map(|column| &mut column.header).collect());
    let mut header =
        Header { granule_rows, row_count, columns: Vec::new(), json: Some(Vec::new()) };
    let mut streams: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for mut column in finished {
        if let Some(hashes) = column.hashes.filter(|_| column.header.stats.values.is_none()) {
            let id = column.header.id;
            column.header.bloom_bytes = append_bloom(&mut column.bytes, id, hashes, options)?;
        }
        let is_large = column.bytes.len() >= OWN_STREAM_BYTES_MIN;
        let own_stream = options.layout == Layout::Wide && is_large;
        let stream = match &column.sub {
            Some((outer, _)) if !own_stream => options.layout.stream(*outer),
            _ => options.layout.stream(column.header.id),
        };
        let stream = streams.entry(stream).or_default();
        column.header.offset = stream.len() as u64;
        stream.extend_from_slice(&column.bytes);
        place(&mut header, column.header, column.sub, own_stream);
    }
    let stats = header.columns.iter().map(|header| (header.id, header.stats.clone())).collect();
    let mut cutter = Cutter::new(options.row_bytes_max);
    write_header(&mut cutter, &header, options)?;
    for (stream, bytes) in streams {
        cutter.push(stream, &bytes)?;
    }
    Ok(PartImage { rows: cutter.finish(), row_count, stats })
}

/// The columns in the order in which they are stored: a JSON column, then its subcolumns.
fn finish(columns: Vec<StoredColumn>) -> Vec<Finished> {
    let mut finished = Vec::with_capacity(columns.len());
    let mut push = |column: ColumnWriter, sub| {
        let (header, bytes, hashes) = column.finish();
        finished.push(Finished { header, bytes, hashes, sub });
    };
    for column in columns {
        match column {
            StoredColumn::Plain(column) => push(*column, None),
            StoredColumn::Json(json) => {
                let outer = json.shapes.id();
                push(json.shapes, None);
                for (column, sub) in json.subs.into_iter().zip(json.shredder.subs()) {
                    push(column, Some((outer, sub.clone())));
                }
            }
        }
    }
    finished
}

/// Puts the header of a column in its place in the header of the part.
fn place(header: &mut Header, column: ColumnHeader, sub: Option<(u32, Sub)>, own_stream: bool) {
    let Some((outer, sub)) = sub else {
        header.columns.push(column);
        return;
    };
    let all = header.json.get_or_insert_default();
    if all.last().is_none_or(|json| json.column != outer) {
        all.push(JsonHeader { column: outer, subs: Vec::new() });
    }
    if let Some(json) = all.last_mut() {
        let (role, path, since) = (sub.role.byte(), sub.path, sub.since);
        json.subs.push(SubHeader { role, path, since, own_stream, column });
    }
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
fn bound_values(mut headers: Vec<&mut ColumnHeader>) {
    let size = |header: &&mut ColumnHeader| match &header.stats.values {
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
