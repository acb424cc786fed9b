//! SQLite's values as JavaScript's and back. Numbers are doubles there: the row-store contract
//! keeps integers within 2^53 and in columns that turn them back. Not here: statements.

use dodb_rowstore::{Error, INT_MAX, Place, Result, Statement, Value};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// A parameter as JavaScript has it; bytes are copied once.
pub(super) fn bind(value: &Value<'_>) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Int(value) => JsValue::from_f64(*value as f64),
        Value::Real(value) => JsValue::from_f64(*value),
        Value::Text(text) => JsValue::from_str(text),
        Value::Blob(bytes) => Uint8Array::from(*bytes).into(),
    }
}

/// A result row, copied out of JavaScript's memory.
pub(super) struct Row(Vec<Cell>);

enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Row {
    /// Reads a row of a raw cursor.
    ///
    /// # Errors
    /// A value that SQLite does not have.
    pub(super) fn read(statement: &Statement, row: &Array) -> Result<Row> {
        let mut cells = Vec::with_capacity(row.length() as usize);
        for at in 0..row.length() {
            let Some(cell) = cell(&row.get(at)) else {
                let place = Place::Column(at as usize + 1);
                let message = format!("{place} is of no type that SQLite has");
                return Err(Error::Statement { statement: statement.name, message });
            };
            cells.push(cell);
        }
        Ok(Row(cells))
    }

    pub(super) fn values(&self) -> Vec<Value<'_>> {
        let value = |cell| match cell {
            &Cell::Null => Value::Null,
            &Cell::Int(value) => Value::Int(value),
            &Cell::Real(value) => Value::Real(value),
            Cell::Text(text) => Value::Text(text),
            Cell::Blob(bytes) => Value::Blob(bytes),
        };
        self.0.iter().map(value).collect()
    }
}

fn cell(value: &JsValue) -> Option<Cell> {
    if value.is_null() {
        return Some(Cell::Null);
    }
    if let Some(number) = value.as_f64() {
        let is_int = number.fract() == 0.0 && number.abs() <= INT_MAX as f64;
        return Some(if is_int { Cell::Int(number as i64) } else { Cell::Real(number) });
    }
    if let Some(text) = value.as_string() {
        return Some(Cell::Text(text));
    }
    let buffer = value.dyn_ref::<ArrayBuffer>()?;
    Some(Cell::Blob(Uint8Array::new(buffer).to_vec()))
}
