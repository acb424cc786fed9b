//! What only the Worker at `DODB_WORKER_URL` can show: the suites that run inside it, objects that
//! share nothing, requests that share a commit, its bill beside the native one. Without that
//! variable these pass without looking, and say so; `make test` sets it.

use std::thread;

use crate::gate::Visit;
use crate::support::{Home, create, fetch, rows, text, worker_url};

/// The address and the right to use it, or a word that nothing was tested.
fn url() -> Option<(String, Visit)> {
    let url = worker_url();
    if url.is_none() {
        eprintln!("skipped: DODB_WORKER_URL is not set");
    }
    url.map(|url| (url, Visit::shared()))
}

/// A database of this test alone, made for it.
fn database(url: &str, name: &str) -> String {
    let name = unmade(name);
    create(url, &name);
    name
}

/// A name that no database has.
fn unmade(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

#[test]
fn the_row_store_conforms() {
    let Some((url, _visit)) = url() else { return };
    let found =
        fetch("POST", &format!("{url}/_test/rows?database={}", database(&url, "rows")), b"");
    assert_eq!(found.status(), 200, "{}", text(&found));
    assert!(text(&found).ends_with("cases passed\n"), "{}", text(&found));
}

#[test]
fn the_bucket_conforms() {
    let Some((url, _visit)) = url() else { return };
    let found = fetch("POST", &format!("{url}/_test/r2?database={}", database(&url, "r2")), b"");
    assert_eq!(found.status(), 200, "{}", text(&found));
}

#[test]
fn concurrent_posts_share_commits() {
    let Some((url, _visit)) = url() else { return };
    let url = format!("{url}/v1/things?database={}", database(&url, "group"));
    let alone = fetch("POST", &url, br#"{"id":"alone","type":"T"}"#);
    assert_eq!((alone.status().as_u16(), rows(&alone).1), (200, 1), "{}", text(&alone));
    const POSTS: u64 = 100;
    let posts: Vec<_> = (0..POSTS)
        .map(|number| {
            let url = url.clone();
            let body = format!("{{\"id\":\"t{number}\",\"type\":\"T\"}}");
            thread::spawn(move || fetch("POST", &url, body.as_bytes()))
        })
        .collect();
    let mut written = 0;
    for post in posts {
        let answer = post.join().unwrap();
        assert_eq!(answer.status(), 200, "{}", text(&answer));
        written += rows(&answer).1;
    }
    assert!((1..POSTS).contains(&written), "{written} rows written for {POSTS} posts");
    let count =
        fetch("GET", &url.replace("/v1/things?", "/?query=SELECT+count()+FROM+things&"), b"");
    assert_eq!(text(&count), format!("{}\n", POSTS + 1));
}

#[test]
fn inserts_that_wait_see_what_changed_meanwhile() {
    let Some((url, _visit)) = url() else { return };
    let url = format!("{url}/?database={}", database(&url, "waiting"));
    let sql = move |sql: String| fetch("POST", &url, sql.as_bytes());
    assert_eq!(sql("CREATE TABLE t (a Int64, b String)".into()).status(), 200);
    let mut acknowledged = 0;
    for round in 0..10 {
        let ask = |text: String| {
            let sql = sql.clone();
            thread::spawn(move || sql(text))
        };
        // Each insert waits a turn of the event loop, and the table changes under some of them.
        let inserts: Vec<_> =
            (0..12).map(|n| ask(format!("INSERT INTO t (a) VALUES ({n})"))).collect();
        let change = match round % 3 {
            0 => format!("ALTER TABLE t ADD COLUMN c{round} Int64"),
            1 => format!("ALTER TABLE t DROP COLUMN c{}", round - 1),
            _ => "TRUNCATE TABLE t".to_owned(),
        };
        let truncates = change.starts_with("TRUNCATE");
        let changed = ask(change);
        for insert in inserts {
            let answer = insert.join().unwrap();
            assert_eq!(answer.status(), 200, "{}", text(&answer));
            acknowledged += 1;
        }
        assert_eq!(changed.join().unwrap().status(), 200);
        let count: u64 = text(&sql("SELECT count() FROM t".into())).trim().parse().unwrap();
        if truncates {
            assert!(count <= 12, "{count} rows after a TRUNCATE among 12 inserts");
            acknowledged = count;
        }
        assert_eq!(count, acknowledged, "round {round}");
    }
}

#[test]
fn databases_do_not_see_each_other() {
    let Some((url, _visit)) = url() else { return };
    let (one, two) = (database(&url, "one"), database(&url, "two"));
    let sql = |database: &str, sql: &str| {
        fetch("POST", &format!("{url}/?database={database}"), sql.as_bytes())
    };
    assert_eq!(sql(&one, "CREATE TABLE only_here (a Int64)").status(), 200);
    assert_eq!(sql(&one, "INSERT INTO only_here VALUES (7)").status(), 200);
    assert_eq!(text(&sql(&one, "SELECT a FROM only_here")), "7\n");
    assert_eq!(sql(&two, "SELECT a FROM only_here").status(), 404);
}

#[test]
fn a_database_name_is_plain_or_refused() {
    let Some((url, _visit)) = url() else { return };
    let ask = |name: &str| fetch("GET", &format!("{url}/?database={name}&query=SELECT+1"), b"");
    for name in ["a", "A-b_c.9", "0123456789"] {
        create(&url, name);
        let found = ask(name);
        assert_eq!((found.status().as_u16(), text(&found).as_str()), (200, "1\n"), "{name}");
    }
    for name in ["a%2Fb", "..", ".a", "%00", "a%20b", "%F0%9F%A6%86", "", &"x".repeat(65), "%FF"] {
        let found = ask(name);
        assert_eq!(found.status(), 400, "{name:?}: {}", text(&found));
        assert!(text(&found).contains("database") || name == "%FF", "{}", text(&found));
    }
}

#[test]
fn a_database_that_nobody_made_is_unknown() {
    let Some((url, _visit)) = url() else { return };
    let name = unmade("nobody");
    let sql = |database: &str, sql: &str| {
        fetch("POST", &format!("{url}/?database={database}"), sql.as_bytes())
    };
    let listed = |database: &str| {
        let names = text(&sql(database, "SHOW DATABASES"));
        names.lines().any(|line| line == name)
    };
    for (method, path, said) in [
        ("POST", "/?query=SELECT+1", "(UNKNOWN_DATABASE)"),
        ("POST", "/?query=CREATE+TABLE+t+(a+Int64)", "(UNKNOWN_DATABASE)"),
        ("POST", "/v1/things", "\"UNKNOWN_DATABASE\""),
        ("GET", "/v1/things/a", "\"UNKNOWN_DATABASE\""),
        ("GET", "/v1/stats", "\"UNKNOWN_DATABASE\""),
        ("POST", "/v1/flush", "\"UNKNOWN_DATABASE\""),
        ("GET", "/iceberg/v1/config", "NoSuchNamespaceException"),
    ] {
        let sign = if path.contains('?') { '&' } else { '?' };
        let answer = fetch(method, &format!("{url}{path}{sign}database={name}"), b"");
        assert_eq!(answer.status(), 404, "{path}: {}", text(&answer));
        assert_eq!(answer.headers()["x-clickhouse-exception-code"], "81", "{path}");
        assert!(text(&answer).contains(said), "{path}: {}", text(&answer));
        assert_eq!(rows(&answer), (0, 0), "{path}");
    }
    assert!(!listed("default"));
    let create = format!("CREATE DATABASE `{name}`");
    // Whichever database is asked, the list is one.
    let other = database(&url, "somebody");
    let answer = sql(&other, &create);
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    assert_eq!(text(&sql(&name, "SELECT count() FROM things")), "0\n");
    assert!(listed("default") && listed(&name) && listed(&other));
    let answer = sql("default", &create);
    assert!(text(&answer).contains("(DATABASE_ALREADY_EXISTS)"), "{}", text(&answer));
    for (statement, said) in [
        (format!("SELECT * FROM `{name}`.things"), "ask that one"),
        (format!("INSERT INTO `{name}`.things (type) VALUES ('x')"), "ask that one"),
        (format!("USE `{name}`"), "each request names its database"),
        (format!("DROP DATABASE `{name}`"), "drop its tables"),
        ("CREATE DATABASE `a b`".to_owned(), "cannot name a database"),
    ] {
        let answer = sql(&other, &statement);
        assert!(answer.status().is_client_error(), "{statement}: {}", text(&answer));
        assert!(text(&answer).contains(said), "{statement}: {}", text(&answer));
    }
    // What objects ask each other is no question of others.
    let path = format!("{url}/_databases/create/{}?database=default", unmade("intruder"));
    assert_eq!(fetch("POST", &path, b"").status(), 404);
}

#[test]
fn a_bug_in_one_request_leaves_the_object_alive() {
    let Some((url, visit)) = url() else { return };
    drop(visit);
    let _alone = Visit::alone();
    let name = database(&url, "bug");
    let post =
        |path: &str, body: &[u8]| fetch("POST", &format!("{url}{path}?database={name}"), body);
    assert_eq!(post("/v1/things", br#"{"id":"kept","type":"T"}"#).status(), 200);
    assert_eq!(post("/_test/panic", b"").status(), 500);
    let found = post("/", b"SELECT id FROM things");
    assert_eq!((found.status().as_u16(), text(&found).as_str()), (200, "kept\n"));
}

/// The statements of a workload, sent one after another.
async fn workload(home: &Home) -> Vec<(String, u64, u64)> {
    let things = |from: u64, count: u64| {
        let line = |n: u64| {
            let minute = n % 60;
            format!(
                "{{\"id\":\"t{n}\",\"type\":\"{}\",\"data\":{{\"n\":{n},\"s\":\"v{}\"}},\
                 \"createdAt\":\"2024-01-01T00:{minute:02}:00Z\",\"updatedAt\":\"2024-01-02\"}}\n",
                if n.is_multiple_of(3) { "A" } else { "B" },
                n % 17,
            )
        };
        (from..from + count).map(line).collect::<String>()
    };
    let mut bill = Vec::new();
    let mut send = async |method: &str, path: &str, body: String| {
        let answer = home.send(method, path, body.clone()).await;
        let said = text(&answer);
        assert!(answer.status().is_success(), "{} {path} {body:.80}: {said}", home.name());
        if !path.starts_with("/_test/") {
            let (read, written) = rows(&answer);
            bill.push((format!("{method} {path} {body:.80}"), read, written));
        }
    };
    send("POST", "/_test/hold", String::new()).await;
    for batch in 0..12u64 {
        send("POST", "/v1/things", things(batch * 1_000, 1_000)).await;
        send("POST", "/v1/things", things(batch * 1_000 + 500, 3)).await;
        send("POST", "/_test/jobs", String::new()).await;
    }
    for sql in [
        "CREATE TABLE t (a Int64, s String) ORDER BY a",
        "INSERT INTO t SELECT 1, 'x'",
        "INSERT INTO t VALUES (2, 'y'), (3, 'z')",
        "SELECT count() FROM things",
        "SELECT type, count() FROM things GROUP BY type ORDER BY type",
        "SELECT count() FROM things WHERE data.n > 11000",
        "SELECT id FROM things WHERE id = 't77'",
        "SELECT max(createdAt) FROM things",
        "UPDATE t SET s = 'w' WHERE a = 2",
        "DELETE FROM things WHERE id IN ('t1', 't2', 't3')",
        "SELECT s, sum(a) FROM t GROUP BY s ORDER BY s",
        "ALTER TABLE t ADD COLUMN b Float64",
        "TRUNCATE TABLE t",
        "DROP TABLE t",
    ] {
        send("POST", "/_test/forget", String::new()).await;
        send("POST", "/", sql.to_owned()).await;
    }
    send("DELETE", "/v1/things/t9", String::new()).await;
    send("PATCH", "/v1/things/t10", "{\"data\":{\"n\":null}}".to_owned()).await;
    send("POST", "/_test/jobs", String::new()).await;
    bill
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bill_is_the_native_one() {
    if url().is_none() {
        return;
    }
    let (native, worker) = (Home::native(), Home::worker().unwrap());
    let (here, there) = (workload(&native).await, workload(&worker).await);
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there, "native, Worker");
    }
    // And SQLite statement by statement, background work and all; setting the alarm is no
    // statement.
    let meter = async |home: &Home| {
        let stats = home.send("GET", "/v1/stats", "").await;
        let stats: serde_json::Value = serde_json::from_slice(stats.body()).unwrap();
        let mut meter = stats["meter"].as_array().unwrap().clone();
        meter.retain(|line| line["statement"] != "set_alarm");
        meter
    };
    assert_eq!(meter(&native).await, meter(&worker).await, "native, Worker");
}
