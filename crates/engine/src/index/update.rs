//! What a commit changes in the index: keys of files that come wait in the first level, with their
//! footers in a row of their own; of files that go, nothing is found any more. Not here: moving
//! keys to the second level ([`super::fold`]).

use std::collections::BTreeMap;

use dodb_part::Posting;
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use super::by_file::put;
use super::collect::FileKeys;
use super::fold::WAITING_POSTINGS_MAX;
use super::footers::{FooterRow, NewFooter};
use super::head::{IndexHead, LevelHead};
use super::level::{self, Level, RowName, cut_for, in_shard, postings_bytes};
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
        let mut bytes = before.bytes + postings_bytes(more);
        let (mut files, mut postings) = match waiting(core, def, index, more, usage) {
            Ok(waiting) => waiting,
            Err(e @ Error::Rows(_)) => return Err(e),
            Err(_) => {
                index.covered.0.clear();
                bytes -= before.bytes;
                (RoaringBitmap::new(), Vec::with_capacity(more))
            }
        };
        files &= &index.live.0;
        postings.retain(|posting| files.contains(posting.file));
        for NewKeys { file, keys } in new {
            index.add(file, &keys);
            files.insert(file);
            let posting = |key: SlicedKey| Posting { key: key.key(), file, slice: key.slice() };
            postings.extend(keys.keys.into_iter().map(posting));
        }
        postings.sort_unstable();
        postings.dedup();
        let cut = cut_for(bytes, core.options.index_row_bytes_max as u64);
        // Written twice within a commit: only the last counts.
        self.put.retain(|(name, _)| name.level != Level::Waiting);
        if before.cut != 0 && before.cut != cut {
            self.only_cut.insert(Level::Waiting, cut);
        }
        let mut bytes = 0;
        for shard in 0..cut {
            let own = in_shard(&postings, shard, cut).iter().copied().map(Ok);
            let row = level::encode(def, &files, core.options.index_slice_rows, own)?;
            bytes += row.len() as u64;
            self.put.push((RowName { level: Level::Waiting, cut, shard }, row));
        }
        let (version, postings) = (before.version + 1, postings.len() as u64);
        index.waiting = LevelHead { cut, bytes, version, postings };
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

/// The files and keys that wait, these ascending, with room for some more.
pub(super) fn waiting(
    core: &Core,
    def: &TableDef,
    index: &IndexHead,
    more: usize,
    usage: &Usage,
) -> Result<(RoaringBitmap, Vec<Posting>)> {
    let cut = index.waiting.cut;
    let mut rows = Vec::new();
    for shard in 0..cut {
        let name = RowName { level: Level::Waiting, cut, shard };
        let row = level::read(&core.rows, def, name, usage)?;
        let missing = || Error::corrupt("posting lists", format!("there is no {name:?}"));
        rows.push(row.ok_or_else(missing)?);
    }
    let count = rows.iter().map(|row| row.postings.len()).sum::<usize>();
    let mut postings = Vec::with_capacity(count.min(WAITING_POSTINGS_MAX as usize) + more);
    let slice_rows = core.options.index_slice_rows;
    for posting in rows.iter().flat_map(|row| row.postings.iter(slice_rows)) {
        postings.push(posting.map_err(|e| Error::part("posting lists", e))?);
    }
    let files = rows.into_iter().map(|row| row.files).reduce(|all, files| all & files);
    Ok((files.unwrap_or_default(), postings))
}
