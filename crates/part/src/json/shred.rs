//! Documents to subcolumns, granule by granule. Streams over the text once, into a tree of the
//! paths seen; then decides which paths get subcolumns and writes the shapes. Not for encoding.
//!
//! A path gets subcolumns when it is in one document of [`RARE_ONE_IN`], or takes
//! [`HEAVY_BYTES_MIN`] bytes of the granule, the most frequent and then the largest first, up to
//! [`ShredOptions::paths_max`] in a part; from then on it has them to the end of the part. An
//! array of objects is taken or left as a whole.

mod choose;
mod emit;
mod tree;
mod walk;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use hashbrown::{HashMap, HashSet};

use super::kind::Kind;
use super::leaf::{LeafArray, Role, Texts, Values, check_size};
use super::scan::Scanner;
use super::summary::PathSummary;
use crate::error::{Error, Result};
use tree::Node;
pub(super) use walk::array_kind;

/// A path in fewer documents than one of so many is rare.
pub(super) const RARE_ONE_IN: usize = 64;
/// A path with so many bytes in a granule is not rare.
pub(super) const HEAVY_BYTES_MIN: usize = 4 << 10;
/// Documents may be nested so deep.
pub(crate) const JSON_DEPTH_MAX: usize = 128;
/// An array of objects larger than this is kept as text.
pub(super) const ARRAY_BYTES_MAX: usize = 64 << 10;

/// How much of a part is shredded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShredOptions {
    /// Paths with subcolumns, in one JSON column of one part.
    pub(crate) paths_max: usize,
    /// Paths that are told apart while a granule is shredded; the others go to rest as text.
    pub(crate) nodes_max: usize,
}

impl Default for ShredOptions {
    fn default() -> ShredOptions {
        ShredOptions { paths_max: 1_024, nodes_max: 16_384 }
    }
}

/// A stored column: its path, its role, and the granule from which on its path has subcolumns.
#[derive(Debug, Clone)]
pub(crate) struct Sub {
    pub(crate) path: String,
    pub(crate) role: Role,
    pub(crate) listed: bool,
    pub(crate) since: u32,
}

/// One granule as columns.
#[derive(Debug)]
pub(crate) struct Shredded {
    /// The shape of each document (`Bytes`), null for a null document.
    pub(crate) shapes: ArrayRef,
    /// The columns that have values in this granule.
    pub(crate) columns: Vec<LeafArray>,
}

/// Values of one node and kind.
pub(super) struct Leaf {
    pub(super) node: u32,
    pub(super) kind: Kind,
    pub(super) values: Values,
    /// The row of each value.
    pub(super) rows: Vec<u32>,
    /// Its number among the stored columns, once it has one.
    pub(super) sub: Option<usize>,
}

/// Why a document cannot be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is not JSON, or too deep.
    Invalid,
    /// A key occurs twice in an object.
    Duplicate,
}

/// Tokens of the current granule: numbers of leaves, and these.
pub(super) const TOKEN_CLOSE: u32 = u32::MAX;
pub(super) const TOKEN_NEXT: u32 = u32::MAX - 1;
/// Plus the number of an entry of `overflow`.
pub(super) const TOKEN_OVERFLOW: u32 = 1 << 31;

/// Shreds the granules of one JSON column of one part.
pub(crate) struct Shredder {
    options: ShredOptions,
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: Vec<Leaf>,
    /// Whether values are kept, or only kinds counted.
    pub(super) keeps_values: bool,
    pub(super) texts: Texts,
    pub(super) tokens: Vec<u32>,
    pub(super) row_ends: Vec<Option<usize>>,
    pub(super) row: u32,
    /// Counts objects; tells a duplicate key from the key of another object.
    pub(super) objects: u64,
    /// Values of paths beyond `nodes_max`: path and JSON text.
    pub(super) overflow: Vec<(String, String)>,
    pub(super) overflow_seen: HashSet<String>,
    subs: Vec<Sub>,
    rest_subs: HashMap<u8, usize>,
    paths_used: usize,
    granule: u32,
}

impl Shredder {
    pub(crate) fn new(options: ShredOptions) -> Shredder {
        Shredder {
            options,
            nodes: vec![Node::root()],
            leaves: Vec::new(),
            keeps_values: true,
            texts: Texts::default(),
            tokens: Vec::new(),
            row_ends: Vec::new(),
            row: 0,
            objects: 0,
            overflow: Vec::new(),
            overflow_seen: HashSet::new(),
            subs: Vec::new(),
            rest_subs: HashMap::new(),
            paths_used: 0,
            granule: 0,
        }
    }

