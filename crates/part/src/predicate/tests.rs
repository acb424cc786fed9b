//! Tests of evaluation and printing.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int8Array, ListArray, StringViewArray, UInt8Array, UInt64Array,
};
use proptest::prelude::*;

use super::model::{case, truth};
use super::*;

fn on(array: impl Array + 'static, op: CompareOp, value: Scalar) -> Vec<Option<bool>> {
    let array: ArrayRef = Arc::new(array);
    let predicate = Predicate::Compare { column: 0, op, value };
    let answer = predicate.evaluate(array.len(), &|_| Some(array.clone())).unwrap();
    answer.iter().collect()
}

fn fails(array: impl Array + 'static, value: Scalar) -> String {
    let array: ArrayRef = Arc::new(array);
    let predicate = Predicate::Compare { column: 7, op: CompareOp::Eq, value };
    predicate.evaluate(array.len(), &|_| Some(array.clone())).unwrap_err().to_string()
}

#[test]
fn values_outside_the_type_still_compare() {
    let array = || Int8Array::from(vec![Some(-128), None, Some(127)]);
    let (yes, no) = (vec![Some(true), None, Some(true)], vec![Some(false), None, Some(false)]);
    for (value, low, high) in [
        (Scalar::Int(300), &yes, &no),
        (Scalar::UInt(u64::MAX), &yes, &no),
        (Scalar::Int(-129), &no, &yes),
    ] {
        assert_eq!(&on(array(), CompareOp::Lt, value.clone()), low);
        assert_eq!(&on(array(), CompareOp::LtEq, value.clone()), low);
        assert_eq!(&on(array(), CompareOp::Gt, value.clone()), high);
        assert_eq!(&on(array(), CompareOp::GtEq, value.clone()), high);
        assert_eq!(on(array(), CompareOp::Eq, value.clone()), no);
        assert_eq!(on(array(), CompareOp::NotEq, value), yes);
    }
    let unsigned = UInt64Array::from(vec![0, u64::MAX]);
    assert_eq!(on(unsigned, CompareOp::Gt, Scalar::Int(-1)), [Some(true), Some(true)]);
    assert_eq!(on(UInt8Array::from(vec![5]), CompareOp::Eq, Scalar::Int(5)), [Some(true)]);
}

#[test]
fn a_float32_column_compares_as_if_widened() {
    let tenth = || Float32Array::from(vec![0.1_f32]);
    assert_eq!(on(tenth(), CompareOp::Eq, Scalar::Float(0.1)), [Some(false)]);
    assert_eq!(on(tenth(), CompareOp::Gt, Scalar::Float(0.1)), [Some(true)]);
    assert_eq!(on(tenth(), CompareOp::GtEq, Scalar::Float(0.1)), [Some(true)]);
    assert_eq!(on(tenth(), CompareOp::Eq, Scalar::Float(f64::from(0.1_f32))), [Some(true)]);
    assert_eq!(on(tenth(), CompareOp::Lt, Scalar::Float(1e300)), [Some(true)]);
}

