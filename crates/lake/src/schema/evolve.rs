//! The next schema of a table: columns added, dropped, renamed and widened, paths of documents
//! added. Not for committing it (`table`).

use std::sync::Arc;

use dodb_part::json::PathType;
use dodb_part::{ColumnType, Schema};
use iceberg::spec::{
    NestedField, NestedFieldRef, PrimitiveType, Schema as IcebergSchema, StructType, Type,
};

use super::document::{DEPTH_MAX, JSON_FIELD, TEXT_DOC};
use super::layout::Layout;
use super::types::{FieldIds, column_field, list};
use crate::error::{Error, Result};

/// A path of a JSON column that is to get a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPath {
    /// The id of the JSON column.
    pub column: u32,
    /// The keys that lead to the value.
    pub keys: Vec<String>,
    /// What its values are.
    pub ty: PathType,
}

/// The schema with these columns, in this order; behind them the fields that are no columns of
/// dodb. `last_id` is the highest field id the table ever used.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a change of type that would not widen, or a column that was
/// nullable and no longer is.
pub fn with_columns(layout: &Layout, columns: &Schema, last_id: i32) -> Result<IcebergSchema> {
    let mut ids = FieldIds::after(last_id);
    let mut fields: Vec<NestedFieldRef> = Vec::new();
    for column in columns.columns() {
        let wanted = column_field(column, &mut ids)?;
        let old = layout.columns().iter().find(|laid| laid.column.id == column.id);
        let Some(old) = old else {
            // Rows that are there already have no value.
            let mut field = NestedField::clone(&wanted);
            field.required = field.required && layout.columns().is_empty();
            fields.push(Arc::new(field));
            continue;
        };
        if old.column.nullable && !column.nullable {
            let message = format!("column {:?} may be null and stays so", column.name);
            return Err(Error::invalid(message));
        }
        let mut field = NestedField::clone(&old.field);
        field.name.clone_from(&column.name);
        field.required = !column.nullable;
        if old.column.ty != column.ty {
            *field.field_type = widened(&old.field, &wanted, &column.name)?;
            field.doc.clone_from(&wanted.doc);
        }
        fields.push(Arc::new(field));
    }
    let foreign = layout
        .iceberg()
        .as_struct()
        .fields()
        .iter()
        .filter(|field| !layout.columns().iter().any(|laid| laid.field.id == field.id));
    fields.extend(foreign.cloned());
    Ok(IcebergSchema::builder().with_fields(fields).build()?)
}

/// Iceberg's promotions ("Schema Evolution"), and changes of dodb's type that leave Iceberg's as
/// it is and lose nothing.
fn widened(old: &NestedField, wanted: &NestedField, name: &str) -> Result<Type> {
    let fits = match (old.field_type.as_primitive_type(), wanted.field_type.as_primitive_type()) {
        (Some(PrimitiveType::Int), Some(PrimitiveType::Long))
        | (Some(PrimitiveType::Float), Some(PrimitiveType::Double)) => true,
        (
            Some(PrimitiveType::Decimal { precision: from, scale: from_scale }),
            Some(PrimitiveType::Decimal { precision: to, scale: to_scale }),
        ) => from <= to && from_scale == to_scale && wanted.doc.is_none(),
        (Some(from), Some(to)) => from == to && is_wider(old.doc.as_deref(), wanted.doc.as_deref()),
        _ => false,
    };
    if !fits {
        let message = format!(
            "column {name:?} cannot become {}: Iceberg widens only int to long, float to double, \
             and decimals in precision",
            wanted.doc.clone().unwrap_or_else(|| wanted.field_type.to_string())
        );
        return Err(Error::invalid(message));
    }
    Ok(Type::clone(&wanted.field_type))
}

