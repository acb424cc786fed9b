//! An object store and the URI of its root: Iceberg names objects by URI, stores by key. Reads and
//! writes of whole objects and ranges. Not what the objects are.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};

use super::cache::RangeCache;
use crate::error::{Error, Result};

/// A store, and what its empty key is called in Iceberg's metadata.
#[derive(Debug, Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    /// Without a slash at its end.
    uri: String,
    /// The nearest first.
    caches: Vec<Arc<dyn RangeCache>>,
}

/// Two ranges closer than this are fetched as one: a request costs more than the bytes between.
const COALESCE_BYTES: u64 = 64 << 10;
/// Requests for one object at a time.
const REQUESTS_MAX: usize = 4;

impl Bucket {
    /// The objects of `store` are called `uri/key`: `s3://bucket`, `file:///var/lake`.
    pub fn new(store: Arc<dyn ObjectStore>, uri: &str) -> Bucket {
        Bucket { store, uri: plain(uri).trim_end_matches('/').to_owned(), caches: vec![] }
    }

    /// The same bucket, which asks `cache` for ranges before what it asked until now. For objects
    /// that never change once they are written.
    #[must_use]
    pub fn with_cache(&self, cache: Arc<dyn RangeCache>) -> Bucket {
        let mut caches = vec![cache];
        caches.extend(self.caches.iter().cloned());
        Bucket { caches, ..self.clone() }
    }

    /// The same bucket and what is kept of it, asked through another store: one that counts.
    #[must_use]
    pub fn with_store(&self, store: Arc<dyn ObjectStore>) -> Bucket {
        Bucket { store, ..self.clone() }
    }

    /// Forgets what was kept.
    pub fn forget(&self) {
        self.caches.iter().for_each(|cache| cache.clear());
    }

    /// The URI of the root, without a slash at its end.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The key of an object by its URI.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for one outside of this bucket.
    pub fn key(&self, uri: &str) -> Result<Path> {
        let inside = plain(uri);
        let key = inside.strip_prefix(self.uri.as_str()).and_then(|key| key.strip_prefix('/'));
        let key = key.and_then(|key| Path::parse(key).ok()).filter(|key| !key.as_ref().is_empty());
        key.ok_or_else(|| {
            let message = format!("the object is outside of {}, all that dodb can reach", self.uri);
            Error::unsupported(message).of_object(uri)
        })
    }

    /// The URI of a key.
    pub fn uri_of(&self, key: &Path) -> String {
        format!("{}/{key}", self.uri)
    }

    /// A whole object.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] or [`crate::ErrorKind::Storage`], naming the object.
    pub async fn read(&self, uri: &str) -> Result<Bytes> {
        let found = self.store.get(&self.key(uri)?).await;
        let found = found.map_err(|e| Error::of_store(e, uri))?;
        found.bytes().await.map_err(|e| Error::of_store(e, uri))
    }

    /// Ranges of an object, in their order. Neighbours share a request.
    ///
    /// # Errors
    /// As for [`Bucket::read`]; [`crate::ErrorKind::Corrupt`] when the object ends too early.
    pub async fn read_ranges(&self, uri: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let key = self.key(uri)?;
        let spans = coalesced(ranges).into_iter().map(|span| self.span(uri, &key, span));
        let fetched: Vec<(Range<u64>, Bytes)> =
            stream::iter(spans).buffered(REQUESTS_MAX).try_collect().await?;
        let cut = |range: &Range<u64>| {
            let at = fetched.partition_point(|(span, _)| span.end < range.end);
            let (span, bytes) = fetched.get(at)?;
            let start = usize::try_from(range.start.checked_sub(span.start)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(span.start)?).ok()?;
            (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
        };
        let cut = ranges.iter().map(|range| {
            cut(range).ok_or_else(|| {
                Error::corrupt(format!("the object ends before byte {}", range.end)).of_object(uri)
            })
        });
        cut.collect()
    }

    async fn span(&self, uri: &str, key: &Path, span: Range<u64>) -> Result<(Range<u64>, Bytes)> {
        for (at, cache) in self.caches.iter().enumerate() {
            if let Some(bytes) = cache.get(uri, &span) {
                self.caches.iter().take(at).for_each(|nearer| nearer.keep(uri, &span, &bytes));
                return Ok((span, bytes));
            }
        }
        let bytes = self.store.get_range(key, span.clone()).await;
        let bytes = bytes.map_err(|e| Error::of_store(e, uri))?;
        self.caches.iter().for_each(|cache| cache.keep(uri, &span, &bytes));
        Ok((span, bytes))
    }

    /// Writes an object whose name was never used.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], naming the object.
    pub async fn write(&self, uri: &str, bytes: Bytes) -> Result<()> {
        let put = self.store.put(&self.key(uri)?, PutPayload::from_bytes(bytes)).await;
        put.map(|_| ()).map_err(|e| Error::of_store(e, uri))
    }

    /// Everything under a folder.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], naming the folder.
    pub async fn list(&self, uri: &str) -> Result<Vec<ObjectMeta>> {
        let key = self.key(uri)?;
        let listed = self.store.list(Some(&key)).try_collect().await;
        listed.map_err(|e| Error::of_store(e, uri))
    }

    /// Deletes objects; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], naming the first object that is still there.
    pub async fn delete(&self, uris: &[String]) -> Result<()> {
        for uri in uris {
            match self.store.delete(&self.key(uri)?).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(Error::of_store(e, uri)),
            }
        }
        Ok(())
    }
}

