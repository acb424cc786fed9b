//! The next state of one table while a commit is being made: inserts, deletions, merges and
//! truncation applied to a copy, with the rows they will write. Nothing is visible or stored until
//! the commit carries it out. An operation that fails may leave the copy half changed: the commit
//! takes a [`Savepoint`] before it and returns to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::{take, take_record_batch};
use dodb_part::{Answer, ColumnStats, CompareOp, PartRow, Predicate, prune};
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use crate::assemble::{NewPart, Purpose, assemble};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::ids::{self, IdFilters};
use crate::index::IndexRows;
use crate::keys::{KeyIndex, key_columns};
use crate::memory::encoded_estimate;
use crate::merge::Merged;
use crate::scan::live_batches;
use crate::slot::Slot;
use crate::state::{PartState, TableState};
use crate::table::TableDef;
use crate::warm::{Foreign, WarmRows};

/// A table within a commit.
pub(crate) struct Working {
    pub(crate) slot: Arc<Slot>,
    pub(crate) state: TableState,
    /// Rows of new parts, by part number.
    pub(crate) rows: Vec<(u64, PartRow)>,
    /// Parts that the new state no longer shows.
    pub(crate) retired: Vec<(u64, Arc<()>)>,
    filters: Option<Arc<IdFilters>>,
    /// Do the `_ids` rows have to be written?
    pub(crate) ids_changed: bool,
    /// Does the head row have to be written?
    pub(crate) head_changed: bool,
    /// The `_manifest` rows that have to be written.
    pub(crate) dirty_chunks: BTreeSet<u32>,
    /// The rows of the index that have to be.
    pub(crate) index_rows: IndexRows,
}

/// What a [`Working`] was before an operation.
pub(crate) struct Savepoint {
    state: TableState,
    rows: usize,
    retired: usize,
    filters: Option<Arc<IdFilters>>,
    ids_changed: bool,
    head_changed: bool,
    dirty_chunks: BTreeSet<u32>,
    index_rows: IndexRows,
}

/// Rows to delete, by part number.
pub(crate) type Deletions = Vec<(u64, RoaringBitmap)>;

impl Working {
    pub(crate) fn new(slot: Arc<Slot>, state: &TableState) -> Working {
        Working {
            slot,
            state: state.clone(),
            rows: Vec::new(),
            retired: Vec::new(),
            filters: None,
            ids_changed: false,
            head_changed: false,
            dirty_chunks: BTreeSet::new(),
            index_rows: IndexRows::default(),
        }
    }

    pub(crate) fn savepoint(&self) -> Savepoint {
        Savepoint {
            state: self.state.clone(),
            rows: self.rows.len(),
            retired: self.retired.len(),
            filters: self.filters.clone(),
            ids_changed: self.ids_changed,
            head_changed: self.head_changed,
            dirty_chunks: self.dirty_chunks.clone(),
            index_rows: self.index_rows.clone(),
        }
    }

    pub(crate) fn restore(&mut self, to: Savepoint) {
        // Numbers given out meanwhile are not given again: the cache may know their parts.
        let next_part = self.state.next_part;
        self.state = to.state;
        self.state.next_part = next_part;
        self.rows.truncate(to.rows);
        self.retired.truncate(to.retired);
        self.filters = to.filters;
        self.ids_changed = to.ids_changed;
        self.head_changed = to.head_changed;
        self.dirty_chunks = to.dirty_chunks;
        self.index_rows = to.index_rows;
    }

    fn check_version(&self, def: &TableDef) -> Result<()> {
        if self.state.def.version == def.version {
            return Ok(());
        }
        Err(Error::Conflict { table: def.name.clone() })
    }

