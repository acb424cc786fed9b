//! Sums, averages and quantiles of arrays. Everything else about arrays is DataFusion's.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};

use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_list};

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    let sum = NativeFunction::new("arraysum", 1..=1, sum_type, array_sum);
    let avg = |args: &[DataType]| sum_type(args).map(|_| DataType::Float64);
    let avg = NativeFunction::new("arrayavg", 1..=1, avg, array_avg);
    let quantile = |args: &[DataType]| sum_type(args).map(|_| DataType::Float64);
    let quantile = NativeFunction::new("quantile_of", 2..=2, quantile, quantile_of);
    vec![
        Function::internal(quantile),
        Function::new(sum, "arraySum(a)", "arraySum([1, 2, n])", "4"),
        Function::new(avg, "arrayAvg(a)", "arrayAvg([1, 2])", "1.5"),
    ]
}

fn item(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type())
        }
        _ => None,
    }
}

fn sum_type(args: &[DataType]) -> Result<DataType> {
    match args.first().and_then(item) {
        Some(item) if item.is_integer() || item.is_null() => Ok(DataType::Int64),
        Some(item) if item.is_numeric() => Ok(DataType::Float64),
        _ => plan_err!("an Array of numbers is expected"),
    }
}

/// A list of any kind as a list of `item`s.
pub(super) fn list_of(array: &ArrayRef, item: DataType) -> Result<ListArray> {
    if !is_list(array.data_type()) {
        return exec_err!("an Array is expected, not {}", array.data_type());
    }
    let data_type = DataType::List(Arc::new(Field::new_list_field(item, true)));
    Ok(cast(array, &data_type)?.as_list::<i32>().clone())
}

fn array_sum(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let array = arguments.array(0)?;
    if sum_type(&[array.data_type().clone()])? == DataType::Int64 {
        let lists = list_of(&array, DataType::Int64)?;
        let sums: Int64Array = lists
            .iter()
            .map(|list| {
                let list = list?;
                Some(list.as_primitive::<Int64Type>().iter().flatten().fold(0, i64::wrapping_add))
            })
            .collect();
        return Ok(Arc::new(sums));
    }
    let lists = list_of(&array, DataType::Float64)?;
    let sums: Float64Array = lists
        .iter()
        .map(|list| list.map(|list| list.as_primitive::<Float64Type>().iter().flatten().sum()))
        .collect();
    Ok(Arc::new(sums))
}

fn array_avg(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let lists = list_of(&arguments.array(0)?, DataType::Float64)?;
    let averages: Float64Array = lists
        .iter()
        .map(|list| {
            let list = list?;
            let values = list.as_primitive::<Float64Type>();
            let count = values.len() - values.null_count();
            Some(values.iter().flatten().sum::<f64>() / count as f64)
        })
        .collect();
    Ok(Arc::new(averages))
}

/// The quantile of an array, between two elements where it falls between them, as ClickHouse's
/// `quantile` has it. DataFusion's `percentile_cont` rounds the place between them.
fn quantile_of(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let lists = list_of(&arguments.array(0)?, DataType::Float64)?;
    let levels = arguments.floats(1)?;
    let quantiles: Float64Array = lists
        .iter()
        .zip(levels.iter())
        .map(|(list, level)| {
            let list = list?;
            let mut values: Vec<f64> =
                list.as_primitive::<Float64Type>().iter().flatten().collect();
            quantile(&mut values, level?)
        })
        .collect();
    Ok(Arc::new(quantiles))
}

fn quantile(values: &mut [f64], level: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = level.clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let (_, &mut low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let share = place - below as f64;
    if share == 0.0 {
        return Some(low);
    }
    let high = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * share)
}
