//! How the binary reaches catalogs and buckets that are attached: HTTP, folders, S3. Tokens are in
//! environment variables, so that they are in no argument and no row. Not here: what may be reached
//! (`dodb-engine`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dodb_engine::AttachOptions;
use dodb_engine::outside::{Error, ErrorKind, Fetched, HEADERS, Outside, Places};
use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use parking_lot::Mutex;
use ureq::Agent;

/// A request takes no longer.
const SECONDS_MAX: Duration = Duration::from_secs(30);
/// The longest answer of a catalog.
const BODY_BYTES_MAX: u64 = 64 << 20;
/// Stores that stay open.
const STORES_MAX: usize = 16;
/// Files of an attached table.
const FILES_MAX: usize = 200_000;

type Config = BTreeMap<String, String>;

/// A store, and what it was made of.
type Opened = (String, Config, Arc<dyn ObjectStore>);

/// The way of a process.
#[derive(Debug)]
struct Process {
    agent: Agent,
    stores: Mutex<Vec<Opened>>,
}

/// What may be attached by a process that was told of `places`: `URI` or `URI=VARIABLE`, separated
/// by commas, the variable holding a catalog's token.
///
/// # Errors
/// One is not a place.
pub fn options(places: Option<&str>) -> crate::error::Result<AttachOptions> {
    let places = Places::parse(places.unwrap_or_default())
        .map_err(|e| crate::error::Error::Usage(format!("--attach: {e}")))?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(SECONDS_MAX))
        .build();
    let outside = Process { agent: Agent::new_with_config(config), stores: Mutex::new(Vec::new()) };
    Ok(AttachOptions { places, outside: Some(Arc::new(outside)), files_max: FILES_MAX })
}

impl Outside for Process {
    fn get<'a>(
        &'a self,
        url: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Fetched, Error>> {
        Box::pin(async move {
            let token = token.map(variable).transpose()?;
            let (agent, target) = (self.agent.clone(), url.to_owned());
            let asked = tokio::task::spawn_blocking(move || fetch(&agent, &target, token));
            let failed = |message: String| {
                Error::new(ErrorKind::Storage, format!("no answer: {message}")).of_object(url)
            };
            match asked.await {
                Ok(answer) => answer.map_err(|e| failed(e.to_string())),
                Err(e) => Err(failed(e.to_string())),
            }
        })
    }

    fn store(
        &self,
        root: &str,
        _name: Option<&str>,
        config: &Config,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut stores = self.stores.lock();
        let known = stores.iter().find(|(of, with, _)| of == root && with == config);
        if let Some((.., store)) = known {
            return Ok(store.clone());
        }
        let store = open(root, config)
            .map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string()).of_object(root))?;
        if stores.len() >= STORES_MAX {
            stores.remove(0);
        }
        stores.push((root.to_owned(), config.clone(), store.clone()));
        Ok(store)
    }
}

fn variable(name: &str) -> Result<String, Error> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        let message = format!("the environment has no variable {name} with the catalog's token");
        Error::new(ErrorKind::Invalid, message)
    })
}

fn fetch(agent: &Agent, url: &str, token: Option<String>) -> Result<Fetched, ureq::Error> {
    let mut request = agent.get(url);
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.call()?;
    let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec()?;
    Ok(Fetched { status: answer.status().as_u16(), body: body.into() })
}

fn open(root: &str, config: &Config) -> object_store::Result<Arc<dyn ObjectStore>> {
    if let Some(path) = root.strip_prefix("file://") {
        return Ok(Arc::new(LocalFileSystem::new_with_prefix(Path::new(path))?));
    }
    let place = root.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let store = s3(bucket, config).build()?;
    Ok(match prefix {
        "" => Arc::new(store),
        prefix => Arc::new(PrefixStore::new(store, prefix)),
    })
}

/// With the credentials of a catalog, under the names that Iceberg's S3FileIO has for them; without
/// any those of the environment.
fn s3(bucket: &str, config: &Config) -> AmazonS3Builder {
    let Some(key) = config.get("s3.access-key-id") else {
        return AmazonS3Builder::from_env().with_bucket_name(bucket);
    };
    let mut builder =
        AmazonS3Builder::new().with_bucket_name(bucket).with_access_key_id(key.as_str());
    if let Some(secret) = config.get("s3.secret-access-key") {
        builder = builder.with_secret_access_key(secret);
    }
    if let Some(token) = config.get("s3.session-token") {
        builder = builder.with_token(token);
    }
    if let Some(region) = config.get("s3.region").or_else(|| config.get("client.region")) {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = config.get("s3.endpoint") {
        let is_plain = endpoint.starts_with("http://");
        builder = builder.with_endpoint(endpoint).with_allow_http(is_plain);
    }
    builder
}
