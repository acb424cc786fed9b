//! What the newest statements came to: time, rows, requests, dollars. Kept in memory, for
//! `system.query_log`; a row for each would cost more than most statements do. Not here: the
//! counting (`dodb-rowstore`).

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::sql::sqlparser::ast::Statement;
use dodb_engine::{Env, Usage, UsageCounts};
use futures::Stream;
use parking_lot::Mutex;

use crate::dialect::Parsed;
use crate::error::Error;
use crate::session::{Answer, Request};

/// Statements that are remembered.
const ENTRIES_MAX: usize = 1_000;

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Finished,
    Failed,
    /// Whoever asked did not wait for all of the answer.
    Stopped,
}

impl Ending {
    /// As ClickHouse has it in its column `type`, where it has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Ending::Finished => "QueryFinish",
            Ending::Failed => "ExceptionWhileProcessing",
            Ending::Stopped => "QueryStopped",
        }
    }
}

/// One statement that ended.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: i64,
    pub(crate) query: Arc<str>,
    pub(crate) kind: &'static str,
    pub(crate) user: String,
    pub(crate) ending: Ending,
    /// Rows of the answer, or rows written.
    pub(crate) result_rows: u64,
    pub(crate) usage: UsageCounts,
    pub(crate) exception: String,
}

/// The newest statements.
#[derive(Default)]
pub(crate) struct QueryLog(Mutex<VecDeque<Entry>>);

impl QueryLog {
    /// All of them, the oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().iter().cloned().collect()
    }

    fn push(&self, entry: Entry) {
        let mut entries = self.0.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }
}

/// A statement that runs. It is in the log once this is dropped.
pub(crate) struct Running {
    log: Arc<QueryLog>,
    env: Arc<dyn Env>,
    usage: Arc<Usage>,
    before: UsageCounts,
    entry: Entry,
}

impl Running {
    pub(crate) fn new(
        log: &Arc<QueryLog>,
        env: &Arc<dyn Env>,
        parsed: &Parsed,
        request: &Request,
    ) -> Running {
        let now_ms = env.now_ms();
        let entry = Entry {
            started_ms: now_ms,
            ended_ms: now_ms,
            query: parsed.sql.clone(),
            kind: kind_of(&parsed.statement),
            user: request.user.clone(),
            ending: Ending::Stopped,
            result_rows: 0,
            usage: UsageCounts::default(),
            exception: String::new(),
        };
        let usage = request.usage.clone();
        let (log, env, before) = (log.clone(), env.clone(), usage.counts());
        Running { log, env, usage, before, entry }
    }

    /// Notes how the statement went; an answer in rows is watched until its end.
    pub(crate) fn watch(mut self, outcome: Result<Answer, Error>) -> Result<Answer, Error> {
        match outcome {
            Ok(Answer::Rows(rows)) => {
                let schema = rows.schema();
                Ok(Answer::Rows(Box::pin(Watched { rows: Some(rows), schema, running: self })))
            }
            Ok(answer) => {
                self.entry.ending = Ending::Finished;
                if let Answer::Written(rows) = answer {
                    self.entry.result_rows = rows;
                }
                Ok(answer)
            }
            Err(error) => {
                self.failed(&error.to_string());
                Err(error)
            }
        }
    }

    fn failed(&mut self, message: &str) {
        self.entry.ending = Ending::Failed;
        self.entry.exception = message.to_owned();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.entry.ended_ms = self.env.now_ms();
        self.entry.usage = self.usage.counts() - self.before;
        self.log.push(self.entry.clone());
    }
}

/// An answer on its way.
struct Watched {
    /// Goes first: what it read is counted in full only then.
    rows: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    running: Running,
}

impl Stream for Watched {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(rows) = self.rows.as_mut() else { return Poll::Ready(None) };
        let polled = rows.as_mut().poll_next(context);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(batch))) => {
                self.running.entry.result_rows += batch.num_rows() as u64;
            }
            Poll::Ready(Some(Err(error))) => self.running.failed(&error.to_string()),
            Poll::Ready(None) => {
                if self.running.entry.ending == Ending::Stopped {
                    self.running.entry.ending = Ending::Finished;
                }
                self.rows = None;
            }
        }
        polled
    }
}

impl RecordBatchStream for Watched {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// As ClickHouse names it.
fn kind_of(statement: &Statement) -> &'static str {
    match statement {
        Statement::Query(_) => "Select",
        Statement::Insert(_) => "Insert",
        Statement::Update(_) => "Update",
        Statement::Delete(_) => "Delete",
        Statement::Explain { .. } | Statement::ExplainTable { .. } => "Explain",
        Statement::CreateTable(_)
        | Statement::CreateView(_)
        | Statement::CreateIndex(_)
        | Statement::CreateDatabase { .. } => "Create",
        Statement::Drop { .. } => "Drop",
        Statement::AlterTable(_) => "Alter",
        Statement::ShowTables { .. } | Statement::ShowColumns { .. } => "Show",
        _ => "Other",
    }
}
