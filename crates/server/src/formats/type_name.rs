//! ClickHouse's names for Arrow types, for the meta part of the formats. Parsing them is elsewhere.

use arrow_schema::{DataType, Field, TimeUnit};

/// Field metadata key that holds dodb's own type name, where the Arrow type alone cannot tell
/// `UUID`, `JSON` and `String` apart.
pub const TYPE_KEY: &str = "dodb.type";

/// The ClickHouse name of a field's type, `Nullable(...)` when the field is nullable.
///
/// Timestamps in UTC carry no time zone in their name: UTC is the server's time zone.
pub fn type_name(field: &Field) -> String {
    let base = match noted(field) {
        Some(noted) => noted.to_string(),
        None => base_name(field.data_type()),
    };
    let plain = matches!(
        field.data_type(),
        DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(_, _)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::Map(_, _)
            | DataType::Struct(_)
            | DataType::Null
    );
    if field.is_nullable() && !plain { format!("Nullable({base})") } else { base }
}

/// Whether the field holds JSON text; looks inside arrays.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(TYPE_KEY).is_some_and(|name| name == "JSON")
}

/// Whether the field holds UUIDs as text.
pub(crate) fn is_uuid(field: &Field) -> bool {
    field.metadata().get(TYPE_KEY).is_some_and(|name| name == "UUID")
}

/// The element field of a list, with the element's own noted type when the list has one.
pub(crate) fn element(list: &Field, item: &Field) -> Field {
    let inner = list
        .metadata()
        .get(TYPE_KEY)
        .and_then(|name| name.strip_prefix("Array("))
        .and_then(|name| name.strip_suffix(')'));
    match inner {
        Some(inner) if !item.metadata().contains_key(TYPE_KEY) => item
            .clone()
            .with_metadata([(TYPE_KEY.to_string(), inner.to_string())].into_iter().collect()),
        _ => item.clone(),
    }
}

/// The noted type, trusted only where it fits the Arrow type: an expression may keep the metadata
/// of its argument.
fn noted(field: &Field) -> Option<&str> {
    let name = field.metadata().get(TYPE_KEY)?.as_str();
    let data_type = match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    let fits = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            matches!(name, "JSON" | "UUID" | "String")
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
            name.starts_with("Array(")
        }
        _ => false,
    };
    fits.then_some(name)
}

fn base_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "Nullable(Nothing)".to_string(),
        DataType::Boolean => "Bool".to_string(),
        DataType::Int8 => "Int8".to_string(),
        DataType::Int16 => "Int16".to_string(),
        DataType::Int32 => "Int32".to_string(),
        DataType::Int64 => "Int64".to_string(),
        DataType::UInt8 => "UInt8".to_string(),
        DataType::UInt16 => "UInt16".to_string(),
        DataType::UInt32 => "UInt32".to_string(),
        DataType::UInt64 => "UInt64".to_string(),
        DataType::Float16 | DataType::Float32 => "Float32".to_string(),
        DataType::Float64 => "Float64".to_string(),
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => format!("Decimal({p}, {s})"),
        DataType::Date32 => "Date".to_string(),
        DataType::Date64 => "DateTime64(3)".to_string(),
        DataType::Timestamp(unit, zone) => timestamp_name(*unit, zone.as_deref()),
        DataType::Dictionary(_, value) => base_name(value),
        DataType::RunEndEncoded(_, value) => base_name(value.data_type()),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => format!("Array({})", type_name(item)),
        DataType::Struct(fields) if is_unnamed(fields.iter().map(|f| f.name().as_str())) => {
            let inner: Vec<String> = fields.iter().map(|f| type_name(f)).collect();
            format!("Tuple({})", inner.join(", "))
        }
        DataType::Struct(fields) => {
            let inner = fields.iter().map(|f| format!("{} {}", tuple_name(f.name()), type_name(f)));
            format!("Tuple({})", inner.collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let inner: Vec<String> = fields.iter().map(|f| type_name(f)).collect();
                format!("Map({})", inner.join(", "))
            }
            _ => "String".to_string(),
        },
        // Strings, bytes, times of day, durations and intervals are all text on the wire.
        _ => "String".to_string(),
    }
}

fn timestamp_name(unit: TimeUnit, zone: Option<&str>) -> String {
    let zone = zone.filter(|zone| !is_utc(zone));
    let digits = match unit {
        TimeUnit::Second => {
            return zone.map_or("DateTime".to_string(), |zone| format!("DateTime('{zone}')"));
        }
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    zone.map_or(format!("DateTime64({digits})"), |zone| format!("DateTime64({digits}, '{zone}')"))
}

/// Whether a time zone is UTC under one of its usual names.
pub(crate) fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "Z" | "+00:00" | "+0000" | "+00" | "GMT")
}

/// Are the parts of a tuple called 1, 2, 3...?
pub(crate) fn is_unnamed<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut names = names.enumerate().peekable();
    names.peek().is_some() && names.all(|(at, name)| name.parse() == Ok(at + 1))
}

fn tuple_name(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if plain { name.to_string() } else { format!("`{}`", name.replace('`', "\\`")) }
}
