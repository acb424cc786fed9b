//! The values of a path as one typed column. Not for text of objects and arrays of objects, which
//! `unshred` puts together.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringViewBuilder,
    UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, StringViewArray, new_null_array};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::kind::{Kind, PathType};
use super::number::Number;
use super::read::{elements, unquoted};
use super::shred::array_kind;
use super::time::{parse, push_text, rescaled, unit_of};
use super::unshred::as_text;
use crate::error::Result;
use crate::schema::element_field;

/// The values of a path in one granule: of each kind that occurs a column, and JSON texts of what
/// is in rest, by row.
pub(crate) struct Found {
    pub(crate) rows: usize,
    pub(crate) leaves: Vec<(Kind, ArrayRef)>,
    pub(crate) rest: Vec<(usize, String)>,
}

/// JSON texts as text: see [`PathType::Text`].
pub(crate) fn text_values(raw: &StringViewArray) -> ArrayRef {
    as_text(raw)
}

/// The values as `want`; those that are of another type are null.
pub(crate) fn path_values(want: PathType, found: &Found) -> Result<ArrayRef> {
    let used: Vec<&(Kind, ArrayRef)> =
        found.leaves.iter().filter(|(kind, _)| want.takes(*kind)).collect();
    if found.rest.is_empty() {
        match used.as_slice() {
            [] => return Ok(new_null_array(&want.column_type().arrow(), found.rows)),
            [(kind, array)] if Some(*kind) == want.direct_kind() => return Ok(array.clone()),
            [(kind, array)] if is_as_stored(want, *kind) => return timestamps(array, want),
            _ => {}
        }
    }
    Ok(match want {
        PathType::Float64 | PathType::Float => floats(want, &used, found),
        PathType::Date | PathType::Time(_) => timestamps(&times(want, &used, found), want)?,
        _ => mixed(want, &used, found),
    })
}

fn floats(want: PathType, used: &[&(Kind, ArrayRef)], found: &Found) -> ArrayRef {
    let mut values: Vec<Option<f64>> = vec![None; found.rows];
    for (kind, array) in used {
        for (row, slot) in values.iter_mut().enumerate().take(array.len()) {
            if array.is_valid(row) {
                *slot = float_at(*kind, array, row);
            }
        }
    }
    for (row, raw) in &found.rest {
        if let Some(slot) = values.get_mut(*row) {
            let is_whole = matches!(Number::parse(raw), Number::Int(_) | Number::UInt(_));
            *slot = float_of(raw).filter(|_| want == PathType::Float64 || !is_whole);
        }
    }
    Arc::new(arrow_array::Float64Array::from(values))
}

/// Whether values of a time are stored in the very unit that is wanted.
fn is_as_stored(want: PathType, kind: Kind) -> bool {
    matches!(want, PathType::Time(unit) if unit_of(kind) == Some(unit))
}

/// Numbers of a unit as times of that unit, or of days as dates.
fn timestamps(numbers: &ArrayRef, want: PathType) -> Result<ArrayRef> {
    let wanted = want.column_type().arrow();
    if want == PathType::Date {
        // Dates are 32 bits wide in Arrow.
        return Ok(cast(&cast(numbers, &DataType::Int32)?, &wanted)?);
    }
    Ok(cast(numbers, &wanted)?)
}

/// Dates as days, or dates and times as numbers of a unit.
fn times(want: PathType, used: &[&(Kind, ArrayRef)], found: &Found) -> ArrayRef {
    let number = |kind: Kind, value: i64| match want {
        PathType::Time(unit) => rescaled(kind, value, unit),
        _ => Some(value),
    };
    let mut values: Vec<Option<i64>> = vec![None; found.rows];
    for (kind, array) in used {
        let Some(array) = array.as_primitive_opt::<Int64Type>() else { continue };
        for (slot, value) in values.iter_mut().zip(array) {
            *slot = value.map_or(*slot, |value| number(*kind, value));
        }
    }
    for (row, raw) in &found.rest {
        let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        let time = inner.and_then(parse).filter(|(kind, _)| want.takes(*kind));
        if let Some(slot) = values.get_mut(*row) {
            *slot = time.and_then(|(kind, value)| number(kind, value));
        }
    }
    Arc::new(arrow_array::Int64Array::from(values))
}

