//! The seam to a SQLite host: a few synchronous verbs, a meter nobody can bypass, and the limits
//! of a Durable Object held on every backend.
//!
//! The engine sees only [`Metered`]. A backend implements [`RowStore`]: [`SqliteStore`] natively
//! (libSQL, whose statement counters are the ones Durable Objects bill by), the Worker's own one
//! in workerd. With the feature `testing`, `conformance` is the suite every backend passes and
//! `fault` makes a chosen call fail.
//!
//! Not here: table layouts and SQL of the database (the engine's), retries, caching.

mod error;
mod limits;
mod meter;
mod statement;
mod store;
mod usage;

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
#[cfg(any(test, feature = "testing"))]
pub mod fault;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use error::{Error, Place, Result};
pub use limits::{INT_MAX, PARAMS_MAX, ROW_BYTES_MAX, STATEMENT_BYTES_MAX};
pub use meter::{Metered, Transaction};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, Synchronous};
pub use statement::{Flow, Statement, Value};
pub use store::{RowExec, RowStore, Verdict};
pub use usage::{RowCounts, Usage, UsageCounts};
