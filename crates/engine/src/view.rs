//! Views: queries under a name. What is kept is text, in the catalog row; who reads a view plans
//! it anew. Not here: what the text means (`dodb-query`).

use std::sync::Arc;

use dodb_rowstore::Usage;

use crate::commit::Change;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::table::{COLUMNS_MAX, check_name};

/// Most bytes of a view's text: all of them share one row with the definitions of the tables.
pub const VIEW_BYTES_MAX: usize = 65_536;

/// The definition of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The name, case-sensitive; no table has it.
    pub name: String,
    /// Names of its columns; empty: as the query names them.
    pub columns: Vec<String>,
    /// The query, as it was written.
    pub query: String,
}

impl View {
    /// A view to be made.
    ///
    /// # Errors
    /// A name that is empty or too long, too many columns, a column twice, too long a text.
    pub fn new(name: &str, columns: Vec<String>, query: &str) -> Result<View> {
        check_name("view", name)?;
        if columns.len() > COLUMNS_MAX {
            let n = columns.len();
            return Err(Error::invalid(format!(
                "view `{name}` has {n} columns; it may have {COLUMNS_MAX}"
            )));
        }
        for (at, column) in columns.iter().enumerate() {
            check_name("column", column)?;
            if columns.iter().take(at).any(|other| other == column) {
                return Err(Error::invalid(format!("view `{name}` has column `{column}` twice")));
            }
        }
        if query.len() > VIEW_BYTES_MAX {
            return Err(Error::Limit {
                what: format!("the text of view `{name}`"),
                value: query.len() as u64,
                max: VIEW_BYTES_MAX as u64,
                remedy: "make views of parts of it",
            });
        }
        Ok(View { name: name.to_owned(), columns, query: query.to_owned() })
    }
}

/// What becomes of what has the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// There may be none.
    Refuse,
    /// It stays.
    Keep,
    /// A view goes; a table is refused.
    Replace,
}

impl Db {
    /// The view of that name, if there is one. Costs no row for the names of tables that always
    /// exist.
    pub fn view(&self, name: &str, usage: &Usage) -> Result<Option<Arc<View>>> {
        if self.core.is_builtin(name) {
            return Ok(None);
        }
        Ok(self.core.catalog(usage)?.views.get(name).cloned())
    }

    /// All views by name.
    pub fn views(&self, usage: &Usage) -> Result<Vec<Arc<View>>> {
        Ok(self.core.catalog(usage)?.views.values().cloned().collect())
    }

    /// Makes a view. `Ok(false)`: there was a view or table of that name and it stays.
    ///
    /// # Errors
    /// There is a table of that name, or a view that may not be there.
    pub fn create_view(&self, view: View, existing: Existing, usage: &Usage) -> Result<bool> {
        let replace = existing == Existing::Replace;
        match self.submit(Change::CreateView { view, replace }, usage) {
            Ok(_) => Ok(true),
            Err(Error::ViewExists { .. } | Error::TableExists { .. })
                if existing == Existing::Keep =>
            {
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    /// Drops a view. `Ok(false)`: there was none and `if_exists` was set.
    ///
    /// # Errors
    /// There is no view of that name.
    pub fn drop_view(&self, name: &str, if_exists: bool, usage: &Usage) -> Result<bool> {
        match self.submit(Change::DropView { name: name.to_owned() }, usage) {
            Ok(_) => Ok(true),
            Err(Error::UnknownView { .. }) if if_exists => Ok(false),
            Err(e) => Err(e),
        }
    }
}
