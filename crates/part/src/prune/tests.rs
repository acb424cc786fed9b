//! Tests that pruning is useful, and that it never loses a row.

use proptest::prelude::*;

use super::*;
use crate::predicate::model::{ModelColumn, case, truth};
use crate::value::hash_array;

fn stats(values: &[Scalar], nulls: u64) -> ColumnStats {
    let mut counts: Vec<(Scalar, u64)> = values.iter().map(|value| (value.clone(), 1)).collect();
    counts.sort_by(|a, b| a.0.partial_cmp_same(&b.0).unwrap());
    ColumnStats {
        rows: values.len() as u64 + nulls,
        nulls,
        min: counts.first().map(|(value, _)| value.clone()),
        max: counts.last().map(|(value, _)| value.clone()),
        exact: true,
        distinct: counts.len() as u64,
        values: Some(counts),
    }
}

fn ints(values: &[i64]) -> ColumnStats {
    stats(&values.iter().map(|value| Scalar::Int(*value)).collect::<Vec<_>>(), 0)
}

fn texts(values: &[&str]) -> ColumnStats {
    stats(&values.iter().map(|value| Scalar::String((*value).into())).collect::<Vec<_>>(), 0)
}

fn bounds_only(mut stats: ColumnStats) -> ColumnStats {
    stats.values = None;
    stats
}

fn matches(stats: &ColumnStats, predicate: &Predicate) -> bool {
    let evidence = |_| Evidence { stats: Some(stats), bloom: None };
    prune(predicate, &evidence) == Answer::MightMatch
}

fn compare(op: CompareOp, value: Scalar) -> Predicate {
    Predicate::Compare { column: 0, op, value }
}

