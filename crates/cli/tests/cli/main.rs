//! The binary `dodb`, run as a person or a script runs it. Not here: tests of the crates below.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod bad_input;
mod command;
mod demo;
mod export;
mod import;
mod kill;
mod memory;
mod serve;
mod sql;
