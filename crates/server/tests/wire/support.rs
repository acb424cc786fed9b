//! Where the files are replayed: a server in this process, on a store in memory, with a clock that
//! moves at each look; and the Worker at `DODB_WORKER_URL`, when that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use dodb_engine::{Bucket, Db, Env, JobBudget, Options, Usage};
use dodb_rowstore::{Metered, SqliteStore};
use dodb_server::{Response, Server, ServerOptions};
use object_store::memory::InMemory;

use crate::gate::Visit;

/// A clock that moves a millisecond at each look, and numbers instead of dice.
#[derive(Default)]
pub struct TestEnv {
    us: AtomicI64,
    dice: AtomicU64,
}

impl Env for TestEnv {
    fn now_us(&self) -> i64 {
        const START_US: i64 = 1_700_000_000_000_000;
        START_US + self.us.fetch_add(1_000, Relaxed)
    }

    fn random(&self) -> [u8; 16] {
        u128::from(self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed)).to_be_bytes()
    }
}

/// A database to send requests to, empty at first.
pub enum Home {
    Native(Box<Server>),
    Worker { url: String, database: String, _visit: Visit },
}

/// The address of the Worker that tests talk to too.
pub fn worker_url() -> Option<String> {
    std::env::var("DODB_WORKER_URL").ok().filter(|url| !url.is_empty())
}

/// An empty database in each home.
pub fn homes() -> Vec<Home> {
    let mut homes = vec![Home::native()];
    homes.extend(Home::worker());
    homes
}

impl Home {
    pub fn native() -> Home {
        let rows = Metered::new(Box::new(SqliteStore::open_in_memory().unwrap()));
        let env = Arc::new(TestEnv::default());
        let objects = Bucket::new(Arc::new(InMemory::new()), "memory:///objects");
        let options = Options::default();
        let db = Db::open_with_bucket(Arc::new(rows), env.clone(), options, Some(objects)).unwrap();
        let options = ServerOptions { partitions: 2, ..ServerOptions::default() };
        Home::Native(Box::new(Server::new(db, env, options).unwrap()))
    }

    pub fn worker() -> Option<Home> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let url = worker_url()?;
        let number = COUNT.fetch_add(1, Relaxed);
        let database = format!("wire-{}-{number}", std::process::id());
        create(&url, &database);
        Some(Home::Worker { url, database, _visit: Visit::shared() })
    }

    pub fn database(&self) -> &str {
        match self {
            Home::Native(_) => "default",
            Home::Worker { database, .. } => database,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Home::Native(_) => "native",
            Home::Worker { .. } => "worker",
        }
    }

    pub async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Response {
        match self {
            Home::Native(server) => match path.strip_prefix("/_test/") {
                Some(lever) => pull(server, lever),
                None => {
                    let request = http::Request::builder().method(method).uri(path);
                    server.handle(request.body(body.into()).unwrap()).await
                }
            },
            Home::Worker { url, database, .. } => {
                let sign = if path.contains('?') { '&' } else { '?' };
                let database = match path.contains("database=") {
                    true => String::new(),
                    false => format!("{sign}database={database}"),
                };
                let (method, url) = (method.to_owned(), format!("{url}{path}{database}"));
                let body = body.into();
                tokio::task::spawn_blocking(move || fetch(&method, &url, &body)).await.unwrap()
            }
        }
    }
}

/// The Worker's levers for tests, on a server here.
fn pull(server: &Server, lever: &str) -> Response {
    let db = server.session().db();
    match lever {
        "forget" => db.forget(),
        // Nothing works in the background here.
        "hold" => {}
        "jobs" => {
            let budget = JobBudget { steps_max: usize::MAX, thorough: false };
            db.run_jobs(&budget, &Usage::default()).unwrap();
        }
        other => panic!("no lever is called {other}"),
    }
    let mut response = http::Response::new(Bytes::new());
    response.headers_mut().insert("x-dodb-cost", http::HeaderValue::from_static("{}"));
    response
}

/// One HTTP request; any status is an answer.
pub fn fetch(method: &str, url: &str, body: &[u8]) -> Response {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let agent = ureq::Agent::new_with_config(config);
    let request = http::Request::builder().method(method).uri(url);
    let response = match body {
        [] => agent.run(request.body(()).unwrap()),
        body => agent.run(request.body(body).unwrap()),
    };
    let (head, mut body) = response.unwrap().into_parts();
    let bytes = body.with_config().limit(64 << 20).read_to_vec().unwrap();
    http::Response::from_parts(head, Bytes::from(bytes))
}

/// Makes a database of the Worker.
pub fn create(url: &str, database: &str) {
    let sql = format!("CREATE DATABASE IF NOT EXISTS `{database}`");
    let answer = fetch("POST", url, sql.as_bytes());
    assert_eq!(answer.status(), 200, "{sql}: {}", text(&answer));
}

/// What a response says it cost: rows read, rows written.
pub fn rows(response: &Response) -> (u64, u64) {
    let cost = response.headers().get("x-dodb-cost").unwrap().to_str().unwrap();
    let cost: serde_json::Value = serde_json::from_str(cost).unwrap();
    (cost["rows_read"].as_u64().unwrap(), cost["rows_written"].as_u64().unwrap())
}

/// The body of a response as text.
pub fn text(response: &Response) -> String {
    String::from_utf8_lossy(response.body()).into_owned()
}
