//! From a text to parsed statements: splitting, parameters, parsing, rewriting, in that order.

use std::ops::Range;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Statement};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use super::clickhouse::Dialect;
use super::error::{ParseError, ParseErrorKind, Position};
use super::options::ParseOptions;
use super::scan::{Data, Piece, position, split};
use super::view::ViewText;
use super::{create, params, respell, rewrite, shape, tokens, view};

/// One statement, ready for [`super::plan`] or for whoever handles its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The rewritten statement. An INSERT with inline data in a format has no source.
    pub statement: Statement,
    /// `FORMAT x` at the end of the statement.
    pub format: Option<String>,
    /// `SETTINGS a = 1, b = 'x'` at the end, in order; values as text without quotes.
    pub settings: Vec<(String, String)>,
    /// What stands behind `ENGINE =` of a CREATE DATABASE.
    pub engine: Option<Expr>,
    /// What is kept of a CREATE VIEW.
    pub view: Option<ViewText>,
    /// Data of an INSERT that follows in the text.
    pub inline: Option<Inline>,
    /// The bytes of the text the statement came from, inline data not counted.
    pub text: Range<usize>,
    /// The text itself, as written; of a long one the beginning.
    pub sql: Arc<str>,
}

/// Bytes of a statement's text that are kept with it.
const SQL_BYTES_MAX: usize = 4_096;

/// Data of an INSERT inside the text. More may follow outside it (a request body).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// The format as written; `Values` for `VALUES`.
    pub format: String,
    /// Where the data is in the text, in bytes.
    pub data: Range<usize>,
    /// Whether [`Parsed::statement`] holds the rows as well (VALUES that is not too long).
    pub is_parsed: bool,
}

/// Parses `sql`: statements separated by `;`, comments anywhere.
///
/// The text of INSERT data is not looked at, so it may be longer than the limits.
///
/// # Errors
/// A [`ParseError`] with line and column of the first fault. No statement is returned then.
pub fn parse(sql: &str, options: &ParseOptions) -> Result<Vec<Parsed>, ParseError> {
    split(sql, &options.limits)?.iter().map(|piece| parse_piece(sql, piece, options)).collect()
}

fn parse_piece(sql: &str, piece: &Piece, options: &ParseOptions) -> Result<Parsed, ParseError> {
    let limits = &options.limits;
    // Rows may also follow outside the text.
    let has_rows = |data: &Data| {
        let rows = sql.get(data.start..data.end).unwrap_or_default();
        data.is_values && !rows.trim().is_empty()
    };
    let is_parsed = piece
        .data
        .as_ref()
        .is_some_and(|data| has_rows(data) && data.end - piece.start <= limits.text_bytes_max);
    let end = match &piece.data {
        Some(data) if is_parsed => data.end,
        _ => piece.end,
    };
    let start = position(sql, piece.start);
    let bytes = end - piece.start;
    if bytes > limits.text_bytes_max {
        let kind = ParseErrorKind::TooLong { bytes, bytes_max: limits.text_bytes_max };
        return Err(ParseError::at(kind, start));
    }
    let text = sql.get(piece.start..end).unwrap_or_default();
    let mut tokens = tokens::tokenize(text, start)?;
    tokens::check(&tokens, limits)?;
    view::check(&tokens)?;
    tokens = params::substitute(tokens, &options.params)?;
    // Parameters that are arrays add brackets.
    tokens::check(&tokens, limits)?;
    let suffix = shape::take_suffix(&mut tokens);
    create::check_columns(&tokens)?;
    let query = view::query_text(&tokens, text, start);
    let columns = view::take_columns(&mut tokens);
    let view = query.map(|query| ViewText { columns, query });
    let mut tokens = shape::reshape(respell::respell(tokens)?);
    if piece.data.is_some() && !is_parsed {
        tokens.extend(no_source());
    }
    let refused = |error| parser_error(error, &|| position(sql, end));
    let partition_by = create::take_partition_by(&mut tokens).map(parse_expression);
    let partition_by = partition_by.transpose().map_err(refused)?;
    let engine = create::take_database_engine(&mut tokens).map(parse_expression);
    let engine = engine.transpose().map_err(refused)?;
    let mut statement = parse_tokens(tokens).map_err(refused)?;
    rewrite::rewrite(&mut statement, options).map_err(|mut error| {
        error.position = error.position.or(Some(start));
        error
    })?;
    if let Statement::CreateTable(create) = &mut statement {
        // As written: it is kept, not computed.
        create.partition_by = partition_by.map(Box::new);
    }
    let inline = piece.data.as_ref().map(|data| Inline {
        format: data.format.clone(),
        data: data.start..data.end,
        is_parsed,
    });
    let sql = Arc::from(beginning(text.trim()));
    let text = piece.start..end;
    let (format, settings) = (suffix.format, suffix.settings);
    Ok(Parsed { statement, format, settings, engine, view, inline, text, sql })
}

fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SQL_BYTES_MAX)).unwrap_or(text)
}

/// The parser wants a source; DEFAULT VALUES is the one that leaves none in the statement.
fn no_source() -> Vec<TokenWithSpan> {
    let word = |value: &str, keyword| {
        let word = Word { value: value.into(), quote_style: None, keyword };
        TokenWithSpan::new(Token::Word(word), Span::empty())
    };
    vec![word("DEFAULT", Keyword::DEFAULT), word("VALUES", Keyword::VALUES)]
}

/// Levels of the parser's own recursion; brackets are bounded before by [`tokens::check`].
const PARSER_LEVELS_MAX: usize = 140;

fn parse_tokens(mut tokens: Vec<TokenWithSpan>) -> Result<Statement, ParserError> {
    // INSERT INTO t (cols) <no source>: columns and DEFAULT VALUES do not go together.
    let columns = take_columns(&mut tokens);
    let mut parser = Parser::new(&Dialect)
        .with_recursion_limit(PARSER_LEVELS_MAX)
        .with_tokens_with_locations(tokens);
    let outcome = parser.parse_statement().and_then(|statement| {
        let next = parser.peek_token();
        if next.token == Token::EOF {
            Ok(statement)
        } else {
            parser.expected("end of statement", next)
        }
    });
    let mut statement = outcome?;
    if let Statement::Insert(insert) = &mut statement
        && !columns.is_empty()
    {
        let idents = columns.into_iter().filter_map(|token| match token.token {
            Token::Word(word) => Some(ObjectName::from(vec![word.into_ident(token.span)])),
            _ => None,
        });
        insert.columns = idents.collect();
    }
    Ok(statement)
}

fn parse_expression(tokens: Vec<TokenWithSpan>) -> Result<Expr, ParserError> {
    let mut parser = Parser::new(&Dialect)
        .with_recursion_limit(PARSER_LEVELS_MAX)
        .with_tokens_with_locations(tokens);
    let expression = parser.parse_expr()?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        Ok(expression)
    } else {
        parser.expected("the end of the clause", next)
    }
}

/// Takes `(a, b)` out of `INSERT INTO t (a, b) DEFAULT VALUES`; returns the names.
fn take_columns(tokens: &mut Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let [.., close, default, values] = tokens.as_slice() else { return vec![] };
    let no_source =
        tokens::keyword(default) == Keyword::DEFAULT && tokens::keyword(values) == Keyword::VALUES;
    if !no_source || close.token != Token::RParen {
        return vec![];
    }
    let Some(open) = tokens.iter().rposition(|token| token.token == Token::LParen) else {
        return vec![];
    };
    let close = tokens.len() - 3;
    let inside = tokens.get(open + 1..close).unwrap_or_default();
    let is_list = !inside.is_empty()
        && inside.iter().enumerate().all(|(at, token)| match &token.token {
            Token::Word(_) => at % 2 == 0,
            Token::Comma => at % 2 == 1 && at + 1 < inside.len(),
            _ => false,
        });
    if !is_list {
        return vec![];
    }
    let names = inside.iter().filter(|token| token.token != Token::Comma).cloned().collect();
    tokens.drain(open..=close);
    names
}

/// sqlparser writes the place into the message; this takes it out again.
fn parser_error(error: ParserError, end_of_text: &dyn Fn() -> Position) -> ParseError {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            let kind = ParseErrorKind::TooDeep { nesting_max: PARSER_LEVELS_MAX };
            return ParseError::nowhere(kind);
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let parsed = message.rsplit_once(" at Line: ").and_then(|(text, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let place = Position { line: line.parse().ok()?, column: column.parse().ok()? };
        Some((text, place))
    });
    match parsed {
        // The end of the text has no place of its own.
        Some((text, Position { line: 0, .. })) => ParseError::syntax(text, end_of_text()),
        Some((text, place)) => ParseError::syntax(text, place),
        None => ParseError::syntax(message, end_of_text()),
    }
}
