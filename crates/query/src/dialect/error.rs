//! What can be wrong with a text of SQL, and where. Planning errors are DataFusion's own.

use std::fmt;

/// A place in the text the user sent: both count from 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// The text is not a statement.
    #[error("syntax error: {0}")]
    Syntax(String),
    /// A statement is longer than [`super::Limits::text_bytes_max`].
    #[error(
        "the statement is {bytes} bytes long, the limit is {bytes_max}: \
         send data as INSERT ... FORMAT, or raise max_query_size"
    )]
    TooLong {
        /// Length found.
        bytes: usize,
        /// Length allowed.
        bytes_max: usize,
    },
    /// Brackets or subqueries are nested deeper than [`super::Limits::nesting_max`].
    #[error("nested deeper than {nesting_max} levels: split the statement")]
    TooDeep {
        /// Levels allowed.
        nesting_max: usize,
    },
    /// One expression has too many operators in a row, or one FROM too many joins.
    #[error(
        "too many {what} in one expression or clause (at most {count_max}): \
         use a list (IN) or split the statement"
    )]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        count_max: usize,
    },
    /// ClickHouse has it, dodb does not.
    #[error("{0} is not supported{hint}", hint = hint(.1))]
    NotSupported(String, &'static str),
    /// `{name:Type}` without a value.
    #[error("query parameter {name} of type {type_name} has no value: pass param_{name}")]
    MissingParameter {
        /// Name in the text.
        name: String,
        /// Type in the text.
        type_name: String,
    },
    /// A value that does not fit the type of its parameter.
    #[error("query parameter {name}: {value:?} is not a value of type {type_name}")]
    BadParameter {
        /// Name in the text.
        name: String,
        /// Type in the text.
        type_name: String,
        /// The value passed, cut to 100 characters.
        value: String,
    },
    /// A function called with arguments it does not take.
    #[error("function {function}: {problem}")]
    BadCall {
        /// The function as written.
        function: String,
        /// What is wrong and what is expected.
        problem: String,
    },
}

fn hint(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!(": {hint}") }
}

/// A [`ParseErrorKind`] and where it was found, when that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{place}", place = place(.position))]
pub struct ParseError {
    /// What was wrong.
    pub kind: ParseErrorKind,
    /// Where.
    pub position: Option<Position>,
}

fn place(position: &Option<Position>) -> String {
    position.map(|position| format!(" (at {position})")).unwrap_or_default()
}

impl ParseError {
    pub(crate) fn at(kind: ParseErrorKind, position: Position) -> ParseError {
        ParseError { kind, position: Some(position) }
    }

    pub(crate) fn nowhere(kind: ParseErrorKind) -> ParseError {
        ParseError { kind, position: None }
    }

    pub(crate) fn syntax(message: impl Into<String>, position: Position) -> ParseError {
        ParseError::at(ParseErrorKind::Syntax(message.into()), position)
    }

    pub(crate) fn unsupported(what: impl Into<String>, hint: &'static str) -> ParseError {
        ParseError::nowhere(ParseErrorKind::NotSupported(what.into(), hint))
    }

    pub(crate) fn call(function: &str, problem: impl Into<String>) -> ParseError {
        let kind = ParseErrorKind::BadCall { function: function.into(), problem: problem.into() };
        ParseError::nowhere(kind)
    }
}
