//! Objects: where they are ([`Bucket`]), what they cost ([`MeteredStore`]) and, for tests, how they
//! fail (`fault`). Not what is in them.

mod bucket;
mod cache;
#[cfg(any(test, feature = "testing"))]
pub mod fault;
mod meter;

pub use bucket::Bucket;
pub use cache::{RangeCache, RangeMemory};
pub use meter::{MeteredStore, ObjectCounts, ObjectUsage};
