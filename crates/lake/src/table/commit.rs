//! Commits: objects that nothing points to yet, up to the new metadata. The swap of the pointer is
//! the caller's; see `docs/lake.md`, "Commits".

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use iceberg::spec::{
    DataContentType, DataFile, MAIN_BRANCH, ManifestContentType, ManifestFile, Operation, Schema,
    SchemaRef, Snapshot, TableMetadataBuilder,
};
use uuid::Uuid;

use super::manifests::{self, Entry, Kind, NewEntry};
use super::open::{Table, metadata_name};
use super::{metadata, summary};
use crate::error::{Error, Result};

/// When a commit happens and what its objects are called. A try that starts over needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Random; of no other try.
    pub uuid: Uuid,
}

/// What a commit changes. Everything at once, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Data files and position delete files that are in the bucket already.
    pub added: Vec<DataFile>,
    /// Paths of data files and delete files that go. The delete files of a removed data file go
    /// with it.
    pub removed: Vec<String>,
    /// The snapshot that the change was planned upon, when it removes files or deletes rows:
    /// deletes that came after it to a removed file are a conflict.
    pub planned_at: Option<i64>,
    /// Whether the rows stay what they are (compaction).
    pub same_rows: bool,
    /// The schema from then on.
    pub schema: Option<Schema>,
    /// What the snapshot's summary says besides Iceberg's counts.
    pub summary: Vec<(String, String)>,
}

/// A commit that waits for the swap of the pointer.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The table as it will be; its metadata location is the new pointer.
    pub table: Table,
    /// The new snapshot, if there is one.
    pub snapshot_id: Option<i64>,
    /// The objects written. Orphans, should the swap fail.
    pub written: Vec<String>,
}

/// Small data manifests of a snapshot, before they are merged.
const SMALL_MANIFESTS_MAX: usize = 32;
/// Files that a small one names at most.
const SMALL_ENTRIES_MAX: u32 = 128;
/// Files that a merged one names at most: what a commit that removes one of them writes anew.
const MERGED_ENTRIES_MAX: u32 = 512;

impl Table {
    /// Writes the objects of a commit upon this state of the table. Nobody sees it before the
    /// caller has swapped the pointer from [`Table::metadata_location`] to that of the result.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] when a file that goes is gone or got deletes meanwhile;
    /// [`crate::ErrorKind::Invalid`] for a change of nothing or a time before the last commit;
    /// whatever reading manifests and writing objects may say. Nothing of it happened then.
    pub async fn prepare(&self, change: &Change, stamp: &Stamp) -> Result<Prepared> {
        let schema = match &change.schema {
            Some(schema) => SchemaRef::new(schema.clone()),
            None => self.metadata().current_schema().clone(),
        };
        let mut commit = Commit { table: self, stamp, schema, manifests: 0, written: Vec::new() };
        let prepared = commit.prepare(change).await;
        prepared.map_err(|e| e.of_table(self.name()))
    }
}

struct Commit<'a> {
    table: &'a Table,
    stamp: &'a Stamp,
    /// The schema from then on: what bounds in manifests are read by.
    schema: SchemaRef,
    manifests: usize,
    written: Vec<String>,
}

