//! Replays the exchanges recorded in `tests/http`. A file is a list of exchanges with one server:
//! `> METHOD PATH`, the body, `< STATUS`, then what the answer must be: `= ` lines are the whole
//! body, `~ ` lines must be contained in it, `! ` lines are headers (`! name: part of value`).
//! Bodies may use `{{repeat N TEXT}}`, where `@` is the number of the copy, and `{{hex ..}}`. They
//! are replayed natively and in the Worker. Paths under `/_test/` are levers: `forget` makes the
//! database as if it had just woken, `hold` keeps background work waiting until `jobs` does it.
//! `{{database}}` in a path, a body or an answer is the name of the database.

use std::path::Path;

use crate::support::{Home, homes, text};

/// The name of the database, in what is sent and what comes back.
const DATABASE: &str = "{{database}}";

#[derive(Default)]
struct Exchange {
    place: String,
    method: String,
    path: String,
    body: Vec<u8>,
    status: u16,
    whole: Vec<String>,
    parts: Vec<String>,
    headers: Vec<(String, String)>,
}

fn parse(name: &str, text: &str) -> Vec<Exchange> {
    let mut out: Vec<Exchange> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(request) = line.strip_prefix("> ") {
            let (method, path) = request.split_once(' ').unwrap();
            lines.clear();
            out.push(Exchange {
                place: format!("{name}:{}", number + 1),
                method: method.into(),
                path: path.into(),
                ..Exchange::default()
            });
            continue;
        }
        let Some(exchange) = out.last_mut() else { continue };
        if let Some(status) = line.strip_prefix("< ") {
            exchange.status = status.parse().unwrap();
            exchange.body = expand(&lines.join("\n"));
        } else if exchange.status == 0 {
            lines.push(line.to_owned());
        } else if let Some(line) = line.strip_prefix("= ") {
            exchange.whole.push(line.to_owned());
        } else if let Some(part) = line.strip_prefix("~ ") {
            exchange.parts.push(part.to_owned());
        } else if let Some(header) = line.strip_prefix("! ") {
            let (name, value) = header.split_once(": ").unwrap();
            exchange.headers.push((name.into(), value.into()));
        }
    }
    out
}

fn expand(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (command, after) = after.split_once("}}").unwrap();
        out.extend_from_slice(before.as_bytes());
        rest = after;
        if command == "database" {
            out.extend_from_slice(DATABASE.as_bytes());
            continue;
        }
        match command.split_once(' ').unwrap() {
            ("repeat", arguments) => {
                let (count, what) = arguments.split_once(' ').unwrap();
                for number in 0..count.parse::<u64>().unwrap() {
                    out.extend(what.replace('@', &number.to_string()).into_bytes());
                }
            }
            ("hex", digits) => {
                let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                out.extend((0..digits.len()).step_by(2).map(byte));
            }
            other => panic!("unknown {other:?}"),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_exchanges() {
    let folder = Path::new("../../tests/http");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let exchanges = parse(&name, &std::fs::read_to_string(&path).unwrap());
        for home in homes() {
            for exchange in &exchanges {
                check(&home, exchange).await;
                count += 1;
            }
        }
    }
    assert!(count > 20, "only {count} exchanges");
}

async fn check(home: &Home, exchange: &Exchange) {
    let place = format!("{} ({})", exchange.place, home.name());
    let path = exchange.path.replace(DATABASE, home.database());
    let sent = match std::str::from_utf8(&exchange.body) {
        Ok(text) => text.replace(DATABASE, home.database()).into_bytes(),
        Err(_) => exchange.body.clone(),
    };
    let response = home.send(&exchange.method, &path, sent).await;
    let body = text(&response);
    assert_eq!(response.status().as_u16(), exchange.status, "{place}: {body}");
    if !exchange.whole.is_empty() {
        let lines: Vec<&str> = body.lines().collect();
        assert_eq!(lines, exchange.whole, "{place}");
    }
    for part in &exchange.parts {
        let part = part.replace(DATABASE, home.database());
        assert!(body.contains(&part), "{place}: {part:?} is not in {body}");
    }
    assert!(response.headers().contains_key("x-dodb-cost"), "{place}: no cost");
    for (name, part) in &exchange.headers {
        let value = response.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default();
        assert!(value.contains(part), "{place}: header {name} is {value:?}");
    }
}
