//! What parts keep for pruning: bounds of long strings, value counts, Bloom filters; and what a
//! writer refuses or converts.

use std::sync::Arc;

use arrow_array::types::*;
use arrow_array::*;
use dodb_part::*;
// Arrow has a `Scalar` too.
use dodb_part::Scalar;

use super::generate::schema;
use super::round_trip::{Store, read_column, write};

cases![
    long_strings_are_cut_in_the_header_but_bound_the_column,
    a_column_of_few_values_keeps_counts_and_no_filter,
    a_filter_knows_every_value_and_few_others,
    strings_of_every_layout_are_accepted,
    lists_of_plain_strings_and_timestamps_without_zone_are_accepted,
    uuids_in_any_spelling_come_back_canonical,
    wrong_types_and_forbidden_nulls_name_column_types_and_row,
    unknown_columns_are_refused_and_missing_ones_are_null,
    a_column_added_later_is_null_and_one_of_another_type_is_an_error,
    options_out_of_range_are_refused,
    headers_stay_compact,
];

fn one(ty: ColumnType, nullable: bool) -> Schema {
    Schema::new(vec![Column { id: 1, name: "c".into(), ty, nullable }]).unwrap()
}

fn batch_of(array: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap()
}

fn push_error(schema: &Schema, array: ArrayRef) -> String {
    let mut writer = PartWriter::new(schema, WriteOptions::default()).unwrap();
    let error = writer.push(&batch_of(array)).unwrap_err();
    assert_eq!(writer.row_count(), 0);
    error.to_string()
}

fn long_strings_are_cut_in_the_header_but_bound_the_column() {
    let long = ["m".repeat(5000), "é".repeat(5000), "a".repeat(70)];
    let array = Arc::new(StringViewArray::from_iter_values(long.iter().map(String::as_str)));
    let image = write(&one(ColumnType::String, false), &[batch_of(array)], WriteOptions::default());
    let reader = Store::new(&image).open().unwrap();
    let stats = reader.stats(1).unwrap();
    assert!(!stats.exact && stats.values.is_none());
    let (Some(Scalar::String(min)), Some(Scalar::String(max))) = (&stats.min, &stats.max) else {
        panic!("{stats:?}");
    };
    assert!(min.len() <= 64 && max.len() <= 64);
    assert!(*min <= long[2] && *max >= long[1]);
}

fn a_column_of_few_values_keeps_counts_and_no_filter() {
    let array: StringViewArray = (0..1000).map(|row| Some(["x", "y"][row % 2])).collect();
    let options = WriteOptions { bloom_columns: vec![1], ..Default::default() };
    let image = write(&one(ColumnType::String, false), &[batch_of(Arc::new(array))], options);
    let store = Store::new(&image);
    let reader = store.open().unwrap();
    let values = reader.stats(1).unwrap().values.clone().unwrap();
    let of = |text: &str| (Scalar::String(text.into()), 500u64);
    assert_eq!(values, [of("x"), of("y")]);
    assert!(reader.bloom(1, &mut |key| store.fetch(key)).unwrap().is_none());
}

fn a_filter_knows_every_value_and_few_others() {
    let keys: Int64Array = (0..20_000).map(|row| (row % 7 > 0).then_some(row * 10)).collect();
    for layout in [Layout::Compact, Layout::Wide] {
        for row_bytes_max in [64, 1_900_000] {
            let bloom_columns = vec![1];
            let options =
                WriteOptions { bloom_columns, layout, row_bytes_max, ..Default::default() };
            let batch = batch_of(Arc::new(keys.clone()));
            let image = write(&one(ColumnType::Int64, true), &[batch], options);
            let store = Store::new(&image);
            let reader = store.open().unwrap();
            let mut fetched = Vec::new();
            let filter = reader.bloom(1, &mut |key| {
                fetched.push(key);
                store.fetch(key)
            });
            let filter = filter.unwrap().unwrap();
            assert_eq!(fetched, reader.bloom_row_keys(1));
            let knows = |value: i64| filter.might_contain(hash_scalar(&Scalar::Int(value)));
            assert!(keys.iter().flatten().all(knows));
            let wrong = (0..20_000).filter(|row| knows(row * 10 + 1)).count();
            assert!(wrong < 400, "{wrong} false positives");
        }
    }
}

