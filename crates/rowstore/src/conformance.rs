//! The suite every backend passes: row counts, values, transactions, limits, errors.
//!
//! It goes through [`Metered`] and needs nothing but a store: no files, threads, clock or
//! randomness, so it also runs inside workerd. Each case drops and creates its own `cf_` tables,
//! so the factory may hand out the same database every time, and one that holds other tables.
//!
//! **Which counts are shared.** libSQL and workerd carry the same patch to SQLite, so every count
//! in [`counts`](self) is expected to be the same on both; they agree with what was measured in
//! workerd. Left out on purpose, because the hosts differ or the count depends on what else the
//! database holds: `COUNT(*)` (workerd counts the entries of the b-tree; libSQL counts its pages:
//! keep counts in a row of their own), `DROP TABLE`, `ALTER TABLE`, `PRAGMA`, `ANALYZE`, virtual
//! tables. The engine uses WITHOUT ROWID tables with composite primary keys, reads by key and by
//! range, `INSERT OR REPLACE`, and deletes by key and by range; the other lines are there because
//! the demo compares with ordinary tables.
//!
//! An integral `Real` may come back as `Int` (JavaScript has one number type), so reals are
//! compared with [`Value::as_real`](crate::Value::as_real).

mod counts;
mod limits;
mod transactions;
mod values;

use std::fmt;

use crate::{Flow, Metered, RowStore, Statement, Usage, UsageCounts, Value};

/// A case ends well or says what it expected and got.
type Outcome = Result<(), String>;

/// One named case on a store of its own.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    check: fn(&Metered) -> Outcome,
}

/// The cases a backend failed.
#[derive(Debug)]
pub struct Failures(Vec<(&'static str, String)>);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, message) in &self.0 {
            writeln!(f, "{case}: {message}")?;
        }
        write!(f, "{} conformance cases failed", self.0.len())
    }
}

impl std::error::Error for Failures {}

/// Runs every case on a store from `store_factory`. Returns how many passed, or all failures.
pub fn run(mut store_factory: impl FnMut() -> Box<dyn RowStore>) -> Result<usize, Failures> {
    let mut passed = 0usize;
    let mut failures = Vec::new();
    for case in [counts::CASES, values::CASES, transactions::CASES, limits::CASES].concat() {
        match (case.check)(&Metered::new(store_factory())) {
            Ok(()) => passed = passed.saturating_add(1),
            Err(message) => failures.push((case.name, message)),
        }
    }
    if failures.is_empty() { Ok(passed) } else { Err(Failures(failures)) }
}

/// A statement of the suite; errors name the suite, the failing line is named by its case.
const fn sql(sql: &'static str) -> Statement {
    Statement { name: "conformance", sql }
}

/// Runs a statement whose rows do not matter, and returns what it cost.
fn exec(
    store: &Metered,
    statement: &Statement,
    params: &[Value<'_>],
) -> Result<UsageCounts, String> {
    let usage = Usage::default();
    store
        .exec(statement, params, &usage, &mut |_| Flow::Continue)
        .map_err(|error| format!("{}: {error}", statement.sql))?;
    Ok(usage.counts())
}

/// Runs statements without parameters, for setting up.
fn exec_all(store: &Metered, statements: &[Statement]) -> Outcome {
    for statement in statements {
        exec(store, statement, &[])?;
    }
    Ok(())
}

/// The first column of every row, as integers.
fn ints(store: &Metered, statement: &Statement, params: &[Value<'_>]) -> Result<Vec<i64>, String> {
    let mut found = Vec::new();
    store
        .exec(statement, params, &Usage::default(), &mut |row| {
            found.extend(row.first().and_then(Value::as_int));
            Flow::Continue
        })
        .map_err(|error| format!("{}: {error}", statement.sql))?;
    Ok(found)
}

fn expect<T: PartialEq + fmt::Debug>(what: &str, got: T, expected: T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, expected {expected:?}"))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
