//! What an import shows while it runs, on standard error: a bar, plain lines, or nothing. Not here:
//! what it says at the end ([`super::report`]).

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::ProgressMode;
use crate::cost::grouped;
use crate::env::Stopwatch;
use crate::terminal;

const BAR: &str = "{msg} [{bar:24}] {bytes}/{total_bytes} {binary_bytes_per_sec} {prefix}";
const SPINNER: &str = "{msg} {spinner} {bytes} {binary_bytes_per_sec} {prefix}";

/// Shows how far an import is.
pub struct Progress {
    bar: ProgressBar,
    is_plain: bool,
    bytes: Arc<AtomicU64>,
    watch: Stopwatch,
}

impl Progress {
    /// Begins; `bytes` counts what is read of `bytes_total`.
    pub fn new(
        mode: ProgressMode,
        title: &str,
        bytes_total: Option<u64>,
        bytes: &Arc<AtomicU64>,
    ) -> Progress {
        let visible = mode == ProgressMode::Auto && std::io::stderr().is_terminal();
        let bar = match bytes_total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let template = if bytes_total.is_some() { BAR } else { SPINNER };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_draw_target(match visible {
            true => ProgressDrawTarget::stderr_with_hz(8),
            false => ProgressDrawTarget::hidden(),
        });
        let file = title.rsplit('/').next().unwrap_or(title);
        bar.set_message(if file == "-" { "standard input".to_owned() } else { file.to_owned() });
        if visible {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        let is_plain = mode == ProgressMode::Plain;
        Progress { bar, is_plain, bytes: bytes.clone(), watch: Stopwatch::start() }
    }

    /// So many rows are stored now, over all.
    pub fn acknowledged(&mut self, rows: u64) {
        if self.is_plain {
            terminal::note(&format!("acknowledged {rows} rows"));
            return;
        }
        let seconds = self.watch.elapsed().as_secs_f64().max(0.001);
        self.bar.set_position(self.bytes.load(Relaxed));
        let rate = grouped((rows as f64 / seconds) as u64);
        self.bar.set_prefix(format!("{} rows, {rate} rows/s", grouped(rows)));
    }

    /// Runs `say`, which writes to standard error, with the bar out of the way.
    pub fn pause(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
