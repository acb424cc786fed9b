//! Brings batches of another schema (Parquet, Arrow) to the target's: columns by name, values
//! cast without loss.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::interleave::interleave;

use super::builder::{ColumnBuilder, DEPTH_MAX};
use super::rows::unknown_column;
use super::scalar;
use crate::formats::encode::json_texts;
use crate::formats::error::{FormatError, Result, excerpt};
use crate::formats::type_name::{is_json, is_uuid, type_name};

/// How batches of one schema become batches of another.
#[derive(Debug)]
pub struct Conform {
    target: SchemaRef,
    /// For each column of the target the one it comes from.
    sources: Vec<Option<usize>>,
}

impl Conform {
    /// Plans the way from `source` to `target`. Only `columns` (without them, all of the
    /// target's) may come from the source.
    ///
    /// # Errors
    /// A source column that is not among them, unless `skip_unknown`; a name in `columns` that
    /// the target does not have.
    pub fn new(
        source: &Schema,
        target: SchemaRef,
        columns: Option<&[String]>,
        skip_unknown: bool,
    ) -> Result<Conform> {
        for name in columns.unwrap_or_default() {
            if target.column_with_name(name).is_none() {
                return Err(unknown_column(&target, name));
            }
        }
        let is_wanted = |name: &String| {
            target.column_with_name(name).is_some()
                && columns.is_none_or(|columns| columns.contains(name))
        };
        let unknown = source.fields().iter().find(|field| !is_wanted(field.name()));
        if let Some(field) = unknown
            && !skip_unknown
        {
            return Err(unknown_column(&target, field.name()));
        }
        let find = |field: &Arc<Field>| {
            is_wanted(field.name()).then(|| source.index_of(field.name()).ok()).flatten()
        };
        let sources = target.fields().iter().map(find).collect();
        Ok(Conform { target, sources })
    }

    /// Brings one batch to the target schema. Missing columns, and nulls where the target has
    /// none, get null or the type's zero.
    ///
    /// # Errors
    /// A value that does not fit, with the column's name.
    pub fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let fields = self.target.fields().iter().zip(&self.sources);
        let arrays = fields.map(|(field, source)| {
            match source.and_then(|at| batch.columns().get(at).map(|a| (a, at))) {
                Some((array, at)) => {
                    let schema = batch.schema();
                    let array = convert(array, schema.field(at), field)?;
                    fill_nulls(array, field)
                }
                None => default_array(field, batch.num_rows()),
            }
        });
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.target.clone(), arrays, &options)?)
    }
}

fn default_array(field: &Field, rows: usize) -> Result<ArrayRef> {
    let mut column = ColumnBuilder::new(field, "Arrow")?;
    for _ in 0..rows {
        column.append_default();
    }
    column.finish()
}

fn fill_nulls(array: ArrayRef, field: &Field) -> Result<ArrayRef> {
    if field.is_nullable() || array.logical_null_count() == 0 {
        return Ok(array);
    }
    let zero = default_array(field, 1)?;
    let nulls = array.logical_nulls();
    let from = |row| match nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
        true => (1, 0),
        false => (0, row),
    };
    let rows: Vec<(usize, usize)> = (0..array.len()).map(from).collect();
    Ok(interleave(&[&array, &zero], &rows)?)
}

fn convert(array: &ArrayRef, source: &Field, target: &Field) -> Result<ArrayRef> {
    let wrong = |problem: String| FormatError::Column { column: target.name().clone(), problem };
    let (from, to) = (array.data_type(), target.data_type());
    let is_text = matches!(to, DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8);
    if is_text && is_json(target) {
        let texts = match from.is_nested() {
            true => json_texts(array, source)?,
            false => cast_exact(array, &DataType::Utf8View).map_err(wrong)?,
        };
        check_texts(&texts, is_document).map_err(wrong)?;
        return cast_exact(&texts, to).map_err(wrong);
    }
    if is_text && is_uuid(target) {
        return cast_exact(&uuid_texts(array).map_err(wrong)?, to).map_err(wrong);
    }
    if from == to {
        return Ok(array.clone());
    }
    if from.is_floating() && to.is_integer() {
        return Err(wrong(format!("{from} does not fit {}", type_name(target))));
    }
    cast_exact(array, to).map_err(wrong)
}

fn cast_exact(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|error| error.to_string())
}

fn is_document(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        && !scalar::is_deeper_than(text, DEPTH_MAX)
}

fn check_texts(texts: &ArrayRef, is_good: impl Fn(&str) -> bool) -> Result<(), String> {
    let strings = texts.as_string_view_opt().ok_or("expected strings")?;
    match strings.iter().flatten().find(|text| !is_good(text)) {
        Some(text) => Err(format!("expected JSON, found `{}`", excerpt(text))),
        None => Ok(()),
    }
}

/// Canonical UUID text from text or from 16 bytes.
fn uuid_texts(array: &ArrayRef) -> Result<ArrayRef, String> {
    let mut out = StringViewBuilder::with_capacity(array.len());
    let mut push = |text: Option<&str>| -> Result<(), String> {
        let Some(text) = text else {
            out.append_null();
            return Ok(());
        };
        let uuid = scalar::parse_uuid(text.as_bytes())
            .ok_or_else(|| format!("expected UUID, found `{}`", excerpt(text)))?;
        out.append_value(std::str::from_utf8(&uuid).unwrap_or_default());
        Ok(())
    };
    let sixteen = array.as_fixed_size_binary_opt().filter(|bytes| bytes.value_length() == 16);
    if let Some(bytes) = sixteen {
        let hex = |value: &[u8]| value.iter().map(|b| format!("{b:02x}")).collect::<String>();
        for value in bytes.iter() {
            push(value.map(hex).as_deref())?;
        }
    } else {
        let texts = cast_exact(array, &DataType::Utf8View)?;
        for text in texts.as_string_view_opt().ok_or("expected strings")?.iter() {
            push(text)?;
        }
    }
    Ok(Arc::new(out.finish()))
}
