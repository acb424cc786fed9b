//! Files and arguments that are wrong: what is said, the exit code, and that nothing else happens.

use crate::command::{Place, dodb, exists, gzip};

#[test]
fn a_bad_line_is_told_with_its_place() {
    let place = Place::new();
    let file = place.file("bad.ndjson", "{\"a\":1}\n{\"a\":2}\n{\"a\":x}\n{\"a\":4}\n");
    place.sql("CREATE TABLE t (a Int64)");
    let said = place.dodb("import", &["--table", "t", &file]).failed();
    assert!(said.contains("bad.ndjson: line 3, byte"), "{said}");
    assert!(said.contains("0 rows are in t, nothing after them was imported"), "{said}");
    assert_eq!(place.sql("SELECT count() FROM t"), "0\n");
    // What was stored before the bad line stays, and is counted.
    let said = place.dodb("import", &["--table", "t", "--batch-rows", "1", &file]).failed();
    assert!(said.contains("2 rows are in t"), "{said}");
    assert_eq!(place.sql("SELECT sum(a) FROM t"), "3\n");
}

#[test]
fn bad_lines_can_be_left_out() {
    let place = Place::new();
    let csv = "a,b\n1,x\nseven,y\n3,z\n4\n5,w\n";
    let file = place.file("bad.csv", csv);
    place.sql("CREATE TABLE t (a Int64, b String)");
    let run = place.dodb("import", &["--table", "t", "--on-error", "skip", &file]);
    assert!(run.err.contains("bad.csv: line 3"), "{}", run.err);
    assert!(run.err.contains("bad.csv: line 5"), "{}", run.err);
    assert!(
        run.out.contains("imported 3 rows") && run.out.contains("2 bad records"),
        "{}",
        run.out
    );
    assert_eq!(place.sql("SELECT sum(a) FROM t"), "9\n");
    // Records that the database refuses, not the reader: a null where none may be.
    let file =
        place.file("null.ndjson", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\"}\n{\"a\":2,\"b\":\"z\"}\n");
    place.sql("CREATE TABLE strict (a Int64 NOT NULL, b String)");
    let run = place.dodb("import", &["--table", "strict", "--on-error", "skip", &file]);
    assert!(run.out.contains("imported 2 rows") && run.out.contains("1 bad record"), "{}", run.out);
    assert_eq!(place.sql("SELECT sum(a) FROM strict"), "3\n");
}

#[test]
fn documents_have_places_too() {
    let place = Place::new();
    let file = place.file("d.ndjson", "{\"k\":1}\n{\"x\":2}\n{\"k\":3}\nnonsense\n");
    let said = place.dodb("import", &["--type", "T", "--id", "k", &file]).failed();
    assert!(said.contains("d.ndjson: line 2: ") && said.contains("`k`"), "{said}");
    let args = ["--type", "T", "--id", "k", "--on-error", "skip", file.as_str()];
    let run = place.dodb("import", &args);
    assert!(run.err.contains("line 2") && run.err.contains("line 4"), "{}", run.err);
    assert_eq!(place.sql("SELECT count() FROM things"), "2\n");
}

#[test]
fn a_gzip_that_breaks_off() {
    let place = Place::new();
    let lines: String = (0..50_000).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    let whole = gzip(lines.as_bytes());
    let file = place.file("cut.ndjson.gz", &whole[..whole.len() / 2]);
    place.sql("CREATE TABLE t (a Int64)");
    let said = place.dodb("import", &["--table", "t", &file]).failed();
    assert!(said.contains("cut.ndjson.gz: the gzip data breaks off"), "{said}");
    assert!(said.contains("nothing after them was imported"), "{said}");
    assert!(place.dodb("verify", &[]).ok().contains("no fault"));
}

