//! What other engines commit to a table's files: rows they append replace older ones of the same
//! key in either tier, rows they delete are gone, counts stay exact, and a commit that does not
//! hold changes nothing. The other engine is `dodb-lake` with no database. Not here: real ones
//! (`tests/iceberg_peers.py`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_select::concat::concat_batches;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Stores;
use super::support::{
    TestEnv, Thing, addresses, bucket, edges, now, numbered, scan, text, things, try_open_with,
};
use super::table_model::rendered;
use dodb_engine::{
    Bucket, Db, ErrorKind, FlushScope, Options, PATH_ID_MIN, PathColumn, Result, ScanRequest,
    things as thing,
};
use dodb_lake::{
    Change, DataFile, FileOptions, FileWriter, Stamp, Table, split_by_partition, write_deletes,
};
use dodb_part::json::PathType;
use dodb_part::{CompareOp, Predicate};
use dodb_rowstore::fault::{FaultStore, Then};
use dodb_rowstore::{RowStore, Usage};

cases![
    appended_rows_replace_older_ones,
    files_of_others_are_covered_in_the_background,
    a_table_that_another_engine_makes_takes_its_rows,
    a_table_that_cannot_be_made_is_not_there,
    relationships_are_replaced_by_their_ends,
    deleted_rows_and_removed_files_are_gone,
    rows_deleted_here_do_not_come_back,
    a_commit_that_takes_deletes_back_is_refused,
    a_commit_of_too_many_rows_is_refused,
    a_commit_that_does_not_hold_changes_nothing,
    a_process_that_dies_within_a_commit_loses_nothing,
];

struct World {
    bucket: Bucket,
    db: Db,
}

fn world(stores: Stores<'_>) -> World {
    let (bucket, env) = (bucket(), Arc::new(TestEnv::default()));
    let db =
        try_open_with(Box::new(stores()), &Options::default(), Some(bucket.clone()), env).unwrap();
    World { bucket, db }
}

fn insert(db: &Db, rows: &[Thing]) {
    now(db.insert("things", &things(rows), &Usage::default())).unwrap();
}

fn flush(db: &Db, table: &str) {
    while now(db.flush_step(table, FlushScope::All, &Usage::default())).unwrap().more {}
}

