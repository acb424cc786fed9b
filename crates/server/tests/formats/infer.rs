//! Guessing schemas.

use arrow_array::Array;
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use dodb_server::formats::{DecodeOptions, Format, InferOptions, infer_schema, type_name};

use crate::reading::decoded;

fn types(schema: &SchemaRef) -> Vec<(String, String)> {
    schema.fields().iter().map(|f| (f.name().clone(), type_name(f))).collect()
}

fn infer(format: Format, sample: &str) -> Vec<(String, String)> {
    let options = InferOptions { is_complete: true, ..InferOptions::default() };
    types(&infer_schema(format, sample.as_bytes(), &options).unwrap())
}

fn expect(found: &[(String, String)], wanted: &[(&str, &str)]) {
    let wanted: Vec<(String, String)> = wanted
        .iter()
        .map(|(name, data_type)| (name.to_string(), format!("Nullable({data_type})")))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn types_of_csv() {
    let sample = "i,u,big,f,b,d,t,t6,s,zip,none,mixed,\"quoted, name\"\n\
        1,1,1,1,true,2024-01-02,2024-01-02 03:04:05,2024-01-02T03:04:05.123456Z,x,007,NA,1,\"5\"\n\
        -5,18446744073709551615,99999999999999999999,2.5e3,FALSE,2024-02-29,2024-01-02,\
        2024-01-02 03:04:05,1,123,,x,\\N\n\
        NA,NA,,-1,,,,,,,\"\",,\n";
    expect(
        &infer(Format::CsvWithNames, sample),
        &[
            ("i", "Int64"),
            ("u", "UInt64"),
            ("big", "String"),
            ("f", "Float64"),
            ("b", "Bool"),
            ("d", "Date"),
            ("t", "DateTime64(3)"),
            ("t6", "DateTime64(6)"),
            ("s", "String"),
            ("zip", "String"),
            ("none", "String"),
            ("mixed", "String"),
            ("quoted, name", "Int64"),
        ],
    );
    expect(&infer(Format::Csv, "1,x\n2,y\n"), &[("c1", "Int64"), ("c2", "String")]);
    expect(
        &infer(Format::TsvWithNames, "a\tb\n1\tx\n\\N\ty\n"),
        &[("a", "Int64"), ("b", "String")],
    );
}

#[test]
fn types_of_json() {
    let lines = "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":1}}\n\
        {\"a\":2.5,\"e\":[1],\"t\":\"2024-01-02T03:04:05Z\",\"n\":null,\"g\":true,\"h\":1}\n\
        {\"h\":{\"x\":1},\"a\":-1}";
    let wanted = [
        ("a", "Float64"),
        ("b", "String"),
        ("c", "JSON"),
        ("e", "JSON"),
        ("t", "DateTime64(3)"),
        ("n", "String"),
        ("g", "Bool"),
        ("h", "JSON"),
    ];
    expect(&infer(Format::JsonEachRow, lines), &wanted);
    let array = format!("[{}]", lines.replace('\n', ","));
    expect(&infer(Format::JsonEachRow, &array), &wanted);
}

#[test]
fn what_was_inferred_reads_the_file() {
    let csv = "i,s,t\n1,x,2024-01-02 03:04:05\nNA,\"y\nz\",\n";
    let options = InferOptions { is_complete: true, ..InferOptions::default() };
    let schema = infer_schema(Format::CsvWithNames, csv.as_bytes(), &options).unwrap();
    assert_eq!(
        schema.field(2).data_type(),
        &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
    );
    let read = DecodeOptions { null_texts: options.null_texts, ..DecodeOptions::default() };
    let batch = decoded(Format::CsvWithNames, &schema, csv.as_bytes(), 3, read).unwrap();
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.column(0).logical_null_count(), 1);
}

#[test]
fn a_sample_that_breaks_off_leaves_its_last_record_out() {
    let options = InferOptions::default();
    let csv = infer_schema(Format::CsvWithNames, b"a,b\n1,2\n3,x", &options).unwrap();
    expect(&types(&csv), &[("a", "Int64"), ("b", "Int64")]);
    let json = infer_schema(Format::JsonEachRow, b"{\"a\":1}\n{\"a\":\"x", &options).unwrap();
    expect(&types(&json), &[("a", "Int64")]);
}

#[test]
fn samples_without_a_schema_are_refused() {
    let options = InferOptions { is_complete: true, ..InferOptions::default() };
    let error = |format, sample: &str| {
        infer_schema(format, sample.as_bytes(), &options).unwrap_err().to_string()
    };
    assert!(error(Format::Csv, "").contains("no record"));
    assert!(error(Format::CsvWithNames, "a,a\n1,2\n").contains("two columns are named `a`"));
    assert!(error(Format::CsvWithNames, "a,b\n1\n").contains("record 2: expected 2 fields"));
    assert!(error(Format::JsonEachRow, "{}").contains("no object with a field"));
    assert!(error(Format::JsonEachRow, "{\"a\":1}{x").contains("record 2"));
    assert!(error(Format::Parquet, "PAR1").contains("own schema"));
}
