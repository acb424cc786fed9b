//! JSON texts as a column of any type: what a type hint of a path promises, and what `JSONExtract`
//! gives. A value that does not become one of the type is null. Not the typed subcolumns of a part
//! (`values`).

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, StringViewArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_cast::{CastOptions, cast_with_options};

use super::read::{elements, unquoted};
use crate::column::parse_uuid;
use crate::error::Result;
use crate::schema::{ColumnType, element_field};

/// Values of `ty`, one for each JSON text. Texts are taken out of their quotes, numbers and times
/// are read as a cast of their text reads them, arrays element by element; `null`, and whatever is
/// not of the type, is null.
///
/// # Errors
/// [`crate::Error::Unsupported`] for a type that no cast of text makes.
pub fn converted(raws: &[Option<&str>], ty: &ColumnType) -> Result<ArrayRef> {
    let wanted = ty.arrow();
    let element = match ty {
        ColumnType::Array(element) => (**element).clone(),
        ColumnType::Vector(_) => ColumnType::Float32,
        ColumnType::Json => {
            let texts = raws.iter().map(|raw| raw.filter(|raw| *raw != "null"));
            return Ok(Arc::new(texts.collect::<StringViewArray>()));
        }
        _ => {
            let texts = raws.iter().map(|raw| raw.and_then(|raw| scalar_text(raw, ty)));
            let texts: ArrayRef = Arc::new(texts.collect::<StringViewArray>());
            let lenient = CastOptions { safe: true, ..CastOptions::default() };
            return Ok(cast_with_options(&texts, &wanted, &lenient)?);
        }
    };
    let mut all: Vec<Option<&str>> = Vec::new();
    let mut lengths = Vec::with_capacity(raws.len());
    let mut valid = NullBufferBuilder::new(raws.len());
    for raw in raws {
        let items = raw.filter(|raw| raw.starts_with('[')).and_then(elements);
        valid.append(items.is_some());
        lengths.push(items.as_ref().map_or(0, Vec::len));
        all.extend(items.into_iter().flatten().map(Some));
    }
    let values = converted(&all, &element)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let list: ArrayRef = Arc::new(ListArray::try_new(
        element_field(values.data_type().clone()),
        offsets,
        values,
        valid.finish(),
    )?);
    let lenient = CastOptions { safe: true, ..CastOptions::default() };
    Ok(if *list.data_type() == wanted {
        list
    } else {
        cast_with_options(&list, &wanted, &lenient)?
    })
}

/// The text that is cast; none for `null`, and for objects and arrays unless text is wanted.
fn scalar_text<'a>(raw: &'a str, ty: &ColumnType) -> Option<Cow<'a, str>> {
    if raw.starts_with(['{', '[']) && *ty != ColumnType::String {
        return None;
    }
    let text = unquoted(raw)?;
    let is_uuid = *ty != ColumnType::Uuid || parse_uuid(&text).is_some();
    is_uuid.then_some(text)
}
