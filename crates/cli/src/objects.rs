//! Where the bucket of a database is: a folder, or S3 and what speaks like it (R2). Not here: what
//! is in it (`dodb-engine`).

mod disk;
mod folder;

use std::path::Path;
use std::sync::Arc;

use dodb_engine::Bucket;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;

use crate::args::ObjectArgs;
use crate::error::{Error, Result};
use disk::DiskCache;
use folder::FolderStore;

/// The folder within a database's folder where objects are when nothing else is said.
const FOLDER: &str = "objects";
/// The folder within a database's folder that keeps what was read of objects elsewhere.
const CACHE_FOLDER: &str = "objects-cache";

/// Opens the bucket of a database. Its URL is `file:///folder` or `s3://bucket/prefix`; each
/// database has a folder of its name in it. Without one objects are beside the rows. Nothing is
/// asked of a server here.
///
/// # Errors
/// The URL is of another kind, or the folder cannot be made.
pub fn open(data: &Path, database: &str, objects: &ObjectArgs) -> Result<Bucket> {
    let Some(url) = objects.url.as_deref() else {
        return folder_bucket(&data.join(database).join(FOLDER));
    };
    if let Some(path) = url.strip_prefix("file://") {
        return folder_bucket(&Path::new(path).join(database));
    }
    let Some(place) = url.strip_prefix("s3://") else {
        return Err(Error::Failed(format!(
            "objects cannot be at {url}; it is file:///FOLDER or s3://BUCKET/PREFIX, where the \
             endpoint and keys come from AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY and AWS_REGION"
        )));
    };
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .build()
        .map_err(|e| Error::Failed(format!("objects cannot be at {url}: {e}")))?;
    let prefix = match prefix.trim_matches('/') {
        "" => database.to_owned(),
        prefix => format!("{prefix}/{database}"),
    };
    let uri = format!("s3://{bucket}/{prefix}");
    let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(store, prefix));
    let bucket = Bucket::new(store, &uri);
    let folder = data.join(database).join(CACHE_FOLDER);
    if objects.cache_bytes_max == 0 {
        DiskCache::remove(&folder);
        return Ok(bucket);
    }
    Ok(match DiskCache::open(&folder, objects.cache_bytes_max) {
        Some(cache) => bucket.with_cache(Arc::new(cache)),
        None => bucket,
    })
}

fn folder_bucket(path: &Path) -> Result<Bucket> {
    let store = FolderStore::open(path)
        .map_err(|e| Error::Failed(format!("objects cannot be in {}: {e}", path.display())))?;
    let uri = format!("file://{}", store.path().display());
    Ok(Bucket::new(Arc::new(store), &uri))
}
