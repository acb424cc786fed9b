//! Errors as clients see them: a status, and ClickHouse's form for SQL or JSON for `/v1`. Not here:
//! what went wrong, which the crates below say.

use bytes::Bytes;
use dodb_engine::ErrorKind;
use http::StatusCode;

use crate::formats::FormatError;

/// An error of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQL, or the database under it.
    #[error(transparent)]
    Query(#[from] dodb_query::Error),
    /// Data in a format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The request itself.
    #[error("{message}")]
    Request {
        /// The status it gets.
        status: StatusCode,
        /// What was wrong and what to do.
        message: String,
    },
}

impl From<dodb_engine::Error> for Error {
    fn from(e: dodb_engine::Error) -> Error {
        Error::Query(e.into())
    }
}

impl Error {
    pub(crate) fn bad_request(message: impl Into<String>) -> Error {
        Error::Request { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Error {
        Error::Request { status: StatusCode::NOT_FOUND, message: message.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::Request { status, .. } => *status,
            Error::Format(_) => StatusCode::BAD_REQUEST,
            Error::Query(dodb_query::Error::ReadOnly { .. }) => StatusCode::FORBIDDEN,
            Error::Query(e) => match e.kind() {
                ErrorKind::Invalid | ErrorKind::Exists | ErrorKind::Limit => {
                    StatusCode::BAD_REQUEST
                }
                ErrorKind::NotFound => StatusCode::NOT_FOUND,
                ErrorKind::Conflict => StatusCode::CONFLICT,
                ErrorKind::Corrupt => StatusCode::INTERNAL_SERVER_ERROR,
                ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
        }
    }

    /// ClickHouse's number and name for errors of this sort (src/Common/ErrorCodes.cpp), which
    /// clients act on.
    pub fn code(&self) -> (u32, &'static str) {
        use dodb_engine::Error as E;
        use dodb_query::Error as Q;
        match self {
            Error::Format(FormatError::UnknownFormat { .. }) => (73, "UNKNOWN_FORMAT"),
            Error::Format(_) => (27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED"),
            Error::Request { status, .. } => match status.as_u16() {
                401 => (516, "AUTHENTICATION_FAILED"),
                404 => (48, "NOT_IMPLEMENTED"),
                _ => (36, "BAD_ARGUMENTS"),
            },
            Error::Query(q) => match q.root() {
                Q::Parse(_) => (62, "SYNTAX_ERROR"),
                Q::Plan(_) => (36, "BAD_ARGUMENTS"),
                Q::Execution(_) => (6, "CANNOT_PARSE_TEXT"),
                Q::ReadOnly { .. } => (164, "READONLY"),
                Q::Unsupported { .. } => (48, "NOT_IMPLEMENTED"),
                Q::Budget { setting: "max_memory_usage", .. } => (241, "MEMORY_LIMIT_EXCEEDED"),
                Q::Budget { setting: "max_execution_time", .. } => (159, "TIMEOUT_EXCEEDED"),
                Q::Budget { .. } => (158, "TOO_MANY_ROWS"),
                Q::Unavailable(_) => (209, "SOCKET_TIMEOUT"),
                Q::Engine(E::UnknownTable { .. } | E::UnknownView { .. }) => (60, "UNKNOWN_TABLE"),
                Q::Engine(E::UnknownDatabase { .. }) => (81, "UNKNOWN_DATABASE"),
                Q::Engine(E::DatabaseExists { .. }) => (82, "DATABASE_ALREADY_EXISTS"),
                Q::Engine(E::UnknownColumn { .. }) => (47, "UNKNOWN_IDENTIFIER"),
                Q::Engine(E::TableExists { .. } | E::ViewExists { .. }) => {
                    (57, "TABLE_ALREADY_EXISTS")
                }
                Q::Engine(E::IsView { .. }) => (48, "NOT_IMPLEMENTED"),
                Q::Engine(e) => match e.kind() {
                    ErrorKind::Limit => (158, "TOO_MANY_ROWS"),
                    ErrorKind::Corrupt => (246, "CORRUPTED_DATA"),
                    ErrorKind::Unavailable => (209, "SOCKET_TIMEOUT"),
                    ErrorKind::Conflict => (236, "ABORTED"),
                    _ => (36, "BAD_ARGUMENTS"),
                },
                _ => (49, "LOGICAL_ERROR"),
            },
        }
    }

    /// The body ClickHouse would send.
    pub(crate) fn as_text(&self) -> Bytes {
        let (code, name) = self.code();
        let version = env!("CARGO_PKG_VERSION");
        format!("Code: {code}. DB::Exception: {self}. ({name}) (version {version} (dodb))\n").into()
    }

    /// The body of `/v1`.
    pub(crate) fn as_json(&self) -> Bytes {
        let (code, name) = self.code();
        let error = serde_json::json!({
            "error": { "code": code, "name": name, "message": self.to_string() }
        });
        format!("{error}\n").into()
    }
}
