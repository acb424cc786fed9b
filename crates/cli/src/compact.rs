//! `dodb compact`: folds, merges and tidies files until there is nothing left to do. Not here: how.

use std::io::Write;
use std::process::ExitCode;

use dodb_rowstore::Usage;

use crate::args::DatabaseArgs;
use crate::cost::{Cost, grouped};
use crate::error::Result;
use crate::{flush, open};

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
    let warm = Usage::default();
    let done = flush::compact(&db, &warm)?;
    if done.files_replaced + done.delete_files > 0 {
        writeln!(
            std::io::stdout(),
            "in the bucket {} files in the place of {}, {} files of deleted rows: {}",
            grouped(done.files_written),
            grouped(done.files_replaced),
            grouped(done.delete_files),
            Cost::of(&warm.counts())
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
