//! Row-per-record storage, measured: ordinary tables in a store of their own, behind the meter that
//! dodb is behind; or in a Durable Object of their own, billed by the counters of the same workerd.
//! Not here: their SQL ([`super::statements`]).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use dodb_engine::{TableDef, derived_id};
use dodb_rowstore::{
    Flow, Metered, SqliteOptions, SqliteStore, Statement, Synchronous, Usage, UsageCounts, Value,
};
use dodb_server::formats::Format;
use serde::Deserialize;
use serde_json::json;

use super::home::Answer;
use super::measure::Load;
use super::statements;
use crate::args::ProgressMode;
use crate::client::Client;
use crate::cost::Cost;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::import::all_nullable;
use crate::import::batches::{self, Event, Plan, Shape};
use crate::import::progress::Progress;
use crate::import::source::{Source, total_bytes};
use crate::memory::Memory;

/// Records of one transaction. It changes the time, not the rows.
const TRANSACTION_ROWS: usize = 10_000;

/// The tables, and who counts.
pub enum RowStorage {
    /// A file of their own behind the meter.
    Native(Metered),
    /// The Durable Object of `demo/row-per-record.mjs`.
    Worker(Client),
}

impl RowStorage {
    /// The ones at `url`, or those in a folder.
    pub fn open(folder: &Path, url: Option<&str>) -> Result<RowStorage> {
        if let Some(url) = url {
            return Ok(RowStorage::Worker(Client::new(url, "default", None)?));
        }
        // Waiting for the disk would only make the comparison slower.
        let options = SqliteOptions { synchronous: Synchronous::Off, ..SqliteOptions::default() };
        let store = SqliteStore::open(folder, options)?;
        Ok(RowStorage::Native(Metered::new(Box::new(store))))
    }

    /// Makes the tables.
    pub fn create(&self) -> Result<()> {
        statements::CREATE.iter().try_for_each(|statement| self.run(statement, &[]).map(|_| ()))
    }

    /// Inserts all things of these files.
    pub fn load_things(&self, files: &[PathBuf]) -> Result<Load> {
        self.load(files, &TableDef::things()?, &RowStorage::put_things)
    }

    /// Inserts all relationships of this file.
    pub fn load_relationships(&self, file: &Path) -> Result<Load> {
        self.load(&[file.to_owned()], &TableDef::relationships()?, &RowStorage::put_relationships)
    }

    /// The rows of a query as text, what it cost, how many seconds it took.
    pub fn query(&self, statement: &Statement) -> Result<Answer> {
        let watch = Stopwatch::start();
        let (answer, cost) = self.run(statement, &[])?;
        Ok((answer, cost, watch.elapsed().as_secs_f64()))
    }

    fn load(&self, files: &[PathBuf], def: &TableDef, put: &Put) -> Result<Load> {
        let (watch, mut cost) = (Stopwatch::start(), Cost::default());
        let names: Vec<String> = files.iter().map(|f| f.to_string_lossy().into_owned()).collect();
        let bytes = Arc::new(AtomicU64::new(0));
        let mut progress =
            Progress::new(ProgressMode::Auto, &def.name, total_bytes(&names), &bytes);
        let mut rows = 0;
        for name in &names {
            let plan = Plan {
                format: Format::JsonEachRow,
                shape: Shape::Rows(all_nullable(&def.schema)),
                batch_rows: TRANSACTION_ROWS,
                batch_bytes: Memory::default().batch_bytes_max(),
                skip: false,
                skip_unknown_fields: false,
                null_texts: Vec::new(),
            };
            let mut failed = None;
            batches::read(Source::open(name, bytes.clone())?, &plan, &mut |event| {
                let Event::Batch(batch) = event else { return true };
                rows += batch.num_rows() as u64;
                match put(self, &batch) {
                    Ok(spent) => cost.add(&spent),
                    Err(e) => failed = Some(e),
                }
                progress.acknowledged(rows);
                failed.is_none()
            })?;
            if let Some(e) = failed {
                return Err(e);
            }
        }
        progress.finish();
        Ok(Load { rows, seconds: watch.elapsed().as_secs_f64(), cost })
    }

    fn put_things(&self, batch: &RecordBatch) -> Result<Cost> {
        let columns = Columns(batch);
        let record = |row| {
            let created = columns.time("createdAt", row)?;
            Ok(vec![
                Value::Text(columns.text("id", row)?),
                Value::Text(columns.text("type", row)?),
                Value::Text(columns.text("data", row)?),
                Value::Int(created),
                Value::Int(created),
            ])
        };
        let records = (0..batch.num_rows()).map(record).collect::<Result<Vec<_>>>()?;
        Ok(self.run(&statements::PUT_THING, &records)?.1)
    }

