//! Tokens of one statement with their places in the whole text, and the bounds on them. The
//! bounds keep every later recursion (parser, rewrites, planner) shallow.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{
    Location, Span, Token, TokenWithSpan, Tokenizer, TokenizerError,
};

use super::clickhouse::Dialect;
use super::error::{ParseError, ParseErrorKind, Position};
use super::lexer::{Kind, Lexer};
use super::literal::{self, Literal, Malformed};
use super::options::Limits;
use super::scan::position;

/// Most AND and OR of one expression.
const LOGICAL_MAX: usize = 1024;
/// Most other operators in a row of one expression.
const OPERATORS_MAX: usize = 256;
/// Most set operations (UNION ...) of one query.
const SETS_MAX: usize = 64;
/// Most joins of one query.
pub(super) const JOINS_MAX: usize = 64;
/// Deepest nesting of subqueries in expressions: DataFusion's checks of a plan visit each level
/// twice as often as the one around it.
pub(crate) const SUBQUERIES_MAX: usize = 6;
/// Most brackets opened right behind one of FROM or IN: the parser reads each of them twice.
const DOUBLE_BRACKETS_MAX: usize = 8;

/// Tokens of `text` without blanks and comments; `start` is where it begins in the whole text.
pub(super) fn tokenize(text: &str, start: Position) -> Result<Vec<TokenWithSpan>, ParseError> {
    let mut tokens = Vec::new();
    let mut lexer = Lexer::new(text);
    let mut at = Location { line: start.line, column: start.column };
    let faulty = |offset, problem: String| {
        let place = shift(position(text, offset), start);
        ParseError::syntax(problem, Position { line: place.line, column: place.column })
    };
    while let Some(lexeme) = lexer.next().map_err(|fault| faulty(fault.at, fault.problem))? {
        let piece = text.get(lexeme.start..lexeme.end).unwrap_or_default();
        let end = behind(at, piece);
        if lexeme.kind == Kind::Marks {
            marks(piece, at, &mut tokens)?;
        } else if let Some(token) = token(lexeme.kind, piece)
            .map_err(|wrong| faulty(lexeme.start + wrong.at, wrong.problem))?
        {
            let is_string = |token: &Token| matches!(token, Token::SingleQuotedString(_));
            if is_string(&token) && tokens.last().is_some_and(|last| is_string(&last.token)) {
                let problem = "two strings stand side by side: write || between them";
                return Err(faulty(lexeme.start, problem.into()));
            }
            tokens.push(TokenWithSpan::at(token, at, end));
        }
        at = end;
    }
    Ok(tokens)
}

/// The token that a lexeme is; none for a blank.
fn token(kind: Kind, piece: &str) -> Result<Option<Token>, Malformed> {
    if let Some(literal) = literal::of(kind, piece)? {
        return Ok(Some(match literal {
            Literal::Text(text) => Token::SingleQuotedString(text.into_owned()),
            Literal::Number(digits) => Token::Number(digits.into_owned(), false),
        }));
    }
    Ok(Some(match (kind, piece) {
        (Kind::Word, word) => Token::make_word(word, None),
        (Kind::Name, name) => {
            let quote = if name.starts_with('`') { '`' } else { '"' };
            Token::make_word(&literal::quoted(name, quote)?, Some(quote))
        }
        (Kind::Period, _) => Token::Period,
        (Kind::Semicolon, _) => Token::SemiColon,
        (_, "(") => Token::LParen,
        (_, ")") => Token::RParen,
        (_, "[") => Token::LBracket,
        (_, "]") => Token::RBracket,
        (_, "{") => Token::LBrace,
        (_, "}") => Token::RBrace,
        _ => return Ok(None),
    }))
}

/// Operators and whatever else is no word and no literal: sqlparser knows which marks are one.
fn marks(piece: &str, start: Location, tokens: &mut Vec<TokenWithSpan>) -> Result<(), ParseError> {
    let start = Position { line: start.line, column: start.column };
    let mut all = Vec::new();
    let outcome = Tokenizer::new(&Dialect, piece).tokenize_with_location_into_buf(&mut all);
    if let Err(TokenizerError { message, location }) = outcome {
        let place = shift(Position { line: location.line, column: location.column }, start);
        let place = Position { line: place.line, column: place.column };
        return Err(ParseError::syntax(message, place));
    }
    for mut token in all {
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        let moved = |at: Location| shift(Position { line: at.line, column: at.column }, start);
        token.span = Span::new(moved(token.span.start), moved(token.span.end));
        tokens.push(token);
    }
    Ok(())
}

/// The place right behind a piece of text that begins at `from`.
fn behind(from: Location, piece: &str) -> Location {
    match piece.rsplit_once('\n') {
        None => Location { column: from.column + piece.chars().count() as u64, ..from },
        Some((before, last)) => Location {
            line: from.line + before.matches('\n').count() as u64 + 1,
            column: last.chars().count() as u64 + 1,
        },
    }
}

/// A place within a text that begins at `start`, as one in the whole text.
fn shift(at: Position, start: Position) -> Location {
    let column = if at.line == 1 { at.column + start.column - 1 } else { at.column };
    Location { line: at.line + start.line - 1, column }
}

