//! Access to JSON text: `data.a.b` and the `JSONExtract` functions, evaluated by streaming over
//! the text.
//!
//! A JSON column is text whose field says `dodb.type` = `JSON`. A path of it reads as the function
//! `json_get(column, 'a', 'b')`: text of the value, strings without quotes, NULL for null and for
//! what is not there. That text is marked `dodb.type` = `Dynamic`; next to a number, a time or a
//! Bool it is converted, see [`JsonPlanner`]. Shredded columns are not known here.

mod operands;
mod order;
mod planner;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod udf;

use std::collections::HashMap;

use datafusion::arrow::datatypes::Field;

pub use operands::JsonOperands;
pub use order::JsonOrder;
pub use planner::JsonPlanner;
pub use read::{STEPS_MAX, Step, elements, keys, length, raw, text};
pub(crate) use udf::functions;

/// Key of field metadata that says what a column is.
pub(crate) const TYPE_KEY: &str = "dodb.type";
/// Kind of the values of a path.
pub(crate) const DYNAMIC: &str = "Dynamic";

/// Metadata of a field of a kind.
pub(crate) fn kind_metadata(kind: &str) -> HashMap<String, String> {
    HashMap::from([(TYPE_KEY.to_owned(), kind.to_owned())])
}

fn is_kind(field: &Field, kind: &str) -> bool {
    field.metadata().get(TYPE_KEY).is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

/// Whether a field is a JSON column.
pub(crate) fn is_json(field: &Field) -> bool {
    is_kind(field, "JSON")
}

/// Whether a field holds values of a JSON path.
pub(crate) fn is_dynamic(field: &Field) -> bool {
    is_kind(field, DYNAMIC)
}
