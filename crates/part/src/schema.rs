//! Column types, columns and schemas, and how each type looks in Arrow.
//! Not for stored bytes (`codec`) nor for SQL: type names are parsed here, statements are not.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};

use crate::error::{Error, Result};

/// The key of Arrow field metadata that holds [`ColumnType::name`].
pub const TYPE_METADATA_KEY: &str = "dodb.type";

/// Arrays may be nested this deep, in types and in stored bytes.
pub(crate) const ARRAY_DEPTH_MAX: usize = 8;

/// A [`ColumnType::Vector`] has at most this many dimensions.
pub(crate) const DIMENSIONS_MAX: u32 = 65_536;

/// The largest decimal precision, that of a 128-bit integer.
pub(crate) const PRECISION_MAX: u8 = 38;

/// The unit of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimeUnit {
    /// Seconds since 1970-01-01 UTC.
    Second,
    /// Milliseconds since 1970-01-01 UTC.
    Millisecond,
    /// Microseconds since 1970-01-01 UTC.
    Microsecond,
    /// Nanoseconds since 1970-01-01 UTC.
    Nanosecond,
}

impl TimeUnit {
    /// The same unit in Arrow.
    pub fn arrow(self) -> arrow_schema::TimeUnit {
        match self {
            TimeUnit::Second => arrow_schema::TimeUnit::Second,
            TimeUnit::Millisecond => arrow_schema::TimeUnit::Millisecond,
            TimeUnit::Microsecond => arrow_schema::TimeUnit::Microsecond,
            TimeUnit::Nanosecond => arrow_schema::TimeUnit::Nanosecond,
        }
    }
}

/// The type of a column, without its nullability.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// True or false.
    Bool,
    /// 8-bit signed integer.
    Int8,
    /// 16-bit signed integer.
    Int16,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 8-bit unsigned integer.
    UInt8,
    /// 16-bit unsigned integer.
    UInt16,
    /// 32-bit unsigned integer.
    UInt32,
    /// 64-bit unsigned integer.
    UInt64,
    /// IEEE 754 single.
    Float32,
    /// IEEE 754 double.
    Float64,
    /// Fixed-point number in 128 bits.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point.
        scale: i8,
    },
    /// UTF-8 text.
    String,
    /// Any bytes.
    Bytes,
    /// Days since 1970-01-01.
    Date,
    /// A moment in UTC.
    Timestamp(TimeUnit),
    /// A UUID; canonical lower-case text in Arrow, 16 bytes when stored.
    Uuid,
    /// JSON text.
    Json,
    /// A list of nullable elements.
    Array(Box<ColumnType>),
    /// A vector of so many 32-bit floats.
    Vector(u32),
}

impl ColumnType {
    /// The Arrow type of arrays of this column, both into a writer and out of a reader.
    pub fn arrow(&self) -> DataType {
        match self {
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Int8 => DataType::Int8,
            ColumnType::Int16 => DataType::Int16,
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::UInt8 => DataType::UInt8,
            ColumnType::UInt16 => DataType::UInt16,
            ColumnType::UInt32 => DataType::UInt32,
            ColumnType::UInt64 => DataType::UInt64,
            ColumnType::Float32 => DataType::Float32,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
            ColumnType::String | ColumnType::Uuid | ColumnType::Json => DataType::Utf8View,
            ColumnType::Bytes => DataType::BinaryView,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp(unit) => DataType::Timestamp(unit.arrow(), Some("UTC".into())),
            ColumnType::Array(element) => DataType::List(element_field(element.arrow())),
            ColumnType::Vector(dimensions) => DataType::FixedSizeList(
                element_field(DataType::Float32),
                i32::try_from(*dimensions).unwrap_or(i32::MAX),
            ),
        }
    }

    /// Reads a type name: ClickHouse's names first, then common SQL ones. `Nullable` and
    /// `LowCardinality` are accepted and dropped; [`ColumnType::parse_nullable`] keeps the former.
    ///
    /// # Errors
    /// [`Error::Unsupported`] or [`Error::Type`] naming the text and what is wrong with it.
    pub fn parse(text: &str) -> Result<ColumnType> {
        Ok(parse::parse(text)?.0)
    }

