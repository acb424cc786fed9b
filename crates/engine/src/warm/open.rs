//! Opening a file of the bucket: by what memory or the index holds of it, and else by its end and
//! the table's metadata. Not here: which rows are read.

use std::sync::Arc;

use dodb_lake::{Bucket, FileReader, Layout, Table};
use dodb_rowstore::Usage;

use super::lake::{layout, layout_of};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::index::footer_of;
use crate::slot::Slot;
use crate::state::{PartState, TableState};
use crate::table::TableDef;

/// Opens a file of a table. Asks `bucket` for nothing when its footer is known.
///
/// # Errors
/// The bucket or the row store failed, or the file is not what the list of files says; it is named.
pub(crate) async fn open(
    core: &Core,
    state: &TableState,
    part: &PartState,
    bucket: &Bucket,
    usage: &Usage,
) -> Result<FileReader> {
    let def = &state.def;
    let slot = core.slot(def.id);
    if let Some(reader) = slot.file_reader(def, part.no) {
        return Ok(reader.with_bucket(bucket));
    }
    let (Some(file), Some(warm)) = (&part.file, &state.warm) else {
        return Err(Error::invalid("not a file"));
    };
    let footer = match &warm.head.index {
        Some(index) => footer_of(core, &slot, def, index, part.no, usage)?,
        None => None,
    };
    let known =
        footer.and_then(|footer| Some((known_layout(&slot, def, &footer.schema)?, footer.end)));
    let reader = match known {
        Some((layout, end)) => {
            let opened = FileReader::open(bucket, &file.uri, part.bytes, &layout, Some(&end)).await;
            checked(def, part, opened)?
        }
        None => open_by_end(core, state, part, bucket).await?,
    };
    slot.keep_file_reader(def, part.no, reader.clone(), core.options.footers_max);
    Ok(reader)
}

/// Opens a file of a table by its own end, whatever is known of it.
///
/// # Errors
/// As for [`open`].
pub(crate) async fn open_by_end(
    core: &Core,
    state: &TableState,
    part: &PartState,
    bucket: &Bucket,
) -> Result<FileReader> {
    let def = &state.def;
    let (Some(file), Some(warm)) = (&part.file, &state.warm) else {
        return Err(Error::invalid("not a file"));
    };
    let layout = match &state.attached {
        Some(table) => table.layout().clone(),
        None => {
            let slot = core.slot(def.id);
            layout(def, &own_table(&slot, def, bucket, &warm.head.metadata).await?)?
        }
    };
    let opened = FileReader::open(bucket, &file.uri, part.bytes, &layout, None).await;
    checked(def, part, opened)
}

/// A file that was opened, if it is what the list of files says.
fn checked(
    def: &TableDef,
    part: &PartState,
    opened: dodb_lake::Result<FileReader>,
) -> Result<FileReader> {
    let reader = opened.map_err(|e| e.of_table(&def.name))?;
    if reader.rows() != part.rows {
        let uri = part.file.as_ref().map_or("", |file| file.uri.as_str());
        let (found, listed) = (reader.rows(), part.rows);
        let detail = format!("it holds {found} rows, the list of files says {listed}");
        return Err(Error::corrupt(format!("table `{}`, {uri}", def.name), detail));
    }
    Ok(reader)
}

/// The layout of a schema that is kept with footers; `None` when it cannot be read.
fn known_layout(slot: &Slot, def: &TableDef, schema: &str) -> Option<Arc<Layout>> {
    let mut held = slot.layout.lock();
    if let Some((version, text, layout)) = held.as_ref()
        && *version == def.version
        && text == schema
    {
        return Some(layout.clone());
    }
    let layout = Arc::new(Layout::from_text(schema).ok()?);
    let layout = layout_of(def, &layout, layout.iceberg().highest_field_id()).ok()?;
    *held = Some((def.version, schema.to_owned(), layout.clone()));
    Some(layout)
}

/// The Iceberg table of one of the database's own tables.
async fn own_table(slot: &Slot, def: &TableDef, bucket: &Bucket, metadata: &str) -> Result<Table> {
    if let Some(table) = slot.lake_table(metadata) {
        return Ok(table);
    }
    let table = Table::load(bucket, &def.name, metadata).await?;
    slot.keep_lake_table(table.clone());
    Ok(table)
}
