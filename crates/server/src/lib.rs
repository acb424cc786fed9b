//! HTTP as values, no sockets: requests in, responses out, the same in the native binary and in the
//! Worker. [`Server`] serves one database; [`formats`] are the wire formats.

mod error;
pub mod formats;
mod iceberg;
mod records;
mod request;
mod server;
mod sql;
mod stats;
mod tiers;

pub use error::Error;
pub use request::{DEFAULT_DATABASE, check_database, check_token, database};
pub use server::{Response, Server, ServerOptions, ping, refusal};
