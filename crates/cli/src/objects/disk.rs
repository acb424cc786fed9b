//! Ranges of objects on disk, so that what was read of a bucket is there in the next process. A
//! database of its own in a folder that may be deleted at any time; whatever is wrong with it, the
//! bucket is asked. Not here: what is kept in memory (`dodb-lake`).
//!
//! Table `ranges` has a row for each range, table `pieces` its bytes in rows of at most
//! [`PIECE_BYTES`]: those of range `no` have the ids from `no << PIECE_BITS`.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::{Bytes, BytesMut};
use dodb_engine::RangeCache;
use dodb_rowstore::{
    Error, Flow, Result, RowExec, RowStore, SqliteOptions, SqliteStore, Statement, Synchronous,
    Value, Verdict,
};
use lru::LruCache;
use parking_lot::Mutex;
use twox_hash::XxHash3_64;

/// Bytes of one row of `pieces`.
const PIECE_BYTES: usize = 1 << 20;
/// A range has at most two to the power of so many pieces.
const PIECE_BITS: u32 = 12;
/// One range in so many of what may be kept is the largest that is.
const RANGE_ONE_IN: u64 = 8;
/// What SQLite gives space out in.
const PAGE_BYTES: u64 = 4096;

const CREATE: [Statement; 2] = [
    Statement {
        name: "create ranges",
        sql: "CREATE TABLE IF NOT EXISTS ranges (no INTEGER PRIMARY KEY, object TEXT NOT NULL, \
              first INTEGER NOT NULL, past INTEGER NOT NULL, checksum BLOB NOT NULL)",
    },
    Statement {
        name: "create pieces",
        sql: "CREATE TABLE IF NOT EXISTS pieces (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    },
];
const LIST: Statement = Statement {
    name: "list ranges",
    sql: "SELECT no, object, first, past, checksum FROM ranges ORDER BY no",
};
const READ: Statement = Statement {
    name: "read pieces",
    sql: "SELECT bytes FROM pieces WHERE id >= ?1 AND id < ?2 ORDER BY id",
};
const ADD: Statement = Statement {
    name: "add range",
    sql: "INSERT INTO ranges (no, object, first, past, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
};
const ADD_PIECE: Statement =
    Statement { name: "add piece", sql: "INSERT INTO pieces (id, bytes) VALUES (?1, ?2)" };
const REMOVE: Statement =
    Statement { name: "remove range", sql: "DELETE FROM ranges WHERE no >= ?1 AND no < ?2" };
const REMOVE_PIECES: Statement =
    Statement { name: "remove pieces", sql: "DELETE FROM pieces WHERE id >= ?1 AND id < ?2" };

/// A cache in a folder.
pub struct DiskCache {
    store: SqliteStore,
    held: Mutex<Held>,
    bytes_max: u64,
    /// It failed once, and is left alone since.
    is_broken: AtomicBool,
}

type Key = (String, Range<u64>);

/// What is on disk, the latest used last to go. Over a restart the latest kept is.
struct Held {
    ranges: LruCache<Key, Entry>,
    bytes: u64,
    next: i64,
}

#[derive(Clone, Copy)]
struct Entry {
    no: i64,
    bytes: u64,
    checksum: [u8; 8],
}

impl DiskCache {
    /// Opens the cache of a folder, for so many bytes. One that cannot be read, or has more than
    /// that, is made anew. `None`, and a warning, where that fails too.
    pub fn open(folder: &Path, bytes_max: u64) -> Option<DiskCache> {
        match DiskCache::open_as_is(folder, bytes_max) {
            Ok(cache) if cache.held.lock().bytes <= bytes_max => return Some(cache),
            Ok(_) => tracing::info!("{} is too large now and made anew", folder.display()),
            Err(e @ Error::Locked { .. }) => {
                tracing::warn!("nothing of the bucket is kept on disk: {e}");
                return None;
            }
            Err(e) => tracing::warn!("{} is made anew: {e}", folder.display()),
        }
        DiskCache::remove(folder);
        let made = DiskCache::open_as_is(folder, bytes_max);
        made.inspect_err(|e| tracing::warn!("nothing of the bucket is kept on disk: {e}")).ok()
    }

    /// Removes the cache of a folder, if there is one.
    pub fn remove(folder: &Path) {
        match std::fs::remove_dir_all(folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("{} cannot be removed: {e}", folder.display());
            }
            _ => {}
        }
    }

    fn open_as_is(folder: &Path, bytes_max: u64) -> Result<DiskCache> {
        // A power cut may lose what was kept last, never damage the rest.
        let options = SqliteOptions { synchronous: Synchronous::Normal, ..Default::default() };
        let store = SqliteStore::open(folder, options)?;
        for statement in &CREATE {
            store.exec(statement, &[], &mut |_| Flow::Continue)?;
        }
        let mut held = Held { ranges: LruCache::unbounded(), bytes: 0, next: 0 };
        store.exec(&LIST, &[], &mut |row| {
            if let Some((key, entry)) = listed(row) {
                held.next = entry.no + 1;
                held.bytes += space(&key);
                held.ranges.put(key, entry);
            }
            Flow::Continue
        })?;
        Ok(DiskCache { store, held: Mutex::new(held), bytes_max, is_broken: false.into() })
    }

    /// What worked, or nothing from now on.
    fn unless_broken<T>(&self, done: Result<T>) -> Option<T> {
        let failed = |e: &Error| {
            self.is_broken.store(true, Relaxed);
            tracing::warn!("what is kept of the bucket on disk is left alone: {e}");
        };
        done.inspect_err(failed).ok()
    }

    fn read(&self, entry: &Entry) -> Result<Bytes> {
        let mut bytes = BytesMut::new();
        self.store.exec(&READ, &ids(entry.no), &mut |row| {
            bytes.extend_from_slice(row.first().and_then(Value::as_blob).unwrap_or_default());
            Flow::Continue
        })?;
        Ok(bytes.freeze())
    }

    fn add(&self, key: &Key, entry: &Entry, bytes: &[u8], gone: &[i64]) -> Result<()> {
        let mut added = Ok(());
        self.store.atomically(&mut |transaction| {
            added = add(transaction, key, entry, bytes, gone);
            if added.is_ok() { Verdict::Commit } else { Verdict::Rollback }
        })?;
        added
    }
}

