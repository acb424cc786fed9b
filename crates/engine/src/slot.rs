//! What memory holds of one table: its newest state, its key filters, which replaced parts somebody
//! still reads, and what was opened in the bucket. All of it can be read again from rows but for
//! the guards of readers. Not here: how a state changes ([`crate::commit`]).

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use dodb_lake::{FileReader, Layout, Table};
use dodb_rowstore::Usage;
use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use crate::db::Core;
use crate::error::Result;
use crate::head;
use crate::ids::IdFilters;
use crate::index::{FooterRow, LevelCache, StatsCache};
use crate::jobs;
use crate::options::Options;
use crate::state::{PartState, TableState};
use crate::table::TableDef;

/// By part number what shows whether somebody still reads the part.
pub(crate) type Guards = HashMap<u64, Weak<()>>;

/// What memory holds of one table.
#[derive(Default)]
pub(crate) struct Slot {
    pub(crate) state: RwLock<Option<Arc<TableState>>>,
    filters: Mutex<Option<Arc<IdFilters>>>,
    pub(crate) retired: Mutex<Vec<(u64, Arc<()>)>>,
    /// The guards of parts whose state was forgotten while readers may hold it.
    pub(crate) guards: Mutex<Guards>,
    /// Parts whose rows are on their way to the bucket: they are not merged meanwhile.
    kept: Mutex<Vec<u64>>,
    /// Held by the request that writes files of the table.
    writing: futures::lock::Mutex<()>,
    /// The Iceberg table as it was last opened or written.
    lake_table: Mutex<Option<Table>>,
    /// Posting lists that were read lately.
    pub(crate) index_rows: LevelCache,
    /// Footers that were read last, and the first file of them.
    pub(crate) footers: Mutex<Option<(u32, FooterRow)>>,
    /// Statistics of files that were read lately, by the first file.
    pub(crate) stats_rows: Mutex<StatsCache>,
    /// Did a row of the index seem to be missing or damaged?
    pub(crate) index_suspected: AtomicBool,
    /// Files that the index cannot cover because they cannot be read.
    pub(crate) not_coverable: Mutex<RoaringBitmap>,
    /// The schema that was read last with footers, by the version of the definition.
    pub(crate) layout: Mutex<Option<(u32, String, Arc<Layout>)>>,
    /// Open files by number; files never change. The version of the definition they were opened by.
    file_readers: Mutex<Option<(u32, LruCache<u64, FileReader>)>>,
}

/// The right to write files of a table; given back when it is dropped.
pub(crate) type WarmTurn<'a> = futures::lock::MutexGuard<'a, ()>;

/// Parts that are not merged until this is dropped.
pub(crate) struct KeptFromMerging<'a>(&'a Mutex<Vec<u64>>);

impl Drop for KeptFromMerging<'_> {
    fn drop(&mut self) {
        self.0.lock().clear();
    }
}

impl Slot {
    /// The table's newest state; one row read when memory does not hold it.
    pub(crate) fn state(
        &self,
        core: &Core,
        def: &Arc<TableDef>,
        usage: &Usage,
    ) -> Result<Arc<TableState>> {
        if let Some(state) = self.state.read().as_ref() {
            return Ok(state.clone());
        }
        let mut held = self.state.write();
        if let Some(state) = held.as_ref() {
            return Ok(state.clone());
        }
        let mut state = match core.head_row(def.id, usage)? {
            Some(row) => head::decode(def.clone(), &row)?,
            None => TableState::empty(def.clone()),
        };
        self.adopt_guards(&mut state);
        let state = Arc::new(state);
        *held = Some(state.clone());
        Ok(state)
    }

    /// Forgets what rows can tell again. What readers hold is not forgotten: it is in no row.
    pub(crate) fn forget(&self) {
        *self.filters.lock() = None;
        *self.lake_table.lock() = None;
        self.forget_index();
        *self.file_readers.lock() = None;
        if let Some(state) = self.state.write().take() {
            let held = state.parts.iter().map(|part| (part.no, Arc::downgrade(&part.guard)));
            self.guards.lock().extend(held);
        }
    }

    /// Forgets what was read of the index.
    pub(crate) fn forget_index(&self) {
        *self.footers.lock() = None;
        self.index_rows.clear();
        self.stats_rows.lock().clear();
    }

