//! Which files can hold rows with the keys of other rows, by the posting lists: what a write asks
//! of files without a filter over their keys. May name too many, never too few. Not here: filters
//! ([`crate::ids`]), conditions of queries ([`super::probe`]).

use std::collections::BTreeMap;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use dodb_rowstore::Usage;
use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::field::Field;
use super::hits::{Hits, RowRanges};
use super::lists::Lists;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::state::TableState;
use crate::table::{TableDef, TableKind, relationships};

/// What the posting lists say of some rows, by their numbers.
#[derive(Default)]
pub(crate) struct KeyFiles {
    columns: Vec<ColumnFiles>,
}

/// The same by one column of the key.
struct ColumnFiles {
    /// The files of which all values of the column are told.
    sure: RoaringBitmap,
    /// By file the rows whose value it has.
    rows: HashMap<u32, RoaringBitmap>,
    /// Where in the files.
    hits: Hits,
}

impl KeyFiles {
    /// Asks for the columns of a key, in the order of the table's key.
    ///
    /// # Errors
    /// The row store failed. What cannot be read tells nothing.
    pub(crate) fn ask(
        core: &Core,
        state: &TableState,
        columns: &[ArrayRef],
        usage: &Usage,
    ) -> Result<KeyFiles> {
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        let Some(index) = index else { return Ok(KeyFiles::default()) };
        let def = &state.def;
        let slot = core.slot(def.id);
        let lists = Lists { core, slot: &slot, def, index, usage };
        let telling = def.key().iter().zip(columns).filter(|(id, _)| is_telling(def, **id));
        let asked = telling.map(|(id, array)| ColumnFiles::ask(&lists, *id, array));
        match asked.collect::<Result<Vec<Option<ColumnFiles>>>>() {
            Ok(columns) => Ok(KeyFiles { columns: columns.into_iter().flatten().collect() }),
            Err(e @ Error::Rows(_)) => Err(e),
            Err(_) => {
                slot.suspect_index();
                Ok(KeyFiles::default())
            }
        }
    }

    /// The rows whose key a file can have; `None`: any of them.
    pub(crate) fn rows_of(&self, file: u64) -> Option<RoaringBitmap> {
        let file = u32::try_from(file).ok()?;
        let sure = self.columns.iter().filter(|column| column.sure.contains(file));
        let rows = sure.map(|column| column.rows.get(&file).cloned().unwrap_or_default());
        rows.reduce(|all, rows| all & rows)
    }

    /// Where in a file that can be; `None`: anywhere.
    pub(crate) fn within(&self, file: u64) -> Option<RowRanges> {
        let file = u32::try_from(file).ok()?;
        let sure = self.columns.iter().filter(|column| column.sure.contains(file));
        let within = sure.filter_map(|column| column.hits.rows_of(file).cloned());
        within.reduce(|all, within| all.and(&within))
    }
}

/// Has the column many values? That of a type is in nearly all files.
fn is_telling(def: &TableDef, id: u32) -> bool {
    def.kind != TableKind::Relationships || id != relationships::TYPE
}

impl ColumnFiles {
    fn ask(lists: &Lists<'_>, id: u32, array: &ArrayRef) -> Result<Option<ColumnFiles>> {
        let field = Field::of_column(id);
        let keying = field.keying();
        let Some(texts) = array.as_string_view_opt() else { return Ok(None) };
        let mut by_key: BTreeMap<u64, RoaringBitmap> = BTreeMap::new();
        for (row, text) in texts.iter().enumerate() {
            // No key has a null.
            let Some(text) = text else { return Ok(None) };
            by_key.entry(keying.text(text)).or_default().insert(row as u32);
        }
        let keys: Vec<u64> = by_key.keys().copied().collect();
        let mut rows: HashMap<u32, RoaringBitmap> = HashMap::new();
        let mut hits = Hits::default();
        let covered = lists.find(&keys, &mut |key, hit| {
            if let Some(same) = by_key.get(&key) {
                *rows.entry(hit.file).or_default() |= same;
            }
            hits.add(hit);
        })?;
        let sure = lists.index.without_left_out(&field, &covered);
        Ok(sure.map(|sure| ColumnFiles { sure, rows, hits }))
    }
}
