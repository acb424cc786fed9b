//! Batches to one Parquet data file in the bucket, with bounded memory: a row group and a part of
//! an upload at a time. Not for rolling over to the next file: the caller looks at
//! [`FileWriter::bytes`].

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_row::OwnedRow;
use bytes::Bytes;
use dodb_part::ColumnType;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, SortOrderRef, Struct,
};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use parking_lot::Mutex;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::end::FileEnd;
use super::metrics::{self, NanCounts};
use super::order::Order;
use crate::documents::{FileKinds, KINDS_KEY, Shredder};
use crate::error::{Error, Result};
use crate::schema::{JSON_FIELD, Layout};
use crate::store::Bucket;
use crate::values::to_iceberg;

/// Rows that are converted and encoded at once.
const SLICE_ROWS: usize = 4_096;
/// One value in so many that is not there seems to be.
const BLOOM_FALSE_RATE: f64 = 0.01;

/// How a file is written.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// Rows in a row group, at most.
    pub row_group_rows_max: usize,
    /// Rows that the file will have at most, as far as is known: Bloom filters are for so many.
    pub rows_max: usize,
    /// Encoded bytes of a row group before it is closed.
    pub row_group_bytes: usize,
    /// Rows in a page, at most.
    pub page_rows_max: usize,
    /// Bytes of a page before compression.
    pub page_bytes: usize,
    /// zstd's level, 1 to 22.
    pub zstd_level: i32,
    /// Ids of columns that get Bloom filters.
    pub bloom_columns: Vec<u32>,
    /// Paths of JSON columns that do: column id and stored path.
    pub bloom_paths: Vec<(u32, String)>,
    /// Ids of columns whose values hardly repeat: a dictionary would be read with each page.
    pub unique_columns: Vec<u32>,
    /// Bytes of one part of an upload; R2 and S3 want at least 5 MiB. A smaller file is put whole.
    pub upload_part_bytes: usize,
}

impl Default for FileOptions {
    fn default() -> FileOptions {
        FileOptions {
            row_group_rows_max: 131_072,
            rows_max: usize::MAX,
            row_group_bytes: 16 << 20,
            page_rows_max: 4_096,
            page_bytes: 256 << 10,
            zstd_level: 3,
            bloom_columns: Vec::new(),
            bloom_paths: Vec::new(),
            unique_columns: Vec::new(),
            upload_part_bytes: 8 << 20,
        }
    }
}

/// Which file is written, of what.
#[derive(Debug, Clone)]
pub struct FilePlan {
    /// Where objects go.
    pub bucket: Bucket,
    /// The name of the file; never used before.
    pub uri: String,
    /// The columns.
    pub layout: Arc<Layout>,
    /// The id of the partition spec.
    pub spec_id: i32,
    /// The partition that all rows are of.
    pub partition: Struct,
    /// The order that rows come in. It is noted if they do.
    pub sort_order: Option<SortOrderRef>,
}

/// Writes one data file.
pub struct FileWriter {
    plan: FilePlan,
    upload_part_bytes: usize,
    row_group_bytes: usize,
    sink: Sink,
    parquet: ArrowWriter<Sink>,
    /// One for each column of the layout that holds documents, by the column's id.
    shredders: Vec<(u32, Shredder)>,
    nans: NanCounts,
    order: Option<(Order, Option<OwnedRow>)>,
    upload: Option<Box<dyn MultipartUpload>>,
    bytes_sent: usize,
    rows: u64,
}

