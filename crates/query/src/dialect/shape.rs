//! ClickHouse syntax the parser has no grammar for, put in other tokens before parsing: trailing
//! FORMAT and SETTINGS, `.:`, `.^`, FINAL, function names that are keywords, FOR VERSION AS OF, and
//! LIMIT BY with a second LIMIT.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::clickhouse::SUBCOLUMN;
use super::tokens::{is_word, keyword};

/// Function that stands for `LIMIT n OFFSET m` of a LIMIT BY that has a second LIMIT.
pub(super) const LIMIT_BY: &str = "__limit_by";

/// Most LIMIT BY of one statement; the parser refuses the rest.
const LIMITS_MAX: usize = 64;

/// What was taken off the end of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Suffix {
    pub format: Option<String>,
    pub settings: Vec<(String, String)>,
}

/// Takes `FORMAT x` and `SETTINGS a = 1, ...` off the end, in any order.
pub(super) fn take_suffix(tokens: &mut Vec<TokenWithSpan>) -> Suffix {
    let mut suffix = Suffix::default();
    loop {
        if suffix.format.is_none()
            && let Some(format) = take_format(tokens)
        {
            suffix.format = Some(format);
        } else if let Some(mut settings) = take_settings(tokens) {
            settings.append(&mut suffix.settings);
            suffix.settings = settings;
        } else {
            return suffix;
        }
    }
}

fn take_format(tokens: &mut Vec<TokenWithSpan>) -> Option<String> {
    let [.., before, word, name] = tokens.as_slice() else { return None };
    let Token::Word(name) = &name.token else { return None };
    if !is_word(word, "FORMAT") || !ends_expression(before) {
        return None;
    }
    let name = name.value.clone();
    tokens.truncate(tokens.len() - 2);
    Some(name)
}

/// Whether a statement may end at this token, so that FORMAT behind it is no column name.
fn ends_expression(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(_) => !matches!(
            keyword(token),
            Keyword::BY
                | Keyword::SELECT
                | Keyword::AS
                | Keyword::WHERE
                | Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::ON
                | Keyword::HAVING
                | Keyword::DISTINCT
                | Keyword::FROM
                | Keyword::JOIN
                | Keyword::INTO
                | Keyword::TABLE
                | Keyword::EXPLAIN
                | Keyword::ANALYZE
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::RParen
        | Token::RBracket
        | Token::Mul => true,
        _ => false,
    }
}

fn take_settings(tokens: &mut Vec<TokenWithSpan>) -> Option<Vec<(String, String)>> {
    let at = tokens.iter().rposition(|token| is_word(token, "SETTINGS"))?;
    if at == 0 {
        return None;
    }
    let mut rest = tokens.get(at + 1..)?;
    let mut settings = Vec::new();
    loop {
        let [name, equals, more @ ..] = rest else { return None };
        let Token::Word(name) = &name.token else { return None };
        if equals.token != Token::Eq {
            return None;
        }
        let (value, more) = setting_value(more)?;
        settings.push((name.value.clone(), value));
        match more {
            [] => break,
            [comma, more @ ..] if comma.token == Token::Comma => rest = more,
            _ => return None,
        }
    }
    tokens.truncate(at);
    Some(settings)
}

fn setting_value(tokens: &[TokenWithSpan]) -> Option<(String, &[TokenWithSpan])> {
    match tokens {
        [minus, number, rest @ ..] if minus.token == Token::Minus => match &number.token {
            Token::Number(text, _) => Some((format!("-{text}"), rest)),
            _ => None,
        },
        [value, rest @ ..] => match &value.token {
            Token::Number(text, _) | Token::SingleQuotedString(text) => Some((text.clone(), rest)),
            Token::Word(word) => Some((word.value.clone(), rest)),
            _ => None,
        },
        [] => None,
    }
}

/// Rewrites what only tokens can tell.
pub(super) fn reshape(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut tokens = join_marks(json_hints(tokens));
    for at in 0..tokens.len() {
        demote(&mut tokens, at);
    }
    limit_by(drop_final(drop_for(tokens)))
}

