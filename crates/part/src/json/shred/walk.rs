//! Walks over one document and hands its leaves to the tree.

use std::borrow::Cow;

use super::tree::NONE;
use super::{ARRAY_BYTES_MAX, Shredder, Stop, TOKEN_CLOSE, TOKEN_NEXT, TOKEN_OVERFLOW};
use crate::json::canonical::minified;
use crate::json::kind::{Kind, Kinds};
use crate::json::leaf::{Texts, Values};
use crate::json::number::Number;
use crate::json::path::push_key;
use crate::json::read::unquoted;
use crate::json::scan::{Quoted, Scanner};
use crate::json::time;

type Walked = Result<(), Stop>;

/// What an array holds, found by a look ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elements {
    /// Scalars of one kind: that of the array.
    Typed(Kind),
    /// Other scalars.
    Mixed,
    /// Objects or arrays among them.
    Nested,
}

impl Shredder {
    /// Walks over the value at the scanner, which belongs to `node`.
    pub(super) fn value(
        &mut self,
        scanner: &mut Scanner<'_>,
        base: usize,
        node: u32,
        depth: usize,
    ) -> Walked {
        match scanner.peek().ok_or(Stop::Invalid)? {
            b'{' => self.object(scanner, base, node, depth),
            b'[' => self.array(scanner, base, node, depth),
            b'"' => {
                let quoted = scanner.quoted().ok_or(Stop::Invalid)?;
                self.string(&quoted, base + quoted.start, node);
                Ok(())
            }
            b't' | b'f' => {
                let raw = scanner.value().ok_or(Stop::Invalid)?;
                self.leaf_value(node, Kind::Bool, |values| {
                    if let Values::Bool(v) = values {
                        v.push(raw == "true");
                    }
                });
                Ok(())
            }
            b'n' => {
                scanner.value().ok_or(Stop::Invalid)?;
                self.unit(node, Kind::Null);
                Ok(())
            }
            _ => {
                let (raw, at) = scanner.located_value().ok_or(Stop::Invalid)?;
                self.number(raw, base + at, node);
                Ok(())
            }
        }
    }

    fn object(
        &mut self,
        scanner: &mut Scanner<'_>,
        base: usize,
        node: u32,
        depth: usize,
    ) -> Walked {
        let depth = depth.checked_sub(1).ok_or(Stop::Invalid)?;
        scanner.take(b'{');
        if scanner.take(b'}') {
            self.unit(node, Kind::EmptyObject);
            return Ok(());
        }
        self.objects += 1;
        let object = self.objects;
        let mut expected = 0;
        loop {
            let key = scanner.quoted_key().ok_or(Stop::Invalid)?;
            let key = key.text().ok_or(Stop::Invalid)?;
            match self.child(node, &key, &mut expected) {
                Some(child) => {
                    let child_node = self.node_mut(child).ok_or(Stop::Invalid)?;
                    if child_node.seen_in == object {
                        return Err(Stop::Duplicate);
                    }
                    child_node.seen_in = object;
                    self.value(scanner, base, child, depth)?;
                }
                None => self.overflow(scanner, node, &key, depth)?,
            }
            if scanner.take(b'}') {
                return Ok(());
            }
            if !scanner.take(b',') {
                return Err(Stop::Invalid);
            }
        }
    }

    /// A value whose path is one too many to be told apart.
    fn overflow(
        &mut self,
        scanner: &mut Scanner<'_>,
        node: u32,
        key: &str,
        depth: usize,
    ) -> Walked {
        let raw = scanner.value_within(depth).ok_or(Stop::Invalid)?;
        let array = self.node(node).map_or(NONE, |node| node.array);
        if let Some(array) = self.node_mut(array) {
            // Only the array as a whole can go to rest. Its text is kept already.
            array.is_forced_to_rest = true;
            return Ok(());
        }
        let mut path = self.path(node);
        push_key(&mut path, key);
        if !self.overflow_seen.insert(path.clone()) {
            return Err(Stop::Duplicate);
        }
        if has_duplicates(raw) {
            return Err(Stop::Duplicate);
        }
        let number = self.overflow.len() as u32;
        if self.keeps_values {
            self.tokens.push(TOKEN_OVERFLOW | number);
            self.overflow.push((path, minified(raw).into_owned()));
        } else if self.overflow.is_empty() {
            self.overflow.push((path, String::new()));
        }
        Ok(())
    }

