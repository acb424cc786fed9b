//! The end of a data file, footer and page index, kept apart from it so that the file can be opened
//! without asking the bucket for its end. Not for reading it (`footer`).

use bytes::Bytes;

use super::footer::TAIL_BYTES;
use crate::error::Result;
use crate::store::Bucket;

/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;
/// What an end may come to when it is unpacked.
const BYTES_MAX: usize = 64 << 20;

/// The last bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEnd(Bytes);

impl FileEnd {
    pub(super) fn new(bytes: Bytes) -> FileEnd {
        FileEnd(bytes)
    }

    /// Reads the end of a file of `bytes` bytes: most footers and page indexes are in it.
    ///
    /// # Errors
    /// As for [`Bucket::read_ranges`].
    pub async fn read(bucket: &Bucket, uri: &str, bytes: u64) -> Result<FileEnd> {
        let range = bytes.saturating_sub(TAIL_BYTES)..bytes;
        let found = bucket.read_ranges(uri, std::slice::from_ref(&range)).await?;
        Ok(FileEnd(found.into_iter().next().unwrap_or_default()))
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Smaller, for keeping; `None` when that fails.
    pub fn compressed(&self) -> Option<Vec<u8>> {
        let length = u32::try_from(self.0.len()).ok()?;
        let mut out = length.to_le_bytes().to_vec();
        out.extend(zstd::bulk::compress(&self.0, ZSTD_LEVEL).ok()?);
        Some(out)
    }

    /// What [`FileEnd::compressed`] gave; `None` for other bytes.
    pub fn decompressed(bytes: &[u8]) -> Option<FileEnd> {
        let (length, packed) = bytes.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > BYTES_MAX {
            return None;
        }
        let unpacked = zstd::bulk::decompress(packed, length).ok()?;
        (unpacked.len() == length).then(|| FileEnd(Bytes::from(unpacked)))
    }
}
