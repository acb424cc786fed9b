//! Who may depend on whom, read from each Cargo.toml: the arrows between the crates of this
//! repository, and the outside crates that only some of them may name.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::Fault;
use crate::tree::Tree;

/// A crate's folder under `crates/`, and the crates of this repository that it may depend on.
/// Every crate stands after those it depends on.
const ARROWS: [(&str, &[&str]); 8] = [
    ("part", &[]),
    ("rowstore", &[]),
    ("lake", &["part"]),
    ("engine", &["part", "rowstore", "lake"]),
    ("query", &["part", "engine"]),
    ("server", &["part", "engine", "query"]),
    ("cli", &["part", "rowstore", "engine", "query", "server"]),
    ("worker", &["part", "rowstore", "engine", "query", "server"]),
];

/// Outside crates (`*` at one end stands for any text) and who may depend on them. Tests may too:
/// a comparison with Parquet needs Parquet.
const OUTSIDE: [(&str, &[&str]); 10] = [
    ("datafusion*", &["query"]),
    ("parquet*", &["server", "cli", "lake"]),
    ("iceberg*", &["lake"]),
    ("*rusqlite", &["rowstore"]),
    ("libsql*", &["rowstore"]),
    ("axum*", &["cli"]),
    ("hyper", &["cli"]),
    ("worker", &["worker"]),
    ("wasm-bindgen*", &["worker"]),
    ("js-sys", &["worker"]),
];

/// Features of tokio that open sockets, and who may ask for them.
const TOKIO_SOCKETS: [&str; 2] = ["net", "full"];
const SOCKETS: &[&str] = &["cli"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.ending_with("Cargo.toml") {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let line = line_of(text, error.span());
                faults.push(Fault::new(path, line, format!("not TOML: {}", error.message())));
                continue;
            }
        };
        let manifest = Manifest { path, text, folder: folder_of(path) };
        if let Some(folder) = manifest.folder
            && !ARROWS.iter().any(|(name, _)| *name == folder)
        {
            let message = format!(
                "`{folder}` is a new crate: add it and its arrows to ARROWS in \
                 xtask/src/tidy/crates.rs and to ARCHITECTURE.md"
            );
            faults.push(Fault::new(path, 1, message));
        }
        manifest.tables(document.as_table(), &mut faults);
    }
    faults
}

/// `part` for crates/part/Cargo.toml. None: not one of dodb's crates (the workspace, xtask).
fn folder_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")
}

struct Manifest<'a> {
    path: &'a str,
    text: &'a str,
    folder: Option<&'a str>,
}

/// One entry of a table of dependencies.
struct Dependency<'a> {
    /// The name it has in this manifest, and its package's own if that is another.
    names: [&'a str; 2],
    features: Vec<&'a str>,
    line: usize,
}

