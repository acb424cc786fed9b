//! `dodb serve` and the commands that talk to it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::command::{Place, command, dodb, dodb_with, gzip};

/// A running server; killed when dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(place: &Place) -> Server {
        Server::start_with(place, &[])
    }

    fn start_with(place: &Place, more: &[&str]) -> Server {
        let data = place.data();
        let mut child = command(&["serve", "--data", &data, "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("dodb listens on ").unwrap_or_else(|| panic!("{line}"));
        Server { url: url.to_owned(), child }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let agent = agent();
        let mut response = agent.get(format!("{}{path}", self.url)).call().unwrap();
        assert!(response.headers().contains_key("x-dodb-cost"), "{path}");
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    fn post(&self, path: &str, body: &[u8]) -> (u16, String) {
        let agent = agent();
        let mut response = agent.post(format!("{}{path}", self.url)).send(body).unwrap();
        assert!(response.headers().contains_key("x-dodb-cost"), "{path}");
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Asks it to stop and waits; its exit code.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    ureq::Agent::new_with_config(config)
}

#[test]
fn rows_past_the_limit_go_to_the_bucket_by_themselves() {
    let place = Place::new();
    let server = Server::start_with(&place, &["--hot-rows", "2000"]);
    let lines = |from: u32| (from..from + 1_500).map(|n| format!("{n}\n")).collect::<String>();
    assert_eq!(server.post("/", b"CREATE TABLE t (a Int64)").0, 200);
    for from in [0, 1_500] {
        let body = lines(from);
        assert_eq!(server.post("/?query=INSERT+INTO+t+FORMAT+CSV", body.as_bytes()).0, 200);
    }
    const LOOKS_MAX: usize = 600;
    let query = "/?query=SELECT+warm_rows+FROM+system.tables+WHERE+name='t'";
    for _ in 0..LOOKS_MAX {
        if server.get(query).1 != "0\n" {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.get("/?query=SELECT+count(),sum(a)+FROM+t").1, "3000\t4498500\n");
    let jobs = "/?query=SELECT+status,rows+FROM+system.jobs+WHERE+kind='flush'";
    let (_, jobs) = server.get(jobs);
    assert!(jobs.contains("done\t"), "{jobs}");
    assert_eq!(server.stop(), Some(0));
    for bad in ["0", "-1", "many"] {
        let option = format!("--hot-rows={bad}");
        let said = dodb(&["serve", "--data", &place.data(), &option]).failed();
        assert!(said.contains("DODB_HOT_ROWS is a number above zero"), "{said}");
    }
}

#[test]
fn http_round_trip_and_an_orderly_end() {
    let place = Place::new();
    let server = Server::start(&place);
    assert_eq!(server.get("/ping"), (200, "Ok.\n".to_owned()));
    assert_eq!(server.post("/", b"CREATE TABLE t (a Int64)").0, 200);
    assert_eq!(server.post("/?query=INSERT+INTO+t+FORMAT+CSV", b"1\n2\n3\n").0, 200);
    assert_eq!(server.get("/?query=SELECT+sum(a)+FROM+t"), (200, "6\n".to_owned()));
    let (status, said) = server.get("/?query=SELEC");
    assert_eq!(status, 400, "{said}");
    let things = b"{\"id\":\"a\",\"type\":\"T\",\"data\":{\"n\":1}}";
    assert_eq!(server.post("/v1/things", things).0, 200);
    assert!(server.get("/v1/things/a").1.contains("\"n\":1"));
    assert_eq!(server.get("/v1/nothing").0, 404);
    // Databases are apart, and their names are checked.
    assert_eq!(server.post("/", b"CREATE DATABASE other").0, 200);
    assert_eq!(server.get("/?database=other&query=SELECT+count()+FROM+things").1, "0\n");
    assert_eq!(server.get("/?database=..%2Fup&query=SELECT+1").0, 400);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(place.sql("SELECT count() FROM t"), "3\n");
    assert!(place.dodb("verify", &[]).ok().contains("no fault"));
}

/// Each way to ask for a database, and how its refusal is said there.
const WAYS: [(&str, &str, &str); 9] = [
    ("GET", "/?query=SELECT+1", "(UNKNOWN_DATABASE)"),
    ("POST", "/?query=CREATE+TABLE+t+(a+Int64)", "(UNKNOWN_DATABASE)"),
    ("POST", "/?query=CREATE+DATABASE+nobody", "(UNKNOWN_DATABASE)"),
    ("POST", "/v1/things", "\"UNKNOWN_DATABASE\""),
    ("GET", "/v1/relationships/a", "\"UNKNOWN_DATABASE\""),
    ("GET", "/v1/stats", "\"UNKNOWN_DATABASE\""),
    ("POST", "/v1/flush", "\"UNKNOWN_DATABASE\""),
    ("GET", "/iceberg/v1/config", "NoSuchNamespaceException"),
    ("GET", "/iceberg/v1/namespaces", "NoSuchNamespaceException"),
];

#[test]
fn a_database_that_nobody_made_is_unknown_and_is_not_made() {
    let place = Place::new();
    let server = Server::start(&place);
    for (method, path, said) in WAYS {
        let sign = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{sign}database=nobody");
        let (status, answer) = match method {
            "GET" => server.get(&path),
            _ => server.post(&path, b"{}"),
        };
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(answer.contains(said) && answer.contains("`nobody`"), "{path}: {answer}");
    }
    let catalog = server.get("/iceberg/v1/config?warehouse=nobody");
    assert_eq!(catalog.0, 404, "{}", catalog.1);
    let agent = agent();
    let ask = |path: &str, name: &[u8]| {
        let name = http::HeaderValue::from_bytes(name).unwrap();
        let request = agent.get(format!("{}{path}", server.url));
        request.header("x-clickhouse-database", name).call().unwrap()
    };
    let answer = ask("/?query=SELECT+1", b"nobody");
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(answer.headers()["x-clickhouse-exception-code"], "81");
    assert_eq!(ask("/?query=SELECT+1", b"\xff").status().as_u16(), 400, "not the default one");
    assert_eq!(ask("/ping", b"nobody").status().as_u16(), 200, "which needs no database");
    assert_eq!(server.get("/?query=SHOW+DATABASES").1, "default\nsystem\n");
    assert_eq!(server.stop(), Some(0));
    let made: Vec<_> = std::fs::read_dir(place.data()).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(made.len(), 1, "{made:?}");
}

#[test]
fn databases_are_made_by_create_database() {
    let place = Place::new();
    let server = Server::start(&place);
    let sql = |path: &str, sql: &str| server.post(path, sql.as_bytes());
    assert_eq!(sql("/", "CREATE DATABASE shop"), (200, String::new()));
    assert_eq!(sql("/?database=shop", "CREATE DATABASE IF NOT EXISTS shop").0, 200);
    let (status, said) = sql("/", "CREATE DATABASE shop");
    assert!(status == 400 && said.contains("(DATABASE_ALREADY_EXISTS)"), "{said}");
    assert_eq!(sql("/?database=shop", "CREATE DATABASE `b.2-c`").0, 200);
    assert_eq!(server.post("/v1/things?database=shop", b"{\"id\":\"a\",\"type\":\"T\"}").0, 200);
    for database in ["default", "shop", "b.2-c"] {
        let names = sql(&format!("/?database={database}"), "SHOW DATABASES").1;
        assert_eq!(names, "b.2-c\ndefault\nshop\nsystem\n", "{database}");
    }
    for (statement, said) in [
        ("SELECT * FROM shop.things", "ask that one, with ?database=shop"),
        ("SELECT * FROM things JOIN shop.things AS t USING (id)", "ask that one"),
        ("INSERT INTO shop.things (type) VALUES ('x')", "ask that one"),
        ("INSERT INTO shop.things FORMAT JSONEachRow {\"type\":\"x\"}", "ask that one"),
        ("SHOW TABLES FROM shop", "ask that one"),
        ("USE shop", "each request names its database"),
        ("DROP DATABASE shop", "drop its tables"),
        ("CREATE DATABASE shop ENGINE = Iceberg('file:///x')", "exists already"),
        ("CREATE DATABASE `a/b`", "cannot name a database"),
        ("CREATE DATABASE `..`", "cannot name a database"),
    ] {
        let (status, answer) = sql("/", statement);
        assert!((400..500).contains(&status), "{statement}: {status} {answer}");
        assert!(answer.contains(said), "{statement}: {answer}");
    }
    assert_eq!(sql("/", "USE default"), (200, String::new()));
    assert_eq!(server.get("/?query=CREATE+DATABASE+more").0, 403, "GET reads only");
    assert_eq!(sql("/?database=shop", "SELECT count() FROM things").1, "1\n");
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&place);
    assert_eq!(server.get("/?query=SELECT+id+FROM+things&database=shop").1, "a\n");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn databases_are_made_when_asked_where_that_is_said() {
    let place = Place::new();
    let server = Server::start_with(&place, &["--create-databases"]);
    assert_eq!(server.get("/?database=one&query=SELECT+count()+FROM+things").1, "0\n");
    assert_eq!(server.get("/?query=SHOW+DATABASES+LIKE+'one'").1, "one\n");
    assert_eq!(server.stop(), Some(0));
    // What was made that way stays.
    let server = Server::start(&place);
    assert_eq!(server.get("/?database=one&query=SELECT+count()+FROM+things").1, "0\n");
    assert_eq!(server.get("/?database=two&query=SELECT+1").0, 404);
    assert_eq!(server.stop(), Some(0));
    let data = place.data();
    let mut wrong = command(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    let wrong = wrong.env("DODB_CREATE_DATABASES", "perhaps").output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("create-databases"), "{said}");
}

#[test]
fn bodies_that_are_too_long_are_refused() {
    let place = Place::new();
    let server = Server::start(&place);
    assert_eq!(server.post("/", b"CREATE TABLE t (s String)").0, 200);
    let long = vec![b'x'; (100 << 20) + 1];
    // The server may close before it has read everything; then there is no answer to read.
    if let Ok(response) = agent().post(format!("{}/", server.url)).send(&long) {
        assert_eq!(response.status().as_u16(), 413);
    }
    assert_eq!(server.get("/?query=SELECT+count()+FROM+t").1, "0\n");
}

#[test]
fn the_commands_talk_to_it() {
    let place = Place::new();
    let server = Server::start(&place);
    let url = server.url.as_str();
    let lines: String = (0..5_000).map(|n| format!("{{\"n\":{n},\"s\":\"é{n}\"}}\n")).collect();
    let file = place.file("t.ndjson.gz", gzip(lines.as_bytes()));
    let args = ["import", "--url", url, "--table", "t", "--batch-rows", "900", &file];
    let said = dodb(&args).ok();
    assert!(said.starts_with("imported 5,000 rows into t"), "{said}");
    assert!(!said.contains(" 0 rows written"), "the server says what it cost: {said}");
    let csv = place.file("p.csv", "k,v\na,1\nb,2\n");
    dodb(&["import", "--url", url, "--type", "P", "--id", "k", &csv]).ok();
    let sql = "SELECT count(), sum(n) FROM t; SELECT id, data.v FROM things ORDER BY id";
    let run = dodb(&["sql", "--url", url, "--cost", sql]);
    assert_eq!(run.err.lines().filter(|line| line.starts_with("cost: ")).count(), 2);
    assert_eq!(run.ok(), "5000\t12497500\na\t1\nb\t2\n");
    dodb_with(&["sql", "--url", url, "INSERT INTO t FORMAT CSV"], b"1,x\n2,y\n").ok();
    let said = dodb(&["sql", "--url", url, "SELECT * FROM nothing"]).failed();
    assert!(said.contains("status 404") && said.contains("nothing"), "{said}");
    let stats = dodb(&["stats", "--url", url]).ok();
    assert!(stats.contains("5,002") && stats.contains("a month"), "{stats}");
    let bad = place.file("bad.ndjson", "{\"n\":1}\n{\"n\":\"x\"}\n");
    let said = dodb(&["import", "--url", url, "--table", "t", &bad]).failed();
    assert!(said.contains("bad.ndjson: line 2"), "{said}");
    let closed = dodb(&["sql", "--url", "http://127.0.0.1:1", "SELECT 1"]).failed();
    assert!(closed.contains("is dodb running?"), "{closed}");
}

#[test]
fn a_folder_in_use_is_told() {
    let place = Place::new();
    let server = Server::start(&place);
    let said = place.dodb("sql", &["SELECT 1"]).failed();
    assert!(said.contains("already open") && said.contains("--url"), "{said}");
    let said = place.dodb("serve", &["--listen", "127.0.0.1:0"]).failed();
    assert!(said.contains("already open"), "{said}");
    let other = Place::new();
    let address = server.url.trim_start_matches("http://");
    let said = other.dodb("serve", &["--listen", address]).failed();
    assert!(said.contains("cannot listen on") && said.contains("--listen"), "{said}");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(place.sql("SELECT 1"), "1\n");
}

#[test]
fn many_clients_at_once_lose_nothing() {
    let place = Place::new();
    let server = Server::start(&place);
    assert_eq!(server.post("/", b"CREATE TABLE t (a Int64)").0, 200);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for n in 0..50 {
                    let body = format!("INSERT INTO t VALUES ({})", writer * 1_000 + n);
                    assert_eq!(server.post("/", body.as_bytes()).0, 200);
                }
            });
        }
        for _ in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let mut last = 0;
                for _ in 0..50 {
                    let (status, text) = server.get("/?query=SELECT+count()+FROM+t");
                    let count: u64 = text.trim().parse().unwrap();
                    assert_eq!(status, 200);
                    assert!(count >= last, "{count} after {last}");
                    last = count;
                }
            });
        }
    });
    assert_eq!(server.get("/?query=SELECT+count(DISTINCT+a)+FROM+t").1, "200\n");
}
