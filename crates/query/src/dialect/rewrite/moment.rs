//! `FROM t FOR VERSION AS OF 5`: the moment becomes part of the table's name, which the catalog
//! takes apart again ([`split`]), since the planner knows tables by name alone. Not here: what a
//! table held at that moment (`dodb-engine`).

use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectNamePart, TableAlias, TableFactor, TableVersion, Value,
};

use crate::dialect::error::ParseError;

/// Stands between name and moment; no name has it, as it is a control character.
const MARK: char = '\u{1}';

/// Which state of a table in the bucket is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The id of a snapshot.
    Version(i64),
    /// Milliseconds since 1970.
    Timestamp(i64),
}

/// Puts the moment of a table into its name, and its name into an alias.
pub(super) fn into_name(table: &mut TableFactor) -> Result<(), ParseError> {
    let TableFactor::Table { name, alias, version, .. } = table else { return Ok(()) };
    let Some(version) = version.take() else { return Ok(()) };
    let moment = match moment(&version)? {
        Moment::Version(id) => format!("{MARK}v{id}"),
        Moment::Timestamp(ms) => format!("{MARK}t{ms}"),
    };
    let Some(ObjectNamePart::Identifier(last)) = name.0.last_mut() else { return Ok(()) };
    let plain = last.clone();
    *last = Ident::with_quote_and_span('`', last.span, format!("{}{moment}", last.value));
    if alias.is_none() {
        *alias = Some(TableAlias { explicit: true, name: plain, columns: Vec::new(), at: None });
    }
    Ok(())
}

/// A name as the planner knows it, as name and moment.
pub(crate) fn split(name: &str) -> (&str, Option<Moment>) {
    let Some((plain, moment)) = name.split_once(MARK) else { return (name, None) };
    let number = |text: &str| text.parse().ok();
    let moment = match (moment.strip_prefix('v'), moment.strip_prefix('t')) {
        (Some(id), _) => number(id).map(Moment::Version),
        (_, Some(ms)) => number(ms).map(Moment::Timestamp),
        _ => None,
    };
    (plain, moment)
}

fn moment(version: &TableVersion) -> Result<Moment, ParseError> {
    let refused = |what: &str| {
        let hint = "write the id of a snapshot, as system.snapshots lists them, or a time: \
                    FOR VERSION AS OF 123, FOR TIMESTAMP AS OF '2026-01-31 12:00:00'";
        Err(ParseError::unsupported(format!("{what} {version}"), hint))
    };
    match version {
        TableVersion::VersionAsOf(expr) => match literal(expr) {
            Some(Literal::Number(id)) => Ok(Moment::Version(id)),
            _ => refused("the version of"),
        },
        TableVersion::TimestampAsOf(expr) | TableVersion::ForSystemTimeAsOf(expr) => {
            match literal(expr) {
                Some(Literal::Number(ms)) => Ok(Moment::Timestamp(ms)),
                Some(Literal::Text(text)) => match string_to_timestamp_nanos(&text) {
                    Ok(nanos) => Ok(Moment::Timestamp(nanos.div_euclid(1_000_000))),
                    Err(_) => refused("the time of"),
                },
                None => refused("the time of"),
            }
        }
        TableVersion::Function(_) | TableVersion::Changes { .. } => refused("the moment"),
    }
}

enum Literal {
    Number(i64),
    Text(String),
}

fn literal(expr: &Expr) -> Option<Literal> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok().map(Literal::Number),
            Value::SingleQuotedString(text) => Some(Literal::Text(text.clone())),
            _ => None,
        },
        // TIMESTAMP '...'
        Expr::TypedString(typed) => literal(&Expr::Value(typed.value.clone())),
        _ => None,
    }
}
