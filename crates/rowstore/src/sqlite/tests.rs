//! What only the native backend promises: its files, its lock, its readers, its errors.

mod model;

use std::sync::mpsc;
use std::sync::{Arc, Barrier};

use super::*;
use crate::{Metered, Place, Usage};

const CREATE: Statement = Statement {
    name: "test.create",
    sql: "CREATE TABLE t (k INTEGER NOT NULL, v BLOB, PRIMARY KEY (k)) WITHOUT ROWID",
};
const PUT: Statement =
    Statement { name: "test.put", sql: "INSERT OR REPLACE INTO t (k, v) VALUES (?1, ?2)" };
const GET: Statement = Statement { name: "test.get", sql: "SELECT v FROM t WHERE k = ?1" };
const KEYS: Statement = Statement { name: "test.keys", sql: "SELECT k FROM t ORDER BY k" };
const DELETE: Statement = Statement { name: "test.delete", sql: "DELETE FROM t WHERE k = ?1" };

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, SqliteOptions::default()).unwrap()
}

fn run(store: &dyn RowExec, statement: &Statement, params: &[Value<'_>]) -> RowCounts {
    store.exec(statement, params, &mut |_| Flow::Continue).unwrap()
}

fn put(store: &dyn RowExec, k: i64) -> RowCounts {
    run(store, &PUT, &[Value::Int(k), Value::Blob(&k.to_le_bytes())])
}

fn keys(store: &dyn RowExec) -> Vec<i64> {
    let mut keys = Vec::new();
    store
        .exec(&KEYS, &[], &mut |row| {
            keys.extend(row[0].as_int());
            Flow::Continue
        })
        .unwrap();
    keys
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let blob: Vec<u8> = (0..1_900_000usize).map(|at| (at / 251) as u8 ^ at as u8).collect();
    {
        let store = open(dir.path());
        run(&store, &CREATE, &[]);
        put(&store, 1);
        store
            .atomically(&mut |transaction| {
                run(transaction, &PUT, &[Value::Int(2), Value::Blob(&blob)]);
                Verdict::Commit
            })
            .unwrap();
        store
            .atomically(&mut |transaction| {
                put(transaction, 3);
                Verdict::Rollback
            })
            .unwrap();
    }
    assert!(!dir.path().join("dodb.sqlite-wal").exists(), "closing folds the WAL into the file");
    let store = open(dir.path());
    assert_eq!(keys(&store), [1, 2]);
    let mut same = false;
    store
        .exec(&GET, &[Value::Int(2)], &mut |row| {
            same = row[0].as_blob() == Some(&blob);
            Flow::Continue
        })
        .unwrap();
    assert!(same);
}

/// A process that dies never closes its handles: its files, copied as they are, hold everything
/// that was committed and nothing else.
#[test]
fn files_taken_at_any_moment_hold_the_commits() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(dir.path());
    run(&store, &CREATE, &[]);
    put(&store, 1);
    store
        .atomically(&mut |transaction| {
            put(transaction, 2);
            for file in ["dodb.sqlite", "dodb.sqlite-wal"] {
                std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
            }
            Verdict::Commit
        })
        .unwrap();
    assert_eq!(keys(&open(copy.path())), [1]);
    assert_eq!(keys(&store), [1, 2]);
}

#[test]
fn a_folder_opens_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = SqliteStore::open(dir.path(), SqliteOptions::default()).err().unwrap();
    let Error::Locked { folder, holder } = &error else { panic!("{error:?}") };
    assert_eq!(folder, &dir.path().display().to_string());
    assert_eq!(holder, &format!(" in process {}", std::process::id()));
    let text = error.to_string();
    assert!(text.contains("stop that program or use another folder"), "{text}");
    drop(store);
    open(dir.path());
}

