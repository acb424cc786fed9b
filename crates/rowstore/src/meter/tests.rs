//! The meter adds up by request and by name, and its counters behave.

use crate::{
    Error, Flow, Metered, Result, RowCounts, RowExec, RowStore, Statement, Usage, UsageCounts,
    Value, Verdict,
};

const SCAN: Statement = Statement { name: "test.scan", sql: "SELECT 1" };
const PUT: Statement = Statement { name: "test.put", sql: "INSERT 1" };

/// Answers every statement with `rows` rows and as many reads, and `written` rows written.
struct Fixed {
    rows: u64,
    written: u64,
    body_runs: u32,
}

impl RowExec for Fixed {
    fn exec(
        &self,
        _: &Statement,
        _: &[Value<'_>],
        each: &mut dyn FnMut(&[Value<'_>]) -> Flow,
    ) -> Result<RowCounts> {
        let mut read = 0;
        while read < self.rows {
            read += 1;
            if each(&[Value::Int(1)]) == Flow::Stop {
                break;
            }
        }
        Ok(RowCounts { read, written: self.written })
    }
}

impl RowStore for Fixed {
    fn atomically(&self, body: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
        for _ in 0..self.body_runs {
            body(self);
        }
        Ok(())
    }

    fn bytes(&self) -> Result<u64> {
        Ok(7)
    }
}

fn metered(rows: u64, written: u64) -> Metered {
    Metered::new(Box::new(Fixed { rows, written, body_runs: 1 }))
}

fn all(_: &[Value<'_>]) -> Flow {
    Flow::Continue
}

#[test]
fn totals_and_usage_add_up() {
    let store = metered(3, 2);
    let (one, two) = (Usage::default(), Usage::default());
    store.exec(&SCAN, &[], &one, &mut all).unwrap();
    store.exec(&PUT, &[], &one, &mut all).unwrap();
    store.exec(&SCAN, &[], &two, &mut all).unwrap();
    store.atomically(&two, |transaction| transaction.exec(&SCAN, &[], &mut all)).unwrap();
    assert_eq!((one.rows_read(), one.rows_written()), (6, 4));
    assert_eq!((two.rows_read(), two.rows_written()), (6, 4));
    let rows = |read, written| RowCounts { read, written };
    assert_eq!(store.totals(), [("test.put", 1, rows(3, 2)), ("test.scan", 3, rows(9, 6))]);
    assert_eq!(store.bytes().unwrap(), 7);
}

#[test]
fn a_budget_stops_reads_and_never_fails_a_stored_write() {
    let usage = Usage::with_rows_read_max(5);
    metered(5, 0).exec(&SCAN, &[], &usage, &mut all).unwrap();
    let error = metered(5, 0).exec(&SCAN, &[], &usage, &mut all).unwrap_err();
    assert!(
        matches!(error, Error::Budget { statement: "test.scan", rows_read: 6, rows_read_max: 5 }),
        "{error:?}"
    );
    let usage = Usage::with_rows_read_max(5);
    // A write that read 11 rows and handed out none: it is stored, so it is no error.
    struct Deletes;
    impl RowExec for Deletes {
        fn exec(
            &self,
            _: &Statement,
            _: &[Value<'_>],
            _: &mut dyn FnMut(&[Value<'_>]) -> Flow,
        ) -> Result<RowCounts> {
            Ok(RowCounts { read: 11, written: 10 })
        }
    }
    impl RowStore for Deletes {
        fn atomically(&self, _: &mut dyn FnMut(&dyn RowExec) -> Verdict) -> Result<()> {
            Ok(())
        }
        fn bytes(&self) -> Result<u64> {
            Ok(0)
        }
    }
    let store = Metered::new(Box::new(Deletes));
    store.exec(&PUT, &[], &usage, &mut all).unwrap();
    assert!(matches!(store.exec(&PUT, &[], &usage, &mut all), Err(Error::Budget { .. })));
    assert_eq!(usage.rows_read(), 11);
}

#[test]
fn a_backend_that_runs_the_body_zero_or_two_times_is_caught() {
    for body_runs in [0, 2] {
        let store = Metered::new(Box::new(Fixed { rows: 1, written: 0, body_runs }));
        let result: Result<()> = store.atomically(&Usage::default(), |_| Ok(()));
        assert!(matches!(result, Err(Error::BodyRuns { runs }) if runs == body_runs));
    }
}

#[test]
fn usage_counts_add_and_subtract() {
    let usage = Usage::default();
    usage.add_rows(RowCounts { read: 1, written: 2 });
    usage.add_object_gets(3);
    usage.add_object_puts(4);
    usage.add_object_bytes(5);
    let counts = UsageCounts {
        rows_read: 1,
        rows_written: 2,
        object_gets: 3,
        object_puts: 4,
        object_bytes: 5,
    };
    assert_eq!(usage.counts(), counts);
    let before = usage.counts();
    usage.add(counts);
    assert_eq!(usage.counts() - before, counts);
    assert_eq!(usage.counts(), counts + counts);
    assert_eq!(before - usage.counts(), UsageCounts::default());
}
