//! The ClickHouse dialect: text to statements DataFusion can plan.
//!
//! [`parse`] splits a text into statements, takes `FORMAT`, `SETTINGS` and inline data off them,
//! puts in query parameters, parses, and rewrites ClickHouse spellings. [`plan`] makes a logical
//! plan of one statement. What the functions compute is in [`crate::functions`].

mod clickhouse;
mod create;
mod error;
mod lexer;
pub mod literal;
mod options;
mod params;
mod parse;
mod plan;
mod respell;
mod rewrite;
mod scan;
mod shape;
#[cfg(test)]
mod tests;
mod tokens;
mod types;
mod view;

pub use clickhouse::Dialect;
pub use error::{ParseError, ParseErrorKind, Position};
pub use options::{Limits, ParseOptions};
pub use parse::{Inline, Parsed, parse};
pub use plan::{PlanError, plan};
pub(crate) use respell::EXISTENCE;
pub(crate) use rewrite::{Moment, shown_column, split_moment};
pub use rewrite::{Spelling, spellings};
pub(crate) use shape::{ELEMENTS, JSON_HINTS};
pub(crate) use tokens::SUBQUERIES_MAX;
pub use types::{ClickHouseTypes, clickhouse_name};
pub use view::ViewText;
