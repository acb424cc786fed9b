//! Rules that a line of text shows without being parsed: how a file opens, how long and how wide
//! it is, and that it names no machine and no registry.

use super::Fault;
use crate::tree::Tree;

const LINES_MAX: usize = 800;
const COLUMNS_MAX: usize = 100;

// Cut in two, so that this file does not break its own rule.
const MACHINE_FOLDERS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const REGISTRY_HOSTS: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];
/// cargo writes the name of its registry into every entry, and gives no choice.
const LOCK_FILE: &str = "Cargo.lock";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.texts() {
        if path.ends_with(".rs") {
            opening(path, text, &mut faults);
            width(path, text, &mut faults);
        }
        if [".rs", ".py", ".sh"].iter().any(|suffix| path.ends_with(suffix)) {
            length(path, text, &mut faults);
        }
        if path.rsplit('/').next() != Some(LOCK_FILE) {
            places(path, text, &mut faults);
        }
    }
    faults
}

fn opening(path: &str, text: &str, faults: &mut Vec<Fault>) {
    if !text.starts_with("//! ") {
        let message = "the file must open with `//! `: what it is for and what it is not";
        faults.push(Fault::new(path, 1, message));
    }
}

fn width(path: &str, text: &str, faults: &mut Vec<Fault>) {
    for (number, line) in numbered(text) {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            let message = format!("{columns} columns, at most {COLUMNS_MAX}");
            faults.push(Fault::new(path, number, message));
        }
    }
}

fn length(path: &str, text: &str, faults: &mut Vec<Fault>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        let message = format!("{lines} lines, at most {LINES_MAX}: split the file by what it does");
        faults.push(Fault::new(path, LINES_MAX + 1, message));
    }
}

fn places(path: &str, text: &str, faults: &mut Vec<Fault>) {
    for (number, line) in numbered(text) {
        for folder in MACHINE_FOLDERS {
            if names_folder(line, folder) {
                let message = format!("`{folder}` is a path of one machine: make it relative");
                faults.push(Fault::new(path, number, message));
            }
        }
        for host in REGISTRY_HOSTS {
            if line.contains(host) {
                let message = format!("`{host}` is the host of a registry: name the package only");
                faults.push(Fault::new(path, number, message));
            }
        }
    }
}

/// True if `line` holds `folder` as the start of an absolute path: what stands before it is not
/// part of a longer path such as `target/work/` or `$HOME/work/`.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_.~-}*)>".contains(c))
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let mut tree = Tree::default();
        tree.insert(path, text);
        check(&tree).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_rust_file_opens_with_its_purpose() {
        assert_eq!(lines("a.rs", "//! What it is for.\n"), []);
        assert_eq!(lines("a.rs", "// What it is for.\n"), [1]);
        assert_eq!(lines("a.rs", "\n//! Too late.\n"), [1]);
        assert_eq!(lines("a.rs", ""), [1]);
        assert_eq!(lines("a.py", "import csv\n"), []);
    }

    #[test]
    fn lines_are_counted_in_columns_not_bytes() {
        let fits = format!("//! {}\n", "é".repeat(96));
        assert_eq!(lines("a.rs", &fits), []);
        let wide = format!("//! A.\n// {}\n", "x".repeat(98));
        assert_eq!(lines("a.rs", &wide), [2]);
        assert_eq!(lines("a.md", &wide), []);
    }

    #[test]
    fn a_file_has_at_most_800_lines() {
        let text = |lines: usize| format!("//! A.\n{}", "//\n".repeat(lines - 1));
        assert_eq!(lines("a.rs", &text(800)), []);
        assert_eq!(lines("a.rs", &text(801)), [801]);
        assert_eq!(lines("a.py", &text(801)), [801]);
        assert_eq!(lines("a.csv", &text(801)), []);
    }

    #[test]
    fn no_file_names_a_machine() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(lines("a.md", &format!("ok\nsee {folder}main\n")), [2]);
            assert_eq!(lines("Makefile", &format!("A = \"{folder}main\"\n")), [1]);
            assert_eq!(lines("a.md", &format!("target{folder}x $HOME{folder}y\n")), []);
        }
    }

    #[test]
    fn no_file_names_a_registry_but_cargos_own_lock() {
        for host in REGISTRY_HOSTS {
            let text = format!("from https://{host}/simple\n");
            assert_eq!(lines("a.md", &text), [1]);
            assert_eq!(lines("Cargo.lock", &text), []);
            assert_eq!(lines("fuzz/Cargo.lock", &text), []);
        }
    }
}
