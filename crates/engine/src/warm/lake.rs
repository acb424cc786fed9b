//! The bucket as one request sees it: its requests are counted with the request's rows. Opens the
//! Iceberg table of a table, and says what a new one is like. Not here: commits
//! ([`super::commit`]).

use std::sync::Arc;

use dodb_lake::{
    Bucket, Definition, Layout, MeteredStore, ObjectUsage, PartitionBy, SortBy, Stamp, Table,
    TableSchema, with_columns,
};
use dodb_part::{Column, Schema};
use dodb_rowstore::Usage;
use uuid::Builder;

use super::partition;
use crate::db::Core;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::table::{TableDef, TableKind, relationships, things};

/// A bucket whose requests are counted; they are added to the usage when this is dropped.
pub(crate) struct Lake<'a> {
    pub(crate) bucket: Bucket,
    objects: Arc<ObjectUsage>,
    usage: &'a Usage,
}

impl<'a> Lake<'a> {
    /// # Errors
    /// The database was opened without a bucket.
    pub(crate) fn new(core: &Core, def: &TableDef, usage: &'a Usage) -> Result<Lake<'a>> {
        let objects = Arc::new(ObjectUsage::default());
        let bucket = metered(core, def, &objects)?;
        Ok(Lake { bucket, objects, usage })
    }

    /// The Iceberg table whose pointer is `metadata`; read once.
    pub(crate) async fn table(&self, core: &Core, def: &TableDef, metadata: &str) -> Result<Table> {
        let slot = core.slot(def.id);
        if let Some(table) = slot.lake_table(metadata) {
            return Ok(table.with_bucket(&self.bucket));
        }
        let table = Table::load(&self.bucket, &def.name, metadata).await?;
        slot.keep_lake_table(table.clone());
        Ok(table)
    }
}

impl Drop for Lake<'_> {
    fn drop(&mut self) {
        count(&self.objects, self.usage);
    }
}

/// The database's bucket with its requests counted in `objects`.
pub(crate) fn metered(core: &Core, def: &TableDef, objects: &Arc<ObjectUsage>) -> Result<Bucket> {
    let Some(bucket) = &core.bucket else {
        return Err(Error::NoBucket { table: def.name.clone() });
    };
    Ok(counted(bucket, objects))
}

/// A bucket with its requests counted in `objects`.
pub(crate) fn counted(bucket: &Bucket, objects: &Arc<ObjectUsage>) -> Bucket {
    let store = MeteredStore::new(bucket.store().clone(), objects.clone());
    bucket.with_store(Arc::new(store))
}

/// Adds what `objects` counted to a request's usage.
pub(crate) fn count(objects: &ObjectUsage, usage: &Usage) {
    let counts = objects.counts();
    usage.add_object_gets(counts.class_b());
    usage.add_object_puts(counts.class_a());
    usage.add_object_bytes(counts.bytes_read + counts.bytes_written);
}

/// When a commit happens, and a name that no other has.
pub(crate) fn stamp(env: &dyn Env, not_before_ms: i64) -> Stamp {
    let now_ms = env.now_ms().max(not_before_ms);
    let random = env.random();
    let mut tail = [0; 10];
    tail.copy_from_slice(random.split_at(10).0);
    let millis = u64::try_from(now_ms).unwrap_or_default();
    Stamp { now_ms, uuid: Builder::from_unix_timestamp_millis(millis, &tail).into_uuid() }
}

/// A stamp for the commit after `table`.
pub(crate) fn next_stamp(env: &dyn Env, table: &Table) -> Stamp {
    stamp(env, table.metadata().last_updated_ms())
}

/// The Iceberg table that a table becomes when rows of it are first moved.
pub(crate) fn definition(bucket: &Bucket, def: &TableDef) -> Result<Definition> {
    Ok(Definition {
        name: def.name.clone(),
        location: format!("{}/{}", bucket.uri(), folder(def)),
        columns: columns(def, None)?,
        partition_by: partitions(def),
        sort_by: order(def).into_iter().map(|column| SortBy { column }).collect(),
        properties: Vec::new(),
    })
}

/// The folder of a table's objects. The id keeps apart what had the same name one after another.
fn folder(def: &TableDef) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match (def.is_builtin(), def.name.bytes().all(plain) && def.name.len() <= 64) {
        (true, _) => def.name.clone(),
        (false, true) => format!("{}-{}", def.name, def.id),
        (false, false) => format!("table-{}", def.id),
    }
}

/// The columns as they are in files: an id that follows from others is written out. A column that
/// files lack stays nullable for good.
fn columns(def: &TableDef, there: Option<&Layout>) -> Result<Schema> {
    let columns = def.schema.columns().iter().map(|column| {
        let known = there.and_then(|layout| layout.column(column.id).ok());
        let nullable = match (there, known) {
            (Some(_), Some(laid)) => column.nullable || laid.column.nullable,
            (Some(_), None) => true,
            (None, _) => column.nullable,
        };
        Column { nullable, ..column.clone() }
    });
    Schema::new(columns.collect()).map_err(|e| Error::part(&def.name, e))
}

/// The layout to read files of `table` by: with columns that were added or renamed since.
pub(crate) fn layout(def: &TableDef, table: &Table) -> Result<Arc<Layout>> {
    layout_of(def, table.layout(), table.metadata().last_column_id())
}

/// The same for a schema that the table once had. `last_id` is the highest field id.
pub(crate) fn layout_of(def: &TableDef, layout: &Arc<Layout>, last_id: i32) -> Result<Arc<Layout>> {
    match changed(def, layout, last_id)? {
        Some(schema) => Ok(Arc::new(Layout::of(Arc::new(schema))?)),
        None => Ok(layout.clone()),
    }
}

/// The schema of `table` with the columns as they are defined now, if those differ.
pub(crate) fn changed_columns(def: &TableDef, table: &Table) -> Result<Option<TableSchema>> {
    changed(def, table.layout(), table.metadata().last_column_id())
}

fn changed(def: &TableDef, layout: &Layout, last_id: i32) -> Result<Option<TableSchema>> {
    let wanted = columns(def, Some(layout))?;
    let is_same = layout.columns().len() == wanted.columns().len()
        && layout.columns().iter().zip(wanted.columns()).all(|(laid, c)| laid.column == *c);
    if is_same {
        return Ok(None);
    }
    Ok(Some(with_columns(layout, &wanted, last_id)?))
}

fn partitions(def: &TableDef) -> Vec<PartitionBy> {
    use dodb_lake::Transform;
    let by = |column, transform| PartitionBy { column, transform };
    match def.kind {
        TableKind::Things => {
            vec![by(things::TYPE, Transform::Identity), by(things::CREATED_AT, Transform::Day)]
        }
        TableKind::Relationships => vec![
            by(relationships::TYPE, Transform::Identity),
            by(relationships::CREATED_AT, Transform::Day),
        ],
        TableKind::Plain => partition::of(def),
    }
}

/// The columns that the rows of a file are sorted by.
fn order(def: &TableDef) -> Vec<u32> {
    match def.kind {
        TableKind::Things => vec![things::ID],
        TableKind::Relationships => vec![relationships::FROM_ID, relationships::TO_ID],
        TableKind::Plain => def.order_by.clone(),
    }
}
