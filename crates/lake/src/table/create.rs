//! New tables: what they are made of, and their first metadata.

use bytes::Bytes;
use dodb_part::Schema;
use iceberg::spec::{TableMetadata, Transform};
use serde_json::{Value, json};

use super::commit::{Prepared, Stamp};
use super::open::{Table, VERSION, VERSION_PROPERTY, metadata_name};
use crate::error::{Error, Result};
use crate::schema::Layout;
use crate::store::Bucket;

/// A column that rows are partitioned by.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionBy {
    /// The id of the column.
    pub column: u32,
    /// What is made of its values.
    pub transform: Transform,
}

/// A column that the rows of a file are ordered by: ascending, nulls first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortBy {
    /// The id of the column.
    pub column: u32,
}

/// A table to be made.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The name, for errors.
    pub name: String,
    /// The URI of the folder of its objects, within the bucket; of no table before.
    pub location: String,
    /// Its columns.
    pub columns: Schema,
    /// What it is partitioned by.
    pub partition_by: Vec<PartitionBy>,
    /// The order of rows in a file.
    pub sort_by: Vec<SortBy>,
    /// Further table properties.
    pub properties: Vec<(String, String)>,
}

/// The id of the first partition field ("Partition Specs").
const PARTITION_FIELD_ID_MIN: usize = 1_000;

impl Table {
    /// Writes the first metadata of a table without snapshots.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] or [`crate::ErrorKind::Invalid`] for a definition that
    /// Iceberg has no place for; [`crate::ErrorKind::Storage`].
    pub async fn create(
        bucket: &Bucket,
        definition: &Definition,
        stamp: &Stamp,
    ) -> Result<Prepared> {
        let made = async {
            let metadata = first_metadata(definition, stamp)?;
            let uri = metadata_name(&definition.location, None, stamp.uuid);
            let table = Table::new(bucket, &definition.name, metadata.into(), &uri)?;
            let bytes = serde_json::to_vec(table.metadata().as_ref())?;
            bucket.write(&uri, Bytes::from(bytes)).await?;
            Ok(Prepared { table, snapshot_id: None, written: vec![uri] })
        };
        made.await.map_err(|e: Error| e.of_table(&definition.name))
    }
}

fn first_metadata(definition: &Definition, stamp: &Stamp) -> Result<TableMetadata> {
    let layout = Layout::create(&definition.columns)?;
    let schema = layout.iceberg();
    let partition_fields: Vec<Value> = definition
        .partition_by
        .iter()
        .enumerate()
        .map(|(at, by)| {
            let laid = layout.column(by.column)?;
            by.transform.result_type(&laid.field.field_type)?;
            let name = match by.transform {
                Transform::Identity => laid.column.name.clone(),
                transform => format!("{}_{}", laid.column.name, short(&transform)),
            };
            Ok(json!({
                "name": name,
                "transform": by.transform.to_string(),
                "source-id": laid.field.id,
                "field-id": PARTITION_FIELD_ID_MIN + at,
            }))
        })
        .collect::<Result<_>>()?;
    let sort_fields: Vec<Value> = definition
        .sort_by
        .iter()
        .map(|by| {
            let laid = layout.column(by.column)?;
            Ok(json!({
                "transform": "identity",
                "source-id": laid.field.id,
                "direction": "asc",
                "null-order": "nulls-first",
            }))
        })
        .collect::<Result<_>>()?;
    let order_id = if sort_fields.is_empty() { 0 } else { 1 };
    let last_partition_id = PARTITION_FIELD_ID_MIN + partition_fields.len() - 1;
    let mut properties: serde_json::Map<String, Value> = definition
        .properties
        .iter()
        .map(|(key, value)| (key.clone(), Value::String(value.clone())))
        .collect();
    properties.insert(VERSION_PROPERTY.to_owned(), Value::String(VERSION.to_string()));
    properties.insert("write.parquet.compression-codec".to_owned(), "zstd".into());
    let metadata = json!({
        "format-version": 2,
        "table-uuid": stamp.uuid.to_string(),
        "location": definition.location.trim_end_matches('/'),
        "last-sequence-number": 0,
        "last-updated-ms": stamp.now_ms,
        "last-column-id": schema.highest_field_id(),
        "current-schema-id": 0,
        "schemas": [schema.as_ref()],
        "default-spec-id": 0,
        "partition-specs": [{ "spec-id": 0, "fields": partition_fields }],
        "last-partition-id": last_partition_id,
        "default-sort-order-id": order_id,
        "sort-orders": [{ "order-id": order_id, "fields": sort_fields }],
        "properties": properties,
    });
    Ok(serde_json::from_value(metadata)?)
}

/// The word in the name of a partition field.
fn short(transform: &Transform) -> String {
    let text = transform.to_string();
    text.split('[').next().unwrap_or_default().to_owned()
}
