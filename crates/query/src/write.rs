//! INSERT, UPDATE and DELETE. Each is one change of the engine: all of it or nothing. Not here:
//! INSERT with data in a format, which the server decodes and gives to the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Schema, UInt64Type};
use datafusion::sql::sqlparser::ast::{
    self, Assignment, AssignmentTarget, Expr, FromTable, Ident, ObjectNamePart, Query, SelectItem,
    SetExpr, Statement, TableAlias, TableFactor, TableObject, TableWithJoins,
};
use dodb_engine::{Error as EngineError, PART_COLUMN, ROW_COLUMN, RowAddresses, TableDef};
use dodb_part::ColumnType;
use futures::TryStreamExt;

use crate::catalog::ADDRESSED;
use crate::dialect::{Parsed, clickhouse_name};
use crate::error::{Error, Result};
use crate::functions;
use crate::names::table_name;
use crate::session::{Answer, Request, Session};

/// How often a statement starts over when somebody else changed the rows it had read.
const TRIES_MAX: usize = 16;

pub(crate) fn check_may_write(request: &Request, statement: &'static str) -> Result<()> {
    if request.read_only { Err(Error::ReadOnly { statement }) } else { Ok(()) }
}

/// Where an INSERT goes: the table, and the columns named, all of them when it names none.
pub(crate) struct Target {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
}

impl Session {
    /// The table and columns that an INSERT statement writes to, if the statement is one.
    ///
    /// # Errors
    /// An unknown table or column; a user who may not write.
    pub async fn insert_target(
        &self,
        parsed: &Parsed,
        request: &Request,
    ) -> Result<Option<(String, Vec<String>)>> {
        let Statement::Insert(insert) = &parsed.statement else { return Ok(None) };
        let target = self.explained(target(self, insert, request), request).await?;
        Ok(Some((target.table, target.columns)))
    }
}

fn target(session: &Session, insert: &ast::Insert, request: &Request) -> Result<Target> {
    check_may_write(request, "INSERT")?;
    let TableObject::TableName(name) = &insert.table else {
        return Err(Error::unsupported("INSERT INTO FUNCTION", "insert into a table"));
    };
    let table = table_name(name, &session.database)?;
    let def = session.db.table(&table, &request.usage)?;
    let columns = if insert.columns.is_empty() {
        def.schema.columns().iter().map(|c| c.name.clone()).collect()
    } else {
        let named = |name: &ast::ObjectName| Ok(def.column(&table_name(name, "")?)?.name.clone());
        insert.columns.iter().map(named).collect::<Result<_>>()?
    };
    Ok(Target { table, columns })
}

pub(crate) async fn insert(
    session: &Session,
    parsed: &Parsed,
    insert: &ast::Insert,
    request: &Request,
) -> Result<Answer> {
    let target = target(session, insert, request)?;
    let Some(source) = &insert.source else {
        return Err(Error::Plan(format!(
            "INSERT INTO {} has no data: send it after the statement or as the body",
            target.table
        )));
    };
    let def = session.db.table(&target.table, &request.usage)?;
    let query = query_of(parsed, source.as_ref().clone());
    let (_, batches) = read(session, &query, request).await?;
    let mut named = Vec::with_capacity(batches.len());
    for batch in batches {
        named.push(fitting(batch, &target.columns, &def)?);
    }
    let Some(first) = named.first() else { return Ok(Answer::Written(0)) };
    let all = concat_batches(&first.schema(), &named).map_err(arrow_error)?;
    let rows = session.db.insert(&target.table, &all, &request.usage).await?;
    Ok(Answer::Written(rows))
}

