//! The snapshots of a table in the bucket, for those who list them. Not here: reading one.

use std::collections::BTreeMap;

use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::lake::Lake;
use crate::db::Db;
use crate::error::Result;

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
