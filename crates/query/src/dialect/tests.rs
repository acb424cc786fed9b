//! Parsing and rewriting as text in, text out. Execution is tested in [`crate::functions`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use datafusion::sql::sqlparser::ast::Statement;

use super::*;

fn parsed(sql: &str) -> Vec<Parsed> {
    parse(sql, &ParseOptions::default()).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn one(sql: &str) -> Parsed {
    let mut all = parsed(sql);
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0)
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(one(sql).statement.to_string(), expected);
}

/// The expression of a `SELECT ... AS x`, rewritten.
#[track_caller]
fn check_expr(expr: &str, expected: &str) {
    check(&format!("SELECT {expr} AS x FROM t"), &format!("SELECT {expected} AS x FROM t"));
}

fn error(sql: &str) -> ParseError {
    match parse(sql, &ParseOptions::default()) {
        Err(error) => error,
        Ok(parsed) => panic!("{sql} parsed: {parsed:?}"),
    }
}

#[test]
fn every_spelling_of_the_table_parses() {
    for spelling in spellings().iter().flat_map(|(_, spellings)| spellings.iter()) {
        let call = format!("SELECT {} AS x", spelling.call);
        assert!(parse(&call, &ParseOptions::default()).is_ok(), "{call}");
        check_expr_changes(spelling.call);
    }
}

fn check_expr_changes(call: &str) {
    let sql = format!("SELECT {call} AS x");
    let written = one(&sql).statement.to_string();
    assert!(written != sql || call == "now()", "{call} is not rewritten");
}

#[test]
fn aggregates() {
    check_expr("count()", "count(*)");
    check_expr("COUNT(*)", "count(*)");
    check_expr("countIf(a > 1)", "count(*) FILTER (WHERE (a > 1))");
    check_expr("avgIf(a, b = 'x')", "avg(as_number(a)) FILTER (WHERE b = 'x')");
    check_expr("minIf(a, b)", "min(a) FILTER (WHERE b)");
    check_expr("anyIf(a, b)", "first_value(a) FILTER (WHERE b) IGNORE NULLS");
    check_expr("uniqExact(a)", "count(DISTINCT a)");
    check_expr("uniqExactIf(a, b)", "count(DISTINCT a) FILTER (WHERE b)");
    check_expr("uniq(a)", "approx_distinct(uniq_key(a))");
    check_expr("sumDistinct(a)", "sum(DISTINCT as_number(a))");
    check_expr("sum(DISTINCT a)", "sum(DISTINCT as_number(a))");
    check_expr("maxOrNull(a)", "max(a)");
    check_expr("quantile(0.9)(a)", "quantile_of(array_agg(as_float(a)), 0.9)");
    check_expr(
        "quantiles(0.5, 0.9)(a)",
        "make_array(quantile_of(array_agg(as_float(a)), 0.5), \
         quantile_of(array_agg(as_float(a)), 0.9))",
    );
    check_expr(
        "argMaxIf(a, b, c)",
        "first_value(a ORDER BY b DESC) FILTER (WHERE a IS NOT NULL AND b IS NOT NULL AND (c))",
    );
    check_expr("sum(a) OVER (PARTITION BY b)", "sum(as_number(a)) OVER (PARTITION BY b)");
}

#[test]
fn clauses_of_a_table_come_in_any_order() {
    let partition = |sql: &str| match one(sql).statement {
        Statement::CreateTable(create) => create.partition_by.map(|e| e.to_string()),
        other => panic!("{other}"),
    };
    let by = |text: &str| Some(text.to_owned());
    assert_eq!(partition("CREATE TABLE t (a Int64)"), None);
    assert_eq!(partition("CREATE TABLE t (a Int64) PARTITION BY a"), by("a"));
    let usual = "CREATE TABLE IF NOT EXISTS t (a DateTime, b Int8) ENGINE = MergeTree() \
                 PARTITION BY toYYYYMM(a) ORDER BY (a, b) PRIMARY KEY a SETTINGS x = 1";
    assert_eq!(partition(usual), by("toYYYYMM(a)"));
    assert_eq!(
        partition("CREATE TABLE t (a Int8) ORDER BY a PARTITION BY (a, toDate(b)) COMMENT 'x'"),
        by("(a, toDate(b))")
    );
    let at = error("CREATE TABLE t (a Int8) PARTITION BY a b").position;
    assert_eq!(at, Some(Position { line: 1, column: 40 }));
    error("CREATE TABLE t (a Int8) PARTITION BY");
    error("CREATE TABLE t (a Int8) PARTITION BY a PARTITION BY a");
    error("CREATE TABLE t (a Int8) PARTITION BY a ORDER BY");
}

