//! Byte for byte against what ClickHouse wrote (`fixtures/formats`).

use std::collections::BTreeMap;
use std::time::Duration;

use arrow_array::RecordBatch;
use dodb_server::formats::{EncodeOptions, Encoder, Format, Totals};

use crate::batches;

/// The sections of a recorded case by format.
pub fn recorded(case: &str) -> BTreeMap<String, Vec<u8>> {
    let path = format!("tests/fixtures/formats/{case}.txt");
    let bytes = std::fs::read(path).unwrap();
    let marker = b"===== ";
    let mut starts: Vec<usize> = memchr::memmem::find_iter(&bytes, marker)
        .filter(|at| *at == 0 || bytes[at - 1] == b'\n')
        .collect();
    starts.push(bytes.len());
    let sections = starts.windows(2).map(|pair| {
        let section = &bytes[pair[0] + marker.len()..pair[1] - 1];
        let line = section.iter().position(|b| *b == b'\n').unwrap();
        let name = String::from_utf8(section[..line].to_vec()).unwrap();
        (name, section[line + 1..].to_vec())
    });
    sections.collect()
}

/// A batch in a format, given to the encoder in pieces of `rows` rows.
pub fn encoded(format: Format, batch: &RecordBatch, rows: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(format, batch.schema(), EncodeOptions::default()).unwrap();
    encoder.prefix(&mut out).unwrap();
    let mut start = 0;
    while start < batch.num_rows() {
        let length = rows.min(batch.num_rows() - start);
        encoder.batch(&batch.slice(start, length), &mut out).unwrap();
        start += length;
    }
    let totals = Totals {
        rows: batch.num_rows() as u64,
        elapsed: Duration::from_millis(250),
        rows_read: 7,
        bytes_read: 99,
    };
    encoder.suffix(&totals, &mut out).unwrap();
    out
}

fn compare(case: &str, batch: &RecordBatch) {
    let mut wrong = Vec::new();
    for (name, expected) in recorded(case) {
        let format = Format::parse(&name).unwrap();
        for rows in [usize::MAX, 1, 7] {
            let found = encoded(format, batch, rows);
            if found != expected {
                let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
                let at = differs.unwrap_or(found.len().min(expected.len())).saturating_sub(60);
                let show = |bytes: &[u8]| {
                    String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 160)]).into_owned()
                };
                wrong.push(format!(
                    "{case} {name} in {rows} at {at}\n  want {:?}\n  have {:?}",
                    show(&expected),
                    show(&found)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scalars_as_clickhouse_writes_them() {
    compare("scalars", &batches::scalars());
    compare("scalars", &batches::with_dictionaries(&batches::scalars()));
}

#[test]
fn nested_values_as_clickhouse_writes_them() {
    compare("nested", &batches::nested());
    compare("tuple", &batches::tuple());
}

#[test]
fn floats_as_clickhouse_writes_them() {
    compare("floats", &batches::floats());
}

#[test]
fn strings_as_clickhouse_writes_them() {
    compare("strings", &batches::strings());
    compare("strings", &batches::with_dictionaries(&batches::strings()));
}

#[test]
fn json_documents_as_clickhouse_writes_them() {
    compare("json", &batches::json());
}

#[test]
fn an_empty_answer_as_clickhouse_writes_it() {
    compare("empty", &batches::empty());
}

#[test]
fn tables_as_clickhouse_draws_them() {
    compare("table", &batches::table());
    compare("long", &batches::numbers(1200));
    compare("thousand", &batches::numbers(1000));
    compare("lines", &batches::lines());
    compare("wide", &batches::wide());
    compare("broad", &batches::broad());
    compare("remarks", &batches::remarks());
}

#[test]
fn null_writes_nothing() {
    assert_eq!(encoded(Format::Null, &batches::scalars(), 2), b"");
}

#[test]
fn a_document_that_is_no_json_is_written_as_a_string() {
    use arrow_schema::{DataType, Field};
    let field = batches::noted(Field::new("j", DataType::Utf8View, true), "JSON");
    let texts = vec![Some("{\"a\":\r\n 1}"), Some("{broken"), None, Some("12"), Some("")];
    let array = arrow_array::StringViewArray::from(texts);
    let batch = batches::batch(vec![(field, std::sync::Arc::new(array))]);
    let expected =
        "{\"j\":{\"a\": 1}}\n{\"j\":\"{broken\"}\n{\"j\":null}\n{\"j\":12}\n{\"j\":\"\"}\n";
    let found = encoded(Format::JsonEachRow, &batch, 9);
    assert_eq!(String::from_utf8(found).unwrap(), expected);
}

#[test]
fn quoting_options_of_json() {
    let options = EncodeOptions {
        quote_64bit_integers: true,
        quote_denormals: true,
        ..EncodeOptions::default()
    };
    let batch = batches::floats().slice(18, 3);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(Format::JsonEachRow, batch.schema(), options.clone()).unwrap();
    encoder.batch(&batch, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text,
        "{\"x\":0.00012345,\"y\":0.00012345}\n{\"x\":\"nan\",\"y\":\"nan\"}\n\
         {\"x\":\"inf\",\"y\":\"inf\"}\n"
    );
    let batch = batches::numbers(2);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(Format::JsonCompactEachRow, batch.schema(), options).unwrap();
    encoder.batch(&batch, &mut out).unwrap();
    assert_eq!(out, b"[\"0\"]\n[\"1\"]\n");
}
