//! JSON columns as subcolumns: every document comes back, and every path reads as from the text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray, types};
use arrow_buffer::BooleanBuffer;
use dodb_part::json::{PathType, canonical, path_text};
use dodb_part::*;
use proptest::prelude::*;

use super::config;
use super::round_trip::{Store, write};

cases![
    any_documents,
    canonical_is_the_same_document,
    nasty_documents,
    what_is_no_document_is_refused,
    a_hundred_thousand_paths,
];

const TYPES: [PathType; 19] = [
    PathType::Json,
    PathType::Bool,
    PathType::Int64,
    PathType::UInt64,
    PathType::Float64,
    PathType::Float,
    PathType::String,
    PathType::Text,
    PathType::Object,
    PathType::Bools,
    PathType::Ints,
    PathType::Floats,
    PathType::Strings,
    PathType::TypeName,
    PathType::Date,
    PathType::Time(TimeUnit::Second),
    PathType::Time(TimeUnit::Millisecond),
    PathType::Time(TimeUnit::Microsecond),
    PathType::Time(TimeUnit::Nanosecond),
];

fn schema() -> Schema {
    let column = |id, name: &str, ty| Column { id, name: name.into(), ty, nullable: true };
    Schema::new(vec![
        column(1, "n", ColumnType::Int64),
        column(2, "doc", ColumnType::Json),
        column(3, "other", ColumnType::Json),
    ])
    .unwrap()
}

pub fn options(granule_rows: usize, json_paths_max: usize, layout: Layout) -> WriteOptions {
    WriteOptions {
        shred: true,
        json_blooms: true,
        granule_rows,
        json_paths_max,
        layout,
        ..Default::default()
    }
}

/// A part with a column of these documents, and one with them the other way round.
pub fn part(documents: &[Option<String>], options: WriteOptions) -> PartImage {
    let schema = schema();
    let texts: ArrayRef = Arc::new(documents.iter().cloned().collect::<StringViewArray>());
    let reversed: ArrayRef = Arc::new(documents.iter().rev().cloned().collect::<StringViewArray>());
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..documents.len() as i64));
    let batch = RecordBatch::try_new(schema.arrow(), vec![numbers, texts, reversed]).unwrap();
    write(&schema, &[batch], options)
}

fn check(documents: &[Option<String>], options: WriteOptions) {
    check_stored(&Store::new(&part(documents, options)), documents);
}

/// Checks documents and paths of a part against the texts it was made of.
pub fn check_stored(store: &Store, documents: &[Option<String>]) {
    let reader = store.open().unwrap();
    let schema = schema();
    let column = schema.by_name("doc").unwrap();
    let kept: Vec<Option<String>> = documents
        .iter()
        .map(|text| text.as_ref().map(|text| canonical(text).unwrap().into_owned()))
        .collect();
    let mut found = Vec::new();
    for granule in 0..reader.granule_count() {
        let mut fetch = |key| store.fetch(key);
        let texts = reader.read(column, granule, &mut fetch).unwrap();
        texts.to_data().validate_full().unwrap();
        found.extend(texts.as_string_view().iter().map(|text| text.map(str::to_owned)));
        let odd = BooleanBuffer::collect_bool(texts.len(), |row| row % 3 == 1);
        let some = reader.read_selected(column, granule, &odd, &mut fetch).unwrap();
        let expected = arrow_select::filter::filter(&texts, &BooleanArray::new(odd, None)).unwrap();
        assert_eq!(&some, &expected);
    }
    assert_eq!(found, kept);
    let mut paths: Vec<String> = reader.paths(2).iter().map(|path| path.path.to_owned()).collect();
    paths.retain(|path| !path.contains("[]"));
    paths.extend(kept.iter().flatten().flat_map(|text| paths_of(text)));
    paths.push(path_text(["nowhere"]));
    paths.sort();
    paths.dedup();
    for path in paths.iter().take(200) {
        TYPES.iter().for_each(|want| check_path(store, &reader, column, &kept, path, *want));
    }
}

/// Stored paths of all objects and values, but not through arrays.
fn paths_of(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut open = vec![(Vec::<String>::new(), text.to_owned())];
    while let Some((keys, raw)) = open.pop() {
        paths.push(path_text(keys.iter().map(String::as_str)));
        if raw.starts_with('{') {
            for key in json::keys(&raw).unwrap() {
                let value = json::raw(&raw, &[json::Step::Key(key.clone())]).unwrap().to_owned();
                open.push((keys.iter().cloned().chain([key]).collect(), value));
            }
        }
    }
    paths
}

