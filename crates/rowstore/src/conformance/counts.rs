//! Rows read and written, line by line. Each group fills its tables, then runs its lines in order;
//! a line sees what the lines before it left.

use super::{Case, Outcome, exec, exec_all, sql};
use crate::{Flow, Metered, Statement, Usage, Value};

pub(super) const CASES: &[Case] = &[
    Case { name: "counts: without rowid", check: without_rowid },
    Case { name: "counts: without rowid, in bulk", check: in_bulk },
    Case { name: "counts: early stop", check: early_stop },
    Case { name: "counts: rowid tables", check: rowid },
    Case { name: "counts: scans", check: scans },
    Case { name: "counts: schema", check: schema },
];

/// A statement, its parameters, and the rows it reads and writes.
type Line = (Statement, &'static [Value<'static>], u64, u64);

fn check(store: &Metered, lines: &[Line]) -> Outcome {
    let mut wrong = Vec::new();
    for (statement, params, read, written) in lines {
        let used = exec(store, statement, params)?;
        if (used.rows_read, used.rows_written) != (*read, *written) {
            wrong.push(format!(
                "{} {params:?}: {}/{} rows read/written, expected {read}/{written}",
                statement.sql, used.rows_read, used.rows_written,
            ));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

const DROP_W: Statement = sql("DROP TABLE IF EXISTS cf_w");
const CREATE_W: Statement =
    sql("CREATE TABLE cf_w (a INTEGER NOT NULL, b INTEGER NOT NULL, v BLOB, PRIMARY KEY (a, b)) \
     WITHOUT ROWID");
const INSERT_W: Statement = sql("INSERT INTO cf_w (a, b, v) VALUES (?1, ?2, ?3)");
const PUT_W: Statement = sql("INSERT OR REPLACE INTO cf_w (a, b, v) VALUES (?1, ?2, ?3)");
const GET_W: Statement = sql("SELECT v FROM cf_w WHERE a = ?1 AND b = ?2");
const RANGE_W: Statement =
    sql("SELECT b, v FROM cf_w WHERE a = ?1 AND b >= ?2 AND b <= ?3 ORDER BY b");
const PREFIX_W: Statement = sql("SELECT b, v FROM cf_w WHERE a = ?1");
const DELETE_W: Statement = sql("DELETE FROM cf_w WHERE a = ?1 AND b = ?2");
const DELETE_RANGE_W: Statement = sql("DELETE FROM cf_w WHERE a = ?1 AND b >= ?2 AND b < ?3");
const DELETE_PREFIX_W: Statement = sql("DELETE FROM cf_w WHERE a = ?1");

/// 30 rows under a = 1 and 10 under a = 2.
fn fill_w(store: &Metered) -> Outcome {
    exec_all(store, &[DROP_W, CREATE_W])?;
    for (a, rows) in [(1, 30), (2, 10)] {
        for b in 0..rows {
            exec(store, &INSERT_W, &[Value::Int(a), Value::Int(b), Value::Blob(b"v")])?;
        }
    }
    Ok(())
}

macro_rules! ints {
    ($($value:expr),*) => { &[$(Value::Int($value)),*] };
}

fn without_rowid(store: &Metered) -> Outcome {
    const ROW_1: &[Value<'static>] = &[Value::Int(3), Value::Int(0), Value::Blob(b"x")];
    const ROW_2: &[Value<'static>] = &[Value::Int(3), Value::Int(1), Value::Blob(b"x")];
    fill_w(store)?;
    check(
        store,
        &[
            (INSERT_W, ROW_1, 0, 1),
            (PUT_W, ROW_2, 0, 1),
            (PUT_W, ROW_2, 0, 1),
            (sql("INSERT OR IGNORE INTO cf_w (a, b, v) VALUES (?1, ?2, ?3)"), ROW_2, 0, 0),
            (
                sql("INSERT INTO cf_w (a, b, v) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (a, b) DO UPDATE SET v = excluded.v"),
                ROW_2,
                0,
                1,
            ),
            // By key: a hit is one row, a miss is none.
            (GET_W, ints![1, 7], 1, 0),
            (GET_W, ints![1, 77], 0, 0),
            (GET_W, ints![9, 0], 0, 0),
            // By range: the row that ends the range is read too, unless the table ends there.
            (RANGE_W, ints![1, 5, 14], 11, 0),
            (RANGE_W, ints![1, 25, 99], 6, 0),
            (RANGE_W, ints![3, 0, 99], 2, 0),
            (RANGE_W, ints![1, 50, 99], 1, 0),
            (PREFIX_W, ints![1], 31, 0),
            (PREFIX_W, ints![3], 2, 0),
            (sql("SELECT b FROM cf_w WHERE a = ?1 ORDER BY b DESC LIMIT 1"), ints![1], 1, 0),
            (sql("SELECT b FROM cf_w WHERE a = ?1 ORDER BY b LIMIT 5"), ints![1], 5, 0),
            (sql("SELECT b FROM cf_w WHERE a = ?1 LIMIT 5 OFFSET 5"), ints![1], 10, 0),
            (sql("SELECT max(b) FROM cf_w WHERE a = ?1"), ints![1], 1, 0),
            (sql("SELECT sum(length(v)) FROM cf_w"), &[], 42, 0),
            (sql("UPDATE cf_w SET v = x'00' WHERE a = ?1 AND b = ?2"), ints![1, 7], 1, 1),
            (
                sql("UPDATE cf_w SET v = x'00' WHERE a = ?1 AND b >= ?2 AND b < ?3"),
                ints![1, 0, 10],
                11,
                10,
            ),
            (DELETE_W, ints![1, 29], 1, 1),
            (DELETE_W, ints![1, 29], 0, 0),
            (DELETE_RANGE_W, ints![1, 0, 10], 11, 10),
            (DELETE_PREFIX_W, ints![1], 20, 19),
            (sql("DELETE FROM cf_w"), &[], 0, 12),
        ],
    )
}

fn in_bulk(store: &Metered) -> Outcome {
    const SOME_ROWS: Statement = sql(
        "INSERT OR REPLACE INTO cf_w (a, b, v) VALUES (5, 0, NULL), (5, 1, NULL), (5, 2, NULL)",
    );
    const TEN: &[Value<'static>] = &[Value::Text("[1,2,3,4,5,6,7,8,9,10]")];
    const THREE: &[Value<'static>] = &[Value::Text("[2,4,6]")];
    fill_w(store)?;
    let megabyte = vec![7u8; 1_000_000];
    let used = exec(store, &PUT_W, &[Value::Int(4), Value::Int(0), Value::Blob(&megabyte)])?;
    super::expect("a row of 1 MB", (used.rows_read, used.rows_written), (0, 1))?;
    let used = exec(store, &GET_W, ints![4, 0])?;
    super::expect("reading it", (used.rows_read, used.rows_written), (1, 0))?;
    exec_all(
        store,
        &[
            sql("DROP TABLE IF EXISTS cf_b"),
            sql("CREATE TABLE cf_b (id INTEGER PRIMARY KEY, v BLOB)"),
        ],
    )?;
    check(
        store,
        &[
            (SOME_ROWS, &[], 0, 3),
            // One read for each element, and one to see that a given rowid is free.
            (sql("INSERT INTO cf_b (id) SELECT value FROM json_each(?1)"), TEN, 20, 10),
            (
                sql("SELECT v FROM json_each(?1) AS e CROSS JOIN cf_b ON cf_b.id = e.value"),
                THREE,
                6,
                0,
            ),
            (sql("SELECT id FROM cf_b WHERE id IN (1, 3, 5, 7, 9)"), &[], 10, 0),
            (sql("SELECT id, v FROM cf_b WHERE id >= 3 AND id < 7"), &[], 5, 0),
        ],
    )
}

/// Rows not stepped to are not billed.
fn early_stop(store: &Metered) -> Outcome {
    fill_w(store)?;
    let usage = Usage::default();
    let mut seen = 0u64;
    store
        .exec(&PREFIX_W, ints![1], &usage, &mut |_| {
            seen += 1;
            if seen == 3 { Flow::Stop } else { Flow::Continue }
        })
        .map_err(|error| error.to_string())?;
    super::expect("rows handed out", seen, 3)?;
    early("rows read", usage.rows_read(), 3)?;
    let usage = Usage::default();
    let found = store
        .query_one(&PREFIX_W, ints![1], &usage, &mut |_| {})
        .map_err(|error| error.to_string())?;
    super::expect("query_one found a row", found, true)?;
    early("rows read by query_one", usage.rows_read(), 1)?;
    // The statement stopped half-way works again, with counts of its own.
    super::expect("whole again", exec(store, &PREFIX_W, ints![1])?.rows_read, 31)
}

/// What was handed out, or all 31: a host that cannot leave a statement half-way runs it to its
/// end.
fn early(what: &str, read: u64, handed_out: u64) -> Outcome {
    super::expect(what, read, if read == 31 { 31 } else { handed_out })
}

fn rowid(store: &Metered) -> Outcome {
    exec_all(
        store,
        &[
            sql("DROP TABLE IF EXISTS cf_r"),
            sql("DROP TABLE IF EXISTS cf_auto"),
            sql("DROP TABLE IF EXISTS cf_t"),
            sql("DROP TABLE IF EXISTS cf_i"),
            sql("CREATE TABLE cf_r (id INTEGER PRIMARY KEY, v INTEGER)"),
            sql("CREATE TABLE cf_auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v INTEGER)"),
            sql("CREATE TABLE cf_t (k TEXT PRIMARY KEY, v INTEGER)"),
            sql("CREATE TABLE cf_i (id INTEGER PRIMARY KEY, v INTEGER, w INTEGER)"),
            sql("CREATE INDEX cf_i_v ON cf_i (v)"),
        ],
    )?;
    const PUT_I: Statement = sql("INSERT INTO cf_i (v, w) VALUES (?1, 0)");
    for v in 0..30 {
        exec(store, &PUT_I, &[Value::Int(v / 10)])?;
    }
    check(
        store,
        &[
            (sql("INSERT INTO cf_r (v) VALUES (1)"), &[], 0, 1),
            (sql("INSERT INTO cf_r (id, v) VALUES (10, 1)"), &[], 1, 1),
            (sql("INSERT OR REPLACE INTO cf_r (id, v) VALUES (10, 2)"), &[], 1, 1),
            (sql("INSERT OR IGNORE INTO cf_r (id, v) VALUES (10, 3)"), &[], 1, 0),
            (
                sql("INSERT INTO cf_r (id, v) VALUES (10, 4) \
                     ON CONFLICT (id) DO UPDATE SET v = excluded.v"),
                &[],
                1,
                1,
            ),
            (sql("SELECT v FROM cf_r WHERE id = ?1"), ints![10], 1, 0),
            (sql("SELECT v FROM cf_r WHERE id = ?1"), ints![11], 1, 0),
            (sql("INSERT INTO cf_t (k, v) VALUES ('a', 1)"), &[], 0, 2),
            (sql("INSERT OR REPLACE INTO cf_t (k, v) VALUES ('a', 2)"), &[], 1, 2),
            (PUT_I, ints![3], 0, 2),
            (sql("SELECT w FROM cf_i WHERE v = ?1"), ints![1], 11, 0),
            (sql("SELECT w FROM cf_i WHERE v = ?1"), ints![99], 0, 0),
            (sql("SELECT min(v) FROM cf_i"), &[], 1, 0),
            (sql("UPDATE cf_i SET w = 1 WHERE id = 5"), &[], 1, 1),
            (sql("UPDATE cf_i SET v = 7 WHERE id = 5"), &[], 1, 2),
            (sql("DELETE FROM cf_i WHERE id = 5"), &[], 1, 1),
            (sql("DELETE FROM cf_i WHERE id >= 10 AND id < 20"), &[], 11, 10),
        ],
    )?;
    const PUT_AUTO: Statement = sql("INSERT INTO cf_auto (v) VALUES (1)");
    exec(store, &PUT_AUTO, &[])?;
    let used = exec(store, &PUT_AUTO, &[])?;
    super::expect("autoincrement writes", used.rows_written, 2)
}

fn scans(store: &Metered) -> Outcome {
    fill_w(store)?;
    check(
        store,
        &[
            (sql("SELECT a, b, v FROM cf_w"), &[], 40, 0),
            (sql("SELECT b FROM cf_w WHERE v = x'99'"), &[], 40, 0),
            (sql("SELECT b FROM cf_w LIMIT 4"), &[], 4, 0),
            (sql("SELECT b FROM cf_w LIMIT 4 OFFSET 3"), &[], 7, 0),
            // A sorter is read once more than the table.
            (sql("SELECT b FROM cf_w ORDER BY v"), &[], 80, 0),
            (sql("SELECT b FROM cf_w ORDER BY v LIMIT 40"), &[], 80, 0),
            (sql("SELECT v, count(*) FROM cf_w GROUP BY v"), &[], 80, 0),
            (sql("SELECT a, count(*) FROM cf_w GROUP BY a"), &[], 40, 0),
            (sql("SELECT DISTINCT v FROM cf_w"), &[], 40, 0),
            (
                sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) \
                     SELECT sum(i) FROM n"),
                &[],
                50,
                0,
            ),
        ],
    )
}

fn schema(store: &Metered) -> Outcome {
    exec_all(
        store,
        &[
            sql("DROP TABLE IF EXISTS cf_s"),
            sql("DROP TABLE IF EXISTS cf_s_text"),
            sql("DROP TABLE IF EXISTS cf_s_log"),
        ],
    )?;
    check(
        store,
        &[
            (sql("CREATE TABLE cf_s (id INTEGER PRIMARY KEY, v INTEGER)"), &[], 1, 2),
            (sql("CREATE TABLE cf_s_text (k TEXT PRIMARY KEY, v INTEGER)"), &[], 1, 3),
            (sql("CREATE TABLE cf_s_log (v INTEGER)"), &[], 1, 2),
            (
                sql("CREATE TRIGGER cf_s_on AFTER INSERT ON cf_s BEGIN \
                     INSERT INTO cf_s_log (v) VALUES (new.v); END"),
                &[],
                0,
                1,
            ),
            // A trigger's writes are counted.
            (sql("INSERT INTO cf_s (v) VALUES (1)"), &[], 0, 2),
        ],
    )?;
    fill_w(store)?;
    let used = exec(store, &sql("DROP TABLE cf_w"), &[])?;
    super::expect("dropping a table of 40 rows writes", used.rows_written, 0)
}
