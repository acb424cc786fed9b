//! A literal means the same wherever it is read: with the statement, by the reader of rows that
//! follow VALUES, and as an expression. Not here: what it means (`tests/slt/literals.slt`).

use crate::support::{Home, text};

/// Types, the literals that are put into them, and those that are refused.
const LITERALS: [(&str, &str, &str); 4] = [
    (
        "String",
        r"'\d' '\x41' '\1\%\_\e' '\N' x'41' b'01000001' $$a'b\$$ 'a''b' 'a\'b' '\\' 12 017 -5 0xFF
          1_000 1.50 1e3 1e21 inf -inf nan 18446744073709551615 18446744073709551616 '' NULL",
        r#"'\x4' '\xFF' x'FF' x'G' "a" 1__0 0xG 1e400 'a\' $a$ N'a'"#,
    ),
    (
        "Int64",
        "0xFF -0x10 0b101 -0b11 1_000 1e3 1.5 -1.5 5. .5 -.5 +5 1.0 0x1p3 -0.5 017 '12' 1e18 NULL
         9223372036854775807 -9223372036854775808",
        "9223372036854775808 18446744073709551616 1e19 inf nan '0xFF' '1_000' '1e3' 1__0 0x 0b12",
    ),
    (
        "Float64",
        "inf -inf nan Infinity INF NaN 1e-400 0xFF 0x1p3 1_000 1_000.5 5. .5 -.5 +1.5 '1e3' 'inf'
         18446744073709551616 0xFFFFFFFFFFFFFFFFFF",
        "1e400 -1e400 1e 1.2.3 1..2 '0xFF' '1_0' 1_",
    ),
    ("UInt8", "255 0xFF -0 1.9 255.5 1e2 0b11111111", "256 0x100 -1 'a' 1e3"),
];

/// The stored value, or that it was refused.
async fn stored(home: &Home, data_type: &str, insert: &str, body: &str) -> String {
    let ask = async |sql: String| {
        let response = home.send("POST", "/", sql).await;
        (response.status().is_success(), text(&response))
    };
    assert!(ask("DROP TABLE IF EXISTS t".into()).await.0);
    assert!(ask(format!("CREATE TABLE t (a {data_type})")).await.0);
    let (is_taken, answer) = ask(format!("INSERT INTO t {insert}{body}")).await;
    match is_taken {
        true => ask("SELECT a FROM t".into()).await.1,
        false => {
            assert!(answer.starts_with("Code: "), "{insert}{body}: {answer}");
            "refused".into()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn literals_mean_the_same_everywhere() {
    let home = Home::native();
    for (data_type, taken, refused) in LITERALS {
        for literal in taken.split_whitespace().chain(refused.split_whitespace()) {
            let row = format!("({literal})");
            let as_rows = stored(&home, data_type, "FORMAT Values\n", &row).await;
            let inline = stored(&home, data_type, "VALUES ", &row).await;
            assert_eq!(inline, as_rows, "{literal} as {data_type}: VALUES and FORMAT Values");
            let computed = stored(&home, data_type, "SELECT ", literal).await;
            assert_eq!(computed, as_rows, "{literal} as {data_type}: SELECT and VALUES");
            let is_taken = taken.split_whitespace().any(|one| one == literal);
            assert_eq!(as_rows != "refused", is_taken, "{literal} as {data_type}: {as_rows}");
        }
    }
}

/// Rows may follow the statement in the body, whether or not some stand in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_follow_are_not_lost() {
    let home = Home::native();
    home.send("POST", "/", "CREATE TABLE t (a String, n Int64)").await;
    let path = |sql: &str| format!("/?query={}", sql.replace(' ', "%20").replace('\'', "%27"));
    for (sql, body) in [
        ("INSERT INTO t VALUES", r"('\d', 0xFF), (x'41', 1_000)"),
        ("INSERT INTO t VALUES ('one', 1)", ", ('two', 0b10)"),
        ("INSERT INTO t FORMAT Values", "($$it's$$, -0x1)"),
    ] {
        let response = home.send("POST", &path(sql), body).await;
        assert!(response.status().is_success(), "{sql}: {}", text(&response));
    }
    let response = home.send("POST", "/", "SELECT * FROM t ORDER BY n").await;
    assert_eq!(text(&response), "it\\'s\t-1\none\t1\ntwo\t2\n\\\\d\t255\nA\t1000\n");
    let response = home.send("POST", "/", "SELECT count() FROM system.query_log").await;
    assert_eq!(text(&response), "5\n");
}

/// What a pattern begins with is looked for in parts and files, whatever is escaped in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_are_pushed_down() {
    let home = Home::native();
    home.send("POST", "/", "CREATE TABLE t (s String)").await;
    for (condition, pushed) in [
        (r"s LIKE 'a\_b%'", Some("a_b")),
        (r"s LIKE '50\%%'", Some("50%")),
        (r"s LIKE 'a\\\\b%'", Some(r"a\b")),
        (r"s LIKE 'a\d%'", Some(r"a\d")),
        ("s LIKE '50^%%' ESCAPE '^'", Some("50%")),
        (r"s LIKE 'a\_b'", Some("a_b")),
        ("s LIKE 'a' || 'b%'", Some("ab")),
        ("s LIKE 'a_b%'", None),
        ("s LIKE 'a%b%'", None),
        (r"s LIKE 'a\%b_'", None),
        ("s ILIKE 'ab%'", None),
    ] {
        let plan = home.send("POST", "/", format!("EXPLAIN SELECT s FROM t WHERE {condition}"));
        let plan = text(&plan.await);
        let scan = plan.lines().find(|line| line.contains("DodbScan")).unwrap_or_default();
        let found = scan.split_once("where=").map(|(_, condition)| condition);
        // The answer is tab-separated: backslashes are doubled.
        let expected = pushed.map(|pushed| pushed.replace('\\', r"\\"));
        let is_it = match (&found, &expected) {
            (Some(found), Some(expected)) => found.contains(expected.as_str()),
            (None, None) => true,
            _ => false,
        };
        assert!(is_it, "{condition}: {plan}");
    }
}
