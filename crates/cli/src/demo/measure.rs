//! What loading came to, and the size of a folder. Not here: how it is shown.

use std::path::Path;

use crate::cost::Cost;
use crate::error::{Error, Result};

/// A load, background work included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load {
    /// Records loaded.
    pub rows: u64,
    /// How long it took.
    pub seconds: f64,
    /// What it cost.
    pub cost: Cost,
}

impl Load {
    /// Rows written for 1,000 records.
    pub fn written_per_thousand(&self) -> f64 {
        self.cost.rows_written as f64 * 1_000.0 / self.rows.max(1) as f64
    }

    /// Both together.
    pub fn and(&self, other: &Load) -> Load {
        let mut sum = *self;
        sum.rows += other.rows;
        sum.seconds += other.seconds;
        sum.cost.add(&other.cost);
        sum
    }
}

/// Bytes of all files in a folder.
pub fn folder_bytes(folder: &Path) -> Result<u64> {
    let cannot =
        |source| Error::File { what: "measure", path: folder.display().to_string(), source };
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        bytes += entry.and_then(|entry| entry.metadata()).map_err(cannot)?.len();
    }
    Ok(bytes)
}