    /// Like [`ColumnType::parse`]; the flag is true when the outermost type was `Nullable(...)`.
    ///
    /// # Errors
    /// As for [`ColumnType::parse`].
    pub fn parse_nullable(text: &str) -> Result<(ColumnType, bool)> {
        parse::parse(text)
    }

    /// The name in ClickHouse's spelling; [`ColumnType::parse`] reads it back.
    pub fn name(&self) -> String {
        match self {
            ColumnType::Decimal { precision, scale } => format!("Decimal({precision}, {scale})"),
            ColumnType::Array(element) => format!("Array({})", element.name()),
            ColumnType::Vector(dimensions) => format!("Vector({dimensions})"),
            simple => simple.simple_name().to_owned(),
        }
    }

    fn simple_name(&self) -> &'static str {
        match self {
            ColumnType::Bool => "Bool",
            ColumnType::Int8 => "Int8",
            ColumnType::Int16 => "Int16",
            ColumnType::Int32 => "Int32",
            ColumnType::Int64 => "Int64",
            ColumnType::UInt8 => "UInt8",
            ColumnType::UInt16 => "UInt16",
            ColumnType::UInt32 => "UInt32",
            ColumnType::UInt64 => "UInt64",
            ColumnType::Float32 => "Float32",
            ColumnType::Float64 => "Float64",
            ColumnType::Decimal { .. } => "Decimal",
            ColumnType::String => "String",
            ColumnType::Bytes => "Bytes",
            ColumnType::Date => "Date",
            ColumnType::Timestamp(TimeUnit::Second) => "DateTime",
            ColumnType::Timestamp(TimeUnit::Millisecond) => "DateTime64(3)",
            ColumnType::Timestamp(TimeUnit::Microsecond) => "DateTime64(6)",
            ColumnType::Timestamp(TimeUnit::Nanosecond) => "DateTime64(9)",
            ColumnType::Uuid => "UUID",
            ColumnType::Json => "JSON",
            ColumnType::Array(_) => "Array",
            ColumnType::Vector(_) => "Vector",
        }
    }

    /// The column type of an Arrow field: its `dodb.type` metadata, else the natural one.
    ///
    /// # Errors
    /// [`Error::Type`] when the metadata contradicts the Arrow type; [`Error::Unsupported`] for
    /// an Arrow type that no column has.
    pub fn of_field(field: &Field) -> Result<ColumnType> {
        let natural = of_arrow(field.data_type(), 0);
        let Some(name) = field.metadata().get(TYPE_METADATA_KEY) else { return natural };
        let named = ColumnType::parse(name)?;
        match natural {
            Ok(natural) if natural.arrow() == named.arrow() => Ok(named),
            _ => Err(Error::wrong_type(
                format!("field {:?}", field.name()),
                format!("metadata says {name}, but the Arrow type is {}", field.data_type()),
            )),
        }
    }

    /// Checks the bounds that Rust's types do not: precision, scale, dimensions, nesting.
    ///
    /// # Errors
    /// [`Error::Unsupported`] naming the type and the bound.
    pub fn check(&self) -> Result<()> {
        let mut ty = self;
        for _ in 0..=ARRAY_DEPTH_MAX {
            match ty {
                ColumnType::Array(element) => ty = element,
                other => return other.check_scalar(),
            }
        }
        Err(self.unsupported(format!("arrays may be nested at most {ARRAY_DEPTH_MAX} deep")))
    }

    fn check_scalar(&self) -> Result<()> {
        match self {
            ColumnType::Decimal { precision, scale } => {
                let digits = i16::from(*precision);
                if !(1..=PRECISION_MAX).contains(precision) {
                    return Err(self.unsupported(format!("the precision is 1 to {PRECISION_MAX}")));
                }
                if !(-digits..=digits).contains(&i16::from(*scale)) {
                    return Err(self.unsupported("the scale is at most the precision".into()));
                }
                Ok(())
            }
            ColumnType::Vector(n) if !(1..=DIMENSIONS_MAX).contains(n) => {
                Err(self.unsupported(format!("a vector has 1 to {DIMENSIONS_MAX} dimensions")))
            }
            _ => Ok(()),
        }
    }

    fn unsupported(&self, detail: String) -> Error {
        Error::Unsupported { what: format!("type {}", self.name()), detail }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The Arrow field of list elements.
pub(crate) fn element_field(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, true))
}

