//! The R2 binding's own interface, every call of it caught, and its options and objects as Rust
//! values. `worker` wraps it too, but unwraps what it reads. Not here: what `object_store` makes of
//! it ([`super::store`]).

use chrono::{DateTime, Utc};
use js_sys::{Array, Date, Object, Promise, Reflect, Uint8Array};
use object_store::path::Path;
use object_store::{Attribute, Attributes, GetRange, ObjectMeta, PutResult};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `R2Bucket`.
    #[derive(Clone)]
    pub(super) type Bucket;

    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &Bucket, key: &str, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn head(this: &Bucket, key: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn put(
        this: &Bucket,
        key: &str,
        value: &Uint8Array,
        options: &Object,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn delete(this: &Bucket, keys: &Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn list(this: &Bucket, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = createMultipartUpload)]
    pub(super) fn create_multipart_upload(
        this: &Bucket,
        key: &str,
        options: &Object,
    ) -> Result<Promise, JsValue>;

    /// `R2MultipartUpload`.
    #[derive(Clone)]
    pub(super) type Upload;

    #[wasm_bindgen(method, catch, js_name = uploadPart)]
    pub(super) fn upload_part(
        this: &Upload,
        number: u32,
        value: &Uint8Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn complete(this: &Upload, parts: &Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn abort(this: &Upload) -> Result<Promise, JsValue>;

    /// `ReadableStream`.
    pub(super) type Body;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    pub(super) fn get_reader(this: &Body) -> Result<Reader, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn cancel(this: &Body) -> Result<Promise, JsValue>;

    /// `ReadableStreamDefaultReader`.
    pub(super) type Reader;

    #[wasm_bindgen(method, catch)]
    pub(super) fn read(this: &Reader) -> Result<Promise, JsValue>;
}

/// An object with these fields.
pub(super) fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // Only a frozen object or a proxy refuses, and this one is neither.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}

/// A field, `undefined` if it is not there.
pub(super) fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// R2's `range`; `None` asks for all of it.
pub(super) fn range(range: Option<&GetRange>) -> Object {
    let number = |n: u64| JsValue::from_f64(n as f64);
    let range = match range {
        None => return Object::new(),
        Some(GetRange::Bounded(r)) => object(&[
            ("offset", number(r.start)),
            ("length", number(r.end.saturating_sub(r.start))),
        ]),
        Some(GetRange::Offset(offset)) => object(&[("offset", number(*offset))]),
        Some(GetRange::Suffix(length)) => object(&[("suffix", number(*length))]),
    };
    object(&[("range", range.into())])
}

/// An `R2Object` as `object_store` describes objects; `None` if it is none.
pub(super) fn meta(found: &JsValue) -> Option<ObjectMeta> {
    let text = |name| field(found, name).as_string();
    let uploaded: Date = field(found, "uploaded").dyn_into().ok()?;
    Some(ObjectMeta {
        location: Path::parse(text("key")?).ok()?,
        last_modified: DateTime::<Utc>::from_timestamp_millis(uploaded.get_time() as i64)?,
        size: field(found, "size").as_f64()? as u64,
        e_tag: text("etag"),
        version: None,
    })
}

/// What a put answered. R2 names a version, but none can be asked for: an ETag is all there is.
pub(super) fn put_result(found: &JsValue) -> PutResult {
    PutResult { e_tag: field(found, "etag").as_string(), version: None }
}

/// What R2 keeps under which name of `httpMetadata`.
const HTTP: [(&str, Attribute); 5] = [
    ("contentType", Attribute::ContentType),
    ("cacheControl", Attribute::CacheControl),
    ("contentDisposition", Attribute::ContentDisposition),
    ("contentEncoding", Attribute::ContentEncoding),
    ("contentLanguage", Attribute::ContentLanguage),
];

/// The attributes of an `R2Object`.
pub(super) fn attributes(found: &JsValue) -> Attributes {
    let mut out = Attributes::new();
    let http = field(found, "httpMetadata");
    for (name, attribute) in HTTP {
        if let Some(value) = field(&http, name).as_string() {
            out.insert(attribute, value.into());
        }
    }
    if let Some(custom) = field(found, "customMetadata").dyn_ref::<Object>() {
        for entry in Object::entries(custom).iter() {
            let entry = Array::from(&entry);
            if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string())
            {
                out.insert(Attribute::Metadata(name.into()), value.into());
            }
        }
    }
    out
}

/// `httpMetadata`, `customMetadata` and `storageClass` for a put. `Err` names an attribute that R2
/// has no place for.
pub(super) fn with_attributes(options: &Object, attributes: &Attributes) -> Result<(), String> {
    let (http, custom) = (Object::new(), Object::new());
    let set = |object: &Object, name: &str, value: &str| {
        let _ = Reflect::set(object, &JsValue::from_str(name), &JsValue::from_str(value));
    };
    for (attribute, value) in attributes {
        match (attribute, HTTP.iter().find(|(_, known)| known == attribute)) {
            (_, Some((name, _))) => set(&http, name, value),
            (Attribute::Metadata(name), _) => set(&custom, name, value),
            (Attribute::StorageClass, _) => set(options, "storageClass", value),
            (other, _) => return Err(format!("{other:?}")),
        }
    }
    let _ = Reflect::set(options, &JsValue::from_str("httpMetadata"), &http);
    let _ = Reflect::set(options, &JsValue::from_str("customMetadata"), &custom);
    Ok(())
}