#[test]
fn deep_nesting_nul_bytes_and_bad_utf8() {
    let place = Place::new();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("deep", format!("{{\"id\":\"a\",\"type\":\"T\",\"data\":{deep}}}\n").into(), "line 1"),
        ("nul", b"{\"id\":\"a\",\"type\":\"T\",\"data\":{\"x\":\"\0\"}}\n".to_vec(), "NUL"),
        ("utf8", b"{\"id\":\"a\",\"type\":\"T\",\"data\":{\"x\":\"\xff\"}}\n".to_vec(), "UTF-8"),
        ("top", format!("{deep}\n").into_bytes(), "line 1"),
    ];
    for (name, bytes, problem) in cases {
        let file = place.file(&format!("{name}.ndjson"), bytes);
        for args in [vec![file.as_str()], vec!["--type", "T", file.as_str()]] {
            let said = place.dodb("import", &args).failed();
            assert!(said.contains(&format!("{name}.ndjson")), "{said}");
            assert!(said.contains(problem), "{said}");
        }
    }
    assert_eq!(place.sql("SELECT count() FROM things"), "0\n");
}

#[test]
fn a_document_of_three_megabytes() {
    let place = Place::new();
    let huge = "x".repeat(3 << 20);
    let line = format!("{{\"id\":\"a\",\"type\":\"T\",\"data\":{{\"x\":\"{huge}\"}}}}\n");
    let file = place.file("huge.ndjson", line);
    for args in [vec![file.as_str()], vec!["--type", "T", file.as_str()]] {
        let said = place.dodb("import", &args).failed();
        assert!(said.contains("line 1") && said.contains("2000000"), "{said}");
    }
    assert_eq!(place.sql("SELECT count() FROM things"), "0\n");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let place = Place::new();
    let data = place.data();
    for args in [
        vec![],
        vec!["nonsense"],
        vec!["import"],
        vec!["import", "--data", &data, "--id", "k", "x.csv"],
        vec!["import", "--data", &data, "--table", "t", "--type", "T", "x.csv"],
        vec!["import", "--data", &data, "--url", "http://127.0.0.1:1", "x.csv"],
        vec!["import", "--data", &data, "-", "-"],
        vec!["sql", "--data", &data, "--database", "../up", "SELECT 1"],
        vec!["sql", "--url", "127.0.0.1:8123", "SELECT 1"],
    ] {
        let run = dodb(&args);
        assert_eq!(run.code, Some(2), "{args:?}: {} {}", run.err, run.out);
        assert!(run.err.contains("--help") || run.err.contains("Usage"), "{args:?}: {}", run.err);
    }
    assert!(!exists(&data), "nothing was made");
    for command in ["serve", "sql", "import", "export", "stats", "verify", "inspect", "compact"] {
        let help = dodb(&[command, "--help"]).ok();
        assert!(help.contains("--data"), "{help}");
    }
    assert!(dodb(&["--version"]).ok().starts_with("dodb "));
}

#[test]
fn files_and_databases_that_are_not_there() {
    let place = Place::new();
    let said = place.dodb("import", &["missing.csv"]).failed();
    assert!(said.contains("cannot open missing.csv"), "{said}");
    let other = Place::new();
    for command in ["verify", "stats", "export", "compact"] {
        let said = other.dodb(command, &[]).failed();
        assert!(said.contains("there is no database `default`"), "{said}");
    }
    assert!(!exists(other.data()), "nothing was made");
    place.sql("SELECT 1");
    let said = place.dodb("export", &["--table", "nothing"]).failed();
    assert!(said.contains("there is no table `nothing`"), "{said}");
    let said = place.dodb("inspect", &["things:7"]).failed();
    assert!(said.contains("no part 7"), "{said}");
    let file = place.file("mystery", "just words");
    let said = place.dodb("import", &["--table", "t", &file]).failed();
    assert!(said.contains("--format"), "{said}");
}

#[test]
fn a_damaged_database_is_found_out() {
    let place = Place::new();
    let lines: String =
        (0..5_000).map(|n| format!("{{\"n\":{n},\"s\":\"{}\"}}\n", n * 7919)).collect();
    let file = place.file("t.ndjson", lines);
    place.dodb("import", &["--table", "t", &file]).ok();
    let path = place.path("data/default/dodb.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    // A byte in the middle of the last page that holds a part: SQLite has no checksum there.
    let at = bytes.len() - 2_048;
    bytes[at] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let run = place.dodb("verify", &[]);
    assert_eq!(run.code, Some(1), "{} {}", run.out, run.err);
    assert!(
        run.out.contains("table `t`") || run.err.contains("damaged"),
        "{} {}",
        run.out,
        run.err
    );
}
