//! Record batches to the rows of a part. Cuts granules, encodes segments, keeps statistics and
//! Bloom filters; where the rows go is the caller's business.

mod assemble;
mod column;
mod json;

use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};

use crate::codec::{Effort, Encoder};
use crate::column::{accept, add_row_bytes};
use crate::error::{Error, Result};
use crate::json::ShredOptions;
use crate::layout::{GRANULE_ROWS_MAX, GRANULES_MAX, Layout, ROW_BYTES_MIN, RowKey};
use crate::schema::{Column, ColumnType, Schema};
use crate::stats::ColumnStats;

use column::ColumnWriter;
use json::JsonWriter;

/// One row of a table holds at most this much before encoding, and so does a granule. Decoding
/// takes up to six times as much, and has 256 MiB.
const RAW_BYTES_MAX: usize = 32 << 20;

/// How a part is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// How columns are spread over streams.
    pub layout: Layout,
    /// How much time to spend on making segments small.
    pub effort: Effort,
    /// A granule has at most this many rows (1 to 1,048,576).
    pub granule_rows: usize,
    /// A granule has at most this many bytes before encoding (1 to 32 MiB), unless one row
    /// alone has more.
    pub granule_bytes: usize,
    /// A row of the part has at most this many bytes (64 or more).
    pub row_bytes_max: usize,
    /// The ids of columns that get a Bloom filter, unless their values are few and counted.
    pub bloom_columns: Vec<u32>,
    /// The size of a Bloom filter, in bits for each distinct value.
    pub bloom_bits_per_key: u32,
    /// Whether JSON columns are stored as subcolumns, or as text.
    pub shred: bool,
    /// Paths of a JSON column that get subcolumns, at most (0 to 100,000).
    pub json_paths_max: usize,
    /// The same for single columns, by id.
    pub json_paths_max_of: Vec<(u32, usize)>,
    /// Whether the subcolumns of paths get Bloom filters.
    pub json_blooms: bool,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions {
            layout: Layout::Compact,
            effort: Effort::Fast,
            granule_rows: 8192,
            granule_bytes: 4 << 20,
            row_bytes_max: 1_900_000,
            bloom_columns: Vec::new(),
            bloom_bits_per_key: 12,
            shred: false,
            json_paths_max: 1_024,
            json_paths_max_of: Vec::new(),
            json_blooms: false,
        }
    }
}

impl WriteOptions {
    fn check(&self) -> Result<()> {
        let bounds = [
            ("granule_rows", self.granule_rows, 1, GRANULE_ROWS_MAX),
            ("granule_bytes", self.granule_bytes, 1, RAW_BYTES_MAX),
            ("row_bytes_max", self.row_bytes_max, ROW_BYTES_MIN, i32::MAX as usize),
            ("bloom_bits_per_key", self.bloom_bits_per_key as usize, 1, 64),
            ("json_paths_max", self.json_paths_max, 0, 100_000),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                let detail = format!("{value} is not between {least} and {most}");
                return Err(Error::bad_value(format!("write option {name}"), detail));
            }
        }
        Ok(())
    }
}

/// A finished part.
#[derive(Debug, Clone)]
pub struct PartImage {
    /// The rows to store, the header row first.
    pub rows: Vec<PartRow>,
    /// How many rows of the table it holds.
    pub row_count: u64,
    /// The statistics of each column, by column id, as they are in the header.
    pub stats: Vec<(u32, ColumnStats)>,
}

/// One row of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRow {
    /// Its name.
    pub key: RowKey,
    /// Its bytes, at most [`WriteOptions::row_bytes_max`].
    pub bytes: Vec<u8>,
}

/// A column of the table as it is stored.
enum StoredColumn {
    Plain(Box<ColumnWriter>),
    Json(Box<JsonWriter>),
}

impl StoredColumn {
    fn bytes_written(&self) -> usize {
        match self {
            StoredColumn::Plain(column) => column.bytes_written(),
            StoredColumn::Json(column) => column.bytes_written(),
        }
    }
}

/// Writes one part.
pub struct PartWriter {
    schema: Schema,
    options: WriteOptions,
    encoder: Encoder,
    columns: Vec<StoredColumn>,
    granule_rows: Vec<u32>,
    /// For each column, arrays that wait until a granule is full.
    pending: Vec<Vec<ArrayRef>>,
    pending_rows: usize,
    pending_bytes: usize,
    row_count: u64,
}

