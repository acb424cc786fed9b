//! Exact counts from what is known of parts and files, without reading their rows: how many rows
//! meet a condition, by the values of a column or path. Parts of which too little is known, and
//! which are small, are read; what else is not known, such as files with deleted rows, is left to
//! the caller to count. Not here: counts of whole columns, which the head row has.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_select::filter::{filter, prep_null_mask_filter};
use dodb_part::{
    Answer, ColumnStats, Evidence, PartReader, Predicate, Scalar, StatsBuilder, prune,
};
use dodb_rowstore::Usage;

use crate::error::{Error, Result};
use crate::index::PathStats;
use crate::parts::{OpenPart, place};
use crate::scan::{PathColumn, derived_column, live_mask, zone};
use crate::snapshot::Snapshot;
use crate::state::PartState;

/// Most parts that are looked at, and most of their rows that are read.
const PARTS_MAX: usize = 64;
const ROWS_READ_MAX: u64 = 65_536;

/// What is counted: rows that meet `predicate`, by the values of `of` if there is one.
struct Counting<'a> {
    snapshot: &'a Snapshot,
    /// A column, or one of `paths`.
    of: Option<u32>,
    paths: &'a [PathColumn],
    /// The conditions on each column, all of which have to be met.
    terms: BTreeMap<u32, Predicate>,
    usage: &'a Usage,
}

/// What [`Snapshot::value_counts`] found.
pub struct ValueCounts {
    /// How many rows there are (`rows`), how many hold each value and how many are null.
    pub known: ColumnStats,
    /// The parts and files of which that cannot be told; these are not among the `known`.
    pub rest: Option<Snapshot>,
}

/// More than one row in so many to be read: then all are.
const REST_ONE_IN: u64 = 2;

impl Snapshot {
    /// Counts the rows that meet `predicate`: how many there are (`rows`), and of `of`, a column or
    /// one of `paths`, how many hold each value and how many are null. `None` when reading them is
    /// the way: values are many, or a condition says something of two columns at once.
    ///
    /// # Errors
    /// The row store failed, or a part is damaged.
    pub fn value_counts(
        &self,
        of: Option<u32>,
        predicate: &Predicate,
        paths: &[PathColumn],
        usage: &Usage,
    ) -> Result<Option<ValueCounts>> {
        let Some(terms) = by_column(predicate) else { return Ok(None) };
        let counting = Counting { snapshot: self, of, paths, terms, usage };
        if self.state.parts.len() > PARTS_MAX || !counting.can_be_known() {
            return Ok(None);
        }
        let (mut known, mut rest) = (ColumnStats::default(), Vec::new());
        let mut left = ROWS_READ_MAX;
        for part in &self.state.parts {
            match counting.of_part(part, &mut left)? {
                Some(stats) => known.merge(&stats),
                None => rest.push(part.clone()),
            }
        }
        if self.state.warm.as_ref().is_some_and(|warm| warm.head.files > 0) {
            counting.of_files(&mut known, &mut rest)?;
        }
        // What has no row left is no more to be read than it is to be counted.
        rest.retain(|part| part.live() > 0);
        let to_read: u64 = rest.iter().map(|part| part.live()).sum();
        if to_read * REST_ONE_IN > self.rows() || (of.is_some() && known.values.is_none()) {
            return Ok(None);
        }
        let rest = (!rest.is_empty()).then(|| self.of_these(rest));
        Ok(Some(ValueCounts { known, rest }))
    }

    /// The same table with these parts and files only. Statistics of the whole are not known of it.
    pub(crate) fn of_these(&self, all: Vec<Arc<PartState>>) -> Snapshot {
        let (files, parts): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.file.is_some());
        let mut state = self.state.as_ref().clone();
        state.rows = files.iter().chain(&parts).map(|part| part.live()).sum();
        state.summary.clear();
        state.parts = parts;
        state.warm = state.warm.map(|warm| warm.with(files));
        Snapshot { core: self.core.clone(), state: Arc::new(state) }
    }
}

