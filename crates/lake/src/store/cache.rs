//! Ranges of objects that were read lately, kept nearer than the store: objects of a table never
//! change, so what was read of one is good for ever. In memory; a cache on disk is for who has one.
//! Not here: whole objects.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;

/// One range in so many of what may be kept is the largest that is.
const RANGE_ONE_IN: usize = 4;
/// What keeping one takes besides its bytes.
const ENTRY_BYTES: usize = 200;

type Key = (String, Range<u64>);

/// Keeps ranges of objects. One that cannot answer has nothing: it never fails a read.
pub trait RangeCache: fmt::Debug + Send + Sync {
    /// The bytes of exactly this range of the object of that URI.
    fn get(&self, uri: &str, range: &Range<u64>) -> Option<Bytes>;

    /// Keeps the bytes of a range, if it wants to.
    fn keep(&self, uri: &str, range: &Range<u64>, bytes: &Bytes);

    /// Forgets everything.
    fn clear(&self);
}

/// Ranges of objects in memory, the latest, up to a number of bytes.
#[derive(Debug)]
pub struct RangeMemory {
    held: Mutex<Held>,
    bytes_max: usize,
}

#[derive(Debug)]
struct Held {
    ranges: LruCache<Key, Bytes>,
    bytes: usize,
}

impl RangeMemory {
    /// For so many bytes.
    pub fn new(bytes_max: usize) -> RangeMemory {
        let held = Held { ranges: LruCache::unbounded(), bytes: 0 };
        RangeMemory { held: Mutex::new(held), bytes_max }
    }
}

impl RangeCache for RangeMemory {
    fn get(&self, uri: &str, range: &Range<u64>) -> Option<Bytes> {
        self.held.lock().ranges.get(&(uri.to_owned(), range.clone())).cloned()
    }

    fn keep(&self, uri: &str, range: &Range<u64>, bytes: &Bytes) {
        if bytes.len() > self.bytes_max / RANGE_ONE_IN {
            return;
        }
        let mut held = self.held.lock();
        held.bytes += bytes.len() + ENTRY_BYTES;
        if let Some(before) = held.ranges.put((uri.to_owned(), range.clone()), bytes.clone()) {
            held.bytes = held.bytes.saturating_sub(before.len() + ENTRY_BYTES);
        }
        while held.bytes > self.bytes_max {
            let Some((_, gone)) = held.ranges.pop_lru() else { break };
            held.bytes = held.bytes.saturating_sub(gone.len() + ENTRY_BYTES);
        }
    }

    fn clear(&self) {
        let mut held = self.held.lock();
        held.ranges.clear();
        held.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_within_the_bytes() {
        let cache = RangeMemory::new(10_000);
        let bytes = Bytes::from(vec![7; 1_000]);
        for at in 0..20 {
            cache.keep("a", &(at..at + 1_000), &bytes);
            cache.keep("a", &(at..at + 1_000), &bytes);
            assert!(cache.held.lock().bytes <= 10_000);
        }
        assert_eq!(cache.get("a", &(19..1_019)), Some(bytes.clone()));
        assert_eq!(cache.get("a", &(19..1_018)), None);
        assert_eq!(cache.get("b", &(19..1_019)), None);
        assert_eq!(cache.get("a", &(0..1_000)), None);
        assert_eq!(cache.held.lock().ranges.len(), 8);
        cache.keep("a", &(0..5_000), &Bytes::from(vec![1; 5_000]));
        assert_eq!(cache.get("a", &(0..5_000)), None, "more than its share");
        cache.clear();
        assert_eq!(cache.get("a", &(19..1_019)), None);
    }
}
