//! Rows that hold something of each of many files. Files that come are added to the last row while
//! that is small, so that there are as few rows as the bytes ask for, however many commits brought
//! them. A row is found by its first file and speaks of the files up to the next one's. Not here:
//! what is held ([`super::footers`], [`super::stats`]).

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::head::FileSet;
use crate::error::Result;

/// A row takes no more files once it is larger than this.
const ROW_BYTES: usize = 1_000_000;

/// What one row holds.
pub(super) trait FileRow: Default {
    /// What it holds of one file.
    type Entry;

    /// The file that an entry is of.
    fn file_of(entry: &Self::Entry) -> u32;

    /// Adds what it holds of a file that comes after all others; answers about how many bytes that
    /// takes.
    fn push(&mut self, entry: Self::Entry) -> usize;

    /// Forgets all files but these.
    fn keep(&mut self, files: &RoaringBitmap);

    /// About how many bytes it has when it is stored.
    fn bytes(&self) -> usize;
}

/// Adds entries, which ascend, to the row that they belong to: the last one of `firsts`, or new
/// ones. `rows` is what the commit writes so far, `stored` reads what was written before.
pub(super) fn append<R: FileRow>(
    entries: impl IntoIterator<Item = R::Entry>,
    rows: &mut BTreeMap<u32, R>,
    firsts: &mut FileSet,
    live: &RoaringBitmap,
    stored: impl FnOnce(u32) -> Result<Option<R>>,
) -> Result<()> {
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_none() {
        return Ok(());
    }
    let mut last = None;
    if let Some(first) = firsts.0.max() {
        if !rows.contains_key(&first)
            && let Some(mut row) = stored(first)?
        {
            row.keep(live);
            rows.insert(first, row);
        }
        last = rows.get(&first).map(|row| (first, row.bytes()));
    }
    for entry in entries {
        let (first, bytes) = match last {
            Some((first, bytes)) if bytes <= ROW_BYTES => (first, bytes),
            _ => (R::file_of(&entry), 0),
        };
        firsts.0.insert(first);
        let added = rows.entry(first).or_default().push(entry);
        last = Some((first, bytes + added));
    }
    Ok(())
}

/// The first file of the row that speaks of `file`.
pub(super) fn first_of(firsts: &FileSet, file: u32) -> Option<u32> {
    let before = firsts.0.rank(file);
    before.checked_sub(1).and_then(|at| firsts.0.select(u32::try_from(at).ok()?))
}
