//! What jobs do and lately did, for those who list them: merges, flushes, upkeep in the bucket.
//! Kept in memory, the newest of each kind. Not here: the jobs.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::error::Result;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Makes a part of fresh rows.
    Fold,
    /// Makes one part of several.
    Merge,
    /// Moves rows to the bucket.
    Flush,
    /// Writes files of the bucket anew, and deleted rows out.
    Compact,
    /// Makes an index anew.
    Index,
    /// Removes old snapshots and orphans.
    Expire,
}

impl JobKind {
    /// Its name in a listing.
    pub fn name(self) -> &'static str {
        match self {
            JobKind::Fold => "fold",
            JobKind::Merge => "merge",
            JobKind::Flush => "flush",
            JobKind::Compact => "compact",
            JobKind::Index => "index",
            JobKind::Expire => "expire",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// A step is under way.
    Running,
    /// Between two steps.
    Waiting,
    /// Nothing is left to do.
    Done,
    /// The last step failed; the next try is another job.
    Failed,
}

impl JobStatus {
    /// Its name in a listing.
    pub fn name(self) -> &'static str {
        match self {
            JobStatus::Running => "running",
            JobStatus::Waiting => "waiting",
            JobStatus::Done => "done",
            JobStatus::Failed => "failed",
        }
    }
}

/// A job in a listing: all its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    /// What it does.
    pub kind: JobKind,
    /// To which table.
    pub table: String,
    /// How far it is.
    pub status: JobStatus,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When its last step began or ended.
    pub updated_ms: i64,
    /// Steps that did something.
    pub steps: u64,
    /// Rows moved or written anew.
    pub rows: u64,
    /// Rows that are left, where that is known.
    pub rows_left: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What one step came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) rows: u64,
    pub(crate) rows_left: Option<u64>,
    /// Did it do anything?
    pub(crate) changed: bool,
    pub(crate) more: bool,
}

/// Jobs of each kind that are remembered.
const JOBS_MAX: usize = 32;

#[derive(Default)]
pub(crate) struct JobLog {
    jobs: Mutex<VecDeque<JobInfo>>,
}

impl JobLog {
    /// A step begins. It goes on with the job of the kind that waits for the table's next step, or
    /// is the first of another.
    pub(crate) fn begin(&self, kind: JobKind, table: &str, now_ms: i64) {
        let mut jobs = self.jobs.lock();
        if let Some(job) = open(&mut jobs, kind, table) {
            (job.status, job.updated_ms) = (JobStatus::Running, now_ms);
            return;
        }
        if jobs.iter().filter(|job| job.kind == kind).count() >= JOBS_MAX
            && let Some(oldest) = jobs.iter().position(|job| job.kind == kind)
        {
            jobs.remove(oldest);
        }
        jobs.push_back(JobInfo {
            kind,
            table: table.to_owned(),
            status: JobStatus::Running,
            started_ms: now_ms,
            updated_ms: now_ms,
            steps: 0,
            rows: 0,
            rows_left: None,
            error: None,
        });
    }

    /// The step that began is over. Of a job that found nothing to do nothing is kept.
    pub(crate) fn end(&self, kind: JobKind, table: &str, now_ms: i64, step: &Result<Progress>) {
        let mut jobs = self.jobs.lock();
        let Some(job) = open(&mut jobs, kind, table) else { return };
        job.updated_ms = now_ms;
        match step {
            Ok(step) => {
                job.steps += u64::from(step.changed);
                job.rows += step.rows;
                job.rows_left = step.rows_left;
                job.status = if step.more { JobStatus::Waiting } else { JobStatus::Done };
            }
            Err(e) => (job.status, job.error) = (JobStatus::Failed, Some(e.to_string())),
        }
        let idle = |job: &JobInfo| job.steps == 0 && job.status == JobStatus::Done;
        jobs.retain(|job| !idle(job));
    }

    /// All that are remembered, in the order in which they began.
    pub(crate) fn list(&self) -> Vec<JobInfo> {
        self.jobs.lock().iter().cloned().collect()
    }
}

fn open<'a>(
    jobs: &'a mut VecDeque<JobInfo>,
    kind: JobKind,
    table: &str,
) -> Option<&'a mut JobInfo> {
    let is_open = |job: &&mut JobInfo| {
        let waits = matches!(job.status, JobStatus::Running | JobStatus::Waiting);
        waits && job.kind == kind && job.table == table
    };
    jobs.iter_mut().rev().find(is_open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn step(rows: u64, more: bool) -> Result<Progress> {
        Ok(Progress { rows, rows_left: Some(7), changed: rows > 0, more })
    }

    fn told(log: &JobLog) -> Vec<(JobKind, &'static str, u64, u64)> {
        let jobs = log.list();
        jobs.iter().map(|job| (job.kind, job.status.name(), job.steps, job.rows)).collect()
    }

    #[test]
    fn steps_of_a_table_are_one_job_until_nothing_is_left() {
        let log = JobLog::default();
        log.begin(JobKind::Flush, "a", 1);
        log.end(JobKind::Flush, "a", 2, &step(5, true));
        log.begin(JobKind::Flush, "b", 3);
        log.begin(JobKind::Flush, "a", 4);
        assert_eq!(told(&log)[0], (JobKind::Flush, "running", 1, 5));
        log.end(JobKind::Flush, "a", 5, &step(6, false));
        log.end(JobKind::Flush, "b", 6, &Err(Error::invalid("no")));
        log.begin(JobKind::Flush, "a", 7);
        let expected = [
            (JobKind::Flush, "done", 2, 11),
            (JobKind::Flush, "failed", 0, 0),
            (JobKind::Flush, "running", 0, 0),
        ];
        assert_eq!(told(&log), expected);
        let first = log.list().remove(0);
        assert_eq!((first.started_ms, first.updated_ms, first.rows_left), (1, 5, Some(7)));
        // Nothing was there to do.
        log.end(JobKind::Flush, "a", 8, &step(0, false));
        assert_eq!(told(&log), expected[..2]);
    }

    #[test]
    fn the_oldest_of_a_kind_is_forgotten() {
        let log = JobLog::default();
        for at in 0..2 * JOBS_MAX as i64 {
            for kind in [JobKind::Fold, JobKind::Merge] {
                log.begin(kind, "t", at);
                log.end(kind, "t", at, &step(1, false));
            }
        }
        let folds: Vec<i64> = log
            .list()
            .iter()
            .filter(|job| job.kind == JobKind::Fold)
            .map(|job| job.started_ms)
            .collect();
        assert_eq!(folds, (JOBS_MAX as i64..2 * JOBS_MAX as i64).collect::<Vec<_>>());
    }
}