    fn array(&mut self, scanner: &mut Scanner<'_>, base: usize, node: u32, depth: usize) -> Walked {
        let depth = depth.checked_sub(1).ok_or(Stop::Invalid)?;
        let is_outermost = self.node(node).is_some_and(|n| n.array == NONE);
        let (raw, at) = scanner.clone().located_value().ok_or(Stop::Invalid)?;
        if is_outermost {
            let elements = look_ahead(raw).ok_or(Stop::Invalid)?;
            match elements {
                Some(Elements::Typed(kind)) => {
                    scanner.value().ok_or(Stop::Invalid)?;
                    return self.typed_array(raw, base + at, node, kind);
                }
                Some(Elements::Mixed) => {
                    scanner.value().ok_or(Stop::Invalid)?;
                    self.raw(raw, node);
                    return Ok(());
                }
                Some(Elements::Nested) if raw.len() > ARRAY_BYTES_MAX => {
                    scanner.value_within(depth).ok_or(Stop::Invalid)?;
                    if has_duplicates(raw) {
                        return Err(Stop::Duplicate);
                    }
                    self.raw(raw, node);
                    return Ok(());
                }
                Some(Elements::Nested) => {
                    let row = self.row;
                    if self.keeps_values
                        && let Some(node) = self.node_mut(node)
                    {
                        node.spans.push((row, minified(raw).into_owned()));
                    }
                }
                None => {}
            }
        }
        scanner.take(b'[');
        if scanner.take(b']') {
            self.unit(node, Kind::EmptyArray);
            return Ok(());
        }
        self.unit(node, Kind::Array);
        let Some(elements) = self.elements(node) else {
            return self.array_overflow(raw, scanner, node, depth);
        };
        loop {
            self.value(scanner, base, elements, depth)?;
            if scanner.take(b']') {
                self.token(TOKEN_CLOSE);
                return Ok(());
            }
            if !scanner.take(b',') {
                return Err(Stop::Invalid);
            }
            self.token(TOKEN_NEXT);
        }
    }

    /// An array whose elements are one node too many: the outermost array goes to rest.
    fn array_overflow(
        &mut self,
        raw: &str,
        scanner: &mut Scanner<'_>,
        node: u32,
        depth: usize,
    ) -> Walked {
        if has_duplicates(raw) {
            return Err(Stop::Duplicate);
        }
        // Behind the bracket: what is left of the elements.
        scanner.elements_within(depth).ok_or(Stop::Invalid)?;
        let outermost = match self.node(node).map_or(NONE, |n| n.array) {
            NONE => node,
            array => array,
        };
        if let Some(array) = self.node_mut(outermost) {
            array.is_forced_to_rest = true;
        }
        self.token(TOKEN_CLOSE);
        Ok(())
    }

    fn typed_array(&mut self, raw: &str, at: usize, node: u32, kind: Kind) -> Walked {
        if !self.keeps_values {
            self.note(node, Kinds::of(kind));
            return Ok(());
        }
        let mut scanner = Scanner::new(raw);
        scanner.take(b'[');
        let leaf = self.leaf(node, kind);
        loop {
            let (element, offset) = scanner.located_value().ok_or(Stop::Invalid)?;
            let view = match kind {
                Kind::Strings => {
                    let text = unquoted(element).ok_or(Stop::Invalid)?;
                    self.text_view(text, at + offset)
                }
                _ => 0,
            };
            let Some(leaf) = self.leaves.get_mut(leaf as usize) else { return Err(Stop::Invalid) };
            if let Values::List(_, elements) = &mut leaf.values {
                match (elements.as_mut(), Number::parse(element)) {
                    (Values::Text(v), _) => v.push(view),
                    (Values::Bool(v), _) => v.push(element == "true"),
                    (Values::Int(v), Number::Int(int)) => v.push(int),
                    (Values::Float(v), Number::Float(float)) => v.push(float),
                    _ => return Err(Stop::Invalid),
                }
            }
            if scanner.take(b']') {
                break;
            }
            scanner.take(b',');
        }
        self.leaf_value(node, kind, |values| {
            if let Values::List(ends, elements) = values {
                ends.push(elements.len() as u32);
            }
        });
        Ok(())
    }

    fn string(&mut self, quoted: &Quoted<'_>, at: usize, node: u32) {
        let text = quoted.text();
        if let Some((kind, value)) = text.as_deref().and_then(time::parse) {
            self.leaf_value(node, kind, |values| {
                if let Values::Int(v) = values {
                    v.push(value);
                }
            });
            return;
        }
        if !self.keeps_values {
            let kind = if text.is_some() { Kind::String } else { Kind::Raw };
            self.note(node, Kinds::of(kind));
            return;
        }
        match text {
            Some(text) => {
                let view = self.text_view(text, at);
                self.leaf_value(node, Kind::String, |values| push_view(values, view));
            }
            // A lone surrogate: there is no text for it.
            None => self.raw(quoted.raw, node),
        }
    }

