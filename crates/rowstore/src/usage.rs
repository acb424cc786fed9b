//! What one request used: rows and objects, counted as they happen, and an optional budget.
//! Not here: prices (the engine's cost model).

use std::ops::{Add, AddAssign, Sub};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{Error, Result};

/// Rows the host says a statement read and wrote: what a Durable Object bills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RowCounts {
    /// Rows read.
    pub read: u64,
    /// Rows written.
    pub written: u64,
}

impl Add for RowCounts {
    type Output = RowCounts;

    fn add(self, other: RowCounts) -> RowCounts {
        RowCounts {
            read: self.read.saturating_add(other.read),
            written: self.written.saturating_add(other.written),
        }
    }
}

impl AddAssign for RowCounts {
    fn add_assign(&mut self, other: RowCounts) {
        *self = *self + other;
    }
}

/// The counters of one request. Every call passes one; share it between threads by reference or
/// in an `Arc`.
#[derive(Debug, Default)]
pub struct Usage {
    rows_read: AtomicU64,
    rows_written: AtomicU64,
    object_gets: AtomicU64,
    object_puts: AtomicU64,
    object_bytes: AtomicU64,
    rows_read_max: Option<u64>,
}

impl Usage {
    /// Counters that make statements fail with [`Error::Budget`] once more than `rows_read_max`
    /// rows were read. A write that was stored never fails this way: give budgets to queries.
    pub fn with_rows_read_max(rows_read_max: u64) -> Usage {
        Usage { rows_read_max: Some(rows_read_max), ..Usage::default() }
    }

    /// Rows read so far.
    pub fn rows_read(&self) -> u64 {
        self.rows_read.load(Relaxed)
    }

    /// Rows written so far.
    pub fn rows_written(&self) -> u64 {
        self.rows_written.load(Relaxed)
    }

    /// Objects read from the bucket so far (GET requests).
    pub fn object_gets(&self) -> u64 {
        self.object_gets.load(Relaxed)
    }

    /// Objects written to the bucket so far (PUT requests).
    pub fn object_puts(&self) -> u64 {
        self.object_puts.load(Relaxed)
    }

    /// Bytes moved from and to the bucket so far.
    pub fn object_bytes(&self) -> u64 {
        self.object_bytes.load(Relaxed)
    }

    /// The budget of rows read, if there is one.
    pub fn rows_read_max(&self) -> Option<u64> {
        self.rows_read_max
    }

    /// Adds rows the host counted.
    pub fn add_rows(&self, counts: RowCounts) {
        self.rows_read.fetch_add(counts.read, Relaxed);
        self.rows_written.fetch_add(counts.written, Relaxed);
    }

    /// Adds GET requests.
    pub fn add_object_gets(&self, gets: u64) {
        self.object_gets.fetch_add(gets, Relaxed);
    }

    /// Adds PUT requests.
    pub fn add_object_puts(&self, puts: u64) {
        self.object_puts.fetch_add(puts, Relaxed);
    }

    /// Adds bytes moved from or to the bucket.
    pub fn add_object_bytes(&self, bytes: u64) {
        self.object_bytes.fetch_add(bytes, Relaxed);
    }

    /// Adds what another request used, for example one that ran on this one's behalf.
    pub fn add(&self, counts: UsageCounts) {
        self.add_rows(RowCounts { read: counts.rows_read, written: counts.rows_written });
        self.add_object_gets(counts.object_gets);
        self.add_object_puts(counts.object_puts);
        self.add_object_bytes(counts.object_bytes);
    }

    /// A copy of all counters.
    pub fn counts(&self) -> UsageCounts {
        UsageCounts {
            rows_read: self.rows_read(),
            rows_written: self.rows_written(),
            object_gets: self.object_gets(),
            object_puts: self.object_puts(),
            object_bytes: self.object_bytes(),
        }
    }

    /// Rows that may still be read; `u64::MAX` without a budget.
    pub(crate) fn rows_read_left(&self) -> u64 {
        match self.rows_read_max {
            None => u64::MAX,
            Some(max) => max.saturating_sub(self.rows_read()),
        }
    }

    /// An error once the budget is overdrawn.
    pub(crate) fn check_budget(&self, statement: &'static str) -> Result<()> {
        match self.rows_read_max {
            Some(rows_read_max) if self.rows_read() > rows_read_max => {
                Err(self.budget_error(statement))
            }
            _ => Ok(()),
        }
    }

    /// The error for going past the budget, with the count as it stands.
    pub(crate) fn budget_error(&self, statement: &'static str) -> Error {
        Error::Budget {
            statement,
            rows_read: self.rows_read(),
            rows_read_max: self.rows_read_max.unwrap_or(u64::MAX),
        }
    }
}

/// A copy of a [`Usage`] at one moment; the difference of two is what happened between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct UsageCounts {
    /// Rows read.
    pub rows_read: u64,
    /// Rows written.
    pub rows_written: u64,
    /// GET requests to the bucket.
    pub object_gets: u64,
    /// PUT requests to the bucket.
    pub object_puts: u64,
    /// Bytes moved from and to the bucket.
    pub object_bytes: u64,
}

impl UsageCounts {
    fn combine(self, other: UsageCounts, by: fn(u64, u64) -> u64) -> UsageCounts {
        UsageCounts {
            rows_read: by(self.rows_read, other.rows_read),
            rows_written: by(self.rows_written, other.rows_written),
            object_gets: by(self.object_gets, other.object_gets),
            object_puts: by(self.object_puts, other.object_puts),
            object_bytes: by(self.object_bytes, other.object_bytes),
        }
    }
}

impl Add for UsageCounts {
    type Output = UsageCounts;

    fn add(self, other: UsageCounts) -> UsageCounts {
        self.combine(other, u64::saturating_add)
    }
}

impl AddAssign for UsageCounts {
    fn add_assign(&mut self, other: UsageCounts) {
        *self = *self + other;
    }
}

/// Counters only grow; a difference below zero (snapshots swapped) is zero.
impl Sub for UsageCounts {
    type Output = UsageCounts;

    fn sub(self, other: UsageCounts) -> UsageCounts {
        self.combine(other, u64::saturating_sub)
    }
}