fn check_path(
    store: &Store,
    reader: &PartReader,
    column: &Column,
    kept: &[Option<String>],
    path: &str,
    want: PathType,
) {
    let mut whole = Vec::new();
    for granule in 0..reader.granule_count() {
        let rows = reader.granule_rows(granule);
        let texts = &kept[rows.start as usize..rows.end as usize];
        let texts: ArrayRef = Arc::new(texts.iter().cloned().collect::<StringViewArray>());
        let expected = documents_path(&texts, path, want).unwrap();
        let mut fetch = |key| store.fetch(key);
        let found = reader.read_path(column, path, want, granule, &mut fetch).unwrap();
        found.to_data().validate_full().unwrap();
        assert_eq!(*found.data_type(), want.column_type().arrow());
        assert_eq!(&found, &expected, "{path} as {want:?} in granule {granule}");
        if let Some(stats) = reader.path_stats(2, path, want, Some(granule)) {
            holds(&stats, &found, path, want);
        }
        whole.push(found);
    }
    let whole: Vec<&dyn Array> = whole.iter().map(AsRef::as_ref).collect();
    if whole.is_empty() {
        return;
    }
    let whole = arrow_select::concat::concat(&whole).unwrap();
    if let Some(stats) = reader.path_stats(2, path, want, None) {
        holds(&stats, &whole, path, want);
    }
    let bloom = reader.path_bloom(2, path, want, &mut |key| store.fetch(key)).unwrap();
    for row in 0..whole.len() {
        if let (Some(bloom), Some(value)) = (&bloom, Scalar::at(whole.as_ref(), row)) {
            assert!(bloom.might_contain(hash_scalar(&value)), "{path} {want:?} {value}");
        }
    }
}

fn holds(stats: &ColumnStats, values: &ArrayRef, path: &str, want: PathType) {
    assert_eq!(stats.rows, values.len() as u64, "{path} {want:?}");
    assert_eq!(stats.nulls, values.null_count() as u64, "{path} {want:?}");
    for value in (0..values.len()).filter_map(|row| Scalar::at(values.as_ref(), row)) {
        assert!(stats.min.as_ref().is_none_or(|min| *min <= value), "{path} {want:?} {value}");
        assert!(stats.max.as_ref().is_none_or(|max| *max >= value), "{path} {want:?} {value}");
    }
    if let Some(counts) = &stats.values {
        let mut expected = std::collections::BTreeMap::<String, u64>::new();
        for value in (0..values.len()).filter_map(|row| Scalar::at(values.as_ref(), row)) {
            *expected.entry(value.to_string()).or_default() += 1;
        }
        let found = counts.iter().map(|(value, count)| (value.to_string(), *count)).collect();
        assert_eq!(expected, found, "{path} {want:?}");
    }
}

/// Any JSON value as text, of few keys so that paths meet.
fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (-50i64..50).prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("{f:?}")),
        any::<f32>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("{f}")),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ];
    let time = "(19|20|00)[0-9]{2}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]\
                (\\.[0-9]{3}|\\.[0-9]{6})?(Z|\\+00:00)?)?";
    let text = prop_oneof!["[ab]{0,2}", "\\PC{0,20}", any::<String>(), time, time];
    let text = text.prop_map(|text| serde_json::to_string(&text).unwrap());
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[ ]".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        number.clone(),
        number,
        text.clone(),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let key = prop_oneof![
            4 => "[abc]".prop_map(|key| format!("\"{key}\"")),
            1 => "[.\\[\\]a\\\\]{0,3}".prop_map(|key| serde_json::to_string(&key).unwrap()),
            1 => text.clone(),
        ];
        let entry = (key, inner.clone()).prop_map(|(key, value)| format!("{key} : {value}"));
        prop_oneof![
            2 => prop::collection::vec(entry, 0..6).prop_map(|e| format!("{{{}}}", e.join(" ,"))),
            1 => prop::collection::vec(inner, 0..6).prop_map(|e| format!("[{}]", e.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(config(300))]

    fn any_documents(
        documents in prop::collection::vec(prop::option::weighted(0.95, value()), 0..40),
        granule_rows in 1usize..30,
        paths_max in prop_oneof![Just(0usize), Just(1), Just(3), Just(1024)],
        wide in any::<bool>(),
    ) {
        let layout = if wide { Layout::Wide } else { Layout::Compact };
        check(&documents, options(granule_rows, paths_max, layout));
    }

    fn canonical_is_the_same_document(text in value()) {
        let kept = canonical(&text).unwrap().into_owned();
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        prop_assert_eq!(parse(&kept), parse(&text));
        prop_assert_eq!(canonical(&kept).unwrap(), kept.as_str());
        // serde_json writes exponents its own way.
        if !kept.contains(['e', 'E']) {
            prop_assert_eq!(parse(&kept).to_string(), kept);
        }
    }
}

/// Documents that were trouble somewhere.
const NASTY: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "-0.0",
    "0.0",
    "1.50",
    "1E5",
    "1e5",
    "1e+05",
    "1e-7",
    "1e400",
    "123456789012345678901234567890",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "0.1",
    "0.30000000000000004",
    "9007199254740993",
    "9007199254740993.0",
    "1.7976931348623157e308",
    "5e-324",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"é\\n\\/\"",
    "{}",
    "[]",
    "[[]]",
    "[{}]",
    "[[],{}]",
    "[null]",
    "[1,2.5]",
    "[1,\"1\"]",
    "[true,false]",
    "[\"a\",\"b\"]",
    "[1,2,3]",
    "[0.5,1.5]",
    "{\"\":1}",
    "{\"\":{\"\":2}}",
    "{\"a.b\":1,\"a\":{\"b\":2}}",
    "{\"a[]\":1,\"a\":[2]}",
    "{\"a\\\\\":1}",
    "{\"b\":1,\"a\":2}",
    "{\"a\":1,\"b\":2}",
    "{\"a\":{\"b\":{\"c\":1}}}",
    "{\"a\":{\"b\":{}}}",
    "{\"a\":{\"b\":[]}}",
    "{\"a\":null}",
    "{\"a\":{\"b\":null}}",
    "{\"a\":[{\"b\":1},{\"b\":2,\"c\":3},{\"c\":null},{},[],[{\"b\":1}],7]}",
    "{\"a\":[[1,2],[3,[4]],[]]}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"b\":2,\"a\":{\"c\":3}}",
    "{\"a\":[{\"b\":1,\"b\":2}]}",
    "{\"a\":\"\\ud800\"}",
    "[\"\\ud800\",\"x\"]",
    "{\"a\":{\"b\":1},\"c\":2,\"d\":{\"e\":3}}",
    "{\"a\":\"1\"}",
    "{\"a\":1.0}",
    "{\"a\":\"x\"}",
    " { \"a\" : [ 1 , 2 ] } ",
    "{\"\\u0061\":\"\\u0062\"}",
    "{\"[]\":{\"[]\":1}}",
    "\"2024-02-29\"",
    "\"2024-02-30\"",
    "{\"a\":\"2024-02-29\"}",
    "{\"a\":\"2024-02-29T23:59:59Z\"}",
    "{\"a\":\"1969-12-31T23:59:59.999Z\"}",
    "{\"a\":\"2024-02-29 00:00:00\"}",
    "{\"a\":\"0000-01-01T00:00:00.000001+00:00\"}",
    "{\"a\":\"2024-02-2\\u0039\"}",
    "{\"a\":[{\"b\":\"2024-02-29\"},{\"b\":\"2024-02-29T00:00:00Z\"}]}",
    "[\"2024-02-29\",\"2024-03-01\"]",
];

