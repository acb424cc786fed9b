//! Functions ClickHouse users call that DataFusion does not have, vectorised over Arrow arrays.
//!
//! [`configure`] makes a session state know them, the JSON access of [`crate::json`] and the types
//! of [`crate::dialect`]. Names that are only other spellings are rewritten by the dialect.

mod arrays;
mod dates;
mod distance;
mod like;
mod matches;
mod numbers;
mod re2;
mod register;
mod scalar;
mod strings;
#[cfg(test)]
pub(crate) mod tests;
mod text;

pub(crate) use like::translated as like_pattern;
pub(crate) use numbers::{AS_FLOAT, AS_NUMBER, AS_TIME, as_number, as_time, as_time_type, intdiv};
pub use register::{Function, configure, functions, register};
pub(crate) use scalar::{Arguments, NativeFunction};
pub(crate) use text::shown;
