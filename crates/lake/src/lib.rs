//! The warm tier: tables of dodb as Apache Iceberg tables over an object store.
//!
//! `docs/lake.md` describes how. This crate knows no SQL and no rows of a database; it reads no
//! clock, rolls no dice, starts no thread and needs no async runtime: times and uuids are passed
//! in.

mod attach;
mod documents;
mod error;
mod file;
mod schema;
mod store;
mod table;
mod values;

pub use attach::{Attachment, Fetched, FoundTable, HEADERS, Outside, Place, Places};
pub use documents::Survey;
pub use error::{Error, ErrorKind, Result};
pub use file::{
    FileEnd, FileOptions, FilePlan, FileReader, FileScan, FileWriter, ROW_NUMBER, ReadPath,
    ReadRequest, ScanCounts, read_deletes, split_by_partition, write_deletes,
};
pub use iceberg::spec::{
    DataFile, Schema as TableSchema, SnapshotRef, Struct as Partition, Transform,
};
pub use schema::{Document, LaidColumn, Layout, NewPath, PathField, with_columns, with_paths};
#[cfg(any(test, feature = "testing"))]
pub use store::fault;
pub use store::{Bucket, MeteredStore, ObjectCounts, ObjectUsage, RangeCache, RangeMemory};
pub use table::{
    Change, Definition, Expired, ForeignCommit, LiveFile, NewTable, PartitionBy, Prepared, SortBy,
    Stamp, Table,
};
