//! [`Db`]: the boundary of the engine. What it holds in memory is only what rows say, read when it
//! is first needed: a database that was just opened has read nothing. Not here: how anything is
//! done; each verb names the module that does it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow_array::RecordBatch;
use dodb_lake::{Bucket, Change as LakeChange, RangeMemory};
use dodb_rowstore::{Flow, Metered, Usage, Value};
use futures::future::BoxFuture;
use parking_lot::{Mutex, RwLock};

use crate::catalog::{Alter, Catalog};
use crate::commit::{CATALOG, Change, Commits};
use crate::env::{Env, Turn};
use crate::error::{Error, Result};
use crate::job_log::{JobInfo, JobLog};
use crate::jobs::{JobBudget, JobReport};
use crate::normalize::normalize;
use crate::options::Options;
use crate::parts::PartStore;
use crate::slot::{Guards, Slot, is_read};
use crate::snapshot::Snapshot;
use crate::state::TableState;
use crate::statements;
use crate::table::TableDef;
use crate::warm::{self, Lake, next_stamp};
use crate::working::Working;

/// A database. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Db {
    pub(crate) core: Arc<Core>,
}

/// Rows to delete: for each part number the row numbers within it, as a scan with
/// `row_addresses` gives them.
pub type RowAddresses = Vec<(u64, roaring::RoaringBitmap)>;

pub(crate) struct Core {
    pub(crate) rows: Arc<Metered>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) options: Options,
    pub(crate) parts: PartStore,
    /// Where rows go that are no longer hot.
    pub(crate) bucket: Option<Bucket>,
    builtin: [Arc<TableDef>; 2],
    catalog: RwLock<Option<Arc<Catalog>>>,
    slots: Mutex<HashMap<u32, Arc<Slot>>>,
    /// Dropped tables, and the guards of parts that readers may still hold.
    dropping: Mutex<HashMap<u32, Guards>>,
    pub(crate) commits: Commits,
    /// Held while a step of background work is done, so that nobody does it twice.
    pub(crate) working: Mutex<()>,
    pub(crate) job_log: JobLog,
    /// Tables of attached databases that were read lately, the latest last.
    pub(crate) attached: Mutex<VecDeque<Arc<TableState>>>,
}

/// How often a change is tried when others change the same table.
const TRIES_MAX: usize = 8;
/// The same for an insert, which may have to merge parts in between.
const INSERT_TRIES_MAX: usize = 16;

impl Db {
    /// Opens a database on a row store, making its tables if the store is empty. All of its rows
    /// stay there.
    ///
    /// # Errors
    /// The row store failed.
    pub fn open(rows: Arc<Metered>, env: Arc<dyn Env>, options: Options) -> Result<Db> {
        Db::open_with_bucket(rows, env, options, None)
    }

    /// As [`Db::open`], with a bucket for rows that are no longer hot.
    ///
    /// # Errors
    /// The row store failed. The bucket is not asked for anything.
    pub fn open_with_bucket(
        rows: Arc<Metered>,
        env: Arc<dyn Env>,
        options: Options,
        bucket: Option<Bucket>,
    ) -> Result<Db> {
        let usage = Usage::default();
        for statement in &statements::CREATE {
            rows.exec(statement, &[], &usage, &mut |_| Flow::Continue)?;
        }
        let cache = Arc::new(RangeMemory::new(options.object_cache_bytes_max));
        let bucket = bucket.map(|bucket| bucket.with_cache(cache));
        let core = Core {
            parts: PartStore::new(rows.clone(), options.cache_bytes_max),
            rows,
            env,
            options,
            bucket,
            builtin: [Arc::new(TableDef::things()?), Arc::new(TableDef::relationships()?)],
            catalog: RwLock::new(None),
            slots: Mutex::new(HashMap::new()),
            dropping: Mutex::new(HashMap::new()),
            commits: Commits::default(),
            working: Mutex::new(()),
            job_log: JobLog::default(),
            attached: Mutex::new(VecDeque::new()),
        };
        Ok(Db { core: Arc::new(core) })
    }

    /// The definition of a table. Costs no row for the tables that always exist.
    pub fn table(&self, name: &str, usage: &Usage) -> Result<Arc<TableDef>> {
        self.core.def(name, usage)
    }

    /// All tables by name.
    pub fn tables(&self, usage: &Usage) -> Result<Vec<Arc<TableDef>>> {
        Ok(self.core.catalog(usage)?.tables.values().cloned().collect())
    }

