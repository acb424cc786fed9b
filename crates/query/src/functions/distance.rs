//! Distances between vectors: `cosineDistance`, `L2Distance`, `dotProduct` and their kin over
//! arrays of numbers. Columns of Float32 are read as they lie; a constant is converted once.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float32Type};
use datafusion::common::{Result, exec_err, plan_err};

use super::arrays::list_of;
use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_list};

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    let binary = |name, evaluate| NativeFunction::new(name, 2..=2, returns, evaluate);
    let norm =
        NativeFunction::new("l2norm", 1..=1, returns, |args| unary(args, |a| dot(a, a).sqrt()));
    vec![
        Function::new(
            binary("cosinedistance", |args| pairs(args, cosine)),
            "cosineDistance(a, b)",
            "cosineDistance([1.0, 0.0], [0.0, 1.0])",
            "1",
        ),
        Function::new(
            binary("l2distance", |args| pairs(args, |a, b| squares(a, b).sqrt())),
            "L2Distance(a, b)",
            "L2Distance([0, 0], [3, 4])",
            "5",
        ),
        Function::new(
            binary("l2squareddistance", |args| pairs(args, squares)),
            "L2SquaredDistance(a, b)",
            "L2SquaredDistance([0, 0], [3, 4])",
            "25",
        ),
        Function::new(
            binary("l1distance", |args| pairs(args, manhattan)),
            "L1Distance(a, b)",
            "L1Distance([0, 0], [3, 4])",
            "7",
        ),
        Function::new(
            binary("dotproduct", |args| pairs(args, dot)),
            "dotProduct(a, b)",
            "dotProduct([1, 2], [3, 4])",
            "11",
        ),
        Function::new(norm, "L2Norm(a)", "L2Norm([3, 4])", "5"),
    ]
}

fn returns(args: &[DataType]) -> Result<DataType> {
    let numbers = |arg: &DataType| match arg {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric() || item.data_type().is_null()
        }
        other => other.is_null(),
    };
    if !args.iter().all(numbers) {
        return plan_err!("Arrays of numbers are expected");
    }
    Ok(DataType::Float64)
}

/// The vectors of one argument: all values, and where each row's begin and end.
struct Vectors {
    values: Float32Array,
    nulls: ArrayRef,
    spans: Spans,
}

enum Spans {
    /// Every row has this many, one after the other.
    Fixed(usize),
    /// Borders, one more than rows.
    Listed(Vec<usize>),
    /// One vector for every row.
    Constant(usize),
}

impl Vectors {
    fn new(arguments: &Arguments<'_>, at: usize) -> Result<Vectors> {
        if let Some(constant) = arguments.constant(at) {
            let one = constant.to_array_of_size(1)?;
            let mut vectors = Vectors::of(&one)?;
            let length = match &vectors.spans {
                Spans::Fixed(length) => *length,
                Spans::Listed(borders) => borders.last().copied().unwrap_or_default(),
                Spans::Constant(length) => *length,
            };
            vectors.spans = Spans::Constant(length);
            return Ok(vectors);
        }
        Vectors::of(&arguments.array(at)?)
    }

    fn of(array: &ArrayRef) -> Result<Vectors> {
        if array.data_type().is_null() {
            let values = Float32Array::from(Vec::<f32>::new());
            return Ok(Vectors { values, nulls: Arc::clone(array), spans: Spans::Fixed(0) });
        }
        if !is_list(array.data_type()) {
            return exec_err!("an Array of numbers is expected, not {}", array.data_type());
        }
        if let DataType::FixedSizeList(_, length) = array.data_type() {
            let list = array.as_fixed_size_list();
            let values = cast(list.values(), &DataType::Float32)?;
            let values = values.as_primitive::<Float32Type>().clone();
            let length = usize::try_from(*length).unwrap_or_default();
            return Ok(Vectors { values, nulls: Arc::clone(array), spans: Spans::Fixed(length) });
        }
        let list = list_of(array, DataType::Float32)?;
        let borders =
            list.value_offsets().iter().map(|&at| usize::try_from(at).unwrap_or_default());
        let spans = Spans::Listed(borders.collect());
        let values = list.values().as_primitive::<Float32Type>().clone();
        Ok(Vectors { values, nulls: Arc::clone(array), spans })
    }

    /// The vector of a row, none for NULL.
    fn row(&self, row: usize) -> Option<&[f32]> {
        let (null_row, from, to) = match &self.spans {
            Spans::Fixed(length) => (row, row * length, row * length + length),
            Spans::Listed(borders) => (row, *borders.get(row)?, *borders.get(row + 1)?),
            Spans::Constant(length) => (0, 0, *length),
        };
        if self.nulls.len() <= null_row
            || !self.nulls.is_valid(null_row)
            || self.nulls.data_type().is_null()
        {
            return None;
        }
        self.values.values().get(from..to)
    }
}

fn pairs(arguments: &Arguments<'_>, distance: fn(&[f32], &[f32]) -> f32) -> Result<ArrayRef> {
    let (a, b) = (Vectors::new(arguments, 0)?, Vectors::new(arguments, 1)?);
    let mut distances = Vec::with_capacity(arguments.rows);
    for row in 0..arguments.rows {
        distances.push(match (a.row(row), b.row(row)) {
            (Some(a), Some(b)) if a.len() == b.len() => Some(f64::from(distance(a, b))),
            (Some(a), Some(b)) => {
                return exec_err!(
                    "vectors of {} and {} numbers have no distance",
                    a.len(),
                    b.len()
                );
            }
            _ => None,
        });
    }
    Ok(Arc::new(Float64Array::from(distances)))
}

fn unary(arguments: &Arguments<'_>, norm: fn(&[f32]) -> f32) -> Result<ArrayRef> {
    let vectors = Vectors::new(arguments, 0)?;
    let norms = (0..arguments.rows).map(|row| vectors.row(row).map(|row| f64::from(norm(row))));
    Ok(Arc::new(norms.collect::<Float64Array>()))
}

/// Eight running sums let the compiler use vector registers.
fn lanes(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let (a_rest, b_rest) = (a_chunks.remainder(), b_chunks.remainder());
    for (a, b) in a_chunks.zip(b_chunks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += term(*a, *b);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b)).sum();
    sums.iter().sum::<f32>() + rest
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    lanes(a, b, |a, b| a * b)
}

fn squares(a: &[f32], b: &[f32]) -> f32 {
    lanes(a, b, |a, b| (a - b) * (a - b))
}

fn manhattan(a: &[f32], b: &[f32]) -> f32 {
    lanes(a, b, |a, b| (a - b).abs())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    1.0 - dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}
