//! Runs the SQL files in `tests/slt` through the server, as a client would, natively and in the
//! Worker. Not here: what they expect.

use std::path::{Path, PathBuf};

use crate::support::{Home, text, worker_url};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

/// A connection of the runner: each request is one HTTP request.
struct Client(Home);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

#[async_trait::async_trait]
impl AsyncDB for Client {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        let response = self.0.send("POST", "/", sql.to_owned()).await;
        let text = text(&response);
        if !response.status().is_success() {
            return Err(Refused(text));
        }
        if !response.headers().contains_key("x-clickhouse-format") {
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
    for file in files {
        run(&file, Home::native).await;
        if worker_url().is_some() {
            run(&file, || Home::worker().unwrap()).await;
        }
    }
}

async fn run(file: &Path, home: fn() -> Home) {
    let mut runner = Runner::new(|| async { Ok(Client(home())) });
    if let Err(e) = runner.run_file_async(file).await {
        panic!("{}: {}", home().name(), e.display(false));
    }
}
