//! Which kinds of values the paths of a column hold, over all its documents: what gives a path its
//! type before anything is read. Grows only; bounded in paths and bytes.

use std::collections::BTreeMap;

use super::kind::{Kind, Kinds, PathType};

/// Paths that are told apart.
const PATHS_MAX: usize = 2_048;
/// Bytes of all paths together.
const BYTES_MAX: usize = 64 << 10;

/// The kinds at each path; past its bounds, of the first paths that came.
#[derive(Debug, Clone, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
pub struct PathSummary {
    #[n(0)]
    paths: BTreeMap<String, Kinds>,
    /// Whether there may be paths that are not listed, and kinds not known of those listed.
    #[n(1)]
    is_partial: bool,
    #[n(2)]
    bytes: u32,
}

impl PathSummary {
    /// Of documents about which nothing is known.
    pub fn unknown() -> PathSummary {
        PathSummary { is_partial: true, ..PathSummary::default() }
    }

    /// Of documents that hold nothing but these kinds at these stored paths.
    pub fn of<'a>(paths: impl IntoIterator<Item = (&'a str, Kinds)>) -> PathSummary {
        let mut summary = PathSummary::default();
        paths.into_iter().for_each(|(path, kinds)| summary.add(path, kinds));
        summary
    }

    /// Adds kinds at a stored path.
    pub(crate) fn add(&mut self, path: &str, kinds: Kinds) {
        if let Some(known) = self.paths.get_mut(path) {
            *known = known.with(kinds);
            return;
        }
        let bytes = self.bytes as usize + path.len();
        if self.paths.len() >= PATHS_MAX || bytes > BYTES_MAX {
            self.is_partial = true;
            return;
        }
        self.bytes = bytes as u32;
        self.paths.insert(path.to_owned(), kinds);
    }

    /// There are more paths than can be listed.
    pub(crate) fn overflow(&mut self) {
        self.is_partial = true;
    }

    /// Adds what is known of other documents.
    pub fn merge(&mut self, other: &PathSummary) {
        if self.paths.is_empty() && !self.is_partial {
            *self = other.clone();
            return;
        }
        self.is_partial |= other.is_partial;
        for (path, kinds) in &other.paths {
            self.add(path, *kinds);
        }
    }

    /// Whether there may be paths, and kinds, that it does not know.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// The paths and their kinds, in the order of the paths.
    pub fn paths(&self) -> impl Iterator<Item = (&str, Kinds)> {
        self.paths.iter().map(|(path, kinds)| (path.as_str(), *kinds))
    }

    /// What all values at a stored path of keys are: [`PathType::Text`] when that is not known.
    pub fn path_type(&self, path: &str) -> PathType {
        self.kinds(path).map_or(PathType::Text, Kinds::path_type)
    }

    /// The type of a path whose texts are all dates or times.
    pub fn time_type(&self, path: &str) -> Option<PathType> {
        self.kinds(path)?.time_type()
    }

    /// The kinds at a stored path of keys, objects included; `None` when they are not known.
    fn kinds(&self, path: &str) -> Option<Kinds> {
        if self.is_partial {
            return None;
        }
        let mut kinds = self.paths.get(path).copied().unwrap_or(Kinds::NONE);
        let inside = format!("{path}.");
        let next = self.paths.range(inside.clone()..).next();
        if next.is_some_and(|(under, _)| under.starts_with(&inside)) {
            kinds = kinds.with(Kinds::of(Kind::EmptyObject));
        }
        Some(kinds)
    }
}