    /// A table as it is now. One row read when memory does not hold the table yet.
    pub fn snapshot(&self, name: &str, usage: &Usage) -> Result<Snapshot> {
        let def = self.core.def(name, usage)?;
        let state = self.core.state(&def, usage)?;
        Ok(Snapshot::new(self.core.clone(), state))
    }

    /// Makes a table. `Ok(false)`: one, or a view, existed and `if_not_exists` was set.
    pub fn create_table(&self, def: TableDef, if_not_exists: bool, usage: &Usage) -> Result<bool> {
        match self.submit(Change::Create { def }, usage) {
            Ok(_) => Ok(true),
            Err(Error::TableExists { .. } | Error::ViewExists { .. }) if if_not_exists => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Drops a table and everything in it. `Ok(false)`: there was none and `if_exists` was set.
    pub fn drop_table(&self, name: &str, if_exists: bool, usage: &Usage) -> Result<bool> {
        match self.submit(Change::Drop { name: name.to_owned() }, usage) {
            Ok(_) => Ok(true),
            Err(Error::UnknownTable { .. }) if if_exists => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Changes a table's definition.
    pub fn alter_table(&self, name: &str, change: Alter, usage: &Usage) -> Result<()> {
        self.alter_table_all(name, vec![change], usage)
    }

    /// Changes a table's definition by one change after the other: by all of them or by none.
    pub fn alter_table_all(&self, name: &str, changes: Vec<Alter>, usage: &Usage) -> Result<()> {
        self.submit(Change::Alter { name: name.to_owned(), changes }, usage).map(|_| ())
    }

    /// Deletes every row of a table; answers how many there were.
    ///
    /// # Errors
    /// See [`Error`]; nothing was deleted then.
    pub fn truncate<'a>(&'a self, name: &'a str, usage: &'a Usage) -> BoxFuture<'a, Result<u64>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.truncate_all(name, usage))
    }

    async fn truncate_all(&self, name: &str, usage: &Usage) -> Result<u64> {
        for _ in 1..TRIES_MAX {
            match self.try_truncate(name, usage).await {
                Err(Error::Conflict { .. }) => {}
                other => return other,
            }
        }
        self.try_truncate(name, usage).await
    }

    async fn try_truncate(&self, name: &str, usage: &Usage) -> Result<u64> {
        let def = self.core.def(name, usage)?;
        let state = self.core.state(&def, usage)?;
        let files = state.files(&self.core.rows, usage)?;
        let Some(head) = state.warm.as_ref().map(|warm| &warm.head).filter(|_| !files.is_empty())
        else {
            return self.submit(Change::Truncate { def, warm: None }, usage);
        };
        // Snapshots of before stay, until they expire.
        let lake = Lake::new(&self.core, &def, usage)?;
        let table = lake.table(&self.core, &def, &head.metadata).await?;
        let change = LakeChange {
            removed: files
                .iter()
                .filter_map(|part| Some(part.file.as_ref()?.uri.clone()))
                .collect(),
            planned_at: table.metadata().current_snapshot_id(),
            ..LakeChange::default()
        };
        let stamp = next_stamp(self.core.env.as_ref(), &table);
        let prepared = table.prepare(&change, &stamp).await?;
        let after = prepared.table.metadata_location().to_owned();
        let warm = Some((head.metadata.clone(), after));
        self.submit(Change::Truncate { def, warm }, usage)
    }

    /// Inserts rows; the columns of `batch` are matched by name, missing ones get their defaults.
    /// In `things` and `relationships` a row replaces the one of the same key, in whatever tier it
    /// is. When this returns the rows are durable and visible. On a host with one thread others who
    /// insert while this one waits for [`Env::turn`] share its commit. Answers how many rows the
    /// batch had.
    ///
    /// # Errors
    /// See [`Error`]; on any error nothing of the batch is stored.
    pub async fn insert(&self, name: &str, batch: &RecordBatch, usage: &Usage) -> Result<u64> {
        if batch.num_rows() == 0 {
            self.core.def(name, usage)?;
            return Ok(0);
        }
        let mut turn = self.core.env.turn();
        for _ in 1..INSERT_TRIES_MAX {
            match self.try_insert(name, batch, turn.take(), usage).await {
                // The table changed meanwhile: once more, without waiting for others.
                Err(Error::Conflict { .. }) => {}
                Err(Error::TooManyParts { .. }) => self.make_room(name, usage)?,
                other => return other,
            }
        }
        self.try_insert(name, batch, None, usage).await
    }

    async fn try_insert(
        &self,
        name: &str,
        batch: &RecordBatch,
        turn: Option<Turn>,
        usage: &Usage,
    ) -> Result<u64> {
        let def = self.core.def(name, usage)?;
        let batch = normalize(&def, &self.core.options, self.core.env.as_ref(), batch)?;
        let warm = warm::look_up(&self.core, &def, Some(&batch), &Vec::new(), usage).await?;
        let queued = self.core.commits.enqueue(&self.core, Change::Insert { def, batch, warm });
        if let Some(turn) = turn {
            turn.await;
        }
        queued.settle(usage)
    }

    /// Deletes the rows named and inserts `batch`, as one change. Answers how many were deleted.
    ///
    /// # Errors
    /// [`Error::Conflict`] when one of the rows is gone: read again, and try again.
    pub async fn mutate(
        &self,
        name: &str,
        deletions: RowAddresses,
        batch: Option<&RecordBatch>,
        usage: &Usage,
    ) -> Result<u64> {
        let def = self.core.def(name, usage)?;
        let (options, env) = (&self.core.options, self.core.env.as_ref());
        let batch = batch.map(|b| normalize(&def, options, env, b)).transpose()?;
        if deletions.is_empty() && batch.is_none() {
            return Ok(0);
        }
        let warm = warm::look_up(&self.core, &def, batch.as_ref(), &deletions, usage).await?;
        match self.submit(Change::Mutate { def: def.clone(), deletions, batch, warm }, usage) {
            // Merged parts have other addresses: the caller has to read again.
            Err(Error::TooManyParts { .. }) => {
                self.make_room(name, usage)?;
                Err(Error::Conflict { table: def.name.clone() })
            }
            other => other,
        }
    }

    /// Does background work (folding, merging, sweeping) within `budget`.
    pub fn run_jobs(&self, budget: &JobBudget, usage: &Usage) -> Result<JobReport> {
        crate::jobs::run(self, budget, usage)
    }

    /// Is there background work for [`Db::run_jobs`]? Looks at what memory holds and reads no row.
    pub fn has_jobs(&self) -> bool {
        crate::jobs::are_due(&self.core)
    }

    /// Jobs that are under way and the newest of those that are done, in the order in which they
    /// began. Only those since the database was opened.
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.core.job_log.list()
    }

    /// Reads the state of every table, so that background work finds what is due: a database that
    /// was just opened knows of none. One row for the catalog and one for each table.
    ///
    /// # Errors
    /// The first: the row store failed, or a row is damaged. The other tables are known then.
    pub fn load_tables(&self, usage: &Usage) -> Result<()> {
        let catalog = self.core.catalog(usage);
        let listed = catalog.as_ref().map(|catalog| catalog.tables.values());
        // These need no catalog.
        let builtin = self.core.builtin.iter();
        let mut outcome = Ok(());
        for def in builtin.chain(listed.into_iter().flatten()) {
            match self.core.state(def, usage) {
                // Dropped meanwhile.
                Ok(_) | Err(Error::UnknownTable { .. }) => {}
                Err(e) => outcome = outcome.and(Err(e)),
            }
        }
        outcome.and(catalog.map(drop))
    }

    /// The meter under this database.
    pub fn meter(&self) -> &Metered {
        &self.core.rows
    }

    /// The clock and dice the database was opened with.
    pub fn env(&self) -> &dyn Env {
        self.core.env.as_ref()
    }

    /// Forgets all that memory holds, as if the object had just woken.
    pub fn forget(&self) {
        self.core.forget();
        if let Some(bucket) = &self.core.bucket {
            bucket.forget();
        }
    }

    pub(crate) fn submit(&self, change: Change, usage: &Usage) -> Result<u64> {
        self.core.commits.enqueue(&self.core, change).settle(usage)
    }

    /// Merges a table whose parts came faster than background work merged them. Who writes waits
    /// here, so that parts never outgrow the head row.
    fn make_room(&self, name: &str, usage: &Usage) -> Result<()> {
        let def = self.core.def(name, usage)?;
        crate::jobs::make_room(self, &def, usage)
    }
}

impl Core {
    /// Is that the name of a table that always exists?
    pub(crate) fn is_builtin(&self, name: &str) -> bool {
        self.builtin.iter().any(|def| def.name == name)
    }

