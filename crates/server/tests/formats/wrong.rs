//! Bad input: an error that names the place, and never a panic.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use dodb_server::formats::{DecodeOptions, Decoder, Format, FormatError};

use crate::batches::{self, noted};
use crate::compared::{encoded, recorded};
use crate::reading::{decoded, schema};

fn target() -> SchemaRef {
    let mut fields: Vec<Field> = schema(&[
        ("n", DataType::UInt8),
        ("i", DataType::Int64),
        ("s", DataType::Utf8View),
        ("d", DataType::Date32),
        ("t", DataType::Timestamp(TimeUnit::Millisecond, batches::utc())),
        ("l", DataType::List(Arc::new(Field::new("item", DataType::Int32, true)))),
        ("m", DataType::Decimal128(5, 2)),
        ("b", DataType::Boolean),
        ("f", DataType::Float64),
    ])
    .fields()
    .iter()
    .map(|f| f.as_ref().clone())
    .collect();
    fields.push(noted(Field::new("j", DataType::Utf8View, true), "JSON"));
    fields.push(noted(Field::new("u", DataType::Utf8View, true), "UUID"));
    let item = Field::new("item", DataType::Float32, false);
    fields.push(Field::new("v", DataType::FixedSizeList(Arc::new(item), 2), true));
    Arc::new(Schema::new(fields))
}

fn error(format: Format, body: &[u8]) -> String {
    let mut texts: Vec<String> = [1, 3, 4096]
        .into_iter()
        .map(|chunk| {
            let read = decoded(format, &target(), body, chunk, DecodeOptions::default());
            let text = read.unwrap_err().to_string();
            // How much of the line has come when the error is seen depends on the chunks.
            text.split("; near `").next().unwrap_or_default().to_string()
        })
        .collect();
    texts.dedup();
    assert_eq!(texts.len(), 1, "the error depends on the chunks: {texts:?}");
    texts.remove(0)
}

#[test]
fn wrong_values_name_line_byte_field_and_type() {
    let cases = [
        ("{\"n\":256}", "byte 6, field `n`: expected Nullable(UInt8) (0 to 255), found `256`"),
        ("{\"n\":-1}", "expected Nullable(UInt8) (0 to 255), found `-1`"),
        ("{\"i\":1.5}", "expected Nullable(Int64)"),
        ("{\"i\":9223372036854775808}", "found `9223372036854775808`"),
        ("{\"i\":true}", "found `true`"),
        ("{\"i\":\"x\"}", "found `x`"),
        ("{\"s\":{\"a\":1}}", "expected Nullable(String), found `{\"a\":1}`"),
        ("{\"s\":[1]}", "expected Nullable(String)"),
        ("{\"d\":\"2023-02-29\"}", "expected Nullable(Date) (YYYY-MM-DD)"),
        ("{\"d\":5}", "expected Nullable(Date)"),
        ("{\"t\":\"2024-01-02 24:00:00\"}", "expected Nullable(DateTime64(3))"),
        ("{\"t\":\"soon\"}", "field `t`"),
        ("{\"l\":[1,\"x\"]}", "field `l`: element 2: expected Nullable(Int32)"),
        ("{\"l\":5}", "expected Array(Nullable(Int32)) ([...])"),
        ("{\"m\":1000}", "expected Nullable(Decimal(5, 2))"),
        ("{\"b\":\"maybe\"}", "expected Nullable(Bool) (true or false)"),
        ("{\"f\":1e999}", "expected Nullable(Float64)"),
        ("{\"u\":\"61f0c404\"}", "expected Nullable(UUID)"),
        ("{\"v\":[1]}", "expected 2 elements, found 1"),
        ("{\"v\":[1,2,3]}", "expected 2 elements, found more"),
        ("{\"zz\":1}", "field `zz`: there is no column `zz`; there are: b, d, f"),
        ("{\"n\" 1}", "malformed JSON: expected `:`"),
        ("{\"n\":1", "the record breaks off"),
        ("{\"n\":01}", "malformed JSON: invalid number"),
        ("{\"s\":\"a\tb\"}", "malformed JSON: control character"),
        ("{\"s\":\"\\ud800\"}", "expected Nullable(String)"),
        ("5", "expected a JSON object"),
    ];
    for (record, expected) in cases {
        let body = format!("{{\"n\":1}}\n\n{record}\n");
        let found = error(Format::JsonEachRow, body.as_bytes());
        assert!(found.starts_with("line 3, byte ") || record.ends_with('1'), "{record}: {found}");
        assert!(found.contains(expected), "{record}: {found}");
    }
}

