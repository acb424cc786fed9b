//! Scans: prune (which parts and granules can hold rows), filter (read the columns of the
//! predicate, find the rows), project (read the other columns for those rows only), as separate
//! passes. Not here: which predicate a query has (`dodb-query`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use arrow_select::filter::{
    FilterBuilder, FilterPredicate, filter_record_batch, prep_null_mask_filter,
};
use dodb_part::json::PathType;
use dodb_part::{
    Answer, ColumnStats, ColumnType, CompareOp, Evidence, PartReader, Predicate, Scalar, prune,
};
use dodb_rowstore::{Usage, UsageCounts};
use parking_lot::Mutex;

use crate::db::Core;
use crate::error::{Error, Result};
use crate::index::{Candidates, Hits, candidates};
use crate::keys::fill_ids;
use crate::lookup::{KeyLookup, Verdicts};
use crate::options::ReadAhead;
use crate::parts::{OpenPart, place};
use crate::snapshot::Snapshot;
use crate::state::PartState;
use crate::table::{TableDef, TableKind, relationships};
use crate::warm::FileScanner;

/// The name of the virtual column that holds a row's part number.
pub const PART_COLUMN: &str = "_part";
/// The name of the virtual column that holds a row's number within its part.
pub const ROW_COLUMN: &str = "_row";

/// What to read.
#[derive(Debug, Clone)]
pub struct ScanRequest {
    /// Column ids, in the order of the batches to come; ids of `paths` among them.
    pub columns: Vec<u32>,
    /// Paths of JSON columns that are read as columns.
    pub paths: Vec<PathColumn>,
    /// Only rows for which this is true. Applied exactly.
    pub predicate: Predicate,
    /// Append [`PART_COLUMN`] and [`ROW_COLUMN`], for [`crate::Db::mutate`].
    pub row_addresses: bool,
}

/// A path of a JSON column, read as a column of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathColumn {
    /// What [`ScanRequest::columns`] and predicates call it: [`PATH_ID_MIN`] or more.
    pub id: u32,
    /// The name of the field.
    pub name: String,
    /// The JSON column.
    pub column: u32,
    /// The stored path ([`dodb_part::json::path_text`]).
    pub path: String,
    /// What its values are read as.
    pub ty: PathType,
}

/// Ids of [`PathColumn`]s are no ids of columns.
pub const PATH_ID_MIN: u32 = 1 << 31;

/// What pruning and scanning came to, counted while it happens.
#[derive(Debug, Default)]
pub struct ScanCounters {
    /// Parts of the table.
    pub parts: AtomicU64,
    /// Parts left out by the bounds in the head row.
    pub parts_pruned_by_zone: AtomicU64,
    /// Parts left out by a key filter.
    pub parts_pruned_by_filter: AtomicU64,
    /// Parts opened and left out by the statistics or filters of their header.
    pub parts_pruned_by_header: AtomicU64,
    /// Files of the table in the bucket.
    pub files: AtomicU64,
    /// Files left out by the bounds in the list of files.
    pub files_pruned_by_zone: AtomicU64,
    /// Files left out by the posting lists of the index.
    pub files_pruned_by_index: AtomicU64,
    /// Files left out by what is known of their paths.
    pub files_pruned_by_stats: AtomicU64,
    /// 1 when the index had to be left aside because a row of it could not be read.
    pub index_unreadable: AtomicU64,
    /// Files left out by a key filter.
    pub files_pruned_by_filter: AtomicU64,
    /// Row groups of the files that were opened.
    pub row_groups: AtomicU64,
    /// Row groups left out by their statistics or filters.
    pub row_groups_pruned: AtomicU64,
    /// Pieces of work left out because of what the query had come to before their turn.
    pub tasks_pruned_late: AtomicU64,
    /// Granules looked at.
    pub granules: AtomicU64,
    /// Granules left out by their bounds.
    pub granules_pruned: AtomicU64,
    /// Rows that the predicate was applied to.
    pub rows_scanned: AtomicU64,
    /// Rows given out.
    pub rows_returned: AtomicU64,
    /// Bytes of the segments that were decoded, as stored, and those that the bucket gave.
    pub bytes_decoded: AtomicU64,
}

