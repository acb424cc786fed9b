//! Running statements: text in, batches out. One [`Session`] serves all queries of a database; what
//! one query may use comes with its [`Request`]. Not here: each kind of statement (their modules).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::DateTime;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{
    SendableRecordBatchStream, SessionState, SessionStateBuilder, TaskContext,
};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::Statement;
use dodb_engine::Usage;
use dodb_engine::{Db, Env};
use futures::TryStreamExt;

use crate::budget::Budget;
use crate::catalog::{Access, CATALOG, catalog_list};
use crate::dialect::{self, Limits, ParseOptions, Parsed};
use crate::error::Result;
use crate::exists::ExistsAsValue;
use crate::group_count::{KnownAggregate, counted};
use crate::known_bounds::known;
use crate::one_partition::OnePartition;
use crate::query_log::{QueryLog, Running};
use crate::settings::Settings;
use crate::{ddl, explain, functions, show, write};

/// What all queries of a database share.
#[derive(Clone)]
pub struct Session {
    pub(crate) db: Db,
    env: Arc<dyn Env>,
    base: SessionState,
    pub(crate) database: String,
    log: Arc<QueryLog>,
}

/// How a session runs its queries.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// What `currentDatabase()` answers.
    pub database: String,
    /// Threads' worth of work; 1 in a Worker.
    pub partitions: usize,
}

/// One query's circumstances.
#[derive(Clone)]
pub struct Request {
    /// The meter of the request.
    pub usage: Arc<Usage>,
    /// Its settings.
    pub settings: Settings,
    /// Values of `{name:Type}`.
    pub params: BTreeMap<String, String>,
    /// May it only read?
    pub read_only: bool,
    /// What `currentUser()` answers.
    pub user: String,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            usage: Arc::new(Usage::default()),
            settings: Settings::default(),
            params: BTreeMap::new(),
            read_only: false,
            user: "default".into(),
        }
    }
}

/// What a statement answers.
pub enum Answer {
    /// Rows, in batches of one schema.
    Rows(SendableRecordBatchStream),
    /// Rows were inserted, updated or deleted: how many.
    Written(u64),
    /// Done, with nothing to show.
    Done,
}

impl Session {
    /// Makes the session of a database; `env` is its clock.
    ///
    /// # Errors
    /// DataFusion refused a function or a setting.
    pub fn new(db: Db, env: Arc<dyn Env>, options: SessionOptions) -> Result<Session> {
        let mut config = ConfigOptions::new();
        config.catalog.default_catalog = CATALOG.into();
        config.catalog.default_schema = options.database.clone();
        config.catalog.create_default_catalog_and_schema = false;
        config.catalog.information_schema = true;
        config.sql_parser.enable_ident_normalization = false;
        config.sql_parser.default_null_ordering = "nulls_last".into();
        config.execution.target_partitions = options.partitions.max(1);
        // Input batches are granules already; no statistics are worth a read at planning.
        config.execution.collect_statistics = false;
        config.explain.logical_plan_only = false;
        let config = SessionConfig::from(config);
        let mut physical = PhysicalOptimizer::new().rules;
        physical.insert(0, Arc::new(OnePartition));
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_analyzer_rule(Arc::new(ExistsAsValue))
            .with_optimizer_rule(Arc::new(KnownAggregate { name: "group_count", of: counted }))
            .with_optimizer_rule(Arc::new(KnownAggregate { name: "known_bounds", of: known }))
            .with_physical_optimizer_rules(physical)
            .build();
        let base = functions::configure(state)?;
        Ok(Session { db, env, base, database: options.database, log: Arc::default() })
    }

    /// The database under this session.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Splits a text into statements.
    ///
    /// # Errors
    /// The first fault, with its line and column.
    pub fn parse(&self, sql: &str, request: &Request) -> Result<Vec<Parsed>> {
        let options = ParseOptions {
            limits: Limits { text_bytes_max: request.settings.max_query_size, ..Limits::default() },
            params: request.params.clone(),
            database: self.database.clone(),
            user: request.user.clone(),
            ..ParseOptions::default()
        };
        Ok(dialect::parse(sql, &options)?)
    }

    /// Runs one statement. `SETTINGS` of the statement go before those of the request.
    ///
    /// # Errors
    /// See [`crate::Error`]; a statement that fails has written nothing.
    pub async fn run(&self, parsed: &Parsed, request: &Request) -> Result<Answer> {
        let running = Running::new(&self.log, &self.env, parsed, request);
        running.watch(self.dispatch(parsed, request).await)
    }

