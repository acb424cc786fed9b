//! A table as it was at one moment, for readers: exact counts, parts, and scans that see exactly
//! those rows however long they take. Not here: how a part is read ([`crate::scan`]).

use std::sync::Arc;

use dodb_part::json::PathSummary;
use dodb_part::{ColumnStats, Layout};
use dodb_rowstore::{Usage, Value};

use crate::db::Core;
use crate::error::Result;
use crate::index::PathStats;
use crate::scan::{PathColumn, ScanPlan, ScanRequest, derived_column};
use crate::state::{PartState, TableState};
use crate::statements;
use crate::table::TableDef;

/// A consistent view of one table. Holding it keeps its parts readable.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) core: Arc<Core>,
    pub(crate) state: Arc<TableState>,
}

/// A part in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct PartInfo {
    /// Its number within the table.
    pub number: u64,
    /// "fresh", "compact" or "wide".
    pub layout: &'static str,
    /// Rows, deleted ones included.
    pub rows: u64,
    /// Rows that are deleted.
    pub deleted_rows: u64,
    /// Batches of rows within it.
    pub granules: u32,
    /// Encoded bytes.
    pub bytes: u64,
}

/// A file of the bucket in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct FileInfo {
    /// Its number within the table.
    pub number: u64,
    /// Its name.
    pub uri: String,
    /// Rows, deleted ones included.
    pub rows: u64,
    /// Rows that are deleted.
    pub deleted_rows: u64,
    /// How many of these the Iceberg table knows of.
    pub deletes_written: u64,
    /// Its size.
    pub bytes: u64,
}

impl Snapshot {
    pub(crate) fn new(core: Arc<Core>, state: Arc<TableState>) -> Snapshot {
        Snapshot { core, state }
    }

    /// The table's definition.
    pub fn def(&self) -> &Arc<TableDef> {
        &self.state.def
    }

    /// How many rows there are. Exact; costs nothing more.
    pub fn rows(&self) -> u64 {
        self.state.rows
    }

    /// Statistics of a column over all rows of the table, if they are kept: `nulls` and `values`
    /// are exact, `min` and `max` where `exact` says so. None of `relationships.id`, most values of
    /// which are derived and not stored.
    pub fn column_stats(&self, column: u32) -> Option<&ColumnStats> {
        if derived_column(&self.state.def) == Some(column) {
            return None;
        }
        self.state.summary.get(&column)
    }

    /// What the paths of a JSON column hold.
    pub fn paths(&self, column: u32) -> Arc<PathSummary> {
        self.state.paths.get(&column).cloned().unwrap_or_default()
    }

    /// What rows say of paths in files; `None` when there is nothing to ask, or nobody who knows.
    pub(crate) fn path_stats(
        &self,
        files: &[Arc<PartState>],
        paths: &[&PathColumn],
        usage: &Usage,
    ) -> Result<Option<PathStats>> {
        let index = self.state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        let Some(index) = index.filter(|index| !index.stats.0.is_empty()) else { return Ok(None) };
        if paths.is_empty() || files.is_empty() || self.state.attached.is_some() {
            return Ok(None);
        }
        let numbers = files.iter().filter_map(|file| u32::try_from(file.no).ok()).collect();
        let slot = self.core.slot(self.state.def.id);
        let def = &self.state.def;
        PathStats::read(&self.core, &slot, def, index, &numbers, paths, usage).map(Some)
    }

    /// Raised by every commit to the table.
    pub fn generation(&self) -> u64 {
        self.state.generation
    }

    /// Live rows in the bucket, files and their bytes.
    pub fn warm(&self) -> (u64, u64, u64) {
        let head = self.state.warm.as_ref().map(|warm| &warm.head);
        head.map_or((0, 0, 0), |head| (head.rows, head.files, head.bytes))
    }

    /// Bytes of the rows by which parts and files are found. Reads all of these rows' sizes.
    ///
    /// # Errors
    /// The row store failed.
    pub fn index_bytes(&self, usage: &Usage) -> Result<u64> {
        let params = [Value::Int(i64::from(self.state.def.id))];
        let mut bytes = 0;
        self.core.rows.query_one(&statements::INDEX_BYTES, &params, usage, &mut |row| {
            bytes = row.first().and_then(Value::as_int).unwrap_or_default();
        })?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Where the metadata of its Iceberg table is, if rows were ever moved to one.
    pub fn metadata_location(&self) -> Option<&str> {
        self.state.warm.as_ref().map(|warm| warm.head.metadata.as_str())
    }

    /// The files in the bucket, oldest first. Reads their list.
    pub fn files(&self, usage: &Usage) -> Result<Vec<FileInfo>> {
        let files = self.state.files(&self.core.rows, usage)?;
        let info = |part: &Arc<PartState>| {
            let file = part.file.as_ref()?;
            Some(FileInfo {
                number: part.no,
                uri: file.uri.clone(),
                rows: part.rows,
                deleted_rows: part.deleted_count(),
                deletes_written: file.deletes_written,
                bytes: part.bytes,
            })
        };
        Ok(files.iter().filter_map(info).collect())
    }

    /// Encoded bytes of all parts.
    pub fn bytes(&self) -> u64 {
        self.state.parts.iter().map(|p| p.bytes).sum()
    }

    /// How many parts there are, fresh ones included.
    pub fn part_count(&self) -> usize {
        self.state.parts.len()
    }

    /// The parts in order. Opens each to learn its layout.
    pub fn parts(&self, usage: &Usage) -> Result<Vec<PartInfo>> {
        self.state.parts.iter().map(|part| self.part_info(part, usage)).collect()
    }

    fn part_info(&self, part: &PartState, usage: &Usage) -> Result<PartInfo> {
        let layout = match part.fresh {
            Some(_) => "fresh",
            None => match self.core.parts.reader(&self.state.def, part, usage)?.layout() {
                Layout::Compact => "compact",
                Layout::Wide => "wide",
            },
        };
        Ok(PartInfo {
            number: part.no,
            layout,
            rows: part.rows,
            deleted_rows: part.deleted_count(),
            granules: part.granules,
            bytes: part.bytes,
        })
    }

    /// Plans a scan: decides from the head row and the id filters which parts can hold rows.
    pub fn scan(&self, request: ScanRequest, usage: &Usage) -> Result<ScanPlan> {
        ScanPlan::new(self.clone(), request, usage)
    }
}
