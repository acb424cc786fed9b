//! What a record reader says about the record at the start of its text.

/// How far a reader came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Bytes that are done with.
    pub(crate) consumed: usize,
    /// Whether the rest is the start of a record whose end has not arrived.
    pub(crate) needs_more: bool,
}

impl Step {
    /// A record, or the space between two, was taken.
    pub(crate) fn took(consumed: usize) -> Step {
        Step { consumed, needs_more: false }
    }

    /// The record that starts after `consumed` bytes is not complete.
    pub(crate) fn waits(consumed: usize) -> Step {
        Step { consumed, needs_more: true }
    }
}

/// A record that is wrong.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Byte of the text where it is wrong.
    pub(crate) at: usize,
    /// The field that is wrong.
    pub(crate) field: Option<String>,
    /// What was expected and what was found.
    pub(crate) problem: String,
    /// Where the record ends, when that is known.
    pub(crate) end: Option<usize>,
}

impl Fault {
    /// The text is not of the format; the end of the record is unknown.
    pub(crate) fn syntax(at: usize, problem: impl Into<String>) -> Fault {
        Fault { at, field: None, problem: problem.into(), end: None }
    }
}
