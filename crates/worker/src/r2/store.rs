//! [`R2Store`]: the verbs of `object_store` over the binding. Not here: the binding's types
//! ([`super::binding`]), objects in parts ([`super::multipart`]), limits ([`super::guard`]).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use dodb_engine::{Env, Usage, UsageCounts};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use js_sys::{Array, Promise, Uint8Array};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::send::{SendFuture, SendWrapper};

use super::binding::{self, Body, Bucket, Reader, Upload, field, object};
use super::guard::Guard;
use super::multipart::R2Upload;

/// Keys of one page of a listing, and of one delete: R2's most.
const KEYS_MAX: usize = 1_000;
/// A copy of more than this goes in parts of this size.
const COPY_PART_BYTES: usize = 8 << 20;

/// A bucket.
#[derive(Clone)]
pub struct R2Store {
    client: Arc<Client>,
}

/// The binding behind its limits and its meter.
pub(super) struct Client {
    bucket: SendWrapper<Bucket>,
    pub(super) guard: Guard,
    usage: Usage,
}

impl R2Store {
    /// The bucket of a binding.
    pub fn new(bucket: &JsValue, env: Arc<dyn Env>) -> R2Store {
        let bucket = SendWrapper(bucket.clone().unchecked_into());
        let client = Client { bucket, guard: Guard::new(env), usage: Usage::default() };
        R2Store { client: Arc::new(client) }
    }

    /// Another invocation begins: its subrequests are counted from none.
    pub fn begin(&self) {
        self.client.guard.begin();
    }

    /// Lets tests write a key more often than once a second.
    #[cfg(feature = "testing")]
    pub(crate) fn write_freely(&self) {
        self.client.guard.write_freely();
    }

    /// What Cloudflare has billed: operations of class A as puts, of class B as gets.
    pub fn usage(&self) -> UsageCounts {
        self.client.usage.counts()
    }
}

impl Client {
    /// An operation of class B.
    async fn call_get(
        &self,
        key: &str,
        call: impl FnOnce() -> Result<Promise, JsValue>,
    ) -> Result<JsValue> {
        self.usage.add(UsageCounts { object_gets: 1, ..UsageCounts::default() });
        self.call_free(key, call).await
    }

    /// An operation of class A that sends `bytes`.
    pub(super) async fn call_put(
        &self,
        key: &str,
        bytes: usize,
        call: impl FnOnce() -> Result<Promise, JsValue>,
    ) -> Result<JsValue> {
        let object_bytes = bytes as u64;
        self.usage.add(UsageCounts { object_puts: 1, object_bytes, ..UsageCounts::default() });
        self.call_free(key, call).await
    }

    /// An operation that is not billed.
    pub(super) async fn call_free(
        &self,
        key: &str,
        call: impl FnOnce() -> Result<Promise, JsValue>,
    ) -> Result<JsValue> {
        let permit = self.guard.admit().await.map_err(|e| error(key, &e.to_string()))?;
        let promise = call().map_err(|e| exception(key, &e))?;
        let answer = JsFuture::from(promise).await.map_err(|e| exception(key, &e));
        drop(permit);
        answer
    }

    /// Sends bytes, copied once into JavaScript's memory.
    pub(super) async fn send(
        &self,
        key: &str,
        bytes: &Bytes,
        call: impl FnOnce(&Uint8Array) -> Result<Promise, JsValue>,
    ) -> Result<JsValue> {
        let value = Uint8Array::from(bytes.as_ref());
        self.call_put(key, bytes.len(), || call(&value)).await
    }

    async fn put(&self, key: &str, bytes: Bytes, options: PutOptions) -> Result<PutResult> {
        let wanted = js_sys::Object::new();
        binding::with_attributes(&wanted, &options.attributes).map_err(|e| unknown(&e))?;
        refuse_tags(&options.tags)?;
        let condition = match &options.mode {
            PutMode::Overwrite => None,
            PutMode::Create => Some(("etagDoesNotMatch", "*".to_owned())),
            PutMode::Update(version) => {
                let Some(etag) = &version.e_tag else {
                    return Err(error(key, "an update needs the ETag that it replaces"));
                };
                Some(("etagMatches", etag.clone()))
            }
        };
        if let Some((name, etag)) = &condition {
            let condition = object(&[(name, JsValue::from_str(etag))]);
            let _ = js_sys::Reflect::set(&wanted, &JsValue::from_str("onlyIf"), &condition);
        }
        self.guard.write(key).map_err(|e| error(key, &e.to_string()))?;
        let bucket = &self.bucket;
        let found = self.send(key, &bytes, |value| bucket.put(key, value, &wanted)).await?;
        if found.is_null() {
            let path = key.to_owned();
            return Err(match options.mode {
                PutMode::Create => {
                    Error::AlreadyExists { path, source: "there is an object".into() }
                }
                _ => Error::Precondition { path, source: "it is another object by now".into() },
            });
        }
        Ok(binding::put_result(&found))
    }