#[test]
fn scalars() {
    check_expr("if(a > 1, 'x', 'y')", "CASE WHEN (a > 1) THEN 'x' ELSE 'y' END");
    check_expr("a > 1 ? 'x' : 'y'", "CASE WHEN a > 1 THEN 'x' ELSE 'y' END");
    check_expr("a?1:b?2:3", "CASE WHEN a THEN 1 ELSE CASE WHEN b THEN 2 ELSE 3 END END");
    check_expr("multiIf(a, 1, b, 2, 3)", "CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END");
    check_expr("toInt64OrZero(s)", "coalesce(TRY_CAST(s AS INT64), 0)");
    check_expr("toDecimal64(s, 2)", "CAST(s AS DECIMAL(18,2))");
    check_expr("CAST(s, 'Nullable(UInt8)')", "CAST(s AS Nullable(UInt8))");
    check_expr("substring(s, 1, 2)", "substring(s, 1, 2)");
    check_expr("position(s, 'x')", "strpos(s, 'x')");
    check_expr("extract(s, 'x')", "extract(s, 'x')");
    check_expr("EXTRACT(YEAR FROM d)", "EXTRACT(YEAR FROM d)");
    check_expr("dateDiff(day, a, b)", "datediff('day', as_time(a), as_time(b))");
    check_expr("a + INTERVAL n DAY", "dateadd('day', n, a)");
    check_expr("a - INTERVAL 1 DAY", "a - INTERVAL 1 DAY");
    check_expr("a IN [1, 2]", "a IN (1, 2)");
    check_expr("a NOT IN [1, 2]", "a NOT IN (1, 2)");
    check_expr("a IN ()", "false");
    check_expr("currentDatabase()", "'default'");
    check_expr("data.a.:Int64", "json_subcolumn(data.a, 'INT64')");
    check_expr("data.^a.b", "data.a.b");
    check_expr("data.a::Int64", "data.a::INT64");
    check_expr("data->'a' = 'x' AND b", "data -> 'a' = 'x' AND b");
    check_expr("DATE '2024-01-01'", "CAST('2024-01-01' AS DATE)");
    check_expr("myFunction(a)", "myfunction(a)");
    check_expr("(a + 1, 'x') IN ((1, 'x'))", "struct(a + 1, 'x') IN (struct(1, 'x'))");
}

