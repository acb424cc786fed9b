//! The columns that a JSON column is stored as: which role each plays, the values of one while a
//! granule is shredded, and the entries of rest columns.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringViewArray, UInt64Array,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::kind::Kind;
use super::number::push_float;
use super::time::{is_time, push_text};
use crate::codec::cursor::put_size;
use crate::error::Result;
use crate::schema::{ColumnType, element_field};
use crate::value::hash_bytes;

/// Rest entries are spread over so many columns by the hash of their path; one more holds all of
/// a granule that has few.
pub(crate) const REST_BUCKETS: u8 = 16;

/// What a stored column of a JSON column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Values of one path and kind.
    Leaf(Kind),
    /// Entries of rare paths: of one bucket, or of all ([`REST_BUCKETS`]).
    Rest(u8),
}

/// The first number of [`Role::Rest`].
const REST_BYTE: u8 = 128;

impl Role {
    /// The number that is stored.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Role::Leaf(kind) => kind as u8,
            Role::Rest(bucket) => REST_BYTE + bucket,
        }
    }

    /// The role of a stored number.
    pub(crate) fn from_byte(byte: u8) -> Option<Role> {
        match byte.checked_sub(REST_BYTE) {
            Some(bucket) => (bucket <= REST_BUCKETS).then_some(Role::Rest(bucket)),
            None => Kind::from_byte(byte).map(Role::Leaf),
        }
    }

    /// The type of the column, `listed` when the path leads through an array.
    pub(crate) fn column_type(self, listed: bool) -> ColumnType {
        match self {
            Role::Leaf(kind) if listed => ColumnType::Array(Box::new(kind.column_type())),
            Role::Leaf(kind) => kind.column_type(),
            Role::Rest(_) => ColumnType::Bytes,
        }
    }
}

/// The bucket of a path.
pub(crate) fn rest_bucket(path: &str) -> u8 {
    (hash_bytes(path.as_bytes()) % u64::from(REST_BUCKETS)) as u8
}

/// Appends an entry to the value of one row of a rest column.
pub(super) fn push_rest(out: &mut Vec<u8>, path: &str, value: &str) {
    put_size(out, path.len());
    out.extend_from_slice(path.as_bytes());
    put_size(out, value.len());
    out.extend_from_slice(value.as_bytes());
}

/// Paths and JSON texts of one row of a rest column; ends early at bytes that are none.
pub(crate) fn rest_entries(value: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || Some((take_text(&mut rest)?, take_text(&mut rest)?)))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let mut length = 0usize;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            let (text, after) = rest.split_at_checked(length)?;
            *rest = after;
            return std::str::from_utf8(text).ok();
        }
    }
    None
}

/// Texts that views point into: the documents of a granule, and texts that had escapes.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) source: Vec<u8>,
    pub(super) unescaped: Vec<u8>,
}

impl Texts {
    /// A view of `text`, which starts at `offset` of the source.
    pub(super) fn view(text: &str, offset: usize) -> u128 {
        make_view(text.as_bytes(), 0, offset as u32)
    }

    /// A view of a text that is no part of the source.
    pub(super) fn keep(&mut self, text: &str) -> u128 {
        let offset = self.unescaped.len();
        self.unescaped.extend_from_slice(text.as_bytes());
        make_view(text.as_bytes(), 1, offset as u32)
    }

    /// The text of a view.
    pub(super) fn text(&self, view: &u128) -> String {
        let length = *view as u32 as usize;
        let bytes = if length <= 12 {
            view.to_le_bytes().get(4..4 + length).map(<[u8]>::to_vec)
        } else {
            let from = if (view >> 64) as u32 == 0 { &self.source } else { &self.unescaped };
            let offset = (view >> 96) as usize;
            from.get(offset..offset + length).map(<[u8]>::to_vec)
        };
        String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }
}

/// Values of one path and kind, in order, without nulls.
#[derive(Debug)]
pub(super) enum Values {
    Unit(usize),
    Bool(Vec<bool>),
    Int(Vec<i64>),
    UInt(Vec<u64>),
    Float(Vec<f64>),
    Text(Vec<u128>),
    /// Lists: the end of each, and their elements.
    List(Vec<u32>, Box<Values>),
}

