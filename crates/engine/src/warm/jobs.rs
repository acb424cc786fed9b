//! Background work of the warm tier in small steps: what is due for the bucket goes, files are
//! tidied, old snapshots expire. A thread runs the steps natively, an alarm in the Worker. Not
//! here: how a step is done.

use std::sync::Arc;

use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::flush::FlushScope;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::index::{is_cover_due, is_fold_due};
use crate::table::TableDef;

/// What background work was done in the bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WarmReport {
    /// Commits that moved rows to the bucket.
    pub flushes: u64,
    /// Rows that were moved.
    pub rows_flushed: u64,
    /// Commits that tidied files.
    pub compactions: u64,
    /// Snapshots that expired.
    pub snapshots_expired: u64,
    /// Is there more to do?
    pub more: bool,
}

impl Db {
    /// Does background work in the bucket, for tables that memory holds: at most `steps_max`
    /// commits. Does nothing without a bucket.
    ///
    /// # Errors
    /// The bucket or the row store failed; what was done by then stays done.
    pub fn run_warm_jobs<'a>(
        &'a self,
        steps_max: usize,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<WarmReport>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.tidy_all(steps_max, usage))
    }

    async fn tidy_all(&self, steps_max: usize, usage: &Usage) -> Result<WarmReport> {
        let mut report = WarmReport::default();
        if self.core.bucket.is_none() {
            return Ok(report);
        }
        let mut steps = 0;
        for state in self.core.states_in_memory() {
            match self.tidy(&state.def, steps_max, &mut steps, &mut report, usage).await {
                // Dropped meanwhile.
                Err(Error::UnknownTable { .. }) => {}
                other => other?,
            }
            if report.more {
                return Ok(report);
            }
        }
        report.more = self.purge_some(usage).await?;
        Ok(report)
    }

    /// Is there background work for [`Db::run_warm_jobs`]? Looks at what memory holds and reads no
    /// row.
    pub fn has_warm_jobs(&self) -> bool {
        let now_ms = self.core.env.now_ms();
        let options = &self.core.options;
        self.has_objects_to_purge()
            || self.core.bucket.is_some()
                && self.core.states_in_memory().iter().any(|state| {
                    let files = state.warm.as_ref().and_then(|warm| warm.in_memory());
                    let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
                    super::flush::is_due(state, options, now_ms)
                        || index.is_some_and(|index| is_fold_due(index, options, false))
                        || is_cover_due(&self.core.slot(state.def.id), state)
                        || files.is_some_and(|files| super::compact::is_due(files, options))
                })
    }

    async fn tidy(
        &self,
        def: &Arc<TableDef>,
        steps_max: usize,
        steps: &mut usize,
        report: &mut WarmReport,
        usage: &Usage,
    ) -> Result<()> {
        while self.has_flush_due(&def.name, usage)? {
            if *steps == steps_max {
                report.more = true;
                return Ok(());
            }
            let step = self.flush_step(&def.name, FlushScope::Due, usage).await?;
            if step.rows == 0 {
                break;
            }
            *steps += 1;
            report.flushes += 1;
            report.rows_flushed += step.rows;
        }
        loop {
            if *steps == steps_max {
                report.more = true;
                return Ok(());
            }
            // A look that finds nothing is no step: else the tables behind it never had their turn.
            if !self.compact_step(&def.name, false, usage).await?.more {
                break;
            }
            *steps += 1;
            report.compactions += 1;
        }
        self.expire_when_due(def, report, usage).await
    }

    /// Expires snapshots where the table that memory holds has one past its time.
    async fn expire_when_due(
        &self,
        def: &Arc<TableDef>,
        report: &mut WarmReport,
        usage: &Usage,
    ) -> Result<()> {
        let core = &self.core;
        let state = core.state(def, usage)?;
        let Some(warm) = &state.warm else { return Ok(()) };
        let Some(table) = core.slot(def.id).lake_table(&warm.head.metadata) else { return Ok(()) };
        let before_ms = core.env.now_ms().saturating_sub(core.options.snapshot_age_ms_max);
        let current = table.metadata().current_snapshot_id();
        let is_old = table.metadata().snapshots().any(|snapshot| {
            snapshot.timestamp_ms() < before_ms && Some(snapshot.snapshot_id()) != current
        });
        if is_old {
            let orphans_ms = core.env.now_ms().saturating_sub(core.options.orphan_age_ms_min);
            let done = self.expire(&def.name, before_ms, orphans_ms, usage).await?;
            report.snapshots_expired += done.snapshots;
        }
        Ok(())
    }
}
