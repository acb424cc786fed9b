//! The fault wrapper fails the call it was asked to and leaves the store as it was.

use super::*;
use crate::{Metered, SqliteStore, Usage};

const CREATE: Statement = Statement {
    name: "fault.create",
    sql: "CREATE TABLE t (k INTEGER NOT NULL, v INTEGER, PRIMARY KEY (k)) WITHOUT ROWID",
};
const PUT: Statement =
    Statement { name: "fault.put", sql: "INSERT OR REPLACE INTO t (k, v) VALUES (?1, ?2)" };
const ALL: Statement = Statement { name: "fault.all", sql: "SELECT k, v FROM t ORDER BY k" };

/// Two single writes and one transaction of two: five calls after the CREATE, commit included.
fn workload(store: &Metered) -> Result<()> {
    let usage = Usage::default();
    let put = |k: i64| [Value::Int(k), Value::Int(k * 10)];
    store.exec(&PUT, &put(1), &usage, &mut |_| Flow::Continue)?;
    store.atomically(&usage, |transaction| {
        transaction.exec(&PUT, &put(2), &mut |_| Flow::Continue)?;
        transaction.exec(&PUT, &put(3), &mut |_| Flow::Continue)
    })?;
    store.exec(&PUT, &put(4), &usage, &mut |_| Flow::Continue)
}

fn keys(store: &dyn RowStore) -> Vec<i64> {
    let mut keys = Vec::new();
    store
        .exec(&ALL, &[], &mut |row| {
            keys.extend(row[0].as_int());
            Flow::Continue
        })
        .unwrap();
    keys
}

fn fresh() -> Arc<SqliteStore> {
    let store = Arc::new(SqliteStore::open_in_memory().unwrap());
    store.exec(&CREATE, &[], &mut |_| Flow::Continue).unwrap();
    store
}

#[test]
fn counts_statements_and_commits() {
    let store = fresh();
    let (counting, calls) = FaultStore::counting(Box::new(Arc::clone(&store)));
    workload(&Metered::new(Box::new(counting))).unwrap();
    assert_eq!(calls.made(), 5);
    assert!(!calls.failed());
    assert_eq!(keys(&*store), [1, 2, 3, 4]);
}

#[test]
fn the_nth_call_fails_and_a_transaction_is_whole_or_absent() {
    let left: [&[i64]; 5] = [&[], &[1], &[1], &[1], &[1, 2, 3]];
    for (index, expected) in left.iter().enumerate() {
        let nth = index as u64 + 1;
        let store = fresh();
        let (failing, calls) =
            FaultStore::failing(Box::new(Arc::clone(&store)), nth, Then::StayDown);
        let error = workload(&Metered::new(Box::new(failing))).unwrap_err();
        assert!(matches!(error, Error::Injected { call, .. } if call == nth), "{error}");
        assert!(calls.failed());
        assert_eq!(keys(&*store), *expected, "failed call {nth}");
    }
}

#[test]
fn after_one_failure_the_store_recovers_or_stays_down() {
    for (then, works) in [(Then::Recover, true), (Then::StayDown, false)] {
        let (failing, _) = FaultStore::failing(Box::new(fresh()), 1, then);
        let store = Metered::new(Box::new(failing));
        workload(&store).unwrap_err();
        assert_eq!(workload(&store).is_ok(), works, "{then:?}");
    }
}
