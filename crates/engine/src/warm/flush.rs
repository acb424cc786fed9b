//! Flush: rows of the hot tier to files of the bucket. One step takes some parts, writes their rows
//! as files, prepares the Iceberg commit, and then moves the pointer, lists the files and forgets
//! the parts in one write of rows. Cut off anywhere, it has either happened or left objects that
//! nothing names. Not here: when to flush (the host), how rows are written ([`super::write`]).

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_select::concat::concat_batches;
use dodb_lake::{Change as LakeChange, Layout, Survey, Table, TableSchema, with_paths};
use dodb_part::ColumnType;
use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::commit::{Input, WarmCommit};
use super::lake::{Lake, changed_columns, definition, next_stamp, stamp};
use super::write::{Rows, write};
use crate::commit::Change;
use crate::db::{Core, Db};
use crate::error::{Error, Result};
use crate::job_log::{JobKind, Progress};
use crate::jobs;
use crate::options::Options;
use crate::scan::live_batches;
use crate::state::{PartState, TableState};
use crate::table::TableDef;

/// Which rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushScope {
    /// All that are there.
    All,
    /// Those that the triggers name: old ones, and the oldest of too many.
    Due,
}

/// What one step of a flush did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlushStep {
    /// Rows moved.
    pub rows: u64,
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Hot rows that stay behind for now.
    pub rows_left: u64,
    /// Is there more to move?
    pub more: bool,
}

/// How often a step is tried when others change the same table.
const TRIES_MAX: usize = 8;

