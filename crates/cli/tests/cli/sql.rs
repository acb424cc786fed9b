//! `dodb sql`: arguments, standard input, formats, costs, errors.

use crate::command::{Place, exists};

#[test]
fn statements_from_the_argument() {
    let place = Place::new();
    assert_eq!(place.sql("SELECT 1 + 1"), "2\n");
    let all = "CREATE TABLE t (a Int64, b String); INSERT INTO t VALUES (1, 'x'), (2, 'y'); \
               SELECT * FROM t ORDER BY a; SELECT count() FROM t";
    assert_eq!(place.sql(all), "1\tx\n2\ty\n2\n");
    let json = place.dodb("sql", &["--format", "JSONEachRow", "SELECT a FROM t ORDER BY a"]).ok();
    assert_eq!(json, "{\"a\":1}\n{\"a\":2}\n");
    // What the statement says goes before the option.
    let csv = place.dodb("sql", &["--format", "JSON", "SELECT b FROM t WHERE a = 1 FORMAT CSV"]);
    assert_eq!(csv.ok(), "\"x\"\n");
}

#[test]
fn a_database_is_made_before_it_is_named() {
    let place = Place::new();
    place.sql("CREATE TABLE t (a Int64)");
    let file = place.file("t.csv", "a\n1\n");
    let commands: [(&str, &[&str]); 3] = [
        ("sql", &["--database", "other", "SELECT 1"]),
        ("import", &["--database", "other", "--table", "t", &file]),
        ("stats", &["--database", "other"]),
    ];
    for (command, args) in commands {
        let said = place.dodb(command, args).failed();
        assert!(said.contains("there is no database `other`"), "{command}: {said}");
        assert!(said.contains("'CREATE DATABASE `other`'"), "{command}: {said}");
    }
    assert!(!exists(place.path("data/other")), "nothing was made");
    place.sql("CREATE DATABASE `other`");
    assert_eq!(place.sql("SHOW DATABASES"), "default\nother\nsystem\n");
    // Each database is its own.
    let tables = place.dodb("sql", &["--database", "other", "SHOW TABLES"]).ok();
    assert!(!tables.lines().any(|line| line == "t"), "{tables}");
    place.dodb("import", &["--database", "other", "--table", "t", &file]).ok();
    assert_eq!(place.dodb("sql", &["--database", "other", "SELECT a FROM t"]).ok(), "1\n");
    assert_eq!(place.sql("SELECT count() FROM t"), "0\n");
}

#[test]
fn statements_and_data_from_standard_input() {
    let place = Place::new();
    let text = "CREATE TABLE t (a Int64);\n-- a comment; with a semicolon\n\
                INSERT INTO t VALUES (5);\nSELECT a FROM t;\n";
    assert_eq!(place.dodb_with("sql", &[], text.as_bytes()).ok(), "5\n");
    assert_eq!(place.dodb_with("sql", &["-"], b"SELECT 7").ok(), "7\n");
    place.dodb_with("sql", &["INSERT INTO t FORMAT CSV"], b"6\n7\n").ok();
    place.dodb_with("sql", &[], b"INSERT INTO t FORMAT JSONEachRow\n{\"a\":8}\n").ok();
    assert_eq!(place.sql("SELECT sum(a), count() FROM t"), "26\t4\n");
    let said = place.dodb_with("sql", &["INSERT INTO t FORMAT CSV"], b"9\nten\n").failed();
    assert!(said.contains("line 2"), "{said}");
    assert_eq!(place.sql("SELECT count() FROM t"), "4\n");
}

#[test]
fn costs_go_to_standard_error() {
    let place = Place::new();
    place.sql("INSERT INTO things (id, type) VALUES ('a', 'T')");
    let run = place.dodb("sql", &["--cost", "SELECT count() FROM things"]);
    assert_eq!(
        run.err,
        "cost: 1 rows read, 0 rows written, 0 objects read, 0 objects written, \
                         0 bytes, $0.000000001\n"
    );
    assert_eq!(run.ok(), "1\n");
}

#[test]
fn errors_say_where() {
    let place = Place::new();
    let said = place.dodb("sql", &["SELECT 1;\nSELEC 2"]).failed();
    assert!(said.contains("line 2"), "{said}");
    let said = place.dodb("sql", &["SELECT * FROM nothing"]).failed();
    assert!(said.contains("nothing"), "{said}");
    let said = place.dodb("sql", &["--format", "Nonsense", "SELECT 1"]).failed();
    assert!(said.contains("unknown format `Nonsense`"), "{said}");
    // What came before the error was answered.
    let run = place.dodb("sql", &["SELECT 1; SELECT * FROM nothing"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), "1\n"));
    let said = place.dodb_with("sql", &[], b"SELECT '\xff'").failed();
    assert!(said.contains("not UTF-8"), "{said}");
}
