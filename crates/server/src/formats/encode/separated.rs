//! Rows of the CSV, tab-separated and Values formats, and the lines of names above them.

use super::cell::Cell;
use super::escape::{push_csv, push_escaped, push_json};
use crate::formats::format::Format;

const NULL: &[u8] = b"\\N";

/// Appends one CSV line.
pub(crate) fn push_csv_row(cells: &[Cell], row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match cell.is_null(row) {
            true => out.extend_from_slice(NULL),
            false => cell.push_csv(row, scratch, out),
        }
    }
    out.push(b'\n');
}

/// Appends one tab-separated line; `raw` writes strings as they are.
pub(crate) fn push_tsv_row(cells: &[Cell], row: usize, raw: bool, out: &mut Vec<u8>) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b'\t');
        }
        match (cell.is_null(row), raw) {
            (true, _) => out.extend_from_slice(NULL),
            (false, true) => cell.push_text(row, out),
            (false, false) => cell.push_tsv(row, out),
        }
    }
    out.push(b'\n');
}

/// Appends one row of SQL literals.
pub(crate) fn push_values_row(cells: &[Cell], row: usize, first: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if first { b"(" } else { b",(" });
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        cell.push_literal(row, out);
    }
    out.push(b')');
}

/// Appends a line of names or of types in the format's own escapes.
pub(crate) fn push_header_line(format: Format, names: &[String], out: &mut Vec<u8>) {
    let csv = matches!(format, Format::CsvWithNames | Format::CsvWithNamesAndTypes);
    let raw = format == Format::TsvRawWithNames;
    let json = matches!(
        format,
        Format::JsonCompactEachRowWithNames | Format::JsonCompactEachRowWithNamesAndTypes
    );
    if json {
        out.push(b'[');
    }
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(match (csv, json) {
                (true, _) => b",",
                (_, true) => b", ",
                _ => b"\t",
            });
        }
        match (csv, json, raw) {
            (true, _, _) => push_csv(name.as_bytes(), out),
            (_, true, _) => push_json(name, out),
            (_, _, true) => out.extend_from_slice(name.as_bytes()),
            _ => push_escaped(name.as_bytes(), out),
        }
    }
    if json {
        out.push(b']');
    }
    out.push(b'\n');
}
