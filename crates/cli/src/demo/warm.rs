//! The flush of the demo: all rows of both tables to the bucket, and what that takes. Not here:
//! flushing (`dodb-engine`).

use dodb_engine::FlushScope;
use dodb_rowstore::Usage;
use serde::Deserialize;

use super::home::Home;
use crate::cost::Cost;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::open;

/// The tables with rows.
const TABLES: [&str; 2] = ["things", "relationships"];

/// What a flush came to, over all its commits.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Flushed {
    /// Rows moved.
    pub rows: u64,
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Is there more to move?
    more: bool,
    /// What it cost.
    #[serde(skip)]
    pub cost: Cost,
    /// How long it took.
    #[serde(skip)]
    pub seconds: f64,
}

/// Moves everything.
pub fn flush(home: &Home) -> Result<Flushed> {
    let watch = Stopwatch::start();
    let mut all = Flushed::default();
    match home {
        Home::Native(place, _) => {
            let db = open::open_existing(place)?;
            let usage = Usage::default();
            for table in TABLES {
                loop {
                    let step = open::wait(db.flush_step(table, FlushScope::All, &usage))??;
                    all.add(step.rows, step.files, step.bytes);
                    if !step.more {
                        break;
                    }
                }
            }
            all.cost = Cost::of(&usage.counts());
        }
        Home::Worker(_, client) => loop {
            let reply = client.post("/v1/flush")?;
            all.cost.add(&reply.cost);
            let text = reply.text()?;
            let part: Flushed = serde_json::from_str(&text)
                .map_err(|e| Error::Failed(format!("/v1/flush answered {text:?}: {e}")))?;
            all.add(part.rows, part.files, part.bytes);
            if !part.more {
                break;
            }
        },
    }
    all.seconds = watch.elapsed().as_secs_f64();
    Ok(all)
}

impl Flushed {
    fn add(&mut self, rows: u64, files: u64, bytes: u64) {
        self.rows += rows;
        self.files += files;
        self.bytes += bytes;
    }
}
