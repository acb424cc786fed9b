//! One column of one batch, resolved once, writing any of its values in any style.

use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryViewArray, BooleanArray, PrimitiveArray,
    StringViewArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, TimeUnit};

use super::columns::to_text_face;
use super::escape;
use super::number::{push_decimal, push_f32, push_f64, push_int, push_scaled};
use crate::formats::calendar::{push_date, push_timestamp};
use crate::formats::error::{FormatError, Result};
use crate::formats::type_name::{element, is_json, is_utc, type_name};

/// A column of a batch, ready to write.
pub(crate) struct Cell {
    pub(crate) kind: Kind,
    nulls: Option<NullBuffer>,
}

/// The values by type.
pub(crate) enum Kind {
    /// Nothing but nulls.
    Null,
    Bool(BooleanArray),
    Int8(ScalarBuffer<i8>),
    Int16(ScalarBuffer<i16>),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt8(ScalarBuffer<u8>),
    UInt16(ScalarBuffer<u16>),
    UInt32(ScalarBuffer<u32>),
    UInt64(ScalarBuffer<u64>),
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
    Decimal(ScalarBuffer<i128>, i8),
    Decimal256(arrow_array::Decimal256Array, i8),
    Text(StringViewArray),
    /// JSON documents as text.
    Json(StringViewArray),
    Bytes(BinaryViewArray),
    Date(ScalarBuffer<i32>),
    Timestamp(ScalarBuffer<i64>, TimeUnit, Option<Tz>),
    List(OffsetBuffer<i32>, Box<Cell>),
    FixedList(usize, Box<Cell>),
    Tuple(Vec<(String, Cell)>),
    Map(OffsetBuffer<i32>, Box<Cell>, Box<Cell>),
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> ScalarBuffer<T::Native> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    array.values().clone()
}

