//! Folding: keys that wait go to the second level, a row at a time. A row may be written and the
//! next one not: keys are in both levels then, which does no harm. Only when all are written does
//! the head row say that none wait any more. Not here: when there is time for it
//! ([`crate::warm`]).

use std::sync::Arc;

use dodb_part::Posting;
use dodb_rowstore::{Flow, Usage, Value};
use roaring::RoaringBitmap;

use super::head::{IndexHead, LevelHead};
use super::level::{self, Level, RowName, cut_for_bytes, shard_of};
use super::update::waiting;
use crate::commit::Change;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::state::TableState;
use crate::statements;
use crate::table::TableDef;

/// Waiting keys are folded once they have about as many bytes as one row takes.
const WAITING_BYTES_MAX: u64 = 1_000_000;
/// Or one in so many of the bytes that they are folded into: each byte is written a few times then.
const WAITING_ONE_IN: u64 = 4;

/// Is it time to fold? `thorough`: whenever something waits.
pub(crate) fn is_due(index: &IndexHead, thorough: bool) -> bool {
    let (waiting, folded) = (index.waiting, index.folded);
    let is_worth =
        waiting.bytes >= WAITING_BYTES_MAX || waiting.bytes * WAITING_ONE_IN >= folded.bytes;
    waiting.cut > 0 && (thorough || is_worth)
}

impl Db {
    /// Folds the waiting keys of a table when they have outgrown their row: every commit that
    /// brings files rewrites them. The turn is the caller's.
    pub(crate) fn fold_when_full(&self, def: &Arc<TableDef>, usage: &Usage) -> Result<()> {
        let state = self.core.state(def, usage)?;
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        if index.is_some_and(|index| index.waiting.bytes >= WAITING_BYTES_MAX) {
            self.fold_index(def, usage)?;
        }
        Ok(())
    }

    /// Folds the waiting keys of a table; answers how many rows were written. The turn to write its
    /// files is the caller's.
    pub(crate) fn fold_index(&self, def: &Arc<TableDef>, usage: &Usage) -> Result<u64> {
        let state = self.core.state(def, usage)?;
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        let Some(index) = index.filter(|index| index.waiting.cut > 0) else {
            return Ok(0);
        };
        let (files, postings) = match waiting(&self.core, def, index, 0, usage) {
            Ok(waiting) => waiting,
            Err(e @ Error::Rows(_)) => return Err(e),
            Err(_) => return Ok(self.give_up(def)),
        };
        let bytes = index.waiting.bytes + index.folded.bytes;
        let cut = cut_for_bytes(bytes).max(index.folded.cut);
        let mut written = 0;
        for shard in 0..cut {
            let start = postings.partition_point(|posting| shard_of(posting.key, cut) < shard);
            let end = postings.partition_point(|posting| shard_of(posting.key, cut) <= shard);
            let own = postings.get(start..end).unwrap_or_default();
            let row = self.folded_row(&state, index, (shard, cut), (&files, own), usage)?;
            let Some(row) = row else { return Ok(self.give_up(def)) };
            written += row.len() as u64;
            let [level, cut, shard] = RowName { level: Level::Folded, cut, shard }.params();
            let params = [Value::Int(i64::from(def.id)), level, cut, shard, Value::Blob(&row)];
            let rows = &self.core.rows;
            rows.exec(&statements::PUT_POSTINGS, &params, usage, &mut |_| Flow::Continue)?;
        }
        let version = index.folded.version + 1;
        let folded = LevelHead { cut, bytes: written, version };
        let before = (index.waiting, index.folded);
        match self.submit(Change::Folded { def: def.clone(), before, folded }, usage) {
            Ok(_) => Ok(u64::from(cut)),
            // The table was emptied meanwhile: there is nothing to fold any more.
            Err(Error::Conflict { .. }) => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// A row is missing or damaged: nothing is folded upon it, [`Db::cover_some`] will see to it.
    fn give_up(&self, def: &TableDef) -> u64 {
        self.core.slot(def.id).suspect_index();
        0
    }

    /// A row of the second level, by its shard and cut, with what waits for it; `None` when the row
    /// before is damaged.
    fn folded_row(
        &self,
        state: &TableState,
        index: &IndexHead,
        (shard, cut): (u32, u32),
        (files, own): (&RoaringBitmap, &[Posting]),
        usage: &Usage,
    ) -> Result<Option<Vec<u8>>> {
        let (core, def) = (&self.core, &state.def);
        let mut files = files.clone();
        let mut before = None;
        if index.folded.cut > 0 {
            let cut_before = index.folded.cut;
            let shard = shard / (cut / cut_before);
            let name = RowName { level: Level::Folded, cut: cut_before, shard };
            match level::read(&core.rows, def, name, usage) {
                Ok(Some(row)) => {
                    files |= &row.files;
                    before = Some(row.postings);
                }
                Err(e @ Error::Rows(_)) => return Err(e),
                Ok(None) | Err(_) => return Ok(None),
            }
        }
        files &= &index.live.0;
        let slice_rows = core.options.index_slice_rows;
        let there = before.iter().flat_map(|postings| postings.iter(slice_rows));
        let there = there.filter(|posting| match posting {
            Ok(posting) => shard_of(posting.key, cut) == shard,
            Err(_) => true,
        });
        let all = ascending(there, own);
        let is_live = |posting: &Posting| files.contains(posting.file);
        let all = all.filter(|posting| posting.as_ref().map_or(true, is_live));
        match level::encode(def, &files, slice_rows, all) {
            Err(Error::Corrupt { .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}

/// Two ascending runs as one.
fn ascending(
    stored: impl Iterator<Item = dodb_part::Result<Posting>>,
    own: &[Posting],
) -> impl Iterator<Item = Result<Posting>> {
    let stored = stored.map(|posting| posting.map_err(|e| Error::part("posting lists", e)));
    let (mut stored, mut own) = (stored.peekable(), own.iter().copied().peekable());
    std::iter::from_fn(move || match (stored.peek(), own.peek()) {
        (Some(Ok(first)), Some(second)) if second < first => own.next().map(Ok),
        (None, _) => own.next().map(Ok),
        _ => stored.next(),
    })
}
