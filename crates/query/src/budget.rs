//! What a query may use and has used: rows, objects, time. Checked wherever a query takes a step.
//! Not here: memory, which DataFusion's pool bounds.

use std::sync::Arc;

use dodb_engine::{Env, Usage, UsageCounts};

use crate::error::Error;
use crate::settings::Settings;

/// The allowance of one query.
pub(crate) struct Budget {
    /// The meter of the request; it stops reading rows by itself.
    pub(crate) usage: Arc<Usage>,
    env: Arc<dyn Env>,
    started_ms: i64,
    /// Of these two 0 is no limit.
    execution_ms_max: u64,
    object_gets_max: u64,
    /// What the meter had counted before.
    before: UsageCounts,
    /// Where the usage is added in the end, when it is not the request's own.
    total: Arc<Usage>,
}

impl Drop for Budget {
    fn drop(&mut self) {
        if !Arc::ptr_eq(&self.usage, &self.total) {
            self.total.add(self.usage.counts());
        }
    }
}

impl Budget {
    pub(crate) fn new(
        usage: Arc<Usage>,
        env: Arc<dyn Env>,
        settings: &Settings,
        total: Arc<Usage>,
    ) -> Budget {
        let started_ms = env.now_ms();
        let before = usage.counts();
        Budget {
            usage,
            env,
            started_ms,
            execution_ms_max: settings.max_execution_ms,
            object_gets_max: settings.max_object_gets,
            before,
            total,
        }
    }

    /// Milliseconds since the query began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.env.now_ms().saturating_sub(self.started_ms).max(0) as u64
    }

    /// What the query has used so far.
    pub(crate) fn used(&self) -> UsageCounts {
        self.usage.counts() - self.before
    }

    /// Is anything left?
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.execution_ms_max > 0 && self.elapsed_ms() > self.execution_ms_max {
            let (took, max) = (self.elapsed_ms(), self.execution_ms_max);
            return Err(Error::Budget {
                what: "the time of the query",
                detail: format!("it ran for {took} ms of {max} ms"),
                setting: "max_execution_time",
            });
        }
        let gets = self.used().object_gets;
        if self.object_gets_max > 0 && gets > self.object_gets_max {
            return Err(Error::Budget {
                what: "the requests of the query to the bucket",
                detail: format!("it made {gets}, {} are allowed", self.object_gets_max),
                setting: "max_object_gets",
            });
        }
        Ok(())
    }
}