#[test]
fn zeros_are_equal_and_nan_is_unordered() {
    let negative_nan = f64::from_bits(f64::NAN.to_bits() | 1 << 63);
    let floats = || Float64Array::from(vec![-0.0, 0.0, f64::NAN, negative_nan, 1.0]);
    let yes = |rows: [u8; 5]| rows.map(|row| Some(row == 1)).to_vec();
    for zero in [-0.0, 0.0] {
        let zero = || Scalar::Float(zero);
        assert_eq!(on(floats(), CompareOp::Eq, zero()), yes([1, 1, 0, 0, 0]));
        assert_eq!(on(floats(), CompareOp::NotEq, zero()), yes([0, 0, 1, 1, 1]));
        assert_eq!(on(floats(), CompareOp::Lt, zero()), yes([0, 0, 0, 0, 0]));
        assert_eq!(on(floats(), CompareOp::LtEq, zero()), yes([1, 1, 0, 0, 0]));
        assert_eq!(on(floats(), CompareOp::Gt, zero()), yes([0, 0, 0, 0, 1]));
        assert_eq!(on(floats(), CompareOp::GtEq, zero()), yes([1, 1, 0, 0, 1]));
    }
    let nan = || Scalar::Float(f64::NAN);
    assert_eq!(on(floats(), CompareOp::Eq, nan()), yes([0; 5]));
    assert_eq!(on(floats(), CompareOp::NotEq, nan()), yes([1; 5]));
    assert_eq!(on(floats(), CompareOp::GtEq, nan()), yes([0; 5]));
    let array: ArrayRef = Arc::new(floats());
    // Few values are looked for one by one, many in a table.
    for more in [0, 20] {
        let mut values: Vec<_> = (0..more).map(|at| Scalar::Float(f64::from(at + 2))).collect();
        values.extend([Scalar::Float(-0.0), Scalar::Float(f64::NAN)]);
        let predicate = Predicate::In { column: 0, values };
        let answer = predicate.evaluate(5, &|_| Some(array.clone())).unwrap();
        assert_eq!(answer.iter().collect::<Vec<_>>(), yes([1, 1, 1, 1, 0]));
    }
}

#[test]
fn kinds_that_do_not_mix_are_refused_with_a_remedy() {
    let message = fails(Float64Array::from(vec![1.0]), Scalar::Int(1));
    assert!(message.contains("column 7") && message.contains("Float64"), "{message}");
    assert!(message.contains("integer 1") && message.contains("cast"), "{message}");
    fails(Int8Array::from(vec![1]), Scalar::Float(1.0));
    fails(Int8Array::from(vec![1]), Scalar::String("1".into()));
    fails(Decimal128Array::from(vec![1]), Scalar::Int(1));
    fails(StringViewArray::from(vec!["a"]), Scalar::Bytes(b"a".to_vec()));
    fails(BooleanArray::from(vec![true]), Scalar::Int(1));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    fails(list, Scalar::Int(1));
    // A long list takes the hash table, which must refuse too.
    let array: ArrayRef = Arc::new(Int8Array::from(vec![1]));
    let mut values: Vec<_> = (0..50).map(Scalar::Int).collect();
    values.push(Scalar::String("x".into()));
    let predicate = Predicate::In { column: 0, values };
    assert!(predicate.evaluate(1, &|_| Some(array.clone())).is_err());
}

#[test]
fn missing_and_misshapen_columns_are_refused() {
    let predicate = Predicate::IsNull { column: 3 };
    let missing = predicate.evaluate(2, &|_| None).unwrap_err().to_string();
    assert!(missing.contains("column 3"), "{missing}");
    let short: ArrayRef = Arc::new(Int8Array::from(vec![1]));
    let message = predicate.evaluate(2, &|_| Some(short.clone())).unwrap_err().to_string();
    assert!(message.contains("1 rows, expected 2"), "{message}");
}

#[test]
fn nulls_inside_a_dictionary_are_nulls() {
    let values = StringViewArray::from(vec![Some("a"), None]);
    let keys = arrow_array::Int32Array::from(vec![Some(0), Some(1), None]);
    let array = DictionaryArray::<Int32Type>::new(keys, Arc::new(values));
    let array: ArrayRef = Arc::new(array);
    let column = |_| Some(array.clone());
    let eq = Predicate::Compare { column: 0, op: CompareOp::Eq, value: Scalar::String("a".into()) };
    let starts = Predicate::StartsWith { column: 0, prefix: "a".into() };
    for predicate in [eq, starts] {
        let answer = predicate.evaluate(3, &column).unwrap();
        assert_eq!(answer.iter().collect::<Vec<_>>(), [Some(true), None, None]);
    }
    let nulls = Predicate::IsNull { column: 0 }.evaluate(3, &column).unwrap();
    assert_eq!(nulls.true_count(), 2);
}

