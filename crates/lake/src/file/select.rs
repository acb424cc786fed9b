//! Which rows of a row group have to be read: by its pages' statistics, less those deleted. May
//! keep too many, never too few.

use std::ops::Range;

use dodb_part::{Answer, ColumnStats, Evidence, Predicate, prune};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::file::metadata::ParquetMetaData;

use super::evidence;

/// A column of the predicate that the file has: its id, its leaf, its type.
pub(super) struct Judged {
    pub(super) id: u32,
    pub(super) leaf: usize,
    pub(super) ty: dodb_part::ColumnType,
}

/// Rows of a group that may meet the predicate, and the pages looked at and left out.
pub(super) struct Kept {
    pub(super) ranges: Vec<Range<u64>>,
    pub(super) slices: u64,
    pub(super) slices_pruned: u64,
}

/// The rows of each page of a column, in order, and what is known of them.
type Pages = Vec<(Range<u64>, Option<ColumnStats>)>;

/// The ranges of rows of a group that begins at row `start` of its file, within the group, of those
/// that are wanted of the file. `None`: all are.
pub(super) fn wanted(of_file: Option<&[Range<u64>]>, start: u64, rows: u64) -> Vec<Range<u64>> {
    let Some(of_file) = of_file else { return std::iter::once(0..rows).collect() };
    let within = |row: u64| row.saturating_sub(start).min(rows);
    let own = of_file.iter().map(|range| within(range.start)..within(range.end));
    own.filter(|range| range.start < range.end).collect()
}

/// Looks at the wanted rows of a group in slices between the page boundaries of the predicate's
/// columns. `known` says what is known of columns besides their pages.
pub(super) fn by_pages<'a>(
    footer: &ParquetMetaData,
    group: usize,
    wanted: &[Range<u64>],
    predicate: &Predicate,
    judged: &[Judged],
    known: &dyn Fn(u32) -> Evidence<'a>,
) -> Kept {
    let rows = u64::try_from(footer.row_group(group).num_rows()).unwrap_or_default();
    let pages: Vec<(u32, Pages)> = judged
        .iter()
        .filter_map(|column| Some((column.id, pages_of(footer, group, rows, column)?)))
        .collect();
    let mut cuts: Vec<u64> =
        pages.iter().flat_map(|(_, p)| p.iter().map(|(r, _)| r.start)).collect();
    cuts.extend([0, rows]);
    cuts.extend(wanted.iter().flat_map(|range| [range.start, range.end]));
    cuts.sort_unstable();
    cuts.dedup();
    let mut kept = Kept { ranges: Vec::new(), slices: 0, slices_pruned: 0 };
    for cut in cuts.windows(2) {
        let &[start, end] = cut else { continue };
        if !wanted.iter().any(|range| range.contains(&start)) {
            continue;
        }
        kept.slices += 1;
        let evidence = |id: u32| {
            let of_page = pages.iter().find(|(of, _)| *of == id).and_then(|(_, pages)| {
                let at = pages.partition_point(|(range, _)| range.end <= start);
                pages.get(at)?.1.as_ref()
            });
            let before = known(id);
            Evidence { stats: of_page.or(before.stats), bloom: before.bloom }
        };
        if prune(predicate, &evidence) == Answer::CannotMatch {
            kept.slices_pruned += 1;
            continue;
        }
        match kept.ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => kept.ranges.push(start..end),
        }
    }
    kept
}

/// Where the pages of these rows of a group are in the file, with the dictionary, where there is
/// one, and all before them.
pub(super) fn bytes_of(
    footer: &ParquetMetaData,
    group: usize,
    leaf: usize,
    rows: &[Range<u64>],
) -> Option<Range<u64>> {
    let chunk = footer.row_groups().get(group)?.columns().get(leaf)?;
    let pages = footer.offset_index()?.get(group)?.get(leaf)?.page_locations();
    let page_of = |row: u64| {
        let is_before = |first_row: i64| u64::try_from(first_row).is_ok_and(|first| first <= row);
        pages.iter().rfind(|page| is_before(page.first_row_index))
    };
    let start = match chunk.dictionary_page_offset() {
        Some(_) => chunk.byte_range().0,
        None => u64::try_from(page_of(rows.first()?.start)?.offset).ok()?,
    };
    let page = page_of(rows.last()?.end.checked_sub(1)?)?;
    let end = page.offset.checked_add(i64::from(page.compressed_page_size))?;
    let end = u64::try_from(end).ok()?;
    (start < end).then_some(start..end)
}

