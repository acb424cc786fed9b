//! The tiers as one table: what a table answers before a flush, after it and half way, what a
//! failure at any call of the row store or the bucket leaves behind, what missing and torn objects
//! do. Not here: random operations (`model.rs`), what other engines read (`tests/`).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;

use super::Stores;
use super::support::{
    TestEnv, Thing, addresses, addresses_in, bucket, edges, ints, metered, now, numbered, scan,
    strings, text, things, try_open_with, try_scan,
};
use super::table_model::rendered;
use dodb_engine::{
    Alter, AsOf, Bucket, Db, Env, Error, ErrorKind, FlushScope, JobBudget, JobKind, JobStatus,
    Options, Result, TableDef, relationships, things as thing,
};
use dodb_lake::fault as objects;
use dodb_part::{ColumnType, CompareOp, Predicate};
use dodb_rowstore::fault::{FaultStore, Then};
use dodb_rowstore::{RowStore, Usage};
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStoreExt, PutPayload};

cases![
    a_flushed_table_answers_as_before,
    a_count_reads_one_row_in_every_tier,
    a_row_in_the_bucket_is_replaced_and_deleted,
    rows_deleted_while_they_move_stay_deleted,
    the_oldest_rows_go_when_there_are_too_many,
    rows_go_when_they_are_old,
    a_step_takes_no_more_rows_than_a_part_may_have,
    a_step_takes_no_more_memory_than_a_part_may_have,
    a_file_that_no_step_can_hold_gets_delete_files,
    full_files_do_not_keep_others_from_being_joined,
    columns_that_came_went_and_changed_names,
    older_snapshots_are_read_as_they_were,
    objects_of_a_dropped_table_are_deleted,
    a_missing_or_torn_file_is_named_and_others_go_on,
    without_the_bucket_hot_rows_still_answer,
    a_process_that_dies_at_any_row_call_loses_nothing,
    a_process_that_dies_at_any_object_call_loses_nothing,
    a_failing_object_call_leaves_the_open_database_as_it_was,
];

fn tiny() -> Options {
    Options {
        fresh_insert_rows_max: 6,
        fold_rows_min: 8,
        compact_bytes_max: 2_500,
        merge_fanout: 2,
        inline_filter_rows_max: 8,
        flush_rows_max: 15,
        file_bytes: 20_000,
        cache_bytes_max: 0,
        ..Options::default()
    }
}

fn open(store: &Arc<dyn RowStore>, options: &Options, bucket: &Bucket, env: &Arc<TestEnv>) -> Db {
    let bucket = Some(bucket.clone());
    try_open_with(Box::new(store.clone()), options, bucket, env.clone()).unwrap()
}

fn fresh(stores: Stores<'_>, options: &Options) -> (Arc<dyn RowStore>, Bucket, Arc<TestEnv>, Db) {
    let (store, bucket, env) = (stores(), bucket(), Arc::new(TestEnv::default()));
    let db = open(&store, options, &bucket, &env);
    (store, bucket, env, db)
}

fn flush(db: &Db, table: &str, usage: &Usage) -> Result<u64> {
    let mut rows = 0;
    loop {
        let step = now(db.flush_step(table, FlushScope::All, usage))?;
        rows += step.rows;
        if !step.more {
            return Ok(rows);
        }
    }
}

fn compact(db: &Db, table: &str, usage: &Usage) -> Result<()> {
    while now(db.compact_step(table, true, usage))?.more {}
    Ok(())
}

/// Every row of a table as text, in order.
fn all(db: &Db, table: &str) -> Vec<String> {
    let snapshot = db.snapshot(table, &Usage::default()).unwrap();
    let ids: Vec<u32> = snapshot.def().schema.columns().iter().map(|c| c.id).collect();
    let rows = rendered(&scan(&snapshot, &ids, &Predicate::True), &ids);
    assert_eq!(snapshot.rows(), rows.len() as u64, "rows of {table}");
    rows
}

fn check_clean(db: &Db, what: &str) {
    let report = now(db.verify(&Usage::default())).unwrap();
    assert!(report.faults.is_empty(), "{what}: {:#?}", report.faults);
}

fn id_is(n: u64) -> Predicate {
    text(thing::ID, CompareOp::Eq, &numbered(n..n + 1).remove(0).id)
}