pub(crate) async fn delete(
    session: &Session,
    parsed: &Parsed,
    delete: &ast::Delete,
    request: &Request,
) -> Result<Answer> {
    check_may_write(request, "DELETE")?;
    let from = match &delete.from {
        FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from) => from,
    };
    let plain = delete.using.is_none()
        && delete.returning.is_none()
        && delete.order_by.is_empty()
        && delete.limit.is_none();
    let [from] = from.as_slice() else {
        return Err(Error::unsupported("DELETE from several tables", "delete from one at a time"));
    };
    if !plain {
        return Err(Error::unsupported(
            "DELETE with USING, RETURNING, ORDER BY or LIMIT",
            "select the rows in WHERE",
        ));
    }
    let (table, factor) = one_table(from, &session.database)?;
    // A view has no rows to be deleted.
    session.db.table(&table, &request.usage)?;
    let query = addressed(session, request, factor, Vec::new(), delete.selection.as_ref())?;
    let query = query_of(parsed, query);
    for _ in 0..TRIES_MAX {
        let (_, batches) = read(session, &query, request).await?;
        let rows = addresses(&batches)?;
        match session.db.mutate(&table, rows, None, &request.usage).await {
            Err(EngineError::Conflict { .. }) => continue,
            outcome => return Ok(Answer::Written(outcome?)),
        }
    }
    Err(EngineError::Conflict { table }.into())
}

pub(crate) async fn update(
    session: &Session,
    parsed: &Parsed,
    update: &ast::Update,
    request: &Request,
) -> Result<Answer> {
    check_may_write(request, "UPDATE")?;
    if update.from.is_some() || update.returning.is_some() || update.limit.is_some() {
        return Err(Error::unsupported(
            "UPDATE with FROM, RETURNING or LIMIT",
            "select the rows in WHERE",
        ));
    }
    let (table, factor) = one_table(&update.table, &session.database)?;
    let def = session.db.table(&table, &request.usage)?;
    let mut assigned = BTreeMap::new();
    for Assignment { target, value } in &update.assignments {
        let AssignmentTarget::ColumnName(name) = target else {
            return Err(Error::unsupported("UPDATE of a tuple", "assign column by column"));
        };
        let [ast::ObjectNamePart::Identifier(column)] = name.0.as_slice() else {
            return Err(Error::unsupported(format!("UPDATE of `{name}`"), "assign whole columns"));
        };
        let column = def.column(&column.value)?;
        if assigned.insert(column.name.clone(), value.clone()).is_some() {
            return Err(Error::Plan(format!("column `{}` is assigned twice", column.name)));
        }
    }
    let items = def.schema.columns().iter().map(|column| {
        let old = || Expr::Identifier(Ident::with_quote('`', &column.name));
        let expr = assigned.get(&column.name).cloned().unwrap_or_else(old);
        SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('`', &column.name) }
    });
    let items = items.collect();
    let query = addressed(session, request, factor, items, update.selection.as_ref())?;
    let query = query_of(parsed, query);
    let columns: Vec<String> = def.schema.columns().iter().map(|c| c.name.clone()).collect();
    for _ in 0..TRIES_MAX {
        let (schema, batches) = read(session, &query, request).await?;
        let rows = addresses(&batches)?;
        let all = concat_batches(&schema, &batches).map_err(arrow_error)?;
        let kept: Vec<usize> = (2..all.num_columns()).collect();
        let new = fitting(all.project(&kept).map_err(arrow_error)?, &columns, &def)?;
        match session.db.mutate(&table, rows, Some(&new), &request.usage).await {
            Err(EngineError::Conflict { .. }) => continue,
            outcome => return Ok(Answer::Written(outcome?)),
        }
    }
    Err(EngineError::Conflict { table }.into())
}

fn one_table(from: &TableWithJoins, database: &str) -> Result<(String, TableWithJoins)> {
    match &from.relation {
        TableFactor::Table { name, .. } if from.joins.is_empty() => {
            Ok((table_name(name, database)?, from.clone()))
        }
        _ => Err(Error::unsupported("changing a join", "name one table and use IN in WHERE")),
    }
}

