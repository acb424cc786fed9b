//! Tests of posting lists against a plain list, and of damaged ones.

use proptest::prelude::*;

use super::*;
use crate::value::hash_bytes;

fn sorted(postings: &[(u64, u32)]) -> Vec<Posting> {
    let mut all: Vec<Posting> =
        postings.iter().map(|(key, file)| Posting { key: *key, file: *file }).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn open(postings: &[Posting]) -> Postings {
    Postings::open(Buffer::from(Postings::encode(postings).unwrap())).unwrap()
}

fn check(postings: &[Posting], keys: &[u64]) {
    let found = open(postings).find(keys).unwrap();
    let mut expected = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let same = postings.iter().filter(|posting| posting.key == *key);
        expected.extend(same.map(|posting| (at, posting.file)));
    }
    let mut found = found;
    found.sort_unstable();
    assert_eq!(found, expected);
}

proptest! {
    #[test]
    fn what_was_put_in_is_found(
        postings in proptest::collection::vec((0u64..400, 0u32..50), 0..600),
        keys in proptest::collection::btree_set(0u64..420, 0..40),
    ) {
        let postings = sorted(&postings);
        let read = open(&postings).iter().collect::<Result<Vec<_>>>();
        prop_assert_eq!(read.unwrap(), postings.clone());
        check(&postings, &keys.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut framed = vec![VERSION];
        framed.extend(bytes);
        if let Ok(postings) = Postings::open(Buffer::from(framed)) {
            let _ = postings.iter().count();
            let _ = postings.find(&[0, 1, 77]);
        }
    }

    #[test]
    fn a_flipped_bit_never_panics(at in 0usize..4_000, bit in 0u8..8) {
        let key = |n: u64| posting_key(hash_bytes(&n.to_le_bytes()));
        let postings = (0..900).map(|n| Posting { key: key(n), file: n as u32 % 7 });
        let mut postings: Vec<Posting> = postings.collect();
        postings.sort_unstable();
        let mut bytes = Postings::encode(&postings).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(postings) = Postings::open(Buffer::from(bytes)) {
            let _ = postings.iter().count();
            let _ = postings.find(&[3, 1 << 30, (1 << 40) - 1]);
        }
    }
}

#[test]
fn a_key_may_span_blocks() {
    let files = 3 * BLOCK_POSTINGS as u32;
    let mut postings: Vec<Posting> = (0..files).map(|file| Posting { key: 7, file }).collect();
    postings.insert(0, Posting { key: 6, file: 1 });
    postings.push(Posting { key: 8, file: 2 });
    check(&postings, &[5, 6, 7, 8, 9]);
}

#[test]
fn many_keys_take_three_bytes_and_a_half() {
    let mut postings: Vec<Posting> = (0..300_000u64)
        .map(|n| Posting { key: posting_key(hash_bytes(&n.to_le_bytes())), file: n as u32 / 300 })
        .collect();
    postings.sort_unstable();
    let bytes = Postings::encode(&postings).unwrap();
    // 40 bits less the 18 that the place among others tells, and 10 for the file.
    assert!(bytes.len() < postings.len() * 9 / 2, "{} bytes", bytes.len());
    let keys: Vec<u64> = postings.iter().step_by(1_000).map(|posting| posting.key).collect();
    let postings = open(&postings);
    assert_eq!(postings.find(&keys).unwrap().len(), keys.len());
    let absent = (400_000..410_000u64).map(|n| posting_key(hash_bytes(&n.to_le_bytes())));
    let mut absent: Vec<u64> = absent.collect();
    absent.sort_unstable();
    assert!(postings.find(&absent).unwrap().len() < 3);
}

#[test]
fn they_are_wrong_as_often_as_theory_says() {
    const KEYS: u64 = 8_000_000;
    const PROBES: u64 = 50_000_000;
    let key = |n: u64| posting_key(hash_bytes(&n.to_le_bytes()));
    let known: hashbrown::HashSet<u64> = (0..KEYS).map(key).collect();
    let wrong = (KEYS..KEYS + PROBES).filter(|n| known.contains(&key(*n))).count();
    let measured = wrong as f64 / PROBES as f64;
    let theory = KEYS as f64 / (1u64 << POSTING_KEY_BITS) as f64;
    println!("{KEYS} postings: {measured:.2e} measured, {theory:.2e} in theory");
    assert!((measured / theory - 1.0).abs() < 0.2, "{measured} measured, {theory} in theory");
}
