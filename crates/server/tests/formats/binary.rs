//! Parquet, Arrow files and Arrow streams: there and back, and into other types.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use dodb_server::formats::{DecodeOptions, Decoder, Format};

use crate::batches::{self, noted, utc};
use crate::compared::encoded;
use crate::reading::decoded;

const BINARY: [Format; 3] = [Format::Parquet, Format::Arrow, Format::ArrowStream];

#[test]
fn batches_come_back_whole() {
    let mut cases =
        vec![batches::scalars(), batches::strings(), batches::table(), batches::empty()];
    cases.push(batches::with_dictionaries(&batches::scalars()));
    for batch in &cases {
        let schema = match batch.schema().field(0).name().as_str() {
            "u8" => batches::scalars().schema(),
            _ => batch.schema(),
        };
        for format in BINARY {
            let body = encoded(format, batch, 2);
            for chunk in [1, 100, usize::MAX] {
                let options = DecodeOptions { rows_max: 7, ..DecodeOptions::default() };
                let found = decoded(format, &schema, &body, chunk, options).unwrap();
                let text = |batch: &RecordBatch| encoded(Format::JsonEachRow, batch, 99);
                assert_eq!(text(&found), text(batch), "{format} in chunks of {chunk}");
            }
        }
    }
}

#[test]
fn lists_come_back_whole() {
    let all = batches::nested();
    for format in BINARY {
        let body = encoded(format, &all, 1);
        let options = DecodeOptions::default();
        let found = decoded(format, &all.schema(), &body, 50, options).unwrap();
        assert_eq!(encoded(Format::Values, &found, 9), encoded(Format::Values, &all, 9));
    }
}

fn target() -> SchemaRef {
    let fields = vec![
        Field::new("n", DataType::Int32, false),
        noted(Field::new("j", DataType::Utf8View, true), "JSON"),
        noted(Field::new("u", DataType::Utf8View, true), "UUID"),
        Field::new("t", DataType::Timestamp(TimeUnit::Millisecond, utc()), true),
        Field::new("missing", DataType::Utf8View, false),
    ];
    Arc::new(Schema::new(fields))
}

#[test]
fn other_types_are_cast_without_loss() {
    let tuples = batches::tuple();
    let array = tuples.column(1).clone();
    let uuid = FixedSizeBinaryArray::try_from_iter([[0x61u8; 16]].iter()).unwrap();
    let source = batches::batch(vec![
        (Field::new("n", DataType::Int64, true), Arc::new(Int64Array::from(vec![None]))),
        (Field::new("j", array.data_type().clone(), true), array),
        (Field::new("u", uuid.data_type().clone(), true), Arc::new(uuid)),
        (
            Field::new("t", DataType::Timestamp(TimeUnit::Nanosecond, None), true),
            Arc::new(TimestampNanosecondArray::from(vec![1_500_000_000])),
        ),
    ]);
    for format in BINARY {
        let body = encoded(format, &source, 1);
        let found = decoded(format, &target(), &body, 64, DecodeOptions::default()).unwrap();
        let text = String::from_utf8(encoded(Format::JsonEachRow, &found, 1)).unwrap();
        assert_eq!(
            text,
            "{\"n\":0,\"j\":[{\"x\":1,\"y\":\"q\"},{\"x\":2,\"y\":\"r\"}],\
             \"u\":\"61616161-6161-6161-6161-616161616161\",\"t\":\"1970-01-01 00:00:01.500\",\
             \"missing\":\"\"}\n"
        );
    }
}

#[test]
fn what_does_not_fit_names_its_column() {
    let one = |name: &str, array: ArrayRef| {
        batches::batch(vec![(Field::new(name, array.data_type().clone(), true), array)])
    };
    let cases = [
        (one("n", Arc::new(Int64Array::from(vec![1 << 40]))), "column `n`"),
        (one("n", Arc::new(Float64Array::from(vec![1.0]))), "Float64 does not fit Int32"),
        (one("j", Arc::new(StringArray::from(vec!["{x"]))), "expected JSON, found `{x`"),
        (one("u", Arc::new(StringArray::from(vec!["nope"]))), "expected UUID, found `nope`"),
        (one("zz", Arc::new(Int32Array::from(vec![1]))), "there is no column `zz`"),
    ];
    for (batch, expected) in cases {
        for format in BINARY {
            let body = encoded(format, &batch, 1);
            let found = decoded(format, &target(), &body, 64, DecodeOptions::default());
            let error = found.unwrap_err().to_string();
            assert!(error.contains(expected), "{format}: {error}");
        }
    }
}

#[test]
fn a_body_that_breaks_off_or_is_something_else_is_refused() {
    let batch = batches::scalars();
    for format in BINARY {
        let body = encoded(format, &batch, 2);
        for end in [0, 1, 8, 100, body.len() / 2] {
            let read = decoded(format, &batch.schema(), &body[..end], 64, DecodeOptions::default());
            assert!(read.is_err(), "{format} cut at {end}");
        }
        let read = decoded(format, &batch.schema(), b"a,b\n1,2\n", 64, DecodeOptions::default());
        let error = read.unwrap_err().to_string();
        assert!(error.contains(format.name()), "{error}");
    }
    let options = DecodeOptions { body_bytes_max: 1000, ..DecodeOptions::default() };
    let mut decoder = Decoder::new(Format::Parquet, batch.schema(), None, options).unwrap();
    let error = decoder.push(&[0; 1001]).unwrap_err().to_string();
    assert!(error.contains("larger than 1000 bytes"), "{error}");
}

#[test]
fn many_rows_make_row_groups_and_come_back_in_order() {
    let batch = batches::numbers(300_000);
    let body = encoded(Format::Parquet, &batch, 10_000);
    let options = DecodeOptions::default();
    let found = decoded(Format::Parquet, &batch.schema(), &body, 1 << 16, options).unwrap();
    assert_eq!(found.column(0).as_primitive::<UInt64Type>().values().len(), 300_000);
    assert_eq!(found, batch);
}
