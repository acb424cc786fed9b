//! Statements and the values that go in and out of them.
//! Not here: the statements of the database; each lives beside the code that uses it.

/// A named constant statement. Constants only: a Durable Object caches prepared statements by
/// their text, and the meter adds up by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The name bills and errors use; one name for one SQL text.
    pub name: &'static str,
    /// One SQL statement with parameters `?1`, `?2`...
    pub sql: &'static str,
}

/// One SQLite value, borrowed from the caller (parameters) or from SQLite (results).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// An integer within -2^53..=2^53. Store it in a column of INTEGER affinity: a Durable
    /// Object binds every number as a real and relies on the column to turn it back.
    Int(i64),
    /// A finite or infinite real, not NaN. A Durable Object may hand an integral real back as
    /// `Int`: read it with [`Value::as_real`].
    Real(f64),
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl<'a> Value<'a> {
    /// What the value counts towards the row limit: numbers 8 bytes, text and blobs their length.
    pub fn byte_count(&self) -> usize {
        match self {
            Value::Null => 0,
            Value::Int(_) | Value::Real(_) => 8,
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number as a real: a `Real`, or an `Int` (which is exact up to 2^53).
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Value::Real(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if it is a blob.
    pub fn as_blob(&self) -> Option<&'a [u8]> {
        match self {
            Value::Blob(blob) => Some(blob),
            _ => None,
        }
    }
}

/// Whether a row callback wants more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Hand me the next row.
    Continue,
    /// No more rows. Natively, rows not stepped to are not read and not billed. A Durable Object
    /// closes a statement only at its end, so there the rest is read and billed: ask for what is
    /// wanted.
    Stop,
}
