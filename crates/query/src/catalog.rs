//! The tables of one query: each is resolved once, so that a query that names a table twice sees
//! one moment of it. Not here: the tables' rows ([`crate::provider`]), `system`
//! ([`crate::system`]), tables of attached databases ([`crate::attached`]).

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;
use dodb_engine::{AsOf, Db};
use parking_lot::Mutex;

use crate::attached::{AttachedDatabase, AttachedTables};
use crate::budget::Budget;
use crate::databases::{Databases, OtherDatabase};
use crate::dialect::{Moment, split_moment};
use crate::error::external;
use crate::provider::DodbTable;
use crate::query_log::QueryLog;
use crate::settings::Settings;
use crate::system;
use crate::views::Views;

/// The name of the only catalog.
pub(crate) const CATALOG: &str = "dodb";
/// The schema that holds the tables about the database.
pub(crate) const SYSTEM: &str = "system";

/// Ends the name of a table that shows where its rows are; no name has it, as it is a control
/// character.
pub(crate) const ADDRESSED: char = '\u{2}';

/// What the tables of one query are read through.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) db: Db,
    pub(crate) budget: Arc<Budget>,
    pub(crate) database: String,
    /// The databases beside it.
    pub(crate) databases: Option<Arc<dyn Databases>>,
    pub(crate) settings: Settings,
    /// What statements came to.
    pub(crate) log: Arc<QueryLog>,
    /// The views of the statement.
    pub(crate) views: Arc<Views>,
}

impl Access {
    /// Is a database of that name attached? Asked only for a name that is not of the database:
    /// the answer may take a row.
    fn is_attached(&self, name: &str) -> bool {
        let attached = self.db.attached(&self.budget.usage);
        attached.is_ok_and(|attached| attached.iter().any(|(known, _)| known == name))
    }
}

/// The catalogs of a query.
pub(crate) fn catalog_list(access: Access) -> Arc<dyn CatalogProviderList> {
    let tables = Tables { access: access.clone(), seen: Mutex::new(HashMap::new()) };
    let catalog = Catalog { access: access.clone(), tables: Arc::new(tables) };
    Arc::new(Catalogs { access, catalog: Arc::new(catalog) })
}

/// One with the database and `system` in it, and one for each database that is attached.
struct Catalogs {
    access: Access,
    catalog: Arc<Catalog>,
}

impl std::fmt::Debug for Catalogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Catalogs")
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        _name: String,
        _catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        if name == CATALOG {
            return Some(self.catalog.clone());
        }
        let (access, database) = (self.access.clone(), name.to_owned());
        Some(match self.access.is_attached(name) {
            true => Arc::new(AttachedDatabase { access, database }),
            false => Arc::new(OtherDatabase(database)),
        })
    }
}

struct Catalog {
    access: Access,
    tables: Arc<Tables>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Catalog")
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        vec![self.access.database.clone(), SYSTEM.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let access = self.access.clone();
        if name == access.database {
            return Some(self.tables.clone());
        }
        if name == SYSTEM {
            return Some(Arc::new(SystemTables { access }));
        }
        let database = name.to_owned();
        Some(match access.is_attached(name) {
            true => Arc::new(AttachedTables { access, database, namespace: None }),
            false => Arc::new(OtherDatabase(database)),
        })
    }
}

/// A moment of a query as the engine has it.
pub(crate) fn as_of(moment: Moment) -> AsOf {
    match moment {
        Moment::Version(id) => AsOf::Snapshot(id),
        Moment::Timestamp(ms) => AsOf::Time(ms),
    }
}

struct Tables {
    access: Access,
    seen: Mutex<HashMap<String, Arc<DodbTable>>>,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tables({})", self.access.database)
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        let tables = self.access.db.tables(&self.access.budget.usage).unwrap_or_default();
        let views = self.access.views.all().into_iter().map(|(name, _)| name);
        tables.iter().map(|def| def.name.clone()).chain(views).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.seen.lock().get(name) {
            return Ok(Some(table.clone()));
        }
        if let Some(view) = self.access.views.get(name) {
            return Ok(Some(view));
        }
        if let Some(plain) = name.strip_suffix(ADDRESSED) {
            // Of the same moment as where the statement names it without.
            self.table(plain).await?;
            let table = self.seen.lock().get(plain).map(|table| table.with_row_addresses());
            return Ok(table.map(|table| -> Arc<dyn TableProvider> { Arc::new(table) }));
        }
        let budget = self.access.budget.clone();
        let db = &self.access.db;
        let snapshot = match split_moment(name) {
            (name, None) => db.snapshot(name, &budget.usage),
            (name, Some(moment)) => db.snapshot_as_of(name, as_of(moment), &budget.usage).await,
        };
        let snapshot = snapshot.map_err(external)?;
        let infer_times = self.access.settings.infer_times;
        let table = Arc::new(DodbTable::new(snapshot, infer_times, budget));
        // Of two that resolved it at once, both go on with the first.
        Ok(Some(self.seen.lock().entry(name.to_owned()).or_insert(table).clone()))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.access.views.get(name).is_some()
            || self.access.db.table(split_moment(name).0, &self.access.budget.usage).is_ok()
    }
}

struct SystemTables {
    access: Access,
}

impl std::fmt::Debug for SystemTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemTables")
    }
}

#[async_trait]
impl SchemaProvider for SystemTables {
    fn table_names(&self) -> Vec<String> {
        system::NAMES.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        system::table(&self.access, name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        system::NAMES.contains(&name)
    }
}
