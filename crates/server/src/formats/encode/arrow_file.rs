//! Parquet, Arrow files and Arrow streams, by their libraries. Bytes are handed on as they are
//! made; memory holds one Parquet row group.

use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::columns::{portable_schema, to_portable};
use crate::formats::error::Result;
use crate::formats::format::Format;

/// A writer of one of the binary formats.
pub(crate) struct BinaryWriter {
    schema: SchemaRef,
    sink: Sink,
}

enum Sink {
    File(Box<FileWriter<Vec<u8>>>),
    Stream(Box<StreamWriter<Vec<u8>>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl BinaryWriter {
    /// The writer for a binary format; none for a text format.
    pub(crate) fn new(
        format: Format,
        schema: &Schema,
        row_group_rows: usize,
    ) -> Result<Option<BinaryWriter>> {
        let schema = portable_schema(schema);
        let sink = match format {
            Format::Arrow => Sink::File(Box::new(FileWriter::try_new(Vec::new(), &schema)?)),
            Format::ArrowStream => {
                Sink::Stream(Box::new(StreamWriter::try_new(Vec::new(), &schema)?))
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
                    .set_max_row_group_row_count(Some(row_group_rows.max(1)))
                    .set_created_by("dodb".to_string())
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
                Sink::Parquet(Box::new(writer))
            }
            _ => return Ok(None),
        };
        Ok(Some(BinaryWriter { schema, sink }))
    }

    /// Moves the bytes made so far to `out`.
    pub(crate) fn drain(&mut self, out: &mut Vec<u8>) {
        match &mut self.sink {
            Sink::File(writer) => {
                // The library writes to a buffer of its own only when it is told to.
                let _ = writer.flush();
                out.append(writer.get_mut());
            }
            Sink::Stream(writer) => {
                let _ = writer.flush();
                out.append(writer.get_mut());
            }
            Sink::Parquet(writer) => out.append(writer.inner_mut()),
        }
    }

    /// Writes one batch.
    pub(crate) fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let batch = to_portable(batch, &self.schema)?;
        match &mut self.sink {
            Sink::File(writer) => writer.write(&batch)?,
            Sink::Stream(writer) => writer.write(&batch)?,
            Sink::Parquet(writer) => writer.write(&batch)?,
        }
        self.drain(out);
        Ok(())
    }

    /// Writes the end and moves what is left to `out`.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        match &mut self.sink {
            Sink::File(writer) => writer.finish()?,
            Sink::Stream(writer) => writer.finish()?,
            Sink::Parquet(writer) => {
                writer.finish()?;
            }
        }
        self.drain(out);
        Ok(())
    }
}
