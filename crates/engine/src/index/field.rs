//! What the index tells apart: columns, and paths of JSON columns, and what a value of one is
//! looked up by. Not here: which of them a file has.

use dodb_part::json::{PathStep, PathType, steps_of};
use dodb_part::{ColumnType, Scalar, posting_key};
use minicbor::{Decode, Encode};
use twox_hash::XxHash3_64;

use crate::scan::ScanRequest;
use crate::table::TableDef;

/// A column, or a path of a JSON column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub(crate) struct Field {
    #[n(0)]
    pub(crate) column: u32,
    /// The stored path (`dodb_part::json::path_text`).
    #[n(1)]
    pub(crate) path: Option<String>,
}

/// How values of a field become keys: texts apart from numbers, so that 1 is not "1".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keying {
    text: u64,
    number: u64,
}

/// What the values of an indexed column are looked up as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Number,
}

impl Shape {
    /// Of a column of this type; `None`: such columns are not indexed.
    pub(crate) fn of(ty: &ColumnType) -> Option<Shape> {
        use ColumnType::{Int8, Int16, Int32, Int64, String, UInt8, UInt16, UInt32, UInt64};
        match ty {
            String => Some(Shape::Text),
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => Some(Shape::Number),
            _ => None,
        }
    }
}

impl Field {
    pub(crate) fn of_column(column: u32) -> Field {
        Field { column, path: None }
    }

    pub(crate) fn of_path(column: u32, path: &str) -> Field {
        Field { column, path: Some(path.to_owned()) }
    }

    pub(crate) fn keying(&self) -> Keying {
        let seed = u64::from(self.column) << 2 | u64::from(self.path.is_some());
        let name = self.path.as_deref().unwrap_or_default().as_bytes();
        let of = |tag: u64| XxHash3_64::oneshot_with_seed(seed << 1 | tag, name);
        Keying { text: of(0), number: of(1) }
    }

    /// The field that a condition on the column `id` of a request asks for, and what its values
    /// are; `None` where the index cannot answer.
    pub(crate) fn asked(def: &TableDef, request: &ScanRequest, id: u32) -> Option<(Field, Shape)> {
        let Some(path) = request.paths.iter().find(|path| path.id == id) else {
            let column = def.schema.by_id(id)?;
            return Some((Field::of_column(id), Shape::of(&column.ty)?));
        };
        let shape = match path.ty {
            PathType::String => Shape::Text,
            PathType::Int64 | PathType::UInt64 | PathType::Float64 => Shape::Number,
            _ => return None,
        };
        let steps = steps_of(&path.path)?;
        let is_plain = steps.iter().all(|step| matches!(step, PathStep::Key(_)));
        is_plain.then(|| (Field::of_path(path.column, &path.path), shape))
    }
}

impl Keying {
    pub(crate) fn text(&self, text: &str) -> u64 {
        posting_key(XxHash3_64::oneshot_with_seed(self.text, text.as_bytes()))
    }

    /// Numbers are the same when they are as doubles: that takes too many for equal, never too few.
    pub(crate) fn number(&self, number: f64) -> u64 {
        // -0 is 0.
        let number = if number == 0.0 { 0.0 } else { number };
        let bytes = number.to_bits().to_le_bytes();
        posting_key(XxHash3_64::oneshot_with_seed(self.number, &bytes))
    }

    /// The key of a value that a condition names; `None` when it has none.
    pub(crate) fn scalar(&self, shape: Shape, value: &Scalar) -> Option<u64> {
        match (shape, value) {
            (Shape::Text, Scalar::String(text)) => Some(self.text(text)),
            (Shape::Number, Scalar::Int(number)) => Some(self.number(*number as f64)),
            (Shape::Number, Scalar::UInt(number)) => Some(self.number(*number as f64)),
            (Shape::Number, Scalar::Float(number)) if !number.is_nan() => {
                Some(self.number(*number))
            }
            _ => None,
        }
    }
}