impl RangeCache for DiskCache {
    fn get(&self, uri: &str, range: &Range<u64>) -> Option<Bytes> {
        if self.is_broken.load(Relaxed) {
            return None;
        }
        let key = (uri.to_owned(), range.clone());
        let entry = *self.held.lock().ranges.get(&key)?;
        let bytes = self.unless_broken(self.read(&entry))?;
        // Gone in the meantime, or damaged.
        (bytes.len() as u64 == entry.bytes && checksum(&bytes) == entry.checksum).then_some(bytes)
    }

    fn keep(&self, uri: &str, range: &Range<u64>, bytes: &Bytes) {
        let largest = (self.bytes_max / RANGE_ONE_IN).min((PIECE_BYTES as u64) << PIECE_BITS);
        let key = (uri.to_owned(), range.clone());
        let is_whole = range.end.checked_sub(range.start) == Some(bytes.len() as u64);
        if self.is_broken.load(Relaxed) || !is_whole || space(&key) > largest {
            return;
        }
        let mut held = self.held.lock();
        let no = held.next;
        held.next += 1;
        let entry = Entry { no, bytes: bytes.len() as u64, checksum: checksum(bytes) };
        held.bytes += space(&key);
        let mut gone = Vec::new();
        // One that is there already was found damaged.
        if let Some(before) = held.ranges.put(key.clone(), entry) {
            held.bytes = held.bytes.saturating_sub(space(&key));
            gone.push(before.no);
        }
        while held.bytes > self.bytes_max {
            let Some((key, entry)) = held.ranges.pop_lru() else { break };
            held.bytes = held.bytes.saturating_sub(space(&key));
            gone.push(entry.no);
        }
        self.unless_broken(self.add(&key, &entry, bytes, &gone));
    }

    fn clear(&self) {
        let mut held = self.held.lock();
        held.ranges.clear();
        held.bytes = 0;
        let all = [Value::Int(0), Value::Int(i64::MAX)];
        for statement in [&REMOVE, &REMOVE_PIECES] {
            self.unless_broken(self.store.exec(statement, &all, &mut |_| Flow::Continue));
        }
    }
}

impl fmt::Debug for DiskCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskCache").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

fn add(
    rows: &dyn RowExec,
    (object, range): &Key,
    entry: &Entry,
    bytes: &[u8],
    gone: &[i64],
) -> Result<()> {
    let run = |statement: &Statement, params: &[Value<'_>]| {
        rows.exec(statement, params, &mut |_| Flow::Continue).map(|_| ())
    };
    for no in gone {
        run(&REMOVE, &[Value::Int(*no), Value::Int(no + 1)])?;
        run(&REMOVE_PIECES, &ids(*no))?;
    }
    let int = |value: u64| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let (no, checksum) = (Value::Int(entry.no), Value::Blob(&entry.checksum));
    run(&ADD, &[no, Value::Text(object), int(range.start), int(range.end), checksum])?;
    for (id, piece) in (entry.no << PIECE_BITS..).zip(bytes.chunks(PIECE_BYTES)) {
        run(&ADD_PIECE, &[Value::Int(id), Value::Blob(piece)])?;
    }
    Ok(())
}

/// The ids of the pieces of a range, from and to.
fn ids(no: i64) -> [Value<'static>; 2] {
    [Value::Int(no << PIECE_BITS), Value::Int((no + 1) << PIECE_BITS)]
}

