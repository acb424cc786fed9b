//! The struct that a JSON column is: the field of the whole document and the fields of paths.
//! Which paths get one is decided elsewhere (`documents::survey`).

use dodb_part::json::{PathType, path_text};
use iceberg::spec::{NestedField, NestedFieldRef, PrimitiveType, StructType, Type};

/// The field that holds the whole document.
pub(crate) const JSON_FIELD: &str = "_json";

/// The `doc` of a string field that holds scalars of any type ([`PathType::Text`]).
pub(crate) const TEXT_DOC: &str = "Dynamic";

/// A field of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathField {
    /// The id of the field.
    pub id: i32,
    /// The stored path (`dodb_part::json::path_text`).
    pub path: String,
    /// The keys that lead to it.
    pub keys: Vec<String>,
    /// What the field's values are: exactly those of the documents that are of this type.
    pub ty: PathType,
}

/// A JSON column as a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The id of the field with the whole document.
    pub json_id: i32,
    /// Every path with a field, in the order of the schema.
    pub paths: Vec<PathField>,
}

impl Document {
    /// The paths in the struct of a document; what dodb would not have put there is left out.
    /// `None`: the struct has no field for the whole document.
    pub(super) fn of(fields: &StructType) -> Option<Document> {
        let is_json = |field: &&NestedFieldRef| field.name == JSON_FIELD;
        let json_id = fields.fields().iter().find(is_json)?.id;
        let mut paths = Vec::new();
        collect(fields, &mut Vec::new(), &mut paths);
        Some(Document { json_id, paths })
    }

    /// The field of a stored path.
    pub fn path(&self, path: &str) -> Option<&PathField> {
        self.paths.iter().find(|field| field.path == path)
    }
}

/// Keys below one another, at most.
pub(crate) const DEPTH_MAX: usize = 8;

fn collect(fields: &StructType, keys: &mut Vec<String>, out: &mut Vec<PathField>) {
    for field in fields.fields() {
        if keys.is_empty() && field.name == JSON_FIELD || keys.len() >= DEPTH_MAX {
            continue;
        }
        keys.push(field.name.clone());
        match field.field_type.as_ref() {
            Type::Struct(inner) => collect(inner, keys, out),
            _ => {
                if let Some(ty) = path_type(field) {
                    let path = path_text(keys.iter().map(String::as_str));
                    out.push(PathField { id: field.id, path, keys: keys.clone(), ty });
                }
            }
        }
        keys.pop();
    }
}

fn path_type(field: &NestedField) -> Option<PathType> {
    let scalar = |ty: &Type| match ty {
        Type::Primitive(PrimitiveType::Boolean) => Some(PathType::Bool),
        Type::Primitive(PrimitiveType::Long) => Some(PathType::Int64),
        Type::Primitive(PrimitiveType::Double) => Some(PathType::Float64),
        Type::Primitive(PrimitiveType::String) => Some(PathType::String),
        _ => None,
    };
    match field.field_type.as_ref() {
        Type::List(list) => Some(match scalar(&list.element_field.field_type)? {
            PathType::Bool => PathType::Bools,
            PathType::Int64 => PathType::Ints,
            PathType::Float64 => PathType::Floats,
            _ => PathType::Strings,
        }),
        _ if field.doc.as_deref() == Some(TEXT_DOC) => {
            scalar(&field.field_type).filter(|ty| *ty == PathType::String).map(|_| PathType::Text)
        }
        other => scalar(other),
    }
}
