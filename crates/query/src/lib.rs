//! SQL over the engine: the ClickHouse dialect, its functions and JSON access, planned by
//! DataFusion. This is the only crate that knows DataFusion.

mod attached;
mod budget;
mod catalog;
mod ddl;
pub mod dialect;
mod error;
mod exec;
mod exists;
mod explain;
pub mod functions;
mod group_count;
pub mod json;
mod known_bounds;
mod lower;
mod names;
mod narrowing;
mod one_partition;
mod provider;
mod query_log;
mod session;
mod settings;
mod show;
mod system;
mod write;

pub use datafusion::execution::SendableRecordBatchStream;
pub use error::{Error, Result};
pub use session::{Answer, Request, Session, SessionOptions};
pub use settings::Settings;
