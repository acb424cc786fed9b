//! Tests of type names, schemas and their Arrow face.

use super::*;

fn all() -> Vec<ColumnType> {
    use ColumnType::*;
    let mut types = vec![
        Bool, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float32, Float64, String,
        Bytes, Date, Uuid, Json,
    ];
    types.push(Decimal { precision: 38, scale: -3 });
    types.push(Decimal { precision: 5, scale: 5 });
    types.extend(
        [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond]
            .map(Timestamp),
    );
    types.push(Vector(768));
    let arrays: Vec<ColumnType> = types.iter().cloned().map(|ty| Array(Box::new(ty))).collect();
    types.extend(arrays);
    types.push(Array(Box::new(Array(Box::new(Uuid)))));
    types
}

#[test]
fn names_are_read_back() {
    for ty in all() {
        assert_eq!(ColumnType::parse(&ty.name()).unwrap(), ty, "{ty}");
    }
}

#[test]
fn fields_are_read_back() {
    for (id, ty) in (0..).zip(all()) {
        let column = Column { id, name: "x".into(), ty: ty.clone(), nullable: true };
        assert_eq!(ColumnType::of_field(&column.field()).unwrap(), ty);
    }
    let plain =
        Field::new("x", DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into()), true);
    assert_eq!(ColumnType::of_field(&plain).unwrap(), ColumnType::String);
    let lying = HashMap::from([(TYPE_METADATA_KEY.to_owned(), "UUID".to_owned())]);
    assert!(
        ColumnType::of_field(&Field::new("x", DataType::Int8, true).with_metadata(lying)).is_err()
    );
    assert!(ColumnType::of_field(&Field::new("x", DataType::Null, true)).is_err());
}

#[test]
fn spellings_of_clickhouse_and_sql_are_known() {
    use ColumnType::*;
    let array = |ty| Array(Box::new(ty));
    for (text, ty) in [
        ("LowCardinality(Nullable(String))", String),
        ("FixedString(16)", String),
        ("DateTime", Timestamp(TimeUnit::Second)),
        ("DateTime('UTC')", Timestamp(TimeUnit::Second)),
        ("DateTime64(3, 'UTC')", Timestamp(TimeUnit::Millisecond)),
        ("DateTime64(4)", Timestamp(TimeUnit::Microsecond)),
        ("TIMESTAMP", Timestamp(TimeUnit::Microsecond)),
        ("timestamp(0)", Timestamp(TimeUnit::Second)),
        ("Date32", Date),
        ("Decimal(10,2)", Decimal { precision: 10, scale: 2 }),
        ("NUMERIC(7)", Decimal { precision: 7, scale: 0 }),
        ("Decimal64(4)", Decimal { precision: 18, scale: 4 }),
        ("Array(Nullable(Int64))", array(Int64)),
        ("text[]", array(String)),
        ("INT[][]", array(array(Int32))),
        ("FLOAT[768]", Vector(768)),
        ("VECTOR(3)", Vector(3)),
        ("bigint", Int64),
        ("Double Precision", Float64),
        ("VARCHAR(20)", String),
        ("  bytea ", Bytes),
        ("boolean", Bool),
        ("float(53)", Float64),
        ("jsonb", Json),
        ("INTEGER(11)", Int32),
        ("Int signed", Int32),
        ("CHARACTER LARGE OBJECT", String),
        ("single", Float32),
    ] {
        assert_eq!(ColumnType::parse(text).unwrap(), ty, "{text}");
    }
    assert!(ColumnType::parse_nullable("Nullable(Int8)").unwrap().1);
    assert!(!ColumnType::parse_nullable("Array(Nullable(Int8))").unwrap().1);
}

#[test]
fn bad_names_are_errors_that_quote_them() {
    let nested = format!("{}Int8{}", "Array(".repeat(9), ")".repeat(9));
    let brackets = format!("Int8{}", "[]".repeat(100));
    let parentheses = "Nullable(".repeat(100);
    for text in [
        "",
        "Int7",
        "Array(Int8",
        "Decimal(39, 2)",
        "Decimal(2, 3)",
        "Decimal(300,1)",
        "DateTime('Europe/Berlin')",
        "DateTime64(10)",
        "INT[3]",
        "INT(x)",
        "STRING SIGNED",
        "VECTOR(0)",
        "VECTOR(1000000)",
        "int8",
        "Map(String, String)",
        "]",
        "[]",
        &nested,
        &brackets,
        &parentheses,
    ] {
        let message = ColumnType::parse(text).unwrap_err().to_string();
        assert!(message.contains("type"), "{text}: {message}");
    }
    assert!(ColumnType::parse(&"x".repeat(5000)).is_err());
}

#[test]
fn schemas_refuse_duplicates() {
    let column =
        |id, name: &str| Column { id, name: name.into(), ty: ColumnType::Int8, nullable: false };
    let schema = Schema::new(vec![column(2, "a"), column(1, "A")]).unwrap();
    assert_eq!(schema.by_name("A").unwrap().id, 1);
    assert_eq!(schema.by_id(2).unwrap().name, "a");
    assert_eq!(schema.arrow().field(0).name(), "a");
    assert!(Schema::new(vec![column(1, "a"), column(1, "b")]).is_err());
    assert!(Schema::new(vec![column(1, "a"), column(2, "a")]).is_err());
    assert!(Schema::new(vec![column(1, "")]).is_err());
    assert!(Schema::new(vec![column(u32::MAX, "a")]).is_err());
}