    /// A view of a string without its quotes, the first of which is at `at`.
    fn text_view(&mut self, text: Cow<'_, str>, at: usize) -> u128 {
        match text {
            Cow::Borrowed(text) => Texts::view(text, at + 1),
            Cow::Owned(text) => self.texts.keep(&text),
        }
    }

    fn number(&mut self, raw: &str, at: usize, node: u32) {
        let number = Number::parse(raw);
        let kinds = number.kinds(raw);
        match number {
            Number::Int(value) => self.leaf_value(node, Kind::Int, |values| {
                if let Values::Int(v) = values {
                    v.push(value);
                }
            }),
            Number::UInt(value) => self.leaf_value(node, Kind::UInt, |values| {
                if let Values::UInt(v) = values {
                    v.push(value);
                }
            }),
            Number::Float(value) => self.leaf_value(node, Kind::Float, |values| {
                if let Values::Float(v) = values {
                    v.push(value);
                }
            }),
            Number::Text => {
                let view = Texts::view(raw, at);
                self.leaf_value(node, Kind::Number, |values| push_view(values, view));
            }
        }
        self.note(node, kinds);
    }

    fn raw(&mut self, raw: &str, node: u32) {
        if !self.keeps_values {
            self.note(node, Kinds::of(Kind::Raw));
            return;
        }
        let view = self.texts.keep(&minified(raw));
        self.leaf_value(node, Kind::Raw, |values| push_view(values, view));
    }

    fn unit(&mut self, node: u32, kind: Kind) {
        self.leaf_value(node, kind, |values| {
            if let Values::Unit(count) = values {
                *count += 1;
            }
        });
    }

    fn note(&mut self, node: u32, kinds: Kinds) {
        if let Some(node) = self.node_mut(node) {
            node.kinds = node.kinds.with(kinds);
        }
    }

    fn token(&mut self, token: u32) {
        if self.keeps_values {
            self.tokens.push(token);
        }
    }

    #[inline]
    fn leaf_value(&mut self, node: u32, kind: Kind, push: impl FnOnce(&mut Values)) {
        self.note(node, Kinds::of(kind));
        if !self.keeps_values {
            return;
        }
        let at = self.leaf(node, kind);
        let row = self.row;
        if let Some(leaf) = self.leaves.get_mut(at as usize) {
            push(&mut leaf.values);
            leaf.rows.push(row);
        }
        self.tokens.push(at);
    }
}

fn push_view(values: &mut Values, view: u128) {
    if let Values::Text(v) = values {
        v.push(view);
    }
}

/// What the array holds; the inner `None` when it is empty. The outer `None` is no JSON.
fn look_ahead(raw: &str) -> Option<Option<Elements>> {
    let mut scanner = Scanner::new(raw);
    scanner.take(b'[');
    if scanner.take(b']') {
        return Some(None);
    }
    let mut found: Option<Elements> = None;
    loop {
        let first = scanner.peek()?;
        if matches!(first, b'{' | b'[') {
            return Some(Some(Elements::Nested));
        }
        let element = scanner.value()?;
        let own = match first {
            b'"' if unquoted(element).is_some() => Elements::Typed(Kind::Strings),
            b't' | b'f' => Elements::Typed(Kind::Bools),
            b'"' | b'n' => Elements::Mixed,
            _ => match Number::parse(element) {
                Number::Int(_) => Elements::Typed(Kind::Ints),
                Number::Float(_) => Elements::Typed(Kind::Floats),
                _ => Elements::Mixed,
            },
        };
        found = Some(if found.is_none_or(|found| found == own) { own } else { Elements::Mixed });
        if scanner.take(b']') {
            return Some(found);
        }
        scanner.take(b',');
    }
}

/// The kind of an array that is not inside of another.
pub(in crate::json) fn array_kind(raw: &str) -> Kind {
    match look_ahead(raw) {
        Some(None) => Kind::EmptyArray,
        Some(Some(Elements::Typed(kind))) => kind,
        _ => Kind::Raw,
    }
}

/// Whether some object of a value has a key twice.
fn has_duplicates(raw: &str) -> bool {
    let mut open = vec![raw];
    while let Some(raw) = open.pop() {
        if raw.starts_with('{') {
            let mut seen = hashbrown::HashSet::new();
            let Some(keys) = crate::json::read::entries(raw) else { return true };
            for (key, value) in keys {
                if !seen.insert(key) {
                    return true;
                }
                open.push(value);
            }
        } else if raw.starts_with('[') {
            open.extend(crate::json::read::elements(raw).unwrap_or_default());
        }
    }
    false
}
