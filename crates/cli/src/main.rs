//! The `dodb` command: reads its arguments and runs the command they name. Not here: what a command
//! does; each has a file of its own.

mod args;
mod client;
mod compact;
mod cost;
mod data_folder;
mod databases;
mod demo;
mod env;
mod error;
mod export;
mod flush;
mod import;
mod inspect;
mod jobs;
mod memory;
mod objects;
mod open;
mod outside;
mod repl;
mod serve;
mod sql;
mod statement;
mod stats;
mod table;
mod terminal;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    terminal::start_log(args.log.as_deref(), args.verbose);
    let outcome = match args.command {
        Command::Serve(args) => serve::run(&args),
        Command::Sql(args) => sql::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Flush(args) => flush::run(&args),
        Command::Compact(args) => compact::run(&args),
        Command::Expire(args) => flush::expire(&args),
        Command::Demo(args) => demo::run(&args),
    };
    outcome.unwrap_or_else(|e| e.report())
}
