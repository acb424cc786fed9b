//! One column being filled from text or JSON values. A value that does not fit changes nothing
//! that a following null would not mend.

use std::sync::Arc;

use arrow_array::builder::{BinaryViewBuilder, BooleanBufferBuilder, StringViewBuilder};
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, ListArray, NullArray, PrimitiveArray,
};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, TimeUnit};

use super::scalar;
use crate::formats::calendar::parse_date;
use crate::formats::error::{FormatError, Result, excerpt};
use crate::formats::type_name::{element, is_json, is_uuid, type_name};

/// Deepest nesting of a JSON value.
pub(crate) const DEPTH_MAX: usize = 128;

/// A column being filled.
pub(crate) struct ColumnBuilder {
    field: Field,
    pub(crate) kind: Kind,
    nulls: NullBufferBuilder,
}

/// The values so far, by type.
pub(crate) enum Kind {
    Null,
    Bool(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    UInt8(Vec<u8>),
    UInt16(Vec<u16>),
    UInt32(Vec<u32>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal(Vec<i128>, u8, i8),
    Text(StringViewBuilder),
    Uuid(StringViewBuilder),
    Json(StringViewBuilder),
    Bytes(BinaryViewBuilder),
    Date(Vec<i32>),
    Time(Vec<i64>, TimeUnit),
    List(Vec<i32>, Box<ColumnBuilder>),
    FixedList(usize, Box<ColumnBuilder>),
}

impl ColumnBuilder {
    /// An empty column of the field's type.
    ///
    /// # Errors
    /// A type that cannot be read from text.
    pub(crate) fn new(field: &Field, format: &'static str) -> Result<ColumnBuilder> {
        let kind = match field.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Bool(BooleanBufferBuilder::new(0)),
            DataType::Int8 => Kind::Int8(Vec::new()),
            DataType::Int16 => Kind::Int16(Vec::new()),
            DataType::Int32 => Kind::Int32(Vec::new()),
            DataType::Int64 => Kind::Int64(Vec::new()),
            DataType::UInt8 => Kind::UInt8(Vec::new()),
            DataType::UInt16 => Kind::UInt16(Vec::new()),
            DataType::UInt32 => Kind::UInt32(Vec::new()),
            DataType::UInt64 => Kind::UInt64(Vec::new()),
            DataType::Float16 | DataType::Float32 => Kind::Float32(Vec::new()),
            DataType::Float64 => Kind::Float64(Vec::new()),
            DataType::Decimal128(p, s) => Kind::Decimal(Vec::new(), *p, *s),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let strings = StringViewBuilder::new();
                match (is_uuid(field), is_json(field)) {
                    (true, _) => Kind::Uuid(strings),
                    (_, true) => Kind::Json(strings),
                    _ => Kind::Text(strings),
                }
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                Kind::Bytes(BinaryViewBuilder::new())
            }
            DataType::Date32 => Kind::Date(Vec::new()),
            DataType::Timestamp(unit, _) => Kind::Time(Vec::new(), *unit),
            DataType::List(item) | DataType::LargeList(item) => {
                let inner = ColumnBuilder::new(&element(field, item), format)?;
                Kind::List(vec![0], Box::new(inner))
            }
            DataType::FixedSizeList(item, length) => {
                let inner = ColumnBuilder::new(&element(field, item), format)?;
                Kind::FixedList(usize::try_from(*length).unwrap_or(0), Box::new(inner))
            }
            other => {
                return Err(FormatError::UnsupportedType {
                    column: field.name().clone(),
                    data_type: other.to_string(),
                    format,
                });
            }
        };
        Ok(ColumnBuilder { field: field.clone(), kind, nulls: NullBufferBuilder::new(0) })
    }

    /// Values so far.
    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// The column's field.
    pub(crate) fn field(&self) -> &Field {
        &self.field
    }

