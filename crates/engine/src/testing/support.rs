//! What the suites share: a clock and dice that repeat, databases on stores that stay, and
//! batches of things, relationships and plain rows. Not here: anything that asserts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray};
use dodb_engine::{
    Bucket, Db, Env, Options, PART_COLUMN, ROW_COLUMN, Result, RowAddresses, ScanRequest, Snapshot,
};
use dodb_part::{CompareOp, Predicate, Scalar};
use dodb_rowstore::{Metered, RowCounts, RowStore, Usage};
use futures::FutureExt;
use parking_lot::Mutex;

/// A clock that ticks a millisecond a look, and dice that count.
#[derive(Default)]
pub struct TestEnv {
    ticks: AtomicI64,
    throws: AtomicU64,
    later: Mutex<Option<Later>>,
}

/// Something that happens when the dice have been thrown so many more times.
type Later = (u64, Box<dyn FnOnce() + Send>);

impl TestEnv {
    /// Does something within the `throws`th throw from now on: what others do in the meantime.
    pub fn at_throw(&self, throws: u64, happens: impl FnOnce() + Send + 'static) {
        *self.later.lock() = Some((throws, Box::new(happens)));
    }
}

impl Env for TestEnv {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000 + self.ticks.fetch_add(1_000, SeqCst)
    }

    fn random(&self) -> [u8; 16] {
        let throw = self.throws.fetch_add(1, SeqCst);
        let mut later = self.later.lock();
        let happens = match later.take() {
            Some((left, happens)) if left > 1 => {
                *later = Some((left - 1, happens));
                None
            }
            due => due,
        };
        drop(later);
        if let Some((_, happens)) = happens {
            happens();
        }
        (u128::from(throw).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_be_bytes()
    }
}

/// SplitMix64: the same seed gives the same numbers.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What a future gives that never waits: without a bucket none does, and a bucket in memory answers
/// at once.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

/// An empty store in memory.
#[cfg(test)]
pub fn memory() -> Arc<dyn RowStore> {
    Arc::new(dodb_rowstore::SqliteStore::open_in_memory().unwrap())
}

/// A database on `store`, which the test keeps: with nothing cached and a meter at zero.
pub fn open(store: &Arc<impl RowStore + ?Sized + 'static>, options: &Options) -> Db {
    try_open(Box::new(store.clone()), options).unwrap()
}

pub fn try_open(store: Box<dyn RowStore>, options: &Options) -> Result<Db> {
    try_open_with(store, options, None, Arc::new(TestEnv::default()))
}

/// The same with a bucket, and dice that go on where they were: names of objects never repeat.
pub fn try_open_with(
    store: Box<dyn RowStore>,
    options: &Options,
    bucket: Option<Bucket>,
    env: Arc<TestEnv>,
) -> Result<Db> {
    let rows = Arc::new(Metered::new(store));
    Db::open_with_bucket(rows, env, options.clone(), bucket)
}

/// A bucket in memory.
pub fn bucket() -> Bucket {
    Bucket::new(Arc::new(object_store::memory::InMemory::new()), "memory:///lake")
}

/// Everything that went through the database's meter since it was opened, opening included.
pub fn metered(db: &Db) -> RowCounts {
    db.meter().totals().iter().fold(RowCounts::default(), |sum, (_, _, rows)| sum + *rows)
}

pub fn strings<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

pub fn millis(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    let values: Vec<i64> = values.into_iter().collect();
    Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC"))
}

/// One thing: id, type, data, createdAt (updatedAt is the same).
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    pub id: String,
    pub ty: String,
    pub data: String,
    pub at: i64,
}

impl Thing {
    pub fn new(id: impl Into<String>, ty: &str, data: impl Into<String>, at: i64) -> Thing {
        Thing { id: id.into(), ty: ty.to_owned(), data: data.into(), at }
    }
}

