//! The error type of the whole crate: a few kinds that say what the caller can do, and a message
//! that names the object and the table. Not for errors of single libraries, which are sources.

use std::fmt;

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// An object is not there. Restore it, or go back to a snapshot that does not need it.
    NotFound,
    /// Bytes are not what they should be: damaged, cut short, or of another format.
    Corrupt,
    /// The request does not fit the table or the schema. Asking again will not help.
    Invalid,
    /// Well formed, and beyond what dodb does: equality deletes, a newer version.
    Unsupported,
    /// Somebody else changed the same files. Read the table again and plan anew.
    Conflict,
    /// The store failed. Trying again may help.
    Storage,
}

/// What went wrong, with which object of which table.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    object: Option<String>,
    table: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), object: None, table: None, source: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Conflict, message)
    }

    /// Names the object; the innermost name stays.
    #[must_use]
    pub fn of_object(mut self, uri: &str) -> Error {
        self.object.get_or_insert_with(|| uri.to_owned());
        self
    }

    /// Names the table; the innermost name stays.
    #[must_use]
    pub fn of_table(mut self, name: &str) -> Error {
        self.table.get_or_insert_with(|| name.to_owned());
        self
    }

    fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.source = Some(Box::new(source));
        self
    }

    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The URI of the object it is about, if it is about one.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// The table it is about, if that is known.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// An error of a read or write of `uri`.
    pub(crate) fn of_store(error: object_store::Error, uri: &str) -> Error {
        let kind = match &error {
            object_store::Error::NotFound { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Storage,
        };
        let message = match kind {
            ErrorKind::NotFound => "the object is not there".to_owned(),
            _ => format!("the store failed: {error}"),
        };
        Error::new(kind, message).caused_by(error).of_object(uri)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "table {table}: ")?;
        }
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<iceberg::Error> for Error {
    fn from(error: iceberg::Error) -> Error {
        let kind = match error.kind() {
            iceberg::ErrorKind::FeatureUnsupported => ErrorKind::Unsupported,
            iceberg::ErrorKind::DataInvalid => ErrorKind::Corrupt,
            _ => ErrorKind::Invalid,
        };
        Error::new(kind, format!("not valid Iceberg: {}", error.message())).caused_by(error)
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Error {
        Error::corrupt(format!("not valid Parquet: {error}")).caused_by(error)
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Error {
        Error::corrupt(format!("values do not convert: {error}")).caused_by(error)
    }
}

impl From<dodb_part::Error> for Error {
    fn from(error: dodb_part::Error) -> Error {
        let kind = match &error {
            dodb_part::Error::Corrupt { .. } => ErrorKind::Corrupt,
            dodb_part::Error::Unsupported { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Invalid,
        };
        Error::new(kind, error.to_string()).caused_by(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::corrupt(format!("not the JSON expected: {error}")).caused_by(error)
    }
}
