//! What a table is: its columns, its key, its order. The two tables that always exist are defined
//! here. Not here: its rows ([`crate::state`]) and where definitions are kept ([`crate::catalog`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{Field, Schema as ArrowSchema, SchemaRef};
use dodb_part::{Column, ColumnType, Schema, TimeUnit};

use crate::error::{Error, Result};
use crate::hints::JsonHints;

/// What rules the rows of a table follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// `things`: an insert replaces the row of the same id.
    Things,
    /// `relationships`: an insert replaces the row of the same (fromId, toId, type).
    Relationships,
    /// Made by `CREATE TABLE`: an insert appends.
    Plain,
}

/// The definition of a table. Changed only by making a new one with a higher `version`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDef {
    /// Never used twice in a database.
    pub id: u32,
    /// Raised by every ALTER.
    pub version: u32,
    /// The name, case-sensitive.
    pub name: String,
    /// The rules of its rows.
    pub kind: TableKind,
    /// The columns as stored.
    pub schema: Schema,
    /// Ids of the columns that merged parts are sorted by; empty: order of arrival.
    pub order_by: Vec<u32>,
    /// The PARTITION BY expression as written, for the warm tier.
    pub partition_by: Option<String>,
    /// The id the next added column gets.
    pub next_column: u32,
    /// What was asked of JSON columns, by column id.
    pub json_hints: BTreeMap<u32, Arc<JsonHints>>,
}

/// Column ids of `things`.
pub mod things {
    /// `id String`
    pub const ID: u32 = 1;
    /// `type String`
    pub const TYPE: u32 = 2;
    /// `data JSON`
    pub const DATA: u32 = 3;
    /// `embedding Array(Float32)`
    pub const EMBEDDING: u32 = 4;
    /// `createdAt DateTime64(3)`
    pub const CREATED_AT: u32 = 5;
    /// `updatedAt DateTime64(3)`
    pub const UPDATED_AT: u32 = 6;
    /// The table's id.
    pub const TABLE: u32 = 1;
}

/// Column ids of `relationships`.
pub mod relationships {
    /// `id String`: stored as null when it is the id derived from the other three
    pub const ID: u32 = 1;
    /// `fromId String`
    pub const FROM_ID: u32 = 2;
    /// `toId String`
    pub const TO_ID: u32 = 3;
    /// `type String`
    pub const TYPE: u32 = 4;
    /// `data JSON`
    pub const DATA: u32 = 5;
    /// `createdAt DateTime64(3)`
    pub const CREATED_AT: u32 = 6;
    /// The table's id.
    pub const TABLE: u32 = 2;
}

/// The first id that `CREATE TABLE` gives out.
pub(crate) const USER_TABLES_MIN: u32 = 16;
/// Most columns a table may have.
pub const COLUMNS_MAX: usize = 4_096;
/// Most bytes in a table's or column's name.
pub const NAME_BYTES_MAX: usize = 256;

fn column(id: u32, name: &str, ty: ColumnType, nullable: bool) -> Column {
    Column { id, name: name.to_owned(), ty, nullable }
}

impl TableDef {
    fn builtin(id: u32, name: &str, kind: TableKind, columns: Vec<Column>) -> Result<TableDef> {
        let next_column = columns.len() as u32 + 1;
        let schema = Schema::new(columns).map_err(|e| Error::part(name, e))?;
        Ok(TableDef {
            id,
            version: 0,
            name: name.to_owned(),
            kind,
            schema,
            order_by: Vec::new(),
            partition_by: None,
            next_column,
            json_hints: BTreeMap::new(),
        })
    }

    /// `things`.
    pub fn things() -> Result<TableDef> {
        let time = ColumnType::Timestamp(TimeUnit::Millisecond);
        let columns = vec![
            column(things::ID, "id", ColumnType::String, false),
            column(things::TYPE, "type", ColumnType::String, false),
            column(things::DATA, "data", ColumnType::Json, false),
            column(
                things::EMBEDDING,
                "embedding",
                ColumnType::Array(Box::new(ColumnType::Float32)),
                true,
            ),
            column(things::CREATED_AT, "createdAt", time.clone(), false),
            column(things::UPDATED_AT, "updatedAt", time, false),
        ];
        TableDef::builtin(things::TABLE, "things", TableKind::Things, columns)
    }

    /// `relationships`.
    pub fn relationships() -> Result<TableDef> {
        let columns = vec![
            column(relationships::ID, "id", ColumnType::String, true),
            column(relationships::FROM_ID, "fromId", ColumnType::String, false),
            column(relationships::TO_ID, "toId", ColumnType::String, false),
            column(relationships::TYPE, "type", ColumnType::String, false),
            column(relationships::DATA, "data", ColumnType::Json, false),
            column(
                relationships::CREATED_AT,
                "createdAt",
                ColumnType::Timestamp(TimeUnit::Millisecond),
                false,
            ),
        ];
        let kind = TableKind::Relationships;
        TableDef::builtin(relationships::TABLE, "relationships", kind, columns)
    }

