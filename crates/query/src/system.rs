//! The tables of `system`: what there is in a database, as rows. Each is made when a query asks for
//! it. Not here: counters of a server.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    UInt64Array,
};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::MemTable;
use dodb_engine::{
    FileInfo, PRICES, PartInfo, Snapshot, SnapshotInfo, TableDef, UsageCounts, View,
};

use crate::catalog::{Access, SYSTEM};
use crate::error::external;
use crate::functions;
use crate::query_log::Entry;
use crate::settings::{KNOWN, Settings};
use crate::view_ddl::type_name;

/// All of them.
pub(crate) const NAMES: [&str; 13] = [
    "columns",
    "costs",
    "databases",
    "files",
    "functions",
    "jobs",
    "metrics",
    "one",
    "parts",
    "query_log",
    "settings",
    "snapshots",
    "tables",
];

pub(crate) async fn table(access: &Access, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let batch = match name {
        "columns" => columns(access)?,
        "costs" => costs(access)?,
        "databases" => databases(access).await?,
        "files" => files(access)?,
        "functions" => all_functions()?,
        "jobs" => jobs(access)?,
        "metrics" => metrics(access)?,
        "one" => batch([("dummy", ints([0]))])?,
        "parts" => parts(access)?,
        "query_log" => query_log(access)?,
        "settings" => settings(access)?,
        "snapshots" => snapshots(access).await?,
        "tables" => tables(access)?,
        _ => {
            return Err(DataFusionError::Plan(format!(
                "there is no table system.{name}; there are: {}",
                NAMES.join(", ")
            )));
        }
    };
    Ok(Some(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?)))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    batch_with_nulls(columns, &[])
}

/// The same where some columns may be NULL.
fn batch_with_nulls<const N: usize>(
    columns: [(&str, ArrayRef); N],
    nullable: &[&str],
) -> Result<RecordBatch> {
    let field = |(name, array): &(&str, ArrayRef)| {
        Field::new(*name, array.data_type().clone(), nullable.contains(name))
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn strings<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(values.into_iter().map(Some).collect::<StringArray>())
}

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from(values.into_iter().collect::<Vec<_>>()))
}

fn counts(values: impl IntoIterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from(values.into_iter().collect::<Vec<_>>()))
}

fn times(ms: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(ms.collect::<Vec<_>>()).with_timezone("UTC"))
}

fn defs(access: &Access) -> Result<Vec<Arc<TableDef>>> {
    access.db.tables(&access.budget.usage).map_err(external)
}

async fn databases(access: &Access) -> Result<RecordBatch> {
    let usage = &access.budget.usage;
    let attached = access.db.attached(usage).map_err(external)?;
    let names = match &access.databases {
        Some(databases) => {
            let names = databases.names(usage).await;
            names.map_err(|e| DataFusionError::External(Box::new(e)))?
        }
        None => vec![access.database.clone()],
    };
    let own = names.iter().map(|name| (name.as_str(), "dodb")).chain([(SYSTEM, "SystemTables")]);
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let full = attached.iter().map(|(name, it)| {
        let arguments: Vec<String> =
            std::iter::once(&it.uri).chain(&it.warehouse).map(|text| quoted(text)).collect();
        (name.as_str(), "Iceberg", format!("Iceberg({})", arguments.join(", ")))
    });
    let own = own.map(|(name, engine)| (name, engine, engine.to_owned()));
    let all: Vec<(&str, &str, String)> = own.chain(full).collect();
    batch([
        ("name", strings(all.iter().map(|(name, ..)| *name))),
        ("engine", strings(all.iter().map(|(_, engine, _)| *engine))),
        ("engine_full", strings(all.iter().map(|(.., full)| full))),
    ])
}

