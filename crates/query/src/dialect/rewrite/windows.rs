//! `lead(x, n) IGNORE NULLS`: DataFusion's looks too few rows ahead where some are null. The n-th
//! value that is none among the rows behind is the same. Not here: `lag`, and `lead` of any value.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, NullTreatment,
    ObjectName, Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowType,
};

use super::calls;
use crate::dialect::error::ParseError;

/// Whether a call is one of those.
pub(super) fn is_lead_of_some(function: &Function, name: &str) -> bool {
    name == "lead" && function.null_treatment == Some(NullTreatment::IgnoreNulls)
}

/// The call as one of `nth_value` over the rows behind.
pub(super) fn lead_of_some(mut function: Function) -> Result<Expr, ParseError> {
    let wrong = |problem: &str| ParseError::call("lead", problem);
    let Some(WindowType::WindowSpec(window)) = &mut function.over else {
        return Err(wrong("with IGNORE NULLS it wants its window behind it: OVER (ORDER BY ...)"));
    };
    window.window_frame = Some(WindowFrame {
        units: WindowFrameUnits::Rows,
        start_bound: WindowFrameBound::Following(Some(Box::new(number("1")))),
        end_bound: Some(WindowFrameBound::Following(None)),
    });
    let FunctionArguments::List(list) = &mut function.args else {
        return Err(wrong("an argument is missing"));
    };
    let default = if list.args.len() > 2 { list.args.pop() } else { None };
    if list.args.len() == 1 {
        list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(number("1"))));
    }
    let is_count = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::Number(text, _) => text.parse::<u32>().is_ok_and(|n| n > 0),
            _ => false,
        },
        _ => false,
    };
    if !list.args.get(1).is_some_and(is_count) {
        return Err(wrong("with IGNORE NULLS the offset must be a number from 1 on"));
    }
    function.name = ObjectName::from(vec![Ident::new("nth_value")]);
    let value = Expr::Function(function);
    Ok(match default {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(default))) => {
            calls::function("coalesce", vec![value, default])
        }
        Some(other) => return Err(wrong(&format!("`{other}` is no default"))),
        None => value,
    })
}

fn number(text: &str) -> Expr {
    Expr::value(Value::Number(text.into(), false))
}
