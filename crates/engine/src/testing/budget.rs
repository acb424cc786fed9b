//! The row budgets, pinned: what opening, counting, looking up and inserting cost in SQLite's own
//! counters on a database that was just opened. Not here: what the answers are (`model.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Stores;
use super::support::*;
use arrow_array::RecordBatch;
use dodb_engine::{Db, Error, JobBudget, Options, TableDef, things as columns};
use dodb_part::{ColumnType, CompareOp, Predicate, Scalar};
use dodb_rowstore::{Flow, RowCounts, RowStore, Statement, Usage};

cases![
    a_small_table,
    a_large_table,
    an_empty_database_counts_for_nothing,
    one_thing_alone_writes_one_row,
    a_thousand_things_write_six_rows_at_most_once_folded,
    two_columns_of_a_wide_table_read_only_their_rows,
    who_writes_faster_than_background_work_merges_does_its_work,
];

const JOBS: JobBudget = JobBudget { steps_max: usize::MAX, thorough: false };

/// What `body` costs on a database opened for it alone, opening included.
fn cost(store: &Arc<dyn RowStore>, body: impl FnOnce(&Db, &Usage)) -> RowCounts {
    let db = open(store, &Options::default());
    let usage = Usage::default();
    body(&db, &usage);
    let metered = metered(&db);
    assert_eq!(usage.rows_read(), metered.read, "opening reads, or a request hides what it read");
    assert_eq!(usage.rows_written(), metered.written, "opening writes, or a request hides it");
    metered
}

/// 100,000 things that came in requests of 1,000 with jobs in between, and the rows it took.
fn loaded(stores: Stores<'_>) -> (Arc<dyn RowStore>, RowCounts) {
    let store = stores();
    let db = open(&store, &Options::default());
    let usage = Usage::default();
    let ready = metered(&db);
    for start in (0..100_000).step_by(1_000) {
        let batch = things(&numbered(start..start + 1_000));
        assert_eq!(now(db.insert("things", &batch, &usage)).unwrap(), 1_000);
        db.run_jobs(&JOBS, &usage).unwrap();
    }
    let done = metered(&db);
    (store, RowCounts { read: done.read - ready.read, written: done.written - ready.written })
}

/// 3,000 things in three parts whose filters ride in the head row.
fn small(stores: Stores<'_>) -> Arc<dyn RowStore> {
    let store = stores();
    let db = open(&store, &Options::default());
    for start in [0, 1_000, 2_000] {
        now(db.insert("things", &things(&numbered(start..start + 1_000)), &Usage::default()))
            .unwrap();
    }
    store
}

fn by_id(id: &str) -> Predicate {
    text(columns::ID, CompareOp::Eq, id)
}

fn a_small_table(stores: Stores<'_>) {
    let store = small(stores);
    opening_costs_nothing_once_tables_exist(&store);
    a_thing_by_id_reads_three_rows_at_most(&store, 3_000, 97);
    an_absent_id_reads_two_rows_at_most(&store, 1 << 40);
    assert_eq!(filter_rows(&store), 0);
}

fn a_large_table(stores: Stores<'_>) {
    let (store, spent) = loaded(stores);
    assert!(spent.written <= 800, "{spent:?} for 100,000 things: eight a thousand at most");
    opening_costs_nothing_once_tables_exist(&store);
    a_count_reads_one_row(&store);
    counts_by_type_read_one_row(&store);
    the_range_of_created_at_reads_one_row(&store);
    a_thing_by_id_reads_three_rows_at_most(&store, 100_000, 1_999);
    an_absent_id_reads_two_rows_at_most(&store, 1 << 41);
    // Else the look-ups of both tables would all be of one kind.
    assert!(filter_rows(&store) >= 1);
}

fn opening_costs_nothing_once_tables_exist(store: &Arc<dyn RowStore>) {
    assert_eq!(metered(&open(store, &Options::default())), RowCounts::default());
}

fn a_count_reads_one_row(store: &Arc<dyn RowStore>) {
    let spent = cost(store, |db, usage| {
        assert_eq!(db.snapshot("things", usage).unwrap().rows(), 100_000);
    });
    assert_eq!(spent, RowCounts { read: 1, written: 0 });
}

