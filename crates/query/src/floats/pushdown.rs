//! What comparisons of canonical floats are in the engine's terms, which compares as SQL does by
//! itself. Not here: finding the column ([`crate::lower`], [`crate::narrowing`]).

use dodb_part::{CompareOp, Predicate, Scalar};

use super::Nan;

/// The condition `x op value`, by bits, of a float column `x` in canonical form, or as it is;
/// `None` where the engine has no word for it.
pub(crate) fn condition(
    column: u32,
    form: Option<Nan>,
    op: CompareOp,
    value: f64,
) -> Option<Predicate> {
    let compare = |op| Predicate::Compare { column, op, value: Scalar::Float(value) };
    let not = |op| Some(Predicate::Not(Box::new(compare(op))));
    let Some(nan) = form else {
        // Only what has the bits of such a value equals it.
        let is_equality = matches!(op, CompareOp::Eq | CompareOp::NotEq);
        let is_plain = value != 0.0 && !value.is_nan();
        return (is_equality && is_plain).then(|| compare(op));
    };
    if value.is_nan() {
        let has_nan = Predicate::In { column, values: vec![Scalar::Float(value)] };
        let is_own = nan == Nan::Last && value.is_sign_positive();
        return match op {
            CompareOp::Eq if is_own => Some(has_nan),
            CompareOp::NotEq if is_own => Some(Predicate::Not(Box::new(has_nan))),
            _ => None,
        };
    }
    if value == 0.0 && value.is_sign_negative() {
        return None;
    }
    // Where a NaN meets it the opposite is what the engine says it does not.
    match (nan, op) {
        (_, CompareOp::Eq | CompareOp::NotEq)
        | (Nan::Last, CompareOp::Lt | CompareOp::LtEq)
        | (Nan::First, CompareOp::Gt | CompareOp::GtEq) => Some(compare(op)),
        (Nan::Last, CompareOp::Gt) => not(CompareOp::LtEq),
        (Nan::Last, CompareOp::GtEq) => not(CompareOp::Lt),
        (Nan::First, CompareOp::Lt) => not(CompareOp::GtEq),
        (Nan::First, CompareOp::LtEq) => not(CompareOp::Gt),
    }
}

/// What is true of all rows that meet `x op value`, by bits, of a float column as it is, and
/// perhaps of others.
pub(crate) fn weakened(column: u32, op: CompareOp, value: f64) -> Option<Predicate> {
    let compare = |op| Predicate::Compare { column, op, value: Scalar::Float(value) };
    let not = |op| Some(Predicate::Not(Box::new(compare(op))));
    match op {
        _ if value.is_nan() => None,
        CompareOp::Eq => Some(compare(op)),
        // Zeros of both signs, and NaNs, which may be meant.
        CompareOp::Lt | CompareOp::LtEq => not(CompareOp::Gt),
        CompareOp::Gt | CompareOp::GtEq => not(CompareOp::Lt),
        CompareOp::NotEq => None,
    }
}

/// The condition `x IN (values)` of a float column in canonical form, or as it is.
pub(crate) fn is_in(column: u32, form: Option<Nan>, values: Vec<Scalar>) -> Option<Predicate> {
    let is_told = |value: &Scalar| match (form, value) {
        (Some(Nan::Last), Scalar::Float(_)) => true,
        (None, Scalar::Float(value)) => *value != 0.0 && !value.is_nan(),
        _ => false,
    };
    values.iter().all(is_told).then_some(Predicate::In { column, values })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, Float64Array};
    use datafusion::arrow::compute::kernels::cmp;

    use super::*;
    use crate::floats::canonical::of_array;

    const OPS: [CompareOp; 6] = [
        CompareOp::Eq,
        CompareOp::NotEq,
        CompareOp::Lt,
        CompareOp::LtEq,
        CompareOp::Gt,
        CompareOp::GtEq,
    ];

    fn special() -> Vec<f64> {
        let nan = f64::NAN;
        vec![nan.copysign(-1.0), f64::NEG_INFINITY, -1.5, -0.0, 0.0, 1.5, f64::INFINITY, nan]
    }

    /// As DataFusion compares.
    fn by_bits(array: &ArrayRef, op: CompareOp, value: f64) -> BooleanArray {
        let value = Float64Array::new_scalar(value);
        let answer = match op {
            CompareOp::Eq => cmp::eq(array, &value),
            CompareOp::NotEq => cmp::neq(array, &value),
            CompareOp::Lt => cmp::lt(array, &value),
            CompareOp::LtEq => cmp::lt_eq(array, &value),
            CompareOp::Gt => cmp::gt(array, &value),
            CompareOp::GtEq => cmp::gt_eq(array, &value),
        };
        answer.unwrap()
    }

    #[test]
    fn conditions_are_true_of_the_same_rows_in_the_engine() {
        let values: Float64Array = special().into_iter().map(Some).chain([None]).collect();
        let array: ArrayRef = Arc::new(values);
        let mut told = 0;
        for form in [None, Some(Nan::Last), Some(Nan::First)] {
            let in_form = form.map_or(array.clone(), |nan| of_array(nan, &array).unwrap());
            for op in OPS {
                for value in special() {
                    let Some(predicate) = condition(1, form, op, value) else { continue };
                    let found = predicate.evaluate(array.len(), &|_| Some(array.clone()));
                    let expected = by_bits(&in_form, op, value);
                    assert_eq!(found.unwrap(), expected, "{form:?} {op:?} {value}");
                    told += 1;
                }
            }
        }
        // Of each form and comparison with a number that has one sign.
        assert!(told > 2 * 6 * 5, "{told}");
    }

    #[test]
    fn a_weakened_condition_is_true_of_no_fewer_rows() {
        let array: ArrayRef = Arc::new(Float64Array::from(special()));
        for (op, value) in
            OPS.into_iter().flat_map(|op| special().into_iter().map(move |v| (op, v)))
        {
            let Some(predicate) = weakened(1, op, value) else { continue };
            let found = predicate.evaluate(array.len(), &|_| Some(array.clone())).unwrap();
            let expected = by_bits(&array, op, value);
            for row in 0..array.len() {
                assert!(found.value(row) || !expected.value(row), "row {row} {op:?} {value}");
            }
        }
    }
}
