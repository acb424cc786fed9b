//! Cuts a text into statements before anything is parsed: `;`, comments, quotes, and where the
//! inline data of an INSERT begins. It never looks inside that data.

use super::error::{ParseError, ParseErrorKind, Position};
use super::options::Limits;

/// One statement as bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// First byte of the statement proper, the keyword.
    pub start: usize,
    /// One past its last byte; for an INSERT with data, where FORMAT or VALUES begins.
    pub end: usize,
    /// Inline data of an INSERT.
    pub data: Option<Data>,
}

/// Inline data of an INSERT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Data {
    /// Format name as written; `Values` for VALUES.
    pub format: String,
    /// Whether it was written as `VALUES` (then it is SQL as well).
    pub is_values: bool,
    /// First byte of the data.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lexeme {
    Word,
    Semicolon,
    Open,
    Close,
    Other,
}

/// Splits `sql` into statements; empty ones are left out.
pub(super) fn split(sql: &str, limits: &Limits) -> Result<Vec<Piece>, ParseError> {
    let mut pieces = Vec::new();
    let mut scanner = Scanner { sql, at: 0 };
    while let Some(piece) = scanner.statement()? {
        if pieces.len() >= limits.statements_max {
            let kind =
                ParseErrorKind::TooMany { what: "statements", count_max: limits.statements_max };
            return Err(ParseError::at(kind, position(sql, piece.start)));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Line and column of a byte of the text.
pub(super) fn position(sql: &str, offset: usize) -> Position {
    let before = sql.get(..offset).unwrap_or(sql);
    let line = before.matches('\n').count() as u64 + 1;
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    Position { line, column: last_line.chars().count() as u64 + 1 }
}

struct Scanner<'a> {
    sql: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// The next statement that is not empty.
    fn statement(&mut self) -> Result<Option<Piece>, ParseError> {
        let mut start = None;
        let mut end = self.at;
        let mut depth = 0usize;
        let mut insert = false;
        while let Some((lexeme, from, to)) = self.lexeme()? {
            let first = start.is_none();
            match lexeme {
                Lexeme::Semicolon if first => continue,
                Lexeme::Semicolon => break,
                Lexeme::Open => depth += 1,
                Lexeme::Close => depth = depth.saturating_sub(1),
                Lexeme::Word if first => insert = self.is(from, to, "insert"),
                Lexeme::Word if insert && depth == 0 => {
                    if self.is(from, to, "select") || self.is(from, to, "with") {
                        insert = false;
                    } else if let Some(data) = self.data(from, to)? {
                        return Ok(start.map(|start| Piece { start, end: from, data: Some(data) }));
                    }
                }
                Lexeme::Word | Lexeme::Other => {}
            }
            start = start.or(Some(from));
            end = to;
        }
        Ok(start.map(|start| Piece { start, end, data: None }))
    }

    fn is(&self, from: usize, to: usize, word: &str) -> bool {
        self.sql.get(from..to).is_some_and(|text| text.eq_ignore_ascii_case(word))
    }

    /// Inline data, when the word at `from..to` of an INSERT introduces some.
    fn data(&mut self, from: usize, to: usize) -> Result<Option<Data>, ParseError> {
        if self.is(from, to, "values") {
            let start = to;
            let mut end = to;
            while let Some((lexeme, _, next)) = self.lexeme()? {
                if lexeme == Lexeme::Semicolon {
                    break;
                }
                end = next;
            }
            return Ok(Some(Data { format: "Values".into(), is_values: true, start, end }));
        }
        if !self.is(from, to, "format") {
            return Ok(None);
        }
        let Some((Lexeme::Word, name_from, name_to)) = self.lexeme()? else {
            let place = position(self.sql, to);
            return Err(ParseError::syntax("FORMAT wants the name of a format", place));
        };
        let format = self.sql.get(name_from..name_to).unwrap_or_default().to_owned();
        let start = self.data_start(name_to);
        self.at = self.sql.len();
        Ok(Some(Data { format, is_values: false, start, end: self.sql.len() }))
    }

    /// As ClickHouse does: blanks and one line break after the format name are not data.
    fn data_start(&self, after_name: usize) -> usize {
        let bytes = self.sql.as_bytes();
        let mut at = after_name;
        while matches!(bytes.get(at), Some(b' ' | b'\t' | 0x0c)) {
            at += 1;
        }
        if bytes.get(at) == Some(&b'\r') {
            at += 1;
        }
        if bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
        at
    }

    /// The next token worth knowing: blanks and comments are skipped.
    fn lexeme(&mut self) -> Result<Option<(Lexeme, usize, usize)>, ParseError> {
        self.skip_blanks_and_comments()?;
        let bytes = self.sql.as_bytes();
        let from = self.at;
        let Some(&first) = bytes.get(from) else { return Ok(None) };
        let lexeme = match first {
            b';' => Lexeme::Semicolon,
            b'(' | b'[' | b'{' => Lexeme::Open,
            b')' | b']' | b'}' => Lexeme::Close,
            b'\'' | b'"' | b'`' => {
                self.at = self.quoted_end(from, first)?;
                return Ok(Some((Lexeme::Other, from, self.at)));
            }
            _ if is_word(first) => {
                while bytes.get(self.at).copied().is_some_and(is_word) {
                    self.at += 1;
                }
                return Ok(Some((Lexeme::Word, from, self.at)));
            }
            _ => Lexeme::Other,
        };
        self.at += 1;
        Ok(Some((lexeme, from, self.at)))
    }

    fn skip_blanks_and_comments(&mut self) -> Result<(), ParseError> {
        let bytes = self.sql.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            match rest {
                [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, ..] => self.at += 1,
                [b'-', b'-', ..] => {
                    let line = line_bytes(rest);
                    self.at += line;
                }
                [b'/', b'*', ..] => self.at = self.comment_end()?,
                _ => return Ok(()),
            }
        }
    }

    /// Comments nest, as the tokenizer has it.
    fn comment_end(&self) -> Result<usize, ParseError> {
        let bytes = self.sql.as_bytes();
        let mut at = self.at;
        let mut depth = 0usize;
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
                        return Ok(at);
                    }
                }
                [] => {
                    let place = position(self.sql, self.at);
                    return Err(ParseError::syntax("this comment does not end", place));
                }
                _ => at += 1,
            }
        }
    }

    /// One past the closing quote. A doubled quote is a quote; strings also know backslashes.
    fn quoted_end(&self, from: usize, quote: u8) -> Result<usize, ParseError> {
        let bytes = self.sql.as_bytes();
        let mut at = from + 1;
        while let Some(&byte) = bytes.get(at) {
            if byte == b'\\' && quote == b'\'' {
                at += 2;
            } else if byte != quote {
                at += 1;
            } else if bytes.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                return Ok(at + 1);
            }
        }
        let place = position(self.sql, from);
        Err(ParseError::syntax(format!("this {} does not end", char::from(quote)), place))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Bytes up to the next line break, or all of them.
fn line_bytes(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}
