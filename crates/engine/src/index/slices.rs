//! In which slice of a file a key is: files are cut every so many rows. A key and its slice are one
//! number, for there are many of them. Not here: posting lists ([`super::level`]).

use dodb_part::POSTING_KEY_BITS;

/// The slices of a file of which some rows are looked at.
pub(crate) struct Slices<'a> {
    /// `None`: the file has only one.
    rows: Option<u32>,
    /// The places of the rows in the file; `None`: they are all of them, in order.
    places: Option<&'a [u32]>,
}

impl<'a> Slices<'a> {
    /// Of a file with so many rows, of which all are looked at, in order.
    pub(crate) fn of_all(rows: u64, slice_rows: u32) -> Slices<'static> {
        Slices { rows: Some(slice_rows).filter(|one| rows > u64::from(*one)), places: None }
    }

    /// Of a file with so many rows, of which those at these places are looked at.
    pub(crate) fn of_some(rows: u64, slice_rows: u32, places: &'a [u32]) -> Slices<'a> {
        Slices { places: Some(places), ..Slices::of_all(rows, slice_rows) }
    }

    /// The slice of a row that is looked at.
    pub(super) fn of(&self, at: usize) -> Option<u16> {
        let place = match self.places {
            Some(places) => places.get(at).copied()? as usize,
            None => at,
        };
        u16::try_from(place.checked_div(self.rows? as usize)?).ok()
    }
}

/// A key, and the slice that has all rows with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlicedKey(u64);

impl SlicedKey {
    const SLICE_BITS: u32 = u64::BITS - POSTING_KEY_BITS;

    pub(crate) fn new(key: u64, slice: Option<u16>) -> SlicedKey {
        let slice = slice.map_or(0, |slice| u64::from(slice) + 1);
        SlicedKey(key << SlicedKey::SLICE_BITS | slice)
    }

    pub(crate) fn key(self) -> u64 {
        self.0 >> SlicedKey::SLICE_BITS
    }

    /// `None`: there may be several.
    pub(crate) fn slice(self) -> Option<u16> {
        let slice = self.0 & ((1 << SlicedKey::SLICE_BITS) - 1);
        u16::try_from(slice.checked_sub(1)?).ok()
    }

    /// Sorts keys and keeps each once.
    pub(super) fn settle(keys: &mut Vec<SlicedKey>) {
        keys.sort_unstable();
        keys.dedup_by(|next, kept| {
            let is_same = next.key() == kept.key();
            if is_same && next != kept {
                *kept = SlicedKey::new(kept.key(), None);
            }
            is_same
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_several_slices_is_anywhere() {
        let most = (1 << POSTING_KEY_BITS) - 1;
        let all = [(7, Some(3)), (most, Some(u16::MAX)), (7, Some(3)), (8, Some(0)), (8, Some(1))];
        let mut keys: Vec<SlicedKey> =
            all.iter().map(|(key, slice)| SlicedKey::new(*key, *slice)).collect();
        SlicedKey::settle(&mut keys);
        let told: Vec<(u64, Option<u16>)> = keys.iter().map(|k| (k.key(), k.slice())).collect();
        assert_eq!(told, [(7, Some(3)), (8, None), (most, Some(u16::MAX))]);
    }

    #[test]
    fn slices_are_counted_by_places_in_the_file() {
        let of = |slices: &Slices<'_>| [0, 1, 2].map(|at| slices.of(at));
        assert_eq!(of(&Slices::of_all(3, 2)), [Some(0), Some(0), Some(1)]);
        assert_eq!(of(&Slices::of_some(100, 10, &[9, 10, 99])), [Some(0), Some(1), Some(9)]);
        assert_eq!(of(&Slices::of_all(3, 3)), [None, None, None]);
    }
}
