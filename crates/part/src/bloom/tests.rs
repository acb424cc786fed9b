//! Tests of the filter, against Parquet's own implementation among others.

use parquet::bloom_filter::Sbbf as ParquetSbbf;
use proptest::prelude::*;

use super::*;
use crate::value::hash_bytes;

#[test]
fn bits_are_those_of_parquet() {
    for blocks in [1, 8, 64] {
        let mut ours = Sbbf::with_blocks(blocks);
        let mut theirs = ParquetSbbf::new_with_num_of_bytes(blocks * SBBF_BLOCK_BYTES);
        for key in 0..500_i64 {
            ours.insert(hash_bytes(&key.to_le_bytes()));
            theirs.insert(&key);
        }
        for word in ["", "a", "hello", "a rather longer word than the others"] {
            ours.insert(hash_bytes(word.as_bytes()));
            theirs.insert(word);
        }
        // Parquet writes a Thrift header, then the bitset.
        let mut written = Vec::new();
        theirs.write(&mut written).unwrap();
        assert!(written.ends_with(ours.as_bytes()), "{blocks} blocks");
        assert!(written.len() > ours.as_bytes().len());
        let read = ParquetSbbf::new(ours.as_bytes());
        for key in 0..5_000_i64 {
            let hash = hash_bytes(&key.to_le_bytes());
            assert_eq!(read.check(&key), ours.might_contain(hash), "{key}");
        }
    }
}

#[test]
fn one_insert_sets_the_bits_of_the_specification() {
    // Worked by hand from the specification: the lower half of the hash is 1, so word i has bit
    // SALT[i] >> 27; the upper half is 0x8000_0000, so the block is the third of four or five.
    let hash = 0x8000_0000_0000_0001;
    for blocks in [4, 5] {
        let mut filter = Sbbf::with_blocks(blocks);
        filter.insert(hash);
        let mut expected = vec![0_u8; blocks * 32];
        for (word, bit) in [8, 8, 17, 20, 14, 5, 19, 11].into_iter().enumerate() {
            expected[64 + word * 4 + bit / 8] = 1 << (bit % 8);
        }
        assert_eq!(filter.as_bytes(), expected);
    }
}

#[test]
fn twelve_bits_a_key_are_wrong_less_than_once_in_a_hundred() {
    for keys in [1_000_u64, 100_000] {
        let mut filter = Sbbf::with_capacity(keys as usize, 12);
        assert!(filter.as_bytes().len() as u64 <= keys * 12 / 8 + SBBF_BLOCK_BYTES as u64);
        for key in 0..keys {
            filter.insert(hash_bytes(&key.to_le_bytes()));
        }
        for key in 0..keys {
            assert!(filter.might_contain(hash_bytes(&key.to_le_bytes())));
        }
        let probes = 200_000_u64;
        let wrong = (keys..keys + probes)
            .filter(|key| filter.might_contain(hash_bytes(&key.to_le_bytes())))
            .count() as u64;
        assert!(wrong * 100 < probes, "{wrong} of {probes} with {keys} keys");
        assert!(wrong > 0, "a filter this small cannot always be right");
    }
}

#[test]
fn sizes_are_clamped() {
    assert_eq!(Sbbf::with_capacity(0, 12).blocks(), 1);
    assert_eq!(Sbbf::with_blocks(0).blocks(), 1);
    assert_eq!(Sbbf::with_capacity(1_000, 12).blocks(), 47);
}

#[test]
fn wrong_lengths_are_corrupt() {
    for length in [0, 1, 31, 33, 63] {
        let message = Sbbf::from_bytes(&vec![0; length]).unwrap_err().to_string();
        assert!(message.contains(&format!("{length} bytes")), "{message}");
    }
    assert_eq!(Sbbf::from_bytes(&[7; 96]).unwrap().blocks(), 3);
}

#[test]
fn slices_out_of_range_are_none() {
    let filter = Sbbf::with_blocks(4);
    assert_eq!(filter.slice(1..3).unwrap().len(), 64);
    assert_eq!(filter.slice(3..5), None);
    #[expect(clippy::reversed_empty_ranges)]
    let reversed = filter.slice(3..2);
    assert_eq!(reversed, None);
    assert_eq!(filter.slice(0..usize::MAX), None);
}

proptest! {
    #[test]
    fn each_hash_is_answered_by_one_slice_as_by_the_whole(
        blocks in 1_usize..40,
        slice_bits in 0_u32..4,
        inserted in proptest::collection::vec(any::<u64>(), 0..200),
        asked in proptest::collection::vec(any::<u64>(), 50),
    ) {
        let mut filter = Sbbf::with_blocks(blocks);
        inserted.iter().for_each(|hash| filter.insert(*hash));
        let step = 1_usize << slice_bits;
        for hash in inserted.iter().chain(&asked) {
            let answers: Vec<bool> = (0..blocks)
                .step_by(step)
                .filter_map(|first| {
                    let slice = filter.slice(first..blocks.min(first + step)).unwrap();
                    might_contain_in_slice(slice, first, blocks, *hash)
                })
                .collect();
            prop_assert_eq!(answers, vec![filter.might_contain(*hash)]);
        }
        prop_assert!(inserted.iter().all(|hash| filter.might_contain(*hash)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..130),
        first in any::<usize>(),
        blocks in any::<usize>(),
        hash in any::<u64>(),
    ) {
        if let Ok(filter) = Sbbf::from_bytes(&bytes) {
            filter.might_contain(hash);
            prop_assert_eq!(filter.as_bytes(), &bytes[..]);
        }
        let _ = might_contain_in_slice(&bytes, first, blocks, hash);
    }
}

/// Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007), section 3:
/// the keys of a block are Poisson distributed, and each sets one of the 32 bits of eight words.
fn rate_in_theory(keys: f64, blocks: f64) -> f64 {
    let load = keys / blocks;
    let mut share = (-load).exp();
    let mut rate = 0.0;
    for inside in 1..200 {
        share *= load / f64::from(inside);
        rate += share * (1.0 - (31.0_f64 / 32.0).powi(inside)).powi(8);
    }
    rate
}

#[test]
fn it_is_wrong_as_often_as_theory_says() {
    for (keys, bits) in [(20_000_u64, 8), (100_000, 10), (100_000, 12)] {
        let mut filter = Sbbf::with_capacity(keys as usize, bits);
        let hash = |key: u64| hash_bytes(&key.to_le_bytes());
        (0..keys).for_each(|key| filter.insert(hash(key)));
        let probes = 4_000_000;
        let wrong = (keys..keys + probes).filter(|key| filter.might_contain(hash(*key))).count();
        let measured = wrong as f64 / probes as f64;
        let theory = rate_in_theory(keys as f64, filter.blocks() as f64);
        println!("{bits} bits a key: {measured:.5} measured, {theory:.5} in theory");
        assert!((measured / theory - 1.0).abs() < 0.2, "{measured} measured, {theory} in theory");
    }
}
