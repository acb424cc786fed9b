//! Access to JSON: `data.a.b` and the `JSONExtract` functions.
//!
//! A JSON column is text whose field says `dodb.type` = `JSON`. A path of keys is a
//! [`path::JsonPath`] of it, with the type that fits all its values as the table knows them; scans
//! read it from its subcolumns. Where no one type fits it is text: strings without quotes, other
//! values as JSON, NULL for null and for what is not there. That text is marked `dodb.type` =
//! `Dynamic`; next to a number, a time or a Bool it is converted, see [`JsonPlanner`]. The
//! functions stream over the text.

mod describe;
mod entries;
mod extract;
mod functions;
mod kind;
mod operands;
mod order;
mod path;
mod planner;
mod subcolumn;
#[cfg(test)]
mod tests;
mod text_is_text;
mod udf;

pub(crate) use entries::functions as entries_functions;
pub(crate) use extract::function as extract_function;
pub(crate) use functions::functions;
pub(crate) use kind::{DYNAMIC, TYPE_KEY, is_dynamic, is_json, kind_metadata, with_paths};
pub use operands::JsonOperands;
pub use order::JsonOrder;
pub(crate) use path::JsonPath;
pub use planner::JsonPlanner;
pub(crate) use subcolumn::{SUBCOLUMN, function as subcolumn_function};
pub use text_is_text::TextIsText;

use dodb_part::json as read;
pub use read::{STEPS_MAX, Step, elements, keys, length, raw, text};
