//! Damaged rows: a clear error that names table and part, other tables go on, nothing panics, and a
//! damaged or missing index row never hides a row. Not here: the bytes of a part (`dodb-part`).

use std::sync::Arc;

use super::Stores;
use super::support::{
    Rng, Thing, edges, found, ints, now, numbered, open, scan, text, things, try_scan,
};
use super::table_model::rendered;
use arrow_array::RecordBatch;
use dodb_engine::{Db, Error, ErrorKind, JobBudget, Options, TableDef, things as thing};
use dodb_part::{ColumnType, CompareOp, Predicate};
use dodb_rowstore::{Flow, RowStore, Statement, Usage, Value};

cases![
    a_damaged_part_is_an_error_that_names_it,
    a_missing_part_row_is_an_error_that_names_it,
    a_damaged_head_row_fails_its_table_only,
    a_damaged_catalog_leaves_things_and_relationships,
    a_damaged_filter_row_is_an_error_and_hides_nothing,
    missing_or_stale_filter_rows_hide_nothing,
    filters_cut_in_another_number_of_buckets_are_not_trusted,
];

const THINGS: i64 = thing::TABLE as i64;
const ALL_COLUMNS: [u32; 5] = [1, 2, 3, 5, 6];

fn options() -> Options {
    Options { inline_filter_rows_max: 100, ..Options::default() }
}

/// A row of the store that a test damages: statements that read and replace its bytes.
struct Place {
    get: Statement,
    put: Statement,
    key: Vec<i64>,
}

impl Place {
    fn head(table: i64) -> Place {
        let get = "SELECT data FROM _head WHERE tbl = ?1";
        let put = "UPDATE _head SET data = ?2 WHERE tbl = ?1";
        Place {
            get: Statement { name: "test_get_head", sql: get },
            put: Statement { name: "test_put_head", sql: put },
            key: vec![table],
        }
    }

    fn ids(table: i64) -> Place {
        let get = "SELECT data FROM _ids WHERE tbl = ?1 AND bucket = 0";
        let put = "UPDATE _ids SET data = ?2 WHERE tbl = ?1 AND bucket = 0";
        Place {
            get: Statement { name: "test_get_ids", sql: get },
            put: Statement { name: "test_put_ids", sql: put },
            key: vec![table],
        }
    }

    fn part(table: i64, part: i64) -> Place {
        let get = "SELECT data FROM _parts \
                   WHERE tbl = ?1 AND part = ?2 AND stream = 0 AND seq = 0";
        let put = "UPDATE _parts SET data = ?3 \
                   WHERE tbl = ?1 AND part = ?2 AND stream = 0 AND seq = 0";
        Place {
            get: Statement { name: "test_get_part", sql: get },
            put: Statement { name: "test_put_part", sql: put },
            key: vec![table, part],
        }
    }

    fn read(&self, store: &dyn RowStore) -> Vec<u8> {
        let key: Vec<Value> = self.key.iter().map(|k| Value::Int(*k)).collect();
        let mut out = None;
        store
            .exec(&self.get, &key, &mut |row| {
                out = row[0].as_blob().map(<[u8]>::to_vec);
                Flow::Stop
            })
            .unwrap();
        out.expect("the row is there")
    }

    fn write(&self, store: &dyn RowStore, bytes: &[u8]) {
        let mut params: Vec<Value> = self.key.iter().map(|k| Value::Int(*k)).collect();
        params.push(Value::Blob(bytes));
        let counts = store.exec(&self.put, &params, &mut |_| Flow::Continue).unwrap();
        assert!(counts.written > 0, "the row is there");
    }
}

fn raw(store: &dyn RowStore, name: &'static str, sql: &'static str) -> Vec<i64> {
    let mut out = Vec::new();
    let mut each = |row: &[Value]| {
        out.extend(row.iter().filter_map(Value::as_int));
        Flow::Continue
    };
    store.exec(&Statement { name, sql }, &[], &mut each).unwrap();
    out
}

