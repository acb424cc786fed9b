//! The frame around rows that the engine writes itself (all but those of parts): magic, version,
//! checksum, payload. Not here: the frame of a part, which `dodb-part` owns. See
//! docs/format.md.

use twox_hash::XxHash3_64;

use crate::error::{Error, Result};

/// Bytes before the payload: 4 of magic, 1 of version, 8 of checksum.
pub(crate) const FRAME_BYTES: usize = 13;

/// What a framed row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Magic {
    Head,
    Catalog,
    Ids,
    Manifest,
    Postings,
    Footers,
    Stats,
}

impl Magic {
    fn bytes(self) -> &'static [u8; 4] {
        match self {
            Magic::Head => b"doH1",
            Magic::Catalog => b"doC1",
            Magic::Ids => b"doI1",
            Magic::Manifest => b"doM1",
            Magic::Postings => b"doP1",
            Magic::Footers => b"doF1",
            Magic::Stats => b"doS1",
        }
    }

    /// The latest version that is read.
    fn version_max(self) -> u8 {
        match self {
            Magic::Catalog => CATALOG_WITH_VIEWS,
            _ => VERSION,
        }
    }
}

/// The version of payloads.
const VERSION: u8 = 1;

/// The version of a catalog that has views: a program of before would drop them unseen with its
/// next change.
pub(crate) const CATALOG_WITH_VIEWS: u8 = 2;

/// Frames `payload`.
pub(crate) fn seal(magic: Magic, payload: &[u8]) -> Vec<u8> {
    seal_version(magic, VERSION, payload)
}

/// Frames a `payload` of another version: whoever does not know it shall not read it.
pub(crate) fn seal_version(magic: Magic, version: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FRAME_BYTES + payload.len());
    out.extend_from_slice(magic.bytes());
    out.push(version);
    out.extend_from_slice(&XxHash3_64::oneshot(payload).to_le_bytes());
    out.extend_from_slice(payload);
    out
}

/// The payload of a framed row, its checksum checked. `place` names the row in errors.
pub(crate) fn open<'a>(magic: Magic, place: &str, row: &'a [u8]) -> Result<&'a [u8]> {
    let (Some(found), Some(version), Some(sum), Some(payload)) =
        (row.get(..4), row.get(4), row.get(5..FRAME_BYTES), row.get(FRAME_BYTES..))
    else {
        return Err(Error::corrupt(place, format!("{} bytes are too few", row.len())));
    };
    if found != magic.bytes() {
        return Err(Error::corrupt(place, format!("it opens with {found:?}")));
    }
    let version_max = magic.version_max();
    if !(VERSION..=version_max).contains(version) {
        let detail = format!("it has version {version}; this dodb reads up to {version_max}");
        return Err(Error::corrupt(place, detail));
    }
    if XxHash3_64::oneshot(payload).to_le_bytes() != sum {
        return Err(Error::corrupt(place, "its checksum does not fit its bytes"));
    }
    Ok(payload)
}
