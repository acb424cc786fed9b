//! Rewrites of the syntax tree, before planning: ClickHouse spellings to what DataFusion plans.
//! No types are known here; what needs them is in [`crate::json`] and in the functions themselves.

mod calls;
mod combinators;
mod moment;
mod names;
mod projection;
mod query;
mod template;
mod visit;
mod windows;

pub(crate) use moment::{Moment, split as split_moment};
pub use names::{Spelling, spellings};
pub(crate) use projection::shown_column;
pub(super) use visit::rewrite;
