//! The key of a row: `id` in `things`, (fromId, toId, type) in `relationships`. Hashing it, finding
//! rows by it, and the id that a relationship derives from it. Not here: the filters that say which
//! part may hold a key ([`crate::ids`]).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use dodb_part::hash_bytes;
use dodb_rowstore::Usage;
use hashbrown::HashTable;
use twox_hash::XxHash3_128;

use crate::error::{Error, Result};
use crate::parts::PartStore;
use crate::state::PartState;
use crate::table::{TableDef, TableKind};

/// Where each key of a part is. About 5 bytes a row beside the key columns themselves.
pub(crate) struct KeyIndex {
    columns: Vec<ArrayRef>,
    hashes: Vec<u64>,
    rows: HashTable<u32>,
}

impl KeyIndex {
    /// Reads the key columns of a part and indexes all of its rows, deleted ones included.
    pub(crate) fn of_part(
        store: &PartStore,
        def: &TableDef,
        part: &PartState,
        usage: &Usage,
    ) -> Result<KeyIndex> {
        let reader = store.reader(def, part, usage)?;
        let mut columns = Vec::new();
        for id in def.key() {
            let Some(column) = def.schema.by_id(*id) else { continue };
            let chunks = (0..reader.granule_count())
                .map(|granule| store.read(def, part, &reader, column, granule, usage))
                .collect::<Result<Vec<_>>>()?;
            let chunks: Vec<&dyn Array> = chunks.iter().map(|c| c.as_ref()).collect();
            columns.push(arrow_select::concat::concat(&chunks)?);
        }
        KeyIndex::of_columns(def.kind, columns)
    }

    /// Indexes key columns. Of rows with one key the last is found.
    pub(crate) fn of_columns(kind: TableKind, columns: Vec<ArrayRef>) -> Result<KeyIndex> {
        let hashes = hash_keys(kind, &columns)?;
        let mut index = KeyIndex { columns, hashes: Vec::new(), rows: HashTable::new() };
        index.rows.reserve(hashes.len(), |row| at(&hashes, *row));
        for (row, hash) in hashes.iter().enumerate() {
            let row = row as u32;
            let same = |other: &u32| {
                at(&hashes, *other) == *hash
                    && same_key(&index.columns, *other as usize, &index.columns, row as usize)
            };
            match index.rows.find_mut(*hash, same) {
                Some(found) => *found = row,
                None => {
                    index.rows.insert_unique(*hash, row, |row| at(&hashes, *row));
                }
            }
        }
        index.hashes = hashes;
        Ok(index)
    }

    /// The row that holds the key of row `row` of `columns`, whose hash is `hash`.
    pub(crate) fn find(&self, hash: u64, columns: &[ArrayRef], row: usize) -> Option<u32> {
        let same = |other: &u32| {
            at(&self.hashes, *other) == hash
                && same_key(&self.columns, *other as usize, columns, row)
        };
        self.rows.find(hash, same).copied()
    }

    /// Rows that are the last of their key, ascending: what an upsert of the whole would keep.
    pub(crate) fn last_rows(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = self.rows.iter().copied().collect();
        rows.sort_unstable();
        rows
    }

    /// The hash of each row's key.
    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(|c| c.get_array_memory_size()).sum();
        columns + self.hashes.len() * 8 + self.rows.allocation_size()
    }
}

fn at(hashes: &[u64], row: u32) -> u64 {
    hashes.get(row as usize).copied().unwrap_or_default()
}

/// The key columns of a batch in the order of `def.schema`.
pub(crate) fn key_columns(def: &TableDef, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let columns = def.key().iter().map(|id| {
        let name = def.schema.by_id(*id).map(|c| c.name.as_str()).unwrap_or_default();
        batch.column_by_name(name).cloned().ok_or_else(|| missing(name))
    });
    columns.collect()
}

fn missing(name: &str) -> Error {
    Error::invalid(format!("column `{name}` is missing; it is part of the key"))
}

fn strings(columns: &[ArrayRef]) -> Result<Vec<&StringViewArray>> {
    let strings = columns.iter().map(|c| {
        c.as_string_view_opt().ok_or_else(|| Error::invalid("a key column is not of type String"))
    });
    strings.collect()
}

/// One hash for each row: of the id itself in `things`, so that `id = 'x'` needs only the literal;
/// of the derived id in `relationships`, so that one filter serves ids and triples alike.
pub(crate) fn hash_keys(kind: TableKind, columns: &[ArrayRef]) -> Result<Vec<u64>> {
    let columns = strings(columns)?;
    match (kind, columns.as_slice()) {
        (TableKind::Plain, _) => Ok(Vec::new()),
        (TableKind::Things, [id]) => {
            Ok((0..id.len()).map(|row| hash_bytes(id.value(row).as_bytes())).collect())
        }
        (TableKind::Relationships, [from, to, ty]) => Ok((0..from.len())
            .map(|row| triple_hash(from.value(row), to.value(row), ty.value(row)) as u64)
            .collect()),
        _ => Err(missing("id")),
    }
}

fn same_key(a: &[ArrayRef], row_a: usize, b: &[ArrayRef], row_b: usize) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| match (a.as_string_view_opt(), b.as_string_view_opt()) {
            (Some(a), Some(b)) => a.value(row_a) == b.value(row_b),
            _ => false,
        })
}

/// 128 bits of XXH3 over the three strings, each preceded by its length.
fn triple_hash(from: &str, to: &str, ty: &str) -> u128 {
    let mut bytes = Vec::with_capacity(from.len() + to.len() + ty.len() + 24);
    for part in [from, to, ty] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    XxHash3_128::oneshot(&bytes)
}

/// The id of a relationship that was given none: 32 hexadecimal digits, the same for the same
/// three.
pub fn derived_id(from: &str, to: &str, ty: &str) -> String {
    format!("{:032x}", triple_hash(from, to, ty))
}

/// The key hash that a derived id names, if `id` has the form of one.
pub(crate) fn derived_id_hash(id: &str) -> Option<u64> {
    if id.len() != 32 || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(id, 16).ok().map(|hash| hash as u64)
}

/// Fills the nulls of a relationship's `id` column with derived ids.
pub(crate) fn fill_ids(
    id: &ArrayRef,
    from: &ArrayRef,
    to: &ArrayRef,
    ty: &ArrayRef,
) -> Result<ArrayRef> {
    if id.null_count() == 0 {
        return Ok(id.clone());
    }
    let given = id
        .as_string_view_opt()
        .ok_or_else(|| Error::invalid("column `id` is not of type String"))?;
    let columns = [from.clone(), to.clone(), ty.clone()];
    let [from, to, ty] = strings(&columns)?[..] else { return Err(missing("fromId")) };
    let filled: StringViewArray = (0..given.len())
        .map(|row| {
            Some(if given.is_null(row) {
                derived_id(from.value(row), to.value(row), ty.value(row))
            } else {
                given.value(row).to_owned()
            })
        })
        .collect();
    Ok(Arc::new(filled))
}
