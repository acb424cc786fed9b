//! The files a job looks at: every text file of the repository that git tracks or would track.
//! Not a general file walker: what git ignores is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why the files of a repository could not be listed or read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// git could not be started.
    #[error("git could not be started: {0}; install git, then try again")]
    Git(#[source] std::io::Error),
    /// git refused, in its own words.
    #[error("git does not list the files of {folder}: {message}")]
    Refused {
        /// The folder that was to be listed.
        folder: PathBuf,
        /// What git wrote to standard error.
        message: String,
    },
    /// A listed file could not be read.
    #[error("{path}: {source}")]
    Read {
        /// The file, relative to the repository's top.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// The files of a repository by their path from its top, with `/` between folders.
#[derive(Debug, Default)]
pub struct Tree {
    texts: BTreeMap<String, String>,
    paths: BTreeSet<String>,
}

impl Tree {
    /// Reads every file that git tracks, or would track, in the repository that holds `folder`.
    ///
    /// # Errors
    /// When git is missing, when `folder` is in no repository, or when a file cannot be read.
    pub fn of_repository(folder: &Path) -> Result<Tree, TreeError> {
        let top = git(folder, &["rev-parse", "--show-toplevel"])?;
        let top = Path::new(top.trim_end_matches('\n'));
        let listed = git(top, &["ls-files", "-z", "-co", "--exclude-standard"])?;
        let mut tree = Tree::default();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let file = top.join(path);
            // A file deleted but not yet committed is still listed; a link is not a text.
            let Ok(metadata) = std::fs::symlink_metadata(&file) else { continue };
            if !metadata.is_file() {
                tree.paths.insert(path.to_string());
                continue;
            }
            let bytes = std::fs::read(&file)
                .map_err(|source| TreeError::Read { path: path.to_string(), source })?;
            tree.insert(path, bytes);
        }
        Ok(tree)
    }

    /// Adds one file. Bytes that are not UTF-8 are a file that exists but is not read.
    pub fn insert(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.paths.insert(path.to_string());
        if let Ok(text) = String::from_utf8(bytes.into())
            && !text.contains('\0')
        {
            self.texts.insert(path.to_string(), text);
        }
    }

    /// Every text file, as (path, content), in the order of the paths.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text files whose path ends with `suffix`.
    pub fn ending_with<'a>(&'a self, suffix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(move |(path, _)| path.ends_with(suffix))
    }

    /// True if `path` is a file of the tree, or a folder that holds one. Empty: the top itself.
    pub fn has(&self, path: &str) -> bool {
        if path.is_empty() || self.paths.contains(path) {
            return true;
        }
        let folder = format!("{path}/");
        let first = self.paths.range(folder.clone()..).next();
        first.is_some_and(|first| first.starts_with(&folder))
    }

    /// How many files there are, texts or not.
    pub fn file_count(&self) -> usize {
        self.paths.len()
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, TreeError> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .map_err(TreeError::Git)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(TreeError::Refused {
        folder: folder.to_path_buf(),
        message: String::from_utf8_lossy(&output.stderr).trim().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_read_without_what_git_ignores() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        git(top, &["init", "--quiet"]).unwrap();
        std::fs::create_dir_all(top.join("docs/deep")).unwrap();
        std::fs::write(top.join(".gitignore"), "/target\n").unwrap();
        std::fs::write(top.join("target"), "ignored").unwrap();
        std::fs::write(top.join("docs/deep/a.md"), "text").unwrap();
        std::fs::write(top.join("docs/blob"), [0xff, 0xfe, 0x00]).unwrap();
        let tree = Tree::of_repository(&top.join("docs")).unwrap();
        assert_eq!(
            tree.texts().map(|(path, _)| path).collect::<Vec<_>>(),
            [".gitignore", "docs/deep/a.md"]
        );
        assert_eq!(tree.file_count(), 3);
        assert!(tree.has("docs/blob") && tree.has("docs/deep") && tree.has(""));
        assert!(!tree.has("target") && !tree.has("doc"));
    }

    #[test]
    fn a_folder_outside_any_repository_is_an_error_in_gits_words() {
        let folder = tempfile::tempdir().unwrap();
        let error = Tree::of_repository(folder.path()).unwrap_err();
        assert!(error.to_string().contains("not a git repository"), "{error}");
    }
}
