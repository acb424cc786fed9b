//! The Worker's door: which database a request is for, and on to its Durable Object. Not here: what
//! the object answers ([`crate::database`]).

use dodb_server::Error;
use http::StatusCode;
use worker::{Context, Env, Request, Response, event};

use crate::{databases, exchange};

/// The secret that requests must show, when there is one.
const TOKEN: &str = "DODB_TOKEN";

#[event(fetch, respond_with_errors)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let path = request.path();
    match answer(request, &env).await {
        Ok(response) => Ok(response),
        Err(e) => exchange::response(dodb_server::refusal(&path, &e)),
    }
}

async fn answer(request: Request, env: &Env) -> Result<Response, Error> {
    let head = exchange::head(&request)?;
    // Needs no object: a health check should not wake one.
    if head.uri.path() == "/ping" {
        return exchange::response(dodb_server::ping()).map_err(|e| unavailable("ping", &e));
    }
    if let Some(token) = token(env)? {
        dodb_server::check_token(&head, &token)?;
    }
    // What objects ask each other is no question of others.
    if head.uri.path().starts_with(databases::ROOT) {
        let message = format!("there is nothing at {}", head.uri.path());
        return Err(Error::Request { status: StatusCode::NOT_FOUND, message });
    }
    let name = dodb_server::database(&head)?;
    let object = || env.durable_object(databases::OBJECTS)?.id_from_name(&name)?.get_stub();
    let stub = object().map_err(|e| unavailable(&name, &e))?;
    stub.fetch_with_request(request).await.map_err(|e| unavailable(&name, &e))
}

/// The token, if one is set. One that is set to no purpose must not leave the door open.
fn token(env: &Env) -> Result<Option<String>, Error> {
    let set = js_sys::Reflect::get(env, &TOKEN.into()).unwrap_or_default();
    match set.as_string() {
        Some(token) if !token.is_empty() => Ok(Some(token)),
        None if set.is_undefined() => Ok(None),
        _ => {
            let message = format!("{TOKEN} is set, but not to a text; set it again or delete it");
            Err(Error::Request { status: StatusCode::SERVICE_UNAVAILABLE, message })
        }
    }
}

fn unavailable(database: &str, e: &worker::Error) -> Error {
    worker::console_error!("database {database}: {e}");
    let message = format!("the database did not answer ({e}); try again");
    Error::Request { status: StatusCode::SERVICE_UNAVAILABLE, message }
}
