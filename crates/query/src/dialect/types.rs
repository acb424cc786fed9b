//! Type names: ClickHouse's and common SQL ones to Arrow types, and Arrow types to ClickHouse
//! names. What a column stores is the catalog's concern, not decided here.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::{Result, not_impl_err, plan_err};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, DataType as SqlType, ExactNumberInfo, ObjectName,
};

/// Makes DataFusion read type names as ClickHouse does (`Int8` is one byte, `DateTime` seconds).
#[derive(Debug, Default, Clone, Copy)]
pub struct ClickHouseTypes;

impl TypePlanner for ClickHouseTypes {
    fn plan_type(&self, sql_type: &SqlType) -> Result<Option<DataType>> {
        arrow_type(sql_type)
    }
}

/// Timestamps of this crate are instants in UTC.
pub(crate) fn timestamp(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

/// The Arrow type of a type name; `None` leaves it to DataFusion.
///
/// # Errors
/// For types that no column or cast can have.
pub(crate) fn arrow_type(sql_type: &SqlType) -> Result<Option<DataType>> {
    let arrow = match sql_type {
        SqlType::Int8(_) | SqlType::TinyInt(_) => DataType::Int8,
        SqlType::Int16 | SqlType::SmallInt(_) | SqlType::Int2(_) => DataType::Int16,
        SqlType::Int32 | SqlType::Int(_) | SqlType::Integer(_) | SqlType::Int4(_) => {
            DataType::Int32
        }
        SqlType::Int64 | SqlType::BigInt(_) | SqlType::Signed | SqlType::SignedInteger => {
            DataType::Int64
        }
        SqlType::UInt8 | SqlType::UTinyInt | SqlType::TinyIntUnsigned(_) => DataType::UInt8,
        SqlType::UInt16 | SqlType::USmallInt | SqlType::SmallIntUnsigned(_) => DataType::UInt16,
        SqlType::UInt32 | SqlType::IntUnsigned(_) | SqlType::IntegerUnsigned(_) => DataType::UInt32,
        SqlType::UInt64
        | SqlType::UBigInt
        | SqlType::BigIntUnsigned(_)
        | SqlType::Unsigned
        | SqlType::UnsignedInteger => DataType::UInt64,
        SqlType::Int128 | SqlType::Int256 | SqlType::UInt128 | SqlType::UInt256 => {
            return not_impl_err!("type {sql_type} is not supported: use Int64 or Decimal(38, 0)");
        }
        SqlType::Float32 | SqlType::Real | SqlType::Float4 | SqlType::Float(_) => DataType::Float32,
        SqlType::Float64 | SqlType::Double(_) | SqlType::DoublePrecision | SqlType::Float8 => {
            DataType::Float64
        }
        SqlType::Bool | SqlType::Boolean => DataType::Boolean,
        SqlType::String(_)
        | SqlType::FixedString(_)
        | SqlType::Text
        | SqlType::TinyText
        | SqlType::MediumText
        | SqlType::LongText
        | SqlType::Varchar(_)
        | SqlType::Char(_)
        | SqlType::Character(_)
        | SqlType::CharacterVarying(_)
        | SqlType::CharVarying(_)
        | SqlType::Nvarchar(_)
        | SqlType::Clob(_)
        | SqlType::Uuid
        | SqlType::JSON
        | SqlType::JSONB
        | SqlType::Enum(..) => DataType::Utf8View,
        SqlType::Blob(_) | SqlType::Bytea | SqlType::Bytes(_) | SqlType::Binary(_) => {
            DataType::BinaryView
        }
        SqlType::Date | SqlType::Date32 => DataType::Date32,
        SqlType::Datetime(None) => timestamp(TimeUnit::Second),
        SqlType::Datetime(Some(digits)) | SqlType::Datetime64(digits, _) => {
            timestamp(unit(*digits)?)
        }
        SqlType::Timestamp(digits, _) => timestamp(unit(digits.unwrap_or(6))?),
        SqlType::Decimal(info) | SqlType::Numeric(info) | SqlType::Dec(info) => decimal(info)?,
        SqlType::Nullable(inner) | SqlType::LowCardinality(inner) => return arrow_type(inner),
        SqlType::Array(
            ArrayElemTypeDef::Parenthesis(inner)
            | ArrayElemTypeDef::AngleBracket(inner)
            | ArrayElemTypeDef::SquareBracket(inner, None),
        ) => match arrow_type(inner)? {
            Some(inner) => DataType::List(Arc::new(Field::new_list_field(inner, true))),
            None => return Ok(None),
        },
        SqlType::Custom(name, arguments) => return custom(name, arguments),
        _ => return Ok(None),
    };
    Ok(Some(arrow))
}

/// Names the parser has no variant for: `DateTime('UTC')`, `Decimal64(2)`.
fn custom(name: &ObjectName, arguments: &[String]) -> Result<Option<DataType>> {
    let name = name.to_string();
    let number = || arguments.first().and_then(|text| text.trim().parse::<u64>().ok());
    Ok(match name.to_ascii_lowercase().as_str() {
        "datetime" => Some(timestamp(TimeUnit::Second)),
        "datetime64" => Some(timestamp(unit(number().unwrap_or(3))?)),
        "decimal32" => Some(decimal_of(9, number())?),
        "decimal64" => Some(decimal_of(18, number())?),
        "decimal128" => Some(decimal_of(38, number())?),
        "vector" => {
            let item = Field::new_list_field(DataType::Float32, true);
            Some(DataType::List(Arc::new(item)))
        }
        _ => None,
    })
}

fn unit(digits: u64) -> Result<TimeUnit> {
    match digits {
        0 => Ok(TimeUnit::Second),
        1..=3 => Ok(TimeUnit::Millisecond),
        4..=6 => Ok(TimeUnit::Microsecond),
        7..=9 => Ok(TimeUnit::Nanosecond),
        _ => plan_err!("DateTime64({digits}): at most 9 digits after the second"),
    }
}

fn decimal(info: &ExactNumberInfo) -> Result<DataType> {
    match info {
        ExactNumberInfo::None => decimal_of(38, Some(10)),
        ExactNumberInfo::Precision(precision) => decimal_of(*precision, Some(0)),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            decimal_of(*precision, u64::try_from(*scale).ok())
        }
    }
}

fn decimal_of(precision: u64, scale: Option<u64>) -> Result<DataType> {
    let scale = scale.unwrap_or(u64::MAX);
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale as u8 <= precision => {
            Ok(DataType::Decimal128(precision, scale))
        }
        _ => plan_err!("Decimal(P, S) wants P from 1 to 38 and S from 0 to P"),
    }
}

/// The ClickHouse name of an Arrow type, as `toTypeName` shows it. Nullability is not shown.
pub fn clickhouse_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "Nullable(Nothing)".into(),
        DataType::Boolean => "Bool".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "String".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "String".into(),
        DataType::Date32 | DataType::Date64 => "Date32".into(),
        DataType::Timestamp(TimeUnit::Second, zone) => match zone {
            Some(zone) => format!("DateTime('{zone}')"),
            None => "DateTime".into(),
        },
        DataType::Timestamp(unit, zone) => {
            let digits = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            match zone {
                Some(zone) => format!("DateTime64({digits}, '{zone}')"),
                None => format!("DateTime64({digits})"),
            }
        }
        DataType::Decimal128(precision, scale) => format!("Decimal({precision}, {scale})"),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            format!("Array({})", clickhouse_name(item.data_type()))
        }
        DataType::Dictionary(_, value) => clickhouse_name(value),
        // Ints and floats have the same names in both.
        other => other.to_string(),
    }
}
