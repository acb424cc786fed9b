//! The meter: the only way the engine reaches a backend. It holds the limits, adds up rows per
//! request and per statement name, and stops requests that go past their budget.
//! Not here: counting itself; the host counts.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::limits;
use crate::{Error, Flow, Result, RowCounts, RowExec, RowStore, Statement, Usage, Value, Verdict};

/// A backend behind its meter.
pub struct Metered {
    store: Box<dyn RowStore>,
    totals: Mutex<BTreeMap<&'static str, Total>>,
}

#[derive(Default, Clone, Copy)]
struct Total {
    calls: u64,
    rows: RowCounts,
}

/// An open transaction: all its writes are kept together or not at all. See
/// [`Metered::atomically`].
pub struct Transaction<'a> {
    meter: &'a Metered,
    rows: &'a dyn RowExec,
    usage: &'a Usage,
}

impl Metered {
    /// Puts the meter in front of a backend.
    pub fn new(store: Box<dyn RowStore>) -> Metered {
        Metered { store, totals: Mutex::default() }
    }

    /// Runs one statement, which commits by itself, and hands each result row to `each`.
    ///
    /// # Errors
    /// A broken limit (nothing ran, or the row was not handed out), a budget, or the backend's
    /// error. Inside the body of [`Metered::atomically`] on the same thread:
    /// [`Error::NestedTransaction`].
    pub fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        usage: &Usage,
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<()> {
        self.run(&*self.store, statement, params, usage, each)
    }

    /// Runs one statement and hands its first row, if there is one, to `each`. Returns whether
    /// there was one.
    pub fn query_one(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        usage: &Usage,
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<bool> {
        first_row(each, |each| self.exec(statement, params, usage, each))
    }

    /// Runs `body` in a transaction: commits when it returns `Ok`, rolls back when it returns
    /// `Err` or unwinds. Rows are counted either way, as they were read and written.
    ///
    /// Transactions do not nest, and while the body runs its thread may use this store only
    /// through the [`Transaction`]; both are [`Error::NestedTransaction`] otherwise.
    pub fn atomically<T, E: From<Error>>(
        &self,
        usage: &Usage,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut body = Some(body);
        let mut runs = 0u32;
        let mut outcome: Option<Result<T, E>> = None;
        let carried_out = self.store.atomically(&mut |rows| {
            runs = runs.saturating_add(1);
            let Some(body) = body.take() else { return Verdict::Rollback };
            let result = body(&Transaction { meter: self, rows, usage });
            let verdict = if result.is_ok() { Verdict::Commit } else { Verdict::Rollback };
            outcome = Some(result);
            verdict
        });
        match (carried_out, outcome) {
            (_, Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(Ok(value))) if runs == 1 => Ok(value),
            (Ok(()), _) => Err(Error::BodyRuns { runs }.into()),
        }
    }

    /// Adds rows that the host bills for something that is no statement, under a name of its own:
    /// Cloudflare bills one row written for setting an alarm.
    pub fn add_billed(&self, name: &'static str, rows: RowCounts) {
        self.add_total(name, rows);
    }

    /// Calls and rows per statement name since this meter was made, sorted by name.
    pub fn totals(&self) -> Vec<(&'static str, u64, RowCounts)> {
        self.totals.lock().iter().map(|(name, total)| (*name, total.calls, total.rows)).collect()
    }

    /// Bytes the database occupies; free pages do not count.
    pub fn bytes(&self) -> Result<u64> {
        self.store.bytes()
    }

    fn run(
        &self,
        rows: &dyn RowExec,
        statement: &Statement,
        params: &[Value<'_>],
        usage: &Usage,
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<()> {
        limits::check_call(statement, params)?;
        usage.check_budget(statement.name)?;
        // A row handed out cost the host at least one row read, so the budget also stops a long
        // scan on its way; the bill itself comes from the host's counters alone.
        let mut rows_left = usage.rows_read_left();
        let mut refused: Option<Error> = None;
        let mut over_budget = false;
        let result = rows.exec(statement, params, &mut |row| {
            if let Err(error) = limits::check_row(statement, row) {
                refused = Some(error);
                return Flow::Stop;
            }
            if rows_left == 0 {
                over_budget = true;
                return Flow::Stop;
            }
            rows_left -= 1;
            each(row)
        });
        let counts = self.record(statement, usage, &result);
        result?;
        if let Some(error) = refused {
            return Err(error);
        }
        if over_budget {
            return Err(usage.budget_error(statement.name));
        }
        if counts.written == 0 { usage.check_budget(statement.name) } else { Ok(()) }
    }

    fn record(
        &self,
        statement: &Statement,
        usage: &Usage,
        result: &Result<RowCounts>,
    ) -> RowCounts {
        let counts = match result {
            Ok(counts) => *counts,
            Err(_) => RowCounts::default(),
        };
        usage.add_rows(counts);
        self.add_total(statement.name, counts);
        counts
    }

    fn add_total(&self, name: &'static str, rows: RowCounts) {
        let mut totals = self.totals.lock();
        let total = totals.entry(name).or_default();
        total.calls = total.calls.saturating_add(1);
        total.rows += rows;
    }
}

impl Transaction<'_> {
    /// As [`Metered::exec`], inside the transaction; the rows go to the usage it was opened with.
    pub fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<()> {
        self.meter.run(self.rows, statement, params, self.usage, each)
    }

    /// As [`Metered::query_one`], inside the transaction.
    pub fn query_one(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<bool> {
        first_row(each, |each| self.exec(statement, params, each))
    }

    /// The usage the transaction was opened with.
    pub fn usage(&self) -> &Usage {
        self.usage
    }
}

fn first_row(
    each: &mut dyn FnMut(&[Value<'_>]),
    exec: impl FnOnce(&mut dyn FnMut(&[Value<'_>]) -> Flow) -> Result<()>,
) -> Result<bool> {
    let mut found = false;
    exec(&mut |row| {
        found = true;
        each(row);
        Flow::Stop
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
