//! The databases beside this one: CREATE and DROP DATABASE, their names, and what is said of a
//! statement that names a table of another one. Where databases are is the host's affair
//! ([`Databases`]). Not here: the tables of attached ones ([`crate::attached`]).

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result as PlanResult};
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, ObjectNamePart, Statement};
use dodb_engine::{Error as EngineError, Usage};
use futures::future::BoxFuture;

use crate::attached;
use crate::catalog::SYSTEM;
use crate::error::{Error, Result};
use crate::session::{Request, Session};
use crate::write::check_may_write;

/// The databases of a host, of which a session serves one.
pub trait Databases: Debug + Send + Sync {
    /// All their names, the one that is served and `default` among them.
    fn names<'a>(&'a self, usage: &'a Usage) -> BoxFuture<'a, Result<Vec<String>>>;

    /// Makes a database. `Ok(false)`: there was one of that name.
    fn create<'a>(&'a self, name: &'a str, usage: &'a Usage) -> BoxFuture<'a, Result<bool>>;
}

/// A database that is in every database's `system.databases` without being one.
fn is_reserved(name: &str) -> bool {
    name == SYSTEM || name == "information_schema"
}

/// `CREATE DATABASE name`, or one that is attached with `ENGINE = Iceberg(...)`.
pub(crate) async fn create(
    session: &Session,
    statement: &Statement,
    engine: Option<&Expr>,
    request: &Request,
) -> Result<()> {
    let Statement::CreateDatabase { db_name, if_not_exists, .. } = statement else { return Ok(()) };
    check_may_write(request, "CREATE DATABASE")?;
    let condition = if *if_not_exists { "IF NOT EXISTS " } else { "" };
    let plain = format!("CREATE DATABASE {condition}{db_name}");
    check_is_plain(statement, &plain)?;
    let name = database_name(db_name)?;
    let is_attached = session.db.attached(&request.usage)?.iter().any(|(known, _)| *known == name);
    let is_made = match (engine, &session.databases) {
        _ if is_attached || is_reserved(&name) || name == session.database => false,
        (Some(_), _) if session.database_names(&request.usage).await?.contains(&name) => false,
        (Some(engine), _) => attached::attach(session, &name, engine, request)?,
        (None, Some(databases)) => databases.create(&name, &request.usage).await?,
        (None, None) => {
            return Err(Error::unsupported(
                format!("CREATE DATABASE `{name}`"),
                "this dodb serves one database",
            ));
        }
    };
    match is_made || *if_not_exists {
        true => Ok(()),
        false => Err(EngineError::DatabaseExists { name }.into()),
    }
}

/// `DROP DATABASE name` of one that is attached: it is not read any more; nothing of it is deleted.
pub(crate) async fn drop(
    session: &Session,
    statement: &Statement,
    request: &Request,
) -> Result<()> {
    let Statement::Drop { if_exists, names, .. } = statement else { return Ok(()) };
    check_may_write(request, "DROP DATABASE")?;
    let [name] = names.as_slice() else {
        return Err(Error::unsupported("DROP DATABASE of several", "drop one after the other"));
    };
    let condition = if *if_exists { "IF EXISTS " } else { "" };
    check_is_plain(statement, &format!("DROP DATABASE {condition}{name}"))?;
    let name = database_name(name)?;
    if session.db.attached(&request.usage)?.iter().any(|(known, _)| *known == name) {
        session.db.detach(&name, *if_exists, &request.usage)?;
        return Ok(());
    }
    if is_reserved(&name) || session.database_names(&request.usage).await?.contains(&name) {
        return Err(Error::unsupported(
            format!("DROP DATABASE `{name}`, which is not attached,"),
            "drop its tables",
        ));
    }
    match *if_exists {
        true => Ok(()),
        false => Err(EngineError::UnknownDatabase { name }.into()),
    }
}

/// Refuses clauses that the parser takes and nothing here does: what is understood of `statement`
/// is `plain`.
fn check_is_plain(statement: &Statement, plain: &str) -> Result<()> {
    match statement.to_string() {
        text if text == plain => Ok(()),
        text => Err(Error::unsupported(format!("`{text}`"), &format!("write {plain}"))),
    }
}

/// The name of a database.
pub(crate) fn database_name(name: &ObjectName) -> Result<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Ok(ident.value.clone()),
        _ => Err(Error::Plan(format!("`{name}` is not the name of a database"))),
    }
}

impl Session {
    /// The names of the databases beside this one, its own among them; none that is attached.
    pub(crate) async fn database_names(&self, usage: &Usage) -> Result<Vec<String>> {
        match &self.databases {
            Some(databases) => databases.names(usage).await,
            None => Ok(vec![self.database.clone()]),
        }
    }

    /// Says of an error what it came of, if it is that a statement names another database.
    pub(crate) async fn explained<T>(&self, outcome: Result<T>, request: &Request) -> Result<T> {
        let Err(Error::OtherDatabase { name }) = outcome else { return outcome };
        let attached = self.db.attached(&request.usage)?;
        if is_reserved(&name) || attached.iter().any(|(known, _)| *known == name) {
            return Err(Error::unsupported(
                format!("this statement on a table of `{name}`"),
                "its tables are read-only",
            ));
        }
        if !self.database_names(&request.usage).await?.contains(&name) {
            return Err(EngineError::UnknownDatabase { name }.into());
        }
        Err(Error::unsupported(
            format!("a table of database `{name}` in a statement on `{}`", self.database),
            &format!("ask that one, with ?database={name} or `--database {name}`"),
        ))
    }
}

/// What stands for a database that is not this one and not attached: every look into it fails.
#[derive(Debug)]
pub(crate) struct OtherDatabase(pub(crate) String);

impl CatalogProvider for OtherDatabase {
    fn schema_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, _name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(OtherDatabase(self.0.clone())))
    }
}

#[async_trait]
impl SchemaProvider for OtherDatabase {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, _name: &str) -> PlanResult<Option<Arc<dyn TableProvider>>> {
        let error = Error::OtherDatabase { name: self.0.clone() };
        Err(DataFusionError::External(Box::new(error)))
    }

    fn table_exist(&self, _name: &str) -> bool {
        true
    }
}
