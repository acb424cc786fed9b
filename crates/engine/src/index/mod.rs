//! The index beside the files in the bucket: posting lists that say which file can hold a value of
//! a column or of a path, and where, and the footers of the files. It is advice: a file that it
//! does not cover, and a row of it that is missing or damaged, mean that the file is read. The
//! bytes are specified in docs/format.md. Not here: bounds of files ([`crate::warm`]), keys of hot
//! parts ([`crate::ids`]).

mod by_file;
mod check;
mod collect;
mod cover;
mod field;
mod fold;
mod footers;
mod head;
mod hits;
mod key_files;
mod level;
mod lists;
mod probe;
mod slices;
mod stats;
mod summary;
mod update;

pub(crate) use check::IndexCheck;
pub(crate) use collect::{FileKeys, collect};
pub(crate) use cover::is_cover_due;
pub(crate) use field::Field;
pub(crate) use fold::is_due as is_fold_due;
pub(crate) use footers::{FooterRow, NewFooter, footer_of};
pub(crate) use head::{IndexHead, LevelHead};
pub(crate) use hits::{Hits, RowRanges};
pub(crate) use key_files::KeyFiles;
pub(crate) use level::{Level, LevelCache};
pub(crate) use probe::{Candidates, candidates};
pub(crate) use slices::Slices;
pub(crate) use stats::{FileStats, PathStats, StatsCache};
pub(crate) use summary::Summary;
pub(crate) use update::{IndexRows, NewKeys};
