//! The head row of a table: its state as bytes. One row holds the exact counts, the list of parts
//! and the freshest rows, so that a commit is one row written and a count one row read. The bytes
//! are specified in docs/format.md. Not here: what the state means ([`crate::state`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_buffer::Buffer;
use dodb_part::json::PathSummary;
use dodb_part::{ColumnStats, ColumnType, Sbbf};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use roaring::RoaringBitmap;

use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::state::{PartState, Paths, TableState};
use crate::table::TableDef;
use crate::warm::{Warm, WarmHead};

#[derive(Encode, Decode)]
struct HeadDisk {
    #[n(0)]
    generation: u64,
    #[n(1)]
    next_part: u64,
    #[n(2)]
    rows: u64,
    #[n(3)]
    summary: BTreeMap<u32, ColumnStats>,
    #[n(4)]
    parts: Vec<PartDisk>,
    #[n(5)]
    garbage: Vec<u64>,
    #[n(6)]
    id_buckets: u32,
    /// Missing in heads of before there were any.
    #[n(7)]
    paths: Option<BTreeMap<u32, PathSummary>>,
    /// Missing while no row is in a bucket.
    #[n(8)]
    warm: Option<WarmHead>,
}

#[derive(Encode, Decode)]
struct PartDisk {
    #[n(0)]
    no: u64,
    #[n(1)]
    rows: u64,
    #[n(2)]
    granules: u32,
    #[n(3)]
    bytes: u64,
    #[n(4)]
    deleted: Option<ByteVec>,
    #[n(5)]
    zones: BTreeMap<u32, ColumnStats>,
    #[n(6)]
    filter: Option<ByteVec>,
    #[n(7)]
    in_ids: bool,
    #[n(8)]
    fresh: Option<ByteVec>,
    /// Missing in heads of before it was noted.
    #[n(9)]
    born_ms: Option<i64>,
    /// Likewise.
    #[n(10)]
    decoded_bytes: Option<u64>,
}

/// The head row of `state`.
///
/// # Errors
/// The row would pass `bytes_max`.
pub(crate) fn encode(state: &TableState, bytes_max: usize) -> Result<Vec<u8>> {
    let disk = HeadDisk {
        generation: state.generation,
        next_part: state.next_part,
        rows: state.rows,
        summary: state.summary.clone(),
        parts: state.parts.iter().map(|p| part_to_disk(p)).collect(),
        garbage: state.garbage.clone(),
        id_buckets: state.id_buckets,
        paths: Some(state.paths.iter().map(|(id, paths)| (*id, (**paths).clone())).collect()),
        warm: state.warm.as_ref().map(|warm| warm.head.clone()),
    };
    let place = place(&state.def);
    let payload = minicbor::to_vec(&disk).map_err(|e| Error::corrupt(&place, e.to_string()))?;
    if payload.len() > bytes_max {
        return Err(Error::TooManyParts {
            table: state.def.name.clone(),
            parts: state.parts.len(),
            max: bytes_max,
        });
    }
    Ok(frame::seal(Magic::Head, &payload))
}

