//! Least and greatest values, and counts of values, of columns and paths, from what is known of
//! parts and files, without reading their rows. Parts and files of which too little is known are
//! left to the caller to read. Not here: how many rows hold which value ([`crate::counts`]).

use std::sync::Arc;

use dodb_part::{Answer, ColumnStats, Evidence, PartReader, Predicate, prune};
use dodb_rowstore::Usage;

use crate::error::Result;
use crate::scan::{PathColumn, derived_column, zone};
use crate::snapshot::Snapshot;
use crate::state::PartState;

/// Most parts whose headers are looked at; further ones are left to be read.
const PARTS_MAX: usize = 64;

/// A column, or a path that is read as one, and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub id: u32,
    /// Are its least and greatest value asked for, or only how many values there are?
    pub bounds: bool,
}

/// What [`Snapshot::bounds`] found.
pub struct Bounds {
    /// How many rows meet the condition.
    pub rows: u64,
    /// For each that was asked for how many of these rows are null (`nulls`), and the least and the
    /// greatest value, exact if they were asked for.
    pub known: Vec<ColumnStats>,
    /// The parts and files of which that cannot be told; these are not among the `known`.
    pub rest: Option<Snapshot>,
}

/// What is asked of rows that meet `predicate`.
struct Asking<'a> {
    snapshot: &'a Snapshot,
    of: &'a [Asked],
    paths: &'a [PathColumn],
    predicate: &'a Predicate,
    /// Rows for which it is false.
    opposite: Predicate,
}

impl Snapshot {
    /// Bounds and counts of values among the rows that meet `predicate`. `None` when that cannot be
    /// told of any part or file.
    ///
    /// # Errors
    /// The row store failed, or a part is damaged.
    pub fn bounds(
        &self,
        of: &[Asked],
        predicate: &Predicate,
        paths: &[PathColumn],
        usage: &Usage,
    ) -> Result<Option<Bounds>> {
        let opposite = Predicate::Not(Box::new(predicate.clone()));
        let asking = Asking { snapshot: self, of, paths, predicate, opposite };
        let derived = derived_column(&self.state.def);
        if self.state.attached.is_some() || asking.columns().any(|id| Some(id) == derived) {
            return Ok(None);
        }
        let known = vec![ColumnStats::default(); of.len()];
        let mut found = Bounds { rows: 0, known, rest: None };
        let mut rest = Vec::new();
        let all = self.state.parts.iter();
        for (at, part) in all.enumerate() {
            let one = if at < PARTS_MAX { asking.of_part(part, usage)? } else { None };
            found.add(one, part, &mut rest);
        }
        let files = self.state.files(&self.core.rows, usage)?;
        let asked: Vec<&PathColumn> =
            paths.iter().filter(|path| asking.columns().any(|id| id == path.id)).collect();
        let by_file = self.path_stats(&files, &asked, usage)?;
        for file in files.iter() {
            let known = |id: u32| match paths.iter().find(|path| path.id == id) {
                Some(path) => by_file.as_ref()?.get(file.no, path).cloned(),
                None => zone(&self.state.def, file, id).cloned(),
            };
            found.add(asking.told(file, &known), file, &mut rest);
        }
        if rest.len() == self.state.parts.len() + files.len() {
            return Ok(None);
        }
        // What has no row left needs no reading.
        rest.retain(|part| part.live() > 0);
        found.rest = (!rest.is_empty()).then(|| self.of_these(rest));
        Ok(Some(found))
    }
}

/// The rows that meet a condition, and for each that is asked what is known of them.
type Told = (u64, Vec<ColumnStats>);

impl Bounds {
    fn add(&mut self, told: Option<Told>, of: &Arc<PartState>, rest: &mut Vec<Arc<PartState>>) {
        let Some((rows, known)) = told else {
            rest.push(of.clone());
            return;
        };
        self.rows += rows;
        for (all, one) in self.known.iter_mut().zip(&known) {
            all.merge(one);
        }
    }
}

impl Asking<'_> {
    fn columns(&self) -> impl Iterator<Item = u32> + '_ {
        self.of.iter().map(|asked| asked.id).chain(self.predicate.columns())
    }

    fn of_part(&self, part: &PartState, usage: &Usage) -> Result<Option<Told>> {
        let (core, def) = (&self.snapshot.core, &self.snapshot.state.def);
        // What the head row says may be enough.
        if let Some(told) = self.told(part, &|id| zone(def, part, id).cloned()) {
            return Ok(Some(told));
        }
        if part.deleted_count() > 0 {
            return Ok(None);
        }
        let reader: Arc<PartReader> = core.parts.reader(def, part, usage)?;
        let known = |id: u32| match self.paths.iter().find(|path| path.id == id) {
            Some(path) => reader.path_stats(path.column, &path.path, path.ty, None),
            None => reader.stats(id).cloned(),
        };
        Ok(self.told(part, &known))
    }

    /// What is asked of a part or file, if it follows from what is known of its columns.
    fn told(&self, part: &PartState, known: &dyn Fn(u32) -> Option<ColumnStats>) -> Option<Told> {
        let conditions: Vec<(u32, ColumnStats)> =
            self.predicate.columns().into_iter().filter_map(|id| Some((id, known(id)?))).collect();
        let stats = |id: u32| conditions.iter().find(|(own, _)| *own == id).map(|(_, own)| own);
        let evidence = |id: u32| Evidence { stats: stats(id), bloom: None };
        if prune(self.predicate, &evidence) == Answer::CannotMatch {
            return Some((0, vec![ColumnStats::default(); self.of.len()]));
        }
        // Of null a condition is neither true nor false.
        let has_nulls = |id: u32| stats(id).is_none_or(|stats| stats.nulls > 0);
        let all_meet = !self.predicate.columns().into_iter().any(has_nulls)
            && prune(&self.opposite, &evidence) == Answer::CannotMatch;
        // Which rows are deleted, the statistics do not say.
        if !all_meet || part.deleted_count() > 0 {
            return None;
        }
        let each = self.of.iter().map(|asked| {
            let stats = known(asked.id).filter(|stats| stats.rows == part.rows)?;
            let is_bounded = stats.min.is_some() && stats.max.is_some();
            let is_told = stats.non_nulls() == 0 || (stats.exact && is_bounded);
            (is_told || !asked.bounds).then_some(stats)
        });
        Some((part.rows, each.collect::<Option<_>>()?))
    }
}
