//! Decodes a segment of any bytes with a correct checksum, as any type. What is decoded must be
//! valid Arrow. Run: `cargo +nightly fuzz run segment`.

#![no_main]

use arrow_array::Array;
use arrow_buffer::Buffer;
use dodb_part::{ColumnType, decode_segment};
use libfuzzer_sys::fuzz_target;
use twox_hash::XxHash3_64;

const TYPES: [&str; 16] = [
    "Bool",
    "Int8",
    "UInt16",
    "Int32",
    "Int64",
    "Float32",
    "Float64",
    "Decimal(38, 2)",
    "String",
    "Bytes",
    "UUID",
    "DateTime64(6)",
    "Array(Int64)",
    "Array(Array(String))",
    "Vector(3)",
    "Array(Vector(2))",
];

fuzz_target!(|data: &[u8]| {
    let [ty, rows, body @ ..] = data else { return };
    let name = TYPES[usize::from(*ty) % TYPES.len()];
    let ty = ColumnType::parse(name).expect("the list holds type names");
    let mut bytes = vec![1];
    bytes.extend_from_slice(&XxHash3_64::oneshot(body).to_le_bytes());
    bytes.extend_from_slice(body);
    if let Ok(array) = decode_segment(&ty, usize::from(*rows), Buffer::from(bytes)) {
        assert_eq!(array.len(), usize::from(*rows));
        array.to_data().validate_full().expect("decoded arrays are valid");
    }
});
