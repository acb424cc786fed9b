//! The meter in front of an object store: requests by the class that R2 and S3 bill, and bytes.
//! Not here: prices, and budgets that stop a request.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// Requests and bytes of one bucket, counted while they happen. Share it in an `Arc`.
#[derive(Debug, Default)]
pub struct ObjectUsage {
    gets: AtomicU64,
    puts: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

/// A copy of an [`ObjectUsage`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectCounts {
    /// Reads of an object, a range or its head: class B.
    pub gets: u64,
    /// Writes of an object or of one part of it, and what begins and ends parts: class A.
    pub puts: u64,
    /// Listings, one a thousand keys: class A.
    pub lists: u64,
    /// Deleted objects: free.
    pub deletes: u64,
    /// Bytes received.
    pub bytes_read: u64,
    /// Bytes sent.
    pub bytes_written: u64,
}

impl ObjectCounts {
    /// Operations that change or list: what R2 bills as class A.
    pub fn class_a(&self) -> u64 {
        self.puts.saturating_add(self.lists)
    }

    /// Operations that read: what R2 bills as class B.
    pub fn class_b(&self) -> u64 {
        self.gets
    }
}

/// Keys in one answer of a listing.
const LIST_PAGE_KEYS: u64 = 1_000;

impl ObjectUsage {
    /// The counters as they stand.
    pub fn counts(&self) -> ObjectCounts {
        ObjectCounts {
            gets: self.gets.load(Relaxed),
            puts: self.puts.load(Relaxed),
            lists: self.lists.load(Relaxed),
            deletes: self.deletes.load(Relaxed),
            bytes_read: self.bytes_read.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
        }
    }

    fn put(&self, bytes: usize) {
        self.puts.fetch_add(1, Relaxed);
        self.bytes_written.fetch_add(bytes as u64, Relaxed);
    }

    /// A key of a listing came: the first, and every thousandth after it, was another request.
    fn listed(&self, nth: u64) {
        if nth > 0 && nth.is_multiple_of(LIST_PAGE_KEYS) {
            self.lists.fetch_add(1, Relaxed);
        }
    }
}

/// A store whose requests are counted. Make one for each request of a user, over the shared store.
#[derive(Debug)]
pub struct MeteredStore {
    inner: Arc<dyn ObjectStore>,
    usage: Arc<ObjectUsage>,
}

impl MeteredStore {
    /// Counts what goes to `inner` in `usage`.
    pub fn new(inner: Arc<dyn ObjectStore>, usage: Arc<ObjectUsage>) -> MeteredStore {
        MeteredStore { inner, usage }
    }
}

impl fmt::Display for MeteredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metered {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for MeteredStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.usage.put(payload.content_length());
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.usage.put(0);
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(MeteredUpload { inner, usage: self.usage.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.usage.gets.fetch_add(1, Relaxed);
        let is_head = options.head;
        let mut found = self.inner.get_opts(location, options).await?;
        if is_head {
            return Ok(found);
        }
        found.payload = match found.payload {
            GetResultPayload::Stream(stream) => {
                let usage = self.usage.clone();
                let count = move |bytes: &Bytes| {
                    usage.bytes_read.fetch_add(bytes.len() as u64, Relaxed);
                };
                GetResultPayload::Stream(stream.inspect_ok(count).boxed())
            }
            // A file that the caller reads by itself: all of the range, as far as is known.
            #[allow(unreachable_patterns)]
            other => {
                let bytes = found.range.end.saturating_sub(found.range.start);
                self.usage.bytes_read.fetch_add(bytes, Relaxed);
                other
            }
        };
        Ok(found)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let bytes = self.inner.get_ranges(location, ranges).await?;
        self.usage.gets.fetch_add(ranges.len() as u64, Relaxed);
        let read: usize = bytes.iter().map(Bytes::len).sum();
        self.usage.bytes_read.fetch_add(read as u64, Relaxed);
        Ok(bytes)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let usage = self.usage.clone();
        let count = move |_: &Path| {
            usage.deletes.fetch_add(1, Relaxed);
        };
        self.inner.delete_stream(locations).inspect_ok(count).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counted(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counted(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let found = self.inner.list_with_delimiter(prefix).await?;
        let keys = (found.objects.len() + found.common_prefixes.len()) as u64;
        self.usage.lists.fetch_add(keys.div_ceil(LIST_PAGE_KEYS).max(1), Relaxed);
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.usage.put(0);
        self.inner.copy_opts(from, to, options).await
    }
}

impl MeteredStore {
    fn counted(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let usage = self.usage.clone();
        usage.lists.fetch_add(1, Relaxed);
        let mut keys = 0;
        let count = move |_: &ObjectMeta| {
            usage.listed(keys);
            keys += 1;
        };
        listing.inspect_ok(count).boxed()
    }
}

#[derive(Debug)]
struct MeteredUpload {
    inner: Box<dyn MultipartUpload>,
    usage: Arc<ObjectUsage>,
}

#[async_trait]
impl MultipartUpload for MeteredUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.usage.put(data.content_length());
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.usage.put(0);
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn every_request_is_counted_in_its_class() {
        let usage = Arc::new(ObjectUsage::default());
        let store = MeteredStore::new(Arc::new(InMemory::new()), usage.clone());
        block_on(async {
            let key = Path::from("a/x");
            store.put(&key, PutPayload::from_static(b"0123456789")).await.unwrap();
            store.get(&key).await.unwrap().bytes().await.unwrap();
            store.get_range(&key, 2..5).await.unwrap();
            store.head(&key).await.unwrap();
            let _: Vec<_> = store.list(None).try_collect().await.unwrap();
            let mut upload = store.put_multipart(&Path::from("b")).await.unwrap();
            upload.put_part(PutPayload::from_static(b"abc")).await.unwrap();
            upload.complete().await.unwrap();
            store.delete(&key).await.unwrap();
            assert!(store.get(&key).await.is_err());
        });
        let counts = usage.counts();
        let expected = ObjectCounts {
            gets: 4,
            puts: 4,
            lists: 1,
            deletes: 1,
            bytes_read: 13,
            bytes_written: 13,
        };
        assert_eq!(counts, expected);
        assert_eq!((counts.class_a(), counts.class_b()), (5, 4));
    }
}
