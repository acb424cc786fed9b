//! One JSON value into one column.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::builder::{ColumnBuilder, Kind};

/// Appends a JSON value, given as its raw text, to a column.
///
/// Numbers and booleans in quotes are taken; numbers and booleans go into string columns as they
/// are written; objects and arrays go into JSON columns only, arrays into array columns too.
pub(crate) fn append_json(column: &mut ColumnBuilder, raw: &str) -> Result<(), String> {
    if let Kind::Json(_) = column.kind {
        return match raw {
            "null" if column.field().is_nullable() => {
                column.append_default();
                Ok(())
            }
            _ => column.append_document(raw),
        };
    }
    match raw.as_bytes().first() {
        Some(b'"') => {
            let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
            if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
                return column.append_text(inner);
            }
            let text: String = serde_json::from_str(raw).map_err(|_| column.mismatch(raw))?;
            column.append_text(&text)
        }
        Some(b'n') => {
            column.append_default();
            Ok(())
        }
        Some(b'[') if column.inner().is_some() => {
            let mut json = serde_json::Deserializer::from_str(raw);
            let mut problem = None;
            let elements = Elements { column, problem: &mut problem };
            let count = elements.deserialize(&mut json).map_err(|e| e.to_string())?;
            match problem {
                Some(problem) => Err(problem),
                None => column.end_list(count),
            }
        }
        Some(b'[' | b'{') => Err(column.mismatch(raw)),
        Some(_) if matches!(column.kind, Kind::Date(_) | Kind::Uuid(_)) => {
            Err(column.mismatch(raw))
        }
        _ => column.append_text(raw),
    }
}

/// Appends the elements of an array to the inner column of a list; answers how many there are.
struct Elements<'a> {
    column: &'a mut ColumnBuilder,
    problem: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<usize, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            if self.problem.is_some() {
                continue;
            }
            let Some((inner, count_max)) = self.column.inner() else { continue };
            let appended = match count < count_max {
                true => append_json(inner, raw.get()),
                false => Err(format!("expected {count_max} elements, found more")),
            };
            *self.problem = appended.err().map(|e| format!("element {}: {e}", count + 1));
            count += 1;
        }
        Ok(count)
    }
}