fn strings_of_every_layout_are_accepted() {
    let texts = [Some("a"), None, Some("a longer string than fits"), Some("a")];
    let utf8 = StringArray::from_iter(texts);
    let large = LargeStringArray::from_iter(texts);
    let dictionary: DictionaryArray<Int16Type> = texts.into_iter().collect();
    let expected: ArrayRef = Arc::new(StringViewArray::from_iter(texts));
    for ty in [ColumnType::String, ColumnType::Json] {
        let schema = one(ty, true);
        for array in [
            Arc::new(utf8.clone()) as ArrayRef,
            Arc::new(large.clone()),
            Arc::new(dictionary.clone()),
        ] {
            let image = write(&schema, &[batch_of(array)], WriteOptions::default());
            let store = Store::new(&image);
            let actual = read_column(&store, &store.open().unwrap(), &schema.columns()[0]);
            assert_eq!(&actual, &expected);
        }
    }
}

fn lists_of_plain_strings_and_timestamps_without_zone_are_accepted() {
    let mut builder = builder::ListBuilder::new(builder::StringBuilder::new());
    builder.append_value([Some("x"), None]);
    builder.append_null();
    builder.append_value(Vec::<Option<&str>>::new());
    let schema = one(ColumnType::Array(Box::new(ColumnType::String)), true);
    let image = write(&schema, &[batch_of(Arc::new(builder.finish()))], WriteOptions::default());
    let store = Store::new(&image);
    let actual = read_column(&store, &store.open().unwrap(), &schema.columns()[0]);
    let lengths: Vec<Option<usize>> = cast::AsArray::as_list::<i32>(actual.as_ref())
        .iter()
        .map(|list| list.map(|list| list.len()))
        .collect();
    assert_eq!(lengths, [Some(2), None, Some(0)]);

    let schema = one(ColumnType::Timestamp(TimeUnit::Millisecond), true);
    let bare = TimestampMillisecondArray::from(vec![Some(0), Some(5), None]);
    let expected: ArrayRef = Arc::new(bare.slice(1, 2).with_timezone("UTC"));
    let elsewhere = bare.clone().with_timezone("Europe/Berlin");
    for array in [bare, elsewhere] {
        let batch = batch_of(Arc::new(array.slice(1, 2)));
        let store = Store::new(&write(&schema, &[batch], WriteOptions::default()));
        let actual = read_column(&store, &store.open().unwrap(), &schema.columns()[0]);
        assert_eq!(&actual, &expected);
    }

    let schema = one(ColumnType::Array(schema.columns()[0].ty.clone().into()), true);
    let mut builder = builder::ListBuilder::new(builder::TimestampMillisecondBuilder::new());
    builder.append_value([Some(7), None]);
    let batch = batch_of(Arc::new(builder.finish()));
    let store = Store::new(&write(&schema, &[batch], WriteOptions::default()));
    let actual = read_column(&store, &store.open().unwrap(), &schema.columns()[0]);
    assert_eq!(actual.data_type(), &schema.columns()[0].ty.arrow());
    assert_eq!(cast::AsArray::as_list::<i32>(actual.as_ref()).value(0).null_count(), 1);
}

fn uuids_in_any_spelling_come_back_canonical() {
    let schema = one(ColumnType::Uuid, true);
    let canonical = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";
    let upper = canonical.to_uppercase();
    let bare = canonical.replace('-', "");
    let array =
        StringArray::from(vec![Some(upper.as_str()), None, Some(bare.as_str()), Some(canonical)]);
    let image = write(&schema, &[batch_of(Arc::new(array))], WriteOptions::default());
    let store = Store::new(&image);
    let actual = read_column(&store, &store.open().unwrap(), &schema.columns()[0]);
    let expected = [Some(canonical), None, Some(canonical), Some(canonical)];
    assert_eq!(&actual, &(Arc::new(StringViewArray::from_iter(expected)) as ArrayRef));
    for bad in ["", "0b1c2d3e", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9fg", &"é".repeat(18)] {
        let message = push_error(&schema, Arc::new(StringArray::from(vec![canonical, bad])));
        assert!(message.contains("\"c\"") && message.contains("row 1"), "{message}");
    }
}

