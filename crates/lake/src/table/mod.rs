//! Tables: their metadata ([`Table`]), the files of a snapshot ([`LiveFile`]), and commits
//! ([`Change`], [`Table::prepare`]), which write objects and leave the swap of the pointer to the
//! caller. Not what is in data files (`file`).

mod avro;
mod commit;
mod create;
mod expire;
mod files;
mod foreign;
mod manifests;
mod metadata;
mod open;
mod request;
mod summary;
mod zones;

#[cfg(test)]
mod tests;

pub use commit::{Change, Prepared, Stamp};
pub use create::{Definition, PartitionBy, SortBy};
pub use expire::Expired;
pub use files::LiveFile;
pub use foreign::ForeignCommit;
pub use open::Table;
pub use request::NewTable;
