//! Tables in the catalog before rows of them are in the bucket: their first metadata is written
//! when another engine asks for it, or asks for the table. Not here: the protocol (`dodb-server`).

use std::sync::Arc;

use dodb_lake::{NewTable, Table, Transform};
use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::commit::WarmCommit;
use super::foreign::{IcebergTable, given};
use super::lake::{Lake, definition, stamp};
use super::partition;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::table::TableDef;

impl Db {
    /// Makes a table that another engine asks for: `body` is the `CreateTableRequest` of Iceberg's
    /// REST catalog.
    ///
    /// # Errors
    /// The request is wrong, or there is a table of that name: [`Error::TableExists`]; the bucket
    /// failed. There is no table then, unless somebody put rows into it meanwhile.
    pub fn iceberg_create<'a>(
        &'a self,
        body: &'a [u8],
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<IcebergTable>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.create_for(body, usage))
    }

    async fn create_for(&self, body: &[u8], usage: &Usage) -> Result<IcebergTable> {
        let new = NewTable::parse(body)?;
        let (name, properties) = (new.name.clone(), new.properties.clone());
        self.create_table(table_def(new)?, false, usage)?;
        match self.published(&name, properties, usage).await {
            Ok(table) => given(&table),
            Err(e) => {
                // The request that made it has not been answered. Who put rows into it all the same
                // keeps them: the table is published when it is next asked for.
                if self.snapshot(&name, usage).is_ok_and(|snapshot| snapshot.rows() == 0) {
                    let _ = self.drop_table(&name, true, usage);
                }
                Err(e)
            }
        }
    }

    /// The table in the bucket, made if need be. Waits for its turn.
    pub(super) async fn published(
        &self,
        name: &str,
        properties: Vec<(String, String)>,
        usage: &Usage,
    ) -> Result<Table> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let slot = core.slot(def.id);
        let _turn = slot.warm_turn().await;
        let state = core.state(&def, usage)?;
        if let Some(warm) = &state.warm {
            let lake = Lake::new(core, &def, usage)?;
            return lake.table(core, &def, &warm.head.metadata).await;
        }
        self.publish(&def, properties, usage).await
    }

    /// Makes the table in the bucket, without rows. Only for whoever has the turn.
    pub(super) async fn publish(
        &self,
        def: &Arc<TableDef>,
        properties: Vec<(String, String)>,
        usage: &Usage,
    ) -> Result<Table> {
        let lake = Lake::new(&self.core, def, usage)?;
        let mut definition = definition(&lake.bucket, def)?;
        definition.properties = properties;
        let stamp = stamp(self.core.env.as_ref(), 0);
        let prepared = Table::create(&lake.bucket, &definition, &stamp).await?;
        let metadata = prepared.table.metadata_location().to_owned();
        let commit = WarmCommit { metadata, ..WarmCommit::default() };
        self.swap(def, commit, &prepared, &lake, usage).await?;
        Ok(prepared.table)
    }
}

/// The definition of a table that another engine asks for.
fn table_def(new: NewTable) -> Result<TableDef> {
    let terms: Vec<String> = new.partition_by.iter().map(term).collect::<Result<_>>()?;
    let partition_by = match terms.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("({})", many.join(", "))),
    };
    let def = TableDef::plain(&new.name, new.columns, &new.sort_by, partition_by)?;
    if partition::of(&def).len() != terms.len() {
        return Err(Error::invalid(format!(
            "table `{}`: it cannot be partitioned by {}; docs/sql.md lists what can",
            new.name,
            terms.join(", ")
        )));
    }
    Ok(def)
}

fn term((column, transform): &(String, Transform)) -> Result<String> {
    let is_plain = column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let name = if is_plain { column.clone() } else { format!("`{column}`") };
    let function = match transform {
        Transform::Identity => return Ok(name),
        Transform::Day => "toDate",
        Transform::Month => "toStartOfMonth",
        Transform::Year => "toStartOfYear",
        Transform::Hour => "toStartOfHour",
        other => {
            return Err(Error::invalid(format!(
                "column `{column}`: partitions by {other} are not taken; identity, year, month, \
                 day and hour are"
            )));
        }
    };
    Ok(format!("{function}({name})"))
}