    fn put_relationships(&self, batch: &RecordBatch) -> Result<Cost> {
        let columns = Columns(batch);
        let names = |row| -> Result<[&str; 3]> {
            Ok([
                columns.text("fromId", row)?,
                columns.text("toId", row)?,
                columns.text("type", row)?,
            ])
        };
        let id = |row| names(row).map(|[from, to, kind]| derived_id(from, to, kind));
        let ids = (0..batch.num_rows()).map(id).collect::<Result<Vec<_>>>()?;
        let record = |(row, id)| {
            let [from, to, kind] = names(row)?;
            Ok(vec![
                Value::Text(id),
                Value::Text(from),
                Value::Text(to),
                Value::Text(kind),
                Value::Text("{}"),
                Value::Int(columns.time("createdAt", row)?),
            ])
        };
        let ids = ids.iter().map(|id| id.as_ref());
        let records = ids.enumerate().map(record).collect::<Result<Vec<_>>>()?;
        Ok(self.run(&statements::PUT_RELATIONSHIP, &records)?.1)
    }

    /// Runs a statement once for each of these records, or once when there are none.
    fn run(&self, statement: &Statement, records: &[Vec<Value<'_>>]) -> Result<(Rows, Cost)> {
        match self {
            RowStorage::Native(rows) => run_native(rows, statement, records),
            RowStorage::Worker(client) => run_in_worker(client, statement, records),
        }
    }
}

/// Rows as texts.
type Rows = Vec<Vec<String>>;

/// Inserts a batch row by row.
type Put = dyn Fn(&RowStorage, &RecordBatch) -> Result<Cost>;

fn run_native(
    store: &Metered,
    statement: &Statement,
    records: &[Vec<Value<'_>>],
) -> Result<(Rows, Cost)> {
    let usage = Usage::default();
    let mut rows = Vec::new();
    let mut take = |row: &[Value<'_>]| {
        rows.push(row.iter().map(text).collect());
        Flow::Continue
    };
    if records.is_empty() {
        store.exec(statement, &[], &usage, &mut take)?;
    } else {
        store.atomically(&usage, |tx| {
            records.iter().try_for_each(|record| tx.exec(statement, record, &mut take))
        })?;
    }
    Ok((rows, Cost::of(&usage.counts())))
}

/// What `demo/row-per-record.mjs` answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    rows: Vec<Vec<serde_json::Value>>,
    rows_read: u64,
    rows_written: u64,
}

fn run_in_worker(
    client: &Client,
    statement: &Statement,
    records: &[Vec<Value<'_>>],
) -> Result<(Rows, Cost)> {
    let json = |value: &Value<'_>| match value {
        Value::Text(text) => json!(text),
        Value::Int(value) => json!(value),
        Value::Real(value) => json!(value),
        Value::Null | Value::Blob(_) => json!(null),
    };
    let records: Vec<Vec<_>> = records.iter().map(|r| r.iter().map(json).collect()).collect();
    let body = json!({ "sql": statement.sql, "records": records }).to_string();
    let text = client.sql(body.as_bytes(), "JSON")?.text()?;
    let reply: Reply = serde_json::from_str(&text)
        .map_err(|e| Error::Failed(format!("the row-per-record object answered {text:?}: {e}")))?;
    let plain = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => "NULL".into(),
        other => other.to_string(),
    };
    let rows = reply.rows.into_iter().map(|row| row.into_iter().map(plain).collect()).collect();
    let counts = UsageCounts {
        rows_read: reply.rows_read,
        rows_written: reply.rows_written,
        ..UsageCounts::default()
    };
    Ok((rows, Cost::of(&counts)))
}

/// The columns of a batch by name.
struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn column(&self, name: &str, row: usize) -> Result<&'a ArrayRef> {
        let column = self.0.column_by_name(name).filter(|column| column.is_valid(row));
        column.ok_or_else(|| Error::Failed(format!("a record of the demo has no `{name}`")))
    }

    fn text(&self, name: &str, row: usize) -> Result<&'a str> {
        let strings = self.column(name, row)?.as_string_view_opt();
        strings.map(|s| s.value(row)).ok_or_else(|| Error::Failed(format!("`{name}` is no text")))
    }

    fn time(&self, name: &str, row: usize) -> Result<i64> {
        let times = self.column(name, row)?.as_primitive_opt::<TimestampMillisecondType>();
        times.map(|t| t.value(row)).ok_or_else(|| Error::Failed(format!("`{name}` is no time")))
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Int(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(value) => (*value).to_owned(),
        Value::Blob(value) => format!("{} bytes", value.len()),
    }
}
