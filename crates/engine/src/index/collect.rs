//! The keys of a file's rows: which fields are worth it, and what their values are looked up by. A
//! field is indexed whole or not at all. Not here: where keys go.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use dodb_part::ColumnType;
use dodb_part::json::{each_value, unquoted};
use hashbrown::HashMap;

use super::field::{Field, Keying, Shape};
use super::slices::{SlicedKey, Slices};
use super::summary::Summary;
use crate::error::{Error, Result};
use crate::keys::fill_ids;
use crate::scan::derived_column;
use crate::table::{TableDef, relationships};

/// Fields of one table that are told apart.
pub(super) const FIELDS_MAX: usize = 256;
/// Keys for each row, all fields together; the fields with the fewest come first.
const KEYS_PER_ROW_MAX: usize = 3;
/// Keys that even a small file may have.
const KEYS_MIN: usize = 4_096;
/// Texts longer than this are hardly asked for as a whole, unless there are few.
const TEXT_BYTES_MAX: usize = 128;

/// What the rows of one file are found by.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileKeys {
    /// Ascending, each once.
    pub(crate) keys: Vec<SlicedKey>,
    /// The fields whose values are all among the keys.
    pub(crate) fields: Vec<Field>,
    /// Those with values that are not.
    pub(crate) left_out: Vec<Field>,
    /// Are there fields that are in neither list?
    pub(crate) is_partial: bool,
    /// The paths that have so many values that these are not counted: the head row notes them, to
    /// which the summaries do not go.
    pub(crate) many: Vec<Field>,
    /// What the values of each path are.
    pub(crate) summaries: Vec<(Field, Summary)>,
}

impl FileKeys {
    /// Are all values of a column among the keys?
    pub(crate) fn has_all_of(&self, column: u32) -> bool {
        self.fields.contains(&Field::of_column(column))
    }
}

/// The values of one field.
pub(super) struct Gathered {
    pub(super) field: Field,
    keying: Keying,
    /// Ascending, each once.
    pub(super) keys: Vec<SlicedKey>,
    texts: usize,
    text_bytes: usize,
    /// Is there a value that has no key?
    pub(super) has_others: bool,
    /// Of a path.
    summary: Summary,
}

impl Gathered {
    fn new(field: Field) -> Gathered {
        let keying = field.keying();
        let (keys, has_others) = (Vec::new(), false);
        let summary = Summary::default();
        Gathered { field, keying, keys, texts: 0, text_bytes: 0, has_others, summary }
    }

    fn text(&mut self, text: &str, slice: Option<u16>) {
        self.texts += 1;
        self.text_bytes += text.len();
        self.keys.push(SlicedKey::new(self.keying.text(text), slice));
    }

    fn number(&mut self, number: f64, slice: Option<u16>) {
        self.keys.push(SlicedKey::new(self.keying.number(number), slice));
    }

    /// A value of a document, as it is written there.
    fn raw(&mut self, raw: &str, slice: Option<u16>) {
        self.summary.push(raw);
        match raw.as_bytes().first() {
            Some(b'"') => match unquoted(raw) {
                Some(text) => self.text(&text, slice),
                None => self.has_others = true,
            },
            Some(b'-' | b'0'..=b'9') => match raw.parse::<f64>() {
                Ok(number) => self.number(number, slice),
                Err(_) => self.has_others = true,
            },
            // Nobody looks for the others by their value.
            _ => {}
        }
    }

    fn is_long(&self, rows: usize) -> bool {
        self.text_bytes > self.texts * TEXT_BYTES_MAX && self.keys.len() * 8 > rows
    }
}

