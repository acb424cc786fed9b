//! `dodb sql`: statements from the argument or from standard input, answers on standard output. Not
//! here: the prompt ([`crate::repl`]).

use std::io::{BufWriter, IsTerminal, Read, Write};
use std::process::ExitCode;

use dodb_query::dialect::Parsed;
use dodb_server::formats::Format;

use crate::args::SqlArgs;
use crate::error::{Error, Result};
use crate::statement::Runner;
use crate::{repl, terminal};

pub fn run(args: &SqlArgs) -> Result<ExitCode> {
    let stdout = std::io::stdout();
    let default = if stdout.is_terminal() { "PrettyCompact" } else { "TabSeparated" };
    let format = args.format.as_deref().unwrap_or(default);
    // A wrong name is told before anything runs.
    Format::parse(format)?;
    let from_stdin = args.sql.as_deref().is_none_or(|sql| sql == "-");
    if from_stdin && std::io::stdin().is_terminal() {
        return repl::run(args, format);
    }
    let text = match &args.sql {
        Some(sql) if !from_stdin => sql.clone(),
        _ => String::from_utf8(stdin()?).map_err(|e| {
            Error::Failed(format!(
                "standard input is not UTF-8 at byte {}; for data in a binary format give the \
                 statement as an argument",
                e.utf8_error().valid_up_to()
            ))
        })?,
    };
    let runner = Runner::open(&args.endpoint)?;
    let mut out = BufWriter::new(stdout.lock());
    let mut wrote = false;
    let outcome = statements(&runner, &text, !from_stdin, format, args.cost, &mut wrote, &mut out);
    // What was answered before an error is shown, and what was written before it is kept.
    let flushed = out.flush();
    if wrote {
        runner.settle()?;
    }
    outcome?;
    flushed?;
    Ok(ExitCode::SUCCESS)
}

fn statements(
    runner: &Runner,
    text: &str,
    stdin_is_free: bool,
    format: &str,
    cost: bool,
    wrote: &mut bool,
    out: &mut dyn Write,
) -> Result<()> {
    let all = runner.parse(text)?;
    let last = all.len().saturating_sub(1);
    for (at, parsed) in all.iter().enumerate() {
        let data =
            if stdin_is_free && at == last && wants_data(parsed) { stdin()? } else { Vec::new() };
        let outcome = runner.run(text, parsed, &data, format, out)?;
        *wrote |= outcome.is_write;
        if cost {
            out.flush()?;
            terminal::note(&format!("cost: {}", outcome.cost));
        }
    }
    Ok(())
}

/// Is this an INSERT in a format whose data is still to come?
fn wants_data(parsed: &Parsed) -> bool {
    let nothing = parsed.inline.as_ref().is_some_and(|i| i.data.is_empty() && !i.is_parsed);
    nothing && !std::io::stdin().is_terminal()
}

fn stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|e| Error::Failed(format!("cannot read standard input: {e}")))?;
    Ok(bytes)
}
