//! Runs the examples of every function and of every spelling, and whole queries, over tables in
//! memory. `docs/sql.md` is checked against the same lists.

use std::fmt::Write;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray,
    TimestampMillisecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::dialect::{ParseOptions, parse, plan};

/// A context as the engine's sessions are set up.
pub(crate) fn context() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1).with_batch_size(4);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    config.options_mut().sql_parser.default_null_ordering = "nulls_last".into();
    let ctx = SessionContext::new_with_config(config);
    register(&ctx).unwrap();
    ctx
}

pub(crate) fn add_table(ctx: &SessionContext, name: &str, columns: Vec<(Field, ArrayRef)>) {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
    ctx.register_table(name, Arc::new(table)).unwrap();
}

/// `numbers`: n from 1 to 10, s the same as text, g = n % 3, b = n > 5, ts, and tags.
fn numbers() -> SessionContext {
    let ctx = context();
    let n: Int64Array = (1..=10).collect();
    let s: StringViewArray = (1..=10).map(|n| Some(n.to_string())).collect();
    let g: Int64Array = (1..=10).map(|n| n % 3).collect();
    let b: BooleanArray = (1..=10).map(|n| Some(n > 5)).collect();
    let hour = 3_600_000;
    let ts: TimestampMillisecondArray =
        (1..=10).map(|n| Some(1_714_979_289_250 + n * hour)).collect();
    let ts = ts.with_timezone("UTC");
    let name = |name: &str, array: &dyn Array| Field::new(name, array.data_type().clone(), true);
    let columns: Vec<(Field, ArrayRef)> = vec![
        (name("n", &n), Arc::new(n)),
        (name("s", &s), Arc::new(s)),
        (name("g", &g), Arc::new(g)),
        (name("b", &b), Arc::new(b)),
        (name("ts", &ts), Arc::new(ts)),
    ];
    add_table(&ctx, "numbers", columns);
    ctx
}

/// Names of the columns, and the rows as text.
pub(crate) async fn rows(
    ctx: &SessionContext,
    sql: &str,
) -> Result<(Vec<String>, Vec<Vec<String>>), String> {
    let parsed = parse(sql, &ParseOptions::default()).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    let mut rows = Vec::new();
    for one in &parsed {
        let plan = plan(&ctx.state(), one).await.map_err(|error| error.to_string())?;
        let frame = ctx.execute_logical_plan(plan).await.map_err(|error| error.to_string())?;
        names = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        let batches = frame.collect().await.map_err(|error| error.to_string())?;
        for batch in batches {
            let options = FormatOptions::default().with_null("NULL");
            let columns: Vec<ArrayFormatter<'_>> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
            }
        }
    }
    Ok((names, rows))
}

/// Runs a query; gives the rows as lines of values between `|`.
pub(crate) async fn answer(ctx: &SessionContext, sql: &str) -> String {
    match rows(ctx, sql).await {
        Ok((_, rows)) => rows.iter().map(|row| row.join("|")).collect::<Vec<_>>().join("\n"),
        Err(error) => format!("error: {error}"),
    }
}

/// A subject, and its calls each with an example and its answer.
type Subject = (String, Vec<(String, String, String)>);

/// Every documented call with its example and answer, by subject.
fn documented() -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for (subject, spellings) in crate::dialect::spellings() {
        let rows = spellings.iter().map(|spelling| {
            (spelling.call.into(), spelling.example.into(), spelling.answer.into())
        });
        subjects.push((subject.to_string(), rows.collect()));
    }
    let native = functions();
    let native = native.iter().filter(|function| !function.call.is_empty());
    let rows = native
        .map(|function| (function.call.into(), function.example.into(), function.answer.into()));
    subjects.push(("In code".into(), rows.collect()));
    subjects
}