    pub(crate) fn def(&self, name: &str, usage: &Usage) -> Result<Arc<TableDef>> {
        if let Some(def) = self.builtin.iter().find(|def| def.name == name) {
            return Ok(def.clone());
        }
        Ok(self.catalog(usage)?.get(name)?.clone())
    }

    pub(crate) fn catalog(&self, usage: &Usage) -> Result<Arc<Catalog>> {
        if let Some(catalog) = self.catalog.read().as_ref() {
            return Ok(catalog.clone());
        }
        let mut held = self.catalog.write();
        if let Some(catalog) = held.as_ref() {
            return Ok(catalog.clone());
        }
        let catalog = match self.head_row(CATALOG, usage)? {
            Some(row) => Catalog::decode(&row)?,
            None => Catalog::empty()?,
        };
        let catalog = Arc::new(catalog);
        *held = Some(catalog.clone());
        Ok(catalog)
    }

    /// The catalog if memory holds it, or in any case when `load` is set.
    pub(crate) fn catalog_in_memory(
        &self,
        load: bool,
        usage: &Usage,
    ) -> Result<Option<Arc<Catalog>>> {
        if load {
            return self.catalog(usage).map(Some);
        }
        Ok(self.catalog.read().clone())
    }

    /// The states of tables that memory holds.
    pub(crate) fn states_in_memory(&self) -> Vec<Arc<TableState>> {
        self.slots.lock().values().filter_map(|slot| slot.state.read().clone()).collect()
    }

