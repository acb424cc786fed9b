//! The columns of a table as its Iceberg schema has them. The Iceberg schema is the source; dodb's
//! columns follow from it. Not for changing it (`evolve`).

use std::sync::Arc;

use arrow_schema::SchemaRef as ArrowSchemaRef;
use dodb_part::{Column, ColumnType, Schema};
use iceberg::spec::{NestedFieldRef, Schema as IcebergSchema, SchemaRef, Type};

use super::arrow::arrow_schema;
use super::document::Document;
use super::types::{FieldIds, column_field, column_type};
use crate::error::{Error, Result};

/// A column and its field.
#[derive(Debug, Clone)]
pub struct LaidColumn {
    /// The column; its id is the field's.
    pub column: Column,
    /// The field.
    pub field: NestedFieldRef,
    /// The paths of a JSON column.
    pub document: Option<Document>,
}

/// The columns of a table and the Iceberg schema they lie in.
#[derive(Debug, Clone)]
pub struct Layout {
    schema: SchemaRef,
    arrow: ArrowSchemaRef,
    columns: Vec<LaidColumn>,
}

impl Layout {
    /// The Iceberg schema of a new table. Documents have no fields for paths yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for a column that Iceberg has no type for.
    pub fn create(columns: &Schema) -> Result<Layout> {
        let mut ids = FieldIds::after(0);
        let fields = columns.columns().iter().map(|column| column_field(column, &mut ids));
        let fields: Vec<NestedFieldRef> = fields.collect::<Result<_>>()?;
        let schema = IcebergSchema::builder().with_fields(fields).build()?;
        Layout::of(Arc::new(schema))
    }

    /// The columns in a schema as [`Layout::to_text`] wrote it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] for another text.
    pub fn from_text(text: &str) -> Result<Layout> {
        let schema: IcebergSchema = serde_json::from_str(text)?;
        Layout::of(Arc::new(schema))
    }

    /// The Iceberg schema as JSON.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when it cannot be written.
    pub fn to_text(&self) -> Result<String> {
        Ok(serde_json::to_string(self.schema.as_ref())?)
    }

    /// The columns in a schema of any writer. Fields of types that dodb has not are left out.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] when there is no column at all or one cannot be written.
    pub fn of(schema: SchemaRef) -> Result<Layout> {
        Layout::with(schema, lay)
    }

    /// As [`Layout::of`], for a table that is only read: any struct is a JSON column.
    ///
    /// # Errors
    /// As for [`Layout::of`].
    pub fn of_attached(schema: SchemaRef) -> Result<Layout> {
        Layout::with(schema, |field| lay(field).or_else(|| lay_struct(field)))
    }

    fn with(
        schema: SchemaRef,
        lay: impl Fn(&NestedFieldRef) -> Option<LaidColumn>,
    ) -> Result<Layout> {
        let arrow = Arc::new(arrow_schema(&schema)?);
        let fields = schema.as_struct().fields().iter();
        let columns: Vec<LaidColumn> = fields.filter_map(lay).collect();
        if columns.is_empty() {
            return Err(Error::unsupported("no column has a type that dodb has"));
        }
        Ok(Layout { schema, arrow, columns })
    }

    /// The Iceberg schema.
    pub fn iceberg(&self) -> &SchemaRef {
        &self.schema
    }

    /// The Arrow schema that Parquet files are written with, field ids in its metadata.
    pub fn arrow(&self) -> &ArrowSchemaRef {
        &self.arrow
    }

    /// The columns, in the order of the schema.
    pub fn columns(&self) -> &[LaidColumn] {
        &self.columns
    }

    /// The column of an id.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when there is none.
    pub fn column(&self, id: u32) -> Result<&LaidColumn> {
        let found = self.columns.iter().find(|laid| laid.column.id == id);
        found.ok_or_else(|| Error::invalid(format!("there is no column of the id {id}")))
    }

    /// dodb's schema.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when names or ids collide.
    pub fn columns_schema(&self) -> Result<Schema> {
        Ok(Schema::new(self.columns.iter().map(|laid| laid.column.clone()).collect())?)
    }
}

fn lay(field: &NestedFieldRef) -> Option<LaidColumn> {
    laid(field, column_type(field)?)
}

fn lay_struct(field: &NestedFieldRef) -> Option<LaidColumn> {
    matches!(field.field_type.as_ref(), Type::Struct(_)).then(|| laid(field, ColumnType::Json))?
}

fn laid(field: &NestedFieldRef, ty: ColumnType) -> Option<LaidColumn> {
    let document = match field.field_type.as_ref() {
        Type::Struct(fields) if ty == ColumnType::Json => Some(Document::of(fields)),
        _ => None,
    };
    let id = u32::try_from(field.id).ok()?;
    let column = Column { id, name: field.name.clone(), ty, nullable: !field.required };
    Some(LaidColumn { column, field: field.clone(), document })
}
