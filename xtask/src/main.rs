//! The `xtask` command: reads its arguments, runs a job, prints what it found. No rules in here.

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run --release -p xtask -- tidy [FOLDER]

tidy    check the house rules of the repository that FOLDER (default: here) is in;
        each fault is printed as file:line: message, and any fault makes the exit code 1";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tidy"] => tidy(Path::new(".")),
        ["tidy", folder] => tidy(Path::new(folder)),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy(folder: &Path) -> ExitCode {
    let tree = match xtask::Tree::of_repository(folder) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("tidy: {error}");
            return ExitCode::FAILURE;
        }
    };
    let faults = xtask::tidy(&tree);
    for fault in &faults {
        println!("{fault}");
    }
    if faults.is_empty() {
        println!("tidy: {} files, no fault", tree.file_count());
        ExitCode::SUCCESS
    } else {
        eprintln!("tidy: {} faults in {} files", faults.len(), tree.file_count());
        ExitCode::FAILURE
    }
}