#[test]
fn readers_see_only_commits_while_a_transaction_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    run(&*store, &CREATE, &[]);
    put(&*store, 1);
    let (ask, asked) = mpsc::channel::<()>();
    let (answer, answered) = mpsc::channel();
    let reader = Arc::clone(&store);
    let thread = std::thread::spawn(move || {
        for () in asked {
            answer.send(keys(&*reader)).unwrap();
        }
    });
    let read_elsewhere = || {
        ask.send(()).unwrap();
        answered.recv().unwrap()
    };
    store
        .atomically(&mut |transaction| {
            put(transaction, 2);
            assert_eq!(read_elsewhere(), [1]);
            put(transaction, 3);
            assert_eq!(keys(transaction), [1, 2, 3]);
            assert_eq!(read_elsewhere(), [1]);
            Verdict::Commit
        })
        .unwrap();
    assert_eq!(read_elsewhere(), [1, 2, 3]);
    drop(ask);
    thread.join().unwrap();
}

/// Two writers move units between two rows, readers check that the sum never changes.
fn transfers_are_atomic(store: SqliteStore) {
    const SUM: Statement = Statement { name: "test.sum", sql: "SELECT sum(n), count(*) FROM acc" };
    const MOVE: Statement =
        Statement { name: "test.move", sql: "UPDATE acc SET n = n + ?2 WHERE k = ?1" };
    let store = Arc::new(store);
    for sql in [
        "CREATE TABLE acc (k INTEGER PRIMARY KEY, n INTEGER)",
        "INSERT INTO acc VALUES (1, 500), (2, 500)",
    ] {
        run(&*store, &Statement { name: "test.setup", sql }, &[]);
    }
    let start = Arc::new(Barrier::new(5));
    let mut threads = Vec::new();
    for worker in 0..5 {
        let (store, start) = (Arc::clone(&store), Arc::clone(&start));
        threads.push(std::thread::spawn(move || {
            start.wait();
            for round in 0..100 {
                if worker < 2 {
                    let verdict = if round % 3 == 0 { Verdict::Rollback } else { Verdict::Commit };
                    store
                        .atomically(&mut |transaction| {
                            run(transaction, &MOVE, &[Value::Int(1), Value::Int(-1)]);
                            run(transaction, &MOVE, &[Value::Int(2), Value::Int(1)]);
                            verdict
                        })
                        .unwrap();
                } else {
                    let mut row = Vec::new();
                    store
                        .exec(&SUM, &[], &mut |values| {
                            row.extend(values.iter().filter_map(Value::as_int));
                            Flow::Continue
                        })
                        .unwrap();
                    assert_eq!(row, [1000, 2]);
                }
            }
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let one = Statement { name: "test.one", sql: "SELECT n FROM acc WHERE k = 1" };
    let mut left = None;
    store
        .exec(&one, &[], &mut |row| {
            left = row[0].as_int();
            Flow::Stop
        })
        .unwrap();
    assert_eq!(left, Some(500 - 2 * 66));
}

#[test]
fn no_thread_sees_half_a_transaction_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { synchronous: Synchronous::Off, readers: 1 };
    transfers_are_atomic(SqliteStore::open(dir.path(), options).unwrap());
}

#[test]
fn no_thread_sees_half_a_transaction_in_memory() {
    transfers_are_atomic(SqliteStore::open_in_memory().unwrap());
}

#[test]
fn a_body_that_unwinds_is_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    for store in [open(dir.path()), SqliteStore::open_in_memory().unwrap()] {
        run(&store, &CREATE, &[]);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.atomically(&mut |transaction| {
                put(transaction, 1);
                panic!("body gives up");
            })
        }));
        assert!(unwound.is_err());
        put(&store, 2);
        assert_eq!(keys(&store), [2]);
    }
}