/// Where Parquet writes to, and from where uploads take.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl FileWriter {
    /// Begins a file. Nothing is in the bucket before [`FileWriter::finish`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for options out of bounds, [`crate::ErrorKind::Unsupported`]
    /// for a required field that dodb has no column for.
    pub fn new(plan: FilePlan, options: &FileOptions) -> Result<FileWriter> {
        for (at, field) in plan.layout.iceberg().as_struct().fields().iter().enumerate() {
            let is_column = plan.layout.columns().iter().any(|laid| laid.field.id == field.id);
            if field.required && !is_column {
                let message = format!("field {:?} (number {at}) is required", field.name);
                return Err(Error::unsupported(format!("{message}, and dodb has no type for it")));
            }
        }
        let sink = Sink::default();
        let properties = properties(&plan.layout, options)?;
        let writer_options =
            ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let schema = plan.layout.arrow().clone();
        let parquet = ArrowWriter::try_new_with_options(sink.clone(), schema, writer_options)?;
        let mut shredders = Vec::new();
        for laid in plan.layout.columns() {
            if laid.column.ty == ColumnType::Json {
                let field = plan.layout.arrow().field_with_name(&laid.column.name)?;
                let shredder = Shredder::new(laid, &Arc::new(field.clone()))?;
                shredders.push((laid.column.id, shredder));
            }
        }
        let order = plan.sort_order.as_ref().map(|order| Order::of(order, &plan.layout));
        let order = order.transpose()?.flatten().map(|order| (order, None));
        Ok(FileWriter {
            upload_part_bytes: options.upload_part_bytes.max(1),
            row_group_bytes: options.row_group_bytes,
            plan,
            sink,
            parquet,
            shredders,
            nans: NanCounts::default(),
            order,
            upload: None,
            bytes_sent: 0,
            rows: 0,
        })
    }

    /// Adds rows, in dodb's types, columns by name. A nullable column may be missing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for rows that do not fit the table, naming the column;
    /// [`crate::ErrorKind::Storage`] when a part could not be sent. The file is lost then: call
    /// [`FileWriter::abort`].
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = SLICE_ROWS.min(batch.num_rows() - start);
            let slice = batch.slice(start, rows);
            self.encode(&slice).map_err(|e| e.of_object(&self.plan.uri))?;
            start += rows;
            if self.parquet.in_progress_size() >= self.row_group_bytes {
                self.parquet.flush()?;
            }
            self.send_parts().await?;
        }
        Ok(())
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<()> {
        if let Some((order, last)) = &mut self.order
            && !order.follows(batch, last)?
        {
            self.order = None;
        }
        let schema = self.plan.layout.arrow().clone();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let laid = self.plan.layout.columns().iter().find(|l| l.column.name == *field.name());
            let given = batch.column_by_name(field.name());
            let array = match (laid, given) {
                (Some(laid), Some(array)) if laid.column.ty == ColumnType::Json => {
                    let id = laid.column.id;
                    let shredder = self.shredders.iter_mut().find(|(of, _)| *of == id);
                    let (_, shredder) = shredder.ok_or_else(|| {
                        Error::invalid(format!("column {:?} holds no documents", field.name()))
                    })?;
                    shredder.push(array)?
                }
                (Some(laid), Some(array)) => {
                    to_iceberg(array, &laid.column.ty, field.data_type(), field.name())?
                }
                _ if field.is_nullable() => new_null_array(field.data_type(), batch.num_rows()),
                _ => {
                    let message = format!("the rows lack the column {:?}", field.name());
                    return Err(Error::invalid(message));
                }
            };
            self.nans.add(field, &array);
            columns.push(array);
        }
        let batch = RecordBatch::try_new(schema, columns)
            .map_err(|e| Error::invalid(format!("the rows do not fit the table: {e}")))?;
        self.parquet.write(&batch)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// About the size of the file, were it finished now.
    pub fn bytes(&self) -> usize {
        self.bytes_sent + self.sink.0.lock().len() + self.parquet.in_progress_size()
    }

    /// Sends whole parts, if there is at least one.
    async fn send_parts(&mut self) -> Result<()> {
        loop {
            let part = {
                let mut pending = self.sink.0.lock();
                if pending.len() < self.upload_part_bytes {
                    return Ok(());
                }
                let rest = pending.split_off(self.upload_part_bytes);
                std::mem::replace(&mut *pending, rest)
            };
            self.send(part).await?;
        }
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<()> {
        let uri = &self.plan.uri;
        let of_store = |e| Error::of_store(e, uri);
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let key = self.plan.bucket.key(uri)?;
                let begun = self.plan.bucket.store().put_multipart(&key).await;
                self.upload.insert(begun.map_err(of_store)?)
            }
        };
        self.bytes_sent += part.len();
        upload.put_part(PutPayload::from(part)).await.map_err(of_store)
    }

    /// Ends the file and puts it in the bucket. No snapshot names it yet. Answers its end too, by
    /// which it can be opened.
    ///
    /// # Errors
    /// As for [`FileWriter::write`]; [`crate::ErrorKind::Invalid`] for a file without rows.
    pub async fn finish(mut self) -> Result<(DataFile, FileEnd)> {
        if self.rows == 0 {
            return Err(Error::invalid("a data file has at least one row"));
        }
        let mut kinds = FileKinds::default();
        for (column, shredder) in &self.shredders {
            kinds.add(*column, &shredder.summary());
        }
        let kinds = KeyValue::new(KINDS_KEY.to_owned(), kinds.to_text());
        self.parquet.append_key_value_metadata(kinds);
        // Rows are all written before the end begins.
        self.parquet.flush()?;
        let start = self.sink.0.lock().len();
        let footer = self.parquet.finish()?;
        let end = self.sink.0.lock().get(start..).map(Bytes::copy_from_slice);
        let end = FileEnd::new(end.unwrap_or_default());
        self.send_parts().await?;
        let rest = std::mem::take(&mut *self.sink.0.lock());
        let bytes = self.bytes_sent + rest.len();
        if self.upload.is_some() && !rest.is_empty() {
            self.send(rest).await?;
        } else if self.upload.is_none() {
            self.plan.bucket.write(&self.plan.uri, Bytes::from(rest)).await?;
        }
        if let Some(mut upload) = self.upload.take() {
            let completed = upload.complete().await;
            completed.map_err(|e| Error::of_store(e, &self.plan.uri))?;
        }
        let mut file = DataFileBuilder::default();
        metrics::describe(&mut file, &footer, self.plan.layout.iceberg(), self.nans);
        file.content(DataContentType::Data)
            .file_path(self.plan.uri.clone())
            .file_format(DataFileFormat::Parquet)
            .partition(self.plan.partition.clone())
            .partition_spec_id(self.plan.spec_id)
            .record_count(self.rows)
            .file_size_in_bytes(bytes as u64);
        if self.order.is_some()
            && let Some(order) = &self.plan.sort_order
        {
            file.sort_order_id(i32::try_from(order.order_id).unwrap_or_default());
        }
        let file = file.build();
        let file = file.map_err(|e| Error::invalid(format!("incomplete data file: {e}")))?;
        Ok((file, end))
    }

    /// Gives up: takes back parts that were sent.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`]; the store drops the parts by itself in some days.
    pub async fn abort(mut self) -> Result<()> {
        match self.upload.take() {
            Some(mut upload) => {
                upload.abort().await.map_err(|e| Error::of_store(e, &self.plan.uri))
            }
            None => Ok(()),
        }
    }
}

