//! What can go wrong while reading or writing a format, with the place in the input.

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// The result of every function of this module.
pub type Result<T, E = FormatError> = std::result::Result<T, E>;

/// Everything that can go wrong with a format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// No format has this name.
    #[error("unknown format `{name}`; there are: {known}")]
    UnknownFormat {
        /// The name that was asked for.
        name: String,
        /// All names there are.
        known: String,
    },
    /// The format can be written but not read.
    #[error("format {format} is for output only; these can be read: {readable}")]
    NotReadable {
        /// The format's name.
        format: &'static str,
        /// The names of the formats that can be read.
        readable: String,
    },
    /// JSONAsObject, into other columns than one JSON column.
    #[error(
        "JSONAsObject fills exactly one JSON column: name it, as in INSERT INTO t (doc), or use \
         JSONEachRow"
    )]
    NotOneDocument,
    /// A column has a type this format cannot carry.
    #[error("column `{column}` has type {data_type}, which {format} cannot carry")]
    UnsupportedType {
        /// The column's name.
        column: String,
        /// Its Arrow type.
        data_type: String,
        /// The format's name.
        format: &'static str,
    },
    /// A column was named that the table does not have.
    #[error("there is no column `{column}`; there are: {known}")]
    UnknownColumn {
        /// The name that was asked for.
        column: String,
        /// The columns of the target.
        known: String,
    },
    /// One record is wrong.
    #[error("line {line}, byte {column}{}: {problem}; near `{excerpt}`", in_field(.field))]
    Record {
        /// Line of the input, from 1.
        line: u64,
        /// Byte in that line, from 1.
        column: u64,
        /// The field that is wrong, when one is to blame.
        field: Option<String>,
        /// What was expected and what was found.
        problem: String,
        /// The input there: at most 80 bytes, escaped.
        excerpt: String,
    },
    /// The same where records are counted.
    #[error("record {number}: {source}")]
    Counted {
        /// Which record, from 1.
        number: u64,
        /// What is wrong with it.
        source: Box<FormatError>,
    },
    /// One record is longer than the limit.
    #[error(
        "line {line}: the record that starts here is longer than {bytes_max} bytes; \
         split it, or raise the limit on the size of a record"
    )]
    RecordTooLong {
        /// Line where the record starts, from 1.
        line: u64,
        /// The limit.
        bytes_max: usize,
    },
    /// A body that must be held whole (Parquet) is larger than the limit.
    #[error("a {format} body must be held whole and this one is larger than {bytes_max} bytes")]
    BodyTooLarge {
        /// The format's name.
        format: &'static str,
        /// The limit.
        bytes_max: usize,
    },
    /// The bytes are not of this format, or break off.
    #[error("this is not a readable {format} body: {problem}")]
    Malformed {
        /// The format's name.
        format: &'static str,
        /// What the reader said.
        problem: String,
    },
    /// The decoder failed earlier and takes no more.
    #[error("the input was refused before; nothing after the first error is read")]
    Stopped,
    /// A column of a Parquet or Arrow body does not fit the target.
    #[error("column `{column}`: {problem}")]
    Column {
        /// The column's name.
        column: String,
        /// What does not fit.
        problem: String,
    },
    /// Nothing can be inferred from the sample.
    #[error("no schema can be inferred: {0}")]
    Infer(String),
    /// Arrow refused a batch.
    #[error("arrow: {0}")]
    Arrow(#[from] ArrowError),
    /// Parquet refused a batch.
    #[error("parquet: {0}")]
    Parquet(#[from] ParquetError),
}

impl FormatError {
    /// The error with the number of the record, if it is one of a record.
    pub(crate) fn in_record(self, number: u64) -> FormatError {
        match self {
            FormatError::Record { .. } | FormatError::RecordTooLong { .. } => {
                FormatError::Counted { number, source: Box::new(self) }
            }
            other => other,
        }
    }
}

fn in_field(field: &Option<String>) -> String {
    field.as_ref().map(|name| format!(", field `{name}`")).unwrap_or_default()
}

/// At most 80 bytes of `text` around its start, control characters escaped.
pub(crate) fn excerpt(text: &str) -> String {
    const BYTES_MAX: usize = 80;
    let mut shown = String::with_capacity(BYTES_MAX);
    for c in text.chars() {
        let before = shown.len();
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        if shown.len() > BYTES_MAX - 3 {
            shown.truncate(before);
            shown.push('…');
            break;
        }
    }
    shown
}
