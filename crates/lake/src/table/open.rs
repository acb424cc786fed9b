//! An open table: its metadata at one moment, and the names of its objects. Not its files
//! (`files`), not its commits (`commit`).

use std::sync::Arc;

use iceberg::spec::{FormatVersion, SnapshotRef, TableMetadata, TableMetadataRef};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::file::FilePlan;
use crate::schema::Layout;
use crate::store::Bucket;

/// The table property with the version of `docs/lake.md`.
pub(super) const VERSION_PROPERTY: &str = "dodb.version";
/// Its value.
pub(super) const VERSION: u32 = 1;

/// A table as its metadata describes it. Immutable: a commit makes another.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    bucket: Bucket,
    metadata: TableMetadataRef,
    metadata_location: String,
    layout: Arc<Layout>,
}

impl Table {
    /// Reads the table whose metadata is the object at `metadata_location`. `name` is for errors.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Corrupt`] or
    /// [`crate::ErrorKind::Unsupported`], naming object and table.
    pub async fn load(bucket: &Bucket, name: &str, metadata_location: &str) -> Result<Table> {
        let read = async {
            let bytes = bucket.read(metadata_location).await?;
            let metadata: TableMetadata = serde_json::from_slice(&bytes)?;
            Table::new(bucket, name, metadata.into(), metadata_location)
        };
        let read = read.await;
        read.map_err(|e: Error| e.of_object(metadata_location).of_table(name))
    }

    /// A table of somebody else, to be read: `metadata` is the JSON of its metadata, which is at
    /// `metadata_location`. Versions 1 and 2 of the format.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] or [`crate::ErrorKind::Unsupported`], naming object and table.
    pub fn attached(
        bucket: &Bucket,
        name: &str,
        metadata: &[u8],
        metadata_location: &str,
    ) -> Result<Table> {
        let parse = || {
            let metadata: TableMetadata = serde_json::from_slice(metadata)?;
            if !matches!(metadata.format_version(), FormatVersion::V1 | FormatVersion::V2) {
                let message = format!("Iceberg format {}, not v1 or v2", metadata.format_version());
                return Err(Error::unsupported(message));
            }
            let layout = Arc::new(Layout::of_attached(metadata.current_schema().clone())?);
            Ok(Table {
                name: name.to_owned(),
                bucket: bucket.clone(),
                metadata: metadata.into(),
                metadata_location: metadata_location.to_owned(),
                layout,
            })
        };
        parse().map_err(|e: Error| e.of_object(metadata_location).of_table(name))
    }

    pub(super) fn new(
        bucket: &Bucket,
        name: &str,
        metadata: TableMetadataRef,
        metadata_location: &str,
    ) -> Result<Table> {
        let version = metadata.properties().get(VERSION_PROPERTY);
        let version = version.map_or(Some(VERSION), |version| version.parse().ok());
        if version.is_none_or(|version| version > VERSION) {
            let message = format!("made by a newer dodb: {VERSION_PROPERTY} is above {VERSION}");
            return Err(Error::unsupported(message));
        }
        if metadata.format_version() != FormatVersion::V2 {
            let message = format!("Iceberg format {}, not v2", metadata.format_version());
            return Err(Error::unsupported(message));
        }
        let layout = Arc::new(Layout::of(metadata.current_schema().clone())?);
        Ok(Table {
            name: name.to_owned(),
            bucket: bucket.clone(),
            metadata,
            metadata_location: metadata_location.to_owned(),
            layout,
        })
    }

    /// The same table, its objects asked of another view of the same bucket: one that counts for
    /// another request.
    #[must_use]
    pub fn with_bucket(&self, bucket: &Bucket) -> Table {
        Table { bucket: bucket.clone(), ..self.clone() }
    }

    /// What the caller calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its objects are.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Iceberg's own view.
    pub fn metadata(&self) -> &TableMetadataRef {
        &self.metadata
    }

    /// The object that the pointer names.
    pub fn metadata_location(&self) -> &str {
        &self.metadata_location
    }

    /// Its columns by the current schema.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// A snapshot by its id; the current one for `None`, if there is any.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for an id that is not, or no longer, there.
    pub fn snapshot(&self, id: Option<i64>) -> Result<Option<SnapshotRef>> {
        let Some(id) = id else { return Ok(self.metadata.current_snapshot().cloned()) };
        let found = self.metadata.snapshot_by_id(id).cloned();
        let missing = || Error::invalid(format!("there is no snapshot {id}")).of_table(&self.name);
        found.map(Some).ok_or_else(missing)
    }

    /// The snapshot that was current at a moment, in milliseconds since 1970.
    pub fn snapshot_at(&self, moment_ms: i64) -> Option<SnapshotRef> {
        let log = self.metadata.history().iter().rev();
        let entry = log.into_iter().find(|entry| entry.timestamp_ms() <= moment_ms)?;
        self.metadata.snapshot_by_id(entry.snapshot_id).cloned()
    }

    /// A plan for a new data file of a partition, in the table's order.
    pub fn file_plan(&self, partition: iceberg::spec::Struct, uuid: Uuid) -> FilePlan {
        let order = self.metadata.default_sort_order();
        FilePlan {
            bucket: self.bucket.clone(),
            uri: self.object(&format!("data/{uuid}.parquet")),
            layout: self.layout.clone(),
            spec_id: self.metadata.default_partition_spec_id(),
            partition,
            sort_order: (!order.is_unsorted()).then(|| order.clone()),
        }
    }

    /// The name of a new position delete file.
    pub fn delete_file_uri(&self, uuid: Uuid) -> String {
        self.object(&format!("data/{uuid}-deletes.parquet"))
    }

    pub(super) fn object(&self, key: &str) -> String {
        format!("{}/{key}", self.metadata.location().trim_end_matches('/'))
    }
}

/// The location of metadata that follows `previous`: version numbers ascend.
pub(super) fn metadata_name(location: &str, previous: Option<&str>, uuid: Uuid) -> String {
    let version = previous.and_then(|previous| {
        let name = previous.rsplit('/').next()?;
        name.split('-').next()?.trim_start_matches('v').parse::<u64>().ok()
    });
    let version = version.map_or(0, |version| version.saturating_add(1));
    let location = location.trim_end_matches('/');
    format!("{location}/metadata/{version:05}-{uuid}.metadata.json")
}