impl Db {
    /// Moves some rows of a table to the bucket: as many as one commit takes.
    ///
    /// # Errors
    /// There is no bucket, or it failed. Nothing moved then.
    pub fn flush_step<'a>(
        &'a self,
        name: &'a str,
        scope: FlushScope,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<FlushStep>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.flush_in_turn(name, scope, usage))
    }

    async fn flush_in_turn(
        &self,
        name: &str,
        scope: FlushScope,
        usage: &Usage,
    ) -> Result<FlushStep> {
        let def = self.core.def(name, usage)?;
        if self.core.bucket.is_none() {
            return Err(Error::NoBucket { table: def.name.clone() });
        }
        let slot = self.core.slot(def.id);
        let _turn = slot.warm_turn().await;
        let (log, env) = (&self.core.job_log, &self.core.env);
        log.begin(JobKind::Flush, &def.name, env.now_ms());
        let step = self.try_flush(name, scope, usage).await;
        let told = step.clone().map(|step| Progress {
            rows: step.rows,
            rows_left: Some(step.rows_left),
            changed: step.rows > 0,
            more: step.more,
        });
        log.end(JobKind::Flush, &def.name, env.now_ms(), &told);
        step
    }

    async fn try_flush(&self, name: &str, scope: FlushScope, usage: &Usage) -> Result<FlushStep> {
        for _ in 1..TRIES_MAX {
            match self.flush_some(name, scope, usage).await {
                Err(Error::Conflict { .. }) => {}
                other => return other,
            }
        }
        self.flush_some(name, scope, usage).await
    }

    /// Are there rows that the triggers say should go to the bucket? Reads no row.
    pub fn has_flush_due(&self, name: &str, usage: &Usage) -> Result<bool> {
        let def = self.core.def(name, usage)?;
        let state = self.core.state(&def, usage)?;
        let now_ms = self.core.env.now_ms();
        Ok(self.core.bucket.is_some() && is_due(&state, &self.core.options, now_ms))
    }

    /// When rows of a table that memory holds will be old enough to go to the bucket, in
    /// milliseconds since 1970; `None` if none will without further writes. Reads no row.
    pub fn next_flush_ms(&self) -> Option<i64> {
        self.core.bucket.as_ref()?;
        let age_ms = self.core.options.hot_age_ms_max;
        let states = self.core.states_in_memory();
        let born = states.iter().flat_map(|state| &state.parts).filter_map(|part| part.born_ms);
        born.min().and_then(|born| born.checked_add(age_ms))
    }

    async fn flush_some(&self, name: &str, scope: FlushScope, usage: &Usage) -> Result<FlushStep> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let now_ms = core.env.now_ms();
        let state = core.state(&def, usage)?;
        let mut fresh = state.parts.iter().filter(|part| part.fresh.is_some());
        if scope == FlushScope::All || fresh.any(|part| is_old(part, &core.options, now_ms)) {
            jobs::fold(self, &def, usage)?;
        }
        let state = core.state(&def, usage)?;
        let parts = choose(&state, &core.options, scope, now_ms);
        if parts.is_empty() {
            return Ok(FlushStep::default());
        }
        let slot = core.slot(def.id);
        let _kept = slot.keep_from_merging(&parts);
        let step = self.flush_parts(&state, &parts, usage).await?;
        let live = |parts: &[Arc<PartState>]| parts.iter().map(|part| part.live()).sum::<u64>();
        let rows_left = live(&state.parts).saturating_sub(live(&parts));
        let more = match scope {
            FlushScope::All => parts.len() < state.parts.len(),
            FlushScope::Due => self.has_flush_due(name, usage)?,
        };
        Ok(FlushStep { rows_left, more, ..step })
    }

    async fn flush_parts(
        &self,
        state: &TableState,
        parts: &[Arc<PartState>],
        usage: &Usage,
    ) -> Result<FlushStep> {
        let (core, def) = (&self.core, &state.def);
        let lake = Lake::new(core, def, usage)?;
        let env = core.env.as_ref();
        let base = state.warm.as_ref().map(|warm| warm.head.metadata.clone());
        let table = match &base {
            Some(metadata) => lake.table(core, def, metadata).await?,
            None => {
                let definition = definition(&lake.bucket, def)?;
                Table::create(&lake.bucket, &definition, &stamp(env, 0)).await?.table
            }
        };
        let (batch, from) = read(core, def, parts, usage)?;
        let table = match next_schema(&table, def, &batch)? {
            Some(schema) => {
                let change = LakeChange { schema: Some(schema), ..LakeChange::default() };
                table.prepare(&change, &next_stamp(env, &table)).await?.table
            }
            None => table,
        };
        let written = write(core, def, &table, Rows::new(batch, &from)?).await?;
        let flushes = state.warm.as_ref().map_or(0, |warm| warm.head.flushes) + 1;
        let (added, outputs): (Vec<_>, Vec<_>) = written.into_iter().unzip();
        let step = FlushStep {
            rows: outputs.iter().map(|file| file.rows).sum(),
            files: outputs.len() as u64,
            bytes: outputs.iter().map(|file| file.bytes).sum(),
            ..FlushStep::default()
        };
        let summary = vec![("dodb.flush".to_owned(), flushes.to_string())];
        let change = LakeChange { added, summary, ..LakeChange::default() };
        let prepared = table.prepare(&change, &next_stamp(env, &table)).await?;
        let commit = WarmCommit {
            base,
            metadata: prepared.table.metadata_location().to_owned(),
            inputs: inputs(parts),
            outputs,
            schema: table.layout().to_text()?,
            is_flush: true,
            ..WarmCommit::default()
        };
        self.swap(def, commit, &prepared, &lake, usage).await?;
        Ok(step)
    }

    /// Moves the pointer. Objects of a commit that lost a race are taken back; those of one that
    /// may have happened are not.
    pub(super) async fn swap(
        &self,
        def: &Arc<TableDef>,
        commit: WarmCommit,
        prepared: &dodb_lake::Prepared,
        lake: &Lake<'_>,
        usage: &Usage,
    ) -> Result<u64> {
        let mut objects = prepared.written.clone();
        // The files of somebody else are theirs to take back.
        if commit.foreign.is_none() {
            objects.extend(commit.outputs.iter().map(|file| file.uri.clone()));
        }
        let change = Change::Warm { def: def.clone(), commit: Box::new(commit) };
        match self.submit(change, usage) {
            Ok(rows) => {
                self.core.slot(def.id).keep_lake_table(prepared.table.clone());
                self.fold_when_full(def, usage)?;
                Ok(rows)
            }
            Err(e @ Error::Conflict { .. }) => {
                // If they stay, they are orphans, and swept as such.
                let _ = lake.bucket.delete(&objects).await;
                Err(e)
            }
            Err(e) => Err(e),
        }
    }
}

