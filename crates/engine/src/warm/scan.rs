//! Reading a file of the bucket for a query: the same request as for parts, answered by ranged
//! reads. Not here: which files a query needs ([`crate::scan`]), how Parquet is read (`dodb-lake`).

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_schema::SchemaRef;
use dodb_lake::{FileScan, ObjectCounts, ObjectUsage, ReadPath, ReadRequest};
use dodb_rowstore::{Usage, UsageCounts};

use super::files::deleted_rows;
use super::lake::{counted, metered};
use super::open::open;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::scan::{ScanCounters, ScanRequest, ScanTask};
use crate::state::TableState;

const BATCH_ROWS: usize = 8_192;

/// A file that is being read.
pub(crate) struct FileScanner {
    core: Arc<Core>,
    state: Arc<TableState>,
    task: ScanTask,
    objects: Arc<ObjectUsage>,
    counted: ObjectCounts,
    scan: Option<FileScan>,
}

impl FileScanner {
    pub(crate) fn new(core: Arc<Core>, state: Arc<TableState>, task: ScanTask) -> Self {
        let objects = Arc::new(ObjectUsage::default());
        let counted = ObjectCounts::default();
        FileScanner { core, state, task, objects, counted, scan: None }
    }

    /// The next rows, in the columns of `schema`.
    pub(crate) async fn next_batch(
        &mut self,
        request: &ScanRequest,
        schema: &SchemaRef,
        counters: &ScanCounters,
        usage: &Usage,
    ) -> Result<Option<RecordBatch>> {
        let next = self.next(request, counters, usage).await;
        self.count(counters, usage);
        let Some(batch) = next? else { return Ok(None) };
        counters.rows_returned.fetch_add(batch.num_rows() as u64, Relaxed);
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        if request.row_addresses {
            let numbers = columns.pop();
            let numbers = numbers.as_ref().and_then(|n| n.as_primitive_opt::<Int64Type>());
            let numbers = numbers.ok_or_else(|| Error::invalid("a file without row numbers"))?;
            columns.push(Arc::new(UInt64Array::from_value(self.task.part.no, batch.num_rows())));
            let rows = numbers.values().iter().map(|row| *row as u64);
            columns.push(Arc::new(UInt64Array::from_iter_values(rows)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(Some(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?))
    }

    async fn next(
        &mut self,
        request: &ScanRequest,
        counters: &ScanCounters,
        usage: &Usage,
    ) -> Result<Option<RecordBatch>> {
        if self.scan.is_none() {
            let scan = self.open(request, usage).await?;
            let counts = scan.counts();
            counters.row_groups.fetch_add(counts.groups, Relaxed);
            let pruned = counts.groups_pruned + counts.groups_pruned_by_filter;
            counters.row_groups_pruned.fetch_add(pruned, Relaxed);
            counters.rows_scanned.fetch_add(counts.rows_kept, Relaxed);
            self.scan = Some(scan);
        }
        match &mut self.scan {
            Some(scan) => Ok(scan.next_batch().await?),
            None => Ok(None),
        }
    }

    async fn open(&mut self, request: &ScanRequest, usage: &Usage) -> Result<FileScan> {
        let (def, part) = (&self.state.def, &self.task.part);
        let bucket = match &self.state.attached {
            Some(table) => counted(table.bucket(), &self.objects),
            None => metered(&self.core, def, &self.objects)?,
        };
        let reader = open(&self.core, &self.state, part, &bucket, usage).await?;
        let paths = request.paths.iter().map(|path| ReadPath {
            id: path.id,
            name: path.name.clone(),
            column: path.column,
            path: path.path.clone(),
            ty: path.ty,
        });
        let read = ReadRequest {
            columns: request.columns.clone(),
            paths: paths.collect(),
            predicate: request.predicate.clone(),
            deleted: Arc::new(deleted_rows(part.deleted.as_deref())),
            row_numbers: request.row_addresses,
            batch_rows: BATCH_ROWS,
            rows: self.task.rows.clone(),
            use_filters: !self.task.is_told,
        };
        Ok(reader.scan(read).await.map_err(|e| e.of_table(&def.name))?)
    }

    /// Adds what the bucket was asked for since the last time.
    fn count(&mut self, counters: &ScanCounters, usage: &Usage) {
        let now = self.objects.counts();
        let before = std::mem::replace(&mut self.counted, now);
        let bytes = |counts: &ObjectCounts| counts.bytes_read + counts.bytes_written;
        counters.bytes_decoded.fetch_add(now.bytes_read - before.bytes_read, Relaxed);
        usage.add(UsageCounts {
            object_gets: now.class_b() - before.class_b(),
            object_puts: now.class_a() - before.class_a(),
            object_bytes: bytes(&now) - bytes(&before),
            ..UsageCounts::default()
        });
    }
}
