//! Files written and read back: every type, and pruned reads against whole ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder, ListBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::*;
use arrow_schema::Field;
use dodb_part::json::PathType;
use dodb_part::{
    Column, ColumnType, CompareOp, Predicate, Scalar, Schema, TimeUnit, documents_path,
};
use futures::executor::block_on;
use iceberg::spec::{DataFile, Datum, Struct};
use object_store::memory::InMemory;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::schema::{Layout, with_paths};
use crate::{Bucket, MeteredStore, ObjectUsage, Survey};

const URI: &str = "memory:///b/x.parquet";

fn column(id: u32, name: &str, ty: ColumnType) -> Column {
    Column { id, name: name.into(), ty, nullable: true }
}

fn small() -> FileOptions {
    FileOptions {
        row_group_rows_max: 40,
        page_rows_max: 8,
        bloom_columns: vec![1, 2],
        bloom_paths: vec![(5, ".s".into())],
        ..FileOptions::default()
    }
}

async fn write(
    bucket: &Bucket,
    layout: &Arc<Layout>,
    batch: &RecordBatch,
    options: &FileOptions,
) -> crate::Result<DataFile> {
    let plan = FilePlan {
        bucket: bucket.clone(),
        uri: URI.into(),
        layout: layout.clone(),
        spec_id: 0,
        partition: Struct::empty(),
        sort_order: None,
    };
    let mut writer = FileWriter::new(plan, options)?;
    writer.write(batch).await?;
    Ok(writer.finish().await?.0)
}

fn request(columns: Vec<u32>, predicate: Predicate) -> ReadRequest {
    ReadRequest {
        columns,
        paths: Vec::new(),
        predicate,
        deleted: Arc::default(),
        row_numbers: false,
        batch_rows: 10,
        rows: None,
        use_filters: true,
    }
}

async fn read(reader: &FileReader, request: ReadRequest) -> crate::Result<RecordBatch> {
    let mut scan = reader.scan(request).await?;
    let mut batches = Vec::new();
    while let Some(batch) = scan.next_batch().await? {
        batches.push(batch);
    }
    Ok(arrow_select::concat::concat_batches(scan.schema(), &batches)?)
}

fn lists() -> [(ColumnType, ArrayRef); 2] {
    let mut vectors = FixedSizeListBuilder::new(Float32Builder::new(), 2).with_field(Field::new(
        "item",
        arrow_schema::DataType::Float32,
        true,
    ));
    vectors.values().append_slice(&[1.5, -2.0]);
    vectors.append(true);
    vectors.values().append_slice(&[0.0, 0.0]);
    vectors.append(false);
    vectors.values().append_slice(&[f32::MAX, 0.0]);
    vectors.append(true);
    let mut uuids = ListBuilder::new(StringViewBuilder::new()).with_field(Field::new(
        "item",
        arrow_schema::DataType::Utf8View,
        true,
    ));
    uuids.values().append_value("0193a3c5-5b0e-7000-8000-00000000000f");
    uuids.values().append_null();
    uuids.append(true);
    uuids.append(true);
    uuids.append(false);
    [
        (ColumnType::Vector(2), Arc::new(vectors.finish())),
        (ColumnType::Array(Box::new(ColumnType::Uuid)), Arc::new(uuids.finish())),
    ]
}

fn times() -> Vec<(ColumnType, ArrayRef)> {
    let utc = Some(Arc::<str>::from("UTC"));
    vec![
        (ColumnType::Date, Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)]))),
        (
            ColumnType::Timestamp(TimeUnit::Second),
            Arc::new(
                TimestampSecondArray::from(vec![Some(-1), None, Some(9)])
                    .with_timezone_opt(utc.clone()),
            ),
        ),
        (
            ColumnType::Timestamp(TimeUnit::Millisecond),
            Arc::new(
                TimestampMillisecondArray::from(vec![Some(-1), None, Some(1_700_000_000_123)])
                    .with_timezone_opt(utc.clone()),
            ),
        ),
        (
            ColumnType::Timestamp(TimeUnit::Microsecond),
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(i64::MIN), None, Some(1)])
                    .with_timezone_opt(utc.clone()),
            ),
        ),
        (
            ColumnType::Timestamp(TimeUnit::Nanosecond),
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(i64::MAX), None, Some(1)])
                    .with_timezone_opt(utc),
            ),
        ),
    ]
}

