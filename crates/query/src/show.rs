//! SHOW, DESCRIBE and EXISTS, answered by queries over the `system` tables; those of what `system`
//! tells nothing of, attached databases and itself, by asking them. Not here: the tables of
//! `system`, DESCRIBE of a view ([`crate::view_ddl`]).

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt8Array};
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

use dodb_engine::Error as EngineError;

use crate::catalog::SYSTEM;
use crate::databases::database_name;
use crate::dialect::{EXISTENCE, Parsed};
use crate::error::{Error, Result};
use crate::functions;
use crate::names::table_name;
use crate::session::{Request, Session};
use crate::system::NAMES;

/// The query that answers `statement`, if it is a SHOW or DESCRIBE.
pub(crate) fn as_query(
    session: &Session,
    statement: &Statement,
    request: &Request,
) -> Result<Option<Parsed>> {
    let (sql, name) = match statement {
        Statement::ShowTables { show_options, .. } => {
            if let Some(name) = database_of(show_options)?.filter(|name| *name != session.database)
            {
                return Err(Error::OtherDatabase { name });
            }
            match pattern_of(show_options)? {
                None => (
                    "SELECT name FROM system.tables WHERE database = {d:String} ORDER BY name",
                    None,
                ),
                pattern => (
                    "SELECT name FROM system.tables WHERE database = {d:String} \
                     AND name LIKE {n:String} ORDER BY name",
                    pattern,
                ),
            }
        }
        Statement::ShowDatabases { show_options, .. }
        | Statement::ShowSchemas { show_options, .. } => match pattern_of(show_options)? {
            None => ("SELECT name FROM system.databases ORDER BY name", None),
            pattern => (
                "SELECT name FROM system.databases WHERE name LIKE {n:String} ORDER BY name",
                pattern,
            ),
        },
        Statement::ShowFunctions { filter: None } => {
            ("SELECT name FROM system.functions ORDER BY name", None)
        }
        Statement::ShowFunctions { filter: Some(ShowStatementFilter::Like(pattern)) } => (
            "SELECT name FROM system.functions WHERE name LIKE {n:String} ORDER BY name",
            Some(pattern.clone()),
        ),
        Statement::ExplainTable { table_name: table, .. } => {
            let name = table_name(table, &session.database)?;
            session.db.table(&name, &request.usage)?;
            (
                "SELECT name, type FROM system.columns WHERE database = {d:String} \
                 AND \"table\" = {n:String} ORDER BY position",
                Some(name),
            )
        }
        Statement::ShowCreate {
            obj_type: ShowCreateObject::Table | ShowCreateObject::View,
            obj_name,
        } => {
            let name = table_name(obj_name, &session.database)?;
            if session.db.view(&name, &request.usage)?.is_none() {
                session.db.table(&name, &request.usage)?;
            }
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
    // Parameters travel escaped.
    request.params.values_mut().for_each(|value| *value = value.replace('\\', "\\\\"));
    Ok(session.parse(sql, &request)?.into_iter().next())
}

/// `FROM x` of SHOW TABLES.
fn database_of(options: &ShowStatementOptions) -> Result<Option<String>> {
    let named = options.show_in.as_ref().and_then(|within| within.parent_name.as_ref());
    named.map(database_name).transpose()
}

/// The pattern of `LIKE` in a SHOW; what else may stand there is refused.
fn pattern_of(options: &ShowStatementOptions) -> Result<Option<String>> {
    let refused = |what: &str| {
        Err(Error::unsupported(format!("{what} in SHOW"), "use LIKE, or SELECT from `system`"))
    };
    if options.starts_with.is_some() || options.limit.is_some() || options.limit_from.is_some() {
        return refused("STARTS WITH or LIMIT");
    }
    match &options.filter_position {
        None => Ok(None),
        Some(
            Position::Suffix(ShowStatementFilter::Like(pattern))
            | Position::Infix(ShowStatementFilter::Like(pattern)),
        ) => Ok(Some(pattern.clone())),
        Some(Position::Suffix(other) | Position::Infix(other)) => refused(&other.to_string()),
    }
}

/// The answer, if `statement` is about an attached database, or lists the tables of `system`.
pub(crate) async fn of_others(
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
            let names = match database.as_str() {
                SYSTEM => NAMES.iter().map(|name| (*name).to_owned()).collect(),
                name if is_attached(name)? => db.attached_tables(name, usage).await?,
                _ => return Ok(None),
            };
            let rows = texts([("name", names)])?;
            let rows = match pattern_of(show_options)? {
                Some(pattern) => {
                    let pattern = functions::like_pattern(&pattern, None)?;
                    let pattern = StringArray::new_scalar(pattern);
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

/// The answer to EXISTS, as ClickHouse has it: 1 or 0.
pub(crate) fn existence(
    session: &Session,
    statement: &Statement,
    request: &Request,
) -> Result<Option<SendableRecordBatchStream>> {
    let Statement::ShowVariable { variable } = statement else { return Ok(None) };
    let [mark, kind, name @ ..] = variable.as_slice() else { return Ok(None) };
    if mark.value != EXISTENCE {
        return Ok(None);
    }
    let name = table_name(&ObjectName::from(name.to_vec()), &session.database)?;
    let is_view = session.db.view(&name, &request.usage)?.is_some();
    let exists = match session.db.table(&name, &request.usage) {
        Ok(_) => kind.value == "TABLE",
        Err(EngineError::UnknownTable { .. } | EngineError::IsView { .. }) => is_view,
        Err(e) => return Err(e.into()),
    };
    let schema = Schema::new(vec![Field::new("result", DataType::UInt8, false)]);
    let column: ArrayRef = Arc::new(UInt8Array::from(vec![u8::from(exists)]));
    let rows = RecordBatch::try_new(Arc::new(schema), vec![column]);
    Ok(Some(stream_of(rows.map_err(DataFusionError::from)?)))
}

pub(crate) fn texts<const N: usize>(columns: [(&str, Vec<String>); N]) -> Result<RecordBatch> {
    let fields = columns.each_ref().map(|(name, _)| Field::new(*name, DataType::Utf8, false));
    let arrays = columns.map(|(_, values)| Arc::new(StringArray::from(values)) as ArrayRef);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), arrays.to_vec());
    Ok(rows.map_err(DataFusionError::from)?)
}

pub(crate) fn stream_of(rows: RecordBatch) -> SendableRecordBatchStream {
    let schema = rows.schema();
    Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(rows)])))
}