#[test]
fn names_of_columns_are_as_written() {
    check("SELECT count() FROM t", r#"SELECT count(*) AS "count()" FROM t"#);
    check("SELECT a, t.a, a + 1 FROM t", r#"SELECT a, t.a, a + 1 AS "a + 1" FROM t"#);
    check(
        "SELECT data.a.b, t.data.c FROM t",
        r#"SELECT data.a.b AS "data.a.b", t.data.c AS "data.c" FROM t"#,
    );
    check("SELECT * EXCEPT (a) FROM t", "SELECT * EXCEPT (a) FROM t");
    check("SELECT * EXCEPT a FROM t", "SELECT * EXCEPT (a) FROM t");
    check("SELECT * REPLACE (a + 1 AS a) FROM t", "SELECT * REPLACE (a + 1 AS a) FROM t");
}

#[test]
fn clauses() {
    check(
        "SELECT a FROM t PREWHERE b = 1 WHERE c = 2",
        "SELECT a FROM t WHERE (b = 1) AND (c = 2)",
    );
    check("SELECT a FROM t FINAL WHERE b", "SELECT a FROM t WHERE b");
    check(
        "SELECT a FROM t AS x FINAL JOIN u FINAL ON x.a = u.a",
        "SELECT a FROM t AS x JOIN u ON x.a = u.a",
    );
    check("SELECT a FROM t WHERE 1", "SELECT a FROM t WHERE true");
    check(
        "SELECT a, sum(b) AS s FROM t GROUP BY ALL",
        "SELECT a, sum(as_number(b)) AS s FROM t GROUP BY a",
    );
    check("SELECT a FROM t GROUP BY a WITH ROLLUP", "SELECT a FROM t GROUP BY ROLLUP (a)");
    check(
        "SELECT a FROM t ORDER BY b LIMIT 2 BY a",
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) <= 2 ORDER BY b",
    );
    check(
        "SELECT a FROM t LIMIT 1 BY a LIMIT 5",
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a) <= 1 LIMIT 5",
    );
    check(
        "SELECT a FROM t LIMIT 2 OFFSET 1 BY a LIMIT 5 OFFSET 3",
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a) > 1 \
         AND row_number() OVER (PARTITION BY a) <= 2 + 1 LIMIT 5 OFFSET 3",
    );
    assert!(
        error("SELECT a, count() FROM t GROUP BY a WITH TOTALS")
            .to_string()
            .contains("WITH TOTALS is not supported")
    );
    assert!(error("SELECT a FROM t SAMPLE 0.1").kind.to_string().contains("SAMPLE"));
}

#[test]
fn names_of_the_list_work_where_clickhouse_allows_them() {
    check("SELECT a + 1 AS b FROM t WHERE b > 2", "SELECT a + 1 AS b FROM t WHERE (a + 1) > 2");
    check("SELECT a + 1 AS b, b * 2 AS c FROM t", "SELECT a + 1 AS b, (a + 1) * 2 AS c FROM t");
    check("SELECT a AS b, b AS a FROM t", "SELECT a AS b, b AS a FROM t");
    check("SELECT lower(a) AS a FROM t WHERE a = 'X'", "SELECT lower(a) AS a FROM t WHERE a = 'X'");
    check(
        "SELECT toStartOfHour(ts) AS ts, count() AS c FROM t GROUP BY ts",
        "SELECT CAST(date_trunc('hour', as_time(ts)) AS DATETIME) AS ts, count(*) AS c FROM t \
         GROUP BY CAST(date_trunc('hour', as_time(ts)) AS DATETIME)",
    );
}

#[test]
fn suffixes() {
    let statement = one("SELECT 1 AS a SETTINGS max_threads = 4, x = 'y' FORMAT JSONEachRow;");
    assert_eq!(statement.format.as_deref(), Some("JSONEachRow"));
    let settings = [("max_threads", "4"), ("x", "y")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(statement.settings, settings);
    assert_eq!(statement.statement.to_string(), "SELECT 1 AS a");
    let statement = one("SHOW TABLES FORMAT TSV SETTINGS a = -1");
    assert_eq!(statement.format.as_deref(), Some("TSV"));
    assert_eq!(statement.settings, [("a".to_owned(), "-1".to_owned())]);
    assert_eq!(one("SELECT a FROM t ORDER BY a, format DESC").format, None);
    assert_eq!(one("SELECT a AS format FROM t").format, None);
}

#[test]
fn several_statements_and_comments() {
    let sql = "-- one; two\nSELECT 1 AS a; /* ; /* nested */ */ ;; SELECT ';' AS b -- end";
    let all = parsed(sql);
    let texts: Vec<String> = all.iter().map(|one| one.statement.to_string()).collect();
    assert_eq!(texts, ["SELECT 1 AS a", "SELECT ';' AS b"]);
    assert_eq!(sql.get(all[1].text.clone()), Some("SELECT ';' AS b"));
    assert!(parsed(" ; -- nothing").is_empty());
}

#[test]
fn inline_data() {
    let sql = "INSERT INTO t (a, b) SETTINGS async_insert = 1 FORMAT CSV\n1,\"it's; fine\n2,'\n";
    let insert = one(sql);
    let inline = insert.inline.unwrap();
    assert_eq!(inline.format, "CSV");
    assert_eq!(&sql[inline.data], "1,\"it's; fine\n2,'\n");
    assert!(!inline.is_parsed);
    assert_eq!(insert.settings, [("async_insert".to_owned(), "1".to_owned())]);
    assert_eq!(insert.statement.to_string(), "INSERT INTO t (a, b) ");

    let sql = "INSERT INTO db.t FORMAT JSONEachRow {\"a\":1}";
    let inline = one(sql).inline.unwrap();
    assert_eq!(&sql[inline.data], "{\"a\":1}");

    let sql = "INSERT INTO t VALUES (1, 'a;b'), (2, 'c'); SELECT 1";
    let all = parsed(sql);
    let inline = all[0].inline.clone().unwrap();
    assert_eq!((inline.format.as_str(), inline.is_parsed), ("Values", true));
    assert_eq!(&sql[inline.data], " (1, 'a;b'), (2, 'c')");
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].statement.to_string(), "INSERT INTO t VALUES (1, 'a;b'), (2, 'c')");

    let long = format!("INSERT INTO t (a) VALUES {}(1)", "(1),".repeat(100_000));
    let insert = one(&long);
    assert!(!insert.inline.clone().unwrap().is_parsed);
    assert_eq!(insert.statement.to_string(), "INSERT INTO t (a) ");
    assert!(one("INSERT INTO t SELECT a FROM u").inline.is_none());
}

