//! Tests of the statistics, against counting by hand.

use std::sync::Arc;

use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    BinaryArray, DictionaryArray, Float64Array, Int64Array, ListArray, StringViewArray,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::predicate::model::{ModelColumn, array_of, column, types};

fn text(value: &str) -> Scalar {
    Scalar::String(value.into())
}

/// The statistics by counting, `None` for nulls. `distinct` and `values` are for all lists that
/// are short enough.
fn model(values: &[Option<Scalar>]) -> ColumnStats {
    let mut present: Vec<&Scalar> = values.iter().flatten().collect();
    present.sort_by(|a, b| a.partial_cmp_same(b).unwrap());
    let is_nan = |value: &&Scalar| matches!(value, Scalar::Float(v) if v.is_nan());
    let nan = present.iter().any(is_nan);
    let mut counts: Vec<(Scalar, u64)> = Vec::new();
    for value in &present {
        match counts.last_mut() {
            Some((last, count)) if last == *value => *count += 1,
            _ => counts.push(((*value).clone(), 1)),
        }
    }
    present.retain(|value| !is_nan(value));
    ColumnStats {
        rows: values.len() as u64,
        nulls: values.iter().filter(|value| value.is_none()).count() as u64,
        min: present.first().map(|value| (*value).clone()),
        max: present.last().map(|value| (*value).clone()),
        exact: !nan,
        distinct: counts.len() as u64,
        values: (!nan).then_some(counts),
    }
}

/// All but the estimate.
fn same(a: &ColumnStats, b: &ColumnStats) -> bool {
    ColumnStats { distinct: 0, ..a.clone() } == ColumnStats { distinct: 0, ..b.clone() }
}

fn any_column(rows: usize) -> BoxedStrategy<ModelColumn> {
    (select(types()), 0..=rows).prop_flat_map(|(ty, rows)| column(ty, rows)).boxed()
}

#[test]
fn estimates_past_256_values() {
    for distinct in [257_u64, 300, 5_000, 20_000, 300_000] {
        let rows = distinct.max(10_000) * 2;
        let mut builder = StatsBuilder::new();
        let keys: Vec<i64> = (0..rows).map(|row| (row % distinct) as i64 * 1_000_003).collect();
        for chunk in keys.chunks(8_192) {
            let granule = builder.push(&Int64Array::from(chunk.to_vec()));
            assert_eq!(granule.rows, chunk.len() as u64);
            assert_eq!(granule.min, chunk.iter().min().map(|v| Scalar::Int(*v)));
            assert_eq!(granule.max, chunk.iter().max().map(|v| Scalar::Int(*v)));
            assert_eq!((granule.distinct, granule.values), (0, None));
        }
        let stats = builder.finish();
        assert_eq!(stats.values, None);
        let error = stats.distinct.abs_diff(distinct) as f64 / distinct as f64;
        assert!(error < 0.05, "{} for {distinct}", stats.distinct);
        assert_eq!(stats.max, Some(Scalar::Int((distinct as i64 - 1) * 1_000_003)));
    }
}

#[test]
fn exactly_256_values_are_listed() {
    let listed = ColumnStats::of(&Int64Array::from_iter_values((0..1_000).map(|v| v % 256 * 7)));
    assert_eq!(listed.values.as_ref().map(Vec::len), Some(256));
    assert_eq!(listed.distinct, 256);
    assert_eq!(listed.values.unwrap()[1], (Scalar::Int(7), 4));
    let wide = Int64Array::from_iter_values((0..1_000).map(|v| (v % 256) * (1 << 50)));
    assert_eq!(ColumnStats::of(&wide).values.map(|values| values.len()), Some(256));
    let many = ColumnStats::of(&Int64Array::from_iter_values((0..1_000).map(|v| v % 257)));
    assert_eq!(many.values, None);
    // Counts of two batches that are listed each, but not together.
    let mut builder = StatsBuilder::new();
    builder.push(&Int64Array::from_iter_values(0..200));
    builder.push(&Int64Array::from_iter_values(100..300));
    let stats = builder.finish();
    assert_eq!(stats.values, None);
    assert!(stats.distinct.abs_diff(300) < 20, "{}", stats.distinct);
}

