//! Holding the index against the rows of files, for `verify`. Nothing is repaired here.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use dodb_part::Posting;
use dodb_rowstore::{Usage, Value};
use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::collect::values_of;
use super::field::Field;
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
                Ok(Some(row)) => match row.fault() {
                    Some(e) => fault(format!("{e}: {name:?}")),
                    None => whole(name, row),
                },
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

/// Keys looked for at once: posting lists are decoded anew each time.
const WANTED_MAX: usize = 1 << 20;

/// A key that rows of a file have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    key: u64,
    file: u32,
    slice: Option<u16>,
    /// The place of its field among those known.
    field: u32,
}

/// What came of looking for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// No level covers the file, which is read whatever is asked for.
    NotCovered,
    Missed,
    Found,
}

/// All posting lists of a table, and what rows have that should be in them.
pub(crate) struct IndexCheck<'a> {
    def: &'a TableDef,
    index: &'a IndexHead,
    slice_rows: u32,
    rows: HashMap<RowName, LevelRow>,
    fields: Vec<Field>,
    wanted: Vec<Wanted>,
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
        let (fields, wanted) = (Vec::new(), Vec::new());
        Ok(IndexCheck { def, index, slice_rows, rows, fields, wanted })
    }

    /// Takes in some rows of a file, which are at these places of it. What the index denies of rows
    /// goes to `faults`, by [`Self::settle`] at the latest.
    ///
    /// # Errors
    /// The rows are not those of the table.
    pub(crate) fn take_in(
        &mut self,
        part: &PartState,
        rows: &RecordBatch,
        places: &[u32],
        faults: &mut Vec<String>,
    ) -> Result<()> {
        let no = part.no;
        let Ok(file) = u32::try_from(no) else { return Ok(()) };
        let own = RoaringBitmap::from_iter([file]);
        let slices = Slices::of_some(part.rows, self.slice_rows, places);
        let (values, is_whole) = values_of(self.def, rows, &slices)?;
        let is_listed = self.index.partial.as_ref().is_none_or(|files| files.0.contains(file));
        if !is_whole && !is_listed {
            faults.push(format!("file {no} has more fields than the index knows of"));
        }
        for gathered in values {
            let sure = self.index.without_left_out(&gathered.field, &own);
            if sure.is_none_or(|files| files.is_empty()) {
                continue;
            }
            let known = self.fields.iter().position(|field| *field == gathered.field);
            let at = known.unwrap_or(self.fields.len());
            if known.is_none() {
                self.fields.push(gathered.field);
            }
            if gathered.has_others {
                let field = name_of(self.fields.get(at));
                faults.push(format!("the index cannot tell all values of {field} in file {no}"));
            }
            let wanted = |sliced: SlicedKey| {
                let (key, slice) = (sliced.key(), sliced.slice());
                Wanted { key, file, slice, field: at as u32 }
            };
            self.wanted.extend(gathered.keys.into_iter().map(wanted));
        }
        if self.wanted.len() > WANTED_MAX {
            self.settle(faults);
        }
        Ok(())
    }

    /// Looks for all that was taken in. What is missed goes to `faults`.
    pub(crate) fn settle(&mut self, faults: &mut Vec<String>) {
        let mut wanted = std::mem::take(&mut self.wanted);
        wanted.sort_unstable();
        let mut outcomes = vec![Outcome::NotCovered; wanted.len()];
        for level in Level::ALL {
            let cut = level.of(self.index).cut;
            for shard in 0..cut {
                let Some(row) = self.rows.get(&RowName { level, cut, shard }) else { continue };
                let start = wanted.partition_point(|one| shard_of(one.key, cut) < shard);
                let end = wanted.partition_point(|one| shard_of(one.key, cut) <= shard);
                let (Some(wanted), Some(outcomes)) =
                    (wanted.get(start..end), outcomes.get_mut(start..end))
                else {
                    continue;
                };
                self.look_for(wanted, row, outcomes);
            }
        }
        let mut missed: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (one, _) in wanted.iter().zip(outcomes).filter(|(_, is)| *is == Outcome::Missed) {
            *missed.entry((one.file, one.field)).or_default() += 1;
        }
        for ((file, field), count) in missed {
            let field = name_of(self.fields.get(field as usize));
            faults.push(format!("the index misses {count} values of {field} in file {file}"));
        }
    }

    /// Which of these a row has, which are all in its shard. Both ascend.
    fn look_for(&self, wanted: &[Wanted], row: &LevelRow, outcomes: &mut [Outcome]) {
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return };
        // Damaged rows were told when they were read, and are not here.
        let postings = row.within(first.key..last.key + 1, self.slice_rows).filter_map(Result::ok);
        let mut postings = postings.peekable();
        for (one, outcome) in wanted.iter().zip(outcomes) {
            if !row.files.contains(one.file) {
                continue;
            }
            let place = (one.key, one.file);
            while postings.next_if(|next| (next.key, next.file) < place).is_some() {}
            let is_there = postings.peek().is_some_and(|posting| {
                (posting.key, posting.file) == place && allows(posting, one.slice)
            });
            match is_there {
                true => *outcome = Outcome::Found,
                false if *outcome == Outcome::NotCovered => *outcome = Outcome::Missed,
                false => {}
            }
        }
    }
}

fn name_of(field: Option<&Field>) -> String {
    let Some(field) = field else { return "a field".to_owned() };
    format!("column #{}{}", field.column, field.path.as_deref().unwrap_or_default())
}

/// Does a posting send to all rows with its key, which are in this slice? `None`: in several.
fn allows(posting: &Posting, slice: Option<u16>) -> bool {
    // What is known of slices of another size is not told: any row may have the key.
    posting.slice.is_none() || posting.slice == slice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_to_be_in_the_slice_that_is_told() {
        let check = |told: Option<u16>, found: Option<u16>, expected: bool| {
            let posting = Posting { key: 7, file: 1, slice: told };
            assert_eq!(allows(&posting, found), expected, "{posting:?}, {found:?}");
        };
        check(None, Some(3), true);
        check(None, None, true);
        check(Some(3), Some(3), true);
        check(Some(3), Some(2), false);
        check(Some(3), None, false);
    }
}