fn properties(layout: &Layout, options: &FileOptions) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(options.zstd_level)
        .map_err(|e| Error::invalid(format!("zstd level {}: {e}", options.zstd_level)))?;
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("dodb {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(options.row_group_rows_max.max(1)))
        .set_data_page_row_count_limit(options.page_rows_max.max(1))
        .set_data_page_size_limit(options.page_bytes.max(1))
        .set_write_batch_size(options.page_rows_max.clamp(1, 1_024))
        .set_statistics_enabled(EnabledStatistics::Page);
    for laid in layout.columns() {
        let id = laid.column.id;
        if options.unique_columns.contains(&id) {
            let path = ColumnPath::from(laid.column.name.as_str());
            builder = builder.set_column_dictionary_enabled(path, false);
        }
        if options.bloom_columns.contains(&id) {
            builder = bloom(builder, vec![laid.column.name.clone()], options);
        }
        let Some(document) = &laid.document else { continue };
        let json = vec![laid.column.name.clone(), JSON_FIELD.to_owned()];
        // Documents hardly repeat.
        builder = builder.set_column_dictionary_enabled(ColumnPath::new(json), false);
        for path in &document.paths {
            let wanted = |(of, wanted): &(u32, String)| *of == id && *wanted == path.path;
            if options.bloom_paths.iter().any(wanted) {
                let mut names = vec![laid.column.name.clone()];
                names.extend(path.keys.iter().cloned());
                builder = bloom(builder, names, options);
            }
        }
    }
    Ok(builder.build())
}

/// The filter is folded to what its values need when the row group is closed.
fn bloom(
    builder: WriterPropertiesBuilder,
    names: Vec<String>,
    options: &FileOptions,
) -> WriterPropertiesBuilder {
    let path = ColumnPath::new(names);
    let values_max = options.row_group_rows_max.min(options.rows_max).max(1);
    builder
        .set_column_bloom_filter_enabled(path.clone(), true)
        .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_RATE)
        .set_column_bloom_filter_max_ndv(path, values_max as u64)
}
