//! Statistics of Parquet chunks and pages as dodb's column statistics, so that one pruning decides
//! for hot parts and warm files alike. What a foreign writer may have got wrong proves nothing.

use dodb_part::{ColumnStats, ColumnType, Scalar, TimeUnit};
use parquet::basic::{LogicalType, TimeUnit as ParquetUnit, Type as Physical};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;
use uuid::Uuid;

/// A value as Parquet stores it.
enum Stored<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Bytes(&'a [u8]),
}

/// What is known of all values of a column in one row group.
pub(super) fn of_chunk(chunk: &ColumnChunkMetaData, ty: &ColumnType) -> Option<ColumnStats> {
    let column = chunk.column_descr();
    let statistics = chunk.statistics()?;
    let rows = u64::try_from(chunk.num_values()).ok()?;
    let nulls = statistics.null_count_opt()?;
    if column.max_rep_level() > 0 || nulls > rows {
        return None;
    }
    // The old fields of the footer compare text by signed bytes.
    let is_ordered = !statistics.is_min_max_deprecated() || !is_bytes(column);
    let (min, max) = if is_ordered { chunk_bounds(statistics) } else { (None, None) };
    Some(stats(rows, nulls, min, max, ty, column))
}

/// What is known of the values of a column in one page of `rows` rows.
pub(super) fn of_page(
    index: &ColumnIndexMetaData,
    page: usize,
    rows: u64,
    column: &ColumnDescriptor,
    ty: &ColumnType,
) -> Option<ColumnStats> {
    if column.max_rep_level() > 0 || matches!(index, ColumnIndexMetaData::NONE) {
        return None;
    }
    if usize::try_from(index.num_pages()).ok()? <= page {
        return None;
    }
    if index.is_null_page(page) {
        return Some(ColumnStats { rows, nulls: rows, ..ColumnStats::default() });
    }
    let nulls = u64::try_from(index.null_count(page)?).ok().filter(|nulls| *nulls <= rows)?;
    let (min, max) = page_bounds(index, page);
    Some(stats(rows, nulls, min, max, ty, column))
}

fn stats(
    rows: u64,
    nulls: u64,
    min: Option<Stored<'_>>,
    max: Option<Stored<'_>>,
    ty: &ColumnType,
    column: &ColumnDescriptor,
) -> ColumnStats {
    ColumnStats {
        rows,
        nulls,
        min: min.and_then(|value| scalar(value, ty, column, false)),
        max: max.and_then(|value| scalar(value, ty, column, true)),
        exact: false,
        distinct: 0,
        values: None,
    }
}

fn is_bytes(column: &ColumnDescriptor) -> bool {
    matches!(column.physical_type(), Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY)
}

fn chunk_bounds(statistics: &Statistics) -> (Option<Stored<'_>>, Option<Stored<'_>>) {
    fn both<T, S>(min: Option<T>, max: Option<T>, of: impl Fn(T) -> S) -> (Option<S>, Option<S>) {
        (min.map(&of), max.map(&of))
    }
    match statistics {
        Statistics::Boolean(s) => both(s.min_opt(), s.max_opt(), |v| Stored::Bool(*v)),
        Statistics::Int32(s) => both(s.min_opt(), s.max_opt(), |v| Stored::Int((*v).into())),
        Statistics::Int64(s) => both(s.min_opt(), s.max_opt(), |v| Stored::Int(*v)),
        Statistics::Float(s) => both(s.min_opt(), s.max_opt(), |v| Stored::Float((*v).into())),
        Statistics::Double(s) => both(s.min_opt(), s.max_opt(), |v| Stored::Float(*v)),
        Statistics::ByteArray(s) => both(s.min_opt(), s.max_opt(), |v| Stored::Bytes(v.data())),
        Statistics::FixedLenByteArray(s) => {
            both(s.min_opt(), s.max_opt(), |v| Stored::Bytes(v.data()))
        }
        Statistics::Int96(_) => (None, None),
    }
}

