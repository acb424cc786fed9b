//! One broken rule and its place, and the function that gathers them all. No rule is in here.

use std::fmt;

use super::{crates, markdown, rust, text};
use crate::tree::Tree;

/// A broken rule. It prints as `file:line: message`, which editors turn into a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, from the repository's top.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Fault {
    pub(super) fn new(path: &str, line: usize, message: impl Into<String>) -> Fault {
        Fault { path: path.to_string(), line, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Every fault of every rule, in the order of the files and lines.
pub fn tidy(tree: &Tree) -> Vec<Fault> {
    let mut faults = text::check(tree);
    faults.extend(rust::check(tree));
    faults.extend(crates::check(tree));
    faults.extend(markdown::check(tree));
    faults.sort();
    faults.dedup();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_all_rules_come_sorted_and_print_as_file_line_message() {
        let mut tree = Tree::default();
        tree.insert("crates/part/src/b.rs", "//! B.\n\nfn f() {\n    None.unwrap()\n}\n");
        tree.insert("crates/part/src/a.rs", "fn f() {}\n");
        tree.insert("crates/part/Cargo.toml", "[dependencies]\naxum = \"1\"\n");
        tree.insert("docs/a.md", "[gone](gone.md)\n");
        let printed: Vec<String> = tidy(&tree).iter().map(Fault::to_string).collect();
        let places: Vec<&str> =
            printed.iter().map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "crates/part/Cargo.toml:2",
                "crates/part/src/a.rs:1",
                "crates/part/src/b.rs:4",
                "docs/a.md:1"
            ]
        );
    }
}
