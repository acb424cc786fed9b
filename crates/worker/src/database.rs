//! The Durable Object of one database: opened at the first request, served by the same server as
//! natively, its background work done by the alarm. Not here: SQLite ([`crate::rows`]).

#![allow(missing_docs, reason = "the macro of Durable Objects adds methods without")]

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use dodb_engine::{Bucket, Db, JobBudget, Metered, Options, Usage};
use dodb_query::Settings;
use dodb_rowstore::RowCounts;
use dodb_server::{DEFAULT_DATABASE, Error, Response as Answer, Server, ServerOptions};
use http::{Method, StatusCode};
use object_store::prefix::PrefixStore;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::databases::{DatabaseObjects, Question, Told};
use crate::env::WorkerEnv;
use crate::r2::R2Store;
use crate::rows::SqlRows;
#[cfg(feature = "testing")]
use crate::testing;
use crate::{databases, exchange, outside};

/// The binding of the R2 bucket.
pub(crate) const BUCKET: &str = "OBJECTS";
/// How long after a write its background work begins: time for more writes to come.
const ALARM_DELAY_MS: i64 = 200;
/// Steps of background work per alarm, each well under a second of the 30 s an alarm may take.
const ALARM_STEPS_MAX: usize = 8;
/// Commits to the bucket per alarm.
const ALARM_COMMITS_MAX: usize = 2;
/// An isolate has 128 MB, for JavaScript and every object in it. A body is there twice while it is
/// read, as bytes and as columns.
const BODY_BYTES_MAX: usize = 16 << 20;
const ANSWER_BYTES_MAX: usize = 16 << 20;
const QUERY_BYTES_MAX: u64 = 40 << 20;
const CACHE_BYTES_MAX: usize = 16 << 20;

/// A database.
#[durable_object(alarm)]
pub struct Database {
    state: State,
    env: Env,
    open: RefCell<Option<Open>>,
    /// When the alarm will come, in milliseconds since 1970, as far as this instance knows.
    alarm_ms: Cell<i64>,
    /// Has every table been looked at for background work?
    has_loaded: Cell<bool>,
}

/// There is no alarm.
const NEVER: i64 = i64::MAX;
/// The alarm is as good as set.
#[cfg(feature = "testing")]
pub(crate) const HELD: i64 = i64::MIN;

/// What an object that is awake holds.
#[derive(Clone)]
struct Open {
    db: Db,
    r2: Option<R2Store>,
    /// Made at the first request, which says the database's name.
    server: Option<Server>,
}

impl DurableObject for Database {
    fn new(state: State, env: Env) -> Self {
        let (open, alarm_ms, has_loaded) = (RefCell::new(None), Cell::new(NEVER), Cell::new(false));
        Database { state, env, open, alarm_ms, has_loaded }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let path = request.path();
        let answer = self.answer(request).await;
        exchange::response(answer.unwrap_or_else(|e| dodb_server::refusal(&path, &e)))
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm_ms.set(NEVER);
        let budget = JobBudget { steps_max: ALARM_STEPS_MAX, thorough: false };
        let work = async || -> Result<(), Error> {
            let db = self.db()?;
            self.begin();
            self.load_tables(&db);
            db.run_jobs(&budget, &Usage::default())?;
            db.run_warm_jobs(ALARM_COMMITS_MAX, &Usage::default()).await?;
            Ok(())
        };
        if let Err(e) = work().await {
            // The runtime calls again, later and later.
            return Err(worker::Error::RustError(format!("background work failed: {e}")));
        }
        self.set_alarm().await;
        Response::empty()
    }
}

impl Database {
    async fn answer(&self, mut request: Request) -> Result<Answer, Error> {
        let head = exchange::head(&request)?;
        let name = dodb_server::database(&head)?;
        let body = exchange::body(&mut request, BODY_BYTES_MAX).await?;
        #[cfg(feature = "testing")]
        if let Some(path) = head.uri.path().strip_prefix("/_test/") {
            let db = self.db()?;
            return testing::answer(path, &self.state, &self.env, &db, &self.alarm_ms).await;
        }
        if let Some(path) = head.uri.path().strip_prefix(databases::ROOT) {
            return self.tell(path, &name).await;
        }
        self.find(&name).await?;
        let may_write = !matches!(head.method, Method::GET | Method::HEAD);
        let server = self.server(&name)?;
        self.begin();
        let answer = server.handle(http::Request::from_parts(head, body)).await;
        if may_write {
            self.set_alarm().await;
        }
        Ok(answer)
    }

    /// Answers another object.
    async fn tell(&self, path: &str, name: &str) -> Result<Answer, Error> {
        let told = match Question::parse(path) {
            Some(Question::Make) => {
                let is_new = !self.is_made()?;
                self.db()?;
                Told::new(is_new)
            }
            Some(question) if name == DEFAULT_DATABASE => {
                DatabaseObjects::new(&self.env, name, self.db()?).answer(question).await?
            }
            _ => {
                let message = format!("no database is asked {path}");
                return Err(Error::Request { status: StatusCode::NOT_FOUND, message });
            }
        };
        Ok(told.response()?)
    }

