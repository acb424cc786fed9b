//! Exporting and importing again gives the same.

use crate::command::{Place, exists};

/// The lines of a text, sorted.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn things_and_relationships_survive_the_round_trip() {
    let place = Place::new();
    let mut lines = String::new();
    for n in 0..3_000 {
        lines.push_str(&format!(
            "{{\"id\":\"t/{n}\",\"type\":\"T{}\",\"data\":{{\"n\":{n},\"s\":\"é\\\"\\\\\\u0007\",\
             \"f\":1.50,\"big\":123456789012345678901234567890,\"deep\":[{{}},[null,true]]}},\
             \"embedding\":[0.25,-1],\"createdAt\":{},\
             \"updatedAt\":\"2024-02-29T23:59:59.999Z\"}}\n",
            n % 3,
            1_300_000_000_000u64 + n * 1_001
        ));
    }
    let file = place.file("things.ndjson", lines);
    place.dodb("import", &["--batch-rows", "700", &file]).ok();
    let links: String = (0..500)
        .map(|n| format!("{{\"fromId\":\"t/{n}\",\"toId\":\"t/{}\",\"type\":\"X\"}}\n", n + 1))
        .collect();
    let file = place.file("links.ndjson", links);
    place.dodb("import", &["--table", "relationships", &file]).ok();
    for table in ["things", "relationships"] {
        let first = place.dodb("export", &["--table", table]).ok();
        for format in ["JSONEachRow", "Parquet", "ArrowStream", "CSVWithNames", "TSVWithNames"] {
            let path = place.path(&format!("{table}.{format}"));
            let path = path.to_str().unwrap();
            place.dodb("export", &["--table", table, "--format", format, "-o", path]).ok();
            assert!(!exists(format!("{path}.part")));
            let copy = Place::new();
            copy.dodb("import", &["--table", table, "--format", format, path]).ok();
            let second = copy.dodb("export", &["--table", table]).ok();
            assert_eq!(sorted(&second), sorted(&first), "{table} as {format}");
        }
    }
    let one = place.sql("SELECT data FROM things WHERE id = 't/7' FORMAT TSVRaw");
    assert!(one.contains("\"f\":1.50,\"big\":123456789012345678901234567890"), "{one}");
}

#[test]
fn deleted_and_changed_rows_are_exported_as_they_are() {
    let place = Place::new();
    let lines: String = (0..2_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let file = place.file("t.ndjson", lines);
    place.dodb("import", &["--table", "t", &file]).ok();
    place.sql("DELETE FROM t WHERE n >= 1000; UPDATE t SET n = -1 WHERE n = 5");
    let out = place.dodb("export", &["--table", "t", "--format", "TSV"]).ok();
    let mut numbers: Vec<i64> = out.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    let mut expected: Vec<i64> = (0..1_000).filter(|n| *n != 5).collect();
    expected.insert(0, -1);
    assert_eq!(numbers, expected);
}
