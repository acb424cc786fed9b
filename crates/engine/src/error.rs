//! What can go wrong in the database, in two layers: [`Error`] is precise, [`ErrorKind`] says what
//! the caller should do. Not here: how an error looks over HTTP (`server`) or on a terminal
//! (`cli`).

use std::sync::Arc;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is wrong: change it.
    Invalid,
    /// The thing named does not exist: name another, or make it.
    NotFound,
    /// The thing named exists already.
    Exists,
    /// Somebody else changed the same rows: read again and retry.
    Conflict,
    /// A limit was passed: ask for less, or raise the setting named.
    Limit,
    /// Stored bytes are damaged: restore them; other tables go on.
    Corrupt,
    /// The store is busy, full or gone: try again, or free room.
    Unavailable,
}

/// An error of the database.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No table of that name.
    #[error("there is no table `{name}`; SHOW TABLES lists those there are")]
    UnknownTable {
        /// The name asked for.
        name: String,
    },
    /// No database of that name.
    #[error(
        "there is no database `{name}`; SHOW DATABASES lists those there are, CREATE DATABASE \
         makes one"
    )]
    UnknownDatabase {
        /// The name asked for.
        name: String,
    },
    /// A database of that name exists.
    #[error("database `{name}` exists already; name another, or use CREATE DATABASE IF NOT EXISTS")]
    DatabaseExists {
        /// The name.
        name: String,
    },
    /// No column of that name.
    #[error("table `{table}` has no column `{column}`; it has: {known}")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column asked for.
        column: String,
        /// The columns there are, separated by commas.
        known: String,
    },
    /// A table of that name exists.
    #[error("table `{name}` exists already; DROP it first or use CREATE TABLE IF NOT EXISTS")]
    TableExists {
        /// The name.
        name: String,
    },
    /// No view of that name.
    #[error("there is no view `{name}`; SHOW TABLES lists tables and views")]
    UnknownView {
        /// The name asked for.
        name: String,
    },
    /// A view of that name exists.
    #[error(
        "view `{name}` exists already; DROP VIEW it first, or use CREATE VIEW IF NOT EXISTS or \
         CREATE OR REPLACE VIEW"
    )]
    ViewExists {
        /// The name.
        name: String,
    },
    /// A table is asked for, and the name is that of a view.
    #[error(
        "`{name}` is a view: it has no rows of its own, is read by SELECT, and is changed by \
         CREATE OR REPLACE VIEW and DROP VIEW alone"
    )]
    IsView {
        /// The name.
        name: String,
    },
    /// A record of that id does not exist.
    #[error("there is no {what} with id `{id}`")]
    UnknownId {
        /// "thing" or "relationship".
        what: &'static str,
        /// The id asked for.
        id: String,
    },
    /// The request is wrong.
    #[error("{message}")]
    Invalid {
        /// What was wrong, where, and what to do.
        message: String,
    },
    /// Rows named by a mutation changed since they were read.
    #[error("table `{table}` changed while the statement ran; run it again")]
    Conflict {
        /// The table.
        table: String,
    },
    /// A limit of the database was passed.
    #[error("{what} is {value}, over the limit of {max}; {remedy}")]
    Limit {
        /// What was too large.
        what: String,
        /// How large it was.
        value: u64,
        /// How large it may be.
        max: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// Parts come faster than they are merged: the head row cannot list them all.
    #[error(
        "table `{table}` has {parts} parts, more than its head row can list in {max} bytes; let \
         background merges run (natively `dodb compact`), then try again"
    )]
    TooManyParts {
        /// The table.
        table: String,
        /// How many parts there would be.
        parts: usize,
        /// The most bytes of a head row.
        max: usize,
    },
    /// Rows of the table are, or should go, in a bucket, and the database has none.
    #[error(
        "table `{table}` has to do with a bucket, and this database was opened without one; name \
         it (natively `--objects URL`, in a Worker the R2 binding)"
    )]
    NoBucket {
        /// The table.
        table: String,
    },
    /// The bucket failed, or an object in it is not what it should be.
    #[error("{0}")]
    Lake(Arc<dodb_lake::Error>),
    /// Stored bytes do not say what they should.
    #[error("damaged data in {place}: {detail}; other tables are not affected")]
    Corrupt {
        /// Table and part, or the name of the row.
        place: String,
        /// What was found.
        detail: String,
    },
    /// The row store failed.
    #[error(transparent)]
    Rows(Arc<dodb_rowstore::Error>),
    /// Columns could not be encoded or decoded.
    #[error("{place}: {source}")]
    Part {
        /// Table, and part where known.
        place: String,
        /// The cause.
        source: Arc<dodb_part::Error>,
    },
    /// An Arrow kernel refused its input.
    #[error("columns could not be combined: {0}")]
    Arrow(Arc<arrow_schema::ArrowError>),
}

