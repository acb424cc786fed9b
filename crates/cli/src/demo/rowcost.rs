//! Row-per-record storage, measured: an ordinary table in a store of its own, behind the meter that
//! dodb is behind. Not here: its SQL ([`super::statements`]).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use dodb_engine::{TableDef, derived_id};
use dodb_rowstore::{
    Flow, Metered, SqliteOptions, SqliteStore, Statement, Synchronous, Transaction, Usage, Value,
};
use dodb_server::formats::Format;

use super::measure::Load;
use super::statements;
use crate::args::ProgressMode;
use crate::cost::Cost;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::import::all_nullable;
use crate::import::batches::{self, Event, Plan, Shape};
use crate::import::progress::Progress;
use crate::import::source::{Source, total_bytes};

/// Records of one transaction. It changes the time, not the rows.
const TRANSACTION_ROWS: usize = 10_000;

/// The tables.
pub struct RowStorage {
    rows: Metered,
}

impl RowStorage {
    /// Makes them in a new folder.
    pub fn create(folder: &Path) -> Result<RowStorage> {
        let made = RowStorage::open(folder)?;
        for statement in &statements::CREATE {
            made.rows.exec(statement, &[], &Usage::default(), &mut |_| Flow::Continue)?;
        }
        Ok(made)
    }

    /// Opens them.
    pub fn open(folder: &Path) -> Result<RowStorage> {
        // Waiting for the disk would only make the comparison slower.
        let options = SqliteOptions { synchronous: Synchronous::Off, ..SqliteOptions::default() };
        let store = SqliteStore::open(folder, options)?;
        Ok(RowStorage { rows: Metered::new(Box::new(store)) })
    }

    /// Inserts all things of these files.
    pub fn load_things(&mut self, files: &[PathBuf]) -> Result<Load> {
        self.load(files, &TableDef::things()?, &put_things)
    }

    /// Inserts all relationships of this file.
    pub fn load_relationships(&mut self, file: &Path) -> Result<Load> {
        self.load(&[file.to_owned()], &TableDef::relationships()?, &put_relationships)
    }

    /// The rows of a query as text, and what it cost.
    pub fn query(&self, statement: &Statement) -> Result<(Vec<Vec<String>>, Cost)> {
        let usage = Usage::default();
        let mut out = Vec::new();
        self.rows.exec(statement, &[], &usage, &mut |row| {
            out.push(row.iter().map(text).collect());
            Flow::Continue
        })?;
        Ok((out, Cost::of(&usage.counts())))
    }

    fn load(&mut self, files: &[PathBuf], def: &TableDef, put: &Put) -> Result<Load> {
        let (watch, usage) = (Stopwatch::start(), Usage::default());
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
                skip: false,
                skip_unknown_fields: false,
                null_texts: Vec::new(),
            };
            let mut failed = None;
            batches::read(Source::open(name, bytes.clone())?, &plan, &mut |event| {
                let Event::Batch(batch) = event else { return true };
                rows += batch.num_rows() as u64;
                let stored = self.rows.atomically(&usage, |tx| put(tx, &batch));
                failed = stored.err();
                progress.acknowledged(rows);
                failed.is_none()
            })?;
            if let Some(e) = failed {
                return Err(e);
            }
        }
        progress.finish();
        let (seconds, cost) = (watch.elapsed().as_secs_f64(), Cost::of(&usage.counts()));
        Ok(Load { rows, seconds, cost })
    }
}

/// Inserts a batch row by row.
type Put = dyn Fn(&Transaction<'_>, &RecordBatch) -> Result<()>;

fn put_things(tx: &Transaction<'_>, batch: &RecordBatch) -> Result<()> {
    let columns = Columns(batch);
    for row in 0..batch.num_rows() {
        let created = columns.time("createdAt", row)?;
        let params = [
            Value::Text(columns.text("id", row)?),
            Value::Text(columns.text("type", row)?),
            Value::Text(columns.text("data", row)?),
            Value::Int(created),
            Value::Int(created),
        ];
        tx.exec(&statements::PUT_THING, &params, &mut |_| Flow::Continue).map_err(Error::Rows)?;
    }
    Ok(())
}

fn put_relationships(tx: &Transaction<'_>, batch: &RecordBatch) -> Result<()> {
    let columns = Columns(batch);
    for row in 0..batch.num_rows() {
        let (from, to) = (columns.text("fromId", row)?, columns.text("toId", row)?);
        let kind = columns.text("type", row)?;
        let id = derived_id(from, to, kind);
        let params = [
            Value::Text(&id),
            Value::Text(from),
            Value::Text(to),
            Value::Text(kind),
            Value::Text("{}"),
            Value::Int(columns.time("createdAt", row)?),
        ];
        tx.exec(&statements::PUT_RELATIONSHIP, &params, &mut |_| Flow::Continue)
            .map_err(Error::Rows)?;
    }
    Ok(())
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
