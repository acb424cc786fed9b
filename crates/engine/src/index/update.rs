//! What a commit changes in the index: keys of files that come wait in the first level, with their
//! footers in a row of their own; of files that go, nothing is found any more. Not here: moving
//! keys to the second level ([`super::fold`]).

use std::collections::BTreeMap;
use std::ops::Range;

use dodb_part::Posting;
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use super::by_file::put;
use super::collect::FileKeys;
use super::footers::{FooterRow, NewFooter};
use super::head::{IndexHead, LevelHead};
use super::level::{
    self, Level, LevelRow, RowName, ascending, cut_for, in_shard, keys_of, postings_bytes,
};
use super::slices::SlicedKey;
use super::stats::{FileStats, StatsRow};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::table::TableDef;

/// A file that comes.
pub(crate) struct NewKeys {
    pub(crate) file: u32,
    pub(crate) keys: FileKeys,
}

/// Rows of the index that a commit writes and deletes.
#[derive(Debug, Clone, Default)]
pub(crate) struct IndexRows {
    pub(crate) put: Vec<(RowName, Vec<u8>)>,
    /// Of these levels, all rows in another cut are deleted before.
    pub(crate) only_cut: BTreeMap<Level, u32>,
    /// By their first file.
    pub(crate) footers: BTreeMap<u32, FooterRow>,
    /// The first file of rows of footers.
    pub(crate) footers_dropped: Vec<u32>,
    /// By their first file.
    pub(crate) stats: BTreeMap<u32, StatsRow>,
    /// The first file of rows of statistics.
    pub(crate) stats_dropped: Vec<u32>,
    /// Is all of the table's index deleted before?
    pub(crate) forgets: bool,
}

impl IndexRows {
    /// Adds the keys of files that come to those that wait.
    ///
    /// # Errors
    /// The row store failed. Waiting keys that cannot be read are given up: their files, which
    /// nobody can tell then, are covered no more.
    pub(crate) fn add(
        &mut self,
        core: &Core,
        def: &TableDef,
        index: &mut IndexHead,
        new: Vec<NewKeys>,
        usage: &Usage,
    ) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let more = new.iter().map(|new| new.keys.keys.len()).sum();
        let before = index.waiting;
        let waiting = Waiting::read(core, def, index, usage);
        let waiting = match waiting {
            Ok(waiting) => waiting,
            Err(e @ Error::Rows(_)) => return Err(e),
            Err(_) => {
                index.covered.0.clear();
                Waiting::default()
            }
        };
        let (mut files, mut postings) = (RoaringBitmap::new(), Vec::with_capacity(more));
        for NewKeys { file, keys } in new {
            index.add(file, &keys);
            files.insert(file);
            let posting = |key: SlicedKey| Posting { key: key.key(), file, slice: key.slice() };
            postings.extend(keys.keys.into_iter().map(posting));
        }
        postings.sort_unstable();
        postings.dedup();
        let live = &index.live.0;
        let added = Added { core, def, files: &files, postings: &postings };
        let bytes = before.bytes + postings_bytes(more);
        let (cut, rows) = match added.to(&waiting, live, bytes) {
            // What waits is decoded only here.
            Err(Error::Corrupt { .. }) => {
                index.covered.0.clone_from(&files);
                added.to(&Waiting::default(), live, postings_bytes(more))?
            }
            other => other?,
        };
        // Written twice within a commit: only the last counts.
        self.put.retain(|(name, _)| name.level != Level::Waiting);
        if before.cut != 0 && before.cut != cut {
            self.only_cut.insert(Level::Waiting, cut);
        }
        let bytes = rows.iter().map(|row| row.len() as u64).sum();
        let name = |shard| RowName { level: Level::Waiting, cut, shard };
        self.put.extend((0..).map(name).zip(rows));
        index.waiting = LevelHead { cut, bytes, version: before.version + 1 };
        Ok(())
    }
}

impl IndexRows {
    /// Adds the footers of files that come, and what is known of their paths; forgets rows of which
    /// no file is left.
    ///
    /// # Errors
    /// The row store failed.
    pub(crate) fn add_files(
        &mut self,
        core: &Core,
        def: &TableDef,
        index: &mut IndexHead,
        footers: Vec<NewFooter>,
        stats: Vec<FileStats>,
        usage: &Usage,
    ) -> Result<()> {
        let (footers_gone, stats_gone) = index.drop_rows();
        self.footers.retain(|first, _| !footers_gone.contains(first));
        self.stats.retain(|first, _| !stats_gone.contains(first));
        self.footers_dropped.extend(footers_gone);
        self.stats_dropped.extend(stats_gone);
        let live = &index.live.0;
        let stored = |first| FooterRow::read(core, def, first, usage);
        let mut is_whole = put(footers, &mut self.footers, &mut index.footers, live, stored)?;
        let stored = |first| StatsRow::read(core, def, first, usage);
        is_whole &= put(stats, &mut self.stats, &mut index.stats, live, stored)?;
        if !is_whole {
            core.slot(def.id).suspect_index();
        }
        Ok(())
    }
}

/// Keys of files that come, ascending.
struct Added<'a> {
    core: &'a Core,
    def: &'a TableDef,
    files: &'a RoaringBitmap,
    postings: &'a [Posting],
}

impl Added<'_> {
    /// The rows of these and of what waits in files that are `live`, about so many bytes together,
    /// and their cut.
    fn to(
        &self,
        waiting: &Waiting,
        live: &RoaringBitmap,
        bytes: u64,
    ) -> Result<(u32, Vec<Vec<u8>>)> {
        let options = &self.core.options;
        let cut = cut_for(bytes, options.index_row_bytes_max as u64);
        let kept = &waiting.files & live;
        let files = &kept | self.files;
        let is_kept = |posting: &Posting| kept.contains(posting.file);
        let mut rows = Vec::new();
        for shard in 0..cut {
            let there = waiting.within(keys_of(shard, cut), options.index_slice_rows);
            let there = there.filter(|posting| posting.as_ref().map_or(true, is_kept));
            let own = in_shard(self.postings, shard, cut).iter().copied().map(Ok);
            let all = ascending(there, own);
            rows.push(level::encode(self.def, &files, options.index_slice_rows, all)?);
        }
        Ok((cut, rows))
    }
}

/// What waits, as stored.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) files: RoaringBitmap,
    /// By shard.
    rows: Vec<LevelRow>,
}

impl Waiting {
    /// Reads it; no block is decoded.
    ///
    /// # Errors
    /// A row is missing or damaged, or the row store failed.
    pub(super) fn read(
        core: &Core,
        def: &TableDef,
        index: &IndexHead,
        usage: &Usage,
    ) -> Result<Waiting> {
        let cut = index.waiting.cut;
        let mut rows = Vec::new();
        for shard in 0..cut {
            let name = RowName { level: Level::Waiting, cut, shard };
            let row = level::read(&core.rows, def, name, usage)?;
            let missing = || Error::corrupt("posting lists", format!("there is no {name:?}"));
            rows.push(row.ok_or_else(missing)?);
        }
        let files = rows.iter().map(|row| row.files.clone()).reduce(|all, files| all & files);
        Ok(Waiting { files: files.unwrap_or_default(), rows })
    }

    /// What waits of some keys, ascending.
    pub(super) fn within(
        &self,
        keys: Range<u64>,
        slice_rows: u32,
    ) -> impl Iterator<Item = Result<Posting>> {
        self.rows.iter().flat_map(move |row| row.within(keys.clone(), slice_rows))
    }
}
