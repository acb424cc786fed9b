//! The wire formats ClickHouse speaks, pure: batches in and bytes out, bytes in and batches out.
//!
//! [`Format`] names a format, [`Encoder`] writes one, [`Decoder`] reads one in chunks of any size
//! with bounded memory, [`infer_schema`] guesses a schema from the first records of a file.
//! No I/O, no clock and no SQL here.

mod calendar;
mod decode;
mod encode;
mod error;
mod format;
mod infer;
mod type_name;

pub use decode::{Conform, DecodeOptions, Decoder};
pub use encode::{EncodeOptions, Encoder, Totals};
pub use error::{FormatError, Result};
pub use format::Format;
pub use infer::{InferOptions, infer_schema};
pub use type_name::{TYPE_KEY, type_name};
