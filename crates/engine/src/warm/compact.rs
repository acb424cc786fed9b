//! Upkeep of the files in the bucket, a step at a time: small files and those with many deleted
//! rows of a partition are written anew as few, deleted rows become position delete files for other
//! engines. Not here: old snapshots and orphans ([`super::expire`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::{Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use dodb_lake::{Change as LakeChange, FileReader, LiveFile, ReadRequest, Table, write_deletes};
use dodb_part::Predicate;
use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::commit::WarmCommit;
use super::files::deleted_rows;
use super::flush::inputs;
use super::lake::{Lake, changed_columns, next_stamp};
use super::lookup::with_stored_ids;
use super::open::open;
use super::write::{Rows, write};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::index::{is_cover_due, is_fold_due};
use crate::job_log::{JobKind, Progress};
use crate::options::Options;
use crate::state::{PartState, TableState};
use crate::table::TableDef;

/// What one step of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactStep {
    /// Rows written anew.
    pub rows: u64,
    /// Files that were replaced.
    pub files_replaced: u64,
    /// Files written in their place.
    pub files_written: u64,
    /// Files of deleted rows written.
    pub delete_files: u64,
    /// Rows of the index written.
    pub index_rows: u64,
    /// Files that the index said nothing of, and does now.
    pub files_indexed: u64,
    /// Was something done? Then there may be more to do.
    pub more: bool,
}

/// A file with more deleted rows than one in this many is written anew.
const REWRITE_ONE_IN: u64 = 4;
/// How often a step is tried when others change the same table.
const TRIES_MAX: usize = 8;

