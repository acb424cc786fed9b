//! The databases beside this one: whether a row store holds one, and a list of their names, for a
//! host that has no folder to look into. Not here: databases that are attached (`warm`).

use dodb_rowstore::{Error as RowError, Flow, Metered, Usage};

use crate::commit::Change;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::statements;

/// Names that the list may have.
pub(crate) const DATABASES_MAX: usize = 10_000;

impl Db {
    /// Was a database ever opened on this row store? Asking writes nothing and is billed no row.
    ///
    /// # Errors
    /// The row store failed.
    pub fn is_made(rows: &Metered) -> Result<bool> {
        let usage = Usage::default();
        match rows.exec(&statements::IS_MADE, &[], &usage, &mut |_| Flow::Stop) {
            Ok(()) => Ok(true),
            Err(RowError::Statement { message, .. }) if message.contains("no such table") => {
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Puts the name of another database on the list. `Ok(false)`: it was there.
    ///
    /// # Errors
    /// The list is full, or the row store failed.
    pub fn list_database(&self, name: &str, usage: &Usage) -> Result<bool> {
        if self.listed_databases(usage)?.iter().any(|known| known == name) {
            return Ok(false);
        }
        match self.submit(Change::ListDatabase { name: name.to_owned() }, usage) {
            // Somebody else was faster.
            Err(Error::DatabaseExists { .. }) => Ok(false),
            listed => listed.map(|_| true),
        }
    }

    /// The names on the list, in order.
    ///
    /// # Errors
    /// The row store failed.
    pub fn listed_databases(&self, usage: &Usage) -> Result<Vec<String>> {
        Ok(self.core.catalog(usage)?.databases.iter().cloned().collect())
    }
}