    /// The stored columns so far; numbers never change.
    pub(crate) fn subs(&self) -> &[Sub] {
        &self.subs
    }

    /// Shreds the documents of one granule (`Utf8View`).
    ///
    /// # Errors
    /// [`Error::Value`] for text that is not JSON, naming the row of the granule.
    pub(crate) fn shred(&mut self, documents: &ArrayRef) -> Result<Shredded> {
        let texts = documents.as_string_view_opt().ok_or_else(|| {
            Error::wrong_type("documents", format!("text expected, not {}", documents.data_type()))
        })?;
        self.clear();
        check_size(texts.iter().flatten().map(str::len).sum())?;
        for (row, text) in texts.iter().enumerate() {
            let Some(text) = text else {
                self.row_ends.push(None);
                continue;
            };
            self.row = row as u32;
            self.document(text)?;
            self.row_ends.push(Some(self.tokens.len()));
        }
        let rows = texts.len();
        self.choose(rows);
        let shredded = self.emit(rows)?;
        self.granule += 1;
        if self.nodes.len() > self.options.nodes_max / 2 {
            self.prune_tree();
        }
        Ok(shredded)
    }

    /// Walks one document, a second time without duplicate keys if it has some.
    fn document(&mut self, text: &str) -> Result<()> {
        let tokens = self.tokens.len();
        let overflow = self.overflow.len();
        self.overflow_seen.clear();
        match self.walk(text) {
            Ok(_) => return Ok(()),
            Err(Stop::Invalid) => return Err(self.invalid(text)),
            Err(Stop::Duplicate) => {}
        }
        self.tokens.truncate(tokens);
        self.overflow.truncate(overflow);
        self.overflow_seen.clear();
        self.forget_row();
        let text = super::canonical::without_duplicates(text).map_err(|_| self.invalid(text))?;
        self.walk(&text).map(|_| ()).map_err(|_| self.invalid(&text))
    }

    /// Says whether the text is canonical.
    fn walk(&mut self, text: &str) -> Result<bool, Stop> {
        let base = self.texts.source.len();
        if self.keeps_values {
            self.texts.source.extend_from_slice(text.as_bytes());
        }
        let mut scanner = Scanner::new(text);
        self.value(&mut scanner, base, 0, JSON_DEPTH_MAX)?;
        if scanner.is_end() { Ok(scanner.is_canonical()) } else { Err(Stop::Invalid) }
    }

    fn invalid(&self, text: &str) -> Error {
        Error::bad_value(
            format!("document {} of a granule", self.row),
            super::canonical::why_invalid(text),
        )
    }

    /// Takes back what the current row has added to leaves.
    fn forget_row(&mut self) {
        let row = self.row;
        for leaf in &mut self.leaves {
            let keep = leaf.rows.partition_point(|r| *r < row);
            leaf.rows.truncate(keep);
            leaf.values.truncate(keep);
        }
        for node in &mut self.nodes {
            if let Some(keep) = node.spans.iter().position(|(r, _)| *r >= row) {
                node.spans.truncate(keep);
            }
        }
    }

    fn clear(&mut self) {
        for leaf in &mut self.leaves {
            leaf.values.clear();
            leaf.rows.clear();
        }
        for node in &mut self.nodes {
            node.spans.clear();
            node.is_forced_to_rest = false;
        }
        self.texts.source.clear();
        self.texts.unescaped.clear();
        self.tokens.clear();
        self.row_ends.clear();
        self.overflow.clear();
    }

    /// The kinds seen at each path so far.
    pub(crate) fn summary(&self) -> PathSummary {
        let mut summary = PathSummary::default();
        for (at, node) in self.nodes.iter().enumerate() {
            if node.kinds != super::Kinds::NONE {
                summary.add(&self.path(at as u32), node.kinds);
            }
        }
        if !self.overflow.is_empty() {
            summary.overflow();
        }
        summary
    }

    /// For [`super::Inspector`]: one document for its kinds only.
    /// Says whether it is canonical already.
    pub(super) fn inspect(&mut self, text: &str) -> Result<bool, Stop> {
        self.keeps_values = false;
        self.overflow_seen.clear();
        self.walk(text)
    }

    pub(super) fn buffers(&mut self) -> Arc<[arrow_buffer::Buffer]> {
        let source = std::mem::take(&mut self.texts.source);
        let unescaped = std::mem::take(&mut self.texts.unescaped);
        Arc::from([source.into(), unescaped.into()])
    }
}
