//! Cuts a text into statements before anything is parsed, and finds where the inline data of an
//! INSERT begins. It never looks inside that data.

use super::error::{ParseError, ParseErrorKind, Position};
use super::lexer::{Kind, Lexeme, Lexer};
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

/// Splits `sql` into statements; empty ones are left out.
pub(super) fn split(sql: &str, limits: &Limits) -> Result<Vec<Piece>, ParseError> {
    let mut pieces = Vec::new();
    let mut scanner = Scanner { sql, lexer: Lexer::new(sql) };
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
    lexer: Lexer<'a>,
}

impl Scanner<'_> {
    /// The next statement that is not empty.
    fn statement(&mut self) -> Result<Option<Piece>, ParseError> {
        let mut start = None;
        let mut end = self.lexer.at;
        let mut depth = 0usize;
        let mut insert = false;
        while let Some(Lexeme { kind, start: from, end: to }) = self.lexeme()? {
            let first = start.is_none();
            match kind {
                Kind::Semicolon if first => continue,
                Kind::Semicolon => break,
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Word if first => insert = self.is(from, to, "insert"),
                Kind::Word if insert && depth == 0 => {
                    if self.is(from, to, "select") || self.is(from, to, "with") {
                        insert = false;
                    } else if let Some(data) = self.data(from, to)? {
                        return Ok(start.map(|start| Piece { start, end: from, data: Some(data) }));
                    }
                }
                _ => {}
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
            while let Some(lexeme) = self.lexeme()? {
                if lexeme.kind == Kind::Semicolon {
                    break;
                }
                end = lexeme.end;
            }
            return Ok(Some(Data { format: "Values".into(), is_values: true, start, end }));
        }
        if !self.is(from, to, "format") {
            return Ok(None);
        }
        let Some(name) = self.lexeme()?.filter(|lexeme| lexeme.kind == Kind::Word) else {
            let place = position(self.sql, to);
            return Err(ParseError::syntax("FORMAT wants the name of a format", place));
        };
        let format = self.sql.get(name.start..name.end).unwrap_or_default().to_owned();
        let start = self.data_start(name.end);
        self.lexer.at = self.sql.len();
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

    /// The next lexeme that is neither blank nor comment.
    fn lexeme(&mut self) -> Result<Option<Lexeme>, ParseError> {
        loop {
            let next = self.lexer.next();
            let next = next
                .map_err(|fault| ParseError::syntax(fault.problem, position(self.sql, fault.at)))?;
            if next.is_none_or(|lexeme| lexeme.kind != Kind::Blank) {
                return Ok(next);
            }
        }
    }
}
