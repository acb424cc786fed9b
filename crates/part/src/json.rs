//! JSON documents as typed subcolumns and back: `docs/format.md`, "JSON columns".
//!
//! A document is cut in *leaves*: a path, a kind, a value. Each path and kind is a column of its
//! own ([`Kind`]); what a document looked like besides (order of keys, arrays, empty objects) is
//! its *shape*, a list of tokens. Paths that are rare stay in a few *rest* columns. Not for SQL,
//! and not for where segments lie (`writer`, `reader`).

mod canonical;
mod convert;
mod kind;
mod leaf;
mod number;
mod path;
mod read;
mod scan;
mod shape;
mod shred;
mod summary;
#[cfg(test)]
mod tests;
mod time;
mod unshred;
mod values;

pub use canonical::{Inspector, canonical};
pub use convert::converted;
pub use kind::{Kind, Kinds, PathType};
pub use path::{PathStep, path_text, path_under, steps_of};
pub use read::{
    STEPS_MAX, Step, each_value, elements, entries, keys, leaves, length, raw, text, unquoted,
};
pub use summary::PathSummary;
pub use values::raw_type_name;

pub(crate) use leaf::{REST_BUCKETS, Role, rest_bucket, rest_entries};
pub(crate) use path::is_under;
pub(crate) use shred::{ShredOptions, Shredder, Sub};
pub(crate) use time::{push_text as push_time, rescaled};
pub(crate) use unshred::{Unshredder, Wanted};
pub(crate) use values::{Found, path_values, text_values};
