//! The first 32 bytes of a part: what it is, which version, and where its header ends.

use twox_hash::XxHash3_64;

use super::{FORMAT_VERSION, Layout, ROW_BYTES_MIN};
use crate::error::{Error, Result};

/// Bytes before the header.
pub(crate) const PRELUDE_BYTES: usize = 32;

/// Of these, the checksum comes last and covers the rest, and the header.
const CHECKSUM_BYTES: usize = 8;

const MAGIC: [u8; 8] = *b"dodbPART";

/// A header is at most this large, stored or not.
pub(crate) const HEADER_BYTES_MAX: u32 = 32 << 20;

/// The fixed fields of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prelude {
    pub(crate) layout: Layout,
    /// Every row of a stream but the last has exactly this many bytes.
    pub(crate) row_bytes: u32,
    /// The header as stored.
    pub(crate) header_stored_bytes: u32,
    /// The header after zstd; equal to the stored size when it is not compressed.
    pub(crate) header_raw_bytes: u32,
}

impl Prelude {
    /// The prelude as bytes, with the checksum over it and the stored header.
    pub(crate) fn to_bytes(self, header_stored: &[u8]) -> [u8; PRELUDE_BYTES] {
        let mut bytes = Vec::with_capacity(PRELUDE_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&[self.layout as u8, 0]);
        bytes.extend_from_slice(&self.row_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.header_stored_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.header_raw_bytes.to_le_bytes());
        let checksum = checksum(&bytes, header_stored);
        let mut out = [0; PRELUDE_BYTES];
        let (fields, last) = out.split_at_mut(PRELUDE_BYTES - CHECKSUM_BYTES);
        fields.copy_from_slice(&bytes);
        last.copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads the prelude at the start of the first row.
    pub(crate) fn from_bytes(row: &[u8]) -> Result<Prelude> {
        let Some(bytes) = row.first_chunk::<PRELUDE_BYTES>() else {
            return Err(corrupt(format!("{} bytes are too few", row.len())));
        };
        let mut rest = bytes.as_slice();
        if take::<8>(&mut rest)? != MAGIC {
            return Err(corrupt("the bytes are not a part (wrong magic)"));
        }
        let version = u16::from_le_bytes(take(&mut rest)?);
        if !(1..=FORMAT_VERSION).contains(&version) {
            return Err(Error::Unsupported {
                what: format!("part format version {version}"),
                detail: format!("this program reads versions 1 to {FORMAT_VERSION}"),
            });
        }
        let [layout, reserved] = take(&mut rest)?;
        let layout = match layout {
            0 => Layout::Compact,
            1 => Layout::Wide,
            other => return Err(corrupt(format!("unknown layout {other}"))),
        };
        let mut field = || Ok::<u32, Error>(u32::from_le_bytes(take(&mut rest)?));
        let prelude = Prelude {
            layout,
            row_bytes: field()?,
            header_stored_bytes: field()?,
            header_raw_bytes: field()?,
        };
        prelude.check(reserved)?;
        Ok(prelude)
    }

    fn check(&self, reserved: u8) -> Result<()> {
        if reserved != 0 {
            return Err(corrupt("a reserved byte is not zero"));
        }
        if (self.row_bytes as usize) < ROW_BYTES_MIN {
            return Err(corrupt(format!("rows of {} bytes", self.row_bytes)));
        }
        if self.header_stored_bytes.max(self.header_raw_bytes) > HEADER_BYTES_MAX {
            return Err(corrupt("the header is too large"));
        }
        Ok(())
    }

    /// Checks the checksum at the end of `prelude` against it and the stored header.
    pub(crate) fn verify(prelude: &[u8], header_stored: &[u8]) -> Result<()> {
        let split = prelude.split_last_chunk::<CHECKSUM_BYTES>();
        match split {
            Some((fields, stored)) if checksum(fields, header_stored).to_le_bytes() == *stored => {
                Ok(())
            }
            _ => Err(corrupt("the checksum does not match")),
        }
    }
}

fn checksum(fields: &[u8], header_stored: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(fields), header_stored)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or_else(|| corrupt("it is cut short"))?;
    *rest = after;
    Ok(*taken)
}

fn corrupt(detail: impl ToString) -> Error {
    Error::corrupt("part header", detail)
}
