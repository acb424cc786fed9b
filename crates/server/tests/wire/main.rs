//! What goes over the wire, replayed from the files in `tests/`: SQL and recorded HTTP. One binary,
//! because linking DataFusion takes longer than running the tests.

mod http;
mod slt;
mod support;