/// A piece of work: granules of one part, or a file. Pieces can be read in any order, and in
/// parallel.
#[derive(Debug, Clone)]
pub struct ScanTask {
    pub(crate) part: Arc<PartState>,
    granules: Range<u32>,
    /// Did the index name it for the values that are asked for?
    pub(crate) is_told: bool,
    /// The rows of the file that can have them, as the index says; `None`: any.
    pub(crate) rows: Option<Arc<[Range<u64>]>>,
}

impl ScanTask {
    /// Is it a file of the bucket?
    pub fn is_file(&self) -> bool {
        self.part.file.is_some()
    }

    /// Bytes of the part or file, as stored.
    pub fn bytes(&self) -> u64 {
        self.part.bytes
    }

    /// Between which values those of a column are, where that is known.
    pub fn bounds(&self, column: u32) -> Option<(&Scalar, &Scalar)> {
        let stats = self.part.zones.get(&column)?;
        Some((stats.min.as_ref()?, stats.max.as_ref()?))
    }
}

/// A planned scan.
pub struct ScanPlan {
    snapshot: Snapshot,
    request: ScanRequest,
    schema: SchemaRef,
    tasks: Vec<ScanTask>,
    /// Files are chosen when the scan begins: planning alone does not read their list.
    file_tasks: OnceLock<Vec<ScanTask>>,
    /// Held by the thread that chooses them.
    choosing: Mutex<()>,
    counters: Arc<ScanCounters>,
}

/// Granules in one task at most: enough to be worth a thread's turn.
const TASK_GRANULES_MAX: u32 = 8;

