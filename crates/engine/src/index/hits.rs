//! Files that can hold what is asked for, and where in these. May name too much, never too little.
//! Not here: asking ([`super::probe`], [`super::key_files`]).

use std::ops::Range;

use dodb_part::PostingHit;
use hashbrown::HashMap;
use roaring::RoaringBitmap;

/// Rows of a file: ranges that ascend and do not touch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RowRanges(Vec<Range<u64>>);

impl RowRanges {
    pub(crate) fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }

    fn add(&mut self, range: Range<u64>) {
        let start = self.0.partition_point(|own| own.end < range.start);
        let end = self.0.partition_point(|own| own.start <= range.end);
        let touched = self.0.get(start..end).unwrap_or_default();
        let first = touched.first().map_or(range.start, |own| own.start.min(range.start));
        let last = touched.last().map_or(range.end, |own| own.end.max(range.end));
        self.0.splice(start..end.max(start), std::iter::once(first..last));
    }

    pub(crate) fn and(&self, other: &RowRanges) -> RowRanges {
        let mut both = RowRanges::default();
        for own in &self.0 {
            for range in &other.0 {
                let (start, end) = (own.start.max(range.start), own.end.min(range.end));
                if start < end {
                    both.add(start..end);
                }
            }
        }
        both
    }
}

/// Some files, by their numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Hits {
    files: RoaringBitmap,
    /// The rows, of those files of which that is known; others can have them anywhere.
    rows: HashMap<u32, RowRanges>,
}

impl Hits {
    pub(crate) fn files(&self) -> &RoaringBitmap {
        &self.files
    }

    /// Where in a file; `None`: anywhere.
    pub(crate) fn rows_of(&self, file: u32) -> Option<&RowRanges> {
        self.rows.get(&file)
    }

    pub(super) fn add(&mut self, hit: PostingHit) {
        let is_new = self.files.insert(hit.file);
        match hit.rows {
            Some(rows) if is_new => self.rows.entry(hit.file).or_default().add(rows),
            Some(rows) => {
                if let Some(own) = self.rows.get_mut(&hit.file) {
                    own.add(rows);
                }
            }
            None => drop(self.rows.remove(&hit.file)),
        }
    }

    /// Files that can hold it anywhere, whatever is known of them.
    pub(super) fn add_whole(&mut self, files: &RoaringBitmap) {
        self.rows.retain(|file, _| !files.contains(*file));
        self.files |= files;
    }

    pub(super) fn keep_only(&mut self, files: &RoaringBitmap) {
        self.files &= files;
        self.rows.retain(|file, _| files.contains(*file));
    }

    pub(super) fn or(&mut self, other: Hits) {
        let whole =
            |hits: &Hits| hits.files.iter().filter(|f| !hits.rows.contains_key(f)).collect();
        let (ours, theirs): (RoaringBitmap, RoaringBitmap) = (whole(self), whole(&other));
        for (file, ranges) in other.rows {
            let own = self.rows.entry(file).or_default();
            ranges.0.into_iter().for_each(|range| own.add(range));
        }
        self.files |= other.files;
        self.add_whole(&(ours | theirs));
    }

    /// What both name: one row has to be where both say.
    pub(super) fn and(mut self, other: &Hits) -> Hits {
        self.keep_only(&other.files);
        for (file, ranges) in &other.rows {
            if !self.files.contains(*file) {
                continue;
            }
            let both = match self.rows.get(file) {
                Some(own) => own.and(ranges),
                None => ranges.clone(),
            };
            if both.0.is_empty() {
                self.files.remove(*file);
                self.rows.remove(file);
            } else {
                self.rows.insert(*file, both);
            }
        }
        self
    }

    /// Plants a fault for the test that has to notice it: the last row of what is known of each
    /// file is forgotten, or where nothing is known, the last file.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn damage(&mut self) {
        if self.rows.is_empty() {
            self.files.remove_biggest(1);
        }
        let last = self.rows.values_mut().filter_map(|ranges| ranges.0.last_mut());
        last.for_each(|range| range.end -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const FILES: u32 = 4;
    const ROWS: u64 = 12;

    /// All rows that are named, one by one.
    fn rows(hits: &Hits) -> BTreeSet<(u32, u64)> {
        let all = (0..FILES).flat_map(|file| (0..ROWS).map(move |row| (file, row)));
        let is_in = |(file, row): &(u32, u64)| {
            let within = |ranges: &RowRanges| ranges.0.iter().any(|range| range.contains(row));
            hits.files.contains(*file) && hits.rows_of(*file).is_none_or(within)
        };
        all.filter(is_in).collect()
    }

    fn hits() -> impl Strategy<Value = Vec<PostingHit>> {
        let hit = (0..FILES, proptest::option::of(0..ROWS)).prop_map(|(file, start)| PostingHit {
            at: 0,
            file,
            rows: start.map(|start| start..start + 3),
        });
        proptest::collection::vec(hit, 0..12)
    }

    fn of(all: &[PostingHit]) -> Hits {
        let mut hits = Hits::default();
        all.iter().for_each(|hit| hits.add(hit.clone()));
        hits
    }

    fn one_by_one(all: &[PostingHit]) -> BTreeSet<(u32, u64)> {
        let rows_of = |hit: &PostingHit| {
            let (file, range) = (hit.file, hit.rows.clone().unwrap_or(0..ROWS));
            range.filter(|row| *row < ROWS).map(move |row| (file, row))
        };
        all.iter().flat_map(rows_of).collect()
    }

    proptest! {
        #[test]
        fn they_are_sets_of_rows(ours in hits(), theirs in hits()) {
            let (a, b) = (of(&ours), of(&theirs));
            let (in_a, in_b) = (one_by_one(&ours), one_by_one(&theirs));
            prop_assert_eq!(rows(&a), in_a.clone());
            let both = a.clone().and(&b);
            prop_assert_eq!(rows(&both), &in_a & &in_b);
            prop_assert_eq!(both.files.len() as usize,
                rows(&both).iter().map(|(file, _)| file).collect::<BTreeSet<_>>().len());
            let mut either = a;
            either.or(b);
            prop_assert_eq!(rows(&either), &in_a | &in_b);
            for ranges in either.rows.values() {
                prop_assert!(ranges.0.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}
