//! Importing files of every format and packing.

use crate::command::{Place, gzip, zstd};

const NDJSON: &str = "{\"a\":1,\"b\":\"x\",\"c\":0.5}\n{\"a\":2,\"b\":\"é\\n\",\"c\":null}\n\
                      {\"a\":3,\"b\":\"\",\"c\":-1.25}\n";
const JSON: &str = "[\n {\"a\":1,\"b\":\"x\",\"c\":0.5},\n {\"a\":2,\"b\":\"é\\n\",\"c\":null},\n\
                    {\"a\":3,\"b\":\"\",\"c\":-1.25}\n]\n";
const CSV: &str = "a,b,c\n1,x,0.5\n2,\"é\n\",\n3,\"\",-1.25\n";
const TSV: &str = "a\tb\tc\n1\tx\t0.5\n2\té\\n\t\\N\n3\t\t-1.25\n";
const ROWS: &str = "1\tx\t0.5\n2\té\\n\t\\N\n3\t\t-1.25\n";

#[test]
fn every_text_format_makes_the_same_table() {
    let place = Place::new();
    let files = [("t.ndjson", NDJSON), ("t.json", JSON), ("t.csv", CSV), ("t.tsv", TSV)];
    for (at, (name, text)) in files.into_iter().enumerate() {
        let table = format!("t{at}");
        let file = place.file(name, text);
        let said = place.dodb("import", &["--table", &table, &file]).ok();
        assert!(said.starts_with(&format!("imported 3 rows into {table} in ")), "{said}");
        assert!(said.contains(" rows written, $"), "{said}");
        let select = format!("SELECT a, coalesce(b, ''), c FROM {table} ORDER BY a");
        assert_eq!(place.sql(&select), ROWS, "{name}");
        let types = place.sql(&format!("DESCRIBE TABLE {table}"));
        assert!(types.contains("Int64") && types.contains("Float64"), "{name}: {types}");
    }
}

#[test]
fn packed_files_are_known_by_their_first_bytes() {
    let place = Place::new();
    for (at, (name, bytes)) in [
        ("t.ndjson.gz", gzip(NDJSON.as_bytes())),
        ("t.csv.zst", zstd(CSV.as_bytes())),
        // The name says nothing: neither of the packing nor of the format.
        ("packed", gzip(CSV.as_bytes())),
        ("two_members", [gzip(&CSV.as_bytes()[..9]), gzip(&CSV.as_bytes()[9..])].concat()),
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("t{at}");
        let file = place.file(name, bytes);
        place.dodb("import", &["--table", &table, &file]).ok();
        assert_eq!(place.sql(&format!("SELECT sum(a), count(c) FROM {table}")), "6\t2\n", "{name}");
    }
}

#[test]
fn standard_input_and_several_files() {
    let place = Place::new();
    place.dodb_with("import", &["--table", "t", "-"], NDJSON.as_bytes()).ok();
    place.dodb_with("import", &["--table", "t", "-"], &gzip(CSV.as_bytes())).ok();
    let (one, two) = (place.file("1.tsv", TSV), place.file("2.json", JSON));
    let said = place.dodb("import", &["--table", "t", &one, &two]).ok();
    assert!(said.starts_with("imported 6 rows"), "{said}");
    assert_eq!(place.sql("SELECT count(), sum(a) FROM t"), "12\t24\n");
    // Told, the format is not guessed.
    let headless = place.file("headless.csv", "7,y,1.5\n8,z,2.5\n");
    place.dodb("import", &["--table", "t", "--format", "CSV", &headless]).ok();
    assert_eq!(place.sql("SELECT count(), sum(a) FROM t"), "14\t39\n");
}

#[test]
fn parquet_both_ways() {
    let place = Place::new();
    let file = place.file("t.ndjson", NDJSON);
    place.dodb("import", &["--table", "t", &file]).ok();
    let parquet = place.path("t.parquet");
    let parquet = parquet.to_str().unwrap();
    place.dodb("export", &["--table", "t", "--format", "Parquet", "-o", parquet]).ok();
    place.dodb("import", &["--table", "copy", parquet]).ok();
    assert_eq!(place.sql("SELECT * FROM copy ORDER BY a"), place.sql("SELECT * FROM t ORDER BY a"));
    // Through a pipe it needs the table, and is held whole.
    let bytes = std::fs::read(parquet).unwrap();
    place.dodb_with("import", &["--table", "copy", "-"], &bytes).ok();
    place.dodb_with("import", &["--table", "copy", "-"], &zstd(&bytes)).ok();
    assert_eq!(place.sql("SELECT count() FROM copy"), "9\n");
    let said = place.dodb_with("import", &["--table", "new", "-"], &bytes).failed();
    assert!(said.contains("make the table first"), "{said}");
    // As documents, without the nulls.
    place.dodb("import", &["--type", "T", "--id", "a", parquet]).ok();
    assert_eq!(place.sql("SELECT data FROM things WHERE id = '2'"), "{\"a\":2,\"b\":\"é\\\\n\"}\n");
}

