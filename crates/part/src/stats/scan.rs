//! One pass over one array: nulls, bounds, and value counts while they are few. Not for
//! dictionaries, which the caller unpacks.

use std::hash::Hash;

use arrow_arith::aggregate;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor, ArrowNumericType, BooleanArray, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use hashbrown::HashMap;

use super::{STATS_VALUE_BYTES_MAX, STATS_VALUES_MAX};
use crate::value::Scalar;

/// The widest range of integers that is counted in an array of counters.
const DIRECT_RANGE_MAX: u64 = 1 << 16;

/// What one pass found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub rows: u64,
    pub nulls: u64,
    pub min: Option<Scalar>,
    pub max: Option<Scalar>,
    /// A NaN is there; `min` and `max` are of the other values.
    pub nan: bool,
    /// The type has no scalars and there are values: nothing is known of them.
    pub unknown: bool,
    /// Ascending; `None` when not asked for, too many, too long, or NaN.
    pub counts: Option<Vec<(Scalar, u64)>>,
}

/// Bounds and counts of the non-null values; `count` asks for the counts.
pub(super) fn scan(array: &dyn Array, count: bool) -> Scan {
    let mut found = Scan {
        rows: array.len() as u64,
        nulls: array.logical_null_count() as u64,
        ..Scan::default()
    };
    if found.rows == found.nulls {
        found.counts = count.then(Vec::new);
    } else if scan_values(array, count, &mut found).is_none() {
        found.unknown = true;
    }
    found
}

/// `None` when the type has no scalars.
fn scan_values(array: &dyn Array, count: bool, found: &mut Scan) -> Option<()> {
    match array.data_type() {
        DataType::Boolean => scan_bools(array.as_boolean_opt()?, found),
        DataType::Utf8 => {
            let array = array.as_string_opt::<i32>()?;
            let bounds = || Some((aggregate::min_string(array)?, aggregate::max_string(array)?));
            scan_blobs(array, count, str::as_bytes, text, bounds, found);
        }
        DataType::LargeUtf8 => {
            let array = array.as_string_opt::<i64>()?;
            let bounds = || Some((aggregate::min_string(array)?, aggregate::max_string(array)?));
            scan_blobs(array, count, str::as_bytes, text, bounds, found);
        }
        DataType::Utf8View => {
            let array = array.as_string_view_opt()?;
            let bounds =
                || Some((aggregate::min_string_view(array)?, aggregate::max_string_view(array)?));
            scan_blobs(array, count, str::as_bytes, text, bounds, found);
        }
        DataType::Binary => {
            let array = array.as_binary_opt::<i32>()?;
            let bounds = || Some((aggregate::min_binary(array)?, aggregate::max_binary(array)?));
            scan_blobs(array, count, |v| v, blob, bounds, found);
        }
        DataType::LargeBinary => {
            let array = array.as_binary_opt::<i64>()?;
            let bounds = || Some((aggregate::min_binary(array)?, aggregate::max_binary(array)?));
            scan_blobs(array, count, |v| v, blob, bounds, found);
        }
        DataType::BinaryView => {
            let array = array.as_binary_view_opt()?;
            let bounds =
                || Some((aggregate::min_binary_view(array)?, aggregate::max_binary_view(array)?));
            scan_blobs(array, count, |v| v, blob, bounds, found);
        }
        _ => return scan_numbers(array, count, found),
    }
    Some(())
}

fn text(value: &str) -> Scalar {
    Scalar::String(value.to_owned())
}

fn blob(value: &[u8]) -> Scalar {
    Scalar::Bytes(value.to_owned())
}

