//! The snapshots of a table in the bucket, for those who list them, and the table as one of them
//! holds it. Rows that were not in the bucket then, or not written to it as deleted, are as they
//! were there. Not here: how files are read ([`super::scan`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dodb_lake::{LiveFile, Table};
use dodb_part::hash_bytes;
use dodb_rowstore::Usage;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;

use super::files::{Warm, WarmFile, WarmHead};
use super::lake::Lake;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;
use crate::state::{PartState, Summary, TableState};

/// Which snapshot of a table in the bucket is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The one with this id.
    Snapshot(i64),
    /// The one that was current then, in milliseconds since 1970.
    Time(i64),
}

/// A snapshot in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its id.
    pub id: i64,
    /// The one before it.
    pub parent: Option<i64>,
    /// When it was made, in milliseconds since 1970.
    pub committed_ms: i64,
    /// "append", "replace", "overwrite" or "delete".
    pub operation: String,
    /// Where its list of manifests is.
    pub manifest_list: String,
    /// Iceberg's counts, and what dodb noted.
    pub summary: BTreeMap<String, String>,
    /// Is it the newest?
    pub is_current: bool,
}

impl Db {
    /// The snapshots of a table in the bucket, oldest first; none while it has no rows there. Reads
    /// the table's metadata, unless memory holds it.
    ///
    /// # Errors
    /// There is no such table, or its bucket failed.
    pub fn snapshots<'a>(
        &'a self,
        name: &'a str,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<Vec<SnapshotInfo>>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.snapshots_of(name, usage))
    }

    async fn snapshots_of(&self, name: &str, usage: &Usage) -> Result<Vec<SnapshotInfo>> {
        let def = self.core.def(name, usage)?;
        let state = self.core.state(&def, usage)?;
        let Some(warm) = &state.warm else { return Ok(Vec::new()) };
        let lake = Lake::new(&self.core, &def, usage)?;
        let table = lake.table(&self.core, &def, &warm.head.metadata).await?;
        let metadata = table.metadata();
        let info = |snapshot: &dodb_lake::SnapshotRef| SnapshotInfo {
            id: snapshot.snapshot_id(),
            parent: snapshot.parent_snapshot_id(),
            committed_ms: snapshot.timestamp_ms(),
            operation: snapshot.summary().operation.as_str().to_owned(),
            manifest_list: snapshot.manifest_list().to_owned(),
            summary: snapshot.summary().additional_properties.clone().into_iter().collect(),
            is_current: Some(snapshot.snapshot_id()) == metadata.current_snapshot_id(),
        };
        let mut all: Vec<SnapshotInfo> = metadata.snapshots().map(info).collect();
        all.sort_by_key(|snapshot| (snapshot.committed_ms, snapshot.id));
        Ok(all)
    }
}

impl Db {
    /// A table as one of its snapshots in the bucket holds it, with the columns it has today. Reads
    /// the table's metadata and the snapshot's manifests.
    ///
    /// # Errors
    /// There is no such table or snapshot, or its bucket failed.
    pub fn snapshot_as_of<'a>(
        &'a self,
        name: &'a str,
        as_of: AsOf,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<Snapshot>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.as_of(name, as_of, usage))
    }

    async fn as_of(&self, name: &str, as_of: AsOf, usage: &Usage) -> Result<Snapshot> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let state = core.state(&def, usage)?;
        let Some(warm) = &state.warm else {
            let what = format!("table `{name}` has no snapshots: none of its rows were flushed");
            return Err(Error::invalid(what));
        };
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        let id = chosen(name, &table, as_of)?;
        let known = state.files(&core.rows, usage)?;
        let known: HashMap<&str, &Arc<PartState>> = known
            .iter()
            .filter_map(|part| Some((part.file.as_ref()?.uri.as_str(), part)))
            .collect();
        let mut files = Vec::new();
        for live in table.files(Some(id)).await? {
            let deleted: RoaringBitmap =
                live.deleted_rows(&table).await?.into_iter().map(|row| row as u32).collect();
            let part = known.get(live.file.file_path()).copied();
            files.push(Arc::new(part_of(&live, deleted, part)));
        }
        // The index is of the files of today.
        let head = WarmHead { index: None, ..warm.head.clone() };
        let then = Warm::unread(head).with(files);
        Ok(Snapshot::new(
            core.clone(),
            Arc::new(TableState {
                rows: then.head.rows,
                summary: Summary::new(),
                parts: Vec::new(),
                garbage: Vec::new(),
                warm: Some(then),
                ..state.as_ref().clone()
            }),
        ))
    }
}

/// The snapshot that is meant.
pub(super) fn chosen(name: &str, table: &Table, as_of: AsOf) -> Result<i64> {
    let metadata = table.metadata();
    let found = match as_of {
        AsOf::Snapshot(id) => metadata.snapshot_by_id(id).map(|snapshot| snapshot.snapshot_id()),
        AsOf::Time(ms) => {
            let then = metadata.history().iter().filter(|entry| entry.timestamp_ms <= ms);
            let then = then.max_by_key(|entry| entry.timestamp_ms).map(|entry| entry.snapshot_id);
            then.filter(|id| metadata.snapshot_by_id(*id).is_some())
        }
    };
    found.ok_or_else(|| {
        let what = match as_of {
            AsOf::Snapshot(id) => format!("no snapshot {id}"),
            AsOf::Time(ms) => format!("no snapshot from before {ms} ms since 1970"),
        };
        Error::invalid(format!(
            "table `{name}` has {what}, or it has expired; system.snapshots lists those there are"
        ))
    })
}

/// A file of an older snapshot as a part. One that is still there keeps its number, under which it
/// may be open already.
fn part_of(live: &LiveFile, deleted: RoaringBitmap, known: Option<&Arc<PartState>>) -> PartState {
    const OLDER: u64 = 1 << 63;
    let uri = live.file.file_path();
    PartState {
        no: known.map_or_else(|| hash_bytes(uri.as_bytes()) | OLDER, |part| part.no),
        rows: live.file.record_count(),
        granules: 0,
        bytes: live.file.file_size_in_bytes(),
        decoded_bytes: None,
        deleted: (!deleted.is_empty()).then(|| Arc::new(deleted)),
        zones: known.map(|part| part.zones.clone()).unwrap_or_default(),
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
