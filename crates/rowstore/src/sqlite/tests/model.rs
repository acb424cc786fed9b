//! Random puts, gets, deletes and transactions against a `BTreeMap`.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Put(i64, Vec<u8>),
    Get(i64),
    Delete(i64),
    Range(i64, i64),
    Transaction(Vec<(i64, Option<Vec<u8>>)>, bool),
    Reopen,
}

const RANGE: Statement =
    Statement { name: "test.range", sql: "SELECT k, v FROM t WHERE k >= ?1 AND k < ?2 ORDER BY k" };

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || -20i64..20;
    let blob = || prop_oneof![9 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 4000..9000)];
    let write = (key(), proptest::option::of(blob()));
    let step = prop_oneof![
        4 => (key(), blob()).prop_map(|(k, v)| Step::Put(k, v)),
        3 => key().prop_map(Step::Get),
        2 => key().prop_map(Step::Delete),
        2 => (key(), key()).prop_map(|(from, to)| Step::Range(from, to)),
        2 => (vec(write, 0..6), any::<bool>()).prop_map(|(w, ok)| Step::Transaction(w, ok)),
        1 => Just(Step::Reopen),
    ];
    vec(step, 1..60)
}

fn write(store: &dyn RowExec, k: i64, v: Option<&[u8]>) -> RowCounts {
    match v {
        Some(v) => run(store, &PUT, &[Value::Int(k), Value::Blob(v)]),
        None => run(store, &DELETE, &[Value::Int(k)]),
    }
}

fn range(store: &dyn RowExec, from: i64, to: i64) -> Vec<(i64, Vec<u8>)> {
    let mut rows = Vec::new();
    store
        .exec(&RANGE, &[Value::Int(from), Value::Int(to)], &mut |row| {
            rows.push((row[0].as_int().unwrap(), row[1].as_blob().unwrap().to_vec()));
            Flow::Continue
        })
        .unwrap();
    rows
}

fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { synchronous: Synchronous::Off, readers: 1 };
    let open = || SqliteStore::open(dir.path(), options).unwrap();
    let mut store = open();
    run(&store, &CREATE, &[]);
    let mut model: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put(k, v) => {
                let counts = write(&store, k, Some(&v));
                prop_assert_eq!(counts, RowCounts { read: 0, written: 1 });
                model.insert(k, v);
            }
            Step::Get(k) => {
                let rows = range(&store, k, k + 1);
                prop_assert_eq!(rows.first().map(|(_, v)| v), model.get(&k));
            }
            Step::Delete(k) => {
                let counts = write(&store, k, None);
                let hit = u64::from(model.remove(&k).is_some());
                prop_assert_eq!(counts, RowCounts { read: hit, written: hit });
            }
            Step::Range(from, to) => {
                let expected: Vec<_> = model
                    .iter()
                    .filter(|(k, _)| (from..to).contains(*k))
                    .map(|(k, v)| (*k, v.clone()))
                    .collect();
                prop_assert_eq!(range(&store, from, to), expected);
            }
            Step::Transaction(writes, keep) => {
                store
                    .atomically(&mut |transaction| {
                        for (k, v) in &writes {
                            write(transaction, *k, v.as_deref());
                        }
                        if keep { Verdict::Commit } else { Verdict::Rollback }
                    })
                    .unwrap();
                for (k, v) in writes.into_iter().filter(|_| keep) {
                    match v {
                        Some(v) => model.insert(k, v),
                        None => model.remove(&k),
                    };
                }
            }
            Step::Reopen => {
                drop(store);
                store = open();
            }
        }
    }
    prop_assert_eq!(range(&store, -100, 100), model.into_iter().collect::<Vec<_>>());
    Ok(())
}

#[test]
fn behaves_like_a_map() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng).run(&steps(), check).unwrap();
}
