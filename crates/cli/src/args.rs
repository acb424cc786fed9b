//! The arguments of every command. Exit codes: 0 done, 1 failed, 2 wrong usage. Not here: what the
//! commands do with them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use dodb_engine::Options;

use crate::client::Client;
use crate::error::Result;
use crate::memory::{self, Memory};

/// A database of columns kept in SQLite rows: SQL, HTTP, and what each request cost.
#[derive(Debug, Parser)]
#[command(name = "dodb", version, about, max_term_width = 100)]
pub struct Args {
    /// What to log to standard error, as tracing's filters have it: `info`, `dodb=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "DODB_LOG")]
    pub log: Option<String>,
    /// Log more: -v what is done, -vv how
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer HTTP: ClickHouse's interface at /, the records API at /v1
    Serve(ServeArgs),
    /// Run SQL: from the argument, from standard input, or at an interactive prompt
    Sql(SqlArgs),
    /// Load NDJSON, JSON, CSV, TSV or Parquet files, also gzip and zstd compressed
    Import(ImportArgs),
    /// Write a whole table out
    Export(ExportArgs),
    /// What there is, what it used and what that costs
    Stats(StatsArgs),
    /// Read everything and check it; exit code 1 on any fault
    Verify(VerifyArgs),
    /// What is in a table's parts, or in one part
    Inspect(InspectArgs),
    /// Move rows to the bucket, as files of Iceberg tables
    Flush(FlushArgs),
    /// Fold, merge and tidy files until there is nothing left to do
    Compact(DatabaseArgs),
    /// Remove old snapshots from the bucket, and objects that nothing names
    Expire(ExpireArgs),
    /// The tour of `make demo`
    #[command(hide = true)]
    Demo(DemoArgs),
}

/// What to check.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub place: DatabaseArgs,
    /// Make the index over the files in the bucket anew where it is damaged, then check again
    #[arg(long)]
    pub repair: bool,
}

/// Which database, in a folder.
#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseArgs {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "./dodb-data")]
    pub data: PathBuf,
    /// The database: a folder within the data folder
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = database)]
    pub database: String,
    #[command(flatten)]
    pub objects: ObjectArgs,
    #[command(flatten)]
    pub attach: AttachArgs,
}

/// Where objects are.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ObjectArgs {
    /// The bucket: file:///FOLDER or s3://BUCKET/PREFIX [default: a folder beside the rows]
    #[arg(id = "objects", long, value_name = "URL", env = "DODB_OBJECTS")]
    pub url: Option<String>,
    /// How much of what was read of s3:// is kept on disk, in the database's folder; 0: nothing
    #[arg(id = "objects-cache", long, value_name = "SIZE", env = "DODB_OBJECTS_CACHE",
        default_value = "1GiB", value_parser = memory::bytes)]
    pub cache_bytes_max: u64,
}

/// What CREATE DATABASE may attach.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AttachArgs {
    /// What CREATE DATABASE may attach: https://CATALOG, s3://BUCKET/PREFIX or file:///FOLDER,
    /// separated by commas; https://CATALOG=VARIABLE sends the token in that variable
    #[arg(long = "attach", value_name = "PLACES", env = "DODB_ATTACH")]
    pub places: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct FlushArgs {
    #[command(flatten)]
    pub place: DatabaseArgs,
    /// The table [default: all]
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct ExpireArgs {
    #[command(flatten)]
    pub place: DatabaseArgs,
    /// The table [default: all]
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// Snapshots so many hours old go; the current one stays
    #[arg(long, value_name = "HOURS", default_value_t = 120)]
    pub older_than_hours: u32,
    /// Objects that nothing names go when they are so many hours old: none that is being written
    /// may be older
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub orphans_hours: u32,
}

/// Which database, in a folder or behind HTTP.
#[derive(Debug, Clone, clap::Args)]
pub struct EndpointArgs {
    #[command(flatten)]
    pub place: DatabaseArgs,
    /// A running dodb instead of a folder, as http://127.0.0.1:8123
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub url: Option<String>,
    /// The token that dodb at --url wants
    #[arg(long, value_name = "TOKEN", env = "DODB_TOKEN", hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new())]
    pub token: Option<String>,
}

/// When rows of a table go to the bucket by themselves.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct HotArgs {
    /// Past so many hot rows the oldest go to the bucket, until half of them is left
    #[arg(long = "hot-rows", value_name = "N", env = "DODB_HOT_ROWS")]
    pub rows: Option<String>,
    /// The same for their encoded bytes [default: 1073741824]
    #[arg(long = "hot-bytes", value_name = "N", env = "DODB_HOT_BYTES")]
    pub bytes: Option<String>,
    /// Rows that were inserted so many hours ago go to the bucket; 0.5 is half an hour
    #[arg(long = "hot-hours", value_name = "HOURS", env = "DODB_HOT_HOURS")]
    pub hours: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The data folder: each database is a folder in it
    #[arg(long, value_name = "DIR", default_value = "./dodb-data")]
    pub data: PathBuf,
    #[command(flatten)]
    pub objects: ObjectArgs,
    #[command(flatten)]
    pub attach: AttachArgs,
    #[command(flatten)]
    pub hot: HotArgs,
    /// Make a database when it is first asked for, without CREATE DATABASE
    #[arg(long, env = "DODB_CREATE_DATABASES", value_parser = BoolishValueParser::new())]
    pub create_databases: bool,
    /// Where to listen; port 0 takes a free one, and the line printed says which
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8123")]
    pub listen: SocketAddr,
    /// Answer only requests with this token, /ping apart
    #[arg(long, value_name = "TOKEN", env = "DODB_TOKEN", hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new())]
    pub token: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct SqlArgs {
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// The format of answers [default: PrettyCompact at a terminal, else TabSeparated]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Say on standard error what each statement cost
    #[arg(long)]
    pub cost: bool,
    /// Statements, separated by `;`. Without any: standard input, or a prompt at a terminal
    #[arg(value_name = "SQL")]
    pub sql: Option<String>,
}

/// What to do about a bad record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Import nothing more and fail
    Stop,
    /// Say where it is, leave it out and go on
    Skip,
}

