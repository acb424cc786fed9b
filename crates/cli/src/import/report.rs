//! What an import came to: rows in, records left out, time, cost. Not here: what it shows meanwhile
//! ([`super::progress`]).

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use crate::cost::{Cost, grouped, usd};
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::terminal;

/// Bad records that are told one by one.
const TOLD_MAX: u64 = 20;

/// Counts of an import.
pub struct Report {
    table: String,
    watch: Stopwatch,
    elapsed: Duration,
    rows: u64,
    bad: u64,
    told: u64,
    failure: Option<Error>,
}

impl Report {
    /// Nothing is in yet.
    pub fn new(table: &str) -> Report {
        Report {
            table: table.to_owned(),
            watch: Stopwatch::start(),
            elapsed: Duration::ZERO,
            rows: 0,
            bad: 0,
            told: 0,
            failure: None,
        }
    }

    /// More rows are stored.
    pub fn stored(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Rows stored so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Seconds it took.
    pub fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    /// Records of a file that were left out; says the first ones.
    pub fn bad(&mut self, file: &str, count: u64, problems: &[String]) {
        self.bad += count;
        for problem in problems {
            if self.told < TOLD_MAX {
                terminal::note(&format!("dodb: left out: {file}: {problem}"));
            }
            self.told += 1;
        }
    }

    /// Why it ended early. The first reason counts.
    pub fn fail(&mut self, e: Error) {
        self.failure.get_or_insert(e);
    }

    /// It is over.
    pub fn finish(&mut self) {
        self.elapsed = self.watch.elapsed();
    }

    /// The failure, if there was one.
    pub fn failure(self) -> Result<()> {
        self.failure.map_or(Ok(()), Err)
    }

    /// Says how it went; the exit code.
    pub fn print(mut self, cost: &Cost) -> Result<ExitCode> {
        if let Some(e) = self.failure.take() {
            e.report();
            terminal::note(&format!(
                "dodb: stopped: {} rows are in {}, nothing after them was imported{}",
                grouped(self.rows),
                self.table,
                self.left_out()
            ));
            return Ok(ExitCode::FAILURE);
        }
        let seconds = self.seconds();
        let rate = (self.rows as f64 / seconds.max(0.001)) as u64;
        writeln!(
            std::io::stdout(),
            "imported {} rows into {} in {seconds:.2} s ({} rows/s), {} rows written, {}{}",
            grouped(self.rows),
            self.table,
            grouped(rate),
            grouped(cost.rows_written),
            usd(cost.usd),
            self.left_out()
        )?;
        Ok(ExitCode::SUCCESS)
    }

    fn left_out(&self) -> String {
        match self.bad {
            0 => String::new(),
            1 => "; 1 bad record was left out".to_owned(),
            many => format!("; {} bad records were left out", grouped(many)),
        }
    }
}
