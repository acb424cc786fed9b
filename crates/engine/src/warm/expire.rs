//! What the bucket no longer needs: snapshots past their time, and objects that nothing names. The
//! pointer moves first, objects go after it: cut off in between, what is left is orphans, which the
//! next sweep takes. Not here: finding them (`dodb-lake`).

use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::commit::WarmCommit;
use super::lake::{Lake, next_stamp};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::job_log::{JobKind, Progress};

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpireReport {
    /// Snapshots that time travel no longer reaches.
    pub snapshots: u64,
    /// Objects that only they needed.
    pub objects: u64,
    /// Objects that nothing named.
    pub orphans: u64,
}

impl Db {
    /// Removes snapshots older than `snapshots_before_ms`, but never the current one, and objects
    /// without a name that were last changed before `orphans_before_ms`: no flush that is under way
    /// may be older. Both in milliseconds since 1970.
    ///
    /// # Errors
    /// There is no bucket, or it failed. What was removed by then stays removed.
    pub fn expire<'a>(
        &'a self,
        name: &'a str,
        snapshots_before_ms: i64,
        orphans_before_ms: i64,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<ExpireReport>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.expire_in_turn(name, snapshots_before_ms, orphans_before_ms, usage))
    }

    async fn expire_in_turn(
        &self,
        name: &str,
        snapshots_before_ms: i64,
        orphans_before_ms: i64,
        usage: &Usage,
    ) -> Result<ExpireReport> {
        let def = self.core.def(name, usage)?;
        let slot = self.core.slot(def.id);
        let _turn = slot.warm_turn().await;
        let (log, env) = (&self.core.job_log, &self.core.env);
        log.begin(JobKind::Expire, &def.name, env.now_ms());
        let done = self.expire_all(name, snapshots_before_ms, orphans_before_ms, usage).await;
        let told = done.clone().map(|done| Progress {
            changed: done.snapshots + done.objects + done.orphans > 0,
            ..Progress::default()
        });
        log.end(JobKind::Expire, &def.name, env.now_ms(), &told);
        done
    }

    async fn expire_all(
        &self,
        name: &str,
        snapshots_before_ms: i64,
        orphans_before_ms: i64,
        usage: &Usage,
    ) -> Result<ExpireReport> {
        const TRIES_MAX: usize = 8;
        let mut report = ExpireReport::default();
        for _ in 0..TRIES_MAX {
            match self.expire_snapshots(name, snapshots_before_ms, &mut report, usage).await {
                Err(Error::Conflict { .. }) => {}
                other => {
                    other?;
                    break;
                }
            }
        }
        self.sweep_orphans(name, orphans_before_ms, &mut report, usage).await?;
        Ok(report)
    }

    async fn expire_snapshots(
        &self,
        name: &str,
        before_ms: i64,
        report: &mut ExpireReport,
        usage: &Usage,
    ) -> Result<()> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let state = core.state(&def, usage)?;
        let Some(warm) = &state.warm else { return Ok(()) };
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        let stamp = next_stamp(core.env.as_ref(), &table);
        let Some(expired) = table.expire(before_ms, &stamp).await? else { return Ok(()) };
        let before = table.metadata().snapshots().count();
        let after = expired.prepared.table.metadata().snapshots().count();
        let commit = WarmCommit {
            base: Some(warm.head.metadata.clone()),
            metadata: expired.prepared.table.metadata_location().to_owned(),
            ..WarmCommit::default()
        };
        self.swap(&def, commit, &expired.prepared, &lake, usage).await?;
        report.snapshots += before.saturating_sub(after) as u64;
        lake.bucket.delete(&expired.unreachable).await?;
        report.objects += expired.unreachable.len() as u64;
        Ok(())
    }

    async fn sweep_orphans(
        &self,
        name: &str,
        before_ms: i64,
        report: &mut ExpireReport,
        usage: &Usage,
    ) -> Result<()> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let state = core.state(&def, usage)?;
        let Some(warm) = &state.warm else { return Ok(()) };
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        let orphans = table.orphans(before_ms).await?;
        lake.bucket.delete(&orphans).await?;
        report.orphans += orphans.len() as u64;
        Ok(())
    }
}
