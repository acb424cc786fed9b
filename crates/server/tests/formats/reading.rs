//! Reading: everything ClickHouse wrote, cut anywhere, and the liberties of each format.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use dodb_server::formats::{DecodeOptions, Decoder, Format, FormatError};
use std::collections::HashMap;
use std::sync::Arc;

use crate::batches::{self, noted};
use crate::compared::{encoded, recorded};

/// The rows of a body read in chunks of `chunk` bytes.
pub fn decoded(
    format: Format,
    schema: &SchemaRef,
    body: &[u8],
    chunk: usize,
    options: DecodeOptions,
) -> Result<RecordBatch, FormatError> {
    let mut decoder = Decoder::new(format, schema.clone(), None, options)?;
    let mut batches = Vec::new();
    for piece in body.chunks(chunk) {
        decoder.push(piece)?;
        while let Some(batch) = decoder.take()? {
            batches.push(batch);
        }
    }
    decoder.finish()?;
    while let Some(batch) = decoder.take()? {
        batches.push(batch);
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(decoder.row_count(), rows as u64);
    Ok(concat_batches(schema, &batches).unwrap())
}

pub fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

fn readable() -> impl Iterator<Item = Format> {
    // Binary formats have tests of their own, and JSONAsObject carries one column only.
    let others = [Format::Parquet, Format::Arrow, Format::ArrowStream, Format::JsonAsObject];
    Format::ALL.iter().copied().filter(move |f| f.is_readable() && !others.contains(f))
}

/// The schema of one JSON column, beside a number.
fn documents() -> SchemaRef {
    let kind = |name: &str| HashMap::from([("dodb.type".to_owned(), name.to_owned())]);
    let doc = Field::new("doc", DataType::Utf8View, true).with_metadata(kind("JSON"));
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true), doc]))
}

#[test]
fn objects_are_documents() {
    let body = b"{\"a\": [1,\n2]} {\"n\":5}\n{}\n";
    for body in [&body[..], b" [{\"a\": [1,\n2]}, {\"n\":5},{}] "] {
        for chunk in [1, 5, usize::MAX] {
            let options = DecodeOptions::default();
            let found = decoded(Format::JsonAsObject, &documents(), body, chunk, options).unwrap();
            let texts: Vec<_> = found.column(1).as_string_view().iter().flatten().collect();
            assert_eq!(texts, ["{\"a\": [1,\n2]}", "{\"n\":5}", "{}"]);
            assert_eq!(found.column(0).null_count(), 3);
        }
    }
    for body in [&b"{\"a\":1} 7"[..], b"{\"a\":01}", b"[1]", b"{\"a\""] {
        let options = DecodeOptions::default();
        assert!(decoded(Format::JsonAsObject, &documents(), body, 3, options).is_err());
    }
    let numbers = schema(&[("n", DataType::Int64)]);
    let error = Decoder::new(Format::JsonAsObject, numbers, None, DecodeOptions::default());
    assert!(error.err().unwrap().to_string().contains("exactly one JSON column"));
}

fn reads_back(case: &str, batch: &RecordBatch, skipped: &[Format]) {
    let sections = recorded(case);
    for format in readable().filter(|f| !skipped.contains(f)) {
        let body = &sections[format.name()];
        for chunk in [1, 7, 64, usize::MAX] {
            let options = DecodeOptions { rows_max: 2, ..DecodeOptions::default() };
            let found = decoded(format, &batch.schema(), body, chunk, options);
            assert_eq!(&found.unwrap(), batch, "{case} {format} in chunks of {chunk}");
        }
    }
}

#[test]
fn what_clickhouse_wrote_is_read_back() {
    reads_back("scalars", &batches::scalars(), &[]);
    // Raw lines cannot hold tabs and line ends, and ClickHouse's CSV holds a bare NUL byte.
    let mut skipped = vec![Format::TsvRaw, Format::TsvRawWithNames];
    skipped.extend([Format::Csv, Format::CsvWithNames, Format::CsvWithNamesAndTypes]);
    reads_back("strings", &batches::strings(), &skipped);
    reads_back("json", &batches::json(), &[]);
    reads_back("empty", &batches::empty(), &[]);
}

