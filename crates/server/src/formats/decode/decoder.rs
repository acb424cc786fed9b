//! The reader of any format.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::arrow_file::BinaryDecoder;
use super::compact::CompactRows;
use super::json::ObjectRows;
use super::rows::Rows;
use super::separated::{Dialect, SeparatedRows};
use super::text::{Reader, TextDecoder};
use super::values::ValueRows;
use crate::formats::error::{FormatError, Result};
use crate::formats::format::Format;

/// The settings of a [`Decoder`].
#[derive(Clone, Debug)]
pub struct DecodeOptions {
    /// Rows of one batch at most (65,536).
    pub rows_max: usize,
    /// A batch is cut when its records came from this many bytes (32 MiB).
    pub batch_bytes_max: usize,
    /// Bytes of one record of a text format at most (2,000,000).
    pub record_bytes_max: usize,
    /// Bytes of a Parquet body at most, which must be held whole (1 GiB).
    pub body_bytes_max: usize,
    /// Throw fields away that no column has, instead of refusing the record (false).
    pub skip_unknown_fields: bool,
    /// JSON values must be of the kind of their column: no number in quotes, no text without, no
    /// document but an object (false).
    pub strict_kinds: bool,
    /// Records that may be wrong and are skipped (0). One more ends the reading.
    pub errors_max: u64,
    /// The delimiter of CSV (a comma).
    pub csv_delimiter: u8,
    /// Unquoted CSV and tab-separated fields with one of these texts are null, besides `\N`.
    pub null_texts: Vec<String>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions {
            rows_max: 65_536,
            batch_bytes_max: 32 << 20,
            record_bytes_max: 2_000_000,
            body_bytes_max: 1 << 30,
            skip_unknown_fields: false,
            strict_kinds: false,
            errors_max: 0,
            csv_delimiter: b',',
            null_texts: Vec::new(),
        }
    }
}

/// Reads one body in chunks: [`Decoder::push`] each chunk, [`Decoder::finish`] at the end, and
/// [`Decoder::take`] the batches that are ready after each.
///
/// Every batch has the target schema. A column with no field in a record gets null, or its type's
/// zero where null is not allowed (ClickHouse's defaults); so does a null where null is not
/// allowed. Of two equal keys in an object the last wins.
///
/// Times are read as `YYYY-MM-DD[ hh:mm[:ss[.f]]]`, RFC 3339, or a whole number of the column's
/// unit since 1970 (seconds for `DateTime`, milliseconds for `DateTime64(3)`); a number with a
/// point is seconds.
///
/// Memory: one batch, one record, and one chunk; a Parquet body is held whole.
pub struct Decoder {
    format: Format,
    inner: Inner,
    stopped: bool,
}

enum Inner {
    Text(Box<TextDecoder>),
    Binary(Box<BinaryDecoder>),
}

impl Decoder {
    /// Makes a reader into `schema`. `columns` are the names of the fields of a record in their
    /// order (`INSERT INTO t (a, b)`); without them, all of the schema's.
    ///
    /// # Errors
    /// A format that cannot be read, a column the schema does not have, a type text cannot carry.
    pub fn new(
        format: Format,
        schema: SchemaRef,
        columns: Option<&[String]>,
        options: DecodeOptions,
    ) -> Result<Decoder> {
        let skip = options.skip_unknown_fields;
        let headers = format.header_lines();
        let nulls = options.null_texts.clone();
        let separated =
            |dialect| Reader::Separated(SeparatedRows::new(dialect, skip, headers, nulls));
        let reader = match format {
            Format::JsonEachRow => Reader::Objects(ObjectRows::new(skip)),
            Format::JsonAsObject => Reader::Objects(ObjectRows::of_documents()),
            Format::JsonCompactEachRow
            | Format::JsonCompactEachRowWithNames
            | Format::JsonCompactEachRowWithNamesAndTypes => {
                Reader::Arrays(CompactRows::new(skip, headers))
            }
            Format::Csv | Format::CsvWithNames | Format::CsvWithNamesAndTypes => {
                separated(Dialect::Csv(options.csv_delimiter))
            }
            Format::Tsv | Format::TsvWithNames | Format::TsvWithNamesAndTypes => {
                separated(Dialect::Tsv)
            }
            Format::TsvRaw | Format::TsvRawWithNames => separated(Dialect::TsvRaw),
            Format::Values => Reader::Values(ValueRows::default()),
            Format::Parquet | Format::Arrow | Format::ArrowStream => {
                let binary = BinaryDecoder::new(format, schema, columns, &options)?;
                let inner = Inner::Binary(Box::new(binary));
                return Ok(Decoder { format, inner, stopped: false });
            }
            _ => return Err(format.not_readable()),
        };
        let rows = Rows::new(schema, columns, &options, format.name())?;
        if format == Format::JsonAsObject && rows.document_field().is_none() {
            return Err(FormatError::NotOneDocument);
        }
        let inner = Inner::Text(Box::new(TextDecoder::new(reader, rows, &options)));
        Ok(Decoder { format, inner, stopped: false })
    }

    /// The format read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Takes the next bytes of the body, cut anywhere.
    ///
    /// # Errors
    /// The first record that is wrong past `errors_max`; nothing is read after it.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.guarded(|inner| match inner {
            Inner::Text(text) => text.push(chunk),
            Inner::Binary(binary) => binary.push(chunk),
        })
    }

    /// The body is over.
    ///
    /// # Errors
    /// As [`Decoder::push`]; and a record or a file that breaks off.
    pub fn finish(&mut self) -> Result<()> {
        self.guarded(|inner| match inner {
            Inner::Text(text) => text.finish(),
            Inner::Binary(binary) => binary.finish(),
        })
    }

    fn guarded(&mut self, step: impl FnOnce(&mut Inner) -> Result<()>) -> Result<()> {
        if self.stopped {
            return Err(FormatError::Stopped);
        }
        let done = step(&mut self.inner);
        self.stopped = done.is_err();
        done
    }

    /// The oldest batch that is ready; none: push more, or all is taken.
    ///
    /// # Errors
    /// From the Parquet reader, which decodes as batches are taken.
    pub fn take(&mut self) -> Result<Option<RecordBatch>> {
        if let Inner::Text(text) = &mut self.inner {
            return Ok(text.take());
        }
        if self.stopped {
            return Ok(None);
        }
        let mut taken = None;
        self.guarded(|inner| {
            if let Inner::Binary(binary) = inner {
                taken = binary.take()?;
            }
            Ok(())
        })?;
        Ok(taken)
    }

    /// How many records were wrong so far, and the first ten errors.
    pub fn errors(&self) -> (u64, &[FormatError]) {
        match &self.inner {
            Inner::Text(text) => text.skipped(),
            Inner::Binary(_) => (0, &[]),
        }
    }

    /// The number of the record that is read next, or that was wrong, if none before it was.
    pub fn next_record(&self) -> u64 {
        match &self.inner {
            Inner::Text(text) => text.taken() + 1,
            Inner::Binary(binary) => binary.total() + 1,
        }
    }

    /// Rows of all batches made so far, taken or not.
    pub fn row_count(&self) -> u64 {
        match &self.inner {
            Inner::Text(text) => text.total(),
            Inner::Binary(binary) => binary.total(),
        }
    }
}
