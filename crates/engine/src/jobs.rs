//! Background work in small steps: folding fresh rows into parts, merging parts of like size,
//! rewriting parts with many deletions, deleting rows nobody reads. A thread runs the steps
//! natively, an alarm in the Worker. Not here: how a step is done ([`crate::merge`],
//! [`crate::commit`]).

use std::sync::Arc;

use dodb_rowstore::Usage;

use crate::commit::Change;
use crate::db::{Core, Db};
use crate::error::{Error, Result};
use crate::job_log::{JobKind, Progress};
use crate::merge::merge;
use crate::options::Options;
use crate::state::{PartState, TableState};
use crate::table::TableDef;

/// How much background work to do at once.
#[derive(Debug, Clone)]
pub struct JobBudget {
    /// Most steps: each is one fold, merge or sweep.
    pub steps_max: usize,
    /// Look at every table, not only at those in memory, and merge whatever can be merged.
    pub thorough: bool,
}

/// What background work was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobReport {
    /// Merges of fresh rows into parts.
    pub folds: u64,
    /// Merges of parts.
    pub merges: u64,
    /// Rows that were written anew.
    pub rows_rewritten: u64,
    /// Steps that deleted rows of replaced parts and dropped tables.
    pub sweeps: u64,
    /// Is there more to do?
    pub more: bool,
}

/// A part with more deletions than one in this many rows is rewritten.
const REWRITE_ONE_IN: u64 = 4;
/// Most parts merged in one step.
const INPUTS_MAX: usize = 64;

pub(crate) fn run(db: &Db, budget: &JobBudget, usage: &Usage) -> Result<JobReport> {
    let mut report = JobReport::default();
    let mut steps = 0;
    for def in tables(&db.core, budget, usage)? {
        match run_table(db, &def, budget, &mut steps, &mut report, usage) {
            // Dropped meanwhile.
            Err(Error::UnknownTable { .. }) => {}
            other => other?,
        }
        if report.more {
            return Ok(report);
        }
    }
    if let Some(catalog) = db.core.catalog_in_memory(budget.thorough, usage)? {
        let free = db.core.sweep_tables(&mut catalog.dropped.clone());
        if !free.is_empty() && steps < budget.steps_max {
            db.submit(Change::Sweep { def: None }, usage)?;
            report.sweeps += 1;
        }
    }
    Ok(report)
}

fn run_table(
    db: &Db,
    def: &Arc<TableDef>,
    budget: &JobBudget,
    steps: &mut usize,
    report: &mut JobReport,
    usage: &Usage,
) -> Result<()> {
    loop {
        let _alone = db.core.working.lock();
        let state = db.core.state(def, usage)?;
        let slot = db.core.slot(def.id);
        let Some(inputs) = slot.pick(&state, &db.core.options, budget.thorough) else { break };
        if *steps == budget.steps_max {
            report.more = true;
            return Ok(());
        }
        *steps += 1;
        step(db, &state.def, &inputs, report, usage)?;
    }
    let state = db.core.state(def, usage)?;
    let swept = db.core.slot(def.id).sweep(&mut state.as_ref().clone(), &[]);
    if !swept.is_empty() && *steps < budget.steps_max {
        *steps += 1;
        db.submit(Change::Sweep { def: Some(state.def.clone()) }, usage)?;
        report.sweeps += 1;
    }
    Ok(())
}

/// Merges some of a table's parts right away, or waits for whoever is merging and then does.
pub(crate) fn make_room(db: &Db, def: &Arc<TableDef>, usage: &Usage) -> Result<()> {
    const STEPS: usize = 2;
    let _alone = db.core.working.lock();
    for _ in 0..STEPS {
        let state = db.core.state(def, usage)?;
        let slot = db.core.slot(def.id);
        let due = |thorough| slot.pick(&state, &db.core.options, thorough);
        let Some(inputs) = due(false).or_else(|| due(true)) else { return Ok(()) };
        step(db, &state.def, &inputs, &mut JobReport::default(), usage)?;
    }
    Ok(())
}

fn step(
    db: &Db,
    def: &Arc<TableDef>,
    inputs: &[Arc<PartState>],
    report: &mut JobReport,
    usage: &Usage,
) -> Result<()> {
    let is_fold = inputs.iter().any(|p| p.fresh.is_some());
    let kind = if is_fold { JobKind::Fold } else { JobKind::Merge };
    let (log, env) = (&db.core.job_log, &db.core.env);
    log.begin(kind, &def.name, env.now_ms());
    let merged = merge(&db.core, def, inputs, usage).and_then(|merged| {
        db.submit(Change::Merge { def: def.clone(), merged: Box::new(merged) }, usage)
    });
    let step = match merged {
        Ok(rows) => Ok(Progress { rows, changed: true, ..Progress::default() }),
        // Somebody replaced an input: the next look decides anew.
        Err(Error::Conflict { .. }) => Ok(Progress::default()),
        Err(e) => Err(e),
    };
    log.end(kind, &def.name, env.now_ms(), &step);
    let step = step?;
    report.rows_rewritten += step.rows;
    report.folds += u64::from(step.changed && is_fold);
    report.merges += u64::from(step.changed && !is_fold);
    Ok(())
}