/// `SELECT _part, _row, items FROM table WHERE selection`, built on a parsed template.
fn addressed(
    session: &Session,
    request: &Request,
    from: TableWithJoins,
    items: Vec<SelectItem>,
    selection: Option<&Expr>,
) -> Result<Query> {
    let template = session.parse("SELECT _part, _row FROM t", request)?;
    let Some(Statement::Query(query)) = template.into_iter().next().map(|p| p.statement) else {
        return Err(Error::Plan("the template of a change is not a query".into()));
    };
    let mut query = *query;
    if let SetExpr::Select(select) = query.body.as_mut() {
        for (item, name) in select.projection.iter_mut().zip([PART_COLUMN, ROW_COLUMN]) {
            *item = SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('`', name)));
        }
        select.projection.extend(items);
        select.from = vec![with_row_addresses(from)];
        select.selection = selection.cloned();
    }
    Ok(query)
}

/// The table as the catalog shows it with the addresses of its rows. Only where the statement
/// changes it: it may read it elsewhere too, with `*`.
fn with_row_addresses(mut from: TableWithJoins) -> TableWithJoins {
    if let TableFactor::Table { name, alias, .. } = &mut from.relation
        && let Some(ObjectNamePart::Identifier(last)) = name.0.last_mut()
    {
        let plain = last.clone();
        *last = Ident::with_quote('`', format!("{}{ADDRESSED}", plain.value));
        let own = || TableAlias { explicit: true, name: plain, columns: Vec::new(), at: None };
        alias.get_or_insert_with(own);
    }
    from
}

fn query_of(parsed: &Parsed, query: Query) -> Parsed {
    Parsed { statement: Statement::Query(Box::new(query)), inline: None, ..parsed.clone() }
}

async fn read(
    session: &Session,
    query: &Parsed,
    request: &Request,
) -> Result<(Arc<Schema>, Vec<RecordBatch>)> {
    let rows = session.plan(query, request).await?.execute()?;
    let schema = rows.schema();
    Ok((schema, rows.try_collect().await?))
}

fn addresses(batches: &[RecordBatch]) -> Result<RowAddresses> {
    let wrong = || Error::Execution("a row's address is missing".into());
    let mut rows: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for batch in batches {
        let column = |at: usize| -> Option<&UInt64Array> {
            batch.columns().get(at)?.as_primitive_opt::<UInt64Type>()
        };
        let (parts, numbers) = column(0).zip(column(1)).ok_or_else(wrong)?;
        for (part, row) in parts.values().iter().zip(numbers.values()) {
            rows.entry(*part).or_default().push(*row as u32);
        }
    }
    Ok(rows.into_iter().map(|(part, rows)| (part, rows.into_iter().collect())).collect())
}

/// The same columns under other names; where text is stored floats as ClickHouse writes them, and
/// nothing nested, which the engine would write in another way.
fn fitting(batch: RecordBatch, names: &[String], def: &TableDef) -> Result<RecordBatch> {
    if batch.num_columns() != names.len() {
        return Err(Error::Plan(format!(
            "{} columns are to be filled ({}), but there are {} values",
            names.len(),
            names.join(", "),
            batch.num_columns()
        )));
    }
    let mut fields = Vec::with_capacity(names.len());
    let mut columns = Vec::with_capacity(names.len());
    for ((field, column), name) in batch.schema().fields().iter().zip(batch.columns()).zip(names) {
        let is_text = def.column(name)?.ty == ColumnType::String;
        let column = match column.data_type() {
            float if float.is_floating() && is_text => {
                Arc::new(functions::shown(column)?) as ArrayRef
            }
            nested if nested.is_nested() && is_text => {
                let given = clickhouse_name(nested);
                return Err(Error::Plan(format!(
                    "column `{name}` is String: {given} cannot be stored in it"
                )));
            }
            _ => column.clone(),
        };
        let field = field.as_ref().clone().with_name(name);
        fields.push(field.with_data_type(column.data_type().clone()));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(arrow_error)
}

fn arrow_error(e: datafusion::arrow::error::ArrowError) -> Error {
    Error::Execution(e.to_string())
}
