//! A fixed workload in which the Nth call of the row store fails, for every N: what was
//! acknowledged is there, nothing is half applied, the database verifies and goes on. Not here:
//! killed processes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Stores;
use super::support::{
    Thing, addresses_in, edges, ints, now, open, scan, strings, text, things, try_open, try_scan,
};
use super::table_model::rendered;
use dodb_engine::{
    Alter, Db, Error, JobBudget, Options, Result, TableDef, relationships, things as thing,
};
use dodb_part::{ColumnType, CompareOp, Predicate};
use dodb_rowstore::fault::{FaultStore, Then};
use dodb_rowstore::{RowStore, Usage};

cases![
    a_process_that_dies_at_any_call_loses_nothing_acknowledged,
    a_failure_that_passes_leaves_the_open_database_as_it_was,
    a_failed_commit_does_not_disturb_readers,
];

const JOBS: JobBudget = JobBudget { steps_max: 3, thorough: true };

fn tiny() -> Options {
    Options {
        fresh_insert_rows_max: 6,
        fold_rows_min: 8,
        fold_bytes_min: 2_000,
        fold_bytes_max: 3_000,
        fresh_entries_max: 2,
        compact_bytes_max: 2_500,
        merge_fanout: 2,
        inline_filter_rows_max: 8,
        cache_bytes_max: 0,
        ..Options::default()
    }
}

