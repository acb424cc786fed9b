//! Paths within documents, as stored: `.a.b` is the key `b` of the key `a`, `.a[].b` the keys `b`
//! of the elements of `a`, the empty text the document itself. A `.`, `[` or `\` in a key is
//! escaped with `\`. Not the paths of SQL, which the planner reads.

/// One step of a stored path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathStep {
    /// A key of an object.
    Key(String),
    /// Every element of an array.
    Elements,
}

/// The stored text of a path of keys.
pub fn path_text<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    keys.into_iter().for_each(|key| push_key(&mut text, key));
    text
}

/// Appends a key to a path.
pub(crate) fn push_key(path: &mut String, key: &str) {
    path.push('.');
    if !key.contains(['.', '[', '\\']) {
        path.push_str(key);
        return;
    }
    for c in key.chars() {
        if matches!(c, '.' | '[' | '\\') {
            path.push('\\');
        }
        path.push(c);
    }
}

/// Appends the elements of an array to a path.
pub(crate) fn push_elements(path: &mut String) {
    path.push_str("[]");
}

/// The steps of a stored path; `None` when the text is none.
pub fn steps_of(text: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '[' if chars.next() == Some(']') => steps.push(PathStep::Elements),
            '.' => {
                let mut key = String::new();
                while let Some(c) = chars.peek().copied().filter(|c| !matches!(c, '.' | '[')) {
                    chars.next();
                    key.push(if c == '\\' { chars.next()? } else { c });
                }
                steps.push(PathStep::Key(key));
            }
            _ => return None,
        }
    }
    Some(steps)
}

/// Whether `path` is a value inside `outer` (not `outer` itself), through keys or elements.
pub(crate) fn is_under(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// The part of `path` behind `outer`: empty for `outer` itself, `None` for what is not inside.
pub fn path_under<'a>(path: &'a str, outer: &str) -> Option<&'a str> {
    path.strip_prefix(outer).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