fn listed(row: &[Value<'_>]) -> Option<(Key, Entry)> {
    let [no, object, first, past, checksum] = row else { return None };
    let (first, past) = (first.as_int()?.try_into().ok()?, past.as_int()?.try_into().ok()?);
    let checksum = checksum.as_blob()?.try_into().ok()?;
    let bytes = u64::checked_sub(past, first)?;
    Some(((object.as_text()?.to_owned(), first..past), Entry { no: no.as_int()?, bytes, checksum }))
}

/// Bytes on disk: whole pages, and one for the range's own row.
fn space((_, range): &Key) -> u64 {
    range.end.saturating_sub(range.start).next_multiple_of(PAGE_BYTES).saturating_add(PAGE_BYTES)
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    XxHash3_64::oneshot(bytes).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: u64 = 40 << 20;

    fn bytes(seed: u64, len: usize) -> Bytes {
        (0..len)
            .map(|at| ((at as u64).wrapping_mul(seed + 7) >> 3) as u8)
            .collect::<Vec<_>>()
            .into()
    }

    #[test]
    fn what_was_kept_is_there_in_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let large = bytes(1, 3 * PIECE_BYTES + 5);
        let range = 17..17 + large.len() as u64;
        {
            let cache = DiskCache::open(folder.path(), BYTES_MAX).unwrap();
            assert_eq!(cache.get("s3://b/x", &range), None);
            cache.keep("s3://b/x", &range, &large);
            cache.keep("s3://b/y", &(0..9), &bytes(2, 9));
            cache.keep("s3://b/y", &(0..10), &bytes(2, 9));
            assert_eq!(cache.get("s3://b/x", &range).as_ref(), Some(&large));
        }
        let cache = DiskCache::open(folder.path(), BYTES_MAX).unwrap();
        assert_eq!(cache.get("s3://b/x", &range), Some(large));
        assert_eq!(cache.get("s3://b/y", &(0..9)), Some(bytes(2, 9)));
        assert_eq!(cache.get("s3://b/y", &(0..10)), None, "not all of it came");
        assert_eq!(cache.get("s3://b/x", &(17..18)), None);
        assert!(DiskCache::open(folder.path(), BYTES_MAX).is_none(), "another has it open");
        cache.clear();
        assert_eq!(cache.get("s3://b/x", &range), None);
        drop(cache);
        let cache = DiskCache::open(folder.path(), BYTES_MAX).unwrap();
        assert_eq!(cache.get("s3://b/y", &(0..9)), None);
    }

    #[test]
    fn the_latest_are_kept_within_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(folder.path(), BYTES_MAX).unwrap();
        let chunk = bytes(3, 1_500_000);
        let range = 0..chunk.len() as u64;
        for at in 0..200 {
            cache.keep(&format!("s3://b/{at}"), &range, &chunk);
            // Used all the time, so never the oldest.
            assert_eq!(cache.get("s3://b/0", &range).as_ref(), Some(&chunk), "{at}");
            assert!(cache.held.lock().bytes <= BYTES_MAX);
        }
        assert_eq!(cache.get("s3://b/199", &range), Some(chunk.clone()));
        assert_eq!(cache.get("s3://b/1", &range), None);
        assert!(cache.store.bytes().unwrap() < BYTES_MAX + (1 << 20));
        cache.keep("s3://b/huge", &(0..9 << 20), &bytes(4, 9 << 20));
        assert_eq!(cache.get("s3://b/huge", &(0..9 << 20)), None, "more than its share");
        drop(cache);
        let small = DiskCache::open(folder.path(), 8 << 20).unwrap();
        assert_eq!(small.get("s3://b/199", &range), None);
        assert!(small.store.bytes().unwrap() < 1 << 20);
    }

    #[test]
    fn damage_is_never_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(folder.path(), BYTES_MAX).unwrap();
        let (first, second) = (bytes(5, 100_000), bytes(6, 100_000));
        cache.keep("s3://b/x", &(0..100_000), &first);
        cache.keep("s3://b/y", &(0..100_000), &second);
        let damage =
            Statement { name: "damage", sql: "UPDATE pieces SET bytes = ?2 WHERE id = ?1" };
        let params = [Value::Int(0), Value::Blob(&second)];
        cache.store.exec(&damage, &params, &mut |_| Flow::Continue).unwrap();
        assert_eq!(cache.get("s3://b/x", &(0..100_000)), None);
        cache.keep("s3://b/x", &(0..100_000), &first);
        assert_eq!(cache.get("s3://b/x", &(0..100_000)), Some(first));
        let cut = Statement { name: "cut", sql: "DROP TABLE pieces" };
        cache.store.exec(&cut, &[], &mut |_| Flow::Continue).unwrap();
        assert_eq!(cache.get("s3://b/y", &(0..100_000)), None);
        cache.keep("s3://b/y", &(0..100_000), &second);
        drop(cache);
        std::fs::write(folder.path().join("dodb.sqlite"), b"no database at all").unwrap();
        let cache = DiskCache::open(folder.path(), BYTES_MAX).unwrap();
        assert_eq!(cache.get("s3://b/y", &(0..100_000)), None);
        cache.keep("s3://b/y", &(0..100_000), &second);
        assert_eq!(cache.get("s3://b/y", &(0..100_000)), Some(second));
    }
}
