//! Commits: one at a time, each carrying the changes of everybody who waits (group commit), each
//! one atomic write of the row store: new part rows, id filters, one head row per table touched.
//! Not here: what a change does to a table ([`crate::working`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use dodb_lake::Attachment;
use dodb_rowstore::{Flow, Transaction, Usage, Value};
use parking_lot::Mutex;

use crate::catalog::{Alter, Catalog};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::head;
use crate::index::{IndexRows, LevelHead};
use crate::merge::Merged;
use crate::statements;
use crate::table::TableDef;
use crate::view::View;
use crate::warm::{self, NewlyCovered, WarmCommit, WarmRows};
use crate::working::{Deletions, Working};

/// Something to be made durable.
pub(crate) enum Change {
    Insert {
        def: Arc<TableDef>,
        batch: RecordBatch,
        warm: WarmRows,
    },
    Mutate {
        def: Arc<TableDef>,
        deletions: Deletions,
        batch: Option<RecordBatch>,
        warm: WarmRows,
    },
    Merge {
        def: Arc<TableDef>,
        merged: Box<Merged>,
    },
    Warm {
        def: Arc<TableDef>,
        commit: Box<WarmCommit>,
    },
    /// Keys of the index that waited are where they belong.
    Folded {
        def: Arc<TableDef>,
        before: (LevelHead, LevelHead),
        folded: LevelHead,
    },
    /// The index gets to know files that were there before.
    Cover {
        def: Arc<TableDef>,
        /// Of the Iceberg table, as JSON.
        schema: String,
        files: Vec<NewlyCovered>,
        /// Does it forget all else?
        forgets: bool,
    },
    Truncate {
        def: Arc<TableDef>,
        /// The pointer of its Iceberg table before and after.
        warm: Option<(String, String)>,
    },
    Create {
        def: TableDef,
    },
    Drop {
        name: String,
    },
    CreateView {
        view: View,
        /// May it take the place of another?
        replace: bool,
    },
    DropView {
        name: String,
    },
    /// The objects of a dropped table are deleted.
    Purged {
        id: u32,
    },
    Alter {
        name: String,
        /// One after the other.
        changes: Vec<Alter>,
    },
    /// Another database is to be read, or no more.
    Attach {
        name: String,
        attachment: Attachment,
    },
    Detach {
        name: String,
    },
    /// There is another database beside this one.
    ListDatabase {
        name: String,
    },
    /// Delete rows that nobody reads any more: of dropped tables, and of parts of this table.
    Sweep {
        def: Option<Arc<TableDef>>,
    },
}

struct Pending {
    change: Mutex<Option<Change>>,
    result: Mutex<Option<Result<u64>>>,
}

/// The queue in front of the one writer.
#[derive(Default)]
pub(crate) struct Commits {
    queue: Mutex<Vec<Arc<Pending>>>,
    writer: Mutex<()>,
}

/// Most changes carried by one commit.
const GROUP_MAX: usize = 1_024;

/// A change in the queue. Dropped before it was settled, it leaves the queue.
pub(crate) struct Queued<'a> {
    core: &'a Core,
    pending: Arc<Pending>,
}

impl Commits {
    /// Puts `change` in the queue; nothing is done yet.
    pub(crate) fn enqueue<'a>(&self, core: &'a Core, change: Change) -> Queued<'a> {
        let pending =
            Arc::new(Pending { change: Mutex::new(Some(change)), result: Mutex::new(None) });
        self.queue.lock().push(pending.clone());
        Queued { core, pending }
    }

    fn next_group(&self) -> Vec<Arc<Pending>> {
        let mut queue = self.queue.lock();
        let take = queue.len().min(GROUP_MAX);
        queue.drain(..take).collect()
    }
}