impl ScanPlan {
    pub(crate) fn new(snapshot: Snapshot, request: ScanRequest, usage: &Usage) -> Result<ScanPlan> {
        let state = snapshot.state.clone();
        let counters = Arc::new(ScanCounters::default());
        counters.parts.store(state.parts.len() as u64, Relaxed);
        let schema = output_schema(&state.def, &request)?;
        let files = state.warm.as_ref().map_or(0, |warm| warm.head.files);
        counters.files.store(files, Relaxed);
        let in_zone = |part: &&Arc<PartState>| is_in_zone(&state.def, part, &request.predicate);
        let mut parts: Vec<Arc<PartState>> = state.parts.iter().filter(in_zone).cloned().collect();
        let by_zone = state.parts.len() - parts.len();
        counters.parts_pruned_by_zone.store(by_zone as u64, Relaxed);
        if let Some(lookup) = KeyLookup::of(&state.def, &request.predicate) {
            let verdicts = Verdicts::new(&snapshot, &parts, &lookup, usage)?;
            let before = parts.len();
            parts.retain(|part| verdicts.might_hold(part));
            counters.parts_pruned_by_filter.store((before - parts.len()) as u64, Relaxed);
        }
        let mut tasks = Vec::new();
        for part in parts {
            let mut start = 0;
            while start < part.granules {
                let end = part.granules.min(start + TASK_GRANULES_MAX);
                let (part, granules) = (part.clone(), start..end);
                tasks.push(ScanTask { part, granules, is_told: false, rows: None });
                start = end;
            }
        }
        let (file_tasks, choosing) = (OnceLock::new(), Mutex::new(()));
        Ok(ScanPlan { snapshot, request, schema, tasks, file_tasks, choosing, counters })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The pieces of work. Reads the list of files, and their key filters, if there are any.
    pub fn tasks(&self, usage: &Usage) -> Result<Vec<ScanTask>> {
        Ok(self.tasks.iter().chain(self.file_tasks(usage)?).cloned().collect())
    }

    /// The pieces that are files. Threads that ask at once wait for the first of them to read what
    /// that takes.
    fn file_tasks(&self, usage: &Usage) -> Result<&[ScanTask]> {
        if let Some(files) = self.file_tasks.get() {
            return Ok(files);
        }
        let _choosing = self.choosing.lock();
        if let Some(files) = self.file_tasks.get() {
            return Ok(files);
        }
        let files = self.plan_files(usage)?;
        Ok(self.file_tasks.get_or_init(|| files))
    }

    /// How far reading files may be ahead of their turn.
    pub fn read_ahead(&self) -> ReadAhead {
        self.snapshot.core.options.read_ahead
    }

    /// What reading will take, as far as can be told before and with nothing in memory: a row for a
    /// part, and one for each column of a wide one; a request for a file, or more for a large one,
    /// and its bytes, all of them.
    pub fn estimate(&self, usage: &Usage) -> Result<UsageCounts> {
        let mut estimate = UsageCounts::default();
        let mut seen = BTreeSet::new();
        let wide_min = self.snapshot.core.options.compact_bytes_max;
        let columns = (self.request.columns.len() + self.request.paths.len()) as u64;
        for task in self.tasks(usage)? {
            let part = &task.part;
            if !seen.insert(part.no) || part.fresh.is_some() {
                continue;
            }
            match part.file {
                Some(_) => {
                    estimate.object_gets += 1;
                    estimate.object_bytes += part.bytes;
                }
                None if part.bytes > wide_min => estimate.rows_read += 1 + columns,
                None => estimate.rows_read += 1,
            }
        }
        Ok(estimate)
    }

    /// How many pieces of work there may be. Reads nothing.
    pub fn tasks_max(&self) -> usize {
        let files = self.snapshot.state.warm.as_ref().map_or(0, |warm| warm.head.files);
        self.tasks.len() + files as usize
    }

    fn plan_files(&self, usage: &Usage) -> Result<Vec<ScanTask>> {
        let (core, state) = (&self.snapshot.core, &self.snapshot.state);
        let files = match candidates(core, state, &self.request, usage)? {
            Candidates::Files(hits) => return self.tasks_of_told(&hits, usage),
            Candidates::Unreadable => {
                self.counters.index_unreadable.store(1, Relaxed);
                state.files(&core.rows, usage)?
            }
            Candidates::Any => state.files(&core.rows, usage)?,
        };
        let in_zone =
            |file: &&Arc<PartState>| is_in_zone(&state.def, file, &self.request.predicate);
        let mut near: Vec<Arc<PartState>> = files.iter().filter(in_zone).cloned().collect();
        let by_zone = (files.len() - near.len()) as u64;
        self.counters.files_pruned_by_zone.store(by_zone, Relaxed);
        let lookup = KeyLookup::of(&state.def, &self.request.predicate);
        if let Some(lookup) = lookup.filter(|_| !near.is_empty()) {
            let verdicts = Verdicts::new(&self.snapshot, &near, &lookup, usage)?;
            let before = near.len();
            near.retain(|file| verdicts.might_hold(file));
            let by_filter = (before - near.len()) as u64;
            self.counters.files_pruned_by_filter.store(by_filter, Relaxed);
        }
        let near = self.within_stats(near, usage)?;
        let task = |part| ScanTask { part, granules: 0..0, is_told: false, rows: None };
        Ok(near.into_iter().map(task).collect())
    }

    /// The files that the index names, less those out of bounds.
    fn tasks_of_told(&self, hits: &Hits, usage: &Usage) -> Result<Vec<ScanTask>> {
        let (state, counters) = (&self.snapshot.state, &self.counters);
        let files = state.files_of(hits.files(), &self.snapshot.core.rows, usage)?;
        let all = counters.files.load(Relaxed);
        counters.files_pruned_by_index.store(all.saturating_sub(files.len() as u64), Relaxed);
        let in_zone =
            |file: &&Arc<PartState>| is_in_zone(&state.def, file, &self.request.predicate);
        let near: Vec<Arc<PartState>> = files.iter().filter(in_zone).cloned().collect();
        counters.files_pruned_by_zone.store((files.len() - near.len()) as u64, Relaxed);
        // One file is read sooner than what is known of it.
        let near = if near.len() > 1 { self.within_stats(near, usage)? } else { near };
        let task = |part: Arc<PartState>| {
            let number = u32::try_from(part.no).ok();
            let rows = number.and_then(|number| hits.rows_of(number));
            let rows = rows.map(|ranges| Arc::from(ranges.as_slice()));
            ScanTask { part, granules: 0..0, is_told: true, rows }
        };
        Ok(near.into_iter().map(task).collect())
    }

    /// The files that can have rows by what is known of the paths that the predicate asks for.
    fn within_stats(
        &self,
        files: Vec<Arc<PartState>>,
        usage: &Usage,
    ) -> Result<Vec<Arc<PartState>>> {
        let (snapshot, predicate) = (&self.snapshot, &self.request.predicate);
        let columns = predicate.columns();
        let asked = self.request.paths.iter().filter(|path| columns.contains(&path.id));
        let asked: Vec<&PathColumn> = asked.collect();
        let Some(stats) = snapshot.path_stats(&files, &asked, usage)? else { return Ok(files) };
        let before = files.len();
        let might = |file: &Arc<PartState>| {
            let of_path = |id: u32| {
                let path = asked.iter().find(|path| path.id == id)?;
                stats.get(file.no, path)
            };
            let evidence = |id: u32| Evidence {
                stats: of_path(id).or_else(|| zone(&snapshot.state.def, file, id)),
                bloom: None,
            };
            prune(predicate, &evidence) == Answer::MightMatch
        };
        let left: Vec<Arc<PartState>> = files.into_iter().filter(might).collect();
        let pruned = (before - left.len()) as u64;
        self.counters.files_pruned_by_stats.store(pruned, Relaxed);
        Ok(left)
    }

    /// What the scan came to so far.
    pub fn counters(&self) -> &Arc<ScanCounters> {
        &self.counters
    }

    /// Rows of the parts that are left, deleted ones included: an upper bound of the answer.
    pub fn rows_max(&self) -> u64 {
        let mut parts = BTreeMap::new();
        for task in &self.tasks {
            parts.insert(task.part.no, task.part.live());
        }
        let hot: u64 = parts.values().sum();
        let warm = match self.file_tasks.get() {
            Some(files) => files.iter().map(|task| task.part.live()).sum(),
            None => self.snapshot.state.warm.as_ref().map_or(0, |warm| warm.head.rows),
        };
        hot + warm
    }

    /// The table.
    pub fn def(&self) -> &TableDef {
        &self.snapshot.state.def
    }

    /// Begins a piece of work of which only rows that meet `narrowed` matter by now; `None` when
    /// none can.
    pub fn start_narrowed(&self, task: &ScanTask, narrowed: Predicate) -> Option<Scanner> {
        if narrowed == Predicate::True {
            return Some(self.start(task));
        }
        if !is_in_zone(self.def(), &task.part, &narrowed) {
            self.counters.tasks_pruned_late.fetch_add(1, Relaxed);
            return None;
        }
        let mut scanner = self.start(task);
        let stated = std::mem::replace(&mut scanner.request.predicate, Predicate::True);
        scanner.request.predicate = Predicate::and(stated, narrowed);
        Some(scanner)
    }

    /// Begins a piece of work.
    pub fn start(&self, task: &ScanTask) -> Scanner {
        let (core, state) = (&self.snapshot.core, &self.snapshot.state);
        let is_file = task.part.file.is_some();
        let file = is_file.then(|| FileScanner::new(core.clone(), state.clone(), task.clone()));
        Scanner {
            file,
            core: self.snapshot.core.clone(),
            def: self.snapshot.state.def.clone(),
            request: self.request.clone(),
            schema: self.schema.clone(),
            counters: self.counters.clone(),
            part: task.part.clone(),
            granules: task.granules.clone(),
            reader: None,
        }
    }
}

/// Reads one [`ScanTask`], a batch a granule.
pub struct Scanner {
    core: Arc<Core>,
    def: Arc<TableDef>,
    request: ScanRequest,
    schema: SchemaRef,
    counters: Arc<ScanCounters>,
    part: Arc<PartState>,
    granules: Range<u32>,
    reader: Option<Arc<PartReader>>,
    /// Of a task that is a file.
    file: Option<FileScanner>,
}

impl Scanner {
    /// The next batch that has rows; `None` when the task is done. Waits only for the bucket.
    pub async fn next_batch(&mut self, usage: &Usage) -> Result<Option<RecordBatch>> {
        match &mut self.file {
            Some(file) => file.next_batch(&self.request, &self.schema, &self.counters, usage).await,
            None => self.next_granule(usage),
        }
    }

