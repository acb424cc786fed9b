//! Databases that are attached: catalogs and folders of Iceberg tables that are somebody else's.
//! Which there are is in the catalog row; their tables are looked up at each query, so that it sees
//! them as they are now, and read like files of the database's own bucket. Nothing is ever written
//! to them. Not here: how they are found (`dodb-lake`).

use std::sync::Arc;

use dodb_lake::{Attachment, Bucket, LiveFile, ObjectUsage, Outside, Places, Table};
use dodb_part::hash_bytes;
use dodb_rowstore::Usage;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;

use super::files::{Warm, WarmFile, WarmHead};
use super::history::{AsOf, chosen};
use super::lake::{count, counted};
use crate::commit::Change;
use crate::db::{Core, Db};
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;
use crate::state::{PartState, Paths, TableState};
use crate::table::{TableDef, TableKind, check_name};

/// Attached databases that a database may have.
pub(crate) const ATTACHED_MAX: usize = 1_000;
/// The id of every attached table: no table of a database has it.
pub(crate) const ATTACHED_TABLE: u32 = u32::MAX;
/// States of attached tables that memory holds.
const STATES_MAX: usize = 8;

/// What may be attached, and how it is reached.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    /// Where it may be.
    pub places: Places,
    /// The host's way there; none: nothing is attached.
    pub outside: Option<Arc<dyn Outside>>,
    /// Files of a table; one with more is refused.
    pub files_max: usize,
}

impl AttachOptions {
    fn outside(&self) -> Result<&dyn Outside> {
        let none = || Error::invalid("this dodb has no way to what is outside of its own bucket");
        self.outside.as_deref().ok_or_else(none)
    }
}

impl Db {
    /// Attaches a database to read from. `Ok(false)`: there was one and `if_not_exists` was set.
    /// Nothing outside is asked.
    ///
    /// # Errors
    /// The name is taken or none; what it is may not be read from here.
    pub fn attach(
        &self,
        name: &str,
        attachment: Attachment,
        if_not_exists: bool,
        usage: &Usage,
    ) -> Result<bool> {
        check_name("database", name)?;
        if if_not_exists && self.attached(usage)?.iter().any(|(known, _)| known == name) {
            return Ok(false);
        }
        let options = &self.core.options.attach;
        options.outside()?;
        attachment.check(&options.places)?;
        self.submit(Change::Attach { name: name.to_owned(), attachment }, usage)?;
        Ok(true)
    }

    /// Forgets an attached database. `Ok(false)`: there was none and `if_exists` was set.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn detach(&self, name: &str, if_exists: bool, usage: &Usage) -> Result<bool> {
        if if_exists && !self.attached(usage)?.iter().any(|(known, _)| known == name) {
            return Ok(false);
        }
        self.submit(Change::Detach { name: name.to_owned() }, usage)?;
        Ok(true)
    }

    /// The attached databases, by name.
    ///
    /// # Errors
    /// The row store failed.
    pub fn attached(&self, usage: &Usage) -> Result<Vec<(String, Attachment)>> {
        Ok(self.core.catalog(usage)?.attached.clone().into_iter().collect())
    }

    /// The names of the tables of an attached database, with their namespaces.
    ///
    /// # Errors
    /// There is no such database, or its catalog or folder failed.
    pub fn attached_tables<'a>(
        &'a self,
        database: &'a str,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let attachment = self.core.attachment(database, usage)?;
            let options = &self.core.options.attach;
            Ok(attachment.tables(&options.places, options.outside()?).await?)
        })
    }

    /// A table of an attached database as it is now, or was.
    ///
    /// # Errors
    /// There is no such database, table or moment; its catalog or store failed; it has what dodb
    /// does not read.
    pub fn attached_snapshot<'a>(
        &'a self,
        database: &'a str,
        table: &'a str,
        as_of: Option<AsOf>,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<Snapshot>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.attached_state(database, table, as_of, usage))
    }

    async fn attached_state(
        &self,
        database: &str,
        table: &str,
        as_of: Option<AsOf>,
        usage: &Usage,
    ) -> Result<Snapshot> {
        let core = &self.core;
        let options = &core.options.attach;
        let attachment = core.attachment(database, usage)?;
        let found = attachment.find(table, &options.places, options.outside()?).await?;
        let name = format!("{database}.{table}");
        let found = found.ok_or_else(|| Error::UnknownTable { name: name.clone() })?;
        let objects = Arc::new(ObjectUsage::default());
        let bucket = counted(&found.bucket, &objects);
        let read = async {
            let location = &found.metadata_location;
            if as_of.is_none()
                && let Some(state) = core.attached_in_memory(&name, location)
            {
                return Ok(state);
            }
            let metadata = match found.metadata {
                Some(metadata) => metadata.into(),
                None => bucket.read(location).await?,
            };
            let opened = Table::attached(&bucket, &name, &metadata, location)?;
            let state = Arc::new(state_of(core, &name, &opened, as_of).await?);
            if as_of.is_none() {
                core.keep_attached(&name, state.clone());
            }
            Ok(state)
        };
        let read: Result<Arc<TableState>> = read.await;
        count(&objects, usage);
        // What it is read through counts for those who read.
        let state = read?.with_attached_bucket(&found.bucket);
        Ok(Snapshot::new(core.clone(), Arc::new(state)))
    }
}

