//! The order of a table's rows that CREATE TABLE names: by ORDER BY, by PRIMARY KEY, or by both. As
//! in ClickHouse a primary key names the order and no more: rows may share it. Not here: how rows
//! are put in order (`dodb-engine`).

use datafusion::sql::sqlparser::ast::{
    ColumnOption, CreateTable, Expr, IndexColumn, OneOrManyWithParens, TableConstraint,
};

use crate::error::{Error, Result};

/// The columns by which rows are sorted.
///
/// # Errors
/// Two primary keys, one that does not begin the ORDER BY, a column twice, anything but columns;
/// another constraint.
pub(crate) fn sort_order(create: &CreateTable) -> Result<Vec<String>> {
    let key = primary_key(create)?;
    let mut order = Vec::new();
    match &create.order_by {
        Some(OneOrManyWithParens::One(one)) => columns_of(one, "ORDER BY", &mut order)?,
        Some(OneOrManyWithParens::Many(many)) => {
            many.iter().try_for_each(|one| columns_of(one, "ORDER BY", &mut order))?;
        }
        None => order.extend(key.iter().flatten().cloned()),
    }
    let key = key.unwrap_or_default();
    if !order.starts_with(&key) {
        return Err(Error::Plan(format!(
            "table `{}`: the PRIMARY KEY ({}) does not begin the ORDER BY ({}); it names the order \
             of rows, so leave it out or let ORDER BY begin with it",
            create.name,
            key.join(", "),
            order.join(", ")
        )));
    }
    for (at, column) in order.iter().enumerate() {
        if order.iter().take(at).any(|before| before == column) {
            return Err(Error::Plan(format!(
                "table `{}` is ordered by column `{column}` twice",
                create.name
            )));
        }
    }
    Ok(order)
}

/// The primary key, wherever it stands.
fn primary_key(create: &CreateTable) -> Result<Option<Vec<String>>> {
    let of_columns: Vec<String> = create
        .columns
        .iter()
        .filter(|column| column.options.iter().any(|it| is_primary_key(&it.option)))
        .map(|column| column.name.value.clone())
        .collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    found.extend((!of_columns.is_empty()).then_some(of_columns));
    for constraint in &create.constraints {
        match constraint {
            TableConstraint::PrimaryKey(key)
                if key.name.is_none()
                    && key.index_name.is_none()
                    && key.index_type.is_none()
                    && key.index_options.is_empty()
                    && key.characteristics.is_none() =>
            {
                found.push(key.columns.iter().map(key_column).collect::<Result<_>>()?);
            }
            other => {
                let hint = "leave it out: rows are checked by type and NOT NULL alone";
                return Err(Error::unsupported(format!("`{other}` of a table"), hint));
            }
        }
    }
    if let Some(key) = &create.primary_key {
        let mut columns = Vec::new();
        columns_of(key, "PRIMARY KEY", &mut columns)?;
        found.push(columns);
    }
    if found.len() > 1 {
        return Err(Error::Plan(format!(
            "table `{}` has more than one PRIMARY KEY; name all its columns in one",
            create.name
        )));
    }
    Ok(found.pop())
}

/// Is that option of a column a primary key, with nothing else in it?
pub(crate) fn is_primary_key(option: &ColumnOption) -> bool {
    matches!(option, ColumnOption::PrimaryKey(key) if key.characteristics.is_none())
}

fn key_column(column: &IndexColumn) -> Result<String> {
    let order = &column.column.options;
    match &column.column.expr {
        Expr::Identifier(name)
            if order.asc.is_none()
                && order.nulls_first.is_none()
                && column.operator_class.is_none() =>
        {
            Ok(name.value.clone())
        }
        _ => Err(not_a_column("PRIMARY KEY", column)),
    }
}

fn columns_of(expression: &Expr, clause: &str, out: &mut Vec<String>) -> Result<()> {
    match expression {
        Expr::Identifier(ident) => out.push(ident.value.clone()),
        Expr::Nested(inner) => columns_of(inner, clause, out)?,
        Expr::Tuple(items) => {
            for item in items {
                columns_of(item, clause, out)?;
            }
        }
        Expr::Function(call) if call.to_string() == "tuple()" => {}
        // What the dialect makes of tuples.
        Expr::Function(call) if call.name.to_string() == "struct" => {
            for item in arguments(call) {
                columns_of(item, clause, out)?;
            }
        }
        other => return Err(not_a_column(clause, other)),
    }
    Ok(())
}

fn not_a_column(clause: &str, found: &dyn std::fmt::Display) -> Error {
    Error::unsupported(format!("{clause} `{found}` of a table"), "order by columns, ascending")
}

fn arguments(call: &datafusion::sql::sqlparser::ast::Function) -> impl Iterator<Item = &Expr> {
    use datafusion::sql::sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
    let list = match &call.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}
