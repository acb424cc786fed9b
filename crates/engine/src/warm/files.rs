//! The files of a table in the bucket as a state shows them: each a part whose rows are elsewhere,
//! listed in rows of `_manifest`, which are read only when a query needs them: what a count needs
//! is in the head row. The bytes are specified in docs/format.md. Not here: what is in a file
//! (`dodb-lake`), and how files come and go ([`super::commit`]).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use dodb_part::ColumnStats;
use dodb_rowstore::{Flow, Metered, Usage, Value};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::head::{deletions_from_disk, deletions_to_disk};
use crate::index::IndexHead;
use crate::state::{PartState, TableState};
use crate::statements;
use crate::table::TableDef;

/// A `_manifest` row takes no more files once it is larger than this.
const CHUNK_BYTES_MAX: usize = 700_000;

/// What a head row says of the rows in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(crate) struct WarmHead {
    /// The table's metadata: the pointer of the Iceberg table.
    #[n(0)]
    pub(crate) metadata: String,
    /// Raised whenever a file comes or goes; not when rows of one are deleted.
    #[n(1)]
    pub(crate) version: u64,
    #[n(2)]
    pub(crate) files: u64,
    /// Live rows.
    #[n(3)]
    pub(crate) rows: u64,
    #[n(4)]
    pub(crate) bytes: u64,
    /// Deleted rows that the Iceberg table does not know of yet.
    #[n(5)]
    pub(crate) unwritten_deletes: u64,
    /// How often rows were moved here.
    #[n(6)]
    pub(crate) flushes: u64,
    /// The index; missing while there is none.
    #[n(7)]
    pub(crate) index: Option<IndexHead>,
    /// The `_manifest` rows, and the first file of each; missing in older heads.
    #[n(8)]
    pub(crate) chunks: Option<Vec<(u32, u64)>>,
}

/// The files of a table, oldest first.
pub(crate) type Files = Arc<Vec<Arc<PartState>>>;

/// The warm tier of a table at one moment. Clones share the list of files, which is read once.
#[derive(Debug, Clone)]
pub(crate) struct Warm {
    pub(crate) head: WarmHead,
    files: Arc<OnceLock<Files>>,
    /// Rows of the list that were read by themselves. Held while a row is read: threads that want
    /// it at once read it once.
    some: Arc<Mutex<BTreeMap<u32, Files>>>,
}

/// What a part that is a file has besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WarmFile {
    pub(crate) uri: String,
    /// The `_manifest` row that lists it.
    pub(crate) chunk: u32,
    /// How many of its deleted rows the Iceberg table knows of.
    pub(crate) deletes_written: u64,
    /// A hash of the partition that its rows are of.
    pub(crate) partition: u64,
}

impl Warm {
    /// A list that is still to be read.
    pub(crate) fn unread(head: WarmHead) -> Warm {
        Warm { head, files: Arc::default(), some: Arc::default() }
    }

    /// With an index, if there is none yet.
    pub(crate) fn with_index(mut self) -> Warm {
        self.head.index.get_or_insert_with(IndexHead::new);
        self
    }

    /// The list, if it was read.
    pub(crate) fn in_memory(&self) -> Option<&Files> {
        self.files.get()
    }

    /// The next state, with other files.
    pub(crate) fn with(&self, files: Vec<Arc<PartState>>) -> Warm {
        let unwritten = |part: &Arc<PartState>| {
            let written = part.file.as_ref().map_or(0, |file| file.deletes_written);
            part.deleted_count().saturating_sub(written)
        };
        let head = WarmHead {
            files: files.len() as u64,
            rows: files.iter().map(|part| part.live()).sum(),
            bytes: files.iter().map(|part| part.bytes).sum(),
            unwritten_deletes: files.iter().map(unwritten).sum(),
            index: self.head.index.clone().and_then(|index| with_live(index, &files)),
            chunks: Some(chunks_of(&files)),
            ..self.head.clone()
        };
        let cell = OnceLock::new();
        let _ = cell.set(Arc::new(files));
        Warm { head, files: Arc::new(cell), some: Arc::default() }
    }
}

impl TableState {
    /// The files of the table. One row read for some thousands of them, once.
    pub(crate) fn files(&self, rows: &Metered, usage: &Usage) -> Result<Files> {
        let Some(warm) = &self.warm else { return Ok(Files::default()) };
        if let Some(files) = warm.in_memory() {
            return Ok(files.clone());
        }
        let _reading = warm.some.lock();
        if let Some(files) = warm.in_memory() {
            return Ok(files.clone());
        }
        let files = Arc::new(read(rows, self, &warm.head, usage)?);
        Ok(warm.files.get_or_init(|| files).clone())
    }

