//! Making a table's index anew from its files, whatever is left of the one before. Every file is
//! read once, whole. Not here: finding out that it is damaged ([`crate::verify`]).

use arrow_select::concat::concat_batches;
use dodb_lake::FileEnd;
use dodb_rowstore::Usage;
use futures::future::BoxFuture;

use super::collect::collect;
use crate::commit::Change;
use crate::db::Db;
use crate::error::Result;
use crate::warm::{Lake, Reindexed, nullable, open_by_end, read_file};

impl Db {
    /// Writes the index of a table's files anew; answers how many files there are.
    ///
    /// # Errors
    /// A file cannot be read, or others changed the table meanwhile. The index is as it was then.
    pub fn rebuild_index<'a>(
        &'a self,
        name: &'a str,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<u64>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.rebuild(name, usage))
    }

    async fn rebuild(&self, name: &str, usage: &Usage) -> Result<u64> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let slot = core.slot(def.id);
        let _turn = slot.warm_turn().await;
        let state = core.state(&def, usage)?;
        let Some(warm) = state.warm.as_ref().filter(|warm| warm.head.files > 0) else {
            return Ok(0);
        };
        let files = state.files(&core.rows, usage)?;
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        let mut found = Vec::with_capacity(files.len());
        for part in files.iter() {
            let Some(file) = &part.file else { continue };
            let reader = open_by_end(core, &state, part, &lake.bucket).await?;
            let (mut batches, mut from) = (Vec::new(), Vec::new());
            read_file(&def, part, &reader, (0, &mut batches, &mut from)).await?;
            let keys = collect(&def, &concat_batches(&nullable(&def), &batches)?)?;
            let end = FileEnd::read(&lake.bucket, &file.uri, part.bytes).await?;
            found.push(Reindexed { no: part.no, rows: part.rows, keys, end });
        }
        let (version, schema) = (warm.head.version, table.layout().to_text()?);
        self.submit(Change::Reindex { def, version, schema, files: found }, usage)?;
        Ok(files.len() as u64)
    }
}
