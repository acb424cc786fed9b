//! How ClickHouse's SQL is tokenized and parsed: sqlparser's ClickHouse dialect, plus what its
//! users also write (FILTER, `->`, ternary, DIV, `IN [..]`, `.:Type`, `CAST(x, 'Type')`).

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Value,
    helpers::attached_token::AttachedToken,
};
use datafusion::sql::sqlparser::dialect::{self, ClickHouseDialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Word};

use super::error::Position;
use super::{literal, shape, tokens};

/// Spelling of the operator that `.:` becomes before parsing.
pub(super) const SUBCOLUMN: &str = ".:";

const TERNARY_PRECEDENCE: u8 = 3;
const ARROW_PRECEDENCE: u8 = 45;
const SUBCOLUMN_PRECEDENCE: u8 = 60;

/// The dialect handed to sqlparser.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dialect;

impl dialect::Dialect for Dialect {
    /// The parser switches on some syntax by this.
    fn dialect(&self) -> TypeId {
        TypeId::of::<ClickHouseDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn describe_requires_table_keyword(&self) -> bool {
        true
    }

    /// `FOR VERSION AS OF` and its like, of which the `FOR` is dropped before.
    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_limit_by(&self) -> bool {
        true
    }

    fn supports_insert_table_function(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_optimize_table(&self) -> bool {
        true
    }

    fn supports_prewhere(&self) -> bool {
        true
    }

    fn supports_with_fill(&self) -> bool {
        true
    }

    /// Words that never fall back to an identifier: trying both readings of nested ones would
    /// take time exponential in the nesting.
    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        matches!(
            keyword,
            Keyword::ARRAY
                | Keyword::CASE
                | Keyword::CAST
                | Keyword::CEIL
                | Keyword::CONVERT
                | Keyword::CURRENT_DATE
                | Keyword::CURRENT_TIME
                | Keyword::CURRENT_TIMESTAMP
                | Keyword::EXISTS
                | Keyword::EXTRACT
                | Keyword::FLOOR
                | Keyword::LOCALTIME
                | Keyword::LOCALTIMESTAMP
                | Keyword::NOT
                | Keyword::OVERLAY
                | Keyword::POSITION
                | Keyword::SAFE_CAST
                | Keyword::STRUCT
                | Keyword::SUBSTR
                | Keyword::SUBSTRING
                | Keyword::TRIM
                | Keyword::TRY_CAST
        )
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Placeholder(mark) if mark == "?" => Some(Ok(TERNARY_PRECEDENCE)),
            // Only the ternary has a colon here.
            Token::Colon => Some(Ok(0)),
            Token::Arrow | Token::LongArrow => Some(Ok(ARROW_PRECEDENCE)),
            Token::CustomBinaryOperator(operator) if operator == SUBCOLUMN => {
                Some(Ok(SUBCOLUMN_PRECEDENCE))
            }
            _ => None,
        }
    }

    /// The parser would read the value of INTERVAL up to twice at each level of nesting.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let Token::Word(word) = &parser.peek_token_ref().token else { return None };
        let next = &parser.peek_nth_token_ref(1).token;
        match (word.keyword, next) {
            (Keyword::CAST, Token::LParen) => Some(cast(parser)),
            (Keyword::NoKeyword, next) if is_number_word(word, next, parser) => {
                let number = Expr::value(Value::Number(word.value.to_ascii_lowercase(), false));
                parser.advance_token();
                Some(Ok(number))
            }
            (
                Keyword::INTERVAL,
                Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::LParen
                | Token::Minus
                | Token::Word(Word { keyword: Keyword::NoKeyword, .. }),
            ) => {
                parser.advance_token();
                Some(parser.parse_interval())
            }
            _ => None,
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Placeholder(mark) if mark == "?" => Some(ternary(parser, expr)),
            Token::CustomBinaryOperator(operator) if operator == SUBCOLUMN => {
                Some(subcolumn(parser, expr))
            }
            Token::Arrow | Token::LongArrow => Some(arrow(parser, expr)),
            Token::Word(word) if word.keyword == Keyword::DIV => {
                Some(whole_division(parser, expr, precedence))
            }
            Token::Word(word) if word.keyword == Keyword::IS => {
                distinct_from(parser, expr, precedence)
            }
            Token::Word(word) if word.keyword == Keyword::IN => {
                let next = &parser.peek_nth_token_ref(1).token;
                (*next == Token::LBracket).then(|| in_array(parser, expr, false))
            }
            Token::Word(word) if word.keyword == Keyword::NOT => {
                let next = &parser.peek_nth_token_ref(1).token;
                let is_in = matches!(next, Token::Word(word) if word.keyword == Keyword::IN);
                let array = parser.peek_nth_token_ref(2).token == Token::LBracket;
                (is_in && array).then(|| in_array(parser, expr, true))
            }
            _ => None,
        }
    }
}