    /// Lets a state that was read again share the guards of readers that began before.
    fn adopt_guards(&self, state: &mut TableState) {
        let mut guards = self.guards.lock();
        guards.retain(|_, guard| is_read(guard));
        for part in &mut state.parts {
            if let Some(guard) = guards.get(&part.no).and_then(Weak::upgrade) {
                Arc::make_mut(part).guard = guard;
            }
        }
    }

    /// The id filters of `state`, which must be the newest.
    pub(crate) fn filters(
        &self,
        core: &Core,
        state: &TableState,
        usage: &Usage,
    ) -> Result<Arc<IdFilters>> {
        let mut held = self.filters.lock();
        if let Some(filters) = held.as_ref() {
            return Ok(filters.clone());
        }
        let filters = Arc::new(IdFilters::load(&core.rows, state, usage)?);
        *held = Some(filters.clone());
        Ok(filters)
    }

    /// The id filters, if memory holds them. They may be newer than a reader's state; the filter of
    /// a part never changes.
    pub(crate) fn filters_in_memory(&self) -> Option<Arc<IdFilters>> {
        self.filters.lock().clone()
    }

    /// Takes from the garbage of `state` the parts that no reader holds any more. Those in `now`
    /// are shown by the newest state until the commit that retires them is done.
    pub(crate) fn sweep(&self, state: &mut TableState, now: &[(u64, Arc<()>)]) -> Vec<u64> {
        let (retired, guards) = (self.retired.lock(), self.guards.lock());
        let is_free = |no: &u64| {
            // Of the guard of a part that nobody reads only the copy in `retired` is left.
            let is_held = match retired.iter().find(|(part, _)| part == no) {
                Some((_, guard)) => Arc::strong_count(guard) > 1,
                None => guards.get(no).is_some_and(is_read),
            };
            !is_held && !now.iter().any(|(part, _)| part == no)
        };
        let (free, held) = state.garbage.iter().partition(|no| is_free(no));
        state.garbage = held;
        free
    }

    pub(crate) fn publish(
        &self,
        state: TableState,
        filters: Option<Arc<IdFilters>>,
        retired: Vec<(u64, Arc<()>)>,
    ) {
        if filters.is_some() {
            *self.filters.lock() = filters;
        }
        let mut held = self.retired.lock();
        held.extend(retired);
        held.retain(|(no, _)| state.garbage.contains(no));
        drop(held);
        *self.state.write() = Some(Arc::new(state));
    }

    /// The right to write files of the table, which one request has at a time. Others wait.
    pub(crate) async fn warm_turn(&self) -> WarmTurn<'_> {
        self.writing.lock().await
    }

    /// Keeps parts from being merged while their rows are written to the bucket.
    pub(crate) fn keep_from_merging(&self, parts: &[Arc<PartState>]) -> KeptFromMerging<'_> {
        *self.kept.lock() = parts.iter().map(|part| part.no).collect();
        KeptFromMerging(&self.kept)
    }

    /// The parts that the next step of background work merges.
    pub(crate) fn pick(
        &self,
        state: &TableState,
        options: &Options,
        thorough: bool,
    ) -> Option<Vec<Arc<PartState>>> {
        jobs::pick(state, options, thorough, &self.kept.lock())
    }

    /// The Iceberg table whose pointer is `metadata`, if it was opened.
    pub(crate) fn lake_table(&self, metadata: &str) -> Option<Table> {
        let held = self.lake_table.lock();
        held.as_ref().filter(|table| table.metadata_location() == metadata).cloned()
    }

    pub(crate) fn keep_lake_table(&self, table: Table) {
        *self.lake_table.lock() = Some(table);
    }

    /// An open file, if it was opened by this version of the definition.
    pub(crate) fn file_reader(&self, def: &TableDef, no: u64) -> Option<FileReader> {
        let mut held = self.file_readers.lock();
        let (version, readers) = held.as_mut()?;
        if *version != def.version { None } else { readers.get(&no).cloned() }
    }

    /// Keeps an open file, and lets go of the one unused for longest when there are too many.
    pub(crate) fn keep_file_reader(&self, def: &TableDef, no: u64, reader: FileReader, max: usize) {
        let mut held = self.file_readers.lock();
        let fresh = || (def.version, LruCache::unbounded());
        let (version, readers) = held.get_or_insert_with(fresh);
        if *version != def.version {
            *version = def.version;
            readers.clear();
        }
        readers.put(no, reader);
        while readers.len() > max {
            readers.pop_lru();
        }
    }
}

pub(crate) fn is_read(guard: &Weak<()>) -> bool {
    guard.strong_count() > 0
}
