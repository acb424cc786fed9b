//! `/iceberg/v1`: Iceberg's REST catalog (its OpenAPI description, apache/iceberg
//! `open-api/rest-catalog-open-api.yaml`). A database is a catalog with one namespace of its name,
//! in which are all its tables. Not here: what a commit does to rows (`dodb-engine`).

use dodb_engine::{Alter, Error as EngineError, ErrorKind, IcebergTable};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::error::Error;
use crate::server::{Call, Reply, Server};

/// The first segment of all paths.
pub(crate) const ROOT: &str = "iceberg";
/// Most tables on one page of a listing.
const PAGE_MAX: usize = 1_000;
/// Between the parts of a namespace in a path.
const NAMESPACE_SEPARATOR: char = '\u{1f}';

/// The database that a path names: the prefix that `config` gave to the client, if it did.
pub(crate) fn database(path: &str) -> Option<String> {
    let mut segments = path.trim_matches('/').split('/');
    if segments.next() != Some(ROOT) || segments.next() != Some("v1") {
        return None;
    }
    let prefix = segments.next()?;
    let is_prefix = segments.next() == Some("namespaces")
        || path.trim_end_matches('/').ends_with("/tables/rename") && prefix != "tables";
    is_prefix.then(|| decoded(prefix))
}

/// Answers a request.
pub(crate) async fn serve(server: &Server, call: &Call, segments: &[&str]) -> Result<Reply, Error> {
    let inside = match segments {
        ["v1", inside @ ..] => inside,
        _ => return Err(nothing(call)),
    };
    // With the prefix or without.
    let inside = match inside {
        [_, rest @ ..] if database(&call.path).is_some() => rest,
        other => other,
    };
    let get = call.method == Method::GET;
    let head = call.method == Method::HEAD;
    let post = call.method == Method::POST;
    match inside {
        ["config"] if get => config(server),
        ["namespaces"] if get => namespaces(server, call),
        ["namespaces"] if post => create_namespace(server, call),
        ["tables", "rename"] if post => rename(server, call),
        ["namespaces", namespace, rest @ ..] => {
            check_namespace(server, namespace)?;
            match rest {
                [] if get => Ok(Reply::json(&json!({
                    "namespace": [server.options.database],
                    "properties": {},
                }))),
                [] if head => Ok(done()),
                ["tables"] if get => tables(server, call),
                ["tables"] if post => {
                    reply(&server.session.db().iceberg_create(&call.body, &call.usage).await?)
                }
                ["tables", table] if get => load(server, call, &decoded(table)).await,
                ["tables", table] if head => {
                    server.session.db().table(&decoded(table), &call.usage)?;
                    Ok(done())
                }
                ["tables", table] if post => commit(server, call, &decoded(table)).await,
                ["tables", table] if call.method == Method::DELETE => {
                    drop_table(server, call, &decoded(table))
                }
                ["tables", _, "metrics"] if post => Ok(done()),
                _ => Err(nothing(call)),
            }
        }
        _ => Err(nothing(call)),
    }
}

fn nothing(call: &Call) -> Error {
    Error::not_found(format!("the catalog has no {} {}", call.method, call.path))
}

fn done() -> Reply {
    let (status, headers) = (StatusCode::NO_CONTENT, HeaderMap::new());
    Reply { status, content_type: "application/json", headers, body: bytes::Bytes::new() }
}

fn config(server: &Server) -> Result<Reply, Error> {
    Ok(Reply::json(&json!({
        "defaults": {},
        "overrides": { "prefix": server.options.database },
        "endpoints": [
            "GET /v1/{prefix}/namespaces",
            "POST /v1/{prefix}/namespaces",
            "GET /v1/{prefix}/namespaces/{namespace}",
            "HEAD /v1/{prefix}/namespaces/{namespace}",
            "GET /v1/{prefix}/namespaces/{namespace}/tables",
            "POST /v1/{prefix}/namespaces/{namespace}/tables",
            "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
            "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
            "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
            "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
            "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
            "POST /v1/{prefix}/tables/rename",
        ],
    })))
}

fn namespaces(server: &Server, call: &Call) -> Result<Reply, Error> {
    let all = match call.params.get("parent") {
        None | Some("") => vec![vec![server.options.database.clone()]],
        Some(parent) => {
            check_namespace(server, parent)?;
            Vec::new()
        }
    };
    Ok(Reply::json(&json!({ "namespaces": all, "next-page-token": null })))
}

