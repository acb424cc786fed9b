//! The tree of paths that a shredder has seen.

use hashbrown::HashMap;

use super::{Leaf, Shredder};
use crate::json::kind::{Kind, Kinds};
use crate::json::leaf::Values;
use crate::json::path::{push_elements, push_key};

/// No node.
pub(in crate::json) const NONE: u32 = u32::MAX;

/// Objects with more keys than this are searched by hash.
const LINEAR_MAX: usize = 8;

/// A place in documents.
#[derive(Debug)]
pub(in crate::json) struct Node {
    pub(super) parent: u32,
    /// The key that leads here; `None` for the elements of an array, and the root.
    pub(super) key: Option<Box<str>>,
    /// Keys, in the order they were first seen.
    pub(super) children: Vec<u32>,
    lookup: HashMap<Box<str>, u32>,
    /// The node of the elements, when this is an array.
    pub(super) elements: u32,
    /// The outermost array around it: the node whose elements lead here.
    pub(super) array: u32,
    leaves: Vec<(Kind, u32)>,
    /// The object that last had this key.
    pub(super) seen_in: u64,
    pub(super) kinds: Kinds,
    /// Whether the path has subcolumns; of an outermost array it holds for all within.
    pub(super) is_extracted: bool,
    /// The array goes to rest in this granule, whatever was chosen.
    pub(super) is_forced_to_rest: bool,
    /// Of an outermost array: the row and text of each.
    pub(super) spans: Vec<(u32, String)>,
}

impl Node {
    pub(super) fn root() -> Node {
        Node::new(NONE, None, NONE)
    }

    fn new(parent: u32, key: Option<Box<str>>, array: u32) -> Node {
        Node {
            parent,
            key,
            children: Vec::new(),
            lookup: HashMap::new(),
            elements: NONE,
            array,
            leaves: Vec::new(),
            seen_in: 0,
            kinds: Kinds::NONE,
            is_extracted: false,
            is_forced_to_rest: false,
            spans: Vec::new(),
        }
    }
}

impl Shredder {
    pub(super) fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    pub(super) fn node_mut(&mut self, at: u32) -> Option<&mut Node> {
        self.nodes.get_mut(at as usize)
    }

    /// The child of `parent` with the key, made when it is new; `None` when there are too many
    /// nodes. `expected` is where it was found in the object before.
    #[inline]
    pub(super) fn child(&mut self, parent: u32, key: &str, expected: &mut usize) -> Option<u32> {
        let children = &self.node(parent)?.children;
        for at in *expected..(*expected + 3).min(children.len()) {
            if let Some(child) = children.get(at)
                && self.node(*child).is_some_and(|node| node.key.as_deref() == Some(key))
            {
                *expected = at + 1;
                return Some(*child);
            }
        }
        self.child_by_search(parent, key)
    }

    fn child_by_search(&mut self, parent: u32, key: &str) -> Option<u32> {
        let node = self.node(parent)?;
        let found = if node.children.len() > LINEAR_MAX {
            node.lookup.get(key).copied()
        } else {
            let is_it = |at: &&u32| self.node(**at).is_some_and(|n| n.key.as_deref() == Some(key));
            node.children.iter().find(is_it).copied()
        };
        found.or_else(|| self.new_child(parent, Some(key.into())))
    }

    fn new_child(&mut self, parent: u32, key: Option<Box<str>>) -> Option<u32> {
        if self.nodes.len() >= self.options.nodes_max {
            return None;
        }
        let at = self.nodes.len() as u32;
        let above = self.node(parent)?;
        let array = match (&key, above.array) {
            (None, NONE) => parent,
            (_, array) => array,
        };
        self.nodes.push(Node::new(parent, key.clone(), array));
        let node = self.node_mut(parent)?;
        match key {
            Some(key) => {
                node.children.push(at);
                node.lookup.insert(key, at);
            }
            None => node.elements = at,
        }
        Some(at)
    }

    /// The node of the elements of an array.
    pub(super) fn elements(&mut self, array: u32) -> Option<u32> {
        match self.node(array)?.elements {
            NONE => self.new_child(array, None),
            at => Some(at),
        }
    }

    /// The leaf of a node and kind.
    #[inline]
    pub(super) fn leaf(&mut self, node: u32, kind: Kind) -> u32 {
        let found = self.node(node).and_then(|n| n.leaves.iter().find(|(k, _)| *k == kind));
        if let Some((_, leaf)) = found {
            return *leaf;
        }
        let at = self.leaves.len() as u32;
        let values = Values::new(kind);
        self.leaves.push(Leaf { node, kind, values, rows: Vec::new(), sub: None });
        if let Some(node) = self.node_mut(node) {
            node.leaves.push((kind, at));
        }
        at
    }

    /// The stored path of a node.
    pub(super) fn path(&self, node: u32) -> String {
        let mut steps = Vec::new();
        let mut at = node;
        while let Some(node) = self.node(at).filter(|node| node.parent != NONE) {
            steps.push(node.key.as_deref());
            at = node.parent;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Some(key) => push_key(&mut path, key),
                None => push_elements(&mut path),
            }
        }
        path
    }

    /// Forgets the paths that have no subcolumns.
    pub(super) fn prune_tree(&mut self) {
        let mut keep = vec![false; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let outer = if node.array == NONE { Some(node) } else { self.node(node.array) };
            let kept = keep.get(at) == Some(&true) || outer.is_some_and(|n| n.is_extracted);
            for at in [at, node.parent as usize] {
                if let Some(keep) = keep.get_mut(at).filter(|_| kept) {
                    *keep = true;
                }
            }
        }
        let old = std::mem::replace(&mut self.nodes, vec![Node::root()]);
        let mut moved = vec![NONE; old.len()];
        for (at, (node, keep)) in old.into_iter().zip(keep).enumerate() {
            let to = match moved.get(node.parent as usize) {
                None => Some(0),
                Some(parent) if keep && *parent != NONE => self.new_child(*parent, node.key),
                Some(_) => None,
            };
            let Some(to) = to else { continue };
            if let Some(slot) = moved.get_mut(at) {
                *slot = to;
            }
            if let Some(new) = self.node_mut(to) {
                (new.kinds, new.is_extracted) = (node.kinds, node.is_extracted);
            }
        }
        for leaf in std::mem::take(&mut self.leaves) {
            let to = moved.get(leaf.node as usize).copied().filter(|to| *to != NONE);
            if let (Some(node), Some(_)) = (to, leaf.sub) {
                let at = self.leaf(node, leaf.kind);
                if let Some(new) = self.leaves.get_mut(at as usize) {
                    new.sub = leaf.sub;
                }
            }
        }
    }
}
