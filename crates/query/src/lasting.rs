//! SET and USE, which would hold for the statements after them. A request has no session that could
//! keep them, so one that would change something is refused, with what to write instead; one that
//! would change nothing is taken, for clients that send some by themselves. Not here: the settings.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Set, UnaryOperator, Use, Value};
use dodb_engine::Error as EngineError;

use crate::databases::database_name;
use crate::error::{Error, Result};
use crate::session::{Request, Session};

/// `SET name = value`, of one setting or more.
pub(crate) fn set(set: &Set, request: &Request) -> Result<()> {
    let Set::SingleAssignment { scope: None, hivevar: false, variable, values } = set else {
        return Err(Error::unsupported(format!("`{set}`"), ""));
    };
    let [first, rest @ ..] = values.as_slice() else {
        return Err(Error::unsupported(format!("`{set}`"), ""));
    };
    let mut assignments = vec![(variable.to_string(), first)];
    // The parser takes `a = 1, b = 2` for an `a` of two values.
    for one in rest {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = one else {
            return Err(Error::unsupported(format!("`{set}`"), "give a setting one value"));
        };
        assignments.push((left.to_string(), right.as_ref()));
    }
    for (name, value) in assignments {
        let name = name.trim_matches(['`', '"']);
        let value = text_of(value)
            .ok_or_else(|| Error::Plan(format!("setting `{name}` cannot be `{value}`")))?;
        let mut after = request.settings.clone();
        if after.set(name, &value)? && after != request.settings {
            return Err(Error::unsupported(
                format!("SET `{name}`, which nothing would remember after it,"),
                &format!(
                    "end the statement that it is for with SETTINGS {name} = ..., or send \
                     {name}=... with the request"
                ),
            ));
        }
    }
    Ok(())
}

/// The value of a setting as SETTINGS would have it.
fn text_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => Some(number.to_string()),
            Value::SingleQuotedString(text) => Some(text.clone()),
            Value::Boolean(is_set) => Some(u8::from(*is_set).to_string()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some(format!("-{}", text_of(expr)?)),
        Expr::Identifier(word) => Some(word.value.clone()),
        _ => None,
    }
}

/// `USE name`.
pub(crate) async fn use_database(session: &Session, used: &Use, request: &Request) -> Result<()> {
    let (Use::Object(name) | Use::Database(name)) = used else {
        return Err(Error::unsupported(format!("`{used}`"), ""));
    };
    let name = database_name(name)?;
    if name == session.database {
        return Ok(());
    }
    if session.db.attached(&request.usage)?.iter().any(|(known, _)| *known == name) {
        return Err(Error::unsupported(
            format!("USE `{name}`, which is attached,"),
            &format!("write FROM {name}.table"),
        ));
    }
    if !session.database_names(&request.usage).await?.contains(&name) {
        return Err(EngineError::UnknownDatabase { name }.into());
    }
    Err(Error::unsupported(
        format!("USE `{name}`, which nothing would remember after it,"),
        &format!("each request names its database: ?database={name} or `--database {name}`"),
    ))
}
