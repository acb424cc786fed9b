//! The order of rows in a file: what they are sorted by, and checking that they are. Not here:
//! sorting them, which comes with their partitions ([`super::partition`]).

use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{OwnedRow, RowConverter, Rows, SortField};
use arrow_schema::SortOptions;
use iceberg::spec::{NullOrder, SortDirection, SortOrder, Transform};

use crate::error::{Error, Result};
use crate::schema::Layout;

/// The columns of a sort order and a converter for them.
pub(super) struct Order {
    converter: RowConverter,
    names: Vec<String>,
}

impl Order {
    /// `None` for an order of nothing, or one that dodb does not keep (by a transform, by a field
    /// inside of another, by a list).
    pub(super) fn of(order: &SortOrder, layout: &Layout) -> Result<Option<Order>> {
        let mut fields = Vec::with_capacity(order.fields.len());
        let mut names = Vec::with_capacity(order.fields.len());
        for field in &order.fields {
            let laid = layout.columns().iter().find(|laid| laid.field.id == field.source_id);
            let Some(laid) = laid else { return Ok(None) };
            if field.transform != Transform::Identity {
                return Ok(None);
            }
            let options = SortOptions {
                descending: field.direction == SortDirection::Descending,
                nulls_first: field.null_order == NullOrder::First,
            };
            fields.push(SortField::new_with_options(laid.column.ty.arrow(), options));
            names.push(laid.column.name.clone());
        }
        if fields.is_empty() || !RowConverter::supports_fields(&fields) {
            return Ok(None);
        }
        Ok(Some(Order { converter: RowConverter::new(fields)?, names }))
    }

    pub(super) fn rows(&self, batch: &RecordBatch) -> Result<Rows> {
        let column = |name: &String| {
            let found = batch.column_by_name(name).cloned();
            found.ok_or_else(|| Error::invalid(format!("the rows lack the sort column {name:?}")))
        };
        let columns: Vec<ArrayRef> = self.names.iter().map(column).collect::<Result<_>>()?;
        Ok(self.converter.convert_columns(&columns)?)
    }

    /// Whether the rows ascend from `last` on, which then is their last.
    pub(super) fn follows(&self, batch: &RecordBatch, last: &mut Option<OwnedRow>) -> Result<bool> {
        let rows = self.rows(batch)?;
        let mut before = last.as_ref().map(OwnedRow::row);
        for row in rows.iter() {
            if before.is_some_and(|before| before > row) {
                return Ok(false);
            }
            before = Some(row);
        }
        let end = before.map(|row| row.owned());
        *last = end;
        Ok(true)
    }
}