fn negated(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn prefix(prefix: &str) -> Predicate {
    Predicate::StartsWith { column: 0, prefix: prefix.into() }
}

#[test]
fn bounds_decide_comparisons() {
    let stats = bounds_only(ints(&[10, 20]));
    let cases = [
        (CompareOp::Eq, [(9, false), (10, true), (15, true), (20, true), (21, false)]),
        (CompareOp::NotEq, [(9, true), (10, true), (15, true), (20, true), (21, true)]),
        (CompareOp::Lt, [(9, false), (10, false), (15, true), (20, true), (21, true)]),
        (CompareOp::LtEq, [(9, false), (10, true), (15, true), (20, true), (21, true)]),
        (CompareOp::Gt, [(9, true), (10, true), (15, true), (20, false), (21, false)]),
        (CompareOp::GtEq, [(9, true), (10, true), (15, true), (20, true), (21, false)]),
    ];
    for (op, expected) in cases {
        for (value, expected) in expected {
            let predicate = compare(op, Scalar::Int(value));
            assert_eq!(matches(&stats, &predicate), expected, "{op} {value}");
        }
    }
    // Unsigned literals against signed bounds compare as numbers.
    assert!(!matches(&stats, &compare(CompareOp::Gt, Scalar::UInt(u64::MAX))));
    assert!(matches(&stats, &compare(CompareOp::Lt, Scalar::UInt(u64::MAX))));
}

#[test]
fn negation_is_decided_too() {
    let one = bounds_only(ints(&[7, 7]));
    assert!(!matches(&one, &compare(CompareOp::NotEq, Scalar::Int(7))));
    assert!(!matches(&one, &negated(compare(CompareOp::Eq, Scalar::Int(7)))));
    assert!(!matches(&one, &negated(compare(CompareOp::Lt, Scalar::Int(8)))));
    assert!(matches(&one, &negated(compare(CompareOp::Lt, Scalar::Int(7)))));
    let either = Predicate::Or(vec![
        compare(CompareOp::Eq, Scalar::Int(1)),
        compare(CompareOp::GtEq, Scalar::Int(7)),
    ]);
    assert!(!matches(&one, &negated(either)));
}

#[test]
fn value_lists_decide_inside_the_bounds() {
    let stats = ints(&[1, 5, 9]);
    let list = |values: &[i64]| Predicate::In {
        column: 0,
        values: values.iter().map(|value| Scalar::Int(*value)).collect(),
    };
    assert!(!matches(&stats, &compare(CompareOp::Eq, Scalar::Int(4))));
    assert!(!matches(&stats, &list(&[2, 3, 4])));
    assert!(matches(&stats, &list(&[2, 5])));
    assert!(!matches(&stats, &negated(list(&[9, 5, 1]))));
    assert!(matches(&stats, &negated(list(&[9, 5]))));
    assert!(!matches(&stats, &list(&[])));
    let two_sided = Predicate::And(vec![
        compare(CompareOp::Gt, Scalar::Int(9)),
        compare(CompareOp::Lt, Scalar::Int(12)),
    ]);
    assert!(!matches(&stats, &two_sided));
}

#[test]
fn prefixes() {
    for stats in [texts(&["apple", "banana"]), bounds_only(texts(&["apple", "banana"]))] {
        assert!(matches(&stats, &prefix("app")));
        assert!(matches(&stats, &prefix("banana")));
        assert!(matches(&stats, &prefix("")));
        assert!(!matches(&stats, &prefix("bananas")));
        assert!(!matches(&stats, &prefix("aa")));
        assert!(!matches(&stats, &prefix("c")));
    }
    // Within the bounds only the list knows.
    assert!(!matches(&texts(&["apple", "banana"]), &prefix("az")));
    assert!(matches(&bounds_only(texts(&["apple", "banana"])), &prefix("az")));
    let all = bounds_only(texts(&["user:1", "user:9"]));
    assert!(!matches(&all, &negated(prefix("user:"))));
    assert!(matches(&all, &negated(prefix("user:1"))));
}

#[test]
fn nulls() {
    let none = stats(&[], 4);
    assert!(!matches(&none, &compare(CompareOp::NotEq, Scalar::Int(1))));
    assert!(!matches(&none, &negated(compare(CompareOp::Eq, Scalar::Int(1)))));
    assert!(!matches(&none, &Predicate::IsNotNull { column: 0 }));
    assert!(matches(&none, &Predicate::IsNull { column: 0 }));
    assert!(!matches(&none, &prefix("")));
    assert!(!matches(&ints(&[1]), &Predicate::IsNull { column: 0 }));
    assert!(!matches(&ints(&[1]), &negated(Predicate::IsNotNull { column: 0 })));
}

fn float_list(values: &[f64]) -> Predicate {
    Predicate::In { column: 0, values: values.iter().copied().map(Scalar::Float).collect() }
}

#[test]
fn a_nan_outside_the_bounds_is_remembered() {
    let mut floats = bounds_only(stats(&[Scalar::Float(1.0), Scalar::Float(2.0)], 0));
    assert!(!matches(&floats, &compare(CompareOp::Gt, Scalar::Float(5.0))));
    floats.exact = false;
    // A NaN is unequal to everything, and neither less nor greater.
    for op in [CompareOp::Gt, CompareOp::GtEq, CompareOp::Eq] {
        assert!(!matches(&floats, &compare(op, Scalar::Float(5.0))), "{op}");
        assert!(matches(&floats, &negated(compare(op, Scalar::Float(-5.0)))), "{op}");
    }
    for op in [CompareOp::Lt, CompareOp::LtEq, CompareOp::Eq] {
        assert!(!matches(&floats, &compare(op, Scalar::Float(-5.0))), "{op}");
        assert!(matches(&floats, &negated(compare(op, Scalar::Float(5.0)))), "{op}");
    }
    assert!(matches(&floats, &float_list(&[7.0, f64::NAN])));
    assert!(!matches(&floats, &float_list(&[7.0])));
    floats.max = Some(Scalar::Float(1.0));
    assert!(matches(&floats, &compare(CompareOp::NotEq, Scalar::Float(1.0))));
    assert!(matches(&floats, &negated(compare(CompareOp::Eq, Scalar::Float(1.0)))));
}

#[test]
fn nothing_but_unequal_is_true_of_a_nan() {
    let floats = stats(&[Scalar::Float(1.0), Scalar::Float(2.0)], 0);
    for stats in [bounds_only(floats.clone()), floats] {
        for op in [CompareOp::Eq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq] {
            let with_nan = compare(op, Scalar::Float(f64::NAN));
            assert!(!matches(&stats, &with_nan), "{op}");
            assert!(matches(&stats, &negated(with_nan)), "{op}");
        }
        assert!(matches(&stats, &compare(CompareOp::NotEq, Scalar::Float(f64::NAN))));
        assert!(!matches(&stats, &float_list(&[f64::NAN])));
        assert!(matches(&stats, &negated(float_list(&[f64::NAN]))));
    }
}

#[test]
fn zeros_of_both_signs_are_equal() {
    for zero in [-0.0, 0.0] {
        let one = stats(&[Scalar::Float(zero)], 0);
        for zeros in [bounds_only(one.clone()), one] {
            for other in [-0.0, 0.0] {
                let other = Scalar::Float(other);
                assert!(matches(&zeros, &compare(CompareOp::Eq, other.clone())));
                assert!(matches(&zeros, &compare(CompareOp::LtEq, other.clone())));
                assert!(!matches(&zeros, &compare(CompareOp::Lt, other.clone())));
                assert!(!matches(&zeros, &compare(CompareOp::NotEq, other)));
            }
            assert!(!matches(&zeros, &compare(CompareOp::Eq, Scalar::Float(0.5))));
            assert!(matches(&zeros, &float_list(&[-zero])));
        }
    }
}

#[test]
fn nothing_known_might_match() {
    let nothing = |_| Evidence::default();
    for predicate in [
        compare(CompareOp::Eq, Scalar::Int(1)),
        Predicate::IsNull { column: 0 },
        prefix("a"),
        negated(prefix("a")),
        Predicate::True,
    ] {
        assert_eq!(prune(&predicate, &nothing), Answer::MightMatch);
    }
    // An unknown bound (a list, a dropped maximum) is not a bound.
    let mut open = bounds_only(texts(&["b", "c"]));
    open.max = None;
    open.exact = false;
    assert!(matches(&open, &compare(CompareOp::Gt, Scalar::String("z".into()))));
    assert!(!matches(&open, &compare(CompareOp::Lt, Scalar::String("b".into()))));
    // Statistics of another kind say nothing.
    assert!(matches(&ints(&[1]), &compare(CompareOp::Eq, Scalar::String("1".into()))));
    assert!(matches(&ints(&[1]), &prefix("1")));
}

#[test]
fn a_bloom_filter_rules_out_equality() {
    let mut bloom = Sbbf::with_capacity(10, 12);
    bloom.insert(hash_scalar(&Scalar::Int(5)));
    let evidence = |_| Evidence { stats: None, bloom: Some(&bloom) };
    assert_eq!(prune(&compare(CompareOp::Eq, Scalar::Int(5)), &evidence), Answer::MightMatch);
    assert_eq!(prune(&compare(CompareOp::Eq, Scalar::UInt(5)), &evidence), Answer::MightMatch);
    assert_eq!(prune(&compare(CompareOp::Eq, Scalar::Int(6)), &evidence), Answer::CannotMatch);
    assert_eq!(prune(&compare(CompareOp::NotEq, Scalar::Int(6)), &evidence), Answer::MightMatch);
    assert_eq!(
        prune(&negated(compare(CompareOp::NotEq, Scalar::Int(6))), &evidence),
        Answer::CannotMatch
    );
}

/// Every way in which the statistics of a column come to be.
fn variants(column: &ModelColumn) -> Vec<ColumnStats> {
    let whole = ColumnStats::of(column.array.as_ref());
    let mut cut = whole.clone();
    cut.truncate_strings(2);
    let half = column.array.len() / 2;
    let first = column.array.slice(0, half);
    let rest = column.array.slice(half, column.array.len() - half);
    let mut merged = ColumnStats::of(&first);
    merged.merge(&ColumnStats::of(&rest));
    let mut more = whole.clone();
    more.merge(&ColumnStats::of(&rest));
    more.remove(&ColumnStats::of(&rest));
    let mut coarse = bounds_only(whole.clone());
    coarse.merge(&bounds_only(ColumnStats::of(&rest)));
    coarse.remove(&bounds_only(ColumnStats::of(&rest)));
    vec![bounds_only(whole.clone()), bounds_only(cut.clone()), whole, cut, merged, more, coarse]
}

fn bloom_of(column: &ModelColumn) -> Sbbf {
    let mut hashes = Vec::new();
    let valid = hash_array(column.array.as_ref(), &mut hashes);
    let mut bloom = Sbbf::with_capacity(hashes.len(), 12);
    for (row, hash) in hashes.iter().enumerate() {
        if valid.as_ref().is_none_or(|valid| valid.is_valid(row)) {
            bloom.insert(*hash);
        }
    }
    bloom
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn never_loses_a_row((rows, columns, predicate) in case()) {
        let matching = (0..rows)
            .filter(|row| {
                truth(&predicate, &|id| columns[id as usize].values[*row].clone()) == Some(true)
            })
            .count();
        let blooms: Vec<_> = columns.iter().map(bloom_of).collect();
        let stats: Vec<_> = columns.iter().map(variants).collect();
        let variant_count = stats.iter().map(Vec::len).min().unwrap_or(0);
        for variant in 0..variant_count {
            for with_bloom in [false, true] {
                let evidence = |id: u32| Evidence {
                    stats: stats[id as usize].get(variant),
                    bloom: with_bloom.then(|| &blooms[id as usize]),
                };
                if prune(&predicate, &evidence) == Answer::CannotMatch {
                    prop_assert_eq!(matching, 0, "variant {} bloom {}", variant, with_bloom);
                }
            }
        }
        let only_bloom = |id: u32| Evidence { stats: None, bloom: Some(&blooms[id as usize]) };
        if prune(&predicate, &only_bloom) == Answer::CannotMatch {
            prop_assert_eq!(matching, 0);
        }
    }

    /// A single comparison of a column whose values are listed is decided exactly.
    #[test]
    fn value_lists_are_exact((rows, columns, predicate) in case()) {
        let (Predicate::Compare { .. } | Predicate::In { .. } | Predicate::StartsWith { .. }) =
            &predicate
        else {
            return Ok(());
        };
        let id = predicate.columns()[0];
        let column = &columns[id as usize];
        let stats = ColumnStats::of(column.array.as_ref());
        prop_assume!(stats.values.is_some());
        let any = (0..rows)
            .any(|row| truth(&predicate, &|_| column.values[row].clone()) == Some(true));
        let any_false = (0..rows)
            .any(|row| truth(&predicate, &|_| column.values[row].clone()) == Some(false));
        prop_assert_eq!(matches(&stats, &predicate), any);
        // An empty IN is false for nulls too, which statistics of no value cannot show.
        if !matches!(&predicate, Predicate::In { values, .. } if values.is_empty()) {
            prop_assert_eq!(matches(&stats, &negated(predicate)), any_false);
        }
    }
}
