//! The files of a snapshot: data files with the deletes that apply to them. Iceberg's
//! specification, "Scan Planning". Which of them a query needs is the caller's business.

use std::collections::HashMap;

use iceberg::spec::{DataContentType, DataFile, DataFileFormat, ManifestContentType};

use super::manifests::{Entry, read_all, read_list};
use super::open::Table;
use crate::error::{Error, Result};
use crate::file::read_deletes;

/// A data file of a snapshot.
#[derive(Debug, Clone)]
pub struct LiveFile {
    /// The file.
    pub file: DataFile,
    /// Position delete files with rows of it, in the order of their commits.
    pub deletes: Vec<DataFile>,
    /// When it was added: ascends with commits.
    pub sequence_number: i64,
}

impl LiveFile {
    /// Its deleted rows, ascending.
    ///
    /// # Errors
    /// What the store says; [`crate::ErrorKind::Corrupt`], naming the delete file.
    pub async fn deleted_rows(&self, table: &Table) -> Result<Vec<u64>> {
        let mut rows = Vec::new();
        for file in &self.deletes {
            let found = read_deletes(table.bucket(), file.file_path(), self.file.file_path()).await;
            rows.extend(found.map_err(|e| e.of_table(table.name()))?);
        }
        rows.sort_unstable();
        rows.dedup();
        Ok(rows)
    }
}

impl Table {
    /// The data files of a snapshot, the current one for `None`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for deletes by equality and files that are not Parquet;
    /// missing or damaged manifests by name.
    pub async fn files(&self, snapshot: Option<i64>) -> Result<Vec<LiveFile>> {
        self.live_files(snapshot).await.map_err(|e| e.of_table(self.name()))
    }

    async fn live_files(&self, snapshot: Option<i64>) -> Result<Vec<LiveFile>> {
        let Some(snapshot) = self.snapshot(snapshot)? else { return Ok(Vec::new()) };
        let manifests = read_list(self, &snapshot).await?;
        let entries = read_all(self, &manifests).await?;
        let mut data = Vec::new();
        let mut deletes = Vec::new();
        for (manifest, entries) in manifests.iter().zip(entries) {
            match manifest.content {
                ManifestContentType::Data => data.extend(entries),
                ManifestContentType::Deletes => deletes.extend(entries),
            }
        }
        data.iter().chain(&deletes).try_for_each(check)?;
        Ok(joined(data, &deletes))
    }
}

fn check(entry: &Entry) -> Result<()> {
    let refuse = |what: &str| Err(Error::unsupported(what).of_object(entry.file.file_path()));
    if entry.file.content_type() == DataContentType::EqualityDeletes {
        return refuse(
            "deletes by equality are not understood: compact the table with the engine that \
             wrote them",
        );
    }
    if entry.file.file_format() != DataFileFormat::Parquet {
        return refuse("only Parquet files are read");
    }
    Ok(())
}

fn joined(data: Vec<Entry>, deletes: &[Entry]) -> Vec<LiveFile> {
    // Deletes that name their file, and those that may be about any file of a partition.
    let mut of_file: HashMap<String, Vec<&Entry>> = HashMap::new();
    let mut of_partition: Vec<&Entry> = Vec::new();
    for entry in deletes {
        match entry.file.referenced_data_file() {
            Some(path) => of_file.entry(path).or_default().push(entry),
            None => of_partition.push(entry),
        }
    }
    let live = data.into_iter().map(|entry| {
        let named = of_file.get(entry.file.file_path()).into_iter().flatten().copied();
        let any = of_partition.iter().copied().filter(|delete| same_partition(delete, &entry));
        let later = |delete: &&Entry| delete.sequence_number >= entry.sequence_number;
        let mut found: Vec<&Entry> = named.chain(any).filter(later).collect();
        found.sort_by_key(|delete| delete.sequence_number);
        let deletes = found.into_iter().map(|delete| delete.file.clone()).collect();
        let sequence_number = entry.sequence_number;
        LiveFile { file: entry.file, deletes, sequence_number }
    });
    live.collect()
}

fn same_partition(a: &Entry, b: &Entry) -> bool {
    a.file.partition() == b.file.partition()
}
