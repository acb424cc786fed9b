//! Every link of a Markdown file to a local file or folder leads somewhere. Links out of the
//! repository and headings within a file are not checked.

use pulldown_cmark::{Event, Parser, Tag};

use super::Fault;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.ending_with(".md") {
        for (event, place) in Parser::new(text).into_offset_iter() {
            let (Event::Start(Tag::Link { dest_url, .. })
            | Event::Start(Tag::Image { dest_url, .. })) = event
            else {
                continue;
            };
            if let Some(message) = broken(tree, path, &dest_url) {
                let line = text[..place.start].matches('\n').count() + 1;
                faults.push(Fault::new(path, line, message));
            }
        }
    }
    faults
}

/// What is wrong with the link `target` in the file `path`, if anything.
fn broken(tree: &Tree, path: &str, target: &str) -> Option<String> {
    let local = target.split(['#', '?']).next().unwrap_or_default();
    let scheme = target.split([':', '/']).next().unwrap_or_default();
    let is_url = target.starts_with(&format!("{scheme}:")) || target.starts_with("//");
    if is_url || local.is_empty() {
        return None;
    }
    let Some(resolved) = resolve(path, local) else {
        return Some(format!("link to `{target}`, which is outside the repository"));
    };
    (!tree.has(&resolved)).then(|| format!("link to `{target}`, but there is no `{resolved}`"))
}

/// `target` as seen from the file `path`, as a path from the top. None: it leads out of it.
fn resolve(path: &str, target: &str) -> Option<String> {
    let mut folders: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                folders.pop()?;
            }
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let mut tree = Tree::default();
        tree.insert("docs/a.md", text);
        tree.insert("docs/decisions/0001.md", "");
        tree.insert("README.md", "");
        check(&tree).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_link_to_a_missing_file_is_a_fault_at_its_line() {
        assert_eq!(lines("one\n\n[x](b.md) and [y](../gone/)\n\n![z](z.png)\n"), [3, 3, 5]);
        assert_eq!(lines("text with [a reference][r]\n\n[r]: missing.md\n"), [1]);
        assert_eq!(lines("[x](../../outside.md)\n"), [1]);
        assert_eq!(lines("[x](/docs/gone.md)\n"), [1]);
    }

    #[test]
    fn links_that_lead_somewhere_or_outside_are_fine() {
        let text = "[a](decisions/0001.md) [b](../README.md#top) [c](decisions/) [d](#here)\n\
            [e](https://example.com/x.md) [f](mailto:a@b.c) [g](/README.md) [h](./a.md)\n\n\
            `[code](gone.md)`\n\n```\n[code](gone.md)\n```\n";
        assert_eq!(lines(text), []);
    }
}
