//! Jobs of this repository that are written in Rust. For now one: [`tidy`], the house rules that
//! rustfmt and clippy cannot check. Not for anything that dodb itself needs when it runs.

mod tidy;
mod tree;

pub use tidy::{Fault, tidy};
pub use tree::{Tree, TreeError};