    /// A table to be made by `CREATE TABLE`; the catalog gives it its id.
    ///
    /// # Errors
    /// No or too many columns, a name twice, an unknown ORDER BY column, an empty or overlong name.
    pub fn plain(
        name: &str,
        columns: Vec<(String, ColumnType, bool)>,
        order_by: &[String],
        partition_by: Option<String>,
    ) -> Result<TableDef> {
        check_name("table", name)?;
        if columns.is_empty() || columns.len() > COLUMNS_MAX {
            let n = columns.len();
            return Err(Error::invalid(format!(
                "table `{name}` has {n} columns; it needs 1 to {COLUMNS_MAX}"
            )));
        }
        let next_column = columns.len() as u32 + 1;
        let mut out = Vec::with_capacity(columns.len());
        for (at, (name, ty, nullable)) in columns.into_iter().enumerate() {
            check_name("column", &name)?;
            out.push(Column { id: at as u32 + 1, name, ty, nullable });
        }
        let schema = Schema::new(out).map_err(|e| Error::part(name, e))?;
        let mut def = TableDef {
            id: 0,
            version: 0,
            name: name.to_owned(),
            kind: TableKind::Plain,
            schema,
            order_by: Vec::new(),
            partition_by,
            next_column,
            json_hints: BTreeMap::new(),
        };
        def.order_by =
            order_by.iter().map(|c| def.column(c).map(|c| c.id)).collect::<Result<_>>()?;
        Ok(def)
    }

    /// The definition with hints for one of its JSON columns.
    ///
    /// # Errors
    /// There is no such column, or it is not JSON.
    pub fn with_json_hints(mut self, column: &str, hints: JsonHints) -> Result<TableDef> {
        let found = self.column(column)?;
        if found.ty != ColumnType::Json {
            return Err(Error::invalid(format!(
                "column `{column}` is not JSON: it takes no hints"
            )));
        }
        let id = found.id;
        if !hints.is_empty() {
            self.json_hints.insert(id, Arc::new(hints));
        }
        Ok(self)
    }

    /// The name of a column's type, with its hints.
    pub fn type_name(&self, column: &Column) -> String {
        match self.json_hints.get(&column.id) {
            Some(hints) => hints.to_string(),
            None => column.ty.name(),
        }
    }

    /// How many paths of JSON columns get subcolumns in a part, where that was asked for.
    pub(crate) fn json_paths_max(&self) -> Vec<(u32, usize)> {
        let asked = self.json_hints.iter();
        asked.filter_map(|(id, hints)| Some((*id, hints.paths_max()?))).collect()
    }

    /// Ids of the columns that make a row unique; empty where rows are only appended.
    pub fn key(&self) -> &'static [u32] {
        match self.kind {
            TableKind::Things => &[things::ID],
            TableKind::Relationships => {
                &[relationships::FROM_ID, relationships::TO_ID, relationships::TYPE]
            }
            TableKind::Plain => &[],
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.schema.by_name(name).ok_or_else(|| Error::UnknownColumn {
            table: self.name.clone(),
            column: name.to_owned(),
            known: self
                .schema
                .columns()
                .iter()
                .map(|c| c.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// Columns whose bounds ride in the head row, so that parts are pruned before they are opened.
    pub(crate) fn zone_columns(&self) -> Vec<u32> {
        const ZONES_MAX: usize = 8;
        let mut out = self.key().to_vec();
        out.extend(&self.order_by);
        for column in self.schema.columns() {
            if matches!(column.ty, ColumnType::Timestamp(_) | ColumnType::Date) {
                out.push(column.id);
            }
        }
        match self.kind {
            TableKind::Things => out.push(things::TYPE),
            // Says whether a part has ids that do not follow from the other columns.
            TableKind::Relationships => out.push(relationships::ID),
            TableKind::Plain => {}
        }
        let mut seen = Vec::with_capacity(out.len());
        out.retain(|id| !seen.contains(id) && (seen.push(*id), true).1);
        out.truncate(ZONES_MAX);
        out
    }

    /// The Arrow face of the table as its readers see it.
    pub fn arrow(&self) -> SchemaRef {
        let schema = self.schema.arrow();
        if self.kind != TableKind::Relationships {
            return schema;
        }
        // A derived id is stored as null but never read as null.
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, f)| f.as_ref().clone().with_nullable(at != 0 && f.is_nullable()))
            .collect();
        Arc::new(ArrowSchema::new(fields))
    }

    /// Is this one of the tables that always exist?
    pub fn is_builtin(&self) -> bool {
        self.kind != TableKind::Plain
    }
}

pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Error::invalid(format!(
            "a {what} name has 1 to {NAME_BYTES_MAX} bytes; this one has {}",
            name.len()
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(format!("the {what} name {name:?} has a control character")));
    }
    Ok(())
}
