//! How a Worker reaches catalogs and buckets that are attached: `fetch`, and bindings of R2
//! buckets. Tokens are secrets of the Worker. Not here: what may be reached (`dodb-engine`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dodb_engine::AttachOptions;
use dodb_engine::outside::{Error, ErrorKind, Fetched, HEADERS, Outside, Places};
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use worker::send::{SendFuture, SendWrapper};
use worker::{AbortController, Delay, Env, Fetch, Method, Request, RequestInit, RequestRedirect};

use crate::env::WorkerEnv;
use crate::r2::R2Store;

/// The variable that lists what may be attached: `URI` or `URI=NAME`, separated by commas. The name
/// is that of the secret with a catalog's token, or of the binding of a bucket.
pub(crate) const PLACES: &str = "DODB_ATTACH";
/// A request takes no longer.
const SECONDS_MAX: Duration = Duration::from_secs(30);
/// The longest answer of a catalog: an isolate has 128 MB.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Files of an attached table.
const FILES_MAX: usize = 5_000;

/// The way of a Worker.
struct Bindings(SendWrapper<Env>);

impl std::fmt::Debug for Bindings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bindings")
    }
}

/// What may be attached.
///
/// # Errors
/// The variable is wrong.
pub(crate) fn options(env: &Env) -> Result<AttachOptions, dodb_engine::Error> {
    let places = env.var(PLACES).map(|places| places.to_string()).unwrap_or_default();
    Ok(AttachOptions {
        places: Places::parse(&places)?,
        outside: Some(Arc::new(Bindings(SendWrapper(env.clone())))),
        files_max: FILES_MAX,
    })
}

impl Bindings {
    fn token(&self, name: &str) -> Result<String, Error> {
        let secret = self.0.secret(name).map(|secret| secret.to_string());
        let found = secret.or_else(|_| self.0.var(name).map(|var| var.to_string()));
        found.map_err(|_| {
            let message = format!("the Worker has no secret {name} with the catalog's token");
            Error::new(ErrorKind::Invalid, message)
        })
    }

    async fn fetch(&self, url: &str, token: Option<String>) -> worker::Result<Fetched> {
        let mut init = RequestInit::new();
        init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
        for (name, value) in HEADERS {
            init.headers.set(name, value)?;
        }
        if let Some(token) = token {
            init.headers.set("authorization", &format!("Bearer {token}"))?;
        }
        let request = Request::new_with_init(url, &init)?;
        let abort = AbortController::default();
        let signal = abort.signal();
        let asked = async {
            let fetch = Fetch::Request(request);
            let mut answer = fetch.send_with_signal(&signal).await?;
            let body = answer.bytes().await?;
            Ok(Fetched { status: answer.status_code(), body: body.into() })
        };
        let late = Delay::from(SECONDS_MAX);
        let first = select(asked.boxed_local(), late.boxed_local()).await;
        let answer: worker::Result<Fetched> = match first {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                abort.abort();
                Err(worker::Error::RustError(format!("nothing came in {SECONDS_MAX:?}")))
            }
        };
        answer.and_then(|answer| match answer.body.len() {
            bytes if bytes > BODY_BYTES_MAX => Err(worker::Error::RustError(format!(
                "{bytes} bytes came, {BODY_BYTES_MAX} are taken"
            ))),
            _ => Ok(answer),
        })
    }
}

impl Outside for Bindings {
    fn get<'a>(
        &'a self,
        url: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Fetched, Error>> {
        Box::pin(SendFuture::new(async move {
            let token = token.map(|name| self.token(name)).transpose()?;
            self.fetch(url, token).await.map_err(|e| {
                Error::new(ErrorKind::Storage, format!("no answer: {e}")).of_object(url)
            })
        }))
    }

    fn store(
        &self,
        root: &str,
        name: Option<&str>,
        _config: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let refuse =
            |message: String| Err(Error::new(ErrorKind::Unsupported, message).of_object(root));
        let Some(place) = root.strip_prefix("s3://") else {
            return refuse("a Worker has no files".to_owned());
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let Some(name) = name else {
            return refuse(format!(
                "a Worker reads R2 through bindings only: bind the bucket, and say which binding \
                 it is in {PLACES}, as s3://{bucket}=BINDING"
            ));
        };
        let Ok(binding) = self.0.bucket(name) else {
            return refuse(format!("the Worker has no binding {name} of a bucket"));
        };
        let store = R2Store::new(binding.as_ref(), Arc::new(WorkerEnv));
        Ok(match prefix {
            "" => Arc::new(store),
            prefix => Arc::new(PrefixStore::new(store, prefix)),
        })
    }
}
