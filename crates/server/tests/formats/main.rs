//! The wire formats: against what ClickHouse writes, there and back, and against bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod batches;
mod binary;
mod compared;
mod infer;
mod reading;
mod wrong;