#[test]
fn things_and_relationships_as_they_are() {
    let place = Place::new();
    let things = place.file(
        "things.ndjson",
        "{\"id\":\"a\",\"type\":\"T\",\"data\":{\"n\":1},\"createdAt\":\"2013-01-01T10:15:00Z\"}\n\
         {\"id\":\"b\",\"type\":\"T\",\"data\":{\"n\":2}}\n\
         {\"id\":\"a\",\"type\":\"T\",\"data\":{\"n\":3},\"createdAt\":1357035300000}\n",
    );
    place.dodb("import", &[&things]).ok();
    let rows = place.sql("SELECT id, data.n, createdAt FROM things ORDER BY id LIMIT 1");
    assert_eq!(rows, "a\t3\t2013-01-01 10:15:00.000\n");
    assert_eq!(place.sql("SELECT count() FROM things"), "2\n");
    let links =
        place.file("links.ndjson", "{\"fromId\":\"a\",\"toId\":\"b\",\"type\":\"KNOWS\"}\n");
    place.dodb("import", &["--table", "relationships", &links]).ok();
    place.dodb("import", &["--table", "relationships", &links]).ok();
    assert_eq!(place.sql("SELECT count(), min(toId) FROM relationships"), "1\tb\n");
}

#[test]
fn records_become_documents() {
    let place = Place::new();
    let csv = place.file(
        "p.csv",
        "tailnum,year,speed,name,createdAt\nN1,1998,,\"a \"\"b\"\"\",2013-01-01\nN2,,90.50,007,\n",
    );
    place.dodb("import", &["--type", "Plane", "--id", "tailnum", &csv]).ok();
    let data = place.sql("SELECT data FROM things ORDER BY id FORMAT TSVRaw");
    let first = "{\"tailnum\":\"N1\",\"year\":1998,\"name\":\"a \\\"b\\\"\",\
                 \"createdAt\":\"2013-01-01\"}";
    let second = "{\"tailnum\":\"N2\",\"speed\":90.50,\"name\":\"007\"}";
    assert_eq!(data, format!("{first}\n{second}\n"));
    let created = place.sql("SELECT createdAt FROM things WHERE id = 'N1'");
    assert_eq!(created, "2013-01-01 00:00:00.000\n");
    let json = place.file("q.json", "[{\"k\":7,\"deep\":{\"x\":[1,null]}},\n{\"k\":8}]");
    place.dodb("import", &["--type", "Q", "--id", "k", &json]).ok();
    let data = place.sql("SELECT data FROM things WHERE id = '7' FORMAT TSVRaw");
    assert_eq!(data, "{\"k\":7,\"deep\":{\"x\":[1,null]}}\n");
    // Without --id every record is another thing.
    place.dodb("import", &["--type", "R", &json]).ok();
    place.dodb("import", &["--type", "R", &json]).ok();
    assert_eq!(place.sql("SELECT count() FROM things WHERE type = 'R'"), "4\n");
}

#[test]
fn a_file_of_many_batches_is_folded_and_merged() {
    let place = Place::new();
    let lines: String =
        (0..30_000).map(|n| format!("{{\"n\":{n},\"t\":\"t{}\"}}\n", n % 7)).collect();
    let file = place.file("many.ndjson", lines);
    place.dodb("import", &["--table", "many", "--batch-rows", "500", &file]).ok();
    let all = place.sql("SELECT count(), sum(n), count(DISTINCT t) FROM many");
    assert_eq!(all, "30000\t449985000\t7\n");
    let parts = place.dodb("inspect", &["many"]).ok();
    assert!(parts.lines().count() < 30, "sixty batches were merged: {parts}");
    assert!(place.dodb("verify", &[]).ok().contains("no fault"));
    let stats = place.dodb("stats", &[]).ok();
    assert!(stats.contains("many") && stats.contains("30,000"), "{stats}");
    place.dodb("compact", &[]).ok();
    assert_eq!(place.sql("SELECT count(), sum(n), count(DISTINCT t) FROM many"), all);
}
