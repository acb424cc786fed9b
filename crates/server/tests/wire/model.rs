//! Storage through the wire, in both homes: random changes beside a plain map, and every type of
//! column through folding and merging. Not here: the engine's own model tests, which run natively
//! and see more of it.

use std::collections::BTreeMap;

use crate::support::{Home, homes, text};

/// Numbers that look random and are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

async fn ok(home: &Home, method: &str, path: &str, body: String) -> String {
    let answer = home.send(method, path, body.clone()).await;
    let said = text(&answer);
    assert!(answer.status().is_success(), "{} {path} {body:.200}: {said}", home.name());
    said
}

/// What a thing's document says.
type Model = BTreeMap<String, (u64, String)>;

fn line(id: &str, (n, word): &(u64, String)) -> String {
    format!("{{\"id\":\"{id}\",\"type\":\"T\",\"data\":{{\"n\":{n},\"word\":\"{word}\"}}}}\n")
}

async fn step(home: &Home, model: &mut Model, dice: &mut Dice) {
    const IDS: u64 = 3_000;
    match dice.below(10) {
        // A batch, with ids that stand in it twice: the last one counts.
        0..4 => {
            let count = [1, 7, 300, 900][dice.below(4) as usize];
            let mut body = String::new();
            for _ in 0..count {
                let id = format!("t{}", dice.below(IDS));
                let value = (dice.below(1_000_000), format!("w{}", dice.below(40)));
                body.push_str(&line(&id, &value));
                model.insert(id, value);
            }
            ok(home, "POST", "/v1/things", body).await;
        }
        4 => {
            let bound = dice.below(1_000_000);
            let sql =
                format!("DELETE FROM things WHERE data.n > {bound} AND data.n < {bound} + 9999");
            ok(home, "POST", "/", sql).await;
            model.retain(|_, (n, _)| !(*n > bound && *n < bound + 9_999));
        }
        5 => {
            let word = format!("w{}", dice.below(40));
            let set = format!("{{\"n\":{},\"word\":\"changed\"}}", dice.below(100));
            let sql = format!("UPDATE things SET data = '{set}' WHERE data.word = '{word}'");
            ok(home, "POST", "/", sql).await;
            let n = set[5..set.find(',').unwrap()].parse().unwrap();
            for value in model.values_mut().filter(|(_, w)| *w == word) {
                *value = (n, "changed".into());
            }
        }
        6 => {
            let id = format!("t{}", dice.below(IDS));
            let answer = home.send("DELETE", &format!("/v1/things/{id}"), "").await;
            let wanted = if model.remove(&id).is_some() { 200 } else { 404 };
            assert_eq!(answer.status().as_u16(), wanted, "{}: {}", home.name(), text(&answer));
        }
        7 => drop(ok(home, "POST", "/_test/forget", String::new()).await),
        _ => drop(ok(home, "POST", "/_test/jobs", String::new()).await),
    }
}

async fn compare(home: &Home, model: &Model, at: u64) {
    let place = format!("{} after step {at}", home.name());
    let found = ok(home, "POST", "/", "SELECT count() FROM things".into()).await;
    assert_eq!(found.trim(), model.len().to_string(), "{place}");
    let sql = "SELECT id, data.n, data.word FROM things ORDER BY id";
    let found = ok(home, "POST", "/", sql.into()).await;
    let wanted: String =
        model.iter().map(|(id, (n, word))| format!("{id}\t{n}\t{word}\n")).collect();
    assert!(found == wanted, "{place}: the rows differ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_agree_with_a_plain_map() {
    for home in homes() {
        let (mut model, mut dice) = (Model::new(), Dice(7));
        for at in 0..120 {
            step(&home, &mut model, &mut dice).await;
            if at % 12 == 11 {
                compare(&home, &model, at).await;
            }
        }
        ok(&home, "POST", "/_test/forget", String::new()).await;
        compare(&home, &model, 120).await;
    }
}

/// Every type of column, with numbers and texts that suit each codec, and nulls.
const COLUMNS: &str = "b Bool, i8 Int8, u16 UInt16, i64 Int64, u64 UInt64, f32 Float32, \
    f64 Float64, dec Decimal(18, 4), day Date, at DateTime64(3), us DateTime64(6), id UUID, \
    steady String, few String, many String, doc JSON, list Array(Int32), names Array(String)";

fn record(n: u64, dice: &mut Dice) -> String {
    let any = dice.next();
    let null = |text: String| if any.is_multiple_of(11) { "null".to_owned() } else { text };
    format!(
        "{{\"b\":{},\"i8\":{},\"u16\":{},\"i64\":{},\"u64\":{any},\"f32\":{},\"f64\":{},\
         \"dec\":\"{}.{:04}\",\"day\":\"2024-0{}-1{}\",\"at\":\"2024-05-01 00:00:{:02}.{:03}\",\
         \"us\":\"2024-05-01 10:00:00.{:06}\",\"id\":\"{:08x}-0000-4000-8000-{:012x}\",\
         \"steady\":\"prefix/{n:08}/suffix\",\"few\":{},\"many\":\"{any:x} ünïcödé 🙂\",\
         \"doc\":{{\"n\":{n},\"deep\":{{\"list\":[{},null,\"x\"]}}}},\
         \"list\":[{}],\"names\":{}}}\n",
        any.is_multiple_of(3),
        any as i8,
        n % 1_000,
        i64::try_from(n).unwrap() * 1_000 - 5_000_000,
        (any % 1_000) as f32 / 8.0,
        null(format!("{}", any as f64 / 7.0)),
        any % 100_000,
        any % 10_000,
        n % 9 + 1,
        any % 10,
        n % 60,
        any % 1_000,
        any % 1_000_000,
        any >> 32,
        any & 0xffff_ffff_ffff,
        null(format!("\"kind {}\"", any % 5)),
        any % 97,
        (0..any % 4).map(|k| k.to_string()).collect::<Vec<_>>().join(","),
        null(format!("[\"a{}\",\"\"]", any % 3)),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_comes_back_from_parts_as_it_went_in() {
    const ROWS: u64 = 24_000;
    let mut answers: Vec<(&str, String)> = Vec::new();
    for home in homes() {
        let mut dice = Dice(11);
        ok(&home, "POST", "/", format!("CREATE TABLE t (n UInt64, {COLUMNS})")).await;
        for start in (0..ROWS).step_by(2_000) {
            let lines = (start..start + 2_000).map(|n| {
                let record = record(n, &mut dice);
                format!("{{\"n\":{n},{}", &record[1..])
            });
            let body: String = lines.collect();
            ok(&home, "POST", "/?query=INSERT+INTO+t+FORMAT+JSONEachRow", body).await;
            ok(&home, "POST", "/_test/jobs", String::new()).await;
        }
        ok(&home, "POST", "/_test/forget", String::new()).await;
        let sql = "SELECT * FROM t ORDER BY n FORMAT JSONEachRow";
        answers.push((home.name(), ok(&home, "POST", "/", sql.into()).await));
    }
    let (_, first) = &answers[0];
    assert_eq!(first.lines().count() as u64, ROWS);
    // As it went in: the values that have one way to be written.
    let mut dice = Dice(11);
    for (n, line) in (0..ROWS).zip(first.lines()) {
        let sent: serde_json::Value = serde_json::from_str(&record(n, &mut dice)).unwrap();
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        for name in ["b", "i8", "u16", "steady", "few", "many", "doc", "day", "id", "list"] {
            assert_eq!(found[name], sent[name], "row {n}, {name}");
        }
    }
    for (home, answer) in &answers[1..] {
        assert!(answer == first, "{home} answers otherwise");
    }
}
