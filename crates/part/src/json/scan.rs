//! Steps over JSON text, byte by byte, checking it on the way. Nothing is allocated and nothing
//! recurses. `serde_json` does the same at half the speed on documents of many short keys.

use std::borrow::Cow;

use super::read::unquoted;
use super::shred::JSON_DEPTH_MAX;

const BLANKS: [u8; 4] = [b' ', b'\n', b'\t', b'\r'];

/// A string in JSON text.
pub(super) struct Quoted<'a> {
    /// As written, with its quotes.
    pub raw: &'a str,
    /// Where the first quote is.
    pub start: usize,
    /// Whether it has no escapes.
    is_plain: bool,
}

impl<'a> Quoted<'a> {
    /// The text it stands for; `None` for half a surrogate pair.
    #[inline]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self.is_plain {
            true => self.raw.get(1..self.raw.len().checked_sub(1)?).map(Cow::Borrowed),
            false => unquoted(self.raw),
        }
    }
}

/// A place in JSON text. Methods answer `None` where the text is not JSON.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Whether blanks or escapes were stepped over.
    is_rewritten: bool,
}

impl<'a> Scanner<'a> {
    /// Before the first byte.
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0, is_rewritten: false }
    }

    /// Whether neither blanks nor escapes were stepped over so far.
    pub fn is_canonical(&self) -> bool {
        !self.is_rewritten
    }

    /// The next byte that is no blank; the place is on it.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if byte > b' ' || !BLANKS.contains(&byte) {
                return Some(byte);
            }
            self.is_rewritten = true;
            self.at += 1;
        }
    }

    /// Steps over the byte, after blanks, when it is the next one.
    #[inline]
    pub fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Whether only blanks follow.
    pub fn is_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Steps over `"key" :`; the key as written, with its quotes.
    pub fn key(&mut self) -> Option<&'a str> {
        self.quoted_key().map(|key| key.raw)
    }

    /// Steps over `"key" :`.
    pub fn quoted_key(&mut self) -> Option<Quoted<'a>> {
        let key = self.quoted()?;
        self.take(b':').then_some(key)
    }

    /// Steps over a string.
    pub fn quoted(&mut self) -> Option<Quoted<'a>> {
        self.peek()?;
        let start = self.at;
        let is_plain = self.string()?;
        Some(Quoted { raw: self.text.get(start..self.at)?, start, is_plain })
    }

    /// Steps over one value and gives it as written.
    pub fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at)
    }

    /// Steps over one value and gives it as written, and where it starts.
    pub fn located_value(&mut self) -> Option<(&'a str, usize)> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Some((self.text.get(start..self.at)?, start))
    }

    /// Steps over one value nested at most `depth` deep and gives it as written.
    pub fn value_within(&mut self, depth: usize) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip_within(depth)?;
        self.text.get(start..self.at)
    }

    /// Steps over the elements of an array, nested at most `depth` deep, and its end.
    pub fn elements_within(&mut self, depth: usize) -> Option<()> {
        loop {
            self.skip_within(depth)?;
            if self.take(b']') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// Steps over one value.
    pub fn skip(&mut self) -> Option<()> {
        self.skip_within(JSON_DEPTH_MAX)
    }

    fn skip_within(&mut self, depth_max: usize) -> Option<()> {
        // One bit per open bracket, the innermost lowest: 1 is an object.
        let mut objects = 0u128;
        let mut depth = 0usize;
        loop {
            let opened = match self.peek()? {
                b'"' => {
                    self.string()?;
                    false
                }
                byte @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = byte == b'{';
                    depth += 1;
                    if depth > depth_max.min(JSON_DEPTH_MAX) {
                        return None;
                    }
                    objects = objects << 1 | u128::from(is_object);
                    let closes = if is_object { b'}' } else { b']' };
                    let is_empty = self.take(closes);
                    if is_empty {
                        depth -= 1;
                        objects >>= 1;
                    } else if is_object {
                        self.key()?;
                    }
                    !is_empty
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                    false
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return None,
            };
            if opened {
                continue;
            }
            // Behind a value: close brackets until another value is due.
            loop {
                if depth == 0 {
                    return Some(());
                }
                let is_object = objects & 1 == 1;
                let byte = self.peek()?;
                self.at += 1;
                match byte {
                    b',' => {
                        if is_object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return None,
                }
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// Steps over a word; answers that it opened nothing.
    fn word(&mut self, word: &str) -> Option<bool> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            false
        })
    }

    /// Answers whether there was no escape.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        let mut is_plain = true;
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        self.at += 1;
        loop {
            self.at += plain_bytes(bytes.get(self.at..)?);
            match bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(is_plain);
                }
                b'\\' => {
                    is_plain = false;
                    match self.escaped(bytes)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
                        b'u' => {
                            let digits = bytes.get(self.at + 2..self.at + 6)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 6;
                        }
                        _ => return None,
                    }
                }
                // A control character.
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escaped<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b u8> {
        self.is_rewritten = true;
        bytes.get(self.at + 1)
    }

    fn number(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes.get(self.at) == Some(&b'-'));
        if bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }
}

/// How many bytes at the start are no quote, backslash or control character. Eight at a time.
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut plain = 0;
    for chunk in bytes.chunks_exact(8) {
        let Ok(chunk) = <[u8; 8]>::try_from(chunk) else { break };
        let chunk = u64::from_le_bytes(chunk);
        // The high bit of the first byte found is right; later ones may be wrong.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let quote = zero(chunk ^ (ONES * u64::from(b'"')));
        let backslash = zero(chunk ^ (ONES * u64::from(b'\\')));
        let control = chunk.wrapping_sub(ONES * 0x20) & !chunk;
        let found = (quote | backslash | control) & HIGHS;
        if found != 0 {
            return plain + found.trailing_zeros() as usize / 8;
        }
        plain += 8;
    }
    let rest = bytes.get(plain..).unwrap_or_default();
    let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    plain + rest.iter().position(stops).unwrap_or(rest.len())
}
