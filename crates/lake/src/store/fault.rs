//! An object store that fails on purpose, to find out what a failure at any point leaves behind:
//! count the calls of a run with [`FaultStore::counting`], then repeat it once for each N with
//! [`FaultStore::failing`]. For tests only.
//!
//! A call is one request: a put, a part, a get, a listing, a delete. A failed call never reached
//! the store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// What the calls after the failed one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// They work: the failure passed.
    Recover,
    /// They fail too, as when the process died there.
    StayDown,
}

/// Counts the calls of a [`FaultStore`] and says which one fails. Shared with the test.
#[derive(Debug)]
pub struct Calls {
    made: AtomicU64,
    fail_at: Option<u64>,
    then: Then,
    failed: AtomicBool,
}

impl Calls {
    /// Calls made so far, the failed ones included.
    pub fn made(&self) -> u64 {
        self.made.load(SeqCst)
    }

    /// Whether a call was made to fail.
    pub fn failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    fn call(&self, what: &str) -> Result<()> {
        let call = self.made.fetch_add(1, SeqCst).saturating_add(1);
        let fails = match (self.fail_at, self.then) {
            (None, _) => false,
            (Some(at), Then::Recover) => call == at,
            (Some(at), Then::StayDown) => call >= at,
        };
        if !fails {
            return Ok(());
        }
        self.failed.store(true, SeqCst);
        let source = format!("call {call} ({what}) was made to fail").into();
        Err(Error::Generic { store: "fault", source })
    }
}

/// An object store whose Nth call fails.
#[derive(Debug)]
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    calls: Arc<Calls>,
}

impl FaultStore {
    /// A store that only counts its calls.
    pub fn counting(inner: Arc<dyn ObjectStore>) -> (FaultStore, Arc<Calls>) {
        FaultStore::with(inner, None, Then::Recover)
    }

    /// A store whose call number `nth` (from 1) fails.
    pub fn failing(inner: Arc<dyn ObjectStore>, nth: u64, then: Then) -> (FaultStore, Arc<Calls>) {
        FaultStore::with(inner, Some(nth), then)
    }

    fn with(
        inner: Arc<dyn ObjectStore>,
        fail_at: Option<u64>,
        then: Then,
    ) -> (FaultStore, Arc<Calls>) {
        let (made, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let calls = Arc::new(Calls { made, fail_at, then, failed });
        (FaultStore { inner, calls: calls.clone() }, calls)
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failing {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.calls.call("put")?;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.calls.call("begin an upload")?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(FaultUpload { inner, calls: self.calls.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.calls.call("get")?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.calls.call("get ranges")?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let calls = self.calls.clone();
        let checked = locations.map(move |path| calls.call("delete").and(path));
        self.inner.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.calls.call("list") {
            Ok(()) => self.inner.list(prefix),
            Err(e) => stream::once(async { Err(e) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.calls.call("list")?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.calls.call("copy")?;
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    calls: Arc<Calls>,
}

#[async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.calls.call("put a part") {
            Ok(()) => self.inner.put_part(data),
            Err(e) => async { Err(e) }.boxed(),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.calls.call("complete an upload")?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.calls.call("abort an upload")?;
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
    fn the_nth_call_fails_and_then_what_was_asked_for() {
        for (then, expected) in
            [(Then::Recover, [true, false, true]), (Then::StayDown, [true, false, false])]
        {
            let (store, calls) = FaultStore::failing(Arc::new(InMemory::new()), 2, then);
            let put = |key: &str| {
                let key = Path::from(key);
                block_on(store.put(&key, PutPayload::from_static(b"x"))).is_ok()
            };
            assert_eq!([put("a"), put("b"), put("c")], expected, "{then:?}");
            assert!(calls.failed());
            assert_eq!(calls.made(), 3);
        }
    }
}
