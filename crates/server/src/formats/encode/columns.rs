//! Brings the columns of a batch to the few Arrow types the writers know. Once per batch.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::formats::error::Result;

/// The type a column is brought to before it is written as text.
pub(crate) fn text_face(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            DataType::BinaryView
        }
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Dictionary(_, value) => text_face(value),
        DataType::RunEndEncoded(_, value) => text_face(value.data_type()),
        DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(item.clone())
        }
        DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_) => DataType::Utf8View,
        other => other.clone(),
    }
}

/// The array in the type the writers know; cheap when it has it already.
pub(crate) fn to_text_face(array: &ArrayRef) -> Result<ArrayRef> {
    let wanted = text_face(array.data_type());
    if &wanted == array.data_type() {
        return Ok(array.clone());
    }
    let direct = match array.data_type() {
        DataType::FixedSizeBinary(_) => cast(array, &DataType::Binary)?,
        DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_) => cast(array, &DataType::Utf8)?,
        _ => array.clone(),
    };
    Ok(cast(&direct, &wanted)?)
}

/// The schema written to Parquet and Arrow: plain strings and bytes instead of views, because
/// many readers do not know views.
pub(crate) fn portable_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|f| portable_field(f)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn portable_field(field: &Field) -> Field {
    field.clone().with_data_type(portable_type(field.data_type()))
}

fn portable_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::RunEndEncoded(_, value) => portable_type(value.data_type()),
        // An Arrow file cannot change its dictionary from batch to batch; answers may.
        DataType::Dictionary(_, value) => portable_type(value),
        DataType::List(item) => DataType::List(Arc::new(portable_field(item))),
        DataType::ListView(item) => DataType::List(Arc::new(portable_field(item))),
        DataType::LargeList(item) => DataType::LargeList(Arc::new(portable_field(item))),
        DataType::LargeListView(item) => DataType::LargeList(Arc::new(portable_field(item))),
        DataType::FixedSizeList(item, n) => {
            DataType::FixedSizeList(Arc::new(portable_field(item)), *n)
        }
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|f| portable_field(f)).collect())
        }
        DataType::Map(entries, sorted) => DataType::Map(Arc::new(portable_field(entries)), *sorted),
        other => other.clone(),
    }
}

/// The batch in the portable schema.
pub(crate) fn to_portable(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let cast_one = |(array, field): (&ArrayRef, &Arc<Field>)| -> Result<ArrayRef> {
        if array.data_type() == field.data_type() {
            return Ok(array.clone());
        }
        Ok(cast(array, field.data_type())?)
    };
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(cast_one).collect::<Result<Vec<_>>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
