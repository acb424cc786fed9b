//! How one segment (one column of one granule) becomes bytes: frame, codecs, and the choice
//! between codecs by measured size. The shapes of the types are in `column`; parts in `layout`.

pub(crate) mod block;
pub(crate) mod bytes;
pub(crate) mod cursor;
pub(crate) mod fsst;
pub(crate) mod number;
pub(crate) mod segment;
#[cfg(test)]
mod tests;

pub use segment::{decode_segment, encode_segment, encode_segment_with};

use crate::error::{Error, Result};

/// What one segment may make a reader allocate, in bytes, all buffers together.
pub(crate) const DECODED_BYTES_MAX: usize = 256 << 20;

/// A way to store values. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Little-endian values, or bytes as they are.
    Plain = 0,
    /// One value that stands for all.
    Constant = 1,
    /// LZ4 block format.
    Lz4 = 2,
    /// Zstandard.
    Zstd = 3,
    /// Pcodec, for numbers.
    Pco = 4,
    /// Distinct values and a key for each row.
    Dictionary = 5,
    /// Fast static symbol table, for text.
    Fsst = 6,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Codec; 7] = [
        Codec::Plain,
        Codec::Constant,
        Codec::Lz4,
        Codec::Zstd,
        Codec::Pco,
        Codec::Dictionary,
        Codec::Fsst,
    ];

    /// The codec of a stored byte.
    pub(crate) fn from_byte(byte: u8) -> Result<Codec> {
        Codec::ALL
            .into_iter()
            .find(|codec| *codec as u8 == byte)
            .ok_or_else(|| Error::corrupt("segment", format!("no codec has the number {byte}")))
    }

    /// A size in bytes as it is weighed against others: a codec that decodes more slowly must
    /// save more. The unit is a thousandth of a byte.
    fn weigh(self, bytes: usize) -> usize {
        let per_mille = match self {
            Codec::Plain | Codec::Constant | Codec::Dictionary => 1000,
            Codec::Pco => 1020,
            Codec::Lz4 => 1030,
            Codec::Fsst => 1050,
            Codec::Zstd => 1100,
        };
        bytes.saturating_mul(per_mille)
    }
}

/// How much time to spend on making segments small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// For fresh data: cheap candidates only.
    #[default]
    Fast,
    /// For merged data: every candidate.
    Small,
}

/// The candidates to try, and compressors that are reused between segments.
pub(crate) struct Encoder {
    effort: Effort,
    only: Option<Codec>,
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

/// The level of zstd for [`Effort::Small`]; the library's own default.
const ZSTD_LEVEL: i32 = 3;

impl Encoder {
    pub(crate) fn new(effort: Effort) -> Encoder {
        Encoder { effort, only: None, zstd: None }
    }

    /// Tries one codec only, wherever it can be used.
    pub(crate) fn only(codec: Codec) -> Encoder {
        Encoder { effort: Effort::Small, only: Some(codec), zstd: None }
    }

    /// Whether to try this codec, given the cheapest effort that would.
    pub(crate) fn tries(&self, codec: Codec, effort: Effort) -> bool {
        match self.only {
            Some(only) => codec == only,
            None => effort == Effort::Fast || self.effort == Effort::Small,
        }
    }

    /// Whether this codec was asked for by name and so need not be smaller to be kept.
    pub(crate) fn forces(&self, codec: Codec) -> bool {
        self.only == Some(codec)
    }

    pub(crate) fn effort(&self) -> Effort {
        self.effort
    }

    pub(crate) fn zstd(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let compressor = match &mut self.zstd {
            Some(compressor) => compressor,
            none => none.insert(zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(zstd_error)?),
        };
        compressor.compress(bytes).map_err(zstd_error)
    }
}

fn zstd_error(error: std::io::Error) -> Error {
    Error::Encode { what: "zstd block", detail: error.to_string() }
}

/// The smallest candidate so far.
pub(crate) struct Best {
    codec: Codec,
    bytes: Vec<u8>,
    weight: usize,
}

impl Best {
    pub(crate) fn none() -> Best {
        Best { codec: Codec::Plain, bytes: Vec::new(), weight: usize::MAX }
    }

    /// Starts from the plain size, without making the plain bytes.
    pub(crate) fn plain(bytes: usize) -> Best {
        Best { codec: Codec::Plain, bytes: Vec::new(), weight: Codec::Plain.weigh(bytes) }
    }

    /// Keeps `bytes` when they weigh less than what is kept.
    pub(crate) fn offer(&mut self, encoder: &Encoder, codec: Codec, bytes: Vec<u8>) {
        let weight = if encoder.forces(codec) { 0 } else { codec.weigh(bytes.len()) };
        if weight < self.weight {
            *self = Best { codec, bytes, weight };
        }
    }

    pub(crate) fn into_parts(self) -> (Codec, Vec<u8>) {
        (self.codec, self.bytes)
    }
}
