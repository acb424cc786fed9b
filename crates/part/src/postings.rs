//! Posting lists: for each key the numbers of the files that hold it, sorted by key, in blocks that
//! are decoded one at a time. A look-up finds what was put in, and of keys that were not a false
//! one for every 2⁴⁰ divided by the number of postings. Not for what a key is made of, nor for rows
//! within a file.
//!
//! This is the inverted file of text search (Zobel and Moffat, "Inverted Files for Text Search
//! Engines", 2006) over hashed terms: docs/decisions/0007 says why not Bloom filters.

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

const VERSION: u8 = 1;

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
}

/// Posting lists, as stored. Cheap to keep: blocks stay encoded.
#[derive(Debug, Clone)]
pub struct Postings {
    files: Vec<u32>,
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
}

impl Postings {
    /// The bytes of `postings`, which ascend.
    ///
    /// # Errors
    /// [`Error::Encode`] when the codec fails.
    pub fn encode(postings: &[Posting]) -> Result<Vec<u8>> {
        let mut files: Vec<u32> = postings.iter().map(|posting| posting.file).collect();
        files.sort_unstable();
        files.dedup();
        let mut writer = PostingsWriter::new(files);
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
        if version != VERSION {
            return Err(corrupt(format!("version {version}, this reads {VERSION}")));
        }
        let count = cursor.size()?;
        let files = number::decode::<u32>(&mut cursor, count)?.to_vec();
        let count = cursor.size()?;
        let blocks = count.div_ceil(BLOCK_POSTINGS);
        let firsts = number::decode::<u64>(&mut cursor, blocks)?;
        let sizes = number::decode::<u32>(&mut cursor, blocks.saturating_mul(2))?;
        let mut at = cursor.position();
        let mut take = |size: u32| {
            let start = at;
            at = at.saturating_add(size as usize);
            start..at
        };
        let mut found = Vec::with_capacity(blocks);
        for (place, (first, sizes)) in firsts.iter().zip(sizes.chunks_exact(2)).enumerate() {
            let &[keys, places] = sizes else { continue };
            let left = count - place * BLOCK_POSTINGS;
            found.push(Block {
                first: *first,
                count: left.min(BLOCK_POSTINGS),
                keys: take(keys),
                places: take(places),
            });
        }
        if at != bytes.len() || firsts.windows(2).any(|pair| pair.first() > pair.last()) {
            return Err(corrupt("blocks that are not where it says".to_owned()));
        }
        Ok(Postings { files, count, blocks: found, bytes })
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

    /// The files that hold each of `keys`, which ascend: the place of the key, and the file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a damaged block.
    pub fn find(&self, keys: &[u64]) -> Result<Vec<(usize, u32)>> {
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
            let mut places = None;
            for (offset, key) in rest.iter().take(inside).enumerate() {
                let start = ours.partition_point(|own| own < key);
                let same = ours.iter().skip(start).take_while(|own| *own == key).count();
                if same == 0 {
                    continue;
                }
                let places = match &places {
                    Some(places) => places,
                    None => places.insert(self.places(block)?),
                };
                for file in places.get(start..start + same).unwrap_or_default() {
                    found.push((at + offset, *file));
                }
            }
        }
        Ok(found)
    }

    /// All postings, ascending, of which one block is decoded at a time.
    ///
    /// # Errors
    /// Each may be [`Error::Corrupt`] for a damaged block.
    pub fn iter(&self) -> impl Iterator<Item = Result<Posting>> {
        self.blocks.iter().flat_map(|block| {
            let decoded = self.keys(block).and_then(|keys| Ok((keys, self.places(block)?)));
            let (lists, failure) = match decoded {
                Ok(lists) => (Some(lists), None),
                Err(e) => (None, Some(Err(e))),
            };
            let pairs = lists.into_iter().flat_map(|(keys, files)| keys.into_iter().zip(files));
            pairs.map(|(key, file)| Ok(Posting { key, file })).chain(failure)
        })
    }

    fn keys(&self, block: &Block) -> Result<Vec<u64>> {
        let mut cursor = self.cursor(&block.keys)?;
        let keys = number::decode::<u64>(&mut cursor, block.count)?.to_vec();
        cursor.finish()?;
        if keys.first() != Some(&block.first) || !keys.is_sorted() {
            return Err(corrupt("keys that are out of order".to_owned()));
        }
        Ok(keys)
    }

    /// The files of a block's postings.
    fn places(&self, block: &Block) -> Result<Vec<u32>> {
        let mut cursor = self.cursor(&block.places)?;
        let places = number::decode::<u32>(&mut cursor, block.count)?;
        cursor.finish()?;
        let file = |place: &u32| {
            let file = self.files.get(*place as usize).copied();
            file.ok_or_else(|| corrupt(format!("file {place} of {}", self.files.len())))
        };
        places.iter().map(file).collect()
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
    encoder: Encoder,
    count: usize,
    last: Option<Posting>,
    keys: Vec<u64>,
    places: Vec<u32>,
    firsts: Vec<u64>,
    sizes: Vec<u32>,
    body: Vec<u8>,
}

impl PostingsWriter {
    /// For postings in these files, which ascend.
    pub fn new(files: Vec<u32>) -> PostingsWriter {
        PostingsWriter {
            files,
            encoder: Encoder::new(Effort::Fast),
            count: 0,
            last: None,
            keys: Vec::with_capacity(BLOCK_POSTINGS),
            places: Vec::with_capacity(BLOCK_POSTINGS),
            firsts: Vec::new(),
            sizes: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds the next posting. One that is there already is not added again.
    ///
    /// # Errors
    /// [`Error::Encode`] when it is not behind the others, or in none of the files, or when the
    /// codec fails.
    pub fn push(&mut self, posting: Posting) -> Result<()> {
        if self.last >= Some(posting) {
            if self.last == Some(posting) {
                return Ok(());
            }
            return Err(cannot_encode(format!("{posting:?} behind {:?}", self.last)));
        }
        let place = self.files.binary_search(&posting.file);
        let place = place.map_err(|_| cannot_encode(format!("{posting:?} is in no file")))?;
        self.last = Some(posting);
        self.keys.push(posting.key);
        self.places.push(place as u32);
        self.count += 1;
        if self.keys.len() == BLOCK_POSTINGS { self.end_block() } else { Ok(()) }
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`Error::Encode`] when the codec fails.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        if !self.keys.is_empty() {
            self.end_block()?;
        }
        let mut out = vec![VERSION];
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
        self.firsts.extend(self.keys.first().copied());
        let start = self.body.len();
        number::encode(&mut self.encoder, &self.keys, &mut self.body)?;
        let middle = self.body.len();
        number::encode(&mut self.encoder, &self.places, &mut self.body)?;
        self.sizes.extend([(middle - start) as u32, (self.body.len() - middle) as u32]);
        self.keys.clear();
        self.places.clear();
        Ok(())
    }
}

fn cannot_encode(detail: String) -> Error {
    Error::Encode { what: "posting lists", detail }
}

fn corrupt(detail: String) -> Error {
    Error::corrupt("posting lists", detail)
}
