//! Between JavaScript's requests and responses and those of the server, which are plain values.
//! Not here: what is answered.

use bytes::Bytes;
use dodb_server::{Error, Response};
use futures::StreamExt;
use http::StatusCode;

/// A request of the runtime without its body, and the body where it is wanted.
pub(crate) fn head(request: &worker::Request) -> Result<http::request::Parts, Error> {
    let refused = |message| Error::Request { status: StatusCode::BAD_REQUEST, message };
    let url = request.url().map_err(|e| refused(format!("the URL cannot be read: {e}")))?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut head = http::Request::builder().method(request.method().as_ref()).uri(target);
    for (name, value) in request.headers() {
        head = head.header(name, value);
    }
    let head = head.body(()).map_err(|e| refused(format!("the request cannot be read: {e}")))?;
    Ok(head.into_parts().0)
}

/// The whole body, if it has at most `bytes_max` bytes.
pub(crate) async fn body(request: &mut worker::Request, bytes_max: usize) -> Result<Bytes, Error> {
    let too_long = || {
        let message = format!("the body has more than {bytes_max} bytes; send it in pieces");
        Error::Request { status: StatusCode::PAYLOAD_TOO_LARGE, message }
    };
    let broken = |e: worker::Error| {
        let message = format!("the body of the request broke off: {e}");
        Error::Request { status: StatusCode::BAD_REQUEST, message }
    };
    let length = request.headers().get("content-length").ok().flatten();
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > bytes_max) {
        return Err(too_long());
    }
    if request.inner().body().is_none() {
        return Ok(Bytes::new());
    }
    let mut chunks = request.stream().map_err(broken)?;
    let mut whole = Vec::with_capacity(length.unwrap_or_default());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(broken)?;
        if whole.len().saturating_add(chunk.len()) > bytes_max {
            return Err(too_long());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(whole))
}

/// The response as the runtime wants it.
pub(crate) fn response(response: Response) -> worker::Result<worker::Response> {
    let (head, body) = response.into_parts();
    let headers = worker::Headers::new();
    for (name, value) in &head.headers {
        let value = value.to_str().map_err(|e| worker::Error::RustError(e.to_string()))?;
        headers.append(name.as_str(), value)?;
    }
    let response = worker::Response::from_bytes(body.into())?;
    Ok(response.with_status(head.status.as_u16()).with_headers(headers))
}
