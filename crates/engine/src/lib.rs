//! The dodb engine: tables of columns kept as rows of a SQLite-like store. [`Db`] is the boundary.
//!
//! A write becomes fresh rows in the table's head row, or a part; jobs fold and merge; readers hold
//! snapshots. This crate knows no SQL of users, no HTTP, no clock and no threads.

// The suites call this crate by its name, as everybody else does.
#[cfg(any(test, feature = "testing"))]
extern crate self as dodb_engine;

mod assemble;
mod bounds;
mod catalog;
mod commit;
mod cost;
mod counts;
mod databases;
mod db;
mod env;
mod error;
mod frame;
mod head;
mod hints;
mod ids;
mod index;
mod inspect;
mod job_log;
mod jobs;
mod keys;
mod lookup;
mod memory;
mod merge;
mod normalize;
mod options;
pub mod outside;
mod parts;
mod scan;
mod slot;
mod snapshot;
mod state;
mod statements;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod verify;
mod view;
mod warm;
mod working;

pub use bounds::{Asked, Bounds};
pub use catalog::Alter;
pub use cost::{PRICES, Prices};
pub use counts::ValueCounts;
pub use db::{Db, RowAddresses};
pub use dodb_lake::{Attachment, Bucket, RangeCache};

pub use dodb_rowstore::{Metered, Usage, UsageCounts};
pub use env::{Env, Turn};
pub use error::{Error, ErrorKind, Result};
pub use hints::{JsonHints, TypedPath};
pub use inspect::{ColumnDetail, PartDetail};
pub use job_log::{JobInfo, JobKind, JobStatus};
pub use jobs::{JobBudget, JobReport};
pub use keys::derived_id;
pub use options::{Options, ReadAhead};
pub use scan::{
    PART_COLUMN, PATH_ID_MIN, PathColumn, ROW_COLUMN, ScanCounters, ScanPlan, ScanRequest,
    ScanTask, Scanner,
};
pub use snapshot::{FileInfo, PartInfo, Snapshot};
pub use table::{TableDef, TableKind, relationships, things};
pub use verify::{Fault, VerifyReport};
pub use view::{Existing, VIEW_BYTES_MAX, View};
pub use warm::{
    AsOf, AttachOptions, CompactStep, ExpireReport, FlushScope, FlushStep, IcebergTable,
    SnapshotInfo, WarmReport,
};
