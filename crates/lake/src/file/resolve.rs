//! From a column or a path that is asked for to leaves of one file, and from the file's arrays to
//! dodb's. Columns are found by field id, so that names may change.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, make_array, new_null_array};
use arrow_buffer::NullBuffer;
use dodb_part::json::PathType;
use dodb_part::{ColumnType, documents_path};
use parquet::schema::types::SchemaDescriptor;

use super::read::ReadPath;
use super::select::Judged;
use crate::documents::{FileKinds, documents};
use crate::error::{Error, Result};
use crate::schema::Layout;
use crate::values::from_iceberg;

/// Where the values of a requested column are.
#[derive(Debug, Clone)]
pub(super) struct Source {
    id: u32,
    /// Leaves of the file to read.
    pub(super) leaves: Vec<usize>,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// The file is older than the column, or says that the path has no values.
    Null(ColumnType),
    /// The field of a column: the name in the file.
    Column(String, ColumnType),
    /// A JSON column.
    Documents(String),
    /// The field of a path: names from the root.
    Field(Vec<String>, ColumnType),
    /// A path that is read from the documents.
    InDocuments(String, String, PathType),
}

/// The fields of one file by id.
#[derive(Debug)]
pub(super) struct Fields {
    /// Leaf by field id.
    leaf_by_id: HashMap<i32, usize>,
    /// Of each field at the root: its id, its name, its leaves.
    roots: Vec<(Option<i32>, String, Vec<usize>)>,
    /// Names from the root to each leaf.
    names: Vec<Vec<String>>,
    has_ids: bool,
}

impl Fields {
    pub(super) fn of(schema: &SchemaDescriptor) -> Fields {
        let mut leaf_by_id = HashMap::new();
        let mut names = Vec::new();
        let mut leaves_of: Vec<Vec<usize>> =
            vec![Vec::new(); schema.root_schema().get_fields().len()];
        for (at, leaf) in schema.columns().iter().enumerate() {
            let info = leaf.self_type().get_basic_info();
            if info.has_id() {
                leaf_by_id.entry(info.id()).or_insert(at);
            }
            names.push(leaf.path().parts().to_vec());
            if let Some(leaves) = leaves_of.get_mut(schema.get_column_root_idx(at)) {
                leaves.push(at);
            }
        }
        let roots =
            schema.root_schema().get_fields().iter().zip(leaves_of).map(|(field, leaves)| {
                let info = field.get_basic_info();
                (info.has_id().then(|| info.id()), info.name().to_owned(), leaves)
            });
        let roots: Vec<_> = roots.collect();
        let has_ids = roots.iter().any(|(id, ..)| id.is_some());
        Fields { leaf_by_id, roots, names, has_ids }
    }

    /// The name and leaves of a column. Files without any field ids go by names.
    fn root(&self, id: i32, name: &str) -> Option<(&str, &[usize])> {
        let is_it = |(of, called, _): &&(Option<i32>, String, Vec<usize>)| match self.has_ids {
            true => *of == Some(id),
            false => called == name,
        };
        self.roots.iter().find(is_it).map(|(_, name, leaves)| (name.as_str(), leaves.as_slice()))
    }
}

impl Source {
    /// Of a column.
    pub(super) fn of_column(
        id: u32,
        layout: &Layout,
        fields: &Fields,
        is_ours: bool,
    ) -> Result<Source> {
        let laid = layout.column(id)?;
        let ty = laid.column.ty.clone();
        let Some((name, leaves)) = fields.root(laid.field.id, &laid.column.name) else {
            return Ok(Source { id, leaves: Vec::new(), how: How::Null(ty) });
        };
        let name = name.to_owned();
        let Some(document) = &laid.document else {
            return Ok(Source { id, leaves: leaves.to_vec(), how: How::Column(name, ty) });
        };
        // What others wrote may have no text.
        let text = document.json_id.and_then(|id| fields.leaf_by_id.get(&id)).filter(|_| is_ours);
        let leaves = text.map_or(leaves.to_vec(), |text| vec![*text]);
        Ok(Source { id, leaves, how: How::Documents(name) })
    }