/// The keys of `rows`, which have the columns of the table as the hot tier stores them.
pub(crate) fn collect(def: &TableDef, rows: &RecordBatch, slices: &Slices<'_>) -> Result<FileKeys> {
    let (mut all, is_whole) = values_of(def, rows, slices)?;
    let is_key = |gathered: &Gathered| def.key().contains(&gathered.field.column);
    all.sort_by_key(|gathered| (!is_key(gathered), gathered.keys.len()));
    let mut left = (rows.num_rows() * KEYS_PER_ROW_MAX).max(KEYS_MIN);
    let mut out = FileKeys { is_partial: !is_whole, ..FileKeys::default() };
    for mut gathered in all {
        if gathered.field.path.is_some() {
            let summary = std::mem::take(&mut gathered.summary);
            if summary.has_many() {
                out.many.push(gathered.field.clone());
            }
            out.summaries.push((gathered.field.clone(), summary));
        }
        let is_long = gathered.is_long(rows.num_rows());
        if gathered.has_others || is_long || gathered.keys.len() > left {
            out.left_out.push(gathered.field);
            continue;
        }
        left -= gathered.keys.len();
        out.keys.extend(gathered.keys);
        out.fields.push(gathered.field);
    }
    SlicedKey::settle(&mut out.keys);
    Ok(out)
}

/// The values of all fields, and whether these are all fields there are.
pub(super) fn values_of(
    def: &TableDef,
    rows: &RecordBatch,
    slices: &Slices<'_>,
) -> Result<(Vec<Gathered>, bool)> {
    let mut all = Vec::new();
    let mut is_whole = true;
    for column in def.schema.columns() {
        let Some(array) = rows.column_by_name(&column.name) else { continue };
        if column.ty == ColumnType::Json {
            is_whole &= of_documents(column.id, array, slices, &mut all);
        } else if let Some(shape) = Shape::of(&column.ty) {
            let filled = filled(def, column.id, array, rows)?;
            all.push(of_column(column.id, shape, &filled, slices)?);
        }
    }
    for gathered in &mut all {
        SlicedKey::settle(&mut gathered.keys);
    }
    Ok((all, is_whole))
}

/// The ids of relationships as they are read: those that follow from other columns too.
fn filled(def: &TableDef, column: u32, array: &ArrayRef, rows: &RecordBatch) -> Result<ArrayRef> {
    if derived_column(def) != Some(column) {
        return Ok(array.clone());
    }
    let of = |id: u32| {
        let name = def.schema.by_id(id).map(|c| c.name.as_str()).unwrap_or_default();
        let missing = || Error::invalid(format!("column `{name}` is missing"));
        rows.column_by_name(name).cloned().ok_or_else(missing)
    };
    let (from, to) = (of(relationships::FROM_ID)?, of(relationships::TO_ID)?);
    fill_ids(array, &from, &to, &of(relationships::TYPE)?)
}

fn of_column(column: u32, shape: Shape, array: &ArrayRef, slices: &Slices<'_>) -> Result<Gathered> {
    let mut gathered = Gathered::new(Field::of_column(column));
    match shape {
        Shape::Text => {
            let texts = array.as_string_view_opt();
            let texts = texts.ok_or_else(|| Error::invalid("a column of texts without texts"))?;
            for (row, text) in texts.iter().enumerate() {
                text.into_iter().for_each(|text| gathered.text(text, slices.of(row)));
            }
        }
        Shape::Number => {
            let numbers = cast(array, &DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            for (row, number) in numbers.iter().enumerate() {
                number.into_iter().for_each(|number| gathered.number(number, slices.of(row)));
            }
        }
    }
    Ok(gathered)
}

/// Adds the paths of a column of documents; `false` when there are more than can be told apart.
fn of_documents(
    column: u32,
    array: &ArrayRef,
    slices: &Slices<'_>,
    all: &mut Vec<Gathered>,
) -> bool {
    let Some(documents): Option<&StringViewArray> = array.as_string_view_opt() else {
        return array.null_count() == array.len();
    };
    let first = all.len();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut is_whole = true;
    for (row, document) in documents.iter().enumerate() {
        let Some(document) = document else { continue };
        let slice = slices.of(row);
        let is_read = each_value(document, &mut |path, raw| {
            let at = match places.get(path) {
                Some(at) => *at,
                None if all.len() - first >= FIELDS_MAX => {
                    is_whole = false;
                    return;
                }
                None => {
                    places.insert(path.to_owned(), all.len());
                    all.push(Gathered::new(Field::of_path(column, path)));
                    all.len() - 1
                }
            };
            if let Some(gathered) = all.get_mut(at) {
                gathered.raw(raw, slice);
            }
        });
        is_whole &= is_read;
    }
    is_whole
}
