//! What goes over the wire, replayed from the files in `tests/`: SQL and recorded HTTP. One binary,
//! because linking DataFusion takes longer than running the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod examples;
mod gate;
mod http;
mod model;
mod slt;
mod support;
mod worker;
