//! The limits hold on this backend, and what is just inside them works.

use super::{Case, Outcome, exec, exec_all, expect, ints, sql};
use crate::{
    Error, Flow, INT_MAX, Metered, PARAMS_MAX, Place, ROW_BYTES_MAX, STATEMENT_BYTES_MAX,
    Statement, Usage, Value,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "limits: parameters", check: params },
    Case { name: "limits: statement text", check: statement_text },
    Case { name: "limits: row bytes", check: row_bytes },
    Case { name: "limits: integers and NaN", check: numbers },
    Case { name: "limits: budget", check: budget },
];

const DROP: Statement = sql("DROP TABLE IF EXISTS cf_l");
const CREATE: Statement =
    sql("CREATE TABLE cf_l (k INTEGER NOT NULL, v BLOB, PRIMARY KEY (k)) WITHOUT ROWID");
const PUT: Statement = sql("INSERT OR REPLACE INTO cf_l (k, v) VALUES (?1, ?2)");
const KEYS: Statement = sql("SELECT k FROM cf_l ORDER BY k");

fn error_of(store: &Metered, statement: &Statement, params: &[Value<'_>]) -> Option<Error> {
    store.exec(statement, params, &Usage::default(), &mut |_| Flow::Continue).err()
}

fn params(store: &Metered) -> Outcome {
    const LAST: Statement = sql("SELECT ?100");
    let mut params = vec![Value::Int(1); PARAMS_MAX];
    expect("100 parameters", ints(store, &LAST, &params)?, vec![1])?;
    params.push(Value::Int(1));
    match error_of(store, &LAST, &params) {
        Some(Error::TooManyParams { count: 101, max: 100, statement: "conformance" }) => Ok(()),
        other => Err(format!("101 parameters: {other:?}")),
    }
}

/// `SELECT 1` and blanks.
const fn padded<const BYTES: usize>() -> [u8; BYTES] {
    let mut text = [b' '; BYTES];
    let select = b"SELECT 1";
    let mut at = 0;
    while at < select.len() {
        text[at] = select[at];
        at += 1;
    }
    text
}

const fn as_text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

fn statement_text(store: &Metered) -> Outcome {
    static LONGEST: [u8; STATEMENT_BYTES_MAX] = padded();
    static TOO_LONG: [u8; STATEMENT_BYTES_MAX + 1] = padded();
    expect("100,000 bytes", ints(store, &sql(as_text(&LONGEST)), &[])?, vec![1])?;
    match error_of(store, &sql(as_text(&TOO_LONG)), &[]) {
        Some(Error::StatementTooLong { bytes: 100_001, .. }) => Ok(()),
        other => Err(format!("100,001 bytes: {other:?}")),
    }
}

fn row_bytes(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    let blob = vec![1u8; ROW_BYTES_MAX - 7];
    let fits = blob.get(1..).unwrap_or_default();
    exec(store, &PUT, &[Value::Int(1), Value::Blob(fits)])?;
    match error_of(store, &PUT, &[Value::Int(2), Value::Blob(&blob)]) {
        Some(Error::RowTooLarge { place: Place::Params, bytes: 2_000_001, .. }) => {}
        other => return Err(format!("parameters of 2,000,001 bytes: {other:?}")),
    }
    expect("the refused row", ints(store, &KEYS, &[])?, vec![1])?;
    const TWO_COLUMNS: Statement = sql("SELECT v, v FROM cf_l");
    match error_of(store, &TWO_COLUMNS, &[]) {
        Some(Error::RowTooLarge { place: Place::Row, bytes: 3_999_984, .. }) => Ok(()),
        other => Err(format!("a result row of 4 MB: {other:?}")),
    }
}

fn numbers(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    for value in [INT_MAX + 1, -INT_MAX - 1, i64::MAX, i64::MIN] {
        match error_of(store, &PUT, &[Value::Int(value), Value::Null]) {
            Some(Error::IntegerTooLarge { place: Place::Param(1), value: named, .. })
                if named == value => {}
            other => return Err(format!("{value}: {other:?}")),
        }
    }
    match error_of(store, &PUT, &[Value::Int(1), Value::Real(f64::NAN)]) {
        Some(Error::NotANumber { place: Place::Param(2), .. }) => {}
        other => return Err(format!("NaN: {other:?}")),
    }
    expect("refused rows", ints(store, &KEYS, &[])?, Vec::new())
}

fn budget(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    for k in 0..20 {
        exec(store, &PUT, &[Value::Int(k), Value::Null])?;
    }
    let enough = Usage::with_rows_read_max(20);
    store
        .exec(&KEYS, &[], &enough, &mut |_| Flow::Continue)
        .map_err(|error| format!("a budget just large enough: {error}"))?;
    let usage = Usage::with_rows_read_max(5);
    let mut seen = 0u64;
    let result = store.exec(&KEYS, &[], &usage, &mut |_| {
        seen += 1;
        Flow::Continue
    });
    if !matches!(result, Err(Error::Budget { rows_read_max: 5, .. })) {
        return Err(format!("20 rows with a budget of 5: {result:?}"));
    }
    // It stops on the way, and the rows it did read are on the bill.
    expect("rows handed out", seen, 5)?;
    // A host that cannot leave a statement half-way read them all.
    let read = usage.rows_read();
    expect("rows read", read, if read == 20 { 20 } else { 6 })?;
    let again = store.exec(&KEYS, &[], &usage, &mut |_| Flow::Continue);
    if !matches!(again, Err(Error::Budget { .. })) {
        return Err(format!("a call after the budget: {again:?}"));
    }
    expect("a call after the budget reads nothing", usage.rows_read(), read)
}
