//! Reading stored bytes front to back, and the budget that bounds what they may allocate.

use arrow_buffer::Buffer;

use super::DECODED_BYTES_MAX;
use crate::error::{Error, Result};

/// A position in stored bytes. Every read is checked.
pub(crate) struct Cursor {
    bytes: Buffer,
    position: usize,
    budget: usize,
}

impl Cursor {
    pub(crate) fn new(bytes: Buffer) -> Cursor {
        Cursor { bytes, position: 0, budget: DECODED_BYTES_MAX }
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    /// The next `length` bytes, copied when needed by the caller only.
    pub(crate) fn take(&mut self, length: usize) -> Result<&[u8]> {
        let start = self.advance(length)?;
        self.bytes.as_slice().get(start..start + length).ok_or_else(cut_short)
    }

    /// The next `length` bytes as a buffer that shares memory with the input.
    pub(crate) fn take_buffer(&mut self, length: usize) -> Result<Buffer> {
        let start = self.advance(length)?;
        Ok(self.bytes.slice_with_length(start, length))
    }

    fn advance(&mut self, length: usize) -> Result<usize> {
        let start = self.position;
        match start.checked_add(length) {
            Some(end) if end <= self.bytes.len() => {
                self.position = end;
                Ok(start)
            }
            _ => Err(cut_short()),
        }
    }

    /// The next variable-length integer (LEB128) as a size.
    pub(crate) fn size(&mut self) -> Result<usize> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value)
                    .map_err(|_| Error::corrupt("segment", format!("a size of {value}")));
            }
        }
        Err(Error::corrupt("segment", "a size has more than 9 bytes"))
    }

    /// How many bytes were read.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Takes `count * width` bytes from the budget and returns the product.
    pub(crate) fn allocate(&mut self, count: usize, width: usize) -> Result<usize> {
        let bytes = count.checked_mul(width).filter(|bytes| *bytes <= self.budget);
        let Some(bytes) = bytes else {
            let detail = format!("{count} values of {width} bytes, {} bytes left", self.budget);
            return Err(Error::Limit { what: "decoded segment".into(), detail });
        };
        self.budget -= bytes;
        Ok(bytes)
    }

    /// Fails when bytes are left over.
    pub(crate) fn finish(self) -> Result<()> {
        match self.bytes.len() - self.position {
            0 => Ok(()),
            left => Err(Error::corrupt("segment", format!("{left} bytes too many"))),
        }
    }
}

/// Appends a variable-length integer (LEB128).
pub(crate) fn put_size(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn cut_short() -> Error {
    Error::corrupt("segment", "it ends too early")
}