/// Tables, and views behind them: these have no rows of their own.
fn tables(access: &Access) -> Result<RecordBatch> {
    let defs = defs(access)?;
    let views = access.db.views(&access.budget.usage).map_err(external)?;
    let mut snapshots = Vec::with_capacity(defs.len());
    for def in &defs {
        snapshots.push(access.db.snapshot(&def.name, &access.budget.usage).map_err(external)?);
    }
    let order = |def: &Arc<TableDef>| {
        let names = def.order_by.iter().filter_map(|id| def.schema.by_id(*id));
        names.map(|c| c.name.clone()).collect::<Vec<_>>().join(", ")
    };
    let counted = |of: &dyn Fn(&Snapshot) -> u64| -> ArrayRef {
        let known = snapshots.iter().map(|snapshot| Some(of(snapshot)));
        Arc::new(known.chain(views.iter().map(|_| None)).collect::<UInt64Array>())
    };
    let zeros = |of: &dyn Fn(&Snapshot) -> u64| {
        counts(snapshots.iter().map(of).chain(views.iter().map(|_| 0)))
    };
    let said = |of: &dyn Fn(&Arc<TableDef>) -> String, view: &dyn Fn(&View) -> String| {
        strings(defs.iter().map(of).chain(views.iter().map(|it| view(it))))
    };
    let none = |_: &View| String::new();
    let metadata = snapshots.iter().map(|s| s.metadata_location().unwrap_or_default().to_owned());
    let metadata = metadata.chain(views.iter().map(|_| String::new()));
    let columns = [
        ("database", said(&|_| access.database.clone(), &|_| access.database.clone())),
        ("name", said(&|def| def.name.clone(), &|view| view.name.clone())),
        ("engine", said(&|_| "dodb".to_owned(), &|_| "View".to_owned())),
        ("total_rows", counted(&|snapshot| snapshot.rows())),
        ("total_bytes", counted(&|snapshot| snapshot.bytes())),
        ("parts", zeros(&|snapshot| snapshot.part_count() as u64)),
        ("warm_rows", zeros(&|snapshot| snapshot.warm().0)),
        ("warm_files", zeros(&|snapshot| snapshot.warm().1)),
        ("warm_bytes", zeros(&|snapshot| snapshot.warm().2)),
        ("metadata_path", strings(metadata)),
        ("sorting_key", said(&order, &none)),
        ("partition_key", said(&|def| def.partition_by.clone().unwrap_or_default(), &none)),
        ("create_table_query", said(&|def| create_query(def), &create_view_query)),
        ("as_select", said(&|_| String::new(), &|view| view.query.clone())),
    ];
    batch_with_nulls(columns, &["total_rows", "total_bytes"])
}

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The statement that makes a view like this one.
fn create_view_query(view: &View) -> String {
    let columns: Vec<String> = view.columns.iter().map(|name| quote(name)).collect();
    let columns = match columns.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    format!("CREATE VIEW {}{columns} AS\n{}", quote(&view.name), view.query)
}

/// The statement that makes a table like this one.
fn create_query(def: &TableDef) -> String {
    let columns: Vec<String> = def
        .schema
        .columns()
        .iter()
        .map(|c| {
            let not_null = if c.nullable { "" } else { " NOT NULL" };
            format!("    {} {}{not_null}", quote(&c.name), def.type_name(c))
        })
        .collect();
    let mut out = format!("CREATE TABLE {}\n(\n{}\n)", quote(&def.name), columns.join(",\n"));
    if let Some(partition) = &def.partition_by {
        out.push_str(&format!("\nPARTITION BY {partition}"));
    }
    if !def.order_by.is_empty() {
        let names = def.order_by.iter().filter_map(|id| def.schema.by_id(*id));
        let names: Vec<String> = names.map(|c| quote(&c.name)).collect();
        out.push_str(&format!("\nORDER BY ({})", names.join(", ")));
    }
    out
}

/// A column of a table or view.
struct ColumnInfo {
    table: String,
    name: String,
    ty: String,
    position: u64,
}

/// The columns of tables, and of the views that can be planned.
fn columns(access: &Access) -> Result<RecordBatch> {
    let mut all: Vec<ColumnInfo> = Vec::new();
    for def in defs(access)? {
        let arrow = def.arrow();
        for (at, (column, field)) in def.schema.columns().iter().zip(arrow.fields()).enumerate() {
            let ty = match field.is_nullable() {
                true => format!("Nullable({})", def.type_name(column)),
                false => def.type_name(column),
            };
            let (table, name) = (def.name.clone(), column.name.clone());
            all.push(ColumnInfo { table, name, ty, position: at as u64 + 1 });
        }
    }
    for (view, plan) in access.views.all() {
        for (at, field) in plan.schema().fields().iter().enumerate() {
            let (table, name) = (view.clone(), field.name().clone());
            all.push(ColumnInfo { table, name, ty: type_name(field), position: at as u64 + 1 });
        }
    }
    batch([
        ("database", strings(all.iter().map(|_| access.database.as_str()))),
        ("table", strings(all.iter().map(|column| &column.table))),
        ("name", strings(all.iter().map(|column| &column.name))),
        ("type", strings(all.iter().map(|column| &column.ty))),
        ("position", counts(all.iter().map(|column| column.position))),
    ])
}

