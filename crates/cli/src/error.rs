//! Errors as a person at a terminal sees them. Not here: what went wrong inside the database, which
//! the crates below say.

use std::io;
use std::process::ExitCode;

use dodb_server::formats::FormatError;

use crate::terminal;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An answer could not be made.
    #[error(transparent)]
    Server(#[from] dodb_server::Error),
    /// A statement failed.
    #[error(transparent)]
    Query(#[from] dodb_query::Error),
    /// The database refused.
    #[error(transparent)]
    Engine(#[from] dodb_engine::Error),
    /// The row store failed.
    #[error(transparent)]
    Rows(#[from] dodb_rowstore::Error),
    /// A format is unknown or cannot carry a column.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Something in an input file.
    #[error("{place}: {problem}")]
    Input {
        /// The file, and where in it if that is known.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file could not be used.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// "open", "write"...
        what: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output or standard input failed.
    #[error("input or output failed: {0}")]
    Output(#[from] io::Error),
    /// The server at the other end did not answer, or refused.
    #[error("{url}: {message}")]
    Http {
        /// Whom we asked.
        url: String,
        /// What it said, or why it said nothing.
        message: String,
    },
    /// The arguments do not go together.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// Says on standard error what was wrong; the exit code for it.
    pub fn report(&self) -> ExitCode {
        match self {
            // Whoever read our output has enough: `dodb sql ... | head`.
            Error::Output(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Error::Usage(message) => {
                terminal::note(&format!("dodb: {message}\nFor more information, try '--help'."));
                ExitCode::from(2)
            }
            other => {
                terminal::note(&format!("dodb: {other}"));
                ExitCode::FAILURE
            }
        }
    }
}