fn nasty_documents() {
    let all: Vec<Option<String>> = NASTY.iter().map(|text| Some((*text).to_owned())).collect();
    for paths_max in [0, 2, 5, 1024] {
        for granule_rows in [1, 7, 100] {
            check(&all, options(granule_rows, paths_max, Layout::Compact));
            check(&all, options(granule_rows, paths_max, Layout::Wide));
        }
    }
}

fn what_is_no_document_is_refused() {
    let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for text in ["", "{", "{\"a\":01}", "nul", "{\"a\":1}}", "[1,]", &deep(129)] {
        assert!(canonical(text).is_err(), "{text}");
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("{}"), Some(text)]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("doc", texts)]).unwrap();
        let mut writer = PartWriter::new(&schema(), options(100, 10, Layout::Compact)).unwrap();
        let result = writer.push(&batch).and_then(|()| writer.finish().map(|_| ()));
        assert!(matches!(result, Err(Error::Value { .. })), "{text}: {result:?}");
    }
    check(&[Some(deep(128))], options(10, 10, Layout::Compact));
    let objects = format!("{}1{}", "{\"a\":".repeat(128), "}".repeat(128));
    check(&[Some(objects)], options(10, 10, Layout::Compact));
}

/// More paths than are told apart in a granule: they go to rest, and a small part stays small.
fn a_hundred_thousand_paths() {
    let documents: Vec<Option<String>> = (0..1000)
        .map(|row| {
            let rare: Vec<String> =
                (0..100).map(|at| format!("\"k{}\":{at}", row * 100 + at)).collect();
            Some(format!("{{\"id\":{row},{},\"name\":\"n{row}\"}}", rare.join(",")))
        })
        .collect();
    let store = Store::new(&part(&documents, options(200, 1024, Layout::Compact)));
    let reader = store.open().unwrap();
    assert!(reader.paths(2).len() <= 1024 + 32, "{}", reader.paths(2).len());
    assert!(reader.memory_bytes() < 4 << 20, "{}", reader.memory_bytes());
    let schema = schema();
    let column = schema.by_name("doc").unwrap();
    for (path, granule, row, value) in
        [(".k0", 0, 0, 0), (".k99999", 4, 199, 99), (".k55555", 2, 155, 55)]
    {
        let mut fetch = |key| store.fetch(key);
        let found = reader.read_path(column, path, PathType::Int64, granule, &mut fetch).unwrap();
        assert_eq!(found.len() - found.null_count(), 1);
        assert_eq!(found.as_primitive::<types::Int64Type>().value(row), value);
    }
    let mut texts = Vec::new();
    for granule in 0..reader.granule_count() {
        let array = reader.read(column, granule, &mut |key| store.fetch(key)).unwrap();
        texts.extend(array.as_string_view().iter().map(|text| text.map(str::to_owned)));
    }
    assert_eq!(texts, documents);
}
