//! Everything that is written comes back bit for bit: every type, null shape, size, granule size,
//! layout, effort and row size.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::*;
use arrow_buffer::Buffer;
use arrow_select::concat::concat;
use dodb_part::*;
use proptest::prelude::*;

use super::config;
use super::generate::{NULLS, Nulls, Rng, VALUES, Values, array, schema, types};

cases![
    any_part_comes_back,
    every_type_null_shape_and_value_shape_comes_back,
    every_codec_can_be_asked_for_and_comes_back,
    comparison_sees_payloads_and_signs,
    rows_larger_than_a_sqlite_row_are_cut_and_come_back,
    a_small_compact_part_is_one_row_and_needs_no_other,
    a_wide_part_reads_only_the_rows_of_its_column,
    empty_parts_and_parts_without_columns_open,
    the_largest_rows_that_are_accepted_can_be_read,
    larger_rows_are_refused,
];

/// The rows of a part, as a store would hold them.
pub struct Store(pub BTreeMap<RowKey, Buffer>);

impl Store {
    pub fn new(image: &PartImage) -> Store {
        let rows = image.rows.iter().map(|row| (row.key, Buffer::from(row.bytes.clone())));
        Store(rows.collect())
    }

    pub fn fetch(&self, key: RowKey) -> Result<Buffer> {
        let missing = || Error::Fetch(format!("no row {key:?}").into());
        self.0.get(&key).cloned().ok_or_else(missing)
    }

    pub fn open(&self) -> Result<PartReader> {
        PartReader::open(&mut |key| self.fetch(key))
    }
}

pub fn write(schema: &Schema, batches: &[RecordBatch], options: WriteOptions) -> PartImage {
    let mut writer = PartWriter::new(schema, options).unwrap();
    for batch in batches {
        writer.push(batch).unwrap();
    }
    writer.finish().unwrap()
}

/// Reads a whole column, checking that exactly the promised rows are fetched.
pub fn read_column(store: &Store, reader: &PartReader, column: &Column) -> ArrayRef {
    let mut granules = Vec::new();
    for granule in 0..reader.granule_count() {
        let mut fetched = Vec::new();
        let array = reader.read(column, granule, &mut |key| {
            fetched.push(key);
            store.fetch(key)
        });
        assert_eq!(fetched, reader.row_keys(column.id, granule));
        let array = array.unwrap();
        array.to_data().validate_full().unwrap();
        let rows = reader.granule_rows(granule);
        assert_eq!(array.len() as u64, rows.end - rows.start);
        granules.push(array);
    }
    let granules: Vec<&dyn Array> = granules.iter().map(AsRef::as_ref).collect();
    match granules.is_empty() {
        true => new_empty_array(&column.ty.arrow()),
        false => concat(&granules).unwrap(),
    }
}

fn check(schema: &Schema, batches: &[RecordBatch], options: WriteOptions) {
    let image = write(schema, batches, options.clone());
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(image.row_count, rows as u64);
    for row in &image.rows {
        assert!(!row.bytes.is_empty() && row.bytes.len() <= options.row_bytes_max);
    }
    assert!(image.rows.iter().map(|row| row.key).is_sorted());
    assert_eq!(image.rows.first().unwrap().key, RowKey { stream: 0, seq: 0 });
    let store = Store::new(&image);
    let reader = store.open().unwrap();
    assert_eq!(reader.row_count(), rows as u64);
    assert_eq!(reader.layout(), options.layout);
    for (index, column) in schema.columns().iter().enumerate() {
        let arrays: Vec<&dyn Array> =
            batches.iter().map(|batch| batch.column(index).as_ref()).collect();
        let expected = concat(&arrays).unwrap();
        let actual = read_column(&store, &reader, column);
        assert_eq!(actual.data_type(), &column.ty.arrow());
        assert_eq!(&actual, &expected, "{}", column.ty);
        check_stats(&reader, column, expected.as_ref());
    }
}

fn check_stats(reader: &PartReader, column: &Column, expected: &dyn Array) {
    let nulls = expected.logical_nulls().map(|nulls| nulls.null_count()).unwrap_or_default();
    let stats = reader.stats(column.id).unwrap();
    assert_eq!((stats.rows, stats.nulls), (expected.len() as u64, nulls as u64));
    for granule in 0..reader.granule_count() {
        let rows = reader.granule_rows(granule);
        let length = (rows.end - rows.start) as usize;
        let mut of = ColumnStats::of(&expected.slice(rows.start as usize, length));
        of.truncate_strings(64);
        let stats = reader.granule_stats(column.id, granule).unwrap();
        assert_eq!(
            (stats.rows, stats.nulls, &stats.min, &stats.max, stats.exact),
            (of.rows, of.nulls, &of.min, &of.max, of.exact)
        );
    }
}

