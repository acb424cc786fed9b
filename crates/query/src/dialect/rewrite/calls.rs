//! Function calls: constants of the session, calls that need more than a template, combinators,
//! templates, and lower-case names for the rest.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, DuplicateTreatment, ExactNumberInfo, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Value, WindowType, helpers::attached_token::AttachedToken,
};

use super::{combinators, template, windows};
use crate::dialect::error::ParseError;
use crate::dialect::options::ParseOptions;

/// A call with plain arguments.
#[derive(Debug)]
pub(super) struct Call {
    /// Name as the user wrote it.
    pub written: String,
    /// Lower-case name.
    pub name: String,
    pub params: Vec<Expr>,
    pub args: Vec<Expr>,
    pub distinct: bool,
    pub filter: Option<Expr>,
    pub over: Option<WindowType>,
}

/// Rewrites one call; its arguments are rewritten already.
pub(super) fn rewrite(function: Function, options: &ParseOptions) -> Result<Expr, ParseError> {
    let [ObjectNamePart::Identifier(ident)] = function.name.0.as_slice() else {
        return Ok(Expr::Function(function));
    };
    let written = ident.value.clone();
    let name = written.to_ascii_lowercase();
    if matches!(function.args, FunctionArguments::None | FunctionArguments::Subquery(_)) {
        return Ok(Expr::Function(function));
    }
    let Some((params, args)) = plain(&function) else {
        return renamed(function, &name);
    };
    let distinct = matches!(&function.args,
        FunctionArguments::List(list) if list.duplicate_treatment.is_some_and(is_distinct));
    let mut call = Call {
        written,
        name,
        params,
        args,
        distinct,
        filter: function.filter.as_deref().cloned(),
        over: function.over.clone(),
    };
    if let Some(expr) = constant(&call, options) {
        return Ok(expr);
    }
    unit_name(&mut call);
    combinators::strip(&mut call)?;
    if let Some(expr) = special(&mut call)? {
        return Ok(expr);
    }
    if let Some(found) = template::find(&call)
        && function.null_treatment.is_none()
    {
        return Ok(template::apply(found, &mut call));
    }
    if !call.params.is_empty() {
        return Err(unknown_form(&call));
    }
    let name = match call.name.as_str() {
        "laginframe" => "lag",
        "leadinframe" => "lead",
        name if template::is_known(name) && !is_also_native(name) => {
            return Err(unknown_form(&call));
        }
        name => name,
    };
    let mut function = function;
    function.filter = call.filter.map(Box::new);
    if let FunctionArguments::List(list) = &mut function.args {
        list.args.truncate(call.args.len());
        if call.distinct {
            list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
        }
    }
    let name = name.to_owned();
    if windows::is_lead_of_some(&function, &name) {
        return windows::lead_of_some(function);
    }
    renamed(function, &name)
}

fn is_distinct(treatment: DuplicateTreatment) -> bool {
    treatment == DuplicateTreatment::Distinct
}

/// Names that DataFusion takes with other numbers of arguments than the table has.
fn is_also_native(name: &str) -> bool {
    template::is_native_aggregate(name)
        || matches!(
            name,
            "any_value"
                | "ceil"
                | "date"
                | "date_trunc"
                | "day"
                | "e"
                | "floor"
                | "log"
                | "median"
                | "mean"
                | "month"
                | "now"
                | "substr"
                | "truncate"
                | "year"
                | "extract"
                | "mod"
                | "nullif"
                | "ifnull"
                | "pow"
                | "position"
        )
}

fn unknown_form(call: &Call) -> ParseError {
    let forms = template::forms(&call.name);
    if forms.is_empty() {
        let problem = "it takes no parameters in a first pair of brackets";
        return ParseError::call(&call.written, problem);
    }
    let problem = format!("these arguments do not fit: write {}", forms.join(" or "));
    ParseError::call(&call.written, problem)
}

/// Parameters and arguments, when there is no syntax inside that only DataFusion reads.
fn plain(function: &Function) -> Option<(Vec<Expr>, Vec<Expr>)> {
    if !function.within_group.is_empty() {
        return None;
    }
    Some((exprs(&function.parameters)?, exprs(&function.args)?))
}

fn exprs(arguments: &FunctionArguments) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = arguments else { return Some(vec![]) };
    if !list.clauses.is_empty() {
        return None;
    }
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

/// The function under its final name.
fn renamed(mut function: Function, name: &str) -> Result<Expr, ParseError> {
    if !matches!(&function.parameters, FunctionArguments::None) {
        return Err(ParseError::call(name, "it takes no parameters in a first pair of brackets"));
    }
    function.name = ObjectName::from(vec![Ident::new(name)]);
    Ok(Expr::Function(function))
}

/// Functions of the session, known before planning.
fn constant(call: &Call, options: &ParseOptions) -> Option<Expr> {
    if !call.args.is_empty() {
        return None;
    }
    let text = match call.name.as_str() {
        "currentdatabase" | "current_database" | "database" => &options.database,
        "currentuser" | "current_user" | "user" => &options.user,
        "version" => &options.version,
        "hostname" | "fqdn" | "displayname" => &options.host,
        "timezone" | "servertimezone" => "UTC",
        _ => return None,
    };
    Some(string(text))
}