/// Things in two parts whose filters are in `_ids`, some edges, and a table of its own.
fn sample(stores: Stores<'_>) -> Arc<dyn RowStore> {
    let store = stores();
    let db = open(&store, &options());
    let usage = Usage::default();
    for start in [0, 600] {
        now(db.insert("things", &things(&numbered(start..start + 600)), &usage)).unwrap();
    }
    now(db.insert("relationships", &edges(&[("a", "b", "c")], 1), &usage)).unwrap();
    let columns = vec![("n".to_owned(), ColumnType::Int64, false)];
    db.create_table(TableDef::plain("own", columns, &[], None).unwrap(), false, &usage).unwrap();
    let rows = RecordBatch::try_from_iter([("n", ints(0..1_000))]).unwrap();
    now(db.insert("own", &rows, &usage)).unwrap();
    store
}

fn all_things(db: &Db) -> Result<Vec<String>, Error> {
    let usage = Usage::default();
    let snapshot = db.snapshot("things", &usage)?;
    let batches = try_scan(&snapshot, &ALL_COLUMNS, &Predicate::True, false, &usage)?;
    Ok(rendered(&batches, &ALL_COLUMNS))
}

fn others_go_on(db: &Db) {
    let usage = Usage::default();
    assert_eq!(found(db, "own", &Predicate::True, &usage).unwrap(), 1_000);
    assert_eq!(found(db, "relationships", &Predicate::True, &usage).unwrap(), 1);
    now(db.insert("relationships", &edges(&[("a", "b", "c")], 2), &usage)).unwrap();
}

/// Some ways to damage `bytes`: a bit anywhere, an end cut off, nothing left, more than there was.
fn damages(bytes: &[u8], seed: u64) -> Vec<(String, Vec<u8>)> {
    let mut rng = Rng(seed);
    let mut places: Vec<usize> = (0..bytes.len().min(64)).collect();
    places.extend((0..150).map(|_| rng.below(bytes.len() as u64) as usize));
    let mut out = Vec::new();
    for at in places {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << rng.below(8);
        out.push((format!("a bit of byte {at}"), damaged));
    }
    for len in [0, 1, 4, 12, 13, bytes.len() / 2, bytes.len() - 1] {
        out.push((format!("cut to {len} bytes"), bytes[..len].to_vec()));
    }
    out
}

fn a_damaged_part_is_an_error_that_names_it(stores: Stores<'_>) {
    let store = sample(stores);
    let expected = all_things(&open(&store, &options())).unwrap();
    assert_eq!(expected.len(), 1_200);
    let part = raw(&store, "test_parts", "SELECT DISTINCT part FROM _parts WHERE tbl = 1")[1];
    let place = Place::part(THINGS, part);
    let bytes = place.read(&store);
    let (mut errors, mut harmless) = (0, 0);
    for (what, damaged) in damages(&bytes, 1) {
        place.write(&store, &damaged);
        let db = open(&store, &options());
        match all_things(&db) {
            Ok(rows) => {
                assert_eq!(rows, expected, "{what}: other rows without an error");
                harmless += 1;
            }
            Err(error) => {
                let text = error.to_string();
                assert!(matches!(error, Error::Corrupt { .. }), "{what}: {error:?}");
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                let names = format!("table `things`, part {part}");
                assert!(text.contains(&names), "{what}: {text}");
                errors += 1;
            }
        }
        // One thing of the other part is still found.
        let id = &numbered(0..1)[0].id;
        let one = text(thing::ID, CompareOp::Eq, id);
        assert_eq!(found(&db, "things", &one, &Usage::default()).unwrap(), 1, "{what}");
        others_go_on(&db);
        let report = now(db.verify(&Usage::default())).unwrap();
        assert_eq!(report.faults.is_empty(), all_things(&db).is_ok(), "{what}: {report:?}");
        assert!(report.faults.iter().all(|fault| fault.table == "things"), "{report:?}");
        let _ = db.run_jobs(&JobBudget { steps_max: 0, thorough: true }, &Usage::default());
    }
    // `embedding` is not read: a bit of it, or of padding, may go unnoticed.
    assert!(errors > 20 * harmless, "{errors} errors, {harmless} times nothing was noticed");
    place.write(&store, &bytes);
    assert_eq!(all_things(&open(&store, &options())).unwrap(), expected);
}

