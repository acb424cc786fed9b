//! Where the demo runs dodb: in this process on a folder, or in a Worker behind HTTP. Not here:
//! what it is asked ([`super::tour`]).

use std::sync::Arc;

use dodb_query::Request;
use dodb_rowstore::Usage;
use dodb_server::formats::{EncodeOptions, Encoder, Format};
use serde::Deserialize;
use tokio::runtime::Runtime;

use super::measure::folder_bytes;
use crate::args::{DatabaseArgs, EndpointArgs};
use crate::client::Client;
use crate::cost::Cost;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::open;

/// One of the two homes of the engine.
pub enum Home {
    /// A folder, and the threads that run queries on it.
    Native(DatabaseArgs, Runtime),
    /// A Worker built for tests: it can be told to wake anew.
    Worker(EndpointArgs, Client),
}

/// An answer as rows of texts, what it cost, how many seconds it took.
pub type Answer = (Vec<Vec<String>>, Cost, f64);

/// `GET /v1/cost` as far as it is of interest here.
#[derive(Deserialize)]
struct CostReport {
    since_open: Cost,
    storage: StorageReport,
}

#[derive(Deserialize)]
struct StorageReport {
    bytes: u64,
}

impl Home {
    /// The Worker at `url`, or the database in a folder.
    pub fn new(place: &DatabaseArgs, url: Option<&str>) -> Result<Home> {
        match url {
            Some(url) => {
                let client = Client::new(url, &place.database, None)?;
                let url = Some(url.to_owned());
                let endpoint = EndpointArgs { place: place.clone(), url, token: None };
                Ok(Home::Worker(endpoint, client))
            }
            None => Ok(Home::Native(place.clone(), open::runtime()?)),
        }
    }

    /// What an import takes to get here.
    pub fn endpoint(&self) -> EndpointArgs {
        match self {
            Home::Native(place, _) => EndpointArgs { place: place.clone(), url: None, token: None },
            Home::Worker(endpoint, _) => endpoint.clone(),
        }
    }

    /// Everything a Worker has been billed, background work included, once that is done. Natively
    /// the import itself tells.
    pub fn billed(&self) -> Result<Option<Cost>> {
        let Home::Worker(_, client) = self else { return Ok(None) };
        client.post("/_test/jobs")?.text()?;
        Ok(Some(report(client)?.since_open))
    }

    /// Bytes that are stored.
    pub fn bytes(&self) -> Result<u64> {
        match self {
            Home::Native(place, _) => folder_bytes(&place.data.join(&place.database)),
            Home::Worker(_, client) => Ok(report(client)?.storage.bytes),
        }
    }

    /// The most memory the Worker had, if this is one that tells.
    pub fn memory_bytes(&self) -> Result<Option<u64>> {
        #[derive(Deserialize)]
        struct Stats {
            memory_bytes: Option<u64>,
        }
        let Home::Worker(_, client) = self else { return Ok(None) };
        Ok(parse::<Stats>(&client.get("/v1/stats")?.text()?)?.memory_bytes)
    }

    /// Asks a database that was opened a moment before.
    pub fn ask(&self, sql: &str) -> Result<Answer> {
        let (text, cost, seconds) = match self {
            Home::Native(place, runtime) => ask_native(place, runtime, sql)?,
            Home::Worker(_, client) => {
                client.post("/_test/forget")?.text()?;
                let watch = Stopwatch::start();
                let reply = client.sql(sql.as_bytes(), "TabSeparated")?;
                let cost = reply.cost;
                (reply.text()?, cost, watch.elapsed().as_secs_f64())
            }
        };
        let rows = text.lines().map(|line| line.split('\t').map(str::to_owned).collect());
        Ok((rows.collect(), cost, seconds))
    }
}

fn ask_native(place: &DatabaseArgs, runtime: &Runtime, sql: &str) -> Result<(String, Cost, f64)> {
    let db = open::open_existing(place)?;
    let session = open::session(&db, &place.database)?;
    let usage = Arc::new(Usage::default());
    let request = Request { usage: usage.clone(), ..Request::default() };
    let watch = Stopwatch::start();
    let (schema, batches) = runtime.block_on(session.collect(sql, &request))?;
    let seconds = watch.elapsed().as_secs_f64();
    let mut encoder = Encoder::new(Format::Tsv, schema, EncodeOptions::default())?;
    let mut text = Vec::new();
    for batch in &batches {
        encoder.batch(batch, &mut text)?;
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok((text, Cost::of(&usage.counts()), seconds))
}

fn report(client: &Client) -> Result<CostReport> {
    parse(&client.get("/v1/cost")?.text()?)
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::Failed(format!("the answer is not JSON: {e}")))
}