impl Queued<'_> {
    /// Makes the change durable and visible; answers the rows it concerned. Whoever gets the writer
    /// first carries the changes of all that queued meanwhile, and pays their rows.
    pub(crate) fn settle(self, usage: &Usage) -> Result<u64> {
        let commits = &self.core.commits;
        loop {
            let _writer = commits.writer.lock();
            if let Some(result) = self.pending.result.lock().take() {
                return result;
            }
            carry_out(self.core, &commits.next_group(), usage);
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        // Whoever asked is gone and was told nothing: do nothing behind their back.
        if self.pending.change.lock().is_some() {
            self.core.commits.queue.lock().retain(|p| !Arc::ptr_eq(p, &self.pending));
        }
    }
}

fn carry_out(core: &Core, group: &[Arc<Pending>], usage: &Usage) {
    let mut rest = group;
    while !rest.is_empty() {
        let carried = carry_out_some(core, rest, usage);
        rest = rest.get(carried.max(1)..).unwrap_or_default();
    }
}

/// One commit with as many changes from the front of `group` as fit in it; answers how many.
fn carry_out_some(core: &Core, group: &[Arc<Pending>], usage: &Usage) -> usize {
    // A budget of the request that happens to lead must not fail the others.
    let spent = Usage::default();
    let mut commit = Commit::new(core, &spent);
    let mut carried = group.len();
    let mut results: Vec<(Arc<Pending>, Result<u64>)> = Vec::with_capacity(group.len());
    let mut waiting: Vec<Waiting> = Vec::new();
    for (at, pending) in group.iter().enumerate() {
        let Some(change) = pending.change.lock().take() else { continue };
        let joins = match (&change, waiting.first()) {
            (Change::Insert { def, warm, .. }, Some((_, first, _, found))) => {
                // Two that replace the same row of a file cannot go in together.
                let is_plain = warm.replaced.is_empty() && found.replaced.is_empty();
                **first == **def && is_plain && warm.version == found.version
            }
            _ => false,
        };
        if !joins {
            commit.insert_all(&mut waiting, &mut results);
            if commit.must_come_first(&change) {
                *pending.change.lock() = Some(change);
                carried = at;
                break;
            }
        }
        match change {
            Change::Insert { def, batch, warm } => {
                waiting.push((pending.clone(), def, batch, warm));
            }
            change => {
                let result = commit.apply(change);
                results.push((pending.clone(), result));
            }
        }
    }
    commit.insert_all(&mut waiting, &mut results);
    let any = results.iter().any(|(_, result)| result.is_ok());
    let written = if any { commit.carry_out() } else { Ok(()) };
    usage.add(spent.counts());
    for (pending, result) in results {
        let result = match (&written, result) {
            (Err(e), Ok(_)) => Err(e.clone()),
            (_, result) => result,
        };
        *pending.result.lock() = Some(result);
    }
    carried
}

/// An insert that others may join: what it inserts, and what was found out before.
type Waiting = (Arc<Pending>, Arc<TableDef>, RecordBatch, WarmRows);

struct Commit<'a> {
    core: &'a Core,
    usage: &'a Usage,
    tables: BTreeMap<u32, Working>,
    catalog: Option<Catalog>,
    /// Tables that this commit drops.
    dropped: Vec<u32>,
}

