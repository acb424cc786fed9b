//! Values as JSON, on one line or laid out over several as ClickHouse's `JSON` format does.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, ArrayRef};
use arrow_schema::Field;
use serde::de::IgnoredAny;

use super::cell::{Cell, Kind, push_sequence};
use super::escape::{push_json, push_json_bytes};
use crate::formats::error::Result;
use crate::formats::type_name::is_unnamed;

/// The settings that change how a value looks in JSON.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JsonStyle {
    /// 64-bit integers as strings.
    pub(crate) quote_64bit_integers: bool,
    /// `nan` and infinities as strings instead of null.
    pub(crate) quote_denormals: bool,
}

/// Appends one value on one line.
pub(crate) fn push_value(cell: &Cell, row: usize, style: JsonStyle, out: &mut Vec<u8>) {
    if cell.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match &cell.kind {
        Kind::Null => out.extend_from_slice(b"null"),
        Kind::Text(array) => push_json(array.value(row), out),
        Kind::Json(array) => push_document(array.value(row), out),
        Kind::Bytes(array) => push_json_bytes(array.value(row), out),
        Kind::Float32(v) if !v[row].is_finite() => push_denormal(cell, row, style, out),
        Kind::Float64(v) if !v[row].is_finite() => push_denormal(cell, row, style, out),
        Kind::Int64(_) | Kind::UInt64(_) if style.quote_64bit_integers => {
            out.push(b'"');
            cell.push_number(row, out);
            out.push(b'"');
        }
        Kind::Date(_) | Kind::Timestamp(..) => {
            out.push(b'"');
            cell.push_text(row, out);
            out.push(b'"');
        }
        Kind::List(_, inner) | Kind::FixedList(_, inner) => {
            push_sequence(cell.range(row), (b'[', b']'), out, |at, out| {
                push_value(inner, at, style, out);
            });
        }
        // Without names, as ClickHouse's tuples are: an array.
        Kind::Tuple(parts) if is_unnamed(parts.iter().map(|(name, _)| name.as_str())) => {
            push_sequence(0..parts.len(), (b'[', b']'), out, |at, out| {
                if let Some((_, part)) = parts.get(at) {
                    push_value(part, row, style, out);
                }
            });
        }
        Kind::Tuple(parts) => {
            push_sequence(0..parts.len(), (b'{', b'}'), out, |at, out| {
                if let Some((name, part)) = parts.get(at) {
                    push_json(name, out);
                    out.push(b':');
                    push_value(part, row, style, out);
                }
            });
        }
        Kind::Map(_, keys, values) => {
            push_sequence(cell.range(row), (b'{', b'}'), out, |at, out| {
                push_key(keys, at, out);
                out.push(b':');
                push_value(values, at, style, out);
            });
        }
        _ => cell.push_number(row, out),
    }
}

/// Appends one value, nested ones over several lines with `indent` tabs.
pub(crate) fn push_pretty(
    cell: &Cell,
    row: usize,
    style: JsonStyle,
    indent: usize,
    out: &mut Vec<u8>,
) {
    let range = cell.range(row);
    match &cell.kind {
        _ if cell.is_null(row) => push_value(cell, row, style, out),
        Kind::List(_, inner) | Kind::FixedList(_, inner)
            if is_nested(inner) && !range.is_empty() =>
        {
            push_lines(range, (b'[', b']'), indent, out, |at, out| {
                push_pretty(inner, at, style, indent + 1, out);
            });
        }
        Kind::Map(_, keys, values) if !range.is_empty() => {
            push_lines(range, (b'{', b'}'), indent, out, |at, out| {
                push_key(keys, at, out);
                out.extend_from_slice(b": ");
                push_pretty(values, at, style, indent + 1, out);
            });
        }
        Kind::Tuple(parts) if !parts.is_empty() => {
            push_lines(0..parts.len(), (b'{', b'}'), indent, out, |at, out| {
                if let Some((name, part)) = parts.get(at) {
                    push_json(name, out);
                    out.extend_from_slice(b": ");
                    push_pretty(part, row, style, indent + 1, out);
                }
            });
        }
        _ => push_value(cell, row, style, out),
    }
}

fn is_nested(cell: &Cell) -> bool {
    matches!(cell.kind, Kind::List(..) | Kind::FixedList(..) | Kind::Tuple(_) | Kind::Map(..))
}

fn push_lines(
    range: std::ops::Range<usize>,
    (open, close): (u8, u8),
    indent: usize,
    out: &mut Vec<u8>,
    mut each: impl FnMut(usize, &mut Vec<u8>),
) {
    out.push(open);
    let first = range.start;
    for at in range {
        out.extend_from_slice(if at > first { b",\n" } else { b"\n" });
        out.resize(out.len() + indent + 1, b'\t');
        each(at, out);
    }
    out.push(b'\n');
    out.resize(out.len() + indent, b'\t');
    out.push(close);
}

/// Keys of JSON objects are strings whatever the type of the map's key.
fn push_key(keys: &Cell, row: usize, out: &mut Vec<u8>) {
    match &keys.kind {
        Kind::Text(array) if !keys.is_null(row) => push_json(array.value(row), out),
        _ => {
            let mut text = Vec::new();
            keys.push_text(row, &mut text);
            push_json_bytes(&text, out);
        }
    }
}

fn push_denormal(cell: &Cell, row: usize, style: JsonStyle, out: &mut Vec<u8>) {
    if style.quote_denormals {
        out.push(b'"');
        cell.push_number(row, out);
        out.push(b'"');
    } else {
        out.extend_from_slice(b"null");
    }
}

/// A stored JSON document as it is, without line ends; as a string when it is not valid JSON.
fn push_document(text: &str, out: &mut Vec<u8>) {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        push_json(text, out);
        return;
    }
    let text = text.trim();
    // Valid JSON has line ends only between its tokens, so they can go.
    for part in text.as_bytes().split(|b| matches!(b, b'\n' | b'\r')) {
        out.extend_from_slice(part);
    }
}

/// Each value of a column as JSON text; null stays null.
pub(crate) fn json_texts(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let cell = Cell::new(array, field)?;
    let mut texts = StringViewBuilder::with_capacity(array.len());
    let mut scratch = Vec::new();
    for row in 0..array.len() {
        if cell.is_null(row) {
            texts.append_null();
            continue;
        }
        scratch.clear();
        push_value(&cell, row, JsonStyle::default(), &mut scratch);
        texts.append_value(String::from_utf8_lossy(&scratch));
    }
    Ok(Arc::new(texts.finish()))
}
