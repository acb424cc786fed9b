//! Holding the index against the rows of files, for `verify`. Nothing is repaired here.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use dodb_part::PostingHit;
use dodb_rowstore::{Usage, Value};
use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::collect::values_of;
use super::head::IndexHead;
use super::level::{self, Level, LevelRow, RowName, shard_of};
use super::slices::{SlicedKey, Slices};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::state::PartState;
use crate::statements;
use crate::table::TableDef;

/// The first row of a table's index that is missing or damaged, in words.
///
/// # Errors
/// The row store failed.
pub(super) fn first_fault(
    core: &Core,
    def: &TableDef,
    index: &IndexHead,
    usage: &Usage,
) -> Result<Option<String>> {
    let mut first = None;
    let mut note = |fault| {
        first.get_or_insert(fault);
    };
    each_row(core, def, index, &mut |_, _| {}, &mut note, usage)?;
    Ok(first)
}

/// Reads every row of a table's index.
fn each_row(
    core: &Core,
    def: &TableDef,
    index: &IndexHead,
    whole: &mut dyn FnMut(RowName, LevelRow),
    fault: &mut dyn FnMut(String),
    usage: &Usage,
) -> Result<()> {
    for level in Level::ALL {
        let cut = level.of(index).cut;
        for shard in 0..cut {
            let name = RowName { level, cut, shard };
            match level::read(&core.rows, def, name, usage) {
                Ok(Some(row)) => whole(name, row),
                Ok(None) => fault(format!("a row of posting lists is missing: {name:?}")),
                Err(e @ Error::Rows(_)) => return Err(e),
                Err(e) => fault(e.to_string()),
            }
        }
    }
    let footers = (&statements::GET_FOOTERS, Magic::Footers, &index.footers);
    let stats = (&statements::GET_STATS, Magic::Stats, &index.stats);
    for (statement, magic, firsts) in [footers, stats] {
        for first in &firsts.0 {
            let params = [Value::Int(i64::from(def.id)), Value::Int(i64::from(first))];
            let mut is_whole = false;
            core.rows.query_one(statement, &params, usage, &mut |row| {
                let bytes = row.first().and_then(Value::as_blob).unwrap_or_default();
                is_whole = frame::open(magic, "", bytes).is_ok();
            })?;
            if !is_whole {
                let what = statement.name;
                fault(format!("the row of file {first} is missing or damaged: {what}"));
            }
        }
    }
    Ok(())
}

/// All posting lists of a table.
pub(crate) struct IndexCheck<'a> {
    def: &'a TableDef,
    index: &'a IndexHead,
    slice_rows: u32,
    rows: HashMap<RowName, LevelRow>,
}

impl<'a> IndexCheck<'a> {
    /// Reads every row; what is wrong with one goes to `faults`.
    ///
    /// # Errors
    /// The row store failed.
    pub(crate) fn load(
        core: &Core,
        def: &'a TableDef,
        index: &'a IndexHead,
        faults: &mut Vec<String>,
        usage: &Usage,
    ) -> Result<IndexCheck<'a>> {
        let mut rows = HashMap::new();
        let mut keep = |name: RowName, row: LevelRow| drop(rows.insert(name, row));
        each_row(core, def, index, &mut keep, &mut |fault| faults.push(fault), usage)?;
        let slice_rows = core.options.index_slice_rows;
        Ok(IndexCheck { def, index, slice_rows, rows })
    }

    /// What the index denies of some rows of a file, which are at these places of it, if anything.
    ///
    /// # Errors
    /// The rows are not those of the table, or posting lists are damaged.
    pub(crate) fn denied(
        &self,
        part: &PartState,
        rows: &RecordBatch,
        places: &[u32],
    ) -> Result<Option<String>> {
        let no = part.no;
        let Ok(file) = u32::try_from(no) else { return Ok(None) };
        let own = RoaringBitmap::from_iter([file]);
        let slices = Slices::of_some(part.rows, self.slice_rows, places);
        let (values, is_whole) = values_of(self.def, rows, &slices)?;
        let is_listed = self.index.partial.as_ref().is_none_or(|files| files.0.contains(file));
        if !is_whole && !is_listed {
            return Ok(Some(format!("file {no} has more fields than the index knows of")));
        }
        for gathered in values {
            let sure = self.index.without_left_out(&gathered.field, &own);
            if sure.is_none_or(|files| files.is_empty()) {
                continue;
            }
            let missed = self.missed(file, &gathered.keys)?;
            if missed > 0 || gathered.has_others {
                let field = gathered.field;
                return Ok(Some(format!(
                    "the index misses {missed} values of column #{}{} in file {no}",
                    field.column,
                    field.path.unwrap_or_default()
                )));
            }
        }
        Ok(None)
    }

    /// How many of these keys, which ascend, no level has for a file that it covers.
    fn missed(&self, file: u32, keys: &[SlicedKey]) -> Result<usize> {
        let mut missed: BTreeMap<u64, bool> = BTreeMap::new();
        for level in Level::ALL {
            let cut = level.of(self.index).cut;
            let shard = |sliced: &SlicedKey| shard_of(sliced.key(), cut);
            for own in keys.chunk_by(|a, b| shard(a) == shard(b)) {
                let Some(shard) = own.first().map(shard).filter(|_| cut > 0) else { continue };
                let row = self.rows.get(&RowName { level, cut, shard });
                let Some(row) = row.filter(|row| row.files.contains(file)) else { continue };
                for (sliced, is_there) in own.iter().zip(self.found(row, file, own)?) {
                    let both = missed.entry(sliced.key()).or_insert(true);
                    *both &= !is_there;
                }
            }
        }
        Ok(missed.values().filter(|missed| **missed).count())
    }

    /// Which of these keys, which ascend, a row has for a file, where they are.
    fn found(&self, row: &LevelRow, file: u32, keys: &[SlicedKey]) -> Result<Vec<bool>> {
        let asked: Vec<u64> = keys.iter().map(|sliced| sliced.key()).collect();
        let hits = row.postings.find(&asked).map_err(|e| Error::part("posting lists", e))?;
        // What is known of slices of another size cannot be told from these.
        let is_same = row.postings.slice_rows() == self.slice_rows;
        let mut found = vec![false; keys.len()];
        for hit in hits.iter().filter(|hit| hit.file == file) {
            if let (Some(found), Some(sliced)) = (found.get_mut(hit.at), keys.get(hit.at)) {
                *found |= !is_same || allows(hit, *sliced, self.slice_rows);
            }
        }
        Ok(found)
    }
}

/// Do the rows of a hit have room for all rows with a key? In slices of so many rows.
fn allows(hit: &PostingHit, key: SlicedKey, slice_rows: u32) -> bool {
    let Some(rows) = &hit.rows else { return true };
    let start = |slice: u16| u64::from(slice) * u64::from(slice_rows);
    // A key in several slices is not in one.
    key.slice().is_some_and(|slice| rows.start == start(slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_to_be_in_the_slice_that_is_told() {
        let check = |told: Option<std::ops::Range<u64>>, found: Option<u16>, expected: bool| {
            let hit = PostingHit { at: 0, file: 1, rows: told };
            assert_eq!(allows(&hit, SlicedKey::new(7, found), 10), expected, "{hit:?}, {found:?}");
        };
        check(None, Some(3), true);
        check(None, None, true);
        check(Some(30..40), Some(3), true);
        check(Some(30..40), Some(2), false);
        check(Some(30..40), None, false);
    }
}
