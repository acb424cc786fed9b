//! The batches that `fixtures/formats/record.py` makes with ClickHouse, made with Arrow.

use std::sync::Arc;

use arrow_array::builder::*;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

pub fn noted(field: Field, name: &str) -> Field {
    field.with_metadata([("dodb.type".to_string(), name.to_string())].into_iter().collect())
}

pub fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn plain(name: &str, array: ArrayRef) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), false), array)
}

fn nullable(name: &str, array: ArrayRef) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), true), array)
}

pub fn utc() -> Option<Arc<str>> {
    Some("UTC".into())
}

const DAY: i64 = 86_400;
/// 2024-01-02 03:04:05, 2105-12-31 and 2299-12-31 in seconds.
const T: i64 = 1_704_164_645;

pub fn scalars() -> RecordBatch {
    let d2105 = 49_672i64;
    let text = StringViewArray::from(vec!["plain", "", "é日本"]);
    let uuid = StringViewArray::from(vec![
        "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ]);
    let end = (120_529 * DAY + DAY - 1) * 1000 + 999;
    let half_1900 = -25_567 * DAY;
    let ms = |v: Vec<Option<i64>>| TimestampMillisecondArray::from(v).with_timezone("UTC");
    let decimal = Decimal128Array::from(vec![12_300, 0, -5]).with_precision_and_scale(10, 3);
    batch(vec![
        plain("u8", Arc::new(UInt8Array::from(vec![255, 0, 1]))),
        plain("u16", Arc::new(UInt16Array::from(vec![65535, 0, 2]))),
        plain("u32", Arc::new(UInt32Array::from(vec![u32::MAX, 0, 3]))),
        plain("u64", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 4]))),
        plain("i8", Arc::new(Int8Array::from(vec![-128, 0, 127]))),
        plain("i16", Arc::new(Int16Array::from(vec![i16::MIN, 0, i16::MAX]))),
        plain("i32", Arc::new(Int32Array::from(vec![i32::MIN, 0, i32::MAX]))),
        plain("i64", Arc::new(Int64Array::from(vec![i64::MIN, 0, i64::MAX]))),
        plain("f32", Arc::new(Float32Array::from(vec![0.1, 0.0, -2.5]))),
        plain("f64", Arc::new(Float64Array::from(vec![1.5, 0.0, 1e300]))),
        plain("b", Arc::new(BooleanArray::from(vec![true, false, true]))),
        plain("s", Arc::new(text)),
        plain("d", Arc::new(Date32Array::from(vec![19_782, 0, d2105 as i32]))),
        plain(
            "dt",
            Arc::new(
                TimestampSecondArray::from(vec![T, 0, d2105 * DAY + DAY - 1]).with_timezone("UTC"),
            ),
        ),
        plain("d3", Arc::new(ms(vec![Some(T * 1000 + 678), Some(0), Some(end)]))),
        plain(
            "d6",
            Arc::new(
                TimestampMicrosecondArray::from(vec![
                    T * 1_000_000 + 678,
                    0,
                    half_1900 * 1_000_000 + 500_000,
                ])
                .with_timezone("UTC"),
            ),
        ),
        plain(
            "d9",
            Arc::new(
                TimestampNanosecondArray::from(vec![
                    T * 1_000_000_000 + 1,
                    0,
                    half_1900 * 1_000_000_000 + 500_000_000,
                ])
                .with_timezone("UTC"),
            ),
        ),
        plain("dec", Arc::new(decimal.unwrap())),
        (noted(Field::new("id", DataType::Utf8View, false), "UUID"), Arc::new(uuid)),
        nullable("ni", Arc::new(Int64Array::from(vec![Some(7), None, Some(-1)]))),
        nullable("ns", Arc::new(StringViewArray::from(vec![Some("x"), None, Some("")]))),
        nullable("nd", Arc::new(ms(vec![Some(-999), None, None]))),
    ])
}

/// A list of `item` from the rows' elements.
fn list(name: &str, item: Field, elements: ArrayRef, lengths: [usize; 2]) -> (Field, ArrayRef) {
    let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths);
    let array = ListArray::new(Arc::new(item), offsets, elements, None);
    plain(name, Arc::new(array))
}

fn item(data_type: DataType) -> Field {
    Field::new("item", data_type, false)
}

