//! What a partition field comes to for each row of a column: Iceberg's specification, "Partition
//! Transforms", computed value by value by iceberg-rust. Not here: which rows lie together
//! ([`super::partition`]).

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use iceberg::spec::{Datum, Literal, PrimitiveLiteral, PrimitiveType, Transform, Type};
use iceberg::transform::{BoxedTransformFunction, create_transform_function};
use uuid::Uuid;

use crate::error::{Error, Result};

/// The days that a calendar of iceberg-rust has, which ends the process past them.
const DAYS_MAX: i32 = 90_000_000;

/// The partition values of a column's rows: the different ones, and which of them each row has.
pub(super) struct PartitionValues {
    pub(super) values: Vec<Option<Literal>>,
    /// Places in `values`.
    pub(super) of_row: Vec<u32>,
}

impl PartitionValues {
    /// `array` has the Arrow type of `ty`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for a transform that the type has not,
    /// [`crate::ErrorKind::Invalid`] for a moment that no calendar has.
    pub(super) fn of(array: &ArrayRef, ty: &Type, transform: &Transform) -> Result<Self> {
        let Type::Primitive(ty) = ty else {
            return Err(Error::unsupported(format!("a partition by a value of the type {ty}")));
        };
        let source = Source { array, ty };
        let function = match transform {
            Transform::Identity | Transform::Void => None,
            other => Some(create_transform_function(other)?),
        };
        let is_void = *transform == Transform::Void;
        let mut known: HashMap<Option<PrimitiveLiteral>, u32> = HashMap::new();
        let mut out = PartitionValues { values: Vec::new(), of_row: Vec::new() };
        // Neighbours are often equal.
        let mut last: Option<(Option<PrimitiveLiteral>, u32)> = None;
        for row in 0..array.len() {
            let value = if is_void { None } else { source.value(row)? };
            if let Some((before, place)) = &last
                && *before == value
            {
                out.of_row.push(*place);
                continue;
            }
            let transformed = source.transformed(value.as_ref(), function.as_ref())?;
            let next = u32::try_from(out.values.len()).unwrap_or(u32::MAX);
            let place = *known.entry(transformed.clone()).or_insert(next);
            if place == next {
                out.values.push(transformed.map(Literal::Primitive));
            }
            out.of_row.push(place);
            last = Some((value, place));
        }
        Ok(out)
    }
}

/// A column of a partition.
struct Source<'a> {
    array: &'a ArrayRef,
    ty: &'a PrimitiveType,
}

impl Source<'_> {
    fn transformed(
        &self,
        value: Option<&PrimitiveLiteral>,
        function: Option<&BoxedTransformFunction>,
    ) -> Result<Option<PrimitiveLiteral>> {
        let (Some(value), Some(function)) = (value, function) else { return Ok(value.cloned()) };
        let datum = function.transform_literal(&self.datum(value)?)?;
        Ok(datum.map(|datum| datum.literal().clone()))
    }

    /// The value of a row; `None` for null.
    fn value(&self, row: usize) -> Result<Option<PrimitiveLiteral>> {
        use PrimitiveLiteral as L;
        use PrimitiveType as T;
        if self.array.is_null(row) {
            return Ok(None);
        }
        let value = match self.ty {
            T::Boolean => self.array.as_boolean_opt().map(|array| L::Boolean(array.value(row))),
            T::Int => self.native::<Int32Type>(row).map(L::Int),
            T::Date => self.native::<Date32Type>(row).map(L::Int),
            T::Long => self.native::<Int64Type>(row).map(L::Long),
            T::Timestamp | T::Timestamptz => {
                self.native::<TimestampMicrosecondType>(row).map(L::Long)
            }
            T::TimestampNs | T::TimestamptzNs => {
                self.native::<TimestampNanosecondType>(row).map(L::Long)
            }
            T::Float => self.native::<Float32Type>(row).map(|value| L::Float(value.into())),
            T::Double => self.native::<Float64Type>(row).map(|value| L::Double(value.into())),
            T::Decimal { .. } => self.native::<Decimal128Type>(row).map(L::Int128),
            T::String => {
                let texts = self.array.as_string_opt::<i32>();
                texts.map(|texts| L::String(texts.value(row).to_owned()))
            }
            T::Uuid => {
                let bytes = self.array.as_fixed_size_binary_opt();
                let uuid = bytes.and_then(|bytes| Uuid::from_slice(bytes.value(row)).ok());
                uuid.map(|uuid| L::UInt128(uuid.as_u128()))
            }
            T::Binary => {
                let bytes = self.array.as_binary_opt::<i64>();
                bytes.map(|bytes| L::Binary(bytes.value(row).to_vec()))
            }
            T::Time | T::Fixed(_) => None,
        };
        let unlike = || format!("a partition by {}, which is {}", self.ty, self.array.data_type());
        value.map(Some).ok_or_else(|| Error::unsupported(unlike()))
    }

    fn native<T: ArrowPrimitiveType>(&self, row: usize) -> Option<T::Native> {
        Some(self.array.as_primitive_opt::<T>()?.value(row))
    }

    /// A value with its type, as transforms take it.
    fn datum(&self, value: &PrimitiveLiteral) -> Result<Datum> {
        use PrimitiveLiteral as L;
        use PrimitiveType as T;
        Ok(match (self.ty, value) {
            (T::Date, L::Int(days)) if days.unsigned_abs() <= DAYS_MAX.unsigned_abs() => {
                Datum::date(*days)
            }
            (T::Date, L::Int(days)) => {
                return Err(Error::invalid(format!("the day {days} since 1970 is in no calendar")));
            }
            (T::Timestamp, L::Long(moment)) => Datum::timestamp_micros(*moment),
            (T::Timestamptz, L::Long(moment)) => Datum::timestamptz_micros(*moment),
            (T::TimestampNs, L::Long(moment)) => Datum::timestamp_nanos(*moment),
            (T::TimestamptzNs, L::Long(moment)) => Datum::timestamptz_nanos(*moment),
            (_, L::Boolean(value)) => Datum::bool(*value),
            (_, L::Int(value)) => Datum::int(*value),
            (_, L::Long(value)) => Datum::long(*value),
            (_, L::Float(value)) => Datum::float(value.into_inner()),
            (_, L::Double(value)) => Datum::double(value.into_inner()),
            (_, L::String(value)) => Datum::string(value),
            (_, L::Binary(value)) => Datum::binary(value.iter().copied()),
            (_, L::UInt128(value)) => Datum::uuid(Uuid::from_u128(*value)),
            (_, L::Int128(value)) => Datum::try_from_bytes(&value.to_be_bytes(), self.ty.clone())?,
            (_, L::AboveMax | L::BelowMin) => {
                return Err(Error::invalid("a partition by a value past all others"));
            }
        })
    }
}
