//! The numbers of one block of posting lists. A key that several files have is stored once, and of
//! its files how far they are apart. Not here: blocks of versions before ([`super::Postings`]).

use super::corrupt;
use crate::codec::cursor::{Cursor, put_size};
use crate::codec::{Encoder, number};
use crate::error::Result;

/// The numbers of a block that is written.
#[derive(Default)]
pub(super) struct BlockWriter {
    /// Each once.
    pub(super) keys: Vec<u64>,
    /// How many postings more each has.
    more: Vec<u32>,
    /// The place of the first file of each.
    first_places: Vec<u32>,
    /// How many places are between the file of each further posting and the one before.
    between: Vec<u32>,
    /// The place of the last file.
    last_place: u32,
    /// Of each posting.
    pub(super) slices: Vec<u32>,
}

impl BlockWriter {
    /// Adds a posting behind all others.
    pub(super) fn push(&mut self, key: u64, place: u32, slice: u32) {
        match self.more.last_mut().filter(|_| self.keys.last() == Some(&key)) {
            Some(more) => {
                *more += 1;
                self.between.push(place.saturating_sub(self.last_place).saturating_sub(1));
            }
            None => {
                self.keys.push(key);
                self.more.push(0);
                self.first_places.push(place);
            }
        }
        self.last_place = place;
        self.slices.push(slice);
    }

    /// Appends keys, files and slices; answers their sizes in bytes.
    pub(super) fn encode(&self, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<[u32; 3]> {
        let start = out.len();
        put_size(out, self.keys.len());
        number::encode(encoder, &self.keys, out)?;
        number::encode(encoder, &self.more, out)?;
        let keys = out.len();
        number::encode(encoder, &self.first_places, out)?;
        number::encode(encoder, &self.between, out)?;
        let places = out.len();
        number::encode(encoder, &self.slices, out)?;
        let sizes = [keys - start, places - keys, out.len() - places];
        Ok(sizes.map(|size| size as u32))
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        let BlockWriter { keys, more, first_places, between, last_place, slices } = self;
        keys.clear();
        for numbers in [more, first_places, between, slices] {
            numbers.clear();
        }
        *last_place = 0;
    }
}

/// So many keys, of which each was stored once, with how many more there are of it.
pub(super) fn keys(cursor: &mut Cursor, count: usize) -> Result<Vec<u64>> {
    let distinct = cursor.size()?;
    if distinct > count {
        return Err(corrupt(format!("{distinct} keys of {count} postings")));
    }
    let keys = number::decode::<u64>(cursor, distinct)?;
    if keys.windows(2).any(|pair| pair.first() >= pair.last()) {
        return Err(corrupt("keys that are out of order".to_owned()));
    }
    let more = number::decode::<u32>(cursor, distinct)?;
    let runs = keys.iter().zip(more.iter());
    // No run is longer than all of them, but where it is damaged.
    let run =
        |(key, more): (&u64, &u32)| std::iter::repeat_n(*key, (*more as usize).min(count) + 1);
    let all: Vec<u64> = runs.flat_map(run).take(count + 1).collect();
    if all.len() != count {
        return Err(corrupt(format!("not the {count} postings of its keys")));
    }
    Ok(all)
}

/// The places of the files of these keys: the first of each as it is, then how many are between it
/// and the next.
pub(super) fn places(cursor: &mut Cursor, keys: &[u64]) -> Result<Vec<u32>> {
    let distinct = keys.chunk_by(|a, b| a == b).count();
    let firsts = number::decode::<u32>(cursor, distinct)?;
    let between = number::decode::<u32>(cursor, keys.len() - distinct)?;
    let mut between = between.iter();
    let mut places = Vec::with_capacity(keys.len());
    for (run, first) in keys.chunk_by(|a, b| a == b).zip(firsts.iter()) {
        let mut place = *first;
        places.push(place);
        for between in between.by_ref().take(run.len() - 1) {
            place = place.saturating_add(*between).saturating_add(1);
            places.push(place);
        }
    }
    Ok(places)
}
