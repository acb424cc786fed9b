//! Parts written by earlier versions stay readable. The file of a version is written once, when
//! it is not there, and never again; then it is named in [`KEPT`].

use std::path::Path;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use dodb_part::*;

use super::generate::{Nulls, Rng, Values, array, schema, types};
use super::json;
use super::round_trip::{Store, read_column, write};

cases![version_1_compact, version_1_wide, version_2_compact, version_2_wide,];

const ROWS: usize = 400;

/// The files, in the binary: not everywhere are there files to read.
const KEPT: [(&str, &[u8]); 4] = [
    ("part_v1.bin", include_bytes!("../../tests/fixtures/part_v1.bin")),
    ("part_v1_wide.bin", include_bytes!("../../tests/fixtures/part_v1_wide.bin")),
    ("part_v2.bin", include_bytes!("../../tests/fixtures/part_v2.bin")),
    ("part_v2_wide.bin", include_bytes!("../../tests/fixtures/part_v2_wide.bin")),
];

/// The columns of version 1. Changing this, or the generator, makes the test fail: then keep the
/// old generator for the old file.
fn expected(values: Values) -> (Schema, Vec<ArrayRef>) {
    let rng = &mut Rng(2026);
    let arrays = types().iter().map(|ty| array(ty, ROWS, Nulls::Few, values, rng)).collect();
    (schema(&types()), arrays)
}

/// The file: for each row stream, seq and length as 32-bit little-endian numbers, and the bytes.
fn to_file(image: &PartImage) -> Vec<u8> {
    let mut file = Vec::new();
    for row in &image.rows {
        for number in [row.key.stream, row.key.seq, row.bytes.len() as u32] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend_from_slice(&row.bytes);
    }
    file
}

fn from_file(mut file: &[u8]) -> Store {
    let mut store = Store(Default::default());
    while !file.is_empty() {
        let mut number = || {
            let (head, rest) = file.split_first_chunk().unwrap();
            file = rest;
            u32::from_le_bytes(*head)
        };
        let (stream, seq, length) = (number(), number(), number());
        let (bytes, rest) = file.split_at(length as usize);
        store.0.insert(RowKey { stream, seq }, Buffer::from(bytes.to_vec()));
        file = rest;
    }
    store
}

/// The part of that name; if there is none, it is written.
fn kept(name: &str, write: impl FnOnce() -> PartImage) -> Store {
    let Some((_, kept)) = KEPT.iter().find(|(kept, _)| *kept == name) else {
        let path = Path::new("tests/fixtures").join(name);
        assert!(!path.exists(), "{name} is there: name it in KEPT");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, to_file(&write())).unwrap();
        panic!("{name} has been written: name it in KEPT");
    };
    from_file(kept)
}

fn check_columns(name: &str, values: Values, options: WriteOptions) {
    let (schema, arrays) = expected(values);
    let store = kept(name, || {
        let batch = RecordBatch::try_new(schema.arrow(), arrays.clone()).unwrap();
        write(&schema, &[batch], options)
    });
    let reader = store.open().unwrap();
    assert_eq!(reader.row_count(), ROWS as u64);
    for (column, expected) in schema.columns().iter().zip(&arrays) {
        let found = read_column(&store, &reader, column);
        assert_eq!(&found, expected, "{}", column.ty);
        assert_eq!(reader.stats(column.id).unwrap().rows, ROWS as u64);
    }
}

fn version_1_compact() {
    let options = WriteOptions { granule_rows: 150, ..Default::default() };
    check_columns("part_v1.bin", Values::Special, options);
}

fn version_1_wide() {
    let options = WriteOptions {
        layout: Layout::Wide,
        effort: Effort::Small,
        row_bytes_max: 2000,
        bloom_columns: vec![22],
        ..Default::default()
    };
    check_columns("part_v1_wide.bin", Values::Rising, options);
}

/// What version 2 brought: subcolumns of documents, more paths than have one, times, arrays, texts
/// that are none.
fn documents() -> Vec<Option<String>> {
    let document = |n: usize| {
        let odd = ["null", "true", "1e400", "\"x\"", "[1,\"a\",{}]", "-0.0"][n % 6];
        let day = n % 28 + 1;
        match n % 20 {
            7 => None,
            13 => Some(format!("[{n}]")),
            _ => {
                let inner = format!(r#"{{"b":[{n},2],"c{}":{}.5}}"#, n % 11, n % 5);
                let name = format!(r#""id":{n},"name":"n{}","at":"2026-02-{day:02}""#, n % 9);
                Some(format!(r#"{{{name},"odd":{odd},"a":{inner}}}"#))
            }
        }
    };
    (0..ROWS).map(document).collect()
}

fn version_2_compact() {
    let options = json::options(150, 1_000, Layout::Compact);
    let store = kept("part_v2.bin", || json::part(&documents(), options));
    json::check_stored(&store, &documents());
}

fn version_2_wide() {
    let options = json::options(64, 5, Layout::Wide);
    let options = WriteOptions { effort: Effort::Small, row_bytes_max: 2_000, ..options };
    let store = kept("part_v2_wide.bin", || json::part(&documents(), options));
    json::check_stored(&store, &documents());
}
