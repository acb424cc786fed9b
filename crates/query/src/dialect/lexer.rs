//! Where the lexemes of ClickHouse's SQL begin and end: words, numbers, strings, names in quotes,
//! comments, marks. Not here: what a literal stands for ([`super::literal`]), and which marks are
//! one operator.

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space and comments.
    Blank,
    Word,
    /// Whatever begins with a digit, or with a point and a digit.
    Number,
    /// `'text'`.
    Text,
    /// `x'41'` or `b'01000001'`.
    Bits,
    /// `$tag$text$tag$`.
    Heredoc,
    /// `"name"` or `` `name` ``.
    Name,
    Period,
    Open,
    Close,
    Semicolon,
    /// Other marks, as many as stand in a row.
    Marks,
}

/// What a text that breaks off lacks, and where that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub at: usize,
    pub problem: String,
}

/// Cuts a text into lexemes, from its start to its end without a gap.
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Where the next lexeme begins.
    pub at: usize,
    /// The lexeme before.
    previous: Option<Kind>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, previous: None }
    }

    /// The next lexeme.
    ///
    /// # Errors
    /// A quote, a comment or a heredoc that does not end.
    pub(super) fn next(&mut self) -> Result<Option<Lexeme>, Fault> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let faulty = |problem: String| Fault { at: start, problem };
        let (kind, length) = self.measure(rest, first).map_err(faulty)?;
        self.at = start + length;
        self.previous = Some(kind);
        Ok(Some(Lexeme { kind, start, end: self.at }))
    }

    fn measure(&self, rest: &str, first: char) -> Result<(Kind, usize), String> {
        let follows = rest.as_bytes().get(1).copied();
        Ok(match first {
            '\'' => (Kind::Text, quoted_end(rest, '\'')?),
            '"' | '`' => (Kind::Name, quoted_end(rest, first)?),
            '(' | '[' | '{' => (Kind::Open, 1),
            ')' | ']' | '}' => (Kind::Close, 1),
            ';' => (Kind::Semicolon, 1),
            '$' => dollar(rest)?,
            '0'..='9' if self.previous == Some(Kind::Period) => member(rest),
            '0'..='9' => (Kind::Number, number_end(rest)),
            '.' if !self.follows_value() && follows.is_some_and(|b| b.is_ascii_digit()) => {
                (Kind::Number, number_end(rest))
            }
            '.' => (Kind::Period, 1),
            _ if first.is_whitespace() => (Kind::Blank, span(rest, char::is_whitespace)),
            _ if is_word_start(first) => word(rest)?,
            _ => match comment_end(rest)? {
                Some(end) => (Kind::Blank, end),
                None => (Kind::Marks, marks_end(rest)),
            },
        })
    }

    /// Whether a point here leads to a part of a value.
    fn follows_value(&self) -> bool {
        matches!(self.previous, Some(Kind::Word | Kind::Number | Kind::Name | Kind::Close))
    }
}

/// Whether a name may begin with the character.
pub(super) fn is_word_start(ch: char) -> bool {
    ch.is_alphabetic() || ch == '_'
}

/// Whether a name may go on with the character.
pub(super) fn is_word_part(ch: char) -> bool {
    ch.is_alphanumeric() || ch == '_'
}

/// Bytes of the characters at the start that are of a kind.
fn span(text: &str, is_of_kind: impl Fn(char) -> bool) -> usize {
    text.find(|ch| !is_of_kind(ch)).unwrap_or(text.len())
}

/// Where the quoted text at the start ends. A doubled quote is a quote, a backslash takes the
/// meaning of what follows it.
///
/// # Errors
/// It does not end.
fn quoted_end(text: &str, quote: char) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' || (byte == quote as u8 && bytes.get(at + 1) == Some(&byte)) {
            at += 2;
        } else if byte == quote as u8 {
            return Ok(at + 1);
        } else {
            at += 1;
        }
    }
    Err(format!("this {quote} does not end"))
}

