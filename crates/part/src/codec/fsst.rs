//! FSST (fast static symbol table) over a block of text, by the `fsst-rs` library.
//! Payload: symbol count, a length for each symbol, 8 bytes for each symbol, codes.

use arrow_buffer::Buffer;
use fsst::{Compressor, Decompressor, ESCAPE_CODE, Symbol};

use crate::error::{Error, Result};

const SYMBOLS_MAX: usize = 255;
const SYMBOL_BYTES: usize = 8;

/// The library trains on a list of strings; the text is cut in pieces of this size.
const SAMPLE_BYTES: usize = 256;

/// At most so many pieces, spread over the text, are looked at.
const SAMPLES_MAX: usize = 128;

/// Compresses `raw`; string boundaries play no part.
pub(crate) fn compress(raw: &[u8]) -> Vec<u8> {
    let pieces = raw.len().div_ceil(SAMPLE_BYTES);
    let step = pieces.div_ceil(SAMPLES_MAX).max(1);
    let samples: Vec<&[u8]> = raw.chunks(SAMPLE_BYTES).step_by(step).collect();
    let compressor = Compressor::train(&samples);
    let symbols = compressor.symbol_table();
    let mut out = Vec::with_capacity(raw.len() / 2 + 1 + symbols.len() * (1 + SYMBOL_BYTES));
    out.push(symbols.len().min(SYMBOLS_MAX) as u8);
    out.extend_from_slice(compressor.symbol_lengths());
    for symbol in symbols {
        out.extend_from_slice(&symbol.to_u64().to_le_bytes());
    }
    out.extend_from_slice(&compressor.compress(raw));
    out
}

/// Decompresses to exactly `raw_bytes` bytes; the caller has bounded them.
pub(crate) fn decompress(stored: &[u8], raw_bytes: usize) -> Result<Buffer> {
    let (&count, rest) = stored.split_first().ok_or_else(cut_short)?;
    let count = usize::from(count);
    let (lengths_stored, rest) = rest.split_at_checked(count).ok_or_else(cut_short)?;
    let (symbols_stored, codes) =
        rest.split_at_checked(count * SYMBOL_BYTES).ok_or_else(cut_short)?;
    let mut lengths = [1u8; SYMBOLS_MAX];
    let mut symbols = [Symbol::ZERO; SYMBOLS_MAX];
    for (slot, length) in lengths.iter_mut().zip(lengths_stored) {
        if !(1..=SYMBOL_BYTES).contains(&usize::from(*length)) {
            return Err(Error::corrupt("FSST block", format!("a symbol of {length} bytes")));
        }
        *slot = *length;
    }
    for (slot, symbol) in symbols.iter_mut().zip(symbols_stored.as_chunks().0) {
        *slot = Symbol::from_slice(symbol);
    }
    let found = decoded_bytes(codes, count, &lengths)?;
    if found != raw_bytes {
        let detail = format!("it holds {found} bytes instead of {raw_bytes}");
        return Err(Error::corrupt("FSST block", detail));
    }
    let mut raw: Vec<u8> = Vec::with_capacity(raw_bytes);
    let decompressor = Decompressor::new(&symbols, &lengths);
    let written = decompressor.decompress_into(codes, raw.spare_capacity_mut());
    if written != raw_bytes {
        return Err(Error::corrupt("FSST block", format!("{written} bytes, not {raw_bytes}")));
    }
    // SAFETY: `decompress_into` has just written `written` bytes, which is `raw_bytes`, and the
    // vector's capacity is at least that.
    unsafe { raw.set_len(raw_bytes) };
    Ok(Buffer::from_vec(raw))
}

/// The size of the text that the codes stand for. The library asserts what is checked here.
fn decoded_bytes(codes: &[u8], count: usize, lengths: &[u8; SYMBOLS_MAX]) -> Result<usize> {
    let mut bytes = 0usize;
    let mut codes = codes.iter();
    while let Some(&code) = codes.next() {
        if code == ESCAPE_CODE {
            codes.next().ok_or_else(cut_short)?;
            bytes += 1;
            continue;
        }
        let code = usize::from(code);
        let length = lengths.get(code).filter(|_| code < count).copied();
        let length = length.ok_or_else(|| {
            Error::corrupt("FSST block", format!("code {code}, but only {count} symbols"))
        })?;
        bytes += usize::from(length);
    }
    Ok(bytes)
}

fn cut_short() -> Error {
    Error::corrupt("FSST block", "it ends too early")
}
