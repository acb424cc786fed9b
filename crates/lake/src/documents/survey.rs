//! Which paths of a batch of documents are worth fields of their own. Reads documents, writes
//! nothing; the schema grows elsewhere (`schema::with_paths`).

use std::collections::HashMap;

use dodb_part::json::{Inspector, Kind, Kinds, PathType, entries, path_text};

use crate::error::{Error, Result};
use crate::schema::{DEPTH_MAX, Document, JSON_FIELD, NewPath};

/// A path in fewer than one of so many documents gets no field.
const DOCUMENTS_A_PATH: u64 = 64;
/// Fields of one JSON column.
const FIELDS_MAX: usize = 256;
/// Paths that are counted; past these, new ones are not.
const PATHS_MAX: usize = 4_096;
/// A longer key gets no field.
const KEY_BYTES_MAX: usize = 128;

/// Counts how often each path occurs and what it holds.
pub struct Survey {
    inspector: Inspector,
    documents: u64,
    counts: HashMap<Vec<String>, u64>,
}

impl Default for Survey {
    fn default() -> Survey {
        Survey { inspector: Inspector::new(), documents: 0, counts: HashMap::new() }
    }
}

impl Survey {
    /// Looks at a document.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] with the place of the fault, for a text that is no document.
    pub fn push(&mut self, document: &str) -> Result<()> {
        let canonical = self.inspector.inspect(document).map_err(Error::invalid)?;
        self.documents += 1;
        let mut keys = Vec::new();
        count(&canonical, &mut keys, &mut self.counts);
        Ok(())
    }

    /// The paths that deserve a field and have none, the commonest first. `document` is what the
    /// column has by now.
    pub fn new_paths(&self, column: u32, document: &Document) -> Vec<NewPath> {
        let summary = self.inspector.summary();
        let kinds: HashMap<&str, Kinds> = summary.paths().collect();
        let mut found: Vec<(u64, &Vec<String>, PathType)> = Vec::new();
        for (keys, count) in &self.counts {
            let path = path_text(keys.iter().map(String::as_str));
            let is_known = document.path(&path).is_some();
            if is_known || *count * DOCUMENTS_A_PATH < self.documents {
                continue;
            }
            // Past the bounds of the summary a kind may be missing.
            let kinds = kinds.get(path.as_str()).filter(|_| !summary.is_partial());
            if let Some(ty) = kinds.and_then(|kinds| field_type(*kinds)) {
                found.push((*count, keys, ty));
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        found.truncate(FIELDS_MAX.saturating_sub(document.paths.len()));
        let new = |(_, keys, ty): (u64, &Vec<String>, PathType)| NewPath {
            column,
            keys: keys.clone(),
            ty,
        };
        found.into_iter().map(new).collect()
    }
}

fn count(raw: &str, keys: &mut Vec<String>, counts: &mut HashMap<Vec<String>, u64>) {
    if keys.len() >= DEPTH_MAX || !raw.starts_with('{') {
        return;
    }
    for (key, value) in entries(raw).unwrap_or_default() {
        if !is_name(&key) || keys.is_empty() && key == JSON_FIELD {
            continue;
        }
        keys.push(key);
        if value.starts_with('{') {
            count(value, keys, counts);
        } else if let Some(known) = counts.get_mut(keys) {
            *known += 1;
        } else if counts.len() < PATHS_MAX {
            counts.insert(keys.clone(), 1);
        }
        keys.pop();
    }
}

/// Whether every engine can name a field so.
fn is_name(key: &str) -> bool {
    let fits = !key.is_empty() && key.len() <= KEY_BYTES_MAX;
    fits && !key.contains(|c: char| c == '.' || c.is_control())
}

/// The type of the field for values of these kinds, if they are worth one.
fn field_type(kinds: Kinds) -> Option<PathType> {
    let is_scalar = |kind: Kind| {
        matches!(
            kind,
            Kind::Null
                | Kind::Bool
                | Kind::Int
                | Kind::UInt
                | Kind::Float
                | Kind::Number
                | Kind::String
        )
    };
    if kinds.iter().all(|kind| kind == Kind::Null) {
        return None;
    }
    match kinds.path_type() {
        PathType::Text | PathType::UInt64 => kinds.iter().all(is_scalar).then_some(PathType::Text),
        other => Some(other),
    }
}
