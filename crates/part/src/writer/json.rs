//! A JSON column of a part that is being written, as the columns it is shredded to. Not the
//! shredding (`json::shred`).

use arrow_array::ArrayRef;

use super::column::ColumnWriter;
use crate::codec::Encoder;
use crate::error::{Error, Result};
use crate::json::{Kind, Role, ShredOptions, Shredder};
use crate::layout::SUB_ID_MIN;
use crate::schema::{Column, ColumnType};

/// Segments and headers of one JSON column.
pub(super) struct JsonWriter {
    pub(super) shapes: ColumnWriter,
    pub(super) subs: Vec<ColumnWriter>,
    pub(super) shredder: Shredder,
    /// The id of its first subcolumn; each JSON column of a table has a range of its own.
    id_min: u32,
    blooms: bool,
}

/// Ids of the subcolumns of one JSON column.
const IDS: u32 = 1 << 20;

impl JsonWriter {
    /// `position` is the column's in its table.
    pub(super) fn new(
        column: &Column,
        position: usize,
        options: ShredOptions,
        blooms: bool,
    ) -> Result<JsonWriter> {
        let id_min = u32::try_from(position)
            .ok()
            .and_then(|position| position.checked_mul(IDS))
            .and_then(|offset| SUB_ID_MIN.checked_add(offset))
            .filter(|id| id.checked_add(IDS).is_some_and(|end| end < u32::MAX))
            .ok_or_else(|| Error::Limit {
                what: "table".into(),
                detail: format!("a JSON column may not be column number {}", position + 1),
            })?;
        Ok(JsonWriter {
            shapes: ColumnWriter::of_type(column.id, ColumnType::Bytes, column.ty.name(), false),
            subs: Vec::new(),
            shredder: Shredder::new(options),
            id_min,
            blooms,
        })
    }

    pub(super) fn bytes_written(&self) -> usize {
        self.shapes.bytes_written()
            + self.subs.iter().map(ColumnWriter::bytes_written).sum::<usize>()
    }

    /// Adds a granule of documents, after granules of `before` rows.
    pub(super) fn write(
        &mut self,
        encoder: &mut Encoder,
        documents: &ArrayRef,
        before: &[u32],
    ) -> Result<()> {
        let shredded = self.shredder.shred(documents)?;
        self.shapes.write_without_stats(encoder, &shredded.shapes)?;
        for sub in self.shredder.subs().iter().skip(self.subs.len()) {
            let ty = sub.role.column_type(sub.listed);
            let id = self.id_min + self.subs.len() as u32;
            let bloom = self.blooms && !sub.listed && has_bloom(sub.role);
            let mut writer = ColumnWriter::of_type(id, ty.clone(), ty.name(), bloom);
            writer.write_nulls(before);
            self.subs.push(writer);
        }
        let rows = u32::try_from(documents.len()).unwrap_or(u32::MAX);
        let mut columns = shredded.columns;
        columns.sort_by_key(|column| column.sub);
        let mut columns = columns.into_iter().peekable();
        for (at, writer) in self.subs.iter_mut().enumerate() {
            match columns.next_if(|column| column.sub == at) {
                Some(column) if is_opaque(self.shredder.subs().get(at).map(|sub| sub.role)) => {
                    writer.write_without_stats(encoder, &column.array)?;
                }
                Some(column) => writer.write(encoder, &column.array)?,
                None => writer.write_nulls(&[rows]),
            }
        }
        Ok(())
    }
}

/// Columns whose bounds say nothing about values.
fn is_opaque(role: Option<Role>) -> bool {
    matches!(role, None | Some(Role::Rest(_) | Role::Leaf(Kind::Raw)))
}

/// Kinds of values that are looked for by equality.
fn has_bloom(role: Role) -> bool {
    matches!(role, Role::Leaf(Kind::String | Kind::Int | Kind::UInt | Kind::Number))
}
