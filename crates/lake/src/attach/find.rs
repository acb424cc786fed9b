//! What is attached, and its tables: listed, and found by name.

use std::collections::BTreeMap;

use super::outside::Outside;
use super::places::Places;
use super::rest::RestCatalog;
use super::{folder, places};
use crate::error::{Error, Result};
use crate::store::Bucket;

/// A catalog or a folder that is read as a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A catalog over HTTP: `https://host/path`. A folder: `s3://bucket/prefix`, `file:///folder`.
    pub uri: String,
    /// Which of a catalog's warehouses.
    pub warehouse: Option<String>,
}

/// A table that was found.
#[derive(Debug)]
pub struct FoundTable {
    /// Where its metadata is.
    pub metadata_location: String,
    /// The metadata, where the catalog gave it: JSON.
    pub metadata: Option<Vec<u8>>,
    /// Where its objects are.
    pub bucket: Bucket,
}

impl Attachment {
    fn is_catalog(&self) -> bool {
        self.uri.starts_with("http://") || self.uri.starts_with("https://")
    }

    /// Whether it may be read, without asking it for anything.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: it is in none of the places; a folder has a warehouse.
    pub fn check(&self, places: &Places) -> Result<()> {
        places.find(&self.uri)?;
        if self.warehouse.is_some() && !self.is_catalog() {
            let message = "a folder has no warehouse; name the folder only";
            return Err(Error::invalid(message).of_object(&self.uri));
        }
        Ok(())
    }

    /// The names of its tables: `namespace.table`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: it may not be read; what the catalog or the store says.
    pub async fn tables(&self, places: &Places, outside: &dyn Outside) -> Result<Vec<String>> {
        let place = places.find(&self.uri)?;
        if self.is_catalog() {
            let warehouse = self.warehouse.as_deref();
            return RestCatalog::open(outside, place, &self.uri, warehouse).await?.tables().await;
        }
        folder::tables(&self.folder(place, outside)?).await
    }

    /// A table by its name; one without a namespace is looked for in all of them. `None`: there is
    /// none.
    ///
    /// # Errors
    /// As [`Attachment::tables`]; and the name is in several namespaces.
    pub async fn find(
        &self,
        name: &str,
        places: &Places,
        outside: &dyn Outside,
    ) -> Result<Option<FoundTable>> {
        let place = places.find(&self.uri)?;
        if !self.is_catalog() {
            let bucket = self.folder(place, outside)?;
            let found = folder::find(&bucket, name).await?;
            return Ok(found.map(|metadata_location| FoundTable {
                metadata_location,
                metadata: None,
                bucket,
            }));
        }
        let warehouse = self.warehouse.as_deref();
        let catalog = RestCatalog::open(outside, place, &self.uri, warehouse).await?;
        let name = match name.contains('.') {
            true => name.to_owned(),
            false => match in_any_namespace(&catalog.tables().await?, name)? {
                Some(name) => name,
                None => return Ok(None),
            },
        };
        let Some(loaded) = catalog.load(&name).await? else { return Ok(None) };
        let bucket = bucket_of(&loaded.metadata_location, &loaded.config, places, outside)?;
        Ok(Some(FoundTable {
            metadata_location: loaded.metadata_location,
            metadata: Some(loaded.metadata),
            bucket,
        }))
    }

    fn folder(&self, place: &places::Place, outside: &dyn Outside) -> Result<Bucket> {
        let store = outside.store(&self.uri, place.name.as_deref(), &BTreeMap::new())?;
        Ok(Bucket::new(store, &self.uri))
    }
}

fn in_any_namespace(tables: &[String], name: &str) -> Result<Option<String>> {
    let is_it = |table: &&String| table.rsplit('.').next() == Some(name);
    let found: Vec<&String> = tables.iter().filter(is_it).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        [one, other, ..] => Err(Error::invalid(format!(
            "there are several tables {name}: {one}, {other}; name one with its namespace"
        ))),
    }
}

/// Where the objects of a catalog's table are: with the credentials that came with it all of its
/// bucket, else the place that it is in.
fn bucket_of(
    location: &str,
    config: &BTreeMap<String, String>,
    places: &Places,
    outside: &dyn Outside,
) -> Result<Bucket> {
    let is_given = config.contains_key("s3.access-key-id");
    let bucket = location.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    if let Some(bucket) = bucket.filter(|bucket| is_given && !bucket.is_empty()) {
        let root = format!("s3://{bucket}");
        // A place may have a way of its own to the same bucket.
        let name = places.find(&root).ok().and_then(|place| place.name.as_deref());
        return Ok(Bucket::new(outside.store(&root, name, config)?, &root));
    }
    let place = places.find(location)?;
    let store = outside.store(&place.uri, place.name.as_deref(), &BTreeMap::new())?;
    Ok(Bucket::new(store, &place.uri))
}
