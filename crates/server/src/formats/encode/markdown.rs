//! The Markdown table.

use arrow_array::new_empty_array;
use arrow_schema::Schema;

use super::cell::Cell;
use super::escape::push_escaped;
use crate::formats::error::Result;

/// Appends the line of names and the line that aligns the columns.
pub(crate) fn push_header(schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'|');
    for field in schema.fields() {
        out.push(b' ');
        push_escaped(field.name().as_bytes(), out);
        out.extend_from_slice(b" |");
    }
    out.extend_from_slice(b"\n|");
    for field in schema.fields() {
        let cell = Cell::new(&new_empty_array(field.data_type()), field)?;
        out.extend_from_slice(if cell.is_right() { b"-:|" } else { b":-|" });
    }
    out.push(b'\n');
    Ok(())
}

/// Appends one row.
pub(crate) fn push_row(cells: &[Cell], row: usize, out: &mut Vec<u8>) {
    out.push(b'|');
    for cell in cells {
        out.push(b' ');
        match cell.is_null(row) {
            true => out.extend_from_slice(b"\\N"),
            false => cell.push_tsv(row, out),
        }
        out.extend_from_slice(b" |");
    }
    out.push(b'\n');
}
