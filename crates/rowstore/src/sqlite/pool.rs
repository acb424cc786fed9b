//! Reader connections. Taking one never waits (a callback may read again while it holds one, so
//! waiting could deadlock): when none is idle another is opened, and the pool keeps a bounded
//! number of idle ones.

use std::path::PathBuf;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::connection;
use super::errors::Database;
use crate::Result;

/// Read-only connections to one file.
pub(super) struct ReaderPool {
    idle: Mutex<Vec<Connection>>,
    idle_max: usize,
    path: PathBuf,
    database: Database,
}

impl ReaderPool {
    /// Opens the first connection, so that a file no reader can open is an error at once.
    pub(super) fn new(path: PathBuf, idle_max: usize, database: Database) -> Result<ReaderPool> {
        let first = connection::open_reader(&path, &database)?;
        Ok(ReaderPool { idle: Mutex::new(vec![first]), idle_max, path, database })
    }

    /// Lends an idle connection, or a new one. If `read` unwinds the connection is closed.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::open_reader(&self.path, &self.database)?,
        };
        let result = read(&connection);
        // A connection left inside a transaction would show an old state for ever.
        if connection.is_autocommit() {
            let mut idle = self.idle.lock();
            if idle.len() < self.idle_max {
                idle.push(connection);
            }
        }
        result
    }
}
