//! Rows of posting lists. Keys are in two levels: those of files that came lately wait in as few
//! rows as they fit in, all others are folded in rows with room for more; each level is cut by key
//! in a power of two of shards, so that a key costs one row of each. A row says which files it
//! covers: a reader of an older state believes the row and not the head. Not here: what to ask
//! ([`super::probe`]).

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::Buffer;
use dodb_part::{POSTING_KEY_BITS, Posting, Postings, PostingsWriter};
use dodb_rowstore::{Metered, Usage, Value};
use lru::LruCache;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::head::{FileSet, IndexHead, LevelHead};
use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::options::Options;
use crate::statements;
use crate::table::TableDef;

/// What a posting takes at most, about: the fewer there are, the more bits of its key are stored.
const POSTING_BYTES: u64 = 5;

/// Where the keys of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    Waiting = 0,
    Folded = 1,
}

impl Level {
    pub(crate) const ALL: [Level; 2] = [Level::Waiting, Level::Folded];

    pub(crate) fn of(self, index: &IndexHead) -> LevelHead {
        match self {
            Level::Waiting => index.waiting,
            Level::Folded => index.folded,
        }
    }
}

/// One row.
#[derive(Debug)]
pub(crate) struct LevelRow {
    /// The files whose keys, as far as they fall in this shard, are all here.
    pub(crate) files: RoaringBitmap,
    pub(crate) postings: Postings,
}

impl LevelRow {
    /// Those of some keys, ascending. Each may be [`Error::Corrupt`].
    pub(crate) fn within(
        &self,
        keys: Range<u64>,
        slice_rows: u32,
    ) -> impl Iterator<Item = Result<Posting>> {
        let mut last = None;
        self.postings.within(keys, slice_rows).map(move |posting| {
            let posting = posting.map_err(|e| Error::part("posting lists", e))?;
            let place = Some((posting.key, posting.file));
            if place <= last {
                return Err(Error::corrupt("posting lists", "they do not ascend"));
            }
            last = place;
            Ok(posting)
        })
    }

    /// What is wrong with them, if anything is. Decodes them all.
    pub(crate) fn fault(&self) -> Option<Error> {
        self.within(0..u64::MAX, self.postings.slice_rows()).find_map(Result::err)
    }
}

#[derive(Encode, Decode)]
struct LevelDisk {
    #[n(0)]
    files: FileSet,
    #[n(1)]
    postings: ByteVec,
}

/// Which row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowName {
    pub(crate) level: Level,
    pub(crate) cut: u32,
    pub(crate) shard: u32,
}

impl RowName {
    /// As parameters of a statement, behind the table.
    pub(crate) fn params(self) -> [Value<'static>; 3] {
        let cut = Value::Int(i64::from(self.cut));
        [Value::Int(self.level as i64), cut, Value::Int(i64::from(self.shard))]
    }
}

/// The shard of `cut` that a key falls in.
pub(crate) fn shard_of(key: u64, cut: u32) -> u32 {
    (key.saturating_mul(u64::from(cut)) >> POSTING_KEY_BITS) as u32
}

/// What a row of the second level has on average at most, and how much may wait. Some keys have
/// many files, so rows differ.
pub(crate) fn row_bytes(options: &Options) -> u64 {
    options.index_row_bytes_max as u64 / 4 * 3
}

/// The keys of a shard of `cut`, a power of two.
pub(crate) fn keys_of(shard: u32, cut: u32) -> Range<u64> {
    let bits = POSTING_KEY_BITS.saturating_sub(cut.trailing_zeros());
    let start = u64::from(shard) << bits;
    start..start + (1 << bits)
}

/// In how many shards so many bytes are cut, with so many in each.
pub(crate) fn cut_for(bytes: u64, row_bytes: u64) -> u32 {
    let shards = bytes.div_ceil(row_bytes.max(1)).clamp(1, 1 << 20);
    (shards as u32).next_power_of_two()
}

/// What so many postings take at most, about.
pub(crate) fn postings_bytes(postings: usize) -> u64 {
    postings as u64 * POSTING_BYTES
}

