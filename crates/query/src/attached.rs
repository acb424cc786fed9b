//! Databases that are attached, as DataFusion sees them: `lake.events`, ``lake.`sales.orders` ``,
//! `lake.sales.orders`. And what attaches one. Not here: CREATE and DROP DATABASE
//! ([`crate::databases`]), how their tables are found and read (`dodb-engine`).

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::Result as PlanResult;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value,
};
use dodb_engine::Attachment;

use crate::catalog::{Access, as_of};
use crate::dialect::split_moment;
use crate::error::{Error, Result, external};
use crate::provider::DodbTable;
use crate::session::{Request, Session};

/// A database that is attached, or one of its namespaces.
pub(crate) struct AttachedTables {
    pub(crate) access: Access,
    pub(crate) database: String,
    pub(crate) namespace: Option<String>,
}

impl std::fmt::Debug for AttachedTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AttachedTables({})", self.database)
    }
}

#[async_trait]
impl SchemaProvider for AttachedTables {
    /// To know them takes a request.
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, name: &str) -> PlanResult<Option<Arc<dyn TableProvider>>> {
        let (name, moment) = split_moment(name);
        let name = match &self.namespace {
            Some(namespace) => format!("{namespace}.{name}"),
            None => name.to_owned(),
        };
        let budget = self.access.budget.clone();
        let db = &self.access.db;
        let as_of = moment.map(as_of);
        let snapshot = db.attached_snapshot(&self.database, &name, as_of, &budget.usage).await;
        let snapshot = snapshot.map_err(external)?;
        let infer_times = self.access.settings.infer_times;
        Ok(Some(Arc::new(DodbTable::new(snapshot, infer_times, budget))))
    }

    fn table_exist(&self, _name: &str) -> bool {
        true
    }
}

/// An attached database as a catalog of namespaces.
pub(crate) struct AttachedDatabase {
    pub(crate) access: Access,
    pub(crate) database: String,
}

impl std::fmt::Debug for AttachedDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AttachedDatabase({})", self.database)
    }
}

impl CatalogProvider for AttachedDatabase {
    fn schema_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(AttachedTables {
            access: self.access.clone(),
            database: self.database.clone(),
            namespace: Some(name.to_owned()),
        }))
    }
}

/// `CREATE DATABASE name ENGINE = Iceberg('uri', 'warehouse')`. `Ok(false)`: there was one.
pub(crate) fn attach(
    session: &Session,
    name: &str,
    engine: &Expr,
    request: &Request,
) -> Result<bool> {
    Ok(session.db.attach(name, attachment(engine)?, true, &request.usage)?)
}

fn attachment(engine: &Expr) -> Result<Attachment> {
    const WANTED: &str = "ENGINE = Iceberg('https://catalog', 'warehouse'), Iceberg('s3://folder') \
                          or Iceberg('file:///folder')";
    let wrong = || {
        Error::Plan(format!(
            "a database has no ENGINE `{engine}`: one of dodb's own needs none, and Iceberg tables \
             of others are attached with {WANTED}"
        ))
    };
    let Expr::Function(call) = engine else { return Err(wrong()) };
    let FunctionArguments::List(list) = &call.args else { return Err(wrong()) };
    if !call.name.to_string().eq_ignore_ascii_case("Iceberg") {
        return Err(wrong());
    }
    let text = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Ok(text.clone()),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    };
    let texts: Vec<String> = list.args.iter().map(text).collect::<Result<_>>()?;
    match texts.as_slice() {
        [uri] => Ok(Attachment { uri: uri.clone(), warehouse: None }),
        [uri, warehouse] => Ok(Attachment { uri: uri.clone(), warehouse: Some(warehouse.clone()) }),
        _ => Err(wrong()),
    }
}
