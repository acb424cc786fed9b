//! What a field says of its values: JSON documents and the types of their paths, or values of a
//! path. Not here: reading them.

use std::collections::HashMap;

use datafusion::arrow::datatypes::Field;
use dodb_part::json::{PathSummary, PathType, path_text};

/// Key of field metadata that says what a column is.
pub(crate) const TYPE_KEY: &str = "dodb.type";
/// Kind of the values of a path.
pub(crate) const DYNAMIC: &str = "Dynamic";
/// Key of field metadata with the types of the paths of a JSON column, see [`paths_metadata`].
const PATHS_KEY: &str = "dodb.paths";

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

/// A field that carries the types of its paths to the planner: only those that are not text, a
/// line each, of the path and the number of the type.
pub(crate) fn with_paths(field: Field, paths: &PathSummary) -> Field {
    let mut lines = String::from("\n");
    for (path, _) in paths.paths() {
        let ty = paths.path_type(path);
        if let Some(number) = TYPES.iter().position(|known| *known == ty) {
            lines.push_str(&escaped(path));
            lines.push('\t');
            lines.push_str(&number.to_string());
            lines.push('\n');
        }
    }
    let mut metadata = field.metadata().clone();
    metadata.insert(PATHS_KEY.to_owned(), lines);
    field.with_metadata(metadata)
}

/// The types that a path can have besides text.
const TYPES: [PathType; 9] = [
    PathType::Bool,
    PathType::Int64,
    PathType::UInt64,
    PathType::Float64,
    PathType::String,
    PathType::Bools,
    PathType::Ints,
    PathType::Floats,
    PathType::Strings,
];

/// The type of a path of a field.
pub(crate) fn path_type(field: &Field, keys: &[String]) -> PathType {
    let found = field.metadata().get(PATHS_KEY).and_then(|lines| {
        let path = path_text(keys.iter().map(String::as_str));
        let line = format!("\n{}\t", escaped(&path));
        let (_, behind) = lines.split_once(&line)?;
        TYPES.get(behind.split('\n').next()?.parse::<usize>().ok()?)
    });
    found.copied().unwrap_or(PathType::Text)
}

/// Lines end with a line break: one in a key is written as no path is.
fn escaped(path: &str) -> String {
    path.replace('\n', "\\n").replace('\t', "\\t")
}
