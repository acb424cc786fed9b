//! The native backend: libSQL in WAL mode, one writer, a pool of readers.
//!
//! Every row count is libSQL's own statement counter (`LIBSQL_STMTSTATUS_ROWS_READ` and
//! `ROWS_WRITTEN`), the patch workerd bills by. Statements that only read run on a reader and see
//! committed data alone; everything else, and everything inside a transaction, runs on the writer.
//! Not here: limits and bills (the meter's), SQL of the database (the engine's).

mod connection;
mod errors;
mod lock;
mod pool;
mod transaction;

use std::collections::HashMap;
use std::path::Path;

use parking_lot::{Mutex, ReentrantMutex};
use rusqlite::Connection;

use connection::Access;
use errors::Database;
use lock::FolderLock;
use pool::ReaderPool;
use transaction::Writer;

use crate::{Error, Flow, Result, RowCounts, RowExec, RowStore, Statement, Value, Verdict};

/// When a commit is on disk. See `PRAGMA synchronous`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// A commit that returned survives a power cut: one fsync each.
    #[default]
    Full,
    /// A power cut may lose the last commits, never damage the file or half-apply one.
    Normal,
    /// A power cut may damage the file. For scratch data only.
    Off,
}

/// How to open a folder.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// When a commit is on disk. Default: [`Synchronous::Full`].
    pub synchronous: Synchronous,
    /// Idle reader connections to keep. More are opened while more threads read at once, so a
    /// reader never waits. Default: 4.
    pub readers: usize,
}

impl Default for SqliteOptions {
    fn default() -> SqliteOptions {
        SqliteOptions { synchronous: Synchronous::Full, readers: 4 }
    }
}

/// A SQLite file in a folder of its own, or a database in memory.
pub struct SqliteStore {
    // Dropped in this order: the writer must close last to fold the WAL into the file, and the
    // folder is free only after that.
    readers: Option<ReaderPool>,
    writer: ReentrantMutex<Writer>,
    database: Database,
    access: Mutex<HashMap<&'static str, Access>>,
    _lock: Option<FolderLock>,
}

impl SqliteStore {
    /// Opens (or creates) `dir/dodb.sqlite` and holds `dir/LOCK` until dropped.
    ///
    /// # Errors
    /// [`Error::Locked`] when the folder is open already, here or in another process;
    /// [`Error::Corrupt`] when the file is no SQLite database; [`Error::Io`].
    pub fn open(dir: &Path, options: SqliteOptions) -> Result<SqliteStore> {
        std::fs::create_dir_all(dir).map_err(|error| Error::Io {
            what: "open",
            database: dir.display().to_string(),
            message: error.to_string(),
        })?;
        let lock = FolderLock::take(dir)?;
        let path = dir.join("dodb.sqlite");
        let database = Database::new(path.display().to_string());
        let writer = connection::open_writer(&path, options.synchronous, &database)?;
        let readers = ReaderPool::new(path, options.readers, database.clone())?;
        Ok(SqliteStore {
            readers: Some(readers),
            writer: ReentrantMutex::new(Writer::new(writer)),
            database,
            access: Mutex::default(),
            _lock: Some(lock),
        })
    }

    /// A database in memory, gone when dropped. One connection: calls wait for each other.
    pub fn open_in_memory() -> Result<SqliteStore> {
        let database = Database::new(":memory:".to_owned());
        let connection = connection::open_memory(&database)?;
        Ok(SqliteStore {
            readers: None,
            writer: ReentrantMutex::new(Writer::new(connection)),
            database,
            access: Mutex::default(),
            _lock: None,
        })
    }

    /// Refuses what would go around the transaction this very thread has open.
    fn refuse_inside_transaction(&self, what: &'static str) -> Result<()> {
        if self.writer.is_owned_by_current_thread() && self.writer.lock().in_transaction() {
            return Err(Error::NestedTransaction { what });
        }
        Ok(())
    }

    /// Whether a statement reads or writes; asked of SQLite once per SQL text.
    fn access(&self, connection: &Connection, statement: &Statement) -> Result<Access> {
        if let Some(access) = self.known_access(statement) {
            return Ok(access);
        }
        let access = connection::access(connection, statement, &self.database)?;
        self.access.lock().insert(statement.sql, access);
        Ok(access)
    }

    fn known_access(&self, statement: &Statement) -> Option<Access> {
        self.access.lock().get(statement.sql).copied()
    }

    fn exec_on_writer(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        let writer = self.writer.lock();
        writer.leave_stale_transaction(statement.name, &self.database)?;
        let access = self.access(writer.connection(), statement)?;
        connection::run(writer.connection(), access, statement, params, each, &self.database)
    }
}

impl RowExec for SqliteStore {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        self.refuse_inside_transaction(statement.name)?;
        if let Some(readers) = &self.readers
            && self.known_access(statement) != Some(Access::Write)
        {
            let read = readers.with(|reader| {
                let access = self.access(reader, statement)?;
                if access == Access::Write {
                    return Ok(None);
                }
                connection::run(reader, access, statement, params, each, &self.database).map(Some)
            })?;
            if let Some(counts) = read {
                return Ok(counts);
            }
        }
        self.exec_on_writer(statement, params, each)
    }
}

impl RowStore for SqliteStore {
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
        self.refuse_inside_transaction("atomically")?;
        let writer = self.writer.lock();
        let open = writer.begin(self)?;
        match body(&open) {
            Verdict::Commit => open.commit(),
            Verdict::Rollback => open.rollback(),
        }
    }

    fn bytes(&self) -> Result<u64> {
        self.refuse_inside_transaction("bytes")?;
        match &self.readers {
            Some(readers) => readers.with(|reader| connection::bytes(reader, &self.database)),
            None => connection::bytes(self.writer.lock().connection(), &self.database),
        }
    }
}

#[cfg(test)]
mod tests;
