//! The struct that a JSON column is: the field of the whole document and the fields of paths.
//! Which paths get one is decided elsewhere (`documents::survey`).

use dodb_part::json::{Kind, Kinds, PathSummary, PathType, path_text};
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
    /// The id of the field with the whole document; a struct of somebody else has none.
    pub json_id: Option<i32>,
    /// Every path with a field, in the order of the schema.
    pub paths: Vec<PathField>,
}

impl Document {
    /// The paths in the struct of a document; what dodb would not have put there is left out.
    pub(super) fn of(fields: &StructType) -> Document {
        let is_json = |field: &&NestedFieldRef| field.name == JSON_FIELD;
        let json_id = fields.fields().iter().find(is_json).map(|field| field.id);
        let mut paths = Vec::new();
        let type_of = if json_id.is_some() { path_type } else { plain_type };
        collect(fields, type_of, &mut Vec::new(), &mut paths);
        Document { json_id, paths }
    }

    /// What the values at its paths are, as far as the struct alone tells: those of a struct of
    /// somebody else, whose fields are all there is.
    pub fn summary(&self, field: &NestedField) -> PathSummary {
        let Type::Struct(fields) = field.field_type.as_ref() else { return PathSummary::unknown() };
        let mut kinds = Vec::new();
        match self.json_id {
            None if kinds_of(fields, &mut Vec::new(), &mut kinds).is_some() => {
                PathSummary::of(kinds.iter().map(|(path, kinds)| (path.as_str(), *kinds)))
            }
            _ => PathSummary::unknown(),
        }
    }

    /// The field of a stored path.
    pub fn path(&self, path: &str) -> Option<&PathField> {
        self.paths.iter().find(|field| field.path == path)
    }
}

/// Keys below one another, at most.
pub(crate) const DEPTH_MAX: usize = 8;

fn collect(
    fields: &StructType,
    type_of: fn(&NestedField) -> Option<PathType>,
    keys: &mut Vec<String>,
    out: &mut Vec<PathField>,
) {
    for field in fields.fields() {
        if keys.is_empty() && field.name == JSON_FIELD || keys.len() >= DEPTH_MAX {
            continue;
        }
        keys.push(field.name.clone());
        match field.field_type.as_ref() {
            Type::Struct(inner) => collect(inner, type_of, keys, out),
            _ => {
                if let Some(ty) = type_of(field) {
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

/// As [`path_type`], of a field in a struct of somebody else: what its value spells is the same.
fn plain_type(field: &NestedField) -> Option<PathType> {
    match field.field_type.as_ref() {
        Type::Primitive(PrimitiveType::Int) => Some(PathType::Int64),
        Type::Primitive(PrimitiveType::Float) => Some(PathType::Float64),
        Type::Primitive(_) => path_type(field).filter(|ty| *ty != PathType::Text),
        _ => None,
    }
}

/// The kinds of what each field of a struct spells (`documents::spell`); `None` where they depend
/// on the values.
fn kinds_of(
    fields: &StructType,
    keys: &mut Vec<String>,
    out: &mut Vec<(String, Kinds)>,
) -> Option<()> {
    for field in fields.fields() {
        keys.push(field.name.clone());
        let kind = match field.field_type.as_ref() {
            Type::Struct(inner) if keys.len() < DEPTH_MAX => {
                kinds_of(inner, keys, out)?;
                // A struct without a value in it.
                Kind::EmptyObject
            }
            Type::Primitive(primitive) => match primitive {
                PrimitiveType::Boolean => Kind::Bool,
                PrimitiveType::Int | PrimitiveType::Long => Kind::Int,
                PrimitiveType::Float | PrimitiveType::Double => Kind::Float,
                PrimitiveType::Decimal { scale: 0, .. } => return None,
                _ => Kind::String,
            },
            _ => return None,
        };
        out.push((path_text(keys.iter().map(String::as_str)), Kinds::of(kind)));
        keys.pop();
    }
    Some(())
}