impl Db {
    /// Does one piece of upkeep of a table's files. With `thorough` it joins even two small files
    /// and writes out every deleted row; without only what is worth its requests.
    ///
    /// # Errors
    /// There is no bucket, or it failed. Nothing changed then.
    pub fn compact_step<'a>(
        &'a self,
        name: &'a str,
        thorough: bool,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<CompactStep>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.compact_in_turn(name, thorough, usage))
    }

    async fn compact_in_turn(
        &self,
        name: &str,
        thorough: bool,
        usage: &Usage,
    ) -> Result<CompactStep> {
        let def = self.core.def(name, usage)?;
        let slot = self.core.slot(def.id);
        let _turn = slot.warm_turn().await;
        let (log, env) = (&self.core.job_log, &self.core.env);
        log.begin(JobKind::Compact, &def.name, env.now_ms());
        let step = self.try_compact(name, thorough, usage).await;
        let told = step.clone().map(|step| Progress {
            rows: step.rows,
            rows_left: None,
            changed: step != CompactStep::default(),
            more: step.more,
        });
        log.end(JobKind::Compact, &def.name, env.now_ms(), &told);
        step
    }

    async fn try_compact(&self, name: &str, thorough: bool, usage: &Usage) -> Result<CompactStep> {
        for _ in 1..TRIES_MAX {
            match self.compact_some(name, thorough, usage).await {
                Err(Error::Conflict { .. }) => {}
                other => return other,
            }
        }
        self.compact_some(name, thorough, usage).await
    }

    async fn compact_some(&self, name: &str, thorough: bool, usage: &Usage) -> Result<CompactStep> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let state = core.state(&def, usage)?;
        let files = state.files(&core.rows, usage)?;
        let Some(warm) = &state.warm else { return Ok(CompactStep::default()) };
        let group = choose(&files, &core.options, thorough);
        if group.is_empty() && !has_deletes_due(&files, thorough) {
            if is_cover_due(&core.slot(def.id), &state) {
                let files_indexed = self.cover_some(&state, usage).await?;
                if files_indexed > 0 {
                    return Ok(CompactStep { files_indexed, more: true, ..CompactStep::default() });
                }
            }
            let is_due =
                warm.head.index.as_ref().is_some_and(|i| is_fold_due(i, &core.options, thorough));
            let index_rows = if is_due { self.fold_index(&def, usage)? } else { 0 };
            return Ok(CompactStep { index_rows, more: index_rows > 0, ..CompactStep::default() });
        }
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        if !group.is_empty() {
            return self.rewrite(&state, &table, &group, &lake, usage).await;
        }
        let live = table.files(None).await?;
        let live: HashMap<&str, &LiveFile> =
            live.iter().map(|live| (live.file.file_path(), live)).collect();
        self.write_deletes(&state, &table, &files, &live, thorough, &lake, usage).await
    }

    async fn rewrite(
        &self,
        state: &TableState,
        table: &Table,
        group: &[Arc<PartState>],
        lake: &Lake<'_>,
        usage: &Usage,
    ) -> Result<CompactStep> {
        let (core, def) = (&self.core, &state.def);
        let env = core.env.as_ref();
        let evolved = match changed_columns(def, table)? {
            Some(schema) => {
                let change = LakeChange { schema: Some(schema), ..LakeChange::default() };
                table.prepare(&change, &next_stamp(env, table)).await?.table
            }
            None => table.clone(),
        };
        let mut batches = Vec::new();
        let mut from = Vec::new();
        for (at, part) in group.iter().enumerate() {
            let reader = open(core, state, part, &lake.bucket, usage).await?;
            read(def, part, &reader, (at as u32, &mut batches, &mut from)).await?;
        }
        let mut added = Vec::new();
        let mut outputs = Vec::new();
        if !from.is_empty() {
            let all = concat_batches(&nullable(def), &batches)?;
            drop(batches);
            let written = write(core, def, &evolved, Rows::new(all, &from)?).await?;
            (added, outputs) = written.into_iter().unzip();
        }
        let uris = group.iter().filter_map(|part| Some(part.file.as_ref()?.uri.clone()));
        let change = LakeChange {
            added,
            removed: uris.collect(),
            planned_at: table.metadata().current_snapshot_id(),
            same_rows: !outputs.is_empty() && !group.iter().any(|part| unwritten(part) > 0),
            ..LakeChange::default()
        };
        let step = CompactStep {
            rows: outputs.iter().map(|file| file.rows).sum(),
            files_replaced: group.len() as u64,
            files_written: outputs.len() as u64,
            more: true,
            ..CompactStep::default()
        };
        let prepared = evolved.prepare(&change, &next_stamp(env, &evolved)).await?;
        let commit = WarmCommit {
            base: Some(table.metadata_location().to_owned()),
            metadata: prepared.table.metadata_location().to_owned(),
            inputs: inputs(group),
            outputs,
            schema: evolved.layout().to_text()?,
            ..WarmCommit::default()
        };
        self.swap(def, commit, &prepared, lake, usage).await?;
        Ok(step)
    }

    /// Tells the Iceberg table which rows are deleted: one delete file for each data file, with all
    /// of its deleted rows, in the place of the one before.
    #[expect(clippy::too_many_arguments, reason = "what a step of upkeep has read")]
    async fn write_deletes(
        &self,
        state: &TableState,
        table: &Table,
        files: &[Arc<PartState>],
        live: &HashMap<&str, &LiveFile>,
        thorough: bool,
        lake: &Lake<'_>,
        usage: &Usage,
    ) -> Result<CompactStep> {
        let (core, def) = (&self.core, &state.def);
        if !has_deletes_due(files, thorough) {
            return Ok(CompactStep::default());
        }
        let mut change = LakeChange {
            planned_at: table.metadata().current_snapshot_id(),
            ..LakeChange::default()
        };
        let mut deletes_written = BTreeMap::new();
        let mut objects = Vec::new();
        for part in files {
            let Some(file) = &part.file else { continue };
            let Some(known) = live.get(file.uri.as_str()) else { continue };
            let count = part.deleted_count();
            if unwritten(part) == 0 {
                continue;
            }
            let uri = table.delete_file_uri(next_stamp(core.env.as_ref(), table).uuid);
            let rows = deleted_rows(part.deleted.as_deref());
            let spec = table.metadata().default_partition_spec_id();
            let written = write_deletes(&lake.bucket, &uri, &known.file, spec, &rows).await?;
            change.added.push(written);
            change.removed.extend(known.deletes.iter().map(|old| old.file_path().to_owned()));
            deletes_written.insert(part.no, count);
            objects.push(uri);
        }
        if change.added.is_empty() {
            return Ok(CompactStep::default());
        }
        let mut prepared = table.prepare(&change, &next_stamp(core.env.as_ref(), table)).await?;
        prepared.written.extend(objects);
        let step = CompactStep {
            delete_files: change.added.len() as u64,
            more: true,
            ..CompactStep::default()
        };
        let commit = WarmCommit {
            base: Some(table.metadata_location().to_owned()),
            metadata: prepared.table.metadata_location().to_owned(),
            deletes_written,
            ..WarmCommit::default()
        };
        self.swap(def, commit, &prepared, lake, usage).await?;
        Ok(step)
    }
}

impl Db {
    /// Writes out all deleted rows of a table's files, whatever it costs. The turn is the caller's.
    pub(super) async fn write_all_deletes(&self, name: &str, usage: &Usage) -> Result<()> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let state = core.state(&def, usage)?;
        let files = state.files(&core.rows, usage)?;
        let Some(warm) = &state.warm else { return Ok(()) };
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        let live = table.files(None).await?;
        let live = live.iter().map(|live| (live.file.file_path(), live)).collect();
        self.write_deletes(&state, &table, &files, &live, true, &lake, usage).await?;
        Ok(())
    }
}

fn is_worn(part: &PartState, thorough: bool) -> bool {
    let deleted = part.deleted_count();
    deleted * REWRITE_ONE_IN > part.rows || (thorough && deleted > 0 && deleted == part.rows)
}

/// Deleted rows of a file that the Iceberg table does not know of.
pub(super) fn unwritten(part: &PartState) -> u64 {
    let written = part.file.as_ref().map_or(0, |file| file.deletes_written);
    part.deleted_count().saturating_sub(written)
}