fn a_flushed_table_answers_as_before(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &tiny());
    let usage = Usage::default();
    for start in (0..100).step_by(20) {
        now(db.insert("things", &things(&numbered(start..start + 20)), &usage)).unwrap();
    }
    let triples: Vec<_> =
        (0..40).map(|n| (format!("t{n}"), format!("t{}", n % 7), "knows".to_owned())).collect();
    now(db.insert("relationships", &edges::<String>(&triples, 5), &usage)).unwrap();
    let before = [all(&db, "things"), all(&db, "relationships")];
    let counts = db.snapshot("things", &usage).unwrap().column_stats(thing::TYPE).cloned();
    // Half way: some rows are hot, some are in the bucket.
    let step = now(db.flush_step("things", FlushScope::All, &usage)).unwrap();
    assert!(step.more && step.rows > 0 && step.files > 0, "{step:?}");
    assert_eq!(all(&db, "things"), before[0]);
    flush(&db, "things", &usage).unwrap();
    flush(&db, "relationships", &usage).unwrap();
    for db in [db, open(&store, &tiny(), &bucket, &env)] {
        let snapshot = db.snapshot("things", &usage).unwrap();
        assert_eq!((snapshot.part_count(), snapshot.warm().0), (0, 100));
        assert_eq!(snapshot.column_stats(thing::TYPE).cloned(), counts);
        assert_eq!([all(&db, "things"), all(&db, "relationships")], before);
        for n in [0, 50, 99, 1 << 40] {
            let found = scan(&snapshot, &[thing::ID], &id_is(n));
            let rows: usize = found.iter().map(|batch| batch.num_rows()).sum();
            assert_eq!(rows, usize::from(n < 100), "thing {n}");
        }
        check_clean(&db, "flushed");
    }
}

fn a_count_reads_one_row_in_every_tier(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &Options::default());
    let usage = Usage::default();
    now(db.insert("things", &things(&numbered(0..2_000)), &usage)).unwrap();
    flush(&db, "things", &usage).unwrap();
    now(db.insert("things", &things(&numbered(2_000..2_010)), &usage)).unwrap();
    let db = open(&store, &Options::default(), &bucket, &env);
    let usage = Usage::default();
    let snapshot = db.snapshot("things", &usage).unwrap();
    assert_eq!(snapshot.rows(), 2_010);
    assert_eq!((metered(&db).read, usage.object_gets()), (1, 0));
}

fn a_row_in_the_bucket_is_replaced_and_deleted(stores: Stores<'_>) {
    let (_, _, _, db) = fresh(stores, &tiny());
    let usage = Usage::default();
    now(db.insert("things", &things(&numbered(0..30)), &usage)).unwrap();
    flush(&db, "things", &usage).unwrap();
    let mut changed = numbered(10..20);
    for thing in &mut changed {
        thing.data = r#"{"changed":true}"#.to_owned();
        thing.ty = "Changed".to_owned();
    }
    now(db.insert("things", &things(&changed), &usage)).unwrap();
    let rows = all(&db, "things");
    assert_eq!(rows.len(), 30);
    assert_eq!(rows.iter().filter(|row| row.contains("changed")).count(), 10);
    let snapshot = db.snapshot("things", &usage).unwrap();
    let gone = addresses(&snapshot, &id_is(3));
    assert_eq!(now(db.mutate("things", gone.clone(), None, &usage)).unwrap(), 1);
    let again = now(db.mutate("things", gone, None, &usage)).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    assert_eq!(all(&db, "things").len(), 29);
    check_clean(&db, "deletions pending");
    compact(&db, "things", &usage).unwrap();
    let snapshot = db.snapshot("things", &usage).unwrap();
    for file in snapshot.files(&usage).unwrap() {
        assert_eq!(file.deleted_rows, file.deletes_written, "{file:?}");
    }
    assert_eq!(all(&db, "things").len(), 29);
    flush(&db, "things", &usage).unwrap();
    compact(&db, "things", &usage).unwrap();
    assert_eq!(all(&db, "things").len(), 29);
    check_clean(&db, "compacted");
}