impl Values {
    pub(super) fn new(kind: Kind) -> Values {
        let list = |elements| Values::List(Vec::new(), Box::new(elements));
        match kind {
            Kind::Null | Kind::EmptyObject | Kind::EmptyArray | Kind::Array => Values::Unit(0),
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Int => Values::Int(Vec::new()),
            Kind::UInt => Values::UInt(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Number | Kind::String | Kind::Raw => Values::Text(Vec::new()),
            Kind::Bools => list(Values::Bool(Vec::new())),
            Kind::Ints => list(Values::Int(Vec::new())),
            Kind::Floats => list(Values::Float(Vec::new())),
            Kind::Strings => list(Values::Text(Vec::new())),
            // Dates and times.
            _ => Values::Int(Vec::new()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Values::Unit(count) => *count,
            Values::Bool(v) => v.len(),
            Values::Int(v) => v.len(),
            Values::UInt(v) => v.len(),
            Values::Float(v) => v.len(),
            Values::Text(v) => v.len(),
            Values::List(ends, _) => ends.len(),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Values::Unit(count) => *count = 0,
            Values::Bool(v) => v.clear(),
            Values::Int(v) => v.clear(),
            Values::UInt(v) => v.clear(),
            Values::Float(v) => v.clear(),
            Values::Text(v) => v.clear(),
            Values::List(ends, elements) => {
                ends.clear();
                elements.clear();
            }
        }
    }

    /// Forgets all but the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        match self {
            Values::Unit(all) => *all = (*all).min(count),
            Values::Bool(v) => v.truncate(count),
            Values::Int(v) => v.truncate(count),
            Values::UInt(v) => v.truncate(count),
            Values::Float(v) => v.truncate(count),
            Values::Text(v) => v.truncate(count),
            Values::List(ends, elements) => {
                ends.truncate(count);
                elements.truncate(ends.last().copied().unwrap_or(0) as usize);
            }
        }
    }

    /// About how many bytes they take before compression.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Values::Unit(count) => *count,
            Values::Bool(v) => v.len(),
            Values::Text(v) => v.iter().map(|view| *view as u32 as usize + 2).sum(),
            Values::List(ends, elements) => ends.len() + elements.bytes(),
            numbers => numbers.len() * 8,
        }
    }

    /// Appends the value at `at` as JSON text.
    pub(super) fn push_json(&self, kind: Kind, at: usize, texts: &Texts, out: &mut String) {
        match self {
            Values::Unit(_) => out.push_str(match kind {
                Kind::EmptyObject => "{}",
                Kind::EmptyArray => "[]",
                _ => "null",
            }),
            Values::Bool(v) => {
                out.push_str(if v.get(at) == Some(&true) { "true" } else { "false" });
            }
            Values::Int(v) if is_time(kind) => {
                out.push('"');
                // Every number here was made of a text.
                v.get(at).and_then(|value| push_text(out, kind, *value));
                out.push('"');
            }
            Values::Int(v) => push_display(out, v.get(at)),
            Values::UInt(v) => push_display(out, v.get(at)),
            Values::Float(v) => push_float(out, v.get(at).copied().unwrap_or_default()),
            Values::Text(v) => {
                let text = v.get(at).map(|view| texts.text(view)).unwrap_or_default();
                match kind {
                    Kind::String | Kind::Strings => push_string(out, &text),
                    _ => out.push_str(&text),
                }
            }
            Values::List(ends, elements) => {
                let start = at.checked_sub(1).and_then(|at| ends.get(at)).copied();
                let (start, end) = (start.unwrap_or(0), ends.get(at).copied().unwrap_or(0));
                out.push('[');
                for element in start..end {
                    if element > start {
                        out.push(',');
                    }
                    elements.push_json(kind, element as usize, texts, out);
                }
                out.push(']');
            }
        }
    }

    /// The values at `rows` (ascending) of `count` rows, null elsewhere.
    pub(super) fn array(&self, rows: &[u32], count: usize, buffers: &Arc<[Buffer]>) -> ArrayRef {
        let full = rows.len() == count;
        let nulls = if full { None } else { Some(NullBuffer::new(bits(rows, count))) };
        match self {
            Values::Unit(_) => Arc::new(BooleanArray::new(bits(rows, count), nulls)),
            Values::Bool(v) => {
                let set = rows.iter().zip(v).filter(|(_, value)| **value);
                let set: Vec<u32> = set.map(|(row, _)| *row).collect();
                Arc::new(BooleanArray::new(bits(&set, count), nulls))
            }
            Values::Int(v) => Arc::new(Int64Array::new(spread(v, rows, count), nulls)),
            Values::UInt(v) => Arc::new(UInt64Array::new(spread(v, rows, count), nulls)),
            Values::Float(v) => Arc::new(Float64Array::new(spread(v, rows, count), nulls)),
            Values::Text(v) => {
                let views = spread(v, rows, count);
                // SAFETY: every view was made by `Texts` from UTF-8 text within one of the two
                // buffers; rows without a value have the empty view.
                Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers.clone(), nulls) })
            }
            Values::List(ends, elements) => {
                let mut lengths = vec![0usize; count];
                let mut start = 0;
                for (row, end) in rows.iter().zip(ends) {
                    if let Some(length) = lengths.get_mut(*row as usize) {
                        *length = (end - start) as usize;
                    }
                    start = *end;
                }
                list(lengths, elements, nulls, buffers)
            }
        }
    }

    /// Lists of the values of each row; `rows` ascend and repeat.
    pub(super) fn lists(&self, rows: &[u32], count: usize, buffers: &Arc<[Buffer]>) -> ArrayRef {
        let mut lengths = vec![0usize; count];
        for row in rows {
            if let Some(length) = lengths.get_mut(*row as usize) {
                *length += 1;
            }
        }
        let mut valid = BooleanBufferBuilder::new(count);
        lengths.iter().for_each(|length| valid.append(*length > 0));
        list(lengths, self, Some(NullBuffer::new(valid.finish())), buffers)
    }
}