impl PartWriter {
    /// A writer of a part of this schema.
    ///
    /// # Errors
    /// [`Error::Value`] for options out of range and for a Bloom column that does not exist.
    pub fn new(schema: &Schema, options: WriteOptions) -> Result<PartWriter> {
        options.check()?;
        if let Some(id) = options.bloom_columns.iter().find(|id| schema.by_id(**id).is_none()) {
            let detail = format!("the schema has no column with the id {id}");
            return Err(Error::bad_value("write option bloom_columns", detail));
        }
        let paths_max = |id: u32| {
            let own = options.json_paths_max_of.iter().find(|(of, _)| *of == id);
            own.map_or(options.json_paths_max, |(_, max)| *max)
        };
        let stored = |(position, column): (usize, &Column)| {
            if column.ty == ColumnType::Json && options.shred {
                let shred =
                    ShredOptions { paths_max: paths_max(column.id), ..ShredOptions::default() };
                let writer = JsonWriter::new(column, position, shred, options.json_blooms)?;
                return Ok(StoredColumn::Json(Box::new(writer)));
            }
            let bloom = options.bloom_columns.contains(&column.id);
            Ok(StoredColumn::Plain(Box::new(ColumnWriter::new(column, bloom))))
        };
        let columns = schema.columns().iter().enumerate().map(stored);
        let columns: Vec<StoredColumn> = columns.collect::<Result<_>>()?;
        Ok(PartWriter {
            schema: schema.clone(),
            encoder: Encoder::new(options.effort),
            options,
            pending: vec![Vec::new(); columns.len()],
            columns,
            granule_rows: Vec::new(),
            pending_rows: 0,
            pending_bytes: 0,
            row_count: 0,
        })
    }

    /// Adds rows. Columns are found by name; a nullable column that the batch lacks is null.
    /// Strings may come as `Utf8`, `LargeUtf8` or dictionaries, UUIDs in any spelling.
    ///
    /// # Errors
    /// [`Error::Type`] or [`Error::Value`] naming column and row; then nothing of the batch has
    /// been added. After any other error the writer must be dropped.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let arrays = self.accept(batch)?;
        let mut sizes = vec![0; batch.num_rows()];
        arrays.iter().for_each(|array| add_row_bytes(array, &mut sizes));
        if let Some(row) = sizes.iter().position(|size| *size > RAW_BYTES_MAX) {
            let size = sizes.get(row).copied().unwrap_or_default();
            return Err(Error::Limit {
                what: format!("row {row} of the batch"),
                detail: format!("{size} bytes, at most {RAW_BYTES_MAX}"),
            });
        }
        let mut start = 0;
        for (row, size) in sizes.iter().enumerate() {
            let rows = self.pending_rows + row - start;
            let full = rows >= self.options.granule_rows
                || rows > 0 && self.pending_bytes + size > self.options.granule_bytes;
            if full {
                self.hold(&arrays, start, row);
                self.write_granule()?;
                start = row;
            }
            self.pending_bytes += size;
        }
        self.hold(&arrays, start, sizes.len());
        self.row_count += sizes.len() as u64;
        Ok(())
    }

    /// The rows pushed so far.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// The bytes encoded so far; rows of an unfinished granule are not in it yet.
    pub fn bytes_written(&self) -> usize {
        self.columns.iter().map(StoredColumn::bytes_written).sum()
    }

    /// Writes what is pending and returns the rows of the part.
    ///
    /// # Errors
    /// [`Error::Limit`] when the header or a stream becomes too large.
    pub fn finish(mut self) -> Result<PartImage> {
        if self.pending_rows > 0 {
            self.write_granule()?;
        }
        assemble::assemble(self.columns, self.granule_rows, self.row_count, &self.options)
    }

    /// The arrays of the batch in the order of the schema, each of its column's Arrow type.
    fn accept(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        for field in batch.schema_ref().fields() {
            if self.schema.by_name(field.name()).is_none() {
                let detail = "the table has no such column";
                return Err(Error::bad_value(format!("column {:?}", field.name()), detail));
            }
        }
        let find = |column: &Column| match batch.column_by_name(&column.name) {
            Some(array) => accept(column, array),
            None => accept(column, &new_null_array(&column.ty.arrow(), batch.num_rows())),
        };
        self.schema.columns().iter().map(find).collect()
    }

    /// Keeps the rows from `start` to `end` for the granule.
    fn hold(&mut self, arrays: &[ArrayRef], start: usize, end: usize) {
        if start == end {
            return;
        }
        for (pending, array) in self.pending.iter_mut().zip(arrays) {
            pending.push(array.slice(start, end - start));
        }
        self.pending_rows += end - start;
    }

    /// Encodes the pending rows as a granule.
    fn write_granule(&mut self) -> Result<()> {
        if self.granule_rows.len() >= GRANULES_MAX {
            let detail = format!("more than {GRANULES_MAX} granules; start another part");
            return Err(Error::Limit { what: "part".into(), detail });
        }
        for (column, pending) in self.columns.iter_mut().zip(&mut self.pending) {
            let array = concat(pending)?;
            pending.clear();
            match column {
                StoredColumn::Plain(column) => column.write(&mut self.encoder, &array)?,
                StoredColumn::Json(column) => {
                    column.write(&mut self.encoder, &array, &self.granule_rows)?;
                }
            }
        }
        // At most GRANULE_ROWS_MAX.
        self.granule_rows.push(self.pending_rows as u32);
        self.pending_rows = 0;
        self.pending_bytes = 0;
        Ok(())
    }
}

fn concat(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    if let [one] = arrays {
        return Ok(one.clone());
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(arrow_select::concat::concat(&arrays)?)
}