pub fn nested() -> RecordBatch {
    let strings = StringViewArray::from(vec!["a'b", "c\"d", "e\tf\\"]);
    let inner = arrow_buffer::OffsetBuffer::from_lengths([1, 0, 2]);
    let inner_item = Arc::new(item(DataType::UInt8));
    let inner_list =
        ListArray::new(inner_item.clone(), inner, Arc::new(UInt8Array::from(vec![1, 2, 3])), None);
    let times = TimestampMillisecondArray::from(vec![1_704_067_200_500]).with_timezone("UTC");
    let times_type = DataType::Timestamp(TimeUnit::Millisecond, utc());
    let vector = FixedSizeListArray::new(
        Arc::new(item(DataType::Float32)),
        2,
        Arc::new(Float32Array::from(vec![0.25, -1.0, 0.0, 0.0])),
        None,
    );
    let uuids = StringViewArray::from(vec!["61f0c404-5cb3-11e7-907b-a6006ad3dba0"]);
    let decimals = Decimal128Array::from(vec![150, -225]).with_precision_and_scale(9, 2).unwrap();
    let (u_field, u_array) = list("u", item(DataType::Utf8View), Arc::new(uuids), [1, 0]);
    let nullable_item = Field::new("item", DataType::Int32, true);
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![None, Some(1)]));
    batch(vec![
        list("a", item(DataType::Int32), Arc::new(Int32Array::from(vec![1, -2])), [2, 0]),
        list("s", item(DataType::Utf8View), Arc::new(strings), [3, 0]),
        list("n", nullable_item, numbers, [2, 0]),
        list("aa", item(DataType::List(inner_item)), Arc::new(inner_list), [3, 0]),
        list("d", item(DataType::Date32), Arc::new(Date32Array::from(vec![19_723])), [1, 0]),
        list("t", item(times_type), Arc::new(times), [1, 0]),
        list("f", item(DataType::Float64), Arc::new(Float64Array::from(vec![1.5, 0.1])), [2, 0]),
        list("b", item(DataType::Boolean), Arc::new(BooleanArray::from(vec![true, false])), [2, 0]),
        plain("v", Arc::new(vector)),
        plain("m", map()),
        (noted(u_field, "Array(UUID)"), u_array),
        list("e", item(decimals.data_type().clone()), Arc::new(decimals), [2, 0]),
    ])
}

fn map() -> ArrayRef {
    let fields = vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Int32, false),
    ];
    let entries = StructArray::new(
        fields.into(),
        vec![
            Arc::new(StringArray::from(vec!["k", "l'\""])),
            Arc::new(Int32Array::from(vec![1, 2])),
        ],
        None,
    );
    let field = Field::new("entries", entries.data_type().clone(), false);
    let offsets = arrow_buffer::OffsetBuffer::from_lengths([2, 0]);
    Arc::new(MapArray::new(Arc::new(field), offsets, entries, None, false))
}

pub fn tuple() -> RecordBatch {
    let fields: arrow_schema::Fields =
        vec![Field::new("x", DataType::Int32, false), Field::new("y", DataType::Utf8View, false)]
            .into();
    let tuples = |numbers: Vec<i32>, texts: Vec<&str>| -> StructArray {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(numbers)), Arc::new(StringViewArray::from(texts))];
        StructArray::new(fields.clone(), columns, None)
    };
    let two = tuples(vec![1, 2], vec!["q", "r"]);
    let tuple_list = ListArray::new(
        Arc::new(item(two.data_type().clone())),
        arrow_buffer::OffsetBuffer::from_lengths([2]),
        Arc::new(two),
        None,
    );
    let numbers = ListArray::new(
        Arc::new(item(DataType::UInt8)),
        arrow_buffer::OffsetBuffer::from_lengths([2]),
        Arc::new(UInt8Array::from(vec![1, 2])),
        None,
    );
    let entry_fields = vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", numbers.data_type().clone(), false),
    ];
    let entries = StructArray::new(
        entry_fields.into(),
        vec![Arc::new(StringArray::from(vec!["k"])), Arc::new(numbers)],
        None,
    );
    let field = Field::new("entries", entries.data_type().clone(), false);
    let offsets = arrow_buffer::OffsetBuffer::from_lengths([1]);
    let map = MapArray::new(Arc::new(field), offsets, entries, None, false);
    batch(vec![
        plain("t", Arc::new(tuples(vec![1], vec!["q"]))),
        plain("at", Arc::new(tuple_list)),
        plain("ma", Arc::new(map)),
    ])
}

