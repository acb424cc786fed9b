//! Which paths get subcolumns, once the documents of a granule were walked.

use std::cmp::Reverse;

use super::tree::NONE;
use super::{HEAVY_BYTES_MIN, RARE_ONE_IN, Shredder};

/// A path, or an outermost array with all within: taken or left as a whole.
#[derive(Debug, Clone, Default)]
struct Candidate {
    node: u32,
    values: usize,
    bytes: usize,
    paths: usize,
}

impl Shredder {
    /// Marks the nodes that have subcolumns from this granule on.
    pub(super) fn choose(&mut self, rows: usize) {
        let mut candidates = self.candidates();
        candidates.retain(|candidate| {
            candidate.values * RARE_ONE_IN >= rows || candidate.bytes >= HEAVY_BYTES_MIN
        });
        candidates.sort_by_key(|candidate| Reverse((candidate.values, candidate.bytes)));
        for candidate in candidates {
            if self.paths_used + candidate.paths > self.options.paths_max {
                continue;
            }
            self.paths_used += candidate.paths;
            if let Some(node) = self.node_mut(candidate.node) {
                node.is_extracted = true;
            }
        }
    }

    /// What is not extracted yet and has values in this granule.
    fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = vec![Candidate::default(); self.nodes.len()];
        for leaf in &self.leaves {
            let Some(node) = self.node(leaf.node) else { continue };
            let unit = if node.array == NONE { leaf.node } else { node.array };
            if leaf.rows.is_empty() || self.node(unit).is_none_or(|node| node.is_extracted) {
                continue;
            }
            if let Some(candidate) = candidates.get_mut(unit as usize) {
                candidate.node = unit;
                candidate.bytes += leaf.values.bytes();
                candidate.paths += usize::from(leaf.node != unit || candidate.paths == 0);
                if leaf.node == unit {
                    candidate.values += leaf.rows.len();
                }
            }
        }
        candidates.retain(|candidate| candidate.paths > 0);
        candidates
    }

    /// Whether the leaves of a node are subcolumns in this granule; else they go to rest.
    pub(super) fn is_extracted(&self, node: u32) -> bool {
        let Some(found) = self.node(node) else { return false };
        match self.node(found.array) {
            None => found.is_extracted && !found.is_forced_to_rest,
            Some(array) => array.is_extracted && !array.is_forced_to_rest,
        }
    }
}
