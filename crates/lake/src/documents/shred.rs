//! Documents as the struct of their column: the text, and for each path with a field the values
//! that are of its type. Every document is walked once. Not for reading (`spell`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StringViewArray, StructArray, new_null_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef};
use dodb_part::documents_path;
use dodb_part::json::{Inspector, PathSummary, PathType, entries};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::error::{Error, Result};
use crate::schema::{Document, JSON_FIELD, LaidColumn};
use crate::values::to_iceberg;

/// Turns the documents of one column into structs, and keeps what kinds of values it saw.
pub(crate) struct Shredder {
    name: String,
    root: Node,
    field: FieldRef,
    inspector: Inspector,
}

/// A field of the struct, or of a struct in it.
struct Node {
    field: FieldRef,
    content: Content,
}

enum Content {
    /// The text of the whole document.
    Whole,
    /// Values of a path.
    Path(PathType),
    /// Keys of an object; their places by name.
    Object(Vec<Node>, HashMap<String, usize>),
    /// A field that is none of dodb's: null.
    Foreign,
}

/// The raw values of one node, row by row.
enum Raws<'a> {
    Path(Vec<Option<&'a str>>),
    Object(Vec<bool>, Vec<Raws<'a>>),
    Nothing,
}

impl Shredder {
    /// For a JSON column whose Arrow field is `field`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a column that holds no documents.
    pub(crate) fn new(laid: &LaidColumn, field: &FieldRef) -> Result<Shredder> {
        let name = laid.column.name.clone();
        let Some(document) = &laid.document else {
            return Err(Error::invalid(format!("column {name:?} holds no documents")));
        };
        let root = node(field, document, true);
        Ok(Shredder { name, root, field: field.clone(), inspector: Inspector::new() })
    }

    /// The struct of each document; null for null.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a text that is no document.
    pub(crate) fn push(&mut self, documents: &ArrayRef) -> Result<ArrayRef> {
        let texts = documents.as_string_view_opt();
        let texts = texts
            .ok_or_else(|| Error::invalid(format!("column {:?}: text was expected", self.name)))?;
        let mut canonical: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(texts.len());
        for text in texts {
            let inspected = text.map(|text| self.inspector.inspect(text)).transpose();
            let invalid = |why| Error::invalid(format!("column {:?}: {why}", self.name));
            canonical.push(inspected.map_err(invalid)?);
        }
        let mut raws = self.root.raws(canonical.len());
        for text in &canonical {
            self.root.fill(text.as_deref(), &mut raws);
        }
        let whole = canonical.iter().map(|text| text.as_deref());
        let whole: ArrayRef = Arc::new(whole.collect::<StringArray>());
        let nulls = documents.nulls().cloned();
        let shredded = self.root.array(&raws, &whole, nulls, &self.name)?;
        if shredded.data_type() != self.field.data_type() {
            return Err(Error::invalid(format!("column {:?} is laid out otherwise", self.name)));
        }
        Ok(shredded)
    }

    /// The kinds of all values so far.
    pub(crate) fn summary(&self) -> PathSummary {
        self.inspector.summary()
    }
}

fn node(field: &FieldRef, document: &Document, is_root: bool) -> Node {
    let of_path = || {
        let id: Option<i32> = field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok();
        document.paths.iter().find(|path| Some(path.id) == id).map(|path| path.ty)
    };
    let content = match field.data_type() {
        DataType::Struct(fields) => {
            let make = |field: &FieldRef| match is_root && field.name() == JSON_FIELD {
                true => Node { field: field.clone(), content: Content::Whole },
                false => node(field, document, false),
            };
            let nodes: Vec<Node> = fields.iter().map(make).collect();
            let named = nodes.iter().enumerate().filter(|(_, n)| !n.is_whole());
            let places = named.map(|(at, node)| (node.field.name().clone(), at)).collect();
            Content::Object(nodes, places)
        }
        _ => of_path().map_or(Content::Foreign, Content::Path),
    };
    Node { field: field.clone(), content }
}

impl Node {
    fn is_whole(&self) -> bool {
        matches!(self.content, Content::Whole)
    }

    fn raws<'a>(&self, rows: usize) -> Raws<'a> {
        match &self.content {
            Content::Path(_) => Raws::Path(Vec::with_capacity(rows)),
            Content::Object(nodes, _) => {
                let inner = nodes.iter().map(|node| node.raws(rows)).collect();
                Raws::Object(Vec::with_capacity(rows), inner)
            }
            Content::Whole | Content::Foreign => Raws::Nothing,
        }
    }

    /// Adds one row: the raw value at this node, if there is one.
    fn fill<'a>(&self, raw: Option<&'a str>, raws: &mut Raws<'a>) {
        match (&self.content, raws) {
            (Content::Path(_), Raws::Path(values)) => values.push(raw),
            (Content::Object(nodes, places), Raws::Object(valid, inner)) => {
                let object = raw.filter(|raw| raw.starts_with('{'));
                valid.push(object.is_some());
                let mut found: Vec<Option<&'a str>> = vec![None; nodes.len()];
                for (key, value) in object.and_then(entries).unwrap_or_default() {
                    if let Some(slot) = places.get(&key).and_then(|at| found.get_mut(*at)) {
                        *slot = Some(value);
                    }
                }
                for ((node, raws), value) in nodes.iter().zip(inner).zip(found) {
                    node.fill(value, raws);
                }
            }
            _ => {}
        }
    }

    /// `nulls` are those of the whole column, for the struct at the root; structs inside are null
    /// where there is no object.
    fn array(
        &self,
        raws: &Raws<'_>,
        whole: &ArrayRef,
        nulls: Option<NullBuffer>,
        name: &str,
    ) -> Result<ArrayRef> {
        match (&self.content, raws) {
            (Content::Whole, _) => Ok(whole.clone()),
            (Content::Path(ty), Raws::Path(values)) => {
                let raws: ArrayRef = Arc::new(values.iter().collect::<StringViewArray>());
                let values = documents_path(&raws, "", *ty)?;
                to_iceberg(&values, &ty.column_type(), self.field.data_type(), name)
            }
            (Content::Object(nodes, _), Raws::Object(_, inner)) => {
                let DataType::Struct(fields) = self.field.data_type() else {
                    return Err(Error::invalid(format!("column {name:?} is no struct")));
                };
                let inside = |raws: &Raws<'_>| match raws {
                    Raws::Object(valid, _) => Some(NullBuffer::from(valid.clone())),
                    _ => None,
                };
                let arrays = nodes.iter().zip(inner);
                let arrays = arrays.map(|(node, raws)| node.array(raws, whole, inside(raws), name));
                let arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
                Ok(Arc::new(StructArray::try_new(fields.clone(), arrays, nulls)?))
            }
            _ => Ok(null(&self.field, whole.len())),
        }
    }
}

fn null(field: &Field, rows: usize) -> ArrayRef {
    new_null_array(field.data_type(), rows)
}