/// How to show that something is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// A bar at a terminal, else nothing
    Auto,
    /// A line on standard error after each batch that is stored
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// The table; made from the first records if there is none
    #[arg(long, value_name = "TABLE", default_value = "things")]
    pub table: String,
    /// Every record becomes a thing of this type, with the record as its document
    #[arg(long = "type", value_name = "TYPE")]
    pub thing_type: Option<String>,
    /// The field that is the thing's id; without it ids are made [needs --type]
    #[arg(long, value_name = "COLUMN", requires = "thing_type")]
    pub id: Option<String>,
    /// The format of all files [default: by name, else by content]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// What to do about a bad record
    #[arg(long, value_name = "WHAT", default_value = "stop")]
    pub on_error: OnError,
    /// Leave fields out that the table does not have, instead of refusing the record
    #[arg(long)]
    pub skip_unknown_fields: bool,
    /// A text that means null in CSV and TSV, besides the empty field and \N; may be repeated
    #[arg(long = "null", value_name = "TEXT")]
    pub null_texts: Vec<String>,
    /// Records stored at once
    #[arg(long, value_name = "N", default_value_t = 65_536,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch_rows: u32,
    /// The most memory this process takes, as 512MiB or 2GB; 256MiB at least. With --url the server
    /// has limits of its own [default: 1GiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "DODB_MAX_MEMORY",
        default_value = "1GiB",
        hide_default_value = true
    )]
    pub max_memory: Memory,
    /// How to show progress
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressMode,
    /// The files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub place: DatabaseArgs,
    /// The table
    #[arg(long, value_name = "TABLE", default_value = "things")]
    pub table: String,
    /// The format
    #[arg(long, value_name = "FORMAT", default_value = "JSONEachRow")]
    pub format: String,
    /// The file; it appears when it is whole [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    #[command(flatten)]
    pub place: DatabaseArgs,
    /// Also list every segment of the part
    #[arg(long)]
    pub segments: bool,
    /// A table, or one of its parts
    #[arg(value_name = "TABLE[:PART]")]
    pub what: String,
}

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// An empty folder for the databases
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The folder with the flights, as demo/prepare.py writes it
    #[arg(long, value_name = "DIR")]
    pub flights: PathBuf,
    /// A Worker built for tests instead of --data
    #[arg(long, value_name = "URL", requires = "rows_url")]
    pub url: Option<String>,
    /// The Worker with the row-per-record tables
    #[arg(long, value_name = "URL", requires = "url")]
    pub rows_url: Option<String>,
}

impl HotArgs {
    /// The sizes of the native engine with these limits.
    pub fn options(&self) -> Result<Options> {
        let limits = [self.rows.as_deref(), self.bytes.as_deref(), self.hours.as_deref()];
        Ok(Options::native().with_hot_limits(limits)?)
    }
}

impl EndpointArgs {
    /// The client of the server at `url`.
    pub fn client(&self, url: &str) -> Result<Client> {
        Client::new(url, &self.place.database, self.token.as_deref())
    }
}

fn database(name: &str) -> std::result::Result<String, String> {
    dodb_server::check_database(name).map_err(|e| e.to_string())?;
    Ok(name.to_owned())
}