fn rows_deleted_while_they_move_stay_deleted(stores: Stores<'_>) {
    // At each throw of a flush or compaction in turn somebody deletes a row and replaces another.
    for throw in 1..=8 {
        let (_, _, env, db) = fresh(stores, &tiny());
        let usage = Usage::default();
        now(db.insert("things", &things(&numbered(0..12)), &usage)).unwrap();
        let meanwhile = |gone: u64, changed: u64| {
            let other = db.clone();
            move || {
                let usage = Usage::default();
                let rows = addresses(&other.snapshot("things", &usage).unwrap(), &id_is(gone));
                assert_eq!(now(other.mutate("things", rows, None, &usage)).unwrap(), 1);
                let mut thing = numbered(changed..changed + 1).remove(0);
                thing.data = r#"{"changed":true}"#.to_owned();
                now(other.insert("things", &things(&[thing]), &usage)).unwrap();
            }
        };
        env.at_throw(throw, meanwhile(5, 7));
        flush(&db, "things", &usage).unwrap();
        check_clean(&db, "flushed");
        env.at_throw(throw, || ());
        flush(&db, "things", &usage).unwrap();
        env.at_throw(throw, meanwhile(6, 8));
        compact(&db, "things", &usage).unwrap();
        // Whatever did not happen in between happens now.
        env.at_throw(1, || ());
        let rows = all(&db, "things");
        let changed = rows.iter().filter(|row| row.contains("changed")).count();
        assert_eq!(12 - rows.len(), changed, "throw {throw}: {rows:#?}");
        assert!(changed > 0, "throw {throw}: nothing happened in between");
        check_clean(&db, "compacted");
    }
}

fn the_oldest_rows_go_when_there_are_too_many(stores: Stores<'_>) {
    let options = Options { hot_rows_max: 40, ..tiny() };
    let (_, _, _, db) = fresh(stores, &options);
    let usage = Usage::default();
    for start in (0..60).step_by(10) {
        assert_eq!(db.has_flush_due("things", &usage).unwrap(), start > 40);
        now(db.insert("things", &things(&numbered(start..start + 10)), &usage)).unwrap();
    }
    while now(db.flush_step("things", FlushScope::Due, &usage)).unwrap().rows > 0 {}
    let snapshot = db.snapshot("things", &usage).unwrap();
    let (warm, _, _) = snapshot.warm();
    assert!((20..=50).contains(&warm), "{warm} rows went");
    assert_eq!(all(&db, "things").len(), 60);
}

/// Small rows make parts of many, however few bytes these have.
fn a_step_takes_no_more_rows_than_a_part_may_have(stores: Stores<'_>) {
    let options = Options { part_rows_max: 10_000, flush_rows_max: 1, ..Options::default() };
    let (_, _, _, db) = fresh(stores, &options);
    let usage = Usage::default();
    for start in (0..36_000).step_by(3_000) {
        let rows = (start..start + 3_000).map(|n| Thing::new(format!("{n}"), "T", "{}", 0));
        now(db.insert("things", &things(&rows.collect::<Vec<_>>()), &usage)).unwrap();
        let all = JobBudget { steps_max: usize::MAX, thorough: true };
        db.run_jobs(&all, &usage).unwrap();
    }
    // A part ends with a granule.
    let most = steps_of(&db, 36_000);
    assert!(most <= 10_000, "{most} rows in a step");
    let rows = (0..36_000).map(|n| Thing::new(format!("n{n}"), "T", "{}", 0));
    now(db.insert("things", &things(&rows.collect::<Vec<_>>()), &usage)).unwrap();
    let most = steps_of(&db, 36_000);
    assert!(most < 10_000 + 8_192, "{most} rows in a step");
}

/// Texts that compress well are large when they are read, also for who opens the database anew.
fn a_step_takes_no_more_memory_than_a_part_may_have(stores: Stores<'_>) {
    let options = Options {
        part_memory_bytes_max: 1 << 20,
        flush_rows_max: u64::MAX,
        flush_bytes_max: u64::MAX,
        ..Options::default()
    };
    let (store, bucket, env, db) = fresh(stores, &options);
    let usage = Usage::default();
    let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000));
    let long = |range: std::ops::Range<u64>| {
        let each = range.map(|n| Thing::new(format!("{n}"), "T", &data, 0));
        things(&each.collect::<Vec<_>>())
    };
    for start in (0..3_000).step_by(300) {
        now(db.insert("things", &long(start..start + 300), &usage)).unwrap();
        let all = JobBudget { steps_max: usize::MAX, thorough: true };
        db.run_jobs(&all, &usage).unwrap();
    }
    now(db.insert("things", &long(3_000..6_000), &usage)).unwrap();
    let db = try_open_with(Box::new(store), &options, Some(bucket), env).unwrap();
    let most = steps_of(&db, 6_000);
    assert!((700..1_300).contains(&most), "{most} rows in a step, of a thousand bytes each");
}

