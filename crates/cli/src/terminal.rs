//! Standard error: notes to whoever runs the command, and the log. Not here: answers, which go to
//! standard output.

use std::io::{IsTerminal, Write};

use tracing_subscriber::EnvFilter;

/// Writes a line to standard error. That it is closed is no reason to fail.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Starts the log on standard error: `filter` if there is one, else by how often -v was given.
pub fn start_log(filter: Option<&str>, verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "warn,dodb=info",
        2 => "info,dodb=debug",
        _ => "trace",
    };
    let chosen = filter.unwrap_or(default);
    let filter = EnvFilter::try_new(chosen).unwrap_or_else(|e| {
        note(&format!("dodb: --log {chosen:?} is not a filter ({e}); logging `{default}`"));
        EnvFilter::new(default)
    });
    // It fails only when a log was started before.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
