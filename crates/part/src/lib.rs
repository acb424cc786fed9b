//! Columns as bytes and back: types, codecs, statistics, filters, pruning, and the part format.
//!
//! A *part* is an immutable batch of rows stored by column; `docs/format.md` describes its bytes.
//! This crate does no I/O, reads no clock, starts no thread, and never panics, whatever the bytes.

// The suites call this crate by its name, as everybody else does.
#[cfg(any(test, feature = "testing"))]
extern crate self as dodb_part;

mod bloom;
mod codec;
mod column;
mod error;
pub mod json;
mod layout;
mod postings;
mod predicate;
mod prune;
mod reader;
mod schema;
mod stats;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod value;
mod writer;

pub use bloom::*;
pub use codec::{Codec, Effort, decode_segment, encode_segment, encode_segment_with};
pub use error::{Error, Result};
pub use layout::{FORMAT_VERSION, Layout, RowKey, Segment};
pub use postings::{POSTING_KEY_BITS, Posting, PostingHit, Postings, PostingsWriter, posting_key};
pub use predicate::*;
pub use prune::*;
pub use reader::{PartPath, PartReader, documents_path};
pub use schema::{Column, ColumnType, Schema, TYPE_METADATA_KEY, TimeUnit};
pub use stats::*;
pub use value::*;
pub use writer::{PartImage, PartRow, PartWriter, WriteOptions};
