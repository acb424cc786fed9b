//! CREATE, DROP, TRUNCATE and ALTER TABLE, CREATE and DROP DATABASE: from syntax to the engine's
//! definitions. Not here: what the definitions do.

use datafusion::sql::sqlparser::ast::{
    AlterTableOperation, ColumnOption, CreateTable, DataType, Expr, ObjectType,
    OneOrManyWithParens, RenameTableNameKind, Statement,
};
use dodb_engine::{Alter, JsonHints, TableDef};
use dodb_part::ColumnType;

use crate::attached;
use crate::dialect::{JSON_HINTS, Parsed};
use crate::error::{Error, Result};
use crate::names::table_name;
use crate::session::{Answer, Request, Session};
use crate::write::check_may_write;

pub(crate) async fn run(session: &Session, parsed: &Parsed, request: &Request) -> Result<Answer> {
    let (db, usage, database) = (&session.db, &request.usage, session.database.as_str());
    match &parsed.statement {
        Statement::CreateDatabase { db_name, if_not_exists, .. } => {
            attached::create(session, db_name, parsed.engine.as_ref(), *if_not_exists, request)?;
        }
        Statement::Drop { object_type: ObjectType::Database, if_exists, names, .. } => {
            for name in names {
                attached::drop(session, name, *if_exists, request)?;
            }
        }
        Statement::CreateTable(create) => {
            check_may_write(request, "CREATE TABLE")?;
            db.create_table(definition(create, database)?, create.if_not_exists, usage)?;
        }
        Statement::Drop { object_type: ObjectType::Table, if_exists, names, .. } => {
            check_may_write(request, "DROP TABLE")?;
            for name in names {
                db.drop_table(&table_name(name, database)?, *if_exists, usage)?;
            }
        }
        Statement::Truncate(truncate) => {
            check_may_write(request, "TRUNCATE")?;
            for target in &truncate.table_names {
                db.truncate(&table_name(&target.name, database)?, usage).await?;
            }
        }
        Statement::AlterTable(alter) => {
            check_may_write(request, "ALTER TABLE")?;
            let name = table_name(&alter.name, database)?;
            for operation in &alter.operations {
                alter_one(session, &name, operation, request)?;
            }
        }
        Statement::Set(_) | Statement::Use(_) => {}
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
    let order_by = order_by(create)?;
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

fn order_by(create: &CreateTable) -> Result<Vec<String>> {
    let expressions: Vec<&Expr> = match (&create.order_by, &create.primary_key) {
        (Some(OneOrManyWithParens::One(one)), _) => vec![one],
        (Some(OneOrManyWithParens::Many(many)), _) => many.iter().collect(),
        (None, Some(key)) => vec![key],
        (None, None) => Vec::new(),
    };
    let mut out = Vec::new();
    for expression in expressions {
        columns_of(expression, &mut out)?;
    }
    Ok(out)
}

fn columns_of(expression: &Expr, out: &mut Vec<String>) -> Result<()> {
    match expression {
        Expr::Identifier(ident) => out.push(ident.value.clone()),
        Expr::Nested(inner) => columns_of(inner, out)?,
        Expr::Tuple(items) => {
            for item in items {
                columns_of(item, out)?;
            }
        }
        Expr::Function(call) if matches!(call.to_string().as_str(), "tuple()" | "struct()") => {}
        other => {
            return Err(Error::unsupported(
                format!("ORDER BY `{other}` of a table"),
                "order by columns",
            ));
        }
    }
    Ok(())
}

fn alter_one(
    session: &Session,
    name: &str,
    operation: &AlterTableOperation,
    request: &Request,
) -> Result<()> {
    let (db, usage) = (&session.db, &request.usage);
    match operation {
        AlterTableOperation::AddColumn { if_not_exists, column_def, .. } => {
            let column = column_def.name.value.clone();
            if *if_not_exists && db.table(name, usage)?.column(&column).is_ok() {
                return Ok(());
            }
            let change = match json_hints(&column_def.data_type)? {
                Some(hints) => Alter::AddJsonColumn { name: column, hints },
                None => {
                    let (ty, _) = column_type(&column_def.data_type, &column)?;
                    Alter::AddColumn { name: column, ty }
                }
            };
            db.alter_table(name, change, usage)?;
        }
        AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
            for column in column_names {
                if *if_exists && db.table(name, usage)?.column(&column.value).is_err() {
                    continue;
                }
                let change = Alter::DropColumn { name: column.value.clone() };
                db.alter_table(name, change, usage)?;
            }
        }
        AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
            let change = Alter::RenameColumn {
                from: old_column_name.value.clone(),
                to: new_column_name.value.clone(),
            };
            db.alter_table(name, change, usage)?;
        }
        AlterTableOperation::RenameTable { table_name: to } => {
            let to = match to {
                RenameTableNameKind::To(to) | RenameTableNameKind::As(to) => to,
            };
            let to = table_name(to, &session.database)?;
            db.alter_table(name, Alter::RenameTable { to }, usage)?;
        }
        other => {
            return Err(Error::unsupported(
                format!("ALTER TABLE `{other}`"),
                "ADD, DROP and RENAME COLUMN and RENAME TO are",
            ));
        }
    }
    Ok(())
}
