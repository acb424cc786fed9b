//! SHOW and DESCRIBE, answered by queries over the `system` tables. Not here: those tables.

use datafusion::sql::sqlparser::ast::ShowStatementFilterPosition as Position;
use datafusion::sql::sqlparser::ast::{ShowCreateObject, ShowStatementFilter, Statement};

use crate::dialect::Parsed;
use crate::error::{Error, Result};
use crate::names::table_name;
use crate::session::{Request, Session};

/// The query that answers `statement`, if it is a SHOW or DESCRIBE.
pub(crate) fn as_query(
    session: &Session,
    statement: &Statement,
    request: &Request,
) -> Result<Option<Parsed>> {
    let (sql, name) = match statement {
        Statement::ShowTables { show_options, .. } => match &show_options.filter_position {
            None => {
                ("SELECT name FROM system.tables WHERE database = {d:String} ORDER BY name", None)
            }
            Some(Position::Suffix(ShowStatementFilter::Like(pattern))) => (
                "SELECT name FROM system.tables WHERE database = {d:String} \
                 AND name LIKE {n:String} ORDER BY name",
                Some(pattern.clone()),
            ),
            Some(other) => {
                return Err(Error::unsupported(
                    format!("SHOW TABLES {other:?}"),
                    "SELECT from system.tables",
                ));
            }
        },
        Statement::ShowDatabases { .. } | Statement::ShowSchemas { .. } => {
            ("SELECT name FROM system.databases ORDER BY name", None)
        }
        Statement::ShowFunctions { .. } => {
            ("SELECT name FROM system.functions ORDER BY name", None)
        }
        Statement::ExplainTable { table_name: table, .. } => {
            let name = table_name(table, &session.database)?;
            session.db.table(&name, &request.usage)?;
            (
                "SELECT name, type FROM system.columns WHERE database = {d:String} \
                 AND \"table\" = {n:String} ORDER BY position",
                Some(name),
            )
        }
        Statement::ShowCreate { obj_type: ShowCreateObject::Table, obj_name } => {
            let name = table_name(obj_name, &session.database)?;
            session.db.table(&name, &request.usage)?;
            (
                "SELECT create_table_query AS statement FROM system.tables \
                 WHERE database = {d:String} AND name = {n:String}",
                Some(name),
            )
        }
        _ => return Ok(None),
    };
    let mut request = request.clone();
    request.params = [("d".to_owned(), session.database.clone())].into();
    request.params.extend(name.map(|name| ("n".to_owned(), name)));
    Ok(session.parse(sql, &request)?.into_iter().next())
}