/// Whether a change of the name alone keeps every value: small integers within `int`, times
/// within `timestamptz`.
fn is_wider(old: Option<&str>, new: Option<&str>) -> bool {
    let rank = |doc: Option<&str>| match doc.and_then(|doc| ColumnType::parse(doc).ok()) {
        Some(ColumnType::Int8 | ColumnType::UInt8) => Some(0),
        Some(ColumnType::Int16 | ColumnType::UInt16) => Some(1),
        Some(ColumnType::Timestamp(unit)) => Some(10 + unit as u8),
        // The natural type of the field: Int32, Int64, DateTime64(6).
        None => Some(100),
        Some(_) => None,
    };
    match (rank(old), rank(new)) {
        (Some(old), Some(new)) => old < new,
        _ => false,
    }
}

/// The schema with fields for paths of documents. Paths that have one, or whose place is taken by
/// another, change nothing.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a column that holds no documents.
pub fn with_paths(layout: &Layout, paths: &[NewPath], last_id: i32) -> Result<IcebergSchema> {
    let mut ids = FieldIds::after(last_id);
    let mut fields: Vec<NestedFieldRef> = layout.iceberg().as_struct().fields().to_vec();
    for new in paths {
        let laid = layout.column(new.column)?;
        if laid.document.is_none() {
            let message = format!("column {:?} holds no documents", laid.column.name);
            return Err(Error::invalid(message));
        }
        if new.keys.is_empty() || new.keys.len() > DEPTH_MAX {
            continue;
        }
        if let Some(field) = fields.iter_mut().find(|field| field.id == laid.field.id)
            && let Some(grown) = grown(field, &new.keys, new.ty, true, &mut ids)?
        {
            *field = Arc::new(grown);
        }
    }
    Ok(IcebergSchema::builder().with_fields(fields).build()?)
}

/// The struct with a field for the path of keys; `None` when it stays as it is.
fn grown(
    outer: &NestedField,
    keys: &[String],
    ty: PathType,
    is_top: bool,
    ids: &mut FieldIds,
) -> Result<Option<NestedField>> {
    let (Type::Struct(inner), Some((key, rest))) = (outer.field_type.as_ref(), keys.split_first())
    else {
        return Ok(None);
    };
    let mut fields = inner.fields().to_vec();
    // Half of the engines do not tell cases apart.
    let same = |field: &NestedFieldRef| field.name.to_lowercase() == key.to_lowercase();
    match fields.iter_mut().find(|field| same(field)) {
        Some(found) if found.name == *key && !(is_top && key == JSON_FIELD) => {
            let Some(inner) = grown(found, rest, ty, false, ids)? else { return Ok(None) };
            *found = Arc::new(inner);
        }
        Some(_) => return Ok(None),
        None => fields.push(Arc::new(path_field(key, rest, ty, ids)?)),
    }
    let mut field = outer.clone();
    *field.field_type = Type::Struct(StructType::new(fields));
    Ok(Some(field))
}

fn path_field(key: &str, rest: &[String], ty: PathType, ids: &mut FieldIds) -> Result<NestedField> {
    let id = ids.take()?;
    if let Some((next, rest)) = rest.split_first() {
        let inner = StructType::new(vec![Arc::new(path_field(next, rest, ty, ids)?)]);
        return Ok(NestedField::optional(id, key, Type::Struct(inner)));
    }
    let primitive = |primitive| Ok(Type::Primitive(primitive));
    let mut listed = |primitive| list(ids.take()?, Type::Primitive(primitive));
    let field_type = match ty {
        PathType::Bool => primitive(PrimitiveType::Boolean),
        PathType::Int64 => primitive(PrimitiveType::Long),
        PathType::Float64 => primitive(PrimitiveType::Double),
        PathType::String | PathType::Text => primitive(PrimitiveType::String),
        PathType::Bools => listed(PrimitiveType::Boolean),
        PathType::Ints => listed(PrimitiveType::Long),
        PathType::Floats => listed(PrimitiveType::Double),
        PathType::Strings => listed(PrimitiveType::String),
        other => Err(Error::invalid(format!("no field holds values of a path as {other:?}"))),
    }?;
    let field = NestedField::optional(id, key, field_type);
    Ok(if ty == PathType::Text { field.with_doc(TEXT_DOC) } else { field })
}
