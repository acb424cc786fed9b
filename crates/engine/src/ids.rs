//! The `_ids` rows: for each large part of a keyed table a Bloom filter over its key hashes, cut in
//! a power of two of buckets by the high bits of the hash, so that one row answers a look-up over
//! all parts. Small parts carry their filter in the head row instead. Not here: hashing
//! ([`crate::keys`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use dodb_part::{SBBF_BLOCK_BYTES, Sbbf, might_contain_in_slice};
use dodb_rowstore::{Metered, Usage, Value};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::state::TableState;
use crate::statements;
use crate::table::TableDef;

/// Bits a key: about one look-up in a thousand names a part in vain.
const BITS_PER_KEY: usize = 16;
/// Bits in a block of a split-block Bloom filter.
const BLOCK_BITS: usize = 256;
/// Most buckets; the blocks of a filter in `_ids` are a multiple of it.
const BUCKETS_MAX: u32 = 64;
/// A bucket row is split in two past this.
const BUCKET_BYTES_MAX: usize = 1_500_000;
/// Bytes of the filters of a table, of which the buckets have no room for more.
pub(crate) const BYTES_MAX: usize = BUCKETS_MAX as usize * BUCKET_BYTES_MAX;
/// What a filter takes in a row besides its blocks.
const SLICE_BYTES: usize = 16;

/// The filters of all large parts of one table, by part number.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdFilters {
    filters: BTreeMap<u64, Arc<Sbbf>>,
}

#[derive(Encode, Decode)]
struct BucketDisk {
    #[n(0)]
    slices: Vec<SliceDisk>,
    /// In how many buckets the filters are cut.
    #[n(1)]
    buckets: u32,
}

#[derive(Encode, Decode)]
struct SliceDisk {
    #[n(0)]
    part: u64,
    /// The blocks of the filter that this bucket's hashes fall in.
    #[n(1)]
    blocks: ByteVec,
}

/// A filter over `hashes`; `sliceable` ones can go to `_ids`.
pub(crate) fn build(hashes: &[u64], sliceable: bool) -> Sbbf {
    let blocks = (hashes.len() * BITS_PER_KEY).div_ceil(BLOCK_BITS).max(1);
    let blocks = if sliceable { blocks.next_multiple_of(BUCKETS_MAX as usize) } else { blocks };
    let mut filter = Sbbf::with_blocks(blocks);
    for hash in hashes {
        filter.insert(*hash);
    }
    filter
}

/// The bucket of `buckets` that `hash` falls in.
pub(crate) fn bucket_of(hash: u64, buckets: u32) -> u32 {
    (((hash >> 32) * u64::from(buckets)) >> 32) as u32
}

impl IdFilters {
    /// Reads all buckets. A missing one leaves its parts without a filter: they are then scanned.
    pub(crate) fn load(rows: &Metered, state: &TableState, usage: &Usage) -> Result<IdFilters> {
        let mut slices: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
        for bucket in 0..state.id_buckets {
            for slice in read_bucket(rows, state, bucket, usage)? {
                slices.entry(slice.part).or_default().push(Vec::from(slice.blocks));
            }
        }
        let mut filters = BTreeMap::new();
        for (part, slices) in slices {
            if slices.len() == state.id_buckets as usize {
                let whole = slices.concat();
                let filter =
                    Sbbf::from_bytes(&whole).map_err(|e| Error::part(place(&state.def), e))?;
                filters.insert(part, Arc::new(filter));
            }
        }
        Ok(IdFilters { filters })
    }

    pub(crate) fn get(&self, part: u64) -> Option<&Arc<Sbbf>> {
        self.filters.get(&part)
    }

    /// Adds a filter, unless all would have more than `bytes_max` then: `false`.
    pub(crate) fn insert(&mut self, part: u64, filter: Arc<Sbbf>, bytes_max: usize) -> bool {
        let bytes = self.bytes() + filter.as_bytes().len() + SLICE_BYTES;
        let fits = bytes <= bytes_max.min(BYTES_MAX);
        if fits {
            self.filters.insert(part, filter);
        }
        fits
    }

    pub(crate) fn remove(&mut self, part: u64) {
        self.filters.remove(&part);
    }

    fn bytes(&self) -> usize {
        self.filters.values().map(|filter| filter.as_bytes().len() + SLICE_BYTES).sum()
    }

    /// In how many buckets the filters have to be cut for each row to stay small enough.
    pub(crate) fn buckets(&self) -> u32 {
        let needed = self.bytes().div_ceil(BUCKET_BYTES_MAX).max(1).next_power_of_two() as u32;
        needed.min(BUCKETS_MAX)
    }

    /// The row of one bucket.
    pub(crate) fn encode(&self, def: &TableDef, bucket: u32, buckets: u32) -> Result<Vec<u8>> {
        let slices = self
            .filters
            .iter()
            .map(|(part, filter)| {
                let bytes = filter.as_bytes();
                let slice = bytes.len() / buckets as usize;
                let start = slice * bucket as usize;
                let blocks = bytes.get(start..start + slice).unwrap_or_default().to_vec();
                SliceDisk { part: *part, blocks: blocks.into() }
            })
            .collect();
        let payload = minicbor::to_vec(BucketDisk { slices, buckets })
            .map_err(|e| Error::corrupt(place(def), e.to_string()))?;
        Ok(frame::seal(Magic::Ids, &payload))
    }
}

/// What one bucket says about hashes that fall in it: for each part it covers, might the part hold
/// one of the keys? One row read.
pub(crate) fn probe(
    rows: &Metered,
    state: &TableState,
    bucket: u32,
    hashes: &[u64],
    usage: &Usage,
) -> Result<BTreeMap<u64, bool>> {
    let mut out = BTreeMap::new();
    for slice in read_bucket(rows, state, bucket, usage)? {
        let blocks = slice.blocks.len() / SBBF_BLOCK_BYTES;
        let (first, all) = (blocks * bucket as usize, blocks * state.id_buckets as usize);
        let might = |hash: &u64| might_contain_in_slice(&slice.blocks, first, all, *hash);
        out.insert(slice.part, hashes.iter().any(|hash| might(hash).unwrap_or(true)));
    }
    Ok(out)
}

/// The slices in a bucket; none when the row is missing, or is cut otherwise than `state` says: a
/// reader may hold a state from before the filters were cut anew.
fn read_bucket(
    rows: &Metered,
    state: &TableState,
    bucket: u32,
    usage: &Usage,
) -> Result<Vec<SliceDisk>> {
    let def = &state.def;
    let params = [Value::Int(i64::from(def.id)), Value::Int(i64::from(bucket))];
    let mut found = None;
    rows.query_one(&statements::GET_IDS, &params, usage, &mut |row| {
        if let Some(Value::Blob(bytes)) = row.first() {
            found = Some(bytes.to_vec());
        }
    })?;
    let Some(row) = found else { return Ok(Vec::new()) };
    let payload = frame::open(Magic::Ids, &place(def), &row)?;
    let disk: BucketDisk =
        minicbor::decode(payload).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
    Ok(if disk.buckets == state.id_buckets { disk.slices } else { Vec::new() })
}

fn place(def: &TableDef) -> String {
    format!("the id filters of table `{}`", def.name)
}