fn page_bounds(
    index: &ColumnIndexMetaData,
    page: usize,
) -> (Option<Stored<'_>>, Option<Stored<'_>>) {
    fn both<T, S>(min: Option<T>, max: Option<T>, of: impl Fn(T) -> S) -> (Option<S>, Option<S>) {
        (min.map(&of), max.map(&of))
    }
    use ColumnIndexMetaData as Index;
    match index {
        Index::BOOLEAN(i) => both(i.min_value(page), i.max_value(page), |v| Stored::Bool(*v)),
        Index::INT32(i) => both(i.min_value(page), i.max_value(page), |v| Stored::Int((*v).into())),
        Index::INT64(i) => both(i.min_value(page), i.max_value(page), |v| Stored::Int(*v)),
        Index::FLOAT(i) => {
            both(i.min_value(page), i.max_value(page), |v| Stored::Float((*v).into()))
        }
        Index::DOUBLE(i) => both(i.min_value(page), i.max_value(page), |v| Stored::Float(*v)),
        Index::BYTE_ARRAY(i) | Index::FIXED_LEN_BYTE_ARRAY(i) => {
            both(i.min_value(page), i.max_value(page), Stored::Bytes)
        }
        Index::INT96(_) | Index::NONE => (None, None),
    }
}

/// A bound in the terms of the column; none where the file's type says something else.
fn scalar(
    value: Stored<'_>,
    ty: &ColumnType,
    column: &ColumnDescriptor,
    is_upper: bool,
) -> Option<Scalar> {
    let logical = column.logical_type_ref();
    let is_unsigned = matches!(logical, Some(LogicalType::Integer(of)) if !of.is_signed);
    if is_unsigned {
        return None;
    }
    match (ty, value) {
        (ColumnType::Bool, Stored::Bool(value)) => Some(Scalar::Bool(value)),
        (
            ColumnType::Int8
            | ColumnType::Int16
            | ColumnType::Int32
            | ColumnType::Int64
            | ColumnType::UInt8
            | ColumnType::UInt16
            | ColumnType::UInt32
            | ColumnType::Date
            | ColumnType::Timestamp(TimeUnit::Nanosecond),
            Stored::Int(value),
        ) if !matches!(logical, Some(LogicalType::Timestamp(_))) => Some(Scalar::Int(value)),
        (ColumnType::Timestamp(unit), Stored::Int(value)) => time(value, *unit, logical),
        (ColumnType::Float32 | ColumnType::Float64, Stored::Float(value)) => {
            (!value.is_nan()).then_some(Scalar::Float(value))
        }
        (ColumnType::Decimal { scale, .. }, value) => {
            let same = i32::from(*scale) == column.type_scale();
            decimal(value).filter(|_| same).map(Scalar::Decimal)
        }
        (ColumnType::UInt64, value) => {
            let value = decimal(value).filter(|_| column.type_scale() == 0)?;
            u64::try_from(value).ok().map(Scalar::UInt)
        }
        (ColumnType::String, Stored::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Some(Scalar::String(text.to_owned())),
            // Cut through a character: what is whole is less.
            Err(e) if !is_upper => {
                let whole = bytes.get(..e.valid_up_to())?;
                std::str::from_utf8(whole).ok().map(|text| Scalar::String(text.to_owned()))
            }
            Err(_) => None,
        },
        (ColumnType::Bytes, Stored::Bytes(bytes)) => Some(Scalar::Bytes(bytes.to_vec())),
        (ColumnType::Uuid, Stored::Bytes(bytes)) => {
            let uuid = Uuid::from_slice(bytes).ok()?;
            Some(Scalar::String(uuid.hyphenated().to_string()))
        }
        _ => None,
    }
}

/// Divided as values are when they are read: toward zero.
fn time(value: i64, unit: TimeUnit, logical: Option<&LogicalType>) -> Option<Scalar> {
    let Some(LogicalType::Timestamp(stored)) = logical else { return None };
    let divisor = match (stored.unit, unit) {
        (ParquetUnit::MICROS, TimeUnit::Microsecond) => 1,
        (ParquetUnit::MICROS, TimeUnit::Millisecond) => 1_000,
        (ParquetUnit::MICROS, TimeUnit::Second) => 1_000_000,
        (ParquetUnit::NANOS, TimeUnit::Nanosecond) => 1,
        _ => return None,
    };
    Some(Scalar::Int(value / divisor))
}

fn decimal(value: Stored<'_>) -> Option<i128> {
    match value {
        Stored::Int(value) => Some(value.into()),
        Stored::Bytes(bytes) if (1..=16).contains(&bytes.len()) => {
            let sign = if bytes.first()? & 0x80 != 0 { 0xff } else { 0 };
            let mut wide = [sign; 16];
            wide.get_mut(16 - bytes.len()..)?.copy_from_slice(bytes);
            Some(i128::from_be_bytes(wide))
        }
        _ => None,
    }
}