fn push_display<T: std::fmt::Display>(out: &mut String, value: Option<&T>) {
    use std::fmt::Write;
    if let Some(value) = value {
        // Writing to a String cannot fail.
        let _ = write!(out, "{value}");
    }
}

/// Appends a text in quotes, with the escapes that JSON demands and no others.
pub(crate) fn push_string(out: &mut String, text: &str) {
    use std::fmt::Write;
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(plain..at).unwrap_or_default());
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            // Writing to a String cannot fail.
            other => drop(write!(out, "\\u{other:04x}")),
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

fn list(
    lengths: Vec<usize>,
    elements: &Values,
    nulls: Option<NullBuffer>,
    buffers: &Arc<[Buffer]>,
) -> ArrayRef {
    let all: Vec<u32> = (0..elements.len() as u32).collect();
    let values = elements.array(&all, all.len(), buffers);
    let field = element_field(values.data_type().clone());
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, nulls))
}

fn bits(rows: &[u32], count: usize) -> arrow_buffer::BooleanBuffer {
    let mut bits = BooleanBufferBuilder::new(count);
    bits.append_n(count, false);
    for row in rows {
        if (*row as usize) < count {
            bits.set_bit(*row as usize, true);
        }
    }
    bits.finish()
}

fn spread<T: Copy + Default + arrow_buffer::ArrowNativeType>(
    values: &[T],
    rows: &[u32],
    count: usize,
) -> ScalarBuffer<T> {
    if rows.len() == count {
        return values.to_vec().into();
    }
    let mut out = vec![T::default(); count];
    for (row, value) in rows.iter().zip(values) {
        if let Some(slot) = out.get_mut(*row as usize) {
            *slot = *value;
        }
    }
    out.into()
}

/// One stored column of a JSON column, for one granule.
#[derive(Debug)]
pub(crate) struct LeafArray {
    /// Its number within the JSON column of the part.
    pub(crate) sub: usize,
    /// A value for each row of the granule.
    pub(crate) array: ArrayRef,
}

/// Checks that spans of a granule fit in the offsets of views.
pub(super) fn check_size(bytes: usize) -> Result<()> {
    if bytes > i32::MAX as usize {
        return Err(crate::error::Error::Limit {
            what: "a granule of documents".into(),
            detail: format!("{bytes} bytes"),
        });
    }
    Ok(())
}
