//! Makes columns of every type from a seed. Not random: the same seed gives the same column.

use std::sync::Arc;

use arrow_array::builder::{BinaryViewBuilder, StringViewBuilder};
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field};
use dodb_part::{Column, ColumnType, Schema, TimeUnit};

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

/// How nulls are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    None,
    All,
    /// Nearly all valid.
    Few,
    Half,
    /// Nearly all null.
    Most,
    /// The first half null, the rest valid.
    Run,
}

pub const NULLS: [Nulls; 6] =
    [Nulls::None, Nulls::All, Nulls::Few, Nulls::Half, Nulls::Most, Nulls::Run];

/// How values are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Constant,
    /// A handful of distinct values.
    Few,
    Rising,
    Random,
    /// Extremes, NaN payloads, -0.0, empty and odd strings.
    Special,
}

pub const VALUES: [Values; 5] =
    [Values::Constant, Values::Few, Values::Rising, Values::Random, Values::Special];

/// One type of each sort.
pub fn types() -> Vec<ColumnType> {
    use ColumnType::*;
    vec![
        Bool,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float32,
        Float64,
        Decimal { precision: 12, scale: 2 },
        Decimal { precision: 38, scale: 10 },
        String,
        Bytes,
        Date,
        Timestamp(TimeUnit::Second),
        Timestamp(TimeUnit::Millisecond),
        Timestamp(TimeUnit::Microsecond),
        Timestamp(TimeUnit::Nanosecond),
        Uuid,
        Json,
        Array(Box::new(Int64)),
        Array(Box::new(String)),
        Array(Box::new(Array(Box::new(Float64)))),
        Array(Box::new(Uuid)),
        Vector(3),
        Vector(32),
        Array(Box::new(Vector(2))),
    ]
}

pub fn valid(nulls: Nulls, rows: usize, rng: &mut Rng) -> Option<NullBuffer> {
    let mut pick = |row: usize| match nulls {
        Nulls::None => true,
        Nulls::All => false,
        Nulls::Few => rng.below(50) > 0,
        Nulls::Half => rng.below(2) > 0,
        Nulls::Most => rng.below(50) == 0,
        Nulls::Run => row >= rows / 2,
    };
    (nulls != Nulls::None).then(|| (0..rows).map(&mut pick).collect())
}

/// A number that the values of a row are made from.
fn number(values: Values, row: usize, rng: &mut Rng) -> u64 {
    match values {
        Values::Constant => 7_777,
        Values::Few => rng.below(5).wrapping_mul(1_000_003),
        Values::Rising => 1_600_000_000 + row as u64 * 3 + rng.below(2),
        Values::Random => rng.next(),
        Values::Special => {
            *[0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 0x7ff0_0000_0000_0000, 0xfff8_dead_beef_0001]
                .get(rng.below(7) as usize)
                .unwrap()
        }
    }
}

fn float(values: Values, row: usize, rng: &mut Rng) -> f64 {
    let bits = number(values, row, rng);
    match values {
        Values::Special | Values::Random => f64::from_bits(bits),
        _ => bits as f64 / 100.0,
    }
}

fn float32(values: Values, row: usize, rng: &mut Rng) -> f32 {
    match values {
        Values::Special => f32::from_bits(
            *[0, 0x8000_0000, 0x7fc0_1234, 0xffc0_0001, 0x7f80_0000, 1]
                .get(rng.below(6) as usize)
                .unwrap(),
        ),
        Values::Random => f32::from_bits(rng.next() as u32),
        _ => float(values, row, rng) as f32,
    }
}

pub fn text(values: Values, row: usize, rng: &mut Rng) -> String {
    match values {
        Values::Special => [
            "",
            "\0",
            "a",
            "exactly 12 b",
            "thirteen byte",
            "日本語のテキストと絵文字🎉",
            "é",
            "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
            &"long ".repeat(40),
        ]
        .get(rng.below(9) as usize)
        .unwrap()
        .to_string(),
        _ => {
            let number = number(values, row, rng);
            format!("{{\"id\":{number},\"word\":\"w{}\"}}", number % 97)
        }
    }
}

