//! A request taken apart: parameters, settings, the database's own from ClickHouse's. Not here:
//! what a request asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use dodb_engine::Usage;
use dodb_query::{Request, Settings};
use http::StatusCode;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::iceberg;

/// Parameters of the URL that are not settings.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) query: Option<String>,
    pub(crate) query_id: Option<String>,
    /// The rest: settings, `param_NAME`.
    others: Vec<(String, String)>,
}

/// The database that is always there.
pub const DEFAULT_DATABASE: &str = "default";

/// Parameters that clients send and that say nothing about the query.
const CARRIED: [&str; 8] = [
    "database",
    "session_id",
    "session_timeout",
    "session_check",
    "user",
    "password",
    "compress",
    "buffer_size",
];

impl Params {
    /// The parameters of a request's URL.
    pub(crate) fn of(parts: &Parts) -> Result<Params, Error> {
        let mut out = Params::default();
        for (name, value) in pairs(parts.uri.query().unwrap_or_default())? {
            match name.as_str() {
                "query" => out.query = Some(value),
                "query_id" => out.query_id = Some(value),
                _ => out.others.push((name, value)),
            }
        }
        Ok(out)
    }

    /// A parameter by its name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.others.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that do nothing where only these do something.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Error> {
        let is_known = |name: &str| known.contains(&name) || CARRIED.contains(&name);
        match self.others.iter().find(|(name, _)| !is_known(name)) {
            None => Ok(()),
            Some((name, _)) => Err(Error::bad_request(match known {
                [] => format!("there is no parameter `{name}` here"),
                known => {
                    format!("there is no parameter `{name}` here; there is {}", known.join(", "))
                }
            })),
        }
    }

    /// The circumstances of the query.
    pub(crate) fn request(&self, defaults: &Settings, usage: Arc<Usage>) -> Result<Request, Error> {
        let mut settings = defaults.clone();
        let mut params = BTreeMap::new();
        for (name, value) in &self.others {
            if let Some(name) = name.strip_prefix("param_") {
                params.insert(name.to_owned(), value.clone());
            } else if !CARRIED.contains(&name.as_str()) {
                settings.set(name, value)?;
            }
        }
        Ok(Request { usage, settings, params, ..Request::default() })
    }
}

/// The database that a request names in `?database=` or `X-ClickHouse-Database`; `default` if none.
///
/// # Errors
/// A name that cannot be a database's.
pub fn database(parts: &Parts) -> Result<String, Error> {
    let mut name = iceberg::database(parts.uri.path());
    for (key, value) in pairs(parts.uri.query().unwrap_or_default())? {
        let is_catalog = key == "warehouse" && parts.uri.path().starts_with("/iceberg/");
        if key == "database" || is_catalog && !value.is_empty() {
            name = Some(value);
        }
    }
    if let (None, Some(header)) = (&name, parts.headers.get("x-clickhouse-database")) {
        name = Some(String::from_utf8_lossy(header.as_bytes()).into_owned());
    }
    let name = name.unwrap_or_else(|| DEFAULT_DATABASE.into());
    check_database(&name)?;
    Ok(name)
}

/// Does the request carry `token`, as `Authorization: Bearer TOKEN` or as ClickHouse's clients send
/// a password (`X-ClickHouse-Key`)?
///
/// # Errors
/// It does not.
pub fn check_token(parts: &Parts, token: &str) -> Result<(), Error> {
    let header = |name: &str| parts.headers.get(name).map(|value| value.as_bytes());
    let bearer = header("authorization").and_then(|value| value.strip_prefix(b"Bearer "));
    let is_it = |given: &[u8]| {
        // All bytes are looked at, so that the time taken tells nothing of where they differ.
        let differ = given.iter().zip(token.as_bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
        given.len() == token.len() && differ == 0
    };
    if [bearer, header("x-clickhouse-key")].into_iter().flatten().any(is_it) {
        return Ok(());
    }
    Err(Error::Request {
        status: StatusCode::UNAUTHORIZED,
        message: "this database wants a token: send the header `Authorization: Bearer TOKEN` \
                  (dodb's own client takes it from DODB_TOKEN)"
            .into(),
    })
}

/// May a database have this name? Letters, digits, `_`, `-` and `.`, 1 to 64 of them, not starting
/// with a point: the same in a folder's name and in a Durable Object's.
///
/// # Errors
/// It may not.
pub fn check_database(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let long = name.is_empty() || name.len() > 64;
    if long || name.starts_with('.') || !name.chars().all(fits) || name == "system" {
        return Err(Error::bad_request(format!(
            "{name:?} cannot name a database: use 1 to 64 letters, digits, `_`, `-` and `.`"
        )));
    }
    Ok(())
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Error> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| Error::bad_request("the URL's parameters are not UTF-8"))
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The text at the front of a body, as far as it is UTF-8: data of an INSERT may follow it.
pub(crate) fn text_of(body: &Bytes) -> &str {
    match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(e) => {
            let valid = body.get(..e.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_in(name: &str, value: &str) -> bool {
        let request = http::Request::builder().header(name, value).body(()).unwrap();
        check_token(&request.into_parts().0, "secret").is_ok()
    }

    #[test]
    fn a_token_opens_and_nothing_else_does() {
        assert!(is_let_in("authorization", "Bearer secret"));
        assert!(is_let_in("x-clickhouse-key", "secret"));
        for value in ["Bearer secre", "Bearer secret ", "Bearer secrets", "Bearer ", "secret", ""] {
            assert!(!is_let_in("authorization", value), "{value:?}");
        }
        assert!(!is_let_in("x-clickhouse-key", "Secret"));
        assert!(!is_let_in("x-other", "secret"));
    }
}
