//! What a query may use and has used: rows, time. Checked wherever a query takes a step. Not here:
//! memory, which DataFusion's pool bounds.

use std::sync::Arc;

use dodb_engine::Env;
use dodb_engine::Usage;

use crate::error::Error;

/// The allowance of one query.
pub(crate) struct Budget {
    /// The meter of the request; it stops reading rows by itself.
    pub(crate) usage: Arc<Usage>,
    env: Arc<dyn Env>,
    started_ms: i64,
    execution_ms_max: Option<u64>,
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
        execution_ms_max: Option<u64>,
        total: Arc<Usage>,
    ) -> Budget {
        let started_ms = env.now_ms();
        Budget { usage, env, started_ms, execution_ms_max, total }
    }

    /// Milliseconds since the query began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.env.now_ms().saturating_sub(self.started_ms).max(0) as u64
    }

    /// Is there time left?
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.execution_ms_max {
            Some(max) if self.elapsed_ms() > max => Err(Error::Budget {
                what: "the time of the query",
                detail: format!("it ran for {} ms of {max} ms", self.elapsed_ms()),
                setting: "max_execution_time",
            }),
            _ => Ok(()),
        }
    }
}