fn with_params(sql: &str, params: &[(&str, &str)]) -> Result<String, ParseError> {
    let params: BTreeMap<String, String> =
        params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = ParseOptions { params, ..ParseOptions::default() };
    let parsed = parse(sql, &options)?;
    Ok(parsed.iter().map(|one| one.statement.to_string()).collect())
}

#[test]
fn parameters() {
    let sql = "SELECT {a:UInt8} AS a, {s:String} AS s, {l:Array(UInt8)} AS l FROM {t:Identifier}";
    let params = [("a", "7"), ("s", "x' OR '1'='1"), ("l", "[1, 2]"), ("t", "my table")];
    let expected = "SELECT 7 AS a, 'x'' OR ''1''=''1' AS s, [1, 2] AS l FROM `my table`";
    assert_eq!(with_params(sql, &params).unwrap(), expected);
    let negative = with_params("SELECT {a:Int8} AS a", &[("a", "-7")]);
    assert_eq!(negative.unwrap(), "SELECT (-7) AS a");
    let null = with_params("SELECT {a:Nullable(Int8)} AS a", &[("a", "\\N")]);
    assert_eq!(null.unwrap(), "SELECT NULL AS a");
    let date = with_params("SELECT {a:Date} AS a", &[("a", "2024-01-02")]);
    assert_eq!(date.unwrap(), "SELECT CAST('2024-01-02' AS DATE) AS a");
    for (type_name, value) in [
        ("UInt8", "256"),
        ("UInt8", "1 OR 1"),
        ("Int64", ""),
        ("Date", "2024-13-01"),
        ("Float64", "1); DROP TABLE t"),
        ("Bool", "maybe"),
        ("Array(UInt8)", "[1, 2); SELECT"),
        ("Array(UInt8)", "[1, a]"),
    ] {
        let error =
            with_params(&format!("SELECT\n {{a:{type_name}}}"), &[("a", value)]).unwrap_err();
        assert!(
            matches!(error.kind, ParseErrorKind::BadParameter { .. }),
            "{type_name} {value}: {error}"
        );
        assert_eq!(error.position, Some(Position { line: 2, column: 2 }));
    }
    let missing = with_params("SELECT {a:UInt8}", &[]).unwrap_err();
    assert!(matches!(missing.kind, ParseErrorKind::MissingParameter { .. }));
}