pub fn things(rows: &[Thing]) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("id", strings(rows.iter().map(|r| &r.id))),
        ("type", strings(rows.iter().map(|r| &r.ty))),
        ("data", strings(rows.iter().map(|r| &r.data))),
        ("createdAt", millis(rows.iter().map(|r| r.at))),
        ("updatedAt", millis(rows.iter().map(|r| r.at))),
    ])
    .unwrap()
}

/// Things numbered `range`, as an import would bring them.
pub fn numbered(range: std::ops::Range<u64>) -> Vec<Thing> {
    const TYPES: [&str; 5] = ["Flight", "Plane", "Airport", "Airline", "Weather"];
    range
        .map(|n| {
            let mut rng = Rng(n);
            let id = format!("{:016x}", rng.next());
            let ty = TYPES[(n % 5) as usize];
            let (carrier, miles) = (rng.below(16), rng.below(5_000));
            let data = format!(r#"{{"carrier":"C{carrier}","distance":{miles},"number":{n}}}"#);
            Thing::new(id, ty, data, 1_600_000_000_000 + n as i64 * 60_000)
        })
        .collect()
}

/// Relationships from, to, type; the id follows from them.
pub fn edges<S: AsRef<str>>(rows: &[(S, S, S)], at: i64) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("fromId", strings(rows.iter().map(|r| &r.0))),
        ("toId", strings(rows.iter().map(|r| &r.1))),
        ("type", strings(rows.iter().map(|r| &r.2))),
        ("createdAt", millis(rows.iter().map(|_| at))),
    ])
    .unwrap()
}

pub fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// `column op 'text'`
pub fn text(column: u32, op: CompareOp, value: &str) -> Predicate {
    Predicate::Compare { column, op, value: Scalar::String(value.to_owned()) }
}

/// `column op number`
pub fn number(column: u32, op: CompareOp, value: i64) -> Predicate {
    Predicate::Compare { column, op, value: Scalar::Int(value) }
}

/// All batches of a scan.
pub fn try_scan(
    snapshot: &Snapshot,
    columns: &[u32],
    predicate: &Predicate,
    row_addresses: bool,
    usage: &Usage,
) -> Result<Vec<RecordBatch>> {
    let request = ScanRequest {
        columns: columns.to_vec(),
        paths: Vec::new(),
        predicate: predicate.clone(),
        row_addresses,
    };
    let plan = snapshot.scan(request, usage)?;
    let mut out = Vec::new();
    for task in plan.tasks(usage)? {
        let mut scanner = plan.start(&task);
        while let Some(batch) = now(scanner.next_batch(usage))? {
            out.push(batch);
        }
    }
    Ok(out)
}

pub fn scan(snapshot: &Snapshot, columns: &[u32], predicate: &Predicate) -> Vec<RecordBatch> {
    try_scan(snapshot, columns, predicate, false, &Usage::default()).unwrap()
}

/// How many rows of `table` meet `predicate`.
pub fn found(db: &Db, table: &str, predicate: &Predicate, usage: &Usage) -> Result<usize> {
    let snapshot = db.snapshot(table, usage)?;
    let columns: Vec<u32> = snapshot.def().schema.columns().iter().map(|c| c.id).collect();
    let batches = try_scan(&snapshot, &columns, predicate, false, usage)?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

/// The addresses of the rows that meet `predicate`, for `Db::mutate`.
pub fn addresses(snapshot: &Snapshot, predicate: &Predicate) -> RowAddresses {
    addresses_in(&try_scan(snapshot, &[], predicate, true, &Usage::default()).unwrap())
}

/// The addresses in batches of a scan with `row_addresses`.
pub fn addresses_in(batches: &[RecordBatch]) -> RowAddresses {
    let mut out = std::collections::BTreeMap::<u64, roaring::RoaringBitmap>::new();
    for batch in batches {
        let column = |name| batch.column_by_name(name).unwrap().as_primitive::<UInt64Type>();
        let (parts, rows) = (column(PART_COLUMN), column(ROW_COLUMN));
        for (part, row) in parts.values().iter().zip(rows.values()) {
            out.entry(*part).or_default().insert(*row as u32);
        }
    }
    out.into_iter().collect()
}