    pub(crate) fn head_row(&self, id: u32, usage: &Usage) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        let params = [Value::Int(i64::from(id))];
        self.rows.query_one(&statements::GET_HEAD, &params, usage, &mut |row| {
            if let Some(Value::Blob(bytes)) = row.first() {
                found = Some(bytes.to_vec());
            }
        })?;
        Ok(found)
    }

    pub(crate) fn slot(&self, id: u32) -> Arc<Slot> {
        self.slots.lock().entry(id).or_default().clone()
    }

    /// The newest state of a table that is not dropped.
    pub(crate) fn state(&self, def: &Arc<TableDef>, usage: &Usage) -> Result<Arc<TableState>> {
        let state = self.slot(def.id).state(self, def, usage)?;
        // Asked afterwards: a state read while the table goes away has guards nobody looks at.
        if self.is_dropped(def.id) {
            return Err(Error::UnknownTable { name: def.name.clone() });
        }
        Ok(state)
    }

    pub(crate) fn is_dropped(&self, id: u32) -> bool {
        self.dropping.lock().contains_key(&id)
    }

    /// From now on nothing more goes into the table.
    pub(crate) fn retire_table(&self, id: u32) {
        // Marked first: whoever reads the state again from now on learns that it is gone.
        self.dropping.lock().insert(id, Guards::new());
        let slot = self.slots.lock().remove(&id).unwrap_or_default();
        slot.forget();
        let mut guards = std::mem::take(&mut *slot.guards.lock());
        let retired = std::mem::take(&mut *slot.retired.lock());
        guards.extend(retired.iter().map(|(part, guard)| (*part, Arc::downgrade(guard))));
        self.dropping.lock().insert(id, guards);
    }

    /// The table was not dropped after all.
    pub(crate) fn restore_table(&self, id: u32) {
        if let Some(guards) = self.dropping.lock().remove(&id) {
            self.slot(id).guards.lock().extend(guards);
        }
    }

    /// Takes from `dropped` the tables that no reader holds any more.
    pub(crate) fn sweep_tables(&self, dropped: &mut Vec<u32>) -> Vec<u32> {
        let dropping = self.dropping.lock();
        let (free, held) = dropped
            .iter()
            .partition(|id| dropping.get(id).is_none_or(|guards| !guards.values().any(is_read)));
        *dropped = held;
        free
    }

    pub(crate) fn publish_catalog(&self, catalog: Catalog) {
        *self.catalog.write() = Some(Arc::new(catalog));
    }

    /// The `_ids` rows that a commit has to write for a table.
    pub(crate) fn encode_ids(&self, working: &mut Working) -> Result<Vec<(u32, Vec<u8>)>> {
        let Some(filters) = working.filters_after().cloned() else { return Ok(Vec::new()) };
        if !working.ids_changed {
            return Ok(Vec::new());
        }
        // Never fewer than before, so that no old bucket is left behind.
        let buckets = filters.buckets().max(working.state.id_buckets);
        working.state.id_buckets = buckets;
        let def = working.state.def.clone();
        (0..buckets).map(|b| Ok((b, filters.encode(&def, b, buckets)?))).collect()
    }

    pub(crate) fn forget(&self) {
        *self.catalog.write() = None;
        self.slots.lock().values().for_each(|slot| slot.forget());
        self.parts.forget();
        self.attached.lock().clear();
    }
}