    async fn get(self: Arc<Self>, key: String, options: GetOptions) -> Result<GetResult> {
        if options.version.is_some() {
            return Err(unknown("a version of an object"));
        }
        if let Some(range) = &options.range {
            // What R2 would not refuse: an empty range, one that ends before it begins.
            range.is_valid().map_err(|e| error(&key, &e.to_string()))?;
        }
        let found = match options.head {
            true => self.call_get(&key, || self.bucket.head(&key)).await?,
            false => {
                let range = binding::range(options.range.as_ref());
                self.call_get(&key, || self.bucket.get(&key, &range)).await?
            }
        };
        if found.is_null() {
            let source = "there is no such object in the bucket".into();
            return Err(Error::NotFound { path: key, source });
        }
        let Some(meta) = binding::meta(&found) else {
            return Err(error(&key, "R2 answered something that is no object"));
        };
        let body = field(&found, "body");
        let body: Option<Body> = body.is_object().then(|| body.unchecked_into());
        if let Err(e) = options.check_preconditions(&meta) {
            if let Some(Ok(promise)) = body.as_ref().map(Body::cancel) {
                // Whether it could be cancelled: nobody reads it.
                let _ = JsFuture::from(promise).await;
            }
            return Err(e);
        }
        let range = match &options.range {
            None => 0..meta.size,
            Some(range) => range.as_range(meta.size).map_err(|e| error(&key, &e.to_string()))?,
        };
        let attributes = binding::attributes(&found);
        let payload = match body {
            Some(body) if !options.head => self.stream(key, body)?,
            _ => stream::empty().boxed(),
        };
        Ok(GetResult { payload: GetResultPayload::Stream(payload), meta, range, attributes })
    }

    /// The chunks of a body as they arrive.
    fn stream(
        self: Arc<Self>,
        key: String,
        body: Body,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let reader = body.get_reader().map_err(|e| exception(&key, &e))?;
        let state = (self, key, SendWrapper(reader));
        let next = |(client, key, reader): (Arc<Client>, String, SendWrapper<Reader>)| {
            SendFuture::new(async move {
                let promise = reader.read().map_err(|e| exception(&key, &e))?;
                let step = JsFuture::from(promise).await.map_err(|e| exception(&key, &e))?;
                if field(&step, "done").is_truthy() {
                    return Ok(None);
                }
                let chunk = Uint8Array::new(&field(&step, "value")).to_vec();
                let object_bytes = chunk.len() as u64;
                client.usage.add(UsageCounts { object_bytes, ..UsageCounts::default() });
                Ok(Some((Bytes::from(chunk), (client, key, reader))))
            })
        };
        Ok(stream::try_unfold(state, next).boxed())
    }

    /// A page of a listing: what it has, the common prefixes, where to go on.
    async fn list_page(&self, page: &Page) -> Result<(ListResult, Option<String>)> {
        let mut wanted = vec![
            ("prefix", JsValue::from_str(&page.prefix)),
            ("limit", JsValue::from_f64(KEYS_MAX as f64)),
        ];
        if page.is_folder {
            wanted.push(("delimiter", JsValue::from_str("/")));
        }
        if let Some(cursor) = &page.cursor {
            wanted.push(("cursor", JsValue::from_str(cursor)));
        } else if let Some(offset) = &page.offset {
            wanted.push(("startAfter", JsValue::from_str(offset)));
        }
        let wanted = object(&wanted);
        let found = self.call_put(&page.prefix, 0, || self.bucket.list(&wanted)).await?;
        let objects = Array::from(&field(&found, "objects"));
        let prefixes = Array::from(&field(&found, "delimitedPrefixes"));
        let path = |text: JsValue| text.as_string().and_then(|text| Path::parse(text).ok());
        let result = ListResult {
            objects: objects.iter().filter_map(|found| binding::meta(&found)).collect(),
            common_prefixes: prefixes.iter().filter_map(path).collect(),
        };
        let cursor = field(&found, "truncated").is_truthy().then(|| field(&found, "cursor"));
        Ok((result, cursor.and_then(|cursor| cursor.as_string())))
    }