fn a_missing_part_row_is_an_error_that_names_it(stores: Stores<'_>) {
    let store = sample(stores);
    let part = raw(&store, "test_parts", "SELECT DISTINCT part FROM _parts WHERE tbl = 1")[0];
    raw(&store, "test_delete", "DELETE FROM _parts WHERE tbl = 1 AND part = 1");
    assert_eq!(part, 1);
    let db = open(&store, &options());
    let error = all_things(&db).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(text.contains("table `things`, part 1") && text.contains("missing"), "{text}");
    assert!(!now(db.verify(&Usage::default())).unwrap().faults.is_empty());
    others_go_on(&db);
}

fn a_damaged_head_row_fails_its_table_only(stores: Stores<'_>) {
    let store = sample(stores);
    let place = Place::head(THINGS);
    let bytes = place.read(&store);
    for (what, damaged) in damages(&bytes, 2) {
        place.write(&store, &damaged);
        let db = open(&store, &options());
        let error = all_things(&db).expect_err(&what);
        assert!(matches!(error, Error::Corrupt { .. }), "{what}: {error:?}");
        assert!(error.to_string().contains("head row of table `things`"), "{what}: {error}");
        let usage = Usage::default();
        let insert = now(db.insert("things", &things(&numbered(0..1)), &usage)).unwrap_err();
        assert_eq!(insert.kind(), ErrorKind::Corrupt, "{what}: a damaged row is never replaced");
        // Background work of the other tables is found all the same.
        let loaded = db.load_tables(&usage).unwrap_err();
        assert_eq!(db.core.states_in_memory().len(), 2, "{what}");
        assert!(loaded.to_string().contains("head row of table `things`"), "{what}: {loaded}");
        let report = now(db.verify(&usage)).unwrap();
        assert!(report.faults.iter().any(|fault| fault.table == "things"), "{what}");
        others_go_on(&db);
    }
    place.write(&store, &bytes);
    assert_eq!(all_things(&open(&store, &options())).unwrap().len(), 1_200);
}

fn a_damaged_catalog_leaves_things_and_relationships(stores: Stores<'_>) {
    let store = sample(stores);
    let place = Place::head(0);
    let bytes = place.read(&store);
    for (what, damaged) in damages(&bytes, 3) {
        place.write(&store, &damaged);
        let db = open(&store, &options());
        let usage = Usage::default();
        for error in [db.tables(&usage).err().unwrap(), db.snapshot("own", &usage).err().unwrap()] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
            assert!(error.to_string().contains("catalog"), "{what}: {error}");
        }
        let columns = vec![("n".to_owned(), ColumnType::Int64, false)];
        let def = TableDef::plain("new", columns, &[], None).unwrap();
        assert_eq!(db.create_table(def, false, &usage).unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(!now(db.verify(&usage)).unwrap().faults.is_empty(), "{what}");
        assert_eq!(all_things(&db).unwrap().len(), 1_200, "{what}");
        assert_eq!(found(&db, "relationships", &Predicate::True, &usage).unwrap(), 1);
    }
}

fn a_damaged_filter_row_is_an_error_and_hides_nothing(stores: Stores<'_>) {
    let store = sample(stores);
    let place = Place::ids(THINGS);
    let bytes = place.read(&store);
    let id = &numbered(700..701)[0].id;
    let one = text(thing::ID, CompareOp::Eq, id);
    for (what, damaged) in damages(&bytes, 4) {
        place.write(&store, &damaged);
        let db = open(&store, &options());
        let usage = Usage::default();
        let error = found(&db, "things", &one, &usage).expect_err(&what);
        assert!(matches!(error, Error::Corrupt { .. }), "{what}: {error:?}");
        assert!(error.to_string().contains("id filters of table `things`"), "{what}: {error}");
        assert_eq!(all_things(&db).unwrap().len(), 1_200, "{what}: a scan needs no filter");
        let insert = now(db.insert("things", &things(&numbered(0..1)), &usage)).unwrap_err();
        assert_eq!(insert.kind(), ErrorKind::Corrupt, "{what}: {insert}");
        let report = now(db.verify(&usage)).unwrap();
        assert!(report.faults.iter().any(|fault| fault.table == "things"), "{what}");
        others_go_on(&db);
    }
}