/// `FOR VERSION AS OF` and `FOR TIMESTAMP AS OF` without their FOR, as the parser takes them.
fn drop_for(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_for = |at: usize| match tokens.get(at..at + 4) {
        Some([first, what, r#as, of]) => {
            is_word(first, "FOR")
                && (is_word(what, "VERSION") || is_word(what, "TIMESTAMP"))
                && is_word(r#as, "AS")
                && is_word(of, "OF")
        }
        _ => false,
    };
    let kept = tokens.iter().enumerate().filter(|(at, _)| !is_for(*at));
    kept.map(|(_, token)| token.clone()).collect()
}

/// The type that `JSON(hints)` becomes, with the hints as one text.
pub(crate) const JSON_HINTS: &str = "__json_hints";

/// `JSON(...)` in CREATE and ALTER TABLE, whose brackets hold what no type has.
fn json_hints(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_ddl =
        tokens.first().is_some_and(|first| is_word(first, "CREATE") || is_word(first, "ALTER"));
    if !is_ddl {
        return tokens;
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let is_open = rest.peek().is_some_and(|next| next.token == Token::LParen);
        if !is_open || !is_word(&token, "JSON") {
            out.push(token);
            continue;
        }
        let span = token.span;
        let (mut depth, mut text) = (0usize, String::new());
        for token in rest.by_ref() {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth > 1 || token.token != Token::LParen {
                text.push_str(&hint_text(&token.token));
                text.push(' ');
            }
        }
        let name =
            Word { value: JSON_HINTS.to_owned(), quote_style: None, keyword: Keyword::NoKeyword };
        let all =
            [Token::Word(name), Token::LParen, Token::SingleQuotedString(text), Token::RParen];
        out.extend(all.map(|token| TokenWithSpan::new(token, span)));
    }
    out
}

/// A token as the reader of hints takes it: quotes doubled in quotes.
fn hint_text(token: &Token) -> String {
    let quoted = |text: &str, quote: char| {
        format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
    };
    match token {
        Token::SingleQuotedString(text) => quoted(text, '\''),
        Token::DoubleQuotedString(text) => quoted(text, '"'),
        Token::Word(word) if word.quote_style.is_some() => quoted(&word.value, '`'),
        other => other.to_string(),
    }
}

/// The name that `[]` of `data.a[].b` becomes; no key is written so by accident.
pub(crate) const ELEMENTS: &str = "\u{e000}[]";

fn elements_mark() -> Token {
    let value = ELEMENTS.to_owned();
    Token::Word(Word { value, quote_style: Some('`'), keyword: Keyword::NoKeyword })
}

/// Whether the tokens end in `.name[`, or in `[` behind such elements.
fn opens_elements(tokens: &[TokenWithSpan]) -> bool {
    match tokens {
        [.., period, name, open] => {
            open.token == Token::LBracket
                && matches!(name.token, Token::Word(_))
                && period.token == Token::Period
        }
        _ => false,
    }
}

/// `.` `:` becomes one operator, `.` `^` a plain `.`, `?1` a `?` and a `1`, `DateTime('UTC')` a
/// `DateTime`: every time is in UTC.
fn join_marks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let after_period = joined.last().is_some_and(|last| last.token == Token::Period);
        match &token.token {
            Token::Colon if after_period => {
                if let Some(last) = joined.last_mut() {
                    last.token = Token::CustomBinaryOperator(SUBCOLUMN.into());
                }
            }
            Token::Caret if after_period => {}
            Token::RBracket if opens_elements(&joined) => {
                if let Some(last) = joined.last_mut() {
                    let span = last.span;
                    last.token = Token::Period;
                    joined.push(TokenWithSpan::new(elements_mark(), span));
                }
            }
            Token::RParen if ends_zone(&joined) => joined.truncate(joined.len() - 2),
            Token::Placeholder(mark) if mark.len() > 1 && mark.starts_with('?') => {
                let number = mark.trim_start_matches('?').to_owned();
                let mark = Token::Placeholder("?".into());
                joined.push(TokenWithSpan::new(mark, token.span));
                joined.push(TokenWithSpan::new(Token::Number(number, false), token.span));
            }
            _ => joined.push(token),
        }
    }
    joined
}

/// Whether the tokens end in `DateTime('zone'`.
fn ends_zone(tokens: &[TokenWithSpan]) -> bool {
    match tokens {
        [.., name, open, zone] => {
            keyword(name) == Keyword::DATETIME
                && open.token == Token::LParen
                && matches!(zone.token, Token::SingleQuotedString(_))
        }
        _ => false,
    }
}

/// Makes a function whose name is a keyword with its own grammar an ordinary one, unless that
/// grammar is used (`substring(a FROM 2)`).
fn demote(tokens: &mut [TokenWithSpan], at: usize) {
    let Some(token) = tokens.get(at) else { return };
    let rest = tokens.get(at + 1..).unwrap_or_default();
    let has_grammar = match keyword(token) {
        Keyword::CEIL
        | Keyword::EXTRACT
        | Keyword::FLOOR
        | Keyword::OVERLAY
        | Keyword::POSITION
        | Keyword::SUBSTR
        | Keyword::SUBSTRING
        | Keyword::TRIM
        | Keyword::CONVERT => has_own_grammar(rest),
        // Behind a table the parser would take these for a moment of it, not for an alias.
        Keyword::BEFORE => false,
        Keyword::AT => rest.first().is_some_and(|next| is_word(next, "TIME")),
        _ => return,
    };
    if has_grammar {
        return;
    }
    if let Some(TokenWithSpan { token: Token::Word(word), .. }) = tokens.get_mut(at) {
        word.keyword = Keyword::NoKeyword;
    }
}