fn counts_by_type_read_one_row(store: &Arc<dyn RowStore>) {
    let spent = cost(store, |db, usage| {
        let snapshot = db.snapshot("things", usage).unwrap();
        let values = snapshot.column_stats(columns::TYPE).unwrap().values.clone().unwrap();
        let want = ["Airline", "Airport", "Flight", "Plane", "Weather"];
        let want: Vec<_> = want.map(|ty| (Scalar::String(ty.into()), 20_000)).into();
        assert_eq!(values, want);
    });
    assert_eq!(spent, RowCounts { read: 1, written: 0 });
}

fn the_range_of_created_at_reads_one_row(store: &Arc<dyn RowStore>) {
    let spent = cost(store, |db, usage| {
        let snapshot = db.snapshot("things", usage).unwrap();
        let stats = snapshot.column_stats(columns::CREATED_AT).unwrap();
        assert!(stats.exact);
        assert_eq!(stats.min, Some(Scalar::Int(1_600_000_000_000)));
        assert_eq!(stats.max, Some(Scalar::Int(1_600_000_000_000 + 99_999 * 60_000)));
    });
    assert_eq!(spent, RowCounts { read: 1, written: 0 });
}

fn an_empty_database_counts_for_nothing(stores: Stores<'_>) {
    let store = stores();
    drop(open(&store, &Options::default()));
    let spent = cost(&store, |db, usage| {
        assert_eq!(db.snapshot("things", usage).unwrap().rows(), 0);
    });
    assert_eq!(spent, RowCounts::default());
}

fn a_thing_by_id_reads_three_rows_at_most(store: &Arc<dyn RowStore>, count: u64, step: usize) {
    let mut costs = BTreeMap::<u64, u64>::new();
    for thing in numbered(0..count).into_iter().step_by(step) {
        let spent = cost(store, |db, usage| {
            assert_eq!(found(db, "things", &by_id(&thing.id), usage).unwrap(), 1);
        });
        *costs.entry(spent.read).or_default() += 1;
    }
    // A filter errs about once in a thousand, and then one more part is opened.
    let over: u64 = costs.range(4..).map(|(_, n)| n).sum();
    assert!(over <= 1 && costs.range(5..).count() == 0, "rows read, times: {costs:?}");
}

fn an_absent_id_reads_two_rows_at_most(store: &Arc<dyn RowStore>, base: u64) {
    let mut costs = BTreeMap::<u64, u64>::new();
    for thing in numbered(base..base + 50) {
        let spent = cost(store, |db, usage| {
            assert_eq!(found(db, "things", &by_id(&thing.id), usage).unwrap(), 0);
        });
        *costs.entry(spent.read).or_default() += 1;
    }
    let over: u64 = costs.range(3..).map(|(_, n)| n).sum();
    assert!(over <= 1 && costs.range(4..).count() == 0, "rows read, times: {costs:?}");
}

/// Rows of `_ids` that `things` has: the filters of its large parts.
fn filter_rows(store: &Arc<dyn RowStore>) -> u64 {
    let sql = "SELECT tbl FROM _ids WHERE tbl = 1";
    let statement = Statement { name: "test_ids", sql };
    let mut rows = 0;
    store.exec(&statement, &[], &mut |_| (rows += 1, Flow::Continue).1).unwrap();
    rows
}

fn one_thing_alone_writes_one_row(stores: Stores<'_>) {
    let store = stores();
    drop(open(&store, &Options::default()));
    for n in 0..3 {
        let spent = cost(&store, |db, usage| {
            now(db.insert("things", &things(&numbered(n..n + 1)), usage)).unwrap();
        });
        assert_eq!(spent, RowCounts { read: n.min(1), written: 1 });
    }
}