#[test]
fn nan_and_zeros() {
    let stats = ColumnStats::of(&Float64Array::from(vec![2.0, f64::NAN, -1.0, -f64::NAN]));
    assert_eq!((stats.min, stats.max), (Some(Scalar::Float(-1.0)), Some(Scalar::Float(2.0))));
    assert_eq!((stats.exact, stats.values), (false, None));
    let only = ColumnStats::of(&Float64Array::from(vec![f64::NAN]));
    assert_eq!((only.min, only.max, only.exact), (None, None, false));
    // A batch of nothing but NaN does not lose the bounds of the others.
    let mut builder = StatsBuilder::new();
    builder.push(&Float64Array::from(vec![f64::NAN]));
    builder.push(&Float64Array::from(vec![3.0]));
    let both = builder.finish();
    assert_eq!((both.min, both.exact), (Some(Scalar::Float(3.0)), false));
    let zeros = ColumnStats::of(&Float64Array::from(vec![0.0, -0.0]));
    assert_eq!(zeros.min, Some(Scalar::Float(-0.0)));
    assert_eq!(zeros.max, Some(Scalar::Float(0.0)));
    let counts = ColumnStats::of(&Float64Array::from(vec![0.0, 1.0, -0.0, -0.0, -1.0]));
    let counts = counts.value_counts().unwrap();
    let bits = counts.iter().map(|(value, count)| match value {
        Scalar::Float(value) => (value.to_bits(), *count),
        other => panic!("{other}"),
    });
    let expected = [(-1.0_f64, 1), (0.0, 3), (1.0, 1)].map(|(v, count)| (v.to_bits(), count));
    assert!(bits.eq(expected), "{counts:?}");
    assert!(zeros.exact);
}

#[test]
fn lists_have_rows_and_nulls_only() {
    let row = || Some(vec![Some(1), Some(2)]);
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([row(), None, row()]);
    let stats = ColumnStats::of(&list);
    assert_eq!((stats.rows, stats.nulls, stats.distinct), (3, 1, 0));
    assert_eq!((stats.min, stats.max, stats.exact, stats.values), (None, None, false, None));
}

#[test]
fn long_values_are_bounds_but_not_listed() {
    let long = "x".repeat(STATS_VALUE_BYTES_MAX + 1);
    let stats = ColumnStats::of(&StringViewArray::from(vec![long.as_str(), "a"]));
    assert_eq!(stats.max, Some(text(&long)));
    assert_eq!((stats.exact, stats.values, stats.distinct), (true, None, 2));
}

#[test]
fn merge_keeps_value_counts_up_to_256() {
    let mut stats = ColumnStats::default();
    stats.merge(&ColumnStats::of(&Int64Array::from_iter_values(0..200)));
    stats.merge(&ColumnStats::of(&Int64Array::from_iter_values(100..256)));
    assert_eq!(stats.values.as_ref().map(Vec::len), Some(256));
    assert_eq!(stats.values.as_ref().unwrap()[150], (Scalar::Int(150), 2));
    stats.merge(&ColumnStats::of(&Int64Array::from_iter_values(256..257)));
    assert_eq!((stats.values, stats.distinct), (None, 257));
}

#[test]
fn merge_of_estimates() {
    let of = |range: std::ops::Range<i64>, step: usize| ColumnStats {
        distinct: 1_000,
        ..ColumnStats::of(&Int64Array::from_iter_values(range.step_by(step)))
    };
    let (low, high) = (of(0..1_000, 1), of(1_000..2_000, 1));
    let mut disjoint = low.clone();
    disjoint.merge(&high);
    assert_eq!(disjoint.distinct, 2_000);
    let mut keys = of(0..1_000, 1);
    keys.merge(&of(1..1_001, 1));
    assert_eq!(keys.distinct, 2_000);
    // Few of many, over the same range: likely the same few.
    let mut few = ColumnStats { rows: 100_000, ..of(0..1_000, 1) };
    few.merge(&few.clone());
    assert_eq!(few.distinct, 1_000);
}