/// Those of `postings`, which ascend, that are in a shard of `cut`.
pub(crate) fn in_shard(postings: &[Posting], shard: u32, cut: u32) -> &[Posting] {
    let keys = keys_of(shard, cut);
    let start = postings.partition_point(|posting| posting.key < keys.start);
    let end = postings.partition_point(|posting| posting.key < keys.end);
    postings.get(start..end).unwrap_or_default()
}

/// Two ascending runs as one.
pub(crate) fn ascending(
    some: impl Iterator<Item = Result<Posting>>,
    others: impl Iterator<Item = Result<Posting>>,
) -> impl Iterator<Item = Result<Posting>> {
    let (mut some, mut others) = (some.peekable(), others.peekable());
    std::iter::from_fn(move || match (some.peek(), others.peek()) {
        (Some(Ok(first)), Some(Ok(second))) if second < first => others.next(),
        (Some(Ok(_)), Some(Err(_))) | (None, _) => others.next(),
        _ => some.next(),
    })
}

/// The row of these postings, which ascend, with slices of so many rows.
pub(crate) fn encode(
    def: &TableDef,
    files: &RoaringBitmap,
    slice_rows: u32,
    postings: impl IntoIterator<Item = Result<Posting>>,
) -> Result<Vec<u8>> {
    let failed = |e| Error::part(place(def), e);
    let mut writer = PostingsWriter::new(files.iter().collect(), slice_rows);
    for posting in postings {
        writer.push(posting?).map_err(failed)?;
    }
    let postings = writer.finish().map_err(failed)?;
    let disk = LevelDisk { files: FileSet(files.clone()), postings: postings.into() };
    let payload = minicbor::to_vec(&disk).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
    Ok(frame::seal(Magic::Postings, &payload))
}

/// Reads a row; `None` when there is none.
pub(crate) fn read(
    rows: &Metered,
    def: &TableDef,
    name: RowName,
    usage: &Usage,
) -> Result<Option<LevelRow>> {
    let [level, cut, shard] = name.params();
    let params = [Value::Int(i64::from(def.id)), level, cut, shard];
    let mut found = None;
    rows.query_one(&statements::GET_POSTINGS, &params, usage, &mut |row| {
        if let Some(Value::Blob(bytes)) = row.first() {
            found = Some(bytes.to_vec());
        }
    })?;
    let Some(row) = found else { return Ok(None) };
    let payload = frame::open(Magic::Postings, &place(def), &row)?;
    let disk: LevelDisk =
        minicbor::decode(payload).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
    let postings = Postings::open(Buffer::from_vec(Vec::from(disk.postings)));
    let postings = postings.map_err(|e| Error::part(place(def), e))?;
    Ok(Some(LevelRow { files: disk.files.0, postings }))
}

fn place(def: &TableDef) -> String {
    format!("the posting lists of table `{}`", def.name)
}

/// Rows that were read lately, of one table. A row is known by the version of its level too: what
/// was read before that was raised is not used after.
#[derive(Default)]
pub(crate) struct LevelCache {
    held: Mutex<Held>,
    /// Held by the thread that reads a row: those that want it at once read it once.
    pub(super) reading: Mutex<()>,
}

struct Held {
    rows: LruCache<(RowName, u64), Arc<LevelRow>>,
    bytes: usize,
}

impl Default for Held {
    fn default() -> Held {
        Held { rows: LruCache::unbounded(), bytes: 0 }
    }
}

impl LevelCache {
    pub(crate) fn get(&self, name: RowName, version: u64) -> Option<Arc<LevelRow>> {
        self.held.lock().rows.get(&(name, version)).cloned()
    }

    pub(crate) fn keep(&self, name: RowName, version: u64, row: Arc<LevelRow>, bytes_max: usize) {
        let mut held = self.held.lock();
        held.bytes += row.postings.bytes();
        if let Some(before) = held.rows.put((name, version), row) {
            held.bytes = held.bytes.saturating_sub(before.postings.bytes());
        }
        while held.bytes > bytes_max {
            let Some((_, gone)) = held.rows.pop_lru() else { break };
            held.bytes = held.bytes.saturating_sub(gone.postings.bytes());
        }
    }

    pub(crate) fn clear(&self) {
        *self.held.lock() = Held::default();
    }
}
