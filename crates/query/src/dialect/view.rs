//! CREATE VIEW: which kinds are refused, and the text of the query, which is what is kept of a
//! view. The parser's own tree does not do: it is rewritten by then, and may mean something else
//! when it is written out. Not here: what becomes of it ([`crate::views`]).

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::error::{ParseError, Position};
use super::tokens::{is_word, place};

/// Words between CREATE and VIEW that say nothing of the kind.
const PLAIN: [&str; 2] = ["OR", "REPLACE"];
/// Kinds that are not made.
const REFUSED: [&str; 6] = ["MATERIALIZED", "TEMPORARY", "TEMP", "LIVE", "WINDOW", "SECURE"];

/// Refuses views of other kinds, and parameters in the query of a view.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), ParseError> {
    let Some(view) = view_word(tokens) else { return Ok(()) };
    let refused = |token: &TokenWithSpan, what: &str, hint: &'static str| {
        let error = ParseError::unsupported(what, hint);
        Err(ParseError { position: Some(place(token)), ..error })
    };
    let kinds = tokens.iter().take(view);
    for token in kinds {
        if let Some(kind) = REFUSED.iter().find(|kind| is_word(token, kind)) {
            return refused(token, &format!("{kind} VIEW"), "CREATE VIEW, which reads anew");
        }
    }
    let query = query_of(tokens, view).unwrap_or_default();
    let opens = query.windows(3).find(|next| match next {
        [open, name, colon] => {
            open.token == Token::LBrace
                && matches!(name.token, Token::Word(_))
                && colon.token == Token::Colon
        }
        _ => false,
    });
    match opens {
        Some([open, ..]) => {
            refused(open, "a parameter of a view", "write the value, or filter what the view gives")
        }
        _ => Ok(()),
    }
}

/// What is kept of a CREATE VIEW.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewText {
    /// The names that it gives to its columns, if it gives any.
    pub columns: Vec<String>,
    /// The query, as written.
    pub query: String,
}

/// Takes the names of columns out of `CREATE VIEW v (a, b) AS ...`, for which the parser wants
/// types; with them they stay, and are refused later.
pub(super) fn take_columns(tokens: &mut Vec<TokenWithSpan>) -> Vec<String> {
    let Some(view) = view_word(tokens) else { return Vec::new() };
    let is_end = |token: &TokenWithSpan| token.token == Token::LParen || is_word(token, "AS");
    let Some(open) = tokens.iter().skip(view + 1).position(is_end).map(|at| view + 1 + at) else {
        return Vec::new();
    };
    let list = tokens.get(open..).unwrap_or_default();
    let Some(close) = list.iter().position(|token| token.token == Token::RParen) else {
        return Vec::new();
    };
    let inside = list.get(1..close).unwrap_or_default();
    let names = inside.iter().enumerate().map(|(at, token)| match &token.token {
        Token::Word(word) if at % 2 == 0 => Some(Some(word.value.clone())),
        Token::Comma if at % 2 == 1 => Some(None),
        _ => None,
    });
    let names: Option<Vec<Option<String>>> = names.collect();
    match names.filter(|names| names.len() % 2 == 1) {
        Some(names) if list.first().is_some_and(|first| first.token == Token::LParen) => {
            tokens.drain(open..=open + close);
            names.into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// The text of a view's query, as written in `text`, which begins at `start`.
pub(super) fn query_text(tokens: &[TokenWithSpan], text: &str, start: Position) -> Option<String> {
    let query = query_of(tokens, view_word(tokens)?)?;
    let from = offset(text, query.first()?.span.start, start)?;
    let to = offset(text, query.last()?.span.end, start)?;
    text.get(from..to).map(str::to_owned)
}

/// Where the word VIEW of a CREATE VIEW is.
fn view_word(tokens: &[TokenWithSpan]) -> Option<usize> {
    let (first, rest) = tokens.split_first()?;
    let is_known =
        |token: &TokenWithSpan| PLAIN.iter().chain(&REFUSED).any(|known| is_word(token, known));
    let at = rest.iter().position(|token| !is_known(token))?;
    let is_view = is_word(first, "CREATE") && rest.get(at).is_some_and(|t| is_word(t, "VIEW"));
    is_view.then_some(at + 1)
}

/// The tokens behind the AS that follows the name and the columns.
fn query_of(tokens: &[TokenWithSpan], view: usize) -> Option<&[TokenWithSpan]> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(view + 1) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ if depth == 0 && is_word(token, "AS") => return tokens.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// The byte of `text` that is at a place of the whole text.
fn offset(text: &str, place: Location, start: Position) -> Option<usize> {
    let lines = usize::try_from(place.line.checked_sub(start.line)?).ok()?;
    let line_start = match lines {
        0 => 0,
        _ => text.match_indices('\n').nth(lines - 1)?.0 + 1,
    };
    let first_column = if lines == 0 { start.column } else { 1 };
    let column = usize::try_from(place.column.checked_sub(first_column)?).ok()?;
    let rest = text.get(line_start..)?;
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.nth(column).map(|at| line_start + at)
}
