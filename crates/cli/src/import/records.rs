//! JSON objects cut out of a stream as raw text, with the line each begins on: one a line, one
//! after the other, or in one array. Not here: objects that are rows (the server's formats read
//! those).

use serde_json::value::RawValue;

/// Bytes of one record at most: what a document may have.
const RECORD_BYTES_MAX: usize = 2_000_000;
/// The deepest nesting of a record.
const DEPTH_MAX: usize = 128;

/// A record, or what is wrong where one should be.
#[derive(Debug, PartialEq)]
pub enum Found<'a> {
    /// An object.
    Record {
        /// The line it begins on, from 1.
        line: u64,
        /// Its text.
        text: &'a str,
    },
    /// Something else.
    Bad {
        /// The line it is on, from 1.
        line: u64,
        /// What was expected and what was found.
        problem: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Start,
    Objects,
    Array,
    End,
}

/// Text that has arrived and is not read yet.
pub struct Records {
    text: String,
    /// Bytes of `text` that are read.
    start: usize,
    /// The line of the first unread byte.
    line: u64,
    /// Bytes after `text` that are not checked yet or break off inside a character.
    tail: Vec<u8>,
    /// What is wrong with the byte right after `text`.
    bad: Option<&'static str>,
    /// Everything up to the next line end is thrown away.
    skipping: bool,
    ended: bool,
    state: State,
}

/// What a look at the unread text found.
enum Look {
    Object(usize),
    Wait,
    Wrong(String),
}

impl Records {
    /// Nothing has arrived yet.
    pub fn new() -> Records {
        Records {
            text: String::new(),
            start: 0,
            line: 1,
            tail: Vec::new(),
            bad: None,
            skipping: false,
            ended: false,
            state: State::Start,
        }
    }

    /// Takes the next bytes, cut anywhere.
    pub fn push(&mut self, chunk: &[u8]) {
        self.text.drain(..self.start);
        self.start = 0;
        self.tail.extend_from_slice(chunk);
        self.admit();
    }

    /// There are no more bytes.
    pub fn end(&mut self) {
        self.ended = true;
        if self.bad.is_none() && !self.tail.is_empty() {
            self.bad = Some("bytes that are not UTF-8");
        }
    }

    /// The next record; none: push more, or that was all.
    pub fn take(&mut self) -> Option<Found<'_>> {
        loop {
            self.skip_between();
            let first = self.unread().bytes().next();
            let line = self.line;
            match (first, self.state) {
                (None, _) if self.bad.is_some() => {
                    let found = self.bad.unwrap_or_default();
                    self.drop_line();
                    return Some(Found::Bad { line, problem: format!("found {found}") });
                }
                (None, State::Array) if self.ended => {
                    self.state = State::End;
                    let problem = "the array breaks off: expected `]`".to_owned();
                    return Some(Found::Bad { line, problem });
                }
                (None, _) => return None,
                (Some(b'['), State::Start) => {
                    self.state = State::Array;
                    self.advance(1);
                }
                (Some(b']'), State::Array) => {
                    self.state = State::End;
                    self.advance(1);
                }
                (Some(b'{'), State::Start) => self.state = State::Objects,
                (Some(b'{'), State::Objects | State::Array) => match self.look() {
                    Look::Wait => return None,
                    Look::Object(bytes) => {
                        let from = self.start;
                        self.advance(bytes);
                        let text = self.text.get(from..from + bytes).unwrap_or_default();
                        return Some(Found::Record { line, text });
                    }
                    Look::Wrong(problem) => {
                        self.drop_line();
                        return Some(Found::Bad { line, problem });
                    }
                },
                (Some(_), State::End) => {
                    self.drop_line();
                    let problem = "expected nothing after the closing `]`".to_owned();
                    return Some(Found::Bad { line, problem });
                }
                (Some(_), _) => {
                    self.drop_line();
                    let problem = "expected a JSON object `{...}`".to_owned();
                    return Some(Found::Bad { line, problem });
                }
            }
        }
    }

    fn look(&self) -> Look {
        let rest = self.unread();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(raw)) if is_too_deep(raw.get()) => {
                Look::Wrong(format!("the record is nested more than {DEPTH_MAX} deep"))
            }
            Some(Ok(raw)) if raw.get().len() > RECORD_BYTES_MAX => too_long(),
            Some(Ok(_)) => Look::Object(values.byte_offset()),
            Some(Err(e)) if is_cut(rest, &e) && self.bad.is_none() && !self.ended => {
                if rest.len() > RECORD_BYTES_MAX { too_long() } else { Look::Wait }
            }
            Some(Err(e)) => {
                let message = e.to_string();
                let what = message.split(" at line ").next().unwrap_or_default();
                match (is_cut(rest, &e), self.bad) {
                    (true, Some(bad)) => Look::Wrong(format!("found {bad}")),
                    (true, None) => Look::Wrong(format!("the record breaks off: {what}")),
                    (false, _) => Look::Wrong(format!("malformed JSON: {what}")),
                }
            }
            None => Look::Wait,
        }
    }

    fn unread(&self) -> &str {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// Marks bytes as read.
    fn advance(&mut self, bytes: usize) {
        let read = self.unread().as_bytes().get(..bytes).unwrap_or_default();
        let (lines, bytes) = (newlines(read), read.len());
        self.line += lines;
        self.start += bytes;
    }

    fn skip_between(&mut self) {
        let text = self.unread();
        let text = match self.state {
            State::Start => text.trim_start_matches('\u{feff}'),
            _ => text,
        };
        let rest = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        let between = self.unread().len() - rest.len();
        self.advance(between);
    }

    /// Throws the rest of the line away.
    fn drop_line(&mut self) {
        match self.unread().find('\n') {
            Some(at) => self.advance(at + 1),
            None => {
                self.advance(self.unread().len());
                self.skipping = true;
                self.bad = None;
                self.admit();
            }
        }
    }

    /// Moves the good part of the tail to the text.
    fn admit(&mut self) {
        if self.skipping && !self.tail.is_empty() {
            let end = self.tail.iter().position(|byte| *byte == b'\n');
            self.skipping = end.is_none();
            let dropped = end.map_or(self.tail.len(), |at| at + 1);
            self.line += u64::from(end.is_some());
            self.tail.drain(..dropped);
        }
        if self.bad.is_some() || self.tail.is_empty() {
            return;
        }
        let (mut good, mut problem) = match std::str::from_utf8(&self.tail) {
            Ok(text) => (text.len(), None),
            Err(e) => (e.valid_up_to(), e.error_len().map(|_| "bytes that are not UTF-8")),
        };
        let valid = self.tail.get(..good).unwrap_or_default();
        if let Some(at) = valid.iter().position(|byte| *byte == 0) {
            (good, problem) = (at, Some("a NUL byte"));
        }
        let valid = self.tail.get(..good).unwrap_or_default();
        self.text.push_str(std::str::from_utf8(valid).unwrap_or_default());
        self.tail.drain(..good);
        self.bad = problem;
        if self.ended && self.bad.is_none() && !self.tail.is_empty() {
            self.bad = Some("bytes that are not UTF-8");
        }
    }
}