/// Where a token is.
pub(super) fn place(token: &TokenWithSpan) -> Position {
    Position { line: token.span.start.line, column: token.span.start.column }
}

/// Whether a token is this word, not quoted, any case.
pub(super) fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token,
        Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The keyword of a token that is not quoted.
pub(super) fn keyword(token: &TokenWithSpan) -> Keyword {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// What has been counted between one pair of brackets.
#[derive(Default)]
struct Level {
    logical: usize,
    operators: usize,
    sets: usize,
    joins: usize,
    /// Between FROM and the next clause.
    in_from: bool,
    /// Opened where a table or the list of IN is expected.
    may_be_query: bool,
    /// Opened right behind such a bracket.
    double: bool,
    /// Opened where a table or the query of a name is expected.
    is_source: bool,
    /// A query in an expression.
    subquery: bool,
}

/// Checks nesting and the number of operators; see the constants.
pub(super) fn check(tokens: &[TokenWithSpan], limits: &Limits) -> Result<(), ParseError> {
    let mut levels = vec![Level::default()];
    let (mut doubles, mut subqueries) = (0usize, 0usize);
    let mut previous = None;
    for token in tokens {
        let too_many = |what, count_max| {
            Err(ParseError::at(ParseErrorKind::TooMany { what, count_max }, place(token)))
        };
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                if levels.len() > limits.nesting_max {
                    let kind = ParseErrorKind::TooDeep { nesting_max: limits.nesting_max };
                    return Err(ParseError::at(kind, place(token)));
                }
                let opened = levels.last_mut().map(|outer| outer.open(token, previous));
                let opened = opened.unwrap_or_default();
                doubles += usize::from(opened.double);
                if doubles > DOUBLE_BRACKETS_MAX {
                    return too_many("double brackets", DOUBLE_BRACKETS_MAX);
                }
                levels.push(opened);
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                let closed = if levels.len() > 1 { levels.pop() } else { None };
                let closed = closed.unwrap_or_default();
                doubles -= usize::from(closed.double);
                subqueries -= usize::from(closed.subquery);
            }
            _ => {
                let is_inner = levels.len() > 1;
                let Some(level) = levels.last_mut() else { continue };
                if is_inner && level.begins_subquery(token) {
                    subqueries += 1;
                    if subqueries > SUBQUERIES_MAX {
                        return too_many("subqueries inside each other", SUBQUERIES_MAX);
                    }
                }
                if let Some((what, count_max)) = level.count(token) {
                    return too_many(what, count_max);
                }
            }
        }
        previous = Some(token);
    }
    Ok(())
}

impl Level {
    /// The level behind a bracket.
    fn open(&mut self, bracket: &TokenWithSpan, previous: Option<&TokenWithSpan>) -> Level {
        self.operators += usize::from(bracket.token == Token::LBracket);
        let behind_bracket = previous.is_some_and(|token| token.token == Token::LParen);
        let behind_in = previous.is_some_and(|token| keyword(token) == Keyword::IN);
        let behind_as = previous.is_some_and(|token| keyword(token) == Keyword::AS);
        let double = behind_bracket && self.may_be_query;
        Level {
            may_be_query: self.in_from || behind_in || double,
            double,
            is_source: self.in_from || behind_as || (behind_bracket && self.is_source),
            ..Level::default()
        }
    }

    /// Whether a token makes this level a query in an expression; answers so once.
    fn begins_subquery(&mut self, token: &TokenWithSpan) -> bool {
        let begins = matches!(keyword(token), Keyword::SELECT | Keyword::WITH);
        let first = begins && !self.is_source && !self.subquery;
        self.subquery |= first;
        first
    }

    /// Counts a token; says what there is too much of.
    fn count(&mut self, token: &TokenWithSpan) -> Option<(&'static str, usize)> {
        match &token.token {
            Token::Comma => (self.logical, self.operators) = (0, 0),
            Token::Word(_) => match keyword(token) {
                Keyword::AND | Keyword::OR | Keyword::XOR => {
                    self.logical += 1;
                    self.operators = 0;
                }
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => self.sets += 1,
                Keyword::JOIN => {
                    self.joins += 1;
                    self.in_from = true;
                }
                Keyword::ON => self.in_from = false,
                Keyword::FROM => {
                    (self.logical, self.operators) = (0, 0);
                    self.in_from = true;
                }
                Keyword::SELECT
                | Keyword::WHERE
                | Keyword::PREWHERE
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::ORDER
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE => {
                    (self.logical, self.operators) = (0, 0);
                    self.in_from = false;
                }
                Keyword::NOT | Keyword::IS | Keyword::LIKE | Keyword::ILIKE | Keyword::IN => {
                    self.operators += 1;
                }
                _ => {}
            },
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Period => {}
            _ => self.operators += 1,
        }
        let counts = [
            (self.logical, "AND and OR", LOGICAL_MAX),
            (self.operators, "operators", OPERATORS_MAX),
            (self.sets, "set operations", SETS_MAX),
            (self.joins, "joins", JOINS_MAX),
        ];
        counts
            .into_iter()
            .find(|(count, _, count_max)| count > count_max)
            .map(|(_, what, count_max)| (what, count_max))
    }
}