    fn next_granule(&mut self, usage: &Usage) -> Result<Option<RecordBatch>> {
        let Some(reader) = self.open(usage)? else { return Ok(None) };
        while let Some(granule) = self.granules.next() {
            self.counters.granules.fetch_add(1, Relaxed);
            if let Some(batch) = self.granule(&reader, granule as usize, usage)? {
                self.counters.rows_returned.fetch_add(batch.num_rows() as u64, Relaxed);
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn open(&mut self, usage: &Usage) -> Result<Option<Arc<PartReader>>> {
        if let Some(reader) = &self.reader {
            return Ok(Some(reader.clone()));
        }
        let reader = self.core.parts.reader(&self.def, &self.part, usage)?;
        let derived = derived_column(&self.def);
        let of_paths = self.path_stats(&reader, None);
        let stats = |id: u32| match of_paths.get(&id) {
            Some(stats) => Some(stats),
            None => reader.stats(id).filter(|_| Some(id) != derived),
        };
        let by_stats = |id: u32| Evidence { stats: stats(id), bloom: None };
        let mut blooms = BTreeMap::new();
        let open = prune(&self.request.predicate, &by_stats) == Answer::MightMatch;
        let mut equalities = Vec::new();
        if open {
            equality_columns(&self.request.predicate, &mut equalities);
        }
        for id in equalities {
            let parts = &self.core.parts;
            let bloom = match self.path(id) {
                Some(path) => parts.path_bloom(&self.def, &self.part, &reader, path, usage)?,
                None => parts.bloom(&self.def, &self.part, &reader, id, usage)?,
            };
            if let Some(bloom) = bloom {
                blooms.insert(id, bloom);
            }
        }
        let all = |id: u32| Evidence { stats: stats(id), bloom: blooms.get(&id) };
        if !open || prune(&self.request.predicate, &all) == Answer::CannotMatch {
            if self.granules.start == 0 {
                self.counters.parts_pruned_by_header.fetch_add(1, Relaxed);
            }
            self.granules = 0..0;
            return Ok(None);
        }
        self.reader = Some(reader.clone());
        Ok(Some(reader))
    }

    fn granule(
        &self,
        reader: &PartReader,
        granule: usize,
        usage: &Usage,
    ) -> Result<Option<RecordBatch>> {
        let derived = derived_column(&self.def);
        let of_paths = self.path_stats(reader, Some(granule));
        let evidence = |id: u32| {
            let known = Some(id) != derived;
            let stats = reader.granule_stats(id, granule).filter(|_| known);
            Evidence { stats: of_paths.get(&id).or(stats), bloom: None }
        };
        if prune(&self.request.predicate, &evidence) == Answer::CannotMatch {
            self.counters.granules_pruned.fetch_add(1, Relaxed);
            return Ok(None);
        }
        let range = reader.granule_rows(granule);
        let rows = (range.end - range.start) as usize;
        let mut columns = Columns { scanner: self, reader, granule, usage, read: BTreeMap::new() };
        let keep = self.rows_to_keep(&mut columns, range.start, rows)?;
        self.counters.rows_scanned.fetch_add(rows as u64, Relaxed);
        let keep = keep.filter(|keep| keep.true_count() < rows);
        if keep.as_ref().is_some_and(|keep| keep.true_count() == 0) {
            return Ok(None);
        }
        let filter = keep.as_ref().map(|keep| FilterBuilder::new(keep).build());
        let mut out = Vec::with_capacity(self.schema.fields().len());
        for id in &self.request.columns {
            out.push(match (&keep, &filter) {
                (Some(keep), Some(filter)) => columns.selected(*id, keep, filter)?,
                _ => columns.get(*id)?,
            });
        }
        if self.request.row_addresses {
            let part = UInt64Array::from_value(self.part.no, rows);
            for address in [part, UInt64Array::from_iter_values(range)] {
                out.push(match &filter {
                    Some(filter) => filter.filter(&address)?,
                    None => Arc::new(address),
                });
            }
        }
        let kept = keep.as_ref().map_or(rows, BooleanArray::true_count);
        let options = RecordBatchOptions::new().with_row_count(Some(kept));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.clone(), out, &options)?))
    }

