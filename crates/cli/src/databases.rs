//! The databases of a server: each opened when it is first asked for, each with its thread of
//! background work, all closed in order. Not here: sockets ([`crate::serve`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use dodb_engine::Db;
use dodb_rowstore::Usage;
use dodb_server::Server;
use parking_lot::Mutex;

use crate::data_folder::DataFolder;
use crate::error::{Error, Result};
use crate::jobs::Jobs;
use crate::open;

/// An open database.
pub struct Database {
    /// Answers its requests.
    pub server: Server,
    db: Db,
    jobs: Mutex<Jobs>,
    /// Rows that were written when its background work was last woken.
    written: AtomicU64,
}

/// All databases of a data folder.
pub struct Databases {
    folder: Arc<DataFolder>,
    /// Locked while one is opened: nobody opens it twice. None: closed for good.
    open: Mutex<Option<BTreeMap<String, Arc<Database>>>>,
}

impl Database {
    /// Wakes background work if rows were written since the last time: there may be some then.
    pub fn wake(&self) {
        let totals = self.db.meter().totals();
        let written = totals.iter().map(|(_, _, rows)| rows.written).sum();
        if self.written.swap(written, Relaxed) != written {
            self.jobs.lock().wake();
        }
    }
}

impl Databases {
    /// The databases in `folder`, none of them open.
    pub fn new(folder: DataFolder) -> Databases {
        Databases { folder: Arc::new(folder), open: Mutex::new(Some(BTreeMap::new())) }
    }

    /// The database of that name, opened if need be. Blocks.
    pub fn get(&self, name: &str) -> Result<Arc<Database>> {
        let mut open = self.open.lock();
        let Some(open) = open.as_mut() else {
            return Err(Error::Failed("the server is stopping; ask again soon".into()));
        };
        if let Some(database) = open.get(name) {
            return Ok(database.clone());
        }
        let db = self.folder.open(name)?;
        let database = Arc::new(Database {
            server: open::server(&db, name, self.folder.clone())?,
            jobs: Mutex::new(Jobs::start(db.clone(), name)?),
            written: AtomicU64::new(0),
            db,
        });
        tracing::info!(database = name, "opened");
        open.insert(name.to_owned(), database.clone());
        Ok(database)
    }

    /// Finishes the background work that is due and closes everything.
    pub fn close(&self) {
        let Some(open) = self.open.lock().take() else { return };
        for (name, database) in open {
            database.jobs.lock().stop();
            if let Err(e) = open::finish_jobs(&database.db, false, &Usage::default()) {
                tracing::error!(database = name, "background work is left for next time: {e}");
            }
            tracing::info!(database = name, "closed");
        }
    }
}