    fn list(self: Arc<Self>, page: Page) -> BoxStream<'static, Result<ObjectMeta>> {
        let next = |state: Option<(Arc<Client>, Page)>| {
            SendFuture::new(async move {
                let Some((client, mut page)) = state else { return Ok::<_, Error>(None) };
                let (found, cursor) = client.list_page(&page).await?;
                let rest = cursor.map(|cursor| {
                    page.cursor = Some(cursor);
                    (client, page)
                });
                Ok(Some((stream::iter(found.objects.into_iter().map(Ok)), rest)))
            })
        };
        stream::try_unfold(Some((self, page)), next).try_flatten().boxed()
    }

    async fn delete(&self, paths: &[Path]) -> Result<()> {
        let keys: Array = paths.iter().map(|path| JsValue::from_str(path.as_ref())).collect();
        let first = paths.first().map(Path::to_string).unwrap_or_default();
        self.call_free(&first, || self.bucket.delete(&keys)).await.map(|_| ())
    }

    async fn begin_upload(
        self: Arc<Self>,
        key: String,
        options: PutMultipartOptions,
    ) -> Result<R2Upload> {
        let wanted = js_sys::Object::new();
        binding::with_attributes(&wanted, &options.attributes).map_err(|e| unknown(&e))?;
        refuse_tags(&options.tags)?;
        let begun = self.call_put(&key, 0, || self.bucket.create_multipart_upload(&key, &wanted));
        let upload: Upload = begun.await?.unchecked_into();
        Ok(R2Upload::new(self, upload, key))
    }
}

/// Where a listing is.
struct Page {
    prefix: String,
    is_folder: bool,
    offset: Option<String>,
    cursor: Option<String>,
}

impl Page {
    fn first(prefix: Option<&Path>, is_folder: bool, offset: Option<&Path>) -> Page {
        // A prefix is a folder: `a/b` is not in `a/bc`.
        let prefix = prefix.map(Path::as_ref).filter(|prefix| !prefix.is_empty());
        Page {
            prefix: prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default(),
            is_folder,
            offset: offset.map(Path::to_string),
            cursor: None,
        }
    }
}

#[async_trait]
impl ObjectStore for R2Store {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let bytes = Bytes::from(payload);
        SendFuture::new(self.client.put(location.as_ref(), bytes, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.client.clone().begin_upload(location.to_string(), options);
        Ok(Box::new(SendFuture::new(begun).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        SendFuture::new(self.client.clone().get(location.to_string(), options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let client = self.client.clone();
        let delete = move |paths: Vec<Result<Path>>| {
            let client = client.clone();
            SendFuture::new(async move {
                let paths = paths.into_iter().collect::<Result<Vec<_>>>()?;
                client.delete(&paths).await?;
                Ok::<_, Error>(stream::iter(paths.into_iter().map(Ok)))
            })
        };
        locations.chunks(KEYS_MAX).then(delete).try_flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.client.clone().list(Page::first(prefix, false, None))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.client.clone().list(Page::first(prefix, false, Some(offset)))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut page = Page::first(prefix, true, None);
        let mut all = ListResult { objects: Vec::new(), common_prefixes: Vec::new() };
        loop {
            let (found, cursor) = SendFuture::new(self.client.list_page(&page)).await?;
            all.objects.extend(found.objects);
            all.common_prefixes.extend(found.common_prefixes);
            match cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(all),
            }
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let found = self.get(from).await?;
        let is_new = options.mode == CopyMode::Create;
        let attributes = found.attributes.clone();
        if found.meta.size <= COPY_PART_BYTES as u64 {
            let mode = if is_new { PutMode::Create } else { PutMode::Overwrite };
            let options = PutOptions { mode, attributes, ..PutOptions::default() };
            let bytes = found.bytes().await?;
            return self.put_opts(to, bytes.into(), options).await.map(|_| ());
        }
        if is_new {
            return Err(unknown("a copy of a large object that may not replace another"));
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let mut upload = self.put_multipart_opts(to, options).await?;
        let mut chunks = found.into_stream();
        let mut part = Vec::with_capacity(COPY_PART_BYTES);
        while let Some(chunk) = chunks.next().await {
            let mut rest = chunk?;
            while part.len() + rest.len() >= COPY_PART_BYTES {
                part.extend_from_slice(&rest.split_to(COPY_PART_BYTES - part.len()));
                let whole = std::mem::replace(&mut part, Vec::with_capacity(COPY_PART_BYTES));
                upload.put_part(whole.into()).await?;
            }
            part.extend_from_slice(&rest);
        }
        if !part.is_empty() {
            upload.put_part(part.into()).await?;
        }
        upload.complete().await.map(|_| ())
    }
}

impl fmt::Display for R2Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("R2")
    }
}

impl fmt::Debug for R2Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("R2Store")
    }
}

fn refuse_tags(tags: &object_store::TagSet) -> Result<()> {
    if tags.encoded().is_empty() { Ok(()) } else { Err(unknown("a tag")) }
}

/// What R2 does not have.
fn unknown(what: &str) -> Error {
    Error::NotSupported { source: format!("R2 has no place for {what}; leave it out").into() }
}

pub(super) fn error(key: &str, message: &str) -> Error {
    Error::Generic { store: "R2", source: format!("{key}: {message}").into() }
}

fn exception(key: &str, exception: &JsValue) -> Error {
    let message = match exception.dyn_ref::<js_sys::Error>() {
        Some(e) => String::from(e.message()),
        None => format!("{exception:?}"),
    };
    error(key, &message)
}
