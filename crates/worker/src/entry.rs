//! The Worker's door: which database a request is for, and on to its Durable Object. Not here: what
//! the object answers ([`crate::database`]).

use dodb_server::Error;
use http::StatusCode;
use worker::{Context, Env, Request, Response, event};

use crate::exchange;

/// The binding of `wrangler.jsonc` to the class of Durable Objects.
const DATABASES: &str = "DATABASES";

#[event(fetch, respond_with_errors)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    match answer(request, &env).await {
        Ok(response) => Ok(response),
        Err(e) => exchange::response(dodb_server::refusal(&e)),
    }
}

async fn answer(request: Request, env: &Env) -> Result<Response, Error> {
    let head = exchange::head(&request)?;
    // Needs no object: a health check should not wake one.
    if head.uri.path() == "/ping" {
        return exchange::response(dodb_server::ping()).map_err(|e| unavailable("ping", &e));
    }
    let name = dodb_server::database(&head)?;
    let object = || env.durable_object(DATABASES)?.id_from_name(&name)?.get_stub();
    let stub = object().map_err(|e| unavailable(&name, &e))?;
    stub.fetch_with_request(request).await.map_err(|e| unavailable(&name, &e))
}

fn unavailable(database: &str, e: &worker::Error) -> Error {
    worker::console_error!("database {database}: {e}");
    let message = format!("the database did not answer ({e}); try again");
    Error::Request { status: StatusCode::SERVICE_UNAVAILABLE, message }
}
