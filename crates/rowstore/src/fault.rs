//! A store that fails on purpose, to find out what a failure at any point leaves behind: count
//! the calls of a run with [`FaultStore::counting`], then repeat it once for each N with
//! [`FaultStore::failing`]. For tests only.
//!
//! A call is one `exec` (inside or outside a transaction) or one commit. A failed `exec` never
//! reached the store; a failed commit was rolled back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use crate::{Error, Flow, Result, RowCounts, RowExec, RowStore, Statement, Value, Verdict};

/// What the calls after the failed one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// They work: the failure passed.
    Recover,
    /// They fail too, as when the process died there.
    StayDown,
}

/// Counts the calls of a [`FaultStore`] and says which one fails. Shared with the test.
#[derive(Debug)]
pub struct Calls {
    made: AtomicU64,
    fail_at: Option<u64>,
    then: Then,
    failed: AtomicBool,
}

/// A row store whose Nth call fails.
pub struct FaultStore {
    inner: Box<dyn RowStore>,
    calls: Arc<Calls>,
}

struct FaultExec<'a> {
    inner: &'a dyn RowExec,
    calls: &'a Calls,
}

impl Calls {
    fn new(fail_at: Option<u64>, then: Then) -> Arc<Calls> {
        let made = AtomicU64::new(0);
        Arc::new(Calls { made, fail_at, then, failed: AtomicBool::new(false) })
    }

    /// Calls made so far, the failed ones included.
    pub fn made(&self) -> u64 {
        self.made.load(SeqCst)
    }

    /// Whether a call was made to fail.
    pub fn failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    fn call(&self, what: &'static str) -> Result<()> {
        let call = self.made.fetch_add(1, SeqCst).saturating_add(1);
        let fails = match (self.fail_at, self.then) {
            (None, _) => false,
            (Some(at), Then::Recover) => call == at,
            (Some(at), Then::StayDown) => call >= at,
        };
        if !fails {
            return Ok(());
        }
        self.failed.store(true, SeqCst);
        Err(Error::Injected { call, what })
    }
}

impl FaultStore {
    /// A store that only counts its calls.
    pub fn counting(inner: Box<dyn RowStore>) -> (FaultStore, Arc<Calls>) {
        FaultStore::with(inner, Calls::new(None, Then::Recover))
    }

    /// A store whose call number `nth` (from 1) fails with [`Error::Injected`].
    pub fn failing(inner: Box<dyn RowStore>, nth: u64, then: Then) -> (FaultStore, Arc<Calls>) {
        FaultStore::with(inner, Calls::new(Some(nth), then))
    }

    fn with(inner: Box<dyn RowStore>, calls: Arc<Calls>) -> (FaultStore, Arc<Calls>) {
        (FaultStore { inner, calls: Arc::clone(&calls) }, calls)
    }
}

impl RowExec for FaultStore {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        self.calls.call(statement.name)?;
        self.inner.exec(statement, params, each)
    }
}

impl RowExec for FaultExec<'_> {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        self.calls.call(statement.name)?;
        self.inner.exec(statement, params, each)
    }
}

impl RowStore for FaultStore {
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
        let mut commit_failed = None;
        self.inner.atomically(
            &mut |inner| match body(&FaultExec { inner, calls: &self.calls }) {
                Verdict::Rollback => Verdict::Rollback,
                Verdict::Commit => match self.calls.call("commit") {
                    Ok(()) => Verdict::Commit,
                    Err(error) => {
                        commit_failed = Some(error);
                        Verdict::Rollback
                    }
                },
            },
        )?;
        match commit_failed {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    fn bytes(&self) -> Result<u64> {
        self.inner.bytes()
    }
}

#[cfg(test)]
mod tests;
