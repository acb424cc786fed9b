//! SHOW and DESCRIBE, answered by queries over the `system` tables; those of attached databases, of
//! which `system` tells nothing, by asking them. Not here: the tables of `system`.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::compute::kernels::comparison::like;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast::ShowStatementFilterPosition as Position;
use datafusion::sql::sqlparser::ast::{
    ObjectName, ShowCreateObject, ShowStatementFilter, ShowStatementOptions, Statement,
};

use crate::attached::database_name;
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
    let database = match statement {
        Statement::ShowTables { show_options, .. } => database_of(show_options)?,
        _ => None,
    };
    let database = database.unwrap_or_else(|| session.database.clone());
    request.params = [("d".to_owned(), database)].into();
    request.params.extend(name.map(|name| ("n".to_owned(), name)));
    Ok(session.parse(sql, &request)?.into_iter().next())
}

/// `FROM x` of SHOW TABLES.
fn database_of(options: &ShowStatementOptions) -> Result<Option<String>> {
    let named = options.show_in.as_ref().and_then(|within| within.parent_name.as_ref());
    named.map(database_name).transpose()
}

/// The answer, if `statement` is about an attached database.
pub(crate) async fn of_attached(
    session: &Session,
    statement: &Statement,
    request: &Request,
) -> Result<Option<SendableRecordBatchStream>> {
    let (db, usage) = (&session.db, &request.usage);
    let is_attached = |name: &str| -> Result<bool> {
        Ok(name != session.database && db.attached(usage)?.iter().any(|(known, _)| known == name))
    };
    match statement {
        Statement::ShowTables { show_options, .. } => {
            let Some(database) = database_of(show_options)? else { return Ok(None) };
            if !is_attached(&database)? {
                return Ok(None);
            }
            let names = db.attached_tables(&database, usage).await?;
            let rows = texts([("name", names)])?;
            let like_pattern = match &show_options.filter_position {
                None => None,
                Some(Position::Suffix(ShowStatementFilter::Like(pattern))) => Some(pattern),
                Some(other) => {
                    return Err(Error::unsupported(format!("SHOW TABLES {other:?}"), "use LIKE"));
                }
            };
            let rows = match like_pattern {
                Some(pattern) => {
                    let pattern = StringArray::new_scalar(pattern.as_str());
                    like(rows.column(0), &pattern)
                        .and_then(|fits| filter_record_batch(&rows, &fits))
                        .map_err(DataFusionError::from)?
                }
                None => rows,
            };
            Ok(Some(stream_of(rows)))
        }
        Statement::ExplainTable { table_name: ObjectName(parts), .. } => {
            let names: Vec<&str> = parts
                .iter()
                .filter_map(|part| part.as_ident())
                .map(|ident| ident.value.as_str())
                .collect();
            let Some((database, table)) = names.split_first().filter(|(_, rest)| !rest.is_empty())
            else {
                return Ok(None);
            };
            if !is_attached(database)? {
                return Ok(None);
            }
            let snapshot = db.attached_snapshot(database, &table.join("."), None, usage).await?;
            let def = snapshot.def();
            let columns = def.schema.columns().iter();
            let types = columns.clone().map(|column| match column.nullable {
                true => format!("Nullable({})", def.type_name(column)),
                false => def.type_name(column),
            });
            let names = columns.clone().map(|column| column.name.clone()).collect();
            Ok(Some(stream_of(texts([("name", names), ("type", types.collect())])?)))
        }
        _ => Ok(None),
    }
}

fn texts<const N: usize>(columns: [(&str, Vec<String>); N]) -> Result<RecordBatch> {
    let fields = columns.each_ref().map(|(name, _)| Field::new(*name, DataType::Utf8, false));
    let arrays = columns.map(|(_, values)| Arc::new(StringArray::from(values)) as ArrayRef);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), arrays.to_vec());
    Ok(rows.map_err(DataFusionError::from)?)
}

fn stream_of(rows: RecordBatch) -> SendableRecordBatchStream {
    let schema = rows.schema();
    Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(rows)])))
}
