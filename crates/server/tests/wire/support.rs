//! A server on a store in memory, with a clock that the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use dodb_engine::{Db, Env, Options};
use dodb_rowstore::{Metered, SqliteStore};
use dodb_server::{Response, Server, ServerOptions};

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

/// A server to send requests to.
pub struct TestServer {
    pub server: Server,
}

impl TestServer {
    pub fn new() -> TestServer {
        let rows = Metered::new(Box::new(SqliteStore::open_in_memory().unwrap()));
        let env = Arc::new(TestEnv::default());
        let db = Db::open(Arc::new(rows), env.clone(), Options::default()).unwrap();
        let options = ServerOptions { partitions: 2, ..ServerOptions::default() };
        let server = Server::new(db, env, options).unwrap();
        TestServer { server }
    }

    pub async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Response {
        let request = http::Request::builder().method(method).uri(path).body(body.into()).unwrap();
        self.server.handle(request).await
    }
}