/// A word, or a string of hexadecimal or binary digits.
fn word(rest: &str) -> Result<(Kind, usize), String> {
    let end = span(rest, is_word_part);
    let is_quoted = rest.as_bytes().get(end) == Some(&b'\'');
    match rest.get(..end) {
        Some("x" | "X" | "b" | "B") if is_quoted => {
            let quoted = rest.get(end..).unwrap_or_default();
            Ok((Kind::Bits, end + quoted_end(quoted, '\'')?))
        }
        Some(prefix @ ("e" | "E" | "n" | "N" | "q" | "Q" | "r" | "R" | "u" | "U")) if is_quoted => {
            Err(format!("strings with the prefix {prefix} are not supported: write '...'"))
        }
        _ => Ok((Kind::Word, end)),
    }
}

/// What stands behind a point and begins with a digit: a position, or a key.
fn member(rest: &str) -> (Kind, usize) {
    let end = span(rest, is_word_part);
    let is_position = rest.get(..end).unwrap_or_default().bytes().all(|b| b.is_ascii_digit());
    (if is_position { Kind::Number } else { Kind::Word }, end)
}

/// Where the number at the start ends, with all letters that stand at it.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let is_hexadecimal = byte(0) == b'0' && matches!(byte(1), b'x' | b'X');
    let is_digit = |byte: u8| match is_hexadecimal {
        true => byte.is_ascii_hexdigit() || byte == b'_',
        false => byte.is_ascii_digit() || byte == b'_',
    };
    let digits = |from: usize| from + bytes.iter().skip(from).take_while(|b| is_digit(**b)).count();
    let mut at = digits(if is_hexadecimal { 2 } else { 0 });
    if byte(at) == b'.' {
        at = digits(at + 1);
    }
    let marks: &[u8] = if is_hexadecimal { b"pP" } else { b"eE" };
    if marks.contains(&byte(at)) {
        let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
        if byte(at + 1 + sign).is_ascii_digit() {
            at += 1 + sign;
        }
    }
    at + span(text.get(at..).unwrap_or_default(), is_word_part)
}

/// A heredoc, or the `$` of a placeholder with its name.
fn dollar(rest: &str) -> Result<(Kind, usize), String> {
    let is_tag = |ch: char| ch.is_ascii_alphanumeric() || ch == '_';
    let tag_end = 1 + span(rest.get(1..).unwrap_or_default(), is_tag);
    if rest.as_bytes().get(tag_end) != Some(&b'$') {
        return Ok((Kind::Marks, tag_end));
    }
    let (tag, body) = rest.split_at_checked(tag_end + 1).unwrap_or_default();
    match body.find(tag) {
        Some(length) => Ok((Kind::Heredoc, tag.len() + length + tag.len())),
        None => Err(format!("this {tag} does not end")),
    }
}

/// Where the comment at the start ends, if there is one. Comments nest.
fn comment_end(rest: &str) -> Result<Option<usize>, String> {
    let bytes = rest.as_bytes();
    match bytes {
        [b'-', b'-', ..] => {
            return Ok(Some(rest.find('\n').unwrap_or(rest.len())));
        }
        [b'/', b'*', ..] => {}
        _ => return Ok(None),
    }
    let (mut at, mut depth) = (0usize, 0usize);
    loop {
        match bytes.get(at..).unwrap_or_default() {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(Some(at));
                }
            }
            [] => return Err("this comment does not end".into()),
            _ => at += 1,
        }
    }
}

/// Where the marks at the start end: at whatever is no mark, and before a comment.
fn marks_end(rest: &str) -> usize {
    let is_other = |(at, ch): &(usize, char)| {
        let is_comment = |comment| rest.get(*at..).is_some_and(|rest| rest.starts_with(comment));
        *at > 0
            && (is_word_part(*ch)
                || ch.is_whitespace()
                || "'\"`()[]{};$.".contains(*ch)
                || is_comment("--")
                || is_comment("/*"))
    };
    rest.char_indices().find(is_other).map_or(rest.len(), |(at, _)| at)
}