impl Cell {
    /// Resolves a column.
    ///
    /// # Errors
    /// A type that cannot be written as text.
    pub(crate) fn new(array: &ArrayRef, field: &Field) -> Result<Cell> {
        let array = to_text_face(array)?;
        let kind = match array.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Bool(array.as_boolean().clone()),
            DataType::Int8 => Kind::Int8(values::<Int8Type>(&array)),
            DataType::Int16 => Kind::Int16(values::<Int16Type>(&array)),
            DataType::Int32 => Kind::Int32(values::<Int32Type>(&array)),
            DataType::Int64 => Kind::Int64(values::<Int64Type>(&array)),
            DataType::UInt8 => Kind::UInt8(values::<UInt8Type>(&array)),
            DataType::UInt16 => Kind::UInt16(values::<UInt16Type>(&array)),
            DataType::UInt32 => Kind::UInt32(values::<UInt32Type>(&array)),
            DataType::UInt64 => Kind::UInt64(values::<UInt64Type>(&array)),
            DataType::Float32 => Kind::Float32(values::<Float32Type>(&array)),
            DataType::Float64 => Kind::Float64(values::<Float64Type>(&array)),
            DataType::Decimal128(_, s) => Kind::Decimal(values::<Decimal128Type>(&array), *s),
            DataType::Decimal256(_, s) => {
                Kind::Decimal256(array.as_primitive::<Decimal256Type>().clone(), *s)
            }
            DataType::Utf8View if is_json(field) => Kind::Json(array.as_string_view().clone()),
            DataType::Utf8View => Kind::Text(array.as_string_view().clone()),
            DataType::BinaryView => Kind::Bytes(array.as_binary_view().clone()),
            DataType::Date32 => Kind::Date(values::<Date32Type>(&array)),
            DataType::Timestamp(unit, zone) => {
                let ticks = match unit {
                    TimeUnit::Second => values::<TimestampSecondType>(&array),
                    TimeUnit::Millisecond => values::<TimestampMillisecondType>(&array),
                    TimeUnit::Microsecond => values::<TimestampMicrosecondType>(&array),
                    TimeUnit::Nanosecond => values::<TimestampNanosecondType>(&array),
                };
                let zone = zone.as_deref().filter(|zone| !is_utc(zone));
                Kind::Timestamp(ticks, *unit, zone.map(str::parse).transpose()?)
            }
            _ => Self::nested(&array, field)?,
        };
        Ok(Cell { kind, nulls: array.logical_nulls() })
    }

    fn nested(array: &ArrayRef, field: &Field) -> Result<Kind> {
        Ok(match array.data_type() {
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let inner = Cell::new(list.values(), &element(field, item))?;
                Kind::List(list.offsets().clone(), Box::new(inner))
            }
            DataType::FixedSizeList(item, length) => {
                let list = array.as_fixed_size_list();
                let inner = Cell::new(list.values(), &element(field, item))?;
                Kind::FixedList(usize::try_from(*length).unwrap_or(0), Box::new(inner))
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns().iter().zip(fields);
                let cells = columns.map(|(c, f)| Ok((f.name().clone(), Cell::new(c, f)?)));
                Kind::Tuple(cells.collect::<Result<_>>()?)
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                let (key, value) = match map.entries().fields().as_ref() {
                    [key, value] => (key.clone(), value.clone()),
                    _ => return Err(unsupported(field)),
                };
                let keys = Cell::new(map.keys(), &key)?;
                let values = Cell::new(map.values(), &value)?;
                Kind::Map(map.offsets().clone(), Box::new(keys), Box::new(values))
            }
            _ => return Err(unsupported(field)),
        })
    }

    /// Whether the value is null.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether ClickHouse draws the column at the right: numbers and times.
    pub(crate) fn is_right(&self) -> bool {
        self.is_number() || matches!(self.kind, Kind::Date(_) | Kind::Timestamp(..))
    }

    /// Whether the column holds numbers.
    pub(crate) fn is_number(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Null
                | Kind::Bool(_)
                | Kind::Text(_)
                | Kind::Json(_)
                | Kind::Bytes(_)
                | Kind::Date(_)
                | Kind::Timestamp(..)
                | Kind::List(..)
                | Kind::FixedList(..)
                | Kind::Tuple(_)
                | Kind::Map(..)
        )
    }

    /// The value as text without quotes or escapes (inside arrays, as literals). Null writes
    /// nothing.
    pub(crate) fn push_text(&self, row: usize, out: &mut Vec<u8>) {
        match &self.kind {
            _ if self.is_null(row) => {}
            Kind::Text(array) | Kind::Json(array) => {
                out.extend_from_slice(array.value(row).as_bytes());
            }
            Kind::Bytes(array) => out.extend_from_slice(array.value(row)),
            Kind::Date(_) | Kind::Timestamp(..) => self.push_time(row, out),
            _ => self.push_literal(row, out),
        }
    }

    /// The value as the tab-separated formats write it. Null writes nothing.
    pub(crate) fn push_tsv(&self, row: usize, out: &mut Vec<u8>) {
        match &self.kind {
            _ if self.is_null(row) => {}
            Kind::Text(array) | Kind::Json(array) => {
                escape::push_escaped(array.value(row).as_bytes(), out);
            }
            Kind::Bytes(array) => escape::push_escaped(array.value(row), out),
            _ => self.push_text(row, out),
        }
    }

    /// The value as CSV: everything but numbers and booleans in double quotes. Null writes
    /// nothing.
    pub(crate) fn push_csv(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        match &self.kind {
            _ if self.is_null(row) => {}
            Kind::Text(array) | Kind::Json(array) => {
                escape::push_csv(array.value(row).as_bytes(), out);
            }
            Kind::Bytes(array) => escape::push_csv(array.value(row), out),
            Kind::Date(_) | Kind::Timestamp(..) => {
                out.push(b'"');
                self.push_time(row, out);
                out.push(b'"');
            }
            Kind::List(..) | Kind::FixedList(..) | Kind::Tuple(_) | Kind::Map(..) => {
                scratch.clear();
                self.push_literal(row, scratch);
                escape::push_csv(scratch, out);
            }
            _ => self.push_literal(row, out),
        }
    }

    fn push_time(&self, row: usize, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Date(v) => push_date(i64::from(v[row]), out),
            Kind::Timestamp(v, unit, zone) => push_timestamp(v[row], *unit, zone.as_ref(), out),
            _ => {}
        }
    }

    /// The value as a SQL literal: strings and times in single quotes, `NULL`.
    pub(crate) fn push_literal(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"NULL");
            return;
        }
        match &self.kind {
            Kind::Null => out.extend_from_slice(b"NULL"),
            Kind::Text(array) | Kind::Json(array) => {
                escape::push_quoted(array.value(row).as_bytes(), out);
            }
            Kind::Bytes(array) => escape::push_quoted(array.value(row), out),
            Kind::Date(_) | Kind::Timestamp(..) => {
                out.push(b'\'');
                self.push_time(row, out);
                out.push(b'\'');
            }
            Kind::List(_, inner) | Kind::FixedList(_, inner) => {
                push_sequence(self.range(row), (b'[', b']'), out, |at, out| {
                    inner.push_literal(at, out);
                });
            }
            Kind::Tuple(parts) => {
                push_sequence(0..parts.len(), (b'(', b')'), out, |at, out| {
                    if let Some((_, part)) = parts.get(at) {
                        part.push_literal(row, out);
                    }
                });
            }
            Kind::Map(_, keys, values) => {
                push_sequence(self.range(row), (b'{', b'}'), out, |at, out| {
                    keys.push_literal(at, out);
                    out.push(b':');
                    values.push_literal(at, out);
                });
            }
            _ => self.push_number(row, out),
        }
    }

    /// Numbers and booleans, the same in every style.
    pub(crate) fn push_number(&self, row: usize, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Bool(v) => out.extend_from_slice(if v.value(row) { b"true" } else { b"false" }),
            Kind::Int8(v) => push_int(v[row], out),
            Kind::Int16(v) => push_int(v[row], out),
            Kind::Int32(v) => push_int(v[row], out),
            Kind::Int64(v) => push_int(v[row], out),
            Kind::UInt8(v) => push_int(v[row], out),
            Kind::UInt16(v) => push_int(v[row], out),
            Kind::UInt32(v) => push_int(v[row], out),
            Kind::UInt64(v) => push_int(v[row], out),
            Kind::Float32(v) => push_f32(v[row], out),
            Kind::Float64(v) => push_f64(v[row], out),
            Kind::Decimal(v, scale) => push_decimal(v[row], *scale, out),
            Kind::Decimal256(v, scale) => push_scaled(&v.value(row).to_string(), *scale, out),
            _ => {}
        }
    }

    /// A number as a float, for remarks about its size.
    pub(crate) fn as_f64(&self, row: usize) -> Option<f64> {
        if self.is_null(row) {
            return None;
        }
        Some(match &self.kind {
            Kind::Int32(v) => f64::from(v[row]),
            Kind::Int64(v) => v[row] as f64,
            Kind::UInt32(v) => f64::from(v[row]),
            Kind::UInt64(v) => v[row] as f64,
            Kind::Float32(v) => f64::from(v[row]),
            Kind::Float64(v) => v[row],
            Kind::Decimal(v, scale) => v[row] as f64 / 10f64.powi(i32::from(*scale)),
            // The others are below what calls for a remark.
            _ => return None,
        })
    }

    /// The rows of the inner column that a list or map holds at `row`.
    pub(crate) fn range(&self, row: usize) -> std::ops::Range<usize> {
        match &self.kind {
            Kind::List(offsets, _) | Kind::Map(offsets, _, _) => {
                let start = usize::try_from(offsets[row]).unwrap_or(0);
                start..usize::try_from(offsets[row + 1]).unwrap_or(start)
            }
            Kind::FixedList(length, _) => row * length..(row + 1) * length,
            _ => 0..0,
        }
    }
}

/// Appends the parts of a range between brackets, a comma between two.
pub(crate) fn push_sequence(
    range: std::ops::Range<usize>,
    (open, close): (u8, u8),
    out: &mut Vec<u8>,
    mut each: impl FnMut(usize, &mut Vec<u8>),
) {
    out.push(open);
    let first = range.start;
    for at in range {
        if at > first {
            out.push(b',');
        }
        each(at, out);
    }
    out.push(close);
}

fn unsupported(field: &Field) -> FormatError {
    FormatError::UnsupportedType {
        column: field.name().clone(),
        data_type: format!("{} ({})", field.data_type(), type_name(field)),
        format: "text",
    }
}