fn float_at(kind: Kind, array: &ArrayRef, row: usize) -> Option<f64> {
    Some(match kind {
        Kind::Int => array.as_primitive_opt::<Int64Type>()?.value(row) as f64,
        Kind::UInt => array.as_primitive_opt::<UInt64Type>()?.value(row) as f64,
        Kind::Float => array.as_primitive_opt::<Float64Type>()?.value(row),
        _ => return float_of(array.as_string_view_opt()?.value(row)),
    })
}

fn float_of(raw: &str) -> Option<f64> {
    let is_number = raw.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    raw.parse::<f64>().ok().filter(|value| is_number && value.is_finite())
}

/// Row by row, from whichever source has a value.
fn mixed(want: PathType, used: &[&(Kind, ArrayRef)], found: &Found) -> ArrayRef {
    let mut out = Out::new(want);
    let mut rest = found.rest.iter().peekable();
    for row in 0..found.rows {
        if let Some((_, raw)) = rest.next_if(|(at, _)| *at == row) {
            out.push_raw(raw);
            continue;
        }
        match used.iter().find(|(_, array)| row < array.len() && array.is_valid(row)) {
            Some((kind, array)) => out.push(*kind, array, row),
            None => out.push_null(),
        }
    }
    out.finish()
}

/// A column in the making.
enum Out {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    UInt(UInt64Builder),
    Text(StringViewBuilder),
    TypeName(StringViewBuilder),
    Bools(ListBuilder<BooleanBuilder>),
    Ints(ListBuilder<Int64Builder>),
    Floats(ListBuilder<Float64Builder>),
    Strings(ListBuilder<StringViewBuilder>),
}

fn list_of<B: ArrayBuilder>(builder: B, want: PathType) -> ListBuilder<B> {
    let crate::schema::ColumnType::Array(element) = want.column_type() else {
        return ListBuilder::new(builder);
    };
    ListBuilder::new(builder).with_field(element_field(element.arrow()))
}

impl Out {
    fn new(want: PathType) -> Out {
        match want {
            PathType::Bool => Out::Bool(BooleanBuilder::new()),
            PathType::Int64 => Out::Int(Int64Builder::new()),
            PathType::UInt64 => Out::UInt(UInt64Builder::new()),
            PathType::Bools => Out::Bools(list_of(BooleanBuilder::new(), want)),
            PathType::Ints => Out::Ints(list_of(Int64Builder::new(), want)),
            PathType::Floats | PathType::Float64 | PathType::Float => {
                Out::Floats(list_of(Float64Builder::new(), PathType::Floats))
            }
            PathType::Strings | PathType::DynamicPaths | PathType::SharedPaths => {
                Out::Strings(list_of(StringViewBuilder::new(), want))
            }
            PathType::TypeName => Out::TypeName(StringViewBuilder::new()),
            PathType::Date
            | PathType::Time(_)
            | PathType::String
            | PathType::Text
            | PathType::Json
            | PathType::Object => Out::Text(StringViewBuilder::new()),
        }
    }

    fn push_null(&mut self) {
        match self {
            Out::Bool(b) => b.append_null(),
            Out::Int(b) => b.append_null(),
            Out::UInt(b) => b.append_null(),
            Out::Text(b) | Out::TypeName(b) => b.append_null(),
            Out::Bools(b) => b.append(false),
            Out::Ints(b) => b.append(false),
            Out::Floats(b) => b.append(false),
            Out::Strings(b) => b.append(false),
        }
    }

    /// The value of a leaf that serves.
    fn push(&mut self, kind: Kind, array: &ArrayRef, row: usize) {
        match self {
            Out::Bool(b) => b.append_option(array.as_boolean_opt().map(|a| a.value(row))),
            Out::Int(b) => {
                b.append_option(array.as_primitive_opt::<Int64Type>().map(|a| a.value(row)));
            }
            Out::UInt(b) => {
                b.append_option(array.as_primitive_opt::<UInt64Type>().map(|a| a.value(row)));
            }
            Out::Text(b) => match array.as_primitive_opt::<Int64Type>() {
                Some(times) => b.append_option(time_text(kind, times.value(row))),
                None => b.append_option(array.as_string_view_opt().map(|a| a.value(row))),
            },
            Out::TypeName(b) => {
                let raw = if kind == Kind::Raw { array.as_string_view_opt() } else { None };
                let name = raw.and_then(|raw| raw_type_name(raw.value(row)));
                b.append_value(name.unwrap_or(kind.type_name()));
            }
            Out::Bools(b) => {
                if let Some(values) = elements_at(kind, array, row) {
                    b.values().extend(values.as_boolean_opt().into_iter().flatten());
                }
                b.append(true);
            }
            Out::Ints(b) => {
                if let Some(values) = elements_at(kind, array, row) {
                    b.values().extend(values.as_primitive_opt::<Int64Type>().into_iter().flatten());
                }
                b.append(true);
            }
            Out::Floats(b) => {
                if let Some(values) = elements_at(kind, array, row) {
                    let values = values.as_primitive_opt::<Float64Type>();
                    b.values().extend(values.into_iter().flatten());
                }
                b.append(true);
            }
            Out::Strings(b) => {
                if let Some(values) = elements_at(kind, array, row) {
                    b.values().extend(values.as_string_view_opt().into_iter().flatten());
                }
                b.append(true);
            }
        }
    }

