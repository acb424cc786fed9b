//! Folding: keys that wait go to the second level, a row at a time. A row may be written and the
//! next one not: keys are in both levels then, which does no harm. Only when all are written does
//! the head row say that none wait any more. Not here: when there is time for it
//! ([`crate::warm`]).

use std::sync::Arc;

use dodb_part::Posting;
use dodb_rowstore::{Flow, Usage, Value};

use super::head::{IndexHead, LevelHead};
use super::level::{self, Level, RowName, ascending, cut_for, keys_of, row_bytes};
use super::update::Waiting;
use crate::commit::Change;
use crate::db::{Core, Db};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statements;
use crate::table::TableDef;

/// Waiting keys are folded when nothing else is to be done once they have one in so many of the
/// bytes that they are folded into: each byte is written a few times then.
const WAITING_ONE_IN: u64 = 4;

/// Is it time to fold? `thorough`: whenever something waits.
pub(crate) fn is_due(index: &IndexHead, options: &Options, thorough: bool) -> bool {
    let is_worth = index.waiting.bytes * WAITING_ONE_IN >= index.folded.bytes;
    index.waiting.cut > 0 && (thorough || is_worth || is_full(index, options))
}

/// Do so many keys wait that the next ones could take a further row?
fn is_full(index: &IndexHead, options: &Options) -> bool {
    index.waiting.bytes >= row_bytes(options)
}

impl Db {
    /// Folds the waiting keys of a table when they have outgrown their row: every commit that
    /// brings files rewrites them. The turn is the caller's.
    pub(crate) fn fold_when_full(&self, def: &Arc<TableDef>, usage: &Usage) -> Result<()> {
        let state = self.core.state(def, usage)?;
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        if index.is_some_and(|index| is_full(index, &self.core.options)) {
            self.fold_index(def, usage)?;
        }
        Ok(())
    }

    /// Folds the waiting keys of a table; answers how many rows were written. The turn to write its
    /// files is the caller's.
    pub(crate) fn fold_index(&self, def: &Arc<TableDef>, usage: &Usage) -> Result<u64> {
        let core = &self.core;
        let state = core.state(def, usage)?;
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        let Some(index) = index.filter(|index| index.waiting.cut > 0) else {
            return Ok(0);
        };
        let waiting = match Waiting::read(core, def, index, usage) {
            Ok(waiting) => waiting,
            Err(e @ Error::Rows(_)) => return Err(e),
            Err(_) => return Ok(self.give_up(def)),
        };
        let fold = Fold { core, def, index, waiting };
        let Some((cut, bytes)) = fold.write(usage)? else { return Ok(self.give_up(def)) };
        let folded = LevelHead { cut, bytes, version: index.folded.version + 1 };
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
}

/// What is folded.
struct Fold<'a> {
    core: &'a Core,
    def: &'a TableDef,
    index: &'a IndexHead,
    waiting: Waiting,
}

impl Fold<'_> {
    /// Writes the second level with what waits in it; answers its cut and its bytes, `None` when it
    /// is damaged.
    fn write(&self, usage: &Usage) -> Result<Option<(u32, u64)>> {
        let bytes = self.index.waiting.bytes + self.index.folded.bytes;
        let cut = cut_for(bytes, row_bytes(&self.core.options)).max(self.index.folded.cut);
        let id = Value::Int(i64::from(self.def.id));
        let mut written = 0;
        for shard in 0..cut {
            let Some(row) = self.row(shard, cut, usage)? else { return Ok(None) };
            written += row.len() as u64;
            let [level, cut, shard] = RowName { level: Level::Folded, cut, shard }.params();
            let params = [id, level, cut, shard, Value::Blob(&row)];
            let rows = &self.core.rows;
            rows.exec(&statements::PUT_POSTINGS, &params, usage, &mut |_| Flow::Continue)?;
        }
        Ok(Some((cut, written)))
    }

    /// A row of the second level with what waits for it; `None` when the row before is damaged.
    fn row(&self, shard: u32, cut: u32, usage: &Usage) -> Result<Option<Vec<u8>>> {
        let (core, index) = (self.core, self.index);
        let mut files = self.waiting.files.clone();
        let mut before = None;
        if index.folded.cut > 0 {
            let cut_before = index.folded.cut;
            let shard = shard / (cut / cut_before);
            let name = RowName { level: Level::Folded, cut: cut_before, shard };
            match level::read(&core.rows, self.def, name, usage) {
                Ok(Some(row)) => {
                    files |= &row.files;
                    before = Some(row);
                }
                Err(e @ Error::Rows(_)) => return Err(e),
                Ok(None) | Err(_) => return Ok(None),
            }
        }
        files &= &index.live.0;
        let slice_rows = core.options.index_slice_rows;
        let there = before.iter().flat_map(|row| row.within(keys_of(shard, cut), slice_rows));
        let all = ascending(there, self.waiting.within(keys_of(shard, cut), slice_rows));
        let is_live = |posting: &Posting| files.contains(posting.file);
        let all = all.filter(|posting| posting.as_ref().map_or(true, is_live));
        match level::encode(self.def, &files, slice_rows, all) {
            Err(Error::Corrupt { .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}