impl Error {
    /// A wrong request, in words.
    pub fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid { message: message.into() }
    }

    pub(crate) fn corrupt(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Error::Corrupt { place: place.into(), detail: detail.into() }
    }

    /// An error of `dodb-part`; one that our own fetching caused comes back as it was.
    pub(crate) fn part(place: impl Into<String>, source: dodb_part::Error) -> Self {
        match source {
            dodb_part::Error::Fetch(cause) => match cause.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => Error::corrupt(place, other.to_string()),
            },
            damage @ dodb_part::Error::Corrupt { .. } => Error::corrupt(place, damage.to_string()),
            source => Error::Part { place: place.into(), source: Arc::new(source) },
        }
    }

    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::UnknownTable { .. }
            | Error::UnknownView { .. }
            | Error::UnknownDatabase { .. }
            | Error::UnknownId { .. } => ErrorKind::NotFound,
            Error::UnknownColumn { .. } | Error::IsView { .. } | Error::Invalid { .. } => {
                ErrorKind::Invalid
            }
            Error::TableExists { .. } | Error::ViewExists { .. } | Error::DatabaseExists { .. } => {
                ErrorKind::Exists
            }
            Error::Conflict { .. } => ErrorKind::Conflict,
            Error::Limit { .. } | Error::TooManyParts { .. } => ErrorKind::Limit,
            Error::Corrupt { .. } => ErrorKind::Corrupt,
            Error::NoBucket { .. } => ErrorKind::Invalid,
            Error::Lake(e) => match e.kind() {
                dodb_lake::ErrorKind::NotFound | dodb_lake::ErrorKind::Corrupt => {
                    ErrorKind::Corrupt
                }
                dodb_lake::ErrorKind::Invalid | dodb_lake::ErrorKind::Unsupported => {
                    ErrorKind::Invalid
                }
                dodb_lake::ErrorKind::Conflict => ErrorKind::Conflict,
                dodb_lake::ErrorKind::Storage => ErrorKind::Unavailable,
            },
            Error::Rows(e) => match **e {
                dodb_rowstore::Error::Budget { .. }
                | dodb_rowstore::Error::RowTooLarge { .. }
                | dodb_rowstore::Error::Full { .. } => ErrorKind::Limit,
                dodb_rowstore::Error::Corrupt { .. } => ErrorKind::Corrupt,
                _ => ErrorKind::Unavailable,
            },
            Error::Part { source, .. } if matches!(**source, dodb_part::Error::Corrupt { .. }) => {
                ErrorKind::Corrupt
            }
            Error::Part { .. } | Error::Arrow(_) => ErrorKind::Invalid,
        }
    }
}

impl From<dodb_rowstore::Error> for Error {
    fn from(e: dodb_rowstore::Error) -> Self {
        Error::Rows(Arc::new(e))
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(e: arrow_schema::ArrowError) -> Self {
        Error::Arrow(Arc::new(e))
    }
}

impl From<dodb_lake::Error> for Error {
    fn from(e: dodb_lake::Error) -> Self {
        match e.kind() {
            dodb_lake::ErrorKind::Conflict => {
                Error::Conflict { table: e.table().unwrap_or_default().to_owned() }
            }
            _ => Error::Lake(Arc::new(e)),
        }
    }
}