/// `None` where the file has no index that makes sense.
fn pages_of(footer: &ParquetMetaData, group: usize, rows: u64, column: &Judged) -> Option<Pages> {
    let index = footer.column_index()?.get(group)?.get(column.leaf)?;
    let places = footer.offset_index()?.get(group)?.get(column.leaf)?.page_locations();
    let descriptor = footer.row_group(group).schema_descr().column(column.leaf);
    let firsts = places.iter().map(|place| u64::try_from(place.first_row_index).ok());
    let firsts: Vec<u64> = firsts.collect::<Option<_>>()?;
    if firsts.first() != Some(&0) {
        return None;
    }
    let mut out = Vec::with_capacity(firsts.len());
    for (at, start) in firsts.iter().enumerate() {
        let end = firsts.get(at + 1).copied().unwrap_or(rows);
        if *start > end || end > rows {
            return None;
        }
        let known = evidence::of_page(index, at, end - start, &descriptor, &column.ty);
        out.push((*start..end, known));
    }
    Some(out)
}

/// The rows of these ranges less the deleted ones, within a group that starts at row `first` of
/// its file. `deleted` ascends.
pub(super) fn live(ranges: &[Range<u64>], first: u64, rows: u64, deleted: &[u64]) -> RowSelection {
    let start = deleted.partition_point(|row| *row < first);
    let end = deleted.partition_point(|row| *row < first.saturating_add(rows));
    let mut gone = deleted.get(start..end).unwrap_or_default().iter().map(|row| row - first);
    let mut next = gone.next();
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut at = 0;
    let mut push = |range: Range<u64>| {
        let length = |range: Range<u64>| usize::try_from(range.end - range.start).unwrap_or(0);
        selectors.push(RowSelector::skip(length(at..range.start)));
        selectors.push(RowSelector::select(length(range.clone())));
        at = range.end;
    };
    for range in ranges {
        let mut from = range.start;
        while let Some(row) = next.filter(|row| *row < range.end) {
            if row >= from {
                if row > from {
                    push(from..row);
                }
                from = row + 1;
            }
            next = gone.next();
        }
        if from < range.end {
            push(from..range.end);
        }
    }
    selectors.push(RowSelector::skip(usize::try_from(rows.saturating_sub(at)).unwrap_or(0)));
    selectors.retain(|selector| selector.row_count > 0);
    RowSelection::from(selectors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn live_rows_are_those_in_range_and_not_deleted(
            flags in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..60),
        ) {
            let rows = flags.len() as u64;
            let mut ranges: Vec<Range<u64>> = Vec::new();
            for (row, (kept, _)) in flags.iter().enumerate().filter(|(_, (kept, _))| *kept) {
                let row = row as u64;
                let _ = kept;
                match ranges.last_mut() {
                    Some(last) if last.end == row => last.end = row + 1,
                    _ => ranges.push(row..row + 1),
                }
            }
            let gone = flags.iter().enumerate().filter(|(_, (_, gone))| *gone);
            let mut deleted: Vec<u64> = gone.map(|(row, _)| row as u64 + 100).collect();
            deleted.insert(0, 5);
            deleted.push(100 + rows);
            let selection = live(&ranges, 100, rows, &deleted);
            let mut found = Vec::new();
            for selector in selection.iter() {
                found.extend(std::iter::repeat_n(!selector.skip, selector.row_count));
            }
            let expected: Vec<bool> = flags.iter().map(|(kept, gone)| *kept && !gone).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
