//! The columns of a granule, once it is decided which paths have some: values, shapes, rest.

use std::sync::Arc;

use arrow_array::builder::BinaryViewBuilder;

use super::tree::NONE;
use super::{Shredded, Shredder, Sub, TOKEN_CLOSE, TOKEN_NEXT, TOKEN_OVERFLOW};
use crate::error::{Error, Result};
use crate::json::canonical::without_duplicates;
use crate::json::kind::Kind;
use crate::json::leaf::{LeafArray, REST_BUCKETS, Role, push_rest, rest_bucket};
use crate::json::shape;

/// Rest of fewer bytes stays in one column.
const SPLIT_BYTES_MIN: usize = 64 << 10;

/// Rest columns being made, and how far each leaf and span has been taken.
struct Rest {
    is_split: bool,
    /// For each bucket the value of each row.
    buckets: Vec<Vec<Vec<u8>>>,
    rows: usize,
    taken: Vec<usize>,
    spans_taken: Vec<usize>,
}

impl Rest {
    fn push(&mut self, row: usize, path: &str, value: &str) -> u32 {
        let bucket = if self.is_split { rest_bucket(path) } else { REST_BUCKETS };
        if let Some(values) = self.buckets.get_mut(usize::from(bucket)) {
            if values.is_empty() {
                values.resize_with(self.rows, Vec::new);
            }
            if let Some(value_of_row) = values.get_mut(row) {
                push_rest(value_of_row, path, value);
            }
        }
        shape::REST + u32::from(bucket)
    }
}

impl Shredder {
    pub(super) fn emit(&mut self, rows: usize) -> Result<Shredded> {
        self.number_leaves();
        let mut rest = Rest {
            is_split: self.rest_bytes() >= SPLIT_BYTES_MIN,
            buckets: vec![Vec::new(); usize::from(REST_BUCKETS) + 1],
            rows,
            taken: vec![0; self.leaves.len()],
            spans_taken: vec![0; self.nodes.len()],
        };
        let shapes = self.shapes(&mut rest)?;
        let mut columns = Vec::new();
        let buffers = self.buffers();
        for leaf in &self.leaves {
            let Some(sub) = leaf.sub.filter(|_| !leaf.rows.is_empty()) else { continue };
            if !self.is_extracted(leaf.node) {
                continue;
            }
            let array = match self.node(leaf.node).map(|node| node.array) {
                Some(NONE) | None => leaf.values.array(&leaf.rows, rows, &buffers),
                Some(_) => leaf.values.lists(&leaf.rows, rows, &buffers),
            };
            columns.push(LeafArray { sub, array });
        }
        for (bucket, values) in rest.buckets.into_iter().enumerate() {
            if values.is_empty() {
                continue;
            }
            let mut builder = BinaryViewBuilder::with_capacity(rows);
            for value in values {
                builder.append_option((!value.is_empty()).then_some(value));
            }
            let sub = self.rest_sub(bucket as u8);
            columns.push(LeafArray { sub, array: Arc::new(builder.finish()) });
        }
        Ok(Shredded { shapes, columns })
    }

    /// Gives numbers to the leaves that are stored from now on.
    fn number_leaves(&mut self) {
        for at in 0..self.leaves.len() {
            let Some(leaf) = self.leaves.get(at) else { continue };
            if leaf.sub.is_some() || leaf.rows.is_empty() || !self.is_extracted(leaf.node) {
                continue;
            }
            let path = self.path(leaf.node);
            let listed = self.node(leaf.node).is_some_and(|node| node.array != NONE);
            // A kind that comes late to a path that has subcolumns: it did not occur before.
            let is_known = |sub: &&Sub| matches!(sub.role, Role::Leaf(_)) && sub.path == path;
            let known = self.subs.iter().find(is_known);
            let since = known.map_or(self.granule, |sub| sub.since);
            let role = Role::Leaf(leaf.kind);
            let sub = self.subs.len();
            self.subs.push(Sub { path, role, listed, since });
            if let Some(leaf) = self.leaves.get_mut(at) {
                leaf.sub = Some(sub);
            }
        }
    }

