//! Values come back as they went in, and the calls that are wrong say so.

use super::{Case, Outcome, exec, exec_all, expect, ints, sql};
use crate::{Error, Flow, Metered, Statement, Usage, Value};

pub(super) const CASES: &[Case] = &[
    Case { name: "values: numbers", check: numbers },
    Case { name: "values: text and blobs", check: text_and_blobs },
    Case { name: "values: large blob", check: large_blob },
    Case { name: "values: order of rows and columns", check: order },
    Case { name: "errors: refused statements", check: refused },
    Case { name: "bytes: grow and are reused", check: bytes },
];

const DROP: Statement = sql("DROP TABLE IF EXISTS cf_v");
const CREATE: Statement = sql(
    "CREATE TABLE cf_v (k INTEGER NOT NULL, i INTEGER, r REAL, t TEXT, b BLOB, PRIMARY KEY (k)) \
     WITHOUT ROWID",
);
const PUT: Statement =
    sql("INSERT OR REPLACE INTO cf_v (k, i, r, t, b) VALUES (?1, ?2, ?3, ?4, ?5)");
const GET: Statement = sql("SELECT i, r, t, b FROM cf_v WHERE k = ?1");
const ADD: Statement = sql("INSERT INTO cf_v (k) VALUES (?1)");
const KEYS: Statement = sql("SELECT k FROM cf_v ORDER BY k");

/// Stores a row and compares what comes back.
fn round_trip(store: &Metered, columns: [Value<'_>; 4]) -> Outcome {
    let [i, r, t, b] = columns;
    exec(store, &PUT, &[Value::Int(1), i, r, t, b])?;
    let mut difference = Err("the row is gone".to_owned());
    let found = store.query_one(&GET, &[Value::Int(1)], &Usage::default(), &mut |row| {
        let [got_i, got_r, got_t, got_b] = row else {
            difference = Err(format!("{} columns instead of 4", row.len()));
            return;
        };
        difference = expect("integer", *got_i, i)
            .and_then(|()| expect("real", got_r.as_real(), r.as_real()))
            .and_then(|()| expect("text", *got_t, t));
        if difference.is_ok() && *got_b != b {
            difference = Err(format!("blob of {} bytes differs", b.byte_count()));
        }
    });
    found.map_err(|error| error.to_string())?;
    difference
}

fn numbers(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    let null = Value::Null;
    for i in [0, 1, -1, 255, 1 << 31, -(1 << 31) - 1, 1 << 52, (1 << 53) - 1, 1 << 53, -(1 << 53)] {
        round_trip(store, [Value::Int(i), null, null, null])?;
    }
    let edges = [f64::MIN_POSITIVE, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, 5e-324];
    for r in [0.0, 1.0, -1.5, 0.1, 1e15 + 0.3].into_iter().chain(edges) {
        round_trip(store, [null, Value::Real(r), null, null])?;
    }
    round_trip(store, [null, null, null, null])
}

fn text_and_blobs(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    for text in ["", "a", "12", "5.0", "NULL", "tab\tand\nline", "ünïcödé 🙂 日本", "it's \"x\""]
    {
        round_trip(store, [Value::Null, Value::Null, Value::Text(text), Value::Null])?;
        round_trip(store, [Value::Null, Value::Null, Value::Null, Value::Blob(text.as_bytes())])?;
    }
    let all_bytes: Vec<u8> = (0..=255).collect();
    round_trip(store, [Value::Null, Value::Null, Value::Null, Value::Blob(&all_bytes)])
}

fn large_blob(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    for bytes in [4_000, 65_536, 1_900_000usize] {
        // No two pages alike, so that a lost or doubled page shows.
        let blob: Vec<u8> = (0..bytes).map(|at| (at / 251) as u8 ^ at as u8).collect();
        round_trip(store, [Value::Null, Value::Null, Value::Null, Value::Blob(&blob)])?;
    }
    Ok(())
}

fn order(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    for k in [5, 3, 9, -2] {
        exec(store, &ADD, &[Value::Int(k)])?;
    }
    expect("keys in order", ints(store, &KEYS, &[])?, vec![-2, 3, 5, 9])?;
    const BACKWARDS: Statement = sql("SELECT k FROM cf_v WHERE k < ?2 AND k > ?1 ORDER BY k DESC");
    expect(
        "parameters by number",
        ints(store, &BACKWARDS, &[Value::Int(-5), Value::Int(6)])?,
        vec![5, 3, -2],
    )?;
    const NOTHING: Statement = sql("SELECT k FROM cf_v WHERE k = 100");
    let found = store
        .query_one(&NOTHING, &[], &Usage::default(), &mut |_| {})
        .map_err(|error| error.to_string())?;
    expect("query_one without a row", found, false)
}

fn refused(store: &Metered) -> Outcome {
    const TWICE: Statement = sql("INSERT INTO cf_v (k) VALUES (?1), (1)");
    exec_all(store, &[DROP, CREATE])?;
    exec(store, &ADD, &[Value::Int(1)])?;
    let error_of = |statement: &Statement, params: &[Value<'_>]| {
        store.exec(statement, params, &Usage::default(), &mut |_| Flow::Continue).err()
    };
    let one = [Value::Int(1)];
    let two = [Value::Int(1), Value::Int(2)];
    let cases = [
        ("no such table", "statement", error_of(&sql("SELECT 1 FROM cf_missing"), &[])),
        ("bad syntax", "statement", error_of(&sql("SELEKT 1"), &[])),
        ("two statements", "statement", error_of(&sql("SELECT 1; SELECT 2"), &[])),
        ("a parameter missing", "parameters", error_of(&ADD, &[])),
        ("a parameter too many", "parameters", error_of(&ADD, &two)),
        ("a key twice", "constraint", error_of(&ADD, &one)),
        ("a key twice in one call", "constraint", error_of(&TWICE, &[Value::Int(7)])),
    ];
    for (what, expected, error) in cases {
        let got = match &error {
            Some(Error::Statement { .. }) => "statement",
            Some(Error::ParamCount { .. }) => "parameters",
            Some(Error::Constraint { .. }) => "constraint",
            _ => "another error, or none",
        };
        expect(what, got, expected).map_err(|message| format!("{message} ({error:?})"))?;
    }
    expect("a failed statement changes nothing", ints(store, &KEYS, &[])?, vec![1])
}

fn bytes(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    let size = || store.bytes().map_err(|error| error.to_string());
    let before = size()?;
    let blob = vec![1u8; 1_000_000];
    let null = Value::Null;
    exec(store, &PUT, &[Value::Int(1), null, null, null, Value::Blob(&blob)])?;
    let grown = size()?.saturating_sub(before);
    if !(1_000_000..1_100_000).contains(&grown) {
        return Err(format!("1 MB stored, the database grew by {grown} bytes"));
    }
    exec(store, &sql("DELETE FROM cf_v"), &[])?;
    expect("free pages do not count", size()?, before)
}
