//! Query parameters: `{name:Type}` becomes a literal. A value is checked against its type and put
//! in as tokens of literals, so it can never become SQL.

use std::borrow::Cow;
use std::collections::BTreeMap;

use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::clickhouse::Dialect;
use super::error::{ParseError, ParseErrorKind, Position};
use super::tokens::place;
use super::types::arrow_type;
use super::{literal, shape, tokens};

/// Longest value shown in an error, in characters.
const SHOWN_MAX: usize = 100;

/// Replaces every `{name:Type}`.
pub(super) fn substitute(
    tokens: Vec<TokenWithSpan>,
    params: &BTreeMap<String, String>,
) -> Result<Vec<TokenWithSpan>, ParseError> {
    if !tokens.iter().any(|token| token.token == Token::LBrace) {
        return Ok(tokens);
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        match parameter(rest) {
            Some((name, data_type, after)) => {
                literal(name, data_type, params, token, &mut out)?;
                rest = after;
            }
            None => {
                out.push(token.clone());
                rest = after;
            }
        }
    }
    Ok(out)
}

type Tokens<'a> = &'a [TokenWithSpan];

/// Name, tokens of the type, and what follows, when `tokens` begins with a parameter.
fn parameter(tokens: Tokens<'_>) -> Option<(&str, Tokens<'_>, Tokens<'_>)> {
    let [open, name, colon, rest @ ..] = tokens else { return None };
    let Token::Word(name) = &name.token else { return None };
    if open.token != Token::LBrace || colon.token != Token::Colon {
        return None;
    }
    let end = rest.iter().position(|token| token.token == Token::RBrace)?;
    let (data_type, rest) = rest.split_at_checked(end)?;
    Some((&name.value, data_type, rest.get(1..)?))
}

fn literal(
    name: &str,
    type_tokens: Tokens<'_>,
    params: &BTreeMap<String, String>,
    at: &TokenWithSpan,
    out: &mut Vec<TokenWithSpan>,
) -> Result<(), ParseError> {
    let type_name: String = type_tokens.iter().map(|token| token.token.to_string()).collect();
    let name = name.to_owned();
    let Some(value) = params.get(&name) else {
        return Err(ParseError::at(
            ParseErrorKind::MissingParameter { name, type_name },
            place(at),
        ));
    };
    let tokens = if type_name.eq_ignore_ascii_case("identifier") {
        (!value.is_empty()).then(|| vec![quoted_word(value)])
    } else {
        let mut parser = Parser::new(&Dialect)
            .with_recursion_limit(32)
            .with_tokens_with_locations(shape::reshape(type_tokens.to_vec()));
        let data_type = parser.parse_data_type();
        let whole = parser.peek_token_ref().token == Token::EOF;
        let data_type = data_type.ok().filter(|_| whole).ok_or_else(|| {
            ParseError::syntax(format!("{type_name} is not the name of a type"), place(at))
        })?;
        value_tokens(value, &data_type, type_tokens)
    };
    let tokens = tokens.ok_or_else(|| {
        let value = value.chars().take(SHOWN_MAX).collect();
        ParseError::at(ParseErrorKind::BadParameter { name, type_name, value }, place(at))
    })?;
    out.extend(tokens.into_iter().map(|token| TokenWithSpan::new(token, at.span)));
    Ok(())
}

fn quoted_word(value: &str) -> Token {
    let word = Word { value: value.into(), quote_style: Some('`'), keyword: Keyword::NoKeyword };
    Token::Word(word)
}

fn keyword_token(value: &str, keyword: Keyword) -> Token {
    Token::Word(Word { value: value.into(), quote_style: None, keyword })
}

