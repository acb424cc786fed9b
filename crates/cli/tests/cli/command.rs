//! Runs the binary and takes what it says. Not here: what it should say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// How a run ended.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Standard output of a run that went well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "stderr: {}\nstdout: {}", self.err, self.out);
        self.out
    }

    /// Standard error of a run that failed.
    #[track_caller]
    pub fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "stderr: {}\nstdout: {}", self.err, self.out);
        self.err
    }
}

/// A folder for a test: data in `data`, files beside it.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place { folder: TempDir::new().unwrap() }
    }

    pub fn data(&self) -> String {
        self.folder.path().join("data").to_str().unwrap().to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; its path.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs `dodb COMMAND --data DATA ARGS...`.
    pub fn dodb(&self, command: &str, args: &[&str]) -> Run {
        self.dodb_with(command, args, b"")
    }

    /// The same with something on standard input.
    pub fn dodb_with(&self, command: &str, args: &[&str], stdin: &[u8]) -> Run {
        let data = self.data();
        let mut all = vec![command, "--data", &data];
        all.extend(args);
        dodb_with(&all, stdin)
    }

    /// The answer of a query, tab-separated.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        self.dodb("sql", &[sql]).ok()
    }
}

/// Runs the binary.
pub fn dodb(args: &[&str]) -> Run {
    dodb_with(args, b"")
}

/// Runs the binary with something on standard input.
pub fn dodb_with(args: &[&str], stdin: &[u8]) -> Run {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_owned();
    // It may end without reading all of it.
    let writer = std::thread::spawn(move || {
        let _ = pipe.write_all(&stdin);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The binary with these arguments, not started.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dodb"));
    command.args(args).env_remove("DODB_LOG").env_remove("DODB_CREATE_DATABASES");
    command
}

/// Packs bytes as gzip does.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Packs bytes as zstd does.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Does `path` exist?
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}