fn a_thousand_things_write_six_rows_at_most_once_folded(stores: Stores<'_>) {
    for request in [1_000, 500, 250] {
        let store = stores();
        drop(open(&store, &Options::default()));
        let spent = cost(&store, |db, usage| {
            for start in (0..1_000).step_by(request as usize) {
                let batch = things(&numbered(start..start + request));
                now(db.insert("things", &batch, usage)).unwrap();
            }
            db.run_jobs(&JOBS, usage).unwrap();
            let parts = db.snapshot("things", usage).unwrap().parts(usage).unwrap();
            assert!(parts.iter().all(|part| part.layout != "fresh"), "{parts:?}");
        });
        assert!(spent.written <= 6, "requests of {request}: {spent:?}");
    }
}

fn two_columns_of_a_wide_table_read_only_their_rows(stores: Stores<'_>) {
    const ROWS: i64 = 200_000;
    const WIDTH: u32 = 20;
    let store = stores();
    let db = open(&store, &Options::default());
    let usage = Usage::default();
    let names: Vec<String> = (1..=WIDTH).map(|n| format!("c{n}")).collect();
    let defs = names.iter().map(|name| (name.clone(), ColumnType::Int64, false)).collect();
    let def = TableDef::plain("wide", defs, &[], None).unwrap();
    db.create_table(def, false, &usage).unwrap();
    let mut rng = Rng(7);
    let batch = RecordBatch::try_from_iter(
        names.iter().map(|name| (name, ints((0..ROWS).map(|_| rng.next() as i64 >> 24)))),
    )
    .unwrap();
    now(db.insert("wide", &batch, &usage)).unwrap();
    db.run_jobs(&JOBS, &usage).unwrap();
    let id = db.table("wide", &usage).unwrap().id;

    let mut streams = BTreeMap::<i64, u64>::new();
    let sql = "SELECT stream FROM _parts WHERE tbl = ?1";
    let statement = Statement { name: "test_streams", sql };
    let params = [dodb_rowstore::Value::Int(i64::from(id))];
    store
        .exec(&statement, &params, &mut |row| {
            *streams.entry(row[0].as_int().unwrap()).or_default() += 1;
            Flow::Continue
        })
        .unwrap();
    assert_eq!(streams.len() as u32, WIDTH + 1, "a header and a stream a column: {streams:?}");

    let spent = cost(&store, |db, usage| {
        let snapshot = db.snapshot("wide", usage).unwrap();
        let batches = try_scan(&snapshot, &[3, 11], &Predicate::True, false, usage).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), ROWS as usize);
    });
    // The catalog, the head row, the parts' headers, and the rows of the two columns.
    assert_eq!(spent.read, 2 + streams[&0] + streams[&4] + streams[&12], "{streams:?}");
}

/// Without background work the head row would list more and more parts, until it is full.
fn who_writes_faster_than_background_work_merges_does_its_work(stores: Stores<'_>) {
    let store = stores();
    let options =
        Options { fresh_insert_rows_max: 4, head_bytes_max: 64_000, ..Options::default() };
    let db = open(&store, &options);
    let usage = Usage::default();
    for start in (0..2_000).step_by(5) {
        let batch = things(&numbered(start..start + 5));
        assert_eq!(now(db.insert("things", &batch, &usage)).unwrap(), 5);
    }
    let everything = Predicate::And(Vec::new());
    let all = |db: &Db| found(db, "things", &everything, &Usage::default()).unwrap();
    assert_eq!(all(&db), 2_000);
    assert!(db.snapshot("things", &usage).unwrap().part_count() < 200, "parts were merged");
    // Deleted rows take room as well. Who deletes is told to read again once parts were merged.
    let mut left = 2_000;
    for n in (0..2_000).step_by(3) {
        let id = numbered(n..n + 1).remove(0).id;
        let deleted = (0..3).find_map(|_| {
            let rows = addresses(&db.snapshot("things", &usage).unwrap(), &by_id(&id));
            match now(db.mutate("things", rows, None, &usage)) {
                Err(Error::Conflict { .. }) => None,
                other => Some(other.unwrap()),
            }
        });
        assert_eq!(deleted, Some(1), "{id}");
        left -= 1;
    }
    assert_eq!(all(&db), left);
    assert_eq!(all(&open(&store, &options)), left);
}