fn batch(schema: &Schema, arrays: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema.arrow(), arrays).unwrap()
}

fn options() -> impl Strategy<Value = WriteOptions> {
    let row_bytes_max = prop_oneof![Just(64usize), 64..500usize, Just(1_900_000)];
    let granule_rows = prop_oneof![1..40usize, Just(8192)];
    let granule_bytes = prop_oneof![1..2000usize, Just(4 << 20)];
    (any::<bool>(), any::<bool>(), row_bytes_max, granule_rows, granule_bytes).prop_map(
        |(wide, small, row_bytes_max, granule_rows, granule_bytes)| WriteOptions {
            layout: if wide { Layout::Wide } else { Layout::Compact },
            effort: if small { Effort::Small } else { Effort::Fast },
            granule_rows,
            granule_bytes,
            row_bytes_max,
            ..WriteOptions::default()
        },
    )
}

proptest! {
    #![proptest_config(config(400))]

    fn any_part_comes_back(
        seed in any::<u64>(),
        options in options(),
        sizes in prop::collection::vec(0..120usize, 0..4),
        offset in 0..70usize,
        shapes in prop::collection::vec((0..29usize, 0..6usize, 0..5usize), 1..5),
    ) {
        let rng = &mut Rng(seed);
        let all = types();
        let chosen: Vec<ColumnType> = shapes.iter().map(|shape| all[shape.0].clone()).collect();
        let schema = schema(&chosen);
        let batches: Vec<RecordBatch> = sizes
            .iter()
            .map(|rows| {
                let arrays = shapes.iter().map(|(ty, nulls, values)| {
                    // Sliced, so that offsets are not zero.
                    let longer =
                        array(&all[*ty], rows + 2 * offset, NULLS[*nulls], VALUES[*values], rng);
                    longer.slice(offset, *rows)
                });
                batch(&schema, arrays.collect())
            })
            .collect();
        if !batches.is_empty() {
            check(&schema, &batches, options);
        }
    }
}

fn every_type_null_shape_and_value_shape_comes_back() {
    assert_eq!(types().len(), 29, "the property test above picks from 29 types");
    let schema = schema(&types());
    for effort in [Effort::Fast, Effort::Small] {
        for nulls in NULLS {
            for values in VALUES {
                let rng = &mut Rng(42);
                let arrays = types().iter().map(|ty| array(ty, 1000, nulls, values, rng)).collect();
                let options = WriteOptions { effort, granule_rows: 700, ..Default::default() };
                check(&schema, &[batch(&schema, arrays)], options);
            }
        }
    }
}

fn every_codec_can_be_asked_for_and_comes_back() {
    for codec in Codec::ALL {
        for ty in types() {
            for values in VALUES {
                for nulls in [Nulls::None, Nulls::Half] {
                    let rng = &mut Rng(3);
                    let expected = array(&ty, 500, nulls, values, rng);
                    let (bytes, _) = encode_segment_with(&ty, &expected, codec).unwrap();
                    let actual = decode_segment(&ty, 500, Buffer::from(bytes)).unwrap();
                    assert_eq!(&actual, &expected, "{codec:?} {ty} {values:?} {nulls:?}");
                }
            }
        }
    }
}

/// The comparison above is worth something only if it sees the bits of a NaN and of a zero.
fn comparison_sees_payloads_and_signs() {
    let of = |bits: u64| Arc::new(Float64Array::from(vec![f64::from_bits(bits)])) as ArrayRef;
    assert_eq!(&of(0x7ff8_0000_0000_0001), &of(0x7ff8_0000_0000_0001));
    assert_ne!(&of(0x7ff8_0000_0000_0001), &of(0x7ff8_0000_0000_0002));
    assert_ne!(&of(0), &of(1 << 63));
}

