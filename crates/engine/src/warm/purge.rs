//! Objects of dropped tables: the catalog row lists where they are until they are deleted, so that
//! no crash forgets them. They go when nobody reads the table any more. Not here: objects that
//! tables no longer need ([`super::expire`]).

use std::sync::Arc;

use dodb_lake::{Bucket, MeteredStore, ObjectUsage};
use dodb_rowstore::Usage;

use super::lake::count;
use crate::commit::Change;
use crate::db::{Core, Db};
use crate::error::Result;

/// Objects deleted in one step.
const OBJECTS_MAX: usize = 100;

impl Core {
    /// Where the objects of a table are, if it has any. A table that cannot be read can be dropped
    /// all the same; its objects stay then.
    pub(crate) fn location_in_bucket(&self, name: &str, usage: &Usage) -> Option<String> {
        let state = self.state(&self.def(name, usage).ok()?, usage).ok()?;
        let metadata = &state.warm.as_ref()?.head.metadata;
        metadata.rsplit_once("/metadata/").map(|(location, _)| location.to_owned())
    }

    /// Dropped tables that nobody reads, whose objects are still there.
    fn to_purge(&self, usage: &Usage) -> Result<Vec<(u32, String)>> {
        let Some(catalog) = self.catalog_in_memory(false, usage)? else { return Ok(Vec::new()) };
        let mut purged = catalog.purged.clone();
        purged.retain(|(id, _)| !catalog.dropped.contains(id));
        Ok(purged)
    }
}

impl Db {
    /// Is there something to delete? Looks at what memory holds.
    pub(super) fn has_objects_to_purge(&self) -> bool {
        let usage = Usage::default();
        self.core.bucket.is_some() && self.core.to_purge(&usage).is_ok_and(|all| !all.is_empty())
    }

    /// Deletes some objects of dropped tables; true when there are more.
    pub(super) async fn purge_some(&self, usage: &Usage) -> Result<bool> {
        let Some(bucket) = &self.core.bucket else { return Ok(false) };
        let Some((id, location)) = self.core.to_purge(usage)?.pop() else { return Ok(false) };
        let objects = Arc::new(ObjectUsage::default());
        let store = MeteredStore::new(bucket.store().clone(), objects.clone());
        let bucket = Bucket::new(Arc::new(store), bucket.uri());
        let done = delete_some(&bucket, &location).await;
        count(&objects, usage);
        if done? {
            self.submit(Change::Purged { id }, usage)?;
        }
        Ok(self.has_objects_to_purge())
    }
}

/// True when nothing is left.
async fn delete_some(bucket: &Bucket, location: &str) -> Result<bool> {
    let listed = bucket.list(location).await?;
    let uris = listed.iter().take(OBJECTS_MAX).map(|meta| bucket.uri_of(&meta.location));
    bucket.delete(&uris.collect::<Vec<_>>()).await?;
    Ok(listed.len() <= OBJECTS_MAX)
}
