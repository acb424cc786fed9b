//! From SQLite's error codes to this crate's errors, with the database they happened in.

use rusqlite::ErrorCode;

use crate::Error;

/// The path errors name.
#[derive(Debug, Clone)]
pub(super) struct Database(String);

impl Database {
    pub(super) fn new(name: String) -> Database {
        Database(name)
    }

    /// The error for a failed SQLite call; `what` is the statement or the step.
    pub(super) fn error(&self, what: &'static str, error: &rusqlite::Error) -> Error {
        let database = self.0.clone();
        let message = error.to_string();
        let Some(code) = error.sqlite_error_code() else {
            return Error::Statement { statement: what, message };
        };
        match code {
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => Error::Busy { what, database },
            ErrorCode::DiskFull => Error::Full { what, database },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Error::Corrupt { what, database, message }
            }
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::NoLargeFileSupport => Error::Io { what, database, message },
            ErrorCode::ConstraintViolation => Error::Constraint { statement: what, message },
            _ => Error::Statement { statement: what, message },
        }
    }

    /// An error of the file system that SQLite did not report as such.
    pub(super) fn io(&self, what: &'static str, message: String) -> Error {
        Error::Io { what, database: self.0.clone(), message }
    }
}
