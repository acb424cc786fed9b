//! Tests of parts through the public interface: what goes in comes out, and damage is noticed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod corruption;
mod fixture;
mod generate;
mod json;
mod pruning_inputs;
mod round_trip;