fn a_file_that_no_step_can_hold_gets_delete_files(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &Options::default());
    let usage = Usage::default();
    let rows = (0..400).map(|n| Thing::new(format!("{n}"), "T", "{}", 0));
    now(db.insert("things", &things(&rows.collect::<Vec<_>>()), &usage)).unwrap();
    flush(&db, "things", &usage).unwrap();
    let gone = Predicate::IsNotNull { column: 1 };
    let mut gone = addresses(&db.snapshot("things", &usage).unwrap(), &gone);
    for (_, rows) in &mut gone {
        rows.remove_range(200..);
    }
    now(db.mutate("things", gone, None, &usage)).unwrap();
    // The rows that are left take more than twice that.
    let options = Options { part_memory_bytes_max: 1_000, ..Options::default() };
    let small = open(&store, &options, &bucket, &env);
    let step = now(small.compact_step("things", false, &usage)).unwrap();
    assert_eq!((step.rows, step.files_replaced, step.delete_files), (0, 0, 1), "{step:?}");
    let large = open(&store, &Options::default(), &bucket, &env);
    let step = now(large.compact_step("things", false, &usage)).unwrap();
    assert_eq!((step.rows, step.files_replaced), (200, 1), "{step:?}");
}

/// Moves so many things to the bucket; answers how many rows a step took at most.
fn steps_of(db: &Db, rows: u64) -> u64 {
    let usage = Usage::default();
    let mut steps = Vec::new();
    loop {
        let step = now(db.flush_step("things", FlushScope::All, &usage)).unwrap();
        steps.push(step.rows);
        if !step.more {
            break;
        }
    }
    assert_eq!(steps.iter().sum::<u64>(), rows);
    assert!(steps.len() <= 8, "{steps:?}");
    steps.into_iter().max().unwrap_or_default()
}

fn rows_go_when_they_are_old(stores: Stores<'_>) {
    // The clock ticks a millisecond a look: not old at first, old after a thousand looks.
    let options = Options { hot_age_ms_max: 1_000, ..tiny() };
    let (_, _, env, db) = fresh(stores, &options);
    let usage = Usage::default();
    assert_eq!(db.next_flush_ms(), None);
    // As a part, and as fresh rows.
    now(db.insert("things", &things(&numbered(0..10)), &usage)).unwrap();
    now(db.insert("things", &things(&numbered(10..11)), &usage)).unwrap();
    assert!(!db.has_flush_due("things", &usage).unwrap() && !db.has_warm_jobs());
    let due_ms = db.next_flush_ms().unwrap();
    while env.now_ms() < due_ms + 20 {}
    assert!(db.has_flush_due("things", &usage).unwrap() && db.has_warm_jobs());
    // What a database does that an alarm woke: it knows of no table.
    db.forget();
    assert!(!db.has_warm_jobs());
    db.load_tables(&usage).unwrap();
    // One step at a time, as natively: tables without work take nobody's turn.
    let mut calls = 0;
    while now(db.run_warm_jobs(1, &usage)).unwrap().more {
        calls += 1;
        assert!(calls < 20, "background work goes round in circles");
    }
    let snapshot = db.snapshot("things", &usage).unwrap();
    assert_eq!((snapshot.rows(), snapshot.warm().0), (11, 11));
    assert_eq!(db.next_flush_ms(), None);
    let jobs = db.jobs();
    let flush = jobs.iter().find(|job| job.kind == JobKind::Flush).unwrap();
    let expected = ("things", JobStatus::Done, 11, Some(0));
    assert_eq!((flush.table.as_str(), flush.status, flush.rows, flush.rows_left), expected);
}

fn full_files_do_not_keep_others_from_being_joined(stores: Stores<'_>) {
    let options = Options { flush_rows_max: 30, merge_fanout: 3, ..tiny() };
    let (_, _, _, db) = fresh(stores, &options);
    let usage = Usage::default();
    let columns = vec![("n".to_owned(), ColumnType::Int64, false)];
    db.create_table(TableDef::plain("t", columns, &[], None).unwrap(), false, &usage).unwrap();
    let mut n = 0;
    for full in 1..=3 {
        for _ in 0..3 {
            let batch = RecordBatch::try_from_iter([("n", ints(n..n + 10))]).unwrap();
            now(db.insert("t", &batch, &usage)).unwrap();
            flush(&db, "t", &usage).unwrap();
            n += 10;
        }
        while now(db.compact_step("t", false, &usage)).unwrap().more {}
        assert_eq!(db.snapshot("t", &usage).unwrap().warm().1, full, "files");
    }
    // Two small ones are not worth it in the background; by hand they are.
    for _ in 0..2 {
        let batch = RecordBatch::try_from_iter([("n", ints(n..n + 2))]).unwrap();
        now(db.insert("t", &batch, &usage)).unwrap();
        flush(&db, "t", &usage).unwrap();
        n += 2;
    }
    assert!(!now(db.compact_step("t", false, &usage)).unwrap().more);
    assert!(now(db.compact_step("t", true, &usage)).unwrap().more);
    assert_eq!(db.snapshot("t", &usage).unwrap().warm().1, 4);
    assert_eq!(db.snapshot("t", &usage).unwrap().rows(), n as u64);
    check_clean(&db, "joined");
}