#[test]
fn arrays_that_clickhouse_wrote_are_read_back() {
    let all = batches::nested();
    let keep: Vec<usize> =
        (0..all.num_columns()).filter(|i| all.schema().field(*i).name() != "m").collect();
    let batch = all.project(&keep).unwrap();
    for format in readable() {
        let body = encoded(format, &batch, 1);
        for chunk in [1, 13, usize::MAX] {
            let options = DecodeOptions::default();
            let found = decoded(format, &batch.schema(), &body, chunk, options);
            assert_eq!(found.unwrap(), batch, "{format} in chunks of {chunk}");
        }
    }
}

#[test]
fn floats_are_read_back_bit_for_bit() {
    let batch = batches::floats();
    for format in readable().filter(|f| !f.name().starts_with("JSON")) {
        let found = decoded(
            format,
            &batch.schema(),
            &encoded(format, &batch, 5),
            10,
            DecodeOptions::default(),
        );
        let found = found.unwrap();
        for row in 0..batch.num_rows() {
            let bits = |batch: &RecordBatch| {
                let x = batch.column(0).as_primitive::<Float64Type>().value(row);
                let y = batch.column(1).as_primitive::<Float32Type>().value(row);
                (x.to_bits(), y.to_bits())
            };
            assert_eq!(bits(&found), bits(&batch), "{format} row {row}");
        }
    }
}

#[test]
fn objects_in_an_array_over_lines_and_side_by_side() {
    let schema = schema(&[("a", DataType::Int64), ("b", DataType::Utf8View)]);
    let bodies = [
        "[{\"a\":1,\"b\":\"x\"},{\"b\":\"y\"}]",
        "\u{feff}[\n  {\n \"b\" : \"x\",\n \"a\" : 1 },\n {\"b\":\"y\",\"a\":null}\n]\n",
        "{\"a\":1,\"b\":\"x\"}{\"b\":\"y\"}",
        "{\"a\":7,\"a\":1,\"b\":\"x\"},\n\n{\"\\u0062\":\"y\"};\r\n",
    ];
    for body in bodies {
        for chunk in [1, 3, 1000] {
            let options = DecodeOptions::default();
            let found =
                decoded(Format::JsonEachRow, &schema, body.as_bytes(), chunk, options).unwrap();
            let a = found.column(0).as_primitive::<Int64Type>();
            let b = found.column(1).as_string_view();
            assert_eq!(a.iter().collect::<Vec<_>>(), [Some(1), None], "{body}");
            assert_eq!(b.iter().collect::<Vec<_>>(), [Some("x"), Some("y")], "{body}");
        }
    }
}

#[test]
fn json_columns_keep_their_text() {
    let field = noted(Field::new("j", DataType::Utf8View, true), "JSON");
    let schema: SchemaRef = Arc::new(Schema::new(vec![field]));
    let documents = ["{\"b\": 1.50, \"a\":[1, {}]}", "1e400", "\"x\\u00e9\"", "[]", "true"];
    let body: String = documents.iter().map(|d| format!("{{\"j\": {d} }}\n")).collect();
    let options = DecodeOptions::default();
    let found = decoded(Format::JsonEachRow, &schema, body.as_bytes(), 5, options).unwrap();
    let found: Vec<_> = found.column(0).as_string_view().iter().flatten().collect();
    assert_eq!(found, documents);
}

#[test]
fn empty_quoted_and_null_fields_of_csv() {
    let schema =
        schema(&[("a", DataType::Utf8View), ("b", DataType::Int32), ("c", DataType::Utf8View)]);
    let body = "x , 1 ,\"\"\r\n,,\\N\r\n\"\\N\",NA,\" q\"\"\n \"\r\n\"\",2,NA";
    let options = DecodeOptions { null_texts: vec!["NA".into()], ..DecodeOptions::default() };
    for chunk in [1, 4, 500] {
        let found = decoded(Format::Csv, &schema, body.as_bytes(), chunk, options.clone()).unwrap();
        let a: Vec<_> = found.column(0).as_string_view().iter().collect();
        let b: Vec<_> = found.column(1).as_primitive::<Int32Type>().iter().collect();
        let c: Vec<_> = found.column(2).as_string_view().iter().collect();
        assert_eq!(a, [Some("x"), None, Some("\\N"), Some("")]);
        assert_eq!(b, [Some(1), None, None, Some(2)]);
        assert_eq!(c, [Some(""), None, Some(" q\"\n "), None]);
    }
}

