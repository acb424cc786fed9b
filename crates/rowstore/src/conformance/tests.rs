//! The native backend passes the suite, in memory and on disk, and a broken one does not.

use crate::{
    Flow, Result, RowCounts, RowExec, RowStore, SqliteOptions, SqliteStore, Statement, Value,
    Verdict,
};

#[test]
fn memory_passes() {
    let passed = super::run(|| Box::new(SqliteStore::open_in_memory().unwrap()));
    assert_eq!(passed.unwrap_or_else(|failures| panic!("{failures}")), 24);
}

#[test]
fn file_passes() {
    let dir = tempfile::tempdir().unwrap();
    let mut stores = 0;
    let passed = super::run(|| {
        stores += 1;
        let dir = dir.path().join(stores.to_string());
        Box::new(SqliteStore::open(&dir, SqliteOptions::default()).unwrap())
    });
    assert_eq!(passed.unwrap_or_else(|failures| panic!("{failures}")), 24);
}

/// One database for all cases, as in a Durable Object.
#[test]
fn one_shared_database_passes() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
    let store = std::sync::Arc::new(store);
    super::run(|| Box::new(store.clone())).unwrap_or_else(|failures| panic!("{failures}"));
}

/// Counts one read too few, ignores rollbacks: what the suite is there to catch.
struct Broken(SqliteStore);

impl RowExec for Broken {
    fn exec(
        &self,
        statement: &Statement,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        let counts = self.0.exec(statement, params, each)?;
        Ok(RowCounts { read: counts.read.saturating_sub(1), ..counts })
    }
}

impl RowStore for Broken {
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
        self.0.atomically(&mut |rows| {
            body(rows);
            Verdict::Commit
        })
    }

    fn bytes(&self) -> Result<u64> {
        self.0.bytes()
    }
}

#[test]
fn a_broken_backend_fails() {
    let failures =
        super::run(|| Box::new(Broken(SqliteStore::open_in_memory().unwrap()))).unwrap_err();
    let text = failures.to_string();
    assert!(text.contains("counts: without rowid: "), "{text}");
    assert!(text.contains("transactions: rollback: "), "{text}");
    assert!(!text.contains("values: numbers: "), "{text}");
}
