//! What a manifest says of a data file, from the file's own footer: sizes, counts, bounds.
//! Iceberg's specification, "Manifests".

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::Field;
use iceberg::spec::{DataFileBuilder, Datum, PrimitiveType, Schema};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::bounds;
use crate::schema::JSON_FIELD;

/// NaNs of each float field, counted as the values go by: Parquet does not count them.
#[derive(Debug, Default)]
pub(super) struct NanCounts(HashMap<i32, u64>);

impl NanCounts {
    /// Counts in a column and the fields inside of it.
    pub(super) fn add(&mut self, field: &Field, array: &ArrayRef) {
        let id = field.metadata().get(PARQUET_FIELD_ID_META_KEY).and_then(|id| id.parse().ok());
        let mut nans = |count: usize| {
            if let Some(id) = id {
                *self.0.entry(id).or_default() += count as u64;
            }
        };
        if let Some(values) = array.as_primitive_opt::<Float32Type>() {
            nans(values.iter().flatten().filter(|value| value.is_nan()).count());
        } else if let Some(values) = array.as_primitive_opt::<Float64Type>() {
            nans(values.iter().flatten().filter(|value| value.is_nan()).count());
        } else if let Some(structs) = array.as_struct_opt() {
            for (field, array) in structs.fields().iter().zip(structs.columns()) {
                self.add(field, array);
            }
        } else if let Some(list) = array.as_list_opt::<i32>()
            && let arrow_schema::DataType::List(field) = list.data_type()
        {
            let (start, end) = (list.value_offsets().first(), list.value_offsets().last());
            if let (Some(start), Some(end)) = (start, end) {
                let values = list.values().slice(*start as usize, (end - start) as usize);
                self.add(field, &values);
            }
        }
    }
}

/// One field over all row groups.
#[derive(Default)]
struct Total {
    bytes: u64,
    values: u64,
    nulls: Option<u64>,
    lower: Bound,
    upper: Bound,
}

#[derive(Default)]
enum Bound {
    /// No values yet.
    #[default]
    None,
    Known(Datum),
    /// Values that have no bound.
    Unknown,
}

impl Bound {
    fn add(
        &mut self,
        found: Option<Datum>,
        has_values: bool,
        is_better: fn(&Datum, &Datum) -> bool,
    ) {
        match (found, &self) {
            (Some(found), Bound::None) => *self = Bound::Known(found),
            (Some(found), Bound::Known(old)) if is_better(&found, old) => {
                *self = Bound::Known(found);
            }
            (None, _) if has_values => *self = Bound::Unknown,
            _ => {}
        }
    }

    fn known(self) -> Option<Datum> {
        if let Bound::Known(datum) = self { Some(datum) } else { None }
    }
}

/// Fills in what follows from the footer.
pub(super) fn describe(
    file: &mut DataFileBuilder,
    footer: &ParquetMetaData,
    schema: &Schema,
    nans: NanCounts,
) {
    let mut totals: HashMap<i32, Total> = HashMap::new();
    for group in footer.row_groups() {
        for chunk in group.columns() {
            let info = chunk.column_descr().self_type().get_basic_info();
            if info.has_id() {
                add(totals.entry(info.id()).or_default(), chunk, schema, info.id());
            }
        }
    }
    let mut split_offsets: Vec<i64> = footer
        .row_groups()
        .iter()
        .filter_map(|group| i64::try_from(group.columns().first()?.byte_range().0).ok())
        .collect();
    split_offsets.sort_unstable();
    let sizes = totals.iter().map(|(id, total)| (*id, total.bytes)).collect();
    let values = totals.iter().map(|(id, total)| (*id, total.values)).collect();
    let nulls = totals.iter().filter_map(|(id, total)| Some((*id, total.nulls?))).collect();
    let mut lower = HashMap::new();
    let mut upper = HashMap::new();
    for (id, total) in totals {
        lower.extend(total.lower.known().map(|datum| (id, datum)));
        upper.extend(total.upper.known().map(|datum| (id, datum)));
    }
    file.column_sizes(sizes)
        .value_counts(values)
        .null_value_counts(nulls)
        .nan_value_counts(nans.0)
        .lower_bounds(lower)
        .upper_bounds(upper)
        .split_offsets(Some(split_offsets));
}

fn add(total: &mut Total, chunk: &ColumnChunkMetaData, schema: &Schema, id: i32) {
    total.bytes += u64::try_from(chunk.compressed_size()).unwrap_or_default();
    let values = u64::try_from(chunk.num_values()).unwrap_or_default();
    total.values += values;
    // Of lists neither nulls nor bounds are about rows.
    if chunk.column_descr().max_rep_level() > 0 {
        return;
    }
    let Some(statistics) = chunk.statistics() else {
        total.lower = Bound::Unknown;
        total.upper = Bound::Unknown;
        return;
    };
    let nulls = statistics.null_count_opt();
    if let Some(nulls) = nulls {
        *total.nulls.get_or_insert_default() += nulls;
    }
    let field = schema.field_by_id(id);
    let ty: Option<&PrimitiveType> = field.and_then(|f| f.field_type.as_primitive_type());
    let Some(ty) = ty.filter(|_| field.is_some_and(|field| field.name != JSON_FIELD)) else {
        return;
    };
    let (min, max) = bounds::of_chunk(statistics, ty);
    let has_values = nulls != Some(values);
    total.lower.add(min, has_values, |new, old| new < old);
    total.upper.add(max, has_values, |new, old| new > old);
}
