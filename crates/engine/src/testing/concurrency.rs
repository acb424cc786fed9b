//! Threads: writers, readers and jobs at once lose nothing and never see half of a change. Bounded
//! by operations, not by time. Not here: faults (`crash.rs`); what one thread shows (`model.rs`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use super::support::{
    Rng, TestEnv, Thing, addresses, bucket, edges, ints, metered, now, numbered, open, scan,
    strings, text, things, try_open_with,
};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use dodb_engine::{
    Db, ErrorKind, FlushScope, JobBudget, Options, ScanRequest, Snapshot, TableDef, things as thing,
};
use dodb_part::{ColumnType, CompareOp, Predicate};
use dodb_rowstore::{SqliteOptions, SqliteStore, Synchronous, Usage};

const WRITERS: u64 = 2;
const READERS: u64 = 10;
const CHANGES_PER_WRITER: u64 = 150;
const SCANS_PER_READER: u64 = 400;

fn tiny() -> Options {
    Options {
        fresh_insert_rows_max: 16,
        fold_rows_min: 24,
        fold_bytes_min: 4_000,
        fold_bytes_max: 8_000,
        fresh_entries_max: 3,
        compact_bytes_max: 12_000,
        merge_fanout: 2,
        inline_filter_rows_max: 40,
        cache_bytes_max: 0,
        ..Options::default()
    }
}

/// A store in a folder, so that readers have connections of their own.
fn in_folder(synchronous: Synchronous) -> (tempfile::TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { synchronous, ..SqliteOptions::default() };
    let store = Arc::new(SqliteStore::open(folder.path(), options).unwrap());
    (folder, store)
}