    /// Those of these files that the table has. Reads only the rows that list them.
    pub(crate) fn files_of(
        &self,
        numbers: &RoaringBitmap,
        rows: &Metered,
        usage: &Usage,
    ) -> Result<Vec<Arc<PartState>>> {
        let Some(warm) = &self.warm else { return Ok(Vec::new()) };
        let is_wanted = |file: &&Arc<PartState>| {
            u32::try_from(file.no).is_ok_and(|number| numbers.contains(number))
        };
        let (Some(chunks), None) = (&warm.head.chunks, warm.in_memory()) else {
            return Ok(self.files(rows, usage)?.iter().filter(is_wanted).cloned().collect());
        };
        let mut found = Vec::new();
        for (at, (chunk, first)) in chunks.iter().enumerate() {
            let next = chunks.get(at + 1).map_or(u64::MAX, |(_, next)| *next);
            let is_inside = |number: u32| (*first..next).contains(&u64::from(number));
            if !numbers.iter().any(is_inside) {
                continue;
            }
            let mut some = warm.some.lock();
            let files = match some.entry(*chunk) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(unread) => {
                    unread.insert(Arc::new(read_chunk(rows, self, *chunk, usage)?))
                }
            };
            found.extend(files.iter().filter(is_wanted).cloned());
        }
        Ok(found)
    }
}

/// The index of a table with these files; `None` when their numbers are past what it holds.
fn with_live(mut index: IndexHead, files: &[Arc<PartState>]) -> Option<IndexHead> {
    let live = files.iter().map(|file| u32::try_from(file.no).ok());
    index.keep(live.collect::<Option<RoaringBitmap>>()?);
    Some(index)
}

/// The rows that list these files, which ascend, and the first file of each.
fn chunks_of(files: &[Arc<PartState>]) -> Vec<(u32, u64)> {
    let mut chunks: Vec<(u32, u64)> = Vec::new();
    for (part, file) in files.iter().filter_map(|part| Some((part, part.file.as_ref()?))) {
        if chunks.last().is_none_or(|(last, _)| *last != file.chunk) {
            chunks.push((file.chunk, part.no));
        }
    }
    chunks
}

#[derive(Encode, Decode)]
struct ChunkDisk {
    /// The generation of the table that wrote the row.
    #[n(0)]
    generation: u64,
    #[n(1)]
    files: Vec<FileDisk>,
}

#[derive(Encode, Decode)]
struct FileDisk {
    #[n(0)]
    no: u64,
    #[n(1)]
    uri: String,
    #[n(2)]
    rows: u64,
    #[n(3)]
    bytes: u64,
    #[n(4)]
    deleted: Option<ByteVec>,
    #[n(5)]
    deletes_written: u64,
    #[n(6)]
    zones: BTreeMap<u32, ColumnStats>,
    /// Are its key hashes in the `_ids` rows?
    #[n(7)]
    in_ids: bool,
    /// A hash of the partition that its rows are of, to tell which files belong together.
    #[n(8)]
    partition: u64,
    /// Missing in lists of before it was noted.
    #[n(9)]
    decoded_bytes: Option<u64>,
}

fn read(
    rows: &Metered,
    state: &TableState,
    head: &WarmHead,
    usage: &Usage,
) -> Result<Vec<Arc<PartState>>> {
    let def = &state.def;
    let mut chunks: Vec<(u32, Vec<u8>)> = Vec::new();
    let params = [Value::Int(i64::from(def.id))];
    rows.exec(&statements::GET_MANIFEST, &params, usage, &mut |row| {
        if let (Some(Value::Int(chunk)), Some(Value::Blob(bytes))) = (row.first(), row.get(1)) {
            chunks.push((u32::try_from(*chunk).unwrap_or(u32::MAX), bytes.to_vec()));
        }
        Flow::Continue
    })?;
    let mut files = Vec::new();
    for (chunk, row) in chunks {
        files.extend(listed(state, chunk, &row)?);
    }
    files.sort_by_key(|part| part.no);
    let live: u64 = files.iter().map(|part| part.live()).sum();
    if files.len() as u64 != head.files || live != head.rows {
        let detail = format!(
            "it lists {} files of {live} rows, the head row {} of {}",
            files.len(),
            head.files,
            head.rows
        );
        return Err(Error::corrupt(place(def), detail));
    }
    Ok(files)
}

