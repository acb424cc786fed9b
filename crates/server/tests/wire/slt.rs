//! Runs the SQL files in `tests/slt` through the server, as a client would, natively and in the
//! Worker. Not here: what they expect.

use std::path::{Path, PathBuf};

use crate::support::{Home, text, worker_url};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Record, Runner, parse_file};

/// A connection of the runner: each request is one HTTP request.
struct Client {
    home: Home,
    /// Whether rows move to the bucket after each statement that is no query.
    flushes: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

#[async_trait::async_trait]
impl AsyncDB for Client {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        let response = self.home.send("POST", "/", sql.to_owned()).await;
        let text = text(&response);
        if !response.status().is_success() {
            return Err(Refused(text));
        }
        if !response.headers().contains_key("x-clickhouse-format") {
            if self.flushes {
                let flushed = self.home.send("POST", "/v1/flush", String::new()).await;
                assert!(flushed.status().is_success(), "{}", crate::support::text(&flushed));
            }
            return Ok(DBOutput::StatementComplete(0));
        }
        let rows: Vec<Vec<String>> =
            text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
        let columns = rows.first().map_or(1, Vec::len);
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "dodb"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_files() {
    let folder = Path::new("../../tests/slt");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut faults = Vec::new();
    for file in files {
        faults.extend(run(&file, Home::native, false).await);
        // What is hot, and what is in files with an index, means the same.
        if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("floats")) {
            faults.extend(run(&file, Home::native, true).await);
        }
        if worker_url().is_some() {
            faults.extend(run(&file, || Home::worker().unwrap(), false).await);
        }
    }
    assert!(faults.is_empty(), "{}\n{} faults", faults.join("\n"), faults.len());
}

/// Whatever a file expects and does not get; it is run to its end.
async fn run(file: &Path, home: fn() -> Home, flushes: bool) -> Vec<String> {
    let mut runner = Runner::new(|| async { Ok(Client { home: home(), flushes }) });
    let mut faults = Vec::new();
    for record in parse_file::<DefaultColumnType>(file).unwrap() {
        if matches!(record, Record::Halt { .. }) {
            break;
        }
        if let Err(e) = runner.run_async(record).await {
            faults.push(format!("{}: {}", home().name(), e.display(false)));
        }
    }
    faults
}
