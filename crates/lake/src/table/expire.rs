//! What a table no longer needs: snapshots past their time, and objects that nothing names.

use std::collections::HashSet;

use bytes::Bytes;
use iceberg::spec::SnapshotRef;

use super::commit::{Prepared, Stamp};
use super::manifests::{read_all, read_list};
use super::metadata;
use super::open::{Table, metadata_name};
use crate::error::{Error, Result};

/// An expiry that waits for the swap of the pointer.
#[derive(Debug, Clone)]
pub struct Expired {
    /// The table without the snapshots.
    pub prepared: Prepared,
    /// Objects that only these reached: to be deleted after the swap, and not before.
    pub unreachable: Vec<String>,
}

impl Table {
    /// Prepares the table without snapshots older than a moment; the current one, and those that
    /// branches and tags name, always stay. `None` when there is nothing to expire.
    ///
    /// # Errors
    /// What the store says, by object and table.
    pub async fn expire(&self, older_than_ms: i64, stamp: &Stamp) -> Result<Option<Expired>> {
        self.expired(older_than_ms, stamp).await.map_err(|e| e.of_table(self.name()))
    }

    async fn expired(&self, older_than_ms: i64, stamp: &Stamp) -> Result<Option<Expired>> {
        let named = self.named_snapshots()?;
        let (old, kept): (Vec<SnapshotRef>, Vec<SnapshotRef>) =
            self.metadata().snapshots().cloned().partition(|snapshot| {
                snapshot.timestamp_ms() < older_than_ms && !named.contains(&snapshot.snapshot_id())
            });
        if old.is_empty() {
            return Ok(None);
        }
        let needed = self.reached(&kept).await?;
        let mut unreachable: Vec<String> =
            self.reached(&old).await?.into_iter().filter(|uri| !needed.contains(uri)).collect();
        unreachable.sort_unstable();
        let ids = old.iter().map(|snapshot| snapshot.snapshot_id()).collect();
        let metadata = metadata::without_snapshots(self, &ids, stamp.now_ms)?;
        let previous = Some(self.metadata_location());
        let uri = metadata_name(self.metadata().location(), previous, stamp.uuid);
        let bytes = serde_json::to_vec(&metadata)?;
        let table = Table::new(self.bucket(), self.name(), metadata.into(), &uri)?;
        self.bucket().write(&uri, Bytes::from(bytes)).await?;
        let prepared = Prepared { table, snapshot_id: None, written: vec![uri] };
        Ok(Some(Expired { prepared, unreachable }))
    }

    /// Objects under the table's location that neither its snapshots nor its log of metadata name,
    /// last modified before a moment: no commit under way may be older than that.
    ///
    /// # Errors
    /// What the store says, by object and table.
    pub async fn orphans(&self, older_than_ms: i64) -> Result<Vec<String>> {
        let find = async {
            let snapshots: Vec<SnapshotRef> = self.metadata().snapshots().cloned().collect();
            let mut needed = self.reached(&snapshots).await?;
            needed.insert(self.metadata_location().to_owned());
            let log = self.metadata().metadata_log().iter();
            needed.extend(log.map(|entry| entry.metadata_file.clone()));
            let statistics = self.metadata().statistics_iter();
            needed.extend(statistics.map(|file| file.statistics_path.clone()));
            let statistics = self.metadata().partition_statistics_iter();
            needed.extend(statistics.map(|file| file.statistics_path.clone()));
            let needed = needed.iter().map(|uri| self.bucket().key(uri));
            let needed: HashSet<_> = needed.collect::<Result<_>>()?;
            let listed = self.bucket().list(self.metadata().location()).await?;
            let is_orphan = |meta: &object_store::ObjectMeta| {
                meta.last_modified.timestamp_millis() < older_than_ms
                    && !needed.contains(&meta.location)
            };
            let orphans = listed.into_iter().filter(is_orphan);
            Ok(orphans.map(|meta| self.bucket().uri_of(&meta.location)).collect())
        };
        find.await.map_err(|e: Error| e.of_table(self.name()))
    }

    /// Snapshots that branches and tags name.
    fn named_snapshots(&self) -> Result<HashSet<i64>> {
        let value = serde_json::to_value(self.metadata().as_ref())?;
        let refs = value.get("refs").and_then(serde_json::Value::as_object);
        let ids = refs.into_iter().flat_map(|refs| refs.values());
        let ids = ids.filter_map(|named| named.get("snapshot-id")?.as_i64());
        Ok(ids.chain(self.metadata().current_snapshot_id()).collect())
    }

    /// Every object that the snapshots reach.
    async fn reached(&self, snapshots: &[SnapshotRef]) -> Result<HashSet<String>> {
        let mut reached = HashSet::new();
        for snapshot in snapshots {
            reached.insert(snapshot.manifest_list().to_owned());
            let mut manifests = read_list(self, snapshot).await?;
            manifests.retain(|manifest| reached.insert(manifest.manifest_path.clone()));
            for entries in read_all(self, &manifests).await? {
                reached.extend(entries.into_iter().map(|e| e.file.file_path().to_owned()));
            }
        }
        Ok(reached)
    }
}