    /// Appends rows; in a keyed table they replace the rows of the same key, and of two rows of one
    /// key in the batch the later stays. Answers how many rows the batch had.
    ///
    /// # Errors
    /// [`Error::Conflict`] when what was found out about files no longer holds.
    pub(crate) fn insert(
        &mut self,
        core: &Core,
        def: &TableDef,
        batches: &[RecordBatch],
        warm: &WarmRows,
        usage: &Usage,
    ) -> Result<u64> {
        self.check_version(def)?;
        if !def.key().is_empty() {
            self.check_files(core, warm, usage)?;
        }
        let Some(first) = batches.first() else { return Ok(0) };
        let mut batch = match batches {
            [one] => one.clone(),
            many => concat_batches(&first.schema(), many)?,
        };
        let given = batch.num_rows() as u64;
        let mut replaced = Vec::new();
        if !def.key().is_empty() {
            let index = KeyIndex::of_columns(def.kind, key_columns(def, &batch)?)?;
            let last = index.last_rows();
            let index = if last.len() < batch.num_rows() {
                batch = take_record_batch(&batch, &UInt32Array::from(last))?;
                KeyIndex::of_columns(def.kind, key_columns(def, &batch)?)?
            } else {
                index
            };
            replaced = self.find_live(core, &index, &key_columns(def, &batch)?, usage)?;
        }
        let mut gone = self.stats_of(core, &replaced, usage)?;
        merge_stats(&mut gone, &warm.stats);
        replaced.extend(warm.replaced.iter().cloned());
        let small = batch.num_rows() < core.options.fresh_insert_rows_max;
        let purpose = if small { Purpose::Fresh } else { Purpose::Insert };
        let estimate = encoded_estimate(&batch);
        let parts = assemble(def, &core.options, purpose, estimate, [Ok(batch.clone())])?;
        self.load_filters(core, &parts, usage)?;

        self.mark_deleted(&replaced, &gone);
        self.state.add_paths(&batch);
        for part in parts {
            self.add(part, core.env.now_ms());
        }
        self.join_fresh(core, usage)?;
        Ok(given)
    }

    /// Deletes the rows named, then inserts `batch`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a row named is gone already, or what was found out about files no
    /// longer holds.
    pub(crate) fn mutate(
        &mut self,
        core: &Core,
        def: &TableDef,
        deletions: &Deletions,
        batch: Option<&RecordBatch>,
        warm: &WarmRows,
        usage: &Usage,
    ) -> Result<u64> {
        self.check_version(def)?;
        self.check_files(core, warm, usage)?;
        let files = self.state.files(&core.rows, usage)?;
        let mut count = 0;
        let mut seen = Vec::with_capacity(deletions.len());
        for (no, rows) in deletions {
            let conflict = || Error::Conflict { table: def.name.clone() };
            let part = self.state.part(*no).or_else(|| files.iter().find(|file| file.no == *no));
            let part = part.ok_or_else(conflict)?;
            let past_end = rows.max().is_some_and(|max| u64::from(max) >= part.rows);
            if past_end || seen.contains(no) {
                let what = if past_end { "has fewer rows than that" } else { "is named twice" };
                return Err(Error::invalid(format!(
                    "rows to delete from table `{}`: part {no} {what}",
                    def.name
                )));
            }
            seen.push(*no);
            if part.deleted.as_ref().is_some_and(|gone| !gone.is_disjoint(rows)) {
                return Err(conflict());
            }
            count += rows.len();
        }
        let mut gone = self.stats_of(core, deletions, usage)?;
        merge_stats(&mut gone, &warm.stats);
        self.load_filters(core, &[], usage)?;
        let mut all = deletions.clone();
        all.extend(warm.replaced.iter().cloned());
        self.mark_deleted(&all, &gone);
        if let Some(batch) = batch {
            let found = WarmRows { version: warm.version, ..WarmRows::default() };
            self.insert(core, def, std::slice::from_ref(batch), &found, usage)?;
        }
        Ok(count)
    }

    /// Deletes what a commit of another engine deletes, and what its new rows replace.
    ///
    /// # Errors
    /// [`Error::Conflict`] when what was found out about files no longer holds.
    pub(crate) fn give_way(&mut self, core: &Core, to: &Foreign, usage: &Usage) -> Result<()> {
        self.check_files(core, &to.found, usage)?;
        let files = self.state.files(&core.rows, usage)?;
        for (no, rows) in &to.deletions {
            let file = files.iter().find(|file| file.no == *no);
            let still = file.is_some_and(|file| {
                file.deleted.as_ref().is_none_or(|gone| gone.is_disjoint(rows))
            });
            if !still {
                return Err(Error::Conflict { table: self.state.def.name.clone() });
            }
        }
        let mut all = match &to.keys {
            Some(keys) => {
                let columns = key_columns(&self.state.def, keys)?;
                let index = KeyIndex::of_columns(self.state.def.kind, columns.clone())?;
                self.find_live(core, &index, &columns, usage)?
            }
            None => Vec::new(),
        };
        let mut gone = self.stats_of(core, &all, usage)?;
        merge_stats(&mut gone, &to.found.stats);
        all.extend(to.found.replaced.iter().cloned());
        all.extend(to.deletions.iter().cloned());
        self.load_filters(core, &[], usage)?;
        self.mark_deleted(&all, &gone);
        Ok(())
    }