impl TableState {
    fn with_attached_bucket(&self, bucket: &Bucket) -> TableState {
        let attached = self.attached.as_ref().map(|table| table.with_bucket(bucket));
        TableState { attached, ..self.clone() }
    }
}

impl Core {
    fn attachment(&self, database: &str, usage: &Usage) -> Result<Attachment> {
        let found = self.catalog(usage)?.attached.get(database).cloned();
        found.ok_or_else(|| {
            Error::invalid(format!("there is no database `{database}`; SHOW DATABASES lists them"))
        })
    }

    fn attached_in_memory(&self, name: &str, metadata: &str) -> Option<Arc<TableState>> {
        let held = self.attached.lock();
        let is_it = |state: &&Arc<TableState>| {
            let warm = state.warm.as_ref();
            state.def.name == name && warm.is_some_and(|warm| warm.head.metadata == metadata)
        };
        held.iter().find(is_it).cloned()
    }

    fn keep_attached(&self, name: &str, state: Arc<TableState>) {
        let mut held = self.attached.lock();
        held.retain(|known| known.def.name != name);
        held.push_back(state);
        if held.len() > STATES_MAX {
            held.pop_front();
        }
    }
}

/// The table with all of its files. Reads its manifests, and the deletes that it has.
async fn state_of(
    core: &Core,
    name: &str,
    table: &Table,
    as_of: Option<AsOf>,
) -> Result<TableState> {
    let id = as_of.map(|as_of| chosen(name, table, as_of)).transpose()?;
    let mut files = Vec::new();
    let live = table.files(id).await?;
    let files_max = core.options.attach.files_max;
    if live.len() > files_max {
        return Err(Error::Limit {
            what: format!("the number of files of table `{name}`"),
            value: live.len() as u64,
            max: files_max as u64,
            remedy: "compact it with the engine that writes it",
        });
    }
    let schema = table.metadata().current_schema_id();
    for live in live {
        let deleted: RoaringBitmap =
            live.deleted_rows(table).await?.into_iter().map(|row| row as u32).collect();
        files.push(Arc::new(part_of(&live, deleted, table, schema)));
    }
    let columns = table.layout().columns();
    let paths: Paths = columns
        .iter()
        .filter_map(|laid| {
            let summary = laid.document.as_ref()?.summary(&laid.field);
            Some((laid.column.id, Arc::new(summary)))
        })
        .collect();
    let def = TableDef {
        id: ATTACHED_TABLE,
        version: 0,
        name: name.to_owned(),
        kind: TableKind::Plain,
        schema: table.layout().columns_schema()?,
        order_by: Vec::new(),
        partition_by: None,
        next_column: 0,
        json_hints: Default::default(),
    };
    let head = WarmHead { metadata: table.metadata_location().to_owned(), ..WarmHead::default() };
    let warm = Warm::unread(head).with(files);
    let mut state = TableState::empty(Arc::new(def));
    state.summary.clear();
    state.rows = warm.head.rows;
    state.paths = paths;
    state.warm = Some(warm);
    state.attached = Some(table.clone());
    Ok(state)
}

/// A file as a part. Its number tells it from files of all tables, read by any of their schemas.
fn part_of(live: &LiveFile, deleted: RoaringBitmap, table: &Table, schema: i32) -> PartState {
    let uri = live.file.file_path();
    let place = format!("{} {schema} {uri}", table.metadata().uuid());
    PartState {
        no: hash_bytes(place.as_bytes()),
        rows: live.file.record_count(),
        granules: 0,
        bytes: live.file.file_size_in_bytes(),
        decoded_bytes: None,
        deleted: (!deleted.is_empty()).then(|| Arc::new(deleted)),
        zones: Arc::new(live.zones(table.layout())),
        filter: None,
        in_ids: false,
        fresh: None,
        born_ms: None,
        file: Some(Arc::new(WarmFile {
            uri: uri.to_owned(),
            chunk: 0,
            deletes_written: 0,
            partition: 0,
        })),
        guard: Arc::new(()),
    }
}
