//! CREATE, DROP, TRUNCATE and ALTER TABLE, and which module does the same for databases, views and
//! indexes: from syntax to the engine's definitions. Not here: what the definitions do, the order
//! of rows ([`crate::keys`]).

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    AlterTable, AlterTableOperation, ColumnOption, CreateTable, DataType, ObjectName, ObjectType,
    RenameTableNameKind, Statement,
};
use dodb_engine::{Alter, JsonHints, TableDef};
use dodb_part::ColumnType;

use crate::dialect::{JSON_HINTS, Parsed};
use crate::error::{Error, Result};
use crate::keys::{is_primary_key, sort_order};
use crate::names::table_name;
use crate::session::{Answer, Request, Session};
use crate::write::check_may_write;
use crate::{databases, indexes, lasting, view_ddl};

pub(crate) async fn run(session: &Session, parsed: &Parsed, request: &Request) -> Result<Answer> {
    let (db, usage, database) = (&session.db, &request.usage, session.database.as_str());
    match &parsed.statement {
        statement @ Statement::CreateDatabase { .. } => {
            databases::create(session, statement, parsed.engine.as_ref(), request).await?;
        }
        statement @ Statement::Drop { object_type: ObjectType::Database, .. } => {
            databases::drop(session, statement, request).await?;
        }
        Statement::CreateTable(create) => {
            check_may_write(request, "CREATE TABLE")?;
            db.create_table(definition(create, database)?, create.if_not_exists, usage)?;
        }
        Statement::Drop { object_type: ObjectType::Table, if_exists, names, .. } => {
            drop_tables(session, names, *if_exists, request)?;
        }
        Statement::CreateView(create) => view_ddl::create(session, parsed, create, request).await?,
        Statement::Drop { object_type: ObjectType::View, if_exists, names, .. } => {
            view_ddl::drop(session, names, *if_exists, request)?;
        }
        Statement::CreateIndex(index) => return indexes::create(session, index, request),
        Statement::Drop { object_type: ObjectType::Index, table, .. } => {
            return indexes::drop(session, table.as_ref(), request);
        }
        Statement::Truncate(truncate) => {
            check_may_write(request, "TRUNCATE")?;
            for target in &truncate.table_names {
                db.truncate(&table_name(&target.name, database)?, usage).await?;
            }
        }
        Statement::AlterTable(alter) => {
            check_may_write(request, "ALTER TABLE")?;
            if let [AlterTableOperation::DropIndex { .. }] = alter.operations.as_slice() {
                return indexes::drop(session, Some(&alter.name), request);
            }
            self::alter(session, alter, request)?;
        }
        Statement::Set(set) => lasting::set(set, request)?,
        Statement::Use(used) => lasting::use_database(session, used, request).await?,
        other => {
            let text: String = other.to_string().chars().take(40).collect();
            return Err(Error::unsupported(format!("`{text}`"), ""));
        }
    }
    Ok(Answer::Done)
}

fn definition(create: &CreateTable, database: &str) -> Result<TableDef> {
    let name = table_name(&create.name, database)?;
    if create.query.is_some() {
        return Err(Error::unsupported(
            "CREATE TABLE ... AS SELECT",
            "CREATE TABLE with its columns, then INSERT ... SELECT",
        ));
    }
    if create.temporary || create.or_replace || create.like.is_some() {
        return Err(Error::unsupported("CREATE TEMPORARY, OR REPLACE or LIKE", "name the columns"));
    }
    let mut columns = Vec::with_capacity(create.columns.len());
    let mut hinted = Vec::new();
    for column in &create.columns {
        let hints = json_hints(&column.data_type)?;
        let (ty, mut nullable) = match hints {
            Some(_) => (ColumnType::Json, false),
            None => column_type(&column.data_type, &column.name.value)?,
        };
        hinted.extend(hints.map(|hints| (column.name.value.clone(), hints)));
        let mut explicit = nullable;
        for option in &column.options {
            match &option.option {
                ColumnOption::NotNull => {
                    explicit = true;
                    nullable = false;
                }
                ColumnOption::Null => nullable = true,
                ColumnOption::Comment(_) => {}
                // Of the order of rows.
                key if is_primary_key(key) => {}
                other => {
                    return Err(Error::unsupported(
                        format!("`{other}` of column `{}`", column.name.value),
                        "leave it out",
                    ));
                }
            }
        }
        columns.push((column.name.value.clone(), ty, nullable || !explicit));
    }
    let order_by = sort_order(create)?;
    let partition_by = create.partition_by.as_ref().map(|e| e.to_string());
    let def = TableDef::plain(&name, columns, &order_by, partition_by)?;
    Ok(hinted
        .into_iter()
        .try_fold(def, |def, (column, hints)| def.with_json_hints(&column, hints))?)
}

