//! Table metadata that follows from other metadata without a snapshot: another schema, fewer
//! snapshots. The iceberg crate's builder would ask a clock for the time of these, so they are
//! edited as JSON, whose reader checks the result.

use std::collections::HashSet;

use iceberg::TableUpdate;
use iceberg::spec::{Schema, TableMetadata};
use serde_json::{Value, json};

use super::open::Table;
use crate::error::{Error, Result};

/// Earlier metadata files that the log keeps, as Iceberg's
/// `write.metadata.previous-versions-max` has it.
const METADATA_LOG_MAX: usize = 100;

/// The metadata with another current schema.
pub(super) fn with_schema(table: &Table, schema: &Schema, now_ms: i64) -> Result<TableMetadata> {
    let metadata = table.metadata();
    let id = schema_id(table, schema);
    edited(table, now_ms, |value| {
        if metadata.schema_by_id(id).is_none() {
            let schema = schema.clone().into_builder().with_schema_id(id).build()?;
            array(value, "schemas")?.push(serde_json::to_value(&schema)?);
        }
        let last = metadata.last_column_id().max(schema.highest_field_id());
        set(value, "last-column-id", json!(last));
        set(value, "current-schema-id", json!(id));
        Ok(())
    })
}

/// The id that a schema has, or gets when it becomes the table's.
pub(super) fn schema_id(table: &Table, schema: &Schema) -> i32 {
    let known = || table.metadata().schemas_iter();
    let same = known().find(|known| {
        known.as_struct() == schema.as_struct()
            && known.identifier_field_ids().eq(schema.identifier_field_ids())
    });
    match same {
        Some(same) => same.schema_id(),
        None => known().map(|known| known.schema_id()).max().map_or(0, |id| id + 1),
    }
}

/// The metadata without these snapshots, and without schemas that nothing refers to any more.
pub(super) fn without_snapshots(
    table: &Table,
    expired: &HashSet<i64>,
    now_ms: i64,
) -> Result<TableMetadata> {
    let metadata = table.metadata();
    let kept = metadata.snapshots().filter(|snapshot| !expired.contains(&snapshot.snapshot_id()));
    let mut schemas: HashSet<i64> =
        kept.filter_map(|snapshot| snapshot.schema_id()).map(i64::from).collect();
    schemas.insert(metadata.current_schema_id().into());
    let is_expired = |entry: &Value| {
        let id = entry.get("snapshot-id").and_then(Value::as_i64);
        id.is_some_and(|id| expired.contains(&id))
    };
    edited(table, now_ms, |value| {
        array(value, "snapshots")?.retain(|snapshot| !is_expired(snapshot));
        if let Ok(log) = array(value, "snapshot-log") {
            // What comes before a gap would answer for moments it was not current at.
            let start = log.iter().rposition(is_expired).map_or(0, |at| at + 1);
            log.drain(..start);
        }
        array(value, "schemas")?.retain(|schema| {
            let id = schema.get("schema-id").and_then(Value::as_i64);
            id.is_some_and(|id| schemas.contains(&id))
        });
        for name in ["statistics", "partition-statistics"] {
            if let Ok(statistics) = array(value, name) {
                statistics.retain(|of| !is_expired(of));
            }
        }
        Ok(())
    })
}

/// The metadata with other properties.
pub(super) fn with_properties(
    table: &Table,
    updates: &[TableUpdate],
    now_ms: i64,
) -> Result<TableMetadata> {
    let mut properties = table.metadata().properties().clone();
    for update in updates {
        match update {
            TableUpdate::SetProperties { updates } => {
                properties
                    .extend(updates.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            TableUpdate::RemoveProperties { removals } => {
                removals.iter().for_each(|name| drop(properties.remove(name)));
            }
            _ => {
                let message = "besides new snapshots only properties can be changed";
                return Err(Error::unsupported(message));
            }
        }
    }
    edited(table, now_ms, |value| {
        set(value, "properties", json!(properties));
        Ok(())
    })
}

fn edited(
    table: &Table,
    now_ms: i64,
    edit: impl FnOnce(&mut Value) -> Result<()>,
) -> Result<TableMetadata> {
    let metadata = table.metadata();
    let mut value = serde_json::to_value(metadata.as_ref())?;
    edit(&mut value)?;
    if value.get("metadata-log").is_none_or(Value::is_null) {
        set(&mut value, "metadata-log", json!([]));
    }
    let log = array(&mut value, "metadata-log")?;
    log.push(json!({
        "metadata-file": table.metadata_location(),
        "timestamp-ms": metadata.last_updated_ms(),
    }));
    let surplus = log.len().saturating_sub(METADATA_LOG_MAX);
    log.drain(..surplus);
    set(&mut value, "last-updated-ms", json!(now_ms));
    Ok(serde_json::from_value(value)?)
}

fn set(value: &mut Value, name: &str, to: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), to);
    }
}

fn array<'a>(value: &'a mut Value, name: &str) -> Result<&'a mut Vec<Value>> {
    let found = value.get_mut(name).and_then(Value::as_array_mut);
    found.ok_or_else(|| Error::corrupt(format!("table metadata without {name:?}")))
}
