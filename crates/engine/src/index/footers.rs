//! Footers of files, kept in rows so that a file is read without asking the bucket for its end
//! first. Not here: what a footer is (`dodb-lake`), nor which row holds it ([`super::by_file`]).

use std::sync::Arc;

use dodb_lake::FileEnd;
use dodb_rowstore::{Usage, Value};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use roaring::RoaringBitmap;

use super::by_file::{FileRow, first_of};
use super::head::IndexHead;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::slot::Slot;
use crate::statements;
use crate::table::TableDef;

/// A longer footer is left to the bucket.
const FOOTER_BYTES_MAX: usize = 512 << 10;

/// Footers of some files, as stored.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct FooterRow {
    /// The schemas of the Iceberg table when they were written.
    #[n(0)]
    schemas: Vec<String>,
    #[n(1)]
    ends: Vec<EndDisk>,
}

#[derive(Debug, Clone, Encode, Decode)]
struct EndDisk {
    #[n(0)]
    file: u32,
    /// The place of its schema.
    #[n(1)]
    schema: u32,
    /// The end of the file, compressed.
    #[n(2)]
    end: ByteVec,
}

/// What a file is read by.
pub(crate) struct Footer {
    pub(crate) schema: String,
    pub(crate) end: FileEnd,
}

/// The footer of a file that comes.
pub(crate) struct NewFooter {
    file: u32,
    schema: Arc<str>,
    /// Compressed.
    end: Vec<u8>,
}

impl NewFooter {
    /// `None` for one that is not worth a place in a row.
    pub(crate) fn new(file: u32, schema: &Arc<str>, end: &FileEnd) -> Option<NewFooter> {
        let end = end.compressed().filter(|end| end.len() <= FOOTER_BYTES_MAX)?;
        Some(NewFooter { file, schema: schema.clone(), end })
    }
}

impl FileRow for FooterRow {
    type Entry = NewFooter;

    fn file_of(entry: &NewFooter) -> u32 {
        entry.file
    }

    fn put(&mut self, entry: NewFooter) -> usize {
        let mut bytes = entry.end.len();
        let place = self.schemas.iter().position(|schema| **schema == *entry.schema);
        let place = place.unwrap_or_else(|| {
            bytes += entry.schema.len();
            self.schemas.push(entry.schema.to_string());
            self.schemas.len() - 1
        });
        let end = EndDisk { file: entry.file, schema: place as u32, end: entry.end.into() };
        match self.ends.binary_search_by_key(&end.file, |own| own.file) {
            Ok(at) => self.ends.splice(at..=at, [end]).for_each(drop),
            Err(at) => self.ends.insert(at, end),
        }
        bytes
    }

    fn last(&self) -> Option<u32> {
        self.ends.last().map(|end| end.file)
    }

    fn keep(&mut self, files: &RoaringBitmap) {
        self.ends.retain(|end| files.contains(end.file));
    }

    fn bytes(&self) -> usize {
        let schemas = self.schemas.iter().map(String::len).sum::<usize>();
        schemas + self.ends.iter().map(|end| end.end.len()).sum::<usize>()
    }
}

impl FooterRow {
    pub(crate) fn encode(&self, def: &TableDef) -> Result<Vec<u8>> {
        let payload =
            minicbor::to_vec(self).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
        Ok(frame::seal(Magic::Footers, &payload))
    }

    /// Reads a row; `None` when there is none, or a damaged one.
    ///
    /// # Errors
    /// The row store failed.
    pub(super) fn read(
        core: &Core,
        def: &TableDef,
        first: u32,
        usage: &Usage,
    ) -> Result<Option<FooterRow>> {
        let params = [Value::Int(i64::from(def.id)), Value::Int(i64::from(first))];
        let mut found = None;
        core.rows.query_one(&statements::GET_FOOTERS, &params, usage, &mut |row| {
            let bytes = row.first().and_then(Value::as_blob).unwrap_or_default();
            let payload = frame::open(Magic::Footers, &place(def), bytes).ok();
            found = payload.and_then(|payload| minicbor::decode(payload).ok());
        })?;
        Ok(found)
    }

    fn get(&self, file: u32) -> Option<Footer> {
        let at = self.ends.binary_search_by_key(&file, |end| end.file).ok()?;
        let found = self.ends.get(at)?;
        let schema = self.schemas.get(found.schema as usize)?.clone();
        Some(Footer { schema, end: FileEnd::decompressed(&found.end)? })
    }
}

/// The footer of a file, if it is kept. At most one row read.
///
/// # Errors
/// The row store failed. A damaged row counts as none.
pub(crate) fn footer_of(
    core: &Core,
    slot: &Slot,
    def: &TableDef,
    index: &IndexHead,
    no: u64,
    usage: &Usage,
) -> Result<Option<Footer>> {
    let Ok(file) = u32::try_from(no) else { return Ok(None) };
    let Some(first) = first_of(&index.footers, file) else { return Ok(None) };
    // Locked while the row is read: threads that open files at once read it once.
    let mut held = slot.footers.lock();
    // Files may have been added to the row since.
    let has_file = |row: &FooterRow| row.last() >= Some(file);
    if let Some((_, row)) = held.as_ref().filter(|(held, row)| *held == first && has_file(row)) {
        return Ok(row.get(file));
    }
    let Some(row) = FooterRow::read(core, def, first, usage)? else {
        slot.suspect_index();
        return Ok(None);
    };
    let found = row.get(file);
    *held = Some((first, row));
    Ok(found)
}

fn place(def: &TableDef) -> String {
    format!("the footers of table `{}`", def.name)
}
