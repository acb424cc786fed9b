//! The table of spellings as parsed templates, and putting a call into one.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use super::calls::Call;
use super::names::SPELLINGS;
use crate::dialect::clickhouse::Dialect;
use crate::dialect::error::Position;
use crate::dialect::{shape, tokens};

/// One row of the table, parsed.
#[derive(Debug)]
pub(super) struct Template {
    params: Vec<String>,
    args: Vec<String>,
    body: Expr,
}

/// By lower-case name.
static TEMPLATES: LazyLock<HashMap<String, Vec<Template>>> = LazyLock::new(|| {
    let mut templates: HashMap<String, Vec<Template>> = HashMap::new();
    for spelling in SPELLINGS.iter().flat_map(|(_, spellings)| spellings.iter()) {
        // A test checks that every row parses.
        if let Some((name, template)) = read(spelling.call, spelling.becomes) {
            templates.entry(name).or_default().push(template);
        }
    }
    templates
});

/// Reads one row.
pub(super) fn read(call: &str, becomes: &str) -> Option<(String, Template)> {
    let Ok(Expr::Function(function)) = parse_expr(call) else { return None };
    let params = names(&function.parameters)?;
    let args = names(&function.args)?;
    let name = function.name.to_string().to_ascii_lowercase();
    Some((name, Template { params, args, body: parse_expr(becomes).ok()? }))
}

fn parse_expr(text: &str) -> Result<Expr, ParserError> {
    let start = Position { line: 1, column: 1 };
    let tokens = tokens::tokenize(text, start)
        .map_err(|error| ParserError::ParserError(error.to_string()))?;
    Parser::new(&Dialect).with_tokens_with_locations(shape::reshape(tokens)).parse_expr()
}

fn names(arguments: &FunctionArguments) -> Option<Vec<String>> {
    let FunctionArguments::List(list) = arguments else { return Some(vec![]) };
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(name))) => {
                Some(name.value.clone())
            }
            _ => None,
        })
        .collect()
}

/// The template for a call, by name and number of parameters and arguments.
pub(super) fn find(call: &Call) -> Option<&'static Template> {
    let fits = |template: &&Template| {
        template.params.len() == call.params.len() && template.args.len() == call.args.len()
    };
    TEMPLATES.get(&call.name)?.iter().find(fits)
}

/// Whether the table knows the name at all.
pub(super) fn is_known(name: &str) -> bool {
    TEMPLATES.contains_key(name)
}

/// The calls the table has for a name, for error messages.
pub(super) fn forms(name: &str) -> Vec<&'static str> {
    let spellings = SPELLINGS.iter().flat_map(|(_, spellings)| spellings.iter());
    spellings
        .filter(|spelling| {
            spelling.call.split('(').next().is_some_and(|call| call.eq_ignore_ascii_case(name))
        })
        .map(|spelling| spelling.call)
        .collect()
}

/// Puts the call's arguments, filter, window and DISTINCT into the template.
pub(super) fn apply(template: &Template, call: &mut Call) -> Expr {
    let names = template.params.iter().chain(&template.args).cloned();
    let values = call.params.drain(..).chain(call.args.drain(..));
    let mut filling = Filling { values: names.zip(values).collect(), call };
    let mut body = template.body.clone();
    let _: ControlFlow<()> = VisitMut::visit(&mut body, &mut filling);
    body
}

struct Filling<'a> {
    values: HashMap<String, Expr>,
    call: &'a Call,
}

impl VisitorMut for Filling<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(Ident { value, .. }) => {
                if let Some(value) = self.values.get(value) {
                    *expr = bracketed(value.clone());
                }
            }
            Expr::Function(function) if is_native_aggregate(&function.name.to_string()) => {
                decorate(function, self.call);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Brackets keep the printed form of the tree right.
fn bracketed(expr: Expr) -> Expr {
    match expr {
        Expr::BinaryOp { .. } | Expr::UnaryOp { .. } | Expr::IsNull(_) | Expr::IsNotNull(_) => {
            Expr::Nested(Box::new(expr))
        }
        other => other,
    }
}

fn decorate(function: &mut Function, call: &Call) {
    if let Some(filter) = &call.filter {
        let filter = match function.filter.take() {
            Some(own) => Expr::BinaryOp {
                left: own,
                op: BinaryOperator::And,
                right: Box::new(Expr::Nested(Box::new(filter.clone()))),
            },
            None => filter.clone(),
        };
        function.filter = Some(Box::new(filter));
    }
    if call.over.is_some() {
        function.over = call.over.clone();
    }
    if let (true, FunctionArguments::List(list)) = (call.distinct, &mut function.args) {
        list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
    }
}

/// DataFusion's aggregates, as far as the table and the combinators use them.
pub(super) fn is_native_aggregate(name: &str) -> bool {
    matches!(
        name,
        "approx_distinct"
            | "approx_median"
            | "approx_percentile_cont"
            | "array_agg"
            | "avg"
            | "bit_and"
            | "bit_or"
            | "bit_xor"
            | "bool_and"
            | "bool_or"
            | "corr"
            | "count"
            | "covar_pop"
            | "covar_samp"
            | "first_value"
            | "last_value"
            | "max"
            | "min"
            | "percentile_cont"
            | "stddev"
            | "stddev_pop"
            | "stddev_samp"
            | "string_agg"
            | "sum"
            | "topk"
            | "var"
            | "var_pop"
            | "var_samp"
    )
}
