//! The index over files: what look-ups cost in rows and requests on a database that was just
//! opened, whatever the number of files; that pruning never loses a row. Not here: a damaged index
//! (`index_damage.rs`), files themselves (`warm.rs`).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};

use super::Stores;
use super::support::{
    Rng, TestEnv, Thing, addresses, bucket, metered, now, number, text, things, try_open_with,
};
use arrow_select::filter::filter;
use dodb_engine::{
    Asked, Bounds, Bucket, Db, FlushScope, Options, PATH_ID_MIN, PathColumn, ScanRequest, Snapshot,
    ValueCounts, things as thing,
};
use dodb_part::json::PathType;
use dodb_part::{ColumnStats, CompareOp, Predicate, Scalar};
use dodb_rowstore::fault::{FaultStore, Then};
use dodb_rowstore::{Flow, RowStore, Statement, Usage, UsageCounts, Value};

cases![
    look_ups_cost_the_same_at_any_number_of_files,
    a_look_up_in_a_large_file_reads_some_pages,
    bounds_leave_files_to_read_of_which_they_know_too_little,
    waiting_keys_cost_a_row_more_until_they_are_folded,
    rows_of_posting_lists_have_what_they_may,
    pruned_answers_are_those_of_full_scans,
    a_planted_fault_in_pruning_is_found,
    an_emptied_table_forgets_its_index,
];

pub(super) const EMAIL: u32 = PATH_ID_MIN;
pub(super) const AGE: u32 = PATH_ID_MIN + 1;
const CITY: u32 = PATH_ID_MIN + 2;
const MIXED: u32 = PATH_ID_MIN + 3;
const SCORE: u32 = PATH_ID_MIN + 4;
const LEVEL: u32 = PATH_ID_MIN + 5;
/// What is compared.
const COLUMNS: [u32; 8] = [thing::ID, thing::TYPE, EMAIL, AGE, CITY, MIXED, SCORE, LEVEL];

fn paths() -> Vec<PathColumn> {
    let path = |id, path: &str, ty| PathColumn {
        id,
        name: path.to_owned(),
        column: thing::DATA,
        path: path.to_owned(),
        ty,
    };
    vec![
        path(EMAIL, ".email", PathType::String),
        path(AGE, ".age", PathType::Int64),
        path(CITY, ".home.city", PathType::String),
        path(MIXED, ".mixed", PathType::Float64),
        path(SCORE, ".score", PathType::Int64),
        path(LEVEL, ".level", PathType::String),
    ]
}

pub(super) struct Place {
    pub(super) store: Arc<dyn RowStore>,
    bucket: Bucket,
    env: Arc<TestEnv>,
    options: Options,
}

impl Place {
    pub(super) fn new(stores: Stores<'_>, options: Options) -> Place {
        Place { store: stores(), bucket: bucket(), env: Arc::new(TestEnv::default()), options }
    }

    pub(super) fn open(&self) -> Db {
        self.open_with_slices(self.options.index_slice_rows)
    }

    fn open_with_slices(&self, index_slice_rows: u32) -> Db {
        let bucket = Some(self.bucket.clone());
        let options = Options { index_slice_rows, ..self.options.clone() };
        try_open_with(Box::new(self.store.clone()), &options, bucket, self.env.clone()).unwrap()
    }

    /// The ids of rows that meet `predicate` on a database opened for it alone, rows read, GETs.
    pub(super) fn cost(&self, predicate: &Predicate) -> (Vec<String>, u64, u64) {
        let (found, counts) = self.usage(predicate);
        (found, counts.rows_read, counts.object_gets)
    }

    /// The same, and everything that it took.
    fn usage(&self, predicate: &Predicate) -> (Vec<String>, UsageCounts) {
        let (db, usage) = (self.open(), Usage::default());
        let found = ids(&db.snapshot("things", &usage).unwrap(), predicate, &usage);
        assert_eq!(usage.rows_read(), metered(&db).read);
        (found, usage.counts())
    }
}

pub(super) fn ids(snapshot: &Snapshot, predicate: &Predicate, usage: &Usage) -> Vec<String> {
    read(snapshot, vec![thing::ID], predicate, usage)
}

