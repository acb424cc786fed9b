//! Clauses of CREATE TABLE behind its columns, and of CREATE DATABASE. ClickHouse takes them in any
//! order; the parser in one, without PARTITION BY, and without the engine of a database. Not here:
//! what they mean ([`crate::ddl`]).

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::ParseError;
use super::tokens::{is_word, place};

/// The first words of clauses, in the order in which the parser takes them.
const CLAUSES: [(&str, Option<&str>); 6] = [
    ("ENGINE", None),
    ("COMMENT", None),
    ("PRIMARY", Some("KEY")),
    ("ORDER", Some("BY")),
    ("AS", None),
    ("PARTITION", Some("BY")),
];
const PARTITION_BY: usize = CLAUSES.len() - 1;

/// Puts the clauses in order and takes `PARTITION BY x` out: answers the tokens of `x`.
pub(super) fn take_partition_by(tokens: &mut Vec<TokenWithSpan>) -> Option<Vec<TokenWithSpan>> {
    let is_create = tokens.first().is_some_and(|first| is_word(first, "CREATE"))
        && tokens.iter().take(4).any(|token| is_word(token, "TABLE"));
    if !is_create {
        return None;
    }
    let mut clauses = split(tokens.split_off(end_of_columns(tokens)?));
    let partition = clauses.iter().position(|(place, _)| *place == PARTITION_BY);
    let partition = partition.map(|at| clauses.remove(at).1.split_off(2));
    // Stable: what stands twice, or is unknown, is the parser's to refuse.
    clauses.sort_by_key(|(place, _)| *place);
    tokens.extend(clauses.into_iter().flat_map(|(_, clause)| clause));
    partition
}

/// Takes `ENGINE = x` out of a CREATE DATABASE, which the parser does not know: answers the tokens
/// of `x`.
pub(super) fn take_database_engine(tokens: &mut Vec<TokenWithSpan>) -> Option<Vec<TokenWithSpan>> {
    let is_create = tokens.first().is_some_and(|first| is_word(first, "CREATE"))
        && tokens.get(1).is_some_and(|second| is_word(second, "DATABASE"));
    if !is_create {
        return None;
    }
    let at = tokens.iter().skip(2).position(|token| is_word(token, "ENGINE"))? + 2;
    let is_equal = tokens.get(at + 1).is_some_and(|token| token.token == Token::Eq);
    let engine = tokens.split_off(at);
    Some(engine.into_iter().skip(1 + usize::from(is_equal)).collect())
}

/// Refuses words behind the type of a column that the parser takes and forgets.
pub(super) fn check_columns(tokens: &[TokenWithSpan]) -> Result<(), ParseError> {
    const OF_ADDED: &[&str] = &["AUTO_INCREMENT", "AUTOINCREMENT"];
    const OF_TABLE: &[&str] = &["AUTO_INCREMENT", "AUTOINCREMENT", "ASC", "DESC", "SRID"];
    let begins = |word| tokens.first().is_some_and(|first| is_word(first, word));
    let is_table = tokens.iter().take(4).any(|token| is_word(token, "TABLE"));
    let (columns, level, forgotten) = match (begins("CREATE"), begins("ALTER")) {
        (true, _) if is_table => (end_of_columns(tokens).unwrap_or(0), 1, OF_TABLE),
        (_, true) if is_table => (tokens.len(), 0, OF_ADDED),
        _ => return Ok(()),
    };
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().take(columns) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        let word = forgotten.iter().find(|word| depth == level && is_word(token, word));
        let is_name =
            at.checked_sub(1).and_then(|before| tokens.get(before)).is_none_or(|before| {
                matches!(before.token, Token::LParen | Token::Comma) || is_word(before, "COLUMN")
            });
        let ends = tokens
            .get(at + 1)
            .is_none_or(|next| matches!(next.token, Token::Comma | Token::RParen));
        if let Some(word) = word
            && !is_name
            && ends
        {
            let error = ParseError::unsupported(format!("{word} of a column"), "leave it out");
            return Err(ParseError { position: Some(place(token)), ..error });
        }
    }
    Ok(())
}

/// The place behind the bracket that closes the list of columns.
fn end_of_columns(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => return Some(at + 1),
            Token::RParen => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Each clause with its place in [`CLAUSES`]; what comes before the first has the first's place.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<(usize, Vec<TokenWithSpan>)> {
    let mut out = vec![(0, Vec::new())];
    let mut depth = 0usize;
    let mut rest = tokens.into_iter().peekable();
    let mut in_query = false;
    while let Some(token) = rest.next() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        let starts = |(first, second): &(&str, Option<&str>)| {
            let next = rest.peek();
            is_word(&token, first)
                && second.is_none_or(|second| next.is_some_and(|next| is_word(next, second)))
        };
        let place = CLAUSES.iter().position(starts).filter(|_| depth == 0 && !in_query);
        if let Some(place) = place {
            in_query = CLAUSES.get(place).is_some_and(|(word, _)| *word == "AS");
            out.push((place, Vec::new()));
        }
        if let Some((_, clause)) = out.last_mut() {
            clause.push(token);
        }
    }
    out
}
