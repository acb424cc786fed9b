//! Running statements: text in, batches out. One [`Session`] serves all queries of a database; what
//! one query may use comes with its [`Request`]. Not here: each kind of statement (their modules).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::DateTime;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
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
use crate::databases::Databases;
use crate::dialect::{self, Limits, ParseOptions, Parsed};
use crate::error::Result;
use crate::group_count::{KnownAggregate, counted};
use crate::known_bounds::known;
use crate::multiset::CountedSetOperations;
use crate::one_partition::OnePartition;
use crate::outer_constants::OuterConstants;
use crate::query_log::{QueryLog, Running};
use crate::recursion::RecursiveColumns;
use crate::settings::Settings;
use crate::unnest::UnnestSubqueries;
use crate::views::{Planner, Views};
use crate::{ddl, explain, functions, null_safe_joins, show, view_ddl, write};

/// What all queries of a database share.
#[derive(Clone)]
pub struct Session {
    pub(crate) db: Db,
    env: Arc<dyn Env>,
    base: SessionState,
    pub(crate) database: String,
    pub(crate) databases: Option<Arc<dyn Databases>>,
    log: Arc<QueryLog>,
}

/// How a session runs its queries.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// What `currentDatabase()` answers.
    pub database: String,
    /// The databases of the host; none: this one is alone.
    pub databases: Option<Arc<dyn Databases>>,
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
    /// Nothing was to be done, for the reason given.
    Noted(&'static str),
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
        // It compares what may be null by the plan with what may be once it is simplified.
        config.execution.skip_physical_aggregate_schema_check = true;
        config.explain.logical_plan_only = false;
        let config = SessionConfig::from(config);
        let mut physical = PhysicalOptimizer::new().rules;
        physical.insert(0, Arc::new(OuterConstants));
        physical.insert(0, Arc::new(OnePartition));
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_optimizer_rules(null_safe_joins::rules())
            .with_optimizer_rule(Arc::new(KnownAggregate { name: "group_count", of: counted }))
            .with_optimizer_rule(Arc::new(KnownAggregate { name: "known_bounds", of: known }))
            .with_physical_optimizer_rules(physical)
            .build();
        let mut base = functions::configure(state)?;
        base.add_analyzer_rule(Arc::new(RecursiveColumns));
        base.add_analyzer_rule(Arc::new(CountedSetOperations));
        // Last: what it makes is as it should be.
        base.add_analyzer_rule(Arc::new(UnnestSubqueries));
        let SessionOptions { database, databases, .. } = options;
        Ok(Session { db, env, base, database, databases, log: Arc::default() })
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
        let outcome = self.dispatch(parsed, request).await;
        running.watch(self.explained(outcome, request).await)
    }

    /// Inserts the rows that came with an INSERT statement, decoded, as one change.
    ///
    /// # Errors
    /// Rows that the table does not take; then nothing is written.
    pub async fn insert(
        &self,
        parsed: &Parsed,
        table: &str,
        rows: &RecordBatch,
        request: &Request,
    ) -> Result<u64> {
        let running = Running::new(&self.log, &self.env, parsed, request);
        let written = self.db.insert(table, rows, &request.usage).await;
        match running.watch(written.map(Answer::Written).map_err(Into::into))? {
            Answer::Written(rows) => Ok(rows),
            Answer::Rows(_) | Answer::Done | Answer::Noted(_) => Ok(0),
        }
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
                if let Some(rows) = show::of_others(self, statement, &request).await? {
                    return Ok(Answer::Rows(rows));
                }
                if let Some(rows) = show::existence(self, statement, &request)? {
                    return Ok(Answer::Rows(rows));
                }
                if let Some(rows) = view_ddl::describe(self, statement, &request).await? {
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
        let planned = self.plan(parsed, request).await?;
        planned.execute()
    }

    pub(crate) async fn plan(&self, parsed: &Parsed, request: &Request) -> Result<Planned> {
        self.plan_within(parsed, request, Vec::new()).await
    }

    /// Plans the query of views that are being made: they may not be read in it.
    pub(crate) async fn plan_within(
        &self,
        parsed: &Parsed,
        request: &Request,
        views: Vec<String>,
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
            databases: self.databases.clone(),
            settings: settings.clone(),
            log: self.log.clone(),
            views: Arc::new(Views::default()),
        };
        let pool: Arc<dyn MemoryPool> = match settings.max_memory_usage {
            0 => Arc::new(UnboundedMemoryPool::default()),
            max => Arc::new(GreedyMemoryPool::new(max as usize)),
        };
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
        let mut state = self.base.clone();
        state.register_catalog_list(catalog_list(access.clone()));
        // What `now()` is, all through the statement.
        let props = state.execution_props_mut();
        props.query_execution_start_time = DateTime::from_timestamp_micros(self.env.now_us());
        props.alias_generator = Arc::default();
        let plan = Planner::new(&access, &state, &request.user, views).plan(parsed).await?;
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
        let (scalar, higher_order) = (HashMap::new(), HashMap::new());
        let (aggregate, window) = (HashMap::new(), HashMap::new());
        let context =
            TaskContext::new(None, id, config, scalar, higher_order, aggregate, window, runtime);
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

/// Columns of the same name are told apart until here.
fn shown(schema: &SchemaRef) -> SchemaRef {
    let show = |field: &FieldRef| match dialect::shown_column(field.name()) {
        name if name == field.name() => field.clone(),
        name => Arc::new(field.as_ref().clone().with_name(name)),
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(show).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

impl Planned {
    /// The batches of the answer, its columns as they are shown. Time is checked at each.
    pub(crate) fn execute(self) -> Result<SendableRecordBatchStream> {
        let stream = execute_stream(self.physical, self.context)?;
        let schema = shown(&stream.schema());
        let renamed = (schema != stream.schema()).then(|| schema.clone());
        let budget = self.budget;
        let checked = stream.and_then(move |batch| {
            let (checked, renamed) = (budget.check(), renamed.clone());
            async move {
                checked.map_err(|e| datafusion::common::DataFusionError::External(Box::new(e)))?;
                match renamed {
                    Some(schema) => Ok(RecordBatch::try_new(schema, batch.columns().to_vec())?),
                    None => Ok(batch),
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, checked)))
    }
}
