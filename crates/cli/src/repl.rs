//! The interactive prompt: statements over several lines up to `;`, history, and what each took.
//! Not here: running them ([`crate::statement`]).

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::args::SqlArgs;
use crate::cost::{grouped, usd};
use crate::error::{Error, Result};
use crate::statement::{Outcome, Runner};

const HELP: &str = "\
Statements end with `;` and may go over several lines.
  \\q  \\quit  exit     leave (also Ctrl-D)
  \\h  \\help  help     this text
  Ctrl-C              forget what was typed
  SHOW TABLES;        the tables there are
  DESCRIBE t;         the columns of a table
  EXPLAIN ANALYZE q;  what a query reads
";

pub fn run(args: &SqlArgs, format: &str) -> Result<ExitCode> {
    let runner = Runner::open(&args.endpoint)?;
    let mut editor = DefaultEditor::new().map_err(terminal_error)?;
    let history = history_file();
    if let Some(file) = &history {
        // There is none before the first time.
        let _ = editor.load_history(file);
    }
    let mut out = std::io::stdout();
    writeln!(out, "dodb {}. Type \\h for help, \\q to leave.", env!("CARGO_PKG_VERSION"))?;
    let mut typed = String::new();
    loop {
        let prompt = if typed.is_empty() { "dodb> " } else { "   -> " };
        match editor.readline(prompt) {
            Ok(line) => typed.push_str(&line),
            Err(ReadlineError::Interrupted) => {
                typed.clear();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(e) => return Err(terminal_error(e)),
        }
        match typed.trim().to_ascii_lowercase().as_str() {
            "" => {}
            "\\q" | "\\quit" | "quit" | "exit" | "quit;" | "exit;" => break,
            "\\h" | "\\help" | "help" | "help;" => out.write_all(HELP.as_bytes())?,
            text if !text.ends_with(';') => {
                typed.push('\n');
                continue;
            }
            _ => {
                // The line stays typed even if it cannot be remembered.
                let _ = editor.add_history_entry(typed.trim());
                if let Err(e) = answer(&runner, &typed, format, &mut out) {
                    e.report();
                }
            }
        }
        typed.clear();
    }
    if let Some(file) = &history {
        save(&mut editor, file);
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(runner: &Runner, text: &str, format: &str, out: &mut dyn Write) -> Result<()> {
    let mut wrote = false;
    for parsed in &runner.parse(text)? {
        let outcome = runner.run(text, parsed, &[], format, out)?;
        wrote |= outcome.is_write;
        writeln!(out, "{}\n", summary(&outcome))?;
    }
    if wrote { runner.settle() } else { Ok(()) }
}

fn summary(outcome: &Outcome) -> String {
    let rows = match (outcome.rows, outcome.is_write) {
        (Some(1), false) => "1 row in ".to_owned(),
        (Some(rows), false) => format!("{} rows in ", grouped(rows)),
        (Some(rows), true) => format!("{} rows changed in ", grouped(rows)),
        (None, _) => String::new(),
    };
    format!(
        "{rows}{:.3} s; {} rows read, {} written, {}",
        outcome.elapsed.as_secs_f64(),
        grouped(outcome.cost.rows_read),
        grouped(outcome.cost.rows_written),
        usd(outcome.cost.usd)
    )
}

/// `$XDG_STATE_HOME/dodb/history`, by default in `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let state = match std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".local/state"),
    };
    Some(state.join("dodb/history"))
}

fn save(editor: &mut DefaultEditor, file: &PathBuf) {
    if let Some(folder) = file.parent() {
        let made = std::fs::create_dir_all(folder);
        let saved = made.map_err(ReadlineError::Io).and_then(|()| editor.save_history(file));
        if let Err(e) = saved {
            tracing::warn!("the history could not be kept in {}: {e}", file.display());
        }
    }
}

fn terminal_error(e: ReadlineError) -> Error {
    Error::Failed(format!("the terminal failed: {e}"))
}
