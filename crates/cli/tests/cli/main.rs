//! The binary `dodb`, run as a person or a script runs it. Not here: tests of the crates below.

mod bad_input;
mod command;
mod export;
mod import;
mod kill;
mod serve;
mod sql;
