//! What goes over the wire, replayed from the files in `tests/`: SQL and recorded HTTP. One binary,
//! because linking DataFusion takes longer than running the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod examples;
mod folders;
mod gate;
mod http;
mod literals;
mod model;
mod slt;
mod sqlite;
mod support;
mod worker;