/// One spelling: `/a`, `file:/a` and `file:///a` are the same, and so are Hadoop's names for S3.
fn plain(uri: &str) -> String {
    if let Some(rest) = uri.strip_prefix("s3a://").or_else(|| uri.strip_prefix("s3n://")) {
        return format!("s3://{rest}");
    }
    let path = uri.strip_prefix("file://").or_else(|| uri.strip_prefix("file:")).unwrap_or(uri);
    if path.starts_with('/') { format!("file://{path}") } else { uri.to_owned() }
}

/// Ranges joined where they are close, ascending.
fn coalesced(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<Range<u64>> = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match out.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(COALESCE_BYTES) => {
                last.end = last.end.max(range.end);
            }
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use object_store::memory::InMemory;

    use super::*;
    use crate::ErrorKind;
    use crate::store::cache::RangeMemory;

    fn bucket() -> Bucket {
        Bucket::new(Arc::new(InMemory::new()), "s3://b/root/")
    }

    #[test]
    fn uris_are_keys_under_the_root() {
        let bucket = bucket();
        assert_eq!(bucket.key("s3://b/root/a/b.parquet").unwrap(), Path::from("a/b.parquet"));
        assert_eq!(bucket.uri_of(&Path::from("a/b")), "s3://b/root/a/b");
        for outside in ["s3://b/rootless/a", "s3://c/root/a", "a/b", "s3://b/root", "s3://b/root/"]
        {
            assert_eq!(
                bucket.key(outside).unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{outside}"
            );
        }
        assert_eq!(bucket.key("s3a://b/root/a").unwrap(), Path::from("a"));
        let folder = Bucket::new(Arc::new(InMemory::new()), "file:///var/lake");
        for spelling in ["file:///var/lake/t/x", "file:/var/lake/t/x", "/var/lake/t/x"] {
            assert_eq!(folder.key(spelling).unwrap(), Path::from("t/x"), "{spelling}");
        }
    }

    #[test]
    fn ranges_come_back_in_the_order_asked() {
        let bucket = bucket();
        let bytes: Vec<u8> = (0..300_000u32).map(|at| at as u8).collect();
        block_on(bucket.write("s3://b/root/x", bytes.clone().into())).unwrap();
        let ranges = [200_000..200_010, 5..9, 0..3, 299_990..300_000];
        let found = block_on(bucket.read_ranges("s3://b/root/x", &ranges)).unwrap();
        for (range, found) in ranges.iter().zip(found) {
            assert_eq!(found, bytes[range.start as usize..range.end as usize]);
        }
        let (far, near) = (RangeMemory::new(1_000_000), Arc::new(RangeMemory::new(1_000_000)));
        let bucket = bucket.with_cache(Arc::new(far)).with_cache(near.clone());
        let first = block_on(bucket.read_ranges("s3://b/root/x", &ranges)).unwrap();
        block_on(bucket.delete(&["s3://b/root/x".to_owned()])).unwrap();
        assert_eq!(block_on(bucket.read_ranges("s3://b/root/x", &ranges)).unwrap(), first);
        near.clear();
        assert_eq!(block_on(bucket.read_ranges("s3://b/root/x", &ranges)).unwrap(), first);
        assert_eq!(near.get("s3://b/root/x", &(0..9)).as_deref(), bytes.get(..9));
        bucket.forget();
        let gone = block_on(bucket.read_ranges("s3://b/root/x", &ranges)).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        block_on(bucket.write("s3://b/root/x", bytes.clone().into())).unwrap();
        let past = block_on(bucket.read_ranges("s3://b/root/x", &[0..1, 299_999..300_001]));
        assert_eq!(past.unwrap_err().kind(), ErrorKind::Corrupt);
        let gone = block_on(bucket.read("s3://b/root/y")).unwrap_err();
        assert_eq!((gone.kind(), gone.object()), (ErrorKind::NotFound, Some("s3://b/root/y")));
    }
}