fn every_type() -> (Schema, RecordBatch) {
    let uuid = "00000000-0000-0000-0000-0000000000ff";
    let decimal = Decimal128Array::from(vec![Some(10i128.pow(37)), None, Some(-12345)]);
    let mut arrays: Vec<(ColumnType, ArrayRef)> = vec![
        (ColumnType::Bool, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        (ColumnType::Int8, Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)]))),
        (ColumnType::Int16, Arc::new(Int16Array::from(vec![Some(-1), None, Some(i16::MAX)]))),
        (ColumnType::Int32, Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(7)]))),
        (ColumnType::Int64, Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(7)]))),
        (ColumnType::UInt8, Arc::new(UInt8Array::from(vec![Some(255), None, Some(0)]))),
        (ColumnType::UInt16, Arc::new(UInt16Array::from(vec![Some(65535), None, Some(0)]))),
        (ColumnType::UInt32, Arc::new(UInt32Array::from(vec![Some(u32::MAX), None, Some(0)]))),
        (ColumnType::UInt64, Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(0)]))),
        (ColumnType::Float32, Arc::new(Float32Array::from(vec![Some(f32::NAN), None, Some(-0.0)]))),
        (ColumnType::Float64, Arc::new(Float64Array::from(vec![Some(1e300), None, Some(-0.0)]))),
        (
            ColumnType::Decimal { precision: 38, scale: 4 },
            Arc::new(decimal.with_precision_and_scale(38, 4).unwrap()),
        ),
        (ColumnType::String, Arc::new(StringViewArray::from(vec![Some("é"), None, Some("")]))),
        (
            ColumnType::Bytes,
            Arc::new(BinaryViewArray::from(vec![Some(&[0xff, 0][..]), None, Some(&[][..])])),
        ),
        (ColumnType::Uuid, Arc::new(StringViewArray::from(vec![Some(uuid), None, Some(uuid)]))),
        (
            ColumnType::Json,
            Arc::new(StringViewArray::from(vec![Some(r#"{"b":1,"a":[]}"#), None, Some("null")])),
        ),
    ];
    arrays.extend(times());
    arrays.extend(lists());
    let columns = arrays.iter().enumerate();
    let columns = columns.map(|(at, (ty, _))| column(at as u32 + 1, &format!("c{at}"), ty.clone()));
    let schema = Schema::new(columns.collect()).unwrap();
    let arrays = arrays.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(schema.arrow(), arrays).unwrap();
    (schema, batch)
}

#[test]
fn every_type_comes_back_as_it_was() {
    block_on(async {
        let (schema, batch) = every_type();
        let bucket = Bucket::new(Arc::new(InMemory::new()), "memory:///b");
        let layout = Arc::new(Layout::create(&schema).unwrap());
        let file = write(&bucket, &layout, &batch, &FileOptions::default()).await.unwrap();
        let reader =
            FileReader::open(&bucket, URI, file.file_size_in_bytes(), &layout, None).await.unwrap();
        let ids = schema.columns().iter().map(|column| column.id).collect();
        let found = read(&reader, request(ids, Predicate::True)).await.unwrap();
        assert_eq!(found.schema(), batch.schema());
        for (at, (found, wanted)) in found.columns().iter().zip(batch.columns()).enumerate() {
            assert_eq!(found.to_data(), wanted.to_data(), "c{at}");
        }
        assert_eq!(file.record_count(), 3);
        assert_eq!(file.null_value_counts()[&1], 1);
        assert_eq!(file.nan_value_counts()[&10], 1);
        assert_eq!(file.lower_bounds()[&5], Datum::long(i64::MIN));
        assert_eq!(file.upper_bounds()[&13], Datum::string("é"));
        assert!(file.column_sizes().values().all(|bytes| *bytes > 0));
        assert_eq!(file.split_offsets().map(<[i64]>::len), Some(1));
    });
}

#[test]
fn a_moment_past_microseconds_is_refused_by_name() {
    let ty = ColumnType::Timestamp(TimeUnit::Millisecond);
    let schema = Schema::new(vec![column(1, "at", ty)]).unwrap();
    let times = TimestampMillisecondArray::from(vec![i64::MAX]).with_timezone("UTC");
    let batch = RecordBatch::try_new(schema.arrow(), vec![Arc::new(times)]).unwrap();
    let bucket = Bucket::new(Arc::new(InMemory::new()), "memory:///b");
    let layout = Arc::new(Layout::create(&schema).unwrap());
    let error = block_on(write(&bucket, &layout, &batch, &small())).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    assert!(error.to_string().contains("\"at\""), "{error}");
}

#[test]
fn parts_of_an_upload_make_the_same_file() {
    block_on(async {
        let schema = Schema::new(vec![column(1, "id", ColumnType::Int64)]).unwrap();
        let ids = Int64Array::from_iter_values((0..20_000).map(|id| id * 7919 % 1_000_003));
        let batch = RecordBatch::try_new(schema.arrow(), vec![Arc::new(ids)]).unwrap();
        let layout = Arc::new(Layout::create(&schema).unwrap());
        let mut whole = None;
        for upload_part_bytes in [1 << 20, 1_000] {
            let bucket = Bucket::new(Arc::new(InMemory::new()), "memory:///b");
            let options = FileOptions { upload_part_bytes, row_group_rows_max: 3_000, ..small() };
            let file = write(&bucket, &layout, &batch, &options).await.unwrap();
            let bytes = bucket.read(URI).await.unwrap();
            assert_eq!(bytes.len() as u64, file.file_size_in_bytes());
            assert_eq!(*whole.get_or_insert(bytes.clone()), bytes);
        }
    });
}

/// A table of ids, texts, floats, times and documents, some null, a file of it, and its rows.
#[derive(Debug, Clone)]
struct Case {
    rows: Vec<Row>,
    deleted: BTreeSet<u64>,
    predicate: Predicate,
    /// Which nine rows each are asked for; `None`: all.
    slices: Option<BTreeSet<u64>>,
}

#[derive(Debug, Clone)]
struct Row {
    id: Option<i64>,
    text: Option<String>,
    float: Option<f64>,
    time: Option<i64>,
    document: Option<String>,
}

const PATH: u32 = 1 << 31;

fn row() -> impl Strategy<Value = Row> {
    let null = |of: BoxedStrategy<i64>| prop_oneof![1 => Just(None), 5 => of.prop_map(Some)];
    let text = prop_oneof![
        1 => Just(None),
        4 => "[a-c]{0,3}".prop_map(Some),
        1 => Just(Some("long text that is far beyond every bound ".repeat(3))),
    ];
    let float = select(vec![None, Some(f64::NAN), Some(-0.0), Some(0.0), Some(1.5), Some(-9.0)]);
    let value =
        select(vec!["1", "2", "-7", "1.5", "\"a\"", "\"b\"", "null", "[1]", "{\"k\":1}", "true"]);
    let zero = select(vec!["-0.0", "0.0", "-0", "0"]);
    let document = prop_oneof![
        1 => Just(None),
        1 => zero.prop_map(|n| Some(format!(r#"{{"n":{n}}}"#))),
        5 => (0i64..6, value).prop_map(|(n, v)| Some(format!(r#"{{"n":{n},"s":"t{n}","m":{v}}}"#))),
        1 => Just(Some("{}".to_owned())),
    ];
    (null((0i64..30).boxed()), text, float, null((-3000i64..3000).boxed()), document)
        .prop_map(|(id, text, float, time, document)| Row { id, text, float, time, document })
}

fn predicate() -> impl Strategy<Value = Predicate> {
    use CompareOp::*;
    let op = select(vec![Eq, NotEq, Lt, LtEq, Gt, GtEq]);
    let value = prop_oneof![
        (Just(1u32), (-1i64..32).prop_map(Scalar::Int)),
        (Just(2), "[a-d]{0,2}".prop_map(Scalar::String)),
        (Just(3), select(vec![0.0, -0.0, 1.5, f64::NAN]).prop_map(Scalar::Float)),
        (Just(4), (-3100i64..3100).prop_map(Scalar::Int)),
        (Just(PATH), (-1i64..8).prop_map(Scalar::Int)),
        (Just(PATH + 1), select(vec!["t0", "t3", "t9", ""]).prop_map(|s| Scalar::String(s.into()))),
        (
            Just(PATH + 2),
            select(vec!["1", "a", "b", "true"]).prop_map(|s| Scalar::String(s.into()))
        ),
        (Just(PATH + 3), select(vec![0.0, -0.0, 1.0, 1.5, 5.0]).prop_map(Scalar::Float)),
    ];
    let leaf = prop_oneof![
        4 => (op, value.clone())
            .prop_map(|(op, (column, value))| Predicate::Compare { column, op, value }),
        1 => value
            .clone()
            .prop_map(|(column, value)| Predicate::In { column, values: vec![value] }),
        1 => value.clone().prop_map(|(column, _)| Predicate::IsNull { column }),
        1 => value.prop_map(|(column, _)| Predicate::IsNotNull { column }),
        1 => "[a-c]{0,2}".prop_map(|prefix| Predicate::StartsWith { column: 2, prefix }),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Predicate::And),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Predicate::Or),
            inner.prop_map(|term| Predicate::Not(Box::new(term))),
        ]
    })
}

fn case() -> impl Strategy<Value = Case> {
    (proptest::collection::vec(row(), 1..150), any::<bool>(), predicate()).prop_flat_map(
        |(mut rows, sorted, predicate)| {
            if sorted {
                rows.sort_by(|a, b| (a.id, &a.text).cmp(&(b.id, &b.text)));
            }
            let last = rows.len() as u64;
            let deleted = proptest::collection::btree_set(0..last, 0..10);
            let slices = proptest::collection::btree_set(0..last / 9 + 2, 0..5);
            let slices = proptest::option::of(slices);
            (Just(rows), deleted, Just(predicate), slices).prop_map(
                |(rows, deleted, predicate, slices)| Case { rows, deleted, predicate, slices },
            )
        },
    )
}

fn paths() -> Vec<ReadPath> {
    let path =
        |id, path: &str, ty| ReadPath { id, name: path.into(), column: 5, path: path.into(), ty };
    vec![
        path(PATH, ".n", PathType::Int64),
        path(PATH + 1, ".s", PathType::String),
        path(PATH + 2, ".m", PathType::Text),
        path(PATH + 3, ".n", PathType::Float64),
    ]
}

fn batch_of(schema: &Schema, rows: &[Row]) -> RecordBatch {
    let times = rows.iter().map(|row| row.time).collect::<TimestampMillisecondArray>();
    RecordBatch::try_new(
        schema.arrow(),
        vec![
            Arc::new(rows.iter().map(|row| row.id).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.text.as_ref()).collect::<StringViewArray>()),
            Arc::new(rows.iter().map(|row| row.float).collect::<Float64Array>()),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(rows.iter().map(|row| row.document.as_ref()).collect::<StringViewArray>()),
        ],
    )
    .unwrap()
}

fn with_surveyed_paths(layout: Layout, rows: &[Row]) -> Layout {
    let mut survey = Survey::default();
    rows.iter().filter_map(|r| r.document.as_ref()).for_each(|text| survey.push(text).unwrap());
    let document = layout.columns()[4].document.clone().unwrap();
    let new = survey.new_paths(5, &document);
    let last = layout.iceberg().highest_field_id();
    Layout::of(Arc::new(with_paths(&layout, &new, last).unwrap())).unwrap()
}

fn check(case: &Case) {
    let schema = Schema::new(vec![
        column(1, "id", ColumnType::Int64),
        column(2, "text", ColumnType::String),
        column(3, "float", ColumnType::Float64),
        column(4, "time", ColumnType::Timestamp(TimeUnit::Millisecond)),
        column(5, "doc", ColumnType::Json),
    ])
    .unwrap();
    let batch = batch_of(&schema, &case.rows);
    // The schema of the first half: later values may not fit their fields.
    let half = &case.rows[..case.rows.len().div_ceil(2)];
    let layout = with_surveyed_paths(Layout::create(&schema).unwrap(), half);
    let layout = Arc::new(layout);
    let paths = paths();
    let mut arrays: Vec<(u32, ArrayRef)> = Vec::new();
    arrays.extend((1..=5).map(|id| (id, batch.column(id as usize - 1).clone())));
    for path in &paths {
        let values = documents_path(batch.column(4), &path.path, path.ty).unwrap();
        arrays.push((path.id, values));
    }
    let find = |id: u32| arrays.iter().find(|(of, _)| *of == id).map(|(_, array)| array.clone());
    let truth = case.predicate.evaluate(batch.num_rows(), &find).unwrap();
    let wanted: Vec<i64> = (0..batch.num_rows() as i64)
        .filter(|row| !case.deleted.contains(&(*row as u64)))
        .filter(|row| case.slices.as_ref().is_none_or(|kept| kept.contains(&(*row as u64 / 9))))
        .filter(|row| truth.is_valid(*row as usize) && truth.value(*row as usize))
        .collect();
    let columns: Vec<u32> = arrays.iter().map(|(id, _)| *id).collect();
    let found = block_on(async {
        let bucket = Bucket::new(Arc::new(InMemory::new()), "memory:///b");
        let file = write(&bucket, &layout, &batch, &small()).await.unwrap();
        let reader =
            FileReader::open(&bucket, URI, file.file_size_in_bytes(), &layout, None).await.unwrap();
        let request = ReadRequest {
            paths,
            deleted: Arc::new(case.deleted.iter().copied().collect()),
            rows: case.slices.as_ref().map(|all| all.iter().map(|n| n * 9..n * 9 + 9).collect()),
            row_numbers: true,
            ..request(columns, case.predicate.clone())
        };
        read(&reader, request).await.unwrap()
    });
    let numbers = found.column(found.num_columns() - 1).as_primitive::<Int64Type>();
    assert_eq!(numbers.values().to_vec(), wanted);
    let places = UInt64Array::from_iter_values(wanted.iter().map(|row| *row as u64));
    for (at, (id, array)) in arrays.iter().enumerate() {
        let expected = arrow_select::take::take(array, &places, None).unwrap();
        assert_eq!(&found.column(at).to_data(), &expected.to_data(), "column {id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn pruned_reads_find_what_whole_ones_do(case in case()) {
        check(&case);
    }
}

#[test]
fn a_document_without_fields_is_filtered_by_its_text() {
    let empty = Row { id: None, text: None, float: None, time: None, document: None };
    let document = Some(r#"{"n":2,"s":"t2","m":"a"}"#.to_owned());
    let value = Scalar::String("a".into());
    check(&Case {
        rows: vec![empty.clone(), Row { document, ..empty }],
        deleted: [0].into(),
        predicate: Predicate::Compare { column: PATH + 2, op: CompareOp::Lt, value },
        slices: None,
    });
}

#[test]
fn pages_and_filters_spare_reads() {
    block_on(async {
        let schema = Schema::new(vec![
            column(1, "id", ColumnType::Int64),
            column(2, "text", ColumnType::String),
        ])
        .unwrap();
        let ids = Int64Array::from_iter_values(0..400);
        let texts: StringViewArray = (0..400).map(|id| Some(format!("t{}", id * 2))).collect();
        let batch =
            RecordBatch::try_new(schema.arrow(), vec![Arc::new(ids), Arc::new(texts)]).unwrap();
        let bucket = Bucket::new(Arc::new(InMemory::new()), "memory:///b");
        let layout = Arc::new(Layout::create(&schema).unwrap());
        let options = FileOptions { row_group_rows_max: 100, ..small() };
        let file = write(&bucket, &layout, &batch, &options).await.unwrap();
        let reader =
            FileReader::open(&bucket, URI, file.file_size_in_bytes(), &layout, None).await.unwrap();
        let equal = |column, value| Predicate::Compare { column, op: CompareOp::Eq, value };
        let scan = reader.scan(request(vec![1], equal(1, Scalar::Int(217)))).await.unwrap();
        let counts = scan.counts();
        assert_eq!((counts.groups, counts.groups_pruned), (4, 3));
        assert!(counts.rows_kept <= 8, "{counts:?}");
        let absent = equal(2, Scalar::String("t201".into()));
        let scan = reader.scan(request(vec![1], absent)).await.unwrap();
        assert_eq!(scan.counts().groups_pruned + scan.counts().groups_pruned_by_filter, 4);
        assert!(scan.counts().groups_pruned_by_filter > 0);
    });
}

/// 2,000 rows with 4 kB of noise each between the first column and the last: 8 MB.
fn far_apart(schema: &Schema) -> RecordBatch {
    let mut state = 1u64;
    let mut noise = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + (state >> 33) as u8 % 95)
    };
    let texts = (0..2_000).map(|_| Some((0..4_096).map(&mut noise).collect::<String>()));
    let texts: StringViewArray = texts.collect();
    let ids = Int64Array::from_iter_values(0..2_000);
    let columns: Vec<ArrayRef> = vec![Arc::new(ids.clone()), Arc::new(texts), Arc::new(ids)];
    RecordBatch::try_new(schema.arrow(), columns).unwrap()
}

#[test]
fn columns_far_apart_are_asked_for_together_where_rows_are_known_to_be() {
    block_on(async {
        let columns = [("id", ColumnType::Int64), ("noise", ColumnType::String)];
        let columns = columns.into_iter().chain([("last", ColumnType::Int64)]).zip(1..);
        let columns = columns.map(|((name, ty), id)| column(id, name, ty)).collect();
        let schema = Schema::new(columns).unwrap();
        let usage = Arc::new(ObjectUsage::default());
        let store = MeteredStore::new(Arc::new(InMemory::new()), usage.clone());
        let bucket = Bucket::new(Arc::new(store), "memory:///b");
        let layout = Arc::new(Layout::create(&schema).unwrap());
        let options = FileOptions { page_rows_max: 1_000, ..FileOptions::default() };
        let file = write(&bucket, &layout, &far_apart(&schema), &options).await.unwrap();
        let bytes = file.file_size_in_bytes();
        let reader = FileReader::open(&bucket, URI, bytes, &layout, None).await.unwrap();
        let equal = Predicate::Compare { column: 1, op: CompareOp::Eq, value: Scalar::Int(1_234) };
        let request = ReadRequest {
            rows: Some(std::iter::once(1_000..2_000).collect()),
            use_filters: false,
            ..request(vec![1, 3], equal)
        };
        let before = usage.counts();
        let mut scan = reader.scan(request).await.unwrap();
        let planned = usage.counts();
        let batch = scan.next_batch().await.unwrap().unwrap();
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().values().to_vec(), [1_234]);
        assert!(scan.next_batch().await.unwrap().is_none());
        // All that is needed was there before the first row was looked at.
        assert_eq!(planned.class_b() - before.class_b(), 2);
        assert_eq!(usage.counts().class_b(), planned.class_b());
        assert!(planned.bytes_read - before.bytes_read < 100_000, "{planned:?}");
    });
}