fn uuid(values: Values, row: usize, rng: &mut Rng) -> String {
    let (a, b) = (number(values, row, rng), number(values, row, rng));
    let hex = format!("{a:016x}{b:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn primitive<P: ArrowPrimitiveType>(
    ty: &ColumnType,
    rows: usize,
    valid: Option<NullBuffer>,
    mut make: impl FnMut(usize) -> P::Native,
) -> ArrayRef {
    let values: Vec<P::Native> = (0..rows).map(&mut make).collect();
    Arc::new(PrimitiveArray::<P>::new(values.into(), valid).with_data_type(ty.arrow()))
}

macro_rules! integers {
    ($ty:expr, $rows:expr, $valid:expr, $values:expr, $rng:expr, $($pattern:pat => $p:ty,)*) => {
        match $ty {
            $($pattern => primitive::<$p>($ty, $rows, $valid, |row| {
                number($values, row, $rng) as <$p as ArrowPrimitiveType>::Native
            }),)*
            other => panic!("{other} is no integer"),
        }
    };
}

fn blob(values: Values, row: usize, rng: &mut Rng) -> Vec<u8> {
    let mut value = text(values, row, rng).into_bytes();
    value.push(0xff);
    if values == Values::Special && value.len() > 20 {
        value.clear();
    }
    value
}

/// A column of the type, with exactly the Arrow type of a stored column.
pub fn array(
    ty: &ColumnType,
    rows: usize,
    nulls: Nulls,
    values: Values,
    rng: &mut Rng,
) -> ArrayRef {
    let valid = valid(nulls, rows, rng);
    let is_valid = |row: usize| valid.as_ref().is_none_or(|valid| valid.is_valid(row));
    match ty {
        ColumnType::Bool => Arc::new(BooleanArray::new(
            (0..rows).map(|row| number(values, row, rng) & 1 == 1).collect(),
            valid,
        )),
        ColumnType::Float32 => {
            primitive::<Float32Type>(ty, rows, valid.clone(), |row| float32(values, row, rng))
        }
        ColumnType::Float64 => {
            primitive::<Float64Type>(ty, rows, valid.clone(), |row| float(values, row, rng))
        }
        ColumnType::Decimal { precision, .. } => {
            primitive::<Decimal128Type>(ty, rows, valid.clone(), |row| {
                let number = number(values, row, rng) as i64 as i128;
                if *precision > 18 { number * 1_000_000_007 } else { number % 1_000_000_000_000 }
            })
        }
        ColumnType::String | ColumnType::Json | ColumnType::Uuid => {
            let mut builder = StringViewBuilder::new();
            for row in 0..rows {
                let value = match ty {
                    ColumnType::Uuid => uuid(values, row, rng),
                    _ => text(values, row, rng),
                };
                builder.append_option(is_valid(row).then_some(value));
            }
            Arc::new(builder.finish())
        }
        ColumnType::Bytes => {
            let mut builder = BinaryViewBuilder::new();
            for row in 0..rows {
                builder.append_option(is_valid(row).then_some(blob(values, row, rng)));
            }
            Arc::new(builder.finish())
        }
        ColumnType::Array(element) => list(element, rows, valid, values, rng),
        ColumnType::Vector(n) => {
            let nulls = if values == Values::Special { Nulls::Few } else { Nulls::None };
            let child = array(&ColumnType::Float32, rows * *n as usize, nulls, values, rng);
            let field = Arc::new(Field::new("item", DataType::Float32, true));
            Arc::new(FixedSizeListArray::new(field, *n as i32, child, valid))
        }
        ty => integers!(
            ty, rows, valid, values, rng,
            ColumnType::Int8 => Int8Type,
            ColumnType::Int16 => Int16Type,
            ColumnType::Int32 => Int32Type,
            ColumnType::Int64 => Int64Type,
            ColumnType::UInt8 => UInt8Type,
            ColumnType::UInt16 => UInt16Type,
            ColumnType::UInt32 => UInt32Type,
            ColumnType::UInt64 => UInt64Type,
            ColumnType::Date => Date32Type,
            ColumnType::Timestamp(TimeUnit::Second) => TimestampSecondType,
            ColumnType::Timestamp(TimeUnit::Millisecond) => TimestampMillisecondType,
            ColumnType::Timestamp(TimeUnit::Microsecond) => TimestampMicrosecondType,
            ColumnType::Timestamp(TimeUnit::Nanosecond) => TimestampNanosecondType,
        ),
    }
}

/// Lists with empty ones among them; the slot of a null list may hold elements.
fn list(
    element: &ColumnType,
    rows: usize,
    valid: Option<NullBuffer>,
    values: Values,
    rng: &mut Rng,
) -> ArrayRef {
    let lengths: Vec<usize> = (0..rows)
        .map(|_| if values == Values::Constant { 2 } else { rng.below(5) as usize })
        .collect();
    let nulls = if values == Values::Special { Nulls::Half } else { Nulls::Few };
    let child = array(element, lengths.iter().sum(), nulls, values, rng);
    let field = Arc::new(Field::new("item", element.arrow(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), child, valid))
}

/// A schema with a nullable column of each type.
pub fn schema(types: &[ColumnType]) -> Schema {
    let columns = types.iter().enumerate().map(|(index, ty)| Column {
        id: 10 + index as u32 * 3,
        name: format!("c{index}"),
        ty: ty.clone(),
        nullable: true,
    });
    Schema::new(columns.collect()).unwrap()
}
