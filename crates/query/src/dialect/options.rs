//! What a caller may set about parsing. No session state lives here.

use std::collections::BTreeMap;

/// Bounds on a text, so that no input can exhaust memory or the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest statement in bytes, inline data not counted (ClickHouse: `max_query_size`).
    pub text_bytes_max: usize,
    /// Deepest nesting of brackets and subqueries.
    pub nesting_max: usize,
    /// Most statements in one text.
    pub statements_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { text_bytes_max: 256 * 1024, nesting_max: 64, statements_max: 1000 }
    }
}

/// Everything [`super::parse`] needs besides the text.
#[derive(Debug, Clone)]
pub struct ParseOptions {
    /// Bounds on the text.
    pub limits: Limits,
    /// Values for `{name:Type}`, as text (ClickHouse: `param_name`).
    pub params: BTreeMap<String, String>,
    /// What `currentDatabase()` answers.
    pub database: String,
    /// What `currentUser()` answers.
    pub user: String,
    /// What `version()` answers. ClickHouse clients choose protocol features by it.
    pub version: String,
    /// What `hostName()` answers.
    pub host: String,
}

impl Default for ParseOptions {
    fn default() -> Self {
        ParseOptions {
            limits: Limits::default(),
            params: BTreeMap::new(),
            database: "default".into(),
            user: "default".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            host: "localhost".into(),
        }
    }
}
