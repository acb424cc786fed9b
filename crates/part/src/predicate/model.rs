//! Random columns and predicates, and predicates evaluated row by row: the plain model that the
//! kernels and the pruning are tested against. Tests only.

use std::sync::Arc;

use arrow_array::types::*;
use arrow_array::*;
use arrow_schema::{DataType, TimeUnit};
use proptest::prelude::*;
use proptest::sample::select;

use super::{CompareOp, Predicate};
use crate::value::Scalar;

/// A column as the model sees it, and as Arrow does.
#[derive(Debug, Clone)]
pub(crate) struct ModelColumn {
    pub(crate) values: Vec<Option<Scalar>>,
    pub(crate) array: ArrayRef,
}

/// Every type that has scalars.
pub(crate) fn types() -> Vec<DataType> {
    let utc: Option<Arc<str>> = Some("UTC".into());
    vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(20, 3),
        DataType::Date32,
        DataType::Date64,
        DataType::Timestamp(TimeUnit::Second, utc.clone()),
        DataType::Timestamp(TimeUnit::Millisecond, utc.clone()),
        DataType::Timestamp(TimeUnit::Microsecond, utc.clone()),
        DataType::Timestamp(TimeUnit::Nanosecond, utc),
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8View)),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64)),
    ]
}

fn leaf(ty: &DataType) -> &DataType {
    if let DataType::Dictionary(_, values) = ty { values } else { ty }
}

/// The lowest and highest value of an integer type; `None` for other types.
fn int_range(ty: &DataType) -> Option<(i128, i128)> {
    Some(match ty {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 | DataType::Date32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 | DataType::Date64 | DataType::Timestamp(..) => {
            (i64::MIN.into(), i64::MAX.into())
        }
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        _ => return None,
    })
}

fn unsigned(ty: &DataType) -> bool {
    ty.is_unsigned_integer()
}

fn floats() -> BoxedStrategy<f64> {
    let special =
        vec![f64::NAN, -f64::NAN, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1.5, -2.0, 0.5];
    prop_oneof![6 => select(special), 1 => (-50_i32..50).prop_map(|v| f64::from(v) / 4.0)].boxed()
}

fn texts() -> BoxedStrategy<String> {
    let some = ["", "a", "ab", "abc", "abd", "b", "é", "éa", "z", "\u{10ffff}x", "a longer text"];
    prop_oneof![5 => select(some.to_vec()).prop_map(str::to_owned), 1 => "[a-c]{0,4}"].boxed()
}

/// A value that a column of this type can hold.
fn value(ty: &DataType) -> BoxedStrategy<Scalar> {
    let ty = leaf(ty);
    if let Some((low, high)) = int_range(ty) {
        let make = if unsigned(ty) {
            |v: i128| Scalar::UInt(u64::try_from(v).unwrap())
        } else {
            |v: i128| Scalar::Int(i64::try_from(v).unwrap())
        };
        let near = (-4_i128).max(low)..5;
        return prop_oneof![6 => near, 1 => Just(low), 1 => Just(high), 1 => low..=high]
            .prop_map(make)
            .boxed();
    }
    match ty {
        DataType::Boolean => any::<bool>().prop_map(Scalar::Bool).boxed(),
        DataType::Float32 => floats().prop_map(|v| Scalar::Float(f64::from(v as f32))).boxed(),
        DataType::Float64 => floats().prop_map(Scalar::Float).boxed(),
        DataType::Decimal128(..) => (-5_i128..6).prop_map(Scalar::Decimal).boxed(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            texts().prop_map(Scalar::String).boxed()
        }
        _ => prop_oneof![
            texts().prop_map(|v| Scalar::Bytes(v.into_bytes())),
            select(vec![vec![0xff], vec![0xff, 0xff], vec![0xff, 0xff, 0xff, 1], vec![0]])
                .prop_map(Scalar::Bytes),
        ]
        .boxed(),
    }
}

