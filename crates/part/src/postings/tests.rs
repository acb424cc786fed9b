//! Tests of posting lists against a plain list, and of damaged ones.

use proptest::prelude::*;

use super::*;
use crate::value::hash_bytes;

const SLICE_ROWS: u32 = 10;

/// A file for each version, written by a program that wrote it.
const KEPT: [&[u8]; 3] = [
    include_bytes!("../../tests/fixtures/postings_v1.bin"),
    include_bytes!("../../tests/fixtures/postings_v2.bin"),
    include_bytes!("../../tests/fixtures/postings_v3.bin"),
];

fn sorted(postings: &[(u64, u32, Option<u16>)]) -> Vec<Posting> {
    let all = postings.iter().map(|&(key, file, slice)| Posting { key, file, slice });
    let mut all: Vec<Posting> = all.collect();
    all.sort_unstable();
    all
}

/// The posting of key `n`, somewhere in a file.
fn anywhere(key: u64, file: u32) -> Posting {
    Posting { key, file, slice: None }
}

fn open(postings: &[Posting]) -> Postings {
    Postings::open(Buffer::from(Postings::encode(postings, SLICE_ROWS).unwrap())).unwrap()
}

/// Each key of a file once: in the slice that all its postings name, or anywhere.
fn expected(postings: &[Posting]) -> Vec<Posting> {
    let mut out: Vec<Posting> = Vec::new();
    for posting in postings {
        match out.last_mut().filter(|last| (last.key, last.file) == (posting.key, posting.file)) {
            Some(last) if last.slice == posting.slice => {}
            Some(last) => last.slice = None,
            None => out.push(*posting),
        }
    }
    out
}

fn check(postings: &[Posting], keys: &[u64]) {
    let mut expected_hits = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        for posting in expected(postings).iter().filter(|posting| posting.key == *key) {
            let start = posting.slice.map(|slice| u64::from(slice) * 10);
            let rows = start.map(|start| start..start + 10);
            expected_hits.push(PostingHit { at, file: posting.file, rows });
        }
    }
    assert_eq!(open(postings).find(keys).unwrap(), expected_hits);
}

