//! An import of far more than it may keep in memory. The data comes through a pipe and is made as
//! it goes, so that no large file is needed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::command::Place;

/// What the import may take, and how many times as much it gets.
const LIMIT_BYTES: u64 = 256 << 20;
const TIMES: u64 = 10;

/// The most memory the process has had so far; `None` once it has ended.
fn peak_bytes(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024)
}

/// Imports made-up records; answers how many there were and the peak.
fn import(place: &Place, arguments: &[&str], record: fn(&mut String, u64)) -> (u64, u64) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dodb"))
        .args(["import", "--max-memory", "256MiB", "--data", &place.data()])
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let (mut sent, mut records, mut peak) = (0, 0, 0);
    let mut text = String::new();
    while sent < LIMIT_BYTES * TIMES {
        text.clear();
        while text.len() < 1 << 20 {
            record(&mut text, records);
            records += 1;
        }
        // An import that ends before its input does has said why.
        if input.write_all(text.as_bytes()).is_err() {
            break;
        }
        sent += text.len() as u64;
        peak = peak.max(peak_bytes(&child).unwrap_or(0));
    }
    // What is left when the pipe closes is looked at once more: merging goes on.
    drop(input);
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_bytes(&child).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    (records, peak)
}

#[test]
fn ten_times_the_limit_goes_into_things_and_into_a_plain_table() {
    let place = Place::new();
    let things: fn(&mut String, u64) = |text, n| {
        let noise = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(
            text,
            "{{\"id\":\"t{n}\",\"type\":\"Event\",\"createdAt\":{},\"data\":{{\"n\":{n},\
             \"user\":\"u{}\",\"text\":\"{noise:x} wrote {:x} to {:x}, {:0400}\"}}}}",
            1_600_000_000_000u64 + n,
            noise % 10_007,
            noise.rotate_left(17),
            noise.rotate_left(31),
            noise
        )
        .unwrap();
    };
    let (count, peak) = import(&place, &["--format", "JSONEachRow"], things);
    assert!(peak < LIMIT_BYTES, "things: {} MB", peak / 1_000_000);
    let found = place.dodb("sql", &["SELECT count() FROM things"]).ok();
    assert_eq!(found, format!("{count}\n"));

    let plain: fn(&mut String, u64) = |text, n| {
        let noise = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(
            text,
            "{n},{noise:x},{},{:.3},word{}",
            noise % 977,
            noise as f64 / 7.0,
            noise % 50
        )
        .unwrap();
    };
    let made = "CREATE TABLE plain (n UInt64, hex String, mod UInt32, real Float64, word String)";
    place.dodb("sql", &[made]).ok();
    let (count, peak) = import(&place, &["--format", "CSV", "--table", "plain"], plain);
    assert!(peak < LIMIT_BYTES, "plain: {} MB", peak / 1_000_000);
    let found = place.dodb("sql", &["SELECT count() FROM plain"]).ok();
    assert_eq!(found, format!("{count}\n"));
}
