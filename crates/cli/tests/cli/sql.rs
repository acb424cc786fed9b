//! `dodb sql`: arguments, standard input, formats, costs, errors.

use crate::command::Place;

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
    // Each database is its own.
    let other = place.dodb("sql", &["--database", "other", "SHOW TABLES"]).ok();
    assert!(!other.lines().any(|line| line == "t"), "{other}");
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
