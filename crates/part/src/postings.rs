//! Posting lists: for each key the numbers of the files that hold it and where in these, sorted by
//! key, in blocks that are decoded one at a time. A look-up finds what was put in, and of keys that
//! were not a false one for every 2⁴⁰ divided by the number of postings. Not for what a key is made
//! of, nor for single rows within a file.
//!
//! This is the inverted file of text search (Zobel and Moffat, "Inverted Files for Text Search
//! Engines", 2006) over hashed terms: docs/decisions/0007 says why not Bloom filters.

mod block;
#[cfg(test)]
mod tests;

use std::ops::Range;

use arrow_buffer::Buffer;

use crate::codec::cursor::{Cursor, put_size};
use crate::codec::{Effort, Encoder, number};
use crate::error::{Error, Result};

/// Bits of a hash that are kept, its highest ones.
pub const POSTING_KEY_BITS: u32 = 40;

/// Postings that are decoded together.
const BLOCK_POSTINGS: usize = 4_096;

/// More are not believed.
const FILES_MAX: usize = 1 << 22;

const VERSION: u8 = 3;
/// Has the key and the file of each posting by themselves.
const VERSION_WITHOUT_RUNS: u8 = 2;
/// The same, and says nothing of where in a file a key is.
const VERSION_WITHOUT_SLICES: u8 = 1;

/// What a hash is looked up by.
pub fn posting_key(hash: u64) -> u64 {
    hash >> (u64::BITS - POSTING_KEY_BITS)
}

/// One key in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Posting {
    /// See [`posting_key`].
    pub key: u64,
    /// The number of the file.
    pub file: u32,
    /// The slice of the file that has all rows with the key: slices are cut every so many rows, and
    /// counted from 0. `None`: there may be others.
    pub slice: Option<u16>,
}

/// A file that holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingHit {
    /// The place of the key among those asked for.
    pub at: usize,
    /// The number of the file.
    pub file: u32,
    /// The rows of the file that may have it, which can reach past its end; `None`: any.
    pub rows: Option<Range<u64>>,
}

/// Posting lists, as stored. Cheap to keep: blocks stay encoded.
#[derive(Debug, Clone)]
pub struct Postings {
    version: u8,
    files: Vec<u32>,
    slice_rows: u32,
    count: usize,
    blocks: Vec<Block>,
    bytes: Buffer,
}

#[derive(Debug, Clone)]
struct Block {
    /// The key of its first posting.
    first: u64,
    count: usize,
    keys: Range<usize>,
    places: Range<usize>,
    /// Empty in version 1.
    slices: Range<usize>,
}

impl Postings {
    /// The bytes of `postings`, which ascend, with slices of so many rows.
    ///
    /// # Errors
    /// [`Error::Encode`] when the codec fails.
    pub fn encode(postings: &[Posting], slice_rows: u32) -> Result<Vec<u8>> {
        let mut files: Vec<u32> = postings.iter().map(|posting| posting.file).collect();
        files.sort_unstable();
        files.dedup();
        let mut writer = PostingsWriter::new(files, slice_rows);
        for posting in postings {
            writer.push(*posting)?;
        }
        writer.finish()
    }

    /// Opens what [`PostingsWriter`] gave. Blocks are not decoded.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for other bytes.
    pub fn open(bytes: Buffer) -> Result<Postings> {
        let mut cursor = Cursor::new(bytes.clone());
        let version = cursor.byte()?;
        let slice_rows = match version {
            VERSION | VERSION_WITHOUT_RUNS => {
                let rows = cursor.size()?;
                u32::try_from(rows).map_err(|_| corrupt(format!("slices of {rows} rows")))?
            }
            VERSION_WITHOUT_SLICES => 0,
            _ => return Err(corrupt(format!("version {version}, this reads {VERSION}"))),
        };
        let streams = if version == VERSION_WITHOUT_SLICES { 2 } else { 3 };
        let count = cursor.size()?;
        if count > FILES_MAX {
            return Err(corrupt(format!("{count} files, {FILES_MAX} at most")));
        }
        let files = number::decode::<u32>(&mut cursor, count)?.to_vec();
        let count = cursor.size()?;
        let blocks = count.div_ceil(BLOCK_POSTINGS);
        if blocks > bytes.len() {
            return Err(corrupt(format!("{blocks} blocks in {} bytes", bytes.len())));
        }
        let firsts = number::decode::<u64>(&mut cursor, blocks)?;
        let sizes = number::decode::<u32>(&mut cursor, blocks.saturating_mul(streams))?;
        let mut at = cursor.position();
        let mut take = |size: u32| {
            let start = at;
            at = at.saturating_add(size as usize);
            start..at
        };
        let mut found = Vec::with_capacity(blocks);
        for (place, (first, sizes)) in firsts.iter().zip(sizes.chunks_exact(streams)).enumerate() {
            let &[keys, places, ref slices @ ..] = sizes else { continue };
            let left = count - place * BLOCK_POSTINGS;
            found.push(Block {
                first: *first,
                count: left.min(BLOCK_POSTINGS),
                keys: take(keys),
                places: take(places),
                slices: take(slices.first().copied().unwrap_or_default()),
            });
        }
        if at != bytes.len() || firsts.windows(2).any(|pair| pair.first() > pair.last()) {
            return Err(corrupt("blocks that are not where it says".to_owned()));
        }
        Ok(Postings { version, files, slice_rows, count, blocks: found, bytes })
    }

