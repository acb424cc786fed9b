//! Runs SQLite's own logic tests, a folder of `*.test` that `DODB_SLT` names, through the server in
//! this process. Not here: queries of our own (`slt.rs`), and the Worker.
//!
//! None may be answered wrong, and fewer than 2 % refused. Two things that ClickHouse means
//! otherwise are told apart by asking again: when an answer differs, the query is asked once more
//! as ClickHouse spells what SQLite means, and only if that gives SQLite's answer it "differs by
//! meaning". So nothing that is wrong can hide there.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use md5::{Digest as _, Md5};
use serde_json::Value;
use sqllogictest::{
    Condition, DefaultColumnType, QueryExpect, Record, SortMode, StatementExpect, parse_with_name,
};

use crate::support::{Home, text};

/// How many files are run at once.
const FILES_AT_ONCE: usize = 2;
/// How many of the faults of a file are told whole.
const TOLD_MAX: usize = 5;

/// What became of the records of a file.
#[derive(Default)]
struct Tally {
    right: usize,
    differ: usize,
    skipped: usize,
    wrong: Vec<String>,
    refused: Vec<String>,
    refused_statements: Vec<String>,
}

impl Tally {
    fn queries(&self) -> usize {
        self.right + self.differ + self.wrong.len() + self.refused.len()
    }

    fn add(&mut self, other: Tally) {
        self.right += other.right;
        self.differ += other.differ;
        self.skipped += other.skipped;
        self.wrong.extend(other.wrong);
        self.refused.extend(other.refused);
        self.refused_statements.extend(other.refused_statements);
    }

    fn line(&self) -> String {
        format!(
            "{} right, {} wrong, {} refused, {} differ by meaning, {} skipped; \
             {} statements refused",
            self.right,
            self.wrong.len(),
            self.refused.len(),
            self.differ,
            self.skipped,
            self.refused_statements.len(),
        )
    }
}

/// To where cargo does not swallow what a test that passes says.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logic_tests_of_sqlite() {
    let Some(folder) = std::env::var_os("DODB_SLT").filter(|folder| !folder.is_empty()) else {
        say("SQLite's logic tests: NOT RUN, because DODB_SLT names no folder of them");
        return;
    };
    let files = files(Path::new(&folder));
    assert!(!files.is_empty(), "no *.test in {}", folder.display());
    let mut runs = futures::stream::iter(files)
        .map(|file| async move {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, tokio::spawn(run(file)).await.unwrap())
        })
        .buffered(FILES_AT_ONCE);
    let mut sum = Tally::default();
    while let Some((name, tally)) = runs.next().await {
        say(&format!("{name}: {}", tally.line()));
        for (title, faults) in [
            ("wrong", &tally.wrong),
            ("refused", &tally.refused),
            ("statement refused", &tally.refused_statements),
        ] {
            for fault in faults.iter().take(TOLD_MAX) {
                say(&format!("  {title}: {fault}"));
            }
        }
        sum.add(tally);
    }
    say(&format!("SQLite's logic tests: {}", sum.line()));
    assert!(sum.wrong.is_empty(), "{} answers are wrong", sum.wrong.len());
    let refused = sum.refused.len() as f64 / sum.queries() as f64;
    assert!(refused < 0.02, "{:.1} % of the queries are refused", refused * 100.0);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "test"));
    files.sort();
    files
}

async fn run(file: PathBuf) -> Tally {
    let script = std::fs::read_to_string(&file).unwrap();
    let name = file.display().to_string();
    let records = parse_with_name::<DefaultColumnType>(&plain(&script), name.as_str()).unwrap();
    let (home, mut tally) = (Home::native(), Tally::default());
    // Tables that lack what a refused statement would have put there.
    let mut lacking: HashSet<String> = HashSet::new();
    for record in records {
        match record {
            Record::Halt { .. } => break,
            Record::Statement { conditions, .. } | Record::Query { conditions, .. }
                if of_others(&conditions) =>
            {
                tally.skipped += 1;
            }
            Record::Statement { loc, sql, expected, .. } => {
                let response = home.send("POST", "/", sql.clone()).await;
                let is_ok = response.status().is_success();
                match (expected, is_ok) {
                    (StatementExpect::Error(_), true) => {
                        tally.wrong.push(format!("{loc} is an error: {sql}"));
                    }
                    (StatementExpect::Error(_), false) | (_, true) => {}
                    (_, false) => {
                        let said = text(&response);
                        tally.refused_statements.push(format!("{loc}: {sql}\n    {said}"));
                        lacking.extend(changed_table(&sql));
                    }
                }
            }
            Record::Query { loc, sql, expected, .. } => {
                let QueryExpect::Results { types, sort_mode, results, .. } = expected else {
                    panic!("{loc}: errors of queries are not read");
                };
                if tokens(&sql).iter().any(|token| lacking.contains(token)) {
                    tally.refused.push(format!("{loc}: {sql}\n    a statement before was refused"));
                    continue;
                }
                let expected = Expected { types, sort_mode, results };
                query(&home, &format!("{loc}: {sql}"), &sql, &expected, &mut tally).await;
            }
            _ => {}
        }
    }
    tally
}

