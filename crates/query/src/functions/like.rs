//! Patterns of LIKE and ILIKE as ClickHouse reads them: a backslash takes the meaning of `%`, `_`
//! and `\`, and is itself before anything else; after ESCAPE another character does so. They become
//! patterns of DataFusion, whose backslash takes the meaning of whatever follows it. Not here:
//! matching, which is DataFusion's, and what a string literal is, which is the dialect's.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};

use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_text};
use crate::dialect::clickhouse_name;

/// Name of the function that translates patterns which are no literals.
const LIKE_PATTERN: &str = "like_pattern";

/// This file's functions.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::internal(like_pattern())]
}

/// `like_pattern(pattern, escape)`.
fn like_pattern() -> NativeFunction {
    let evaluate = |arguments: &Arguments<'_>| {
        let escape = arguments.constant_text(1)?.and_then(|escape| escape.chars().next());
        let patterns = arguments.text(0)?;
        let translate =
            |pattern: Option<&str>| pattern.map(|pattern| translated(pattern, escape)).transpose();
        let all: Result<StringViewArray> = patterns.iter().map(translate).collect();
        Ok(Arc::new(all?) as ArrayRef)
    };
    NativeFunction::new(LIKE_PATTERN, 2..=2, |_| Ok(DataType::Utf8View), evaluate)
}

/// A pattern of ClickHouse as one of DataFusion.
pub(crate) fn translated(pattern: &str, escape: Option<char>) -> Result<String> {
    let escape = escape.unwrap_or('\\');
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut chars = pattern.chars();
    while let Some(ch) = chars.next() {
        if ch != escape {
            if ch == '\\' {
                out.push('\\');
            }
            out.push(ch);
            continue;
        }
        match chars.next() {
            Some(next) if matches!(next, '%' | '_') || next == escape => out.extend(['\\', next]),
            Some(next) if escape == '\\' => out.extend(['\\', '\\', next]),
            Some(next) => {
                return plan_err!(
                    "the LIKE pattern '{pattern}' has {escape}{next}: behind the escape character \
                     only %, _ and itself may stand"
                );
            }
            None => {
                return plan_err!(
                    "the LIKE pattern '{pattern}' ends in its escape character: write \
                     {escape}{escape} for the character itself"
                );
            }
        }
    }
    Ok(out)
}

/// Translates the patterns of a plan, and refuses LIKE on what is no text.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LikePatterns;

impl FunctionRewrite for LikePatterns {
    fn name(&self) -> &str {
        "like_patterns"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _config: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let Expr::Like(like) = expr else { return Ok(Transformed::no(expr)) };
        check_is_text(&like.expr, schema)?;
        check_is_text(&like.pattern, schema)?;
        let (pattern, changed) = pattern_of(*like.pattern, like.escape_char)?;
        let changed = changed || like.escape_char.is_some();
        let like = Like { pattern: Box::new(pattern), escape_char: None, ..like };
        Ok(Transformed::new_transformed(Expr::Like(like), changed))
    }
}

fn check_is_text(expr: &Expr, schema: &DFSchema) -> Result<()> {
    match expr.get_type(schema)? {
        DataType::Dictionary(_, value) if is_text(&value) => Ok(()),
        text if is_text(&text) || text.is_null() => Ok(()),
        other => {
            plan_err!("LIKE wants a String, not {}: use toString", clickhouse_name(&other))
        }
    }
}

/// The pattern, translated, and whether that changed it. Again would change nothing.
fn pattern_of(pattern: Expr, escape: Option<char>) -> Result<(Expr, bool)> {
    let known = match &pattern {
        Expr::Literal(ScalarValue::Null, _) => return Ok((pattern, false)),
        Expr::Literal(value, _) => value.try_as_str(),
        Expr::ScalarFunction(call) if call.name() == LIKE_PATTERN => return Ok((pattern, false)),
        _ => None,
    };
    match known {
        Some(None) => Ok((pattern, false)),
        Some(Some(text)) => {
            let new = translated(text, escape)?;
            Ok(if new == text { (pattern, false) } else { (lit(new), true) })
        }
        None => {
            let escape = escape.map(|escape| escape.to_string());
            let escape = Expr::Literal(ScalarValue::Utf8(escape), None);
            Ok((like_pattern().call(vec![pattern, escape]), true))
        }
    }
}
