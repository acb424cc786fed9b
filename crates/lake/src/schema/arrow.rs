//! Iceberg's types as Arrow types, as Parquet files are written with them: the mapping of
//! iceberg-rust, whose own is for the Arrow version that it was built with. Not here: dodb's
//! column types (`types`).

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema as ArrowSchema, TimeUnit};
use iceberg::spec::{NestedFieldRef, PrimitiveType, Schema, StructType, Type};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::error::{Error, Result};

/// Where Arrow keeps a field's description.
const DOC_KEY: &str = "doc";
/// The zone of moments, spelled as iceberg-rust spells it.
const UTC: &str = "+00:00";
/// The largest precision of a decimal in 128 bits.
const PRECISION_MAX: u8 = 38;

/// The Arrow schema of an Iceberg schema, field ids in its metadata.
///
/// # Errors
/// [`crate::ErrorKind::Unsupported`] for a decimal that Arrow has no type for.
pub(crate) fn arrow_schema(schema: &Schema) -> Result<ArrowSchema> {
    Ok(ArrowSchema::new(fields(schema.as_struct())?))
}

/// The Arrow type of an Iceberg type.
///
/// # Errors
/// As for [`arrow_schema`].
pub(crate) fn arrow_type(ty: &Type) -> Result<DataType> {
    Ok(match ty {
        Type::Primitive(primitive) => of_primitive(primitive)?,
        Type::Struct(inner) => DataType::Struct(fields(inner)?),
        Type::List(list) => DataType::List(field(&list.element_field)?),
        Type::Map(map) => {
            let entry = Fields::from(vec![field(&map.key_field)?, field(&map.value_field)?]);
            // An entry is never null.
            let entry = Field::new("key_value", DataType::Struct(entry), false);
            DataType::Map(Arc::new(entry), false)
        }
    })
}

fn fields(inner: &StructType) -> Result<Fields> {
    inner.fields().iter().map(field).collect()
}

fn field(field: &NestedFieldRef) -> Result<FieldRef> {
    let mut metadata =
        HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), field.id.to_string())]);
    if let Some(doc) = &field.doc {
        metadata.insert(DOC_KEY.to_owned(), doc.clone());
    }
    let ty = arrow_type(&field.field_type)?;
    Ok(Arc::new(Field::new(&field.name, ty, !field.required).with_metadata(metadata)))
}

fn of_primitive(ty: &PrimitiveType) -> Result<DataType> {
    let moment = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
    Ok(match ty {
        PrimitiveType::Boolean => DataType::Boolean,
        PrimitiveType::Int => DataType::Int32,
        PrimitiveType::Long => DataType::Int64,
        PrimitiveType::Float => DataType::Float32,
        PrimitiveType::Double => DataType::Float64,
        PrimitiveType::Decimal { precision, scale } => {
            let parts = u8::try_from(*precision).ok().zip(i8::try_from(*scale).ok());
            let fits = |(precision, scale): &(u8, i8)| {
                (1..=PRECISION_MAX).contains(precision) && i16::from(*scale) <= (*precision).into()
            };
            let (precision, scale) = parts.filter(fits).ok_or_else(|| {
                Error::unsupported(format!("decimal({precision}, {scale}) is no type of Arrow"))
            })?;
            DataType::Decimal128(precision, scale)
        }
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Time => DataType::Time64(TimeUnit::Microsecond),
        PrimitiveType::Timestamp => moment(TimeUnit::Microsecond, None),
        PrimitiveType::Timestamptz => moment(TimeUnit::Microsecond, Some(UTC)),
        PrimitiveType::TimestampNs => moment(TimeUnit::Nanosecond, None),
        PrimitiveType::TimestamptzNs => moment(TimeUnit::Nanosecond, Some(UTC)),
        PrimitiveType::String => DataType::Utf8,
        PrimitiveType::Uuid => DataType::FixedSizeBinary(16),
        PrimitiveType::Fixed(bytes) => match i32::try_from(*bytes) {
            Ok(bytes) => DataType::FixedSizeBinary(bytes),
            Err(_) => DataType::LargeBinary,
        },
        PrimitiveType::Binary => DataType::LargeBinary,
    })
}
