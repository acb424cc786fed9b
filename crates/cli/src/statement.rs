//! Running a text of statements one by one and writing each answer as it comes, here or through
//! HTTP. Not here: where the text comes from ([`crate::sql`], [`crate::repl`]).

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dodb_engine::{Db, Options};
use dodb_query::dialect::{self, ParseOptions, Parsed};
use dodb_query::{Answer, Request, SendableRecordBatchStream};
use dodb_rowstore::Usage;
use dodb_server::Server;
use dodb_server::formats::{EncodeOptions, Encoder, Format, Totals};
use futures::TryStreamExt;
use http::header::HeaderName;
use tokio::runtime::Runtime;

use crate::args::EndpointArgs;
use crate::client::Client;
use crate::cost::Cost;
use crate::data_folder::DataFolder;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::{open, terminal};

/// Where statements run.
pub enum Runner {
    /// In this process.
    Local(Box<Local>),
    /// In a server.
    Remote(Client),
}

/// A database that this process has open. The fields are dropped in this order.
pub struct Local {
    runtime: Runtime,
    server: Server,
    db: Db,
}

/// What a statement came to.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Rows of the answer, or rows written; unknown through HTTP.
    pub rows: Option<u64>,
    /// Did it write?
    pub is_write: bool,
    /// What it cost.
    pub cost: Cost,
    /// How long it took.
    pub elapsed: Duration,
}

impl Runner {
    /// Opens the database that the arguments name.
    pub fn open(args: &EndpointArgs) -> Result<Runner> {
        if let Some(url) = &args.url {
            return Ok(Runner::Remote(args.client(url)?));
        }
        let folder = Arc::new(DataFolder::of(&args.place, Options::native()));
        let db = open::open_folder(&args.place, &folder)?;
        let server = open::server(&db, &args.place.database, folder)?;
        Ok(Runner::Local(Box::new(Local { runtime: open::runtime()?, server, db })))
    }

    /// Splits `text` into its statements.
    pub fn parse(&self, text: &str) -> Result<Vec<Parsed>> {
        match self {
            Runner::Local(local) => Ok(local.server.session().parse(text, &Request::default())?),
            Runner::Remote(_) => {
                dialect::parse(text, &ParseOptions::default()).map_err(|e| Error::Query(e.into()))
            }
        }
    }

    /// Runs one statement of `text`; `data` are bytes of an INSERT that come after the text.
    pub fn run(
        &self,
        text: &str,
        parsed: &Parsed,
        data: &[u8],
        format: &str,
        out: &mut dyn Write,
    ) -> Result<Outcome> {
        let watch = Stopwatch::start();
        let end = parsed.inline.as_ref().map_or(parsed.text.end, |inline| inline.data.end);
        let statement = text.get(parsed.text.start..end).unwrap_or_default();
        let mut body = statement.as_bytes().to_vec();
        if !data.is_empty() {
            if parsed.inline.as_ref().is_some_and(|inline| inline.data.is_empty()) {
                body.push(b'\n');
            }
            body.extend_from_slice(data);
        }
        let carries_data = match &parsed.inline {
            Some(inline) => !inline.is_parsed,
            None => !data.is_empty(),
        };
        let mut outcome = match self {
            Runner::Local(local) if carries_data => local.insert(body)?,
            Runner::Local(local) => local.run(parsed, format, out)?,
            Runner::Remote(client) => {
                let mut reply = client.sql(&body, format)?;
                std::io::copy(&mut reply.body, out)?;
                reply.note.iter().for_each(|note| noted(note));
                let is_write = reply.cost.rows_written > 0;
                Outcome { rows: None, is_write, cost: reply.cost, elapsed: Duration::ZERO }
            }
        };
        outcome.elapsed = watch.elapsed();
        Ok(outcome)
    }

    /// Does the background work that writes have left. A server does its own.
    pub fn settle(&self) -> Result<()> {
        if let Runner::Local(local) = self {
            open::finish_jobs(&local.db, false, &Usage::default())?;
        }
        Ok(())
    }
}

impl Local {
    /// A statement with data behind it takes the way that a request's body takes.
    fn insert(&self, body: Vec<u8>) -> Result<Outcome> {
        let mut request = http::Request::new(Bytes::from(body));
        *request.method_mut() = http::Method::POST;
        let response = self.runtime.block_on(self.server.handle(request));
        let header =
            |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        if !response.status().is_success() {
            let text = String::from_utf8_lossy(response.body());
            return Err(Error::Failed(plain(text.trim_end()).to_owned()));
        }
        let summary = header(HeaderName::from_static("x-clickhouse-summary")).unwrap_or_default();
        let summary: serde_json::Value = serde_json::from_str(summary).unwrap_or_default();
        let rows = summary.get("written_rows").and_then(|rows| rows.as_str());
        Ok(Outcome {
            rows: rows.and_then(|rows| rows.parse().ok()),
            is_write: true,
            cost: Cost::of_header(header(HeaderName::from_static("x-dodb-cost"))),
            elapsed: Duration::ZERO,
        })
    }

    fn run(&self, parsed: &Parsed, format: &str, out: &mut dyn Write) -> Result<Outcome> {
        let usage = Arc::new(Usage::default());
        let request = Request { usage: usage.clone(), ..Request::default() };
        let (rows, is_write) = self.runtime.block_on(async {
            match self.server.session().run(parsed, &request).await? {
                Answer::Rows(rows) => {
                    let format = Format::parse(parsed.format.as_deref().unwrap_or(format))?;
                    let count = write_rows(rows, format, &usage, out).await?;
                    Ok::<_, Error>((Some(count), false))
                }
                Answer::Written(rows) => Ok((Some(rows), true)),
                Answer::Done => Ok((None, true)),
                Answer::Noted(note) => {
                    noted(note);
                    Ok((None, false))
                }
            }
        })?;
        let cost = Cost::of(&usage.counts());
        Ok(Outcome { rows, is_write, cost, elapsed: Duration::ZERO })
    }
}

async fn write_rows(
    mut rows: SendableRecordBatchStream,
    format: Format,
    usage: &Usage,
    out: &mut dyn Write,
) -> Result<u64> {
    let watch = Stopwatch::start();
    let mut encoder = Encoder::new(format, rows.schema(), EncodeOptions::default())?;
    let mut buffer = Vec::new();
    let mut count = 0;
    encoder.prefix(&mut buffer)?;
    while let Some(batch) = rows.try_next().await.map_err(dodb_query::Error::from)? {
        count += batch.num_rows() as u64;
        encoder.batch(&batch, &mut buffer)?;
        out.write_all(&buffer)?;
        buffer.clear();
    }
    let totals = Totals {
        rows: count,
        elapsed: watch.elapsed(),
        rows_read: usage.rows_read(),
        bytes_read: 0,
    };
    encoder.suffix(&totals, &mut buffer)?;
    out.write_all(&buffer)?;
    Ok(count)
}

/// Says why a statement had nothing to do.
fn noted(note: &str) {
    terminal::note(&format!("note: {note}"));
}

/// The message within the form that ClickHouse gives errors.
fn plain(text: &str) -> &str {
    let message = text.split_once("DB::Exception: ").map_or(text, |(_, message)| message);
    message.rsplit_once(". (").map_or(message, |(message, _)| message)
}