/// Ends the loops of the other threads however this one ends, so that a failed test fails.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Both halves of a pair, which always change together.
fn pair(name: &str, version: u64) -> [Thing; 2] {
    let data = format!(r#"{{"version":{version}}}"#);
    ["a", "b"].map(|half| Thing::new(format!("{name}/{half}"), "Half", data.clone(), 1))
}

/// The version of each pair that a snapshot shows; fails when it shows half of one.
fn pairs(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let batches = scan(snapshot, &[thing::ID, thing::DATA], &Predicate::True);
    let mut halves = BTreeMap::<String, Vec<String>>::new();
    for batch in &batches {
        let (ids, data) = (batch.column(0).as_string_view(), batch.column(1).as_string_view());
        for row in 0..batch.num_rows() {
            let (name, _) = ids.value(row).split_once('/').unwrap();
            halves.entry(name.to_owned()).or_default().push(data.value(row).to_owned());
        }
    }
    let rows: usize = halves.values().map(Vec::len).sum();
    assert_eq!(rows as u64, snapshot.rows(), "the count is not that of the rows");
    let whole = |(name, versions): (String, Vec<String>)| match versions.as_slice() {
        [a, b] if a == b => (name, versions[0].clone()),
        torn => panic!("torn pair {name}: {torn:?}"),
    };
    halves.into_iter().map(whole).collect()
}

fn write(db: &Db, writer: u64, acknowledged: &AtomicU64) -> BTreeMap<String, u64> {
    let usage = Usage::default();
    let mut rng = Rng(writer);
    let mut own = BTreeMap::<String, u64>::new();
    for change in 0..CHANGES_PER_WRITER {
        let mut rows = Vec::new();
        for _ in 0..1 + rng.below(20) {
            // Every fourth pair belongs to both writers.
            let n = rng.below(60);
            let name =
                if n.is_multiple_of(4) { format!("shared{n}") } else { format!("w{writer}-{n}") };
            rows.extend(pair(&name, change));
            if !n.is_multiple_of(4) {
                own.insert(name, change);
            }
        }
        now(db.insert("things", &things(&rows), &usage)).unwrap();
        if change % 3 == 0 {
            let from = (0..30).map(|n| (format!("f{n}"), format!("t{change}"), "r".to_owned()));
            now(db.insert("relationships", &edges::<String>(&from.collect::<Vec<_>>(), 1), &usage))
                .unwrap();
        }
        if change % 10 == 9 {
            let name = own.keys().next().unwrap().clone();
            delete_pair(db, &name);
            own.remove(&name);
        }
        acknowledged.fetch_add(1, SeqCst);
    }
    own
}

/// Deletes a pair as SQL would: again from the start whenever somebody came between.
fn delete_pair(db: &Db, name: &str) {
    let usage = Usage::default();
    let halves = Predicate::Or(
        ["a", "b"].map(|half| text(thing::ID, CompareOp::Eq, &format!("{name}/{half}"))).into(),
    );
    for _ in 0..1_000 {
        let rows = addresses(&db.snapshot("things", &usage).unwrap(), &halves);
        match now(db.mutate("things", rows, None, &usage)) {
            Ok(count) => return assert_eq!(count, 2, "{name}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
    panic!("{name} could not be deleted in 1,000 tries");
}

fn read(db: &Db, reader: u64, done: &AtomicBool) -> u64 {
    let usage = Usage::default();
    let mut scans = 0;
    let mut generation = 0;
    while scans < SCANS_PER_READER && !done.load(SeqCst) {
        let snapshot = db.snapshot("things", &usage).unwrap();
        assert!(snapshot.generation() >= generation, "time went backwards");
        generation = snapshot.generation();
        let first = pairs(&snapshot);
        if reader.is_multiple_of(3) {
            thread::yield_now();
            assert_eq!(pairs(&snapshot), first, "a snapshot changed");
        }
        if let Some((name, _)) = first.iter().nth(reader as usize) {
            let by_id = text(thing::ID, CompareOp::Eq, &format!("{name}/b"));
            let found = scan(&snapshot, &[thing::ID], &by_id);
            assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 1, "{name}");
        }
        scans += 1;
    }
    scans
}

#[test]
fn two_writers_ten_readers_and_jobs_lose_nothing() {
    let (_folder, store) = in_folder(Synchronous::Off);
    let db = open(&store, &tiny());
    let (done, changes, merges) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let mut own = BTreeMap::new();
    thread::scope(|scope| {
        let (db, done, changes, merges) = (&db, &done, &changes, &merges);
        let finish = Finish(done);
        let writers: Vec<_> =
            (0..WRITERS).map(|w| scope.spawn(move || write(db, w, changes))).collect();
        let readers: Vec<_> =
            (0..READERS).map(|r| scope.spawn(move || read(db, r, done))).collect();
        scope.spawn(move || {
            for round in 0.. {
                if done.load(SeqCst) {
                    return;
                }
                let budget = JobBudget { steps_max: 3, thorough: round % 5 == 0 };
                let report = db.run_jobs(&budget, &Usage::default()).unwrap();
                merges.fetch_add(report.merges + report.folds, SeqCst);
            }
        });
        for writer in writers {
            own.extend(writer.join().unwrap());
        }
        drop(finish);
        let scans: u64 = readers.into_iter().map(|r| r.join().unwrap()).sum();
        assert!(scans >= READERS, "{scans} scans");
    });
    assert_eq!(changes.load(SeqCst), WRITERS * CHANGES_PER_WRITER);
    assert!(merges.load(SeqCst) > 0, "nothing was merged meanwhile");
    for db in [db, open(&store, &tiny())] {
        let snapshot = db.snapshot("things", &Usage::default()).unwrap();
        let mut shown = pairs(&snapshot);
        shown.retain(|name, _| !name.starts_with("shared"));
        let version = |v: &u64| format!(r#"{{"version":{v}}}"#);
        let expected: BTreeMap<String, String> =
            own.iter().map(|(name, v)| (name.clone(), version(v))).collect();
        assert_eq!(shown, expected);
        let edges = db.snapshot("relationships", &Usage::default()).unwrap().rows();
        assert_eq!(edges, CHANGES_PER_WRITER.div_ceil(3) * 30);
        let report = now(db.verify(&Usage::default())).unwrap();
        assert!(report.faults.is_empty(), "{:#?}", report.faults);
    }
}

#[test]
fn a_hundred_inserts_at_once_share_their_row_writes() {
    const THREADS: u64 = 100;
    let (_folder, store) = in_folder(Synchronous::Full);
    let db = open(&store, &Options::default());
    let before = metered(&db).written;
    let barrier = Barrier::new(THREADS as usize);
    let spent = Usage::default();
    thread::scope(|scope| {
        for n in 0..THREADS {
            let (db, barrier, spent) = (&db, &barrier, &spent);
            scope.spawn(move || {
                let one = things(&numbered(n..n + 1));
                barrier.wait();
                assert_eq!(now(db.insert("things", &one, spent)).unwrap(), 1);
            });
        }
    });
    let written = metered(&db).written - before;
    assert_eq!(written, spent.rows_written(), "somebody pays for every row written");
    assert!(written < THREADS, "{written} rows written for {THREADS} inserts");
    let db = open(&store, &Options::default());
    assert_eq!(db.snapshot("things", &Usage::default()).unwrap().rows(), THREADS);
}

#[test]
fn large_inserts_of_the_same_keys_into_two_tables_share_commits() {
    // A part made within a commit is not in the store when the next insert looks for its keys.
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 12;
    let (_folder, store) = in_folder(Synchronous::Full);
    let db = open(&store, &tiny());
    let barrier = Barrier::new(THREADS as usize);
    let errors = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for worker in 0..THREADS {
            let (db, barrier, errors) = (&db, &barrier, &errors);
            scope.spawn(move || {
                let usage = Usage::default();
                for round in 0..ROUNDS {
                    barrier.wait();
                    let inserted = if (worker + round) % 3 == 0 {
                        let many: Vec<_> =
                            (0..20).map(|n| (format!("f{n}"), "t".into(), "r".into())).collect();
                        now(db.insert("relationships", &edges::<String>(&many, 1), &usage))
                    } else {
                        let rows: Vec<Thing> =
                            (0..20).flat_map(|n| pair(&format!("p{n}"), worker)).collect();
                        now(db.insert("things", &things(&rows), &usage))
                    };
                    // Not at once: the others wait at the barrier.
                    errors.lock().unwrap().extend(inserted.err());
                }
            });
        }
    });
    let errors = errors.into_inner().unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    let usage = Usage::default();
    assert_eq!(pairs(&db.snapshot("things", &usage).unwrap()).len(), 20);
    assert_eq!(db.snapshot("relationships", &usage).unwrap().rows(), 20);
    let report = now(db.verify(&usage)).unwrap();
    assert!(report.faults.is_empty(), "{:#?}", report.faults);
}

/// The rows read by threads that share a scan of all things, the pieces dealt out among them.
fn rows_read_by(threads: usize, db: &Db) -> u64 {
    db.forget();
    let usage = Usage::default();
    let snapshot = db.snapshot("things", &usage).unwrap();
    let predicate = Predicate::Not(Box::new(text(thing::ID, CompareOp::Eq, "t7")));
    let columns = vec![thing::ID, thing::DATA];
    let request = ScanRequest { columns, paths: Vec::new(), predicate, row_addresses: false };
    let plan = snapshot.scan(request, &usage).unwrap();
    let (barrier, found) = (Barrier::new(threads), AtomicU64::new(0));
    thread::scope(|scope| {
        for worker in 0..threads {
            let (plan, barrier, found, usage) = (&plan, &barrier, &found, &usage);
            scope.spawn(move || {
                barrier.wait();
                let tasks = plan.tasks(usage).unwrap();
                for task in tasks.iter().skip(worker).step_by(threads) {
                    let mut scanner = plan.start(task);
                    while let Some(batch) = now(scanner.next_batch(usage)).unwrap() {
                        found.fetch_add(batch.num_rows() as u64, SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(found.into_inner(), snapshot.rows() - 1);
    usage.counts().rows_read
}

#[test]
fn threads_of_a_scan_read_what_they_share_once() {
    const ROUNDS: usize = 60;
    const ROWS: u64 = 100_000;
    let (_folder, store) = in_folder(Synchronous::Off);
    let env = Arc::new(TestEnv::default());
    let db =
        try_open_with(Box::new(store.clone()), &Options::native(), Some(bucket()), env).unwrap();
    let usage = Usage::default();
    let day = |n: u64| Thing::new(format!("t{n}"), "Day", "{}", (n % 12) as i64 * 86_400_000);
    let all: Vec<Thing> = (0..ROWS).map(day).collect();
    now(db.insert("things", &things(&all), &usage)).unwrap();
    let check = |wanted: u64| {
        for round in 0..ROUNDS {
            assert_eq!(rows_read_by(4, &db), wanted, "round {round}");
        }
    };
    // One part of several pieces; then a file a day.
    check(rows_read_by(1, &db));
    while now(db.flush_step("things", FlushScope::All, &usage)).unwrap().more {}
    while now(db.compact_step("things", false, &usage)).unwrap().more {}
    assert_eq!(db.snapshot("things", &usage).unwrap().warm().1, 12);
    check(rows_read_by(1, &db));
}

#[test]
fn readers_of_a_table_that_is_dropped_read_on() {
    const ROUNDS: u64 = 40;
    let (_folder, store) = in_folder(Synchronous::Off);
    let db = open(&store, &tiny());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (db, done) = (&db, &done);
        let _finish = Finish(done);
        for _ in 0..3 {
            scope.spawn(move || {
                let usage = Usage::default();
                while !done.load(SeqCst) {
                    let snapshot = match db.snapshot("short", &usage) {
                        Ok(snapshot) => snapshot,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                            continue;
                        }
                    };
                    let batches = scan(&snapshot, &[1, 2], &Predicate::True);
                    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                    assert_eq!(rows as u64, snapshot.rows());
                }
            });
        }
        scope.spawn(move || {
            while !done.load(SeqCst) {
                let budget = JobBudget { steps_max: 2, thorough: true };
                db.run_jobs(&budget, &Usage::default()).unwrap();
            }
        });
        let usage = Usage::default();
        let rows = RecordBatch::try_from_iter([
            ("k", strings((0..50).map(|n| format!("k{n}")))),
            ("n", ints(0..50)),
        ])
        .unwrap();
        for _ in 0..ROUNDS {
            let columns = vec![
                ("k".to_owned(), ColumnType::String, false),
                ("n".to_owned(), ColumnType::Int64, false),
            ];
            let def = TableDef::plain("short", columns, &[], None).unwrap();
            db.create_table(def, false, &usage).unwrap();
            for _ in 0..4 {
                now(db.insert("short", &rows, &usage)).unwrap();
            }
            assert!(db.drop_table("short", false, &usage).unwrap());
        }
    });
    let usage = Usage::default();
    db.run_jobs(&JobBudget { steps_max: 100, thorough: true }, &usage).unwrap();
    assert!(now(db.verify(&usage)).unwrap().faults.is_empty());
    assert_eq!(raw_part_rows(&store), 0, "rows of dropped tables are left behind");
}

fn raw_part_rows(store: &SqliteStore) -> u64 {
    use dodb_rowstore::{Flow, RowExec, Statement};
    let statement = Statement { name: "test_parts", sql: "SELECT tbl FROM _parts" };
    let mut rows = 0;
    store.exec(&statement, &[], &mut |_| (rows += 1, Flow::Continue).1).unwrap();
    rows
}