fn wrong_types_and_forbidden_nulls_name_column_types_and_row() {
    let message = push_error(&one(ColumnType::Int64, true), Arc::new(Int32Array::from(vec![1, 2])));
    for part in ["\"c\"", "Int64", "Int32"] {
        assert!(message.contains(part), "{message}");
    }
    let array = Arc::new(Int64Array::from(vec![Some(1), Some(2), None]));
    let message = push_error(&one(ColumnType::Int64, false), array);
    assert!(message.contains("\"c\"") && message.contains("row 2"), "{message}");
    let array = Arc::new(NullArray::new(3));
    let message = push_error(&one(ColumnType::Int64, false), array);
    assert!(message.contains("row 0"), "{message}");
}

fn unknown_columns_are_refused_and_missing_ones_are_null() {
    let schema = schema(&[ColumnType::Int64, ColumnType::String]);
    let mut writer = PartWriter::new(&schema, WriteOptions::default()).unwrap();
    let error = writer.push(&batch_of(Arc::new(Int64Array::from(vec![1])))).unwrap_err();
    assert!(error.to_string().contains("no such column"), "{error}");
    let c0 = Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("c0", c0)]).unwrap();
    let image = write(&schema, &[batch], WriteOptions::default());
    let store = Store::new(&image);
    let reader = store.open().unwrap();
    let nulls = read_column(&store, &reader, &schema.columns()[1]);
    assert_eq!(nulls.null_count(), 2);
    assert_eq!(reader.encoded_bytes(schema.columns()[1].id), 0);
}

fn a_column_added_later_is_null_and_one_of_another_type_is_an_error() {
    let schema = one(ColumnType::Int64, true);
    let batch = batch_of(Arc::new(Int64Array::from(vec![1, 2])));
    let image = write(&schema, &[batch], WriteOptions::default());
    let store = Store::new(&image);
    let reader = store.open().unwrap();
    let column = |id, ty| Column { id, name: "d".into(), ty, nullable: true };
    let added = reader.read(&column(9, ColumnType::Uuid), 0, &mut |key| store.fetch(key));
    assert_eq!(added.unwrap().null_count(), 2);
    let changed = reader.read(&column(1, ColumnType::String), 0, &mut |key| store.fetch(key));
    let message = changed.unwrap_err().to_string();
    assert!(message.contains("Int64") && message.contains("String"), "{message}");
    let beyond = reader.read(&column(1, ColumnType::Int64), 1, &mut |key| store.fetch(key));
    assert!(beyond.is_err());
}

fn options_out_of_range_are_refused() {
    let schema = one(ColumnType::Int64, true);
    for options in [
        WriteOptions { granule_rows: 0, ..Default::default() },
        WriteOptions { granule_bytes: 0, ..Default::default() },
        WriteOptions { row_bytes_max: 63, ..Default::default() },
        WriteOptions { bloom_bits_per_key: 0, ..Default::default() },
        WriteOptions { bloom_columns: vec![2], ..Default::default() },
    ] {
        assert!(PartWriter::new(&schema, options).is_err());
    }
}

/// A header for 1,000 columns and 20 granules stays far below a megabyte.
fn headers_stay_compact() {
    let schema = schema(&vec![ColumnType::Float64; 1000]);
    let arrays = (0..1000u64).map(|column| {
        let of = |row: u64| ((row * 7919 + column) % 1000) as f64 / 7.0;
        Arc::new(Float64Array::from_iter_values((0..200).map(of))) as ArrayRef
    });
    let batch = RecordBatch::try_new(schema.arrow(), arrays.collect()).unwrap();
    let options =
        WriteOptions { granule_rows: 10, layout: Layout::Wide, ..WriteOptions::default() };
    let image = write(&schema, &[batch], options);
    let header: usize =
        image.rows.iter().filter(|row| row.key.stream == 0).map(|row| row.bytes.len()).sum();
    assert!(header < 700_000, "{header} bytes");
}
