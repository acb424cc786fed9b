//! A block of raw bytes, compressed by a general codec when that makes it smaller.
//! Stored as: codec, raw size, stored size, payload.

use std::cell::RefCell;

use arrow_buffer::{Buffer, MutableBuffer};

use super::cursor::{Cursor, put_size};
use super::{Best, Codec, Effort, Encoder, fsst};
use crate::error::{Error, Result};

/// Shorter blocks are stored plain: no codec wins enough to pay for itself.
const COMPRESSIBLE_BYTES_MIN: usize = 48;

/// Appends `raw` as a block. `text` adds FSST to the candidates.
pub(crate) fn encode(
    encoder: &mut Encoder,
    raw: &[u8],
    text: bool,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    if let Some((first, rest)) = raw.split_first()
        && raw.len() > 1
        && rest.iter().all(|byte| byte == first)
    {
        put_header(out, Codec::Constant, raw.len(), 1);
        out.push(*first);
        return Ok(Codec::Constant);
    }
    let mut best = Best::plain(raw.len());
    if raw.len() >= COMPRESSIBLE_BYTES_MIN {
        if encoder.tries(Codec::Lz4, Effort::Fast) {
            best.offer(encoder, Codec::Lz4, lz4_flex::block::compress(raw));
        }
        if text && encoder.tries(Codec::Fsst, Effort::Small) {
            best.offer(encoder, Codec::Fsst, fsst::compress(raw));
        }
        if encoder.tries(Codec::Zstd, Effort::Small) {
            let bytes = encoder.zstd(raw)?;
            best.offer(encoder, Codec::Zstd, bytes);
        }
    }
    let (codec, bytes) = best.into_parts();
    let stored = if codec == Codec::Plain { raw } else { &bytes };
    put_header(out, codec, raw.len(), stored.len());
    out.extend_from_slice(stored);
    Ok(codec)
}

fn put_header(out: &mut Vec<u8>, codec: Codec, raw_bytes: usize, stored_bytes: usize) {
    out.push(codec as u8);
    put_size(out, raw_bytes);
    put_size(out, stored_bytes);
}

/// Reads a block. A plain one shares memory with the input.
pub(crate) fn decode(cursor: &mut Cursor) -> Result<Buffer> {
    let codec = Codec::from_byte(cursor.byte()?)?;
    let raw_bytes = cursor.size()?;
    let stored_bytes = cursor.size()?;
    if codec == Codec::Plain {
        if raw_bytes != stored_bytes {
            return Err(Error::corrupt("plain block", "its two sizes differ"));
        }
        return cursor.take_buffer(raw_bytes);
    }
    cursor.allocate(raw_bytes, 1)?;
    let stored = cursor.take(stored_bytes)?;
    if codec == Codec::Fsst {
        return fsst::decompress(stored, raw_bytes);
    }
    let mut raw = MutableBuffer::from_len_zeroed(raw_bytes);
    decompress(codec, stored, raw.as_slice_mut())?;
    Ok(raw.into())
}

thread_local! {
    /// Making one takes as long as decompressing some kilobytes.
    static ZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn unzstd(stored: &[u8], raw: &mut [u8]) -> std::io::Result<usize> {
    ZSTD.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            none => none.insert(zstd::bulk::Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(stored, raw)
    })
}

/// Decompresses with a general codec; `raw` must be filled exactly.
pub(crate) fn decompress(codec: Codec, stored: &[u8], raw: &mut [u8]) -> Result<()> {
    let written = match codec {
        Codec::Constant => match stored {
            [byte] => {
                raw.fill(*byte);
                raw.len()
            }
            _ => return Err(Error::corrupt("constant block", "it holds more than one byte")),
        },
        Codec::Lz4 => lz4_flex::block::decompress_into(stored, raw)
            .map_err(|error| Error::corrupt("LZ4 block", error))?,
        Codec::Zstd => unzstd(stored, raw).map_err(|error| Error::corrupt("zstd block", error))?,
        other => {
            return Err(Error::corrupt("block", format!("{other:?} is no codec of raw bytes")));
        }
    };
    if written == raw.len() {
        return Ok(());
    }
    let detail = format!("{written} bytes instead of {}", raw.len());
    Err(Error::corrupt("block", detail))
}