fn too_long() -> Look {
    Look::Wrong(format!("the record that starts here has more than {RECORD_BYTES_MAX} bytes"))
}

/// Is the end of `text` to blame? A number cut in two (`-`, `1e`) is called invalid, not
/// unfinished.
fn is_cut(text: &str, e: &serde_json::Error) -> bool {
    let lines = e.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
    e.is_eof() || before + e.column() >= text.len()
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Brackets of JSON text that stand outside of strings.
fn is_too_deep(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything found in `bytes`, arriving `step` at a time.
    fn all(bytes: &[u8], step: usize) -> Vec<(u64, Result<String, String>)> {
        let mut records = Records::new();
        let mut out = Vec::new();
        let mut drain = |records: &mut Records| {
            while let Some(found) = records.take() {
                out.push(match found {
                    Found::Record { line, text } => (line, Ok(text.to_owned())),
                    Found::Bad { line, problem } => (line, Err(problem)),
                });
            }
        };
        for chunk in bytes.chunks(step) {
            records.push(chunk);
            drain(&mut records);
        }
        records.end();
        drain(&mut records);
        out
    }

    fn good(line: u64, text: &str) -> (u64, Result<String, String>) {
        (line, Ok(text.to_owned()))
    }

    #[test]
    fn lines_and_arrays_at_every_cut() {
        let lines = "{\"a\":\"ä}\"}\n\n{\"b\":[1,{}]}\n".as_bytes();
        let array = "\u{feff}[\n {\"a\":-1.5e-7},\n {\"b\":\n2}\n]\n".as_bytes();
        for step in 1..lines.len() {
            assert_eq!(
                all(lines, step),
                [good(1, "{\"a\":\"ä}\"}"), good(3, "{\"b\":[1,{}]}")],
                "{step}"
            );
            assert_eq!(
                all(array, step),
                [good(2, "{\"a\":-1.5e-7}"), good(3, "{\"b\":\n2}")],
                "{step}"
            );
        }
    }

    #[test]
    fn bad_lines_are_named_and_the_next_is_read() {
        let cases: [(&[u8], &str); 5] = [
            (b"{\"a\":}", "malformed JSON"),
            (b"{\"a\":\"\xff\"}", "not UTF-8"),
            (b"{\"a\":\"\0\"}", "NUL"),
            (b"nonsense", "expected a JSON object"),
            (b"17", "expected a JSON object"),
        ];
        for (bad, problem) in cases {
            let mut bytes = b"{\"x\":1}\n".to_vec();
            bytes.extend_from_slice(bad);
            bytes.extend_from_slice(b"\n{\"y\":2}\n");
            for step in [1, 3, 7, 1_000] {
                let found = all(&bytes, step);
                assert_eq!(found.len(), 3, "{problem} {step} {found:?}");
                assert_eq!(found[0], good(1, "{\"x\":1}"));
                assert_eq!(found[1].0, 2);
                assert!(found[1].1.as_ref().is_err_and(|p| p.contains(problem)), "{found:?}");
                assert_eq!(found[2], good(3, "{\"y\":2}"));
            }
        }
    }

    #[test]
    fn what_breaks_off_is_bad() {
        for bytes in [&b"{\"a\":1"[..], b"[{\"a\":1}", b"{\"a\":\"\xc3"] {
            let found = all(bytes, 4);
            assert!(found.last().is_some_and(|last| last.1.is_err()), "{found:?}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let found = all(deep.as_bytes(), 4_096);
        assert!(found[0].1.as_ref().is_err_and(|p| p.contains("deep")), "{found:?}");
        assert_eq!(found.len(), 1);
    }
}
