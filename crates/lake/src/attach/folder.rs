//! Tables in a folder without a catalog: each is a folder that has `metadata/*.metadata.json`, the
//! newest of which counts, as engines without a catalog write them.

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{Error, Result};
use crate::store::Bucket;

/// Folders below one another that are looked into.
const DEPTH_MAX: usize = 4;
/// Folders that are looked into.
const FOLDERS_MAX: usize = 1_000;
const METADATA: &str = ".metadata.json";

/// The names of the tables in a bucket; one in its root has the name of the root.
pub(super) async fn tables(bucket: &Bucket) -> Result<Vec<String>> {
    let mut open = vec![(Path::default(), 0)];
    let mut looked = 0;
    let mut tables = Vec::new();
    while let Some((folder, depth)) = open.pop() {
        looked += 1;
        if looked > FOLDERS_MAX {
            let message = format!("there are more than {FOLDERS_MAX} folders; attach one of them");
            return Err(Error::unsupported(message).of_object(bucket.uri()));
        }
        let listed = bucket.store().list_with_delimiter(Some(&folder)).await;
        let listed = listed.map_err(|e| Error::of_store(e, bucket.uri()))?;
        let names: Vec<&str> =
            listed.common_prefixes.iter().filter_map(|inner| inner.filename()).collect();
        if names.contains(&"metadata") {
            let parts: Vec<_> = folder.parts().collect();
            let name = parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>().join(".");
            tables.push(if name.is_empty() { own_name(bucket).to_owned() } else { name });
        } else if depth < DEPTH_MAX {
            open.extend(listed.common_prefixes.into_iter().map(|inner| (inner, depth + 1)));
        }
    }
    tables.sort();
    Ok(tables)
}

/// Where the newest metadata of a table is; `None`: there is none.
pub(super) async fn find(bucket: &Bucket, name: &str) -> Result<Option<String>> {
    let mut folders = vec![name.to_owned(), name.replace('.', "/")];
    folders.dedup();
    if name == own_name(bucket) {
        folders.push(String::new());
    }
    for folder in folders {
        let Ok(path) = Path::parse(format!("{folder}/metadata").trim_start_matches('/')) else {
            continue;
        };
        if let Some(newest) = newest(bucket, &path).await? {
            return Ok(Some(bucket.uri_of(&newest)));
        }
    }
    Ok(None)
}

fn own_name(bucket: &Bucket) -> &str {
    bucket.uri().rsplit('/').next().unwrap_or_default()
}

/// The metadata with the highest version; of those the one that was written last.
async fn newest(bucket: &Bucket, folder: &Path) -> Result<Option<Path>> {
    let listed: Vec<_> = bucket
        .store()
        .list(Some(folder))
        .try_collect()
        .await
        .map_err(|e| Error::of_store(e, bucket.uri()))?;
    let versions = listed.into_iter().filter_map(|object| {
        let name = object.location.filename()?.strip_suffix(METADATA)?;
        let version = name.split('-').next()?.trim_start_matches('v').parse::<u64>().ok();
        Some(((version, object.last_modified), object.location))
    });
    Ok(versions.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, location)| location))
}
