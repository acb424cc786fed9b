//! Statements that the parser does not know, in words that it does: UPDATE, DELETE and indexes as
//! ALTER TABLE spells them, what CREATE INDEX has of its own in ClickHouse, EXISTS, DESCRIBE
//! without TABLE. Not here: what the statements do, clauses of queries ([`super::shape`]).

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::{ParseError, Position};
use super::tokens::{is_word, place};

/// Types of indexes that do what is done without any: find rows by equality and by bounds.
const INDEX_TYPES: [&str; 3] = ["minmax", "set", "bloom_filter"];
/// The variable that EXISTS becomes.
pub(crate) const EXISTENCE: &str = "__exists";
const ONE_COMMAND: &str = "give each a statement of its own: together they could be half done";

/// The statement in words that the parser knows.
pub(super) fn respell(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParseError> {
    match tokens.as_slice() {
        [create, index, ..] if is_word(create, "CREATE") && is_word(index, "INDEX") => {
            create_index(tokens)
        }
        [create, unique, index, ..]
            if is_word(create, "CREATE")
                && is_word(unique, "UNIQUE")
                && is_word(index, "INDEX") =>
        {
            create_index(tokens)
        }
        [alter, table, ..] if is_word(alter, "ALTER") && is_word(table, "TABLE") => {
            alter_table(tokens)
        }
        [exists, ..] if is_word(exists, "EXISTS") => exists_statement(&tokens),
        [describe, name, ..]
            if (is_word(describe, "DESCRIBE") || is_word(describe, "DESC"))
                && !is_word(name, "TABLE") =>
        {
            Ok(describe_table(tokens))
        }
        _ => Ok(tokens),
    }
}

/// `DESCRIBE t` with the word TABLE.
fn describe_table(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if end_of_name(&tokens, 1) == Some(tokens.len()) {
        let table = words(&["TABLE"], tokens.get(1..).unwrap_or_default());
        tokens.splice(1..1, table);
    }
    tokens
}

/// `EXISTS [TABLE or VIEW] a.b` as the showing of a variable, of whose name the parser keeps the
/// words.
fn exists_statement(tokens: &[TokenWithSpan]) -> Result<Vec<TokenWithSpan>, ParseError> {
    let says = |word: &str| tokens.len() > 2 && tokens.get(1).is_some_and(|it| is_word(it, word));
    let (kind, from) = match (says("VIEW"), says("TABLE")) {
        (true, _) => ("VIEW", 2),
        (_, true) => ("TABLE", 2),
        _ => ("TABLE", 1),
    };
    if end_of_name(tokens, from) != Some(tokens.len()) {
        let position = tokens.first().map(place).unwrap_or(Position { line: 1, column: 1 });
        return Err(ParseError::syntax("EXISTS wants [TABLE or VIEW] and a name", position));
    }
    let mut out = words(&["SHOW", EXISTENCE, kind], tokens);
    out.extend_from_slice(tokens.get(from..).unwrap_or_default());
    Ok(out)
}

fn alter_table(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParseError> {
    let Some(end) = end_of_name(&tokens, 2) else { return Ok(tokens) };
    let name = tokens.get(2..end).unwrap_or_default();
    let rest = tokens.get(end..).unwrap_or_default();
    let is = |at: usize, word: &str| rest.get(at).is_some_and(|token| is_word(token, word));
    if let Some(second) = another(rest)
        && (is_own(rest) || is_own(rest.get(second..).unwrap_or_default()))
    {
        let what = "UPDATE, DELETE or INDEX beside another command of one ALTER TABLE";
        return Err(refused(what, ONE_COMMAND, rest.get(second)));
    }
    if is(0, "DELETE") {
        let behind = rest.get(1..).unwrap_or_default();
        check_where(behind, rest.first())?;
        let mut out = words(&["DELETE", "FROM"], rest);
        out.extend_from_slice(name);
        out.extend_from_slice(behind);
        return Ok(out);
    }
    if is(0, "UPDATE") {
        let behind = rest.get(1..).unwrap_or_default();
        let at = top_level(behind, |token| is_word(token, "WHERE")).unwrap_or(behind.len());
        let (assigned, condition) = behind.split_at_checked(at).unwrap_or_default();
        let partition = assigned.windows(2).position(is_in_partition);
        check_where(
            partition.and_then(|at| assigned.get(at..)).unwrap_or(condition),
            rest.first(),
        )?;
        let mut out = words(&["UPDATE"], rest);
        out.extend_from_slice(name);
        out.extend(words(&["SET"], rest));
        out.extend_from_slice(behind);
        return Ok(out);
    }
    if is(0, "ADD") && is(1, "INDEX") {
        let exists = if is(2, "IF") { 3 } else { 0 };
        let mut out = words(&["CREATE"], rest);
        // INDEX, IF NOT EXISTS, and the name.
        out.extend_from_slice(rest.get(1..3 + exists).unwrap_or_default());
        out.extend(words(&["ON"], rest));
        out.extend_from_slice(name);
        let behind = rest.get(3 + exists..).unwrap_or_default();
        let order = |token: &TokenWithSpan| is_word(token, "FIRST") || is_word(token, "AFTER");
        let end = top_level(behind, order).unwrap_or(behind.len());
        out.extend_from_slice(behind.get(..end).unwrap_or_default());
        return create_index(out);
    }
    let known = ["DROP", "CLEAR", "MATERIALIZE"];
    if known.iter().any(|word| is(0, word)) && is(1, "INDEX") {
        let exists = if is(2, "IF") { 2 } else { 0 };
        // None of them does anything, and the parser knows the first.
        let mut out = tokens.get(..end).unwrap_or_default().to_vec();
        out.extend(words(&["DROP", "INDEX"], rest));
        out.extend_from_slice(rest.get(2 + exists..).unwrap_or_default());
        return Ok(out);
    }
    Ok(tokens)
}

/// `CREATE INDEX i ON t a TYPE minmax GRANULARITY 1` as `CREATE INDEX i ON t (a)`.
fn create_index(mut tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParseError> {
    let on = top_level(&tokens, |token| is_word(token, "ON"));
    let Some(columns) = on.and_then(|on| end_of_name(&tokens, on + 1)) else { return Ok(tokens) };
    let opens = tokens.get(columns).is_none_or(|token| token.token == Token::LParen);
    // Without brackets the first word is a column, whatever it is.
    let from = if opens { columns } else { columns + 1 };
    let behind = tokens.get(from..).unwrap_or_default();
    if let Some(at) = top_level(behind, |token| is_word(token, "TYPE")) {
        let at = from + at;
        let ty = tokens.get(at + 1);
        let is_known = |ty: &TokenWithSpan| INDEX_TYPES.iter().any(|known| is_word(ty, known));
        if !ty.is_some_and(is_known) {
            let name = ty.map(|ty| ty.token.to_string()).unwrap_or_default();
            let hint = "columns and paths are found by equality and by bounds without an index";
            return Err(refused(&format!("an index of TYPE {name}"), hint, ty));
        }
        tokens.truncate(at);
    }
    let Some(span) = tokens.last().map(|last| last.span).filter(|_| !opens) else {
        return Ok(tokens);
    };
    tokens.insert(columns, TokenWithSpan::new(Token::LParen, span));
    tokens.push(TokenWithSpan::new(Token::RParen, span));
    Ok(tokens)
}

/// Is this a command that is respelled?
fn is_own(rest: &[TokenWithSpan]) -> bool {
    match rest {
        [first, ..] if is_word(first, "DELETE") || is_word(first, "UPDATE") => true,
        [_, second, ..] => is_word(second, "INDEX"),
        _ => false,
    }
}

/// Where another command of the same ALTER TABLE begins.
fn another(rest: &[TokenWithSpan]) -> Option<usize> {
    const COMMANDS: [&str; 8] =
        ["ADD", "DROP", "RENAME", "MODIFY", "CLEAR", "MATERIALIZE", "DELETE", "UPDATE"];
    let mut from = 0;
    while let Some(at) = top_level(rest.get(from..)?, |token| token.token == Token::Comma) {
        from += at + 1;
        let (word, next) = (rest.get(from)?, rest.get(from + 1));
        // `UPDATE add = 1, drop = 2` assigns.
        let assigns = next.is_some_and(|next| next.token == Token::Eq);
        if !assigns && COMMANDS.iter().any(|command| is_word(word, command)) {
            return Some(from);
        }
    }
    None
}

/// ClickHouse wants a WHERE, so that nobody deletes all rows for want of one.
fn check_where(
    tokens: &[TokenWithSpan],
    command: Option<&TokenWithSpan>,
) -> Result<(), ParseError> {
    match tokens {
        [word, ..] if is_word(word, "WHERE") => Ok(()),
        [at, ..] if tokens.get(..2).is_some_and(is_in_partition) => {
            Err(refused("IN PARTITION", "name the rows in WHERE", Some(at)))
        }
        _ => {
            let position = command.map(place).unwrap_or(Position { line: 1, column: 1 });
            let message = "ALTER TABLE ... UPDATE and DELETE want WHERE; WHERE true is all rows";
            Err(ParseError::syntax(message, position))
        }
    }
}

fn is_in_partition(tokens: &[TokenWithSpan]) -> bool {
    matches!(tokens, [first, second] if is_word(first, "IN") && is_word(second, "PARTITION"))
}

fn refused(what: &str, hint: &'static str, at: Option<&TokenWithSpan>) -> ParseError {
    ParseError { position: at.map(place), ..ParseError::unsupported(what, hint) }
}

/// Where the name `a` or `a.b` that begins at `from` ends.
fn end_of_name(tokens: &[TokenWithSpan], from: usize) -> Option<usize> {
    let is_name = |at: usize| matches!(tokens.get(at)?.token, Token::Word(_)).then_some(());
    let mut at = from;
    is_name(at)?;
    while tokens.get(at + 1).is_some_and(|token| token.token == Token::Period) {
        is_name(at + 2)?;
        at += 2;
    }
    Some(at + 1)
}

/// The first token outside of brackets that is so.
fn top_level(tokens: &[TokenWithSpan], is: impl Fn(&TokenWithSpan) -> bool) -> Option<usize> {
    let mut depth = 0usize;
    tokens.iter().position(|token| {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is(token)
    })
}

/// Keywords in the place of the first of `at`.
fn words(words: &[&str], at: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let Some(span) = at.first().map(|first| first.span) else { return Vec::new() };
    words.iter().map(|word| TokenWithSpan::new(Token::make_keyword(word), span)).collect()
}
