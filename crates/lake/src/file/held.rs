//! Bytes of a file that were read before the decoder asks for them. Not for keeping them longer
//! than a read takes ([`crate::store`]).

use std::ops::Range;

use bytes::Bytes;

/// Some ranges of a file.
#[derive(Debug, Default)]
pub(super) struct Held(Vec<(Range<u64>, Bytes)>);

impl Held {
    /// Ranges, and the bytes of each.
    pub(super) fn new(ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Held {
        Held(ranges.into_iter().zip(bytes).collect())
    }

    /// The bytes of a range that is within one of them.
    pub(super) fn get(&self, range: &Range<u64>) -> Option<Bytes> {
        self.0.iter().find_map(|(own, bytes)| {
            let start = usize::try_from(range.start.checked_sub(own.start)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(own.start)?).ok()?;
            (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
        })
    }
}