fn of_arrow(data_type: &DataType, depth: usize) -> Result<ColumnType> {
    use arrow_schema::TimeUnit as Unit;
    Ok(match data_type {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int8 => ColumnType::Int8,
        DataType::Int16 => ColumnType::Int16,
        DataType::Int32 => ColumnType::Int32,
        DataType::Int64 => ColumnType::Int64,
        DataType::UInt8 => ColumnType::UInt8,
        DataType::UInt16 => ColumnType::UInt16,
        DataType::UInt32 => ColumnType::UInt32,
        DataType::UInt64 => ColumnType::UInt64,
        DataType::Float32 => ColumnType::Float32,
        DataType::Float64 => ColumnType::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: *scale }
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => ColumnType::Bytes,
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(Unit::Second, _) => ColumnType::Timestamp(TimeUnit::Second),
        DataType::Timestamp(Unit::Millisecond, _) => ColumnType::Timestamp(TimeUnit::Millisecond),
        DataType::Timestamp(Unit::Microsecond, _) => ColumnType::Timestamp(TimeUnit::Microsecond),
        DataType::Timestamp(Unit::Nanosecond, _) => ColumnType::Timestamp(TimeUnit::Nanosecond),
        DataType::Dictionary(_, value) => of_arrow(value, depth)?,
        DataType::List(element) | DataType::LargeList(element) if depth < ARRAY_DEPTH_MAX => {
            ColumnType::Array(Box::new(of_arrow(element.data_type(), depth + 1)?))
        }
        DataType::FixedSizeList(element, n)
            if *element.data_type() == DataType::Float32 && *n > 0 =>
        {
            ColumnType::Vector(n.unsigned_abs())
        }
        other => {
            let what = format!("Arrow type {other}");
            return Err(Error::Unsupported { what, detail: "no column has this type".into() });
        }
    })
}

/// One column of a table. The id never changes and is never reused; the name may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Identifies the column in stored bytes.
    pub id: u32,
    /// The name, as the user wrote it; case matters.
    pub name: String,
    /// The type.
    pub ty: ColumnType,
    /// Whether values may be null.
    pub nullable: bool,
}

impl Column {
    /// The Arrow field: name, type, nullability and `dodb.type` metadata.
    pub fn field(&self) -> Field {
        Field::new(&self.name, self.ty.arrow(), self.nullable)
            .with_metadata(HashMap::from([(TYPE_METADATA_KEY.to_owned(), self.ty.name())]))
    }
}

/// The columns of a table, in order; ids and names are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    columns: Vec<Column>,
}

impl Schema {
    /// A schema of these columns.
    ///
    /// # Errors
    /// [`Error::Value`] when an id or a name occurs twice or a name is empty, and
    /// [`Error::Unsupported`] for a type out of bounds.
    pub fn new(columns: Vec<Column>) -> Result<Schema> {
        let mut ids = HashSet::with_capacity(columns.len());
        let mut names = HashSet::with_capacity(columns.len());
        for column in &columns {
            column.ty.check()?;
            let what = || format!("column {:?}", column.name);
            if column.name.is_empty() {
                return Err(Error::bad_value(what(), "a column needs a name"));
            }
            if column.id == u32::MAX {
                return Err(Error::bad_value(what(), "the column id 4294967295 is reserved"));
            }
            if !ids.insert(column.id) {
                return Err(Error::bad_value(what(), format!("id {} occurs twice", column.id)));
            }
            if !names.insert(column.name.as_str()) {
                return Err(Error::bad_value(what(), "the name occurs twice"));
            }
        }
        Ok(Schema { columns })
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name; case matters.
    pub fn by_name(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column of this id.
    pub fn by_id(&self, id: u32) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// The Arrow schema, with [`Column::field`] for each column.
    pub fn arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self.columns.iter().map(Column::field).collect();
        Arc::new(ArrowSchema::new(fields))
    }
}
