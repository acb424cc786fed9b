//! Rows by partition: the values of a partition spec's transforms, and the rows of each. Iceberg's
//! specification, "Partition Transforms".

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_row::{OwnedRow, RowConverter, SortField};
use arrow_select::take::take_record_batch;
use iceberg::arrow::arrow_primitive_to_literal;
use iceberg::spec::{Literal, PartitionSpec, SortOrder, Struct, Type};
use iceberg::transform::create_transform_function;

use super::order::Order;
use crate::error::{Error, Result};
use crate::schema::Layout;
use crate::values::to_iceberg;

/// The partitions that the rows are of, in the order of their first rows, and the rows of each in
/// `order`, or as they were where that is of nothing. Copied one partition at a time.
///
/// # Errors
/// [`crate::ErrorKind::Unsupported`] for a partition by something that is no column of dodb,
/// [`crate::ErrorKind::Invalid`] when a column of the order is not there.
pub fn split_by_partition(
    batch: RecordBatch,
    spec: &PartitionSpec,
    order: Option<&SortOrder>,
    layout: &Layout,
) -> Result<impl Iterator<Item = Result<(Struct, RecordBatch)>> + use<>> {
    let arrays = partition_arrays(&batch, spec, layout)?;
    let mut parts = match spec.is_unpartitioned() || batch.num_rows() == 0 {
        true => vec![(0..batch.num_rows() as u32).collect()],
        false => places_by_partition(&arrays)?,
    };
    parts.retain(|places: &Vec<u32>| !places.is_empty());
    let firsts: Vec<usize> =
        parts.iter().filter_map(|places| Some(*places.first()? as usize)).collect();
    let order = order.map(|order| Order::of(order, layout)).transpose()?;
    if let Some(order) = order.flatten() {
        let keys = order.rows(&batch)?;
        for places in &mut parts {
            places.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
        }
    }
    let mut left = parts.len();
    let mut batch = Some(batch);
    Ok(parts.into_iter().zip(firsts).filter_map(move |(places, first)| {
        left -= 1;
        // The last copy needs no original any more.
        let all = if left == 0 { batch.take()? } else { batch.clone()? };
        let values = arrays.iter().map(|(array, ty)| literal(array, ty, first));
        Some(values.collect::<Result<Struct>>().and_then(|values| Ok((values, rows(all, places)?))))
    }))
}

/// The rows at these places.
fn rows(all: RecordBatch, places: Vec<u32>) -> Result<RecordBatch> {
    if places.len() == all.num_rows() && places.is_sorted() {
        return Ok(all);
    }
    Ok(take_record_batch(&all, &UInt32Array::from(places))?)
}

/// The rows of each partition, of which the values are given.
fn places_by_partition(arrays: &[(ArrayRef, Type)]) -> Result<Vec<Vec<u32>>> {
    let fields = arrays.iter().map(|(array, _)| SortField::new(array.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let columns: Vec<ArrayRef> = arrays.iter().map(|(array, _)| array.clone()).collect();
    let rows = converter.convert_columns(&columns)?;
    let mut known: HashMap<OwnedRow, usize> = HashMap::new();
    let mut parts: Vec<Vec<u32>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let part = *known.entry(row.owned()).or_insert(parts.len());
        if part == parts.len() {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.get_mut(part) {
            part.push(at as u32);
        }
    }
    Ok(parts)
}

fn literal(array: &ArrayRef, ty: &Type, row: usize) -> Result<Option<Literal>> {
    let value = arrow_primitive_to_literal(&array.slice(row, 1), ty)?;
    Ok(value.into_iter().next().flatten())
}

fn partition_arrays(
    batch: &RecordBatch,
    spec: &PartitionSpec,
    layout: &Layout,
) -> Result<Vec<(ArrayRef, Type)>> {
    let array = |field: &iceberg::spec::PartitionField| {
        let laid = layout.columns().iter().find(|laid| laid.field.id == field.source_id);
        let laid = laid.ok_or_else(|| {
            let message = format!("the partition {:?} is by no column of dodb", field.name);
            Error::unsupported(message)
        })?;
        let name = &laid.column.name;
        let values = batch.column_by_name(name).cloned();
        let values = values.ok_or_else(|| {
            Error::invalid(format!("the rows lack the partition column {name:?}"))
        })?;
        let target = iceberg::arrow::type_to_arrow_type(&laid.field.field_type)?;
        let values = to_iceberg(&values, &laid.column.ty, &target, name)?;
        let transform = create_transform_function(&field.transform)?;
        let ty = field.transform.result_type(&laid.field.field_type)?;
        let values = transform.transform(values)?;
        let wanted = iceberg::arrow::type_to_arrow_type(&ty)?;
        let values = match *values.data_type() == wanted {
            true => values,
            false => arrow_cast::cast(&values, &wanted)?,
        };
        Ok((Arc::clone(&values), ty))
    };
    spec.fields().iter().map(array).collect()
}
