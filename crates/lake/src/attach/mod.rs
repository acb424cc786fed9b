//! Iceberg tables that are not the database's own, to be read: where they may be ([`Places`]),
//! found in a catalog over HTTP (`rest`) or in a folder (`folder`), through what the host lends
//! ([`Outside`]). Not here: how their files are read.

mod find;
mod folder;
mod outside;
mod places;
mod rest;

#[cfg(test)]
mod tests;

pub use find::{Attachment, FoundTable};
pub use outside::{Fetched, HEADERS, Outside};
pub use places::{Place, Places};
