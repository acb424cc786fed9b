//! What the head row says of a table's index: which rows it has, and what they do not cover. Not
//! here: the rows.

use std::fmt::Display;

use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use roaring::RoaringBitmap;

use super::collect::{FIELDS_MAX, FileKeys};
use super::field::Field;
use crate::scan::PathColumn;

/// Files that a field may be left out of before it counts as left out of all.
const LEFT_OUT_MAX: u64 = 256;

/// Numbers of files, in the portable format of Roaring.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileSet(pub(crate) RoaringBitmap);

impl<C> Encode<C> for FileSet {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        // Writing to a Vec cannot fail.
        let _ = self.0.serialize_into(&mut bytes);
        e.bytes(&bytes)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for FileSet {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let message = |e: &dyn Display| decode::Error::message(format!("numbers of files: {e}"));
        let files = RoaringBitmap::deserialize_from(d.bytes()?);
        files.map(FileSet).map_err(|e| message(&e))
    }
}

/// The index of a table.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(crate) struct IndexHead {
    /// All files of the table.
    #[n(0)]
    pub(crate) live: FileSet,
    /// Keys of files that came lately: in how many rows, and how many bytes.
    #[n(1)]
    pub(crate) waiting: LevelHead,
    /// The others.
    #[n(2)]
    pub(crate) folded: LevelHead,
    /// The fields that files have.
    #[n(3)]
    pub(crate) fields: Vec<FieldHead>,
    /// Files with fields that are not listed; `None`: any may have such.
    #[n(4)]
    pub(crate) partial: Option<FileSet>,
    /// The files that rows of footers begin with.
    #[n(5)]
    pub(crate) footers: FileSet,
    /// The files that rows of statistics begin with.
    #[n(6)]
    pub(crate) stats: FileSet,
    /// The files whose keys were put in the levels.
    #[n(7)]
    #[cbor(default)]
    pub(crate) covered: FileSet,
}

/// One level of posting lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LevelHead {
    /// In how many rows the keys are cut: a power of two, or 0 while there is none.
    #[n(0)]
    pub(crate) cut: u32,
    #[n(1)]
    pub(crate) bytes: u64,
    /// Raised whenever its rows are written.
    #[n(2)]
    pub(crate) version: u64,
}

impl LevelHead {
    /// The same without keys.
    pub(crate) fn emptied(self) -> LevelHead {
        LevelHead { version: self.version + 1, ..LevelHead::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct FieldHead {
    #[n(0)]
    pub(crate) field: Field,
    /// Files in which it has values that are not indexed; `None`: that may be so in any.
    #[n(1)]
    pub(crate) left_out: Option<FileSet>,
    /// Is there a file with so many values of it that they are not counted?
    #[n(2)]
    pub(crate) is_many: bool,
}

impl IndexHead {
    pub(crate) fn new() -> IndexHead {
        IndexHead { partial: Some(FileSet::default()), ..IndexHead::default() }
    }

    /// Of the same table without files.
    pub(crate) fn emptied(&self) -> IndexHead {
        let (waiting, folded) = (self.waiting.emptied(), self.folded.emptied());
        IndexHead { waiting, folded, ..IndexHead::new() }
    }

    /// Forgets the rows of footers, and those of statistics, of which no file is left; answers what
    /// they begin with.
    pub(crate) fn drop_rows(&mut self) -> (Vec<u32>, Vec<u32>) {
        let live = &self.live.0;
        (drop_empty(&mut self.footers.0, live), drop_empty(&mut self.stats.0, live))
    }

    /// Notes what a new file has.
    pub(crate) fn add(&mut self, file: u32, keys: &FileKeys) {
        self.covered.0.insert(file);
        let mut is_partial = keys.is_partial;
        for field in &keys.fields {
            is_partial |= self.at(field).is_none();
        }
        for field in &keys.left_out {
            match self.at(field) {
                Some(at) => insert(&mut at.left_out, file),
                None => is_partial = true,
            }
        }
        for field in &keys.many {
            if let Some(at) = self.at(field) {
                at.is_many = true;
            }
        }
        if is_partial {
            insert(&mut self.partial, file);
        }
    }

    /// Are the values of a path counted, as far as is known here?
    pub(crate) fn counts(&self, path: &PathColumn) -> bool {
        let is_it = |known: &&FieldHead| {
            known.field.column == path.column
                && known.field.path.as_deref() == Some(path.path.as_str())
        };
        let is_whole = self.partial.as_ref().is_some_and(|files| files.0.is_empty());
        self.fields.iter().find(is_it).map_or(is_whole, |known| !known.is_many)
    }

    fn at(&mut self, field: &Field) -> Option<&mut FieldHead> {
        let found = self.fields.binary_search_by(|known| known.field.cmp(field));
        let at = match found {
            Ok(at) => at,
            Err(_) if self.fields.len() >= FIELDS_MAX => return None,
            Err(at) => {
                let left_out = Some(FileSet::default());
                self.fields
                    .insert(at, FieldHead { field: field.clone(), left_out, is_many: false });
                at
            }
        };
        self.fields.get_mut(at)
    }

    /// The files of the table are these, and no others.
    pub(crate) fn keep(&mut self, live: RoaringBitmap) {
        let sets = self.fields.iter_mut().filter_map(|field| field.left_out.as_mut());
        for files in sets.chain(self.partial.as_mut()) {
            files.0 &= &live;
        }
        self.covered.0 &= &live;
        self.live.0 = live;
    }

    /// The files whose values of `field` are all indexed, if they are covered at all; `None`: none.
    pub(crate) fn without_left_out(
        &self,
        field: &Field,
        covered: &RoaringBitmap,
    ) -> Option<RoaringBitmap> {
        let found = self.fields.binary_search_by(|known| known.field.cmp(field));
        let left_out = match found.ok().and_then(|at| self.fields.get(at)) {
            Some(known) => known.left_out.as_ref()?,
            None => self.partial.as_ref()?,
        };
        Some(covered - &left_out.0)
    }
}

/// Takes out of `firsts` those with no live file before the next one.
fn drop_empty(firsts: &mut RoaringBitmap, live: &RoaringBitmap) -> Vec<u32> {
    let all: Vec<u32> = firsts.iter().collect();
    let is_empty = |at: usize, first: u32| match all.get(at + 1) {
        Some(next) => live.range_cardinality(first..*next) == 0,
        None => live.range_cardinality(first..) == 0,
    };
    let empty = all.iter().enumerate().filter(|(at, first)| is_empty(*at, **first));
    let gone: Vec<u32> = empty.map(|(_, first)| *first).collect();
    for first in &gone {
        firsts.remove(*first);
    }
    gone
}

fn insert(files: &mut Option<FileSet>, file: u32) {
    if let Some(FileSet(set)) = files {
        set.insert(file);
        if set.len() > LEFT_OUT_MAX {
            *files = None;
        }
    }
}