#[test]
fn names_and_lists_of_columns_choose_the_order() {
    let schema = schema(&[("a", DataType::Int32), ("b", DataType::Int32), ("c", DataType::Int32)]);
    let columns = vec!["c".to_string(), "a".to_string()];
    let read = |format, body: &str| {
        let options = DecodeOptions::default();
        let mut decoder = Decoder::new(format, schema.clone(), Some(&columns), options).unwrap();
        decoder.push(body.as_bytes()).and_then(|()| decoder.finish()).map(|()| {
            let batch = decoder.take().unwrap().unwrap();
            let one =
                |at: usize| batch.column(at).as_primitive::<Int32Type>().iter().next().unwrap();
            (one(0), one(1), one(2))
        })
    };
    assert_eq!(read(Format::Csv, "3,1\n").unwrap(), (Some(1), None, Some(3)));
    assert_eq!(read(Format::Values, "(3,1)").unwrap(), (Some(1), None, Some(3)));
    assert_eq!(read(Format::CsvWithNames, "a,c\n1,3").unwrap(), (Some(1), None, Some(3)));
    assert_eq!(read(Format::TsvWithNamesAndTypes, "a\nInt32\n1").unwrap(), (Some(1), None, None));
    let error = read(Format::CsvWithNames, "a,b\n1,3").unwrap_err().to_string();
    assert!(error.contains("no column `b`; there are: a, c"), "{error}");
    let error = read(Format::JsonEachRow, "{\"b\":1}").unwrap_err().to_string();
    assert!(error.contains("no column `b`"), "{error}");
}

#[test]
fn times_in_all_their_spellings() {
    let milliseconds = DataType::Timestamp(TimeUnit::Millisecond, batches::utc());
    let schema = schema(&[("t", milliseconds), ("s", DataType::Timestamp(TimeUnit::Second, None))]);
    let texts = [
        ("2024-01-02 03:04:05", 1_704_164_645_000),
        ("2024-01-02T03:04:05.6789Z", 1_704_164_645_678),
        ("2024-01-02T05:04:05+02:00", 1_704_164_645_000),
        ("2024-01-02 03:04", 1_704_164_640_000),
        ("2024-01-02", 1_704_153_600_000),
        ("1704164645678", 1_704_164_645_678),
        ("1704164645.678", 1_704_164_645_678),
        ("1969-12-31 23:59:59.5", -500),
    ];
    for (text, expected) in texts {
        let body = format!("{{\"t\":\"{text}\",\"s\":5}}\n");
        let options = DecodeOptions::default();
        let found = decoded(Format::JsonEachRow, &schema, body.as_bytes(), 99, options).unwrap();
        let t = found.column(0).as_primitive::<TimestampMillisecondType>().value(0);
        assert_eq!(t, expected, "{text}");
        assert_eq!(found.column(1).as_primitive::<TimestampSecondType>().value(0), 5);
    }
}

#[test]
fn missing_fields_of_columns_without_null_get_their_zero() {
    let batch = batches::scalars();
    let body = b"{}\n{\"u8\":null}\n";
    let options = DecodeOptions::default();
    let found = decoded(Format::JsonEachRow, &batch.schema(), body, 99, options).unwrap();
    assert_eq!(found.slice(0, 1), found.slice(1, 1));
    let text = String::from_utf8(encoded(Format::Csv, &found.slice(0, 1), 1)).unwrap();
    assert_eq!(
        text,
        "0,0,0,0,0,0,0,0,0,0,false,\"\",\"1970-01-01\",\"1970-01-01 00:00:00\",\
         \"1970-01-01 00:00:00.000\",\"1970-01-01 00:00:00.000000\",\
         \"1970-01-01 00:00:00.000000000\",0,\"00000000-0000-0000-0000-000000000000\",\
         \\N,\\N,\\N\n"
    );
}

