//! `dodb compact`: folds and merges until there is nothing left to do. Not here: the tiers' own
//! jobs.

use std::io::Write;
use std::process::ExitCode;

use dodb_rowstore::Usage;

use crate::args::DatabaseArgs;
use crate::cost::{Cost, grouped};
use crate::error::Result;
use crate::open;

pub fn run(args: &DatabaseArgs) -> Result<ExitCode> {
    let db = open::open_existing(args)?;
    let usage = Usage::default();
    let done = open::finish_jobs(&db, true, &usage)?;
    writeln!(
        std::io::stdout(),
        "{} folds, {} merges, {} sweeps, {} records written anew: {}",
        done.folds,
        done.merges,
        done.sweeps,
        grouped(done.rows_rewritten),
        Cost::of(&usage.counts())
    )?;
    Ok(ExitCode::SUCCESS)
}
