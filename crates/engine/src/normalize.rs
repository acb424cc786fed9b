//! From a batch as a caller has it (some columns, in any order, of castable types) to a batch as
//! the table stores it: every column, in order, defaults filled, values checked. Nothing is written
//! here.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMillisecondArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Schema as ArrowSchema};
use dodb_part::json::Inspector;
use dodb_part::{Column, ColumnType};
use uuid::Builder;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::keys::derived_id;
use crate::options::Options;
use crate::table::{TableDef, TableKind, relationships, things};

/// A full batch for `def` from the named columns of `batch`.
///
/// # Errors
/// A column the table does not have, a value of the wrong type, a null where none may be, a
/// document that is not JSON, a value longer than `value_bytes_max`: each names column and row.
pub(crate) fn normalize(
    def: &TableDef,
    options: &Options,
    env: &dyn Env,
    batch: &RecordBatch,
) -> Result<RecordBatch> {
    for field in batch.schema().fields() {
        def.column(field.name())?;
    }
    let rows = batch.num_rows();
    let mut columns = Vec::with_capacity(def.schema.columns().len());
    for column in def.schema.columns() {
        let given = batch.column_by_name(&column.name);
        let array = match given {
            Some(array) => convert(def, column, array)?,
            None => new_null_array(&column.ty.arrow(), rows),
        };
        let array = if array.null_count() > 0 { default(def, env, column, array)? } else { array };
        check(def, options, column, &array)?;
        let is_json = column.ty == ColumnType::Json;
        columns.push(if is_json { documents(def, column, array)? } else { array });
    }
    let schema = Arc::new(ArrowSchema::new(
        def.schema.columns().iter().map(Column::field).collect::<Vec<_>>(),
    ));
    if def.kind == TableKind::Relationships {
        forget_derived_ids(&mut columns);
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// An id that follows from the other columns is stored as null, also when it was given.
fn forget_derived_ids(columns: &mut [ArrayRef]) {
    let [id, rest @ ..] = columns else { return };
    let [from, to, ty, ..] = &*rest else { return };
    let strings = |array: &ArrayRef| array.as_string_view_opt().cloned();
    let (Some(given), Some(from), Some(to), Some(ty)) =
        (strings(id), strings(from), strings(to), strings(ty))
    else {
        return;
    };
    if given.null_count() == given.len() {
        return;
    }
    let mut out = StringViewBuilder::with_capacity(given.len());
    for row in 0..given.len() {
        let own = (!given.is_null(row))
            .then(|| given.value(row))
            .filter(|own| *own != derived_id(from.value(row), to.value(row), ty.value(row)));
        out.append_option(own);
    }
    *id = Arc::new(out.finish());
}

fn convert(def: &TableDef, column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    let want = column.ty.arrow();
    if *array.data_type() == want {
        return Ok(array.clone());
    }
    let wrong = |why: String| {
        Error::invalid(format!(
            "column `{}` of table `{}` is {}; {why}",
            column.name,
            def.name,
            column.ty.name()
        ))
    };
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(&want, array.len()));
    }
    let strict = CastOptions { safe: false, ..Default::default() };
    cast_with_options(array, &want, &strict)
        .map_err(|e| wrong(format!("{} cannot be stored in it: {e}", array.data_type())))
}

/// What stands in for a null: generated ids, the time, an empty document.
fn default(def: &TableDef, env: &dyn Env, column: &Column, array: ArrayRef) -> Result<ArrayRef> {
    match (def.kind, column.id) {
        (TableKind::Things, things::ID) => Ok(fill_strings(&array, time_ordered_ids(env))),
        (TableKind::Things, things::DATA) | (TableKind::Relationships, relationships::DATA) => {
            Ok(fill_strings(&array, || "{}".to_owned()))
        }
        (TableKind::Things, things::CREATED_AT | things::UPDATED_AT)
        | (TableKind::Relationships, relationships::CREATED_AT) => Ok(fill_times(&array, env)),
        _ if column.nullable => Ok(array),
        _ => {
            let row = (0..array.len()).find(|row| array.is_null(*row)).unwrap_or_default();
            Err(Error::invalid(format!(
                "column `{}` of table `{}` may not be null, but record {} has no value for it",
                column.name,
                def.name,
                row + 1
            )))
        }
    }
}

fn fill_strings(array: &ArrayRef, mut make: impl FnMut() -> String) -> ArrayRef {
    let Some(given) = array.as_string_view_opt() else { return array.clone() };
    let mut out = StringViewBuilder::with_capacity(given.len());
    for row in 0..given.len() {
        if given.is_null(row) {
            out.append_value(make());
        } else {
            out.append_value(given.value(row));
        }
    }
    Arc::new(out.finish())
}