pub fn floats() -> RecordBatch {
    let x = vec![
        1e15,
        1e16,
        1e20,
        1e21,
        1e22,
        123456789012345678.,
        0.001,
        0.0001,
        0.00001,
        0.000001,
        0.0000001,
        1e-10,
        1.5e300,
        -0.,
        3.,
        1e5,
        123456.789,
        5e-324,
        0.00012345,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        16777217.,
    ];
    let y: Vec<f32> = x.iter().map(|x: &f64| *x as f32).collect();
    batch(vec![
        plain("x", Arc::new(Float64Array::from(x))),
        plain("y", Arc::new(Float32Array::from(y))),
    ])
}

pub fn strings() -> RecordBatch {
    let texts = vec![
        "a'b\"c`d",
        "tab\tnl\nback\\slash",
        "sl/ash </script>",
        "\r\u{8}\u{c}\0",
        "x\u{1}\u{1b}\u{7f}",
        "\u{2028}\u{2029}€",
        "日本語é",
        ", ; | & * _ ",
        "",
        " ",
        "\\N",
        "NULL",
    ];
    batch(vec![plain("s \"q'", Arc::new(StringViewArray::from(texts)))])
}

pub fn empty() -> RecordBatch {
    batch(vec![
        plain("a", Arc::new(UInt8Array::from(Vec::<u8>::new()))),
        nullable("b", Arc::new(StringViewArray::from(Vec::<&str>::new()))),
    ])
}

pub fn json() -> RecordBatch {
    let text = "{\"a\":1,\r\n\"b\":[1,\"x\\ny'\"]}";
    let field = noted(Field::new("j", DataType::Utf8View, false), "JSON");
    batch(vec![
        (field, Arc::new(StringViewArray::from(vec![text.replace("\r\n", "")]))),
        plain("n", Arc::new(UInt8Array::from(vec![5]))),
    ])
}

pub fn table() -> RecordBatch {
    let texts: StringArray = (0..60).map(|n| Some("y".repeat(n))).collect();
    let texts = arrow_cast::cast(&texts, &DataType::Utf8View).unwrap();
    let some: UInt64Array = (0..60u64).map(|n| (n % 3 != 0).then_some(n)).collect();
    batch(vec![
        plain("number", Arc::new((0..60u64).collect::<PrimitiveArray<UInt64Type>>())),
        plain("a long name (cut at some width)", texts),
        nullable("n", Arc::new(some)),
    ])
}

pub fn numbers(count: u64) -> RecordBatch {
    batch(vec![plain("number", Arc::new((0..count).collect::<PrimitiveArray<UInt64Type>>()))])
}

pub fn lines() -> RecordBatch {
    let twice = |text: &str| -> ArrayRef { Arc::new(StringViewArray::from(vec![text, text])) };
    batch(vec![
        plain("x", Arc::new(UInt64Array::from(vec![0, 1]))),
        plain("s", twice("a\nbcd\n")),
        plain("t", twice("a\tb")),
        plain("y", twice("é日本👍🏽")),
    ])
}

pub fn wide() -> RecordBatch {
    let none: StringViewArray = vec![None::<&str>; 3].into_iter().collect();
    batch(vec![
        plain("a", Arc::new(UInt8Array::from(vec![1, 1, 1]))),
        plain("b", Arc::new(StringViewArray::from(vec!["x\ny"; 3]))),
        nullable("c", Arc::new(none)),
        plain("d", Arc::new(UInt32Array::from(vec![12_345_678; 3]))),
        plain("e", Arc::new(Float64Array::from(vec![-1.5e9; 3]))),
    ])
}

pub fn broad() -> RecordBatch {
    let times =
        |text: &str, n| -> ArrayRef { Arc::new(StringViewArray::from(vec![text.repeat(n); 3])) };
    batch(vec![plain("x", times("z", 300)), plain("y", times("w", 20))])
}

pub fn remarks() -> RecordBatch {
    let x = vec![
        1000000.,
        999999.,
        1234567.,
        1e9,
        1.5e12,
        2e15,
        3e18,
        4e21,
        5e24,
        9e35,
        1e36,
        1e39,
        -1e6,
        -123456789.,
        f64::NAN,
        f64::INFINITY,
    ];
    batch(vec![plain("x", Arc::new(Float64Array::from(x)))])
}

/// The batch of the same rows with every string column as a dictionary.
pub fn with_dictionaries(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields()).map(|(array, field)| {
        if array.data_type() != &DataType::Utf8View {
            return (field.as_ref().clone(), array.clone());
        }
        let mut builder = StringDictionaryBuilder::<Int32Type>::new();
        for value in array.as_string_view().iter() {
            builder.append_option(value);
        }
        let array: ArrayRef = Arc::new(builder.finish());
        (field.as_ref().clone().with_data_type(array.data_type().clone()), array)
    });
    self::batch(columns.collect())
}
