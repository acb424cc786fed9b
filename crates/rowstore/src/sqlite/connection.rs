//! One libSQL connection: how it is opened, and how one statement runs on it.
//! Not here: which connection to use (the store's), transactions.

use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Batch, CachedStatement, Connection, OpenFlags, Row, StatementStatus};

use super::Synchronous;
use super::errors::Database;
use crate::{Error, Flow, Place, Result, RowCounts, Statement, Value};

/// Prepared statements a connection keeps.
const CACHED_STATEMENTS: usize = 128;
/// As in a Durable Object.
const PAGE_BYTES: i64 = 4096;
/// Pages the WAL holds before it is folded into the file: 16 MiB, a few large parts.
const WAL_AUTOCHECKPOINT_PAGES: i64 = 4096;
/// The WAL file is cut back to this after one huge transaction.
const WAL_BYTES_KEPT: i64 = 64 << 20;
/// Page cache of the writer (negative: in KiB), so that a commit of large parts does not spill.
const WRITER_CACHE_KIB: i64 = -16 * 1024;
/// Page cache of a reader; the file itself is mapped.
const READER_CACHE_KIB: i64 = -2 * 1024;
/// Bytes of the file a reader maps; the rest is read with system calls. Reading 1.9 MB rows was
/// twice as fast mapped as not.
const READER_MMAP_BYTES: i64 = 1 << 30;

/// Whether a statement can change the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Opens or creates the file for writing, in WAL mode.
pub(super) fn open_writer(
    path: &Path,
    synchronous: Synchronous,
    database: &Database,
) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| database.error("open", &error))?;
    let synchronous = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
        Synchronous::Off => "OFF",
    };
    let set_up = || -> rusqlite::Result<String> {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "cache_size", WRITER_CACHE_KIB)?;
        let ignore = |_: &Row<'_>| Ok(());
        connection.pragma_update_and_check(
            None,
            "wal_autocheckpoint",
            WAL_AUTOCHECKPOINT_PAGES,
            ignore,
        )?;
        connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, ignore)?;
        common_settings(&connection)?;
        Ok(mode)
    };
    let mode = set_up().map_err(|error| database.error("open", &error))?;
    if mode != "wal" {
        let message = format!("the file system does not allow WAL mode (it offers {mode})");
        return Err(database.io("open", message));
    }
    Ok(connection)
}

/// Opens the file for reading; the writer must be open already.
pub(super) fn open_reader(path: &Path, database: &Database) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let set_up = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "cache_size", READER_CACHE_KIB)?;
        // Answers with the size it chose, or with nothing where mapping is compiled out.
        connection.pragma(None, "mmap_size", READER_MMAP_BYTES, |_| Ok(()))?;
        common_settings(&connection)?;
        Ok(connection)
    };
    set_up().map_err(|error| database.error("open a reader", &error))
}

/// Opens a database in memory.
pub(super) fn open_memory(database: &Database) -> Result<Connection> {
    let set_up = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        common_settings(&connection)?;
        Ok(connection)
    };
    set_up().map_err(|error| database.error("open", &error))
}

fn common_settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(())
}

/// Bytes in use, as workerd counts `databaseSize`.
pub(super) fn bytes(connection: &Connection, database: &Database) -> Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let measure = || -> rusqlite::Result<i64> {
        let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
        Ok(pages.saturating_mul(pragma("page_size")?))
    };
    let bytes = measure().map_err(|error| database.error("bytes", &error))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Asks SQLite whether a statement reads or writes, and refuses text that is not exactly one
/// statement: SQLite would silently run only the first.
pub(super) fn access(
    connection: &Connection,
    statement: &Statement,
    database: &Database,
) -> Result<Access> {
    let failed = |error: rusqlite::Error| database.error(statement.name, &error);
    let refused =
        |message: &str| Error::Statement { statement: statement.name, message: message.to_owned() };
    let mut batch = Batch::new(connection, statement.sql);
    let access = match batch.next().map_err(failed)? {
        None => return Err(refused("the SQL text holds no statement")),
        Some(prepared) if prepared.readonly() => Access::Read,
        Some(_) => Access::Write,
    };
    match batch.next() {
        Ok(None) => Ok(access),
        Ok(Some(_)) | Err(_) => Err(refused("the SQL text holds more than one statement")),
    }
}

/// Runs a statement on a connection and returns SQLite's own counts of this run.
pub(super) fn run(
    connection: &Connection,
    access: Access,
    statement: &Statement,
    params: &[Value<'_>],
    each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    database: &Database,
) -> Result<RowCounts> {
    let failed = |error: rusqlite::Error| database.error(statement.name, &error);
    let mut prepared = connection.prepare_cached(statement.sql).map_err(failed)?;
    // An earlier run that failed half-way left its counts behind.
    take_counts(&prepared);
    if prepared.parameter_count() != params.len() {
        return Err(Error::ParamCount {
            statement: statement.name,
            expected: prepared.parameter_count(),
            given: params.len(),
        });
    }
    for (index, param) in params.iter().enumerate() {
        prepared.raw_bind_parameter(index.saturating_add(1), param).map_err(failed)?;
    }
    step_through(&mut prepared, access, statement, each, database)?;
    Ok(take_counts(&prepared))
}

fn step_through(
    prepared: &mut CachedStatement<'_>,
    access: Access,
    statement: &Statement,
    each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    database: &Database,
) -> Result<()> {
    let failed = |error: rusqlite::Error| database.error(statement.name, &error);
    let mut rows = prepared.raw_query();
    let mut wanted = Flow::Continue;
    while let Some(row) = rows.next().map_err(failed)? {
        if wanted == Flow::Continue {
            wanted = each(&values(row, statement, database)?);
        }
        // A write goes on to its end: the commit and its errors come with the last step.
        if wanted == Flow::Stop && access == Access::Read {
            break;
        }
    }
    Ok(())
}

/// The columns of a row, borrowed from SQLite.
fn values<'row>(
    row: &'row Row<'_>,
    statement: &Statement,
    database: &Database,
) -> Result<Vec<Value<'row>>> {
    let columns = row.as_ref().column_count();
    let mut values = Vec::with_capacity(columns);
    for index in 0..columns {
        let value = row.get_ref(index).map_err(|error| database.error(statement.name, &error))?;
        values.push(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(value) => Value::Int(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Blob(blob) => Value::Blob(blob),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text),
                Err(_) => {
                    let place = Place::Column(index.saturating_add(1));
                    return Err(Error::NotUtf8 { statement: statement.name, place });
                }
            },
        });
    }
    Ok(values)
}

/// Reads and resets the statement's row counters. SQLite keeps them as unsigned 32-bit numbers
/// that stop at their maximum.
fn take_counts(prepared: &CachedStatement<'_>) -> RowCounts {
    let take = |status| u64::from(prepared.reset_status(status).cast_unsigned());
    RowCounts { read: take(StatementStatus::RowsRead), written: take(StatementStatus::RowsWritten) }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(value),
            Value::Real(value) => ValueRef::Real(value),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}