/// The hints of `JSON(...)`, which the dialect passes on as text.
fn json_hints(ty: &DataType) -> Result<Option<JsonHints>> {
    match ty {
        DataType::Custom(name, arguments) if name.to_string() == JSON_HINTS => {
            let text = arguments.first().map(String::as_str).unwrap_or_default();
            Ok(Some(JsonHints::parse(text)?))
        }
        _ => Ok(None),
    }
}

/// The type of a column. The parser prints ClickHouse's `Int8` as `INT8`, a name that means eight
/// bytes elsewhere; here, as in a cast, it is one byte.
fn column_type(ty: &DataType, column: &str) -> Result<(ColumnType, bool)> {
    let text = ty.to_string();
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let spelled: String = words.map(|word| word.replacen("INT8", "Int8", one_byte(word))).collect();
    ColumnType::parse_nullable(&spelled).map_err(|e| Error::Plan(format!("column `{column}`: {e}")))
}

/// 1 if the word is `INT8`, whatever mark ends it.
fn one_byte(word: &str) -> usize {
    usize::from(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()) == "INT8")
}

/// Changes a table by every command of one ALTER TABLE, or by none.
fn alter(session: &Session, alter: &AlterTable, request: &Request) -> Result<()> {
    let (db, usage) = (&session.db, &request.usage);
    let name = table_name(&alter.name, &session.database)?;
    let def = db.table(&name, usage)?;
    let mut known: BTreeSet<String> =
        def.schema.columns().iter().map(|column| column.name.clone()).collect();
    let mut changes = Vec::new();
    for operation in &alter.operations {
        add_changes(&mut changes, operation, &mut known, &session.database)?;
    }
    if changes.is_empty() {
        return Ok(());
    }
    Ok(db.alter_table_all(&name, changes, usage)?)
}

/// Adds what a command changes. `known` are the columns that there are before it and after it.
fn add_changes(
    changes: &mut Vec<Alter>,
    operation: &AlterTableOperation,
    known: &mut BTreeSet<String>,
    database: &str,
) -> Result<()> {
    match operation {
        AlterTableOperation::AddColumn { if_not_exists, column_def, column_position, .. } => {
            let column = column_def.name.value.clone();
            if let Some(position) = column_position {
                let hint = "an added column is the last; SELECT names columns in any order";
                return Err(Error::unsupported(format!("ADD COLUMN `{column}` {position}"), hint));
            }
            let is_taken = |option: &ColumnOption| {
                matches!(option, ColumnOption::Null | ColumnOption::Comment(_))
            };
            if let Some(other) = column_def.options.iter().find(|it| !is_taken(&it.option)) {
                return Err(Error::unsupported(
                    format!("`{}` of the added column `{column}`", other.option),
                    "leave it out: rows of before have NULL there",
                ));
            }
            if !known.insert(column.clone()) && *if_not_exists {
                return Ok(());
            }
            changes.push(match json_hints(&column_def.data_type)? {
                Some(hints) => Alter::AddJsonColumn { name: column, hints },
                None => {
                    let (ty, _) = column_type(&column_def.data_type, &column)?;
                    Alter::AddColumn { name: column, ty }
                }
            });
        }
        AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
            for column in column_names {
                if known.remove(&column.value) || !*if_exists {
                    changes.push(Alter::DropColumn { name: column.value.clone() });
                }
            }
        }
        AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
            known.remove(&old_column_name.value);
            known.insert(new_column_name.value.clone());
            changes.push(Alter::RenameColumn {
                from: old_column_name.value.clone(),
                to: new_column_name.value.clone(),
            });
        }
        AlterTableOperation::RenameTable { table_name: to } => {
            let to = match to {
                RenameTableNameKind::To(to) | RenameTableNameKind::As(to) => to,
            };
            changes.push(Alter::RenameTable { to: table_name(to, database)? });
        }
        other => {
            return Err(Error::unsupported(
                format!("ALTER TABLE `{other}`"),
                "ADD, DROP and RENAME COLUMN, RENAME TO, UPDATE and DELETE are",
            ));
        }
    }
    Ok(())
}

/// `DROP TABLE a, b`, of which each may be a view. All that are named are looked for first.
fn drop_tables(
    session: &Session,
    names: &[ObjectName],
    if_exists: bool,
    request: &Request,
) -> Result<()> {
    check_may_write(request, "DROP TABLE")?;
    let (db, usage) = (&session.db, &request.usage);
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let name = table_name(name, &session.database)?;
        let is_view = db.view(&name, usage)?.is_some();
        if !is_view && !if_exists {
            db.table(&name, usage)?;
        }
        found.push((name, is_view));
    }
    for (name, is_view) in found {
        match is_view {
            true => db.drop_view(&name, if_exists, usage)?,
            false => db.drop_table(&name, if_exists, usage)?,
        };
    }
    Ok(())
}
