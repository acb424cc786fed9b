//! Parquet data files and position delete files: writing them with their metrics ([`FileWriter`]),
//! reading them with pruning ([`FileReader`]). Not which files a table has (`table`).

mod bounds;
mod deletes;
mod end;
mod evidence;
mod footer;
mod held;
mod metrics;
mod order;
mod partition;
mod read;
mod resolve;
mod select;
mod transform;
mod write;

#[cfg(test)]
mod tests;

pub use deletes::{read_deletes, write_deletes};
pub use end::FileEnd;
pub use partition::split_by_partition;
pub use read::{FileReader, FileScan, ROW_NUMBER, ReadPath, ReadRequest, ScanCounts};
pub use write::{FileOptions, FilePlan, FileWriter};