#[tokio::test]
async fn every_example_gives_its_answer() {
    let ctx = numbers();
    let mut wrong = String::new();
    for (_, rows) in documented() {
        for (call, example, expected) in rows {
            let sql = format!("SELECT toString({example}) AS x FROM numbers LIMIT 1");
            let found = answer(&ctx, &sql).await;
            if found != expected {
                let _ = writeln!(wrong, "{call}: {example} gives {found}, not {expected}");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn cell(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// The generated part of `docs/sql.md`.
fn generated() -> String {
    let mut text = String::new();
    for (subject, rows) in documented() {
        let _ = write!(text, "\n### {subject}\n\n| function | example | answer |\n|---|---|---|\n");
        for (call, example, value) in rows {
            let _ = writeln!(text, "| {} | {} | {} |", cell(&call), cell(&example), cell(&value));
        }
    }
    text
}

#[test]
fn the_documentation_lists_what_is_tested() {
    let path = "../../docs/sql.md";
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let found = text.split_once("<!-- generated -->\n").map(|(_, rest)| rest).unwrap_or_default();
    if found != generated() {
        let fresh = std::env::temp_dir().join("dodb-sql-functions.md");
        std::fs::write(&fresh, generated()).unwrap();
        panic!("docs/sql.md is out of date: put {} behind its mark", fresh.display());
    }
}

#[tokio::test]
async fn queries() {
    let ctx = numbers();
    let expected = [
        ("SELECT count() FROM numbers", "10"),
        (
            "SELECT g, count() AS c, sum(n) FROM numbers GROUP BY g ORDER BY g",
            "0|3|18\n1|4|22\n2|3|15",
        ),
        ("SELECT g, countIf(n > 5) FROM numbers GROUP BY ALL ORDER BY g", "0|2\n1|2\n2|1"),
        ("SELECT n FROM numbers ORDER BY n DESC LIMIT 2", "10\n9"),
        ("SELECT n FROM numbers ORDER BY n LIMIT 2, 1", "3"),
        ("SELECT g, n FROM numbers ORDER BY n LIMIT 1 BY g", "1|1\n2|2\n0|3"),
        ("SELECT g, n FROM numbers ORDER BY n DESC LIMIT 1 BY g LIMIT 2", "1|10\n0|9"),
        ("SELECT g, n FROM numbers ORDER BY n LIMIT 1 OFFSET 1 BY g", "1|4\n2|5\n0|6"),
        (
            "SELECT g, count() AS c FROM numbers GROUP BY g ORDER BY c DESC, g LIMIT 1 BY c",
            "1|4\n0|3",
        ),
        ("SELECT n / 4 FROM numbers WHERE n = 2", "0.5"),
        ("SELECT intDiv(n, 4), n % 4 FROM numbers WHERE n = 7", "1|3"),
        (
            "SELECT -n DIV 4, 1 + n * 3 DIV 4 * 2, 50 DIV n DIV 3 FROM numbers WHERE n = 7",
            "-1|11|2",
        ),
        ("SELECT n * 2 AS d, d + 1 AS e FROM numbers WHERE d = 6", "6|7"),
        ("SELECT sum(n > 5), avg(b) FROM numbers", "5|0.5"),
        ("SELECT n FROM numbers WHERE n IN [2, 4] ORDER BY n", "2\n4"),
        ("SELECT n FROM numbers WHERE (n, s) IN ((2, '2'), (3, '4'))", "2"),
        ("SELECT n FROM numbers PREWHERE n < 3 WHERE n > 1", "2"),
        ("SELECT * EXCEPT (s, g, b, ts) FROM numbers FINAL LIMIT 1", "1"),
        ("SELECT n > 5 ? 'big' : 'small' FROM numbers WHERE n = 6", "big"),
        ("SELECT arrayJoin([n, n + 1]) AS x FROM numbers WHERE n = 1 ORDER BY x", "1\n2"),
        ("SELECT groupArray(2)(n) FROM numbers", "[1, 2]"),
        ("SELECT quantiles(0.0, 1.0)(n) FROM numbers", "[1.0, 10.0]"),
        ("SELECT n FROM numbers WHERE ts > '2024-05-06 16:30:00' ORDER BY n", "10"),
        (
            "SELECT toStartOfDay(ts) AS ts, count() FROM numbers GROUP BY ts",
            "2024-05-06T00:00:00Z|10",
        ),
        ("SELECT ts + INTERVAL 1 DAY FROM numbers WHERE n = 1", "2024-05-07T08:08:09.250Z"),
        ("SELECT n FROM numbers WHERE ts = fromUnixTimestamp64Milli(1714982889250)", "1"),
        (
            "SELECT CAST(n, 'Float64'), CAST('5' AS UInt8), '7'::Int16 FROM numbers LIMIT 1",
            "1.0|5|7",
        ),
        ("SELECT row_number() OVER (ORDER BY n DESC) AS r FROM numbers WHERE n = 1", "1"),
        (
            "SELECT a.n FROM numbers AS a JOIN numbers AS b ON a.n = b.n AND b.g = 0 ORDER BY 1",
            "3\n6\n9",
        ),
        ("SELECT 1 + 1; SELECT 3", "2\n3"),
        ("WITH x AS (SELECT max(n) AS m FROM numbers) SELECT m FROM x", "10"),
        ("SELECT count() FROM (SELECT n FROM numbers UNION ALL SELECT g FROM numbers)", "20"),
        ("SELECT sumIf(n, n > 100), sum(n) FROM numbers WHERE n < 0", "NULL|NULL"),
        ("SELECT uniq(n), uniq(s), uniq(b), uniq(n / 2) FROM numbers", "10|10|2|10"),
        ("SELECT count() FROM numbers HAVING count() > 5", "10"),
        (
            "SELECT g, sum(n) AS s FROM numbers GROUP BY g WITH ROLLUP ORDER BY s DESC LIMIT 1",
            "NULL|55",
        ),
    ];
    for (sql, expected) in expected {
        assert_eq!(answer(&ctx, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn columns_have_the_names_clickhouse_gives() {
    let ctx = numbers();
    let sql =
        "SELECT count(), uniqExact(n), max(n), numbers.n % 2 FROM numbers GROUP BY numbers.n % 2";
    let (names, _) = rows(&ctx, sql).await.unwrap();
    assert_eq!(names, ["count()", "uniqExact(n)", "max(n)", "numbers.n % 2"]);
    let (names, _) = rows(&ctx, "SELECT numbers.n, s FROM numbers").await.unwrap();
    assert_eq!(names, ["n", "s"]);
}

#[tokio::test]
async fn errors_are_errors() {
    let ctx = numbers();
    for (sql, part) in [
        ("SELECT missing FROM numbers", "missing"),
        ("SELECT noSuchFunction(n) FROM numbers", "nosuchfunction"),
        ("SELECT sum(ts) FROM numbers", "a number is expected"),
        ("SELECT dateDiff('parsec', ts, ts) FROM numbers", "parsec"),
        ("SELECT intDiv(n, 0) FROM numbers", "zero"),
        ("SELECT toInt8(n * 100) FROM numbers", "200"),
        ("SELECT n -> 1 FROM numbers", "lambdas"),
        ("SELECT cosineDistance([1, 2], [1]) FROM numbers", "no distance"),
        ("SELECT length(n) FROM numbers", "String or an Array"),
    ] {
        let found = answer(&ctx, sql).await;
        assert!(
            found.starts_with("error") && found.to_lowercase().contains(&part.to_lowercase()),
            "{sql}: {found}"
        );
    }
}

/// Deep but allowed statements plan and run on the small stack of a thread.
#[test]
fn deep_statements_fit_the_stack() {
    let deep = |open: &str, close: &str, count: usize| {
        format!("SELECT {}1{} AS x", open.repeat(count), close.repeat(count))
    };
    let mut texts = vec![deep("(", ")", 60), deep("abs(", ")", 60), deep("(SELECT ", ")", 6)];
    let ors: Vec<String> = (0..500).map(|at| format!("n = {at} AND s = '{at}'")).collect();
    texts.push(format!("SELECT count() FROM numbers WHERE {}", ors.join(" OR ")));
    texts.push(format!("SELECT {} AS x", vec!["1"; 250].join(" + ")));
    texts.push(format!("SELECT n FROM {}numbers{}", "(SELECT n FROM ".repeat(30), ")".repeat(30)));
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ctx = numbers();
            for text in texts {
                let found = answer(&ctx, &text).await;
                assert!(!found.starts_with("error"), "{text}: {found}");
            }
        });
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn distances_over_every_kind_of_list() {
    use datafusion::arrow::array::{FixedSizeListArray, Float32Array, ListArray};
    use datafusion::arrow::datatypes::Float32Type;
    let fixed = {
        let item = Arc::new(Field::new_list_field(DataType::Float32, true));
        let values: Float32Array = (0..8).map(|n| n as f32).collect();
        FixedSizeListArray::new(item, 4, Arc::new(values), None)
    };
    let listed = ListArray::from_iter_primitive::<Float32Type, _, _>(vec![
        Some(vec![Some(0.0), Some(1.0), Some(2.0), Some(3.0)]),
        None,
    ]);
    let ctx = context();
    let field = |name: &str, array: &dyn Array| Field::new(name, array.data_type().clone(), true);
    let columns: Vec<(Field, ArrayRef)> =
        vec![(field("a", &fixed), Arc::new(fixed)), (field("b", &listed), Arc::new(listed))];
    add_table(&ctx, "vectors", columns);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = runtime.block_on(answer(
        &ctx,
        "SELECT L2Distance(a, b), dotProduct(a, [1, 1, 1, 1]), cosineDistance(a, a) < 0.001 \
         FROM vectors",
    ));
    assert_eq!(found, "0.0|6.0|true\nNULL|22.0|true");
}

/// DataFusion makes a state anew for every statement, from its functions in no order: one of its
/// own that answers to the same name would win now and then.
#[test]
fn nothing_else_answers_to_the_name_of_a_native_function() {
    let context = context();
    let state = context.state();
    let mut others = Vec::new();
    for native in functions() {
        for udf in state.scalar_functions().values() {
            let is_native = udf.inner().is::<NativeFunction>();
            let names = std::iter::once(udf.name()).chain(udf.aliases().iter().map(String::as_str));
            if !is_native && names.into_iter().any(|name| name == native.name()) {
                others.push(format!("{} is {}", native.name(), udf.name()));
            }
        }
    }
    assert!(others.is_empty(), "{others:?}");
}