fn columns_that_came_went_and_changed_names(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &tiny());
    let usage = Usage::default();
    let columns = vec![
        ("k".to_owned(), ColumnType::String, false),
        ("n".to_owned(), ColumnType::Int64, true),
    ];
    let def = TableDef::plain("log", columns, &["k".to_owned()], None).unwrap();
    db.create_table(def, false, &usage).unwrap();
    let batch = |name: &str, from: i64| {
        let names: Vec<String> = (from..from + 10).map(|n| format!("k{n:03}")).collect();
        let values = ints(from..from + 10);
        RecordBatch::try_from_iter([("k", strings(&names)), (name, values)]).unwrap()
    };
    now(db.insert("log", &batch("n", 0), &usage)).unwrap();
    flush(&db, "log", &usage).unwrap();
    let rename = Alter::RenameColumn { from: "n".into(), to: "m".into() };
    db.alter_table("log", rename, &usage).unwrap();
    let add = Alter::AddColumn { name: "n".into(), ty: ColumnType::Int64 };
    db.alter_table("log", add, &usage).unwrap();
    now(db.insert("log", &batch("n", 10), &usage)).unwrap();
    now(db.insert("log", &batch("m", 20), &usage)).unwrap();
    let before = all(&db, "log");
    compact(&db, "log", &usage).unwrap();
    assert_eq!(all(&db, "log"), before);
    flush(&db, "log", &usage).unwrap();
    assert_eq!(all(&db, "log"), before);
    compact(&db, "log", &usage).unwrap();
    assert_eq!(all(&db, "log"), before);
    db.alter_table("log", Alter::DropColumn { name: "m".into() }, &usage).unwrap();
    let narrow = all(&db, "log");
    now(db.insert("log", &batch("n", 30), &usage)).unwrap();
    flush(&db, "log", &usage).unwrap();
    assert_eq!(all(&db, "log").len(), narrow.len() + 10);
    compact(&db, "log", &usage).unwrap();
    check_clean(&open(&store, &tiny(), &bucket, &env), "columns");
}

fn older_snapshots_are_read_as_they_were(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &Options::default());
    let usage = Usage::default();
    let rendered_of = |snapshot: &dodb_engine::Snapshot| {
        let ids: Vec<u32> = snapshot.def().schema.columns().iter().map(|c| c.id).collect();
        let rows = rendered(&scan(snapshot, &ids, &Predicate::True), &ids);
        assert_eq!(snapshot.rows(), rows.len() as u64);
        rows
    };
    assert!(now(db.snapshot_as_of("things", AsOf::Time(i64::MAX), &usage)).is_err());
    let mut kept = Vec::new();
    for round in 0..4 {
        let from = round * 10;
        now(db.insert("things", &things(&numbered(from..from + 30)), &usage)).unwrap();
        if round == 2 {
            let gone = addresses(&db.snapshot("things", &usage).unwrap(), &id_is(3));
            now(db.mutate("things", gone, None, &usage)).unwrap();
        }
        flush(&db, "things", &usage).unwrap();
        compact(&db, "things", &usage).unwrap();
        let last = now(db.snapshots("things", &usage)).unwrap().pop().unwrap();
        assert!(last.is_current);
        kept.push((last.id, last.committed_ms, all(&db, "things")));
    }
    let _ = now(db.truncate("things", &usage)).unwrap();
    for db in [db, open(&store, &Options::default(), &bucket, &env)] {
        for (id, ms, rows) in &kept {
            for as_of in [AsOf::Snapshot(*id), AsOf::Time(*ms)] {
                let snapshot = now(db.snapshot_as_of("things", as_of, &usage)).unwrap();
                assert_eq!(&rendered_of(&snapshot), rows, "{as_of:?}");
            }
        }
        for as_of in [AsOf::Snapshot(1), AsOf::Time(0)] {
            let refused = now(db.snapshot_as_of("things", as_of, &usage)).err().unwrap();
            assert!(refused.to_string().contains("system.snapshots"), "{refused}");
        }
    }
}