fn parts(access: &Access) -> Result<RecordBatch> {
    let mut all: Vec<(String, PartInfo)> = Vec::new();
    for def in defs(access)? {
        let usage = &access.budget.usage;
        let snapshot = access.db.snapshot(&def.name, usage).map_err(external)?;
        for part in snapshot.parts(usage).map_err(external)? {
            all.push((def.name.clone(), part));
        }
    }
    let live = |part: &PartInfo| part.rows - part.deleted_rows;
    batch([
        ("database", strings(all.iter().map(|_| access.database.as_str()))),
        ("table", strings(all.iter().map(|(table, _)| table))),
        ("name", strings(all.iter().map(|(_, part)| part.number.to_string()))),
        ("part_type", strings(all.iter().map(|(_, part)| part.layout))),
        ("rows", counts(all.iter().map(|(_, part)| live(part)))),
        ("deleted_rows", counts(all.iter().map(|(_, part)| part.deleted_rows))),
        ("granules", counts(all.iter().map(|(_, part)| u64::from(part.granules)))),
        ("bytes", counts(all.iter().map(|(_, part)| part.bytes))),
    ])
}

/// The files of the warm tier.
fn files(access: &Access) -> Result<RecordBatch> {
    let mut all: Vec<(String, FileInfo)> = Vec::new();
    for def in defs(access)? {
        let usage = &access.budget.usage;
        let snapshot = access.db.snapshot(&def.name, usage).map_err(external)?;
        let files = snapshot.files(usage).map_err(external)?;
        all.extend(files.into_iter().map(|file| (def.name.clone(), file)));
    }
    batch([
        ("database", strings(all.iter().map(|_| access.database.as_str()))),
        ("table", strings(all.iter().map(|(table, _)| table))),
        ("name", strings(all.iter().map(|(_, file)| file.number.to_string()))),
        ("path", strings(all.iter().map(|(_, file)| &file.uri))),
        ("rows", counts(all.iter().map(|(_, file)| file.rows - file.deleted_rows))),
        ("deleted_rows", counts(all.iter().map(|(_, file)| file.deleted_rows))),
        ("bytes", counts(all.iter().map(|(_, file)| file.bytes))),
    ])
}

/// The snapshots of the warm tier.
async fn snapshots(access: &Access) -> Result<RecordBatch> {
    let mut all: Vec<(String, SnapshotInfo)> = Vec::new();
    for def in defs(access)? {
        let found = access.db.snapshots(&def.name, &access.budget.usage).await;
        let found = found.map_err(external)?;
        all.extend(found.into_iter().map(|snapshot| (def.name.clone(), snapshot)));
    }
    let committed = all.iter().map(|(_, snapshot)| snapshot.committed_ms);
    let noted = |(_, snapshot): &(String, SnapshotInfo), key: &str| {
        snapshot.summary.get(key).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default()
    };
    batch([
        ("database", strings(all.iter().map(|_| access.database.as_str()))),
        ("table", strings(all.iter().map(|(table, _)| table))),
        ("snapshot_id", ints(all.iter().map(|(_, snapshot)| snapshot.id))),
        ("parent_id", ints(all.iter().map(|(_, snapshot)| snapshot.parent.unwrap_or_default()))),
        ("committed_at", times(committed)),
        ("operation", strings(all.iter().map(|(_, snapshot)| &snapshot.operation))),
        ("added_rows", counts(all.iter().map(|entry| noted(entry, "added-records")))),
        ("total_rows", counts(all.iter().map(|entry| noted(entry, "total-records")))),
        ("total_files", counts(all.iter().map(|entry| noted(entry, "total-data-files")))),
        ("is_current", counts(all.iter().map(|(_, snapshot)| u64::from(snapshot.is_current)))),
    ])
}

fn all_functions() -> Result<RecordBatch> {
    use datafusion::execution::SessionStateDefaults as Defaults;
    let mut all: Vec<(String, &str)> = Vec::new();
    all.extend(Defaults::default_scalar_functions().iter().map(|f| (f.name().into(), "scalar")));
    all.extend(
        Defaults::default_aggregate_functions().iter().map(|f| (f.name().into(), "aggregate")),
    );
    all.extend(Defaults::default_window_functions().iter().map(|f| (f.name().into(), "window")));
    all.extend(functions::functions().iter().map(|f| (f.name().into(), "scalar")));
    all.sort();
    all.dedup();
    batch([
        ("name", strings(all.iter().map(|(name, _)| name))),
        ("kind", strings(all.iter().map(|(_, kind)| kind))),
    ])
}

