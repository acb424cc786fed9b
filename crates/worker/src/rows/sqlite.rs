//! The part of a Durable Object's storage API that the row store calls, and what it says when it
//! fails. `worker` wraps it too, but catches not all of its exceptions and knows no
//! `transactionSync`. Not here: values ([`super::values`]).

use dodb_rowstore::{Error, Result, Statement};
use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `DurableObjectStorage`.
    pub(super) type Storage;

    #[wasm_bindgen(method, getter, catch)]
    pub(super) fn sql(this: &Storage) -> Result<Sqlite, JsValue>;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(super) fn transaction_sync(
        this: &Storage,
        body: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;

    /// `SqlStorage`.
    pub(super) type Sqlite;

    #[wasm_bindgen(method, getter, catch, js_name = databaseSize)]
    pub(super) fn database_size(this: &Sqlite) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch, variadic)]
    pub(super) fn exec(this: &Sqlite, sql: &str, params: Array) -> Result<Cursor, JsValue>;

    /// `SqlStorageCursor`.
    pub(super) type Cursor;

    #[wasm_bindgen(method, catch)]
    pub(super) fn raw(this: &Cursor) -> Result<js_sys::Iterator, JsValue>;

    #[wasm_bindgen(method, getter, catch, js_name = rowsRead)]
    pub(super) fn rows_read(this: &Cursor) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, getter, catch, js_name = rowsWritten)]
    pub(super) fn rows_written(this: &Cursor) -> Result<f64, JsValue>;
}

/// Refuses what the host would take in another sense than SQLite: several statements in one text,
/// a number of parameters that the text does not have.
pub(super) fn check(statement: &Statement, given: usize) -> Result<()> {
    let text = statement.sql.trim_end().trim_end_matches(';');
    // A trigger has statements within it.
    if text.contains(';') && !text.starts_with("CREATE TRIGGER") {
        let message = "several statements in one text; run them one by one".to_owned();
        return Err(Error::Statement { statement: statement.name, message });
    }
    let expected = params(text);
    if expected != given {
        return Err(Error::ParamCount { statement: statement.name, expected, given });
    }
    Ok(())
}

/// The highest `?N` of a statement.
fn params(sql: &str) -> usize {
    let number = |after: &str| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        after.get(..digits).and_then(|digits| digits.parse().ok())
    };
    sql.split('?').skip(1).filter_map(number).max().unwrap_or(0)
}

/// The error for an exception: SQLite's message, which ends with the name of its code.
pub(super) fn error(what: &'static str, exception: &JsValue) -> Error {
    let message = match exception.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{exception:?}"),
    };
    classify(what, message)
}

fn classify(what: &'static str, message: String) -> Error {
    let database = || "the storage of this Durable Object".to_owned();
    let is = |codes: &[&str]| codes.iter().any(|code| message.contains(code));
    if is(&["SQLITE_CONSTRAINT"]) {
        Error::Constraint { statement: what, message }
    } else if is(&["SQLITE_FULL"]) {
        Error::Full { what, database: database() }
    } else if is(&["SQLITE_CORRUPT", "SQLITE_NOTADB"]) {
        Error::Corrupt { what, database: database(), message }
    } else if is(&["SQLITE_BUSY", "SQLITE_LOCKED"]) {
        Error::Busy { what, database: database() }
    } else if is(&["SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"]) {
        Error::Io { what, database: database(), message }
    } else {
        Error::Statement { statement: what, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(sql: &'static str) -> Statement {
        Statement { name: "test", sql }
    }

    #[test]
    fn parameters_are_counted_by_their_numbers() {
        assert_eq!(params("SELECT 1"), 0);
        assert_eq!(params("SELECT ?2, ?1, ?2"), 2);
        assert_eq!(params("VALUES (?1, ?12)"), 12);
        assert!(check(&sql("SELECT ?1"), 1).is_ok());
        let error = check(&sql("SELECT ?1"), 2);
        assert!(matches!(error, Err(Error::ParamCount { expected: 1, given: 2, .. })));
    }

    #[test]
    fn one_statement_at_a_time() {
        assert!(check(&sql("SELECT 1; "), 0).is_ok());
        assert!(matches!(check(&sql("SELECT 1; SELECT 2"), 0), Err(Error::Statement { .. })));
    }

    #[test]
    fn exceptions_become_errors_of_their_kind() {
        let kind = |message: &str| classify("test", message.to_owned());
        let unique = "UNIQUE constraint failed: t.k: SQLITE_CONSTRAINT_PRIMARYKEY";
        assert!(matches!(kind(unique), Error::Constraint { .. }));
        assert!(matches!(kind("database or disk is full: SQLITE_FULL"), Error::Full { .. }));
        assert!(matches!(kind("no such table: t: SQLITE_ERROR"), Error::Statement { .. }));
    }
}
