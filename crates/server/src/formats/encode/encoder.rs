//! The writer of any format: what comes before, between and after the rows.

use std::time::Duration;

use arrow_array::{RecordBatch, new_empty_array};
use arrow_schema::SchemaRef;

use super::arrow_file::BinaryWriter;
use super::cell::Cell;
use super::json::{self, JsonStyle};
use super::pretty::{Pretty, vertical_names, vertical_row};
use super::{escape, markdown, separated};
use crate::formats::error::Result;
use crate::formats::format::Format;
use crate::formats::type_name::type_name;

/// The settings of an [`Encoder`]; the default is ClickHouse's.
#[derive(Clone, Debug)]
pub struct EncodeOptions {
    /// 64-bit integers as strings in the JSON formats.
    pub quote_64bit_integers: bool,
    /// `nan` and infinities as strings in the JSON formats instead of null.
    pub quote_denormals: bool,
    /// Most rows that `Pretty`, `PrettyCompact` and `Vertical` show (1,000).
    pub pretty_rows_max: usize,
    /// Widest value `Pretty` shows before it is cut, in columns of a terminal (10,000).
    pub pretty_value_width_max: usize,
    /// Rows of one row group of a Parquet file (131,072). Memory holds one row group.
    pub parquet_row_group_rows: usize,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        EncodeOptions {
            quote_64bit_integers: false,
            quote_denormals: false,
            pretty_rows_max: 1_000,
            pretty_value_width_max: 10_000,
            parquet_row_group_rows: 131_072,
        }
    }
}

/// What the end of an answer tells about the query.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Rows of the answer.
    pub rows: u64,
    /// Time the query took.
    pub elapsed: Duration,
    /// Rows read to answer.
    pub rows_read: u64,
    /// Bytes read to answer.
    pub bytes_read: u64,
}

/// Writes batches of one schema in one format: [`Encoder::prefix`] once, [`Encoder::batch`] for
/// each batch, [`Encoder::suffix`] once. All append to the caller's buffer.
pub struct Encoder {
    format: Format,
    schema: SchemaRef,
    options: EncodeOptions,
    json: JsonStyle,
    /// The columns' names as JSON strings.
    keys: Vec<Vec<u8>>,
    rows: u64,
    scratch: Vec<u8>,
    pretty: Option<Pretty>,
    binary: Option<BinaryWriter>,
}

impl Encoder {
    /// Makes the writer of an answer with this schema.
    ///
    /// # Errors
    /// A column type the format cannot carry.
    pub fn new(format: Format, schema: SchemaRef, options: EncodeOptions) -> Result<Encoder> {
        let binary = BinaryWriter::new(format, &schema, options.parquet_row_group_rows)?;
        if binary.is_none() {
            for field in schema.fields() {
                Cell::new(&new_empty_array(field.data_type()), field)?;
            }
        }
        let pretty = match format {
            Format::Pretty => Some(Pretty::new(&options, true)),
            Format::PrettyCompact => Some(Pretty::new(&options, false)),
            _ => None,
        };
        let key = |name: &String| {
            let mut key = Vec::new();
            escape::push_json(name, &mut key);
            key
        };
        Ok(Encoder {
            format,
            keys: schema.fields().iter().map(|f| key(f.name())).collect(),
            json: JsonStyle {
                quote_64bit_integers: options.quote_64bit_integers,
                quote_denormals: options.quote_denormals,
            },
            schema,
            options,
            rows: 0,
            scratch: Vec::new(),
            pretty,
            binary,
        })
    }

    /// The format written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Appends what comes before the rows.
    ///
    /// # Errors
    /// From the Arrow and Parquet writers.
    pub fn prefix(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.format {
            Format::Json | Format::JsonCompact | Format::JsonStrings => self.push_meta(out),
            Format::Markdown => markdown::push_header(&self.schema, out)?,
            Format::Arrow | Format::ArrowStream | Format::Parquet => {
                if let Some(binary) = &mut self.binary {
                    binary.drain(out);
                }
            }
            _ => self.push_names(out),
        }
        Ok(())
    }