/// Tokens of the literal, or none when the value does not fit the type.
fn value_tokens(value: &str, data_type: &DataType, type_tokens: Tokens<'_>) -> Option<Vec<Token>> {
    match data_type {
        DataType::Nullable(_) if value == "\\N" || value.eq_ignore_ascii_case("null") => {
            Some(vec![keyword_token("NULL", Keyword::NULL)])
        }
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => {
            // Tokens of the inner type: without `Nullable(` and `)`.
            let inner_tokens = type_tokens.get(2..type_tokens.len().checked_sub(1)?)?;
            value_tokens(value, inner, inner_tokens)
        }
        DataType::Array(ArrayElemTypeDef::Parenthesis(inner)) => {
            let inner_tokens = type_tokens.get(2..type_tokens.len().checked_sub(1)?)?;
            array_tokens(value, inner, inner_tokens)
        }
        _ => scalar_tokens(value, data_type, type_tokens),
    }
}

fn scalar_tokens(value: &str, data_type: &DataType, type_tokens: Tokens<'_>) -> Option<Vec<Token>> {
    use datafusion::arrow::datatypes::DataType as Arrow;
    let arrow = arrow_type(data_type).ok().flatten()?;
    match &arrow {
        Arrow::Utf8View => Some(vec![Token::SingleQuotedString(text_of(value)?)]),
        Arrow::Boolean => match value {
            "1" | "true" => Some(vec![keyword_token("TRUE", Keyword::TRUE)]),
            "0" | "false" => Some(vec![keyword_token("FALSE", Keyword::FALSE)]),
            _ => None,
        },
        arrow if arrow.is_integer() => {
            ScalarValue::try_from_string(value.into(), arrow).ok().filter(|v| !v.is_null())?;
            let digits = value.trim_start_matches(['-', '+']);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| number_tokens(value))
        }
        arrow => {
            ScalarValue::try_from_string(value.into(), arrow).ok().filter(|v| !v.is_null())?;
            Some(cast_tokens(value, type_tokens))
        }
    }
}

fn number_tokens(value: &str) -> Vec<Token> {
    let digits = Token::Number(value.trim_start_matches(['-', '+']).into(), false);
    if value.starts_with('-') {
        vec![Token::LParen, Token::Minus, digits, Token::RParen]
    } else {
        vec![digits]
    }
}

/// `CAST('value' AS Type)`.
fn cast_tokens(value: &str, type_tokens: Tokens<'_>) -> Vec<Token> {
    let mut tokens = vec![keyword_token("CAST", Keyword::CAST), Token::LParen];
    tokens.push(Token::SingleQuotedString(value.into()));
    tokens.push(keyword_token("AS", Keyword::AS));
    tokens.extend(type_tokens.iter().map(|token| token.token.clone()));
    tokens.push(Token::RParen);
    tokens
}

/// `[1, 2]` or `['a', 'b']`, as ClickHouse writes arrays; elements are literals of `inner`.
fn array_tokens(value: &str, inner: &DataType, inner_tokens: Tokens<'_>) -> Option<Vec<Token>> {
    let start = Position { line: 1, column: 1 };
    let tokens = tokens::tokenize(value, start).ok()?;
    let mut tokens = tokens.into_iter().map(|token| token.token);
    if tokens.next()? != Token::LBracket {
        return None;
    }
    let mut out = vec![Token::LBracket];
    let mut element = String::new();
    let mut present = false;
    loop {
        match tokens.next()? {
            Token::Minus if element.is_empty() && !present => element.push('-'),
            Token::Number(text, _) if !present => {
                element.push_str(&text);
                present = true;
            }
            Token::SingleQuotedString(text) if element.is_empty() && !present => {
                // Already unescaped by the tokenizer: escape it again for `unescape`.
                element = text.replace('\\', "\\\\");
                present = true;
            }
            Token::Word(word) if element.is_empty() && !present => {
                element = word.value;
                present = true;
            }
            Token::Comma if present => {
                out.extend(value_tokens(&element, inner, inner_tokens)?);
                out.push(Token::Comma);
                element.clear();
                present = false;
            }
            Token::RBracket if present || out.len() == 1 => {
                if present {
                    out.extend(value_tokens(&element, inner, inner_tokens)?);
                }
                out.push(Token::RBracket);
                return tokens.next().is_none().then_some(out);
            }
            _ => return None,
        }
    }
}

/// Parameters travel escaped as in the TabSeparated format.
fn text_of(value: &str) -> Option<String> {
    literal::unescape(value).ok().map(Cow::into_owned)
}