    /// How many postings there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.files.len() * 4 + self.blocks.len() * size_of::<Block>()
    }

    /// Rows in a slice; 0 in version 1, which says nothing of slices.
    pub fn slice_rows(&self) -> u32 {
        self.slice_rows
    }

    /// The files that hold each of `keys`, which ascend.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a damaged block.
    pub fn find(&self, keys: &[u64]) -> Result<Vec<PostingHit>> {
        let mut found = Vec::new();
        let mut at = 0;
        for (number, block) in self.blocks.iter().enumerate() {
            let next = self.blocks.get(number + 1).map(|next| next.first);
            // Keys before this block are nowhere else either.
            at += keys.get(at..).unwrap_or_default().partition_point(|key| *key < block.first);
            let rest = keys.get(at..).unwrap_or_default();
            let inside = match next {
                Some(next) => rest.partition_point(|key| *key <= next),
                None => rest.len(),
            };
            if inside == 0 {
                continue;
            }
            let ours = self.keys(block)?;
            let mut decoded = None;
            for (offset, key) in rest.iter().take(inside).enumerate() {
                let start = ours.partition_point(|own| own < key);
                let same = ours.iter().skip(start).take_while(|own| *own == key).count();
                if same == 0 {
                    continue;
                }
                let (files, slices) = match &decoded {
                    Some(decoded) => decoded,
                    None => decoded.insert((self.files_of(block, &ours)?, self.slices(block)?)),
                };
                let hits = files.iter().zip(slices).skip(start).take(same);
                found.extend(hits.map(|(file, slice)| PostingHit {
                    at: at + offset,
                    file: *file,
                    rows: slice.map(|slice| self.rows_of(slice)),
                }));
            }
        }
        Ok(found)
    }

    /// All postings, ascending, of which one block is decoded at a time, for lists with slices of
    /// so many rows: what is known of slices of another size is left out.
    ///
    /// # Errors
    /// Each may be [`Error::Corrupt`] for a damaged block.
    pub fn iter(&self, slice_rows: u32) -> impl Iterator<Item = Result<Posting>> {
        self.within(0..u64::MAX, slice_rows)
    }

    /// The same of some keys: other blocks are not decoded.
    ///
    /// # Errors
    /// Each may be [`Error::Corrupt`] for a damaged block.
    pub fn within(
        &self,
        keys: Range<u64>,
        slice_rows: u32,
    ) -> impl Iterator<Item = Result<Posting>> {
        let is_same = self.slice_rows == slice_rows;
        let start = keys.start;
        // The last key of a block may be the first of the next one too.
        let is_before = move |number: usize| {
            self.blocks.get(number + 1).is_some_and(|next: &Block| next.first < start)
        };
        let end = self.blocks.partition_point(|block| block.first < keys.end);
        let blocks = self.blocks.iter().take(end).enumerate();
        blocks.filter(move |(number, _)| !is_before(*number)).flat_map(move |(_, block)| {
            let (postings, failure) = match self.postings(block) {
                Ok(postings) => (Some(postings), None),
                Err(e) => (None, Some(Err(e))),
            };
            let keys = keys.clone();
            let postings = postings.into_iter().flatten();
            let postings = postings.filter(move |posting| keys.contains(&posting.key));
            let postings = postings.map(move |posting| {
                Ok(Posting { slice: posting.slice.filter(|_| is_same), ..posting })
            });
            postings.chain(failure)
        })
    }

    fn postings(&self, block: &Block) -> Result<Vec<Posting>> {
        let keys = self.keys(block)?;
        let files = self.files_of(block, &keys)?;
        let all = keys.into_iter().zip(files).zip(self.slices(block)?);
        Ok(all.map(|((key, file), slice)| Posting { key, file, slice }).collect())
    }

    fn rows_of(&self, slice: u16) -> Range<u64> {
        let start = u64::from(slice).saturating_mul(u64::from(self.slice_rows));
        start..start.saturating_add(u64::from(self.slice_rows))
    }

    /// The keys of a block's postings.
    fn keys(&self, block: &Block) -> Result<Vec<u64>> {
        let mut cursor = self.cursor(&block.keys)?;
        let keys = match self.version {
            VERSION => block::keys(&mut cursor, block.count)?,
            _ => number::decode::<u64>(&mut cursor, block.count)?.to_vec(),
        };
        cursor.finish()?;
        if keys.first() != Some(&block.first) || !keys.is_sorted() {
            return Err(corrupt("keys that are out of order".to_owned()));
        }
        Ok(keys)
    }

    /// The files of a block's postings, which have these keys.
    fn files_of(&self, block: &Block, keys: &[u64]) -> Result<Vec<u32>> {
        let mut cursor = self.cursor(&block.places)?;
        let places = match self.version {
            VERSION => block::places(&mut cursor, keys)?,
            _ => number::decode::<u32>(&mut cursor, block.count)?.to_vec(),
        };
        cursor.finish()?;
        let file = |place: &u32| {
            let file = self.files.get(*place as usize).copied();
            file.ok_or_else(|| corrupt(format!("file {place} of {}", self.files.len())))
        };
        places.iter().map(file).collect()
    }

    /// The slices of a block's postings.
    fn slices(&self, block: &Block) -> Result<Vec<Option<u16>>> {
        if self.slice_rows == 0 {
            return Ok(vec![None; block.count]);
        }
        let mut cursor = self.cursor(&block.slices)?;
        let slices = number::decode::<u32>(&mut cursor, block.count)?;
        cursor.finish()?;
        let slice = |stored: &u32| match stored.checked_sub(1).map(u16::try_from) {
            None => Ok(None),
            Some(Ok(slice)) => Ok(Some(slice)),
            Some(Err(_)) => Err(corrupt(format!("slice {stored}"))),
        };
        slices.iter().map(slice).collect()
    }

    fn cursor(&self, range: &Range<usize>) -> Result<Cursor> {
        if range.start > range.end || range.end > self.bytes.len() {
            return Err(corrupt("a block past its end".to_owned()));
        }
        Ok(Cursor::new(self.bytes.slice_with_length(range.start, range.end - range.start)))
    }
}