    fn count_bytes(&self, bytes: u64) {
        self.counters.bytes_decoded.fetch_add(bytes, Relaxed);
    }

    fn path(&self, id: u32) -> Option<&PathColumn> {
        self.request.paths.iter().find(|path| path.id == id)
    }

    /// What is known of the paths of the predicate, in a granule or the whole part.
    fn path_stats(
        &self,
        reader: &PartReader,
        granule: Option<usize>,
    ) -> BTreeMap<u32, ColumnStats> {
        if self.request.paths.is_empty() {
            return BTreeMap::new();
        }
        let paths = self.request.predicate.columns().into_iter().filter_map(|id| self.path(id));
        let known = paths.filter_map(|path| {
            Some((path.id, reader.path_stats(path.column, &path.path, path.ty, granule)?))
        });
        known.collect()
    }

    /// Rows that are live and meet the predicate; `None`: all of them.
    fn rows_to_keep(
        &self,
        columns: &mut Columns<'_>,
        start: u64,
        rows: usize,
    ) -> Result<Option<BooleanArray>> {
        let live = live_mask(&self.part, start, rows);
        if live.as_ref().is_some_and(|live| live.count_set_bits() == 0) {
            return Ok(Some(BooleanArray::new(BooleanBuffer::new_unset(rows), None)));
        }
        if self.request.predicate == Predicate::True {
            return Ok(live.map(|live| BooleanArray::new(live, None)));
        }
        for id in self.request.predicate.columns() {
            columns.get(id)?;
        }
        let found = self
            .request
            .predicate
            .evaluate(rows, &|id| columns.read.get(&id).cloned())
            .map_err(|e| Error::part(place(&self.def, &self.part), e))?;
        let found = if found.null_count() > 0 { prep_null_mask_filter(&found) } else { found };
        Ok(Some(match live {
            Some(live) => BooleanArray::new(&live & found.values(), None),
            None => found,
        }))
    }
}

/// The columns of one granule, each read once.
struct Columns<'a> {
    scanner: &'a Scanner,
    reader: &'a PartReader,
    granule: usize,
    usage: &'a Usage,
    read: BTreeMap<u32, ArrayRef>,
}

