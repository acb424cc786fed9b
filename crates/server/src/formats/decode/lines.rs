//! The text that has arrived and is not read yet: checked to be UTF-8 without NUL bytes, with
//! the line numbers of what was read before.

use crate::formats::error::{FormatError, excerpt};

/// Text waiting to be read.
#[derive(Default)]
pub(crate) struct Lines {
    text: String,
    /// Bytes of `text` that are read.
    start: usize,
    /// Lines that ended before `text`.
    lines_before: u64,
    /// Bytes of the last line before `text`.
    column_before: u64,
    /// Bytes after `text` that are not checked yet or break off inside a character.
    tail: Vec<u8>,
    /// What is wrong with the byte right after `text`.
    bad: Option<&'static str>,
    /// Everything up to the next line end is to be thrown away.
    skipping: bool,
}

impl Lines {
    /// Takes a chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.compact();
        self.tail.extend_from_slice(chunk);
        self.admit();
    }

    /// Drops what is read.
    fn compact(&mut self) {
        let Some(read) = self.text.as_bytes().get(..self.start) else { return };
        let (lines, column) = count(read);
        self.lines_before += lines;
        self.column_before = if lines > 0 { column } else { self.column_before + column };
        self.text.drain(..self.start);
        self.start = 0;
    }

    /// Moves the good part of the tail to the text.
    fn admit(&mut self) {
        if self.skipping {
            let end = memchr::memchr(b'\n', &self.tail);
            self.skipping = end.is_none();
            let dropped: Vec<u8> =
                self.tail.drain(..end.map_or(self.tail.len(), |at| at + 1)).collect();
            self.advance_unread(&dropped);
        }
        if self.bad.is_some() || self.tail.is_empty() {
            return;
        }
        let (mut good, mut problem) = match std::str::from_utf8(&self.tail) {
            Ok(text) => (text.len(), None),
            Err(error) => {
                (error.valid_up_to(), error.error_len().map(|_| "bytes that are not UTF-8"))
            }
        };
        if let Some(at) = memchr::memchr(0, self.tail.get(..good).unwrap_or_default()) {
            (good, problem) = (at, Some("a NUL byte"));
        }
        if let Ok(text) = std::str::from_utf8(self.tail.get(..good).unwrap_or_default()) {
            self.text.push_str(text);
        }
        self.tail.drain(..good);
        self.bad = problem;
    }

    /// Counts bytes that never became text; the text must be empty.
    fn advance_unread(&mut self, dropped: &[u8]) {
        let (lines, column) = count(dropped);
        self.lines_before += lines;
        self.column_before = if lines > 0 { column } else { self.column_before + column };
    }

    /// What is not read yet.
    pub(crate) fn unread(&self) -> &str {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// Marks bytes as read.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.text.len());
    }

    /// Whether a byte after the text is wrong.
    pub(crate) fn is_bad(&self) -> bool {
        self.bad.is_some()
    }

    /// The end of the input has come: a character that breaks off is wrong.
    pub(crate) fn end(&mut self) {
        if self.bad.is_none() && !self.tail.is_empty() {
            self.bad = Some("bytes that are not UTF-8");
        }
    }

    /// Line (from 1) and byte in it (from 1) of an unread byte.
    pub(crate) fn position(&self, at: usize) -> (u64, u64) {
        let end = (self.start + at).min(self.text.len());
        let (lines, column) = count(self.text.as_bytes().get(..end).unwrap_or_default());
        let column = if lines > 0 { column } else { self.column_before + column };
        (self.lines_before + lines + 1, column + 1)
    }

    /// An error at an unread byte.
    pub(crate) fn error(&self, at: usize, field: Option<String>, problem: String) -> FormatError {
        let unread = self.unread();
        let mut at = at.min(unread.len());
        while !unread.is_char_boundary(at) {
            at -= 1;
        }
        let (line, column) = self.position(at);
        let near = unread.get(at..).unwrap_or_default();
        let near = near.split('\n').next().unwrap_or_default();
        FormatError::Record { line, column, field, problem, excerpt: excerpt(near) }
    }

    /// Takes the error for the wrong byte after the text and skips the rest of its line.
    pub(crate) fn take_bad(&mut self) -> Option<FormatError> {
        let problem = self.bad.take()?;
        let (line, column) = self.position(self.unread().len());
        let near =
            String::from_utf8_lossy(self.tail.get(..40.min(self.tail.len())).unwrap_or_default());
        let excerpt = excerpt(near.split('\n').next().unwrap_or_default());
        let problem = format!("found {problem}; text must be UTF-8 without NUL bytes");
        self.drop_all();
        Some(FormatError::Record { line, column, field: None, problem, excerpt })
    }

    /// Throws away all unread text and what follows up to the next line end.
    fn drop_all(&mut self) {
        self.start = self.text.len();
        self.compact();
        self.bad = None;
        self.skipping = true;
        self.admit();
    }

    /// Skips the record that starts the unread text to its first line end, which may not have
    /// come yet.
    pub(crate) fn drop_line(&mut self) {
        let unread = self.unread().as_bytes();
        let between = |b: &&u8| b.is_ascii_whitespace() || matches!(**b, b',' | b';');
        let start = unread.iter().take_while(between).count();
        match memchr::memchr(b'\n', unread.get(start..).unwrap_or_default()) {
            Some(at) => self.advance(start + at + 1),
            None => self.drop_all(),
        }
    }
}

/// Line ends in `bytes`, and the bytes after the last.
fn count(bytes: &[u8]) -> (u64, u64) {
    let lines = memchr::memchr_iter(b'\n', bytes).count();
    let last = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    (lines as u64, (bytes.len() - last) as u64)
}