/// Do the triggers name rows of the table?
pub(super) fn is_due(state: &TableState, options: &Options, now_ms: i64) -> bool {
    let mut fresh = state.parts.iter().filter(|part| part.fresh.is_some());
    fresh.any(|part| is_old(part, options, now_ms))
        || !choose(state, options, FlushScope::Due, now_ms).is_empty()
}

fn is_old(part: &PartState, options: &Options, now_ms: i64) -> bool {
    part.born_ms.is_some_and(|born| born.saturating_add(options.hot_age_ms_max) <= now_ms)
}

/// The parts that one step takes: the oldest.
fn choose(
    state: &TableState,
    options: &Options,
    scope: FlushScope,
    now_ms: i64,
) -> Vec<Arc<PartState>> {
    let stored: Vec<&Arc<PartState>> = state.parts.iter().filter(|p| p.fresh.is_none()).collect();
    let mut rows: u64 = stored.iter().map(|part| part.live()).sum();
    let mut bytes: u64 = stored.iter().map(|part| part.bytes).sum();
    // Past a limit, half of it goes: else the next insert would be due again.
    let too_many = rows > options.hot_rows_max || bytes > options.hot_bytes_max;
    let mut out: Vec<Arc<PartState>> = Vec::new();
    let (mut taken_rows, mut taken_bytes, mut taken_memory) = (0, 0, 0);
    for part in stored {
        let is_old = is_old(part, options, now_ms);
        let is_over = rows > options.hot_rows_max / 2 || bytes > options.hot_bytes_max / 2;
        if scope == FlushScope::Due && !is_old && !(too_many && is_over) {
            continue;
        }
        let fits = taken_rows + part.live() <= options.flush_rows_max
            && taken_bytes + part.bytes <= options.flush_bytes_max
            && taken_memory + part.live_memory_bytes() <= options.part_memory_bytes_max;
        if !fits && !out.is_empty() {
            break;
        }
        taken_rows += part.live();
        taken_bytes += part.bytes;
        taken_memory += part.live_memory_bytes();
        rows = rows.saturating_sub(part.live());
        bytes = bytes.saturating_sub(part.bytes);
        out.push(part.clone());
    }
    out
}

/// The live rows of parts, and where each is.
fn read(
    core: &Core,
    def: &TableDef,
    parts: &[Arc<PartState>],
    usage: &Usage,
) -> Result<(RecordBatch, Vec<(u32, u32)>)> {
    let mut batches = Vec::new();
    let mut from = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        for batch in live_batches(core, def, part, usage)? {
            batches.push(batch?);
        }
        let live = (0..part.rows as u32).filter(|row| !part.is_deleted(*row));
        from.extend(live.map(|row| (at as u32, row)));
    }
    Ok((concat_batches(&def.schema.arrow(), &batches)?, from))
}

pub(super) fn inputs(parts: &[Arc<PartState>]) -> Vec<Input> {
    let input = |part: &Arc<PartState>| Input { no: part.no, seen: part.deleted.clone() };
    parts.iter().map(input).collect()
}

/// The schema that the table needs for these rows, if it has another: columns as they are defined
/// now, and fields for paths of documents that are worth one.
fn next_schema(table: &Table, def: &TableDef, batch: &RecordBatch) -> Result<Option<TableSchema>> {
    let mut last = table.metadata().last_column_id();
    let mut layout = table.layout().clone();
    let mut next = None;
    if let Some(schema) = changed_columns(def, table)? {
        last = last.max(schema.highest_field_id());
        layout = Arc::new(Layout::of(Arc::new(schema.clone()))?);
        next = Some(schema);
    }
    let mut paths = Vec::new();
    for column in def.schema.columns().iter().filter(|c| c.ty == ColumnType::Json) {
        let documents = batch.column_by_name(&column.name);
        let Some(documents) = documents.and_then(|array| array.as_string_view_opt()) else {
            continue;
        };
        let mut survey = Survey::default();
        for text in documents.iter().flatten() {
            survey.push(text)?;
        }
        if let Some(document) = &layout.column(column.id)?.document {
            paths.extend(survey.new_paths(column.id, document));
        }
    }
    if !paths.is_empty() {
        next = Some(with_paths(&layout, &paths, last)?);
    }
    Ok(next)
}