/// The table that a statement makes or changes.
fn changed_table(sql: &str) -> Option<String> {
    let words = tokens(sql).into_iter().filter(|token| !token.trim().is_empty());
    let mut words = words.skip_while(|word| {
        ["CREATE", "INSERT", "REPLACE", "DELETE", "INTO", "FROM", "TABLE", "VIEW", "UPDATE"]
            .contains(&word.to_uppercase().as_str())
    });
    words.next()
}

/// SQLite's name is not ours, nor is any other that the files know.
fn of_others(conditions: &[Condition]) -> bool {
    conditions.iter().any(|condition| matches!(condition, Condition::OnlyIf { .. }))
}

/// The script without what its parser does not read: remarks behind conditions, and conditions of a
/// `halt`, which holds for us unless it is for one of the others only.
fn plain(script: &str) -> String {
    let mut out = String::new();
    let mut lines = script.lines().peekable();
    while let Some(line) = lines.next() {
        let condition = line.split('#').next().unwrap_or_default().trim();
        let is_only = condition.starts_with("onlyif ");
        if !is_only && !condition.starts_with("skipif ") {
            writeln!(out, "{line}").unwrap();
        } else if lines.peek() != Some(&"halt") {
            writeln!(out, "{condition}").unwrap();
        } else if is_only {
            lines.next();
        }
    }
    out
}

/// What a query is to give.
struct Expected {
    types: Vec<DefaultColumnType>,
    sort_mode: Option<SortMode>,
    results: Vec<String>,
}

async fn query(home: &Home, place: &str, sql: &str, expected: &Expected, tally: &mut Tally) {
    let found = ask(home, sql, expected).await;
    if found.as_ref().is_ok_and(|values| is_right(values, expected)) {
        tally.right += 1;
        return;
    }
    let meant = as_clickhouse(sql);
    if meant != sql
        && let Ok(values) = ask(home, &meant, expected).await
        && is_right(&values, expected)
    {
        tally.differ += 1;
        return;
    }
    let wanted = expected.results.join(" ");
    match found.map(|values| values.join(" ")) {
        Ok(found) => {
            tally.wrong.push(format!("{place}\n    answers {found:.300}\n    not {wanted:.300}"));
        }
        Err(said) => tally.refused.push(format!("{place}\n    {said}")),
    }
}

