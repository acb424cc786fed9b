//! dodb in a Cloudflare Worker: a Durable Object per database, R2 behind it. What a database does
//! is in the other crates; this one knows JavaScript, and no other does.
//!
//! [`entry`] sends a request to the object of its database, [`database`] is that object,
//! [`databases`] how objects know of each other, [`rows`] the object's SQLite, [`env`] its clock
//! and dice, [`r2`] the bucket, [`outside`] what may be attached. With the feature `testing` the
//! object also answers under `/_test/`: see [`testing`].

mod database;
mod databases;
mod entry;
mod env;
mod exchange;
mod outside;
mod r2;
mod rows;
#[cfg(feature = "testing")]
mod testing;

pub use database::Database;
pub use r2::R2Store;
pub use rows::SqlRows;