/// `dateDiff(day, a, b)`: the unit may be a bare word.
fn unit_name(call: &mut Call) {
    let takes_unit = matches!(
        call.name.as_str(),
        "datediff"
            | "date_diff"
            | "timestampdiff"
            | "dateadd"
            | "date_add"
            | "datesub"
            | "date_sub"
    );
    if takes_unit
        && let [first, _, _] = call.args.as_mut_slice()
        && let Expr::Identifier(ident) = first
        && ident.quote_style.is_none()
    {
        *first = string(&ident.value.to_ascii_lowercase());
    }
}

/// Calls whose form depends on the values of their arguments or on how many there are.
fn special(call: &mut Call) -> Result<Option<Expr>, ParseError> {
    Ok(Some(match call.name.as_str() {
        "multiif" => multi_if(call)?,
        "tuple" => function("struct", std::mem::take(&mut call.args)),
        "array" => function("make_array", std::mem::take(&mut call.args)),
        "todecimal32" => to_decimal(call, 9)?,
        "todecimal64" => to_decimal(call, 18)?,
        "todecimal128" => to_decimal(call, 38)?,
        "todatetime64" => to_datetime64(call)?,
        "quantiles" | "quantilestdigest" | "quantilesexact" => quantiles(call)?,
        "uniq" | "uniqexact" | "uniqcombined" | "uniqcombined64" | "uniqhll12" | "uniqtheta"
        | "countdistinct"
            if call.args.len() > 1 =>
        {
            different_rows(call)
        }
        "count" if call.distinct && call.args.len() > 1 => different_rows(call),
        _ => return Ok(None),
    }))
}

/// `uniqExact(a, b)`, `count(DISTINCT a, b)`: the different pairs in which nothing is null.
fn different_rows(call: &mut Call) -> Expr {
    let args = std::mem::take(&mut call.args);
    let known = args.iter().map(|arg| Expr::IsNotNull(Box::new(arg.clone())));
    let filter = call.filter.take().map(|filter| Expr::Nested(Box::new(filter)));
    let filter = filter.into_iter().chain(known).reduce(|left, right| {
        let (left, right) = (Box::new(left), Box::new(right));
        Expr::BinaryOp { left, op: BinaryOperator::And, right }
    });
    let mut count = function("count", vec![function("struct", args)]);
    if let Expr::Function(count) = &mut count {
        count.filter = filter.map(Box::new);
        count.over = call.over.take();
        if let FunctionArguments::List(list) = &mut count.args {
            list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
        }
    }
    count
}

fn multi_if(call: &mut Call) -> Result<Expr, ParseError> {
    let mut args = std::mem::take(&mut call.args);
    let otherwise = args.pop().filter(|_| args.len() >= 2 && args.len().is_multiple_of(2));
    let Some(otherwise) = otherwise else {
        return Err(ParseError::call(&call.written, "wants condition, value, ..., otherwise"));
    };
    let mut conditions = Vec::with_capacity(args.len() / 2);
    let mut args = args.into_iter();
    while let (Some(condition), Some(result)) = (args.next(), args.next()) {
        conditions.push(CaseWhen { condition, result });
    }
    Ok(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions,
        else_result: Some(Box::new(otherwise)),
    })
}

fn to_decimal(call: &mut Call, precision: u64) -> Result<Expr, ParseError> {
    let [value, scale] = call.args.as_slice() else {
        return Err(ParseError::call(&call.written, "wants a value and a scale"));
    };
    let scale =
        whole_number(scale).filter(|scale| u64::try_from(*scale).is_ok_and(|s| s <= precision));
    let Some(scale) = scale else {
        let problem = format!("the scale must be a number from 0 to {precision}");
        return Err(ParseError::call(&call.written, problem));
    };
    let data_type = DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale));
    Ok(cast(value.clone(), data_type))
}

fn to_datetime64(call: &mut Call) -> Result<Expr, ParseError> {
    let (value, digits) = match call.args.as_slice() {
        [value, digits] | [value, digits, _] => (value, whole_number(digits)),
        _ => return Err(ParseError::call(&call.written, "wants a value and a precision")),
    };
    let digits = digits.and_then(|digits| u64::try_from(digits).ok()).filter(|digits| *digits <= 9);
    let Some(digits) = digits else {
        return Err(ParseError::call(&call.written, "the precision must be a number from 0 to 9"));
    };
    let value = function("as_time", vec![value.clone()]);
    Ok(cast(value, DataType::Datetime64(digits, None)))
}

/// `quantiles(0.5, 0.9)(x)`: an array of quantiles.
fn quantiles(call: &mut Call) -> Result<Expr, ParseError> {
    let single = call.name.replacen("quantiles", "quantile", 1);
    if call.params.is_empty() || call.args.len() != 1 {
        return Err(ParseError::call(
            &call.written,
            "wants levels and one argument: f(0.5, 0.9)(x)",
        ));
    }
    let params = std::mem::take(&mut call.params);
    let levels = params.into_iter().map(|level| {
        let mut one = Call {
            written: call.written.clone(),
            name: single.clone(),
            params: vec![level],
            args: call.args.clone(),
            distinct: call.distinct,
            filter: call.filter.clone(),
            over: call.over.clone(),
        };
        let found = template::find(&one).ok_or_else(|| unknown_form(&one))?;
        Ok(template::apply(found, &mut one))
    });
    Ok(function("make_array", levels.collect::<Result<_, ParseError>>()?))
}

fn whole_number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// A call of a final name.
pub(super) fn function(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// A string literal.
pub(super) fn string(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.into()))
}

/// `CAST(expr AS data_type)`.
pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    let expr = Box::new(expr);
    Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None }
}