    /// Does what was found out about rows in files still hold?
    fn check_files(&self, core: &Core, warm: &WarmRows, usage: &Usage) -> Result<()> {
        let conflict = || Error::Conflict { table: self.state.def.name.clone() };
        if self.state.warm.as_ref().map(|warm| warm.head.version) != warm.version {
            return Err(conflict());
        }
        if warm.replaced.is_empty() {
            return Ok(());
        }
        let files = self.state.files(&core.rows, usage)?;
        for (no, rows) in &warm.replaced {
            let file = files.iter().find(|file| file.no == *no).ok_or_else(conflict)?;
            if file.deleted.as_ref().is_some_and(|gone| !gone.is_disjoint(rows)) {
                return Err(conflict());
            }
        }
        Ok(())
    }

    /// Puts the outcome of a merge in the place of its inputs. Rows deleted since the merge read
    /// them are deleted in its outputs too.
    ///
    /// # Errors
    /// [`Error::Conflict`] when an input is gone.
    pub(crate) fn merge(&mut self, core: &Core, merged: Merged, usage: &Usage) -> Result<u64> {
        let conflict = || Error::Conflict { table: self.state.def.name.clone() };
        let mut inputs = Vec::with_capacity(merged.inputs.len());
        for no in &merged.inputs {
            inputs.push(self.state.part(*no).ok_or_else(conflict)?.clone());
        }
        let late = merged.late_deletions(&inputs);
        let born_ms = inputs.iter().filter_map(|part| part.born_ms).min();
        self.load_filters(core, &merged.outputs, usage)?;
        let first = merged.inputs.first().copied();
        let at = self.state.parts.iter().position(|p| Some(p.no) == first).unwrap_or_default();
        for part in &inputs {
            self.retire(part);
        }
        let tail = self.state.parts.split_off(at.min(self.state.parts.len()));
        let mut rows = 0;
        for (part, late) in merged.outputs.into_iter().zip(late) {
            rows += part.rows;
            let state = self.place(part, born_ms);
            let state = if late.is_empty() { state } else { state.with_deleted(&late) };
            self.state.parts.push(Arc::new(state));
        }
        self.state.parts.extend(tail);
        self.head_changed = true;
        Ok(rows)
    }

    /// Forgets every row. `warm` is the pointer before and after a commit that removes all files.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the pointer is another.
    pub(crate) fn truncate(
        &mut self,
        core: &Core,
        warm: Option<&(String, String)>,
        usage: &Usage,
    ) -> Result<u64> {
        let rows = self.state.rows;
        self.forget_files(core, warm, usage)?;
        self.load_filters(core, &[], usage)?;
        for part in std::mem::take(&mut self.state.parts) {
            self.retire(&part);
        }
        self.state.rows = 0;
        self.state.summary = self.state.empty_summary();
        if self.state.warm.is_none() {
            self.state.paths.clear();
        }
        self.head_changed = true;
        Ok(rows)
    }

    /// Live rows that have the keys of `columns`, which `index` indexes.
    fn find_live(
        &mut self,
        core: &Core,
        index: &KeyIndex,
        columns: &[arrow_array::ArrayRef],
        usage: &Usage,
    ) -> Result<Deletions> {
        let zone = key_zone(&self.state.def, columns);
        let any_in_ids = self.state.parts.iter().any(|p| p.in_ids);
        let filters = if any_in_ids { Some(self.filters(core, usage)?) } else { None };
        let mut out = Vec::new();
        for part in &self.state.parts {
            if part.live() == 0 || !zone_might_match(part, &zone) {
                continue;
            }
            let filter = match (&part.filter, &filters) {
                (Some(filter), _) => Some(filter),
                (None, Some(filters)) => filters.get(part.no),
                (None, None) => None,
            };
            let candidates: Vec<usize> = index
                .hashes()
                .iter()
                .enumerate()
                .filter(|(_, hash)| filter.is_none_or(|f| f.might_contain(**hash)))
                .map(|(row, _)| row)
                .collect();
            if candidates.is_empty() {
                continue;
            }
            let there = core.parts.key_index(&self.state.def, part, usage)?;
            let mut rows = RoaringBitmap::new();
            for row in candidates {
                let hash = index.hashes().get(row).copied().unwrap_or_default();
                if let Some(found) = there.find(hash, columns, row)
                    && !part.is_deleted(found)
                {
                    rows.insert(found);
                }
            }
            if !rows.is_empty() {
                out.push((part.no, rows));
            }
        }
        Ok(out)
    }