/// The ids of rows that meet `predicate`. They are the first of the columns that are read.
fn read(
    snapshot: &Snapshot,
    columns: Vec<u32>,
    predicate: &Predicate,
    usage: &Usage,
) -> Vec<String> {
    let request =
        ScanRequest { columns, paths: paths(), predicate: predicate.clone(), row_addresses: false };
    let plan = snapshot.scan(request, usage).unwrap();
    let mut out = Vec::new();
    for task in plan.tasks(usage).unwrap() {
        let mut scanner = plan.start(&task);
        while let Some(batch) = now(scanner.next_batch(usage)).unwrap() {
            out.extend(batch.column(0).as_string_view().iter().flatten().map(str::to_owned));
        }
    }
    out.sort_unstable();
    out
}

pub(super) fn email(n: u64) -> String {
    format!("user{n}@example.org")
}

/// Persons `range`, one a minute.
pub(super) fn people(range: std::ops::Range<u64>) -> RecordBatch {
    let person = |n: u64| {
        let data = format!(
            r#"{{"email":"{}","age":{},"home":{{"city":"C{}"}}}}"#,
            email(n),
            n % 90,
            n % 7
        );
        let at = 1_600_000_000_000 + n as i64 * 60_000;
        Thing::new(format!("{:016x}", Rng(n).next()), "Person", data, at)
    };
    things(&range.map(person).collect::<Vec<_>>())
}

pub(super) fn flush(db: &Db) {
    let usage = Usage::default();
    while now(db.flush_step("things", FlushScope::All, &usage)).unwrap().more {}
}

pub(super) fn fold(db: &Db) {
    let usage = Usage::default();
    while now(db.compact_step("things", false, &usage)).unwrap().more {}
}