/// The files of one row.
fn read_chunk(
    rows: &Metered,
    state: &TableState,
    chunk: u32,
    usage: &Usage,
) -> Result<Vec<Arc<PartState>>> {
    let params = [Value::Int(i64::from(state.def.id)), Value::Int(i64::from(chunk))];
    let mut found = None;
    rows.query_one(&statements::GET_MANIFEST_ROW, &params, usage, &mut |row| {
        if let Some(Value::Blob(bytes)) = row.first() {
            found = Some(bytes.to_vec());
        }
    })?;
    // It was emptied by a commit that came after.
    let row = found.ok_or_else(|| Error::Conflict { table: state.def.name.clone() })?;
    listed(state, chunk, &row)
}

fn listed(state: &TableState, chunk: u32, row: &[u8]) -> Result<Vec<Arc<PartState>>> {
    let def = &state.def;
    let payload = frame::open(Magic::Manifest, &place(def), row)?;
    let disk: ChunkDisk =
        minicbor::decode(payload).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
    if disk.generation > state.generation {
        // A reader that began before a commit that failed half way.
        return Err(Error::Conflict { table: def.name.clone() });
    }
    let files = disk.files.into_iter().map(|file| from_disk(file, chunk, def).map(Arc::new));
    files.collect()
}

fn from_disk(disk: FileDisk, chunk: u32, def: &TableDef) -> Result<PartState> {
    Ok(PartState {
        no: disk.no,
        rows: disk.rows,
        granules: 0,
        bytes: disk.bytes,
        decoded_bytes: disk.decoded_bytes,
        deleted: deletions_from_disk(disk.deleted, disk.no, disk.rows, &place(def))?,
        zones: Arc::new(disk.zones),
        filter: None,
        in_ids: disk.in_ids,
        fresh: None,
        born_ms: None,
        file: Some(Arc::new(WarmFile {
            uri: disk.uri,
            chunk,
            deletes_written: disk.deletes_written,
            partition: disk.partition,
        })),
        guard: Arc::new(()),
    })
}

fn to_disk(part: &PartState, file: &WarmFile) -> FileDisk {
    FileDisk {
        no: part.no,
        uri: file.uri.clone(),
        rows: part.rows,
        bytes: part.bytes,
        deleted: deletions_to_disk(part.deleted.as_deref()),
        deletes_written: file.deletes_written,
        zones: part.zones.as_ref().clone(),
        in_ids: part.in_ids,
        partition: file.partition,
        decoded_bytes: part.decoded_bytes,
    }
}

/// The `_manifest` rows of `chunks`; `None` for one that lists nothing any more.
pub(crate) fn encode(
    state: &TableState,
    chunks: &BTreeSet<u32>,
) -> Result<Vec<(u32, Option<Vec<u8>>)>> {
    let files = state.warm.as_ref().and_then(Warm::in_memory);
    let mut out = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let listed = files.into_iter().flat_map(|files| files.iter());
        let listed = listed.filter_map(|part| Some((part, part.file.as_ref()?)));
        let listed = listed.filter(|(_, file)| file.chunk == *chunk);
        let files: Vec<FileDisk> = listed.map(|(part, file)| to_disk(part, file)).collect();
        if files.is_empty() {
            out.push((*chunk, None));
            continue;
        }
        let disk = ChunkDisk { generation: state.generation, files };
        let payload = minicbor::to_vec(&disk)
            .map_err(|e| Error::corrupt(place(&state.def), e.to_string()))?;
        out.push((*chunk, Some(frame::seal(Magic::Manifest, &payload))));
    }
    Ok(out)
}

/// The chunk that the next file goes to: the last one, until it is large enough.
pub(crate) fn chunk_for_next(files: &[Arc<PartState>]) -> u32 {
    let known = files.iter().filter_map(|part| Some((part, part.file.as_ref()?)));
    let Some(last) = known.clone().map(|(_, file)| file.chunk).max() else { return 0 };
    let bytes: usize = known
        .filter(|(_, file)| file.chunk == last)
        .map(|(part, file)| file_bytes(part, file))
        .sum();
    if bytes > CHUNK_BYTES_MAX { last + 1 } else { last }
}

/// About what a file takes in its row. Deletions can come to twice as much later on: hence the room
/// that chunks leave.
fn file_bytes(part: &PartState, file: &WarmFile) -> usize {
    const ZONE_BYTES: usize = 96;
    let deleted = part.deleted.as_ref().map_or(0, |rows| rows.serialized_size());
    64 + file.uri.len() + part.zones.len() * ZONE_BYTES + deleted
}

/// Deleted rows of a file, ascending.
pub(crate) fn deleted_rows(deleted: Option<&RoaringBitmap>) -> Vec<u64> {
    deleted.into_iter().flat_map(|rows| rows.iter()).map(u64::from).collect()
}

fn place(def: &TableDef) -> String {
    format!("the list of files of table `{}`", def.name)
}
