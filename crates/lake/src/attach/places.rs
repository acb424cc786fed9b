//! Places that may be read, as the operator of a database lists them: whoever may send SQL may not
//! by that reach every host, or every file, that the database's process can.

use crate::error::{Error, Result};

/// A place, and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `https://host/path`, `s3://bucket/prefix` or `file:///folder`, without a slash at its end.
    pub uri: String,
    /// What the host calls what it takes to get there: a catalog's token, a bucket's binding.
    pub name: Option<String>,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(Vec<Place>);

const SCHEMES: [&str; 4] = ["https://", "http://", "s3://", "file:///"];

impl Places {
    /// Reads `URI` or `URI=NAME`, separated by commas.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: one is not a place.
    pub fn parse(text: &str) -> Result<Places> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let places = entries.map(|entry| {
            let (uri, name) = match entry.rsplit_once('=') {
                Some((uri, name)) => (uri, Some(name)),
                None => (entry, None),
            };
            let uri = uri.trim_end_matches('/');
            let is_name = |name: &str| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            };
            if name.is_some_and(|name| !is_name(name)) {
                let message = "the name behind `=` has letters, digits and _ only";
                return Err(Error::invalid(message).of_object(uri));
            }
            check(uri)?;
            Ok(Place { uri: uri.to_owned(), name: name.map(str::to_owned) })
        });
        places.collect::<Result<_>>().map(Places)
    }

    /// The place that `uri` is in: the deepest, where one is within another.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: it is in none.
    pub fn find(&self, uri: &str) -> Result<&Place> {
        check(uri)?;
        let uri = uri.trim_end_matches('/');
        let holds = |place: &&Place| {
            let below = uri.strip_prefix(&place.uri);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        let found = self.0.iter().filter(holds).max_by_key(|place| place.uri.len());
        found.ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|place| place.uri.as_str()).collect();
            let known = match known.is_empty() {
                true => "nothing is".to_owned(),
                false => format!("only what is below {} is", known.join(", ")),
            };
            let message = format!(
                "it may not be read from here: {known}; whoever runs dodb adds it to --attach or \
                 DODB_ATTACH"
            );
            Error::invalid(message).of_object(uri)
        })
    }
}

/// Is it a URI that means the same to everybody? No dots that lead up, no escapes, no query.
fn check(uri: &str) -> Result<()> {
    let refuse = |message: String| Err(Error::invalid(message).of_object(uri));
    let Some(scheme) = SCHEMES.into_iter().find(|scheme| uri.starts_with(scheme)) else {
        return refuse("a place begins with https://, http://, s3:// or file:///".to_owned());
    };
    let rest = uri.get(scheme.len()..).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') {
        return refuse("a place names a host, a bucket or a folder".to_owned());
    }
    let is_odd = |c: char| c.is_control() || matches!(c, '?' | '#' | '%' | '@' | '\\' | ' ');
    if let Some(odd) = rest.chars().find(|c| is_odd(*c)) {
        return refuse(format!("{odd:?} is not taken in a place"));
    }
    if rest.split('/').any(|segment| matches!(segment, "." | "..")) {
        return refuse("`.` and `..` are not taken in a place".to_owned());
    }
    Ok(())
}
