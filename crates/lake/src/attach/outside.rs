//! What a host lends to reach beyond the database's own bucket: HTTP and stores. The binary has a
//! client and S3, a Worker `fetch` and its R2 bindings.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use object_store::ObjectStore;

use crate::error::Result;

/// The headers of every request: that JSON is wanted, and credentials for the objects of a table
/// with it (the REST catalog's OpenAPI description, `data-access`).
pub const HEADERS: [(&str, &str); 2] =
    [("accept", "application/json"), ("x-iceberg-access-delegation", "vended-credentials")];

/// An answer.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its status.
    pub status: u16,
    /// Its body, whole.
    pub body: Bytes,
}

/// The way of a host to what is outside.
pub trait Outside: Debug + Send + Sync {
    /// Answers a GET of `url` with [`HEADERS`] and, if `token` is given, the bearer token that the
    /// host keeps under that name. Bounded in time and bytes; redirects are answers, not followed:
    /// they lead out of the places that may be read.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`]: no answer; [`crate::ErrorKind::Invalid`]: the host keeps no
    /// such token.
    fn get<'a>(&'a self, url: &'a str, token: Option<&'a str>) -> BoxFuture<'a, Result<Fetched>>;

    /// The store whose root is `root`: `file:///folder`, `s3://bucket/prefix`. `name` is what the
    /// place calls it. `config` holds credentials from a catalog, under Iceberg's names
    /// (`s3.access-key-id`); without any the host uses its own.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`]: the host has no way there.
    fn store(
        &self,
        root: &str,
        name: Option<&str>,
        config: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn ObjectStore>>;
}
