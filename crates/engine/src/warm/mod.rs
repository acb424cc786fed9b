//! The warm tier of the database: rows in Parquet files of an Iceberg table, in a bucket. The
//! database is the table's catalog: its pointer is in the table's head row and its files are listed
//! in rows, so that a commit is one write of rows after the objects are in place. Not here: Iceberg
//! and Parquet themselves (`dodb-lake`).

mod attached;
mod commit;
mod compact;
mod expire;
mod files;
mod flush;
mod foreign;
mod history;
mod jobs;
mod lake;
mod lookup;
mod open;
mod partition;
mod publish;
mod purge;
mod scan;
mod write;

pub(crate) use attached::ATTACHED_MAX;
pub use attached::AttachOptions;
pub(crate) use commit::{NewlyCovered, WarmCommit};
pub use compact::CompactStep;
pub(crate) use compact::{nullable, read as read_file};
pub use expire::ExpireReport;
pub(crate) use files::{Warm, WarmFile, WarmHead, encode as encode_manifest};
pub use flush::{FlushScope, FlushStep};
pub(crate) use foreign::Foreign;
pub use foreign::IcebergTable;
pub use history::{AsOf, SnapshotInfo};
pub use jobs::WarmReport;
pub(crate) use lake::{Lake, next_stamp};
pub(crate) use lookup::{WarmRows, look_up};
pub(crate) use open::open_by_end;
pub(crate) use scan::FileScanner;
