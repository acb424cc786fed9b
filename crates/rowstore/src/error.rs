//! What can go wrong at the seam: which statement, where, and what to do about it.
//! Backends map their own errors to these variants; nothing here knows a backend.

use std::fmt;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which side of a statement a value was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A bound parameter, counted from 1 as in SQL (`?1`).
    Param(usize),
    /// A column of a result row, counted from 1.
    Column(usize),
    /// All parameters of one call together.
    Params,
    /// A whole result row.
    Row,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Param(at) => write!(f, "parameter {at}"),
            Place::Column(at) => write!(f, "result column {at}"),
            Place::Params => f.write_str("the parameters"),
            Place::Row => f.write_str("a result row"),
        }
    }
}

/// An error of a row store or of its meter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More parameters than a Durable Object binds.
    #[error("statement {statement}: {count} parameters, at most {max} are allowed; split the call")]
    TooManyParams {
        /// Name of the statement.
        statement: &'static str,
        /// Parameters given.
        count: usize,
        /// Parameters allowed.
        max: usize,
    },
    /// SQL text longer than a Durable Object accepts.
    #[error("statement {statement}: {bytes} bytes of SQL, at most {bytes_max}; shorten its text")]
    StatementTooLong {
        /// Name of the statement.
        statement: &'static str,
        /// Length of the SQL.
        bytes: usize,
        /// Length allowed.
        bytes_max: usize,
    },
    /// A row larger than a Durable Object stores.
    #[error(
        "statement {statement}: {place} hold {bytes} bytes, at most {bytes_max} fit in a row; \
         split the value over several rows"
    )]
    RowTooLarge {
        /// Name of the statement.
        statement: &'static str,
        /// Parameters or result row.
        place: Place,
        /// Sum of the value bytes.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// An integer that JavaScript numbers cannot hold exactly.
    #[error(
        "statement {statement}: {place} is {value}, outside -2^53..=2^53; \
         carry such integers as an 8-byte blob"
    )]
    IntegerTooLarge {
        /// Name of the statement.
        statement: &'static str,
        /// Where the integer is.
        place: Place,
        /// The integer.
        value: i64,
    },
    /// SQLite would store NULL in its place without a word.
    #[error("statement {statement}: {place} is NaN, which SQLite stores as NULL; use a blob")]
    NotANumber {
        /// Name of the statement.
        statement: &'static str,
        /// Where the value is.
        place: Place,
    },
    /// The request read more rows than its budget.
    #[error(
        "statement {statement}: {rows_read} rows read, the budget is {rows_read_max}; \
         narrow the query or raise max_rows_read"
    )]
    Budget {
        /// The statement that went past the budget.
        statement: &'static str,
        /// Rows read by the request so far.
        rows_read: u64,
        /// The budget.
        rows_read_max: u64,
    },
    /// A transaction is open on this thread and something went around it.
    #[error(
        "{what}: a transaction is open on this thread; use the transaction it was given, \
         and do not open a second one"
    )]
    NestedTransaction {
        /// The statement, or "atomically".
        what: &'static str,
    },
    /// SQLite ended the transaction by itself, after a full disk or an I/O error.
    #[error(
        "{what}: the transaction was already rolled back after an earlier error; \
         nothing of it is stored, run it again once that error is gone"
    )]
    TransactionLost {
        /// The statement, or "commit".
        what: &'static str,
    },
    /// The SQL controls transactions by itself.
    #[error(
        "statement {statement}: BEGIN, COMMIT and SAVEPOINT are not for callers; use atomically"
    )]
    TransactionControl {
        /// Name of the statement.
        statement: &'static str,
    },
    /// Parameters bound do not match parameters in the SQL.
    #[error("statement {statement}: the SQL has {expected} parameters, {given} were given")]
    ParamCount {
        /// Name of the statement.
        statement: &'static str,
        /// Parameters in the SQL.
        expected: usize,
        /// Parameters given.
        given: usize,
    },
    /// A text value that is not UTF-8.
    #[error("statement {statement}: {place} is text but not UTF-8; run `dodb verify`")]
    NotUtf8 {
        /// Name of the statement.
        statement: &'static str,
        /// Which column.
        place: Place,
    },
    /// A uniqueness, NOT NULL or CHECK constraint refused the row. The statement changed nothing.
    #[error("statement {statement}: {message}; the row was refused and nothing was changed")]
    Constraint {
        /// Name of the statement.
        statement: &'static str,
        /// SQLite's words.
        message: String,
    },
    /// The SQL is wrong, or a backend refused it for a reason without a variant of its own.
    #[error("statement {statement}: {message}")]
    Statement {
        /// Name of the statement.
        statement: &'static str,
        /// The backend's words.
        message: String,
    },
    /// Another connection held the database for too long.
    #[error("{what}: {database} is busy; close other programs that have it open, then try again")]
    Busy {
        /// The statement, or the step of opening.
        what: &'static str,
        /// Which database.
        database: String,
    },
    /// No room left.
    #[error(
        "{what}: no room left for {database}; free disk space (or raise the quota) and try again, \
         nothing of the failed write is stored"
    )]
    Full {
        /// The statement, or the step of opening.
        what: &'static str,
        /// Which database.
        database: String,
    },
    /// The file is damaged, or is no SQLite database.
    #[error(
        "{what}: {database} is damaged or is not a SQLite database ({message}); \
         keep a copy of the folder, run `dodb verify`, and restore a backup if it agrees"
    )]
    Corrupt {
        /// The statement, or the step of opening.
        what: &'static str,
        /// Which database.
        database: String,
        /// SQLite's words.
        message: String,
    },
    /// The operating system refused to read, write or open a file.
    #[error(
        "{what}: cannot use {database}: {message}; check the disk and the folder's permissions"
    )]
    Io {
        /// The statement, or the step of opening.
        what: &'static str,
        /// Which file or folder.
        database: String,
        /// What the system said.
        message: String,
    },
    /// Another process (or another handle in this one) has the folder open.
    #[error(
        "the data folder {folder} is already open{holder}; stop that program or \
         use another folder (a copy of a folder in use is not safe)"
    )]
    Locked {
        /// The data folder.
        folder: String,
        /// " in process N", when it is known; else empty.
        holder: String,
    },
    /// A backend broke the contract of `atomically`: it did not run the body exactly once.
    #[error("the backend ran a transaction body {runs} times instead of once; this is a bug in it")]
    BodyRuns {
        /// How often the body was started.
        runs: u32,
    },
    /// A failure made on purpose by `fault::FaultStore`.
    #[error("injected failure at call {call} ({what})")]
    Injected {
        /// Number of the call, from 1.
        call: u64,
        /// The statement, or "commit".
        what: &'static str,
    },
}
