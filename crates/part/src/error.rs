//! The error type of the whole crate. Not for errors of storage: those travel inside `Fetch`.

/// What went wrong, where, and (where there is one) the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are not what they should be: damaged, cut short, or not a part at all.
    #[error("corrupt {what}: {detail}")]
    Corrupt {
        /// The thing that was being read, such as "part header".
        what: &'static str,
        /// What was wrong with it.
        detail: String,
    },
    /// Something well formed that this version cannot do, such as a newer format version.
    #[error("{what} is not supported: {detail}")]
    Unsupported {
        /// The thing that is not supported.
        what: String,
        /// Why, or what to use instead.
        detail: String,
    },
    /// A type that does not fit where it was used.
    #[error("wrong type for {what}: {detail}")]
    Type {
        /// The column or operand.
        what: String,
        /// Both types, as in "expected Int64, found Utf8".
        detail: String,
    },
    /// A value that does not fit where it was used, such as a null in a non-nullable column.
    #[error("bad value in {what}: {detail}")]
    Value {
        /// The column or operand.
        what: String,
        /// Which value or row, and why it was refused.
        detail: String,
    },
    /// A size beyond what the format allows.
    #[error("{what} is too large: {detail}")]
    Limit {
        /// The thing that is too large.
        what: String,
        /// Its size and the limit.
        detail: String,
    },
    /// A library that encodes or compresses failed on good input.
    #[error("cannot encode {what}: {detail}")]
    Encode {
        /// What was being encoded.
        what: &'static str,
        /// The library's own message.
        detail: String,
    },
    /// The caller's function that fetches rows failed.
    #[error("cannot fetch a row of a part: {0}")]
    Fetch(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An Arrow kernel failed.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// [`Error::Corrupt`] from anything that prints.
    pub fn corrupt(what: &'static str, detail: impl ToString) -> Error {
        Error::Corrupt { what, detail: detail.to_string() }
    }

    /// [`Error::Type`] from anything that prints.
    pub fn wrong_type(what: impl ToString, detail: impl ToString) -> Error {
        Error::Type { what: what.to_string(), detail: detail.to_string() }
    }

    /// [`Error::Value`] from anything that prints.
    pub fn bad_value(what: impl ToString, detail: impl ToString) -> Error {
        Error::Value { what: what.to_string(), detail: detail.to_string() }
    }
}