fn missing_or_stale_filter_rows_hide_nothing(stores: Stores<'_>) {
    let store = sample(stores);
    let stale = Place::ids(THINGS).read(&store);
    let db = open(&store, &options());
    let usage = Usage::default();
    // The first two parts become one, and a third comes: the old row knows neither.
    db.run_jobs(&JobBudget { steps_max: 100, thorough: true }, &usage).unwrap();
    now(db.insert("things", &things(&numbered(1_200..1_900)), &usage)).unwrap();
    drop(db);
    Place::ids(THINGS).write(&store, &stale);
    check_look_ups(&store, "a stale row");
    raw(&store, "test_delete", "DELETE FROM _ids");
    check_look_ups(&store, "no row");

    // Upserts find what they replace, and what they write is right again.
    let db = open(&store, &options());
    now(db.insert("things", &things(&numbered(500..1_300)), &usage)).unwrap();
    assert_eq!(db.snapshot("things", &usage).unwrap().rows(), 1_900);
    assert!(now(db.verify(&usage)).unwrap().faults.is_empty());
    drop(db);
    check_look_ups(&store, "rows written again");
}

fn check_look_ups(store: &Arc<dyn RowStore>, what: &str) {
    let db = open(store, &options());
    for thing in numbered(0..1_900).iter().step_by(37) {
        db.forget();
        let one = text(thing::ID, CompareOp::Eq, &thing.id);
        let rows = found(&db, "things", &one, &Usage::default()).unwrap();
        assert_eq!(rows, 1, "{what}: {}", thing.id);
    }
    let absent = text(thing::ID, CompareOp::Eq, "nobody");
    assert_eq!(found(&db, "things", &absent, &Usage::default()).unwrap(), 0, "{what}");
    let report = now(db.verify(&Usage::default())).unwrap();
    assert!(report.faults.is_empty(), "{what}: {:#?}", report.faults);
}

fn filters_cut_in_another_number_of_buckets_are_not_trusted(stores: Stores<'_>) {
    // A row from a time when the filters were cut otherwise must not be read as if it were whole.
    let store = stores();
    let db = open(&store, &options());
    let usage = Usage::default();
    let rows: Vec<_> =
        numbered(0..400_000).into_iter().map(|t| Thing { data: "{}".into(), ..t }).collect();
    for chunk in rows.chunks(100_000) {
        now(db.insert("things", &things(chunk), &usage)).unwrap();
    }
    let few = raw(&store, "test_buckets", "SELECT bucket FROM _ids WHERE tbl = 1").len();
    let first = Place::ids(THINGS).read(&store);
    let more: Vec<_> = numbered(400_000..1_200_000)
        .into_iter()
        .map(|t| Thing { data: "{}".into(), ..t })
        .collect();
    for chunk in more.chunks(100_000) {
        now(db.insert("things", &things(chunk), &usage)).unwrap();
    }
    drop(db);
    let many = raw(&store, "test_buckets", "SELECT bucket FROM _ids WHERE tbl = 1").len();
    assert!(many > few, "{few} buckets, then {many}");
    Place::ids(THINGS).write(&store, &first);
    let db = open(&store, &options());
    let snapshot = db.snapshot("things", &usage).unwrap();
    for thing in rows.iter().step_by(40_009) {
        let one = text(thing::ID, CompareOp::Eq, &thing.id);
        let found: usize = scan(&snapshot, &[1], &one).iter().map(RecordBatch::num_rows).sum();
        assert_eq!(found, 1, "{}", thing.id);
    }
}
