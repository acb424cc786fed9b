//! Which rows are null: a tag, and a bitmap when only some are. Null rows store no value, so
//! values are packed when written and spread again when read.

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, NullBuffer, ScalarBuffer};

use crate::codec::cursor::Cursor;
use crate::codec::{Encoder, block};
use crate::error::{Error, Result};

const NO_NULLS: u8 = 0;
const ALL_NULL: u8 = 1;
const SOME_NULLS: u8 = 2;

/// The non-null values of an array.
pub(super) enum Dense {
    /// The array has no nulls.
    Same,
    /// Its non-null values.
    Filtered(ArrayRef),
    /// All rows are null: no values follow.
    Empty,
}

/// Appends the validity of `array` and returns what remains to be encoded.
pub(super) fn encode(encoder: &mut Encoder, array: &ArrayRef, out: &mut Vec<u8>) -> Result<Dense> {
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let Some(nulls) = nulls else {
        out.push(NO_NULLS);
        return Ok(Dense::Same);
    };
    if nulls.null_count() == array.len() {
        out.push(ALL_NULL);
        return Ok(Dense::Empty);
    }
    out.push(SOME_NULLS);
    let valid = nulls.into_inner();
    encode_bits(encoder, &valid, out)?;
    let dense = arrow_select::filter::filter(array, &BooleanArray::new(valid, None))?;
    Ok(Dense::Filtered(dense))
}

/// Appends a bitmap as a block of bytes, least significant bit first.
pub(super) fn encode_bits(
    encoder: &mut Encoder,
    bits: &BooleanBuffer,
    out: &mut Vec<u8>,
) -> Result<crate::codec::Codec> {
    let bytes = bits.sliced();
    let bytes = bytes.as_slice().get(..bits.len().div_ceil(8)).unwrap_or_default();
    let mut bytes = bytes.to_vec();
    let used = bits.len() % 8;
    if let Some(last) = bytes.last_mut()
        && used > 0
    {
        // Bits past the end repeat the last one that counts, so that all-equal bits are constant.
        let mask = 0xffu8 << used;
        let repeat = *last >> (used - 1) & 1 == 1;
        *last = if repeat { *last | mask } else { *last & !mask };
    }
    block::encode(encoder, &bytes, false, out)
}

/// Reads a bitmap of `length` bits.
pub(super) fn decode_bits(cursor: &mut Cursor, length: usize) -> Result<BooleanBuffer> {
    let bytes = block::decode(cursor)?;
    if bytes.len() != length.div_ceil(8) {
        let detail = format!("{} bytes for {length} bits", bytes.len());
        return Err(Error::corrupt("bitmap", detail));
    }
    Ok(BooleanBuffer::new(bytes, 0, length))
}

/// The validity of a column of `rows` rows, `values` of them not null.
pub(super) struct Validity {
    pub(super) rows: usize,
    pub(super) values: usize,
    pub(super) nulls: Option<NullBuffer>,
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(cursor: &mut Cursor, rows: usize) -> Result<Validity> {
    match cursor.byte()? {
        NO_NULLS => Ok(Validity { rows, values: rows, nulls: None }),
        ALL_NULL => {
            cursor.allocate(rows, 1)?;
            Ok(Validity { rows, values: 0, nulls: Some(NullBuffer::new_null(rows)) })
        }
        SOME_NULLS => {
            let nulls = NullBuffer::new(decode_bits(cursor, rows)?);
            let values = rows - nulls.null_count();
            if values == 0 || values == rows {
                return Err(Error::corrupt("bitmap", "it marks no null, or every row"));
            }
            Ok(Validity { rows, values, nulls: Some(nulls) })
        }
        tag => Err(Error::corrupt("segment", format!("unknown validity tag {tag}"))),
    }
}

impl Validity {
    /// Whether no values are stored at all.
    pub(super) fn is_empty(&self) -> bool {
        self.rows > 0 && self.values == 0
    }

    /// Moves packed values to their rows; null rows get the default value.
    pub(super) fn spread<T: ArrowNativeType>(
        &self,
        cursor: &mut Cursor,
        packed: ScalarBuffer<T>,
    ) -> Result<ScalarBuffer<T>> {
        let Some(nulls) = &self.nulls else { return Ok(packed) };
        cursor.allocate(self.rows, size_of::<T>())?;
        let mut spread = vec![T::default(); self.rows];
        let mut rest: &[T] = &packed;
        for (start, end) in nulls.inner().set_slices() {
            let run = rest.split_at_checked(end - start).zip(spread.get_mut(start..end));
            let Some(((values, after), rows)) = run else {
                return Err(Error::corrupt("segment", "fewer values than the bitmap marks"));
            };
            rows.copy_from_slice(values);
            rest = after;
        }
        Ok(spread.into())
    }
}
