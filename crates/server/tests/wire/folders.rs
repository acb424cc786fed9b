//! Folders that earlier versions wrote (`tests/folders`, recorded by `record.py` there): they open,
//! and every answer is the one of then, as they lie and after their rows were moved and rewritten.
//! Not here: formats byte by byte (`dodb-part`).

use std::path::Path;
use std::sync::Arc;

use dodb_engine::{Bucket, Db, Options};
use dodb_rowstore::{Metered, SqliteOptions, SqliteStore};
use dodb_server::{Server, ServerOptions};
use object_store::local::LocalFileSystem;

use crate::support::{Home, TestEnv, text};

/// Where the objects say that they are.
const BUCKET: &str = "file:///tmp/dodb-folder/objects/default";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn open(folder: &Path) -> Home {
    let store = SqliteStore::open(folder, SqliteOptions::default()).unwrap();
    let rows = Arc::new(Metered::new(Box::new(store)));
    let files = LocalFileSystem::new_with_prefix(folder.join("objects")).unwrap();
    let bucket = Bucket::new(Arc::new(files), BUCKET);
    let env = Arc::new(TestEnv::default());
    let db = Db::open_with_bucket(rows, env.clone(), Options::default(), Some(bucket)).unwrap();
    Home::Native(Box::new(Server::new(db, env, ServerOptions::default()).unwrap()))
}

/// Each statement with its recorded answer.
fn recorded(folder: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder.join("answers.txt")).unwrap();
    let mut out: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("> "), out.last_mut()) {
            (Some(statement), _) => out.push((statement.to_owned(), String::new())),
            (None, Some((_, answer))) => {
                answer.push_str(line);
                answer.push('\n');
            }
            (None, None) => panic!("an answer before any statement"),
        }
    }
    out
}

async fn ask(home: &Home, asked: &[(String, String)], when: &str) {
    for (statement, answer) in asked {
        let response = home.send("POST", "/", statement.clone()).await;
        assert_eq!(text(&response), *answer, "{when}: {statement}");
    }
}

async fn work_off(home: &Home, what: &str) {
    for _ in 0..1_000 {
        let response = home.send("POST", what, "").await;
        let body = text(&response);
        assert_eq!(response.status(), 200, "{what}: {body}");
        if !body.contains("\"more\":true") {
            return;
        }
    }
    panic!("{what} does not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_of_earlier_versions_answer_the_same() {
    let mut count = 0;
    for entry in std::fs::read_dir("../../tests/folders").unwrap() {
        let recording = entry.unwrap().path();
        if !recording.join("answers.txt").is_file() {
            continue;
        }
        count += 1;
        let asked = recorded(&recording);
        assert!(asked.len() >= 20, "{}", recording.display());
        let folder = tempfile::tempdir().unwrap();
        copy(&recording, folder.path());
        let home = open(folder.path());
        ask(&home, &asked, "as it lies").await;
        for table in ["things", "relationships", "measures"] {
            work_off(&home, &format!("/v1/flush?table={table}")).await;
        }
        ask(&home, &asked, "flushed").await;
        for table in ["things", "relationships", "measures"] {
            work_off(&home, &format!("/v1/compact?table={table}")).await;
        }
        ask(&home, &asked, "compacted").await;
        drop(home);
        ask(&open(folder.path()), &asked, "opened again").await;
    }
    assert!(count > 0);
}
