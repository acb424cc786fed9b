//! What manifests tell of the columns of a file, as dodb's column statistics. Bounds of text and
//! bytes may be cut, the upper one raised (Iceberg's specification, "Manifests"), which statistics
//! that are not exact allow.

use std::collections::BTreeMap;

use dodb_part::{ColumnStats, ColumnType, Scalar, TimeUnit};
use iceberg::spec::{Datum, PrimitiveLiteral, PrimitiveType};

use super::files::LiveFile;
use crate::schema::Layout;

impl LiveFile {
    /// By column id: nulls and bounds, deleted rows included. A column whose nulls were not counted
    /// has none.
    pub fn zones(&self, layout: &Layout) -> BTreeMap<u32, ColumnStats> {
        let file = &self.file;
        let rows = file.record_count();
        let zones = layout.columns().iter().filter_map(|laid| {
            let id = laid.field.id;
            let nulls = file.null_value_counts().get(&id).copied()?;
            let ty = &laid.column.ty;
            let bound = |bound: Option<&Datum>| bound.and_then(|datum| scalar(datum, ty));
            let stats = ColumnStats {
                rows,
                nulls,
                min: bound(file.lower_bounds().get(&id)),
                max: bound(file.upper_bounds().get(&id)),
                exact: false,
                distinct: 0,
                values: None,
            };
            let is_plain =
                !matches!(ty, ColumnType::Json | ColumnType::Array(_) | ColumnType::Vector(_));
            (is_plain && nulls <= rows).then_some((laid.column.id, stats))
        });
        zones.collect()
    }
}

/// A bound in the terms of the column.
fn scalar(datum: &Datum, ty: &ColumnType) -> Option<Scalar> {
    match (ty, datum.literal()) {
        (ColumnType::Bool, PrimitiveLiteral::Boolean(value)) => Some(Scalar::Bool(*value)),
        (ColumnType::Timestamp(unit), PrimitiveLiteral::Long(value)) => {
            let divisor = match (unit, datum.data_type()) {
                (TimeUnit::Nanosecond, PrimitiveType::Long) => 1,
                (
                    TimeUnit::Nanosecond,
                    PrimitiveType::TimestampNs | PrimitiveType::TimestamptzNs,
                ) => 1,
                (_, PrimitiveType::Timestamp | PrimitiveType::Timestamptz) => match unit {
                    TimeUnit::Microsecond => 1,
                    TimeUnit::Millisecond => 1_000,
                    TimeUnit::Second => 1_000_000,
                    TimeUnit::Nanosecond => return None,
                },
                _ => return None,
            };
            // Toward zero, as values are when they are read.
            Some(Scalar::Int(value / divisor))
        }
        (
            ColumnType::Int8
            | ColumnType::Int16
            | ColumnType::Int32
            | ColumnType::Int64
            | ColumnType::UInt8
            | ColumnType::UInt16
            | ColumnType::UInt32
            | ColumnType::Date,
            literal,
        ) => match literal {
            PrimitiveLiteral::Int(value) => Some(Scalar::Int(i64::from(*value))),
            PrimitiveLiteral::Long(value) => Some(Scalar::Int(*value)),
            _ => None,
        },
        (ColumnType::Float32 | ColumnType::Float64, literal) => {
            let value = match literal {
                PrimitiveLiteral::Float(value) => f64::from(value.0),
                PrimitiveLiteral::Double(value) => value.0,
                _ => return None,
            };
            (!value.is_nan()).then_some(Scalar::Float(value))
        }
        (ColumnType::Decimal { scale, .. }, PrimitiveLiteral::Int128(value)) => {
            let same = match datum.data_type() {
                PrimitiveType::Decimal { scale: of, .. } => i64::from(*of) == i64::from(*scale),
                _ => false,
            };
            same.then_some(Scalar::Decimal(*value))
        }
        (ColumnType::UInt64, PrimitiveLiteral::Int128(value)) => {
            u64::try_from(*value).ok().map(Scalar::UInt)
        }
        (ColumnType::String, PrimitiveLiteral::String(value)) => {
            Some(Scalar::String(value.clone()))
        }
        (ColumnType::Bytes, PrimitiveLiteral::Binary(value)) => Some(Scalar::Bytes(value.clone())),
        _ => None,
    }
}