/// A value that a column of this type can be compared with: also some that it cannot hold.
pub(crate) fn literal(ty: &DataType) -> BoxedStrategy<Scalar> {
    let ty = leaf(ty);
    if int_range(ty).is_some() {
        let ints = vec![-300, -129, 127, 128, 256, 40_000, i64::MIN, i64::MAX, i64::from(u32::MAX)];
        let uints = vec![0, 3, 255, 300, u64::MAX, 1 << 63];
        return prop_oneof![
            6 => value(ty),
            2 => (-6_i64..7).prop_map(Scalar::Int),
            1 => select(ints).prop_map(Scalar::Int),
            1 => select(uints).prop_map(Scalar::UInt),
        ]
        .boxed();
    }
    match ty {
        DataType::Float32 | DataType::Float64 => {
            let odd = vec![0.1, -0.1, 1e300, -1e300, 1e-300, -1e-300, 1.500_000_001, 1.499_999_999];
            prop_oneof![3 => value(ty), 1 => select(odd).prop_map(Scalar::Float)].boxed()
        }
        _ => value(ty),
    }
}

macro_rules! collect {
    ($array:ty, $values:expr, $pattern:pat => $out:expr) => {
        Arc::new(
            $values
                .iter()
                .map(|value| match value {
                    $pattern => Some($out),
                    _ => None,
                })
                .collect::<$array>(),
        )
    };
}

macro_rules! ints {
    ($ty:ty, $values:expr, $as:expr) => {
        Arc::new(
            $values
                .iter()
                .map(|value| match value {
                    Some(Scalar::Int(v)) => Some(i128::from(*v)),
                    Some(Scalar::UInt(v)) => Some(i128::from(*v)),
                    _ => None,
                })
                .map(|value| {
                    value.map(|v| <$ty as ArrowPrimitiveType>::Native::try_from(v).unwrap())
                })
                .collect::<PrimitiveArray<$ty>>()
                .with_data_type($as.clone()),
        )
    };
}

/// The values as an array of type `ty`.
pub(crate) fn array_of(ty: &DataType, values: &[Option<Scalar>]) -> ArrayRef {
    match ty {
        DataType::Boolean => collect!(BooleanArray, values, Some(Scalar::Bool(v)) => *v),
        DataType::Int8 => ints!(Int8Type, values, ty),
        DataType::Int16 => ints!(Int16Type, values, ty),
        DataType::Int32 => ints!(Int32Type, values, ty),
        DataType::Int64 => ints!(Int64Type, values, ty),
        DataType::UInt8 => ints!(UInt8Type, values, ty),
        DataType::UInt16 => ints!(UInt16Type, values, ty),
        DataType::UInt32 => ints!(UInt32Type, values, ty),
        DataType::UInt64 => ints!(UInt64Type, values, ty),
        DataType::Date32 => ints!(Date32Type, values, ty),
        DataType::Date64 => ints!(Date64Type, values, ty),
        DataType::Timestamp(TimeUnit::Second, _) => ints!(TimestampSecondType, values, ty),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            ints!(TimestampMillisecondType, values, ty)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            ints!(TimestampMicrosecondType, values, ty)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => ints!(TimestampNanosecondType, values, ty),
        DataType::Float32 => collect!(Float32Array, values, Some(Scalar::Float(v)) => *v as f32),
        DataType::Float64 => collect!(Float64Array, values, Some(Scalar::Float(v)) => *v),
        DataType::Decimal128(..) => {
            let values = values.iter().map(|value| match value {
                Some(Scalar::Decimal(v)) => Some(*v),
                _ => None,
            });
            Arc::new(values.collect::<Decimal128Array>().with_data_type(ty.clone()))
        }
        DataType::Utf8 => collect!(StringArray, values, Some(Scalar::String(v)) => v),
        DataType::LargeUtf8 => collect!(LargeStringArray, values, Some(Scalar::String(v)) => v),
        DataType::Utf8View => collect!(StringViewArray, values, Some(Scalar::String(v)) => v),
        DataType::Binary => collect!(BinaryArray, values, Some(Scalar::Bytes(v)) => v),
        DataType::LargeBinary => collect!(LargeBinaryArray, values, Some(Scalar::Bytes(v)) => v),
        DataType::BinaryView => collect!(BinaryViewArray, values, Some(Scalar::Bytes(v)) => v),
        DataType::Dictionary(_, leaf) => {
            arrow_cast::cast(&array_of(leaf, values), ty).expect("a dictionary of few values")
        }
        other => panic!("no scalars in {other}"),
    }
}

/// A column of one type: `rows` rows, some null, sometimes all.
pub(crate) fn column(ty: DataType, rows: usize) -> BoxedStrategy<ModelColumn> {
    // Of ten cells so many are null.
    select(vec![0, 0, 2, 9, 10])
        .prop_flat_map(move |nulls| {
            let ty = ty.clone();
            let cell = (0..10, value(&ty)).prop_map(move |(d, v)| (d >= nulls).then_some(v));
            proptest::collection::vec(cell, rows)
                .prop_map(move |values| ModelColumn { array: array_of(&ty, &values), values })
        })
        .boxed()
}

