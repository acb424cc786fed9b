//! What a data file of dodb says of the documents in it: the kinds of values at each path, in the
//! key-value metadata of the Parquet footer. Decides when a field stands for its path.

use std::collections::BTreeMap;

use dodb_part::json::{Kind, PathSummary, PathType, path_under};
use serde_json::{Map, Value};

/// The key in the footer.
pub(crate) const KINDS_KEY: &str = "dodb.lake";
/// The version of the value; see `docs/lake.md`, "Versions".
const VERSION: u64 = 1;

/// The kinds at the paths of each JSON column of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileKinds {
    /// By column id; kinds as bits by path, or nothing when not all paths are known.
    documents: BTreeMap<u32, Option<BTreeMap<String, u32>>>,
}

impl FileKinds {
    /// Adds a column.
    pub(crate) fn add(&mut self, column: u32, summary: &PathSummary) {
        let bits = |kind: Kind| 1u32 << kind as u8;
        let paths = summary.paths().map(|(path, kinds)| {
            (path.to_owned(), kinds.iter().map(bits).fold(0, |all, bit| all | bit))
        });
        let known = (!summary.is_partial()).then(|| paths.collect());
        self.documents.insert(column, known);
    }

    /// The text in the footer.
    pub(crate) fn to_text(&self) -> String {
        let documents: Map<String, Value> = self
            .documents
            .iter()
            .map(|(column, paths)| (column.to_string(), serde_json::json!(paths)))
            .collect();
        serde_json::json!({ "version": VERSION, "documents": documents }).to_string()
    }

    /// Reads the text; nothing for one of another version or writer: then fields prove nothing.
    pub(crate) fn parse(text: &str) -> Option<FileKinds> {
        let value: Value = serde_json::from_str(text).ok()?;
        if value.get("version")?.as_u64()? != VERSION {
            return None;
        }
        let mut documents = BTreeMap::new();
        for (column, paths) in value.get("documents")?.as_object()? {
            let kinds = |(path, bits): (&String, &Value)| {
                Some((path.clone(), u32::try_from(bits.as_u64()?).ok()?))
            };
            let paths = match paths {
                Value::Null => None,
                paths => Some(paths.as_object()?.iter().map(kinds).collect::<Option<_>>()?),
            };
            documents.insert(column.parse().ok()?, paths);
        }
        Some(FileKinds { documents })
    }

    /// Whether no document of the file has anything at the path.
    pub(crate) fn lacks(&self, column: u32, path: &str) -> bool {
        let Some(Some(paths)) = self.documents.get(&column) else { return false };
        let above = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
        let mut prefixes = above.chain([path.len()]).filter_map(|at| path.get(..at));
        let is_inside = paths.keys().any(|known| path_under(known, path).is_some());
        // A value above it may be JSON text with anything inside.
        !is_inside && !prefixes.any(|prefix| !prefix.is_empty() && paths.contains_key(prefix))
    }

    /// Whether the values of a field of type `held` are all that a reader of the path as `wanted`
    /// would see, whatever the other values at the path are.
    pub(crate) fn stands_for(
        &self,
        column: u32,
        path: &str,
        held: PathType,
        wanted: PathType,
    ) -> bool {
        let Some(known) = self.documents.get(&column) else { return false };
        // A field holds exactly the values of its type.
        if held == wanted {
            return true;
        }
        let Some(paths) = known else { return false };
        let inside = format!("{path}.");
        let next = paths.range(inside.clone()..).next();
        if next.is_some_and(|(under, _)| under.starts_with(&inside)) {
            return false;
        }
        let kinds = paths.get(path).copied().unwrap_or_default();
        let only = |fit: &[Kind]| {
            let fit = fit.iter().chain(&[Kind::Null]).map(|kind| 1u32 << *kind as u8);
            kinds & !fit.fold(0, |all, bit| all | bit) == 0
        };
        match (held, wanted) {
            (PathType::Int64, PathType::Float64) => only(&[Kind::Int]),
            (PathType::String, PathType::Text) => only(&[Kind::String]),
            (PathType::Text, PathType::String) => only(&[Kind::String]),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use dodb_part::json::Inspector;

    use super::*;

    fn kinds(documents: &[&str]) -> FileKinds {
        let mut inspector = Inspector::new();
        documents.iter().for_each(|text| drop(inspector.inspect(text).unwrap()));
        let mut kinds = FileKinds::default();
        kinds.add(3, &inspector.summary());
        kinds
    }

    #[test]
    fn text_comes_back_and_nonsense_does_not() {
        let kinds = kinds(&[r#"{"a":1,"b":{"c":"x"}}"#, r#"{"a":null}"#]);
        let text = kinds.to_text();
        assert_eq!(text, r#"{"version":1,"documents":{"3":{".a":66,".b.c":1024}}}"#);
        assert_eq!(FileKinds::parse(&text), Some(kinds));
        for bad in ["", "{}", r#"{"version":2,"documents":{}}"#, &text.replace("66", "-1")] {
            assert_eq!(FileKinds::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_field_stands_for_other_types_when_no_value_is_lost() {
        use PathType::{Float64, Int64, String, Text};
        let ints = kinds(&[r#"{"a":1}"#, r#"{"a":null}"#]);
        assert!(ints.stands_for(3, ".a", Int64, Float64));
        assert!(!ints.stands_for(3, ".a", Int64, Text));
        assert!(!ints.stands_for(4, ".a", Int64, Int64));
        let mixed = kinds(&[r#"{"a":1}"#, r#"{"a":"x"}"#]);
        assert!(mixed.stands_for(3, ".a", String, String));
        assert!(!mixed.stands_for(3, ".a", String, Text));
        assert!(!mixed.stands_for(3, ".a", Int64, Float64));
        let objects = kinds(&[r#"{"a":{"b":1}}"#]);
        assert!(!objects.stands_for(3, ".a", String, Text));
    }
}