#[test]
fn statements_in_the_words_of_clickhouse() {
    check("ALTER TABLE t DELETE WHERE a = 1", "DELETE FROM t WHERE a = 1");
    check("ALTER TABLE d.t DELETE WHERE a IN (1, 2)", "DELETE FROM d.t WHERE a IN (1, 2)");
    check(
        "ALTER TABLE `a t` UPDATE b = f(1, 2), c = d IN (1) WHERE e IN (2)",
        "UPDATE `a t` SET b = f(1, 2), c = d IN (1) WHERE e IN (2)",
    );
    check(
        "ALTER TABLE t UPDATE drop = 1, add = 2 WHERE a",
        "UPDATE t SET drop = 1, add = 2 WHERE a",
    );
    check("CREATE INDEX i ON t (a)", "CREATE INDEX i ON t(a)");
    check("CREATE INDEX i ON d.t a", "CREATE INDEX i ON d.t(a)");
    check(
        "CREATE INDEX type ON t (type DESC) TYPE minmax GRANULARITY 1",
        "CREATE INDEX type ON t(type DESC)",
    );
    check("ALTER TABLE t ADD INDEX i a TYPE set(0) FIRST", "CREATE INDEX i ON t(a)");
    check(
        "ALTER TABLE t ADD INDEX IF NOT EXISTS i (a, b) TYPE minmax",
        "CREATE INDEX IF NOT EXISTS i ON t(a, b)",
    );
    check("ALTER TABLE t MATERIALIZE INDEX i", "ALTER TABLE t DROP INDEX i");
    check("ALTER TABLE t CLEAR INDEX IF EXISTS i", "ALTER TABLE t DROP INDEX i");
    check("DESC d.t", "DESC TABLE d.t");
    check("DESCRIBE TABLE t", "DESCRIBE TABLE t");
    check("EXISTS d.t", "SHOW __exists TABLE d t");
    check("EXISTS VIEW v", "SHOW __exists VIEW v");
    check("EXISTS table", "SHOW __exists TABLE table");
    for text in [
        "EXISTS",
        "EXISTS a b",
        "EXISTS (SELECT 1)",
        "ALTER TABLE t DELETE",
        "ALTER TABLE t UPDATE",
        "ALTER TABLE t UPDATE a = 1",
        "ALTER TABLE t UPDATE WHERE a",
        "ALTER TABLE t ADD INDEX",
        "ALTER TABLE DELETE WHERE a",
        "CREATE INDEX",
        "CREATE INDEX i ON",
        "CREATE INDEX i ON t",
        "CREATE INDEX i ON t (a) TYPE",
    ] {
        error(text);
    }
    let place = |sql: &str| error(sql).position.map(|place| (place.line, place.column));
    assert_eq!(place("ALTER TABLE t\nDELETE IN PARTITION 1 WHERE a"), Some((2, 8)));
    assert_eq!(place("ALTER TABLE t ADD COLUMN a Int8, DELETE WHERE a"), Some((1, 34)));
}

#[test]
fn words_that_the_parser_forgets_are_refused() {
    for text in [
        "CREATE TABLE t (a Int8 AUTO_INCREMENT)",
        "CREATE TABLE t (a Int8 NOT NULL AUTOINCREMENT, b Int8)",
        "CREATE TABLE IF NOT EXISTS t (a Int8 PRIMARY KEY DESC)",
        "ALTER TABLE t ADD COLUMN a Int8 AUTO_INCREMENT",
    ] {
        let message = error(text).to_string();
        assert!(message.contains("of a column is not supported"), "{text}: {message}");
    }
    for text in [
        "CREATE TABLE t (auto_increment Int8, desc Int8, `asc` Int8)",
        "ALTER TABLE t DROP COLUMN autoincrement",
    ] {
        assert_eq!(parsed(text).len(), 1, "{text}");
    }
}

