//! Tests of the choice between codecs, of block boundaries, and of refusals.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
use arrow_buffer::Buffer;

use super::cursor::{Cursor, put_size};
use super::*;
use crate::schema::ColumnType;

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

/// Multiplicative mixing, for values without a pattern.
fn mix(row: i64) -> i64 {
    row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64).rotate_left(29).wrapping_mul(31)
        ^ row.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

fn encoded(ty: ColumnType, array: &ArrayRef, effort: Effort) -> (usize, Codec) {
    let (bytes, codec) = encode_segment(&ty, array, effort).unwrap();
    let stored = bytes.len();
    let decoded = decode_segment(&ty, array.len(), Buffer::from(bytes)).unwrap();
    assert_eq!(&decoded, array);
    (stored, codec)
}

#[test]
fn equal_values_cost_a_few_bytes() {
    for effort in [Effort::Fast, Effort::Small] {
        let (bytes, codec) = encoded(ColumnType::Int64, &ints(vec![-5; 8192]), effort);
        assert_eq!((bytes < 24, codec), (true, Codec::Constant), "{bytes}");
        let array = texts(vec!["the same text".to_owned(); 8192]);
        let (bytes, codec) = encoded(ColumnType::String, &array, effort);
        assert_eq!((bytes < 32, codec), (true, Codec::Constant), "{bytes}");
    }
}

#[test]
fn sequences_go_to_pco_and_shrink_a_hundredfold() {
    for effort in [Effort::Fast, Effort::Small] {
        let (bytes, codec) = encoded(ColumnType::Int64, &ints(1_000_000..1_008_192), effort);
        assert_eq!(codec, Codec::Pco);
        assert!(bytes < 8192 * 8 / 100, "{effort:?}: {bytes}");
    }
}

#[test]
fn values_without_pattern_stay_plain() {
    for effort in [Effort::Fast, Effort::Small] {
        let (bytes, codec) = encoded(ColumnType::Int64, &ints((0..8192).map(mix)), effort);
        assert_eq!(codec, Codec::Plain);
        assert!(bytes <= 8192 * 8 + 16);
    }
}

#[test]
fn few_strings_become_a_dictionary_of_less_than_a_byte_each() {
    for effort in [Effort::Fast, Effort::Small] {
        let array = texts((0..8192).map(|row| format!("airport {}", mix(row) & 7)));
        let (bytes, codec) = encoded(ColumnType::String, &array, effort);
        assert_eq!(codec, Codec::Dictionary);
        assert!(bytes < 8192 / 2, "{effort:?}: {bytes}");
    }
}

#[test]
fn more_effort_is_never_larger_by_much() {
    let json = texts((0..4096).map(|row| format!("{{\"id\":{row},\"k\":{}}}", mix(row) & 0xffff)));
    let floats: ArrayRef = Arc::new(Float64Array::from_iter_values(
        (0..4096).map(|row| (mix(row) & 1023) as f64 / 4.0),
    ));
    for (ty, array) in [(ColumnType::Json, json), (ColumnType::Float64, floats)] {
        let (fast, _) = encoded(ty.clone(), &array, Effort::Fast);
        let (small, _) = encoded(ty, &array, Effort::Small);
        assert!(small <= fast + fast / 10, "{small} {fast}");
    }
}

#[test]
fn dictionaries_of_every_key_width_come_back() {
    for distinct in [2, 255, 256, 257, 65_535, 65_536, 65_537] {
        let array = texts((0..140_000).map(|row| format!("value {}", row / 2 % distinct)));
        let (bytes, codec) =
            encode_segment_with(&ColumnType::String, &array, Codec::Dictionary).unwrap();
        assert_eq!(codec, Codec::Dictionary);
        let decoded = decode_segment(&ColumnType::String, 140_000, Buffer::from(bytes)).unwrap();
        assert_eq!(&decoded, &array);
    }
}

#[test]
fn an_array_of_another_type_is_an_error() {
    let error = encode_segment(&ColumnType::String, &ints([1]), Effort::Fast).unwrap_err();
    assert!(matches!(error, Error::Type { .. }), "{error}");
}

#[test]
fn a_segment_read_as_another_type_or_length_is_an_error() {
    let (bytes, _) = encode_segment(&ColumnType::Int64, &ints(0..100), Effort::Fast).unwrap();
    for (ty, rows) in [(ColumnType::Int64, 99), (ColumnType::Int64, 101), (ColumnType::Int32, 100)]
    {
        assert!(decode_segment(&ty, rows, Buffer::from(bytes.clone())).is_err(), "{ty} {rows}");
    }
}

#[test]
fn sizes_of_every_length_come_back() {
    for size in [0, 1, 127, 128, 16_383, 16_384, u32::MAX as usize, (1 << 62) + 5] {
        let mut bytes = Vec::new();
        put_size(&mut bytes, size);
        let mut cursor = Cursor::new(Buffer::from(bytes));
        assert_eq!(cursor.size().unwrap(), size);
        cursor.finish().unwrap();
    }
    assert!(Cursor::new(Buffer::from(vec![0xffu8; 20])).size().is_err());
    assert!(Cursor::new(Buffer::from(vec![0x80u8])).size().is_err());
}
