//! Places, and what is found in catalogs and folders that are made up here.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::error::{Error, ErrorKind, Result};

#[test]
fn a_place_holds_what_is_below_it_and_nothing_else() {
    let places = "https://cat.example/a=TOKEN, s3://lake/x,file:///data/lake/, s3://lake/x/y=B";
    let places = Places::parse(places).unwrap();
    let name = |uri: &str| places.find(uri).map(|place| place.name.clone());
    assert_eq!(name("https://cat.example/a").unwrap().as_deref(), Some("TOKEN"));
    assert_eq!(name("https://cat.example/a/v1/").unwrap().as_deref(), Some("TOKEN"));
    assert_eq!(name("s3://lake/x/t").unwrap(), None);
    // The deepest.
    assert_eq!(name("s3://lake/x/y/t").unwrap().as_deref(), Some("B"));
    assert_eq!(name("file:///data/lake/t").unwrap(), None);
    for refused in [
        "https://cat.example/ab",
        "https://cat.example",
        "http://cat.example/a",
        "https://cat.example/a/../b",
        "https://cat.example/a/%2e%2e/b",
        "https://cat.example/a?x=/",
        "https://user@cat.example/a",
        "s3://lake",
        "s3://lake/xy",
        "file:///data",
        "file:///data/lake/../secrets",
        "/data/lake",
        "",
    ] {
        assert_eq!(name(refused).unwrap_err().kind(), ErrorKind::Invalid, "{refused}");
    }
    for wrong in ["ftp://a/b", "https://", "s3:///x", "file://host/x", "https://a/b=", "s3://a=b-c"]
    {
        assert_eq!(Places::parse(wrong).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
    let none = Places::default().find("https://cat.example").unwrap_err().to_string();
    assert!(none.contains("nothing is") && none.contains("--attach"), "{none}");
}

/// A host whose catalog answers from a list, and whose stores are one.
#[derive(Debug, Default)]
struct Scripted {
    answers: BTreeMap<&'static str, (u16, String)>,
    store: Arc<InMemory>,
    asked: Mutex<Vec<(String, Option<String>)>>,
    /// The credentials that stores were asked for with.
    stores: Mutex<Vec<BTreeMap<String, String>>>,
}

impl Scripted {
    fn answer(mut self, path: &'static str, status: u16, body: serde_json::Value) -> Scripted {
        self.answers.insert(path, (status, body.to_string()));
        self
    }
}

impl Outside for Scripted {
    fn get<'a>(&'a self, url: &'a str, token: Option<&'a str>) -> BoxFuture<'a, Result<Fetched>> {
        self.asked.lock().push((url.to_owned(), token.map(str::to_owned)));
        let path = url.strip_prefix("https://cat/v1/").unwrap_or_default();
        let answer = self.answers.get(path).cloned();
        let (status, body) = answer.unwrap_or((404, String::new()));
        async move { Ok(Fetched { status, body: Bytes::from(body) }) }.boxed()
    }

    fn store(
        &self,
        _root: &str,
        _name: Option<&str>,
        config: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn ObjectStore>> {
        self.stores.lock().push(config.clone());
        Ok(self.store.clone())
    }
}

fn catalog() -> Scripted {
    Scripted::default()
        .answer(
            "config?warehouse=w%2F1",
            200,
            json!({"overrides": {"prefix": "p/q"}, "defaults": {
                "s3.endpoint": "http://s3"
            }}),
        )
        .answer("p/q/namespaces", 200, json!({"namespaces": [["a"]], "next-page-token": "n 1"}))
        .answer("p/q/namespaces?pageToken=n%201", 200, json!({"namespaces": [["b"]]}))
        .answer("p/q/namespaces?parent=a", 200, json!({"namespaces": [["a", "c"], ["a"]]}))
        // One that knows no parents.
        .answer("p/q/namespaces?parent=b", 200, json!({"namespaces": [["a"], ["b"]]}))
        .answer(
            "p/q/namespaces/a/tables",
            200,
            json!({"identifiers": [
                {"namespace": ["a"], "name": "t"}, {"namespace": ["a"], "name": "u v"}
            ]}),
        )
        .answer("p/q/namespaces/a%1Fc/tables", 200, json!({"identifiers": [{"name": "t"}]}))
        .answer(
            "p/q/namespaces/a/tables/u%20v",
            200,
            json!({
                "metadata-location": "s3://lake/u/metadata/1.metadata.json",
                "metadata": {"format-version": 2},
                "config": {"s3.access-key-id": "k"},
                "storage-credentials": [
                    {"prefix": "s3://other", "config": {"s3.secret-access-key": "no"}},
                    {"prefix": "s3://lake/u", "config": {"s3.secret-access-key": "yes"}}
                ]
            }),
        )
        .answer(
            "p/q/namespaces/a%1Fc/tables/t",
            200,
            json!({
                "metadata-location": "s3://lake/t/metadata/1.metadata.json", "metadata": {}
            }),
        )
        .answer("p/q/namespaces/a/tables/lost", 403, json!({"error": {"message": "not yours"}}))
        .answer("p/q/namespaces/a/tables/late", 503, json!({}))
        .answer("p/q/namespaces/a/tables/odd", 200, json!({"metadata": {}}))
}

fn lake() -> Attachment {
    Attachment { uri: "https://cat/v1/".into(), warehouse: Some("w/1".into()) }
}

#[test]
fn a_catalog_is_listed_and_its_tables_found() {
    let places = Places::parse("https://cat=TOKEN,s3://lake/t").unwrap();
    let outside = catalog();
    let tables = block_on(lake().tables(&places, &outside)).unwrap();
    assert_eq!(tables, ["a.c.t", "a.t", "a.u v"]);
    assert!(outside.asked.lock().iter().all(|(_, token)| token.as_deref() == Some("TOKEN")));
    let find = |name: &str| block_on(lake().find(name, &places, &outside));
    // Credentials came with it: all of its bucket can be read.
    let found = find("a.u v").unwrap().unwrap();
    assert_eq!(found.bucket.uri(), "s3://lake");
    let config = outside.stores.lock().pop().unwrap();
    let of = |key: &str| config.get(key).map(String::as_str);
    assert_eq!(of("s3.access-key-id"), Some("k"));
    assert_eq!(of("s3.secret-access-key"), Some("yes"));
    assert_eq!(of("s3.endpoint"), Some("http://s3"));
    // None came: only the place.
    assert_eq!(find("a.c.t").unwrap().unwrap().bucket.uri(), "s3://lake/t");
    assert_eq!(find("u v").unwrap().unwrap().metadata_location, found.metadata_location);
    assert!(find("a.none").unwrap().is_none());
    assert!(find("none").unwrap().is_none());
    let several = find("t").unwrap_err().to_string();
    assert!(several.contains("a.c.t, a.t"), "{several}");
    let check = |name: &str, kind: ErrorKind, said: &str| {
        let e = find(name).unwrap_err();
        assert_eq!(e.kind(), kind, "{e}");
        assert!(e.to_string().contains(said), "{e}");
    };
    check("a.lost", ErrorKind::Invalid, "not yours");
    check("a.late", ErrorKind::Storage, "503");
    check("a.odd", ErrorKind::Corrupt, "no metadata");
}

#[test]
fn a_table_outside_of_the_places_is_refused() {
    let places = Places::parse("https://cat").unwrap();
    let e = block_on(lake().find("a.c.t", &places, &catalog())).unwrap_err();
    assert!(e.to_string().contains("may not be read from here"), "{e}");
    let other = Places::parse("https://other").unwrap();
    let outside = catalog();
    let e = block_on(lake().tables(&other, &outside)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Invalid);
    assert!(outside.asked.lock().is_empty());
}

#[test]
fn the_newest_metadata_in_a_folder_counts() {
    let outside = Scripted::default();
    let put = |key: &str| {
        let key = Path::from(key);
        block_on(outside.store.put(&key, "{}".into())).unwrap();
    };
    for key in [
        "ns/t/metadata/00001-a.metadata.json",
        "ns/t/metadata/00010-b.metadata.json",
        "ns/t/metadata/00009-c.metadata.json",
        "ns/t/metadata/snap-1.avro",
        "ns/t/data/x.parquet",
        "h/metadata/v3.metadata.json",
        "h/metadata/v12.metadata.json",
        "h/metadata/version-hint.text",
        "empty/data/x",
    ] {
        put(key);
    }
    let places = Places::parse("s3://b").unwrap();
    let folder = Attachment { uri: "s3://b".into(), warehouse: None };
    assert_eq!(block_on(folder.tables(&places, &outside)).unwrap(), ["h", "ns.t"]);
    let at = |name: &str| {
        let found = block_on(folder.find(name, &places, &outside)).unwrap();
        found.map(|found| found.metadata_location)
    };
    assert_eq!(at("ns.t").as_deref(), Some("s3://b/ns/t/metadata/00010-b.metadata.json"));
    assert_eq!(at("h").as_deref(), Some("s3://b/h/metadata/v12.metadata.json"));
    assert_eq!(at("empty"), None);
    assert_eq!(at("../b"), None);
    put("metadata/00001-z.metadata.json");
    assert_eq!(at("b").as_deref(), Some("s3://b/metadata/00001-z.metadata.json"));
    let wrong = Attachment { warehouse: Some("w".into()), ..folder };
    assert!(wrong.check(&places).is_err());
    assert!(matches!(wrong.check(&places), Err(Error { .. })));
}
