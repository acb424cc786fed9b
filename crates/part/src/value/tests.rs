//! Tests of [`Scalar`] and of the hash.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array, ListArray,
    StringArray, StringViewArray,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::predicate::model::{column, types};

fn text(value: &str) -> Scalar {
    Scalar::String(value.into())
}

/// One of each variant, twice where zeros or signs matter.
fn samples() -> Vec<Scalar> {
    vec![
        Scalar::Bool(true),
        Scalar::Int(i64::MIN),
        Scalar::Int(5),
        Scalar::UInt(5),
        Scalar::UInt(u64::MAX),
        Scalar::Float(-0.0),
        Scalar::Float(0.0),
        Scalar::Float(f64::NAN),
        Scalar::Decimal(i128::MIN),
        text("o'é"),
        Scalar::Bytes(vec![0, 255]),
    ]
}

#[test]
fn variants_do_not_mix_but_integers_compare_as_numbers() {
    let all = samples();
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all.iter().enumerate() {
            let same = std::mem::discriminant(a) == std::mem::discriminant(b);
            assert_eq!(a.partial_cmp_same(b).is_some(), same, "{a} {b}");
            assert_eq!(a == b, i == j, "{a} {b}");
        }
    }
    assert_eq!(Scalar::Int(5).compare(&Scalar::UInt(5)), Some(Ordering::Equal));
    assert_eq!(Scalar::Int(-1).compare(&Scalar::UInt(u64::MAX)), Some(Ordering::Less));
    assert_eq!(Scalar::UInt(u64::MAX).compare(&Scalar::Int(i64::MAX)), Some(Ordering::Greater));
    assert_eq!(Scalar::Int(1).compare(&Scalar::Float(1.0)), None);
    assert!(Scalar::Float(-0.0) < Scalar::Float(0.0));
    assert!(Scalar::Float(f64::INFINITY) < Scalar::Float(f64::NAN));
    assert!(text("Z") < text("a") && text("z") < text("é"));
}

#[test]
fn travels_through_cbor() {
    for value in samples() {
        let bytes = minicbor::to_vec(&value).unwrap();
        let back: Scalar = minicbor::decode(&bytes).unwrap();
        assert_eq!(back, value);
        for cut in 0..bytes.len() {
            assert!(minicbor::decode::<Scalar>(&bytes[..cut]).is_err(), "{value} cut at {cut}");
        }
    }
    // The layout is stored, so it may not change: [variant, [value]].
    assert_eq!(minicbor::to_vec(Scalar::Int(-3)).unwrap(), [0x82, 0x01, 0x81, 0x22]);
    assert_eq!(minicbor::to_vec(text("a")).unwrap(), [0x82, 0x05, 0x81, 0x61, b'a']);
    assert!(minicbor::decode::<Scalar>(&[0x82, 0x04, 0x81, 0x41, 1]).is_err(), "short decimal");
}

#[test]
fn prints_as_sql() {
    let printed: Vec<_> = samples().iter().map(Scalar::to_string).collect();
    assert_eq!(printed[0], "true");
    assert_eq!(printed[5], "-0.0");
    assert_eq!(printed[9], "'o''é'");
    assert_eq!(printed[10], "x'00ff'");
}

#[test]
fn rows_without_a_scalar() {
    let array = Int32Array::from(vec![Some(1), None]);
    assert_eq!(Scalar::at(&array, 0), Some(Scalar::Int(1)));
    assert_eq!(Scalar::at(&array, 1), None);
    assert_eq!(Scalar::at(&array, 2), None);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    assert_eq!(Scalar::at(&list, 0), None);
    let mut hashes = vec![9];
    let valid = hash_array(&list, &mut hashes).unwrap();
    assert_eq!((hashes, valid.null_count()), (vec![9, 0], 1));
}

#[test]
fn the_hash_is_xxh64_with_seed_0() {
    // Known answers of the reference implementation.
    assert_eq!(hash_bytes(b""), 0xef46_db37_51d8_e999);
    assert_eq!(hash_bytes(b"a"), 0xd24e_c4f1_a98c_6e5b);
    assert_eq!(hash_bytes(b"abc"), 0x44bc_2cf5_ad77_0999);
    assert_eq!(hash_scalar(&text("abc")), hash_bytes(b"abc"));
    assert_eq!(hash_scalar(&Scalar::Int(-2)), hash_bytes(&(-2_i64).to_le_bytes()));
}

#[test]
fn equal_values_hash_equal_whatever_their_type() {
    let hash = |array: &dyn Array| {
        let mut hashes = Vec::new();
        hash_array(array, &mut hashes);
        hashes
    };
    assert_eq!(hash_scalar(&Scalar::Int(5)), hash_scalar(&Scalar::UInt(5)));
    let narrow = Int32Array::from(vec![-1, 5]);
    assert_eq!(hash(&narrow), hash(&Int64Array::from(vec![-1, 5])));
    let zeros = hash(&Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
    assert_eq!((zeros[0], zeros[2]), (zeros[1], zeros[3]));
    assert_ne!(zeros[0], zeros[2]);
    assert_eq!(hash(&Float32Array::from(vec![1.5])), hash(&Float64Array::from(vec![1.5])));
    let texts = vec!["a", "a text longer than a view"];
    assert_eq!(hash(&StringArray::from(texts.clone())), hash(&StringViewArray::from(texts)));
}

#[test]
fn an_empty_dictionary_is_all_null() {
    let keys = Int32Array::from(vec![None, None]);
    let values: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    let array = DictionaryArray::<Int32Type>::new(keys, values);
    let mut hashes = Vec::new();
    assert_eq!(hash_array(&array, &mut hashes).unwrap().null_count(), 2);
    assert_eq!(hashes, [0, 0]);
    assert_eq!(Scalar::at(&array, 0), None);
}

proptest! {
    #[test]
    fn arrays_give_back_their_values_and_hashes(
        column in (select(types()), 0_usize..40).prop_flat_map(|(ty, rows)| column(ty, rows))
    ) {
        let mut hashes = Vec::new();
        let valid = hash_array(column.array.as_ref(), &mut hashes);
        prop_assert_eq!(hashes.len(), column.values.len());
        for (row, expected) in column.values.iter().enumerate() {
            prop_assert_eq!(&Scalar::at(column.array.as_ref(), row), expected);
            let flagged = valid.as_ref().is_some_and(|valid| valid.is_null(row));
            prop_assert_eq!(flagged, expected.is_none());
            prop_assert_eq!(hashes[row], expected.as_ref().map_or(0, hash_scalar));
        }
    }
}
