//! Rows that hold something of each of many files. Files that come are added to the last row while
//! that is small, so that there are as few rows as the bytes ask for, however many commits brought
//! them. A row is numbered by its first file and speaks of the files up to the next row's. Not
//! here: what is held ([`super::footers`], [`super::stats`]).

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::head::FileSet;
use crate::error::Result;

/// A row takes no more files once it is larger than this.
const ROW_BYTES: usize = 1_000_000;
/// But for files between those that it holds, which have nowhere else to go.
const CROWDED_BYTES: usize = 1_300_000;

/// What one row holds.
pub(super) trait FileRow: Default {
    /// What it holds of one file.
    type Entry;

    /// The file that an entry is of.
    fn file_of(entry: &Self::Entry) -> u32;

    /// Adds what it holds of a file; answers about how many bytes that takes.
    fn put(&mut self, entry: Self::Entry) -> usize;

    /// The last of its files.
    fn last(&self) -> Option<u32>;

    /// Forgets all files but these.
    fn keep(&mut self, files: &RoaringBitmap);

    /// About how many bytes it has when it is stored.
    fn bytes(&self) -> usize;
}

/// Adds entries to the rows that they belong to, and to new ones. `rows` is what the commit writes
/// so far, `stored` reads what was written before. An entry for which there is no room is left out.
/// `false` when a row is missing or damaged: it stays so, and nothing is added any more.
pub(super) fn put<R: FileRow>(
    entries: impl IntoIterator<Item = R::Entry>,
    rows: &mut BTreeMap<u32, R>,
    firsts: &mut FileSet,
    live: &RoaringBitmap,
    stored: impl Fn(u32) -> Result<Option<R>>,
) -> Result<bool> {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for entry in entries {
        let file = R::file_of(&entry);
        let mut first = first_of(firsts, file).unwrap_or(file);
        if firsts.0.contains(first) && !rows.contains_key(&first) {
            let Some(mut row) = stored(first)? else { return Ok(false) };
            row.keep(live);
            rows.insert(first, row);
        }
        let row = rows.entry(first).or_default();
        let bytes = *sizes.entry(first).or_insert_with(|| row.bytes());
        if bytes > ROW_BYTES && row.last().is_none_or(|last| last < file) {
            first = file;
        } else if bytes > CROWDED_BYTES {
            continue;
        }
        firsts.0.insert(first);
        *sizes.entry(first).or_default() += rows.entry(first).or_default().put(entry);
    }
    Ok(true)
}

/// The first file of the row that speaks of `file`.
pub(super) fn first_of(firsts: &FileSet, file: u32) -> Option<u32> {
    let before = firsts.0.rank(file);
    before.checked_sub(1).and_then(|at| firsts.0.select(u32::try_from(at).ok()?))
}