fn rows_larger_than_a_sqlite_row_are_cut_and_come_back() {
    let schema = schema(&[ColumnType::String, ColumnType::Int64]);
    let rng = &mut Rng(9);
    let texts: Vec<String> = (0..5)
        .map(|_| (0..700_000).map(|_| char::from(b'!' + rng.below(90) as u8)).collect())
        .collect();
    let huge: String = (0..5_000_000).map(|_| char::from(b'!' + rng.below(90) as u8)).collect();
    let texts = texts.iter().map(String::as_str).chain([huge.as_str(), ""]);
    let batch = batch(
        &schema,
        vec![
            Arc::new(StringViewArray::from_iter_values(texts)),
            Arc::new(Int64Array::from_iter_values(0..7)),
        ],
    );
    for layout in [Layout::Compact, Layout::Wide] {
        let options = WriteOptions { layout, ..Default::default() };
        let image = write(&schema, std::slice::from_ref(&batch), options.clone());
        assert!(image.rows.len() > 3);
        check(&schema, std::slice::from_ref(&batch), options);
    }
}

fn a_small_compact_part_is_one_row_and_needs_no_other() {
    let schema = schema(&types());
    let rng = &mut Rng(1);
    let arrays = types().iter().map(|ty| array(ty, 100, Nulls::Few, Values::Random, rng)).collect();
    let image = write(&schema, &[batch(&schema, arrays)], WriteOptions::default());
    assert_eq!(image.rows.len(), 1);
    let store = Store::new(&image);
    let reader = store.open().unwrap();
    for column in schema.columns() {
        assert!(reader.row_keys(column.id, 0).is_empty());
        reader.read(column, 0, &mut |key| panic!("fetched {key:?}")).unwrap();
    }
}

fn a_wide_part_reads_only_the_rows_of_its_column() {
    let schema = schema(&types());
    let rng = &mut Rng(1);
    let arrays =
        types().iter().map(|ty| array(ty, 3000, Nulls::Few, Values::Random, rng)).collect();
    let options = WriteOptions { layout: Layout::Wide, ..Default::default() };
    let image = write(&schema, &[batch(&schema, arrays)], options);
    assert_eq!(image.rows.len(), 1 + types().len());
    let reader = Store::new(&image).open().unwrap();
    for column in schema.columns() {
        let key = RowKey { stream: column.id + 1, seq: 0 };
        assert_eq!(reader.row_keys(column.id, 0), [key]);
    }
    let total: u64 = reader.column_ids().map(|id| reader.encoded_bytes(id)).sum();
    let rows: usize = image.rows.iter().skip(1).map(|row| row.bytes.len()).sum();
    assert_eq!(total, rows as u64);
    assert_eq!(reader.segments().len(), types().len());
}

fn empty_parts_and_parts_without_columns_open() {
    let none = Schema::new(Vec::new()).unwrap();
    let rows = RecordBatchOptions::new().with_row_count(Some(20_000));
    let batch = RecordBatch::try_new_with_options(none.arrow(), Vec::new(), &rows).unwrap();
    check(&none, &[batch], WriteOptions::default());
    let schema = schema(&types());
    let reader = Store::new(&write(&schema, &[], WriteOptions::default())).open().unwrap();
    assert_eq!((reader.row_count(), reader.granule_count()), (0, 0));
}

/// The bound on what decoding may allocate must not refuse what a writer accepts.
fn the_largest_rows_that_are_accepted_can_be_read() {
    let rng = &mut Rng(4);
    let texts: StringViewArray = (0..1_500_000)
        .map(|_| Some(rng.below(100_000).to_string()).filter(|text| text.len() > 1))
        .collect();
    let empty: StringViewArray = (0..2_000_000).map(|_| Some("")).collect();
    let small: Int8Array = (0..30_000_000).map(|_| Some(rng.next() as i8)).collect();
    let floats = array(&ColumnType::Float32, 8_000_000, Nulls::Half, Values::Few, rng);
    for (ty, values) in [
        (ColumnType::String, Arc::new(texts) as ArrayRef),
        (ColumnType::String, Arc::new(empty)),
        (ColumnType::Int8, Arc::new(small)),
        (ColumnType::Float32, floats),
    ] {
        let schema = schema(&[ColumnType::Array(Box::new(ty.clone()))]);
        let field = Arc::new(arrow_schema::Field::new("item", ty.arrow(), true));
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([values.len()]);
        let list = ListArray::new(field, offsets, values, None);
        check(&schema, &[batch(&schema, vec![Arc::new(list)])], WriteOptions::default());
    }
}

fn larger_rows_are_refused() {
    let schema = schema(&[ColumnType::String]);
    let text = "x".repeat(33 << 20);
    let array = StringViewArray::from_iter_values(["a", text.as_str()]);
    let mut writer = PartWriter::new(&schema, WriteOptions::default()).unwrap();
    let error = writer.push(&batch(&schema, vec![Arc::new(array)])).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }) && error.to_string().contains("row 1"), "{error}");
    assert_eq!(writer.row_count(), 0);
}