/// A full disk may end the transaction under the body. What follows must not be committed alone.
#[test]
fn a_full_database_loses_the_whole_transaction_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for store in [open(dir.path()), SqliteStore::open_in_memory().unwrap()] {
        run(&store, &CREATE, &[]);
        put(&store, 1);
        let pages_max = |pages: i64| {
            let writer = store.writer.lock();
            writer.connection().pragma(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        pages_max(40);
        let blob = vec![1u8; 1_000_000];
        let mut errors = Vec::new();
        let result = store.atomically(&mut |transaction| {
            put(transaction, 2);
            let full = [Value::Int(3), Value::Blob(&blob)];
            errors.extend(transaction.exec(&PUT, &full, &mut |_| Flow::Continue).err());
            let after = [Value::Int(4), Value::Null];
            errors.extend(transaction.exec(&PUT, &after, &mut |_| Flow::Continue).err());
            if errors.is_empty() { Verdict::Commit } else { Verdict::Rollback }
        });
        assert!(result.is_ok(), "{result:?}");
        let Some(Error::Full { what, .. }) = errors.first() else { panic!("{errors:?}") };
        assert_eq!(*what, "test.put");
        assert_eq!(keys(&store), [1]);
        pages_max(1_000_000);
        put(&store, 5);
        assert_eq!(keys(&store), [1, 5]);
    }
}

#[test]
fn a_body_whose_transaction_sqlite_ended_cannot_go_on_or_commit() {
    let store = SqliteStore::open_in_memory().unwrap();
    run(&store, &CREATE, &[]);
    let mut after = None;
    let result = store.atomically(&mut |transaction| {
        put(transaction, 1);
        // What SQLite does by itself on some I/O errors.
        store.writer.lock().connection().execute_batch("ROLLBACK").unwrap();
        after = transaction.exec(&KEYS, &[], &mut |_| Flow::Continue).err();
        Verdict::Commit
    });
    assert!(matches!(after, Some(Error::TransactionLost { what: "test.keys" })), "{after:?}");
    assert!(matches!(result, Err(Error::TransactionLost { what: "commit" })), "{result:?}");
    assert_eq!(keys(&store), []);
}

#[test]
fn another_program_holding_the_file_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(&store, &CREATE, &[]);
    store.writer.lock().connection().busy_timeout(std::time::Duration::from_millis(10)).unwrap();
    let other = Connection::open(dir.path().join("dodb.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.exec(&PUT, &[Value::Int(1), Value::Null], &mut |_| Flow::Continue);
    assert!(matches!(error, Err(Error::Busy { what: "test.put", .. })), "{error:?}");
    let error = store.atomically(&mut |_| Verdict::Commit);
    assert!(matches!(error, Err(Error::Busy { what: "begin", .. })), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    put(&store, 1);
    assert_eq!(keys(&store), [1]);
}

#[test]
fn a_file_that_is_no_database_is_corrupt_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dodb.sqlite");
    let garbage = vec![0x5a; 10_000];
    std::fs::write(&path, &garbage).unwrap();
    let error = SqliteStore::open(dir.path(), SqliteOptions::default()).err().unwrap();
    let Error::Corrupt { database, .. } = &error else { panic!("{error:?}") };
    assert_eq!(database, &path.display().to_string());
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
}

#[test]
fn damaged_pages_are_an_error_not_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dodb.sqlite");
    {
        let store = open(dir.path());
        run(&store, &CREATE, &[]);
        store
            .atomically(&mut |transaction| {
                for k in 0..2000 {
                    put(transaction, k);
                }
                Verdict::Commit
            })
            .unwrap();
    }
    let mut bytes = std::fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0xa5;
    }
    std::fs::write(&path, &bytes).unwrap();
    let store = open(dir.path());
    let error = store.exec(&KEYS, &[], &mut |_| Flow::Continue);
    assert!(matches!(error, Err(Error::Corrupt { what: "test.keys", .. })), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_io_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let error = SqliteStore::open(&file.join("data"), SqliteOptions::default()).err();
    assert!(matches!(error, Some(Error::Io { what: "open", .. })), "{error:?}");
}

#[test]
fn text_that_is_not_utf8_is_an_error() {
    let store = SqliteStore::open_in_memory().unwrap();
    let bad = Statement { name: "test.bad", sql: "SELECT 1, CAST(x'ff41' AS TEXT)" };
    let error = store.exec(&bad, &[], &mut |_| Flow::Continue);
    assert!(matches!(error, Err(Error::NotUtf8 { place: Place::Column(2), .. })), "{error:?}");
    let nul = Statement { name: "test.nul", sql: "SELECT ?1" };
    let mut back = String::new();
    store
        .exec(&nul, &[Value::Text("a\0b")], &mut |row| {
            back.push_str(row[0].as_text().unwrap());
            Flow::Continue
        })
        .unwrap();
    assert_eq!(back, "a\0b");
}

/// Results the limits refuse; in a Durable Object JavaScript has already rounded the integer.
#[test]
fn an_integer_result_beyond_2_53_is_refused() {
    let store = Metered::new(Box::new(SqliteStore::open_in_memory().unwrap()));
    let big = Statement { name: "test.big", sql: "SELECT 1, 9007199254740993" };
    let error = store.exec(&big, &[], &Usage::default(), &mut |_| Flow::Continue).unwrap_err();
    assert!(matches!(error, Error::IntegerTooLarge { place: Place::Column(2), .. }), "{error:?}");
}

/// Statements prepared before the schema changed run on the new schema, counted afresh.
#[test]
fn cached_statements_survive_schema_changes() {
    let dir = tempfile::tempdir().unwrap();
    let all = Statement { name: "test.all", sql: "SELECT * FROM t" };
    for store in [open(dir.path()), SqliteStore::open_in_memory().unwrap()] {
        run(&store, &CREATE, &[]);
        for k in 0..5 {
            put(&store, k);
        }
        let mut widths = Vec::new();
        for _ in 0..2 {
            let counts = store
                .exec(&all, &[], &mut |row| {
                    widths.push(row.len());
                    Flow::Continue
                })
                .unwrap();
            assert_eq!(counts, RowCounts { read: 5, written: 0 });
            let add = Statement { name: "test.add", sql: "ALTER TABLE t ADD COLUMN w INTEGER" };
            let _ = store.exec(&add, &[], &mut |_| Flow::Continue);
        }
        assert_eq!(widths, [2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
    }
}

/// A callback may use the store again: reads and writes within reads, more readers than idle ones.
#[test]
fn callbacks_may_call_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { readers: 1, ..SqliteOptions::default() };
    for store in
        [SqliteStore::open(dir.path(), options).unwrap(), SqliteStore::open_in_memory().unwrap()]
    {
        run(&store, &CREATE, &[]);
        put(&store, 1);
        put(&store, 2);
        let mut inner = Vec::new();
        store
            .exec(&KEYS, &[], &mut |_| {
                inner.extend(keys(&store));
                Flow::Continue
            })
            .unwrap();
        assert_eq!(inner, [1, 2, 1, 2]);
        store
            .exec(&GET, &[Value::Int(1)], &mut |_| {
                put(&store, 3);
                Flow::Continue
            })
            .unwrap();
        assert_eq!(keys(&store), [1, 2, 3]);
    }
}

/// `RETURNING` rows may be cut short; the write is complete all the same.
#[test]
fn a_write_runs_to_its_end_when_its_rows_are_not_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(&store, &CREATE, &[]);
    let many =
        Statement { name: "test.many", sql: "INSERT INTO t (k) VALUES (1), (2), (3) RETURNING k" };
    let mut seen = 0;
    let counts = store
        .exec(&many, &[], &mut |_| {
            seen += 1;
            Flow::Stop
        })
        .unwrap();
    assert_eq!((seen, counts.written), (1, 3));
    drop(store);
    assert_eq!(keys(&open(dir.path())), [1, 2, 3]);
}

/// Why `COUNT(*)` is not in the shared counts: libSQL bills pages, workerd entries (3000 here).
#[test]
fn count_star_is_counted_in_pages() {
    let store = SqliteStore::open_in_memory().unwrap();
    run(&store, &CREATE, &[]);
    for k in 0..3000 {
        put(&store, k);
    }
    let count = Statement { name: "test.count", sql: "SELECT count(*) FROM t" };
    assert_eq!(run(&store, &count, &[]), RowCounts { read: 14, written: 0 });
}