    /// A value that is JSON text.
    fn push_raw(&mut self, raw: &str) {
        let number = Number::parse(raw);
        let items = || if raw.starts_with('[') { elements(raw) } else { None };
        match (self, number) {
            (Out::Bool(b), _) => b.append_option(raw.parse().ok()),
            (Out::Int(b), Number::Int(value)) => b.append_value(value),
            (Out::UInt(b), Number::UInt(value)) => b.append_value(value),
            (Out::Text(b), _) => {
                b.append_option(unquoted(raw).filter(|_| raw.starts_with('"')));
            }
            (Out::TypeName(b), _) => b.append_option(raw_type_name(raw)),
            (Out::Bools(b), _) => {
                let items: Option<Vec<bool>> = parsed(items(), |raw| raw.parse().ok());
                let is_list = items.is_some();
                b.values().extend(items.into_iter().flatten().map(Some));
                b.append(is_list);
            }
            (Out::Ints(b), _) => {
                let items: Option<Vec<i64>> = parsed(items(), |raw| match Number::parse(raw) {
                    Number::Int(value) => Some(value),
                    _ => None,
                });
                let is_list = items.is_some();
                b.values().extend(items.into_iter().flatten().map(Some));
                b.append(is_list);
            }
            (Out::Floats(b), _) => {
                let items: Option<Vec<f64>> = parsed(items(), |raw| match Number::parse(raw) {
                    Number::Float(value) => Some(value),
                    _ => None,
                });
                let is_list = items.is_some();
                b.values().extend(items.into_iter().flatten().map(Some));
                b.append(is_list);
            }
            (Out::Strings(b), _) => {
                let items: Option<Vec<String>> = parsed(items(), |raw| {
                    let text = unquoted(raw).filter(|_| raw.starts_with('"'))?;
                    Some(text.into_owned())
                });
                let is_list = items.is_some();
                b.values().extend(items.into_iter().flatten().map(Some));
                b.append(is_list);
            }
            (other, _) => other.push_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Out::Bool(mut b) => Arc::new(b.finish()),
            Out::Int(mut b) => Arc::new(b.finish()),
            Out::UInt(mut b) => Arc::new(b.finish()),
            Out::Text(mut b) | Out::TypeName(mut b) => Arc::new(b.finish()),
            Out::Bools(mut b) => Arc::new(b.finish()),
            Out::Ints(mut b) => Arc::new(b.finish()),
            Out::Floats(mut b) => Arc::new(b.finish()),
            Out::Strings(mut b) => Arc::new(b.finish()),
        }
    }
}

fn time_text(kind: Kind, value: i64) -> Option<String> {
    let mut text = String::with_capacity(32);
    push_text(&mut text, kind, value).map(|()| text)
}

/// All items, or nothing when one does not parse.
fn parsed<T>(items: Option<Vec<&str>>, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    items?.into_iter().map(parse).collect()
}

/// The elements of a list; none for an array that is empty.
fn elements_at(kind: Kind, array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    if kind == Kind::EmptyArray {
        return None;
    }
    Some(array.as_list_opt::<i32>()?.value(row))
}

/// ClickHouse's name of the type of a JSON text; none for objects and `null`.
pub fn raw_type_name(raw: &str) -> Option<&'static str> {
    let kind = match raw.as_bytes().first()? {
        b'{' | b'n' => return None,
        b'[' => array_kind(raw),
        b'"' => Kind::String,
        b't' | b'f' => Kind::Bool,
        _ => match Number::parse(raw) {
            Number::Int(_) => Kind::Int,
            Number::UInt(_) => Kind::UInt,
            _ => Kind::Float,
        },
    };
    Some(kind.type_name())
}
