//! How the columns of dodb lie in an Iceberg schema: `types` for one type, `arrow` for how Arrow
//! has it, [`Layout`] for a table, [`Document`] for a JSON column, `evolve` for schemas that follow
//! from one. Not how values lie in files.

mod arrow;
mod document;
mod evolve;
mod layout;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use arrow::arrow_type;
pub(crate) use document::{DEPTH_MAX, JSON_FIELD};
pub use document::{Document, PathField};
pub use evolve::{NewPath, with_columns, with_paths};
pub use layout::{LaidColumn, Layout};
pub(crate) use types::column_type;
