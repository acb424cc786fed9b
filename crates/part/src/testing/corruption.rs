//! Damaged and invented bytes give an error or the right data, never a panic.

use std::sync::Arc;

use arrow_array::*;
use arrow_buffer::Buffer;
use dodb_part::*;
use proptest::prelude::*;

use super::config;
use super::generate::{Nulls, Rng, Values, array, schema, types};
use super::round_trip::{Store, write};

cases![
    damage_is_an_error_or_harmless,
    invented_rows_do_not_panic,
    damaged_segments_with_good_checksums_do_not_panic,
    other_versions_are_unsupported_not_corrupt,
    bombs_are_refused,
];

fn sample(layout: Layout, row_bytes_max: usize) -> (Schema, Store) {
    let schema = schema(&types());
    let rng = &mut Rng(5);
    let arrays: Vec<ArrayRef> =
        types().iter().map(|ty| array(ty, 150, Nulls::Few, Values::Few, rng)).collect();
    let batch = RecordBatch::try_new(schema.arrow(), arrays).unwrap();
    let bloom_columns = schema.columns().iter().map(|column| column.id).collect();
    let effort = Effort::Small;
    let options = WriteOptions {
        layout,
        effort,
        row_bytes_max,
        granule_rows: 60,
        bloom_columns,
        ..Default::default()
    };
    (schema.clone(), Store::new(&write(&schema, &[batch], options)))
}

/// Everything that can be read, one result for each read.
fn read_all(schema: &Schema, store: &Store) -> Vec<Result<ArrayRef>> {
    let reader = match store.open() {
        Ok(reader) => reader,
        Err(error) => return vec![Err(error)],
    };
    let mut results = Vec::new();
    for column in schema.columns() {
        for granule in 0..reader.granule_count() {
            results.push(reader.read(column, granule, &mut |key| store.fetch(key)));
        }
        let bloom = reader.bloom(column.id, &mut |key| store.fetch(key));
        results.push(bloom.map(|_| Arc::new(NullArray::new(0)) as ArrayRef));
    }
    results
}

#[derive(Debug, Clone)]
enum Damage {
    Flip(u64, u8),
    Cut(u64),
    Grow(u8),
    Lose,
    Swap(u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (any::<u64>(), 1..=255u8).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        2 => any::<u64>().prop_map(Damage::Cut),
        1 => any::<u8>().prop_map(Damage::Grow),
        1 => Just(Damage::Lose),
        1 => any::<u64>().prop_map(Damage::Swap),
    ]
}

fn apply(store: &mut Store, row: u64, damage: &Damage) {
    let keys: Vec<RowKey> = store.0.keys().copied().collect();
    let key = keys[row as usize % keys.len()];
    let mut bytes = store.0[&key].to_vec();
    match damage {
        Damage::Flip(at, mask) => {
            let at = *at as usize % bytes.len();
            bytes[at] ^= mask;
        }
        Damage::Cut(at) => bytes.truncate(*at as usize % bytes.len()),
        Damage::Grow(byte) => bytes.push(*byte),
        Damage::Lose => {
            store.0.remove(&key);
            return;
        }
        Damage::Swap(with) => {
            let other = keys[*with as usize % keys.len()];
            let theirs = store.0[&other].clone();
            store.0.insert(other, Buffer::from(bytes));
            store.0.insert(key, theirs);
            return;
        }
    }
    store.0.insert(key, Buffer::from(bytes));
}

proptest! {
    #![proptest_config(config(600))]

    fn damage_is_an_error_or_harmless(
        wide in any::<bool>(),
        tiny in any::<bool>(),
        row in any::<u64>(),
        damage in damage(),
    ) {
        let layout = if wide { Layout::Wide } else { Layout::Compact };
        let (schema, mut store) = sample(layout, if tiny { 256 } else { 1_900_000 });
        let expected = read_all(&schema, &store);
        apply(&mut store, row, &damage);
        let found = read_all(&schema, &store);
        if found.len() == expected.len() {
            for (found, expected) in found.iter().zip(&expected) {
                if let Ok(found) = found {
                    prop_assert_eq!(found, expected.as_ref().unwrap());
                }
            }
        } else {
            prop_assert!(found.iter().all(Result::is_err));
        }
    }

    fn invented_rows_do_not_panic(rows in prop::collection::vec(any::<Vec<u8>>(), 0..4)) {
        let keys = (0..).map(|seq| RowKey { stream: 0, seq });
        let store = Store(keys.zip(rows.into_iter().map(Buffer::from)).collect());
        prop_assert!(store.open().is_err());
    }

    /// Past the checksums, as an attacker would: the body is damaged and signed again.
    fn damaged_segments_with_good_checksums_do_not_panic(
        seed in any::<u64>(),
        ty in 0..29usize,
        codec in 0..7usize,
        changes in prop::collection::vec((any::<u64>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<u64>()),
    ) {
        let ty = &types()[ty];
        let rng = &mut Rng(seed);
        let values = [Values::Few, Values::Random, Values::Special][rng.below(3) as usize];
        let whole = array(ty, 200, Nulls::Few, values, rng);
        let (mut bytes, _) = encode_segment_with(ty, &whole, Codec::ALL[codec]).unwrap();
        let frame = 9;
        for (at, byte) in changes {
            let at = frame + at as usize % (bytes.len() - frame);
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(frame + cut as usize % (bytes.len() - frame));
        }
        let checksum = twox_hash::XxHash3_64::oneshot(&bytes[frame..]);
        bytes[1..frame].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(array) = decode_segment(ty, 200, Buffer::from(bytes)) {
            prop_assert_eq!(array.len(), 200);
            prop_assert!(array.to_data().validate_full().is_ok());
        }
    }
}

fn other_versions_are_unsupported_not_corrupt() {
    let (_, mut store) = sample(Layout::Compact, 1_900_000);
    let key = RowKey { stream: 0, seq: 0 };
    let mut bytes = store.0[&key].to_vec();
    bytes[8] = 99;
    store.0.insert(key, Buffer::from(bytes));
    let error = store.open().unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("99"), "{error}");
}

/// A tiny segment that claims a huge array must not be believed.
fn bombs_are_refused() {
    let ty = ColumnType::Array(Box::new(ColumnType::Int64));
    let mut body = vec![0, 1];
    body.extend_from_slice(&1_000_000_000u32.to_le_bytes());
    body.extend_from_slice(&[0, 1]);
    body.extend_from_slice(&7u64.to_le_bytes());
    let mut bytes = vec![1];
    bytes.extend_from_slice(&twox_hash::XxHash3_64::oneshot(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    let error = decode_segment(&ty, 2, Buffer::from(bytes.clone())).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    // One list of a few elements in the same spelling is fine.
    body.splice(2..6, 3u32.to_le_bytes());
    let mut bytes = vec![1];
    bytes.extend_from_slice(&twox_hash::XxHash3_64::oneshot(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    assert_eq!(decode_segment(&ty, 2, Buffer::from(bytes)).unwrap().len(), 2);
}
