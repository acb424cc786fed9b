//! The definitions of the tables that `CREATE TABLE` made, kept as one row. `things` and
//! `relationships` need no row: they are the same in every database. Not here: rows of tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dodb_lake::Attachment;
use dodb_part::{Column, ColumnType, Schema};
use minicbor::{Decode, Encode};

use crate::databases::DATABASES_MAX;
use crate::error::{Error, Result};
use crate::frame::{self, CATALOG_WITH_VIEWS, Magic};
use crate::hints::JsonHints;
use crate::table::{TableDef, TableKind, USER_TABLES_MIN, check_name};
use crate::view::View;
use crate::warm::ATTACHED_MAX;

/// Most tables and views a database may have.
pub const TABLES_MAX: usize = 10_000;

/// All tables of a database.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    pub(crate) tables: BTreeMap<String, Arc<TableDef>>,
    /// Ids of dropped tables whose rows are still to be deleted.
    pub(crate) dropped: Vec<u32>,
    /// Dropped tables whose objects in the bucket are still to be deleted, and where these are.
    pub(crate) purged: Vec<(u32, String)>,
    pub(crate) views: BTreeMap<String, Arc<View>>,
    /// Other databases that are read.
    pub(crate) attached: BTreeMap<String, Attachment>,
    /// Databases beside this one, where the host leaves the list to it.
    pub(crate) databases: BTreeSet<String>,
    next_table: u32,
}

#[derive(Encode, Decode)]
struct CatalogDisk {
    #[n(0)]
    next_table: u32,
    #[n(1)]
    tables: Vec<TableDisk>,
    #[n(2)]
    dropped: Vec<u32>,
    /// Missing in older catalogs.
    #[n(3)]
    purged: Option<Vec<(u32, String)>>,
    /// Name, URI and warehouse. Missing in older catalogs.
    #[n(4)]
    attached: Option<Vec<(String, String, Option<String>)>>,
    /// Missing in older catalogs.
    #[n(5)]
    databases: Option<Vec<String>>,
    /// Missing where there are none.
    #[n(6)]
    views: Option<Vec<ViewDisk>>,
}

#[derive(Encode, Decode)]
struct ViewDisk {
    #[n(0)]
    name: String,
    #[n(1)]
    columns: Vec<String>,
    #[n(2)]
    query: String,
}

#[derive(Encode, Decode)]
struct TableDisk {
    #[n(0)]
    id: u32,
    #[n(1)]
    version: u32,
    #[n(2)]
    name: String,
    #[n(3)]
    columns: Vec<ColumnDisk>,
    #[n(4)]
    order_by: Vec<u32>,
    #[n(5)]
    partition_by: Option<String>,
    #[n(6)]
    next_column: u32,
    /// Column id and hints as text; missing in older catalogs.
    #[n(7)]
    json_hints: Option<Vec<(u32, String)>>,
}

#[derive(Encode, Decode)]
struct ColumnDisk {
    #[n(0)]
    id: u32,
    #[n(1)]
    name: String,
    #[n(2)]
    ty: String,
    #[n(3)]
    nullable: bool,
}

impl Catalog {
    /// The catalog of a database in which nothing was created yet.
    pub(crate) fn empty() -> Result<Catalog> {
        let mut tables = BTreeMap::new();
        for def in [TableDef::things()?, TableDef::relationships()?] {
            tables.insert(def.name.clone(), Arc::new(def));
        }
        Ok(Catalog {
            tables,
            dropped: Vec::new(),
            purged: Vec::new(),
            views: BTreeMap::new(),
            attached: BTreeMap::new(),
            databases: BTreeSet::new(),
            next_table: USER_TABLES_MIN,
        })
    }