impl Columns<'_> {
    fn open(&self) -> OpenPart<'_> {
        OpenPart { def: &self.scanner.def, part: &self.scanner.part, reader: self.reader }
    }

    fn get(&mut self, id: u32) -> Result<ArrayRef> {
        if let Some(array) = self.read.get(&id) {
            return Ok(array.clone());
        }
        let mut array = self.stored(id)?;
        if Some(id) == derived_column(&self.scanner.def) && array.null_count() > 0 {
            let from = self.get(relationships::FROM_ID)?;
            let to = self.get(relationships::TO_ID)?;
            let ty = self.get(relationships::TYPE)?;
            array = fill_ids(&array, &from, &to, &ty)?;
        }
        self.read.insert(id, array.clone());
        Ok(array)
    }

    /// A column in the rows of `keep` only. Documents that are left out are not put together.
    fn selected(
        &mut self,
        id: u32,
        keep: &BooleanArray,
        filter: &FilterPredicate,
    ) -> Result<ArrayRef> {
        let scanner = self.scanner;
        match scanner.def.schema.by_id(id) {
            Some(column) if column.ty == ColumnType::Json && !self.read.contains_key(&id) => {
                scanner.count_bytes(self.reader.bytes_to_read(id, None, self.granule));
                scanner.core.parts.read_selected(
                    self.open(),
                    column,
                    self.granule,
                    keep.values(),
                    self.usage,
                )
            }
            _ => Ok(filter.filter(&self.get(id)?)?),
        }
    }

    fn stored(&self, id: u32) -> Result<ArrayRef> {
        let scanner = self.scanner;
        let path = scanner.path(id);
        let stored = path.map_or(id, |path| path.column);
        let column = scanner.def.schema.by_id(stored).ok_or_else(|| unknown(&scanner.def, id))?;
        let within = path.map(|path| (path.path.as_str(), path.ty));
        scanner.count_bytes(self.reader.bytes_to_read(stored, within, self.granule));
        if let Some(path) = path {
            return scanner.core.parts.read_path(
                self.open(),
                column,
                path,
                self.granule,
                self.usage,
            );
        }
        scanner.core.parts.read(
            &scanner.def,
            &scanner.part,
            self.reader,
            column,
            self.granule,
            self.usage,
        )
    }
}