#[test]
fn and_stops_at_the_first_term_that_no_row_meets() {
    let array: ArrayRef = Arc::new(Int8Array::from(vec![1, 2]));
    let asked = std::cell::RefCell::new(Vec::new());
    let column = |id| {
        asked.borrow_mut().push(id);
        Some(array.clone())
    };
    let none = Predicate::Compare { column: 1, op: CompareOp::Gt, value: Scalar::Int(9) };
    let both = Predicate::and(none, Predicate::IsNull { column: 2 });
    assert_eq!(both.evaluate(2, &column).unwrap().true_count(), 0);
    assert_eq!(*asked.borrow(), [1]);
}

#[test]
fn and_flattens() {
    let a = Predicate::IsNull { column: 1 };
    let b = Predicate::IsNotNull { column: 2 };
    let ab = Predicate::and(a.clone(), b.clone());
    assert_eq!(ab, Predicate::And(vec![a.clone(), b.clone()]));
    assert_eq!(Predicate::and(Predicate::True, a.clone()), a);
    assert_eq!(Predicate::and(Predicate::True, Predicate::True), Predicate::True);
    assert_eq!(
        Predicate::and(ab.clone(), ab.clone()),
        Predicate::And(vec![a.clone(), b.clone(), a, b])
    );
    assert_eq!(ab.columns(), [1, 2]);
}

#[test]
fn prints_as_sql() {
    let predicate = Predicate::And(vec![
        Predicate::Compare { column: 1, op: CompareOp::GtEq, value: Scalar::Int(5) },
        Predicate::Or(vec![
            Predicate::In {
                column: 2,
                values: vec![Scalar::String("o'x".into()), Scalar::Float(1.0)],
            },
            Predicate::Not(Box::new(Predicate::IsNull { column: 2 })),
        ]),
        Predicate::StartsWith { column: 9, prefix: "it's".into() },
        Predicate::Compare { column: 1, op: CompareOp::Eq, value: Scalar::Bytes(vec![0, 255]) },
    ]);
    let name = |id| match id {
        1 => Some("age".to_owned()),
        2 => Some("type".to_owned()),
        _ => None,
    };
    assert_eq!(
        predicate.display(&name).to_string(),
        "age >= 5 AND (type IN ('o''x', 1.0) OR NOT (type IS NULL)) \
         AND startsWith(#9, 'it''s') AND age = x'00ff'"
    );
    assert_eq!(Predicate::Or(vec![]).display(&name).to_string(), "false");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn evaluates_as_the_model_does((rows, columns, predicate) in case()) {
        let answer = predicate
            .evaluate(rows, &|id| columns.get(id as usize).map(|column| column.array.clone()))
            .unwrap();
        prop_assert_eq!(answer.len(), rows);
        for row in 0..rows {
            let expected = truth(&predicate, &|id| columns[id as usize].values[row].clone());
            let found = answer.is_valid(row).then(|| answer.value(row));
            prop_assert_eq!(found, expected, "row {}", row);
        }
    }

    #[test]
    fn long_in_lists_agree_with_short_ones(
        (_, columns, _) in case(),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 9..40),
    ) {
        // Values drawn from the column itself, so that many match.
        let column = &columns[0];
        let present: Vec<_> = column.values.iter().flatten().cloned().collect();
        if present.is_empty() {
            return Ok(());
        }
        let values: Vec<_> = picks.iter().map(|pick| pick.get(&present).clone()).collect();
        let predicate = Predicate::In { column: 0, values };
        let rows = column.values.len();
        let answer = predicate.evaluate(rows, &|_| Some(column.array.clone())).unwrap();
        for row in 0..rows {
            let expected = truth(&predicate, &|_| column.values[row].clone());
            prop_assert_eq!(answer.is_valid(row).then(|| answer.value(row)), expected);
        }
    }
}
