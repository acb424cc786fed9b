//! Access to JSON text: `data.a.b` and the `JSONExtract` functions, evaluated by streaming over
//! the text.
//!
//! A JSON column is text whose field says `dodb.type` = `JSON`. A path of it reads as the function
//! `json_get(column, 'a', 'b')`: text of the value, strings without quotes, NULL for null and for
//! what is not there. That text is marked `dodb.type` = `Dynamic`; next to a number, a time or a
//! Bool it is converted, see [`JsonPlanner`]. Shredded columns are not known here.

mod kind;
mod operands;
mod order;
mod planner;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod udf;

pub(crate) use kind::{DYNAMIC, TYPE_KEY, is_dynamic, is_json, kind_metadata};
pub use operands::JsonOperands;
pub use order::JsonOrder;
pub use planner::JsonPlanner;
pub use read::{STEPS_MAX, Step, elements, keys, length, raw, text};
pub(crate) use udf::functions;