fn tables(core: &Core, budget: &JobBudget, usage: &Usage) -> Result<Vec<Arc<TableDef>>> {
    if budget.thorough {
        return Ok(core.catalog(usage)?.tables.values().cloned().collect());
    }
    Ok(core.states_in_memory().iter().map(|state| state.def.clone()).collect())
}

/// Is there a step to take for a table that memory holds?
pub(crate) fn are_due(core: &Core) -> bool {
    core.states_in_memory().iter().any(|state| {
        let slot = core.slot(state.def.id);
        slot.pick(state, &core.options, false).is_some()
            || !slot.sweep(&mut state.as_ref().clone(), &[]).is_empty()
    })
}

/// Makes parts of all fresh rows.
pub(crate) fn fold(db: &Db, def: &Arc<TableDef>, usage: &Usage) -> Result<()> {
    const TRIES_MAX: usize = 8;
    let _alone = db.core.working.lock();
    for _ in 0..TRIES_MAX {
        let state = db.core.state(def, usage)?;
        let fresh: Vec<_> = state.parts.iter().filter(|p| p.fresh.is_some()).cloned().collect();
        if fresh.is_empty() {
            return Ok(());
        }
        step(db, &state.def, &fresh, &mut JobReport::default(), usage)?;
    }
    Ok(())
}

/// The parts that the next step merges; none of those in `kept`.
pub(crate) fn pick(
    state: &TableState,
    options: &Options,
    thorough: bool,
    kept: &[u64],
) -> Option<Vec<Arc<PartState>>> {
    let fresh: Vec<_> = state.parts.iter().filter(|p| p.fresh.is_some()).cloned().collect();
    let (bytes, rows) = state.fresh_size();
    let due = rows >= options.fold_rows_min || bytes >= options.fold_bytes_min;
    if due || (thorough && !fresh.is_empty()) {
        return Some(fresh);
    }
    let is_stored = |p: &&Arc<PartState>| p.fresh.is_none() && !kept.contains(&p.no);
    let stored: Vec<_> = state.parts.iter().filter(is_stored).cloned().collect();
    let worn = |p: &&Arc<PartState>| {
        let deleted = p.deleted_count();
        deleted * REWRITE_ONE_IN > p.rows || (thorough && deleted > 0)
    };
    if let Some(part) = stored.iter().find(worn) {
        return Some(vec![part.clone()]);
    }
    let bytes_max =
        if state.def.key().is_empty() { options.wide_bytes_max } else { options.compact_bytes_max };
    let most = Size {
        rows: options.part_rows_max,
        bytes: bytes_max,
        memory_bytes: options.part_memory_bytes_max,
    };
    pick_by_size(&stored, most, if thorough { 2 } else { options.merge_fanout })
}

/// Of one part, or of some together.
#[derive(Clone, Copy, Default)]
struct Size {
    rows: u64,
    bytes: u64,
    memory_bytes: u64,
}

impl Size {
    fn and(self, part: &PartState) -> Size {
        Size {
            rows: self.rows + part.rows,
            bytes: self.bytes + part.bytes,
            memory_bytes: self.memory_bytes + part.memory_bytes(),
        }
    }

    fn is_within(self, most: Size) -> bool {
        self.rows <= most.rows && self.bytes <= most.bytes && self.memory_bytes <= most.memory_bytes
    }

    fn is_half_of(self, most: Size) -> bool {
        self.rows >= most.rows / 2
            || self.bytes >= most.bytes / 2
            || self.memory_bytes >= most.memory_bytes / 2
    }
}

/// Size-tiered: neighbours of like size, as many as make the next size. Only neighbours, so that
/// parts keep covering narrow spans of time.
fn pick_by_size(
    parts: &[Arc<PartState>],
    most: Size,
    fanout: usize,
) -> Option<Vec<Arc<PartState>>> {
    const TIER_BYTES_MIN: u64 = 16 << 10;
    const TIERS_MAX: u32 = 16;
    let fanout = fanout.max(2);
    let tier = |bytes: u64| {
        let mut tier = 0;
        let mut limit = TIER_BYTES_MIN;
        while bytes > limit && tier < TIERS_MAX {
            limit = limit.saturating_mul(fanout as u64);
            tier += 1;
        }
        tier
    };
    let is_done = |part: &PartState| Size::default().and(part).is_half_of(most);
    let top = parts.iter().filter(|p| !is_done(p)).map(|p| tier(p.bytes)).max()?;
    for level in 0..=top {
        let mut run: Vec<Arc<PartState>> = Vec::new();
        let mut size = Size::default();
        for part in parts {
            let joins = !is_done(part) && tier(part.bytes) <= level;
            let fits = size.and(part).is_within(most) && run.len() < INPUTS_MAX;
            if !joins || !fits {
                if is_enough(&run, size, most, fanout) {
                    return Some(run);
                }
                run.clear();
                size = Size::default();
            }
            if joins {
                size = size.and(part);
                run.push(part.clone());
            }
        }
        if is_enough(&run, size, most, fanout) {
            return Some(run);
        }
    }
    None
}

fn is_enough(run: &[Arc<PartState>], size: Size, most: Size, fanout: usize) -> bool {
    run.len() >= fanout || (run.len() >= 2 && size.is_half_of(most))
}
