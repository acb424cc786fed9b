//! Covering files of which the index says nothing, a few at a time: those of other engines and of
//! older programs, and all of them once the index was found damaged. A file is read once, whole.
//! Not here: finding damage by holding the index against rows ([`super::check`]).

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arrow_select::concat::concat_batches;
use dodb_lake::FileEnd;
use dodb_rowstore::Usage;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;

use super::check::first_fault;
use super::collect::collect;
use super::slices::Slices;
use crate::commit::Change;
use crate::db::Db;
use crate::error::{ErrorKind, Result};
use crate::job_log::{JobKind, Progress};
use crate::slot::Slot;
use crate::state::{PartState, TableState};
use crate::warm::{Lake, NewlyCovered, nullable, open_by_end, read_file};

/// Files that one step reads.
const FILES_MAX: usize = 64;

/// Is there something that [`Db::cover_some`] could do? Reads nothing.
pub(crate) fn is_cover_due(slot: &Slot, state: &TableState) -> bool {
    slot.index_suspected.load(Relaxed) || !uncovered(slot, state).is_empty()
}

/// The files to cover.
fn uncovered(slot: &Slot, state: &TableState) -> RoaringBitmap {
    let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
    let Some(index) = index.filter(|_| state.attached.is_none()) else {
        return RoaringBitmap::new();
    };
    &index.live.0 - &index.covered.0 - &*slot.not_coverable.lock()
}

impl Slot {
    /// A row of the index was missing or damaged, or so it seemed: upkeep will look.
    pub(crate) fn suspect_index(&self) {
        self.index_suspected.store(true, Relaxed);
    }
}

impl Db {
    /// Covers some files; answers how many, and whether anything was done. The turn to write the
    /// table's files is the caller's.
    ///
    /// # Errors
    /// The bucket or the row store failed. The index is as it was then.
    pub(crate) async fn cover_some(&self, state: &TableState, usage: &Usage) -> Result<u64> {
        let (core, def) = (&self.core, &state.def);
        let slot = core.slot(def.id);
        if slot.index_suspected.swap(false, Relaxed) {
            let warm = state.warm.as_ref().map(|warm| &warm.head);
            let index = warm.and_then(|head| head.index.as_ref());
            let fault = index.map(|index| first_fault(core, def, index, usage)).transpose();
            if fault.inspect_err(|_| slot.suspect_index())?.flatten().is_some() {
                return self.cover(state, RoaringBitmap::new(), true, usage).await;
            }
        }
        self.cover(state, uncovered(&slot, state), false, usage).await
    }

    /// Covers some of these files, after the index was emptied if it `forgets`.
    async fn cover(
        &self,
        state: &TableState,
        files: RoaringBitmap,
        forgets: bool,
        usage: &Usage,
    ) -> Result<u64> {
        let (core, def) = (&self.core, &state.def);
        let Some(warm) = state.warm.as_ref().filter(|_| forgets || !files.is_empty()) else {
            return Ok(0);
        };
        let slot = core.slot(def.id);
        let lake = Lake::new(core, def, usage)?;
        let table = lake.table(core, def, &warm.head.metadata).await?;
        let mut covered = Vec::new();
        let mut rows = 0;
        for part in state.files(&core.rows, usage)?.iter() {
            let Some(number) = u32::try_from(part.no).ok().filter(|no| files.contains(*no)) else {
                continue;
            };
            rows += part.rows;
            let is_full = rows > core.options.flush_rows_max || covered.len() >= FILES_MAX;
            if is_full && !covered.is_empty() {
                break;
            }
            match self.read_to_cover(state, part, &lake).await {
                Ok(file) => covered.push(file),
                // It is read for whatever is asked, and says so then.
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    slot.not_coverable.lock().insert(number);
                }
                Err(e) => return Err(e),
            }
        }
        let done = covered.len() as u64;
        if done == 0 && !forgets {
            return Ok(0);
        }
        let schema = table.layout().to_text()?;
        self.submit(Change::Cover { def: def.clone(), schema, files: covered, forgets }, usage)?;
        slot.forget_index();
        Ok(done + u64::from(forgets))
    }

    async fn read_to_cover(
        &self,
        state: &TableState,
        part: &PartState,
        lake: &Lake<'_>,
    ) -> Result<NewlyCovered> {
        let (core, def) = (&self.core, &state.def);
        let uri = part.file.as_ref().map(|file| file.uri.as_str()).unwrap_or_default();
        let reader = open_by_end(core, state, part, &lake.bucket).await?;
        let (mut batches, mut from) = (Vec::new(), Vec::new());
        read_file(def, part, &reader, (0, &mut batches, &mut from)).await?;
        let rows = concat_batches(&nullable(def), &batches)?;
        let places: Vec<u32> = from.iter().map(|(_, row)| *row).collect();
        let slices = Slices::of_some(part.rows, core.options.index_slice_rows, &places);
        let keys = collect(def, &rows, &slices)?;
        let end = FileEnd::read(&lake.bucket, uri, part.bytes).await?;
        Ok(NewlyCovered { no: part.no, rows: part.rows, keys, end })
    }

    /// Makes the index of a table's files anew, whatever is left of the one before; answers how
    /// many files there are.
    ///
    /// # Errors
    /// The bucket or the row store failed. What is not covered by then is covered later.
    pub fn rebuild_index<'a>(
        &'a self,
        name: &'a str,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<u64>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.rebuild(name, usage))
    }

    async fn rebuild(&self, name: &str, usage: &Usage) -> Result<u64> {
        let def = self.core.def(name, usage)?;
        let slot = self.core.slot(def.id);
        let _turn = slot.warm_turn().await;
        let (log, env) = (&self.core.job_log, &self.core.env);
        log.begin(JobKind::Index, &def.name, env.now_ms());
        let made = self.cover_all(name, usage).await;
        let told = made.clone().map(|files| Progress {
            rows: 0,
            rows_left: None,
            changed: files > 0,
            more: false,
        });
        log.end(JobKind::Index, &def.name, env.now_ms(), &told);
        made
    }

    async fn cover_all(&self, name: &str, usage: &Usage) -> Result<u64> {
        let def = self.core.def(name, usage)?;
        let slot = self.core.slot(def.id);
        let state = self.core.state(&def, usage)?;
        if state.warm.as_ref().is_none_or(|warm| warm.head.files == 0) {
            return Ok(0);
        }
        slot.not_coverable.lock().clear();
        self.cover(&state, RoaringBitmap::new(), true, usage).await?;
        loop {
            let state: Arc<TableState> = self.core.state(&def, usage)?;
            if self.cover(&state, uncovered(&slot, &state), false, usage).await? == 0 {
                return Ok(state.warm.as_ref().map_or(0, |warm| warm.head.files));
            }
        }
    }
}
