//! The house rules, one file a theme: [`text`] what a line shows, [`rust`] what the syntax of a
//! Rust file shows, [`crates`] who may depend on whom, [`markdown`] where links lead. Not what
//! rustfmt and clippy already check.

mod crates;
mod fault;
mod markdown;
mod rust;
mod sql;
mod test_code;
mod text;

pub use fault::{Fault, tidy};
