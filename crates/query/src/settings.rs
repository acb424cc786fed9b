//! Settings of a query: their names, defaults and what they mean. `system.settings` lists them. Not
//! here: settings of a server.

use crate::error::{Error, Result};

/// What a query may use and how it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Rows read from the store, as billed; 0: no limit.
    pub max_rows_read: u64,
    /// Requests that read from the bucket, as billed; 0: no limit. One file's more may be made.
    pub max_object_gets: u64,
    /// Bytes of memory for joins, sorts and aggregates; 0: no limit of its own.
    pub max_memory_usage: u64,
    /// Milliseconds; 0: no limit.
    pub max_execution_ms: u64,
    /// Bytes of a statement's text.
    pub max_query_size: usize,
    /// The format of answers when a statement names none; empty: the server's choice.
    pub default_format: String,
    /// Are unknown fields of input skipped?
    pub skip_unknown_fields: bool,
    /// Is a path whose texts are all dates or times a Date or a DateTime64?
    pub infer_times: bool,
    /// Is CREATE INDEX, which makes nothing, taken?
    pub allow_create_index_without_type: bool,
    /// Is CREATE UNIQUE INDEX taken as CREATE INDEX?
    pub create_index_ignore_unique: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            max_rows_read: 0,
            max_object_gets: 0,
            max_memory_usage: 0,
            max_execution_ms: 0,
            max_query_size: 256 << 10,
            default_format: String::new(),
            skip_unknown_fields: false,
            infer_times: false,
            allow_create_index_without_type: true,
            create_index_ignore_unique: false,
        }
    }
}

/// A setting in `system.settings`.
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
}

/// Settings that do something.
pub const KNOWN: [Known; 11] = [
    Known { name: "max_rows_read", description: "Most rows a query may read from the store" },
    Known { name: "max_rows_to_read", description: "Another name for max_rows_read" },
    Known {
        name: "max_object_gets",
        description: "Most requests a query may make to read from the bucket",
    },
    Known { name: "max_memory_usage", description: "Most bytes of memory for one query" },
    Known { name: "max_execution_time", description: "Most seconds a query may run" },
    Known { name: "max_query_size", description: "Most bytes of a statement, data apart" },
    Known { name: "default_format", description: "The format of answers without FORMAT" },
    Known {
        name: "input_format_skip_unknown_fields",
        description: "Skip fields of input that the table does not have",
    },
    Known {
        name: "json_infer_times",
        description: "Give JSON paths whose texts are all dates or times the type Date or DateTime",
    },
    Known {
        name: "allow_create_index_without_type",
        description: "Take CREATE INDEX, which makes nothing: all is indexed by itself",
    },
    Known {
        name: "create_index_ignore_unique",
        description: "Take CREATE UNIQUE INDEX as CREATE INDEX: nothing is kept unique",
    },
];

/// Settings that ClickHouse's clients send and that change nothing here.
const IGNORED: [&str; 21] = [
    "async_insert",
    "allow_experimental_analyzer",
    "allow_experimental_json_type",
    "cancel_http_readonly_queries_on_client_close",
    "connect_timeout",
    "date_time_input_format",
    "date_time_output_format",
    "enable_http_compression",
    "extremes",
    "join_algorithm",
    "log_comment",
    "log_queries",
    "max_block_size",
    "max_insert_block_size",
    "max_threads",
    "mutations_sync",
    "output_format_json_quote_64bit_integers",
    "readonly",
    "send_progress_in_http_headers",
    "wait_end_of_query",
    "wait_for_async_insert",
];

impl Settings {
    /// Sets one by name. `Ok(false)`: known to ClickHouse's clients, without effect here.
    ///
    /// # Errors
    /// An unknown name, or a value that does not fit.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "max_rows_read" | "max_rows_to_read" => self.max_rows_read = whole(name, value)?,
            "max_object_gets" => self.max_object_gets = whole(name, value)?,
            "max_memory_usage" => self.max_memory_usage = whole(name, value)?,
            "max_execution_time" => {
                let seconds: f64 = value.parse().map_err(|_| wrong(name, value))?;
                if !(0.0..=1e9).contains(&seconds) {
                    return Err(wrong(name, value));
                }
                self.max_execution_ms = (seconds * 1_000.0) as u64;
            }
            "max_query_size" => self.max_query_size = whole(name, value)? as usize,
            "default_format" => value.clone_into(&mut self.default_format),
            "input_format_skip_unknown_fields" => {
                self.skip_unknown_fields = flag(name, value)?;
            }
            "json_infer_times" => self.infer_times = flag(name, value)?,
            "allow_create_index_without_type" => {
                self.allow_create_index_without_type = flag(name, value)?;
            }
            "create_index_ignore_unique" => self.create_index_ignore_unique = flag(name, value)?,
            _ if IGNORED.contains(&name) => return Ok(false),
            _ => {
                return Err(Error::Plan(format!(
                    "there is no setting `{name}`; SELECT * FROM system.settings lists those \
                     there are"
                )));
            }
        }
        Ok(true)
    }

    /// The value of a known setting as text.
    pub fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            "max_rows_read" | "max_rows_to_read" => self.max_rows_read.to_string(),
            "max_object_gets" => self.max_object_gets.to_string(),
            "max_memory_usage" => self.max_memory_usage.to_string(),
            "max_execution_time" => (self.max_execution_ms as f64 / 1_000.0).to_string(),
            "max_query_size" => self.max_query_size.to_string(),
            "default_format" => self.default_format.clone(),
            "input_format_skip_unknown_fields" => u8::from(self.skip_unknown_fields).to_string(),
            "json_infer_times" => u8::from(self.infer_times).to_string(),
            "allow_create_index_without_type" => {
                u8::from(self.allow_create_index_without_type).to_string()
            }
            "create_index_ignore_unique" => u8::from(self.create_index_ignore_unique).to_string(),
            _ => return None,
        })
    }
}

fn whole(name: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| wrong(name, value))
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(wrong(name, value)),
    }
}

fn wrong(name: &str, value: &str) -> Error {
    Error::Plan(format!("setting `{name}` cannot be {value:?}; it is a number of 0 or more"))
}
