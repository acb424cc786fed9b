//! A block of numbers of one width: plain, constant, pco, dictionary, or compressed plain.
//! Stored as: codec, then what the codec needs. The count is known from outside.

use arrow_buffer::{ArrowNativeType, MutableBuffer, ScalarBuffer, ToByteSlice};
use hashbrown::HashMap;
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

use super::cursor::{Cursor, put_size};
use super::{Best, Codec, Effort, Encoder, block};
use crate::error::{Error, Result};

/// Fewer numbers are stored plain.
const COMPRESSIBLE_COUNT_MIN: usize = 8;

/// Numbers with more distinct values than this get no dictionary.
const DISTINCT_MAX: usize = 4096;

/// pco's level for fresh data: most of the gain for a fraction of the time.
const PCO_LEVEL_FAST: usize = 3;

/// A number that this module stores; its bytes in memory are its plain form.
pub(crate) trait Number: pco::data_types::Number + ArrowNativeType + Default {
    /// Is it a whole number?
    const IS_INTEGER: bool;
    /// The bits, widened; equal exactly when the numbers are the same bit for bit.
    fn bits(self) -> u64;
}

macro_rules! integers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            const IS_INTEGER: bool = true;
            fn bits(self) -> u64 {
                self as u64
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Number for f32 {
    const IS_INTEGER: bool = false;
    fn bits(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Number for f64 {
    const IS_INTEGER: bool = false;
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// Appends `values` as a block.
pub(crate) fn encode<T: Number>(
    encoder: &mut Encoder,
    values: &[T],
    out: &mut Vec<u8>,
) -> Result<Codec> {
    if let Some((first, rest)) = values.split_first()
        && rest.iter().all(|value| value.bits() == first.bits())
    {
        out.push(Codec::Constant as u8);
        out.extend_from_slice(std::slice::from_ref(first).to_byte_slice());
        return Ok(Codec::Constant);
    }
    let plain = values.to_byte_slice();
    let mut best = Best::plain(plain.len());
    if values.len() >= COMPRESSIBLE_COUNT_MIN {
        if encoder.tries(Codec::Pco, Effort::Fast) {
            best.offer(encoder, Codec::Pco, pco_bytes(encoder.effort(), values)?);
        }
        if encoder.tries(Codec::Dictionary, Effort::Small)
            && let Some(bytes) = dictionary_bytes(encoder, values)?
        {
            best.offer(encoder, Codec::Dictionary, bytes);
        }
        if encoder.tries(Codec::Lz4, Effort::Small) {
            best.offer(encoder, Codec::Lz4, lz4_flex::block::compress(plain));
        }
        if encoder.tries(Codec::Zstd, Effort::Small) {
            let bytes = encoder.zstd(plain)?;
            best.offer(encoder, Codec::Zstd, bytes);
        }
    }
    let (codec, bytes) = best.into_parts();
    out.push(codec as u8);
    match codec {
        Codec::Plain => out.extend_from_slice(plain),
        Codec::Dictionary => out.extend_from_slice(&bytes),
        _ => {
            put_size(out, bytes.len());
            out.extend_from_slice(&bytes);
        }
    }
    Ok(codec)
}

fn pco_bytes<T: Number>(effort: Effort, values: &[T]) -> Result<Vec<u8>> {
    let config = ChunkConfig::default().with_enable_8_bit(true);
    let config = match effort {
        Effort::Small => config,
        Effort::Fast => config
            .with_compression_level(PCO_LEVEL_FAST)
            .with_mode_spec(step_of(values).map_or(ModeSpec::Classic, ModeSpec::TryIntMult))
            .with_delta_spec(delta_of(values)),
    };
    pco::standalone::simple_compress(values, &config)
        .map_err(|error| Error::Encode { what: "pco block", detail: error.to_string() })
}

/// What all differences are multiples of, when that is more than one: whole hours in milliseconds,
/// prices in fives. pco finds out by trying samples; this mostly knows after a few numbers that
/// there is nothing.
fn step_of<T: Number>(values: &[T]) -> Option<u64> {
    let first = values.first().filter(|_| T::IS_INTEGER)?.bits();
    let mut step = 0u64;
    for value in values {
        let difference = value.bits().wrapping_sub(first);
        // The shorter way round: bits of negative numbers are large.
        step = gcd(difference.min(difference.wrapping_neg()), step);
        if step == 1 {
            return None;
        }
    }
    (step > 1).then_some(step)
}

/// Euclid's algorithm.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Whether differences look smaller than the numbers themselves. pco finds out by compressing
/// samples both ways; counting direction changes is a hundred times cheaper.
fn delta_of<T: Number>(values: &[T]) -> DeltaSpec {
    let turns = values
        .windows(3)
        .filter(|window| match window {
            [a, b, c] => (a < b && c < b) || (b < a && b < c),
            _ => false,
        })
        .count();
    if turns * 8 < values.len() { DeltaSpec::TryConsecutive(1) } else { DeltaSpec::NoOp }
}

/// Distinct values and keys, or None when there are too many.
fn dictionary_bytes<T: Number>(encoder: &Encoder, values: &[T]) -> Result<Option<Vec<u8>>> {
    let distinct_max = DISTINCT_MAX.min(values.len() / 4);
    let mut keys_by_bits: HashMap<u64, u32> = HashMap::new();
    let mut distinct: Vec<T> = Vec::new();
    let mut keys: Vec<u32> = Vec::with_capacity(values.len());
    for value in values {
        let next = distinct.len();
        let key = *keys_by_bits.entry(value.bits()).or_insert(next as u32);
        if key as usize == next {
            if next >= distinct_max {
                return Ok(None);
            }
            distinct.push(*value);
        }
        keys.push(key);
    }
    let mut out = Vec::new();
    put_size(&mut out, distinct.len());
    let mut inner = Encoder::new(Effort::Fast);
    encode(&mut inner, &distinct, &mut out)?;
    encode_keys(encoder, &keys, distinct.len(), &mut out)?;
    Ok(Some(out))
}

/// Appends dictionary keys in the narrowest width.
pub(crate) fn encode_keys(
    encoder: &Encoder,
    keys: &[u32],
    distinct: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    // Keys are tried with every codec but another dictionary.
    let mut inner = Encoder::new(Effort::Fast);
    if encoder.forces(Codec::Dictionary) {
        inner = Encoder::only(Codec::Pco);
    }
    if distinct <= 1 << 8 {
        let narrow: Vec<u8> = keys.iter().map(|key| *key as u8).collect();
        encode(&mut inner, &narrow, out)?;
    } else if distinct <= 1 << 16 {
        let narrow: Vec<u16> = keys.iter().map(|key| *key as u16).collect();
        encode(&mut inner, &narrow, out)?;
    } else {
        encode(&mut inner, keys, out)?;
    }
    Ok(())
}

/// Reads `count` numbers.
pub(crate) fn decode<T: Number>(cursor: &mut Cursor, count: usize) -> Result<ScalarBuffer<T>> {
    decode_nested(cursor, count, true)
}

fn decode_nested<T: Number>(
    cursor: &mut Cursor,
    count: usize,
    dictionary_allowed: bool,
) -> Result<ScalarBuffer<T>> {
    let width = size_of::<T>();
    let raw_bytes = cursor.allocate(count, width)?;
    match Codec::from_byte(cursor.byte()?)? {
        Codec::Plain => Ok(aligned(cursor.take(raw_bytes)?)),
        Codec::Constant => {
            let one = aligned::<T>(cursor.take(width)?);
            let value = one.first().copied().unwrap_or_default();
            Ok(vec![value; count].into())
        }
        Codec::Pco => {
            let stored_bytes = cursor.size()?;
            decode_pco(cursor.take(stored_bytes)?, count)
        }
        codec @ (Codec::Lz4 | Codec::Zstd) => {
            let stored_bytes = cursor.size()?;
            let mut raw = MutableBuffer::from_len_zeroed(raw_bytes);
            block::decompress(codec, cursor.take(stored_bytes)?, raw.as_slice_mut())?;
            Ok(raw.into())
        }
        Codec::Dictionary if dictionary_allowed => {
            let distinct = cursor.size()?;
            let values = decode_nested::<T>(cursor, distinct, false)?;
            decode_keyed(cursor, count, &values)
        }
        other => Err(Error::corrupt("number block", format!("{other:?} is no codec of numbers"))),
    }
}

/// Reads `count` dictionary keys and returns the value of each.
pub(crate) fn decode_keyed<T: ArrowNativeType>(
    cursor: &mut Cursor,
    count: usize,
    values: &[T],
) -> Result<ScalarBuffer<T>> {
    cursor.allocate(count, size_of::<T>())?;
    if values.len() <= 1 << 8 {
        gather(&decode_nested::<u8>(cursor, count, false)?, values)
    } else if values.len() <= 1 << 16 {
        gather(&decode_nested::<u16>(cursor, count, false)?, values)
    } else {
        gather(&decode_nested::<u32>(cursor, count, false)?, values)
    }
}

fn gather<K: Number, T: ArrowNativeType>(keys: &[K], values: &[T]) -> Result<ScalarBuffer<T>> {
    let highest = keys.iter().map(|key| key.as_usize()).max().unwrap_or_default();
    if highest >= values.len() && !keys.is_empty() {
        let detail = format!("key {highest}, but {} values", values.len());
        return Err(Error::corrupt("dictionary", detail));
    }
    let gathered: Vec<T> =
        keys.iter().map(|key| values.get(key.as_usize()).copied().unwrap_or_default()).collect();
    Ok(gathered.into())
}

/// Copies stored bytes, which lie anywhere, to where numbers of type `T` may lie.
fn aligned<T: ArrowNativeType>(bytes: &[u8]) -> ScalarBuffer<T> {
    let mut buffer = MutableBuffer::with_capacity(bytes.len());
    buffer.extend_from_slice(bytes);
    buffer.into()
}

fn decode_pco<T: Number>(stored: &[u8], count: usize) -> Result<ScalarBuffer<T>> {
    let mut values = vec![T::default(); count];
    let progress = pco::standalone::simple_decompress_into(stored, &mut values)
        .map_err(|error| Error::corrupt("pco block", error))?;
    if progress.n_processed != count || !progress.finished {
        let detail = format!("{} numbers found, {count} expected", progress.n_processed);
        return Err(Error::corrupt("pco block", detail));
    }
    Ok(values.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_of_numbers_is_found() {
        assert_eq!(step_of(&[0i64, 3_600_000, 7_200_000, 3_600_000]), Some(3_600_000));
        assert_eq!(step_of(&[-10i32, -25, 5, 0]), Some(5));
        assert_eq!(step_of(&[7u8, 107, 57]), Some(50));
        assert_eq!(step_of(&[1i64, 2, 3]), None);
        assert_eq!(step_of(&[5i64, 5]), None);
        assert_eq!(step_of(&[0.0f64, 2.0, 4.0]), None);
    }

    #[test]
    fn numbers_in_steps_take_little_and_come_back() {
        let check = |values: &[i64], bytes_max: usize| {
            let mut out = Vec::new();
            encode(&mut Encoder::new(Effort::Fast), values, &mut out).unwrap();
            assert!(out.len() <= bytes_max, "{} bytes", out.len());
            let back = decode::<i64>(&mut Cursor::new(out.into()), values.len()).unwrap();
            assert_eq!(back.as_ref(), values);
        };
        let hours: Vec<i64> =
            (0..4_000).map(|n| 1_357_034_400_000 + n * 7 % 300 * 3_600_000).collect();
        check(&hours, 5_000);
        // The longest ways apart.
        let far: Vec<i64> = (0..4_000).map(|n| [i64::MIN, i64::MAX, 0, -1][n % 4]).collect();
        check(&far, 32_100);
    }
}
