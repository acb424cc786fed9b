//! JSON access: reading text, and queries over a JSON column.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::prelude::SessionContext;

use super::*;
use crate::functions::tests::{add_table, answer, context, rows};

fn key(key: &str) -> Step {
    Step::Key(key.into())
}

#[test]
fn values_are_found() {
    let json = r#" {"a":{"b":[1,{"c":"x\"y"},-2.50e3]},"n":null,"t":true,"a.b":7,"é":"ü"} "#;
    let get = |path: &[Step]| text(json, path).map(|text| text.into_owned());
    assert_eq!(get(&[key("a"), key("b"), Step::Index(2), key("c")]).as_deref(), Some("x\"y"));
    assert_eq!(get(&[key("a"), key("b"), Step::Index(3)]).as_deref(), Some("-2.50e3"));
    assert_eq!(get(&[key("a"), key("b"), Step::Index(-3)]).as_deref(), Some("1"));
    assert_eq!(get(&[key("a"), key("b"), Step::Index(-4)]), None);
    assert_eq!(get(&[key("a"), key("b"), Step::Index(0)]), None);
    assert_eq!(get(&[key("a"), key("b")]).as_deref(), Some(r#"[1,{"c":"x\"y"},-2.50e3]"#));
    assert_eq!(get(&[key("n")]), None);
    assert_eq!(raw(json, &[key("n")]), Some("null"));
    assert_eq!(get(&[key("t")]).as_deref(), Some("true"));
    assert_eq!(get(&[key("a.b")]).as_deref(), Some("7"));
    assert_eq!(get(&[key("é")]).as_deref(), Some("ü"));
    assert_eq!(get(&[key("t"), key("x")]), None);
    assert_eq!(get(&[Step::Index(1)]), None);
    assert_eq!(raw(r#"{"a":1,"a":2}"#, &[key("a")]), Some("2"));
    assert_eq!(raw(r#"{"\u0061":1}"#, &[key("a")]), Some("1"));
    assert_eq!(raw("12345678901234567890123", &[]), Some("12345678901234567890123"));
}

#[test]
fn what_is_not_json_has_no_values() {
    for json in [
        "",
        " ",
        "{",
        "}",
        "{]",
        "[1,]",
        "{\"a\":1} x",
        "{\"a\":1}}",
        "{\"a\"}",
        "nul",
        "'a'",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":\"\\x\"}",
        "{\"a\":1,\"b\":tru}",
        "\u{feff}{\"a\":1}",
        "{\"a\":1 \"b\":2}",
    ] {
        assert_eq!(raw(json, &[key("a")]), None, "{json}");
    }
    assert_eq!(text(r#"{"a":"\ud800"}"#, &[key("a")]), None);
}

#[test]
fn depth_is_no_danger() {
    for json in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
        assert_eq!(raw(&json, &[]), None);
        assert_eq!(raw(&json, &[key("a")]), None);
        assert_eq!(raw(&json, &vec![key("a"); 1000]), None);
        assert_eq!(raw(&json, &vec![Step::Index(1); 1000]), None);
        assert_eq!(raw(&json, &vec![Step::Index(-1); 1000]), None);
    }
    let deep = format!("{}7{}", "{\"a\":".repeat(1000), "}".repeat(1000));
    assert_eq!(raw(&deep, &vec![key("a"); 128]), None);
    assert_eq!(raw(&deep, &vec![key("a"); 1000]), None);
    let deep = format!("{}7{}", "{\"a\":".repeat(128), "}".repeat(128));
    assert_eq!(raw(&deep, &vec![key("a"); 128]), Some("7"));
    assert_eq!(raw(&deep, &[]), Some(deep.as_str()));
}

/// Every prefix of a document, and every single byte changed: no panic, and the same answer for
/// the whole and the part that is asked for.
#[test]
fn damaged_documents() {
    let json = r#"{"a":[1,"\u00e9\n",{"b":null}],"c":-1.5e-3}"#;
    for end in 0..json.len() {
        if let Some(part) = json.get(..end) {
            assert_eq!(raw(part, &[key("c")]), None, "{part}");
        }
    }
    for at in 0..json.len() {
        for byte in [b'"', b'\\', b'{', b']', b',', b'0', b' ', 0x1f] {
            let mut bytes = json.as_bytes().to_vec();
            bytes[at] = byte;
            let text = String::from_utf8(bytes).unwrap();
            let whole = raw(&text, &[]).is_some();
            let valid = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            assert_eq!(whole, valid, "{text}");
            let part = raw(&text, &[key("a"), Step::Index(1)]).is_some();
            assert!(whole || !part, "{text}");
        }
    }
}

fn things() -> SessionContext {
    let ctx = context();
    let data = [
        r#"{"name":"Ann","age":30,"tags":["x","y"],"address":{"city":"Bonn"},"active":true}"#,
        r#"{"name":"Bob","age":4.5,"born":"2020-01-02","active":false,"big":9007199254740993}"#,
        r#"{"name":"Cid","age":100,"address":{"city":null},"n":"12"}"#,
        r#"{"name":"Dan","age":"unknown"}"#,
        "not json",
    ];
    let data: StringViewArray = data.iter().map(|text| Some(*text)).collect();
    let id: Int64Array = (1..=5).collect();
    let json = Field::new("data", DataType::Utf8View, true).with_metadata(kind_metadata("JSON"));
    let columns: Vec<(Field, ArrayRef)> =
        vec![(Field::new("id", DataType::Int64, false), Arc::new(id)), (json, Arc::new(data))];
    add_table(&ctx, "things", columns);
    ctx
}

#[tokio::test]
async fn paths() {
    let ctx = things();
    let expected = [
        ("SELECT data.name FROM things WHERE id = 1", "Ann"),
        ("SELECT t.data.address.city FROM things AS t WHERE id = 1", "Bonn"),
        ("SELECT things.data.address.city FROM things WHERE id = 3", "NULL"),
        (
            "SELECT data.address, data.nope.nope FROM things WHERE id = 1",
            "{\"city\":\"Bonn\"}|NULL",
        ),
        ("SELECT data.tags[2], data['name'], data.tags[-1] FROM things WHERE id = 1", "y|Ann|y"),
        (
            "SELECT data->'tags'->0, data->>'name', data->'tags'->>-1 FROM things WHERE id = 1",
            "x|Ann|y",
        ),
        ("SELECT id FROM things WHERE data->>'name' = 'Bob'", "2"),
        ("SELECT id FROM things WHERE data.age > 10 ORDER BY id", "1\n3"),
        ("SELECT id FROM things WHERE 10 < data.age ORDER BY id", "1\n3"),
        ("SELECT id FROM things WHERE data.age = 4.5", "2"),
        ("SELECT id FROM things WHERE data.age != 30 ORDER BY id", "2\n3"),
        ("SELECT id FROM things WHERE data.age IN (30, 100) ORDER BY id", "1\n3"),
        ("SELECT id FROM things WHERE data.age NOT IN (30, 100)", "2"),
        ("SELECT id FROM things WHERE data.age BETWEEN 4 AND 30 ORDER BY id", "1\n2"),
        ("SELECT id FROM things WHERE data.name IN ('Ann', 'Cid') ORDER BY id", "1\n3"),
        ("SELECT id FROM things WHERE data.name LIKE 'B%'", "2"),
        ("SELECT id FROM things WHERE data.active = true", "1"),
        ("SELECT id FROM things WHERE data.active AND id < 3", "1"),
        ("SELECT id FROM things WHERE data.born > toDate('2019-12-31')", "2"),
        ("SELECT id FROM things WHERE data.big = 9007199254740993", "2"),
        ("SELECT id FROM things WHERE data.big = 9007199254740992", ""),
        (
            "SELECT data.age + 1, data.age * 2, data.age / 3 FROM things WHERE id = 1",
            "31.0|60.0|10.0",
        ),
        (
            "SELECT sum(data.age), avg(data.age), count(data.age) FROM things",
            "134.5|44.833333333333336|4",
        ),
        ("SELECT toString(sum(data.age)) FROM things WHERE id != 2", "130"),
        ("SELECT id FROM things ORDER BY data.age, id", "2\n1\n3\n4\n5"),
        ("SELECT id FROM things ORDER BY data.age DESC, id", "3\n1\n2\n4\n5"),
        ("SELECT data.age AS age FROM things ORDER BY age DESC LIMIT 2", "100\n30"),
        ("SELECT x + 1 FROM (SELECT data.age AS x FROM things WHERE id = 1)", "31.0"),
        ("SELECT id FROM things WHERE data.age < data.big", "2"),
        ("SELECT data.age::Int64, data.age.:Int64 FROM things WHERE id = 1", "30|30"),
        (
            "SELECT data.active, count() FROM things GROUP BY data.active ORDER BY data.active",
            "false|1\ntrue|1\nNULL|3",
        ),
        ("SELECT uniq(data.name), uniqExact(data.name), any(data.name) FROM things", "4|4|Ann"),
        ("SELECT quantile(0.5)(data.age) FROM things", "30.0"),
        (
            "SELECT JSONExtractInt(data, 'age'), JSONExtractString(data, 'name') \
             FROM things ORDER BY id",
            "30|Ann\n4|Bob\n100|Cid\n0|Dan\n0|",
        ),
        ("SELECT JSONExtract(data, 'age', 'Nullable(Float64)') FROM things WHERE id = 2", "4.5"),
        (
            "SELECT JSONHas(data, 'address', 'city'), JSONType(data, 'age') \
             FROM things WHERE id = 3",
            "true|Int64",
        ),
        ("SELECT toYear(data.born) FROM things WHERE id = 2", "2020"),
        ("SELECT if(data.age > 50, 'old', 'young') FROM things WHERE id = 3", "old"),
        ("SELECT toTypeName(data), toTypeName(data.age) FROM things LIMIT 1", "JSON|Dynamic"),
    ];
    for (sql, expected) in expected {
        assert_eq!(answer(&ctx, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn paths_name_their_columns() {
    let ctx = things();
    let (names, _) =
        rows(&ctx, "SELECT data.name, t.data.address.city FROM things AS t").await.unwrap();
    assert_eq!(names, ["data.name", "data.address.city"]);
}