    /// Appends the rows of one batch, which must have the schema of the encoder.
    ///
    /// # Errors
    /// From the Arrow and Parquet writers.
    pub fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        if self.format == Format::Null {
            self.rows += batch.num_rows() as u64;
            return Ok(());
        }
        if let Some(binary) = &mut self.binary {
            self.rows += batch.num_rows() as u64;
            return binary.write(batch, out);
        }
        if let Some(pretty) = &mut self.pretty {
            self.rows += batch.num_rows() as u64;
            pretty.push(batch);
            return Ok(());
        }
        let fields = self.schema.fields().iter();
        let cells = batch.columns().iter().zip(fields);
        let cells =
            cells.map(|(array, field)| Cell::new(array, field)).collect::<Result<Vec<_>>>()?;
        if self.format == Format::Vertical {
            self.vertical(&cells, batch.num_rows(), out);
            return Ok(());
        }
        for row in 0..batch.num_rows() {
            self.row(&cells, row, out);
            self.rows += 1;
        }
        Ok(())
    }

    /// Appends what comes after the rows.
    ///
    /// # Errors
    /// From the Arrow and Parquet writers.
    pub fn suffix(&mut self, totals: &Totals, out: &mut Vec<u8>) -> Result<()> {
        match self.format {
            Format::Json | Format::JsonCompact | Format::JsonStrings => push_totals(totals, out),
            Format::Vertical if self.rows > self.options.pretty_rows_max as u64 => {
                let shown = self.options.pretty_rows_max;
                out.extend_from_slice(format!("\nShowed first {shown}.\n").as_bytes());
            }
            _ => {}
        }
        if let Some(pretty) = self.pretty.take() {
            pretty.render(&self.schema, out)?;
        }
        match self.binary.take() {
            Some(binary) => binary.finish(out),
            None => Ok(()),
        }
    }

    fn row(&mut self, cells: &[Cell], row: usize, out: &mut Vec<u8>) {
        let first = self.rows == 0;
        match self.format {
            Format::JsonEachRow => self.object_line(cells, row, out),
            Format::JsonCompactEachRow
            | Format::JsonCompactEachRowWithNames
            | Format::JsonCompactEachRowWithNamesAndTypes => {
                self.array(cells, row, out);
                out.push(b'\n');
            }
            Format::Json | Format::JsonStrings => {
                out.extend_from_slice(if first { b"\t\t{\n" } else { b",\n\t\t{\n" });
                self.object_lines(cells, row, out);
                out.extend_from_slice(b"\n\t\t}");
            }
            Format::JsonCompact => {
                out.extend_from_slice(if first { b"\t\t" } else { b",\n\t\t" });
                self.array(cells, row, out);
            }
            Format::Csv | Format::CsvWithNames | Format::CsvWithNamesAndTypes => {
                separated::push_csv_row(cells, row, &mut self.scratch, out);
            }
            Format::Tsv | Format::TsvWithNames | Format::TsvWithNamesAndTypes => {
                separated::push_tsv_row(cells, row, false, out);
            }
            Format::TsvRaw | Format::TsvRawWithNames => {
                separated::push_tsv_row(cells, row, true, out);
            }
            Format::Values => separated::push_values_row(cells, row, first, out),
            Format::Markdown => markdown::push_row(cells, row, out),
            _ => {}
        }
    }

    fn object_line(&self, cells: &[Cell], row: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (cell, key)) in cells.iter().zip(&self.keys).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            out.push(b':');
            json::push_value(cell, row, self.json, out);
        }
        out.extend_from_slice(b"}\n");
    }

    fn object_lines(&mut self, cells: &[Cell], row: usize, out: &mut Vec<u8>) {
        for (at, (cell, key)) in cells.iter().zip(&self.keys).enumerate() {
            out.extend_from_slice(if at > 0 { b",\n\t\t\t" } else { b"\t\t\t" });
            out.extend_from_slice(key);
            out.extend_from_slice(b": ");
            if self.format == Format::JsonStrings {
                self.scratch.clear();
                match cell.is_null(row) {
                    true => self.scratch.extend_from_slice("ᴺᵁᴸᴸ".as_bytes()),
                    false => cell.push_text(row, &mut self.scratch),
                }
                escape::push_json_bytes(&self.scratch, out);
            } else {
                json::push_pretty(cell, row, self.json, 3, out);
            }
        }
    }

    fn array(&self, cells: &[Cell], row: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(b", ");
            }
            json::push_value(cell, row, self.json, out);
        }
        out.push(b']');
    }

    fn vertical(&mut self, cells: &[Cell], rows: usize, out: &mut Vec<u8>) {
        let names = vertical_names(&self.schema);
        for row in 0..rows {
            if self.rows < self.options.pretty_rows_max as u64 {
                if self.rows > 0 {
                    out.push(b'\n');
                }
                vertical_row(cells, &names, row, self.rows + 1, out);
            }
            self.rows += 1;
        }
    }

    /// The first lines of the formats `...WithNames` and `...WithNamesAndTypes`.
    fn push_names(&self, out: &mut Vec<u8>) {
        let lines = self.format.header_lines();
        let fields = self.schema.fields();
        if lines > 0 {
            let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
            separated::push_header_line(self.format, &names, out);
        }
        if lines > 1 {
            let types: Vec<String> = fields.iter().map(|f| type_name(f)).collect();
            separated::push_header_line(self.format, &types, out);
        }
    }

    fn push_meta(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\n\t\"meta\":\n\t[\n");
        for (at, (field, key)) in self.schema.fields().iter().zip(&self.keys).enumerate() {
            out.extend_from_slice(if at > 0 { b",\n\t\t{\n" } else { b"\t\t{\n" });
            out.extend_from_slice(b"\t\t\t\"name\": ");
            out.extend_from_slice(key);
            out.extend_from_slice(b",\n\t\t\t\"type\": ");
            escape::push_json(&type_name(field), out);
            out.extend_from_slice(b"\n\t\t}");
        }
        out.extend_from_slice(b"\n\t],\n\n\t\"data\":\n\t[\n");
    }
}

fn push_totals(totals: &Totals, out: &mut Vec<u8>) {
    let Totals { rows, elapsed, rows_read, bytes_read } = totals;
    let mut seconds = Vec::new();
    super::number::push_f64(elapsed.as_secs_f64(), &mut seconds);
    let text = format!(
        "\n\t],\n\n\t\"rows\": {rows},\n\n\t\"statistics\":\n\t{{\n\t\t\"elapsed\": {},\n\
         \t\t\"rows_read\": {rows_read},\n\t\t\"bytes_read\": {bytes_read}\n\t}}\n}}\n",
        String::from_utf8_lossy(&seconds),
    );
    out.extend_from_slice(text.as_bytes());
}