fn settings(access: &Access) -> Result<RecordBatch> {
    let value = |s: &Settings, name: &str| s.get(name).unwrap_or_default();
    let default = Settings::default();
    batch([
        ("name", strings(KNOWN.iter().map(|k| k.name))),
        ("value", strings(KNOWN.iter().map(|k| value(&access.settings, k.name)))),
        ("default", strings(KNOWN.iter().map(|k| value(&default, k.name)))),
        ("description", strings(KNOWN.iter().map(|k| k.description))),
    ])
}

/// Background work and work by hand that is under way, and the newest that is done.
fn jobs(access: &Access) -> Result<RecordBatch> {
    let all = access.db.jobs();
    let left = all.iter().map(|job| job.rows_left).collect::<UInt64Array>();
    let columns = [
        ("database", strings(all.iter().map(|_| access.database.as_str()))),
        ("table", strings(all.iter().map(|job| &job.table))),
        ("kind", strings(all.iter().map(|job| job.kind.name()))),
        ("status", strings(all.iter().map(|job| job.status.name()))),
        ("started_at", times(all.iter().map(|job| job.started_ms))),
        ("updated_at", times(all.iter().map(|job| job.updated_ms))),
        ("steps", counts(all.iter().map(|job| job.steps))),
        ("rows", counts(all.iter().map(|job| job.rows))),
        ("rows_left", Arc::new(left)),
        ("error", strings(all.iter().map(|job| job.error.as_deref().unwrap_or_default()))),
    ];
    batch_with_nulls(columns, &["rows_left"])
}

/// The newest statements that ended, with what they cost.
fn query_log(access: &Access) -> Result<RecordBatch> {
    let all = access.log.entries();
    let duration = |entry: &Entry| (entry.ended_ms - entry.started_ms).max(0) as u64;
    let usage = |of: fn(&UsageCounts) -> u64| counts(all.iter().map(|entry| of(&entry.usage)));
    let usd = all.iter().map(|entry| PRICES.usd(&entry.usage)).collect::<Vec<f64>>();
    batch([
        ("event_time", times(all.iter().map(|entry| entry.ended_ms))),
        ("query_start_time", times(all.iter().map(|entry| entry.started_ms))),
        ("query_duration_ms", counts(all.iter().map(duration))),
        ("type", strings(all.iter().map(|entry| entry.ending.name()))),
        ("query_kind", strings(all.iter().map(|entry| entry.kind))),
        ("query", strings(all.iter().map(|entry| &entry.query))),
        ("user", strings(all.iter().map(|entry| &entry.user))),
        ("result_rows", counts(all.iter().map(|entry| entry.result_rows))),
        ("rows_read", usage(|counts| counts.rows_read)),
        ("rows_written", usage(|counts| counts.rows_written)),
        ("object_gets", usage(|counts| counts.object_gets)),
        ("object_puts", usage(|counts| counts.object_puts)),
        ("object_bytes", usage(|counts| counts.object_bytes)),
        ("usd", Arc::new(Float64Array::from(usd))),
        ("exception", strings(all.iter().map(|entry| &entry.exception))),
    ])
}

/// What each statement of the row store was used for since the database was opened.
fn metrics(access: &Access) -> Result<RecordBatch> {
    let totals = access.db.meter().totals();
    batch([
        ("statement", strings(totals.iter().map(|(name, _, _)| name))),
        ("calls", counts(totals.iter().map(|(_, calls, _)| *calls))),
        ("rows_read", counts(totals.iter().map(|(_, _, rows)| rows.read))),
        ("rows_written", counts(totals.iter().map(|(_, _, rows)| rows.written))),
    ])
}

/// What the database has cost since it was opened, and what it costs to keep.
fn costs(access: &Access) -> Result<RecordBatch> {
    const GB: f64 = 1e9;
    let mut usage = UsageCounts::default();
    for (_, _, rows) in access.db.meter().totals() {
        usage.rows_read += rows.read;
        usage.rows_written += rows.written;
    }
    let bytes = access.db.meter().bytes().map_err(|e| external(e.into()))?;
    let kept = bytes as f64 / GB;
    let entries: [(&str, f64, f64); 3] = [
        ("rows_read", usage.rows_read as f64, PRICES.row_read * usage.rows_read as f64),
        ("rows_written", usage.rows_written as f64, PRICES.row_written * usage.rows_written as f64),
        ("row_gb_month", kept, PRICES.row_gb_month * kept),
    ];
    let floats = |values: [f64; 3]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    batch([
        ("item", strings(entries.map(|e| e.0))),
        ("amount", floats(entries.map(|e| e.1))),
        ("usd", floats(entries.map(|e| e.2))),
    ])
}
