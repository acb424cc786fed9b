//! What `CREATE TABLE t (doc JSON(max_dynamic_paths=64, a.b Int64, SKIP c, SKIP REGEXP 'x'))` says
//! of a JSON column: how many paths get subcolumns, of which type a path is, and what is left out
//! of documents. Not here: the types that paths have by themselves (`dodb_part::json`).

use std::fmt;

use arrow_array::Array;
use dodb_part::json::{Step, converted, entries, path_text, raw};
use dodb_part::{Column, ColumnType};
use regex::Regex;

use crate::error::{Error, Result};

mod parse;
#[cfg(test)]
mod tests;

/// A JSON column has at most so many hints.
const HINTS_MAX: usize = 1_000;
/// More paths than a part can hold.
const PATHS_MAX: usize = 100_000;

/// The hints of one JSON column.
#[derive(Debug, Clone, Default)]
pub struct JsonHints {
    paths_max: Option<usize>,
    typed: Vec<TypedPath>,
    /// Keys of paths that are left out with everything in them.
    skipped: Vec<Vec<String>>,
    patterns: Vec<Regex>,
}

/// A path whose values are all of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedPath {
    /// Keys from the outside in.
    pub keys: Vec<String>,
    /// The type; a value may be missing or null whatever it is.
    pub ty: ColumnType,
}

impl PartialEq for JsonHints {
    fn eq(&self, other: &JsonHints) -> bool {
        self.to_string() == other.to_string()
    }
}

impl JsonHints {
    /// Reads what stands in the brackets of `JSON(...)`.
    ///
    /// # Errors
    /// A hint that is none, an unknown type, a path twice, a regular expression that is wrong.
    pub fn parse(text: &str) -> Result<JsonHints> {
        parse::parse(text)
    }

    /// What stands in the brackets of `JSON(...)`.
    pub(crate) fn brackets(&self) -> String {
        let all = self.to_string();
        let inner = all.strip_prefix("JSON(").and_then(|text| text.strip_suffix(')'));
        inner.unwrap_or_default().to_owned()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.paths_max.is_none()
            && self.typed.is_empty()
            && self.skipped.is_empty()
            && self.patterns.is_empty()
    }

    /// Paths that get subcolumns in a part, at most.
    pub fn paths_max(&self) -> Option<usize> {
        self.paths_max
    }

    /// Paths of a given type.
    pub fn typed(&self) -> &[TypedPath] {
        &self.typed
    }

    /// A canonical document without what is left out; `None` when that is nothing.
    pub(crate) fn without_skipped(&self, document: &str) -> Option<String> {
        if self.skipped.is_empty() && self.patterns.is_empty() {
            return None;
        }
        let mut out = String::new();
        let skips = self.push_object(document, &mut Vec::new(), &mut out);
        skips.then_some(out)
    }

    /// Writes an object without what is skipped; says whether anything was.
    fn push_object(&self, object: &str, keys: &mut Vec<String>, out: &mut String) -> bool {
        let entries = Some(object).filter(|raw| raw.starts_with('{')).and_then(entries);
        let Some(entries) = entries else {
            out.push_str(object);
            return false;
        };
        let mut skips = false;
        let mut is_first = true;
        out.push('{');
        for (key, value) in entries {
            let quoted = path_key(&key);
            keys.push(key);
            if self.skips(keys) {
                skips = true;
            } else {
                if !is_first {
                    out.push(',');
                }
                is_first = false;
                out.push_str(&quoted);
                out.push(':');
                skips |= self.push_object(value, keys, out);
            }
            keys.pop();
        }
        out.push('}');
        skips
    }

    fn skips(&self, keys: &[String]) -> bool {
        if self.skipped.iter().any(|path| path == keys) {
            return true;
        }
        !self.patterns.is_empty() && {
            let path = keys.join(".");
            self.patterns.iter().any(|pattern| pattern.is_match(&path))
        }
    }

    /// Checks that the values of typed paths become their types.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names table, column, record, path and value.
    pub(crate) fn check(
        &self,
        table: &str,
        column: &Column,
        documents: &[Option<&str>],
    ) -> Result<()> {
        for TypedPath { keys, ty } in &self.typed {
            let steps: Vec<Step> = keys.iter().cloned().map(Step::Key).collect();
            let found: Vec<Option<&str>> = documents
                .iter()
                .map(|document| raw((*document)?, &steps).filter(|value| *value != "null"))
                .collect();
            let values = converted(&found, ty).map_err(|e| Error::part(table, e))?;
            let lists = values.as_any().downcast_ref::<arrow_array::ListArray>();
            for (row, value) in found.iter().enumerate() {
                let Some(value) = value else { continue };
                let is_whole = lists.is_none_or(|lists| {
                    values.is_valid(row) && list_is_whole(value, &lists.value(row))
                });
                if values.is_null(row) || !is_whole {
                    let shown: String = value.chars().take(60).collect();
                    return Err(Error::invalid(format!(
                        "column `{}` of table `{table}`, record {}: {shown} at `{}` is not of \
                         its type {}",
                        column.name,
                        row + 1,
                        keys.join("."),
                        ty.name()
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Whether no element of an array was lost: those that were null are null.
fn list_is_whole(value: &str, elements: &dyn Array) -> bool {
    let nulls = dodb_part::json::elements(value).unwrap_or_default();
    nulls.iter().enumerate().all(|(at, raw)| *raw == "null" || !elements.is_null(at))
}

/// A key in quotes.
fn path_key(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

/// The stored path of keys.
pub(crate) fn stored(keys: &[String]) -> String {
    path_text(keys.iter().map(String::as_str))
}

/// As [`JsonHints::parse`] reads it, `JSON` and brackets around it.
impl fmt::Display for JsonHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Vec::new();
        all.extend(self.paths_max.map(|max| format!("max_dynamic_paths={max}")));
        all.extend(self.typed.iter().map(|path| format!("{} {}", spelled(&path.keys), path.ty)));
        all.extend(self.skipped.iter().map(|keys| format!("SKIP {}", spelled(keys))));
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        all.extend(self.patterns.iter().map(|p| format!("SKIP REGEXP {}", quoted(p.as_str()))));
        if all.is_empty() { f.write_str("JSON") } else { write!(f, "JSON({})", all.join(", ")) }
    }
}

fn spelled(keys: &[String]) -> String {
    let is_plain = |key: &&String| {
        !key.is_empty()
            && !key.starts_with(|c: char| c.is_ascii_digit())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !key.eq_ignore_ascii_case("skip")
    };
    let key = |key: &String| match Some(key).filter(is_plain) {
        Some(plain) => plain.clone(),
        None => format!("`{}`", key.replace('`', "``")),
    };
    keys.iter().map(key).collect::<Vec<_>>().join(".")
}
