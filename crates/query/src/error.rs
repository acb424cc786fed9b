//! What can go wrong with a statement: its text, its plan, the data, a budget. Not here: how errors
//! look to a client (`dodb-server`).

use datafusion::common::DataFusionError;
use dodb_engine::ErrorKind;

use crate::dialect::ParseError;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is wrong.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The text is right but means nothing here: an unknown name, types that do not fit.
    #[error("{0}")]
    Plan(String),
    /// The statement names a table of another database; what is the matter with that is told
    /// where the databases are known.
    #[error("database `{name}` is not the one that this request is for")]
    OtherDatabase {
        /// The other one.
        name: String,
    },
    /// The host could not be asked for its databases.
    #[error("{0}")]
    Unavailable(String),
    /// A value could not be computed.
    #[error("{0}")]
    Execution(String),
    /// The database refused.
    #[error(transparent)]
    Engine(#[from] dodb_engine::Error),
    /// A budget of the query ran out.
    #[error("{what} is over the limit: {detail}; raise the setting `{setting}` or ask for less")]
    Budget {
        /// What ran out.
        what: &'static str,
        /// How much there was.
        detail: String,
        /// The setting that allows more.
        setting: &'static str,
    },
    /// The statement writes and the user may only read.
    #[error("this user may only read; {statement} needs a user that may write")]
    ReadOnly {
        /// The kind of statement.
        statement: &'static str,
    },
    /// A view that a statement reads could not be planned.
    #[error("view `{name}`: {source}")]
    View {
        /// The view.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// Well-formed SQL that dodb does not do.
    #[error("{what} is not supported{hint}")]
    Unsupported {
        /// The statement or clause.
        what: String,
        /// ": what to do instead", or nothing.
        hint: String,
    },
}

impl Error {
    pub(crate) fn unsupported(what: impl Into<String>, instead: &str) -> Error {
        let hint = if instead.is_empty() { String::new() } else { format!(": {instead}") };
        Error::Unsupported { what: what.into(), hint }
    }

    /// The same, which came from within a view.
    pub(crate) fn in_view(self, name: &str) -> Error {
        Error::View { name: name.to_owned(), source: Box::new(self) }
    }

    /// What went wrong, if it was within a view there.
    pub fn root(&self) -> &Error {
        match self {
            Error::View { source, .. } => source.root(),
            other => other,
        }
    }

    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Engine(e) => e.kind(),
            Error::View { .. } => self.root().kind(),
            Error::Budget { .. } => ErrorKind::Limit,
            Error::Unavailable(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(e: DataFusionError) -> Error {
        let root = match e {
            DataFusionError::Context(_, inner) => return Error::from(*inner),
            DataFusionError::Diagnostic(_, inner) => return Error::from(*inner),
            DataFusionError::Shared(inner) => return shared(&inner),
            root => root,
        };
        match root {
            DataFusionError::External(inner) => match inner.downcast::<dodb_engine::Error>() {
                Ok(own) => Error::Engine(*own),
                Err(inner) => match inner.downcast::<Error>() {
                    Ok(own) => *own,
                    Err(other) => Error::Execution(other.to_string()),
                },
            },
            DataFusionError::ResourcesExhausted(detail) => Error::Budget {
                what: "memory",
                detail: first_line(&detail),
                setting: "max_memory_usage",
            },
            DataFusionError::SQL(e, _) => Error::Plan(e.to_string()),
            DataFusionError::Plan(text) | DataFusionError::Configuration(text) => Error::Plan(text),
            DataFusionError::SchemaError(e, _) => Error::Plan(e.to_string()),
            DataFusionError::NotImplemented(text) => Error::unsupported(text, ""),
            DataFusionError::ArrowError(e, _) => Error::Execution(e.to_string()),
            other => Error::Execution(other.strip_backtrace()),
        }
    }
}

/// An error that several partitions got: it can only be read, not taken apart.
fn shared(e: &DataFusionError) -> Error {
    match e.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<dodb_engine::Error>() {
            Some(own) => Error::Engine(own.clone()),
            None => Error::Execution(inner.to_string()),
        },
        DataFusionError::ResourcesExhausted(detail) => Error::Budget {
            what: "memory",
            detail: first_line(detail),
            setting: "max_memory_usage",
        },
        other => Error::Execution(other.strip_backtrace()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

impl From<crate::dialect::PlanError> for Error {
    fn from(e: crate::dialect::PlanError) -> Error {
        Error::from(e.0)
    }
}

/// For code that DataFusion calls: our error inside one of its own.
pub(crate) fn external(e: dodb_engine::Error) -> DataFusionError {
    DataFusionError::External(Box::new(e))
}