#[test]
fn wrong_lines_of_csv_and_tsv() {
    let row = |n: &str, s: &str| format!("{n},1,{s},,,[],1,true,1,{{}},,\"[1,2]\"\n");
    let good = row("1", "x");
    let cases = [
        (row("300", "x"), "line 2, byte 1, field `n`: expected Nullable(UInt8) (0 to 255)"),
        (row("1", "\"x\"y"), "line 2, byte 8: expected a delimiter or a line end"),
        ("1,2\n".to_string(), "line 2, byte 1: expected 12 fields, found 2"),
        ("1,1,\"open\n".to_string(), "line 2, byte 5: the quote is never closed"),
    ];
    for (bad, expected) in cases {
        let found = error(Format::Csv, format!("{good}{bad}").as_bytes());
        assert!(found.starts_with(expected), "{found}");
    }
    let found = error(Format::Tsv, b"1\t2\n");
    assert!(found.starts_with("line 1, byte 1: expected 12 fields, found 2"), "{found}");
    let found = error(Format::Values, b"(1,2)");
    assert!(found.starts_with("line 1, byte 5, field `i`: expected 12 values"), "{found}");
    let literals: [(&[u8], &str); 6] = [
        (b"(1,1__0)", "line 1, byte 5, field `i`: in 1__0 each _"),
        (b"(1,0xG)", "line 1, byte 4, field `i`: 0xG is no number"),
        (b"(1,1,'\\xZ')", "line 1, byte 7, field `s`: \\x wants two"),
        (b"(1,1,x'FF')", "line 1, byte 6, field `s`: the bytes of x'FF' are no UTF-8"),
        (b"(1,1,\"text\")", "line 1, byte 6, field `s`: text must stand in single quotes"),
        (b"(1,1,$a$", "line 1, byte 1: the row breaks off"),
    ];
    for (row, expected) in literals {
        let found = error(Format::Values, row);
        assert!(found.starts_with(expected), "{found}");
    }
    let found = error(Format::Tsv, b"\\x4\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\n");
    assert!(found.contains("two hexadecimal digits"), "{found}");
    let found = error(Format::JsonCompactEachRow, b"[1]\n");
    assert!(found.starts_with("line 1, byte 1: expected 12 values, found 1"), "{found}");
}

