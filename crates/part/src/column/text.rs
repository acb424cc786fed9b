//! Strings, bytes, and UUIDs (text in Arrow, 16 bytes when stored).

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray};
use arrow_buffer::{Buffer, ScalarBuffer};

use super::mismatch;
use super::validity::Validity;
use crate::codec::bytes::{self, Kind, Views};
use crate::codec::cursor::Cursor;
use crate::codec::{Codec, Encoder};
use crate::error::{Error, Result};

pub(super) const UUID_BYTES: usize = 16;
pub(super) const UUID_TEXT_BYTES: usize = 36;

pub(super) fn encode_text(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let array =
        dense.as_string_view_opt().ok_or_else(|| mismatch("Utf8View", dense.data_type()))?;
    let values: Vec<&[u8]> = array.iter().flatten().map(str::as_bytes).collect();
    bytes::encode(encoder, &values, Kind::Text, out)
}

pub(super) fn encode_bytes(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let array =
        dense.as_binary_view_opt().ok_or_else(|| mismatch("BinaryView", dense.data_type()))?;
    let values: Vec<&[u8]> = array.iter().flatten().collect();
    bytes::encode(encoder, &values, Kind::Bytes, out)
}

pub(super) fn encode_uuid(
    encoder: &mut Encoder,
    dense: &ArrayRef,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let array =
        dense.as_string_view_opt().ok_or_else(|| mismatch("Utf8View", dense.data_type()))?;
    let parsed: Result<Vec<[u8; UUID_BYTES]>> = array
        .iter()
        .flatten()
        .map(|text| {
            parse_uuid(text).ok_or_else(|| {
                Error::bad_value("an array to encode", format!("{text:?} is no UUID"))
            })
        })
        .collect();
    let parsed = parsed?;
    let values: Vec<&[u8]> = parsed.iter().map(<[u8; UUID_BYTES]>::as_slice).collect();
    bytes::encode(encoder, &values, Kind::Bytes, out)
}

pub(super) fn decode_text(cursor: &mut Cursor, validity: Validity) -> Result<ArrayRef> {
    let Views { views, buffer } = decode_views(cursor, &validity, Kind::Text)?;
    Ok(Arc::new(string_array(views, buffer, validity)))
}

pub(super) fn decode_bytes(cursor: &mut Cursor, validity: Validity) -> Result<ArrayRef> {
    let Views { views, buffer } = decode_views(cursor, &validity, Kind::Bytes)?;
    // SAFETY: `codec::bytes` made every view from a range of `buffer`, which is buffer 0; null
    // rows have the empty view.
    let array =
        unsafe { BinaryViewArray::new_unchecked(views, Arc::from([buffer]), validity.nulls) };
    Ok(Arc::new(array))
}

fn string_array(views: ScalarBuffer<u128>, buffer: Buffer, validity: Validity) -> StringViewArray {
    // SAFETY: every view was made from a range of `buffer`, which is buffer 0, and each range is
    // UTF-8: checked by `codec::bytes` for text, or written as ASCII by `uuid_views`. Null rows
    // have the empty view.
    unsafe { StringViewArray::new_unchecked(views, Arc::from([buffer]), validity.nulls) }
}

fn decode_views(cursor: &mut Cursor, validity: &Validity, kind: Kind) -> Result<Views> {
    let packed = match validity.is_empty() {
        true => Views { views: ScalarBuffer::from(Vec::new()), buffer: Buffer::default() },
        false => bytes::decode(cursor, validity.values, kind)?,
    };
    let views = validity.spread(cursor, packed.views)?;
    Ok(Views { views, buffer: packed.buffer })
}

pub(super) fn decode_uuid(cursor: &mut Cursor, validity: Validity) -> Result<ArrayRef> {
    let packed = match validity.is_empty() {
        true => Views { views: ScalarBuffer::from(Vec::new()), buffer: Buffer::default() },
        false => {
            let binary = bytes::decode(cursor, validity.values, Kind::Bytes)?;
            uuid_views(cursor, &binary)?
        }
    };
    let views = validity.spread(cursor, packed.views)?;
    Ok(Arc::new(string_array(views, packed.buffer, validity)))
}

/// Turns views of 16 bytes into views of 36 characters. A value that several rows share in the
/// stored bytes is written once.
fn uuid_views(cursor: &mut Cursor, binary: &Views) -> Result<Views> {
    let (uuids, rest) = binary.buffer.as_slice().as_chunks::<UUID_BYTES>();
    if !rest.is_empty() {
        return Err(Error::corrupt("UUID block", "its size is no multiple of 16"));
    }
    cursor.allocate(uuids.len(), UUID_TEXT_BYTES)?;
    cursor.allocate(binary.views.len(), size_of::<u128>())?;
    let mut text = Vec::with_capacity(uuids.len() * UUID_TEXT_BYTES);
    for uuid in uuids {
        text.extend_from_slice(&format_uuid(uuid));
    }
    let views: Option<Vec<u128>> = binary
        .views
        .iter()
        .map(|view| {
            // A view longer than 12 bytes holds its length in the lowest 32 bits and its offset
            // in the highest (Arrow columnar format, "Variable-size Binary View Layout").
            let (length, offset) = (*view as u32 as usize, (*view >> 96) as usize);
            if length != UUID_BYTES || !offset.is_multiple_of(UUID_BYTES) {
                return None;
            }
            let start = offset / UUID_BYTES * UUID_TEXT_BYTES;
            let value = text.get(start..start + UUID_TEXT_BYTES)?;
            Some(make_view(value, 0, u32::try_from(start).ok()?))
        })
        .collect();
    let views = views.ok_or_else(|| Error::corrupt("UUID block", "a value has not 16 bytes"))?;
    Ok(Views { views: views.into(), buffer: Buffer::from_vec(text) })
}

/// The 16 bytes of a UUID in text: 36 characters with hyphens or 32 without, in any case.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; UUID_BYTES]> {
    let text = text.as_bytes();
    let mut digits = [0u8; 2 * UUID_BYTES];
    match text.len() {
        32 => digits.copy_from_slice(text),
        UUID_TEXT_BYTES => {
            let mut slots = digits.iter_mut();
            for (position, character) in text.iter().enumerate() {
                match position {
                    8 | 13 | 18 | 23 if *character == b'-' => {}
                    8 | 13 | 18 | 23 => return None,
                    _ => *slots.next()? = *character,
                }
            }
        }
        _ => return None,
    }
    let mut uuid = [0u8; UUID_BYTES];
    for (byte, [high, low]) in uuid.iter_mut().zip(digits.as_chunks().0) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(uuid)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

/// The canonical text: lower case, with hyphens.
pub(super) fn format_uuid(uuid: &[u8; UUID_BYTES]) -> [u8; UUID_TEXT_BYTES] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = [b'-'; UUID_TEXT_BYTES];
    let mut slots = text.iter_mut().enumerate();
    let mut put = |value: u8| {
        let character = DIGITS.get(usize::from(value & 15)).copied().unwrap_or_default();
        if let Some((_, slot)) = slots.find(|(at, _)| !matches!(at, 8 | 13 | 18 | 23)) {
            *slot = character;
        }
    };
    for byte in uuid {
        put(byte >> 4);
        put(*byte);
    }
    text
}