impl Commit<'_> {
    async fn prepare(&mut self, change: &Change) -> Result<Prepared> {
        if change.added.is_empty() && change.removed.is_empty() {
            let Some(schema) = &change.schema else {
                return Err(Error::invalid("the commit changes nothing"));
            };
            let metadata = metadata::with_schema(self.table, schema, self.stamp.now_ms)?;
            return self.finish(metadata, None).await;
        }
        let snapshot_id = self.snapshot_id()?;
        let (manifests, removed) = self.manifests(change, snapshot_id).await?;
        let sequence_number = self.table.metadata().next_sequence_number();
        let name = format!("metadata/snap-{snapshot_id}-{}.avro", self.stamp.uuid);
        let list = self.table.object(&name);
        manifests::write_list(self.table, &list, snapshot_id, sequence_number, manifests).await?;
        self.written.push(list.clone());
        let summary = summary::summary(
            self.table,
            operation(change, &removed),
            change.added.iter(),
            removed.iter(),
            &change.summary,
        );
        let current = self.table.metadata();
        let previous = Some(self.table.metadata_location().to_owned());
        let mut builder: TableMetadataBuilder = current.as_ref().clone().into_builder(previous);
        if let Some(schema) = &change.schema {
            builder = builder.add_current_schema(schema.clone())?;
        }
        let schema_id = match &change.schema {
            Some(schema) => metadata::schema_id(self.table, schema),
            None => current.current_schema_id(),
        };
        let snapshot = Snapshot::builder()
            .with_snapshot_id(snapshot_id)
            .with_parent_snapshot_id(current.current_snapshot_id())
            .with_sequence_number(sequence_number)
            .with_timestamp_ms(self.stamp.now_ms)
            .with_manifest_list(list)
            .with_summary(summary)
            .with_schema_id(schema_id)
            .build();
        let built = builder.set_branch_snapshot(snapshot, MAIN_BRANCH)?.build()?;
        self.finish(built.metadata, Some(snapshot_id)).await
    }

    /// Positive, and of no other snapshot.
    fn snapshot_id(&self) -> Result<i64> {
        let (high, low) = self.stamp.uuid.as_u64_pair();
        let id = i64::try_from((high ^ low) >> 1).unwrap_or_default();
        if id == 0 || self.table.metadata().snapshot_by_id(id).is_some() {
            return Err(Error::invalid("the uuid of the commit was used before"));
        }
        Ok(id)
    }

    async fn finish(
        &mut self,
        metadata: iceberg::spec::TableMetadata,
        snapshot_id: Option<i64>,
    ) -> Result<Prepared> {
        let before = self.table;
        let previous = Some(before.metadata_location());
        let uri = metadata_name(metadata.location(), previous, self.stamp.uuid);
        let bytes = serde_json::to_vec(&metadata)?;
        let table = Table::new(before.bucket(), before.name(), metadata.into(), &uri)?;
        before.bucket().write(&uri, Bytes::from(bytes)).await?;
        self.written.push(uri);
        Ok(Prepared { table, snapshot_id, written: std::mem::take(&mut self.written) })
    }

    /// The manifests of the new snapshot, and the files that it no longer has.
    async fn manifests(
        &mut self,
        change: &Change,
        snapshot_id: i64,
    ) -> Result<(Vec<ManifestFile>, Vec<DataFile>)> {
        let current = match self.table.metadata().current_snapshot() {
            Some(snapshot) => manifests::read_list(self.table, snapshot).await?,
            None => Vec::new(),
        };
        let mut out = Vec::new();
        for (content, is_data) in
            [(ManifestContentType::Data, true), (ManifestContentType::Deletes, false)]
        {
            let is_it =
                |file: &&DataFile| (file.content_type() == DataContentType::Data) == is_data;
            let mut by_spec: BTreeMap<i32, Vec<NewEntry>> = BTreeMap::new();
            for file in change.added.iter().filter(is_it) {
                let spec_id = spec_of(file, self.table)?;
                by_spec.entry(spec_id).or_default().push(NewEntry::Added(file.clone()));
            }
            for (spec_id, entries) in by_spec {
                out.push(self.write(snapshot_id, spec_id, content, entries).await?);
            }
        }
        let deletes_of_added: HashSet<String> =
            change.added.iter().filter_map(DataFile::referenced_data_file).collect();
        let (kept, removed) = match change.removed.is_empty() && deletes_of_added.is_empty() {
            true => (current, Vec::new()),
            false => self.without(current, change, &deletes_of_added, snapshot_id).await?,
        };
        out.extend(kept);
        let out = self.merged(out, snapshot_id).await?;
        Ok((out, removed))
    }

    async fn write(
        &mut self,
        snapshot_id: i64,
        spec_id: i32,
        content: ManifestContentType,
        entries: Vec<NewEntry>,
    ) -> Result<ManifestFile> {
        let name = format!("metadata/{}-m{}.avro", self.stamp.uuid, self.manifests);
        self.manifests += 1;
        let uri = self.table.object(&name);
        let spec = self.table.metadata().partition_spec_by_id(spec_id);
        let spec = spec.ok_or_else(|| Error::corrupt(format!("no partition spec {spec_id}")))?;
        let kind = Kind { snapshot_id, content, spec, schema: &self.schema };
        let manifest = manifests::write(self.table, &uri, kind, entries).await?;
        self.written.push(uri);
        Ok(manifest)
    }

    /// The manifests without the files that go: those that name one are written anew.
    async fn without(
        &mut self,
        current: Vec<ManifestFile>,
        change: &Change,
        deletes_of_added: &HashSet<String>,
        snapshot_id: i64,
    ) -> Result<(Vec<ManifestFile>, Vec<DataFile>)> {
        let mut plan = Leaving::new(self.table, change, deletes_of_added)?;
        // Only the entries of those that are written anew are kept.
        let mut touched: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
        let mut at = 0;
        for few in manifests::few_at_once(&current) {
            for entries in manifests::read_all(self.table, few).await? {
                entries.iter().try_for_each(|entry| plan.see(entry))?;
                if entries.iter().any(|entry| plan.goes(entry)) {
                    touched.insert(at, entries);
                }
                at += 1;
            }
        }
        plan.check_all_seen()?;
        let mut kept = Vec::new();
        let mut removed = Vec::new();
        for (at, manifest) in current.into_iter().enumerate() {
            let Some(entries) = touched.remove(&at) else {
                kept.push(manifest);
                continue;
            };
            let mut new = Vec::with_capacity(entries.len());
            for entry in entries {
                if plan.goes(&entry) {
                    removed.push(entry.file.clone());
                    new.push(NewEntry::Deleted(entry));
                } else {
                    new.push(NewEntry::Existing(entry));
                }
            }
            let (spec_id, content) = (manifest.partition_spec_id, manifest.content);
            kept.push(self.write(snapshot_id, spec_id, content, new).await?);
        }
        // What only tells of files that went with an earlier commit is of no use any more.
        kept.retain(|manifest| {
            let counts = [
                manifest.added_files_count,
                manifest.existing_files_count,
                manifest.deleted_files_count.filter(|_| manifest.added_snapshot_id == snapshot_id),
            ];
            counts.iter().flatten().any(|count| *count > 0) || counts.iter().all(Option::is_none)
        });
        Ok((kept, removed))
    }

    /// One manifest of data files in place of many small ones, the smallest first.
    async fn merged(
        &mut self,
        all: Vec<ManifestFile>,
        snapshot_id: i64,
    ) -> Result<Vec<ManifestFile>> {
        let spec_id = self.table.metadata().default_partition_spec_id();
        let is_small = |manifest: &ManifestFile| {
            manifest.content == ManifestContentType::Data
                && manifest.partition_spec_id == spec_id
                && manifest.added_snapshot_id != snapshot_id
                && manifests::entries(manifest).is_some_and(|count| count <= SMALL_ENTRIES_MAX)
        };
        let (mut small, large): (Vec<_>, Vec<_>) = all.into_iter().partition(is_small);
        if small.len() < SMALL_MANIFESTS_MAX {
            small.extend(large);
            return Ok(small);
        }
        small.sort_by_key(manifests::entries);
        let mut entries = 0;
        let taken = small.iter().take_while(|manifest| {
            entries += manifests::entries(manifest).unwrap_or_default();
            entries <= MERGED_ENTRIES_MAX
        });
        let mut rest = small.split_off(taken.count());
        rest.extend(large);
        let entries = manifests::read_all(self.table, &small).await?;
        let entries = entries.into_iter().flatten().map(NewEntry::Existing).collect();
        let content = ManifestContentType::Data;
        rest.push(self.write(snapshot_id, spec_id, content, entries).await?);
        Ok(rest)
    }
}

