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
}

/// The version of all payloads.
pub(crate) const VERSION: u8 = 1;

/// Frames `payload`.
pub(crate) fn seal(magic: Magic, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FRAME_BYTES + payload.len());
    out.extend_from_slice(magic.bytes());
    out.push(VERSION);
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
    if *version != VERSION {
        let detail = format!("it has version {version}; this dodb reads version {VERSION}");
        return Err(Error::corrupt(place, detail));
    }
    if XxHash3_64::oneshot(payload).to_le_bytes() != sum {
        return Err(Error::corrupt(place, "its checksum does not fit its bytes"));
    }
    Ok(payload)
}
