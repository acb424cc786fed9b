//! `dodb verify`: reads everything, checks it, prints each fault. Not here: the checks
//! (`dodb-engine`), repairs.

use std::io::Write;
use std::process::ExitCode;

use dodb_rowstore::Usage;

use crate::args::DatabaseArgs;
use crate::cost::grouped;
use crate::error::Result;
use crate::{open, terminal};

pub fn run(args: &DatabaseArgs) -> Result<ExitCode> {
    let db = open::open_existing(args)?;
    let report = open::wait(db.verify(&Usage::default()))??;
    let mut out = std::io::stdout();
    for fault in &report.faults {
        writeln!(out, "table `{}`: {}", fault.table, fault.message)?;
    }
    writeln!(
        out,
        "{} tables, {} parts, {} rows: {}",
        report.tables,
        grouped(report.parts),
        grouped(report.rows),
        match report.faults.len() {
            0 => "no fault".to_owned(),
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        }
    )?;
    if report.faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    terminal::note(
        "dodb: the database is damaged; keep a copy of the folder, then restore a backup. \
         Tables without a fault above can be exported.",
    );
    Ok(ExitCode::FAILURE)
}
