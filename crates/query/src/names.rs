//! Names of tables in statements: `t`, `database.t`. Not here: looking them up.

use datafusion::sql::sqlparser::ast::{ObjectName, ObjectNamePart};

use crate::error::{Error, Result};

/// The table that `name` names in `database`.
///
/// # Errors
/// Another database, more than two parts, or not a plain name.
pub(crate) fn table_name(name: &ObjectName, database: &str) -> Result<String> {
    let parts: Vec<&str> = name
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident.value.as_str()),
            other => Err(Error::Plan(format!("`{other}` is not the name of a table"))),
        })
        .collect::<Result<_>>()?;
    match parts.as_slice() {
        [table] => Ok((*table).to_owned()),
        [schema, table] if *schema == database => Ok((*table).to_owned()),
        [other, _] => Err(Error::OtherDatabase { name: (*other).to_owned() }),
        _ => Err(Error::Plan(format!("`{name}` is not the name of a table"))),
    }
}
