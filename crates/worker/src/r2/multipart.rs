//! Objects put in parts. R2 wants every part but the last to be of one size and 5 MiB at least; it
//! says so when they are put together. Not here: whole objects ([`super::store`]).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use js_sys::Array;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use parking_lot::Mutex;
use wasm_bindgen::prelude::*;
use worker::send::{SendFuture, SendWrapper};

use super::binding::{self, Upload};
use super::store::{Client, error};

/// An upload under way.
pub(super) struct R2Upload {
    client: Arc<Client>,
    upload: SendWrapper<Upload>,
    key: String,
    /// Parts by number; `None` until R2 has them.
    parts: Arc<Mutex<Vec<Option<SendWrapper<JsValue>>>>>,
}

impl R2Upload {
    pub(super) fn new(client: Arc<Client>, upload: Upload, key: String) -> R2Upload {
        R2Upload { client, upload: SendWrapper(upload), key, parts: Arc::default() }
    }

    /// The parts in order.
    fn uploaded(&self) -> Result<Array> {
        let parts = self.parts.lock();
        let out = Array::new();
        for part in parts.iter() {
            let Some(part) = part else {
                let what = format!("a part of {} has not arrived; wait for all of them", self.key);
                return Err(Error::Generic { store: "R2", source: what.into() });
            };
            out.push(&part.0);
        }
        Ok(out)
    }
}

impl fmt::Debug for R2Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R2Upload({})", self.key)
    }
}

#[async_trait]
impl MultipartUpload for R2Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let mut parts = self.parts.lock();
        parts.push(None);
        let number = parts.len();
        drop(parts);
        let (client, upload) = (self.client.clone(), self.upload.clone());
        let (parts, key) = (self.parts.clone(), self.key.clone());
        Box::pin(SendFuture::new(async move {
            let bytes = Bytes::from(data);
            let promise = |value: &_| upload.upload_part(number as u32, value);
            let part = client.send(&key, &bytes, promise).await?;
            if let Some(place) = parts.lock().get_mut(number - 1) {
                *place = Some(SendWrapper(part));
            }
            Ok(())
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (client, upload) = (self.client.clone(), self.upload.clone());
        let parts = SendWrapper(self.uploaded()?);
        client.guard.write(&self.key).map_err(|e| error(&self.key, &e.to_string()))?;
        let key = self.key.clone();
        SendFuture::new(async move {
            let found = client.call_put(&key, 0, || upload.complete(&parts)).await?;
            Ok(binding::put_result(&found))
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        let (client, upload, key) = (self.client.clone(), self.upload.clone(), self.key.clone());
        SendFuture::new(async move { client.call_free(&key, || upload.abort()).await.map(|_| ()) })
            .await
    }
}
