//! Rows into files of the bucket: by partition, in the table's order, files of a set size. Not
//! here: which rows ([`super::flush`], [`super::compact`]), nor the commit.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use dodb_lake::{DataFile, FileEnd, FileOptions, FileWriter, Table, split_by_partition};
use dodb_part::json::PathType;
use dodb_part::{ColumnStats, ColumnType, hash_bytes};

use super::commit::NewFile;
use super::lake::next_stamp;
use crate::assemble::zones;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::ids;
use crate::index::{Slices, collect};
use crate::keys::{fill_ids, hash_keys, key_columns};
use crate::memory::{memory_bytes, rows_within};
use crate::scan::derived_column;
use crate::table::{TableDef, TableKind, relationships, things};

/// The column that says where a row came from: place of the input, and row in it.
const FROM_COLUMN: &str = "_from";
/// Rows that are encoded before the size of a file is looked at, and about what they take in
/// memory: they are copied in Iceberg's types, and that once more as Parquet.
const SLICE_ROWS: usize = 8_192;
const SLICE_MEMORY_BYTES: u64 = 4 << 20;
/// Most paths of a document that get Bloom filters.
const BLOOM_PATHS_MAX: usize = 32;

/// Rows with where they came from.
pub(super) struct Rows {
    batch: RecordBatch,
}

impl Rows {
    /// `batch` has the columns of the table as the hot tier stores them.
    pub(super) fn new(batch: RecordBatch, from: &[(u32, u32)]) -> Result<Rows> {
        let packed = from.iter().map(|(input, row)| u64::from(*input) << 32 | u64::from(*row));
        let packed: ArrayRef = Arc::new(UInt64Array::from_iter_values(packed));
        let mut fields = batch.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(FROM_COLUMN, DataType::UInt64, false)));
        let mut columns = batch.columns().to_vec();
        columns.push(packed);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Rows { batch })
    }
}

/// Writes rows as files of `table`. Nothing names them yet.
pub(super) async fn write(
    core: &Core,
    def: &TableDef,
    table: &Table,
    rows: Rows,
) -> Result<Vec<(DataFile, NewFile)>> {
    let (spec, order) =
        (table.metadata().default_partition_spec(), table.metadata().default_sort_order());
    let mut options = options(def, table);
    let mut out = Vec::new();
    for split in split_by_partition(rows.batch, spec, Some(order), table.layout())? {
        let (partition, rows) = split?;
        let step = rows_within(&rows, SLICE_MEMORY_BYTES).min(SLICE_ROWS);
        let mut start = 0;
        while start < rows.num_rows() {
            let uuid = next_stamp(core.env.as_ref(), table).uuid;
            let plan = table.file_plan(partition.clone(), uuid);
            let uri = plan.uri.clone();
            options.rows_max = rows.num_rows() - start;
            let mut writer = FileWriter::new(plan, &options)?;
            let mut end = start;
            while end < rows.num_rows() && writer.bytes() < core.options.file_bytes {
                let taken = step.min(rows.num_rows() - end);
                let slice = rows.slice(end, taken);
                end += taken;
                let written = writer.write(&with_ids(def, &slice)?).await;
                if let Err(e) = written {
                    // What was sent of it is dropped by the store, if not now then in some days.
                    let _ = writer.abort().await;
                    return Err(e.into());
                }
            }
            let (file, footer) = writer.finish().await?;
            let written = rows.slice(start, end - start);
            let slices = Slices::of_all(written.num_rows() as u64, core.options.index_slice_rows);
            let new = describe(def, &written, &slices, uri, &file, footer)?;
            out.push((file, new));
            start = end;
        }
    }
    Ok(out)
}

fn options(def: &TableDef, table: &Table) -> FileOptions {
    let columns = def.schema.columns().iter();
    let looked_up = |ty: &ColumnType| matches!(ty, ColumnType::String | ColumnType::Uuid);
    let bloom_columns = columns.filter(|c| looked_up(&c.ty)).map(|c| c.id).collect();
    let mut bloom_paths = Vec::new();
    for laid in table.layout().columns() {
        let paths = laid.document.iter().flat_map(|document| &document.paths);
        let paths = paths.filter(|path| matches!(path.ty, PathType::String | PathType::Int64));
        bloom_paths.extend(paths.map(|path| (laid.column.id, path.path.clone())));
    }
    bloom_paths.truncate(BLOOM_PATHS_MAX);
    let unique_columns = match def.kind {
        TableKind::Things => vec![things::ID],
        TableKind::Relationships => vec![relationships::ID],
        TableKind::Plain => Vec::new(),
    };
    FileOptions { bloom_columns, bloom_paths, unique_columns, ..FileOptions::default() }
}

/// A relationship's id is written out: other engines cannot derive it.
fn with_ids(def: &TableDef, batch: &RecordBatch) -> Result<RecordBatch> {
    let Some(id) = derived_column(def) else { return Ok(batch.clone()) };
    let column = |id: u32| {
        let name = def.schema.by_id(id).map(|c| c.name.as_str()).unwrap_or_default();
        let at = batch.schema().index_of(name)?;
        Ok::<_, Error>((at, batch.column(at).clone()))
    };
    let (at, ids) = column(id)?;
    let (_, from) = column(relationships::FROM_ID)?;
    let (_, to) = column(relationships::TO_ID)?;
    let (_, ty) = column(relationships::TYPE)?;
    let mut columns = batch.columns().to_vec();
    if let Some(slot) = columns.get_mut(at) {
        *slot = fill_ids(&ids, &from, &to, &ty)?;
    }
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn describe(
    def: &TableDef,
    rows: &RecordBatch,
    slices: &Slices<'_>,
    uri: String,
    file: &DataFile,
    end: FileEnd,
) -> Result<NewFile> {
    let mut stats = Vec::new();
    for id in def.zone_columns() {
        let name = def.schema.by_id(id).map(|c| c.name.as_str()).unwrap_or_default();
        if let Some(array) = rows.column_by_name(name) {
            stats.push((id, ColumnStats::of(array)));
        }
    }
    let keys = collect(def, rows, slices)?;
    let filter = match def.kind {
        TableKind::Plain => None,
        // The index finds its rows by their ids as it is.
        TableKind::Things if keys.has_all_of(things::ID) => None,
        kind => {
            let hashes = hash_keys(kind, &key_columns(def, rows)?)?;
            Some(Arc::new(ids::build(&hashes, true)))
        }
    };
    let from = rows.column_by_name(FROM_COLUMN);
    let from = from.and_then(|from| from.as_primitive_opt::<UInt64Type>());
    let from = from.map(|from| from.values().iter().map(unpacked).collect());
    Ok(NewFile {
        uri,
        rows: rows.num_rows() as u64,
        bytes: file.file_size_in_bytes(),
        decoded_bytes: Some(memory_bytes(rows)),
        partition: hash_bytes(format!("{:?}", file.partition()).as_bytes()),
        zones: zones(def, &stats),
        filter,
        from: from.unwrap_or_default(),
        deleted: None,
        keys: Some(keys),
        end: Some(end),
    })
}

fn unpacked(from: &u64) -> (u32, u32) {
    ((from >> 32) as u32, (from & u64::from(u32::MAX)) as u32)
}
