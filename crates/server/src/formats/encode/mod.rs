//! Batches to bytes.

mod arrow_file;
mod cell;
mod columns;
mod encoder;
mod escape;
mod json;
mod markdown;
mod number;
mod pretty;
mod separated;

pub use encoder::{EncodeOptions, Encoder, Totals};
pub(crate) use json::json_texts;
pub(crate) use number::push_f64;