proptest! {
    #[test]
    fn what_was_put_in_is_found(
        postings in proptest::collection::vec(
            (0u64..400, 0u32..50, proptest::option::of(0u16..3)), 0..600),
        keys in proptest::collection::btree_set(0u64..420, 0..40),
    ) {
        let postings = sorted(&postings);
        let read = open(&postings).iter(SLICE_ROWS).collect::<Result<Vec<_>>>();
        prop_assert_eq!(read.unwrap(), expected(&postings));
        let others = open(&postings).iter(SLICE_ROWS + 1).collect::<Result<Vec<_>>>().unwrap();
        prop_assert!(others.iter().all(|posting| posting.slice.is_none()));
        check_within(&postings, 100..300);
        check(&postings, &keys.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_panic(
        version in VERSION_WITHOUT_SLICES..=VERSION,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut framed = vec![version];
        framed.extend(bytes);
        if let Ok(postings) = Postings::open(Buffer::from(framed)) {
            let _ = postings.iter(SLICE_ROWS).count();
            let _ = postings.find(&[0, 1, 77]);
        }
    }

    #[test]
    fn a_flipped_bit_never_panics(kept in 0usize..4, at in any::<usize>(), bit in 0u8..8) {
        let key = |n: u64| posting_key(hash_bytes(&n.to_le_bytes()));
        let postings = (0..900).map(|n| anywhere(key(n / 5), n as u32 % 7));
        let mut postings: Vec<Posting> = postings.collect();
        postings.sort_unstable();
        let few = Postings::encode(&postings, SLICE_ROWS).unwrap();
        let mut bytes = KEPT.get(kept).map_or(few, |kept| kept.to_vec());
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(postings) = Postings::open(Buffer::from(bytes)) {
            let _ = postings.iter(SLICE_ROWS).count();
            let _ = postings.find(&[3, 1 << 30, (1 << 40) - 1]);
        }
    }
}

fn check_within(postings: &[Posting], keys: Range<u64>) {
    let some = open(postings).within(keys.clone(), SLICE_ROWS).collect::<Result<Vec<_>>>().unwrap();
    let mut all = expected(postings);
    all.retain(|posting| keys.contains(&posting.key));
    assert_eq!(some, all, "{keys:?}");
}

#[test]
fn a_key_may_span_blocks() {
    let files = 3 * BLOCK_POSTINGS as u32;
    let mut postings: Vec<Posting> = (0..files).map(|file| anywhere(7, file)).collect();
    postings.insert(0, anywhere(6, 1));
    postings.push(anywhere(8, 2));
    check(&postings, &[5, 6, 7, 8, 9]);
    for keys in [0..6, 0..7, 6..7, 7..8, 7..9, 8..9, 9..20, 0..20] {
        check_within(&postings, keys);
    }
}

/// Keys that a tenth of all files have: which ones takes little.
#[test]
fn keys_that_many_files_have_take_less() {
    let key = |n: u64| posting_key(hash_bytes(&n.to_le_bytes()));
    let file = |n: u64| (n % 100 * 10 + hash_bytes(&n.to_le_bytes()) % 10) as u32;
    let mut postings: Vec<Posting> =
        (0..100_000u64).map(|n| anywhere(key(n / 100), file(n))).collect();
    postings.sort_unstable();
    let bytes = Postings::encode(&postings, SLICE_ROWS).unwrap();
    // Four bits for the distance of each, and seventy for each hundredth.
    assert!(bytes.len() < postings.len(), "{} bytes", bytes.len());
    check(&postings, &[postings[500].key, postings[50_000].key]);
}

#[test]
fn many_keys_take_three_bytes_and_a_half() {
    let mut postings: Vec<Posting> = (0..300_000u64)
        .map(|n| anywhere(posting_key(hash_bytes(&n.to_le_bytes())), n as u32 / 300))
        .collect();
    postings.sort_unstable();
    let bytes = Postings::encode(&postings, SLICE_ROWS).unwrap();
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

#[test]
fn a_key_on_both_sides_of_a_full_block_is_one_posting() {
    let posting = |key, slice| Posting { key, file: 1, slice: Some(slice) };
    let last = BLOCK_POSTINGS as u64 - 1;
    let mut postings: Vec<Posting> = (0..=last).map(|key| posting(key, 4)).collect();
    postings.push(posting(last, 5));
    postings.push(posting(last + 1, 6));
    assert_eq!(open(&postings).len(), BLOCK_POSTINGS + 1);
    check(&postings, &[last - 1, last, last + 1]);
}

/// Keys that one file has or two.
#[test]
fn version_2_is_read() {
    check_kept(1, 5_000, |n| (n % 3_000, n % 7 * 3));
}

/// Keys that many files have, some of them twice.
#[test]
fn version_3_is_read() {
    check_kept(2, 9_000, |n| (n * n % 997, n % 211 * 3));
}

/// A file of a version has so many postings, by what the key is made of and the number of the file,
/// each in one of four slices or anywhere.
fn check_kept(kept: usize, count: u64, place: fn(u64) -> (u64, u64)) {
    let postings = Postings::open(Buffer::from(KEPT[kept].to_vec())).unwrap();
    let key = |n: u64| posting_key(hash_bytes(&n.to_le_bytes()));
    let posting = |n: u64| {
        let (of, file) = place(n);
        let slice = (!n.is_multiple_of(5)).then_some(n as u16 % 4);
        Posting { key: key(of), file: file as u32, slice }
    };
    let mut all: Vec<Posting> = (0..count).map(posting).collect();
    all.sort_unstable();
    let all = expected(&all);
    assert_eq!(postings.iter(4_096).collect::<Result<Vec<_>>>().unwrap(), all);
    let of_one = all.iter().filter(|posting| posting.key == key(25)).map(|posting| PostingHit {
        at: 0,
        file: posting.file,
        rows: posting.slice.map(|slice| u64::from(slice) * 4_096..(u64::from(slice) + 1) * 4_096),
    });
    let of_one: Vec<PostingHit> = of_one.collect();
    assert!(!of_one.is_empty());
    assert_eq!(postings.find(&[key(25)]).unwrap(), of_one);
}

#[test]
fn version_1_is_read() {
    let postings = Postings::open(Buffer::from(KEPT[0].to_vec())).unwrap();
    let key = |n: u64| posting_key(hash_bytes(&n.to_le_bytes()));
    let mut expected: Vec<Posting> = (0..5_000).map(|n| anywhere(key(n), n as u32 % 7)).collect();
    expected.sort_unstable();
    assert_eq!(postings.iter(SLICE_ROWS).collect::<Result<Vec<_>>>().unwrap(), expected);
    let hit = PostingHit { at: 0, file: 4_321 % 7, rows: None };
    assert_eq!(postings.find(&[key(4_321)]).unwrap(), [hit]);
}
