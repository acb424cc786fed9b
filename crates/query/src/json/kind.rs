//! What a field says of its values: JSON documents and the types of their paths, or values of a
//! path. Not here: reading them.

use std::collections::{BTreeMap, HashMap};

use datafusion::arrow::datatypes::Field;
use dodb_engine::JsonHints;
use dodb_part::json::{PathSummary, PathType, path_text};
use dodb_part::{ColumnType, TimeUnit};

/// Key of field metadata that says what a column is.
pub(crate) const TYPE_KEY: &str = "dodb.type";
/// Kind of the values of a path.
pub(crate) const DYNAMIC: &str = "Dynamic";
/// Key of field metadata with the types of the paths of a JSON column, see [`with_paths`].
const PATHS_KEY: &str = "dodb.paths";

/// Key of field metadata that says that texts are values of a path.
const PATH_KEY: &str = "dodb.path";

/// Metadata of a field of texts that are values of a path.
pub(crate) fn path_metadata() -> HashMap<String, String> {
    HashMap::from([(PATH_KEY.to_owned(), String::new())])
}

/// Whether a field's texts are values of a path, among which may be numbers.
pub(crate) fn is_of_path(field: &Field) -> bool {
    is_dynamic(field) || field.metadata().contains_key(PATH_KEY)
}

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
/// line each, of the path, the number of its type, that of the date or time its texts stand for,
/// if they all do, and the type it was given by a hint. With `infer_times` times are the type.
pub(crate) fn with_paths(
    field: Field,
    paths: &PathSummary,
    hints: Option<&JsonHints>,
    infer_times: bool,
) -> Field {
    let mut hinted: BTreeMap<String, String> = hints
        .into_iter()
        .flat_map(JsonHints::typed)
        .map(|path| (path_text(path.keys.iter().map(String::as_str)), path.ty.name()))
        .collect();
    let number = |ty| TYPES.iter().position(|known| *known == ty);
    let mut lines = String::from("\n");
    for (path, _) in paths.paths() {
        let time = paths.time_type(path);
        let ty = time.filter(|_| infer_times).unwrap_or_else(|| paths.path_type(path));
        let hint = hinted.remove(path);
        let Some(ty) = number(ty).map(Some).or_else(|| hint.is_some().then_some(None)) else {
            continue;
        };
        let shown = |number: Option<usize>| number.map(|n| n.to_string()).unwrap_or_default();
        let (ty, time) = (shown(ty), shown(time.and_then(number)));
        let hint = hint.unwrap_or_default();
        lines.push_str(&format!("{}\t{ty}\t{time}\t{hint}\n", escaped(path)));
    }
    for (path, hint) in hinted {
        lines.push_str(&format!("{}\t\t\t{hint}\n", escaped(&path)));
    }
    let mut metadata = field.metadata().clone();
    metadata.insert(PATHS_KEY.to_owned(), lines);
    field.with_metadata(metadata)
}

/// The types that a path can have besides text.
const TYPES: [PathType; 13] = [
    PathType::Bool,
    PathType::Int64,
    PathType::UInt64,
    PathType::Float64,
    PathType::String,
    PathType::Bools,
    PathType::Ints,
    PathType::Floats,
    PathType::Strings,
    PathType::Date,
    PathType::Time(TimeUnit::Second),
    PathType::Time(TimeUnit::Millisecond),
    PathType::Time(TimeUnit::Microsecond),
];

/// The type of a path of a field.
pub(crate) fn path_type(field: &Field, keys: &[String]) -> PathType {
    known_type(field, keys, 0).unwrap_or(PathType::Text)
}

/// The date or time that all texts at a path of a field stand for.
pub(crate) fn time_type(field: &Field, keys: &[String]) -> Option<PathType> {
    known_type(field, keys, 1)
}

/// The type that a hint gives a path of a field.
pub(crate) fn hinted_type(field: &Field, keys: &[String]) -> Option<ColumnType> {
    ColumnType::parse(entry(field, keys, 2).filter(|name| !name.is_empty())?).ok()
}

fn known_type(field: &Field, keys: &[String], place: usize) -> Option<PathType> {
    TYPES.get(entry(field, keys, place)?.parse::<usize>().ok()?).copied()
}

/// What stands in one of the places of a path's line.
fn entry<'a>(field: &'a Field, keys: &[String], place: usize) -> Option<&'a str> {
    let lines = field.metadata().get(PATHS_KEY)?;
    let path = path_text(keys.iter().map(String::as_str));
    let (_, behind) = lines.split_once(&format!("\n{}\t", escaped(&path)))?;
    behind.split('\n').next()?.split('\t').nth(place)
}

/// Lines end with a line break: one in a key is written as no path is.
fn escaped(path: &str) -> String {
    path.replace('\n', "\\n").replace('\t', "\\t")
}