/// Whether a word is `inf` or `nan`, and neither quoted nor part of a name nor one of a function.
fn is_number_word(word: &Word, next: &Token, parser: &Parser) -> bool {
    word.quote_style.is_none()
        && literal::is_number_word(&word.value)
        && !matches!(next, Token::LParen | Token::Period)
        && parser.get_current_token().token != Token::Period
}

/// `CAST(x AS Type)` and `CAST(x, 'Type')`.
fn cast(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_expr()?);
    let data_type = if parser.consume_token(&Token::Comma) {
        type_of_text(&parser.parse_literal_string()?)?
    } else {
        parser.expect_keyword_is(Keyword::AS)?;
        parser.parse_data_type()?
    };
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None })
}

/// Reads a type name, all of it.
fn type_of_text(text: &str) -> Result<DataType, ParserError> {
    let start = Position { line: 1, column: 1 };
    let tokens = tokens::tokenize(text, start)
        .map_err(|error| ParserError::ParserError(error.kind.to_string()))?;
    let mut parser = Parser::new(&Dialect)
        .with_recursion_limit(32)
        .with_tokens_with_locations(shape::reshape(tokens));
    let data_type = parser.parse_data_type()?;
    parser.expect_token(&Token::EOF)?;
    Ok(data_type)
}

/// `a ? b : c`.
fn ternary(parser: &mut Parser, condition: &Expr) -> Result<Expr, ParserError> {
    parser.advance_token();
    let result = parser.parse_expr()?;
    parser.expect_token(&Token::Colon)?;
    let otherwise = parser.parse_subexpr(TERNARY_PRECEDENCE - 1)?;
    Ok(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition: condition.clone(), result }],
        else_result: Some(Box::new(otherwise)),
    })
}

/// `data.a.:Int64`: the value when it is of the type, else NULL.
fn subcolumn(parser: &mut Parser, expr: &Expr) -> Result<Expr, ParserError> {
    parser.advance_token();
    let data_type = parser.parse_data_type()?;
    let expr = Box::new(expr.clone());
    Ok(Expr::Cast { kind: CastKind::SafeCast, expr, data_type, array: false, format: None })
}

/// `data -> 'a'`, `data ->> 'a'`, `data -> 0`; binds tighter than comparison and arithmetic.
fn arrow(parser: &mut Parser, expr: &Expr) -> Result<Expr, ParserError> {
    let op = match parser.next_token().token {
        Token::Arrow => BinaryOperator::Arrow,
        _ => BinaryOperator::LongArrow,
    };
    let right = Box::new(parser.parse_subexpr(ARROW_PRECEDENCE)?);
    Ok(Expr::BinaryOp { left: Box::new(expr.clone()), op, right })
}

/// `a DIV b`, which is `intDiv(a, b)`; the parser gives it the precedence of `/` and no meaning.
fn whole_division(parser: &mut Parser, expr: &Expr, precedence: u8) -> Result<Expr, ParserError> {
    parser.advance_token();
    let right = Box::new(parser.parse_subexpr(precedence)?);
    Ok(Expr::BinaryOp { left: Box::new(expr.clone()), op: BinaryOperator::MyIntegerDivide, right })
}

/// `a IS [NOT] DISTINCT FROM b`: the parser would take `b AND c` for its right side.
fn distinct_from(
    parser: &mut Parser,
    expr: &Expr,
    precedence: u8,
) -> Option<Result<Expr, ParserError>> {
    let is = |at: usize, keyword: Keyword| match &parser.peek_nth_token_ref(at).token {
        Token::Word(word) => word.keyword == keyword,
        _ => false,
    };
    let is_not = is(1, Keyword::NOT);
    let words = 1 + usize::from(is_not);
    if !is(words, Keyword::DISTINCT) || !is(words + 1, Keyword::FROM) {
        return None;
    }
    (0..words + 2).for_each(|_| parser.advance_token());
    let of = if is_not { Expr::IsNotDistinctFrom } else { Expr::IsDistinctFrom };
    let right = parser.parse_subexpr(precedence);
    Some(right.map(|right| of(Box::new(expr.clone()), Box::new(right))))
}

/// `x IN [1, 2]`.
fn in_array(parser: &mut Parser, expr: &Expr, negated: bool) -> Result<Expr, ParserError> {
    if negated {
        parser.advance_token();
    }
    parser.advance_token();
    parser.expect_token(&Token::LBracket)?;
    let list = if parser.peek_token_ref().token == Token::RBracket {
        vec![]
    } else {
        parser.parse_comma_separated(Parser::parse_expr)?
    };
    parser.expect_token(&Token::RBracket)?;
    Ok(Expr::InList { expr: Box::new(expr.clone()), list, negated })
}