/// Conditions that all have to be met, by the one column that each is about.
fn by_column(predicate: &Predicate) -> Option<BTreeMap<u32, Predicate>> {
    let terms = match predicate {
        Predicate::And(terms) => terms.as_slice(),
        Predicate::True => &[],
        one => std::slice::from_ref(one),
    };
    let mut out: BTreeMap<u32, Predicate> = BTreeMap::new();
    for term in terms {
        if let Predicate::And(_) = term {
            for (column, inner) in by_column(term)? {
                let before = out.remove(&column).unwrap_or(Predicate::True);
                out.insert(column, Predicate::and(before, inner));
            }
            continue;
        }
        let &[column] = term.columns().as_slice() else { return None };
        let before = out.remove(&column).unwrap_or(Predicate::True);
        out.insert(column, Predicate::and(before, term.clone()));
    }
    Some(out)
}

impl Counting<'_> {
    fn path(&self, id: u32) -> Option<&PathColumn> {
        self.paths.iter().find(|path| path.id == id)
    }

    fn columns(&self) -> impl Iterator<Item = u32> + '_ {
        let of = self.of.filter(|of| !self.terms.contains_key(of));
        self.terms.keys().copied().chain(of)
    }

    /// Does the head row leave hope? Reads nothing.
    fn can_be_known(&self) -> bool {
        let state = &self.snapshot.state;
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        let derived = derived_column(&state.def);
        let has_files = state.warm.as_ref().is_some_and(|warm| warm.head.files > 0);
        let is_known = |id: u32| match self.path(id) {
            Some(path) => !has_files || index.is_some_and(|index| index.counts(path)),
            None => Some(id) != derived,
        };
        self.columns().all(is_known) && (!has_files || state.attached.is_none())
    }

    /// Adds what is known of files to `known`, and files of which it is not to `rest`.
    fn of_files(&self, known: &mut ColumnStats, rest: &mut Vec<Arc<PartState>>) -> Result<()> {
        let snapshot = self.snapshot;
        let files = snapshot.state.files(&snapshot.core.rows, self.usage)?;
        let asked: Vec<&PathColumn> = self.columns().filter_map(|id| self.path(id)).collect();
        let paths = snapshot.path_stats(&files, &asked, self.usage)?;
        for file in files.iter() {
            let stats = |id: u32| self.of_file(file, id, paths.as_ref());
            // Which rows are deleted, the statistics do not say.
            let stats = match file.deleted_count() {
                0 => self.counted(file.rows, &stats),
                _ => None,
            };
            match stats {
                Some(stats) => known.merge(&stats),
                None => rest.push(file.clone()),
            }
        }
        Ok(())
    }

    fn of_file(&self, file: &PartState, id: u32, paths: Option<&PathStats>) -> Option<ColumnStats> {
        match self.path(id) {
            Some(path) => paths?.get(file.no, path).cloned(),
            None => zone(&self.snapshot.state.def, file, id).cloned(),
        }
    }

    /// Counts a part by its header, or by its rows if no more than `left` are read with them.
    fn of_part(&self, part: &PartState, left: &mut u64) -> Result<Option<ColumnStats>> {
        let (core, def) = (&self.snapshot.core, &self.snapshot.state.def);
        let reader = core.parts.reader(def, part, self.usage)?;
        if part.deleted_count() == 0 {
            let known = |id: u32| match self.path(id) {
                Some(path) => reader.path_stats(path.column, &path.path, path.ty, None),
                None => reader.stats(id).cloned(),
            };
            if let Some(stats) = self.counted(part.rows, &known) {
                return Ok(Some(stats));
            }
        }
        match left.checked_sub(part.rows) {
            Some(after) => *left = after,
            None => return Ok(None),
        }
        self.read(part, &reader).map(Some)
    }

    /// Counts rows of which exact counts of values are `known`, if those are enough.
    fn counted(
        &self,
        rows: u64,
        known: &dyn Fn(u32) -> Option<ColumnStats>,
    ) -> Option<ColumnStats> {
        let mut of = match self.of {
            Some(of) => known(of)?,
            None => ColumnStats { rows, ..ColumnStats::default() },
        };
        let mut narrowest = None;
        for (column, term) in &self.terms {
            let met = met(term, *column, &known(*column)?)?;
            if met.rows == 0 {
                return Some(ColumnStats::default());
            }
            if Some(*column) == self.of {
                of = met;
            } else if met.rows < rows {
                // Which rows meet both of two conditions cannot be told.
                if narrowest.replace(met.rows).is_some() || self.of.is_some() {
                    return None;
                }
            }
        }
        of.values.as_ref()?;
        if let Some(narrowest) = narrowest {
            of.rows = narrowest;
        }
        Some(of)
    }

    fn read(&self, part: &PartState, reader: &PartReader) -> Result<ColumnStats> {
        let (core, def) = (&self.snapshot.core, &self.snapshot.state.def);
        let open = || OpenPart { def, part, reader };
        let predicate = Predicate::And(self.terms.values().cloned().collect());
        let mut builder = StatsBuilder::new();
        let mut rows = 0;
        for granule in 0..reader.granule_count() {
            let mut arrays: BTreeMap<u32, ArrayRef> = BTreeMap::new();
            for id in self.columns() {
                let path = self.path(id);
                let column = def.schema.by_id(path.map_or(id, |path| path.column));
                let column = column.ok_or_else(|| Error::invalid(format!("no column #{id}")))?;
                let array = match path {
                    Some(path) => {
                        core.parts.read_path(open(), column, path, granule, self.usage)?
                    }
                    None => core.parts.read(def, part, reader, column, granule, self.usage)?,
                };
                arrays.insert(id, array);
            }
            let range = reader.granule_rows(granule);
            let count = (range.end - range.start) as usize;
            let met = predicate.evaluate(count, &|id| arrays.get(&id).cloned());
            let met = met.map_err(|e| Error::part(place(def, part), e))?;
            let met = if met.null_count() > 0 { prep_null_mask_filter(&met) } else { met };
            let met = match live_mask(part, range.start, count) {
                Some(live) => BooleanArray::new(&live & met.values(), None),
                None => met,
            };
            rows += met.true_count() as u64;
            if let Some(array) = self.of.and_then(|of| arrays.get(&of)) {
                builder.push(&filter(array, &met)?);
            }
        }
        let found = builder.finish();
        Ok(match self.of {
            Some(_) => found,
            None => ColumnStats { rows, ..ColumnStats::default() },
        })
    }
}

