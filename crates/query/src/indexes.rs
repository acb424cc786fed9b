//! CREATE INDEX and DROP INDEX. Every column and path is indexed by itself, so there is nothing to
//! make or drop: the statement is checked, and the answer says so. What an index would promise
//! beyond finding rows, such as that no two have the same value, is refused. Not here: the index
//! (`dodb-engine`).

use datafusion::sql::sqlparser::ast::{CreateIndex, Expr, IndexColumn, ObjectName};
use dodb_engine::TableDef;
use dodb_part::ColumnType;

use crate::error::{Error, Result};
use crate::names::table_name;
use crate::session::{Answer, Request, Session};
use crate::write::check_may_write;

/// What the answer to such a statement says.
const NOTE: &str =
    "every column and path is indexed by itself: no index was made, built or dropped";

/// `CREATE [UNIQUE] INDEX i ON t (a, data.b)`.
pub(crate) fn create(session: &Session, index: &CreateIndex, request: &Request) -> Result<Answer> {
    check_may_write(request, "CREATE INDEX")?;
    let settings = &request.settings;
    if index.unique && !settings.create_index_ignore_unique {
        return Err(Error::unsupported(
            "CREATE UNIQUE INDEX",
            "nothing keeps values apart but the ids of things and relationships; with the setting \
             create_index_ignore_unique = 1 the word is ignored",
        ));
    }
    if !settings.allow_create_index_without_type {
        return Err(Error::Plan(
            "CREATE INDEX makes nothing; with the setting allow_create_index_without_type = 1 it \
             is taken all the same"
                .into(),
        ));
    }
    let extras = [
        (index.using.is_some(), "USING"),
        (!index.include.is_empty(), "INCLUDE"),
        (index.nulls_distinct.is_some(), "NULLS DISTINCT"),
        (!index.with.is_empty(), "WITH"),
        (index.predicate.is_some(), "WHERE"),
        (index.concurrently, "CONCURRENTLY"),
        (!index.index_options.is_empty() || !index.alter_options.is_empty(), "options"),
    ];
    if let Some((_, what)) = extras.iter().find(|(is_there, _)| *is_there) {
        return Err(Error::unsupported(format!("CREATE INDEX with {what}"), "leave it out"));
    }
    let table = table_name(&index.table_name, &session.database)?;
    let def = session.db.table(&table, &request.usage)?;
    for column in &index.columns {
        check_column(&def, column)?;
    }
    Ok(Answer::Noted(NOTE))
}

/// `DROP INDEX i ON t`, which may leave out the table.
pub(crate) fn drop(
    session: &Session,
    table: Option<&ObjectName>,
    request: &Request,
) -> Result<Answer> {
    check_may_write(request, "DROP INDEX")?;
    if let Some(table) = table {
        session.db.table(&table_name(table, &session.database)?, &request.usage)?;
    }
    Ok(Answer::Noted(NOTE))
}

fn check_column(def: &TableDef, indexed: &IndexColumn) -> Result<()> {
    if indexed.operator_class.is_none() {
        match &indexed.column.expr {
            Expr::Identifier(name) => {
                def.column(&name.value)?;
                return Ok(());
            }
            // A path of documents.
            Expr::CompoundIdentifier(names) => {
                let name = names.first().map(|name| name.value.as_str()).unwrap_or_default();
                if def.column(name)?.ty == ColumnType::Json {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Err(Error::unsupported(
        format!("an index on `{indexed}`"),
        "only columns and paths of JSON columns are indexed, not what is computed of them",
    ))
}