    /// Statistics of the rows named, for the columns that the state summarises.
    fn stats_of(
        &self,
        core: &Core,
        deletions: &Deletions,
        usage: &Usage,
    ) -> Result<Vec<(u32, ColumnStats)>> {
        let mut out: Vec<(u32, ColumnStats)> = Vec::new();
        let def = &self.state.def;
        for (no, rows) in deletions {
            let Some(part) = self.state.part(*no) else { continue };
            let reader = core.parts.reader(def, part, usage)?;
            for granule in 0..reader.granule_count() {
                let range = reader.granule_rows(granule);
                let (start, end) = (range.start as u32, range.end as u32);
                let within: UInt32Array = rows.range(start..end).map(|row| row - start).collect();
                if within.is_empty() {
                    continue;
                }
                for column in def.schema.columns() {
                    if !self.state.summary.contains_key(&column.id) {
                        continue;
                    }
                    let array = core.parts.read(def, part, &reader, column, granule, usage)?;
                    let stats = ColumnStats::of(&take(&array, &within, None)?);
                    match out.iter_mut().find(|(id, _)| *id == column.id) {
                        Some((_, sum)) => sum.merge(&stats),
                        None => out.push((column.id, stats)),
                    }
                }
            }
        }
        Ok(out)
    }

    fn mark_deleted(&mut self, deletions: &Deletions, gone: &[(u32, ColumnStats)]) {
        let mut count = 0;
        for (no, rows) in deletions {
            count += rows.len();
            match self.state.parts.iter_mut().find(|p| p.no == *no) {
                Some(slot) => *slot = Arc::new(slot.with_deleted(rows)),
                None => self.delete_in_files(*no, rows),
            }
        }
        if count > 0 {
            self.head_changed = true;
            self.state.remove_rows(count, gone);
            self.drop_empty_parts();
        }
    }

    /// A part without a live row is of no use to anybody.
    fn drop_empty_parts(&mut self) {
        let empty: Vec<Arc<PartState>> =
            self.state.parts.iter().filter(|p| p.live() == 0).cloned().collect();
        for part in empty {
            self.retire(&part);
        }
    }

    pub(crate) fn retire(&mut self, part: &Arc<PartState>) {
        self.state.parts.retain(|p| p.no != part.no);
        if part.fresh.is_none() {
            self.state.garbage.push(part.no);
            self.retired.push((part.no, part.guard.clone()));
        }
        if part.in_ids {
            self.forget_filter(part.no);
        }
    }

    /// Takes the filter of a part or file out of the `_ids` rows.
    pub(crate) fn forget_filter(&mut self, no: u64) {
        if let Some(filters) = self.filters.as_mut() {
            Arc::make_mut(filters).remove(no);
        }
        self.ids_changed = true;
    }

    /// Puts the filter of a part or file in the `_ids` rows, unless all would have more than
    /// `bytes_max` then: `false`.
    pub(crate) fn keep_filter(
        &mut self,
        no: u64,
        filter: Arc<dodb_part::Sbbf>,
        bytes_max: usize,
    ) -> bool {
        let Some(filters) = self.filters.as_mut() else { return false };
        let is_kept = Arc::make_mut(filters).insert(no, filter, bytes_max);
        self.ids_changed |= is_kept;
        is_kept
    }

    /// Numbers a new part and queues its rows.
    fn place(&mut self, part: NewPart, born_ms: Option<i64>) -> PartState {
        let no = self.state.next_part;
        self.state.next_part += 1;
        let mut state = part.state(no, born_ms);
        if let (true, Some(filter)) = (part.in_ids, &part.filter) {
            state.in_ids = self.keep_filter(no, filter.clone(), ids::BYTES_MAX);
        }
        self.rows.extend(part.image.into_iter().map(|row| (no, row)));
        self.head_changed = true;
        state
    }