    /// Reads the catalog row.
    pub(crate) fn decode(row: &[u8]) -> Result<Catalog> {
        const PLACE: &str = "the catalog row";
        let payload = frame::open(Magic::Catalog, PLACE, row)?;
        let disk: CatalogDisk =
            minicbor::decode(payload).map_err(|e| Error::corrupt(PLACE, e.to_string()))?;
        let mut catalog = Catalog::empty()?;
        catalog.next_table = disk.next_table;
        catalog.dropped = disk.dropped;
        catalog.purged = disk.purged.unwrap_or_default();
        for (name, uri, warehouse) in disk.attached.unwrap_or_default() {
            catalog.attached.insert(name, Attachment { uri, warehouse });
        }
        catalog.databases = disk.databases.unwrap_or_default().into_iter().collect();
        for ViewDisk { name, columns, query } in disk.views.unwrap_or_default() {
            catalog.views.insert(name.clone(), Arc::new(View { name, columns, query }));
        }
        for table in disk.tables {
            let def = table.into_def()?;
            catalog.tables.insert(def.name.clone(), Arc::new(def));
        }
        Ok(catalog)
    }

    /// The catalog row.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let disk = CatalogDisk {
            next_table: self.next_table,
            tables: self
                .tables
                .values()
                .filter(|def| !def.is_builtin())
                .map(|def| TableDisk::from_def(def))
                .collect(),
            dropped: self.dropped.clone(),
            purged: (!self.purged.is_empty()).then(|| self.purged.clone()),
            attached: (!self.attached.is_empty()).then(|| {
                let disk = |(name, it): (&String, &Attachment)| {
                    (name.clone(), it.uri.clone(), it.warehouse.clone())
                };
                self.attached.iter().map(disk).collect()
            }),
            databases: (!self.databases.is_empty())
                .then(|| self.databases.iter().cloned().collect()),
            views: (!self.views.is_empty()).then(|| {
                let disk = |View { name, columns, query }: &View| ViewDisk {
                    name: name.clone(),
                    columns: columns.clone(),
                    query: query.clone(),
                };
                self.views.values().map(|view| disk(view)).collect()
            }),
        };
        let payload = minicbor::to_vec(&disk)
            .map_err(|e| Error::corrupt("the catalog being written", e.to_string()))?;
        Ok(match self.views.is_empty() {
            true => frame::seal(Magic::Catalog, &payload),
            false => frame::seal_version(Magic::Catalog, CATALOG_WITH_VIEWS, &payload),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Arc<TableDef>> {
        self.tables.get(name).ok_or_else(|| match self.views.contains_key(name) {
            true => Error::IsView { name: name.to_owned() },
            false => Error::UnknownTable { name: name.to_owned() },
        })
    }

    /// Fails if a table or a view has that name.
    fn check_is_free(&self, name: &str) -> Result<()> {
        if self.tables.contains_key(name) {
            return Err(Error::TableExists { name: name.to_owned() });
        }
        if self.views.contains_key(name) {
            return Err(Error::ViewExists { name: name.to_owned() });
        }
        Ok(())
    }

    /// Fails if there is no room for one more table or view.
    fn check_has_room(&self) -> Result<()> {
        let count = self.tables.len() + self.views.len();
        if count < TABLES_MAX {
            return Ok(());
        }
        Err(Error::Limit {
            what: "the number of tables and views".into(),
            value: count as u64 + 1,
            max: TABLES_MAX as u64,
            remedy: "drop those that are not needed",
        })
    }

    fn get_own(&self, name: &str, verb: &str) -> Result<&Arc<TableDef>> {
        let def = self.get(name)?;
        if def.is_builtin() {
            return Err(Error::invalid(format!(
                "table `{name}` is part of every dodb database; it cannot be {verb}"
            )));
        }
        Ok(def)
    }

    /// Adds a table and gives it its id.
    pub(crate) fn create(&mut self, mut def: TableDef) -> Result<Arc<TableDef>> {
        self.check_is_free(&def.name)?;
        self.check_has_room()?;
        def.id = self.next_table;
        self.next_table += 1;
        let def = Arc::new(def);
        self.tables.insert(def.name.clone(), def.clone());
        Ok(def)
    }

    /// Adds a view; with `replace` it may take the place of another.
    pub(crate) fn create_view(&mut self, view: View, replace: bool) -> Result<()> {
        if !(replace && self.views.contains_key(&view.name)) {
            self.check_is_free(&view.name)?;
            self.check_has_room()?;
        }
        self.views.insert(view.name.clone(), Arc::new(view));
        Ok(())
    }

    /// Removes a view.
    pub(crate) fn drop_view(&mut self, name: &str) -> Result<()> {
        if self.tables.contains_key(name) {
            return Err(Error::invalid(format!(
                "`{name}` is a table, not a view; DROP TABLE drops it with its rows"
            )));
        }
        let gone = self.views.remove(name).map(|_| ());
        gone.ok_or_else(|| Error::UnknownView { name: name.to_owned() })
    }

    /// Adds a database to be read.
    pub(crate) fn attach(&mut self, name: String, attachment: Attachment) -> Result<()> {
        if self.attached.contains_key(&name) {
            return Err(Error::DatabaseExists { name });
        }
        if self.attached.len() >= ATTACHED_MAX {
            return Err(Error::Limit {
                what: "the number of attached databases".into(),
                value: self.attached.len() as u64 + 1,
                max: ATTACHED_MAX as u64,
                remedy: "drop databases that are not needed",
            });
        }
        self.attached.insert(name, attachment);
        Ok(())
    }

    /// Removes a database that was read.
    pub(crate) fn detach(&mut self, name: &str) -> Result<()> {
        let gone = self.attached.remove(name).map(|_| ());
        gone.ok_or_else(|| Error::UnknownDatabase { name: name.to_owned() })
    }

    /// Puts the name of another database on the list.
    pub(crate) fn list_database(&mut self, name: String) -> Result<()> {
        if self.databases.len() >= DATABASES_MAX {
            return Err(Error::Limit {
                what: "the number of databases".into(),
                value: self.databases.len() as u64 + 1,
                max: DATABASES_MAX as u64,
                remedy: "keep more in each of them",
            });
        }
        if !self.databases.insert(name.clone()) {
            return Err(Error::DatabaseExists { name });
        }
        Ok(())
    }

    /// Removes a table; its objects in the bucket are at `location`.
    pub(crate) fn drop(&mut self, name: &str, location: Option<String>) -> Result<Arc<TableDef>> {
        let def = self.get_own(name, "dropped")?.clone();
        self.tables.remove(name);
        self.dropped.push(def.id);
        self.purged.extend(location.map(|location| (def.id, location)));
        Ok(def)
    }

    /// Applies the changes of an ALTER TABLE, one after the other. Half of them are applied where
    /// it fails: then the catalog is not to be used.
    pub(crate) fn alter_all(&mut self, name: &str, changes: &[Alter]) -> Result<Arc<TableDef>> {
        let mut def = self.get(name)?.clone();
        for change in changes {
            let name = def.name.clone();
            def = self.alter(&name, change)?;
        }
        Ok(def)
    }

    /// Applies one change.
    fn alter(&mut self, name: &str, change: &Alter) -> Result<Arc<TableDef>> {
        let mut def = self.get_own(name, "altered")?.as_ref().clone();
        def.version += 1;
        let mut columns = def.schema.columns().to_vec();
        match change {
            Alter::AddColumn { name, ty } => {
                check_name("column", name)?;
                let id = def.next_column;
                def.next_column += 1;
                columns.push(Column { id, name: name.clone(), ty: ty.clone(), nullable: true });
            }
            Alter::AddJsonColumn { name, hints } => {
                check_name("column", name)?;
                let id = def.next_column;
                def.next_column += 1;
                let ty = ColumnType::Json;
                columns.push(Column { id, name: name.clone(), ty, nullable: true });
                if !hints.is_empty() {
                    def.json_hints.insert(id, Arc::new(hints.clone()));
                }
            }
            Alter::DropColumn { name } => {
                let id = def.column(name)?.id;
                refuse_in_partition(&def, name, "dropped")?;
                if def.order_by.contains(&id) {
                    return Err(Error::invalid(format!(
                        "column `{name}` is in the table's ORDER BY; it cannot be dropped"
                    )));
                }
                if columns.len() == 1 {
                    return Err(Error::invalid(format!(
                        "column `{name}` is the only one; DROP TABLE instead"
                    )));
                }
                columns.retain(|c| c.id != id);
                def.json_hints.remove(&id);
            }
            Alter::RenameColumn { from, to } => {
                check_name("column", to)?;
                let id = def.column(from)?.id;
                refuse_in_partition(&def, from, "renamed")?;
                for column in &mut columns {
                    if column.id == id {
                        column.name.clone_from(to);
                    }
                }
            }
            Alter::RenameTable { to } => {
                check_name("table", to)?;
                self.check_is_free(to)?;
                def.name.clone_from(to);
            }
        }
        def.schema = Schema::new(columns).map_err(|e| Error::part(name, e))?;
        let def = Arc::new(def);
        self.tables.remove(name);
        self.tables.insert(def.name.clone(), def.clone());
        Ok(def)
    }
}

/// PARTITION BY names its columns by text, so they stay as they are.
fn refuse_in_partition(def: &TableDef, column: &str, what: &str) -> Result<()> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let text = def.partition_by.as_deref().unwrap_or_default();
    let is_named = match column.chars().all(is_part) {
        true => text.split(|c| !is_part(c)).any(|word| word == column),
        false => text.contains(column),
    };
    if is_named {
        return Err(Error::invalid(format!(
            "column `{column}` is in the table's PARTITION BY; it cannot be {what}"
        )));
    }
    Ok(())
}

