//! How many bytes each row of an array takes in memory, for cutting granules. A reader needs up
//! to six times as much while it decodes; `writer` and `codec` bound the two so that whatever is
//! written can be read.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// A view of a string, beside its bytes.
const VIEW_BYTES: usize = 16;

/// The length of a list, beside its elements.
const LENGTH_BYTES: usize = 4;

/// Adds the raw bytes of each row to `sizes`, which has one slot for each row.
pub(crate) fn add_row_bytes(array: &ArrayRef, sizes: &mut [usize]) {
    match array.data_type() {
        DataType::Utf8View => {
            if let Some(array) = array.as_string_view_opt() {
                add_view_bytes(array.views(), sizes);
            }
        }
        DataType::BinaryView => {
            if let Some(array) = array.as_binary_view_opt() {
                add_view_bytes(array.views(), sizes);
            }
        }
        DataType::List(_) => add_list_bytes(array, sizes),
        fixed => {
            let bytes = fixed_bytes(fixed);
            sizes.iter_mut().for_each(|size| *size += bytes);
        }
    }
}

fn fixed_bytes(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeList(element, n) => {
            usize::try_from(*n).unwrap_or_default() * fixed_bytes(element.data_type())
        }
        fixed => fixed.primitive_width().unwrap_or(1),
    }
}

fn add_view_bytes(views: &[u128], sizes: &mut [usize]) {
    for (size, view) in sizes.iter_mut().zip(views) {
        // The lowest 32 bits of a view are the length.
        *size += VIEW_BYTES + *view as u32 as usize;
    }
}

fn add_list_bytes(array: &ArrayRef, sizes: &mut [usize]) {
    let Some(list) = array.as_list_opt::<i32>() else { return };
    let mut element_sizes = vec![0; list.values().len()];
    add_row_bytes(list.values(), &mut element_sizes);
    for (size, range) in sizes.iter_mut().zip(list.offsets().windows(2)) {
        let [start, end] = range else { continue };
        let elements = element_sizes.get(*start as usize..*end as usize).unwrap_or_default();
        *size += LENGTH_BYTES + elements.iter().sum::<usize>();
    }
}
