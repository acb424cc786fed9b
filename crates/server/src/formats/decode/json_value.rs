//! One JSON value into one column.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::builder::{ColumnBuilder, Kind};
use crate::formats::calendar::parse_timestamp;
use crate::formats::error::excerpt;

/// Appends a JSON value, given as its raw text, to a column.
///
/// Numbers and booleans in quotes are taken; numbers and booleans go into string columns as they
/// are written; objects and arrays go into JSON columns only, arrays into array columns too. None
/// of that where `strict`: see [`check_kind`].
pub(crate) fn append_json(
    column: &mut ColumnBuilder,
    raw: &str,
    strict: bool,
) -> Result<(), String> {
    if strict && raw != "null" {
        check_kind(column, raw)?;
    }
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
            let elements = Elements { column, strict, problem: &mut problem };
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

/// Is the value of the kind that the column's are written as? A text is one in quotes, a number one
/// without, a document is an object, and an instant is a text or a whole number.
fn check_kind(column: &ColumnBuilder, raw: &str) -> Result<(), String> {
    let first = raw.as_bytes().first().copied().unwrap_or_default();
    let is_whole = || {
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (wanted, is_right) = match &column.kind {
        Kind::Null => return Ok(()),
        Kind::Text(_) | Kind::Uuid(_) | Kind::Bytes(_) | Kind::Date(_) => ("a text", first == b'"'),
        Kind::Json(_) => ("an object", first == b'{'),
        Kind::List(..) | Kind::FixedList(..) => ("an array", first == b'['),
        Kind::Bool(_) => ("true or false", matches!(first, b't' | b'f')),
        Kind::Time(_, unit) => {
            let is_time = |text: String| parse_timestamp(text.as_bytes(), *unit).is_some();
            let is_right = match first {
                b'"' => serde_json::from_str(raw).is_ok_and(is_time),
                _ => is_whole(),
            };
            ("a time of RFC 3339 as text, or a whole number since 1970", is_right)
        }
        _ => ("a number", first == b'-' || first.is_ascii_digit()),
    };
    match is_right {
        true => Ok(()),
        false => Err(format!("expected {wanted}, found `{}`", excerpt(raw))),
    }
}

/// Appends the elements of an array to the inner column of a list; answers how many there are.
struct Elements<'a> {
    column: &'a mut ColumnBuilder,
    strict: bool,
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
                true if self.strict && raw.get() == "null" => Err(inner.mismatch("null")),
                true => append_json(inner, raw.get(), self.strict),
                false => Err(format!("expected {count_max} elements, found more")),
            };
            *self.problem = appended.err().map(|e| format!("element {}: {e}", count + 1));
            count += 1;
        }
        Ok(count)
    }
}