impl Manifest<'_> {
    /// Walks `[dependencies]` and its kin, those under `[target.*]` and `[workspace]` included.
    fn tables(&self, table: &dyn TableLike, faults: &mut Vec<Fault>) {
        for (name, item) in table.iter() {
            let Some(inner) = item.as_table_like() else { continue };
            match name {
                "dependencies" | "build-dependencies" => self.entries(inner, false, faults),
                "dev-dependencies" => self.entries(inner, true, faults),
                "workspace" => self.tables(inner, faults),
                "target" => {
                    for (_, platform) in inner.iter() {
                        if let Some(platform) = platform.as_table_like() {
                            self.tables(platform, faults);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn entries(&self, table: &dyn TableLike, is_dev: bool, faults: &mut Vec<Fault>) {
        for (name, item) in table.iter() {
            let span = table.get_key_value(name).and_then(|(key, _)| key.span());
            let package = item.get("package").and_then(Item::as_str).unwrap_or(name);
            let features = item.get("features").and_then(Item::as_array);
            let dependency = Dependency {
                names: [name, package],
                features: features.into_iter().flatten().filter_map(|f| f.as_str()).collect(),
                line: line_of(self.text, span),
            };
            let message = self.sockets(&dependency).or_else(|| {
                // The workspace names versions for all; what counts is who takes them.
                self.folder.is_some().then_some(())?;
                let outside = if is_dev { None } else { self.outside(&dependency) };
                outside.or_else(|| self.arrow(&dependency, is_dev))
            });
            if let Some(message) = message {
                faults.push(Fault::new(self.path, dependency.line, message));
            }
        }
    }

    fn is_one_of(&self, allowed: &[&str]) -> bool {
        self.folder.is_some_and(|folder| allowed.contains(&folder))
    }

    fn sockets(&self, dependency: &Dependency<'_>) -> Option<String> {
        let asked = dependency.features.iter().find(|feature| TOKIO_SOCKETS.contains(feature))?;
        let is_tokio = dependency.names.contains(&"tokio");
        (is_tokio && !self.is_one_of(SOCKETS))
            .then(|| format!("tokio with `{asked}` opens sockets: only {} may", SOCKETS.join(", ")))
    }

    fn outside(&self, dependency: &Dependency<'_>) -> Option<String> {
        let (pattern, allowed) = OUTSIDE
            .iter()
            .find(|(pattern, _)| dependency.names.iter().any(|name| fits(pattern, name)))?;
        (!self.is_one_of(allowed))
            .then(|| format!("only {} may depend on `{pattern}`", allowed.join(", ")))
    }

    fn arrow(&self, dependency: &Dependency<'_>, is_dev: bool) -> Option<String> {
        let from = self.folder?;
        let to = dependency.names.iter().find_map(|name| name.strip_prefix("dodb-"))?;
        let allowed = ARROWS.iter().find(|(name, _)| *name == from)?.1;
        // Tests may reach every room below, to set up what is tested; never one above.
        let fits = allowed.contains(&to) || is_dev && below(from).contains(&to);
        (!fits).then(|| format!("no arrow leads from {from} to {to}: see ARCHITECTURE.md"))
    }
}

/// Every crate that `from` depends on, directly or not.
fn below(from: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        let arrows = ARROWS.iter().find(|(name, _)| *name == next).map_or(&[][..], |arrow| arrow.1);
        for to in arrows {
            if !found.contains(to) {
                found.push(to);
                open.push(to);
            }
        }
    }
    found
}

fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        let mut tree = Tree::default();
        tree.insert(path, text);
        check(&tree).iter().map(|fault| format!("{}: {}", fault.line, fault.message)).collect()
    }

    fn lines(folder: &str, text: &str) -> Vec<usize> {
        let found = faults(&format!("crates/{folder}/Cargo.toml"), text);
        found.iter().map(|fault| fault.split(':').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn arrows_lead_down_only() {
        let on = |to: &str| format!("[package]\n\n[dependencies]\ndodb-{to}.workspace = true\n");
        assert_eq!(lines("part", &on("rowstore")), [4]);
        assert_eq!(lines("rowstore", &on("part")), [4]);
        assert_eq!(lines("engine", &on("query")), [4]);
        assert_eq!(lines("query", &on("rowstore")), [4]);
        assert_eq!(lines("server", &on("rowstore")), [4]);
        assert_eq!(lines("server", &on("cli")), [4]);
        for (from, to) in
            [("engine", "part"), ("query", "engine"), ("server", "part"), ("cli", "rowstore")]
        {
            assert_eq!(lines(from, &on(to)), [], "{from} to {to}");
        }
    }

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        assert_eq!(lines("part", "[dependencies.dodb-query]\nworkspace = true\n"), [1]);
        assert_eq!(lines("part", "[dependencies]\nq = { package = \"dodb-query\" }\n"), [2]);
        assert_eq!(lines("part", "[build-dependencies]\ndodb-query = \"1\"\n"), [2]);
        let platform = "[target.'cfg(unix)'.dependencies]\ndodb-query = \"1\"\n";
        assert_eq!(lines("part", platform), [2]);
    }

    #[test]
    fn tests_may_reach_down_past_the_arrows_but_never_up() {
        let on = |to: &str| format!("[dev-dependencies]\ndodb-{to} = \"1\"\n");
        assert_eq!(lines("query", &on("rowstore")), []);
        assert_eq!(lines("engine", &on("query")), [2]);
        assert_eq!(lines("part", &on("rowstore")), [2]);
    }

    #[test]
    fn outside_crates_have_their_one_room() {
        let on = |name: &str| format!("[dependencies]\n{name} = \"1\"\n");
        for (name, owner) in [
            ("datafusion", "query"),
            ("parquet", "server"),
            ("iceberg", "lake"),
            ("rusqlite", "rowstore"),
            ("axum", "cli"),
        ] {
            for (folder, _) in ARROWS {
                let may = folder == owner || name == "parquet" && ["cli", "lake"].contains(&folder);
                assert_eq!(lines(folder, &on(name)).is_empty(), may, "{name} in {folder}");
            }
        }
        assert_eq!(lines("engine", &on("datafusion-common")), [2]);
        assert_eq!(lines("part", "[dev-dependencies]\nparquet = \"1\"\n"), []);
        assert_eq!(lines("part", &on("hyperloglog")), []);
        assert_eq!(
            lines("engine", "[dependencies]\ndb = { package = \"libsql-rusqlite\" }\n"),
            [2]
        );
    }

    #[test]
    fn only_the_command_line_opens_sockets() {
        let text = "[dependencies]\ntokio = { workspace = true, features = [\"rt\", \"net\"] }\n";
        assert_eq!(lines("server", text), [2]);
        assert_eq!(lines("cli", text), []);
        assert_eq!(lines("server", &text.replace("net", "sync")), []);
        let workspace =
            "[workspace.dependencies]\ntokio = { version = \"1\", features = [\"full\"] }\n";
        assert_eq!(faults("Cargo.toml", workspace).len(), 1);
        assert_eq!(faults("Cargo.toml", "[workspace.dependencies]\naxum = \"1\"\n").len(), 0);
    }

    #[test]
    fn a_new_crate_must_be_given_its_arrows() {
        let found = faults("crates/sea/Cargo.toml", "[package]\nname = \"dodb-sea\"\n");
        assert!(found.len() == 1 && found[0].contains("ARROWS"), "{found:?}");
        assert_eq!(faults("xtask/Cargo.toml", "[dependencies]\nsyn = \"2\"\n").len(), 0);
    }

    #[test]
    fn what_is_not_toml_is_a_fault_at_its_line() {
        assert_eq!(lines("part", "[package]\nname =\n"), [2]);
    }
}
