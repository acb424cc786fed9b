//! `dodb verify`: reads everything, checks it, prints each fault; with `--repair` what follows from
//! other data is made anew: the index over files. Not here: the checks (`dodb-engine`).

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use dodb_rowstore::Usage;

use crate::args::VerifyArgs;
use crate::cost::grouped;
use crate::error::Result;
use crate::{open, terminal};

pub fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let db = open::open_existing(&args.place)?;
    let usage = Usage::default();
    let mut report = open::wait(db.verify(&usage))??;
    let mut out = std::io::stdout();
    let damaged: BTreeSet<String> = match args.repair {
        true => report.faults.iter().map(|fault| fault.table.clone()).collect(),
        false => BTreeSet::new(),
    };
    for table in &damaged {
        match open::wait(db.rebuild_index(table, &usage))? {
            Ok(0) => {}
            Ok(files) => {
                let files = grouped(files);
                writeln!(out, "table `{table}`: the index over {files} files was made anew")?;
            }
            Err(e) => writeln!(out, "table `{table}`: the index cannot be made anew: {e}")?,
        }
    }
    if !damaged.is_empty() {
        report = open::wait(db.verify(&usage))??;
    }
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
    if !args.repair {
        terminal::note(
            "dodb: if only an index over files is damaged, `dodb verify --repair` makes it anew.",
        );
    }
    terminal::note(
        "dodb: the database is damaged; keep a copy of the folder, then restore a backup. \
         Tables without a fault above can be exported.",
    );
    Ok(ExitCode::FAILURE)
}
