//! The databases of a data folder: each is a folder of its name in it, with a file of rows. Not
//! here: those that are open ([`crate::databases`]).

use std::path::PathBuf;

use dodb_engine::{Db, Error as EngineError, Options};
use dodb_query::{Databases, Error as QueryError};
use dodb_rowstore::Usage;
use dodb_server::{DEFAULT_DATABASE, check_database};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::args::{AttachArgs, DatabaseArgs, ObjectArgs};
use crate::error::{Error, Result};
use crate::open;

/// A data folder.
#[derive(Debug)]
pub struct DataFolder {
    data: PathBuf,
    /// Where the buckets of its databases are.
    objects: ObjectArgs,
    /// What they may attach.
    attach: AttachArgs,
    /// Their sizes.
    options: Options,
    /// Is a database made when it is first asked for?
    makes_any: bool,
    /// Held while a database is opened: nobody opens one that is being made.
    opening: Mutex<()>,
}

impl DataFolder {
    /// The folder `data`; nothing in it is opened.
    pub fn new(
        data: PathBuf,
        objects: ObjectArgs,
        attach: AttachArgs,
        options: Options,
        makes_any: bool,
    ) -> DataFolder {
        DataFolder { data, objects, attach, options, makes_any, opening: Mutex::new(()) }
    }

    /// The folder that a command names, in which databases are made by CREATE DATABASE alone.
    pub fn of(place: &DatabaseArgs, options: Options) -> DataFolder {
        let (objects, attach) = (place.objects.clone(), place.attach.clone());
        DataFolder::new(place.data.clone(), objects, attach, options, false)
    }

    /// Opens the database of that name. `default` is made if need be.
    ///
    /// # Errors
    /// There is none of that name; or as [`open::open_with`].
    pub fn open(&self, name: &str) -> Result<Db> {
        let _opening = self.opening.lock();
        if !self.makes_any && name != DEFAULT_DATABASE && !self.has(name) {
            return Err(EngineError::UnknownDatabase { name: name.to_owned() }.into());
        }
        self.open_or_make(name)
    }

    fn has(&self, name: &str) -> bool {
        open::is_made(&self.data, name)
    }

    fn open_or_make(&self, name: &str) -> Result<Db> {
        let place = DatabaseArgs {
            data: self.data.clone(),
            database: name.to_owned(),
            objects: self.objects.clone(),
            attach: self.attach.clone(),
        };
        open::open_with(&place, self.options.clone())
    }

    fn all(&self) -> Result<Vec<String>, QueryError> {
        let failed = |e: std::io::Error| {
            let folder = self.data.display();
            QueryError::Unavailable(format!("the data folder {folder} cannot be listed: {e}"))
        };
        let mut names = vec![DEFAULT_DATABASE.to_owned()];
        for entry in std::fs::read_dir(&self.data).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_str().filter(|name| check_database(name).is_ok());
            names.extend(name.filter(|name| self.has(name)).map(str::to_owned));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn make(&self, name: &str) -> Result<bool, QueryError> {
        check_database(name).map_err(|e| QueryError::Plan(e.to_string()))?;
        let _opening = self.opening.lock();
        if self.has(name) {
            return Ok(false);
        }
        match self.open_or_make(name) {
            Ok(_) => Ok(true),
            Err(Error::Engine(e)) => Err(e.into()),
            Err(e) => Err(QueryError::Unavailable(e.to_string())),
        }
    }
}

impl Databases for DataFolder {
    fn names<'a>(&'a self, _usage: &'a Usage) -> BoxFuture<'a, Result<Vec<String>, QueryError>> {
        async { self.all() }.boxed()
    }

    fn create<'a>(
        &'a self,
        name: &'a str,
        _usage: &'a Usage,
    ) -> BoxFuture<'a, Result<bool, QueryError>> {
        async { self.make(name) }.boxed()
    }
}
