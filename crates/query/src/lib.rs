//! SQL over the engine: the ClickHouse dialect, its functions and JSON access, planned by
//! DataFusion. This is the only crate that knows DataFusion.

mod attached;
mod budget;
mod catalog;
mod databases;
mod ddl;
pub mod dialect;
mod error;
mod exec;
mod explain;
mod floats;
pub mod functions;
mod group_count;
mod indexes;
pub mod json;
mod keys;
mod known_bounds;
mod lasting;
mod lower;
mod multiset;
mod names;
mod narrowing;
mod null_safe_joins;
mod one_partition;
mod outer_constants;
mod provider;
mod query_log;
mod recursion;
mod session;
mod settings;
mod show;
mod system;
mod unnest;
mod view_ddl;
mod views;
mod write;

pub use databases::Databases;
pub use datafusion::execution::SendableRecordBatchStream;
pub use error::{Error, Result};
pub use session::{Answer, Request, Session, SessionOptions};
pub use settings::Settings;
