//! Opening a part: prelude and header to a [`PartReader`].

use std::collections::HashMap;

use arrow_buffer::Buffer;

use super::json::JsonColumn;
use super::{Header, PartColumn, PartReader};
use crate::error::{Error, Result};
use crate::json::{PathStep, Role, Sub, steps_of};
use crate::layout::{
    ColumnHeader, HEADER_STREAM, JsonHeader, Layout, PRELUDE_BYTES, Prelude, RowKey,
};
use crate::schema::ColumnType;
use crate::stats::ColumnStats;

pub(super) fn open(fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>) -> Result<PartReader> {
    let first = fetch(RowKey { stream: HEADER_STREAM, seq: 0 })?;
    let prelude = Prelude::from_bytes(&first)?;
    let header_end = PRELUDE_BYTES + prelude.header_stored_bytes as usize;
    let row_bytes = prelude.row_bytes as usize;
    let (last_seq, last, joined) = fetch_header(first, row_bytes, header_end, fetch)?;
    let bytes = joined.as_slice();
    let split = bytes.get(..header_end).and_then(|bytes| bytes.split_at_checked(PRELUDE_BYTES));
    let Some((prelude_bytes, stored)) = split else {
        return Err(Error::corrupt("part header", "it is cut short"));
    };
    Prelude::verify(prelude_bytes, stored)?;
    let header = Header::from_bytes(stored, prelude.header_raw_bytes as usize)?;
    // A row of a longer header may end with it; then nothing in it is needed again.
    let data_follows = last_seq * row_bytes + last.len() > header_end;
    let keep = prelude.layout == Layout::Compact && data_follows;
    let held = keep.then_some((last_seq as u32, last));
    build(header, &prelude, header_end as u64, held)
}

/// The last row that holds a part of the header, its number, and the rows up to it, joined.
fn fetch_header(
    first: Buffer,
    row_bytes: usize,
    header_end: usize,
    fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
) -> Result<(usize, Buffer, Buffer)> {
    if header_end <= row_bytes {
        return Ok((0, first.clone(), first));
    }
    let mut joined = Vec::new();
    let mut row = first;
    let mut seq = 0usize;
    loop {
        let expected = row_bytes.min(header_end - joined.len());
        if row.len() < expected || row.len() > row_bytes {
            let detail = format!("row {seq} has {} bytes, {expected} expected", row.len());
            return Err(Error::corrupt("part header", detail));
        }
        joined.extend_from_slice(&row);
        if joined.len() >= header_end {
            return Ok((seq, row, Buffer::from_vec(joined)));
        }
        seq += 1;
        // A header has at most 32 MiB and a row at least 64 bytes.
        row = fetch(RowKey { stream: HEADER_STREAM, seq: seq as u32 })?;
    }
}

fn build(
    header: Header,
    prelude: &Prelude,
    header_end: u64,
    held: Option<(u32, Buffer)>,
) -> Result<PartReader> {
    let base = match prelude.layout {
        Layout::Compact => header_end,
        Layout::Wide => 0,
    };
    let mut granule_starts = Vec::with_capacity(header.granule_rows.len() + 1);
    let mut row = 0;
    granule_starts.push(row);
    for rows in &header.granule_rows {
        row += u64::from(*rows);
        granule_starts.push(row);
    }
    let mut columns = Vec::with_capacity(header.columns.len());
    let mut index_by_id = HashMap::with_capacity(header.columns.len());
    for (index, column) in header.columns.into_iter().enumerate() {
        if index_by_id.insert(column.id, index).is_some() {
            let detail = format!("column {} occurs twice", column.id);
            return Err(Error::corrupt("part header", detail));
        }
        let granule_stats = column.granule_stats(&header.granule_rows);
        let stream = prelude.layout.stream(column.id);
        columns.push(part_column(column, granule_stats, stream, base)?);
    }
    let mut json = HashMap::new();
    for outer in header.json.into_iter().flatten() {
        let id = outer.column;
        if json.insert(id, json_column(outer, prelude.layout, base)?).is_some() {
            let detail = format!("column {id} has subcolumns twice");
            return Err(Error::corrupt("part header", detail));
        }
    }
    Ok(PartReader {
        layout: prelude.layout,
        row_bytes: u64::from(prelude.row_bytes),
        row_count: header.row_count,
        granule_starts,
        columns,
        index_by_id,
        json,
        held,
    })
}

fn part_column(
    header: ColumnHeader,
    granule_stats: Vec<ColumnStats>,
    stream: u32,
    base: u64,
) -> Result<PartColumn> {
    let ty = ColumnType::parse(&header.type_name)?;
    let mut starts = Vec::with_capacity(header.segment_bytes.len() + 1);
    // The header's check bounds the sum.
    let mut start = base + header.offset;
    starts.push(start);
    for bytes in &header.segment_bytes {
        start += u64::from(*bytes);
        starts.push(start);
    }
    Ok(PartColumn { ty, header, granule_stats, starts, stream })
}

fn json_column(outer: JsonHeader, layout: Layout, base: u64) -> Result<JsonColumn> {
    let mut subs = Vec::with_capacity(outer.subs.len());
    let mut columns = Vec::with_capacity(outer.subs.len());
    for sub in outer.subs {
        let Some(role) = Role::from_byte(sub.role) else {
            return Err(Error::corrupt("part header", format!("no role has number {}", sub.role)));
        };
        let Some(steps) = steps_of(&sub.path) else {
            return Err(Error::corrupt("part header", format!("no path is {:?}", sub.path)));
        };
        let listed = steps.contains(&PathStep::Elements);
        let stream = layout.stream(if sub.own_stream { sub.column.id } else { outer.column });
        let column = part_column(sub.column, Vec::new(), stream, base)?;
        if column.ty != role.column_type(listed) {
            let detail = format!("{} at {:?} as {:?}", column.ty, sub.path, role);
            return Err(Error::corrupt("part header", detail));
        }
        subs.push(Sub { path: sub.path, role, listed, since: sub.since });
        columns.push(column);
    }
    Ok(JsonColumn::new(subs, columns))
}
