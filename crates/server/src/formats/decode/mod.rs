//! Bytes to batches.

mod arrow_file;
mod builder;
mod compact;
mod conform;
mod decoder;
mod fault;
mod json;
mod json_value;
mod lines;
mod literal;
mod rows;
mod scalar;
mod separated;
mod text;
mod values;

pub use conform::Conform;
pub use decoder::{DecodeOptions, Decoder};
pub(crate) use scalar::parse_i64;
pub(crate) use separated::{Dialect, Part, split_record};
