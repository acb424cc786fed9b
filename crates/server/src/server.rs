//! [`Server`]: the router of one database. Every response carries what the request cost. Not here:
//! what the routes do; sockets; which database a request is for ([`crate::database`]).

use std::sync::Arc;

use bytes::Bytes;
use dodb_engine::{Db, Env, PRICES};
use dodb_engine::{Usage, UsageCounts};
use dodb_query::{Databases, Session, SessionOptions, Settings};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::error::Error;
use crate::request::Params;
use crate::{iceberg, records, sql, stats, tiers};

/// A response, whole.
pub type Response = http::Response<Bytes>;

/// How a server answers.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The database's name.
    pub database: String,
    /// The databases of the host; none: this one is alone.
    pub databases: Option<Arc<dyn Databases>>,
    /// Threads' worth of work for one query.
    pub partitions: usize,
    /// Settings of a request that says nothing.
    pub settings: Settings,
    /// The largest body taken.
    pub body_bytes_max: usize,
    /// The largest answer given.
    pub answer_bytes_max: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            database: "default".into(),
            databases: None,
            partitions: 1,
            settings: Settings::default(),
            body_bytes_max: 100 << 20,
            answer_bytes_max: 256 << 20,
        }
    }
}

/// Serves one database.
#[derive(Clone)]
pub struct Server {
    pub(crate) session: Session,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) options: Arc<ServerOptions>,
}

/// What a route answers, before the headers that all responses have.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Reply {
        let (status, headers) = (StatusCode::OK, HeaderMap::new());
        Reply { status, content_type, headers, body: body.into() }
    }

    pub(crate) fn json(value: &serde_json::Value) -> Reply {
        Reply::ok("application/json; charset=UTF-8", format!("{value}\n"))
    }
}

/// One request on its way through.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) params: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) usage: Arc<Usage>,
    pub(crate) started_us: i64,
}

impl Server {
    /// Makes the server of a database.
    ///
    /// # Errors
    /// The SQL session could not be made.
    pub fn new(db: Db, env: Arc<dyn Env>, options: ServerOptions) -> Result<Server, Error> {
        let session_options = SessionOptions {
            database: options.database.clone(),
            databases: options.databases.clone(),
            partitions: options.partitions,
        };
        let session = Session::new(db, env.clone(), session_options)?;
        Ok(Server { session, env, options: Arc::new(options) })
    }

    /// The SQL session under the server.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Answers a request. Never fails: errors are responses.
    pub fn handle(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(request))
    }

    async fn answer(&self, request: http::Request<Bytes>) -> Response {
        let (parts, body) = request.into_parts();
        let usage = Arc::new(Usage::default());
        let path = parts.uri.path().to_owned();
        let outcome = match Params::of(&parts) {
            Err(e) => Err(e),
            Ok(params) => {
                let call = Call {
                    method: parts.method,
                    path: path.clone(),
                    params,
                    headers: parts.headers,
                    body,
                    usage: usage.clone(),
                    started_us: self.env.now_us(),
                };
                self.route(&call).await
            }
        };
        let reply = outcome.unwrap_or_else(|e| error_reply(&path, &e));
        finish(reply, &usage.counts())
    }

    async fn route(&self, call: &Call) -> Result<Reply, Error> {
        if call.body.len() > self.options.body_bytes_max {
            return Err(Error::Request {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                message: format!(
                    "the body has {} bytes, the limit is {}; send it in pieces",
                    call.body.len(),
                    self.options.body_bytes_max
                ),
            });
        }
        let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match segments.as_slice() {
            ["ping"] => Ok(pong()),
            [""] => sql::run(self, call).await,
            ["v1", "stats"] => {
                call.params.only(&[])?;
                stats::stats(self, call)
            }
            ["v1", "cost"] => {
                call.params.only(&[])?;
                stats::cost(self, call)
            }
            [iceberg::ROOT, inside @ ..] => iceberg::serve(self, call, inside).await,
            ["v1", "flush"] => tiers::flush(self, call).await,
            ["v1", "compact"] => tiers::compact(self, call).await,
            ["v1", table @ ("things" | "relationships")] => records::post(self, call, table).await,
            ["v1", table @ ("things" | "relationships"), id @ ..] => {
                records::one(self, call, table, &id.join("/")).await
            }
            _ => Err(Error::not_found(format!(
                "there is nothing at {}; SQL goes to /, records to /v1/things and \
                 /v1/relationships, numbers are at /v1/stats and /v1/cost, jobs at /v1/flush and \
                 /v1/compact, the Iceberg catalog at /iceberg",
                call.path
            ))),
        }
    }
}

fn pong() -> Reply {
    Reply::ok("text/plain; charset=UTF-8", "Ok.\n")
}

/// The answer to `/ping`, which needs no database.
pub fn ping() -> Response {
    finish(pong(), &UsageCounts::default())
}

/// The answer to a request for `path` that never reached a database, in the form that errors have
/// there; it cost nothing.
pub fn refusal(path: &str, error: &Error) -> Response {
    finish(error_reply(path, error), &UsageCounts::default())
}

/// An error in the form that clients of `path` read: ClickHouse's, that of `/v1`, the catalog's.
fn error_reply(path: &str, e: &Error) -> Reply {
    let reply = |content_type, body| Reply {
        status: e.status(),
        content_type,
        headers: HeaderMap::new(),
        body,
    };
    let mut reply = match path.trim_start_matches('/').split('/').next() {
        Some(iceberg::ROOT) => iceberg::error_reply(e),
        Some("v1") => reply("application/json; charset=UTF-8", e.as_json()),
        _ => reply("text/plain; charset=UTF-8", e.as_text()),
    };
    reply.headers.insert("x-clickhouse-exception-code", HeaderValue::from(e.code().0));
    reply
}

fn finish(reply: Reply, usage: &UsageCounts) -> Response {
    let mut response = http::Response::new(reply.body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.extend(reply.headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Ok(cost) = HeaderValue::from_str(&cost_json(usage)) {
        headers.insert("x-dodb-cost", cost);
    }
    response
}

/// What `usage` came to, as `X-Dodb-Cost` says it.
pub(crate) fn cost_json(usage: &UsageCounts) -> String {
    format!(
        "{{\"rows_read\":{},\"rows_written\":{},\"object_gets\":{},\"object_puts\":{},\
         \"object_bytes\":{},\"usd\":{:.12}}}",
        usage.rows_read,
        usage.rows_written,
        usage.object_gets,
        usage.object_puts,
        usage.object_bytes,
        PRICES.usd(usage)
    )
}