/// A file a day: so many files of so many rows.
fn with_files(stores: Stores<'_>, files: u64, rows: u64) -> Place {
    let place = Place::new(stores, Options::native());
    let db = place.open();
    let day = 86_400_000;
    let usage = Usage::default();
    let mut batch = Vec::new();
    for n in 0..files * rows {
        let (score, level) = (n, ["low", "high"][(n % 2) as usize]);
        let data = format!(r#"{{"email":"{}","score":{score},"level":"{level}"}}"#, email(n));
        let at = 1_600_000_000_000 + (n / rows) as i64 * day;
        batch.push(Thing::new(format!("{:016x}", Rng(n).next()), "Person", data, at));
    }
    for batch in batch.chunks(50_000) {
        now(db.insert("things", &things(batch), &usage)).unwrap();
    }
    flush(&db);
    fold(&db);
    assert_eq!(db.snapshot("things", &usage).unwrap().warm().1, files);
    place
}

fn print_cost(files: u64, what: &str, counts: &UsageCounts) {
    let UsageCounts { rows_read, object_gets, object_bytes, .. } = counts;
    println!(
        "{files:>6} files, {what:<24} {rows_read:>2} rows read, {object_gets:>2} GETs, \
         {object_bytes:>6} bytes"
    );
}

fn look_ups_cost_the_same_at_any_number_of_files(stores: Stores<'_>) {
    let most = super::size(20_000, 100);
    for files in [10, 1_000, most as u64] {
        let rows = if files > 1_000 { 3 } else { 20 };
        let place = with_files(stores, files, rows);
        let all = files * rows;
        let check = |what: &str, predicate: &Predicate, found: usize, reads: u64, gets: u64| {
            let (ids, counts) = place.usage(predicate);
            let (rows, objects) = (counts.rows_read, counts.object_gets);
            print_cost(files, what, &counts);
            assert_eq!(ids.len(), found, "{what}");
            assert!(rows <= reads && objects <= gets, "{files} files, {what}: {rows}, {objects}");
        };
        for n in [0, all / 2, all - 1] {
            let id = format!("{:016x}", Rng(n).next());
            check("one email", &text(EMAIL, CompareOp::Eq, &email(n)), 1, 4, 1);
            check("one id", &text(thing::ID, CompareOp::Eq, &id), 1, 4, 1);
        }
        for n in [all, all + 7, all * 3] {
            let id = format!("{:016x}", Rng(n).next());
            check("an email that is nowhere", &text(EMAIL, CompareOp::Eq, &email(n)), 0, 2, 0);
            check("an id that is nowhere", &text(thing::ID, CompareOp::Eq, &id), 0, 2, 0);
        }
        if files <= 1_000 {
            let last = number(SCORE, CompareOp::GtEq, (all - rows) as i64);
            check("a range of a path", &last, rows as usize, 5, 1);
            check("no such range", &number(SCORE, CompareOp::Lt, 0), 0, 4, 0);
        }
        let (db, usage) = (place.open(), Usage::default());
        let snapshot = db.snapshot("things", &usage).unwrap();
        assert_eq!((snapshot.rows(), usage.rows_read()), (all, 1));
        let high = text(LEVEL, CompareOp::Eq, "high");
        let counts = snapshot.value_counts(None, &high, &paths(), &usage).unwrap().unwrap();
        assert!(counts.rest.is_none());
        assert_eq!((counts.known.rows, usage.counts().object_gets), (all / 2, 0));
        let reads = usage.rows_read();
        print_cost(files, "a count by a path", &usage.counts());
        let most = if files > 1_000 { 40 } else { 4 };
        assert!(reads <= most, "{files} files: {reads}");
        let usage = bounds_are_known(&place, all);
        print_cost(files, "bounds of paths", &usage);
        assert!(usage.object_gets == 0 && usage.rows_read <= most, "{files} files: {usage:?}");
    }
}

/// The least and the greatest score and email, from the index alone; with what follows from a
/// condition on a column that all files meet, or none does.
fn bounds_are_known(place: &Place, all: u64) -> UsageCounts {
    let (db, usage) = (place.open(), Usage::default());
    let snapshot = db.snapshot("things", &usage).unwrap();
    let asked = [EMAIL, SCORE].map(|id| Asked { id, bounds: true });
    let asks = |ty: &str| {
        let predicate = text(thing::TYPE, CompareOp::Eq, ty);
        snapshot.bounds(&asked, &predicate, &paths(), &usage).unwrap().unwrap()
    };
    let found = asks("Person");
    assert!(found.rest.is_none() && found.rows == all);
    let emails: Vec<String> = (0..all).map(email).collect();
    let string = |text: Option<&String>| text.cloned().map(Scalar::String);
    let int = |n: u64| Some(Scalar::Int(n as i64));
    let wanted =
        [(string(emails.iter().min()), string(emails.iter().max()), 0), (int(0), int(all - 1), 0)];
    let known: Vec<_> = found.known.into_iter().map(|s| (s.min, s.max, s.nulls)).collect();
    assert_eq!(known, wanted);
    let none = asks("Nobody");
    assert!(none.rest.is_none() && none.rows == 0 && none.known.iter().all(|s| s.min.is_none()));
    usage.counts()
}

/// Of files with deleted rows nothing is told, nor of texts that were cut.
fn bounds_leave_files_to_read_of_which_they_know_too_little(stores: Stores<'_>) {
    let place = with_files(stores, 10, 20);
    let (db, usage) = (place.open(), Usage::default());
    let long = format!(r#"{{"email":"{}","score":-1}}"#, "x".repeat(40));
    let long = Thing::new("long", "Person", &long, 0);
    now(db.insert("things", &things(&[long]), &usage)).unwrap();
    flush(&db);
    let snapshot = db.snapshot("things", &usage).unwrap();
    let last = format!("{:016x}", Rng(199).next());
    let gone = addresses(&snapshot, &text(thing::ID, CompareOp::Eq, &last));
    now(db.mutate("things", gone, None, &usage)).unwrap();
    let (db, usage) = (place.open(), Usage::default());
    let snapshot = db.snapshot("things", &usage).unwrap();
    let asks = |id: u32, bounds: bool| {
        let asked = [Asked { id, bounds }];
        let found = snapshot.bounds(&asked, &Predicate::True, &paths(), &usage).unwrap().unwrap();
        (found.rows, found.rest.map(|rest| rest.rows()))
    };
    assert_eq!(asks(SCORE, true), (181, Some(19)), "the file with a deleted row is to be read");
    assert_eq!(asks(EMAIL, false), (181, Some(19)));
    assert_eq!(asks(EMAIL, true), (180, Some(20)), "and that with a text that was cut");
    assert_eq!(usage.counts().object_gets, 0);
}

fn a_look_up_in_a_large_file_reads_some_pages(stores: Stores<'_>) {
    let rows = super::size(40_000, 12_000) as u64;
    let place = with_files(stores, 1, rows);
    let (db, usage) = (place.open(), Usage::default());
    let bytes = db.snapshot("things", &usage).unwrap().warm().2;
    for n in [0, rows / 2, rows - 1] {
        let id = format!("{:016x}", Rng(n).next());
        let by_id = text(thing::ID, CompareOp::Eq, &id);
        let by_email = text(EMAIL, CompareOp::Eq, &email(n));
        for (predicate, columns) in [
            (&by_id, vec![thing::ID]),
            (&by_id, vec![thing::ID, thing::DATA, thing::CREATED_AT]),
            (&by_email, vec![thing::ID, thing::DATA]),
        ] {
            let (db, usage) = (place.open(), Usage::default());
            let alone = columns.len() == 1;
            let found = read(&db.snapshot("things", &usage).unwrap(), columns, predicate, &usage);
            assert_eq!(found, std::slice::from_ref(&id));
            let counts = usage.counts();
            println!("{rows} rows in a file of {bytes} bytes, {predicate:?}: {counts:?}");
            assert!(counts.rows_read <= 4 && counts.object_gets == 1, "{counts:?}");
            assert!(!alone || counts.object_bytes < bytes / 8, "{counts:?} of {bytes}");
        }
    }
    // Of so many values nobody looks for counts.
    let (db, usage) = (place.open(), Usage::default());
    let snapshot = db.snapshot("things", &usage).unwrap();
    let by_email = text(EMAIL, CompareOp::Eq, &email(0));
    let counts = snapshot.value_counts(None, &by_email, &paths(), &usage).unwrap();
    assert!(counts.is_none() && usage.rows_read() == 1, "{} rows read", usage.rows_read());
    // What replaces a thing looks for it there, and the new one is found instead.
    let replaced = Thing::new(format!("{:016x}", Rng(rows / 2).next()), "Person", "{}", 0);
    let (db, usage) = (place.open(), Usage::default());
    now(db.insert("things", &things(&[replaced]), &usage)).unwrap();
    let counts = usage.counts();
    println!("to replace one thing: {counts:?}");
    assert!(counts.object_gets == 1 && counts.object_bytes < bytes, "{counts:?}");
    let snapshot = db.snapshot("things", &usage).unwrap();
    assert_eq!(snapshot.rows(), rows);
    let gone = text(EMAIL, CompareOp::Eq, &email(rows / 2));
    assert!(ids(&snapshot, &gone, &usage).is_empty());
}

fn waiting_keys_cost_a_row_more_until_they_are_folded(stores: Stores<'_>) {
    let place = Place::new(stores, Options { merge_fanout: 100, ..Options::default() });
    let (db, usage) = (place.open(), Usage::default());
    now(db.insert("things", &people(0..2_000), &usage)).unwrap();
    flush(&db);
    fold(&db);
    let absent = text(EMAIL, CompareOp::Eq, &email(1 << 40));
    assert_eq!(place.cost(&absent), (Vec::new(), 2, 0));
    now(db.insert("things", &people(2_000..2_100), &usage)).unwrap();
    flush(&db);
    assert_eq!(place.cost(&absent), (Vec::new(), 3, 0));
    let late = text(EMAIL, CompareOp::Eq, &email(2_050));
    assert_eq!(place.cost(&late).0.len(), 1);
    now(db.insert("things", &people(2_100..4_000), &usage)).unwrap();
    flush(&db);
    fold(&db);
    assert_eq!(place.cost(&absent), (Vec::new(), 2, 0));
    let (found, rows, gets) = place.cost(&late);
    assert_eq!((found.len(), gets), (1, 1));
    assert!(rows <= 4, "{rows} rows");
}

/// Few keys, then many, with a process that dies at every call of the row store, and with a fold
/// that is never ended.
fn rows_of_posting_lists_have_what_they_may(stores: Stores<'_>) {
    const BYTES_MAX: usize = 6_000;
    let sizes = Options { index_row_bytes_max: BYTES_MAX, flush_rows_max: 4_000, ..small() };
    let place = Place::new(stores, sizes);
    let mut cuts = [1, 1];
    for (day, rows) in (0..).zip([20, 600, 2_000, 20, 400, 20]) {
        let first = day * 3_000;
        now(place.open().insert("things", &people(first..first + rows), &Usage::default()))
            .unwrap();
        let mut look = || {
            let levels = levels(place.store.as_ref());
            for (level, cut, _, bytes) in &levels {
                assert!(*bytes <= BYTES_MAX as i64, "{bytes} bytes in a row of level {level}");
                let most = &mut cuts[*level as usize];
                *most = (*cut).max(*most);
            }
            for (n, there) in [(0, true), (first, true), (first + rows, false)] {
                let found = place.cost(&text(EMAIL, CompareOp::Eq, &email(n))).0;
                assert_eq!(found.len(), usize::from(there), "person {n} on day {day}");
            }
            // A cut that was begun and is not used.
            day != 1 || !levels.iter().any(|(_, cut, rows, _)| rows < cut)
        };
        dying(&place, &mut look, &|db, usage| {
            now(db.flush_step("things", FlushScope::All, usage)).map(|step| step.more)
        });
        let is_whole = dying(&place, &mut look, &|db, usage| {
            now(db.compact_step("things", false, usage)).map(|step| step.more)
        });
        assert_eq!(is_whole, day != 1);
        let of: Vec<i64> = levels(place.store.as_ref()).iter().map(|level| level.0).collect();
        let is_once = of.windows(2).all(|two| two[0] != two[1]);
        assert!(is_once || !is_whole, "rows of a cut that is not used: {of:?}");
    }
    assert!(cuts.iter().all(|cut| *cut > 1), "{cuts:?}");
    assert_eq!(now(place.open().verify(&Usage::default())).unwrap().faults, []);
}

/// Does steps while there are more, in a process that dies at its first call of the row store, then
/// in one that dies at its second, until one does not. Ends early when `look`, after each, says so:
/// then the answer is false.
fn dying(
    place: &Place,
    look: &mut dyn FnMut() -> bool,
    step: &dyn Fn(&Db, &Usage) -> dodb_engine::Result<bool>,
) -> bool {
    for nth in 1.. {
        let store = Box::new(place.store.clone());
        let (store, calls) = FaultStore::failing(store, nth, Then::StayDown);
        let bucket = Some(place.bucket.clone());
        let db = try_open_with(Box::new(store), &place.options, bucket, place.env.clone());
        let done = db.and_then(|db| {
            while step(&db, &Usage::default())? {}
            Ok(())
        });
        if !look() {
            return false;
        }
        if !calls.failed() {
            done.unwrap();
            return true;
        }
    }
    false
}

/// Of each level in each cut: its number, the cut, rows, and bytes of the largest.
fn levels(store: &dyn RowStore) -> Vec<(i64, i64, i64, i64)> {
    let sql = "SELECT level, cut, count(*), max(length(data)) FROM _postings GROUP BY level, cut";
    let mut found = Vec::new();
    let statement = Statement { name: "test_levels", sql };
    store
        .exec(&statement, &[], &mut |row| {
            if let [Value::Int(level), Value::Int(cut), Value::Int(rows), Value::Int(bytes)] = row {
                found.push((*level, *cut, *rows, *bytes));
            }
            Flow::Continue
        })
        .unwrap();
    found
}

/// Documents in which paths come, go and change their kinds.
fn anybody(rng: &mut Rng, id: u64) -> Thing {
    let mut fields = Vec::new();
    if rng.chance(80) {
        fields.push(format!(r#""email":"{}""#, email(rng.below(400))));
    }
    match rng.below(10) {
        0 => fields.push(r#""age":"old""#.to_owned()),
        1 => fields.push(r#""age":null"#.to_owned()),
        2 => fields.push(r#""age":[1,2]"#.to_owned()),
        _ => fields.push(format!(r#""age":{}"#, rng.below(100))),
    }
    if rng.chance(50) {
        fields.push(format!(r#""home":{{"city":"C{}","zip":{}}}"#, rng.below(30), rng.below(9)));
    }
    match rng.below(6) {
        0 => {
            let sign = if rng.chance(50) { "-" } else { "" };
            fields.push(format!(r#""mixed":{sign}{}.0"#, rng.below(20)));
        }
        1 => fields.push(format!(r#""mixed":{}"#, rng.below(20))),
        2 => fields.push(format!(r#""mixed":{}.5"#, rng.below(20))),
        3 => fields.push(format!(r#""mixed":"{}""#, rng.below(20))),
        4 => fields.push(format!(r#""rare{}":1"#, rng.below(300))),
        _ => {}
    }
    if rng.chance(70) {
        fields.push(format!(r#""score":{}"#, rng.below(1_000)));
    }
    match rng.below(4) {
        0 => {}
        1 => fields.push(r#""level":null"#.to_owned()),
        _ => fields.push(format!(r#""level":"{}""#, ["low", "mid", "high"][rng.below(3) as usize])),
    }
    let at = 1_600_000_000_000 + rng.below(4) as i64 * 86_400_000;
    let ty = ["A", "B"][rng.below(2) as usize];
    Thing::new(format!("id{id}"), ty, format!("{{{}}}", fields.join(",")), at)
}

fn a_predicate(rng: &mut Rng, depth: u64) -> Predicate {
    let term = |rng: &mut Rng| match rng.below(13) {
        0 => text(thing::ID, CompareOp::Eq, &format!("id{}", rng.below(700))),
        1 | 2 => text(EMAIL, CompareOp::Eq, &email(rng.below(420))),
        3 => number(AGE, CompareOp::Eq, rng.below(105) as i64),
        4 => text(CITY, CompareOp::Eq, &format!("C{}", rng.below(33))),
        5 => {
            let value =
                Scalar::Float([1.0, -1.0][rng.below(2) as usize] * rng.below(44) as f64 / 2.0);
            let op = [CompareOp::Eq, CompareOp::Eq, CompareOp::Lt, CompareOp::GtEq];
            Predicate::Compare { column: MIXED, op: op[rng.below(4) as usize], value }
        }
        6 => {
            let values = (0..rng.below(4)).map(|_| Scalar::String(email(rng.below(420))));
            Predicate::In { column: EMAIL, values: values.collect() }
        }
        7 => text(thing::TYPE, CompareOp::Eq, ["A", "B", "C"][rng.below(3) as usize]),
        8 => number(AGE, CompareOp::Lt, rng.below(100) as i64),
        9 => number(SCORE, CompareOp::Gt, 900 + rng.below(120) as i64),
        10 => number(SCORE, CompareOp::LtEq, rng.below(60) as i64),
        11 => Predicate::IsNull { column: [SCORE, LEVEL][rng.below(2) as usize] },
        _ => text(LEVEL, CompareOp::Eq, ["low", "mid", "none"][rng.below(3) as usize]),
    };
    if depth == 0 || rng.chance(40) {
        return term(rng);
    }
    let terms = |rng: &mut Rng| {
        (0..2 + rng.below(2)).map(|_| a_predicate(rng, depth - 1)).collect::<Vec<_>>()
    };
    match rng.below(5) {
        0 | 1 => Predicate::And(terms(rng)),
        2 | 3 => Predicate::Or(terms(rng)),
        _ => Predicate::Not(Box::new(a_predicate(rng, depth - 1))),
    }
}

/// All rows with what predicates ask for, read without one.
fn everything(snapshot: &Snapshot) -> Vec<RecordBatch> {
    let usage = Usage::default();
    let columns = COLUMNS.to_vec();
    let predicate = Predicate::True;
    let request = ScanRequest { columns, paths: paths(), predicate, row_addresses: false };
    let plan = snapshot.scan(request, &usage).unwrap();
    let mut out = Vec::new();
    for task in plan.tasks(&usage).unwrap() {
        let mut scanner = plan.start(&task);
        while let Some(batch) = now(scanner.next_batch(&usage)).unwrap() {
            out.push(batch);
        }
    }
    out
}

fn expected(all: &[RecordBatch], predicate: &Predicate) -> Vec<String> {
    let mut out = Vec::new();
    for batch in all {
        let column = |id: u32| -> Option<ArrayRef> {
            let at = COLUMNS.iter().position(|known| *known == id)?;
            Some(batch.column(at).clone())
        };
        let meets = predicate.evaluate(batch.num_rows(), &column).unwrap();
        let ids = batch.column(0).as_string_view();
        let found = (0..batch.num_rows()).filter(|row| meets.is_valid(*row) && meets.value(*row));
        out.extend(found.map(|row| ids.value(row).to_owned()));
    }
    out.sort_unstable();
    out
}

/// Rows; of a column its nulls and values besides.
type Counts = (u64, Option<(u64, Vec<(Scalar, u64)>)>);

fn counts(stats: ColumnStats, of: Option<u32>) -> Counts {
    (stats.rows, of.map(|_| (stats.nulls, stats.values.unwrap())))
}

/// What [`Snapshot::value_counts`] should say, from all rows.
fn counted(all: &[RecordBatch], of: Option<u32>, predicate: &Predicate) -> ColumnStats {
    let mut stats = ColumnStats::default();
    for batch in all {
        let place = |id: u32| COLUMNS.iter().position(|known| *known == id);
        let column = |id: u32| Some(batch.column(place(id)?).clone());
        let meets = predicate.evaluate(batch.num_rows(), &column).unwrap();
        let by = batch.column(of.and_then(place).unwrap_or_default());
        stats.merge(&ColumnStats::of(&filter(by, &meets).unwrap()));
    }
    stats
}

/// Random writes, flushes, compactions and folds; after each some predicates. Answers the first
/// difference.
fn differences(place: &Place, seed: u64, steps: u64, asked: u64) -> Result<u64, String> {
    let mut rng = Rng(seed);
    let (mut db, usage) = (place.open(), Usage::default());
    let mut pruned = 0;
    for step in 0..steps {
        match rng.below(10) {
            0..=3 => {
                let rows: Vec<Thing> = (0..1 + rng.below(60))
                    .map(|_| {
                        let id = rng.below(600);
                        anybody(&mut rng, id)
                    })
                    .collect();
                now(db.insert("things", &things(&rows), &usage)).unwrap();
            }
            4 => {
                let snapshot = db.snapshot("things", &usage).unwrap();
                let gone = addresses(&snapshot, &text(thing::TYPE, CompareOp::Eq, "A"));
                if rng.chance(10) {
                    now(db.mutate("things", gone, None, &usage)).unwrap();
                }
            }
            5 | 6 => flush(&db),
            7 => fold(&db),
            8 => while now(db.compact_step("things", true, &usage)).unwrap().more {},
            // Another program may cut files otherwise.
            _ => db = place.open_with_slices([4, 5][rng.below(2) as usize]),
        }
        let snapshot = db.snapshot("things", &usage).unwrap();
        let all = everything(&snapshot);
        for _ in 0..asked {
            let predicate = a_predicate(&mut rng, 2);
            let answer = ids(&snapshot, &predicate, &usage);
            let expected = expected(&all, &predicate);
            if answer != expected {
                return Err(format!("seed {seed}, step {step}, {predicate:?}: {answer:?}"));
            }
            pruned += u64::from(answer.len() < all.iter().map(RecordBatch::num_rows).sum());
        }
        for _ in 0..asked {
            let told = told_otherwise(&snapshot, &all, &mut rng);
            if let Some(told) = told {
                return Err(format!("seed {seed}, step {step}, {told}"));
            }
        }
    }
    Ok(pruned)
}

/// Counts and bounds that are known without reading, where they are not those of all rows.
fn told_otherwise(snapshot: &Snapshot, all: &[RecordBatch], rng: &mut Rng) -> Option<String> {
    let usage = Usage::default();
    let predicate = |rng: &mut Rng, depth: u64| {
        Predicate::And((0..rng.below(3)).map(|_| a_predicate(rng, depth)).collect())
    };
    let of = [None, Some(thing::TYPE), Some(LEVEL)][rng.below(3) as usize];
    let meets = predicate(rng, 0);
    let found = snapshot.value_counts(of, &meets, &paths(), &usage).unwrap();
    if let Some(ValueCounts { mut known, rest }) = found {
        if let Some(rest) = rest {
            known.merge(&counted(&everything(&rest), of, &meets));
        }
        let found = counts(known, of);
        if found != counts(counted(all, of, &meets), of) {
            return Some(format!("{of:?} {meets:?}: {found:?}"));
        }
    }
    let of = [thing::TYPE, EMAIL, AGE, CITY, MIXED, SCORE, LEVEL][rng.below(7) as usize];
    let meets = predicate(rng, 1);
    let asked = [Asked { id: of, bounds: true }];
    let Bounds { rows, mut known, rest } =
        snapshot.bounds(&asked, &meets, &paths(), &usage).unwrap()?;
    let mut known = known.remove(0);
    assert_eq!((known.rows, known.exact), (rows, true));
    if let Some(rest) = rest {
        known.merge(&counted(&everything(&rest), Some(of), &meets));
    }
    let bounds = |stats: ColumnStats| (stats.rows, stats.nulls, stats.min, stats.max);
    let found = bounds(known);
    (found != bounds(counted(all, Some(of), &meets))).then(|| format!("{of} {meets:?}: {found:?}"))
}

fn small() -> Options {
    Options {
        fresh_insert_rows_max: 6,
        fold_rows_min: 8,
        compact_bytes_max: 2_500,
        flush_rows_max: 40,
        index_row_bytes_max: 6_000,
        index_slice_rows: 4,
        file_bytes: 20_000,
        ..Options::default()
    }
}

fn pruned_answers_are_those_of_full_scans(stores: Stores<'_>) {
    for seed in 0..super::size(24, 2) as u64 {
        let place = Place::new(stores, small());
        let pruned = differences(&place, seed, 40, 8).unwrap();
        assert!(pruned > 100, "{pruned} predicates left something out");
        let report = now(place.open().verify(&Usage::default())).unwrap();
        assert!(report.faults.is_empty(), "seed {seed}: {:#?}", report.faults);
    }
}

/// The comparison is worth something only if it notices a file too few.
fn a_planted_fault_in_pruning_is_found(stores: Stores<'_>) {
    let noticed = (0..4).any(|seed| {
        let options = Options { plants_fault_in_index: true, ..small() };
        differences(&Place::new(stores, options), seed, 40, 8).is_err()
    });
    assert!(noticed);
}

fn an_emptied_table_forgets_its_index(stores: Stores<'_>) {
    let place = Place::new(stores, Options::default());
    let (db, usage) = (place.open(), Usage::default());
    for range in [0..900, 900..1_200] {
        now(db.insert("things", &people(range), &usage)).unwrap();
        flush(&db);
        fold(&db);
    }
    now(db.truncate("things", &usage)).unwrap();
    for sql in [
        "SELECT 1 FROM _postings",
        "SELECT 1 FROM _footers",
        "SELECT 1 FROM _stats",
        "SELECT 1 FROM _manifest",
    ] {
        let mut left = 0;
        let statement = Statement { name: "test_rows", sql };
        place.store.exec(&statement, &[], &mut |_| (left += 1, Flow::Continue).1).unwrap();
        assert_eq!(left, 0, "{sql}");
    }
    now(db.insert("things", &people(100..300), &usage)).unwrap();
    flush(&db);
    for (n, there) in [(50, 0), (150, 1), (1_000, 0)] {
        let asked = text(EMAIL, CompareOp::Eq, &email(n));
        assert_eq!(ids(&db.snapshot("things", &usage).unwrap(), &asked, &usage).len(), there);
        assert_eq!(place.cost(&asked).0.len(), there);
    }
}