    fn rest_sub(&mut self, bucket: u8) -> usize {
        if let Some(sub) = self.rest_subs.get(&bucket) {
            return *sub;
        }
        let sub = self.subs.len();
        let role = Role::Rest(bucket);
        self.subs.push(Sub { path: String::new(), role, listed: false, since: self.granule });
        self.rest_subs.insert(bucket, sub);
        sub
    }

    fn rest_bytes(&self) -> usize {
        let left = self.leaves.iter().filter(|leaf| !self.is_extracted(leaf.node));
        let leaves: usize = left.map(|leaf| leaf.values.bytes() + 16 * leaf.rows.len()).sum();
        leaves + self.overflow.iter().map(|(path, value)| path.len() + value.len()).sum::<usize>()
    }

    fn shapes(&self, rest: &mut Rest) -> Result<arrow_array::ArrayRef> {
        let mut builder = BinaryViewBuilder::with_capacity(self.row_ends.len());
        let mut paths = vec![None; self.nodes.len()];
        let mut shape = Vec::new();
        let mut start = 0;
        for (row, end) in self.row_ends.iter().enumerate() {
            let Some(end) = end else {
                builder.append_null();
                continue;
            };
            shape.clear();
            let tokens = self.tokens.get(start..*end).unwrap_or_default();
            self.shape(row, tokens, rest, &mut paths, &mut shape)?;
            start = *end;
            builder.append_value(&shape);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// The shape of one row; what is not extracted becomes entries of rest.
    fn shape(
        &self,
        row: usize,
        tokens: &[u32],
        rest: &mut Rest,
        paths: &mut [Option<String>],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let lost = || Error::Encode { what: "document", detail: "a token has no leaf".into() };
        let mut tokens = tokens.iter();
        while let Some(token) = tokens.next() {
            match *token {
                TOKEN_CLOSE => shape::push(out, shape::CLOSE),
                TOKEN_NEXT => shape::push(out, shape::NEXT),
                token if token & TOKEN_OVERFLOW != 0 => {
                    let entry = self.overflow.get((token & !TOKEN_OVERFLOW) as usize);
                    let (path, value) = entry.ok_or_else(lost)?;
                    shape::push(out, rest.push(row, path, value));
                }
                at => {
                    let leaf = self.leaves.get(at as usize).ok_or_else(lost)?;
                    if let Some(sub) = leaf.sub.filter(|_| self.is_extracted(leaf.node)) {
                        shape::push(out, shape::LEAF + sub as u32);
                        continue;
                    }
                    let slot = paths.get_mut(leaf.node as usize).ok_or_else(lost)?;
                    let path = slot.get_or_insert_with(|| self.path(leaf.node));
                    let value = match leaf.kind {
                        Kind::Array => {
                            skip_array(&mut tokens, &self.leaves);
                            self.span(leaf.node, rest).ok_or_else(lost)?
                        }
                        _ => self.json(at as usize, rest).ok_or_else(lost)?,
                    };
                    shape::push(out, rest.push(row, path, &value));
                }
            }
        }
        Ok(())
    }

    /// The next value of a leaf as JSON.
    fn json(&self, leaf: usize, rest: &mut Rest) -> Option<String> {
        let taken = rest.taken.get_mut(leaf)?;
        let found = self.leaves.get(leaf)?;
        let mut text = String::new();
        found.values.push_json(found.kind, *taken, &self.texts, &mut text);
        *taken += 1;
        Some(text)
    }

    /// The text of the next array at a node. Arrays cut short on the way may hide a key that
    /// occurs twice.
    fn span(&self, node: u32, rest: &mut Rest) -> Option<String> {
        let taken = rest.spans_taken.get_mut(node as usize)?;
        let (_, text) = self.node(node)?.spans.get(*taken)?;
        *taken += 1;
        without_duplicates(text).ok()
    }
}

/// Leaves out the tokens of an array, whose first is taken already.
fn skip_array(tokens: &mut std::slice::Iter<'_, u32>, leaves: &[super::Leaf]) {
    let mut depth = 1;
    for token in tokens {
        match *token {
            TOKEN_CLOSE => depth -= 1,
            at => {
                let leaf = leaves.get(at as usize);
                depth += usize::from(leaf.is_some_and(|leaf| leaf.kind == Kind::Array));
            }
        }
        if depth == 0 {
            return;
        }
    }
}
