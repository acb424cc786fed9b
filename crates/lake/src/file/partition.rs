//! Rows by partition: which lie together, by the values of a partition spec's transforms
//! ([`super::transform`]).

use std::collections::HashMap;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use iceberg::spec::{PartitionField, PartitionSpec, SortOrder, Struct};

use super::order::Order;
use super::transform::PartitionValues;
use crate::error::{Error, Result};
use crate::schema::{Layout, arrow_type};
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
    let fields = partition_values(&batch, spec, layout)?;
    let mut parts = places_by_partition(&fields, batch.num_rows());
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
        let value = |field: &PartitionValues| {
            let place = *field.of_row.get(first)? as usize;
            field.values.get(place).cloned().flatten()
        };
        let values: Struct = fields.iter().map(value).collect();
        Some(rows(all, places).map(|rows| (values, rows)))
    }))
}

/// The rows at these places.
fn rows(all: RecordBatch, places: Vec<u32>) -> Result<RecordBatch> {
    if places.len() == all.num_rows() && places.is_sorted() {
        return Ok(all);
    }
    Ok(take_record_batch(&all, &UInt32Array::from(places))?)
}

/// The rows of each partition, by its values.
fn places_by_partition(fields: &[PartitionValues], rows: usize) -> Vec<Vec<u32>> {
    let mut part_of = vec![0; rows];
    let mut count = u32::from(rows > 0);
    for field in fields {
        // Field by field, so that any number of them makes one key of two numbers.
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        for (part, value) in part_of.iter_mut().zip(&field.of_row) {
            let next = known.len() as u32;
            *part = *known.entry((*part, *value)).or_insert(next);
        }
        count = known.len() as u32;
    }
    let mut parts = vec![Vec::new(); count as usize];
    for (row, part) in part_of.into_iter().enumerate() {
        if let Some(part) = parts.get_mut(part as usize) {
            part.push(row as u32);
        }
    }
    parts
}

fn partition_values(
    batch: &RecordBatch,
    spec: &PartitionSpec,
    layout: &Layout,
) -> Result<Vec<PartitionValues>> {
    let of = |field: &PartitionField| {
        let laid = layout.columns().iter().find(|laid| laid.field.id == field.source_id);
        let laid = laid.ok_or_else(|| {
            let message = format!("the partition {:?} is by no column of dodb", field.name);
            Error::unsupported(message)
        })?;
        let name = &laid.column.name;
        let values = batch.column_by_name(name);
        let values = values.ok_or_else(|| {
            Error::invalid(format!("the rows lack the partition column {name:?}"))
        })?;
        let ty = &laid.field.field_type;
        let values = to_iceberg(values, &laid.column.ty, &arrow_type(ty)?, name)?;
        PartitionValues::of(&values, ty, &field.transform)
    };
    spec.fields().iter().map(of).collect()
}
