//! The limits of a Durable Object, checked by the meter whatever the backend, so that what runs
//! natively also runs there. Source: Cloudflare's SQLite-in-Durable-Objects limits page; the
//! integer range is that of JavaScript numbers.

use crate::{Error, Place, Result, Statement, Value};

/// Bytes of one row: the sum over a statement's parameters, and over each result row.
pub const ROW_BYTES_MAX: usize = 2_000_000;
/// Parameters of one statement.
pub const PARAMS_MAX: usize = 100;
/// Bytes of one statement's SQL.
pub const STATEMENT_BYTES_MAX: usize = 100_000;
/// Largest magnitude of an integer that travels as a number: 2^53.
pub const INT_MAX: i64 = 1 << 53;

/// First words of the statements that control transactions; a Durable Object refuses them too.
const TRANSACTION_CONTROL: [&str; 6] =
    ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"];

/// Checks a statement and its parameters before they reach the backend.
pub(crate) fn check_call(statement: &Statement, params: &[Value<'_>]) -> Result<()> {
    if statement.sql.len() > STATEMENT_BYTES_MAX {
        return Err(Error::StatementTooLong {
            statement: statement.name,
            bytes: statement.sql.len(),
            bytes_max: STATEMENT_BYTES_MAX,
        });
    }
    let first_word = statement.sql.split_whitespace().next().unwrap_or("").trim_end_matches(';');
    if TRANSACTION_CONTROL.iter().any(|word| word.eq_ignore_ascii_case(first_word)) {
        return Err(Error::TransactionControl { statement: statement.name });
    }
    if params.len() > PARAMS_MAX {
        return Err(Error::TooManyParams {
            statement: statement.name,
            count: params.len(),
            max: PARAMS_MAX,
        });
    }
    check_values(statement, params, Place::Params, Place::Param)
}

/// Checks one result row before the caller sees it.
pub(crate) fn check_row(statement: &Statement, row: &[Value<'_>]) -> Result<()> {
    check_values(statement, row, Place::Row, Place::Column)
}

fn check_values(
    statement: &Statement,
    values: &[Value<'_>],
    whole: Place,
    one: fn(usize) -> Place,
) -> Result<()> {
    let mut bytes = 0usize;
    for (index, value) in values.iter().enumerate() {
        bytes = bytes.saturating_add(value.byte_count());
        let place = one(index.saturating_add(1));
        match value {
            Value::Int(value) if !(-INT_MAX..=INT_MAX).contains(value) => {
                return Err(Error::IntegerTooLarge {
                    statement: statement.name,
                    place,
                    value: *value,
                });
            }
            Value::Real(value) if value.is_nan() => {
                return Err(Error::NotANumber { statement: statement.name, place });
            }
            _ => {}
        }
    }
    if bytes > ROW_BYTES_MAX {
        return Err(Error::RowTooLarge {
            statement: statement.name,
            place: whole,
            bytes,
            bytes_max: ROW_BYTES_MAX,
        });
    }
    Ok(())
}