fn has_own_grammar(rest: &[TokenWithSpan]) -> bool {
    let mut depth = 0usize;
    for token in rest {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => return false,
            Token::RParen => depth -= 1,
            _ if depth == 0 => return false,
            _ if depth == 1 => {
                let word = keyword(token);
                if matches!(word, Keyword::FROM | Keyword::IN | Keyword::PLACING) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Drops FINAL behind a table: there is only one version of a row to read.
fn drop_final(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut in_from = vec![false];
    for (at, token) in tokens.iter().enumerate() {
        match keyword(token) {
            Keyword::FROM | Keyword::JOIN => set_last(&mut in_from, true),
            Keyword::WHERE
            | Keyword::PREWHERE
            | Keyword::GROUP
            | Keyword::ORDER
            | Keyword::SELECT
            | Keyword::ON
            | Keyword::LIMIT
            | Keyword::HAVING => {
                set_last(&mut in_from, false);
            }
            Keyword::FINAL if in_from.last() == Some(&true) => {
                let before = kept.last();
                let named = before.is_some_and(|last| {
                    matches!(last.token, Token::Word(_) | Token::RParen)
                        && !matches!(keyword(last), Keyword::FROM | Keyword::JOIN | Keyword::AS)
                });
                let dotted = tokens.get(at + 1).is_some_and(|next| next.token == Token::Period);
                if named && !dotted {
                    continue;
                }
            }
            _ => {}
        }
        match token.token {
            Token::LParen => in_from.push(false),
            Token::RParen if in_from.len() > 1 => {
                in_from.pop();
            }
            _ => {}
        }
        kept.push(token.clone());
    }
    kept
}

fn set_last(flags: &mut [bool], value: bool) {
    if let Some(last) = flags.last_mut() {
        *last = value;
    }
}

/// `LIMIT n [OFFSET m] BY a, b LIMIT k ...` becomes `LIMIT k ... BY a, b, __limit_by(n, m)`, and
/// `LIMIT n OFFSET m BY a, b` becomes `LIMIT n BY a, b OFFSET m`.
fn limit_by(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut from = 0;
    for _ in 0..LIMITS_MAX {
        let Some(found) = find_limit_by(&tokens, from) else { break };
        from = found.first + 1;
        let Some(span) = tokens.get(found.first).map(|token| token.span) else { break };
        let piece = |a: usize, b: usize| tokens.get(a..b).unwrap_or_default().to_vec();
        let new = |token| TokenWithSpan::new(token, span);
        let numbers = piece(found.first + 1, found.by);
        let at = numbers.iter().position(|token| keyword(token) == Keyword::OFFSET);
        let (count, skip) = numbers.split_at(at.unwrap_or(numbers.len()));
        let mut list = piece(found.by, found.second.unwrap_or(found.end));
        let mut middle = Vec::new();
        if let Some(second) = found.second {
            let word =
                Word { value: LIMIT_BY.into(), quote_style: None, keyword: Keyword::NoKeyword };
            list.extend([Token::Comma, Token::Word(word), Token::LParen].map(new));
            list.extend_from_slice(count);
            if let Some((_, skip)) = skip.split_first() {
                list.push(new(Token::Comma));
                list.extend_from_slice(skip);
            }
            list.push(new(Token::RParen));
            // The parser wants LIMIT k BY ... OFFSET j.
            let tail = piece(second, found.end);
            let at = tail.iter().position(|token| keyword(token) == Keyword::OFFSET);
            let (limit, offset) = tail.split_at(at.unwrap_or(tail.len()));
            middle.extend_from_slice(limit);
            middle.append(&mut list);
            middle.extend_from_slice(offset);
        } else {
            middle.extend(piece(found.first, found.first + 1));
            middle.extend_from_slice(count);
            middle.append(&mut list);
            middle.extend_from_slice(skip);
        }
        tokens.splice(found.first..found.end, middle);
    }
    tokens
}

struct LimitBy {
    first: usize,
    by: usize,
    second: Option<usize>,
    end: usize,
}

/// The next LIMIT ... BY at one level of brackets, from token `from` on.
fn find_limit_by(tokens: &[TokenWithSpan], from: usize) -> Option<LimitBy> {
    let limits = tokens.iter().enumerate().skip(from);
    limits.filter(|(_, token)| keyword(token) == Keyword::LIMIT).find_map(|(first, _)| {
        let mut depth = 0usize;
        let (mut by, mut second) = (None, None);
        let mut end = tokens.len();
        for (at, token) in tokens.iter().enumerate().skip(first + 1) {
            match token.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth == 0 => {
                    end = at;
                    break;
                }
                Token::RParen | Token::RBracket => depth -= 1,
                _ if depth > 0 => {}
                _ => match keyword(token) {
                    Keyword::BY if by.is_none() => by = Some(at),
                    Keyword::LIMIT if by.is_some() && second.is_none() => second = Some(at),
                    Keyword::LIMIT | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                        end = at;
                        break;
                    }
                    _ => {}
                },
            }
        }
        Some(LimitBy { first, by: by?, second, end })
    })
}