#[test]
fn nul_bytes_and_bad_utf8_name_their_line() {
    for format in [Format::JsonEachRow, Format::Csv, Format::Tsv, Format::Values] {
        let found = error(format, b"\n\n  \0\n");
        assert!(found.starts_with("line 3, byte 3: found a NUL byte"), "{format}: {found}");
        let found = error(format, b"\n\xff\n");
        assert!(found.starts_with("line 2, byte 1: found bytes that are not UTF-8"), "{found}");
        let found = error(format, b"\n\xe2\x82");
        assert!(found.starts_with("line 2, byte 1: found bytes that are not UTF-8"), "{found}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |depth| format!("{{\"j\":{}{}}}\n", "[".repeat(depth), "]".repeat(depth));
    let options = DecodeOptions::default();
    let found = decoded(Format::JsonEachRow, &target(), deep(128).as_bytes(), 9, options);
    assert_eq!(found.unwrap().num_rows(), 1);
    let found = error(Format::JsonEachRow, deep(129).as_bytes());
    assert!(found.contains("field `j`: nested deeper than 128 levels"), "{found}");
    let found = error(Format::JsonEachRow, deep(10_000).as_bytes());
    assert!(found.contains("nested deeper than 128 levels"), "{found}");
    for field in ["l", "s", "zz"] {
        let body = deep(10_000).replace("\"j\"", &format!("\"{field}\""));
        assert!(error(Format::JsonEachRow, body.as_bytes()).contains(&format!("field `{field}`")));
    }
    for format in [Format::JsonEachRow, Format::JsonCompactEachRow, Format::Values] {
        for open in ["[", "{", "(", "[{\"a\":"] {
            error(format, open.repeat(10_000).as_bytes());
        }
    }
}

#[test]
fn a_record_too_long_is_refused() {
    let long = "x".repeat(3_000_000);
    let options = DecodeOptions { errors_max: 1, ..DecodeOptions::default() };
    let body = format!("{{\"s\":\"a\"}}\n{{\"s\":\"{long}\"}}\n{{\"s\":\"b\"}}\n");
    let mut decoder = Decoder::new(Format::JsonEachRow, target(), None, options).unwrap();
    for chunk in body.as_bytes().chunks(60_000) {
        decoder.push(chunk).unwrap();
    }
    decoder.finish().unwrap();
    assert_eq!(decoder.row_count(), 2);
    let (count, errors) = decoder.errors();
    assert_eq!(count, 1);
    assert!(matches!(errors[0], FormatError::RecordTooLong { line: 2, bytes_max: 2_000_000 }));
    for format in [Format::JsonEachRow, Format::Csv, Format::Tsv, Format::Values] {
        let options = DecodeOptions::default();
        let body = ["{\"s\":\"", "('", "\"", "x"].map(|start| format!("{start}{long}"));
        for body in body {
            assert!(decoded(format, &target(), body.as_bytes(), 10_000, options.clone()).is_err());
        }
    }
}

#[test]
fn bad_records_are_skipped_and_counted() {
    let lines = [
        "{\"n\":1}",
        "{\"n\":\"no\"}",
        "{\"n\":2",
        "{\"n\":3,\"zz\":1}",
        "{\"l\":[1,2,\"x\"],\"n\":4}",
        "{\"v\":[1,\"x\"],\"n\":4}",
        "{\"n\":5,\"l\":[7],\"v\":[1,2]}",
        "{\"n\":\u{0}}",
        "{\"n\":6}",
    ];
    let body = lines.join("\n");
    for chunk in [1, 5, 1000] {
        let options = DecodeOptions { errors_max: 10, ..DecodeOptions::default() };
        let mut decoder = Decoder::new(Format::JsonEachRow, target(), None, options).unwrap();
        for piece in body.as_bytes().chunks(chunk) {
            decoder.push(piece).unwrap();
        }
        decoder.finish().unwrap();
        let batch = decoder.take().unwrap().unwrap();
        let text = String::from_utf8(encoded(Format::JsonCompactEachRow, &batch, 99)).unwrap();
        let rest = "null, null, null, null";
        let expected = format!(
            "[1, {rest}, null, null, null, null, null, null, null]\n\
             [5, {rest}, [7], null, null, null, null, null, [1,2]]\n\
             [6, {rest}, null, null, null, null, null, null, null]\n"
        );
        let dropped = text.replace("[]", "null");
        assert_eq!(dropped, expected, "{chunk}");
        let (count, errors) = decoder.errors();
        assert_eq!(count, 6, "{errors:?}");
        let place = |error: &FormatError| error.to_string().split(',').next().unwrap().to_string();
        let places: Vec<String> = errors.iter().map(place).collect();
        assert_eq!(places, ["line 2", "line 4", "line 4", "line 5", "line 6", "line 8"]);
    }
}

#[test]
fn after_an_error_nothing_more_is_read() {
    let options = DecodeOptions::default();
    let mut decoder = Decoder::new(Format::JsonEachRow, target(), None, options).unwrap();
    assert!(decoder.push(b"{\"n\":x}\n").is_err());
    assert!(matches!(decoder.push(b"{\"n\":1}\n"), Err(FormatError::Stopped)));
    assert!(matches!(decoder.finish(), Err(FormatError::Stopped)));
}

#[test]
fn unknown_fields_are_skipped_when_asked() {
    let options = DecodeOptions { skip_unknown_fields: true, ..DecodeOptions::default() };
    let bodies = [
        (Format::JsonEachRow, "{\"zz\":{\"a\":[1,2]},\"n\":1}"),
        (Format::CsvWithNames, "zz,n\nq,1\n"),
        (Format::TsvWithNames, "zz\tn\nq\t1\n"),
        (Format::JsonCompactEachRowWithNames, "[\"zz\",\"n\"]\n[[1],1]\n"),
    ];
    for (format, body) in bodies {
        let found = decoded(format, &target(), body.as_bytes(), 4, options.clone()).unwrap();
        assert!(encoded(Format::Csv, &found, 1).starts_with(b"1,"), "{format}");
        assert!(error(format, body.as_bytes()).contains("no column `zz`"), "{format}");
    }
}

#[test]
fn kinds_are_not_converted_where_they_must_be_right() {
    let strict = DecodeOptions { strict_kinds: true, ..DecodeOptions::default() };
    let read = |field: &str, value: &str| {
        let body = format!("{{\"{field}\":{value}}}");
        decoded(Format::JsonEachRow, &target(), body.as_bytes(), 4096, strict.clone())
    };
    let wrong = [
        ("s", "7"),
        ("s", "true"),
        ("s", "[]"),
        ("n", "\"1\""),
        ("n", "true"),
        ("i", "\"5\""),
        ("f", "\"1.5\""),
        ("f", "\"nan\""),
        ("m", "\"1.5\""),
        ("b", "1"),
        ("b", "\"true\""),
        ("d", "5"),
        ("t", "\"5\""),
        ("t", "1.5"),
        ("t", "true"),
        ("t", "\"\""),
        ("l", "\"[1]\""),
        ("l", "[\"1\"]"),
        ("l", "[null]"),
        ("l", "1"),
        ("j", "\"x\""),
        ("j", "[1]"),
        ("j", "7"),
        ("j", "false"),
        ("u", "7"),
        ("v", "[1,\"2\"]"),
    ];
    for (field, value) in wrong {
        let said = read(field, value).unwrap_err().to_string();
        let named = format!("field `{field}`: ");
        assert!(said.contains(&named) && said.contains("expected "), "{value}: {said}");
    }
    let right = [
        ("s", "\"7\""),
        ("s", "null"),
        ("n", "1"),
        ("f", "-1e3"),
        ("m", "1.5"),
        ("b", "true"),
        ("d", "\"2024-01-02\""),
        ("t", "\"2024-01-02T03:04:05Z\""),
        ("t", "-5"),
        ("t", "null"),
        ("l", "[1,-2]"),
        ("l", "[]"),
        ("j", "{}"),
        ("j", "{\"a\":7}"),
        ("j", "null"),
        ("v", "[1,2.5]"),
    ];
    for (field, value) in right {
        assert!(read(field, value).is_ok(), "{field}: {value}: {:?}", read(field, value).err());
    }
}

#[test]
fn unknown_formats_and_columns_list_what_there_is() {
    let error = Format::parse("JSONEachRoww").unwrap_err().to_string();
    assert!(error.contains("`JSONEachRoww`; there are: JSON, JSONCompact"), "{error}");
    assert_eq!(Format::parse(" ndjson ").unwrap(), Format::JsonEachRow);
    let columns = vec!["zz".to_string()];
    let options = DecodeOptions::default();
    let made = Decoder::new(Format::Csv, target(), Some(&columns), options.clone());
    let error = made.err().unwrap().to_string();
    assert!(error.contains("there is no column `zz`; there are: n, i"), "{error}");
    let made = Decoder::new(Format::Pretty, target(), None, options);
    assert!(made.err().unwrap().to_string().contains("for output only"));
}

/// A small generator of numbers: the tests need no seed from outside.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }
}

#[test]
fn no_bytes_make_the_readers_panic() {
    let batch = batches::scalars();
    let nested = batches::nested();
    let sections = [recorded("scalars"), recorded("nested"), recorded("strings")];
    let mut numbers = Numbers(42);
    let mut outcomes = [0; 2];
    for format in Format::ALL.iter().filter(|f| f.is_readable()) {
        let mut bodies: Vec<Vec<u8>> =
            sections.iter().filter_map(|s| s.get(format.name()).cloned()).collect();
        if *format == Format::JsonAsObject {
            continue;
        }
        if bodies.is_empty() {
            bodies = vec![encoded(*format, &batch, 2), encoded(*format, &nested, 1)];
        }
        for round in 0..600 {
            let mut body = bodies[round % bodies.len()].clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(body.len());
                match numbers.below(4) {
                    0 => body.truncate(at.max(1)),
                    1 => body[at] = b"\"'\\\n\t,[]{}()0-:;N\0\xff\x80"[numbers.below(20)],
                    2 => body[at] = numbers.below(256) as u8,
                    _ => drop(body.remove(at)),
                }
                if body.is_empty() {
                    body.push(b'x');
                }
            }
            let options = DecodeOptions {
                errors_max: (round % 3) as u64,
                strict_kinds: round % 5 == 0,
                rows_max: 2,
                ..DecodeOptions::default()
            };
            let schema = if round % 2 == 0 { batch.schema() } else { target() };
            let chunk = 1 + numbers.below(200);
            let found = decoded(*format, &schema, &body, chunk, options);
            outcomes[usize::from(found.is_err())] += 1;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}
