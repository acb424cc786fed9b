//! Random operations against a naive model: after every step counts, scans, pruned scans and kept
//! statistics are those of the model, and snapshots taken before still show what they showed.
//! Each case prints its seed and its steps. Not here: costs, faults, threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::support::{
    Rng, TestEnv, addresses, bucket, metered, now, number, open, scan, text, try_open_with,
    try_scan,
};
use super::table_model::{Model, Row, rendered};
use super::{Stores, size};
use dodb_engine::{
    Alter, Bucket, Db, ErrorKind, FlushScope, JobBudget, Options, Snapshot, TableDef, TableKind,
    relationships, things,
};
use dodb_part::{ColumnType, CompareOp, Predicate, Scalar, TimeUnit};
use dodb_rowstore::{RowStore, Usage};

cases![
    random_operations_match_a_model_in_short_runs,
    random_operations_match_a_model_in_long_runs,
    random_operations_match_a_model_across_tiers,
    a_part_of_many_granules_is_pruned_and_deleted_from_rightly,
];

/// Sizes at which everything happens with a few dozen rows.
fn tiny(rng: &mut Rng) -> Options {
    Options {
        fresh_insert_rows_max: 4 + rng.below(12) as usize,
        fold_rows_min: 10 + rng.below(20),
        fold_bytes_min: 2_000,
        fold_bytes_max: 4_000 + rng.below(8_000),
        fresh_entries_max: 1 + rng.below(4) as usize,
        compact_bytes_max: 3_000 + rng.below(6_000),
        wide_bytes_max: 20_000,
        merge_fanout: 2 + rng.below(2) as usize,
        cache_bytes_max: if rng.chance(50) { 0 } else { 1 << 20 },
        file_filter_bytes_max: if rng.chance(50) { 5_000 } else { 1 << 20 },
        value_bytes_max: 4_000,
        inline_filter_rows_max: 4 + rng.below(30),
        flush_rows_max: 60,
        file_bytes: 12_000,
        footers_max: 2,
        ..Options::default()
    }
}

/// A snapshot and what it showed when it was taken.
struct Held {
    snapshot: Snapshot,
    rows: Vec<String>,
}

struct Case {
    rng: Rng,
    store: Arc<dyn RowStore>,
    bucket: Option<Bucket>,
    env: Arc<TestEnv>,
    options: Options,
    db: Db,
    tables: Vec<Model>,
    held: Vec<Held>,
    /// Column ids that each table id ever had.
    columns_ever: BTreeMap<u32, Vec<u32>>,
    usage: Usage,
    created: u64,
}

impl Case {
    fn new(stores: Stores<'_>, seed: u64, bucket: Option<Bucket>) -> Case {
        let mut rng = Rng(seed);
        let options = tiny(&mut rng);
        println!("seed {seed}: {options:?}");
        let store = stores();
        let env = Arc::new(TestEnv::default());
        let opened = Box::new(store.clone());
        let db = try_open_with(opened, &options, bucket.clone(), env.clone()).unwrap();
        let usage = Usage::default();
        let builtin = ["things", "relationships"];
        let tables = builtin.map(|name| Model::of(&db.table(name, &usage).unwrap())).into();
        let mut case = Case {
            rng,
            store,
            bucket,
            env,
            options,
            db,
            tables,
            held: Vec::new(),
            columns_ever: BTreeMap::new(),
            usage,
            created: 0,
        };
        case.create(true);
        case.create(false);
        case
    }

    fn reopen(&mut self) {
        self.held.clear();
        let store = Box::new(self.store.clone());
        let (bucket, env) = (self.bucket.clone(), self.env.clone());
        self.db = try_open_with(store, &self.options, bucket, env).unwrap();
    }

