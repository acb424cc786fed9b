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

    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Engine(e) => e.kind(),
            Error::Budget { .. } => ErrorKind::Limit,
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