#[test]
fn merge_of_what_is_unknown_is_unknown() {
    let mut stats = ColumnStats::of(&Int64Array::from(vec![1]));
    stats.merge(&ColumnStats::of(&StringViewArray::from(vec!["a"])));
    assert_eq!((stats.min.clone(), stats.max.clone(), stats.exact), (None, None, false));
    stats.merge(&ColumnStats::of(&Int64Array::from(vec![5])));
    assert_eq!((stats.min, stats.values), (None, None));
}

#[test]
fn removal_without_lists_keeps_bounds_valid() {
    let without = |array: &Int64Array| ColumnStats { values: None, ..ColumnStats::of(array) };
    let mut stats = without(&Int64Array::from(vec![1, 5, 9]));
    stats.remove(&without(&Int64Array::from(vec![5])));
    assert!(stats.exact, "5 is neither bound");
    assert_eq!((stats.rows, stats.min.clone()), (2, Some(Scalar::Int(1))));
    stats.remove(&without(&Int64Array::from(vec![9])));
    assert!(!stats.exact, "9 was a bound");
    assert_eq!(stats.max, Some(Scalar::Int(9)));
    stats.remove(&without(&Int64Array::from(vec![1])));
    assert_eq!(stats, ColumnStats::default());
}

#[test]
fn removal_of_what_was_never_there_gives_up_exactness() {
    let mut stats = ColumnStats::of(&Int64Array::from(vec![1, 5, 9]));
    stats.remove(&ColumnStats::of(&Int64Array::from(vec![9, 9])));
    assert_eq!((stats.values, stats.exact), (None, false));
    assert_eq!((stats.min, stats.max), (Some(Scalar::Int(1)), Some(Scalar::Int(9))));
}

#[test]
fn truncated_strings_stay_bounds() {
    let cut = |min: &str, max: &str, bytes_max: usize| {
        let mut stats = ColumnStats::of(&StringViewArray::from(vec![min, max]));
        stats.truncate_strings(bytes_max);
        let show = |bound: &Option<Scalar>| bound.as_ref().map(Scalar::to_string);
        (show(&stats.min), show(&stats.max), stats.exact, stats.values.is_some())
    };
    let bounds = |min: &str, max: &str| (Some(format!("'{min}'")), Some(format!("'{max}'")));
    let expect = |min, max, exact, listed| {
        let (min, max) = bounds(min, max);
        (min, max, exact, listed)
    };
    assert_eq!(cut("abc", "abd", 3), expect("abc", "abd", true, true));
    assert_eq!(cut("abc", "abd", 2), expect("ab", "ac", false, false));
    assert_eq!(cut("a", "zzz", 2), expect("a", "z{", false, false));
    // Between characters, and over the gap of the surrogates.
    assert_eq!(cut("aéb", "aéb", 2), expect("a", "b", false, false));
    assert_eq!(cut("\u{d7ff}x", "\u{d7ff}x", 3), expect("\u{d7ff}", "\u{e000}", false, false));
    // The next character may need one more byte; then the one before is incremented.
    assert_eq!(cut("a\u{7f}c", "a\u{7f}c", 2), expect("a\u{7f}", "b", false, false));
    let (min, max, exact, _) = cut("a", "\u{10ffff}\u{10ffff}", 4);
    assert_eq!((min, max, exact), (Some("'a'".into()), None, false));

    let mut bytes = ColumnStats::of(&BinaryArray::from_vec(vec![&[1, 2, 3], &[7, 255, 255]]));
    bytes.truncate_strings(2);
    assert_eq!(bytes.min, Some(Scalar::Bytes(vec![1, 2])));
    assert_eq!(bytes.max, Some(Scalar::Bytes(vec![8])));
    let mut top = ColumnStats::of(&BinaryArray::from_vec(vec![&[255, 255, 255]]));
    top.truncate_strings(2);
    assert_eq!(top.max, None);
}

