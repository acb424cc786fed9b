//! Transactions: all or nothing, no nesting, nothing around them.

use super::{Case, Outcome, exec, exec_all, expect, ints, sql};
use crate::{Error, Flow, Metered, Statement, Transaction, Usage, Value};

pub(super) const CASES: &[Case] = &[
    Case { name: "transactions: commit", check: commit },
    Case { name: "transactions: rollback", check: rollback },
    Case { name: "transactions: schema rolls back too", check: schema },
    Case { name: "transactions: a failed statement inside", check: failed_statement },
    Case { name: "transactions: no nesting", check: nesting },
    Case { name: "transactions: no control by SQL", check: control },
    Case { name: "transactions: usage", check: usage },
];

const DROP: Statement = sql("DROP TABLE IF EXISTS cf_x");
const CREATE: Statement =
    sql("CREATE TABLE cf_x (k INTEGER NOT NULL, PRIMARY KEY (k)) WITHOUT ROWID");
const ADD: Statement = sql("INSERT INTO cf_x (k) VALUES (?1)");
const KEYS: Statement = sql("SELECT k FROM cf_x ORDER BY k");

/// An error of a body: the store's, or `None` when the body itself gives up.
type BodyError = Option<Error>;

fn add(transaction: &Transaction<'_>, k: i64) -> Result<(), Error> {
    transaction.exec(&ADD, &[Value::Int(k)], &mut |_| Flow::Continue)
}

fn set_up(store: &Metered) -> Outcome {
    exec_all(store, &[DROP, CREATE])?;
    exec(store, &ADD, &[Value::Int(0)]).map(|_| ())
}

fn keys_are(store: &Metered, expected: &[i64]) -> Outcome {
    expect("keys", ints(store, &KEYS, &[])?, expected.to_vec())
}

fn commit(store: &Metered) -> Outcome {
    set_up(store)?;
    let mut inside = Vec::new();
    let answer = store.atomically(&Usage::default(), |transaction| {
        add(transaction, 1)?;
        add(transaction, 2)?;
        transaction.exec(&KEYS, &[], &mut |row| {
            inside.extend(row.first().and_then(Value::as_int));
            Flow::Continue
        })?;
        let found = transaction.query_one(&KEYS, &[], &mut |_| {})?;
        Ok::<_, Error>(if found { 42 } else { 0 })
    });
    expect("the body's value", answer.map_err(|error| error.to_string())?, 42)?;
    expect("the body sees its own writes", inside, vec![0, 1, 2])?;
    keys_are(store, &[0, 1, 2])
}

fn rollback(store: &Metered) -> Outcome {
    set_up(store)?;
    let result: Result<(), BodyError> = store.atomically(&Usage::default(), |transaction| {
        add(transaction, 1)?;
        Err(None)
    });
    if !matches!(result, Err(None)) {
        return Err(format!("the body's own error did not come back: {result:?}"));
    }
    keys_are(store, &[0])?;
    // The store goes on working, in transactions and outside.
    exec(store, &ADD, &[Value::Int(5)])?;
    store
        .atomically(&Usage::default(), |transaction| add(transaction, 6))
        .map_err(|error| error.to_string())?;
    keys_are(store, &[0, 5, 6])
}

fn schema(store: &Metered) -> Outcome {
    const DROP_NEW: Statement = sql("DROP TABLE IF EXISTS cf_new");
    const CREATE_NEW: Statement = sql("CREATE TABLE cf_new (k INTEGER)");
    const SELECT_NEW: Statement = sql("SELECT k FROM cf_new");
    set_up(store)?;
    exec(store, &DROP_NEW, &[])?;
    let result: Result<(), BodyError> = store.atomically(&Usage::default(), |transaction| {
        transaction.exec(&CREATE_NEW, &[], &mut |_| Flow::Continue)?;
        transaction.exec(&SELECT_NEW, &[], &mut |_| Flow::Continue)?;
        Err(None)
    });
    if !matches!(result, Err(None)) {
        return Err(format!("the body failed: {result:?}"));
    }
    match exec(store, &SELECT_NEW, &[]) {
        Ok(_) => Err("a table created in a rolled back transaction exists".to_owned()),
        Err(_) => keys_are(store, &[0]),
    }
}

/// A refused row undoes its statement, not the transaction.
fn failed_statement(store: &Metered) -> Outcome {
    set_up(store)?;
    let mut refused = None;
    store
        .atomically(&Usage::default(), |transaction| {
            add(transaction, 1)?;
            refused = add(transaction, 0).err();
            add(transaction, 2)
        })
        .map_err(|error| error.to_string())?;
    if !matches!(refused, Some(Error::Constraint { .. })) {
        return Err(format!("a key twice gave {refused:?}"));
    }
    keys_are(store, &[0, 1, 2])
}

fn nesting(store: &Metered) -> Outcome {
    set_up(store)?;
    let usage = Usage::default();
    let mut around = Vec::new();
    store
        .atomically(&usage, |transaction| {
            add(transaction, 1)?;
            let nothing = &mut |_: &[Value<'_>]| Flow::Continue;
            around.push(("read", store.exec(&KEYS, &[], &usage, nothing).err()));
            around.push(("write", store.exec(&ADD, &[Value::Int(9)], &usage, nothing).err()));
            let nested = store.atomically(&usage, |inner| add(inner, 8));
            around.push(("nested transaction", nested.err()));
            add(transaction, 2)
        })
        .map_err(|error: Error| error.to_string())?;
    for (what, error) in around {
        if !matches!(error, Some(Error::NestedTransaction { .. })) {
            return Err(format!("{what} around an open transaction: {error:?}"));
        }
    }
    keys_are(store, &[0, 1, 2])
}

fn control(store: &Metered) -> Outcome {
    set_up(store)?;
    const TEXTS: [Statement; 6] = [
        sql("BEGIN"),
        sql("BEGIN IMMEDIATE"),
        sql(" commit;"),
        sql("END"),
        sql("SAVEPOINT s"),
        sql("ROLLBACK"),
    ];
    for text in &TEXTS {
        let refused = store.exec(text, &[], &Usage::default(), &mut |_| Flow::Continue);
        if !matches!(refused, Err(Error::TransactionControl { .. })) {
            return Err(format!("{}: {refused:?}", text.sql));
        }
    }
    exec(store, &ADD, &[Value::Int(1)])?;
    keys_are(store, &[0, 1])
}

fn usage(store: &Metered) -> Outcome {
    set_up(store)?;
    let usage = Usage::default();
    store
        .atomically(&usage, |transaction| {
            add(transaction, 1)?;
            add(transaction, 2)?;
            transaction.exec(&KEYS, &[], &mut |_| Flow::Continue)
        })
        .map_err(|error: Error| error.to_string())?;
    expect("rows of a transaction", (usage.rows_read(), usage.rows_written()), (3, 2))?;
    let usage = Usage::default();
    let result: Result<(), BodyError> = store.atomically(&usage, |transaction| {
        add(transaction, 3)?;
        Err(None)
    });
    if !matches!(result, Err(None)) {
        return Err(format!("the body failed: {result:?}"));
    }
    expect("rows written, then rolled back", usage.rows_written(), 1)
}
