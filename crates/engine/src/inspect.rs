//! What is in one part, for people. Reads the part's header, not its rows. Not here: the list of
//! parts ([`Snapshot::parts`]), checking them ([`crate::verify`]).

use dodb_part::{Column, ColumnStats, Segment};
use dodb_rowstore::Usage;

use crate::error::Result;
use crate::snapshot::{PartInfo, Snapshot};

/// A part, taken apart.
#[derive(Debug, Clone)]
pub struct PartDetail {
    /// Its line in the list of parts.
    pub info: PartInfo,
    /// The columns it stores, in the order of the table.
    pub columns: Vec<ColumnDetail>,
    /// Where each column of each granule lies.
    pub segments: Vec<Segment>,
}

/// A column within a part.
#[derive(Debug, Clone)]
pub struct ColumnDetail {
    /// The column's id.
    pub id: u32,
    /// Its name now.
    pub name: String,
    /// The type it was stored with.
    pub type_name: String,
    /// Encoded bytes, its filter included.
    pub bytes: u64,
    /// Its statistics, deleted rows included.
    pub stats: ColumnStats,
}

impl Snapshot {
    /// The part of that number; `None` when the table has no such part.
    ///
    /// # Errors
    /// The row store failed, or the part's header is damaged.
    pub fn inspect(&self, part: u64, usage: &Usage) -> Result<Option<PartDetail>> {
        let Some(info) = self.parts(usage)?.into_iter().find(|info| info.number == part) else {
            return Ok(None);
        };
        let def = &self.state.def;
        let Some(part) = self.state.part(part) else { return Ok(None) };
        let reader = self.core.parts.reader(def, part, usage)?;
        let plain = |column: &Column| {
            Some(ColumnDetail {
                id: column.id,
                name: column.name.clone(),
                type_name: reader.column_type(column.id)?.name(),
                bytes: reader.encoded_bytes(column.id),
                stats: reader.stats(column.id)?.clone(),
            })
        };
        let mut columns = Vec::new();
        for column in def.schema.columns() {
            columns.extend(plain(column));
            columns.extend(reader.paths(column.id).into_iter().map(|path| ColumnDetail {
                id: column.id,
                name: match path.kind {
                    Some(_) => format!("{}{}", column.name, path.path),
                    None => format!("{} (rare paths)", column.name),
                },
                type_name: path.kind.map_or("rest".into(), |kind| format!("{kind:?}")),
                bytes: path.bytes,
                stats: path.stats.clone(),
            }));
        }
        Ok(Some(PartDetail { info, columns, segments: reader.segments() }))
    }
}
