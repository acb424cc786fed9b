//! Posting lists of keys, read through the cache: one row of each level for a key. Not here: what
//! is asked for ([`super::probe`], [`super::key_files`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use dodb_part::PostingHit;
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use super::head::{IndexHead, LevelHead};
use super::level::{self, Level, LevelRow, RowName, shard_of};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::slot::Slot;
use crate::table::TableDef;

/// The posting lists of a table.
pub(super) struct Lists<'a> {
    pub(super) core: &'a Core,
    pub(super) slot: &'a Slot,
    pub(super) def: &'a TableDef,
    pub(super) index: &'a IndexHead,
    pub(super) usage: &'a Usage,
}

impl Lists<'_> {
    /// Calls `each` with every key, of those given, that a file has, and where. The keys ascend,
    /// each once. Answers the files of which this tells all.
    pub(super) fn find(
        &self,
        keys: &[u64],
        each: &mut dyn FnMut(u64, PostingHit),
    ) -> Result<RoaringBitmap> {
        let mut covered = RoaringBitmap::new();
        for level in Level::ALL {
            covered |= self.find_in(level, keys, each)?;
        }
        Ok(covered)
    }

    fn find_in(
        &self,
        level: Level,
        keys: &[u64],
        each: &mut dyn FnMut(u64, PostingHit),
    ) -> Result<RoaringBitmap> {
        let head = level.of(self.index);
        if head.cut == 0 {
            return Ok(RoaringBitmap::new());
        }
        let mut by_shard: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for key in keys {
            by_shard.entry(shard_of(*key, head.cut)).or_default().push(*key);
        }
        let mut covered: Option<RoaringBitmap> = None;
        for (shard, keys) in by_shard {
            let row = self.row(RowName { level, cut: head.cut, shard }, head)?;
            let postings = row.postings.find(&keys);
            let postings = postings.map_err(|e| Error::part("posting lists", e))?;
            for hit in postings {
                if let Some(key) = keys.get(hit.at) {
                    each(*key, hit);
                }
            }
            covered = Some(match covered {
                Some(covered) => covered & &row.files,
                None => row.files.clone(),
            });
        }
        Ok(covered.unwrap_or_default())
    }

    fn row(&self, name: RowName, head: LevelHead) -> Result<Arc<LevelRow>> {
        let cache = &self.slot.index_rows;
        if let Some(row) = cache.get(name, head.version) {
            return Ok(row);
        }
        let _reading = cache.reading.lock();
        if let Some(row) = cache.get(name, head.version) {
            return Ok(row);
        }
        let row = level::read(&self.core.rows, self.def, name, self.usage)?;
        let missing = || Error::corrupt("posting lists", format!("there is no {name:?}"));
        let row = Arc::new(row.ok_or_else(missing)?);
        let bytes_max = self.core.options.index_cache_bytes_max;
        cache.keep(name, head.version, row.clone(), bytes_max);
        Ok(row)
    }
}