/// The state that a head row holds.
pub(crate) fn decode(def: Arc<TableDef>, row: &[u8]) -> Result<TableState> {
    let place = place(&def);
    let payload = frame::open(Magic::Head, &place, row)?;
    let disk: HeadDisk =
        minicbor::decode(payload).map_err(|e| Error::corrupt(&place, e.to_string()))?;
    let parts = disk
        .parts
        .into_iter()
        .map(|p| part_from_disk(p, &place).map(Arc::new))
        .collect::<Result<Vec<_>>>()?;
    let hot: u64 = parts.iter().map(|p| p.live()).sum();
    let live = hot + disk.warm.as_ref().map_or(0, |warm| warm.rows);
    if live != disk.rows {
        let detail = format!("it counts {} rows but its parts and files hold {live}", disk.rows);
        return Err(Error::corrupt(place, detail));
    }
    if !disk.id_buckets.is_power_of_two() {
        return Err(Error::corrupt(place, format!("it names {} id buckets", disk.id_buckets)));
    }
    let mut summary = disk.summary;
    summary.retain(|id, _| def.schema.by_id(*id).is_some_and(|c| c.ty != ColumnType::Json));
    let mut paths = match disk.paths {
        Some(paths) => paths.into_iter().map(|(id, paths)| (id, Arc::new(paths))).collect(),
        None => unknown_paths(&def),
    };
    paths.retain(|id, _| def.schema.by_id(*id).is_some());
    Ok(TableState {
        def,
        generation: disk.generation,
        next_part: disk.next_part,
        rows: disk.rows,
        summary,
        paths,
        parts,
        garbage: disk.garbage,
        id_buckets: disk.id_buckets,
        warm: disk.warm.map(Warm::unread),
        attached: None,
    })
}

fn unknown_paths(def: &TableDef) -> Paths {
    let columns = def.schema.columns().iter().filter(|c| c.ty == ColumnType::Json);
    columns.map(|c| (c.id, Arc::new(PathSummary::unknown()))).collect()
}

fn place(def: &TableDef) -> String {
    format!("the head row of table `{}`", def.name)
}

fn part_to_disk(part: &PartState) -> PartDisk {
    PartDisk {
        no: part.no,
        rows: part.rows,
        granules: part.granules,
        bytes: part.bytes,
        deleted: deletions_to_disk(part.deleted.as_deref()),
        zones: part.zones.as_ref().clone(),
        filter: part.filter.as_ref().map(|f| ByteVec::from(f.as_bytes().to_vec())),
        in_ids: part.in_ids,
        fresh: part.fresh.as_ref().map(|f| ByteVec::from(f.as_slice().to_vec())),
        born_ms: part.born_ms,
        decoded_bytes: part.decoded_bytes,
    }
}

fn part_from_disk(disk: PartDisk, place: &str) -> Result<PartState> {
    let deleted = deletions_from_disk(disk.deleted, disk.no, disk.rows, place)?;
    let filter = match disk.filter {
        None => None,
        Some(bytes) => Some(Arc::new(Sbbf::from_bytes(&bytes).map_err(|e| Error::part(place, e))?)),
    };
    Ok(PartState {
        no: disk.no,
        rows: disk.rows,
        granules: disk.granules,
        bytes: disk.bytes,
        decoded_bytes: disk.decoded_bytes,
        deleted,
        zones: Arc::new(disk.zones),
        filter,
        in_ids: disk.in_ids,
        fresh: disk.fresh.map(|bytes| Buffer::from_vec(Vec::from(bytes))),
        born_ms: disk.born_ms,
        file: None,
        guard: Arc::new(()),
    })
}

/// Deleted rows as they are written.
pub(crate) fn deletions_to_disk(deleted: Option<&RoaringBitmap>) -> Option<ByteVec> {
    let rows = deleted?;
    let mut out = Vec::with_capacity(rows.serialized_size());
    // Writing to a Vec cannot fail.
    let _ = rows.serialize_into(&mut out);
    Some(ByteVec::from(out))
}

/// Deleted rows of part `no`, which has `rows` rows. `place` names the row they are read from.
pub(crate) fn deletions_from_disk(
    bytes: Option<ByteVec>,
    no: u64,
    rows: u64,
    place: &str,
) -> Result<Option<Arc<RoaringBitmap>>> {
    let Some(bytes) = bytes else { return Ok(None) };
    let deleted = RoaringBitmap::deserialize_from(bytes.as_slice())
        .map_err(|e| Error::corrupt(place, format!("deletions of a part: {e}")))?;
    if deleted.max().is_some_and(|max| u64::from(max) >= rows) {
        return Err(Error::corrupt(place, format!("part {no} has deletions past its rows")));
    }
    Ok(Some(Arc::new(deleted)))
}
