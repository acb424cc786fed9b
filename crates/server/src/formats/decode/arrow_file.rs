//! Parquet, Arrow files and Arrow streams, by their libraries.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::conform::Conform;
use super::decoder::DecodeOptions;
use super::rows::unknown_column;
use crate::formats::error::{FormatError, Result};
use crate::formats::format::Format;

const ARROW_MAGIC: &[u8; 8] = b"ARROW1\0\0";

/// Reads one of the binary formats.
pub(crate) struct BinaryDecoder {
    format: Format,
    target: SchemaRef,
    columns: Option<Vec<String>>,
    skip_unknown: bool,
    rows_max: usize,
    body_bytes_max: usize,
    source: Source,
    conform: Option<Conform>,
    ready: VecDeque<RecordBatch>,
    total: u64,
}

enum Source {
    /// An IPC stream; in a file, what follows the magic is one, and then comes a footer that is
    /// not needed. `waiting` are the bytes since the last batch.
    Stream {
        decoder: Box<StreamDecoder>,
        magic: Vec<u8>,
        in_padding: bool,
        waiting: usize,
        ended: bool,
    },
    /// A Parquet file that is still arriving.
    Body(Vec<u8>),
    /// A Parquet file being read.
    Parquet(Box<ParquetRecordBatchReader>),
}

impl BinaryDecoder {
    /// Reads into `target`.
    pub(crate) fn new(
        format: Format,
        target: SchemaRef,
        columns: Option<&[String]>,
        options: &DecodeOptions,
    ) -> Result<BinaryDecoder> {
        for name in columns.unwrap_or_default() {
            if target.column_with_name(name).is_none() {
                return Err(unknown_column(&target, name));
            }
        }
        let source = match format {
            Format::Parquet => Source::Body(Vec::new()),
            _ => Source::Stream {
                decoder: Box::new(StreamDecoder::new()),
                magic: Vec::new(),
                in_padding: true,
                waiting: 0,
                ended: false,
            },
        };
        Ok(BinaryDecoder {
            format,
            target,
            columns: columns.map(<[String]>::to_vec),
            skip_unknown: options.skip_unknown_fields,
            rows_max: options.rows_max.max(1),
            body_bytes_max: options.body_bytes_max,
            source,
            conform: None,
            ready: VecDeque::new(),
            total: 0,
        })
    }

    fn too_large(&self) -> FormatError {
        FormatError::BodyTooLarge { format: self.format.name(), bytes_max: self.body_bytes_max }
    }

    fn malformed(&self, problem: impl ToString) -> FormatError {
        FormatError::Malformed { format: self.format.name(), problem: problem.to_string() }
    }

    /// Takes a chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<()> {
        if let Source::Body(body) = &mut self.source {
            if body.len() + chunk.len() > self.body_bytes_max {
                return Err(self.too_large());
            }
            body.extend_from_slice(chunk);
            return Ok(());
        }
        let chunk = self.after_magic(chunk)?;
        let mut buffer = Buffer::from(chunk);
        while !buffer.is_empty() {
            let Some(batch) = self.next_of_stream(&mut buffer)? else { break };
            self.add(&batch)?;
        }
        Ok(())
    }

    /// The chunk without the magic at the start of an Arrow file.
    fn after_magic<'c>(&mut self, chunk: &'c [u8]) -> Result<&'c [u8]> {
        let Source::Stream { magic, in_padding, .. } = &mut self.source else { return Ok(chunk) };
        if self.format != Format::Arrow {
            return Ok(chunk);
        }
        let missing = (ARROW_MAGIC.len() - magic.len()).min(chunk.len());
        let (head, rest) = chunk.split_at(missing);
        magic.extend_from_slice(head);
        if !ARROW_MAGIC.starts_with(magic) {
            return Err(self.malformed("it does not start with ARROW1"));
        }
        if !*in_padding || magic.len() < ARROW_MAGIC.len() {
            return Ok(rest);
        }
        // Writers pad the magic with zeros to an alignment of their choice.
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        let rest = rest.get(zeros..).unwrap_or_default();
        *in_padding = rest.is_empty();
        Ok(rest)
    }

    fn next_of_stream(&mut self, buffer: &mut Buffer) -> Result<Option<RecordBatch>> {
        let (format, bytes_max) = (self.format, self.body_bytes_max);
        let Source::Stream { decoder, waiting, ended, .. } = &mut self.source else {
            return Ok(None);
        };
        if *ended {
            return Ok(None);
        }
        let before = buffer.len();
        // The reader panics on some bytes that no writer makes.
        let read = catch_unwind(AssertUnwindSafe(|| decoder.decode(buffer)));
        *waiting += before - buffer.len();
        let problem = match read {
            Ok(Ok(Some(batch))) => {
                *waiting = 0;
                return Ok(Some(batch));
            }
            Ok(Ok(None)) if *waiting > bytes_max => return Err(self.too_large()),
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its structure is broken".to_string(),
        };
        // Only a reader that has seen the end of the stream says this.
        if format == Format::Arrow && problem.contains("Unexpected EOS") {
            *ended = true;
            return Ok(None);
        }
        Err(self.malformed(problem))
    }

    /// Conforms a batch and cuts it to size.
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.conform.is_none() {
            let (columns, target) = (self.columns.as_deref(), self.target.clone());
            let conform = Conform::new(&batch.schema(), target, columns, self.skip_unknown)?;
            self.conform = Some(conform);
        }
        let Some(conform) = &self.conform else { return Ok(()) };
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = self.rows_max.min(batch.num_rows() - start);
            self.ready.push_back(conform.batch(&batch.slice(start, rows))?);
            self.total += rows as u64;
            start += rows;
        }
        Ok(())
    }

    /// The body is over.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match &mut self.source {
            Source::Stream { decoder, ended, .. } => {
                let (ended, has_schema) = (*ended, decoder.schema().is_some());
                let finished = decoder.finish();
                if !has_schema {
                    return Err(self.malformed("it breaks off before its schema"));
                }
                if self.format == Format::Arrow && !ended {
                    return Err(self.malformed("it breaks off before its footer"));
                }
                finished.map_err(|error| self.malformed(error))
            }
            Source::Body(body) => {
                let body = Bytes::from(std::mem::take(body));
                let rows_max = self.rows_max;
                let open = catch_unwind(AssertUnwindSafe(|| {
                    ParquetRecordBatchReaderBuilder::try_new(body)?
                        .with_batch_size(rows_max)
                        .build()
                }));
                let reader = match open {
                    Ok(Ok(reader)) => reader,
                    Ok(Err(error)) => return Err(self.malformed(error)),
                    Err(_) => return Err(self.malformed("its structure is broken")),
                };
                let (columns, target) = (self.columns.as_deref(), self.target.clone());
                let conform = Conform::new(&reader.schema(), target, columns, self.skip_unknown)?;
                self.conform = Some(conform);
                self.source = Source::Parquet(Box::new(reader));
                Ok(())
            }
            Source::Parquet(_) => Ok(()),
        }
    }

    /// The oldest batch that is ready.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>> {
        if self.ready.is_empty()
            && let Source::Parquet(reader) = &mut self.source
        {
            match catch_unwind(AssertUnwindSafe(|| reader.next())) {
                Ok(None) => {}
                Ok(Some(Ok(batch))) => self.add(&batch)?,
                Ok(Some(Err(error))) => return Err(self.malformed(error)),
                Err(_) => return Err(self.malformed("its structure is broken")),
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Rows of all batches made so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
