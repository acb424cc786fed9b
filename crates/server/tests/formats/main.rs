//! The wire formats: against what ClickHouse writes, there and back, and against bad input.

mod batches;
mod binary;
mod compared;
mod infer;
mod reading;
mod wrong;