#[test]
fn dictionaries_are_looked_through() {
    let keys = arrow_array::Int32Array::from(vec![Some(1), Some(1), Some(2), None]);
    let entries = StringViewArray::from(vec![Some("unused"), Some("b"), None]);
    let stats = ColumnStats::of(&DictionaryArray::<Int32Type>::new(keys, Arc::new(entries)));
    assert_eq!((stats.rows, stats.nulls), (4, 2));
    assert_eq!(stats.values, Some(vec![(text("b"), 2)]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn one_array_is_counted_exactly(column in any_column(60)) {
        let stats = ColumnStats::of(column.array.as_ref());
        let expected = model(&column.values);
        prop_assert!(same(&stats, &expected), "{:?} expected {:?}", stats, expected);
        if stats.values.is_some() {
            prop_assert_eq!(stats.distinct, expected.distinct);
        }
        let bytes = minicbor::to_vec(&stats).unwrap();
        prop_assert_eq!(minicbor::decode::<ColumnStats>(&bytes).unwrap(), stats);
    }

    #[test]
    fn batches_and_merges_agree_with_the_whole(column in any_column(60), cut in 0_usize..60) {
        let cut = cut.min(column.array.len());
        let first = column.array.slice(0, cut);
        let rest = column.array.slice(cut, column.array.len() - cut);
        let mut builder = StatsBuilder::new();
        builder.push(&first);
        builder.push(&rest);
        let expected = model(&column.values);
        let built = builder.finish();
        prop_assert!(same(&built, &expected), "{:?} expected {:?}", built, expected);
        let mut merged = ColumnStats::of(&first);
        merged.merge(&ColumnStats::of(&rest));
        if expected.exact {
            prop_assert_eq!(merged, expected);
        } else {
            prop_assert!(!merged.exact && merged.rows == expected.rows);
        }
    }

    #[test]
    fn removal_agrees_with_counting_what_is_left(
        column in any_column(60),
        gone in proptest::collection::vec(any::<bool>(), 60),
        lists in any::<bool>(),
        cut in 0_usize..4,
    ) {
        let ty = column.array.data_type();
        let pick = |wanted: bool| -> Vec<Option<Scalar>> {
            let rows = column.values.iter().zip(&gone).filter(|(_, gone)| **gone == wanted);
            rows.map(|(value, _)| value.clone()).collect()
        };
        let (left, gone) = (pick(false), pick(true));
        let mut stats = ColumnStats::of(column.array.as_ref());
        let mut removed = ColumnStats::of(array_of(ty, &gone).as_ref());
        if !lists {
            stats.values = None;
            removed.values = None;
        }
        if cut > 0 {
            stats.truncate_strings(cut);
            removed.truncate_strings(cut - 1);
        }
        stats.remove(&removed);
        let expected = model(&left);
        prop_assert_eq!((stats.rows, stats.nulls), (expected.rows, expected.nulls));
        if let Some(values) = &stats.values {
            prop_assert_eq!(Some(values), expected.values.as_ref());
        }
        if stats.exact {
            prop_assert_eq!(&stats.min, &expected.min);
            prop_assert_eq!(&stats.max, &expected.max);
        }
        for value in left.iter().flatten() {
            let number = !matches!(value, Scalar::Float(v) if v.is_nan());
            prop_assert!(!number || stats.min.as_ref().is_none_or(|min| min <= value));
            prop_assert!(!number || stats.max.as_ref().is_none_or(|max| max >= value));
        }
        prop_assert!(stats.distinct <= stats.non_nulls());
    }

    #[test]
    fn truncation_keeps_bounds(column in any_column(20), bytes_max in 0_usize..6) {
        let whole = ColumnStats::of(column.array.as_ref());
        let mut cut = whole.clone();
        cut.truncate_strings(bytes_max);
        for (cut, whole, order) in [
            (&cut.min, &whole.min, Ordering::Greater),
            (&cut.max, &whole.max, Ordering::Less),
        ] {
            if let (Some(cut), Some(whole)) = (cut, whole) {
                prop_assert_ne!(cut.partial_cmp_same(whole), Some(order));
                prop_assert!(text_bytes(cut).is_none_or(|bytes| bytes <= bytes_max));
            }
        }
        prop_assert!(!cut.exact || cut.min == whole.min && cut.max == whole.max);
    }
}