    /// Is there a database in this object? One that nobody made leaves no trace of having been
    /// asked for, unless databases are made by that: it is on the list before it is there.
    async fn find(&self, name: &str) -> Result<(), Error> {
        if name == DEFAULT_DATABASE || self.is_made()? {
            return Ok(());
        }
        if !databases::are_made_when_asked(&self.env)? {
            let name = name.to_owned();
            return Err(dodb_engine::Error::UnknownDatabase { name }.into());
        }
        Ok(databases::list(&self.env, name).await?)
    }

    fn is_made(&self) -> Result<bool, Error> {
        if self.open.borrow().is_some() {
            return Ok(true);
        }
        // Through a meter of its own: looking costs no row, and the bill is as it is natively.
        Ok(Db::is_made(&Metered::new(Box::new(self.rows()?)))?)
    }

    fn rows(&self) -> Result<SqlRows, Error> {
        let rows = SqlRows::new(self.state.storage().as_raw().as_ref());
        Ok(rows.map_err(dodb_engine::Error::from)?)
    }

    /// Wakes this object when there is background work, soon or once rows are old enough, if
    /// nothing will wake it by then.
    async fn set_alarm(&self) {
        let Ok(db) = self.db() else { return };
        let now_ms = db.env().now_ms();
        let Some(wait_ms) = self.wait_ms(&db, now_ms) else { return };
        let alarm_ms = now_ms.saturating_add(wait_ms);
        if self.alarm_ms.get() <= alarm_ms {
            return;
        }
        self.alarm_ms.set(alarm_ms);
        db.meter().add_billed("set_alarm", RowCounts { read: 0, written: 1 });
        let wait = Duration::from_millis(wait_ms.unsigned_abs());
        if let Err(e) = self.state.storage().set_alarm(wait).await {
            self.alarm_ms.set(NEVER);
            worker::console_error!("the alarm was not set, background work waits: {e}");
        }
    }

    /// How long until there is background work, if there will be any.
    fn wait_ms(&self, db: &Db, now_ms: i64) -> Option<i64> {
        let has_work = || db.has_jobs() || db.has_warm_jobs();
        if !has_work() && db.next_flush_ms().is_some() {
            // There is one alarm for all tables, and rows of others may be older.
            self.load_tables(db);
        }
        if has_work() {
            return Some(ALARM_DELAY_MS);
        }
        db.next_flush_ms().map(|due_ms| due_ms.saturating_sub(now_ms).max(ALARM_DELAY_MS))
    }

    /// Looks at every table, once: a database that was just opened knows of none.
    fn load_tables(&self, db: &Db) {
        if self.has_loaded.replace(true) {
            return;
        }
        if let Err(e) = db.load_tables(&Usage::default()) {
            worker::console_error!("a table cannot be read, its background work waits: {e}");
        }
    }

    /// The bucket of this database, if the Worker has one: a folder of its own in the R2 bucket.
    /// `DODB_OBJECTS` says what the bucket is called from outside, as `s3://NAME`.
    fn bucket(&self) -> Option<(Bucket, R2Store)> {
        let r2 = self.env.bucket(BUCKET).ok()?;
        let folder = self.state.id().to_string();
        let root = self.env.var("DODB_OBJECTS").map(|url| url.to_string());
        let root = root.unwrap_or_else(|_| "s3://dodb".to_owned());
        let r2 = R2Store::new(r2.as_ref(), Arc::new(WorkerEnv));
        let store = Arc::new(PrefixStore::new(r2.clone(), folder.as_str()));
        let bucket = Bucket::new(store, &format!("{}/{folder}", root.trim_end_matches('/')));
        Some((bucket, r2))
    }

    /// Another invocation begins, which may make as many requests as Cloudflare allows one.
    fn begin(&self) {
        if let Some(r2) = self.open.borrow().as_ref().and_then(|open| open.r2.as_ref()) {
            r2.begin();
        }
    }

    fn db(&self) -> Result<Db, Error> {
        if let Some(open) = self.open.borrow().as_ref() {
            return Ok(open.db.clone());
        }
        let rows = Arc::new(Metered::new(Box::new(self.rows()?)));
        let var = |name| self.env.var(name).ok().map(|value| value.to_string());
        let hot = Options::HOT_LIMITS.map(var);
        let options = Options { cache_bytes_max: CACHE_BYTES_MAX, ..Options::default() };
        let options = options.with_hot_limits(hot.each_ref().map(Option::as_deref))?;
        let options = Options { attach: outside::options(&self.env)?, ..options };
        let (bucket, r2) = self.bucket().unzip();
        let db = Db::open_with_bucket(rows, Arc::new(WorkerEnv), options, bucket)?;
        *self.open.borrow_mut() = Some(Open { db: db.clone(), r2, server: None });
        Ok(db)
    }

    fn server(&self, name: &str) -> Result<Server, Error> {
        let db = self.db()?;
        if let Some(Open { server: Some(server), .. }) = self.open.borrow().as_ref() {
            return Ok(server.clone());
        }
        let options = ServerOptions {
            database: name.to_owned(),
            databases: Some(Arc::new(DatabaseObjects::new(&self.env, name, db.clone()))),
            partitions: 1,
            settings: Settings { max_memory_usage: QUERY_BYTES_MAX, ..Settings::default() },
            body_bytes_max: BODY_BYTES_MAX,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let server = Server::new(db, Arc::new(WorkerEnv), options)?;
        if let Some(open) = self.open.borrow_mut().as_mut() {
            open.server = Some(server.clone());
        }
        Ok(server)
    }
}
