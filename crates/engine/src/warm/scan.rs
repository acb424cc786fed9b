//! Reading a file of the bucket for a query: the same request as for parts, answered by ranged
//! reads. Not here: which files a query needs ([`crate::scan`]), how Parquet is read (`dodb-lake`).

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_schema::SchemaRef;
use dodb_lake::{
    Bucket, FileReader, FileScan, ObjectCounts, ObjectUsage, ReadPath, ReadRequest, Table,
};
use dodb_rowstore::{Usage, UsageCounts};

use super::files::deleted_rows;
use super::lake::{counted, layout, metered};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::scan::{ScanCounters, ScanRequest};
use crate::slot::Slot;
use crate::state::{PartState, TableState};
use crate::table::TableDef;

const BATCH_ROWS: usize = 8_192;

/// A file that is being read.
pub(crate) struct FileScanner {
    core: Arc<Core>,
    state: Arc<TableState>,
    part: Arc<PartState>,
    objects: Arc<ObjectUsage>,
    counted: ObjectCounts,
    scan: Option<FileScan>,
}

impl FileScanner {
    pub(crate) fn new(core: Arc<Core>, state: Arc<TableState>, part: Arc<PartState>) -> Self {
        let objects = Arc::new(ObjectUsage::default());
        let counted = ObjectCounts::default();
        FileScanner { core, state, part, objects, counted, scan: None }
    }

    /// The next rows, in the columns of `schema`.
    pub(crate) async fn next_batch(
        &mut self,
        request: &ScanRequest,
        schema: &SchemaRef,
        counters: &ScanCounters,
        usage: &Usage,
    ) -> Result<Option<RecordBatch>> {
        let next = self.next(request, counters).await;
        self.count(counters, usage);
        let Some(batch) = next? else { return Ok(None) };
        counters.rows_returned.fetch_add(batch.num_rows() as u64, Relaxed);
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        if request.row_addresses {
            let numbers = columns.pop();
            let numbers = numbers.as_ref().and_then(|n| n.as_primitive_opt::<Int64Type>());
            let numbers = numbers.ok_or_else(|| Error::invalid("a file without row numbers"))?;
            columns.push(Arc::new(UInt64Array::from_value(self.part.no, batch.num_rows())));
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
    ) -> Result<Option<RecordBatch>> {
        if self.scan.is_none() {
            let scan = self.open(request).await?;
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

    async fn open(&mut self, request: &ScanRequest) -> Result<FileScan> {
        let def = &self.state.def;
        let (Some(file), Some(warm)) = (&self.part.file, &self.state.warm) else {
            return Err(Error::invalid("not a file"));
        };
        let bucket = match &self.state.attached {
            Some(table) => counted(table.bucket(), &self.objects),
            None => metered(&self.core, def, &self.objects)?,
        };
        let slot = self.core.slot(def.id);
        let reader = match slot.file_reader(def, self.part.no) {
            Some(reader) => reader.with_bucket(&bucket),
            None => {
                let layout = match &self.state.attached {
                    Some(table) => table.layout().clone(),
                    None => {
                        let metadata = &warm.head.metadata;
                        layout(def, &own_table(&slot, def, &bucket, metadata).await?)?
                    }
                };
                let opened = FileReader::open(&bucket, &file.uri, self.part.bytes, &layout).await;
                let reader = opened.map_err(|e| e.of_table(&def.name))?;
                if reader.rows() != self.part.rows {
                    let detail = format!(
                        "it holds {} rows, the list of files says {}",
                        reader.rows(),
                        self.part.rows
                    );
                    return Err(Error::corrupt(
                        format!("table `{}`, {}", def.name, file.uri),
                        detail,
                    ));
                }
                let max = self.core.options.footers_max;
                slot.keep_file_reader(def, self.part.no, reader.clone(), max);
                reader
            }
        };
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
            deleted: Arc::new(deleted_rows(self.part.deleted.as_deref())),
            row_numbers: request.row_addresses,
            batch_rows: BATCH_ROWS,
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

/// The Iceberg table of one of the database's own tables.
async fn own_table(slot: &Slot, def: &TableDef, bucket: &Bucket, metadata: &str) -> Result<Table> {
    if let Some(table) = slot.lake_table(metadata) {
        return Ok(table);
    }
    let table = Table::load(bucket, &def.name, metadata).await?;
    slot.keep_lake_table(table.clone());
    Ok(table)
}
