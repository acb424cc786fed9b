//! What a field says of its values: JSON documents, or values of a path. Not here: reading them.

use std::collections::HashMap;

use datafusion::arrow::datatypes::Field;

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
