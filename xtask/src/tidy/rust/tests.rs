//! Each rule on Rust syntax fires where it should and nowhere else.

use super::*;

fn lines_at(path: &str, text: &str) -> Vec<usize> {
    let mut tree = Tree::default();
    tree.insert(path, text);
    check(&tree).iter().map(|fault| fault.line).collect()
}

fn lines(text: &str) -> Vec<usize> {
    lines_at("crates/engine/src/a.rs", text)
}

#[test]
fn what_does_not_parse_is_a_fault_at_its_line() {
    assert_eq!(lines("fn f() {}\nfn g( {}\n"), [2]);
}

#[test]
fn every_way_to_panic_is_a_fault() {
    assert_eq!(lines("fn f() {\n    g().unwrap();\n}\n"), [2]);
    assert_eq!(lines("fn f() {\n    g()\n        .expect(\"why\");\n}\n"), [3]);
    assert_eq!(lines("fn f() {\n    g().unwrap_err();\n    g().expect_err(\"\");\n}\n"), [2, 3]);
    assert_eq!(lines("fn f() {\n    panic!(\"x\");\n}\n"), [2]);
    assert_eq!(lines("fn f() {\n    todo!()\n}\nfn g() {\n    std::unreachable!()\n}\n"), [2, 5]);
    assert_eq!(lines("fn f() -> u8 {\n    unimplemented!()\n}\n"), [2]);
    assert_eq!(lines("impl A {\n    fn f() {\n        g().unwrap();\n    }\n}\n"), [3]);
}

#[test]
fn a_panic_inside_a_macro_is_seen() {
    assert_eq!(lines("fn f() {\n    vec![\n        g().unwrap(),\n    ];\n}\n"), [3]);
    assert_eq!(lines("fn f() {\n    matches!(x, _ if panic!(\"x\"));\n}\n"), [2]);
    assert_eq!(lines("macro_rules! m {\n    () => {\n        todo!()\n    };\n}\n"), [3]);
}

#[test]
fn what_only_looks_like_a_panic_is_fine() {
    assert_eq!(lines("fn f() {\n    g().unwrap_or(1);\n    g().unwrap_or_default();\n}\n"), []);
    assert_eq!(lines("fn f() {\n    expect(1);\n    unwrap();\n    let s = \"panic!(\";\n}\n"), []);
    assert_eq!(lines("#[expect(dead_code)]\nfn f() {}\n"), []);
    assert_eq!(lines("/// Never `unwrap()` or panic!()\nfn f() {}\n"), []);
}

#[test]
fn tests_may_panic() {
    let body = "fn f() {\n    g().unwrap();\n    panic!();\n}\n";
    assert_eq!(lines(&format!("#[cfg(test)]\nmod tests {{\n{body}}}\n")), []);
    assert_eq!(lines(&format!("#[test]\n{body}")), []);
    assert_eq!(lines(&format!("#[cfg(test)]\nimpl A {{\n{body}}}\n")), []);
    assert_eq!(lines(&format!("impl A {{\n#[cfg(test)]\n{body}}}\n")), []);
    assert_eq!(lines(&format!("#![cfg(test)]\n{body}")), []);
    for path in ["crates/part/tests/a.rs", "crates/part/examples/a.rs", "crates/part/src/tests.rs"]
    {
        assert_eq!(lines_at(path, body), [], "{path}");
    }
    // What follows a test is no test.
    assert_eq!(lines(&format!("#[test]\nfn t() {{}}\n{body}")), [4, 5]);
    assert_eq!(lines(&format!("#[cfg(not(test))]\n{body}")), [3, 4]);
}

#[test]
fn a_file_declared_for_tests_may_panic() {
    let mut tree = Tree::default();
    tree.insert("a/src/lib.rs", "#[cfg(test)]\nmod checks;\nmod real;\n");
    for path in ["a/src/checks.rs", "a/src/checks/deep.rs", "a/src/real.rs"] {
        tree.insert(path, "fn f() {\n    g().unwrap();\n}\n");
    }
    let faults = check(&tree);
    assert_eq!(
        faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
        ["a/src/real.rs"]
    );
}

#[test]
fn a_function_has_at_most_70_lines() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    assert_eq!(lines(&function(70)), []);
    assert_eq!(lines(&function(71)), [1]);
    assert_eq!(lines(&format!("impl A {{\n{}}}\n", function(71))), [2]);
    assert_eq!(lines(&format!("trait A {{\n{}}}\n", function(71))), [2]);
    assert_eq!(lines(&format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(71))), [3]);
    let documented = format!("/// Doc.\n/// Doc.\n#[inline]\n{}", function(70));
    assert_eq!(lines(&documented), []);
}

#[test]
fn doors_hold_no_code() {
    let door = "//! Doc.\n\nmod a;\npub mod b;\npub use a::A;\n#[cfg(test)]\nmod tests;\n";
    for path in ["crates/part/src/lib.rs", "crates/part/src/a/mod.rs"] {
        assert_eq!(lines_at(path, door), []);
        assert_eq!(lines_at(path, &format!("{door}\nfn f() {{}}\n")), [9]);
        assert_eq!(lines_at(path, &format!("{door}\npub struct A;\n")), [9]);
        assert_eq!(lines_at(path, "mod a {\n    fn f() {}\n}\n"), [1]);
    }
    assert_eq!(lines_at("crates/part/src/a.rs", "fn f() {}\n"), []);
}

#[test]
fn sql_for_sqlite_is_written_in_one_place() {
    let code =
        "const A: &str = \"DELETE FROM kv\";\nfn f() {\n    g(format!(\"SELECT {x}\"));\n}\n";
    assert_eq!(lines_at("crates/rowstore/src/native.rs", code), [1, 3]);
    assert_eq!(lines_at("crates/engine/src/hot/statements.rs", code), []);
    assert_eq!(lines_at("crates/rowstore/src/conformance.rs", code), []);
    assert_eq!(lines_at("crates/engine/tests/a.rs", code), []);
    // Above the engine SQL is the user's language, not SQLite's.
    assert_eq!(lines_at("crates/query/src/a.rs", code), []);
    let quoted = "/// DELETE FROM kv\nfn f() {}\n#[doc = \"DELETE FROM kv\"]\nfn g() {}\n";
    assert_eq!(lines_at("crates/engine/src/a.rs", quoted), []);
}

#[test]
fn no_test_is_ignored() {
    assert_eq!(lines("#[test]\n#[ignore]\nfn f() {}\n"), [2]);
    assert_eq!(lines("#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"), [2]);
    assert_eq!(lines("#[test]\n#[cfg_attr(unix, ignore)]\nfn f() {}\n"), [2]);
    assert_eq!(
        lines("#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore]\n    fn f() {}\n}\n"),
        [4]
    );
}
