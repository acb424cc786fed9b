//! Split-block Bloom filters: "is this value surely not here?". Not exact sets.
//!
//! Bits and bytes are those of the Parquet specification (`BloomFilter.md` of `parquet-format`):
//! blocks of 256 bits, eight salts, XXH64 with seed 0, a block chosen by the upper half of the
//! hash. Since that choice grows with the hash, a filter can be cut in runs of blocks and each
//! run answers for the hashes that fall into it.

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::error::{Error, Result};

/// Bytes of one block.
pub const SBBF_BLOCK_BYTES: usize = 32;

/// The most blocks of one filter: 128 MiB, as in other implementations of the format.
pub const SBBF_BLOCKS_MAX: usize = 128 * 1024 * 1024 / SBBF_BLOCK_BYTES;

const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A split-block Bloom filter. Hashes come from [`crate::hash_scalar`] and [`crate::hash_array`].
#[derive(Clone, PartialEq, Eq)]
pub struct Sbbf {
    /// A whole number of blocks, at least one; words are little-endian.
    bytes: Vec<u8>,
}

impl Sbbf {
    /// An empty filter for `keys` distinct values at `bits_per_key` bits each, rounded up to
    /// whole blocks. 12 bits a key give fewer than 1 false answer in 100.
    pub fn with_capacity(keys: usize, bits_per_key: u32) -> Sbbf {
        let bits = (keys as u128) * u128::from(bits_per_key);
        let blocks = bits.div_ceil(8 * SBBF_BLOCK_BYTES as u128);
        Sbbf::with_blocks(usize::try_from(blocks).unwrap_or(SBBF_BLOCKS_MAX))
    }

    /// An empty filter of `blocks` blocks: at least 1, at most [`SBBF_BLOCKS_MAX`].
    pub fn with_blocks(blocks: usize) -> Sbbf {
        Sbbf { bytes: vec![0; blocks.clamp(1, SBBF_BLOCKS_MAX) * SBBF_BLOCK_BYTES] }
    }

    /// The filter whose bitset is `bytes`, as [`Sbbf::as_bytes`] gave it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Sbbf> {
        let blocks = bytes.len() / SBBF_BLOCK_BYTES;
        if blocks == 0 || blocks > SBBF_BLOCKS_MAX || !bytes.len().is_multiple_of(SBBF_BLOCK_BYTES)
        {
            return Err(Error::corrupt(
                "Bloom filter",
                format!(
                    "{} bytes, expected 1 to {SBBF_BLOCKS_MAX} blocks of {SBBF_BLOCK_BYTES}",
                    bytes.len()
                ),
            ));
        }
        Ok(Sbbf { bytes: bytes.to_vec() })
    }

    /// The bitset, without Parquet's header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.bytes.len() / SBBF_BLOCK_BYTES
    }

    /// Adds a value.
    pub fn insert(&mut self, hash: u64) {
        let block = block_of(hash, self.blocks());
        let Some(block) = self.bytes.get_mut(block_range(block)) else { return };
        for (word, salt) in block.as_chunks_mut::<4>().0.iter_mut().zip(SALT) {
            *word = (u32::from_le_bytes(*word) | bit(hash, salt)).to_le_bytes();
        }
    }

    /// False only if the value was never inserted.
    pub fn might_contain(&self, hash: u64) -> bool {
        might_contain_in_slice(&self.bytes, 0, self.blocks(), hash).unwrap_or(true)
    }

    /// The bytes of a run of blocks; `None` when the range leaves the filter.
    pub fn slice(&self, blocks: Range<usize>) -> Option<&[u8]> {
        let start = blocks.start.checked_mul(SBBF_BLOCK_BYTES)?;
        let end = blocks.end.checked_mul(SBBF_BLOCK_BYTES)?;
        self.bytes.get(start..end)
    }
}

impl std::fmt::Debug for Sbbf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sbbf({} blocks)", self.blocks())
    }
}

/// The block, out of `blocks`, that a hash falls into. In a filter of 2^n blocks these are the
/// upper n bits of the hash.
pub fn block_of(hash: u64, blocks: usize) -> usize {
    // Blocks are fewer than 2^32, so the product of two 32-bit numbers fits.
    (((hash >> 32) * (blocks as u64 & 0xffff_ffff)) >> 32) as usize
}

/// Asks a run of blocks cut from a filter: `slice` starts at block `first` of `blocks` blocks.
///
/// `None` when the hash falls into another run; then only that one can answer.
pub fn might_contain_in_slice(
    slice: &[u8],
    first: usize,
    blocks: usize,
    hash: u64,
) -> Option<bool> {
    let block = slice.get(block_range(block_of(hash, blocks).checked_sub(first)?))?;
    let words = block.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    Some(words.zip(SALT).all(|(word, salt)| word & bit(hash, salt) != 0))
}

fn block_range(block: usize) -> Range<usize> {
    let start = block.saturating_mul(SBBF_BLOCK_BYTES);
    start..start.saturating_add(SBBF_BLOCK_BYTES)
}

/// The bit that a hash sets in the word of `salt`.
fn bit(hash: u64, salt: u32) -> u32 {
    1 << ((hash as u32).wrapping_mul(salt) >> 27)
}