#[test]
fn the_text_of_a_view_is_kept_as_written() {
    let text = |sql: &str| one(sql).view.map(|view| view.query);
    let by = |text: &str| Some(text.to_owned());
    assert_eq!(text("CREATE VIEW v AS SELECT 1"), by("SELECT 1"));
    assert_eq!(text("CREATE TABLE view (a Int8)"), None);
    assert_eq!(text("SELECT 1 AS view"), None);
    let long = "  CREATE OR REPLACE VIEW `as` (a, `as`)\nAS\n  SELECT é, -- a comment; AS\n\t'AS' \
                AS b FROM t /* in */ WHERE a -- behind\n ; SELECT 2";
    let expected = "SELECT é, -- a comment; AS\n\t'AS' AS b FROM t /* in */ WHERE a";
    let view = parsed(long).remove(0).view.unwrap();
    assert_eq!(
        (view.query.as_str(), view.columns),
        (expected, vec!["a".to_owned(), "as".to_owned()])
    );
    let second = parsed("SELECT 'é' AS a; CREATE VIEW v AS (SELECT 'é') -- x").remove(1);
    assert_eq!(second.view.map(|view| view.query), by("(SELECT 'é')"));
    // What is taken off the end is none of the query's.
    let settings = one("CREATE VIEW v AS SELECT 1 SETTINGS a = 1");
    assert_eq!(settings.view.map(|view| view.query), by("SELECT 1"));
    assert_eq!(settings.settings.len(), 1);
    for (text, what) in [
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", "MATERIALIZED VIEW"),
        (
            "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY a AS SELECT 1",
            "MATERIALIZED VIEW",
        ),
        ("CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1", "TEMPORARY VIEW"),
        ("CREATE VIEW v AS SELECT {a:Int8}", "a parameter of a view"),
    ] {
        let message = error(text).to_string();
        assert!(message.contains(what), "{text}: {message}");
    }
    let named = with_params("CREATE VIEW {v:Identifier} AS SELECT 1 AS a", &[("v", "my v")]);
    assert_eq!(named.unwrap(), "CREATE VIEW `my v` AS SELECT 1 AS a");
}

#[test]
fn errors_say_where() {
    let position = |sql: &str| error(sql).position.map(|place| (place.line, place.column));
    assert_eq!(position("SELECT 1;\nSELECT a FROM t WHERE )"), Some((2, 23)));
    assert_eq!(position("SELECT 1;  SELEC 2"), Some((1, 12)));
    assert_eq!(position("SELECT 'abc"), Some((1, 8)));
    assert_eq!(position("SELECT (1"), Some((1, 10)));
    assert_eq!(position("SELECT /* abc"), Some((1, 8)));
    assert!(error("SELECT ?").to_string().contains("{name:Type}"));
    assert!(error("SELECT quantile(0.1, 0.2)(a)").to_string().contains("quantile(p)(x)"));
    assert!(error("SELECT lower(1)(a)").to_string().contains("no parameters"));
}

