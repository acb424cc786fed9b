//! A damaged index: only slower, told by `verify`, and made anew. Not here: an index that is whole
//! (`index.rs`); damage to other rows (`damage.rs`).

use arrow_array::RecordBatch;
use dodb_engine::{Options, things as thing};
use dodb_part::{CompareOp, Predicate};
use dodb_rowstore::{Flow, RowStore, Statement, Usage, Value};

use super::Stores;
use super::index::{AGE, EMAIL, Place, email, flush, fold, ids, people};
use super::support::{now, number, scan, text};
use crate::frame::{FRAME_BYTES, Magic, seal};

cases![
    a_damaged_or_missing_index_is_only_slower,
    a_damaged_index_is_made_anew_in_the_background,
    posting_lists_damaged_under_their_checksum_stop_nothing,
    verify_tells_an_index_of_other_rows,
];

fn exec(store: &dyn RowStore, sql: &'static str) {
    store.exec(&Statement { name: "test_damage", sql }, &[], &mut |_| Flow::Continue).unwrap();
}

/// Of 1,700 persons, of whom 200 came after keys were folded.
fn with_keys_in_both_levels(stores: Stores<'_>) -> Place {
    let place = Place::new(stores, Options { merge_fanout: 100, ..Options::default() });
    let (db, usage) = (place.open(), Usage::default());
    now(db.insert("things", &people(0..1_500), &usage)).unwrap();
    flush(&db);
    fold(&db);
    now(db.insert("things", &people(1_500..1_700), &usage)).unwrap();
    flush(&db);
    place
}

fn a_damaged_or_missing_index_is_only_slower(stores: Stores<'_>) {
    for sql in [
        "UPDATE _postings SET data = zeroblob(40)",
        "UPDATE _postings SET data = substr(data, 1, length(data) - 5)",
        "DELETE FROM _postings",
        "UPDATE _footers SET data = zeroblob(40)",
        "DELETE FROM _footers",
        "UPDATE _stats SET data = zeroblob(40)",
        "DELETE FROM _stats",
    ] {
        let (place, usage) = (with_keys_in_both_levels(stores), Usage::default());
        exec(place.store.as_ref(), sql);
        for n in [3, 1_600, 5_000] {
            let (found, ..) = place.cost(&text(EMAIL, CompareOp::Eq, &email(n)));
            assert_eq!(found.len(), usize::from(n < 1_700), "{sql}, person {n}");
        }
        // Writes still find what they replace.
        now(place.open().insert("things", &people(1_490..1_510), &usage)).unwrap();
        assert_eq!(place.open().snapshot("things", &usage).unwrap().rows(), 1_700, "{sql}");
        let report = now(place.open().verify(&usage)).unwrap();
        assert!(!report.faults.is_empty(), "{sql}");
        // Made anew, it is what it was.
        let db = place.open();
        assert!(now(db.rebuild_index("things", &usage)).unwrap() > 0);
        fold(&db);
        assert_eq!(now(place.open().verify(&usage)).unwrap().faults, []);
        let (found, rows, gets) = place.cost(&text(EMAIL, CompareOp::Eq, &email(3)));
        assert!(found.len() == 1 && rows <= 4 && gets == 1, "{sql}: {rows} rows, {gets} GETs");
        // It goes on, and heals what it can.
        let db = place.open();
        now(db.insert("things", &people(1_700..2_400), &usage)).unwrap();
        flush(&db);
        while now(db.compact_step("things", true, &usage)).unwrap().more {}
        let snapshot = db.snapshot("things", &usage).unwrap();
        let all = scan(&snapshot, &[thing::ID], &Predicate::True);
        assert_eq!(all.iter().map(RecordBatch::num_rows).sum::<usize>(), 2_400, "{sql}");
        for n in [3, 1_600, 2_000, 5_000] {
            let (found, ..) = place.cost(&text(EMAIL, CompareOp::Eq, &email(n)));
            assert_eq!(found.len(), usize::from(n < 2_400), "{sql}, person {n}");
        }
    }
}

fn a_damaged_index_is_made_anew_in_the_background(stores: Stores<'_>) {
    let look_up = text(EMAIL, CompareOp::Eq, &email(3));
    for sql in [
        "UPDATE _postings SET data = zeroblob(40)",
        "DELETE FROM _postings",
        "UPDATE _footers SET data = zeroblob(40)",
        "DELETE FROM _stats",
    ] {
        let (place, usage) = (with_keys_in_both_levels(stores), Usage::default());
        let db = place.open();
        fold(&db);
        assert!(!db.has_warm_jobs());
        exec(place.store.as_ref(), sql);
        // Whoever needs the row notices.
        let db = place.open();
        let snapshot = db.snapshot("things", &usage).unwrap();
        assert_eq!(ids(&snapshot, &look_up, &usage).len(), 1, "{sql}");
        ids(&snapshot, &number(AGE, CompareOp::Gt, 1_000), &usage);
        assert!(db.has_warm_jobs(), "{sql}");
        while db.has_warm_jobs() {
            now(db.run_warm_jobs(2, &usage)).unwrap();
        }
        fold(&db);
        assert_eq!(now(place.open().verify(&usage)).unwrap().faults, [], "{sql}");
        let (found, rows, gets) = place.cost(&look_up);
        assert!(found.len() == 1 && rows <= 4 && gets == 1, "{sql}: {rows} rows, {gets} GETs");
    }
}