    fn add(&mut self, part: NewPart, now_ms: i64) {
        self.state.add_rows(part.rows, &part.stats);
        let state = self.place(part, Some(now_ms));
        self.state.parts.push(Arc::new(state));
    }

    /// Joins fresh entries to one when there are many, and makes a part of them when the head row
    /// would grow too large.
    fn join_fresh(&mut self, core: &Core, usage: &Usage) -> Result<()> {
        let fresh: Vec<Arc<PartState>> =
            self.state.parts.iter().filter(|p| p.fresh.is_some()).cloned().collect();
        let (bytes, _) = self.state.fresh_size();
        let too_large = bytes > core.options.fold_bytes_max;
        if fresh.len() <= core.options.fresh_entries_max && !too_large {
            return Ok(());
        }
        let mut batches = Vec::new();
        for part in &fresh {
            for batch in live_batches(core, &self.state.def, part, usage)? {
                batches.push(batch?);
            }
        }
        let purpose = if too_large { Purpose::Insert } else { Purpose::Fresh };
        let Some(first) = batches.first() else { return Ok(()) };
        let joined = concat_batches(&first.schema(), &batches)?;
        let parts = assemble(&self.state.def, &core.options, purpose, bytes, [Ok(joined)])?;
        self.load_filters(core, &parts, usage)?;
        for part in &fresh {
            self.retire(part);
        }
        let born_ms = fresh.iter().filter_map(|part| part.born_ms).min();
        for part in parts {
            let state = self.place(part, born_ms);
            self.state.parts.push(Arc::new(state));
        }
        Ok(())
    }

    /// Makes the filters of large parts available where `_ids` may have to be rewritten.
    fn load_filters(&mut self, core: &Core, new: &[NewPart], usage: &Usage) -> Result<()> {
        let needed = new.iter().any(|p| p.in_ids) || self.state.parts.iter().any(|p| p.in_ids);
        if needed {
            self.filters(core, usage)?;
        }
        Ok(())
    }

    /// The same before files come, with filters or not, or some of `files` go.
    pub(crate) fn load_filters_for_files(
        &mut self,
        core: &Core,
        any_new: bool,
        files: &[Arc<PartState>],
        usage: &Usage,
    ) -> Result<()> {
        if any_new || files.iter().chain(&self.state.parts).any(|part| part.in_ids) {
            self.filters(core, usage)?;
        }
        Ok(())
    }

    fn filters(&mut self, core: &Core, usage: &Usage) -> Result<Arc<IdFilters>> {
        if let Some(filters) = &self.filters {
            return Ok(filters.clone());
        }
        let filters = self.slot.filters(core, &self.state, usage)?;
        self.filters = Some(filters.clone());
        Ok(filters)
    }

    /// The filters as they will be after the commit, if they were needed.
    pub(crate) fn filters_after(&self) -> Option<&Arc<IdFilters>> {
        self.filters.as_ref()
    }
}

/// Bounds of the first key column of a batch.
pub(crate) fn key_zone(def: &TableDef, columns: &[arrow_array::ArrayRef]) -> Option<Predicate> {
    let (id, column) = (def.key().first()?, columns.first()?);
    let stats = ColumnStats::of(column);
    let (min, max) = (stats.min?, stats.max?);
    if !stats.exact {
        return None;
    }
    let from = Predicate::Compare { column: *id, op: CompareOp::GtEq, value: min };
    let to = Predicate::Compare { column: *id, op: CompareOp::LtEq, value: max };
    Some(Predicate::And(vec![from, to]))
}

/// Can the part have a key within these bounds?
pub(crate) fn zone_might_match(part: &PartState, zone: &Option<Predicate>) -> bool {
    let Some(zone) = zone else { return true };
    let evidence = |id: u32| dodb_part::Evidence { stats: part.zones.get(&id), bloom: None };
    prune(zone, &evidence) == Answer::MightMatch
}

pub(crate) fn merge_stats(into: &mut Vec<(u32, ColumnStats)>, more: &[(u32, ColumnStats)]) {
    for (id, stats) in more {
        match into.iter_mut().find(|(known, _)| known == id) {
            Some((_, sum)) => sum.merge(stats),
            None => into.push((*id, stats.clone())),
        }
    }
}