fn scan_numbers(array: &dyn Array, count: bool, found: &mut Scan) -> Option<()> {
    let int = |word: u64| Scalar::Int(word as i64);
    macro_rules! ints {
        ($ty:ty, $from:expr) => {
            scan_ints::<$ty>(array.as_primitive_opt()?, count, |v| v as u64, $from, found)
        };
    }
    match array.data_type() {
        DataType::Int8 => ints!(Int8Type, int),
        DataType::Int16 => ints!(Int16Type, int),
        DataType::Int32 => ints!(Int32Type, int),
        DataType::Int64 => ints!(Int64Type, int),
        DataType::UInt8 => ints!(UInt8Type, Scalar::UInt),
        DataType::UInt16 => ints!(UInt16Type, Scalar::UInt),
        DataType::UInt32 => ints!(UInt32Type, Scalar::UInt),
        DataType::UInt64 => ints!(UInt64Type, Scalar::UInt),
        DataType::Date32 => ints!(Date32Type, int),
        DataType::Date64 => ints!(Date64Type, int),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => ints!(TimestampSecondType, int),
            TimeUnit::Millisecond => ints!(TimestampMillisecondType, int),
            TimeUnit::Microsecond => ints!(TimestampMicrosecondType, int),
            TimeUnit::Nanosecond => ints!(TimestampNanosecondType, int),
        },
        DataType::Float32 => {
            scan_floats::<Float32Type>(array.as_primitive_opt()?, count, f64::from, found)
        }
        DataType::Float64 => {
            scan_floats::<Float64Type>(array.as_primitive_opt()?, count, |v| v, found)
        }
        DataType::Decimal128(..) => scan_decimals(array.as_primitive_opt()?, count, found),
        _ => return None,
    }
    Some(())
}

fn scan_bools(array: &BooleanArray, found: &mut Scan) {
    let yes = array.true_count() as u64;
    let no = found.rows.saturating_sub(found.nulls).saturating_sub(yes);
    let counts = [(Scalar::Bool(false), no), (Scalar::Bool(true), yes)];
    found.take_counts(counts.into_iter().filter(|(_, count)| *count > 0).collect());
}

/// `to_word` sign-extends, so that the words of a range of values are a range too.
fn scan_ints<T: ArrowNumericType>(
    array: &PrimitiveArray<T>,
    count: bool,
    to_word: impl Fn(T::Native) -> u64 + Copy,
    from_word: impl Fn(u64) -> Scalar,
    found: &mut Scan,
) {
    let (Some(min), Some(max)) = (aggregate::min(array), aggregate::max(array)) else { return };
    let (min, max) = (to_word(min), to_word(max));
    found.min = Some(from_word(min));
    found.max = Some(from_word(max));
    if !count {
        return;
    }
    let range = max.wrapping_sub(min);
    let counts = if range < DIRECT_RANGE_MAX.min(4 * found.rows + 256) {
        count_direct(values(array).map(to_word), min, range)
    } else {
        count_distinct(values(array).map(to_word), |_| true)
    };
    found.counts = sorted(counts, from_word);
}

fn scan_floats<T: ArrowNumericType>(
    array: &PrimitiveArray<T>,
    count: bool,
    to_f64: impl Fn(T::Native) -> f64 + Copy,
    found: &mut Scan,
) {
    let (Some(min), Some(max)) = (aggregate::min(array), aggregate::max(array)) else { return };
    let (mut min, mut max) = (to_f64(min), to_f64(max));
    // The kernels order by `total_cmp`: a NaN of either sign is at one end.
    if min.is_nan() || max.is_nan() {
        found.nan = true;
        let numbers = || values(array).map(to_f64).filter(|value| !value.is_nan());
        let Some(least) = numbers().min_by(f64::total_cmp) else { return };
        min = least;
        max = numbers().max_by(f64::total_cmp).unwrap_or(least);
    }
    found.min = Some(Scalar::Float(min));
    found.max = Some(Scalar::Float(max));
    if count && !found.nan {
        let words = values(array).map(|value| to_f64(value).to_bits());
        let from_word = |word| Scalar::Float(f64::from_bits(word));
        found.counts = sorted(count_distinct(words, |_| true), from_word);
    }
}