    fn create(&mut self, ordered: bool) {
        self.created += 1;
        let name = format!("t{}", self.created);
        let columns = vec![
            ("k".to_owned(), ColumnType::String, false),
            ("t".to_owned(), ColumnType::Timestamp(TimeUnit::Millisecond), true),
            ("n".to_owned(), ColumnType::Int64, true),
        ];
        let order = if ordered { vec!["k".to_owned(), "n".to_owned()] } else { Vec::new() };
        let def = TableDef::plain(&name, columns, &order, None).unwrap();
        assert!(self.db.create_table(def.clone(), false, &self.usage).unwrap());
        assert!(!self.db.create_table(def.clone(), true, &self.usage).unwrap());
        let again = self.db.create_table(def, false, &self.usage).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Exists);
        let def = self.db.table(&name, &self.usage).unwrap();
        assert!(!self.columns_ever.contains_key(&def.id), "a table id is used twice");
        self.columns_ever.insert(def.id, vec![1, 2, 3]);
        self.tables.push(Model::of(&def));
    }

    fn key_text(&mut self) -> String {
        const LONG: &str = "a-rather-long-key-whose-first-forty-bytes-are-always-the-same-";
        let n = self.rng.below(120);
        if n.is_multiple_of(10) { format!("{LONG}{n}") } else { format!("k{n}") }
    }

    fn value(&mut self, table: usize, column: u32, ty: &ColumnType) -> Option<Scalar> {
        let kind = self.tables[table].kind;
        let is_type = kind == TableKind::Things && column == things::TYPE
            || kind == TableKind::Relationships && column == relationships::TYPE;
        let text = match ty {
            ColumnType::Json => format!(r#"{{"n":{},"s":"é"}}"#, self.rng.below(1_000)),
            ColumnType::String if is_type => format!("T{}", self.rng.below(4)),
            ColumnType::String => self.key_text(),
            _ => {
                let base = if *ty == ColumnType::Int64 { -50 } else { 1_600_000_000_000 };
                return Some(Scalar::Int(base + self.rng.below(100) as i64));
            }
        };
        Some(Scalar::String(text))
    }

    fn row(&mut self, table: usize) -> Row {
        let mut row = Row::new();
        let kind = self.tables[table].kind;
        for column in self.tables[table].columns.clone() {
            let may_be_null = match kind {
                TableKind::Plain => column.id != 1,
                TableKind::Relationships => column.id == relationships::ID,
                TableKind::Things => false,
            };
            let null = kind == TableKind::Things && column.id == things::EMBEDDING
                || may_be_null && self.rng.chance(if kind == TableKind::Plain { 20 } else { 80 });
            if !null {
                let value = self.value(table, column.id, &column.ty);
                row.extend(value.map(|value| (column.id, value)));
            }
        }
        row
    }

    fn rows(&mut self, table: usize, count: u64) -> Vec<Row> {
        (0..count).map(|_| self.row(table)).collect()
    }

    fn insert(&mut self, table: usize, count: u64) {
        let mut rows = self.rows(table, count);
        let existing = self.tables[table].rows.len() as u64;
        for row in &mut rows {
            // Half of the time a key that is there already, else whatever came out.
            if existing > 0 && !self.tables[table].key.is_empty() && self.rng.chance(40) {
                let other = self.tables[table].rows[self.rng.below(existing) as usize].clone();
                for id in &self.tables[table].key {
                    row.insert(*id, other[id].clone());
                }
            }
        }
        let model = &mut self.tables[table];
        let given = now(self.db.insert(&model.name, &model.batch(&rows), &self.usage)).unwrap();
        assert_eq!(given, count);
        model.insert(&rows);
    }

    fn refused_insert(&mut self, table: usize) {
        let mut rows = self.rows(table, 5);
        let required = match self.tables[table].kind {
            TableKind::Things => things::TYPE,
            TableKind::Relationships => relationships::FROM_ID,
            TableKind::Plain => 1,
        };
        rows[3].remove(&required);
        let model = &self.tables[table];
        let error = now(self.db.insert(&model.name, &model.batch(&rows), &self.usage)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("record 4"), "{error}");
    }

    /// A value of that column: mostly one that is there.
    fn operand(&mut self, table: usize, column: u32) -> Scalar {
        let rows = self.tables[table].rows.len() as u64;
        if rows > 0 && self.rng.chance(85) {
            let row = &self.tables[table].rows[self.rng.below(rows) as usize];
            if let Some(value) = row.get(&column) {
                return value.clone();
            }
        }
        let found = self.tables[table].columns.iter().find(|c| c.id == column);
        let ty = found.unwrap().ty.clone();
        self.value(table, column, &ty).unwrap()
    }

    fn atom(&mut self, table: usize) -> Predicate {
        let columns = self.tables[table].columns.clone();
        let usable: Vec<_> =
            columns.iter().filter(|c| !matches!(c.ty, ColumnType::Array(_))).collect();
        let column = usable[self.rng.below(usable.len() as u64) as usize];
        let id = column.id;
        let is_text = column.ty == ColumnType::String;
        let ops = [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::GtEq];
        match self.rng.below(8) {
            0 => Predicate::IsNull { column: id },
            1 => Predicate::IsNotNull { column: id },
            2 => {
                let values = (0..self.rng.below(4)).map(|_| self.operand(table, id)).collect();
                Predicate::In { column: id, values }
            }
            3 if is_text => {
                let Scalar::String(whole) = self.operand(table, id) else { panic!("not text") };
                let keep = self.rng.below(whole.len() as u64 + 1) as usize;
                let prefix = whole.chars().take(keep).collect();
                Predicate::StartsWith { column: id, prefix }
            }
            4 | 5 => {
                Predicate::Compare { column: id, op: CompareOp::Eq, value: self.operand(table, id) }
            }
            6 if !is_text => {
                let (a, b) = (self.operand(table, id), self.operand(table, id));
                Predicate::And(vec![
                    Predicate::Compare { column: id, op: CompareOp::Gt, value: a },
                    Predicate::Compare { column: id, op: CompareOp::LtEq, value: b },
                ])
            }
            _ => {
                let op = ops[self.rng.below(4) as usize];
                Predicate::Compare { column: id, op, value: self.operand(table, id) }
            }
        }
    }

    fn predicate(&mut self, table: usize) -> Predicate {
        let key = self.tables[table].key.clone();
        match self.rng.below(10) {
            // A look-up by the whole key.
            0..=2 if !key.is_empty() => {
                let rows = self.tables[table].rows.len() as u64;
                let mut terms = Vec::new();
                let at = self.rng.below(rows) as usize;
                for column in key {
                    let row = self.tables[table].rows.get(at).cloned().unwrap_or_default();
                    let value = row.get(&column).cloned();
                    let value = value.unwrap_or_else(|| self.operand(table, column));
                    terms.push(Predicate::Compare { column, op: CompareOp::Eq, value });
                }
                if terms.len() == 1 { terms.remove(0) } else { Predicate::And(terms) }
            }
            3 if self.tables[table].kind == TableKind::Relationships => {
                let value = self.operand(table, relationships::ID);
                Predicate::Compare { column: relationships::ID, op: CompareOp::Eq, value }
            }
            4 => Predicate::And(vec![self.atom(table), self.atom(table)]),
            5 => Predicate::Or(vec![self.atom(table), self.atom(table)]),
            6 => Predicate::Not(Box::new(self.atom(table))),
            _ => self.atom(table),
        }
    }

    /// Which rows may a DELETE take? `Predicate::columns` never names a list here.
    fn delete(&mut self, table: usize) {
        let predicate = self.predicate(table);
        let name = self.tables[table].name.clone();
        let snapshot = self.db.snapshot(&name, &self.usage).unwrap();
        let rows = addresses(&snapshot, &predicate);
        drop(snapshot);
        let gone = now(self.db.mutate(&name, rows.clone(), None, &self.usage)).unwrap();
        let expected = self.tables[table].take(&predicate).len() as u64;
        assert_eq!(gone, expected, "DELETE WHERE {predicate:?}");
        if gone > 0 {
            let error = now(self.db.mutate(&name, rows, None, &self.usage)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "deleting twice: {error}");
        }
    }

    fn update(&mut self, table: usize) {
        let predicate = self.predicate(table);
        let changed = match self.tables[table].kind {
            TableKind::Things => things::UPDATED_AT,
            TableKind::Relationships => relationships::CREATED_AT,
            TableKind::Plain => 3,
        };
        let mut rows = self.tables[table].take(&predicate);
        for row in &mut rows {
            if self.tables[table].columns.iter().any(|c| c.id == changed) {
                row.insert(changed, Scalar::Int(1_600_000_000_050));
            }
        }
        let model = &mut self.tables[table];
        let batch = (!rows.is_empty()).then(|| model.batch(&rows));
        let snapshot = self.db.snapshot(&model.name, &self.usage).unwrap();
        let old = addresses(&snapshot, &predicate);
        let gone = now(self.db.mutate(&model.name, old, batch.as_ref(), &self.usage)).unwrap();
        assert_eq!(gone, rows.len() as u64, "UPDATE WHERE {predicate:?}");
        model.insert(&rows);
    }

    fn bad_addresses(&mut self, table: usize) {
        let name = self.tables[table].name.clone();
        let snapshot = self.db.snapshot(&name, &self.usage).unwrap();
        let Some(part) = snapshot.parts(&self.usage).unwrap().first().cloned() else { return };
        let past: roaring::RoaringBitmap = [part.rows as u32].into_iter().collect();
        let past = vec![(part.number, past)];
        let error = now(self.db.mutate(&name, past, None, &self.usage)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }

    fn jobs(&mut self) {
        let thorough = self.rng.chance(40);
        let steps_max = if self.rng.chance(20) { 100 } else { self.rng.below(4) as usize };
        let report = self.db.run_jobs(&JobBudget { steps_max, thorough }, &self.usage).unwrap();
        println!("  {steps_max} steps, thorough {thorough}: {report:?}");
        let done = report.folds + report.merges + report.sweeps;
        // The sweep of dropped tables comes on top.
        assert!(done <= steps_max as u64 + 1);
        if thorough && steps_max == 100 {
            assert!(!report.more);
            for model in &self.tables {
                let snapshot = self.db.snapshot(&model.name, &self.usage).unwrap();
                for part in snapshot.parts(&self.usage).unwrap() {
                    assert!(part.layout != "fresh" && part.deleted_rows == 0, "{part:?}");
                }
            }
        }
    }

    fn alter(&mut self, table: usize) {
        let columns = self.tables[table].columns.clone();
        let name = self.tables[table].name.clone();
        let id = self.db.table(&name, &self.usage).unwrap().id;
        let fresh_name = format!("c{}", self.rng.below(1_000_000));
        match self.rng.below(4) {
            0 => {
                let ty = if self.rng.chance(50) { ColumnType::Int64 } else { ColumnType::String };
                let add = Alter::AddColumn { name: fresh_name.clone(), ty: ty.clone() };
                self.db.alter_table(&name, add, &self.usage).unwrap();
                let def = self.db.table(&name, &self.usage).unwrap();
                let id = def.column(&fresh_name).unwrap().id;
                let ever = self.columns_ever.get_mut(&def.id).unwrap();
                assert!(!ever.contains(&id), "a column id is used twice");
                ever.push(id);
            }
            1 if columns.len() > 3 => {
                // Column 1 and 3 may be in the ORDER BY.
                let gone = columns.iter().rev().find(|c| ![1, 3].contains(&c.id)).unwrap();
                let drop = Alter::DropColumn { name: gone.name.clone() };
                self.db.alter_table(&name, drop, &self.usage).unwrap();
                for row in &mut self.tables[table].rows {
                    row.remove(&gone.id);
                }
            }
            2 => {
                let column = &columns[self.rng.below(columns.len() as u64) as usize];
                let rename = Alter::RenameColumn { from: column.name.clone(), to: fresh_name };
                self.db.alter_table(&name, rename, &self.usage).unwrap();
            }
            _ => {
                self.created += 1;
                let to = format!("t{}", self.created);
                let rename = Alter::RenameTable { to: to.clone() };
                self.db.alter_table(&name, rename, &self.usage).unwrap();
                let error = self.db.snapshot(&name, &self.usage).err().unwrap();
                assert_eq!(error.kind(), ErrorKind::NotFound);
                self.tables[table].name = to;
            }
        }
        let def = self.db.table(&self.tables[table].name, &self.usage).unwrap();
        assert_eq!(def.id, id);
        let rows = std::mem::take(&mut self.tables[table].rows);
        self.tables[table] = Model { rows, ..Model::of(&def) };
    }

    fn drop_table(&mut self, table: usize) {
        let model = self.tables.remove(table);
        let ordered = !self.db.table(&model.name, &self.usage).unwrap().order_by.is_empty();
        assert!(self.db.drop_table(&model.name, false, &self.usage).unwrap());
        assert!(!self.db.drop_table(&model.name, true, &self.usage).unwrap());
        self.create(ordered);
    }

    /// Moves rows to the bucket, or tidies there.
    fn warm(&mut self, table: usize) {
        let name = self.tables[table].name.clone();
        match self.rng.below(10) {
            0..=4 => {
                let step = now(self.db.flush_step(&name, FlushScope::All, &self.usage)).unwrap();
                println!("  flush {name}: {step:?}");
            }
            5..=8 => {
                let thorough = self.rng.chance(60);
                let step = now(self.db.compact_step(&name, thorough, &self.usage)).unwrap();
                println!("  compact {name}, thorough {thorough}: {step:?}");
            }
            _ => {
                // Readers of before need what goes.
                self.held.clear();
                let done = now(self.db.expire(&name, i64::MAX, i64::MAX, &self.usage)).unwrap();
                println!("  expire {name}: {done:?}");
            }
        }
    }

    fn step(&mut self) {
        let table = self.rng.below(self.tables.len() as u64) as usize;
        if self.bucket.is_some() && self.rng.chance(25) {
            return self.warm(table);
        }
        let plain = self.tables[table].kind == TableKind::Plain;
        let op = self.rng.below(100);
        println!("  {op} on {} ({} rows)", self.tables[table].name, self.tables[table].rows.len());
        match op {
            0..=24 => {
                let count = 1 + self.rng.below(6);
                self.insert(table, count);
            }
            25..=39 => {
                let count = 16 + self.rng.below(60);
                self.insert(table, count);
            }
            40..=49 => self.delete(table),
            50..=57 => self.update(table),
            58..=74 => self.jobs(),
            75..=77 => self.refused_insert(table),
            78..=79 => self.bad_addresses(table),
            80..=83 => self.db.forget(),
            84..=86 => {
                self.reopen();
                assert_eq!(metered(&self.db).read, 0);
            }
            87..=92 if plain => self.alter(table),
            93 if plain => self.drop_table(table),
            95 => {
                let rows = self.tables[table].rows.len() as u64;
                let name = self.tables[table].name.clone();
                assert_eq!(now(self.db.truncate(&name, &self.usage)).unwrap(), rows);
                self.tables[table].rows.clear();
            }
            _ => {
                let model = &self.tables[table];
                let snapshot = self.db.snapshot(&model.name, &self.usage).unwrap();
                let rows = model.select(&Predicate::True);
                self.held.push(Held { snapshot, rows });
                if self.held.len() > 3 {
                    self.held.remove(0);
                }
            }
        }
    }

    fn check(&mut self) {
        for table in 0..self.tables.len() {
            let model = &self.tables[table];
            let snapshot = self.db.snapshot(&model.name, &self.usage).unwrap();
            assert_eq!(snapshot.rows(), model.rows.len() as u64, "rows of {}", model.name);
            let ids = model.ids();
            let all = rendered(&scan(&snapshot, &ids, &Predicate::True), &ids);
            assert_eq!(all, model.select(&Predicate::True), "all rows of {}", model.name);
            check_stats(&snapshot, model);
            for _ in 0..6 {
                let predicate = self.predicate(table);
                let model = &self.tables[table];
                let found = rendered(&scan(&snapshot, &ids, &predicate), &ids);
                assert_eq!(found, model.select(&predicate), "{} WHERE {predicate:?}", model.name);
            }
        }
        for held in &self.held {
            let ids: Vec<u32> = held.snapshot.def().schema.columns().iter().map(|c| c.id).collect();
            let rows = rendered(&scan(&held.snapshot, &ids, &Predicate::True), &ids);
            let name = &held.snapshot.def().name;
            assert_eq!(rows, held.rows, "an older snapshot of {name} changed");
        }
    }

    fn verify(&self) {
        let report = now(self.db.verify(&self.usage)).unwrap();
        assert!(report.faults.is_empty(), "{:#?}", report.faults);
        assert_eq!(report.rows, self.tables.iter().map(|t| t.rows.len() as u64).sum::<u64>());
    }
}

fn check_stats(snapshot: &Snapshot, model: &Model) {
    for column in &model.columns {
        let Some(stats) = snapshot.column_stats(column.id) else { continue };
        let place = format!("{}.{}: {stats:?}", model.name, column.name);
        let mut counts: Vec<(Scalar, u64)> = Vec::new();
        let mut values: Vec<&Scalar> =
            model.rows.iter().filter_map(|row| row.get(&column.id)).collect();
        values.sort_by(|a, b| a.compare(b).unwrap());
        for value in &values {
            match counts.last_mut() {
                Some((last, count)) if last == *value => *count += 1,
                _ => counts.push(((*value).clone(), 1)),
            }
        }
        assert_eq!(stats.rows, model.rows.len() as u64, "{place}");
        assert_eq!(stats.nulls, (model.rows.len() - values.len()) as u64, "{place}");
        if let Some(kept) = &stats.values {
            assert_eq!(*kept, counts, "{place}");
        }
        let (min, max) = (values.first().copied(), values.last().copied());
        if stats.exact {
            assert_eq!((stats.min.as_ref(), stats.max.as_ref()), (min, max), "{place}");
        } else if let (Some(min), Some(max)) = (min, max) {
            let below = |bound: &Scalar| bound.compare(min).unwrap().is_le();
            let above = |bound: &Scalar| bound.compare(max).unwrap().is_ge();
            assert!(stats.min.as_ref().is_none_or(below), "{place}");
            assert!(stats.max.as_ref().is_none_or(above), "{place}");
        }
    }
    if model.kind == TableKind::Things {
        let stats = snapshot.column_stats(things::TYPE).unwrap();
        assert!(stats.values.is_some(), "counts by type are always kept");
    }
}

/// Steps from a seed, the answers compared after each. With a bucket rows move there and back.
pub fn run(stores: Stores<'_>, seed: u64, steps: usize, bucket: Option<Bucket>) {
    let mut case = Case::new(stores, seed, bucket);
    for step in 0..steps {
        print!("seed {seed}, step {step}:");
        case.step();
        case.check();
        if step % 8 == 7 {
            case.verify();
        }
    }
    case.reopen();
    case.check();
    case.verify();
}

fn random_operations_match_a_model_in_short_runs(stores: Stores<'_>) {
    (0..size(40, 20) as u64).for_each(|seed| run(stores, seed, 40, None));
}

fn random_operations_match_a_model_in_long_runs(stores: Stores<'_>) {
    (0..size(5, 2) as u64).for_each(|seed| run(stores, 1_000 + seed, 200, None));
}

fn random_operations_match_a_model_across_tiers(stores: Stores<'_>) {
    (0..size(16, 4) as u64).for_each(|seed| run(stores, 2_000 + seed, 40, Some(bucket())));
    (0..size(2, 1) as u64).for_each(|seed| run(stores, 3_000 + seed, 200, Some(bucket())));
}

fn a_part_of_many_granules_is_pruned_and_deleted_from_rightly(stores: Stores<'_>) {
    let store = stores();
    let db = open(&store, &Options { cache_bytes_max: 0, ..Options::default() });
    let usage = Usage::default();
    let columns = vec![
        ("k".to_owned(), ColumnType::String, false),
        ("t".to_owned(), ColumnType::Timestamp(TimeUnit::Millisecond), true),
        ("n".to_owned(), ColumnType::Int64, true),
    ];
    let order = ["n".to_owned()];
    db.create_table(TableDef::plain("g", columns, &order, None).unwrap(), false, &usage).unwrap();
    let mut model = Model::of(&db.table("g", &usage).unwrap());
    let mut rng = Rng(3);
    let row = |n: i64| -> Row {
        let key = Scalar::String(format!("k{}", n % 1_000));
        [(1, key), (2, Scalar::Int(n * 7)), (3, Scalar::Int(n))].into_iter().collect()
    };
    for _ in 0..3 {
        let rows: Vec<Row> = (0..10_000).map(|_| row(rng.below(50_000) as i64)).collect();
        now(db.insert("g", &model.batch(&rows), &usage)).unwrap();
        model.insert(&rows);
    }
    let ids = model.ids();
    for round in 0..3 {
        for at in [0, 7_000, 30_000, 49_999] {
            let range = Predicate::And(vec![
                number(3, CompareOp::GtEq, at),
                number(3, CompareOp::Lt, at + 900),
            ]);
            let predicates =
                [range.clone(), text(1, CompareOp::Eq, "k17"), number(2, CompareOp::Lt, at)];
            let snapshot = db.snapshot("g", &usage).unwrap();
            for predicate in predicates {
                let found = rendered(&scan(&snapshot, &ids, &predicate), &ids);
                assert_eq!(found, model.select(&predicate), "round {round}: {predicate:?}");
            }
            let rows = addresses(&snapshot, &range);
            let gone = now(db.mutate("g", rows, None, &usage)).unwrap();
            assert_eq!(gone, model.take(&range).len() as u64);
        }
        db.run_jobs(&JobBudget { steps_max: 100, thorough: round == 1 }, &usage).unwrap();
        assert_eq!(db.snapshot("g", &usage).unwrap().rows(), model.rows.len() as u64);
        assert!(now(db.verify(&usage)).unwrap().faults.is_empty());
    }
    // Merged by n: a narrow range leaves most granules out.
    let snapshot = db.snapshot("g", &usage).unwrap();
    let request = dodb_engine::ScanRequest {
        columns: vec![3],
        paths: Vec::new(),
        predicate: number(3, CompareOp::GtEq, 48_000),
        row_addresses: false,
    };
    let plan = snapshot.scan(request, &usage).unwrap();
    for task in plan.tasks(&usage).unwrap() {
        let mut scanner = plan.start(&task);
        while now(scanner.next_batch(&usage)).unwrap().is_some() {}
    }
    let pruned = plan.counters().granules_pruned.load(std::sync::atomic::Ordering::Relaxed);
    let parts = plan.counters().parts_pruned_by_zone.load(std::sync::atomic::Ordering::Relaxed);
    assert!(pruned + parts > 0, "nothing was pruned: {:?}", plan.counters());
    let all = try_scan(&snapshot, &[3], &Predicate::True, false, &usage).unwrap();
    let merged: Vec<i64> = all
        .iter()
        .flat_map(|b| {
            use arrow_array::cast::AsArray;
            b.column(0).as_primitive::<arrow_array::types::Int64Type>().values().to_vec()
        })
        .collect();
    assert_eq!(merged.len(), model.rows.len());
}
