//! The warm tier: tables of dodb as Apache Iceberg tables over an object store.
//!
//! `docs/lake.md` describes how. This crate knows no SQL and no rows of a database; it reads no
//! clock, rolls no dice, starts no thread and needs no async runtime: times and uuids are passed in.

mod error;
mod store;

pub use error::{Error, ErrorKind, Result};
#[cfg(any(test, feature = "testing"))]
pub use store::fault;
pub use store::{Bucket, MeteredStore, ObjectCounts, ObjectUsage};
