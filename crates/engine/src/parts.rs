//! Reading parts: rows of the store, or fresh bytes of the head, as a [`PartReader`] and columns,
//! through a cache bounded in bytes. Not here: which parts a query needs ([`crate::scan`]).

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, Buffer};
use dodb_part::{Column, PartReader, RowKey, Sbbf};
use dodb_rowstore::{Metered, Usage, Value};
use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::keys::KeyIndex;
use crate::scan::PathColumn;
use crate::state::PartState;
use crate::statements;
use crate::table::TableDef;

/// What the cache holds of a part; parts never change, so nothing is ever stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum CacheKey {
    Reader { table: u32, part: u64 },
    Row { table: u32, part: u64, key: RowKey },
    Keys { table: u32, part: u64 },
}

#[derive(Clone)]
enum Cached {
    Reader(Arc<PartReader>),
    Row(Buffer),
    Keys(Arc<KeyIndex>),
}

/// A part that was opened, and the table it is of.
#[derive(Clone, Copy)]
pub(crate) struct OpenPart<'a> {
    pub(crate) def: &'a TableDef,
    pub(crate) part: &'a PartState,
    pub(crate) reader: &'a PartReader,
}

struct Cache {
    entries: LruCache<CacheKey, (Cached, usize)>,
    bytes: usize,
    bytes_max: usize,
}

/// All reading of parts goes through here.
pub(crate) struct PartStore {
    rows: Arc<Metered>,
    cache: Mutex<Cache>,
    /// Held by the thread that reads what a key is of, by the hash of the key: threads that want
    /// the same at once read it once.
    reading: [Mutex<()>; READING],
}

/// So many different rows are read at once.
const READING: usize = 16;

impl PartStore {
    pub(crate) fn new(rows: Arc<Metered>, bytes_max: usize) -> PartStore {
        let cache = Cache { entries: LruCache::unbounded(), bytes: 0, bytes_max };
        PartStore { rows, cache: Mutex::new(cache), reading: Default::default() }
    }

    /// Opens a part: one row read unless it is fresh or cached.
    pub(crate) fn reader(
        &self,
        def: &TableDef,
        part: &PartState,
        usage: &Usage,
    ) -> Result<Arc<PartReader>> {
        let key = CacheKey::Reader { table: def.id, part: part.no };
        if let Some(Cached::Reader(reader)) = self.get(&key) {
            return Ok(reader);
        }
        let _reading = self.reading(&key);
        if let Some(Cached::Reader(reader)) = self.get(&key) {
            return Ok(reader);
        }
        let mut bytes = 0;
        let reader = PartReader::open(&mut |row| {
            let buffer = self.fetch(def, part, row, usage).map_err(fetch_error)?;
            bytes += buffer.len();
            Ok(buffer)
        })
        .map_err(|e| read_error(def, part, e))?;
        if reader.row_count() != part.rows {
            let detail =
                format!("it holds {} rows, the head row says {}", reader.row_count(), part.rows);
            return Err(Error::corrupt(place(def, part), detail));
        }
        let reader = Arc::new(reader);
        self.put(key, Cached::Reader(reader.clone()), reader.memory_bytes().max(bytes) + 1_024);
        Ok(reader)
    }

    /// The Bloom filter that the part keeps of a column, if it keeps one.
    pub(crate) fn bloom(
        &self,
        def: &TableDef,
        part: &PartState,
        reader: &PartReader,
        column: u32,
        usage: &Usage,
    ) -> Result<Option<Sbbf>> {
        reader
            .bloom(column, &mut |row| self.row(def, part, row, usage).map_err(fetch_error))
            .map_err(|e| read_error(def, part, e))
    }

    /// The Bloom filter that the part keeps of a path, if it keeps one.
    pub(crate) fn path_bloom(
        &self,
        def: &TableDef,
        part: &PartState,
        reader: &PartReader,
        path: &PathColumn,
        usage: &Usage,
    ) -> Result<Option<Sbbf>> {
        let mut fetch = |row| self.row(def, part, row, usage).map_err(fetch_error);
        reader
            .path_bloom(path.column, &path.path, path.ty, &mut fetch)
            .map_err(|e| read_error(def, part, e))
    }

    /// One granule of a path of a JSON column.
    pub(crate) fn read_path(
        &self,
        open: OpenPart<'_>,
        column: &Column,
        path: &PathColumn,
        granule: usize,
        usage: &Usage,
    ) -> Result<ArrayRef> {
        let OpenPart { def, part, reader } = open;
        let mut fetch = |row| self.row(def, part, row, usage).map_err(fetch_error);
        reader
            .read_path(column, &path.path, path.ty, granule, &mut fetch)
            .map_err(|e| read_error(def, part, e))
    }