/// A row of posting lists: its level, its shard, its bytes.
type Row = (i64, i64, Vec<u8>);

fn rows_of_posting_lists(store: &dyn RowStore) -> Vec<Row> {
    let sql = "SELECT level, shard, data FROM _postings ORDER BY level, shard";
    let mut rows = Vec::new();
    let keep = &mut |row: &[Value<'_>]| {
        let (level, shard) = (row[0].as_int().unwrap(), row[1].as_int().unwrap());
        rows.push((level, shard, row[2].as_blob().unwrap().to_vec()));
        Flow::Continue
    };
    store.exec(&Statement { name: "test_rows", sql }, &[], keep).unwrap();
    assert!(!rows.is_empty());
    rows
}

fn replace_posting_lists(store: &dyn RowStore, rows: &[Row]) {
    let sql = "UPDATE _postings SET data = ?3 WHERE level = ?1 AND shard = ?2";
    for (level, shard, data) in rows {
        let params = [Value::Int(*level), Value::Int(*shard), Value::Blob(data)];
        let statement = Statement { name: "test_replace", sql };
        store.exec(&statement, &params, &mut |_| Flow::Continue).unwrap();
    }
}

/// Overwrites the end of all rows of posting lists, and gives them checksums that fit.
fn damage_under_checksum(store: &dyn RowStore) {
    let mut rows = rows_of_posting_lists(store);
    for (_, _, row) in &mut rows {
        let end = row.len() - 24;
        row[end..].fill(0xff);
        *row = seal(Magic::Postings, &row[FRAME_BYTES..]);
    }
    replace_posting_lists(store, &rows);
}

fn verify_tells_an_index_of_other_rows(stores: Stores<'_>) {
    let flushed = |people: RecordBatch| {
        let place = Place::new(stores, Options::default());
        let (db, usage) = (place.open(), Usage::default());
        now(db.insert("things", &people, &usage)).unwrap();
        flush(&db);
        fold(&db);
        place
    };
    let others = rows_of_posting_lists(flushed(people(5_000..6_500)).store.as_ref());
    let place = flushed(people(0..1_500));
    let own = rows_of_posting_lists(place.store.as_ref());
    let faults = || now(place.open().verify(&Usage::default())).unwrap().faults;
    assert_eq!(faults(), []);
    replace_posting_lists(place.store.as_ref(), &others);
    let found: Vec<String> = faults().into_iter().map(|fault| fault.message).collect();
    // Types and cities are the same in both; ids and addresses are not, in any row.
    for field in ["#1 ", "#3.email "] {
        let missed = |fault: &String| {
            let (count, rest) = fault.strip_prefix("the index misses ")?.split_once(' ')?;
            rest.contains(field).then(|| count.parse::<u64>().unwrap())
        };
        assert_eq!(found.iter().filter_map(missed).sum::<u64>(), 1_500, "{field}: {found:?}");
    }
    assert!(!found.iter().any(|fault| fault.contains(".city")), "{found:?}");
    replace_posting_lists(place.store.as_ref(), &own);
    assert_eq!(faults(), []);
}

fn posting_lists_damaged_under_their_checksum_stop_nothing(stores: Stores<'_>) {
    let (place, usage) = (with_keys_in_both_levels(stores), Usage::default());
    damage_under_checksum(place.store.as_ref());
    let report = now(place.open().verify(&usage)).unwrap();
    assert!(!report.faults.is_empty());
    // More keys come to those that wait, then all are folded.
    let db = place.open();
    now(db.insert("things", &people(1_700..1_900), &usage)).unwrap();
    flush(&db);
    fold(&db);
    while db.has_warm_jobs() {
        now(db.run_warm_jobs(2, &usage)).unwrap();
    }
    assert_eq!(db.snapshot("things", &usage).unwrap().rows(), 1_900);
    let db = place.open();
    now(db.rebuild_index("things", &usage)).unwrap();
    fold(&db);
    assert_eq!(now(place.open().verify(&usage)).unwrap().faults, []);
    for n in [3, 1_600, 1_800, 5_000] {
        let (found, ..) = place.cost(&text(EMAIL, CompareOp::Eq, &email(n)));
        assert_eq!(found.len(), usize::from(n < 1_900), "person {n}");
    }
}