/// Can the part have rows that meet the predicate, by the bounds that a state knows?
fn is_in_zone(def: &TableDef, part: &PartState, predicate: &Predicate) -> bool {
    let evidence = |id: u32| Evidence { stats: zone(def, part, id), bloom: None };
    part.live() > 0 && prune(predicate, &evidence) == Answer::MightMatch
}

/// The bounds of a column that a state knows of a part or file.
pub(crate) fn zone<'a>(def: &TableDef, part: &'a PartState, id: u32) -> Option<&'a ColumnStats> {
    if Some(id) == derived_column(def) { None } else { part.zones.get(&id) }
}

/// Columns for which a Bloom filter can answer.
fn equality_columns(predicate: &Predicate, out: &mut Vec<u32>) {
    match predicate {
        Predicate::Compare { column, op: CompareOp::Eq, .. } | Predicate::In { column, .. } => {
            out.push(*column);
        }
        Predicate::And(terms) | Predicate::Or(terms) => {
            terms.iter().for_each(|term| equality_columns(term, out));
        }
        _ => {}
    }
}

/// `relationships.id` is stored as null where it follows from the other columns.
pub(crate) fn derived_column(def: &TableDef) -> Option<u32> {
    (def.kind == TableKind::Relationships).then_some(relationships::ID)
}

pub(crate) fn live_mask(part: &PartState, start: u64, rows: usize) -> Option<BooleanBuffer> {
    let deleted = part.deleted.as_ref()?;
    let (from, to) = (start as u32, start as u32 + rows as u32);
    if deleted.range_cardinality(from..to) == 0 {
        return None;
    }
    let mut bits = arrow_buffer::BooleanBufferBuilder::new(rows);
    bits.append_n(rows, true);
    for row in deleted.range(from..to) {
        bits.set_bit((row - from) as usize, false);
    }
    Some(bits.finish())
}

fn unknown(def: &TableDef, id: u32) -> Error {
    Error::UnknownColumn { table: def.name.clone(), column: format!("#{id}"), known: String::new() }
}

fn output_schema(def: &TableDef, request: &ScanRequest) -> Result<SchemaRef> {
    let all = def.arrow();
    let mut fields = Vec::with_capacity(request.columns.len() + 2);
    for id in &request.columns {
        if let Some(path) = request.paths.iter().find(|path| path.id == *id) {
            fields.push(Arc::new(Field::new(&path.name, path.ty.column_type().arrow(), true)));
            continue;
        }
        let at = def.schema.columns().iter().position(|c| c.id == *id);
        let field = at.and_then(|at| all.fields().get(at)).ok_or_else(|| unknown(def, *id))?;
        fields.push(field.clone());
    }
    if request.row_addresses {
        fields.push(Arc::new(Field::new(PART_COLUMN, DataType::UInt64, false)));
        fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::UInt64, false)));
    }
    Ok(Arc::new(ArrowSchema::new(fields)))
}

/// All live rows of a part as stored, a batch a granule, every column of the table.
pub(crate) fn live_batches<'a>(
    core: &'a Core,
    def: &'a TableDef,
    part: &'a PartState,
    usage: &'a Usage,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + 'a> {
    let reader = core.parts.reader(def, part, usage)?;
    let schema = def.schema.arrow();
    let batches = (0..reader.granule_count()).map(move |granule| {
        let range = reader.granule_rows(granule);
        let live = live_mask(part, range.start, (range.end - range.start) as usize);
        if live.as_ref().is_some_and(|live| live.count_set_bits() == 0) {
            return Ok(RecordBatch::new_empty(schema.clone()));
        }
        let columns = def
            .schema
            .columns()
            .iter()
            .map(|column| core.parts.read(def, part, &reader, column, granule, usage))
            .collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        Ok(match live {
            Some(live) => filter_record_batch(&batch, &BooleanArray::new(live, None))?,
            None => batch,
        })
    });
    Ok(batches)
}
