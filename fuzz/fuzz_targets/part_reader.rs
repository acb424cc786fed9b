//! Opens and reads a part made of any bytes. The checksum of the header is put right first, or
//! nothing behind it would ever be reached. Run: `cargo +nightly fuzz run part_reader`.

#![no_main]

use arrow_buffer::Buffer;
use dodb_part::{Column, ColumnType, Error, PartReader, Result, RowKey};
use libfuzzer_sys::fuzz_target;
use twox_hash::XxHash3_64;

/// Writes the checksum of the prelude (`docs/format.md`), when there is a whole header.
fn sign(bytes: &mut [u8]) -> Option<()> {
    let stored = u32::from_le_bytes(*bytes.get(16..)?.first_chunk()?) as usize;
    let seed = XxHash3_64::oneshot(bytes.get(..24)?);
    let checksum = XxHash3_64::oneshot_with_seed(seed, bytes.get(32..)?.get(..stored)?);
    bytes.get_mut(24..32)?.copy_from_slice(&checksum.to_le_bytes());
    Some(())
}

fn fetch(bytes: &[u8], key: RowKey) -> Result<Buffer> {
    let row_bytes = bytes.get(12..).and_then(|rest| rest.first_chunk()).copied();
    let row_bytes = u32::from_le_bytes(row_bytes.unwrap_or_default()).max(1) as usize;
    let row = bytes.chunks(row_bytes).nth(key.seq as usize);
    row.map(Buffer::from).ok_or_else(|| Error::Fetch("no such row".into()))
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    sign(&mut bytes);
    let Ok(reader) = PartReader::open(&mut |key| fetch(&bytes, key)) else { return };
    let ids: Vec<u32> = reader.column_ids().collect();
    for id in ids {
        let ty = reader.column_type(id).cloned().unwrap_or(ColumnType::Int64);
        let column = Column { id, name: "c".into(), ty, nullable: true };
        for granule in 0..reader.granule_count().min(4) {
            let _ = reader.row_keys(id, granule);
            let _ = reader.read(&column, granule, &mut |key| fetch(&bytes, key));
        }
        let _ = reader.bloom(id, &mut |key| fetch(&bytes, key));
    }
    let _ = reader.segments();
});