impl Commit<'_> {
    fn new<'a>(core: &'a Core, usage: &'a Usage) -> Commit<'a> {
        Commit { core, usage, tables: BTreeMap::new(), catalog: None, dropped: Vec::new() }
    }

    /// Must this commit be carried out before `change`? A search for rows of the same key reads
    /// parts from the store, and parts made within this commit are not there yet.
    fn must_come_first(&self, change: &Change) -> bool {
        match change {
            Change::Insert { def, .. } | Change::Mutate { def, .. } if !def.key().is_empty() => {
                self.tables.get(&def.id).is_some_and(|working| !working.rows.is_empty())
            }
            _ => false,
        }
    }

    /// Inserts of one table go in together: one part, one search for rows they replace.
    fn insert_all(
        &mut self,
        waiting: &mut Vec<Waiting>,
        results: &mut Vec<(Arc<Pending>, Result<u64>)>,
    ) {
        let Some((_, def, _, warm)) = waiting.first() else { return };
        let batches: Vec<RecordBatch> = waiting.iter().map(|(_, _, b, _)| b.clone()).collect();
        let together =
            self.on_table(def, |w, core, usage| w.insert(core, def, &batches, warm, usage));
        for (pending, _, batch, _) in waiting.drain(..) {
            let own = together.as_ref().map(|_| batch.num_rows() as u64).map_err(Error::clone);
            results.push((pending, own));
        }
    }

    fn apply(&mut self, change: Change) -> Result<u64> {
        match change {
            Change::Insert { def, batch, warm } => {
                self.on_table(&def, |w, core, usage| w.insert(core, &def, &[batch], &warm, usage))
            }
            Change::Mutate { def, deletions, batch, warm } => self
                .on_table(&def, |w, core, usage| {
                    w.mutate(core, &def, &deletions, batch.as_ref(), &warm, usage)
                }),
            Change::Warm { def, commit } => {
                self.on_table(&def, |w, core, usage| w.warm(core, *commit, usage))
            }
            Change::Folded { def, before, folded } => {
                self.on_table(&def, |w, _, _| w.folded(before, folded))
            }
            Change::Cover { def, schema, files, forgets } => {
                self.on_table(&def, |w, core, usage| w.cover(core, &schema, files, forgets, usage))
            }
            Change::Merge { def, merged } => {
                self.on_table(&def, |w, core, usage| w.merge(core, *merged, usage))
            }
            Change::Truncate { def, warm } => {
                self.on_table(&def, |w, core, usage| w.truncate(core, warm.as_ref(), usage))
            }
            Change::Create { def } => self.on_catalog(|catalog| catalog.create(def).map(|_| 0)),
            Change::Drop { name } => {
                let location = self.core.location_in_bucket(&name, self.usage);
                let id =
                    self.on_catalog(|catalog| catalog.drop(&name, location).map(|def| def.id))?;
                self.tables.remove(&id);
                self.core.retire_table(id);
                self.dropped.push(id);
                Ok(0)
            }
            Change::CreateView { view, replace } => {
                self.on_catalog(|catalog| catalog.create_view(view, replace).map(|()| 0))
            }
            Change::DropView { name } => {
                self.on_catalog(|catalog| catalog.drop_view(&name).map(|()| 0))
            }
            Change::Purged { id } => self.on_catalog(|catalog| {
                catalog.purged.retain(|(purged, _)| *purged != id);
                Ok(0)
            }),
            Change::Attach { name, attachment } => {
                self.on_catalog(|catalog| catalog.attach(name, attachment).map(|()| 0))
            }
            Change::Detach { name } => self.on_catalog(|catalog| catalog.detach(&name).map(|()| 0)),
            Change::ListDatabase { name } => {
                self.on_catalog(|catalog| catalog.list_database(name).map(|()| 0))
            }
            Change::Alter { name, changes } => {
                let def = self.on_catalog(|catalog| catalog.alter_all(&name, &changes))?;
                let working = self.working(&def)?;
                working.state.summary.retain(|id, _| def.schema.by_id(*id).is_some());
                working.state.def = def;
                Ok(0)
            }
            Change::Sweep { def } => {
                if let Some(def) = def {
                    let has_garbage = !self.working(&def)?.state.garbage.is_empty();
                    self.working(&def)?.head_changed |= has_garbage;
                } else {
                    self.catalog()?;
                }
                Ok(0)
            }
        }
    }

    /// Runs `change` on a table's working copy; when it fails the copy is as before.
    fn on_table<T>(
        &mut self,
        def: &Arc<TableDef>,
        change: impl FnOnce(&mut Working, &Core, &Usage) -> Result<T>,
    ) -> Result<T> {
        let (core, usage) = (self.core, self.usage);
        let working = self.working(def)?;
        let before = working.savepoint();
        let result = change(working, core, usage);
        if result.is_err() {
            working.restore(before);
        }
        result
    }

    fn working(&mut self, def: &Arc<TableDef>) -> Result<&mut Working> {
        if !self.tables.contains_key(&def.id) {
            if self.core.is_dropped(def.id) {
                return Err(Error::UnknownTable { name: def.name.clone() });
            }
            let slot = self.core.slot(def.id);
            let state = slot.state(self.core, def, self.usage)?;
            self.tables.insert(def.id, Working::new(slot, &state));
        }
        self.tables.get_mut(&def.id).ok_or_else(|| Error::invalid("no such working table"))
    }

    fn on_catalog<T>(&mut self, change: impl FnOnce(&mut Catalog) -> Result<T>) -> Result<T> {
        let mut catalog = self.catalog()?.clone();
        let out = change(&mut catalog)?;
        self.catalog = Some(catalog);
        Ok(out)
    }

    fn catalog(&mut self) -> Result<&Catalog> {
        if self.catalog.is_none() {
            self.catalog = Some(self.core.catalog(self.usage)?.as_ref().clone());
        }
        self.catalog.as_ref().ok_or_else(|| Error::invalid("no catalog"))
    }

    /// Writes everything in one atomic step, then lets readers see it.
    fn carry_out(&mut self) -> Result<()> {
        let written = self.write();
        if written.is_ok() {
            self.publish();
        } else {
            // Whether or not the rows arrived: what is in memory is read again.
            self.core.forget();
            self.dropped.iter().for_each(|id| self.core.restore_table(*id));
        }
        written
    }

    fn write(&mut self) -> Result<()> {
        let head_bytes_max = self.core.options.head_bytes_max;
        let mut heads = Vec::new();
        for (id, working) in &mut self.tables {
            if working.head_changed {
                let swept = working.slot.sweep(&mut working.state, &working.retired);
                working.state.generation += 1;
                let ids = self.core.encode_ids(working)?;
                let manifest = warm::encode_manifest(&working.state, &working.dirty_chunks)?;
                let head = head::encode(&working.state, head_bytes_max)?;
                heads.push((*id, swept, ids, manifest, head));
            }
        }
        let dropped = match &mut self.catalog {
            Some(catalog) => self.core.sweep_tables(&mut catalog.dropped),
            None => Vec::new(),
        };
        let catalog = self.catalog.as_ref().map(Catalog::encode).transpose()?;
        let tables = &self.tables;
        self.core.rows.atomically(self.usage, |tx| -> Result<()> {
            for (id, swept, ids, manifest, head) in &heads {
                if let Some(working) = tables.get(id) {
                    write_parts(tx, *id, working)?;
                }
                for part in swept {
                    let params = [Value::Int(i64::from(*id)), Value::Int(*part as i64)];
                    run(tx, &statements::DELETE_PART, &params)?;
                }
                for (bucket, row) in ids {
                    let bucket = Value::Int(i64::from(*bucket));
                    let params = [Value::Int(i64::from(*id)), bucket, Value::Blob(row)];
                    run(tx, &statements::PUT_IDS, &params)?;
                }
                for (chunk, row) in manifest {
                    put_manifest(tx, *id, *chunk, row.as_deref())?;
                }
                if let Some(working) = tables.get(id) {
                    put_index(tx, &working.state.def, &working.index_rows)?;
                }
                put_head(tx, *id, head)?;
            }
            for id in &dropped {
                let params = [Value::Int(i64::from(*id))];
                run(tx, &statements::DELETE_PARTS, &params)?;
                run(tx, &statements::DELETE_IDS, &params)?;
                run(tx, &statements::DELETE_MANIFEST, &params)?;
                run(tx, &statements::DELETE_POSTINGS, &params)?;
                run(tx, &statements::DELETE_FOOTERS, &params)?;
                run(tx, &statements::DELETE_STATS, &params)?;
                run(tx, &statements::DELETE_HEAD, &params)?;
            }
            if let Some(row) = &catalog {
                put_head(tx, CATALOG, row)?;
            }
            Ok(())
        })
    }

    fn publish(&mut self) {
        for (_, working) in std::mem::take(&mut self.tables) {
            let filters = working.filters_after().cloned();
            working.slot.publish(working.state, filters, working.retired);
        }
        if let Some(catalog) = self.catalog.take() {
            self.core.publish_catalog(catalog);
        }
    }
}

