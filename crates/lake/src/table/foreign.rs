//! Commits of other writers, as an Iceberg REST catalog gets them (its OpenAPI description,
//! `CommitTableRequest`): requirements that must hold, and updates of the metadata. Data files and
//! manifests are in the bucket by then. Not here: what becomes of the rows in them.

use bytes::Bytes;
use iceberg::spec::TableMetadata;
use iceberg::{TableRequirement, TableUpdate};
use serde_json::Value;

use super::commit::{Prepared, Stamp};
use super::metadata;
use super::open::{Table, metadata_name};
use crate::error::{Error, ErrorKind, Result};

/// A commit that somebody else prepared.
#[derive(Debug, Clone)]
pub struct ForeignCommit {
    requirements: Vec<TableRequirement>,
    updates: Vec<TableUpdate>,
}

/// More of either than this in one commit is refused.
const STEPS_MAX: usize = 1_000;

impl ForeignCommit {
    /// Reads the JSON of a request.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it is not one, [`ErrorKind::Unsupported`] for updates that dodb does
    /// not take from others.
    pub fn parse(body: &[u8]) -> Result<ForeignCommit> {
        let refused = |e: serde_json::Error| Error::invalid(format!("not a commit: {e}"));
        let body: Value = serde_json::from_slice(body).map_err(refused)?;
        let list = |name: &str| match body.get(name) {
            Some(Value::Array(list)) if list.len() <= STEPS_MAX => Ok(list.clone()),
            Some(Value::Array(list)) => {
                let message = format!("{} {name}, the limit is {STEPS_MAX}", list.len());
                Err(Error::invalid(message))
            }
            _ => Err(Error::invalid(format!("the commit has no list {name:?}"))),
        };
        let parse = |value: Value| serde_json::from_value(value).map_err(refused);
        let requirements = list("requirements")?.into_iter().map(parse).collect::<Result<_>>()?;
        let parse = |value: Value| serde_json::from_value(value).map_err(refused);
        let updates = list("updates")?.into_iter().map(parse).collect::<Result<Vec<_>>>()?;
        updates.iter().try_for_each(check)?;
        Ok(ForeignCommit { requirements, updates })
    }
}

fn check(update: &TableUpdate) -> Result<()> {
    let hint = match update {
        TableUpdate::AddSnapshot { .. }
        | TableUpdate::SetSnapshotRef { .. }
        | TableUpdate::RemoveSnapshotRef { .. }
        | TableUpdate::RemoveSnapshots { .. }
        | TableUpdate::SetProperties { .. }
        | TableUpdate::RemoveProperties { .. }
        | TableUpdate::SetStatistics { .. }
        | TableUpdate::RemoveStatistics { .. }
        | TableUpdate::SetPartitionStatistics { .. }
        | TableUpdate::RemovePartitionStatistics { .. } => return Ok(()),
        TableUpdate::AddSchema { .. }
        | TableUpdate::SetCurrentSchema { .. }
        | TableUpdate::RemoveSchemas { .. } => "change columns by ALTER TABLE in dodb",
        TableUpdate::AddSpec { .. }
        | TableUpdate::SetDefaultSpec { .. }
        | TableUpdate::RemovePartitionSpecs { .. }
        | TableUpdate::AddSortOrder { .. }
        | TableUpdate::SetDefaultSortOrder { .. } => {
            "partitions and order are those of CREATE TABLE in dodb"
        }
        _ => "the table stays where and what it is",
    };
    let name = serde_json::to_value(update)?;
    let name = name.get("action").and_then(Value::as_str).unwrap_or("update").to_owned();
    Err(Error::unsupported(format!("the update `{name}` is not taken: {hint}")))
}

impl Table {
    /// Checks what a commit requires and writes the metadata that it makes. Nobody sees it before
    /// the caller has swapped the pointer.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when a requirement does not hold; [`ErrorKind::Invalid`] when the
    /// updates do not fit the table.
    pub async fn apply(&self, commit: &ForeignCommit, stamp: &Stamp) -> Result<Prepared> {
        self.applied(commit, stamp).await.map_err(|e| e.of_table(self.name()))
    }

    async fn applied(&self, commit: &ForeignCommit, stamp: &Stamp) -> Result<Prepared> {
        for requirement in &commit.requirements {
            let held = requirement.check(Some(self.metadata().as_ref()));
            held.map_err(|e| Error::conflict(e.message().to_owned()))?;
        }
        let metadata = self.updated(commit, stamp)?;
        let current = metadata.current_snapshot_id();
        if current.is_none() && self.metadata().current_snapshot_id().is_some() {
            return Err(Error::invalid("the commit leaves the table without a current snapshot"));
        }
        let previous = Some(self.metadata_location());
        let uri = metadata_name(metadata.location(), previous, stamp.uuid);
        let bytes = serde_json::to_vec(&metadata)?;
        let table = Table::new(self.bucket(), self.name(), metadata.into(), &uri)?;
        self.bucket().write(&uri, Bytes::from(bytes)).await?;
        let snapshot_id = current.filter(|_| current != self.metadata().current_snapshot_id());
        Ok(Prepared { table, snapshot_id, written: vec![uri] })
    }

    fn updated(&self, commit: &ForeignCommit, stamp: &Stamp) -> Result<TableMetadata> {
        let is_new = |update: &&TableUpdate| matches!(update, TableUpdate::AddSnapshot { .. });
        if commit.updates.iter().find(is_new).is_none() {
            // The builder would ask a clock.
            return metadata::with_properties(self, &commit.updates, stamp.now_ms);
        }
        let previous = Some(self.metadata_location().to_owned());
        let mut builder = self.metadata().as_ref().clone().into_builder(previous);
        // A snapshot is added before the branch that shows it, whatever the order of the updates.
        let (adds, others): (Vec<_>, Vec<_>) =
            commit.updates.iter().cloned().partition(|update| is_new(&update));
        for update in adds.into_iter().chain(others) {
            builder = update.apply(builder).map_err(invalid)?;
        }
        Ok(builder.build().map_err(invalid)?.metadata)
    }
}

/// What is wrong with a request is not damage.
fn invalid(error: iceberg::Error) -> Error {
    Error::new(ErrorKind::Invalid, error.message().to_owned())
}