fn changed(range: std::ops::Range<u64>) -> Vec<Thing> {
    let mut rows = numbered(range);
    for row in &mut rows {
        row.data = format!(r#"{{"by":"another engine","id":"{}"}}"#, row.id);
        row.ty = "Foreign".to_owned();
    }
    rows
}

/// Every row of a table as text, sorted, and what is counted of it.
fn all(db: &Db, table: &str) -> (Vec<String>, u64) {
    let snapshot = db.snapshot(table, &Usage::default()).unwrap();
    let ids: Vec<u32> = snapshot.def().schema.columns().iter().map(|c| c.id).collect();
    (rendered(&scan(&snapshot, &ids, &Predicate::True), &ids), snapshot.rows())
}

/// What a database answers about a table.
type Answers = (Vec<String>, u64, Vec<(String, Option<(u64, u64, String)>)>);

fn answers(db: &Db, table: &str) -> Answers {
    let usage = Usage::default();
    let (rows, count) = all(db, table);
    let snapshot = db.snapshot(table, &usage).unwrap();
    let counts = snapshot.def().schema.columns().iter().map(|column| {
        let stats = snapshot.column_stats(column.id);
        let stats = stats.map(|s| (s.rows, s.nulls, format!("{:?}", s.values)));
        (column.name.clone(), stats)
    });
    let counts = counts.collect();
    let report = now(db.verify(&usage)).unwrap();
    assert!(report.faults.is_empty(), "{:#?}", report.faults);
    (rows, count, counts)
}

/// Rows as a table has them once they were inserted. Uses up the store.
fn rows_of(stores: Stores<'_>, table: &str, batch: &RecordBatch) -> RecordBatch {
    let world = world(stores);
    now(world.db.insert(table, batch, &Usage::default())).unwrap();
    let snapshot = world.db.snapshot(table, &Usage::default()).unwrap();
    let ids: Vec<u32> = snapshot.def().schema.columns().iter().map(|c| c.id).collect();
    let batches = scan(&snapshot, &ids, &Predicate::True);
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// Stands for another engine: it knows the table by its catalog alone.
struct Other {
    table: Table,
    base: Option<i64>,
}

fn stamp(table: &Table) -> Stamp {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let uuid = Uuid::from_u128(u128::from(COUNT.fetch_add(1, Relaxed)) << 64 | 0xf0f0);
    Stamp { now_ms: table.metadata().last_updated_ms(), uuid }
}

impl Other {
    fn load(world: &World, name: &str) -> Other {
        let given = now(world.db.iceberg_table(name, &Usage::default())).unwrap();
        let table = now(Table::load(&world.bucket, name, &given.metadata_location)).unwrap();
        let text: Value = serde_json::from_slice(&given.metadata).unwrap();
        assert_eq!(text["current-snapshot-id"], json!(table.metadata().current_snapshot_id()));
        Other { base: table.metadata().current_snapshot_id(), table }
    }

    /// Files with these rows.
    fn files(&self, all: &RecordBatch) -> Vec<DataFile> {
        let spec = self.table.metadata().default_partition_spec();
        let mut out = Vec::new();
        for split in split_by_partition(all.clone(), spec, None, self.table.layout()).unwrap() {
            let (partition, rows) = split.unwrap();
            let plan = self.table.file_plan(partition, stamp(&self.table).uuid);
            let mut writer = FileWriter::new(plan, &FileOptions::default()).unwrap();
            now(writer.write(&rows)).unwrap();
            out.push(now(writer.finish()).unwrap().0);
        }
        out
    }

    fn request(&self, change: &Change) -> Vec<u8> {
        let prepared = now(self.table.prepare(change, &stamp(&self.table))).unwrap();
        let metadata = serde_json::to_value(prepared.table.metadata().as_ref()).unwrap();
        let id = prepared.snapshot_id.unwrap();
        let snapshots = metadata["snapshots"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|s| s["snapshot-id"] == json!(id)).unwrap();
        let request = json!({
            "requirements": [
                { "type": "assert-table-uuid", "uuid": metadata["table-uuid"] },
                { "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": self.base },
            ],
            "updates": [
                { "action": "add-snapshot", "snapshot": snapshot },
                {
                    "action": "set-snapshot-ref", "ref-name": "main", "type": "branch",
                    "snapshot-id": id,
                },
            ],
        });
        request.to_string().into_bytes()
    }

    fn commit(&self, world: &World, change: &Change) -> Result<()> {
        let body = self.request(change);
        now(world.db.iceberg_commit(self.table.name(), &body, &Usage::default())).map(|_| ())
    }
}

fn append(world: &World, table: &str, rows: &RecordBatch) -> Result<()> {
    let other = Other::load(world, table);
    let added = other.files(rows);
    other.commit(world, &Change { added, ..Change::default() })
}

/// The `CreateTableRequest` of a table with a number and a document, by months.
fn wanted(name: &str, more: &Value) -> Vec<u8> {
    let document = json!({ "type": "struct", "fields": [
        { "id": 4, "name": "_json", "type": "string", "required": false },
    ] });
    let mut request = json!({
        "name": name,
        "schema": { "type": "struct", "schema-id": 0, "fields": [
            { "id": 1, "name": "n", "type": "long", "required": true },
            { "id": 2, "name": "at", "type": "timestamptz", "required": false },
            { "id": 3, "name": "doc", "type": document, "required": false },
        ] },
        "partition-spec": { "spec-id": 0, "fields": [
            { "source-id": 2, "field-id": 1000, "name": "at_month", "transform": "month" },
        ] },
        "properties": { "owner": "ann" },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        request[key] = value.clone();
    }
    request.to_string().into_bytes()
}

fn a_table_that_another_engine_makes_takes_its_rows(stores: Stores<'_>) {
    let world = world(stores);
    let usage = Usage::default();
    let made = now(world.db.iceberg_create(&wanted("log", &json!({})), &usage)).unwrap();
    let metadata: Value = serde_json::from_slice(&made.metadata).unwrap();
    assert_eq!(metadata["properties"]["owner"], "ann");
    let again = now(world.db.iceberg_create(&wanted("log", &json!({})), &usage));
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Exists);
    let times = (0..20).map(|n| 1_700_000_000_000_000 + n * 86_400_000_000).collect::<Vec<i64>>();
    let documents = (0..20).map(|n| format!(r#"{{"n":{n}}}"#));
    let rows = RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from_iter_values(0..20)) as ArrayRef),
        ("at", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
        ("doc", Arc::new(StringViewArray::from_iter_values(documents)) as ArrayRef),
    ]);
    let rows = rows.unwrap();
    append(&world, "log", &rows).unwrap();
    now(world.db.insert("log", &rows, &usage)).unwrap();
    flush(&world.db, "log");
    let (found, count, _) = answers(&world.db, "log");
    assert_eq!((found.len(), count), (40, 40));
    // One that has no rows in the bucket yet is there for others too.
    let theirs = rows.clone();
    let def = world.db.table("log", &usage).unwrap();
    assert_eq!(def.partition_by.as_deref(), Some("toStartOfMonth(at)"));
    now(world.db.iceberg_create(&wanted("other", &json!({})), &usage)).unwrap();
    append(&world, "other", &theirs).unwrap();
    assert_eq!(answers(&world.db, "other").1, 20);
    insert(&world.db, &numbered(0..5));
    assert!(now(world.db.iceberg_table("things", &usage)).is_ok());
    assert_eq!(world.db.snapshot("things", &usage).unwrap().warm(), (0, 0, 0));
    assert_eq!(answers(&world.db, "things").1, 5);
}

fn a_table_that_cannot_be_made_is_not_there(stores: Stores<'_>) {
    let world = world(stores);
    let usage = Usage::default();
    let by = |column: u32, transform: &str| {
        let field = json!({ "source-id": column, "name": "p", "transform": transform });
        json!({ "partition-spec": { "spec-id": 0, "fields": [field] } })
    };
    for more in [
        by(1, "bucket[4]"),
        by(1, "day"),
        by(3, "identity"),
        by(7, "identity"),
        json!({ "schema": { "type": "struct", "fields": [
            { "id": 1, "name": "t", "type": "time", "required": false },
        ] } }),
        json!({ "location": "s3://elsewhere/t" }),
        json!({ "name": "" }),
        json!({ "stage-create": true }),
    ] {
        let refused = now(world.db.iceberg_create(&wanted("log", &more), &usage)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{more}: {refused}");
        assert!(world.db.table("log", &usage).is_err(), "{more}");
    }
}

fn appended_rows_replace_older_ones(stores: Stores<'_>) {
    // Some are in the bucket, some are hot, some are new.
    let batches = [changed(150..250), changed(290..320), numbered(0..20)];
    let theirs: Vec<RecordBatch> =
        batches.iter().map(|rows| rows_of(stores, "things", &things(rows))).collect();
    // One store at a time: there is only one in an object.
    let plain = world(stores);
    insert(&plain.db, &numbered(0..300));
    let mut wanted = Vec::new();
    for rows in &batches {
        insert(&plain.db, rows);
        wanted.push(answers(&plain.db, "things"));
    }
    let own = world(stores);
    insert(&own.db, &numbered(0..200));
    flush(&own.db, "things");
    insert(&own.db, &numbered(200..300));
    for (rows, wanted) in theirs.iter().zip(&wanted) {
        append(&own, "things", rows).unwrap();
        assert_eq!(&answers(&own.db, "things"), wanted);
    }
    flush(&own.db, "things");
    while now(own.db.compact_step("things", true, &Usage::default())).unwrap().more {}
    assert_eq!(Some(&answers(&own.db, "things")), wanted.last());
    own.db.forget();
    assert_eq!(Some(&answers(&own.db, "things")), wanted.last());
}

/// How many things were made by `by`, and how many requests that took.
fn made_by(db: &Db, by: &str) -> (usize, u64) {
    const BY: u32 = PATH_ID_MIN;
    let path = PathColumn {
        id: BY,
        name: "by".to_owned(),
        column: thing::DATA,
        path: ".by".to_owned(),
        ty: PathType::String,
    };
    let request = ScanRequest {
        columns: vec![thing::ID],
        paths: vec![path],
        predicate: text(BY, CompareOp::Eq, by),
        row_addresses: false,
    };
    let usage = Usage::default();
    let plan = db.snapshot("things", &usage).unwrap().scan(request, &usage).unwrap();
    let mut found = 0;
    for task in plan.tasks(&usage).unwrap() {
        let mut scanner = plan.start(&task);
        while let Some(batch) = now(scanner.next_batch(&usage)).unwrap() {
            found += batch.num_rows();
        }
    }
    (found, usage.counts().object_gets)
}

fn files_of_others_are_covered_in_the_background(stores: Stores<'_>) {
    let usage = Usage::default();
    let theirs = rows_of(stores, "things", &things(&changed(0..50)));
    let own = world(stores);
    insert(&own.db, &numbered(100..200));
    flush(&own.db, "things");
    append(&own, "things", &theirs).unwrap();
    let wanted = answers(&own.db, "things");
    own.db.forget();
    assert!(made_by(&own.db, "nobody").1 > 0, "the index knows of the file already");
    assert!(own.db.has_warm_jobs());
    while now(own.db.run_warm_jobs(4, &usage)).unwrap().more {}
    assert!(!own.db.has_warm_jobs());
    for _ in 0..2 {
        assert_eq!(answers(&own.db, "things"), wanted);
        own.db.forget();
        assert_eq!(made_by(&own.db, "nobody"), (0, 0));
        assert_eq!(made_by(&own.db, "another engine").0, 50);
        own.db.forget();
    }
}

fn relationships_are_replaced_by_their_ends(stores: Stores<'_>) {
    let rows = |numbers: std::ops::Range<u32>, at: i64| {
        let rows: Vec<(String, String, String)> =
            numbers.map(|n| (format!("t{}", n % 9), format!("t{n}"), "knows".to_owned())).collect();
        edges(&rows, at)
    };
    let (old, new) = (rows(0..50, 5), rows(40..60, 90_000_000));
    let theirs = rows_of(stores, "relationships", &new);
    let plain = world(stores);
    let usage = Usage::default();
    for batch in [&old, &new] {
        now(plain.db.insert("relationships", batch, &usage)).unwrap();
    }
    let wanted = answers(&plain.db, "relationships");
    let own = world(stores);
    now(own.db.insert("relationships", &old, &usage)).unwrap();
    flush(&own.db, "relationships");
    append(&own, "relationships", &theirs).unwrap();
    assert_eq!(answers(&own.db, "relationships"), wanted);
}

fn deleted_rows_and_removed_files_are_gone(stores: Stores<'_>) {
    let own = world(stores);
    insert(&own.db, &numbered(0..100));
    flush(&own.db, "things");
    insert(&own.db, &numbered(100..110));
    let other = Other::load(&own, "things");
    let files = now(other.table.files(None)).unwrap();
    let (first, second) = (&files[0].file, &files[1].file);
    let rows: Vec<u64> = (0..first.record_count()).step_by(2).collect();
    let uri = other.table.delete_file_uri(stamp(&other.table).uuid);
    let spec = other.table.metadata().default_partition_spec_id();
    let deletes = now(write_deletes(&own.bucket, &uri, first, spec, &rows)).unwrap();
    let change = Change {
        added: vec![deletes],
        removed: vec![second.file_path().to_owned()],
        planned_at: other.base,
        ..Change::default()
    };
    other.commit(&own, &change).unwrap();
    let left = 110 - rows.len() as u64 - second.record_count();
    let (found, counted) = all(&own.db, "things");
    assert_eq!((found.len() as u64, counted), (left, left));
    let read = now(Other::load(&own, "things").table.files(None)).unwrap();
    assert_eq!(read.len(), files.len() - 1);
    let report = now(own.db.verify(&Usage::default())).unwrap();
    assert!(report.faults.is_empty(), "{:#?}", report.faults);
    // What was deleted by them is known to be written: there is nothing to tell them.
    assert_eq!(
        now(own.db.compact_step("things", false, &Usage::default())).unwrap().delete_files,
        0
    );
}

/// Another engine writes files anew that it read before rows of them were deleted here.
fn rows_deleted_here_do_not_come_back(stores: Stores<'_>) {
    let old = rows_of(stores, "things", &things(&numbered(0..40)));
    let kept: Vec<Thing> = numbered(0..40)
        .into_iter()
        .enumerate()
        .filter(|(n, _)| *n != 3 && *n != 5)
        .map(|(_, thing)| thing)
        .collect();
    let kept = rows_of(stores, "things", &things(&kept));
    let own = world(stores);
    let usage = Usage::default();
    insert(&own.db, &numbered(0..40));
    flush(&own.db, "things");
    let rewrite = |rows: &RecordBatch| {
        let other = Other::load(&own, "things");
        let files = now(other.table.files(None)).unwrap();
        let change = Change {
            added: other.files(rows),
            removed: files.iter().map(|live| live.file.file_path().to_owned()).collect(),
            planned_at: other.base,
            ..Change::default()
        };
        let deletes: usize = files.iter().map(|live| live.deletes.len()).sum();
        (other, change, deletes)
    };
    let (early, change, _) = rewrite(&old);
    let snapshot = own.db.snapshot("things", &usage).unwrap();
    let gone = text(thing::ID, CompareOp::Eq, &numbered(3..4)[0].id);
    now(own.db.mutate("things", addresses(&snapshot, &gone), None, &usage)).unwrap();
    insert(&own.db, &changed(5..6));
    let wanted = answers(&own.db, "things");
    assert_eq!(wanted.1, 39);
    let refused = early.commit(&own, &change).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    assert_eq!(answers(&own.db, "things"), wanted);
    // Now it can see what is deleted, and plans anew.
    let (late, change, deletes) = rewrite(&kept);
    assert!(deletes > 0);
    late.commit(&own, &change).unwrap();
    assert_eq!(answers(&own.db, "things"), wanted);
}

fn a_commit_that_takes_deletes_back_is_refused(stores: Stores<'_>) {
    let own = world(stores);
    let usage = Usage::default();
    insert(&own.db, &numbered(0..100));
    flush(&own.db, "things");
    let snapshot = own.db.snapshot("things", &usage).unwrap();
    let gone = text(thing::ID, CompareOp::Eq, &numbered(3..4)[0].id);
    now(own.db.mutate("things", addresses(&snapshot, &gone), None, &usage)).unwrap();
    while now(own.db.compact_step("things", true, &usage)).unwrap().more {}
    let wanted = answers(&own.db, "things");
    let other = Other::load(&own, "things");
    let files = now(other.table.files(None)).unwrap();
    let deletes = files.iter().flat_map(|live| &live.deletes);
    let removed: Vec<String> = deletes.map(|file| file.file_path().to_owned()).collect();
    assert_eq!(removed.len(), 1);
    let change = Change { removed, planned_at: other.base, ..Change::default() };
    let refused = other.commit(&own, &change).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    assert_eq!(answers(&own.db, "things"), wanted);
}

fn a_commit_of_too_many_rows_is_refused(stores: Stores<'_>) {
    let theirs = rows_of(stores, "things", &things(&changed(0..20)));
    let options = Options { foreign_rows_max: 19, ..Options::default() };
    let (bucket, env) = (bucket(), Arc::new(TestEnv::default()));
    let db = try_open_with(Box::new(stores()), &options, Some(bucket.clone()), env).unwrap();
    let own = World { bucket, db };
    insert(&own.db, &numbered(0..50));
    flush(&own.db, "things");
    let wanted = answers(&own.db, "things");
    let refused = append(&own, "things", &theirs).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limit, "{refused}");
    assert_eq!(answers(&own.db, "things"), wanted);
}

fn a_commit_that_does_not_hold_changes_nothing(stores: Stores<'_>) {
    let theirs = rows_of(stores, "things", &things(&changed(0..10)));
    let own = world(stores);
    insert(&own.db, &numbered(0..50));
    flush(&own.db, "things");
    let usage = Usage::default();
    let late = Other::load(&own, "things");
    let change = Change { added: late.files(&theirs), ..Change::default() };
    append(&own, "things", &theirs).unwrap();
    let before = all(&own.db, "things");
    let refused = late.commit(&own, &change).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    for body in ["", "{}", r#"{"requirements":[],"updates":[{"action":"add-schema"}]}"#] {
        let refused = now(own.db.iceberg_commit("things", body.as_bytes(), &usage)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    }
    assert_eq!(all(&own.db, "things"), before);
    // A second try upon what is there now is taken.
    append(&own, "things", &theirs).unwrap();
    assert_eq!(all(&own.db, "things").0.len(), before.0.len());
}

fn a_process_that_dies_within_a_commit_loses_nothing(stores: Stores<'_>) {
    let theirs = rows_of(stores, "things", &things(&changed(50..90)));
    for nth in 1.. {
        let store: Arc<dyn RowStore> = stores();
        let (bucket, env) = (bucket(), Arc::new(TestEnv::default()));
        let open = |store: Box<dyn RowStore>| {
            try_open_with(store, &Options::default(), Some(bucket.clone()), env.clone())
        };
        let own = World { bucket: bucket.clone(), db: open(Box::new(store.clone())).unwrap() };
        insert(&own.db, &numbered(0..60));
        flush(&own.db, "things");
        insert(&own.db, &numbered(60..80));
        let before = all(&own.db, "things");
        let other = Other::load(&own, "things");
        let body = other.request(&Change { added: other.files(&theirs), ..Change::default() });
        drop(own);
        let (failing, calls) = FaultStore::failing(Box::new(store.clone()), nth, Then::StayDown);
        let outcome = open(Box::new(failing))
            .and_then(|db| now(db.iceberg_commit("things", &body, &Usage::default())).map(|_| ()));
        let own = World { bucket: bucket.clone(), db: open(Box::new(store)).unwrap() };
        let after = all(&own.db, "things");
        let report = now(own.db.verify(&Usage::default())).unwrap();
        assert!(report.faults.is_empty(), "call {nth}: {:#?}", report.faults);
        match outcome {
            Ok(()) => assert_eq!(after.1, 90, "call {nth}"),
            Err(_) => assert!(after == before || after.1 == 90, "call {nth}: {}", after.1),
        }
        if !calls.failed() {
            let is_theirs = text(thing::TYPE, CompareOp::Eq, "Foreign");
            let snapshot = own.db.snapshot("things", &Usage::default()).unwrap();
            let found = scan(&snapshot, &[thing::ID], &is_theirs);
            assert_eq!(found.iter().map(|batch| batch.num_rows()).sum::<usize>(), 40);
            assert!(nth > 3, "only {nth} calls");
            return;
        }
    }
}