/// The values of an answer, as SQLite writes and sorts them, or what the server says instead.
async fn ask(home: &Home, sql: &str, expected: &Expected) -> Result<Vec<String>, String> {
    let path = "/?default_format=JSONCompactEachRow";
    let response = home.send("POST", path, sql.to_owned()).await;
    if !response.status().is_success() {
        return Err(text(&response));
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in text(&response).lines() {
        let row: Vec<Value> = serde_json::from_str(line).unwrap();
        let value = |(at, value)| written(value, expected.types.get(at));
        rows.push(row.iter().enumerate().map(value).collect());
    }
    if expected.sort_mode == Some(SortMode::RowSort) {
        rows.sort_unstable();
    }
    let mut values = rows.concat();
    if expected.sort_mode == Some(SortMode::ValueSort) {
        values.sort_unstable();
    }
    Ok(values)
}

/// A value as SQLite's tests write it: `I` is a whole number whatever the value is, `R` has three
/// digits, `T` is text.
fn written(value: &Value, of: Option<&DefaultColumnType>) -> String {
    let value = match value {
        Value::Null => return "NULL".into(),
        Value::Bool(is) => u8::from(*is).to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match of {
        Some(DefaultColumnType::Integer) => whole(&value),
        Some(DefaultColumnType::FloatingPoint) => {
            format!("{:.3}", value.parse::<f64>().unwrap_or(0.0))
        }
        _ if value.is_empty() => "(empty)".into(),
        _ => value,
    }
}

/// The whole number that SQLite takes from a number or from how a text begins.
fn whole(value: &str) -> String {
    match (value.parse::<i64>(), value.parse::<f64>()) {
        (Ok(_), _) => value.into(),
        (_, Ok(number)) => (number as i64).to_string(),
        _ => {
            let digits = value.chars().take_while(char::is_ascii_digit).collect::<String>();
            if digits.is_empty() { "0".into() } else { digits }
        }
    }
}

/// Results past a size are told as the hash of the values, each with a line break.
fn is_right(values: &[String], expected: &Expected) -> bool {
    let [only] = expected.results.as_slice() else { return values == expected.results };
    if !only.contains(" values hashing to ") {
        return values == expected.results;
    }
    let mut hash = Md5::new();
    for value in values {
        hash.update(value);
        hash.update("\n");
    }
    *only == format!("{} values hashing to {:x}", values.len(), hash.finalize())
}

/// SQLite's query as ClickHouse spells it: `/` of whole numbers is `DIV`, and what the SELECT names
/// gets another name, because in ClickHouse it would hide a column of that name, and two
/// expressions of one name are an error.
fn as_clickhouse(sql: &str) -> String {
    let mut tokens = tokens(sql);
    for (number, at) in aliases(&tokens).into_iter().enumerate() {
        write!(tokens[at], "_{number}").unwrap();
    }
    for token in tokens.iter_mut().filter(|token| *token == "/") {
        *token = " DIV ".into();
    }
    tokens.concat()
}

/// Texts, words with numbers, runs of blanks, and single other characters.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = String::from(first);
        let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
        if first == '\'' {
            for c in chars.by_ref() {
                token.push(c);
                if c == '\'' {
                    break;
                }
            }
        } else {
            let is_blank = first.is_whitespace();
            let belongs = |c: &char| if is_blank { c.is_whitespace() } else { is_word(c) };
            while (is_blank || is_word(&first)) && chars.peek().is_some_and(belongs) {
                token.extend(chars.next());
            }
        }
        tokens.push(token);
    }
    tokens
}

/// Where the names stand that the outermost SELECT gives.
fn aliases(tokens: &[String]) -> Vec<usize> {
    let (mut aliases, mut item, mut depth) = (Vec::new(), Vec::new(), 0);
    for (at, token) in tokens.iter().enumerate() {
        depth += i32::from(token == "(") - i32::from(token == ")");
        let is_from = depth == 0 && token == "FROM";
        if is_from || (depth == 0 && token == ",") {
            aliases.extend(alias(tokens, &std::mem::take(&mut item)));
        } else if !token.trim().is_empty() {
            item.push(at);
        }
        if is_from {
            break;
        }
    }
    aliases.extend(alias(tokens, &item));
    aliases
}

/// Where the name of an item stands: behind AS, or behind what ends an expression.
fn alias(tokens: &[String], item: &[usize]) -> Option<usize> {
    const NO_END: [&str; 8] = ["SELECT", "ALL", "DISTINCT", "AND", "OR", "NOT", "IN", "ELSE"];
    let [.., before, last] = item else { return None };
    let (before, name) = (tokens[*before].as_str(), tokens[*last].as_str());
    let is_name = name.starts_with(char::is_alphabetic) && !["NULL", "END"].contains(&name);
    let ends = before.ends_with(|c: char| c.is_alphanumeric() || c == ')');
    (is_name && ends && !NO_END.contains(&before)).then_some(*last)
}

#[test]
fn what_sqlite_means_is_spelled_as_in_clickhouse() {
    let check = |sql: &str, expected: &str| assert_eq!(as_clickhouse(sql), expected);
    check("SELECT a/2, '1/2' FROM t", "SELECT a DIV 2, '1/2' FROM t");
    check("SELECT ALL - a AS b, c d FROM t e", "SELECT ALL - a AS b_0, c d_1 FROM t e");
    check("SELECT max(a, b) c, t.d, NULL d", "SELECT max(a, b) c_0, t.d, NULL d_1");
    check("SELECT DISTINCT a FROM t WHERE b", "SELECT DISTINCT a FROM t WHERE b");
}
