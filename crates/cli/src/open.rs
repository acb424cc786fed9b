//! Opening the database of a folder: `DATA/NAME/dodb.sqlite`, behind the meter, under the engine.
//! Not here: which databases there are ([`crate::data_folder`]), those of a server
//! ([`crate::databases`]).

use std::path::Path;
use std::sync::{Arc, OnceLock};

use dodb_engine::{Db, Error as EngineError, JobBudget, JobReport, Options};
use dodb_query::{Session, SessionOptions};
use dodb_rowstore::{Error as RowError, Metered, SqliteOptions, SqliteStore, Usage};
use dodb_server::{DEFAULT_DATABASE, Server, ServerOptions};
use tokio::runtime::{Builder, Runtime};

use crate::args::DatabaseArgs;
use crate::data_folder::DataFolder;
use crate::env::NativeEnv;
use crate::error::{Error, Result};
use crate::{objects, outside};

/// The file within a database's folder.
const FILE: &str = "dodb.sqlite";

/// Is there a database of that name in the data folder?
pub fn is_made(data: &Path, database: &str) -> bool {
    data.join(database).join(FILE).is_file()
}

/// Opens a database, making its folder if there is none.
///
/// # Errors
/// Another process has it open, the file is damaged, the folder cannot be used.
pub fn open_with(place: &DatabaseArgs, options: Options) -> Result<Db> {
    let attach = outside::options(place.attach.places.as_deref())?;
    let options = Options { attach, ..options };
    let folder = place.data.join(&place.database);
    let store = SqliteStore::open(&folder, SqliteOptions::default()).map_err(|e| match e {
        e @ RowError::Locked { .. } => {
            Error::Failed(format!("{e}. If that is `dodb serve`, ask it with --url URL"))
        }
        e => Error::Rows(e),
    })?;
    let rows = Arc::new(Metered::new(Box::new(store)));
    let bucket = objects::open(&place.data, &place.database, &place.objects)?;
    Ok(Db::open_with_bucket(rows, Arc::new(NativeEnv), options, Some(bucket))?)
}

/// Opens a database that is there already.
///
/// # Errors
/// As [`open_with`]; and there is none.
pub fn open_existing(place: &DatabaseArgs) -> Result<Db> {
    if !is_made(&place.data, &place.database) {
        return Err(unknown(place));
    }
    open_with(place, Options::native())
}

/// Opens a database that is there already, or `default`, which always is.
///
/// # Errors
/// As [`open_existing`].
pub fn open_folder(place: &DatabaseArgs, folder: &DataFolder) -> Result<Db> {
    match folder.open(&place.database) {
        Err(Error::Engine(EngineError::UnknownDatabase { .. })) => Err(unknown(place)),
        opened => opened,
    }
}

fn unknown(place: &DatabaseArgs) -> Error {
    let (name, data) = (&place.database, place.data.display());
    let made = match name.as_str() {
        DEFAULT_DATABASE => "`dodb import` or `dodb sql`".to_owned(),
        _ => format!("dodb sql --data {data} 'CREATE DATABASE `{name}`'"),
    };
    Error::Failed(format!(
        "there is no database `{name}` in {data}; name its folder with --data, or make one with \
         {made}"
    ))
}

/// The SQL session of a database, with a thread's worth of work per core.
pub fn session(db: &Db, database: &str) -> Result<Session> {
    let database = database.to_owned();
    let options = SessionOptions { database, databases: None, partitions: cores() };
    Ok(Session::new(db.clone(), Arc::new(NativeEnv), options)?)
}

/// The HTTP server of a database in a folder.
pub fn server(db: &Db, database: &str, folder: Arc<DataFolder>) -> Result<Server> {
    let options = ServerOptions {
        database: database.to_owned(),
        databases: Some(folder),
        partitions: cores(),
        ..ServerOptions::default()
    };
    Ok(Server::new(db.clone(), Arc::new(NativeEnv), options)?)
}

/// Threads for queries: one per core, two at least, so that none waits for another's rows.
pub fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(cores().max(2))
        .enable_all()
        .build()
        .map_err(|e| Error::Failed(format!("cannot start threads: {e}")))
}

/// Waits for what asks the bucket and is no request: background work, imports. Threads of their own
/// drive it, so that connections live as long as the process.
pub fn wait<F: Future>(future: F) -> Result<F::Output> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let runtime = RUNTIME
        .get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().ok());
    match runtime {
        Some(runtime) => Ok(runtime.block_on(future)),
        None => Err(Error::Failed("cannot start a thread for the bucket".into())),
    }
}

/// Runs background work until none is left.
pub fn finish_jobs(db: &Db, thorough: bool, usage: &Usage) -> Result<JobReport> {
    let budget = JobBudget { steps_max: 16, thorough };
    let mut all = JobReport::default();
    loop {
        let done = db.run_jobs(&budget, usage)?;
        all.folds += done.folds;
        all.merges += done.merges;
        all.sweeps += done.sweeps;
        all.rows_rewritten += done.rows_rewritten;
        if !done.more {
            return Ok(all);
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