fn objects_of_a_dropped_table_are_deleted(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &Options::default());
    let usage = Usage::default();
    let columns = vec![("id".to_owned(), ColumnType::String, false)];
    db.create_table(TableDef::plain("log", columns, &[], None).unwrap(), false, &usage).unwrap();
    let rows = RecordBatch::try_from_iter([("id", strings(["a", "b"]))]).unwrap();
    now(db.insert("log", &rows, &usage)).unwrap();
    now(db.insert("things", &things(&numbered(0..10)), &usage)).unwrap();
    flush(&db, "log", &usage).unwrap();
    flush(&db, "things", &usage).unwrap();
    let objects = |of: &str| {
        let listed = bucket.store().list(None).try_collect::<Vec<_>>();
        now(listed).unwrap().iter().filter(|meta| meta.location.as_ref().contains(of)).count()
    };
    let (of_log, of_things) = (objects("log-"), objects("things"));
    assert!(of_log > 3 && of_things > 3);
    db.alter_table("log", Alter::RenameTable { to: "diary".to_owned() }, &usage).unwrap();
    db.drop_table("diary", false, &usage).unwrap();
    drop(db);
    // The catalog row remembers it.
    let db = open(&store, &Options::default(), &bucket, &env);
    assert_eq!(all(&db, "things").len(), 10);
    db.run_jobs(&JobBudget { steps_max: 100, thorough: true }, &usage).unwrap();
    assert_eq!(objects("log-"), of_log);
    while now(db.run_warm_jobs(8, &usage)).unwrap().more {}
    assert_eq!((objects("log-"), objects("things")), (0, of_things));
    assert!(!db.has_warm_jobs());
    assert_eq!(all(&db, "things").len(), 10);
}

fn a_missing_or_torn_file_is_named_and_others_go_on(stores: Stores<'_>) {
    let (store, bucket, env, db) = fresh(stores, &tiny());
    let usage = Usage::default();
    now(db.insert("things", &things(&numbered(0..10)), &usage)).unwrap();
    flush(&db, "things", &usage).unwrap();
    now(db.insert("relationships", &edges(&[("a", "b", "knows")], 5), &usage)).unwrap();
    let files = db.snapshot("things", &usage).unwrap().files(&usage).unwrap();
    let key = bucket.key(&files[0].uri).unwrap();
    let whole = now(async { bucket.store().get(&key).await?.bytes().await }).unwrap();
    let torn = |bytes: usize| Some(PutPayload::from_bytes(whole.slice(..bytes)));
    let columns = [thing::ID, thing::DATA];
    let before = scan(&db.snapshot("things", &usage).unwrap(), &columns, &Predicate::True);
    let foreign = PutPayload::from_static(b"not a file of any kind, but long enough for one");
    for (what, damage) in [
        ("gone", None),
        ("cut in half", torn(whole.len() / 2)),
        ("cut short", torn(100)),
        ("foreign", Some(foreign)),
    ] {
        match damage {
            None => now(bucket.store().delete(&key)).unwrap(),
            Some(bytes) => drop(now(bucket.store().put(&key, bytes)).unwrap()),
        }
        let db = open(&store, &tiny(), &bucket, &env);
        let snapshot = db.snapshot("things", &usage).unwrap();
        match try_scan(&snapshot, &columns, &Predicate::True, false, &usage) {
            // The footer is known: a file that has lost only that still has its rows.
            Ok(rows) if what == "cut in half" => {
                assert_eq!(rendered(&rows, &columns), rendered(&before, &columns), "{what}");
            }
            Ok(_) => panic!("{what}: not noticed"),
            Err(error) => {
                let message = error.to_string();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{message}");
                assert!(message.contains("things") && message.contains(&files[0].uri), "{message}");
            }
        }
        assert_eq!(all(&db, "relationships").len(), 1);
        let report = now(db.verify(&usage)).unwrap();
        assert!(report.faults.iter().any(|fault| fault.message.contains(&files[0].uri)));
    }
}