fn fill_times(array: &ArrayRef, env: &dyn Env) -> ArrayRef {
    use arrow_array::types::TimestampMillisecondType;
    let Some(given) = array.as_primitive_opt::<TimestampMillisecondType>() else {
        return array.clone();
    };
    let now = env.now_ms();
    let filled: TimestampMillisecondArray =
        given.iter().map(|value| Some(value.unwrap_or(now))).collect();
    Arc::new(filled.with_timezone_opt(given.timezone()))
}

/// UUIDs of version 7 (RFC 9562, 5.7): the time in milliseconds, then random bits that count up
/// within a batch, so that they keep the order of the records and pack well.
fn time_ordered_ids(env: &dyn Env) -> impl FnMut() -> String {
    let now = env.now_ms().max(0) as u64;
    let seed = u128::from_be_bytes(env.random());
    let mut count = 0u128;
    move || {
        let [_, _, _, _, _, _, tail @ ..] = seed.wrapping_add(count).to_be_bytes();
        count += 1;
        Builder::from_unix_timestamp_millis(now, &tail).into_uuid().to_string()
    }
}

fn check(def: &TableDef, options: &Options, column: &Column, array: &ArrayRef) -> Result<()> {
    let wrong = |row: usize, why: String| wrong(def, column, row, why);
    if let Some(strings) = array.as_string_view_opt() {
        // The views hold the lengths: no string is touched to check them.
        for (row, view) in strings.views().iter().enumerate() {
            let len = (*view as u32) as usize;
            if len > options.value_bytes_max && !strings.is_null(row) {
                let max = options.value_bytes_max;
                return Err(wrong(row, format!("{len} bytes are over the limit of {max}")));
            }
        }
    }
    if let Some(bytes) = array.as_binary_view_opt() {
        for (row, value) in bytes.iter().enumerate() {
            let len = value.map_or(0, <[u8]>::len);
            if len > options.value_bytes_max {
                let max = options.value_bytes_max;
                return Err(wrong(row, format!("{len} bytes are over the limit of {max}")));
            }
        }
    }
    if def.kind == TableKind::Things && column.id == things::ID {
        check_ids(array, &wrong)?;
    }
    Ok(())
}

fn check_ids(array: &ArrayRef, wrong: &dyn Fn(usize, String) -> Error) -> Result<()> {
    const ID_BYTES_MAX: usize = 1_024;
    let Some(ids) = array.as_string_view_opt() else { return Ok(()) };
    for (row, id) in ids.iter().enumerate() {
        let len = id.map_or(0, str::len);
        if len == 0 || len > ID_BYTES_MAX {
            return Err(wrong(row, format!("an id has 1 to {ID_BYTES_MAX} bytes, not {len}")));
        }
    }
    Ok(())
}

/// Documents in canonical form (`dodb_part::json::canonical`), without what the column's hints
/// leave out; the array itself when all are.
fn documents(def: &TableDef, column: &Column, array: ArrayRef) -> Result<ArrayRef> {
    let Some(texts) = array.as_string_view_opt() else { return Ok(array) };
    let hints = def.json_hints.get(&column.id);
    let mut inspector = Inspector::new();
    let mut rewritten: Option<StringViewBuilder> = None;
    for (row, text) in texts.iter().enumerate() {
        let kept = text.map(|text| inspector.inspect(text)).transpose();
        let mut kept = kept.map_err(|why| wrong(def, column, row, why))?;
        if let (Some(hints), Some(document)) = (hints, &kept)
            && let Some(rest) = hints.without_skipped(document)
        {
            kept = Some(Cow::Owned(rest));
        }
        let is_same = matches!(kept, None | Some(Cow::Borrowed(_)));
        if rewritten.is_none() && !is_same {
            let mut builder = StringViewBuilder::with_capacity(texts.len());
            texts.iter().take(row).for_each(|before| builder.append_option(before));
            rewritten = Some(builder);
        }
        if let Some(builder) = &mut rewritten {
            builder.append_option(kept);
        }
    }
    let array = match rewritten {
        Some(mut builder) => Arc::new(builder.finish()),
        None => array,
    };
    if let (Some(hints), Some(texts)) = (hints, array.as_string_view_opt()) {
        hints.check(&def.name, column, &texts.iter().collect::<Vec<_>>())?;
    }
    Ok(array)
}

fn wrong(def: &TableDef, column: &Column, row: usize, why: String) -> Error {
    Error::invalid(format!(
        "column `{}` of table `{}`, record {}: {why}",
        column.name,
        def.name,
        row + 1
    ))
}