/// The partition spec of a new file: the table's.
fn spec_of(file: &DataFile, table: &Table) -> Result<i32> {
    let spec = table.metadata().default_partition_spec();
    if file.partition().fields().len() != spec.fields().len() {
        let message = "the file was written for another partition spec; write it again";
        return Err(Error::conflict(message).of_object(file.file_path()));
    }
    Ok(spec.spec_id())
}

/// Files that go, and those that get deletes: each must be there as the plan has seen it.
struct Leaving<'a> {
    gone: HashSet<&'a str>,
    deletes_of_added: &'a HashSet<String>,
    /// The sequence number of the snapshot that was planned upon.
    planned: i64,
    missing: HashSet<&'a str>,
}

impl<'a> Leaving<'a> {
    fn new(
        table: &Table,
        change: &'a Change,
        deletes_of_added: &'a HashSet<String>,
    ) -> Result<Leaving<'a>> {
        let planned = match change.planned_at {
            Some(id) => table.snapshot(Some(id)).ok().flatten().map(|s| s.sequence_number()),
            None => table.metadata().current_snapshot().map(|s| s.sequence_number()),
        };
        let expired = "the snapshot that the change was planned upon has expired";
        let planned = planned.ok_or_else(|| Error::conflict(expired))?;
        let gone: HashSet<&str> = change.removed.iter().map(String::as_str).collect();
        let missing = deletes_of_added.iter().map(String::as_str).chain(gone.iter().copied());
        Ok(Leaving { missing: missing.collect(), gone, deletes_of_added, planned })
    }

    fn goes(&self, entry: &Entry) -> bool {
        let of_gone = entry.file.referenced_data_file();
        self.gone.contains(entry.file.file_path())
            || of_gone.is_some_and(|path| self.gone.contains(path.as_str()))
    }

    /// Notes that an entry is there, and refuses deletes that the plan has not seen.
    fn see(&mut self, entry: &Entry) -> Result<()> {
        let path = entry.file.file_path();
        self.missing.remove(path);
        if entry.file.content_type() == DataContentType::Data
            || entry.sequence_number <= self.planned
        {
            return Ok(());
        }
        let touched = match entry.file.referenced_data_file() {
            Some(of) => self.gone.contains(of.as_str()) || self.deletes_of_added.contains(&of),
            // It may be about any file.
            None => true,
        };
        if touched && !self.gone.contains(path) {
            let message = "rows of a file were deleted since the change was planned; plan anew";
            return Err(Error::conflict(message).of_object(path));
        }
        Ok(())
    }

    fn check_all_seen(&self) -> Result<()> {
        match self.missing.iter().min() {
            Some(path) => {
                let message = "the file is no longer part of the table; plan the change anew";
                Err(Error::conflict(message).of_object(path))
            }
            None => Ok(()),
        }
    }
}

fn operation(change: &Change, removed: &[DataFile]) -> Operation {
    let is_data = |file: &DataFile| file.content_type() == DataContentType::Data;
    let adds_data = change.added.iter().any(is_data);
    if change.same_rows {
        Operation::Replace
    } else if removed.is_empty() && change.added.iter().all(is_data) {
        Operation::Append
    } else if adds_data {
        Operation::Overwrite
    } else {
        Operation::Delete
    }
}
