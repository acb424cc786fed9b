//! `kill -9` at any moment of an import: what was acknowledged is there, nothing is half there.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::command::{Place, command};

const BATCH: u64 = 50;
const ROUNDS: u64 = 14;

#[test]
fn whatever_was_acknowledged_survives() {
    let place = Place::new();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut delays = Vec::new();
    for _ in 0..ROUNDS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        delays.push(Duration::from_micros((state >> 33) % 350_000));
    }
    let mut killed = 0;
    let mut acknowledged_sum = 0;
    for (round, delay) in delays.into_iter().enumerate() {
        let lines: String = (0..40_000)
            .map(|n| {
                format!("{{\"id\":\"{round}/{n}\",\"type\":\"R{round}\",\"data\":{{\"n\":{n}}}}}\n")
            })
            .collect();
        let file = place.file("round.ndjson", lines);
        let (acknowledged, was_killed) = import_and_kill(&place, &file, delay);
        killed += u64::from(was_killed);
        acknowledged_sum += acknowledged;
        let said = place.dodb("verify", &[]).ok();
        assert!(said.contains("no fault"), "round {round}: {said}");
        let sql = format!(
            "SELECT count(), coalesce(max(data.n::Int64), -1), count(DISTINCT id) FROM things \
             WHERE type = 'R{round}'"
        );
        let answer = place.sql(&sql);
        let counts: Vec<i64> =
            answer.trim().split('\t').map(|cell| cell.parse().unwrap()).collect();
        let [rows, last, ids] = counts[..] else { panic!("{answer}") };
        assert!(rows as u64 >= acknowledged, "round {round}: {rows} rows, {acknowledged} told");
        assert!(rows as u64 <= acknowledged + BATCH, "round {round}: more than one batch untold");
        assert_eq!((last, ids), (rows - 1, rows), "round {round}: whole batches in order");
        assert_eq!(rows as u64 % BATCH, 0, "round {round}: a batch is half there");
    }
    assert!(killed >= ROUNDS / 2, "only {killed} imports were killed before they were done");
    assert!(acknowledged_sum > 0, "every import was killed before its first batch");
}

/// The rows that were acknowledged, and whether the process was killed before it was done.
fn import_and_kill(place: &Place, file: &str, delay: Duration) -> (u64, bool) {
    let (data, batch) = (place.data(), BATCH.to_string());
    let args = ["import", "--data", &data, "--progress", "plain", "--batch-rows", &batch, file];
    let mut child = command(&args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let mut last = 0;
        for line in lines {
            let line = line.unwrap();
            let rows = line.strip_prefix("acknowledged ").and_then(|l| l.strip_suffix(" rows"));
            // The last line may be cut off by the kill.
            last = rows.and_then(|rows| rows.parse().ok()).unwrap_or(last);
        }
        last
    });
    std::thread::sleep(delay);
    // SIGKILL on Unix: the process has no say in it.
    child.kill().unwrap();
    let status = child.wait().unwrap();
    (reader.join().unwrap(), !status.success())
}
