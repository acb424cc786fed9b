//! Parquet files, read a batch at a time by their library. Not here: bringing batches to a table's
//! columns (the server's formats do).

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

use super::batches::Plan;
use super::source::Source;
use crate::error::{Error, Result};

/// A file that is not on disk as it is must be held whole, up to this size.
const HELD_BYTES_MAX: usize = 1 << 30;

/// An open Parquet file.
pub struct Parquet {
    name: String,
    reader: Box<dyn RecordBatchReader + Send>,
    /// For progress: bytes of the file, and rows that were not read yet.
    bytes: u64,
    rows: u64,
}

impl Parquet {
    /// Opens it.
    ///
    /// # Errors
    /// It is no Parquet file, it is damaged, or it is too large to be held.
    pub fn open(source: &mut Source, plan: &Plan) -> Result<Parquet> {
        match source.path.clone() {
            Some(path) => {
                let file = File::open(&path).map_err(|e| Error::File {
                    what: "open",
                    path: source.name.clone(),
                    source: e,
                })?;
                let bytes = file.metadata().map_or(0, |meta| meta.len());
                // The head is read already and counted.
                let bytes = bytes.saturating_sub(source.head.len() as u64);
                Parquet::over(&source.name, file, bytes, plan)
            }
            None => {
                let whole = Bytes::from(source.read_all(HELD_BYTES_MAX)?);
                Parquet::over(&source.name, whole, 0, plan)
            }
        }
    }

    fn over<R>(name: &str, input: R, bytes: u64, plan: &Plan) -> Result<Parquet>
    where
        R: ChunkReader + Send + 'static,
    {
        type Open = (Box<dyn RecordBatchReader + Send>, u64);
        let (reader, rows) = guarded(name, || -> Result<Open, ParquetError> {
            let builder = ParquetRecordBatchReaderBuilder::try_new(input)?;
            let rows = builder.metadata().file_metadata().num_rows().unsigned_abs();
            let groups = builder.metadata().row_groups().iter();
            let bytes: u64 = groups.map(|group| group.total_byte_size().unsigned_abs()).sum();
            // As many rows as the plan's bytes hold, on the average.
            let fitting = (plan.batch_bytes as u64).saturating_mul(rows) / bytes.max(1);
            let batch_rows = plan.batch_rows.min(usize::try_from(fitting).unwrap_or(usize::MAX));
            let reader = builder.with_batch_size(batch_rows.max(1)).build()?;
            Ok((Box::new(reader), rows))
        })?;
        Ok(Parquet { name: name.to_owned(), reader, bytes, rows })
    }

    /// The columns as the file has them.
    pub fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    /// The next batch.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn next(&mut self, source: &Source) -> Result<Option<RecordBatch>> {
        let reader = &mut self.reader;
        let batch = guarded(&self.name, || reader.next().transpose())?;
        if let Some(batch) = &batch {
            let rows = (batch.num_rows() as u64).min(self.rows);
            let bytes = self.bytes * rows / self.rows.max(1);
            self.rows -= rows;
            self.bytes -= bytes;
            source.bytes.fetch_add(bytes, Relaxed);
        }
        Ok(batch)
    }
}

/// The library panics on some files that no writer makes.
fn guarded<T, E: std::fmt::Display>(name: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T> {
    let problem = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(e)) => e.to_string(),
        Err(_) => "its structure is broken".to_owned(),
    };
    let problem = format!("this is not a readable Parquet file: {problem}");
    Err(Error::Input { place: name.to_owned(), problem })
}
