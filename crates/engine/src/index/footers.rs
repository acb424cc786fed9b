//! Footers of files, kept in rows so that a file is read without asking the bucket for its end
//! first. The files of one commit share a row, or some. Not here: what a footer is (`dodb-lake`).

use std::sync::Arc;

use dodb_lake::FileEnd;
use dodb_rowstore::{Usage, Value};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::head::IndexHead;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::slot::Slot;
use crate::statements;
use crate::table::TableDef;

/// A row takes no more footers once it is larger than this.
const ROW_BYTES: usize = 1_000_000;
/// A longer footer is left to the bucket.
const FOOTER_BYTES_MAX: usize = 512 << 10;

/// Footers of some files, as stored.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct FooterRow {
    /// The schema of the Iceberg table when they were written.
    #[n(0)]
    schema: String,
    #[n(1)]
    ends: Vec<EndDisk>,
}

#[derive(Debug, Clone, Encode, Decode)]
struct EndDisk {
    #[n(0)]
    file: u32,
    /// The end of the file, compressed.
    #[n(1)]
    end: ByteVec,
}

/// What a file is read by.
pub(crate) struct Footer {
    pub(crate) schema: String,
    pub(crate) end: FileEnd,
}

impl FooterRow {
    /// Rows of these footers, which ascend by file.
    pub(crate) fn of(
        schema: &str,
        ends: impl IntoIterator<Item = (u32, FileEnd)>,
    ) -> Vec<FooterRow> {
        let mut rows: Vec<FooterRow> = Vec::new();
        let mut bytes = usize::MAX;
        for (file, end) in ends {
            let Some(end) = end.compressed().filter(|end| end.len() <= FOOTER_BYTES_MAX) else {
                continue;
            };
            if bytes > ROW_BYTES {
                rows.push(FooterRow { schema: schema.to_owned(), ends: Vec::new() });
                bytes = 0;
            }
            bytes += end.len();
            if let Some(row) = rows.last_mut() {
                row.ends.push(EndDisk { file, end: end.into() });
            }
        }
        rows
    }

    /// The file that it is found by.
    pub(crate) fn first(&self) -> u32 {
        self.ends.first().map_or(0, |end| end.file)
    }

    pub(crate) fn encode(&self, def: &TableDef) -> Result<Vec<u8>> {
        let payload =
            minicbor::to_vec(self).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
        Ok(frame::seal(Magic::Footers, &payload))
    }

    fn get(&self, file: u32) -> Option<Footer> {
        let at = self.ends.binary_search_by_key(&file, |end| end.file).ok()?;
        let end = FileEnd::decompressed(&self.ends.get(at)?.end)?;
        Some(Footer { schema: self.schema.clone(), end })
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
    // The rows are found by their first file, and hold the files up to the next one.
    let before = index.footers.0.rank(file);
    let first = before.checked_sub(1).and_then(|at| index.footers.0.select(at as u32));
    let Some(first) = first else { return Ok(None) };
    let held = slot.footers.lock().clone();
    if let Some((_, row)) = held.filter(|(held, _)| *held == first) {
        return Ok(row.get(file));
    }
    let params = [Value::Int(i64::from(def.id)), Value::Int(i64::from(first))];
    let mut found = None;
    core.rows.query_one(&statements::GET_FOOTERS, &params, usage, &mut |row| {
        if let Some(Value::Blob(bytes)) = row.first() {
            found = Some(bytes.to_vec());
        }
    })?;
    let row = found.as_deref().and_then(|row| frame::open(Magic::Footers, &place(def), row).ok());
    let Some(row) = row.and_then(|row| minicbor::decode::<FooterRow>(row).ok()) else {
        return Ok(None);
    };
    let row = Arc::new(row);
    *slot.footers.lock() = Some((first, row.clone()));
    Ok(row.get(file))
}

fn place(def: &TableDef) -> String {
    format!("the footers of table `{}`", def.name)
}