#[test]
fn a_body_larger_than_a_batch_comes_in_batches() {
    let schema = schema(&[("n", DataType::UInt64)]);
    let body: String = (0..100_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let options = DecodeOptions { rows_max: 4096, ..DecodeOptions::default() };
    let mut decoder = Decoder::new(Format::JsonEachRow, schema, None, options).unwrap();
    let (mut next, mut largest) = (0, 0);
    let mut check = |decoder: &mut Decoder| {
        while let Some(batch) = decoder.take().unwrap() {
            largest = largest.max(batch.num_rows());
            for value in batch.column(0).as_primitive::<UInt64Type>().values() {
                assert_eq!(*value, next);
                next += 1;
            }
        }
    };
    for chunk in body.as_bytes().chunks(10_007) {
        decoder.push(chunk).unwrap();
        check(&mut decoder);
    }
    decoder.finish().unwrap();
    check(&mut decoder);
    assert_eq!((next, largest), (100_000, 4096));
}

#[test]
fn literals_of_values() {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8View, true)));
    let schema = schema(&[("a", DataType::Int32), ("b", DataType::Utf8View), ("c", list)]);
    let body = "(1,'a\\'b''c)', ['x'] ),\n ( -2 , NULL, ['a,]', null]) (3,'q',[]);\n";
    for chunk in [1, 5, 100] {
        let options = DecodeOptions::default();
        let found = decoded(Format::Values, &schema, body.as_bytes(), chunk, options).unwrap();
        let text = String::from_utf8(encoded(Format::JsonCompactEachRow, &found, 9)).unwrap();
        assert_eq!(text, "[1, \"a'b'c)\", [\"x\"]]\n[-2, null, [\"a,]\",null]]\n[3, \"q\", []]\n");
    }
    assert!(found_nulls(&schema) > 0);
}

/// What a number becomes is compared with statements in `wire/literals.rs`.
#[test]
fn strings_of_values_in_chunks() {
    let schema = schema(&[("a", DataType::Int32), ("b", DataType::Utf8View)]);
    let body = r"(0xFF, '\d\x41'), (1_000, x'42'), (-0b11, b'01000011'),
                 (5, $tag$it's ), ( 7$tag$), (6, '$'), (7, $$$);'$$) (8, 'a\'')";
    for chunk in [1, 7, 1000] {
        let options = DecodeOptions::default();
        let found = decoded(Format::Values, &schema, body.as_bytes(), chunk, options).unwrap();
        let text = String::from_utf8(encoded(Format::Tsv, &found, 9)).unwrap();
        let expected =
            [r"255 \\dA", r"1000 B", r"-3 C", r"5 it\'s ), ( 7", r"6 $", r"7 $);\'", r"8 a\'"];
        let found: Vec<String> = text.lines().map(|line| line.replace('\t', " ")).collect();
        assert_eq!(found, expected, "in chunks of {chunk}");
    }
}

fn found_nulls(schema: &SchemaRef) -> usize {
    let options = DecodeOptions::default();
    let found = decoded(Format::Values, schema, b"(NULL,NULL,NULL)", 9, options).unwrap();
    found.columns().iter().map(|c| c.null_count()).sum()
}

/// A chunk that ended within a number (`-`, `1e`) was refused as malformed.
#[test]
fn objects_may_be_cut_anywhere() {
    let schema = schema(&[("a", DataType::Int64), ("b", DataType::Float64)]);
    let body = b"{\"a\":-12,\"b\":-1.5e-3}\n{\"a\":7,\"b\":2E+2,\"a\":-8}\n";
    for chunk in 1..body.len() {
        let options = DecodeOptions::default();
        let batch = decoded(Format::JsonEachRow, &schema, body, chunk, options).unwrap();
        let ints: Vec<i64> = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(ints, [-12, -8], "in chunks of {chunk}");
        let floats = batch.column(1).as_primitive::<Float64Type>().values().to_vec();
        assert_eq!(floats, [-1.5e-3, 200.0], "in chunks of {chunk}");
    }
}
