//! `dodb flush`, `dodb expire` and what `dodb compact` does in the bucket: the jobs of the warm
//! tier by hand, with a bar. Not here: the jobs (`dodb-engine`).

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use dodb_engine::{CompactStep, Db, Env, FlushScope, FlushStep};
use dodb_rowstore::Usage;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{ExpireArgs, FlushArgs};
use crate::cost::{Cost, grouped};
use crate::env::NativeEnv;
use crate::error::Result;
use crate::open;

const BAR: &str = "{msg} [{bar:24}] {human_pos}/{human_len} rows {per_sec}";

/// Moves every row of the tables to the bucket.
pub fn run(args: &FlushArgs) -> Result<ExitCode> {
    let db = open::open_existing(&args.place)?;
    let usage = Usage::default();
    for table in tables(&db, args.table.as_deref(), &usage)? {
        let (warm, _, _) = db.snapshot(&table, &usage)?.warm();
        let hot = db.snapshot(&table, &usage)?.rows().saturating_sub(warm);
        let bar = bar(&table, hot);
        let mut all = FlushStep::default();
        loop {
            let step = open::wait(db.flush_step(&table, FlushScope::All, &usage))??;
            all.rows += step.rows;
            all.files += step.files;
            all.bytes += step.bytes;
            bar.set_position(all.rows);
            if !step.more {
                break;
            }
        }
        bar.finish_and_clear();
        if all.rows > 0 {
            writeln!(
                std::io::stdout(),
                "{table}: {} rows in {} files, {} bytes",
                grouped(all.rows),
                grouped(all.files),
                grouped(all.bytes)
            )?;
        }
    }
    open::finish_jobs(&db, false, &usage)?;
    writeln!(std::io::stdout(), "{}", Cost::of(&usage.counts()))?;
    Ok(ExitCode::SUCCESS)
}

/// Removes old snapshots and objects that nothing names.
pub fn expire(args: &ExpireArgs) -> Result<ExitCode> {
    const HOUR_MS: i64 = 3_600_000;
    let db = open::open_existing(&args.place)?;
    let usage = Usage::default();
    let before = |hours: u32| NativeEnv.now_ms().saturating_sub(i64::from(hours) * HOUR_MS);
    let (snapshots, orphans) = (before(args.older_than_hours), before(args.orphans_hours));
    for table in tables(&db, args.table.as_deref(), &usage)? {
        let done = open::wait(db.expire(&table, snapshots, orphans, &usage))??;
        if done.snapshots + done.objects + done.orphans > 0 {
            writeln!(
                std::io::stdout(),
                "{table}: {} snapshots expired, {} objects of theirs and {} orphans deleted",
                grouped(done.snapshots),
                grouped(done.objects),
                grouped(done.orphans)
            )?;
        }
    }
    writeln!(std::io::stdout(), "{}", Cost::of(&usage.counts()))?;
    Ok(ExitCode::SUCCESS)
}

/// Tidies the files of every table in the bucket.
pub fn compact(db: &Db, usage: &Usage) -> Result<CompactStep> {
    let mut all = CompactStep::default();
    for table in tables(db, None, usage)? {
        let (rows, _, _) = db.snapshot(&table, usage)?.warm();
        let bar = bar(&table, rows);
        loop {
            let step = open::wait(db.compact_step(&table, true, usage))??;
            all.rows += step.rows;
            all.files_replaced += step.files_replaced;
            all.files_written += step.files_written;
            all.delete_files += step.delete_files;
            bar.inc(step.rows);
            if !step.more {
                break;
            }
        }
        bar.finish_and_clear();
    }
    Ok(all)
}

fn tables(db: &Db, one: Option<&str>, usage: &Usage) -> Result<Vec<String>> {
    match one {
        Some(name) => Ok(vec![db.table(name, usage)?.name.clone()]),
        None => Ok(db.tables(usage)?.iter().map(|def| def.name.clone()).collect()),
    }
}

fn bar(table: &str, rows: u64) -> ProgressBar {
    let visible = std::io::stderr().is_terminal();
    let bar = ProgressBar::new(rows);
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    bar.set_draw_target(match visible {
        true => ProgressDrawTarget::stderr_with_hz(8),
        false => ProgressDrawTarget::hidden(),
    });
    bar.set_message(table.to_owned());
    if visible {
        bar.enable_steady_tick(Duration::from_millis(250));
    }
    bar
}
