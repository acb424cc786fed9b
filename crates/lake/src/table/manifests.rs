//! Manifests and manifest lists as objects: reading them, and writing new ones. The Avro is the
//! iceberg crate's; it goes through memory, so that every request is ours.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, Manifest, ManifestContentType, ManifestEntry, ManifestFile, ManifestList,
    ManifestListWriter, ManifestStatus, ManifestWriterBuilder, PartitionSpec, SchemaRef, Snapshot,
};

use super::avro::check_header;
use super::open::Table;
use crate::error::{Error, Result};

/// Manifests read at once: what a Worker may have in flight, less one.
const READS_MAX: usize = 5;
/// Files that manifests read at once name, unless one does alone.
const ENTRIES_MAX: u32 = 1_000;

/// An entry with everything it inherits filled in.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) file: DataFile,
    pub(super) snapshot_id: i64,
    pub(super) sequence_number: i64,
    pub(super) file_sequence_number: i64,
}

/// An entry of a manifest to be written.
pub(super) enum NewEntry {
    Added(DataFile),
    Existing(Entry),
    Deleted(Entry),
}

/// The manifests of a snapshot.
pub(super) async fn read_list(table: &Table, snapshot: &Snapshot) -> Result<Vec<ManifestFile>> {
    let uri = snapshot.manifest_list();
    let bytes = table.bucket().read(uri).await?;
    let parse = || {
        check_header(&bytes)?;
        let version = table.metadata().format_version();
        let list = ManifestList::parse_with_version(&bytes, version)?;
        Ok(list.consume_entries().into_iter().collect())
    };
    parse().map_err(|e: Error| e.of_object(uri))
}

/// The entries of a manifest that are alive.
pub(super) async fn read_live(table: &Table, manifest: &ManifestFile) -> Result<Vec<Entry>> {
    let uri = &manifest.manifest_path;
    let bytes = table.bucket().read(uri).await?;
    let parse = || {
        if let Ok(length) = usize::try_from(manifest.manifest_length)
            && length != bytes.len()
        {
            let message = format!("{} bytes, the manifest list says {length}", bytes.len());
            return Err(Error::corrupt(message));
        }
        check_header(&bytes)?;
        let (entries, _) = Manifest::parse_avro(&bytes)?.into_parts();
        let live = entries.iter().filter(|entry| entry.is_alive());
        live.map(|entry| inherited(entry, manifest)).collect()
    };
    parse().map_err(|e: Error| e.of_object(uri))
}

/// As [`read_live`], of many: a few at a time, in order.
pub(super) async fn read_all(table: &Table, manifests: &[ManifestFile]) -> Result<Vec<Vec<Entry>>> {
    // Boxed, with lifetimes that the compiler can name: else no caller's future is `Send` to it.
    let reads: Vec<BoxFuture<'_, Result<Vec<Entry>>>> =
        manifests.iter().map(|manifest| read_live(table, manifest).boxed()).collect();
    stream::iter(reads).buffered(READS_MAX).try_collect().await
}

/// Files that a manifest names, where its list says so.
pub(super) fn entries(manifest: &ManifestFile) -> Option<u32> {
    manifest.added_files_count?.checked_add(manifest.existing_files_count?)
}

/// Manifests in runs of as many as memory should hold the entries of.
pub(super) fn few_at_once(manifests: &[ManifestFile]) -> impl Iterator<Item = &[ManifestFile]> {
    let mut rest = manifests;
    std::iter::from_fn(move || {
        let mut named = 0u32;
        let fitting = rest.iter().take_while(|manifest| {
            named = named.saturating_add(entries(manifest).unwrap_or(ENTRIES_MAX));
            named <= ENTRIES_MAX
        });
        let count = fitting.count().clamp(1, READS_MAX).min(rest.len());
        let (few, after) = rest.split_at_checked(count)?;
        rest = after;
        (!few.is_empty()).then_some(few)
    })
}

/// Iceberg's specification, "Sequence Number Inheritance".
fn inherited(entry: &ManifestEntry, manifest: &ManifestFile) -> Result<Entry> {
    let is_added = entry.status == ManifestStatus::Added || manifest.sequence_number == 0;
    let inherit = |own: Option<i64>| own.or(is_added.then_some(manifest.sequence_number));
    let number = |own: Option<i64>| {
        inherit(own).ok_or_else(|| Error::corrupt("an entry lacks its sequence number"))
    };
    Ok(Entry {
        file: entry.data_file.clone(),
        snapshot_id: entry.snapshot_id.unwrap_or(manifest.added_snapshot_id),
        sequence_number: number(entry.sequence_number)?,
        file_sequence_number: number(entry.file_sequence_number)?,
    })
}

/// What a manifest is about.
pub(super) struct Kind<'a> {
    pub(super) snapshot_id: i64,
    pub(super) content: ManifestContentType,
    pub(super) spec: &'a PartitionSpec,
    pub(super) schema: &'a SchemaRef,
}

/// Writes a manifest.
pub(super) async fn write(
    table: &Table,
    uri: &str,
    kind: Kind<'_>,
    entries: Vec<NewEntry>,
) -> Result<ManifestFile> {
    let memory = FileIO::new_with_memory();
    let output = memory.new_output(uri)?;
    let (spec, schema) = (kind.spec.clone(), kind.schema.clone());
    let builder = ManifestWriterBuilder::new(output, Some(kind.snapshot_id), schema, spec);
    let mut writer = match kind.content {
        ManifestContentType::Data => builder.build_v2_data(),
        ManifestContentType::Deletes => builder.build_v2_deletes(),
    };
    for entry in entries {
        match entry {
            // The sequence number is inherited: whoever reads it knows the commit's.
            NewEntry::Added(file) => writer.add_file(file, -1)?,
            NewEntry::Existing(e) => writer.add_existing_file(
                e.file,
                e.snapshot_id,
                e.sequence_number,
                Some(e.file_sequence_number),
            )?,
            NewEntry::Deleted(e) => {
                writer.add_delete_file(e.file, e.sequence_number, Some(e.file_sequence_number))?;
            }
        }
    }
    let manifest = writer.write_manifest_file().await?;
    let bytes = memory.new_input(uri)?.read().await?;
    table.bucket().write(uri, bytes).await?;
    Ok(manifest)
}

/// Writes a manifest list.
pub(super) async fn write_list(
    table: &Table,
    uri: &str,
    snapshot_id: i64,
    sequence_number: i64,
    manifests: Vec<ManifestFile>,
) -> Result<()> {
    let memory = FileIO::new_with_memory();
    let output = memory.new_output(uri)?.writer().await?;
    let parent = table.metadata().current_snapshot_id();
    let mut list = ManifestListWriter::v2(output, snapshot_id, parent, sequence_number);
    list.add_manifests(manifests.into_iter())?;
    list.close().await?;
    let bytes = memory.new_input(uri)?.read().await?;
    table.bucket().write(uri, bytes).await
}
