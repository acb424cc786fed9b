//! What a host implements to let attached databases be read: [`Outside`]. Not here: attaching
//! ([`crate::Db::attach`]).

pub use dodb_lake::{Error, ErrorKind, Fetched, HEADERS, Outside, Places};
