//! What rows take in memory as Arrow arrays, told from the values alone: by it parts are cut, and
//! what one step of background work takes is chosen. Not here: what is allocated, which depends on
//! who made the arrays.

use arrow_array::cast::AsArray;
use arrow_array::types::ByteViewType;
use arrow_array::{Array, GenericByteViewArray, RecordBatch};

/// What one byte of a part or file comes to, where nothing better is known.
const DECODED_TO_ENCODED: u64 = 6;
/// A view: length, and the text or where it is.
const VIEW_BYTES: u64 = 16;
/// Texts of so many bytes are within their views.
const INLINE_BYTES_MAX: u32 = 12;

/// About what the rows of a batch take by themselves, whatever they share with others.
pub(crate) fn memory_bytes(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|array| array_bytes(array.as_ref())).sum()
}

/// How many rows of a batch take about so much memory: one at least.
pub(crate) fn rows_within(batch: &RecordBatch, bytes: u64) -> usize {
    let row_bytes = memory_bytes(batch) / batch.num_rows().max(1) as u64;
    usize::try_from(bytes / row_bytes.max(1)).unwrap_or(usize::MAX).max(1)
}

/// About how many bytes a batch will take when encoded.
pub(crate) fn encoded_estimate(batch: &RecordBatch) -> u64 {
    batch.get_array_memory_size() as u64 / DECODED_TO_ENCODED
}

/// About what the rows of a part take that has `bytes`.
pub(crate) fn decoded_estimate(bytes: u64) -> u64 {
    bytes.saturating_mul(DECODED_TO_ENCODED)
}

fn array_bytes(array: &dyn Array) -> u64 {
    if let Some(texts) = array.as_string_view_opt() {
        return view_bytes(texts);
    }
    if let Some(texts) = array.as_binary_view_opt() {
        return view_bytes(texts);
    }
    if let Some(lists) = array.as_list_opt::<i32>() {
        let offsets = lists.value_offsets();
        let (first, last) = (offsets.first().copied(), offsets.last().copied());
        let first = first.map_or(0, |first| first as usize);
        let count = last.map_or(0, |last| last as usize).saturating_sub(first);
        let within = array_bytes(lists.values().slice(first, count).as_ref());
        return (lists.len() * size_of::<i32>()) as u64 + within;
    }
    match array.data_type().primitive_width() {
        Some(width) => (array.len() * width) as u64,
        // Bits.
        None => (array.len() as u64).div_ceil(8),
    }
}

fn view_bytes<T: ByteViewType + ?Sized>(texts: &GenericByteViewArray<T>) -> u64 {
    let outside = texts.lengths().filter(|length| *length > INLINE_BYTES_MAX);
    texts.len() as u64 * VIEW_BYTES + outside.map(u64::from).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{Float32Builder, ListBuilder, StringViewBuilder};
    use arrow_array::{ArrayRef, BooleanArray, Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn each_value_counts_whatever_shares_it() {
        let check = |array: ArrayRef, wanted: u64| {
            assert_eq!(array_bytes(array.as_ref()), wanted, "{array:?}");
        };
        check(Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])), 24);
        check(Arc::new(StringViewArray::from_iter_values(["short", "twelve bytes"])), 32);
        let long = StringViewArray::from_iter_values(["more than twelve", "x"]);
        check(Arc::new(long.clone()), 32 + 16);
        check(Arc::new(long.slice(1, 1)), 16);
        check(Arc::new(BooleanArray::from(vec![true; 16])), 2);
        let mut lists = ListBuilder::new(Float32Builder::new());
        lists.append_value([Some(1.0), Some(2.0)]);
        lists.append_value([Some(3.0)]);
        let lists = lists.finish();
        check(Arc::new(lists.slice(1, 1)), 4 + 4);
        check(Arc::new(lists), 2 * 4 + 3 * 4);
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        lists.append_value([Some("more than twelve"), None]);
        lists.append_null();
        check(Arc::new(lists.finish()), 2 * 4 + 2 * 16 + 16);
    }
}