fn without_the_bucket_hot_rows_still_answer(stores: Stores<'_>) {
    let (store, _, env, db) = fresh(stores, &tiny());
    let usage = Usage::default();
    now(db.insert("things", &things(&numbered(0..10)), &usage)).unwrap();
    flush(&db, "things", &usage).unwrap();
    let db = try_open_with(Box::new(store), &tiny(), None, env).unwrap();
    let snapshot = db.snapshot("things", &usage).unwrap();
    assert_eq!(snapshot.rows(), 10);
    let error = try_scan(&snapshot, &[thing::ID], &Predicate::True, false, &usage).unwrap_err();
    assert!(matches!(error, Error::NoBucket { .. }), "{error}");
    let error = now(db.flush_step("relationships", FlushScope::All, &usage)).unwrap_err();
    assert!(matches!(error, Error::NoBucket { .. }), "{error}");
}

type Step = fn(&Db, &Usage) -> Result<()>;

fn batch(range: std::ops::Range<u64>, version: u64) -> Vec<Thing> {
    let thing = |n: u64| {
        let data = format!(r#"{{"version":{version},"deep":{{"n":{n}}}}}"#);
        Thing::new(
            format!("t{n}"),
            if n.is_multiple_of(2) { "Even" } else { "Odd" },
            data,
            n as i64,
        )
    };
    range.map(thing).collect()
}

fn delete_where(db: &Db, table: &str, predicate: &Predicate, usage: &Usage) -> Result<()> {
    let snapshot = db.snapshot(table, usage)?;
    let batches = try_scan(&snapshot, &[], predicate, true, usage)?;
    now(db.mutate(table, addresses_in(&batches), None, usage)).map(|_| ())
}

/// What a client does, in order, and what is done in the background.
const WORKLOAD: [Step; 13] = [
    |db, u| now(db.insert("things", &things(&batch(0..20, 0)), u)).map(|_| ()),
    |db, u| flush(db, "things", u).map(|_| ()),
    |db, u| now(db.insert("things", &things(&batch(5..25, 1)), u)).map(|_| ()),
    |db, u| {
        let names: Vec<_> = (0..12).map(|n| (format!("t{n}"), "t0".into(), "is".into())).collect();
        now(db.insert("relationships", &edges::<String>(&names, 6), u)).map(|_| ())
    },
    |db, u| flush(db, "relationships", u).map(|_| ()),
    |db, u| delete_where(db, "things", &text(thing::TYPE, CompareOp::Eq, "Even"), u),
    |db, u| flush(db, "things", u).map(|_| ()),
    |db, u| compact(db, "things", u),
    |db, u| now(db.insert("things", &things(&batch(20..26, 2)), u)).map(|_| ()),
    |db, u| {
        let to_t0 = text(relationships::FROM_ID, CompareOp::Eq, "t3");
        delete_where(db, "relationships", &to_t0, u)
    },
    |db, u| compact(db, "relationships", u),
    |db, u| now(db.expire("things", i64::MAX, i64::MAX, u)).map(|_| ()),
    |db, u| now(db.truncate("relationships", u)).map(|_| ()),
];

type Shown = BTreeMap<&'static str, Vec<String>>;

fn shown(db: &Db) -> Shown {
    ["things", "relationships"].into_iter().map(|table| (table, all(db, table))).collect()
}

/// What is shown after each step when nothing fails; first: before any.
fn expected(stores: Stores<'_>) -> Vec<Shown> {
    let (_, _, _, db) = fresh(stores, &tiny());
    let usage = Usage::default();
    let mut out = vec![shown(&db)];
    for (at, step) in WORKLOAD.iter().enumerate() {
        step(&db, &usage).unwrap();
        check_clean(&db, &format!("after step {at}"));
        out.push(shown(&db));
    }
    out
}

/// Runs what is left of the workload, then sweeps: no object is left that nothing names.
fn go_on(db: &Db, bucket: &Bucket, from: usize, last: &Shown, what: &str) {
    let usage = Usage::default();
    for (at, step) in WORKLOAD.iter().enumerate().skip(from) {
        step(db, &usage).unwrap_or_else(|e| panic!("{what}, then step {at}: {e}"));
    }
    assert_eq!(shown(db), *last, "{what}: after going on");
    check_clean(db, what);
    for table in ["things", "relationships"] {
        now(db.expire(table, i64::MAX, i64::MAX, &usage)).unwrap();
        let again = now(db.expire(table, i64::MIN, i64::MAX, &usage)).unwrap();
        assert_eq!(again.orphans, 0, "{what}: {table}");
    }
    // Of each table: metadata and its log, manifest list, manifests, files.
    let objects = now(bucket.store().list(None).collect::<Vec<_>>());
    let data =
        objects.iter().filter(|o| o.as_ref().unwrap().location.as_ref().ends_with(".parquet"));
    let files = |table: &str| db.snapshot(table, &usage).unwrap().files(&usage).unwrap();
    let known: usize = ["things", "relationships"].map(files).iter().map(Vec::len).sum();
    assert!(data.count() <= 2 * known, "{what}: more objects than files and their deletes");
}

fn a_process_that_dies_at_any_row_call_loses_nothing(stores: Stores<'_>) {
    let expected = expected(stores);
    let calls = {
        let (store, calls) = FaultStore::counting(Box::new(stores()));
        let env = Arc::new(TestEnv::default());
        let db = try_open_with(Box::new(store), &tiny(), Some(bucket()), env).unwrap();
        WORKLOAD.iter().for_each(|step| step(&db, &Usage::default()).unwrap());
        calls.made()
    };
    assert!(calls > 50, "{calls} calls are too few to mean anything");
    for nth in 1..=calls {
        let (inner, bucket, env) = (stores(), bucket(), Arc::new(TestEnv::default()));
        let (store, _) = FaultStore::failing(Box::new(inner.clone()), nth, Then::StayDown);
        let db = try_open_with(Box::new(store), &tiny(), Some(bucket.clone()), env.clone());
        let failed = |db: &Db| WORKLOAD.iter().position(|s| s(db, &Usage::default()).is_err());
        let done = db.as_ref().map_or(0, |db| failed(db).unwrap_or(WORKLOAD.len()));
        drop(db);
        let what = format!("row call {nth} failed in step {done}");
        let db = open(&inner, &tiny(), &bucket, &env);
        assert_eq!(shown(&db), expected[done], "{what}");
        check_clean(&db, &what);
        go_on(&db, &bucket, done, &expected[WORKLOAD.len()], &what);
    }
}

fn fail_at_object_call(
    stores: Stores<'_>,
    nth: u64,
    then: objects::Then,
) -> (Arc<dyn RowStore>, Bucket, Arc<TestEnv>, Db, usize) {
    let (inner, bucket, env) = (stores(), bucket(), Arc::new(TestEnv::default()));
    let (failing, _) = objects::FaultStore::failing(bucket.store().clone(), nth, then);
    let failing = Bucket::new(Arc::new(failing), bucket.uri());
    let db = open(&inner, &tiny(), &failing, &env);
    let failed = WORKLOAD.iter().position(|step| step(&db, &Usage::default()).is_err());
    (inner, bucket, env, db, failed.unwrap_or(WORKLOAD.len()))
}

fn object_calls(stores: Stores<'_>) -> u64 {
    let counted = bucket();
    let (counting, calls) = objects::FaultStore::counting(counted.store().clone());
    let counting = Bucket::new(Arc::new(counting), counted.uri());
    let db = open(&stores(), &tiny(), &counting, &Arc::new(TestEnv::default()));
    WORKLOAD.iter().for_each(|step| step(&db, &Usage::default()).unwrap());
    calls.made()
}

fn a_process_that_dies_at_any_object_call_loses_nothing(stores: Stores<'_>) {
    let expected = expected(stores);
    let calls = object_calls(stores);
    assert!(calls > 50, "{calls} calls are too few to mean anything");
    for nth in 1..=calls {
        let (inner, bucket, env, db, done) =
            fail_at_object_call(stores, nth, objects::Then::StayDown);
        drop(db);
        let what = format!("object call {nth} failed in step {done}");
        let db = open(&inner, &tiny(), &bucket, &env);
        assert_eq!(shown(&db), expected[done], "{what}");
        check_clean(&db, &what);
        go_on(&db, &bucket, done, &expected[WORKLOAD.len()], &what);
    }
}

fn a_failing_object_call_leaves_the_open_database_as_it_was(stores: Stores<'_>) {
    let expected = expected(stores);
    for nth in 1..=object_calls(stores) {
        let (_, bucket, _, db, done) = fail_at_object_call(stores, nth, objects::Then::Recover);
        let what = format!("object call {nth} failed in step {done} and passed");
        assert_eq!(shown(&db), expected[done], "{what}");
        check_clean(&db, &what);
        go_on(&db, &bucket, done, &expected[WORKLOAD.len()], &what);
    }
}
