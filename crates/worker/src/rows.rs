//! [`SqlRows`]: the SQLite of a Durable Object as a row store. Blobs cross by one copy each way and
//! rows come raw, without names. Not here: limits, which the meter in front of it checks.

use std::cell::Cell;

use dodb_rowstore::{Error, Flow, Result, RowCounts, RowExec, RowStore, Statement, Value, Verdict};
use js_sys::Array;
use wasm_bindgen::prelude::*;

mod sqlite;
mod values;

use sqlite::{Cursor, Sqlite, Storage, error};

/// The storage of one Durable Object.
///
/// Every write of one stretch of code without an `await` commits together, and the reply to a
/// request is held back until it is durable: Cloudflare's output gate.
pub struct SqlRows {
    storage: Storage,
    sqlite: Sqlite,
    in_transaction: Cell<bool>,
}

// SAFETY: a Worker's isolate has one thread, and these handles never leave it.
unsafe impl Send for SqlRows {}
// SAFETY: as above.
unsafe impl Sync for SqlRows {}

/// An open transaction.
struct Open<'a>(&'a SqlRows);

impl SqlRows {
    /// The row store on an object's storage.
    ///
    /// # Errors
    /// The object has no SQLite: its class is not among `new_sqlite_classes`.
    pub fn new(storage: &JsValue) -> Result<SqlRows> {
        let storage: Storage = storage.clone().unchecked_into();
        let sqlite = storage.sql().map_err(|e| error("open", &e))?;
        Ok(SqlRows { storage, sqlite, in_transaction: Cell::new(false) })
    }

    fn run(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        sqlite::check(statement, params.len())?;
        let bound = Array::new_with_length(params.len() as u32);
        for (at, param) in params.iter().enumerate() {
            bound.set(at as u32, values::bind(param));
        }
        let failed = |e: JsValue| error(statement.name, &e);
        let cursor = self.sqlite.exec(statement.sql, bound).map_err(failed)?;
        hand_out(statement, &cursor, each)?;
        let counts = || -> Result<RowCounts, JsValue> {
            Ok(RowCounts {
                read: cursor.rows_read()? as u64,
                written: cursor.rows_written()? as u64,
            })
        };
        counts().map_err(failed)
    }
}

/// Gives the rows of a cursor to `each` until it has enough. The cursor always runs to its end:
/// one that is left half-way keeps its table locked until JavaScript collects it.
fn hand_out(
    statement: &Statement,
    cursor: &Cursor,
    each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
) -> Result<()> {
    let failed = |e: JsValue| error(statement.name, &e);
    let rows = cursor.raw().map_err(failed)?;
    let mut flow = Flow::Continue;
    loop {
        let step = rows.next().map_err(failed)?;
        if step.done() {
            return Ok(());
        }
        if flow == Flow::Continue {
            let row: Array = step.value().unchecked_into();
            flow = each(&values::Row::read(statement, &row)?.values());
        }
    }
}

impl RowExec for SqlRows {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        if self.in_transaction.get() {
            return Err(Error::NestedTransaction { what: statement.name });
        }
        self.run(statement, params, each)
    }
}

impl RowExec for Open<'_> {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        self.0.run(statement, params, each)
    }
}

impl RowStore for SqlRows {
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
        if self.in_transaction.replace(true) {
            return Err(Error::NestedTransaction { what: "atomically" });
        }
        let mut verdict = None;
        let outcome = self.storage.transaction_sync(&mut || match body(&Open(self)) {
            Verdict::Commit => {
                verdict = Some(Verdict::Commit);
                Ok(JsValue::UNDEFINED)
            }
            Verdict::Rollback => {
                verdict = Some(Verdict::Rollback);
                // Throwing is how a transaction is told to roll back.
                Err(JsValue::from_str("rollback"))
            }
        });
        self.in_transaction.set(false);
        match (outcome, verdict) {
            (Ok(_), Some(Verdict::Commit)) | (Err(_), Some(Verdict::Rollback)) => Ok(()),
            (Err(e), Some(Verdict::Commit)) => Err(error("commit", &e)),
            (Err(e), None) => Err(error("begin", &e)),
            (Ok(_), _) => Err(Error::BodyRuns { runs: 0 }),
        }
    }

    fn bytes(&self) -> Result<u64> {
        self.sqlite.database_size().map(|bytes| bytes as u64).map_err(|e| error("size", &e))
    }
}