    /// The selected rows of one granule of one column.
    pub(crate) fn read_selected(
        &self,
        open: OpenPart<'_>,
        column: &Column,
        granule: usize,
        selection: &BooleanBuffer,
        usage: &Usage,
    ) -> Result<ArrayRef> {
        let OpenPart { def, part, reader } = open;
        let mut fetch = |row| self.row(def, part, row, usage).map_err(fetch_error);
        reader
            .read_selected(column, granule, selection, &mut fetch)
            .map_err(|e| read_error(def, part, e))
    }

    /// One granule of one column, deleted rows included; nulls where the part lacks the column.
    pub(crate) fn read(
        &self,
        def: &TableDef,
        part: &PartState,
        reader: &PartReader,
        column: &Column,
        granule: usize,
        usage: &Usage,
    ) -> Result<ArrayRef> {
        reader
            .read(column, granule, &mut |row| self.row(def, part, row, usage).map_err(fetch_error))
            .map_err(|e| read_error(def, part, e))
    }

    /// The key index of a part, built from its key columns when it is not cached.
    pub(crate) fn key_index(
        &self,
        def: &TableDef,
        part: &PartState,
        usage: &Usage,
    ) -> Result<Arc<KeyIndex>> {
        let key = CacheKey::Keys { table: def.id, part: part.no };
        if let Some(Cached::Keys(index)) = self.get(&key) {
            return Ok(index);
        }
        let index = Arc::new(KeyIndex::of_part(self, def, part, usage)?);
        self.put(key, Cached::Keys(index.clone()), index.bytes());
        Ok(index)
    }

    fn row(&self, def: &TableDef, part: &PartState, row: RowKey, usage: &Usage) -> Result<Buffer> {
        let key = CacheKey::Row { table: def.id, part: part.no, key: row };
        if let Some(Cached::Row(buffer)) = self.get(&key) {
            return Ok(buffer);
        }
        let _reading = self.reading(&key);
        if let Some(Cached::Row(buffer)) = self.get(&key) {
            return Ok(buffer);
        }
        let buffer = self.fetch(def, part, row, usage)?;
        let len = buffer.len();
        self.put(key, Cached::Row(buffer.clone()), len);
        Ok(buffer)
    }

    fn fetch(
        &self,
        def: &TableDef,
        part: &PartState,
        key: RowKey,
        usage: &Usage,
    ) -> Result<Buffer> {
        if let Some(fresh) = &part.fresh {
            if key.stream == 0 && key.seq == 0 {
                return Ok(fresh.clone());
            }
            let detail = format!("fresh rows have no row {}:{}", key.stream, key.seq);
            return Err(Error::corrupt(place(def, part), detail));
        }
        let mut found = None;
        let params = [
            Value::Int(i64::from(def.id)),
            Value::Int(part.no as i64),
            Value::Int(i64::from(key.stream)),
            Value::Int(i64::from(key.seq)),
        ];
        self.rows.query_one(&statements::GET_PART_ROW, &params, usage, &mut |row| {
            if let Some(Value::Blob(bytes)) = row.first() {
                found = Some(Buffer::from(*bytes));
            }
        })?;
        found.ok_or_else(|| {
            let detail = format!("row {}:{} is missing", key.stream, key.seq);
            Error::corrupt(place(def, part), detail)
        })
    }

    /// The right to read what a key is of.
    fn reading(&self, key: &CacheKey) -> Option<MutexGuard<'_, ()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key) as usize;
        self.reading.get(hash % READING).map(Mutex::lock)
    }

    fn get(&self, key: &CacheKey) -> Option<Cached> {
        self.cache.lock().entries.get(key).map(|(value, _)| value.clone())
    }

    fn put(&self, key: CacheKey, value: Cached, bytes: usize) {
        let mut cache = self.cache.lock();
        if bytes > cache.bytes_max / 2 {
            return;
        }
        if let Some((_, (_, old))) = cache.entries.push(key, (value, bytes)) {
            cache.bytes -= old;
        }
        cache.bytes += bytes;
        while cache.bytes > cache.bytes_max {
            match cache.entries.pop_lru() {
                Some((_, (_, old))) => cache.bytes -= old,
                None => break,
            }
        }
    }

    /// Forgets everything cached, as if the object had just woken.
    pub(crate) fn forget(&self) {
        let mut cache = self.cache.lock();
        cache.entries.clear();
        cache.bytes = 0;
    }
}

fn fetch_error(e: Error) -> dodb_part::Error {
    dodb_part::Error::Fetch(Box::new(e))
}

/// Whatever stops stored bytes from being read is damage to them, an unknown version included.
fn read_error(def: &TableDef, part: &PartState, e: dodb_part::Error) -> Error {
    match e {
        fetch @ dodb_part::Error::Fetch(_) => Error::part(place(def, part), fetch),
        other => Error::corrupt(place(def, part), other.to_string()),
    }
}

/// How errors name a part.
pub(crate) fn place(def: &TableDef, part: &PartState) -> String {
    format!("table `{}`, part {}", def.name, part.no)
}