/// Is there enough to write out for other engines?
fn has_deletes_due(files: &[Arc<PartState>], thorough: bool) -> bool {
    const ROWS: u64 = 1_000;
    const ONE_IN: u64 = 100;
    let rows: u64 = files.iter().map(|part| part.rows).sum();
    let unwritten: u64 = files.iter().map(|part| unwritten(part)).sum();
    unwritten > 0 && (thorough || unwritten >= ROWS || unwritten * ONE_IN >= rows)
}

/// Can there be something to do in the background?
pub(super) fn is_due(files: &[Arc<PartState>], options: &Options) -> bool {
    has_deletes_due(files, false) || !choose(files, options, false).is_empty()
}

/// Files of one partition that are better written anew, within what one step may hold.
fn choose(files: &[Arc<PartState>], options: &Options, thorough: bool) -> Vec<Arc<PartState>> {
    let mut partitions: BTreeMap<u64, Vec<&Arc<PartState>>> = BTreeMap::new();
    // One that has half of what a step may hold is as large as steps make them.
    let is_small = |part: &PartState| {
        let is_done = is_half(part.live(), part.live_memory_bytes(), options) && !thorough;
        part.bytes < options.file_bytes as u64 / 2 && !is_done
    };
    // Delete files say it of those that no step can hold.
    let memory_max = options.part_memory_bytes_max;
    let can_be_held = |part: &PartState| part.live_memory_bytes() <= memory_max.saturating_mul(2);
    let is_due = |part: &PartState| is_small(part) || is_worn(part, thorough);
    for part in files.iter().filter(|part| is_due(part) && can_be_held(part)) {
        if let Some(file) = &part.file {
            partitions.entry(file.partition).or_default().push(part);
        }
    }
    let mut best = Vec::new();
    for parts in partitions.into_values() {
        let mut group: Vec<Arc<PartState>> = Vec::new();
        for part in parts {
            let all = || group.iter().chain([part]);
            let fits = all().map(|part| part.live()).sum::<u64>() <= options.flush_rows_max
                && all().map(|part| part.bytes).sum::<u64>() <= options.flush_bytes_max * 2
                && all().map(|part| part.live_memory_bytes()).sum::<u64>() <= memory_max;
            if !fits {
                keep_better(&mut best, &mut group, options, thorough);
            }
            group.push(part.clone());
        }
        keep_better(&mut best, &mut group, options, thorough);
    }
    best
}

/// Is it half of what a step may hold?
fn is_half(rows: u64, memory_bytes: u64, options: &Options) -> bool {
    rows * 2 >= options.flush_rows_max
        || memory_bytes.saturating_mul(2) >= options.part_memory_bytes_max
}

/// Takes `group`, which nothing more fits into, if it is worth its requests and larger than `best`.
fn keep_better(
    best: &mut Vec<Arc<PartState>>,
    group: &mut Vec<Arc<PartState>>,
    options: &Options,
    thorough: bool,
) {
    let group = std::mem::take(group);
    let rows: u64 = group.iter().map(|part| part.live()).sum();
    let memory: u64 = group.iter().map(|part| part.live_memory_bytes()).sum();
    let is_full = is_half(rows, memory, options);
    let count_min = if thorough || is_full { 2 } else { options.merge_fanout.max(2) };
    let is_worn = group.iter().any(|part| is_worn(part, thorough));
    if group.len() > best.len() && (is_worn || group.len() >= count_min) {
        *best = group;
    }
}

/// The columns of the table, any of which a file may lack.
pub(crate) fn nullable(def: &TableDef) -> SchemaRef {
    let schema = def.schema.arrow();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}

/// Rows, and where each came from: the place of its file, and the row in it.
type Sink<'a> = (u32, &'a mut Vec<RecordBatch>, &'a mut Vec<(u32, u32)>);

/// The live rows of a file, as the hot tier would store them. `sink` is the place of the file, and
/// what they are appended to.
pub(crate) async fn read(
    def: &TableDef,
    part: &PartState,
    reader: &FileReader,
    sink: Sink<'_>,
) -> Result<()> {
    const BATCH_ROWS: usize = 8_192;
    let (at, batches, from) = sink;
    let columns: Vec<u32> = def.schema.columns().iter().map(|c| c.id).collect();
    let request = ReadRequest {
        columns: columns.clone(),
        paths: Vec::new(),
        predicate: Predicate::True,
        deleted: Arc::new(deleted_rows(part.deleted.as_deref())),
        row_numbers: true,
        batch_rows: BATCH_ROWS,
        rows: None,
        use_filters: false,
    };
    let schema = nullable(def);
    let mut scan = reader.scan(request).await?;
    while let Some(batch) = scan.next_batch().await? {
        let numbers = batch.column(columns.len()).as_primitive_opt::<Int64Type>();
        let numbers = numbers.ok_or_else(|| Error::invalid("a file without row numbers"))?;
        from.extend(numbers.values().iter().map(|row| (at, *row as u32)));
        let arrays = batch.columns().iter().take(columns.len()).cloned();
        let batch = RecordBatch::try_new(schema.clone(), arrays.collect())?;
        batches.push(with_stored_ids(def, &batch)?);
    }
    Ok(())
}