fn batch(range: std::ops::Range<u64>, version: u64) -> Vec<Thing> {
    range
        .map(|n| {
            let data = format!(r#"{{"version":{version}}}"#);
            Thing::new(format!("t{n}"), if n % 2 == 0 { "Even" } else { "Odd" }, data, n as i64)
        })
        .collect()
}

fn rows(names: &[&str]) -> arrow_array::RecordBatch {
    arrow_array::RecordBatch::try_from_iter([
        ("k", strings(names)),
        ("n", ints(0..names.len() as i64)),
    ])
    .unwrap()
}

fn even() -> Predicate {
    text(thing::TYPE, CompareOp::Eq, "Even")
}

type Step = fn(&Db, &Usage) -> Result<()>;

fn create_log(db: &Db, usage: &Usage) -> Result<()> {
    let columns = vec![
        ("k".to_owned(), ColumnType::String, false),
        ("n".to_owned(), ColumnType::Int64, true),
    ];
    let def = TableDef::plain("log", columns, &["k".to_owned()], None)?;
    db.create_table(def, false, usage).map(|_| ())
}

/// What a client does, in order. Each is one acknowledged change, or jobs.
const WORKLOAD: [Step; 21] = [
    |db, u| now(db.insert("things", &things(&batch(0..3, 0)), u)).map(|_| ()),
    |db, u| now(db.insert("things", &things(&batch(3..20, 0)), u)).map(|_| ()),
    |db, u| now(db.insert("things", &things(&batch(1..5, 1)), u)).map(|_| ()),
    create_log,
    |db, u| now(db.insert("log", &rows(&["a", "b"]), u)).map(|_| ()),
    |db, u| now(db.insert("log", &rows(&["z", "y", "x", "w", "v", "u", "t"]), u)).map(|_| ()),
    |db, u| db.run_jobs(&JOBS, u).map(|_| ()),
    |db, u| {
        let add = Alter::AddColumn { name: "extra".into(), ty: ColumnType::Int64 };
        db.alter_table("log", add, u)
    },
    |db, u| now(db.insert("things", &things(&batch(0..12, 2)), u)).map(|_| ()),
    |db, u| now(db.insert("relationships", &edges(&[("t1", "t2", "knows")], 5), u)).map(|_| ()),
    |db, u| {
        let names: Vec<_> = (0..12).map(|n| (format!("t{n}"), "t0".into(), "is".into())).collect();
        now(db.insert("relationships", &edges::<String>(&names, 6), u)).map(|_| ())
    },
    |db, u| now(db.insert("log", &rows(&["c"]), u)).map(|_| ()),
    |db, u| delete_where(db, "things", &even(), u),
    |db, u| db.run_jobs(&JOBS, u).map(|_| ()),
    |db, u| now(db.insert("things", &things(&batch(30..50, 3)), u)).map(|_| ()),
    |db, u| {
        let rename = Alter::RenameColumn { from: "n".into(), to: "m".into() };
        db.alter_table("log", rename, u)
    },
    |db, u| {
        let to_t0 = text(relationships::TO_ID, CompareOp::Eq, "t0");
        delete_where(db, "relationships", &to_t0, u)
    },
    |db, u| db.run_jobs(&JOBS, u).map(|_| ()),
    |db, u| db.drop_table("log", false, u).map(|_| ()),
    |db, u| db.run_jobs(&JOBS, u).map(|_| ()),
    |db, u| now(db.truncate("relationships", u)).map(|_| ()),
];

fn delete_where(db: &Db, table: &str, predicate: &Predicate, usage: &Usage) -> Result<()> {
    let snapshot = db.snapshot(table, usage)?;
    let batches = try_scan(&snapshot, &[], predicate, true, usage)?;
    now(db.mutate(table, addresses_in(&batches), None, usage)).map(|_| ())
}

/// By table its columns, and its rows as text.
type Shown = BTreeMap<String, (Vec<String>, Vec<String>)>;

/// Everything a database shows: tables with their columns, and their rows.
fn shown(db: &Db) -> Shown {
    let usage = Usage::default();
    let mut out = BTreeMap::new();
    for def in db.tables(&usage).unwrap() {
        let snapshot = db.snapshot(&def.name, &usage).unwrap();
        let columns = def.schema.columns();
        let ids: Vec<u32> = columns.iter().map(|c| c.id).collect();
        // updatedAt is given; every value is the same in every run.
        let rows = rendered(&scan(&snapshot, &ids, &Predicate::True), &ids);
        assert_eq!(snapshot.rows(), rows.len() as u64);
        out.insert(def.name.clone(), (columns.iter().map(|c| c.name.clone()).collect(), rows));
    }
    out
}

fn check_clean(db: &Db, what: &str) {
    let report = now(db.verify(&Usage::default())).unwrap();
    assert!(report.faults.is_empty(), "{what}: {:#?}", report.faults);
}

/// What is shown after each step when nothing fails; first: before any.
fn expected(stores: Stores<'_>) -> Vec<Shown> {
    let db = open(&stores(), &tiny());
    let usage = Usage::default();
    let mut out = vec![shown(&db)];
    for step in WORKLOAD {
        step(&db, &usage).unwrap();
        out.push(shown(&db));
        check_clean(&db, "without failures");
    }
    out
}

fn calls_in_workload(stores: Stores<'_>) -> u64 {
    let (store, calls) = FaultStore::counting(Box::new(stores()));
    let db = try_open(Box::new(store), &tiny()).unwrap();
    for step in WORKLOAD {
        step(&db, &Usage::default()).unwrap();
    }
    calls.made()
}

fn is_injected(error: &Error) -> bool {
    matches!(error, Error::Rows(e) if matches!(**e, dodb_rowstore::Error::Injected { .. }))
}

/// Runs the workload with call `nth` failing; answers the store and the steps acknowledged.
fn fail_at(stores: Stores<'_>, nth: u64, then: Then) -> (Arc<dyn RowStore>, Option<Db>, usize) {
    let inner = stores();
    let (store, calls) = FaultStore::failing(Box::new(inner.clone()), nth, then);
    let db = match try_open(Box::new(store), &tiny()) {
        Ok(db) => db,
        Err(error) => {
            assert!(is_injected(&error), "call {nth}: {error}");
            return (inner, None, 0);
        }
    };
    for (at, step) in WORKLOAD.iter().enumerate() {
        if let Err(error) = step(&db, &Usage::default()) {
            assert!(calls.failed(), "call {nth}, step {at}: {error}");
            assert!(is_injected(&error), "call {nth}, step {at}: {error}");
            return (inner, Some(db), at);
        }
    }
    assert!(!calls.failed(), "call {nth} failed and nobody heard of it");
    (inner, Some(db), WORKLOAD.len())
}

fn go_on(db: &Db, from: usize, last: &Shown, what: &str) {
    for (at, step) in WORKLOAD.iter().enumerate().skip(from) {
        step(db, &Usage::default()).unwrap_or_else(|e| panic!("{what}, then step {at}: {e}"));
    }
    assert_eq!(shown(db), *last, "{what}: after going on");
    check_clean(db, what);
}

fn a_process_that_dies_at_any_call_loses_nothing_acknowledged(stores: Stores<'_>) {
    let expected = expected(stores);
    let calls = calls_in_workload(stores);
    assert!(calls > 100, "{calls} calls are too few to mean anything");
    for nth in 1..=calls {
        let (store, db, done) = fail_at(stores, nth, Then::StayDown);
        drop(db);
        let db = open(&store, &tiny());
        let what = format!("call {nth} failed in step {done}");
        assert_eq!(shown(&db), expected[done], "{what}");
        check_clean(&db, &what);
        go_on(&db, done, &expected[WORKLOAD.len()], &what);
    }
}

fn a_failure_that_passes_leaves_the_open_database_as_it_was(stores: Stores<'_>) {
    let expected = expected(stores);
    for nth in 1..=calls_in_workload(stores) {
        let (store, db, done) = fail_at(stores, nth, Then::Recover);
        let Some(db) = db else { continue };
        let what = format!("call {nth} failed in step {done} and passed");
        assert_eq!(shown(&db), expected[done], "{what}");
        check_clean(&db, &what);
        go_on(&db, done, &expected[WORKLOAD.len()], &what);
        drop(db);
        assert_eq!(shown(&open(&store, &tiny())), expected[WORKLOAD.len()], "{what}: reopened");
    }
}

fn a_failed_commit_does_not_disturb_readers(stores: Stores<'_>) {
    // A reader begins, a commit fails, then merges replace and sweep what the reader reads.
    let inner = stores();
    let usage = Usage::default();
    let db = open(&inner, &tiny());
    now(db.insert("things", &things(&batch(0..20, 0)), &usage)).unwrap();
    now(db.insert("things", &things(&batch(20..40, 0)), &usage)).unwrap();
    drop(db);
    let (counting, calls) = FaultStore::counting(Box::new(inner.clone()));
    let db = try_open(Box::new(counting), &tiny()).unwrap();
    drop(db.snapshot("things", &usage).unwrap());
    now(db.insert("things", &things(&batch(40..41, 0)), &usage)).unwrap();
    let commit = calls.made();
    drop(db);

    let (failing, calls) = FaultStore::failing(Box::new(inner), commit, Then::Recover);
    let db = try_open(Box::new(failing), &tiny()).unwrap();
    let snapshot = db.snapshot("things", &usage).unwrap();
    let more = things(&batch(41..42, 0));
    assert!(now(db.insert("things", &more, &usage)).is_err() && calls.failed());
    for _ in 0..3 {
        now(db.insert("things", &things(&batch(0..30, 1)), &usage)).unwrap();
        db.run_jobs(&JobBudget { steps_max: 100, thorough: true }, &usage).unwrap();
    }
    let seen = rendered(&scan(&snapshot, &[thing::ID, thing::DATA], &Predicate::True), &[1, 3]);
    assert_eq!(seen.len(), 41);
    assert!(seen.iter().all(|row| row.contains(r#""version":0"#)), "{seen:?}");
    drop(snapshot);
    check_clean(&db, "after the reader");
}