fn create_namespace(server: &Server, call: &Call) -> Result<Reply, Error> {
    let given = body(call)?.get("namespace").cloned().unwrap_or_default();
    let own = json!([server.options.database]);
    let status = if given == own { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
    let message = format!(
        "a database has one namespace, {own}, and it is always there; another database, which \
         CREATE DATABASE makes, has its own"
    );
    Err(Error::Request { status, message })
}

/// The tables, a page at a time: the token is the last name of a page.
fn tables(server: &Server, call: &Call) -> Result<Reply, Error> {
    let size = match call.params.get("pageSize") {
        None => PAGE_MAX,
        Some(text) => match text.parse::<usize>() {
            Ok(size) if size > 0 => size.min(PAGE_MAX),
            _ => return Err(Error::bad_request(format!("pageSize is a number, not {text:?}"))),
        },
    };
    let after = call.params.get("pageToken").unwrap_or_default();
    let all = server.session.db().tables(&call.usage)?;
    let mut names: Vec<String> = all.iter().map(|def| def.name.clone()).collect();
    names.sort_unstable();
    names.retain(|name| after.is_empty() || name.as_str() > after);
    let more = names.len() > size;
    names.truncate(size);
    let token = names.last().filter(|_| more).cloned();
    let identifier =
        |name: &String| json!({ "namespace": [server.options.database], "name": name });
    let identifiers: Vec<Value> = names.iter().map(identifier).collect();
    Ok(Reply::json(&json!({ "identifiers": identifiers, "next-page-token": token })))
}

async fn load(server: &Server, call: &Call, name: &str) -> Result<Reply, Error> {
    reply(&server.session.db().iceberg_table(name, &call.usage).await?)
}

async fn commit(server: &Server, call: &Call, name: &str) -> Result<Reply, Error> {
    let db = server.session.db();
    let table = db.iceberg_commit(name, &call.body, &call.usage).await?;
    reply(&table)
}

fn reply(table: &IcebergTable) -> Result<Reply, Error> {
    // Put together as text: the metadata of a large table is not parsed once more.
    let location = json!(table.metadata_location).to_string();
    let mut body =
        format!("{{\"metadata-location\":{location},\"config\":{{}},\"metadata\":").into_bytes();
    body.extend_from_slice(&table.metadata);
    body.extend_from_slice(b"}\n");
    Ok(Reply::ok("application/json", body))
}

fn drop_table(server: &Server, call: &Call, name: &str) -> Result<Reply, Error> {
    server.session.db().table(name, &call.usage)?;
    if call.params.get("purgeRequested") != Some("true") {
        return Err(Error::bad_request(
            "the files of a table belong to it: ask for purgeRequested=true, or DROP TABLE",
        ));
    }
    server.session.db().drop_table(name, false, &call.usage)?;
    Ok(done())
}

fn rename(server: &Server, call: &Call) -> Result<Reply, Error> {
    let body = body(call)?;
    let name = |what: &str| {
        let identifier = body.get(what);
        let name = identifier.and_then(|of| of.get("name")).and_then(Value::as_str);
        let namespace = identifier.and_then(|of| of.get("namespace"));
        let name = name.ok_or_else(|| Error::bad_request(format!("no name in {what:?}")))?;
        if namespace != Some(&json!([server.options.database])) {
            return Err(no_namespace(&namespace.unwrap_or(&Value::Null).to_string()));
        }
        Ok(name.to_owned())
    };
    let (from, to) = (name("source")?, name("destination")?);
    server.session.db().alter_table(&from, Alter::RenameTable { to }, &call.usage)?;
    Ok(done())
}

fn body(call: &Call) -> Result<Value, Error> {
    serde_json::from_slice(&call.body).map_err(|e| Error::bad_request(format!("not JSON: {e}")))
}

fn check_namespace(server: &Server, namespace: &str) -> Result<(), Error> {
    let given = decoded(namespace);
    match given.contains(NAMESPACE_SEPARATOR) || given != server.options.database {
        true => Err(no_namespace(&given.replace(NAMESPACE_SEPARATOR, "."))),
        false => Ok(()),
    }
}

fn no_namespace(name: &str) -> Error {
    Error::Request {
        status: StatusCode::NOT_FOUND,
        message: format!("the namespace {name} does not exist; that of a database is its name"),
    }
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// An error in the form of the catalog's `ErrorModel`.
pub(crate) fn error_reply(e: &Error) -> Reply {
    let message = e.to_string();
    let (status, name) = match e {
        // A database is a namespace.
        Error::Query(dodb_query::Error::Engine(EngineError::UnknownDatabase { .. })) => {
            (StatusCode::NOT_FOUND, "NoSuchNamespaceException")
        }
        Error::Query(dodb_query::Error::Engine(dodb_engine::Error::IsView { .. })) => {
            (StatusCode::NOT_FOUND, "NoSuchTableException")
        }
        Error::Query(query) => match query.kind() {
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "NoSuchTableException"),
            ErrorKind::Exists => (StatusCode::CONFLICT, "AlreadyExistsException"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "CommitFailedException"),
            ErrorKind::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException")
            }
            ErrorKind::Corrupt => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
            _ => (StatusCode::BAD_REQUEST, "BadRequestException"),
        },
        Error::Request { status, .. } if *status == StatusCode::NOT_FOUND => {
            let name = match message.starts_with("the namespace") {
                true => "NoSuchNamespaceException",
                false => "NoSuchTableException",
            };
            (*status, name)
        }
        Error::Request { status, .. } if *status == StatusCode::CONFLICT => {
            (*status, "AlreadyExistsException")
        }
        Error::Request { status, .. } if *status == StatusCode::UNAUTHORIZED => {
            (*status, "NotAuthorizedException")
        }
        other => (other.status(), "BadRequestException"),
    };
    let error = json!({ "message": message, "type": name, "code": status.as_u16() });
    let body = format!("{}\n", json!({ "error": error }));
    let headers = HeaderMap::new();
    Reply { status, content_type: "application/json", headers, body: body.into() }
}
