//! The frame of a segment: version byte, checksum, body. `column` reads and writes the body.

use arrow_array::ArrayRef;
use arrow_buffer::Buffer;
use twox_hash::XxHash3_64;

use super::cursor::Cursor;
use super::{Codec, Effort, Encoder};
use crate::column;
use crate::error::{Error, Result};
use crate::schema::ColumnType;

/// The version of segments that this crate writes, and the newest that it reads.
const SEGMENT_VERSION: u8 = 1;

const CHECKSUM_BYTES: usize = 8;

/// Version and checksum, before the body.
const FRAME_BYTES: usize = 1 + CHECKSUM_BYTES;

/// Encodes one column of one granule. The array must have exactly the type [`ColumnType::arrow`].
/// Returns the segment and the codec of its values.
///
/// # Errors
/// [`Error::Type`] for an array of another type.
pub fn encode_segment(
    ty: &ColumnType,
    array: &ArrayRef,
    effort: Effort,
) -> Result<(Vec<u8>, Codec)> {
    encode_with(&mut Encoder::new(effort), ty, array, 0)
}

/// Like [`encode_segment`], with one codec wherever it can be used, even if others are smaller.
///
/// # Errors
/// As for [`encode_segment`].
pub fn encode_segment_with(
    ty: &ColumnType,
    array: &ArrayRef,
    codec: Codec,
) -> Result<(Vec<u8>, Codec)> {
    encode_with(&mut Encoder::only(codec), ty, array, 0)
}

/// Seeds the checksum of a segment in a part, so that one in the place of another is noticed.
pub(crate) fn seed(column_id: u32, granule: usize) -> u64 {
    u64::from(column_id) << 32 | granule as u64
}

/// [`encode_segment`] with an encoder that is used again, and a seed for the checksum.
pub(crate) fn encode_with(
    encoder: &mut Encoder,
    ty: &ColumnType,
    array: &ArrayRef,
    seed: u64,
) -> Result<(Vec<u8>, Codec)> {
    let mut out = vec![0; FRAME_BYTES];
    let codec = column::encode(encoder, ty, array, &mut out)?;
    if let Some((frame, body)) = out.split_first_chunk_mut::<FRAME_BYTES>() {
        let checksum = XxHash3_64::oneshot_with_seed(seed, body);
        let mut stored = [0; FRAME_BYTES];
        let (version, rest) = stored.split_at_mut(1);
        version.fill(SEGMENT_VERSION);
        rest.copy_from_slice(&checksum.to_le_bytes());
        *frame = stored;
    }
    Ok((out, codec))
}

/// Decodes `rows` values of one column. Buffers of the array may share memory with `bytes`.
///
/// # Errors
/// [`Error::Corrupt`] for bytes that are no segment of this type and length, and
/// [`Error::Limit`] for a segment that would need more than 256 MiB.
pub fn decode_segment(ty: &ColumnType, rows: usize, bytes: Buffer) -> Result<ArrayRef> {
    decode_with(ty, rows, bytes, 0)
}

/// [`decode_segment`] with the seed of the checksum.
pub(crate) fn decode_with(
    ty: &ColumnType,
    rows: usize,
    bytes: Buffer,
    seed: u64,
) -> Result<ArrayRef> {
    let Some((version, rest)) = bytes.as_slice().split_first() else {
        return Err(Error::corrupt("segment", "it is empty"));
    };
    if *version != SEGMENT_VERSION {
        return Err(Error::Unsupported {
            what: format!("segment version {version}"),
            detail: format!("this program reads version {SEGMENT_VERSION}"),
        });
    }
    let Some((stored, body)) = rest.split_first_chunk::<CHECKSUM_BYTES>() else {
        return Err(Error::corrupt("segment", "it ends inside its checksum"));
    };
    if XxHash3_64::oneshot_with_seed(seed, body) != u64::from_le_bytes(*stored) {
        return Err(Error::corrupt("segment", "the checksum does not match"));
    }
    let mut cursor = Cursor::new(bytes.slice(FRAME_BYTES));
    let array = column::decode(&mut cursor, ty, rows)?;
    cursor.finish()?;
    Ok(array)
}