/// A change to a table's definition.
#[derive(Debug, Clone, PartialEq)]
pub enum Alter {
    /// Older rows read as NULL.
    AddColumn {
        /// The new name.
        name: String,
        /// Its type; an added column is always nullable.
        ty: ColumnType,
    },
    /// The same for a JSON column with hints.
    AddJsonColumn {
        /// The new name.
        name: String,
        /// What is asked of it.
        hints: JsonHints,
    },
    /// The values are gone at once, their bytes at the next merge.
    DropColumn {
        /// The column.
        name: String,
    },
    /// Rows are untouched: columns are stored by id.
    RenameColumn {
        /// The name now.
        from: String,
        /// The name then.
        to: String,
    },
    /// Gives the table another name.
    RenameTable {
        /// The name then.
        to: String,
    },
}

impl TableDisk {
    fn from_def(def: &TableDef) -> TableDisk {
        let columns = def.schema.columns().iter().map(|c| ColumnDisk {
            id: c.id,
            name: c.name.clone(),
            ty: c.ty.name(),
            nullable: c.nullable,
        });
        TableDisk {
            id: def.id,
            version: def.version,
            name: def.name.clone(),
            columns: columns.collect(),
            order_by: def.order_by.clone(),
            partition_by: def.partition_by.clone(),
            next_column: def.next_column,
            json_hints: (!def.json_hints.is_empty()).then(|| {
                def.json_hints.iter().map(|(id, hints)| (*id, hints.brackets())).collect()
            }),
        }
    }

    fn into_def(self) -> Result<TableDef> {
        let place = format!("the definition of table `{}`", self.name);
        let mut columns = Vec::with_capacity(self.columns.len().min(4_096));
        for c in self.columns {
            let ty = ColumnType::parse(&c.ty).map_err(|e| Error::part(&place, e))?;
            columns.push(Column { id: c.id, name: c.name, ty, nullable: c.nullable });
        }
        let mut json_hints = BTreeMap::new();
        for (id, text) in self.json_hints.unwrap_or_default() {
            json_hints.insert(id, Arc::new(JsonHints::parse(&text)?));
        }
        Ok(TableDef {
            id: self.id,
            version: self.version,
            name: self.name,
            kind: TableKind::Plain,
            schema: Schema::new(columns).map_err(|e| Error::part(&place, e))?,
            order_by: self.order_by,
            partition_by: self.partition_by,
            next_column: self.next_column,
            json_hints,
        })
    }
}
