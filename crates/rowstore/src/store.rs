//! The seam itself: what a backend implements. Two traits, three verbs.
//! The engine does not call these: it goes through [`crate::Metered`].

use std::sync::Arc;

use crate::{Flow, Result, RowCounts, Statement, Value};

/// Runs statements: either a store, where each statement commits by itself, or an open
/// transaction.
pub trait RowExec {
    /// Runs one statement to its end, or until `each` says [`Flow::Stop`].
    ///
    /// `each` gets every result row as a slice of column values that live until it returns. A
    /// statement that writes always runs to its end; `Stop` then only ends the callbacks. The
    /// counts are the host's own counters of this run, never an estimate. A failed statement
    /// leaves nothing behind.
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts>;
}

/// What the body of a transaction decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Keep every write of the body.
    Commit,
    /// Keep none.
    Rollback,
}

/// A SQLite host.
///
/// Contract, pinned by the conformance suite:
/// - Nobody outside a transaction ever sees a part of it.
/// - While a body runs, the thread that runs it may use only the `RowExec` it was given: anything
///   else on the same store is [`crate::Error::NestedTransaction`]. Other threads may wait.
/// - Nothing is awaited: a call returns when it is done.
pub trait RowStore: RowExec + Send + Sync {
    /// Runs `body` exactly once inside a transaction, then commits or rolls back as it says. A
    /// body that unwinds is rolled back. `Ok` means the verdict was carried out; after `Err`
    /// nothing of the body is stored.
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()>;

    /// Bytes the database occupies: pages in use times the page size, as a Durable Object's
    /// `databaseSize`. Free pages do not count.
    fn bytes(&self) -> Result<u64>;
}

/// A shared store is a store, so that a test can keep one open behind several meters.
impl<S: RowStore + ?Sized> RowExec for Arc<S> {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        (**self).exec(statement, params, each)
    }
}

impl<S: RowStore + ?Sized> RowStore for Arc<S> {
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
        (**self).atomically(body)
    }

    fn bytes(&self) -> Result<u64> {
        (**self).bytes()
    }
}