    /// Of a path.
    pub(super) fn of_path(
        path: &ReadPath,
        layout: &Layout,
        fields: &Fields,
        kinds: Option<&FileKinds>,
    ) -> Result<Source> {
        let whole = Source::of_column(path.column, layout, fields, kinds.is_some())?;
        let laid = layout.column(path.column)?;
        let id = path.id;
        let ty = path.ty.column_type();
        let How::Documents(name) = whole.how else {
            return match (&laid.document, whole.how) {
                (Some(_), How::Null(_)) => {
                    Ok(Source { id, leaves: Vec::new(), how: How::Null(ty) })
                }
                _ => {
                    let message = format!("column {:?} has no paths", laid.column.name);
                    Err(Error::invalid(message))
                }
            };
        };
        let field = laid.document.as_ref().and_then(|document| document.path(&path.path));
        if let (Some(field), Some(kinds)) = (field, kinds)
            && kinds.stands_for(path.column, &path.path, field.ty, path.ty)
            && let Some(leaf) = fields.leaf_by_id.get(&field.id)
            && let Some(names) = fields.names.get(*leaf)
        {
            let how = How::Field(names.clone(), ty);
            return Ok(Source { id, leaves: vec![*leaf], how });
        }
        // A struct of somebody else has no other values than those of its fields.
        if let Some(document) = &laid.document
            && document.json_id.is_none()
            && let Some(field) = document.path(&path.path).filter(|field| field.ty == path.ty)
            && let Some(names) =
                fields.leaf_by_id.get(&field.id).and_then(|at| fields.names.get(*at))
        {
            let how = How::Field(names.clone(), ty);
            let leaves = fields.leaf_by_id.get(&field.id).into_iter().copied().collect();
            return Ok(Source { id, leaves, how });
        }
        if kinds.is_some_and(|kinds| kinds.lacks(path.column, &path.path)) {
            return Ok(Source { id, leaves: Vec::new(), how: How::Null(ty) });
        }
        let how = How::InDocuments(name, path.path.clone(), path.ty);
        Ok(Source { id, leaves: whole.leaves, how })
    }

    /// What its statistics are those of.
    pub(super) fn judged(&self) -> Option<Judged> {
        let (How::Column(_, ty) | How::Field(_, ty)) = &self.how else { return None };
        let &[leaf] = self.leaves.as_slice() else { return None };
        Some(Judged { id: self.id, leaf, ty: ty.clone() })
    }

    /// Whether every value is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.how, How::Null(_))
    }

    /// The id it is asked for by.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Its values in a batch of the file.
    pub(super) fn values(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        match &self.how {
            How::Null(ty) => Ok(new_null_array(&ty.arrow(), batch.num_rows())),
            How::Column(name, ty) => from_iceberg(root(batch, name)?, ty),
            How::Documents(name) => documents(root(batch, name)?),
            How::Field(names, ty) => from_iceberg(&inner(batch, names)?, ty),
            How::InDocuments(name, path, ty) => {
                Ok(documents_path(&documents(root(batch, name)?)?, path, *ty)?)
            }
        }
    }
}

fn root<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    let found = batch.column_by_name(name);
    found.ok_or_else(|| Error::corrupt(format!("the column {name:?} was not read")))
}

/// A field inside of structs, null where one around it is.
fn inner(batch: &RecordBatch, names: &[String]) -> Result<ArrayRef> {
    let Some((first, rest)) = names.split_first() else {
        return Err(Error::corrupt("a leaf without a name"));
    };
    let mut array = root(batch, first)?.clone();
    let mut nulls: Option<NullBuffer> = None;
    for name in rest {
        let Some(structs) = array.as_struct_opt() else { break };
        nulls = NullBuffer::union(nulls.as_ref(), structs.nulls());
        let found = structs.column_by_name(name).cloned();
        array = found.ok_or_else(|| Error::corrupt(format!("the field {name:?} was not read")))?;
    }
    let nulls = NullBuffer::union(nulls.as_ref(), array.nulls());
    let data = array.to_data().into_builder().nulls(nulls).build()?;
    Ok(make_array(data))
}
