//! Types of columns as Iceberg types and back: `docs/lake.md`, "Columns". Not paths of documents
//! (`document`).

use std::sync::Arc;

use dodb_part::{Column, ColumnType, TimeUnit};
use iceberg::spec::{ListType, NestedField, NestedFieldRef, PrimitiveType, StructType, Type};

use super::document::JSON_FIELD;
use crate::error::{Error, Result};

/// Fields inside of others are numbered from here, columns below.
const NESTED_ID_MIN: i32 = 1_000_000;
/// Iceberg keeps the ids above for its own metadata columns ("Reserved Field IDs").
const FIELD_ID_MAX: i32 = i32::MAX - 201;

/// Gives out ids for fields inside of others.
pub(crate) struct FieldIds {
    next: i32,
}

impl FieldIds {
    /// After the highest id that the table ever used.
    pub(crate) fn after(last: i32) -> FieldIds {
        FieldIds { next: last.saturating_add(1).max(NESTED_ID_MIN) }
    }

    pub(crate) fn take(&mut self) -> Result<i32> {
        if self.next > FIELD_ID_MAX {
            return Err(Error::unsupported("the table has used up all field ids of Iceberg"));
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

/// The Iceberg field of a new column. Documents have no paths yet.
pub(crate) fn column_field(column: &Column, ids: &mut FieldIds) -> Result<NestedFieldRef> {
    let id = i32::try_from(column.id).ok().filter(|id| (1..=FIELD_ID_MAX).contains(id));
    let id = id.ok_or_else(|| {
        Error::unsupported(format!("column {:?} has the id {}", column.name, column.id))
    })?;
    let ty = iceberg_type(&column.ty, ids)?;
    let field = NestedField::new(id, &column.name, ty, !column.nullable);
    let told = natural_type(&field).as_ref() == Some(&column.ty);
    Ok(Arc::new(if told { field } else { field.with_doc(column.ty.name()) }))
}

fn iceberg_type(ty: &ColumnType, ids: &mut FieldIds) -> Result<Type> {
    let primitive = match ty {
        ColumnType::Bool => PrimitiveType::Boolean,
        ColumnType::Int8
        | ColumnType::Int16
        | ColumnType::Int32
        | ColumnType::UInt8
        | ColumnType::UInt16 => PrimitiveType::Int,
        ColumnType::Int64 | ColumnType::UInt32 => PrimitiveType::Long,
        ColumnType::UInt64 => PrimitiveType::Decimal { precision: 20, scale: 0 },
        ColumnType::Float32 => PrimitiveType::Float,
        ColumnType::Float64 => PrimitiveType::Double,
        ColumnType::Decimal { precision, scale } => {
            let scale = u32::try_from(*scale).map_err(|_| {
                let message = format!("{ty}: Iceberg has no decimals of a negative scale");
                Error::unsupported(message)
            })?;
            PrimitiveType::Decimal { precision: u32::from(*precision), scale }
        }
        ColumnType::String => PrimitiveType::String,
        ColumnType::Bytes => PrimitiveType::Binary,
        ColumnType::Date => PrimitiveType::Date,
        ColumnType::Timestamp(TimeUnit::Nanosecond) => PrimitiveType::Long,
        ColumnType::Timestamp(_) => PrimitiveType::Timestamptz,
        ColumnType::Uuid => PrimitiveType::Uuid,
        ColumnType::Json => {
            let json = Type::Primitive(PrimitiveType::String);
            let json = NestedField::optional(ids.take()?, JSON_FIELD, json);
            return Ok(Type::Struct(StructType::new(vec![Arc::new(json)])));
        }
        ColumnType::Array(element) => {
            let id = ids.take()?;
            return list(id, iceberg_type(element, ids)?);
        }
        ColumnType::Vector(_) => {
            return list(ids.take()?, Type::Primitive(PrimitiveType::Float));
        }
    };
    Ok(Type::Primitive(primitive))
}

pub(super) fn list(id: i32, element: Type) -> Result<Type> {
    let element_field = Arc::new(NestedField::list_element(id, element, false));
    Ok(Type::List(ListType { element_field }))
}

/// The column type of a field: what its `doc` says if its Iceberg type agrees, else the natural
/// one; none for what no column has.
pub(crate) fn column_type(field: &NestedField) -> Option<ColumnType> {
    let named = field.doc.as_deref().and_then(|doc| ColumnType::parse(doc).ok());
    named.filter(|named| agrees(named, &field.field_type)).or_else(|| natural_type(field))
}

/// Whether values of this Iceberg type are read as the column type.
fn agrees(ty: &ColumnType, field_type: &Type) -> bool {
    // A document may have any number of paths.
    if *ty == ColumnType::Json {
        return is_document(field_type);
    }
    let Ok(expected) = iceberg_type(ty, &mut FieldIds::after(0)) else { return false };
    same_shape(&expected, field_type)
}

/// Equal but for the ids of elements.
fn same_shape(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Primitive(a), Type::Primitive(b)) => a == b,
        (Type::List(a), Type::List(b)) => {
            same_shape(&a.element_field.field_type, &b.element_field.field_type)
        }
        _ => false,
    }
}

fn is_document(ty: &Type) -> bool {
    let Type::Struct(fields) = ty else { return false };
    let json = fields.fields().iter().find(|field| field.name == JSON_FIELD);
    json.is_some_and(|json| *json.field_type == Type::Primitive(PrimitiveType::String))
}

/// The column type that an Iceberg type has when nothing else is known.
pub(crate) fn natural_type(field: &NestedField) -> Option<ColumnType> {
    of_type(&field.field_type, 0)
}

/// Lists nested deeper are no column.
const LIST_DEPTH_MAX: usize = 8;

fn of_type(ty: &Type, depth: usize) -> Option<ColumnType> {
    Some(match ty {
        Type::Struct(_) if is_document(ty) && depth == 0 => ColumnType::Json,
        Type::List(list) if depth < LIST_DEPTH_MAX => {
            ColumnType::Array(Box::new(of_type(&list.element_field.field_type, depth + 1)?))
        }
        Type::Primitive(primitive) => match primitive {
            PrimitiveType::Boolean => ColumnType::Bool,
            PrimitiveType::Int => ColumnType::Int32,
            PrimitiveType::Long => ColumnType::Int64,
            PrimitiveType::Float => ColumnType::Float32,
            PrimitiveType::Double => ColumnType::Float64,
            PrimitiveType::Decimal { precision, scale } => ColumnType::Decimal {
                precision: u8::try_from(*precision).ok()?,
                scale: i8::try_from(*scale).ok()?,
            },
            PrimitiveType::Date => ColumnType::Date,
            PrimitiveType::Timestamp | PrimitiveType::Timestamptz => {
                ColumnType::Timestamp(TimeUnit::Microsecond)
            }
            PrimitiveType::TimestampNs | PrimitiveType::TimestamptzNs => {
                ColumnType::Timestamp(TimeUnit::Nanosecond)
            }
            PrimitiveType::String => ColumnType::String,
            PrimitiveType::Uuid => ColumnType::Uuid,
            PrimitiveType::Binary => ColumnType::Bytes,
            PrimitiveType::Time | PrimitiveType::Fixed(_) => return None,
        },
        _ => return None,
    })
}
