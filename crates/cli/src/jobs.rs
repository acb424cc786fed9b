//! The thread that folds and merges while a database is in use. Not here: the work itself
//! (`dodb-engine`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use dodb_engine::{Db, JobBudget};
use dodb_rowstore::Usage;

use crate::error::{Error, Result};
use crate::open;

/// How long the thread sleeps when nobody wakes it.
const PAUSE: Duration = Duration::from_secs(1);

/// A running thread; it ends when this is dropped.
pub struct Jobs {
    wake: Option<SyncSender<()>>,
    stop: Arc<AtomicBool>,
    usage: Arc<Usage>,
    thread: Option<JoinHandle<()>>,
}

impl Jobs {
    /// Starts the thread of a database.
    pub fn start(db: Db, database: &str) -> Result<Jobs> {
        let (wake, woken) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let usage = Arc::new(Usage::default());
        let (flag, used, name) = (stop.clone(), usage.clone(), database.to_owned());
        let thread = std::thread::Builder::new()
            .name(format!("jobs of {database}"))
            .spawn(move || run(&db, &name, &woken, &flag, &used))
            .map_err(|e| Error::Failed(format!("cannot start a thread: {e}")))?;
        Ok(Jobs { wake: Some(wake), stop, usage, thread: Some(thread) })
    }

    /// There may be work. Never waits.
    pub fn wake(&self) {
        if let Some(wake) = &self.wake {
            // Full: it is awake already.
            let _ = wake.try_send(());
        }
    }

    /// What the work used.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Ends the thread after the step it is at.
    pub fn stop(&mut self) {
        self.stop.store(true, Relaxed);
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of background work panicked");
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(db: &Db, database: &str, woken: &Receiver<()>, stop: &AtomicBool, usage: &Usage) {
    // So that rows which grew old meanwhile are found; natively rows that are read cost nothing.
    if let Err(e) = db.load_tables(usage) {
        tracing::error!(database, "a table cannot be read, its background work waits: {e}");
    }
    // One step at a time, so that stopping never waits for long.
    let budget = JobBudget { steps_max: 1, thorough: false };
    loop {
        match woken.recv_timeout(PAUSE) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while !stop.load(Relaxed) {
            match db.run_jobs(&budget, usage) {
                Ok(report) => {
                    if report.folds + report.merges + report.sweeps > 0 {
                        tracing::debug!(database, ?report, "background work");
                    }
                    if !report.more && !tidy_bucket(db, database, usage) {
                        break;
                    }
                }
                Err(e) => {
                    tracing::error!(database, "background work failed, it is tried again: {e}");
                    break;
                }
            }
        }
    }
}

/// One step of background work in the bucket; was there something to do?
fn tidy_bucket(db: &Db, database: &str, usage: &Usage) -> bool {
    if !db.has_warm_jobs() {
        return false;
    }
    match open::wait(db.run_warm_jobs(1, usage)) {
        Ok(Ok(report)) => {
            tracing::debug!(database, ?report, "background work in the bucket");
            report.more
        }
        Ok(Err(e)) => {
            tracing::error!(database, "background work in the bucket failed: {e}");
            false
        }
        Err(e) => {
            tracing::error!(database, "background work in the bucket: {e}");
            false
        }
    }
}
