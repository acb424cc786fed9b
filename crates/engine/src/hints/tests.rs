//! Hints as text and back, and what they do to documents.

use dodb_part::{Column, ColumnType};

use super::JsonHints;

#[track_caller]
fn reads(text: &str, expected: &str) -> JsonHints {
    let hints = JsonHints::parse(text).unwrap();
    assert_eq!(hints.to_string(), expected);
    let inner = expected.strip_prefix("JSON").unwrap().trim_start_matches('(');
    let again = JsonHints::parse(inner.strip_suffix(')').unwrap_or(inner)).unwrap();
    assert_eq!(again, hints, "read again");
    hints
}

#[test]
fn hints_are_read_and_written() {
    assert!(reads("", "JSON").is_empty());
    reads("max_dynamic_paths = 10, max_dynamic_types=3", "JSON(max_dynamic_paths=10)");
    reads("a . b  Int64", "JSON(a.b Int64)");
    reads("a.b LowCardinality ( Nullable ( String ) )", "JSON(a.b String)");
    reads("d Decimal(10, 2), t DateTime64(3)", "JSON(d Decimal(10, 2), t DateTime64(3))");
    reads("`a b`.\"c\" Bool, SKIP `x.y`.z", "JSON(`a b`.c Bool, SKIP `x.y`.z)");
    reads("skip a, SKIP REGEXP 'it''s, (x)'", "JSON(SKIP a, SKIP REGEXP 'it''s, (x)')");
    reads("skip.a Int64, regexp String", "JSON(`skip`.a Int64, regexp String)");
    reads("xs Array(Float64)", "JSON(xs Array(Float64))");
}

#[test]
fn what_is_no_hint_is_refused() {
    for (text, why) in [
        ("a", "no type"),
        ("a Int64, a String", "two hints"),
        ("a Int64, SKIP a", "two hints"),
        ("a Strong", "no such type"),
        ("a Bytes", "no bytes"),
        ("max_paths=1", "no setting `max_paths`"),
        ("max_dynamic_paths=many", "not a number"),
        ("max_dynamic_paths=1000000", "at most 100000"),
        ("SKIP REGEXP '('", "regex parse error"),
        ("SKIP a b", "one path"),
        ("a Int64,", "a path is keys"),
        ("a.b", "no type"),
        ("a. Int64)", "bracket"),
        ("`a Int64", "not closed"),
    ] {
        let error = JsonHints::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn skipped_paths_are_left_out() {
    let hints = JsonHints::parse("SKIP a.b, SKIP c, SKIP REGEXP '^x|_secret$'").unwrap();
    for (document, expected) in [
        (r#"{"a":{"b":1,"c":2},"c":{"d":1},"e":3}"#, Some(r#"{"a":{"c":2},"e":3}"#)),
        (r#"{"a":{"b":1}}"#, Some(r#"{"a":{}}"#)),
        (r#"{"c":1}"#, Some("{}")),
        (r#"{"xy":1,"yx":2,"d":{"x":1,"my_secret":2}}"#, Some(r#"{"yx":2,"d":{"x":1}}"#)),
        (r#"{"\"c":1,"l":[{"c":1}]}"#, None),
        ("[1]", None),
    ] {
        assert_eq!(hints.without_skipped(document).as_deref(), expected, "{document}");
    }
}

#[test]
fn values_of_typed_paths_become_their_type() {
    let column = Column { id: 1, name: "doc".into(), ty: ColumnType::Json, nullable: true };
    let hints = "n Int64, f Float64, s String, b Bool, t DateTime64(3), d Date, u UUID, \
                 dec Decimal(10, 2), xs Array(Float64), a.b UInt8";
    let hints = JsonHints::parse(hints).unwrap();
    let check = |document: &str| hints.check("t", &column, &[Some("{}"), None, Some(document)]);
    for document in [
        "{}",
        "null",
        "[1]",
        r#"{"n":null,"a":{}}"#,
        r#"{"n":1,"f":2,"s":3,"b":true,"t":"2024-01-01T00:00:00Z","d":"2024-01-01"}"#,
        r#"{"n":"42","f":"1.5","s":{"any":1},"b":"true","dec":1.25,"a":{"b":255}}"#,
        r#"{"xs":[1,2.5,null],"u":"6f9619ff-8b86-d011-b42d-00cf4fc964ff"}"#,
        r#"{"xs":[]}"#,
    ] {
        check(document).unwrap();
    }
    for (document, path) in [
        (r#"{"n":1.5}"#, "n"),
        (r#"{"n":"x"}"#, "n"),
        (r#"{"n":{}}"#, "n"),
        (r#"{"f":[1]}"#, "f"),
        (r#"{"b":"maybe"}"#, "b"),
        (r#"{"t":"noon"}"#, "t"),
        (r#"{"d":1.5}"#, "d"),
        (r#"{"xs":[1,"x"]}"#, "xs"),
        (r#"{"xs":1}"#, "xs"),
        (r#"{"u":"x"}"#, "u"),
        (r#"{"a":{"b":256}}"#, "a.b"),
    ] {
        let error = check(document).unwrap_err().to_string();
        let wanted = format!("at `{path}` is not of its type");
        assert!(error.contains("record 3") && error.contains(&wanted), "{document}: {error}");
    }
}
