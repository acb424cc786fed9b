//! The writer connection and the one transaction that may be open on it.

use std::cell::Cell;

use rusqlite::Connection;

use super::errors::Database;
use super::{SqliteStore, connection};
use crate::{Error, Flow, Result, RowCounts, RowExec, Statement, Value};

/// The writer; reached only through the store's re-entrant mutex, so the flag tells a thread
/// whether it is inside its own transaction.
pub(super) struct Writer {
    connection: Connection,
    in_transaction: Cell<bool>,
}

/// An open transaction. Rolled back when dropped without a verdict (the body unwound).
pub(super) struct OpenTransaction<'a> {
    writer: &'a Writer,
    store: &'a SqliteStore,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Writer {
        Writer { connection, in_transaction: Cell::new(false) }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.in_transaction.get()
    }

    /// Ends a transaction whose rollback failed earlier, so that it cannot swallow new writes.
    pub(super) fn leave_stale_transaction(
        &self,
        what: &'static str,
        database: &Database,
    ) -> Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.batch(what, "ROLLBACK", database)
    }

    /// Opens a transaction that holds SQLite's write lock from the start.
    pub(super) fn begin<'a>(&'a self, store: &'a SqliteStore) -> Result<OpenTransaction<'a>> {
        self.leave_stale_transaction("begin", &store.database)?;
        self.batch("begin", "BEGIN IMMEDIATE", &store.database)?;
        self.in_transaction.set(true);
        Ok(OpenTransaction { writer: self, store })
    }

    fn batch(&self, what: &'static str, sql: &str, database: &Database) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| database.error(what, &error))
    }
}

impl OpenTransaction<'_> {
    /// Makes the writes durable, or fails with none of them stored (the drop rolls back).
    pub(super) fn commit(self) -> Result<()> {
        if self.writer.connection.is_autocommit() {
            return Err(Error::TransactionLost { what: "commit" });
        }
        self.writer.batch("commit", "COMMIT", &self.store.database)
    }

    /// Drops the writes. A failed ROLLBACK leaves nothing visible; the next use of the writer
    /// tries again first.
    pub(super) fn rollback(self) -> Result<()> {
        if self.writer.connection.is_autocommit() {
            return Ok(());
        }
        self.writer.batch("rollback", "ROLLBACK", &self.store.database)
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        self.writer.in_transaction.set(false);
        // Still open: a body that unwound or a failed COMMIT. A failure here has no caller to
        // tell; `leave_stale_transaction` retries and reports it.
        if !self.writer.connection.is_autocommit() {
            let _ = self.writer.connection.execute_batch("ROLLBACK");
        }
    }
}

impl RowExec for OpenTransaction<'_> {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        let connection = &self.writer.connection;
        // After a full disk SQLite may have rolled back by itself; running on would commit the
        // rest of the body statement by statement.
        if connection.is_autocommit() {
            return Err(Error::TransactionLost { what: statement.name });
        }
        let access = self.store.access(connection, statement)?;
        connection::run(connection, access, statement, params, each, &self.store.database)
    }
}