/// The head row with this id is the catalog.
pub(crate) const CATALOG: u32 = 0;

fn run(tx: &Transaction<'_>, statement: &dodb_rowstore::Statement, params: &[Value]) -> Result<()> {
    Ok(tx.exec(statement, params, &mut |_| Flow::Continue)?)
}

fn put_head(tx: &Transaction<'_>, id: u32, row: &[u8]) -> Result<()> {
    run(tx, &statements::PUT_HEAD, &[Value::Int(i64::from(id)), Value::Blob(row)])
}

fn put_manifest(tx: &Transaction<'_>, id: u32, chunk: u32, row: Option<&[u8]>) -> Result<()> {
    let (id, chunk) = (Value::Int(i64::from(id)), Value::Int(i64::from(chunk)));
    match row {
        Some(row) => run(tx, &statements::PUT_MANIFEST, &[id, chunk, Value::Blob(row)]),
        None => run(tx, &statements::DELETE_MANIFEST_ROW, &[id, chunk]),
    }
}

fn put_index(tx: &Transaction<'_>, def: &TableDef, rows: &IndexRows) -> Result<()> {
    let id = || Value::Int(i64::from(def.id));
    if rows.forgets {
        run(tx, &statements::DELETE_POSTINGS, &[id()])?;
        run(tx, &statements::DELETE_FOOTERS, &[id()])?;
        run(tx, &statements::DELETE_STATS, &[id()])?;
    }
    for (level, cut) in &rows.only_cut {
        let params = [id(), Value::Int(*level as i64), Value::Int(i64::from(*cut))];
        run(tx, &statements::DELETE_POSTINGS_OF_OTHER_CUTS, &params)?;
    }
    for (name, row) in &rows.put {
        let [level, cut, shard] = name.params();
        run(tx, &statements::PUT_POSTINGS, &[id(), level, cut, shard, Value::Blob(row)])?;
    }
    for (first, row) in &rows.footers {
        let bytes = row.encode(def)?;
        let params = [id(), Value::Int(i64::from(*first)), Value::Blob(&bytes)];
        run(tx, &statements::PUT_FOOTERS, &params)?;
    }
    for first in &rows.footers_dropped {
        run(tx, &statements::DELETE_FOOTERS_ROW, &[id(), Value::Int(i64::from(*first))])?;
    }
    for (first, row) in &rows.stats {
        let bytes = row.encode(def)?;
        let params = [id(), Value::Int(i64::from(*first)), Value::Blob(&bytes)];
        run(tx, &statements::PUT_STATS, &params)?;
    }
    for first in &rows.stats_dropped {
        run(tx, &statements::DELETE_STATS_ROW, &[id(), Value::Int(i64::from(*first))])?;
    }
    Ok(())
}

fn write_parts(tx: &Transaction<'_>, id: u32, working: &Working) -> Result<()> {
    for (part, row) in &working.rows {
        // A part made and merged away within the same commit needs no rows.
        if working.state.part(*part).is_none() {
            continue;
        }
        let params = [
            Value::Int(i64::from(id)),
            Value::Int(*part as i64),
            Value::Int(i64::from(row.key.stream)),
            Value::Int(i64::from(row.key.seq)),
            Value::Blob(&row.bytes),
        ];
        run(tx, &statements::PUT_PART_ROW, &params)?;
    }
    Ok(())
}