/// Of rows whose values are counted those that meet a condition on them; `None` when that cannot be
/// told from the values.
fn met(term: &Predicate, column: u32, stats: &ColumnStats) -> Option<ColumnStats> {
    let opposite = Predicate::Not(Box::new(term.clone()));
    // Is it true of rows that are all like this?
    let holds = |one: &ColumnStats| {
        let evidence = |id: u32| Evidence { stats: (id == column).then_some(one), bloom: None };
        let can = |predicate| prune(predicate, &evidence) == Answer::MightMatch;
        match (can(term), can(&opposite)) {
            (true, true) => None,
            (yes, _) => Some(yes),
        }
    };
    let mut out = ColumnStats::default();
    for (value, count) in stats.values.as_ref()? {
        let one = all_of(value, *count);
        if holds(&one)? {
            out.merge(&one);
        }
    }
    if stats.nulls > 0 {
        let (rows, nulls) = (stats.nulls, stats.nulls);
        let one = ColumnStats { rows, nulls, ..ColumnStats::default() };
        if holds(&one)? {
            out.merge(&one);
        }
    }
    Some(out)
}

fn all_of(value: &Scalar, count: u64) -> ColumnStats {
    ColumnStats {
        rows: count,
        nulls: 0,
        min: Some(value.clone()),
        max: Some(value.clone()),
        exact: true,
        distinct: 1,
        values: Some(vec![(value.clone(), count)]),
    }
}
