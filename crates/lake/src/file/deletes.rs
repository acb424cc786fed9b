//! Position delete files: which rows of one data file are deleted. Iceberg's specification,
//! "Position Delete Files".

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, PARQUET_FIELD_ID_META_KEY};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::footer;
use crate::error::{Error, Result};
use crate::store::Bucket;

/// The reserved field id of `file_path`.
const FILE_PATH_ID: i32 = 2_147_483_546;
/// The reserved field id of `pos`.
const POS_ID: i32 = 2_147_483_545;

/// Writes the positions of the deleted rows of `data_file`, ascending, as one object.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for no positions, positions that do not ascend, or ones past the
/// file's end; [`crate::ErrorKind::Storage`].
pub async fn write_deletes(
    bucket: &Bucket,
    uri: &str,
    data_file: &DataFile,
    spec_id: i32,
    rows: &[u64],
) -> Result<DataFile> {
    let ascend = rows.iter().zip(rows.iter().skip(1)).all(|(a, b)| a < b);
    let fits = rows.last().is_some_and(|last| *last < data_file.record_count());
    if !ascend || !fits {
        let message = "positions of deleted rows must ascend and be within the file";
        return Err(Error::invalid(message).of_object(data_file.file_path()));
    }
    let field = |name: &str, ty: DataType, id: i32| {
        let id = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]);
        Field::new(name, ty, false).with_metadata(id)
    };
    let schema = Arc::new(Schema::new(vec![
        field("file_path", DataType::Utf8, FILE_PATH_ID),
        field("pos", DataType::Int64, POS_ID),
    ]));
    let path = data_file.file_path();
    let paths: ArrayRef = Arc::new(rows.iter().map(|_| Some(path)).collect::<StringArray>());
    let numbers = rows.iter().map(|row| i64::try_from(*row));
    let numbers: Vec<i64> = numbers
        .collect::<Result<_, _>>()
        .map_err(|_| Error::invalid("a file has fewer rows than that"))?;
    let batch =
        RecordBatch::try_new(schema.clone(), vec![paths, Arc::new(Int64Array::from(numbers))])?;
    let level = ZstdLevel::try_new(3)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
    writer.write(&batch)?;
    let bytes = writer.into_inner()?;
    let size = bytes.len() as u64;
    bucket.write(uri, Bytes::from(bytes)).await?;
    let counts = |count: u64| HashMap::from([(FILE_PATH_ID, count), (POS_ID, count)]);
    let mut file = DataFileBuilder::default();
    // Bounds on the path, uncut, tell every engine which file the deletes are for.
    let bounds = |row: Option<&u64>| {
        let mut bounds = HashMap::from([(FILE_PATH_ID, Datum::string(path))]);
        let row = row.and_then(|row| i64::try_from(*row).ok());
        bounds.extend(row.map(|row| (POS_ID, Datum::long(row))));
        bounds
    };
    file.content(DataContentType::PositionDeletes)
        .file_path(uri.to_owned())
        .file_format(DataFileFormat::Parquet)
        .partition(data_file.partition().clone())
        .partition_spec_id(spec_id)
        .record_count(rows.len() as u64)
        .file_size_in_bytes(size)
        .value_counts(counts(rows.len() as u64))
        .null_value_counts(counts(0))
        .lower_bounds(bounds(rows.first()))
        .upper_bounds(bounds(rows.last()))
        .referenced_data_file(Some(path.to_owned()));
    file.build().map_err(|e| Error::invalid(format!("incomplete delete file: {e}")))
}

/// The deleted rows of `data_file` in a delete file of any writer, ascending.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for what is no position delete file, naming it.
pub async fn read_deletes(bucket: &Bucket, uri: &str, data_file: &str) -> Result<Vec<u64>> {
    let bytes = bucket.read(uri).await?;
    let mut rows = positions(bytes, data_file).map_err(|e| e.of_object(uri))?;
    rows.sort_unstable();
    rows.dedup();
    Ok(rows)
}

fn positions(bytes: Bytes, data_file: &str) -> Result<Vec<u64>> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    footer::check_trailer(&bytes, bytes.len() as u64)?;
    let metadata = ArrowReaderMetadata::load(&bytes, options)?;
    footer::check(metadata.metadata(), bytes.len() as u64)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata).build()?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch?;
        let column = |name: &str, ty: &DataType| {
            let found = batch.column_by_name(name);
            let found = found.ok_or_else(|| Error::corrupt(format!("no column {name:?}")))?;
            Ok::<ArrayRef, Error>(arrow_cast::cast(found, ty)?)
        };
        let paths = column("file_path", &DataType::Utf8)?;
        let numbers = column("pos", &DataType::Int64)?;
        let (Some(paths), Some(numbers)) =
            (paths.as_string_opt::<i32>(), numbers.as_primitive_opt::<Int64Type>())
        else {
            return Err(Error::corrupt("not the columns of a position delete file"));
        };
        for (path, row) in paths.iter().zip(numbers) {
            if path == Some(data_file) {
                let row = row.and_then(|row| u64::try_from(row).ok());
                rows.push(row.ok_or_else(|| Error::corrupt("a position is no row number"))?);
            }
        }
    }
    Ok(rows)
}
