//! A client of Iceberg's REST catalog, as far as reading goes (its OpenAPI description): the
//! configuration, lists of namespaces and tables, a table.

use std::collections::{BTreeMap, VecDeque};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::outside::Outside;
use super::places::Place;
use crate::error::{Error, ErrorKind, Result};

/// A catalog that answered.
pub(super) struct RestCatalog<'a> {
    outside: &'a dyn Outside,
    token: Option<&'a str>,
    /// With `/v1` and the catalog's prefix.
    uri: String,
    config: BTreeMap<String, String>,
}

/// What a catalog says of a table.
pub(super) struct Loaded {
    pub(super) metadata_location: String,
    /// The metadata: JSON.
    pub(super) metadata: Vec<u8>,
    /// Credentials for its objects, and how to reach them.
    pub(super) config: BTreeMap<String, String>,
}

/// Requests that one listing makes.
const REQUESTS_MAX: usize = 200;
/// Levels of namespaces are separated by this (`namespace` in the description).
const LEVELS: &str = "\u{1f}";
/// What a part of a path keeps as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(part: &str) -> String {
    utf8_percent_encode(part, PLAIN).to_string()
}

impl<'a> RestCatalog<'a> {
    /// Asks for the catalog's configuration. `uri` may end in `/v1` or not.
    pub(super) async fn open(
        outside: &'a dyn Outside,
        place: &'a Place,
        uri: &str,
        warehouse: Option<&str>,
    ) -> Result<RestCatalog<'a>> {
        let root = uri.trim_end_matches('/').trim_end_matches("/v1");
        let token = place.name.as_deref();
        let mut catalog =
            RestCatalog { outside, token, uri: format!("{root}/v1"), config: BTreeMap::new() };
        let query = warehouse.map(|warehouse| format!("?warehouse={}", encoded(warehouse)));
        let config = catalog.get(&format!("config{}", query.unwrap_or_default())).await?;
        let config = config.ok_or_else(|| {
            Error::invalid("there is no Iceberg REST catalog there").of_object(&catalog.uri)
        })?;
        catalog.config = texts(config.get("defaults"));
        catalog.config.extend(texts(config.get("overrides")));
        if let Some(prefix) = catalog.config.get("prefix").filter(|prefix| !prefix.is_empty()) {
            let is_odd = |segment: &str| {
                segment.is_empty() || matches!(segment, "." | "..") || segment.contains(['?', '#'])
            };
            if prefix.split('/').any(is_odd) {
                let message = format!("its prefix {prefix:?} is none");
                return Err(Error::corrupt(message).of_object(&catalog.uri));
            }
            catalog.uri = format!("{}/{prefix}", catalog.uri);
        }
        Ok(catalog)
    }

    /// The names of all tables, with their namespaces: `sales.orders`.
    pub(super) async fn tables(&self) -> Result<Vec<String>> {
        let mut requests = 0;
        let mut open = VecDeque::from([Vec::new()]);
        let mut tables = Vec::new();
        while let Some(namespace) = open.pop_front() {
            let levels: &[String] = &namespace;
            let parent = levels.join(LEVELS);
            let children = match levels.is_empty() {
                true => "namespaces".to_owned(),
                false => format!("namespaces?parent={}", encoded(&parent)),
            };
            for child in self.pages(&children, "namespaces", &mut requests).await? {
                let levels = child.as_array().map(Vec::as_slice).unwrap_or_default();
                let levels: Vec<String> =
                    levels.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                // Catalogs that have one level only list all of it, whatever the parent.
                if levels.len() > namespace.len() && levels.starts_with(&namespace) {
                    open.push_back(levels);
                }
            }
            if levels.is_empty() {
                continue;
            }
            let path = format!("namespaces/{}/tables", encoded(&parent));
            for table in self.pages(&path, "identifiers", &mut requests).await? {
                if let Some(name) = table.get("name").and_then(Value::as_str) {
                    tables.push(format!("{}.{name}", namespace.join(".")));
                }
            }
        }
        tables.sort();
        Ok(tables)
    }

    /// A table by its name, with its namespace; `None`: there is none.
    pub(super) async fn load(&self, name: &str) -> Result<Option<Loaded>> {
        let Some((namespace, table)) = name.rsplit_once('.') else { return Ok(None) };
        let namespace = namespace.split('.').collect::<Vec<_>>().join(LEVELS);
        let path = format!("namespaces/{}/tables/{}", encoded(&namespace), encoded(table));
        let Some(mut found) = self.get(&path).await? else { return Ok(None) };
        let location = found.get("metadata-location").and_then(Value::as_str).map(str::to_owned);
        let metadata = found.get_mut("metadata").map(Value::take);
        let (Some(metadata_location), Some(metadata)) = (location, metadata) else {
            let message = format!("its answer for table {name} has no metadata");
            return Err(Error::corrupt(message).of_object(&self.uri));
        };
        let mut config = self.config.clone();
        config.extend(texts(found.get("config")));
        let given = found.get("storage-credentials").and_then(Value::as_array);
        let fits = |given: &&Value| {
            let prefix = given.get("prefix").and_then(Value::as_str).unwrap_or_default();
            metadata_location.starts_with(prefix)
        };
        for given in given.into_iter().flatten().filter(fits) {
            config.extend(texts(given.get("config")));
        }
        let metadata = serde_json::to_vec(&metadata)?;
        Ok(Some(Loaded { metadata_location, metadata, config }))
    }

    /// All pages of a list.
    async fn pages(&self, path: &str, list: &str, requests: &mut usize) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            *requests += 1;
            if *requests > REQUESTS_MAX {
                let message = format!("listing its tables takes more than {REQUESTS_MAX} requests");
                return Err(Error::unsupported(message).of_object(&self.uri));
            }
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = match &token {
                Some(token) => format!("{path}{mark}pageToken={}", encoded(token)),
                None => path.to_owned(),
            };
            let Some(mut page) = self.get(&page).await? else { return Ok(all) };
            if let Some(Value::Array(items)) = page.get_mut(list).map(Value::take) {
                all.extend(items);
            }
            let next = page.get("next-page-token").and_then(Value::as_str);
            match next.filter(|next| !next.is_empty()) {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(all),
            }
        }
    }

    /// An answer as JSON; `None` for what is not there.
    async fn get(&self, path: &str) -> Result<Option<Value>> {
        let url = format!("{}/{path}", self.uri);
        let answer = self.outside.get(&url, self.token).await?;
        let said = |what: &str| {
            let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
            let message = body.as_ref().and_then(|body| body.pointer("/error/message"));
            let message = message.and_then(Value::as_str).unwrap_or_default();
            let message: String = message.chars().take(300).collect();
            let mark = if message.is_empty() { "" } else { ": " };
            format!("the catalog answers {}, {what}{mark}{message}", answer.status)
        };
        let kind = match answer.status {
            200 => {
                let parsed = serde_json::from_slice(&answer.body);
                return parsed.map(Some).map_err(|_| {
                    Error::corrupt("the catalog's answer is no JSON").of_object(&self.uri)
                });
            }
            404 => return Ok(None),
            401 | 403 => (ErrorKind::Invalid, "it wants another token"),
            429 | 500.. => (ErrorKind::Storage, "ask again later"),
            _ => (ErrorKind::Invalid, "it does not take the request"),
        };
        Err(Error::new(kind.0, said(kind.1)).of_object(&self.uri))
    }
}

/// The texts of an object.
fn texts(object: Option<&Value>) -> BTreeMap<String, String> {
    let fields = object.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
