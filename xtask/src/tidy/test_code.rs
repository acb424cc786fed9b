//! What counts as test code: it may panic and may hold SQL. By attribute (`#[test]`,
//! `#[cfg(test)]`), by place (`tests/`, `examples/`, `benches/`, `fuzz/`, `conformance/`,
//! `testing/`), and by declaration: a file that its parent names under `#[cfg(test)]`.

use std::collections::BTreeSet;

use syn::punctuated::Punctuated;
use syn::{Attribute, Item, Meta, Token};

/// Folders that hold nothing but test code.
const FOLDERS: [&str; 6] = ["tests", "examples", "benches", "fuzz", "conformance", "testing"];
/// Files that are test code wherever they are: a module's tests, and the suites that pass in every
/// home of dodb, which are public so that each home's crate can call them.
const FILES: [&str; 3] = ["tests.rs", "conformance.rs", "testing.rs"];

/// True if the file's place or name makes all of it test code.
pub(super) fn by_place(path: &str) -> bool {
    let mut steps = path.split('/').rev();
    let file = steps.next().unwrap_or_default();
    FILES.contains(&file) || steps.any(|folder| FOLDERS.contains(&folder))
}

/// The paths that the modules declared as test code in `file` may have, a folder ending in `/`.
pub(super) fn declared(path: &str, file: &syn::File) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let base = match path.rsplit_once('/') {
        Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder.to_string(),
        _ => path.trim_end_matches(".rs").to_string(),
    };
    for item in &file.items {
        if let Item::Mod(module) = item
            && module.content.is_none()
            && is_test(&module.attrs)
        {
            found.insert(format!("{base}/{}.rs", module.ident));
            found.insert(format!("{base}/{}/", module.ident));
        }
    }
    found
}

/// True if one of the attributes makes what it stands on part of tests only.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            return attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta));
        }
        path.segments.last().is_some_and(|last| last.ident == "test")
    })
}

/// True if a `cfg` condition can hold only while testing.
fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") || list.path.is_ident("any") => {
            let parts = Punctuated::<Meta, Token![,]>::parse_terminated;
            list.parse_args_with(parts).is_ok_and(|parts| match list.path.is_ident("all") {
                true => parts.iter().any(needs_test),
                false => !parts.is_empty() && parts.iter().all(needs_test),
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_their_place() {
        assert!(by_place("crates/part/tests/any.rs") && by_place("crates/part/src/a/tests.rs"));
        assert!(by_place("fuzz/targets/a.rs") && by_place("crates/x/src/conformance.rs"));
        assert!(by_place("crates/x/src/conformance/counts.rs"));
        assert!(!by_place("crates/part/src/a.rs") && !by_place("xtask/src/tests_of.rs"));
    }

    #[test]
    fn conditions_that_need_test_are_told_from_those_that_do_not() {
        let yes = |source: &str| {
            let item: syn::ItemFn = syn::parse_str(&format!("{source} fn f() {{}}")).unwrap();
            is_test(&item.attrs)
        };
        assert!(yes("#[test]") && yes("#[tokio::test]") && yes("#[cfg(test)]"));
        assert!(yes("#[cfg(all(unix, test))]") && yes("#[cfg(any(test))]"));
        assert!(!yes("#[cfg(any(test, feature = \"x\"))]") && !yes("#[cfg(not(test))]"));
        assert!(!yes("#[inline]") && !yes(""));
    }

    #[test]
    fn a_module_declared_for_tests_is_found_beside_its_parent() {
        let file = syn::parse_file("#[cfg(test)]\nmod checks;\nmod real;\n").unwrap();
        let paths = |path| declared(path, &file).into_iter().collect::<Vec<_>>();
        assert_eq!(paths("a/src/lib.rs"), ["a/src/checks.rs", "a/src/checks/"]);
        assert_eq!(paths("a/src/b.rs"), ["a/src/b/checks.rs", "a/src/b/checks/"]);
    }
}
