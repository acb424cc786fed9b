//! Documents in files: which of their paths are worth fields ([`Survey`]), their struct
//! (`shred`), and the document that a struct spells (`spell`). `docs/lake.md`, "Documents".

mod kinds;
mod shred;
mod spell;
mod survey;

#[cfg(test)]
mod tests;

pub(crate) use kinds::{FileKinds, KINDS_KEY};
pub(crate) use shred::Shredder;
pub(crate) use spell::documents;
pub use survey::Survey;
