//! Where an import goes: a database in this process, or one behind HTTP. Not here: what is
//! imported.

use arrow_array::RecordBatch;
use arrow_schema::Schema as ArrowSchema;
use dodb_engine::{Db, Error as EngineError, ErrorKind, TableDef};
use dodb_part::{Column, ColumnType, Schema};
use dodb_rowstore::Usage;
use dodb_server::formats::{EncodeOptions, Encoder, Format, Totals};
use serde::Deserialize;

use crate::args::EndpointArgs;
use crate::client::Client;
use crate::cost::Cost;
use crate::data_folder::DataFolder;
use crate::error::{Error, Result};
use crate::jobs::Jobs;
use crate::memory::Memory;
use crate::open;

/// A database that takes batches.
pub enum Target {
    /// In this process, with its thread of background work.
    Local {
        /// The database.
        db: Db,
        /// Folds and merges from the first insert until it is finished.
        jobs: Option<Jobs>,
        /// What it used, without the background work under way.
        usage: Usage,
    },
    /// Behind HTTP.
    Remote {
        /// The server.
        client: Client,
        /// What it charged.
        cost: Cost,
    },
}

impl Target {
    /// Opens what the arguments name. In this process it takes so much memory at most.
    pub fn open(endpoint: &EndpointArgs, memory: Memory) -> Result<Target> {
        match &endpoint.url {
            Some(url) => {
                let client = endpoint.client(url)?;
                Ok(Target::Remote { client, cost: Cost::default() })
            }
            None => {
                let place = &endpoint.place;
                let db = open::open_folder(place, &DataFolder::of(place, memory.options()))?;
                Ok(Target::Local { db, jobs: None, usage: Usage::default() })
            }
        }
    }

    /// The columns of a table; none if there is no such table.
    pub fn columns(&mut self, table: &str) -> Result<Option<Schema>> {
        match self {
            Target::Local { db, usage, .. } => match db.table(table, usage) {
                Ok(def) => Ok(Some(def.schema.clone())),
                Err(EngineError::UnknownTable { .. }) => Ok(None),
                Err(e) => Err(e.into()),
            },
            Target::Remote { client, .. } => match table {
                "things" => Ok(Some(TableDef::things()?.schema)),
                "relationships" => Ok(Some(TableDef::relationships()?.schema)),
                _ => remote_columns(client, table),
            },
        }
    }

    /// Makes a table with these columns.
    pub fn create(&mut self, table: &str, columns: &ArrowSchema) -> Result<()> {
        let typed = columns.fields().iter().map(|field| {
            let ty = ColumnType::of_field(field).map_err(|e| Error::Failed(e.to_string()))?;
            Ok((field.name().clone(), ty, true))
        });
        let typed = typed.collect::<Result<Vec<_>>>()?;
        match self {
            Target::Local { db, usage, .. } => {
                db.create_table(TableDef::plain(table, typed, &[], None)?, true, usage)?;
            }
            Target::Remote { client, .. } => {
                let columns = typed
                    .iter()
                    .map(|(name, ty, _)| format!("{} Nullable({})", quoted(name), ty.name()));
                let columns = columns.collect::<Vec<_>>().join(", ");
                let sql = format!("CREATE TABLE IF NOT EXISTS {} ({columns})", quoted(table));
                client.sql(sql.as_bytes(), "Null")?;
            }
        }
        Ok(())
    }

    /// Stores a batch; when it returns, the rows are durable.
    pub fn insert(&mut self, table: &str, batch: &RecordBatch) -> Result<u64> {
        match self {
            Target::Local { db, jobs, usage } => {
                let rows = open::wait(db.insert(table, batch, usage))??;
                match jobs {
                    Some(jobs) => jobs.wake(),
                    None => *jobs = Some(Jobs::start(db.clone(), "import")?),
                }
                Ok(rows)
            }
            Target::Remote { client, cost } => {
                let format = Format::ArrowStream;
                let mut body = insert_text(table, batch, format).into_bytes();
                let mut encoder = Encoder::new(format, batch.schema(), EncodeOptions::default())?;
                encoder.prefix(&mut body)?;
                encoder.batch(batch, &mut body)?;
                encoder.suffix(&Totals::default(), &mut body)?;
                let reply = client.sql(&body, "Null")?;
                cost.add(&reply.cost);
                reply.text()?;
                Ok(batch.num_rows() as u64)
            }
        }
    }

    /// Does the background work that is due. A server does its own.
    pub fn finish(&mut self) -> Result<()> {
        if let Target::Local { db, jobs, usage } = self {
            if let Some(mut jobs) = jobs.take() {
                jobs.stop();
                usage.add(jobs.usage().counts());
            }
            open::finish_jobs(db, false, usage)?;
        }
        Ok(())
    }

    /// Everything it cost until it was finished, background work included.
    pub fn cost(&self) -> Cost {
        match self {
            Target::Local { usage, .. } => Cost::of(&usage.counts()),
            Target::Remote { cost, .. } => *cost,
        }
    }
}

/// Is the data to blame, so that less of it might be taken?
pub fn is_refusal(e: &Error) -> bool {
    match e {
        Error::Engine(e) => e.kind() == ErrorKind::Invalid,
        Error::Http { message, .. } => message.starts_with("status 400"),
        _ => false,
    }
}

fn insert_text(table: &str, batch: &RecordBatch, format: Format) -> String {
    let schema = batch.schema();
    let names: Vec<String> = schema.fields().iter().map(|f| quoted(f.name())).collect();
    format!("INSERT INTO {} ({}) FORMAT {format}\n", quoted(table), names.join(", "))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A line of DESCRIBE.
#[derive(Deserialize)]
struct Described {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
}

fn remote_columns(client: &Client, table: &str) -> Result<Option<Schema>> {
    let sql = format!("DESCRIBE TABLE {}", quoted(table));
    let text = match client.sql(sql.as_bytes(), "JSONEachRow") {
        Ok(reply) => reply.text()?,
        Err(Error::Http { message, .. }) if message.starts_with("status 404") => return Ok(None),
        Err(e) => return Err(e),
    };
    let wrong = |e: String| Error::Failed(format!("the description of `{table}`: {e}"));
    let mut columns = Vec::new();
    for line in text.lines() {
        let described: Described = serde_json::from_str(line).map_err(|e| wrong(e.to_string()))?;
        let (ty, nullable) =
            ColumnType::parse_nullable(&described.type_name).map_err(|e| wrong(e.to_string()))?;
        columns.push(Column { id: columns.len() as u32 + 1, name: described.name, ty, nullable });
    }
    Schema::new(columns).map(Some).map_err(|e| wrong(e.to_string()))
}