/// A random tree over columns 0, 1, … of these types.
pub(crate) fn predicate(types: &[DataType]) -> BoxedStrategy<Predicate> {
    let leaves = types.iter().enumerate().flat_map(|(id, ty)| {
        let column = id as u32;
        let op = select(vec![
            CompareOp::Eq,
            CompareOp::NotEq,
            CompareOp::Lt,
            CompareOp::LtEq,
            CompareOp::Gt,
            CompareOp::GtEq,
        ]);
        let mut leaves = vec![
            (op, literal(ty))
                .prop_map(move |(op, value)| Predicate::Compare { column, op, value })
                .boxed(),
            proptest::collection::vec(literal(ty), 0..14)
                .prop_map(move |values| Predicate::In { column, values })
                .boxed(),
            Just(Predicate::IsNull { column }).boxed(),
            Just(Predicate::IsNotNull { column }).boxed(),
        ];
        if matches!(leaf(ty), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            leaves.push(
                texts().prop_map(move |prefix| Predicate::StartsWith { column, prefix }).boxed(),
            );
        }
        leaves
    });
    let leaf = proptest::strategy::Union::new(leaves);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Or),
            inner.prop_map(|term| Predicate::Not(Box::new(term))),
            Just(Predicate::True),
        ]
    })
    .boxed()
}

/// Up to three columns of random types with the same number of rows, and a predicate on them.
pub(crate) fn case() -> BoxedStrategy<(usize, Vec<ModelColumn>, Predicate)> {
    (proptest::collection::vec(select(types()), 1..4), select(vec![0_usize, 1, 2, 3, 17, 70]))
        .prop_flat_map(|(types, rows)| {
            let columns: Vec<_> = types.iter().map(|ty| column(ty.clone(), rows)).collect();
            (Just(rows), columns, predicate(&types))
        })
        .boxed()
}

/// `a op b`.
fn holds(a: &Scalar, op: CompareOp, b: &Scalar) -> bool {
    let (Scalar::Float(a), Scalar::Float(b)) = (a, b) else {
        return op.holds(a.compare(b).expect("comparable"));
    };
    match op {
        CompareOp::Eq => a == b,
        CompareOp::NotEq => a != b,
        CompareOp::Lt => a < b,
        CompareOp::LtEq => a <= b,
        CompareOp::Gt => a > b,
        CompareOp::GtEq => a >= b,
    }
}

/// SQL's answer for one row: `None` is null.
pub(crate) fn truth(predicate: &Predicate, get: &dyn Fn(u32) -> Option<Scalar>) -> Option<bool> {
    let is_nan = |value: &Scalar| matches!(value, Scalar::Float(value) if value.is_nan());
    let same = |a: &Scalar, b: &Scalar| holds(a, CompareOp::Eq, b) || (is_nan(a) && is_nan(b));
    match predicate {
        Predicate::True => Some(true),
        Predicate::Compare { column, op, value } => Some(holds(&get(*column)?, *op, value)),
        Predicate::In { values, .. } if values.is_empty() => Some(false),
        Predicate::In { column, values } => {
            let ours = get(*column)?;
            Some(values.iter().any(|value| same(&ours, value)))
        }
        Predicate::IsNull { column } => Some(get(*column).is_none()),
        Predicate::IsNotNull { column } => Some(get(*column).is_some()),
        Predicate::StartsWith { column, prefix } => match get(*column)? {
            Scalar::String(text) => Some(text.starts_with(prefix.as_str())),
            other => panic!("{other} is not text"),
        },
        Predicate::And(terms) => {
            let answers: Vec<_> = terms.iter().map(|term| truth(term, get)).collect();
            if answers.contains(&Some(false)) {
                return Some(false);
            }
            (!answers.contains(&None)).then_some(true)
        }
        Predicate::Or(terms) => {
            let answers: Vec<_> = terms.iter().map(|term| truth(term, get)).collect();
            if answers.contains(&Some(true)) {
                return Some(true);
            }
            (!answers.contains(&None)).then_some(false)
        }
        Predicate::Not(term) => truth(term, get).map(|answer| !answer),
    }
}
