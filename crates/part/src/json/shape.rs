//! Shapes of documents: tokens in the order of the document, as variable-length integers.

/// The end of an array.
pub(crate) const CLOSE: u32 = 0;
/// The next element of an array; there is none before the first.
pub(crate) const NEXT: u32 = 1;
/// The next entry of a rest column: this plus the bucket.
pub(crate) const REST: u32 = 2;
/// The next value of a subcolumn: this plus its number in the part.
pub(crate) const LEAF: u32 = 32;

/// Appends a token.
pub(crate) fn push(out: &mut Vec<u8>, token: u32) {
    crate::codec::cursor::put_size(out, token as usize);
}

/// The tokens of a shape; ends early at bytes that are none.
pub(crate) fn tokens(shape: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut rest = shape;
    std::iter::from_fn(move || {
        let mut value = 0u32;
        for shift in (0..32).step_by(7) {
            let (byte, after) = rest.split_first()?;
            rest = after;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    })
}