    async fn dispatch(&self, parsed: &Parsed, request: &Request) -> Result<Answer> {
        let mut request = request.clone();
        for (name, value) in &parsed.settings {
            request.settings.set(name, value)?;
        }
        match &parsed.statement {
            Statement::Query(_) => self.query(parsed, &request).await.map(Answer::Rows),
            Statement::Explain { statement, analyze, .. } => {
                explain::run(self, parsed, statement, *analyze, &request).await
            }
            Statement::Insert(insert) => write::insert(self, parsed, insert, &request).await,
            Statement::Update(update) => write::update(self, parsed, update, &request).await,
            Statement::Delete(delete) => write::delete(self, parsed, delete, &request).await,
            statement => {
                if let Some(rows) = show::of_attached(self, statement, &request).await? {
                    return Ok(Answer::Rows(rows));
                }
                match show::as_query(self, statement, &request)? {
                    Some(query) => self.query(&query, &request).await.map(Answer::Rows),
                    None => ddl::run(self, parsed, &request).await,
                }
            }
        }
    }

    /// Runs a text of statements and answers the last one's rows; for callers that hold the answer
    /// in memory anyway.
    ///
    /// # Errors
    /// The first statement's that fails; those before it stay done.
    pub async fn collect(
        &self,
        sql: &str,
        request: &Request,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let mut last = (Arc::new(Schema::empty()), Vec::new());
        for parsed in self.parse(sql, request)? {
            if let Answer::Rows(rows) = self.run(&parsed, request).await? {
                last = (rows.schema(), rows.try_collect().await?);
            }
        }
        Ok(last)
    }

    async fn query(&self, parsed: &Parsed, request: &Request) -> Result<SendableRecordBatchStream> {
        let planned = self.plan(parsed, request, false).await?;
        planned.execute()
    }

    pub(crate) async fn plan(
        &self,
        parsed: &Parsed,
        request: &Request,
        row_addresses: bool,
    ) -> Result<Planned> {
        let settings = &request.settings;
        let usage = match settings.max_rows_read {
            0 => request.usage.clone(),
            max => Arc::new(Usage::with_rows_read_max(max)),
        };
        let total = request.usage.clone();
        let budget = Arc::new(Budget::new(usage, self.env.clone(), settings, total));
        let access = Access {
            db: self.db.clone(),
            budget: budget.clone(),
            database: self.database.clone(),
            settings: settings.clone(),
            row_addresses,
            log: self.log.clone(),
        };
        let pool: Arc<dyn MemoryPool> = match settings.max_memory_usage {
            0 => Arc::new(UnboundedMemoryPool::default()),
            max => Arc::new(GreedyMemoryPool::new(max as usize)),
        };
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
        let mut state = self.base.clone();
        state.register_catalog_list(catalog_list(access));
        // What `now()` is, all through the statement.
        let props = state.execution_props_mut();
        props.query_execution_start_time = DateTime::from_timestamp_micros(self.env.now_us());
        props.alias_generator = Arc::default();
        let plan = dialect::plan(&state, parsed).await?;
        let (logical, physical) = match planned(&state, &plan).await {
            Ok(both) => both,
            // DataFusion's rule that moves paths towards the scans loses track of names where a
            // join's condition computes with a path of an aliased table: then it goes without.
            Err(error) => {
                let optimizer = &mut state.config_mut().options_mut().optimizer;
                optimizer.enable_leaf_expression_pushdown = false;
                planned(&state, &plan).await.map_err(|_| error)?
            }
        };
        // A plan holds the functions that it calls: none is looked up while it runs.
        let (id, config) = (state.session_id().to_owned(), state.config().clone());
        let (scalar, aggregate, window) = (HashMap::new(), HashMap::new(), HashMap::new());
        let context = TaskContext::new(None, id, config, scalar, aggregate, window, runtime);
        Ok(Planned { logical, physical, context: Arc::new(context), budget })
    }
}

/// The optimized plan, and how it is run.
async fn planned(
    state: &SessionState,
    plan: &LogicalPlan,
) -> Result<(LogicalPlan, Arc<dyn ExecutionPlan>)> {
    let logical = state.optimize(plan)?;
    let physical = state.query_planner().create_physical_plan(&logical, state).await?;
    Ok((logical, physical))
}

/// A statement that is ready to run.
pub(crate) struct Planned {
    pub(crate) logical: LogicalPlan,
    pub(crate) physical: Arc<dyn ExecutionPlan>,
    pub(crate) context: Arc<TaskContext>,
    pub(crate) budget: Arc<Budget>,
}

impl Planned {
    /// The batches of the answer. Time is checked at each.
    pub(crate) fn execute(self) -> Result<SendableRecordBatchStream> {
        let stream = execute_stream(self.physical, self.context)?;
        let schema = stream.schema();
        let budget = self.budget;
        let checked = stream.and_then(move |batch| {
            let checked = budget.check();
            async move {
                checked.map_err(|e| datafusion::common::DataFusionError::External(Box::new(e)))?;
                Ok(batch)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, checked)))
    }
}