    /// Whether values are strings of any kind or dates, which a literal must quote.
    pub(crate) fn is_quoted(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Uuid(_) | Kind::Bytes(_) | Kind::Date(_))
    }

    /// Whether an empty text is a value.
    pub(crate) fn takes_empty(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Bytes(_))
    }

    /// Appends what stands for a missing value: null where allowed, else the type's zero.
    pub(crate) fn append_default(&mut self) {
        self.append_empty(self.field.is_nullable());
    }

    /// Appends null even where the field is not nullable; for rows that are thrown away.
    pub(crate) fn append_null(&mut self) {
        self.append_empty(true);
    }

    fn append_empty(&mut self, null: bool) {
        match &mut self.kind {
            Kind::Null => {}
            Kind::Bool(v) => v.append(false),
            Kind::Int8(v) => v.push(0),
            Kind::Int16(v) => v.push(0),
            Kind::Int32(v) | Kind::Date(v) => v.push(0),
            Kind::Int64(v) | Kind::Time(v, _) => v.push(0),
            Kind::UInt8(v) => v.push(0),
            Kind::UInt16(v) => v.push(0),
            Kind::UInt32(v) => v.push(0),
            Kind::UInt64(v) => v.push(0),
            Kind::Float32(v) => v.push(0.0),
            Kind::Float64(v) => v.push(0.0),
            Kind::Decimal(v, _, _) => v.push(0),
            Kind::Text(v) => v.append_value(""),
            Kind::Uuid(v) => v.append_value("00000000-0000-0000-0000-000000000000"),
            Kind::Json(v) => v.append_value("{}"),
            Kind::Bytes(v) => v.append_value([]),
            Kind::List(offsets, inner) => {
                inner.mend();
                offsets.push(end_of(inner));
            }
            Kind::FixedList(length, inner) => {
                inner.mend();
                let wanted = (self.nulls.len() + 1) * *length;
                while inner.len() < wanted {
                    inner.append_default();
                }
            }
        }
        self.nulls.append(!null || matches!(self.kind, Kind::Null));
    }

    /// Gives what a failed value left behind in inner columns to a null, so that the next value
    /// does not inherit it.
    fn mend(&mut self) {
        let is_torn = match &self.kind {
            Kind::List(offsets, inner) => offsets.last().copied() != Some(end_of(inner)),
            Kind::FixedList(length, inner) => inner.len() > self.nulls.len() * length,
            _ => false,
        };
        if is_torn {
            self.append_null();
        } else if let Kind::List(_, inner) | Kind::FixedList(_, inner) = &mut self.kind {
            inner.mend();
        }
    }

    /// Appends a value from its text, as CSV and tab-separated values hold it after unescaping.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub(crate) fn append_text(&mut self, text: &str) -> Result<(), String> {
        macro_rules! number {
            ($values:expr, $parsed:expr) => {
                match $parsed {
                    Some(value) => $values.push(value),
                    None => return Err(self.mismatch(text)),
                }
            };
        }
        macro_rules! signed {
            ($values:expr, $type:ty) => {
                number!(
                    $values,
                    scalar::parse_i64(text.as_bytes()).and_then(|v| <$type>::try_from(v).ok())
                )
            };
        }
        macro_rules! unsigned {
            ($values:expr, $type:ty) => {
                number!(
                    $values,
                    scalar::parse_u64(text.as_bytes()).and_then(|v| <$type>::try_from(v).ok())
                )
            };
        }
        match &mut self.kind {
            Kind::Null => return Err(self.mismatch(text)),
            Kind::Bool(v) => match scalar::parse_bool(text) {
                Some(value) => v.append(value),
                None => return Err(self.mismatch(text)),
            },
            Kind::Int8(v) => signed!(v, i8),
            Kind::Int16(v) => signed!(v, i16),
            Kind::Int32(v) => signed!(v, i32),
            Kind::Int64(v) => signed!(v, i64),
            Kind::UInt8(v) => unsigned!(v, u8),
            Kind::UInt16(v) => unsigned!(v, u16),
            Kind::UInt32(v) => unsigned!(v, u32),
            Kind::UInt64(v) => unsigned!(v, u64),
            Kind::Float32(v) => number!(v, scalar::parse_f32(text)),
            Kind::Float64(v) => number!(v, scalar::parse_f64(text)),
            Kind::Decimal(v, p, s) => {
                number!(v, scalar::parse_decimal(text.as_bytes(), *p, *s))
            }
            Kind::Date(v) => number!(v, parse_date(text.as_bytes())),
            Kind::Time(v, unit) => number!(v, scalar::parse_time(text.as_bytes(), *unit)),
            Kind::Text(v) => v.append_value(text),
            Kind::Bytes(v) => v.append_value(text.as_bytes()),
            Kind::Uuid(v) => match scalar::parse_uuid(text.as_bytes()) {
                Some(uuid) => v.append_value(std::str::from_utf8(&uuid).unwrap_or_default()),
                None => return Err(self.mismatch(text)),
            },
            Kind::Json(_) => {
                if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
                    return Err(self.mismatch(text));
                }
                return self.append_document(text.trim());
            }
            Kind::List(..) | Kind::FixedList(..) => {
                return super::literal::append_whole(self, text);
            }
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends valid JSON text to a JSON column, as written.
    pub(crate) fn append_document(&mut self, text: &str) -> Result<(), String> {
        if scalar::is_deeper_than(text, DEPTH_MAX) {
            return Err(format!("nested deeper than {DEPTH_MAX} levels"));
        }
        if let Kind::Json(v) = &mut self.kind {
            v.append_value(text);
            self.nulls.append_non_null();
        }
        Ok(())
    }

    /// Ends a list whose elements were appended to the inner column; `count` is their number.
    ///
    /// # Errors
    /// A number of elements that the type does not have.
    pub(crate) fn end_list(&mut self, count: usize) -> Result<(), String> {
        match &mut self.kind {
            Kind::List(offsets, inner) => offsets.push(end_of(inner)),
            Kind::FixedList(length, _) if *length != count => {
                return Err(format!("expected {length} elements, found {count}"));
            }
            _ => {}
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// The inner column of a list and the most elements the next value may have.
    pub(crate) fn inner(&mut self) -> Option<(&mut ColumnBuilder, usize)> {
        match &mut self.kind {
            Kind::List(_, inner) => Some((inner, usize::MAX)),
            Kind::FixedList(length, inner) => Some((inner, *length)),
            _ => None,
        }
    }

    /// What to say when `found` does not fit.
    pub(crate) fn mismatch(&self, found: &str) -> String {
        let hint = match &self.kind {
            Kind::Int8(_) => " (-128 to 127)",
            Kind::Int16(_) => " (-32768 to 32767)",
            Kind::Int32(_) => " (-2147483648 to 2147483647)",
            Kind::Int64(_) => " (-9223372036854775808 to 9223372036854775807)",
            Kind::UInt8(_) => " (0 to 255)",
            Kind::UInt16(_) => " (0 to 65535)",
            Kind::UInt32(_) => " (0 to 4294967295)",
            Kind::UInt64(_) => " (0 to 18446744073709551615)",
            Kind::Bool(_) => " (true or false)",
            Kind::Date(_) => " (YYYY-MM-DD)",
            Kind::Time(..) => " (YYYY-MM-DD hh:mm:ss[.f], RFC 3339 or a number)",
            Kind::List(..) | Kind::FixedList(..) => " ([...])",
            _ => "",
        };
        let found = match found.is_empty() {
            true => "nothing".to_string(),
            false => format!("`{}`", excerpt(found)),
        };
        format!("expected {}{hint}, found {found}", type_name(&self.field))
    }

    /// The column, which is empty again afterwards.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        let length = self.nulls.len();
        let nulls = self.nulls.finish();
        macro_rules! primitive {
            ($type:ty, $values:expr) => {{
                let values = ScalarBuffer::from(renew($values));
                Arc::new(PrimitiveArray::<$type>::try_new(values, nulls)?) as ArrayRef
            }};
        }
        let array: ArrayRef = match &mut self.kind {
            Kind::Null => Arc::new(NullArray::new(length)),
            Kind::Bool(v) => Arc::new(BooleanArray::new(v.finish(), nulls)),
            Kind::Int8(v) => primitive!(Int8Type, v),
            Kind::Int16(v) => primitive!(Int16Type, v),
            Kind::Int32(v) => primitive!(Int32Type, v),
            Kind::Int64(v) => primitive!(Int64Type, v),
            Kind::UInt8(v) => primitive!(UInt8Type, v),
            Kind::UInt16(v) => primitive!(UInt16Type, v),
            Kind::UInt32(v) => primitive!(UInt32Type, v),
            Kind::UInt64(v) => primitive!(UInt64Type, v),
            Kind::Float32(v) => primitive!(Float32Type, v),
            Kind::Float64(v) => primitive!(Float64Type, v),
            Kind::Date(v) => primitive!(Date32Type, v),
            Kind::Decimal(v, p, s) => {
                let values = ScalarBuffer::from(renew(v));
                let array = PrimitiveArray::<Decimal128Type>::try_new(values, nulls)?;
                Arc::new(array.with_precision_and_scale(*p, *s)?)
            }
            Kind::Time(v, unit) => {
                let values = ScalarBuffer::from(renew(v));
                let zone = match self.field.data_type() {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                match unit {
                    TimeUnit::Second => time::<TimestampSecondType>(values, nulls, zone)?,
                    TimeUnit::Millisecond => time::<TimestampMillisecondType>(values, nulls, zone)?,
                    TimeUnit::Microsecond => time::<TimestampMicrosecondType>(values, nulls, zone)?,
                    TimeUnit::Nanosecond => time::<TimestampNanosecondType>(values, nulls, zone)?,
                }
            }
            Kind::Text(v) | Kind::Uuid(v) | Kind::Json(v) => {
                let (views, buffers, _) = v.finish().into_parts();
                Arc::new(arrow_array::StringViewArray::try_new(views, buffers, nulls)?)
            }
            Kind::Bytes(v) => {
                let (views, buffers, _) = v.finish().into_parts();
                Arc::new(arrow_array::BinaryViewArray::try_new(views, buffers, nulls)?)
            }
            Kind::List(offsets, inner) => {
                let offsets = std::mem::replace(offsets, vec![0]);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let item = Arc::new(item_of(&self.field, inner));
                Arc::new(ListArray::try_new(item, offsets, inner.finish()?, nulls)?)
            }
            Kind::FixedList(n, inner) => {
                let item = Arc::new(item_of(&self.field, inner));
                let n = i32::try_from(*n).unwrap_or(i32::MAX);
                Arc::new(FixedSizeListArray::try_new(item, n, inner.finish()?, nulls)?)
            }
        };
        if array.data_type() == self.field.data_type() {
            return Ok(array);
        }
        Ok(cast(&array, self.field.data_type())?)
    }
}

/// Takes the values and leaves room for as many again.
fn renew<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
}

fn time<T: ArrowTimestampType>(
    values: ScalarBuffer<i64>,
    nulls: Option<arrow_buffer::NullBuffer>,
    zone: Option<Arc<str>>,
) -> Result<ArrayRef> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values, nulls)?.with_timezone_opt(zone)))
}

/// The item field as the schema spells it.
fn item_of(list: &Field, inner: &ColumnBuilder) -> Field {
    match list.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.as_ref().clone()
        }
        _ => inner.field.clone(),
    }
}

fn end_of(inner: &ColumnBuilder) -> i32 {
    // A batch is cut long before 2^31 elements.
    i32::try_from(inner.len()).unwrap_or(i32::MAX)
}