fn scan_decimals(array: &PrimitiveArray<Decimal128Type>, count: bool, found: &mut Scan) {
    found.min = aggregate::min(array).map(Scalar::Decimal);
    found.max = aggregate::max(array).map(Scalar::Decimal);
    if count {
        found.counts = sorted(count_distinct(values(array), |_| true), Scalar::Decimal);
    }
}

/// Strings and bytes of every layout. `bounds` is only called when there are no counts.
fn scan_blobs<'a, V, A: ArrayAccessor<Item = V>>(
    array: A,
    count: bool,
    bytes: impl Fn(V) -> &'a [u8],
    scalar: impl Fn(V) -> Scalar,
    bounds: impl Fn() -> Option<(V, V)>,
    found: &mut Scan,
) where
    V: Copy + Eq + Hash + 'a,
{
    let counts = count
        .then(|| {
            let rows = (0..array.len()).filter(|row| array.is_valid(*row));
            let short = |value: V| bytes(value).len() <= STATS_VALUE_BYTES_MAX;
            sorted(count_distinct(rows.map(|row| array.value(row)), short), &scalar)
        })
        .flatten();
    match counts {
        Some(counts) => found.take_counts(counts),
        None => {
            let Some((min, max)) = bounds() else { return };
            found.min = Some(scalar(min));
            found.max = Some(scalar(max));
        }
    }
}

impl Scan {
    /// The bounds are the ends of the counts.
    fn take_counts(&mut self, counts: Vec<(Scalar, u64)>) {
        self.min = counts.first().map(|(value, _)| value.clone());
        self.max = counts.last().map(|(value, _)| value.clone());
        self.counts = Some(counts);
    }
}

/// The values that are not null.
fn values<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
) -> Box<dyn Iterator<Item = T::Native> + '_> {
    match array.nulls() {
        None => Box::new(array.values().iter().copied()),
        Some(_) => Box::new(array.iter().flatten()),
    }
}

/// Counts integers of a narrow range: `min` and everything up to `range` above it.
fn count_direct(words: impl Iterator<Item = u64>, min: u64, range: u64) -> Option<Vec<(u64, u64)>> {
    let mut counters = vec![0_u64; usize::try_from(range).ok()?.checked_add(1)?];
    words.for_each(|word| {
        if let Some(counter) = counters.get_mut(word.wrapping_sub(min) as usize) {
            *counter += 1;
        }
    });
    let mut counts = Vec::new();
    for (offset, count) in counters.into_iter().enumerate() {
        if count > 0 {
            if counts.len() == STATS_VALUES_MAX {
                return None;
            }
            counts.push((min.wrapping_add(offset as u64), count));
        }
    }
    Some(counts)
}

/// Counts values, giving up at the first one too many or the first that `keep` refuses.
fn count_distinct<V: Copy + Eq + Hash>(
    values: impl Iterator<Item = V>,
    keep: impl Fn(V) -> bool,
) -> Option<Vec<(V, u64)>> {
    let mut counts: HashMap<V, u64> = HashMap::new();
    for value in values {
        if let Some(count) = counts.get_mut(&value) {
            *count += 1;
        } else {
            if counts.len() == STATS_VALUES_MAX || !keep(value) {
                return None;
            }
            counts.insert(value, 1);
        }
    }
    Some(counts.into_iter().collect())
}

/// Counts in ascending order of value.
fn sorted<V>(
    counts: Option<Vec<(V, u64)>>,
    scalar: impl Fn(V) -> Scalar,
) -> Option<Vec<(Scalar, u64)>> {
    let mut counts: Vec<(Scalar, u64)> =
        counts?.into_iter().map(|(value, count)| (scalar(value), count)).collect();
    counts.sort_by(|(a, _), (b, _)| a.partial_cmp_same(b).unwrap_or(std::cmp::Ordering::Equal));
    Some(counts)
}