/// What a literal becomes is recorded in `tests/slt/literals.slt`; here is how it is spelt then.
#[test]
fn literals() {
    for (written, expected) in [
        (r"'\d'", r"'\d'"),
        (r"'\1\%'", r"'\1\%'"),
        (r"'\x41'", "'A'"),
        (r"'a\Nb'", "'ab'"),
        (r"'it\'s'", "'it''s'"),
        ("'it''s'", "'it''s'"),
        ("x'41'", "'A'"),
        ("B'1000010'", "'B'"),
        ("$$a$b$$", "'a$b'"),
        ("0xFF", "255"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("1.50", "1.50"),
        ("0x1p3", "8.0"),
        ("-NaN", "-nan"),
        ("`inf`", "`inf`"),
        ("t.inf", "t.inf"),
        ("data[1].inf", "data[1].'inf'"),
        ("inf(1)", "inf(1)"),
        ("data.2fa", "data.2fa"),
        (r#""a\tb""#, "\"a\tb\""),
        (r"`a\`b`", "`a``b`"),
        ("a-1", "a - 1"),
        ("a -- 1\n-.5", "a - .5"),
        ("a/*.5*/+.5", "a + .5"),
    ] {
        check_expr(written, expected);
    }
    assert_eq!(
        one("SELECT 1 SETTINGS a = 0x10, b = '\\d'").settings,
        [("a".to_owned(), "16".to_owned()), ("b".to_owned(), "\\d".to_owned())]
    );
    let params = [("p".to_owned(), r"\d\x41\\".to_owned())].into();
    let options = ParseOptions { params, ..ParseOptions::default() };
    let parsed = parse("SELECT {p:String} AS x", &options).unwrap();
    assert_eq!(parsed[0].statement.to_string(), r"SELECT '\dA\' AS x");
}

#[test]
fn broken_literals_name_their_place() {
    let at = |line, column| Some(Position { line, column });
    for (sql, words, place) in [
        (r"SELECT 'a\x4'", "two hexadecimal digits", at(1, 10)),
        ("SELECT 1,\n 'é', '\\xFF'", "no UTF-8", at(2, 8)),
        ("SELECT x'4G'", "no hexadecimal digit", at(1, 11)),
        ("SELECT b'012'", "no binary digit", at(1, 12)),
        ("SELECT x'FF'", "no UTF-8", at(1, 8)),
        ("SELECT\n\n  0xG", "no number", at(3, 3)),
        ("SELECT 1__0", "between two digits", at(1, 9)),
        ("SELECT a, 1e400", "too large", at(1, 11)),
        ("SELECT 1; SELECT 0b2", "no number", at(1, 18)),
        ("SELECT 'a", "does not end", at(1, 8)),
        ("SELECT\n `a\\`", "does not end", at(2, 2)),
        ("SELECT $a$b", "does not end", at(1, 8)),
        ("SELECT 1 /* /* */", "does not end", at(1, 10)),
        ("SELECT 'a' 'b'", "side by side", at(1, 12)),
        ("SELECT a FROM t WHERE b = N'x'", "prefix N", at(1, 27)),
        ("SELECT CAST(1, 'Int\\x')", "two hexadecimal digits", at(1, 20)),
        ("INSERT INTO t VALUES ('a'),\n(0x)", "no number", at(2, 2)),
    ] {
        let error = error(sql);
        assert!(error.to_string().contains(words), "{sql}: {error}");
        assert_eq!(error.position, place, "{sql}: {error}");
    }
    let params = [("p".to_owned(), r"\x4".to_owned())].into();
    let options = ParseOptions { params, ..ParseOptions::default() };
    let error = parse("SELECT {p:String}", &options).unwrap_err();
    assert!(matches!(error.kind, ParseErrorKind::BadParameter { .. }), "{error}");
}

/// Whatever stands for a literal is read or refused, the same alone as in a statement.
#[test]
fn broken_literals_never_panic() {
    let marks =
        "' \" ` \\ $ $a$ $$ x' b' N' 0x 0b 1 F _ . e p - + \\x4 \\xC3 \\N '' /* -- ; ( ) % ?";
    let others = ["9999999999999999999", "inf", "é", "İ", "\0", "\n", " ", "\u{a0}", "{a:Int8}"];
    let pieces: Vec<&str> = marks.split(' ').chain(others).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut read = 0;
    for _ in 0..100_000 {
        let text: String = (0..1 + random(8)).map(|_| pieces[random(pieces.len())]).collect();
        if let Ok(Some((_, end))) = literal::read(&text) {
            read += 1;
            assert!(text.is_char_boundary(end) && end <= text.len(), "{text}");
        }
        let _ = parse(&format!("SELECT {text}"), &ParseOptions::default());
        let _ = parse(&format!("INSERT INTO t VALUES ({text})"), &ParseOptions::default());
    }
    assert!(read > 5_000, "{read}");
}

#[test]
fn limits_hold() {
    let nested = |count: usize| format!("SELECT {}1{} AS a", "(".repeat(count), ")".repeat(count));
    assert_eq!(parsed(&nested(64)).len(), 1);
    assert!(matches!(error(&nested(65)).kind, ParseErrorKind::TooDeep { .. }));
    let inner = |count: usize| format!("SELECT {}1{}", "(SELECT ".repeat(count), ")".repeat(count));
    assert_eq!(parsed(&inner(6)).len(), 1);
    assert!(matches!(error(&inner(7)).kind, ParseErrorKind::TooMany { .. }));
    let tables =
        |count: usize| format!("{}SELECT 1{}", "SELECT * FROM (".repeat(count), ")".repeat(count));
    assert_eq!(parsed(&tables(30)).len(), 1);
    let named = "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT (SELECT 1), (SELECT 2), (SELECT 3)";
    assert_eq!(parsed(named).len(), 1);
    let long = format!("SELECT '{}'", "x".repeat(300_000));
    assert!(matches!(error(&long).kind, ParseErrorKind::TooLong { .. }));
    let sums = format!("SELECT {} AS a", vec!["1"; 2000].join("+"));
    assert!(matches!(error(&sums).kind, ParseErrorKind::TooMany { .. }));
    let nots = format!("SELECT {} true", "NOT ".repeat(20_000));
    assert!(parse(&nots, &ParseOptions::default()).is_err());
    let minus = format!("SELECT {} 1", "- ".repeat(20_000));
    assert!(parse(&minus, &ParseOptions::default()).is_err());
    let cases = format!("SELECT {} 1", "CASE WHEN ".repeat(20_000));
    assert!(parse(&cases, &ParseOptions::default()).is_err());
    let ors = |count: usize| format!("SELECT a FROM t WHERE {}", vec!["a = 1"; count].join(" OR "));
    assert_eq!(parsed(&ors(1025)).len(), 1);
    assert!(matches!(error(&ors(1026)).kind, ParseErrorKind::TooMany { .. }));
    let grows = (1..60).map(|at| format!("x{}+x{} AS x{at}", at - 1, at - 1));
    let grows = grows.collect::<Vec<_>>().join(", ");
    assert!(parse(&format!("SELECT {grows} FROM t"), &ParseOptions::default()).is_err());
}

/// Inputs on which a parser that tries two readings of every bracket takes exponential time.
#[test]
#[allow(clippy::disallowed_methods, reason = "a guard against exponential time")]
fn broken_nested_input_is_refused_quickly() {
    let openings = [
        "not(",
        "exists(select ",
        "cast(",
        "floor(",
        "ceil(",
        "extract(",
        "substring(",
        "trim(",
        "trim(both from ",
        "position(",
        "current_date(",
        "array[",
        "interval (",
        "case when (",
        "f(",
        "f((",
        "a in (",
        "a in ((",
        "a in ((select ",
        "(select ",
        "((select ",
        "try_cast(",
        "overlay(",
        "convert(",
        "struct(",
        "[",
        "a[",
        "(a, (",
        "if(",
        "quantile(0.5)(",
    ];
    let froms = ["(", "((", "(select * from ", "((select * from ", "(select a from (", "t join ("];
    let texts = openings
        .iter()
        .map(|one| format!("SELECT {}@", one.repeat(40)))
        .chain(froms.iter().map(|one| format!("SELECT * FROM {}@", one.repeat(40))));
    for text in texts {
        let begin = Instant::now();
        assert!(parse(&text, &ParseOptions::default()).is_err(), "{text}");
        let shorter: String = text.chars().take(60).collect();
        assert!(begin.elapsed() < Duration::from_secs(5), "{shorter}: {:?}", begin.elapsed());
    }
}

/// Any text parses or fails; it never panics.
#[test]
fn fragments_never_panic() {
    let words = [
        "SELECT", "a", "FROM", "t", "(", ")", "[", "]", "{", "}", ":", ".", "^", "?", "1", "'x'",
        "FORMAT", "SETTINGS", "=", ",", "LIMIT", "BY", "FINAL", "INSERT", "INTO", "VALUES", ";",
        "quantile", "if", "->", "::", "Int8", "AS", "GROUP", "ORDER", "ALL", "IN", "NOT", "\"q\"",
        "DATE", "INTERVAL", "DAY", "count", "WITH", "TOTALS", "é", "`", "'", "/*", "--", "*", "-",
    ];
    // A fixed sequence, so that a failure can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut text = String::from(if state.is_multiple_of(2) { "SELECT " } else { "" });
        for _ in 0..(state >> 20) % 12 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let word = words[(state >> 33) as usize % words.len()];
            text.push_str(word);
            text.push(' ');
        }
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let _ = parse(&text, &ParseOptions::default());
    }
}
