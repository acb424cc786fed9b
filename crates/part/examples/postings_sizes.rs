//! Prints what posting lists take beside Bloom filters of each file, and how many files each names
//! in vain for a key that is nowhere. The table is in `docs/decisions/0007-posting-lists.md`. Run
//! with `cargo run --release -p dodb-part --example postings_sizes`.

use arrow_buffer::Buffer;
use dodb_part::{Posting, Postings, Result, Sbbf, hash_bytes, posting_key};

/// Keys that are nowhere.
const PROBES: u64 = 20_000;
/// Rows in a slice of a file.
const SLICE_ROWS: u32 = 4_096;
/// About what one row of an index holds.
const SHARD_BYTES: usize = 1_400_000;

fn hash(n: u64) -> u64 {
    hash_bytes(&n.to_le_bytes())
}

fn main() -> Result<()> {
    println!("| files | keys a file | index | bytes a key | files named in vain, a probe |");
    println!("|---|---|---|---|---|");
    for (files, keys) in [(100u64, 10_000u64), (1_000, 10_000), (20_000, 500), (10, 1_000_000)] {
        for bits in [12, 24] {
            let filters: Vec<Sbbf> = (0..files)
                .map(|file| {
                    let mut filter = Sbbf::with_capacity(keys as usize, bits);
                    (0..keys).for_each(|n| filter.insert(hash(file * keys + n)));
                    filter
                })
                .collect();
            let bytes: usize = filters.iter().map(|filter| filter.as_bytes().len()).sum();
            let absent = (0..PROBES).map(|n| hash(u64::MAX - n));
            let named = absent.map(|hash| filters.iter().filter(|f| f.might_contain(hash)).count());
            let named: usize = named.sum();
            row(files, keys, &format!("Bloom filters, {bits} bits"), bytes, named);
        }
        for slice_rows in [u32::MAX, SLICE_ROWS] {
            let what = match slice_rows {
                SLICE_ROWS => "posting lists with slices",
                _ => "posting lists",
            };
            let (bytes, named) = posting_lists(files, keys, slice_rows)?;
            row(files, keys, what, bytes, named);
        }
    }
    Ok(())
}

/// Bytes, and how many files are named for keys that are nowhere.
fn posting_lists(files: u64, keys: u64, slice_rows: u32) -> Result<(usize, usize)> {
    let posting = |n: u64| Posting {
        key: posting_key(hash(n)),
        file: (n / keys) as u32,
        slice: u16::try_from(n % keys / u64::from(slice_rows)).ok(),
    };
    let mut all: Vec<Posting> = (0..files * keys).map(posting).collect();
    all.sort_unstable();
    let shards = (all.len() * 4 / SHARD_BYTES).max(1);
    let mut probes: Vec<u64> = (0..PROBES).map(|n| posting_key(hash(u64::MAX - n))).collect();
    probes.sort_unstable();
    let (mut bytes, mut named) = (0, 0);
    for shard in all.chunks(all.len().div_ceil(shards)) {
        let encoded = Postings::encode(shard, slice_rows)?;
        bytes += encoded.len();
        let (first, last) = (shard.first().map(|p| p.key), shard.last().map(|p| p.key));
        let within = |key: &&u64| Some(**key) >= first && Some(**key) <= last;
        let probes: Vec<u64> = probes.iter().filter(within).copied().collect();
        named += Postings::open(Buffer::from(encoded))?.find(&probes)?.len();
    }
    Ok((bytes, named))
}

fn row(files: u64, keys: u64, what: &str, bytes: usize, named: usize) {
    let per_key = bytes as f64 / (files * keys) as f64;
    let in_vain = named as f64 / PROBES as f64;
    println!("| {files} | {keys} | {what} | {per_key:.2} | {in_vain:.5} |");
}