/// Encodes postings one by one: a block of them is held at a time.
pub struct PostingsWriter {
    files: Vec<u32>,
    slice_rows: u32,
    encoder: Encoder,
    count: usize,
    last: Option<Posting>,
    block: block::BlockWriter,
    firsts: Vec<u64>,
    sizes: Vec<u32>,
    body: Vec<u8>,
}

impl PostingsWriter {
    /// For postings in these files, which ascend, with slices of so many rows.
    pub fn new(files: Vec<u32>, slice_rows: u32) -> PostingsWriter {
        PostingsWriter {
            files,
            slice_rows,
            encoder: Encoder::new(Effort::Fast),
            count: 0,
            last: None,
            block: block::BlockWriter::default(),
            firsts: Vec::new(),
            sizes: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds the next posting. One with the key and file of the last is not added again: both have
    /// to be in one slice, or the key is in several.
    ///
    /// # Errors
    /// [`Error::Encode`] when it is not behind the others, or in none of the files, or when the
    /// codec fails.
    pub fn push(&mut self, posting: Posting) -> Result<()> {
        let slice = posting.slice.map_or(0, |slice| u32::from(slice) + 1);
        if let Some(last) = self.last {
            let [before, now] = [last, posting].map(|posting| (posting.key, posting.file));
            if before == now {
                let kept = self.block.slices.last_mut().filter(|kept| **kept != slice);
                kept.into_iter().for_each(|kept| *kept = 0);
                return Ok(());
            }
            if before > now {
                return Err(cannot_encode(format!("{posting:?} behind {last:?}")));
            }
        }
        if self.block.slices.len() == BLOCK_POSTINGS {
            self.end_block()?;
        }
        let place = self.files.binary_search(&posting.file);
        let place = place.map_err(|_| cannot_encode(format!("{posting:?} is in no file")))?;
        self.last = Some(posting);
        self.block.push(posting.key, place as u32, slice);
        self.count += 1;
        Ok(())
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`Error::Encode`] when the codec fails.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        if !self.block.slices.is_empty() {
            self.end_block()?;
        }
        let mut out = vec![VERSION];
        put_size(&mut out, self.slice_rows as usize);
        put_size(&mut out, self.files.len());
        number::encode(&mut self.encoder, &self.files, &mut out)?;
        put_size(&mut out, self.count);
        number::encode(&mut self.encoder, &self.firsts, &mut out)?;
        number::encode(&mut self.encoder, &self.sizes, &mut out)?;
        out.reserve_exact(self.body.len());
        out.append(&mut self.body);
        Ok(out)
    }

    fn end_block(&mut self) -> Result<()> {
        self.firsts.extend(self.block.keys.first().copied());
        self.sizes.extend(self.block.encode(&mut self.encoder, &mut self.body)?);
        self.block.clear();
        Ok(())
    }
}

fn cannot_encode(detail: String) -> Error {
    Error::Encode { what: "posting lists", detail }
}

fn corrupt(detail: String) -> Error {
    Error::corrupt("posting lists", detail)
}
