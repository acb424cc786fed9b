//! The rows of the target table being filled: which input field goes to which column, the rows
//! to throw away, and the batches that are ready.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;

use super::builder::{ColumnBuilder, Kind};
use super::decoder::DecodeOptions;
use crate::formats::error::{FormatError, Result};

/// Rows being filled.
pub(crate) struct Rows {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    /// For each input field the column it goes to; none: thrown away.
    fields: Vec<Option<usize>>,
    /// The input field of a name.
    by_name: HashMap<String, usize>,
    /// Columns that no input field goes to.
    absent: Vec<usize>,
    is_strict: bool,
    rows: usize,
    rows_max: usize,
    bytes: usize,
    bytes_max: usize,
    spoiled: Vec<usize>,
    ready: VecDeque<RecordBatch>,
    total: u64,
    failure: Option<FormatError>,
}

impl Rows {
    /// Input fields are `columns` in this order, or all of the schema's.
    ///
    /// # Errors
    /// A name the schema does not have, a type that cannot be read.
    pub(crate) fn new(
        schema: SchemaRef,
        columns: Option<&[String]>,
        options: &DecodeOptions,
        format: &'static str,
    ) -> Result<Rows> {
        let builders = schema.fields().iter().map(|field| ColumnBuilder::new(field, format));
        let mut rows = Rows {
            columns: builders.collect::<Result<_>>()?,
            schema,
            fields: Vec::new(),
            by_name: HashMap::new(),
            absent: Vec::new(),
            is_strict: options.strict_kinds,
            rows: 0,
            rows_max: options.rows_max.max(1),
            bytes: 0,
            bytes_max: options.batch_bytes_max,
            spoiled: Vec::new(),
            ready: VecDeque::new(),
            total: 0,
            failure: None,
        };
        let names: Vec<String> = match columns {
            Some(names) => names.to_vec(),
            None => rows.schema.fields().iter().map(|f| f.name().clone()).collect(),
        };
        let mut fields = Vec::with_capacity(names.len());
        for name in &names {
            let Some((index, _)) = rows.schema.column_with_name(name) else {
                return Err(unknown_column(&rows.schema, name));
            };
            fields.push(Some(index));
        }
        rows.set_fields(fields, &names);
        Ok(rows)
    }

    fn set_fields(&mut self, fields: Vec<Option<usize>>, names: &[String]) {
        self.absent = (0..self.columns.len()).filter(|i| !fields.contains(&Some(*i))).collect();
        self.by_name = names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        self.fields = fields;
    }

    /// Takes the order of the fields from a header line. Only names that were fields before are
    /// known.
    ///
    /// # Errors
    /// The position of a name that is unknown (unless those are skipped) or stands twice.
    pub(crate) fn set_header(
        &mut self,
        names: &[String],
        skip_unknown: bool,
    ) -> Result<(), (usize, String)> {
        let mut fields = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let field = self.by_name.get(name).and_then(|f| self.fields.get(*f)).copied().flatten();
            if field.is_none() && !skip_unknown {
                return Err((at, self.unknown(name)));
            }
            if field.is_some() && fields.contains(&field) {
                return Err((at, format!("the column `{name}` stands twice in the header")));
            }
            fields.push(field);
        }
        self.set_fields(fields, names);
        Ok(())
    }

    /// What to say about a field no column has.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let mut known: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        known.sort_unstable();
        format!("there is no column `{name}`; there are: {}", known.join(", "))
    }

    /// Must JSON values be of the kind of their column?
    pub(crate) fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Number of input fields.
    pub(crate) fn field_count(&self) -> usize {
        self.fields.len()
    }

    /// The input field of the only JSON column among them.
    pub(crate) fn document_field(&self) -> Option<usize> {
        let is_json = |field: &usize| {
            let column = self.fields.get(*field).copied().flatten();
            let column = column.and_then(|at| self.columns.get(at));
            column.is_some_and(|column| matches!(column.kind, Kind::Json(_)))
        };
        let mut json = (0..self.fields.len()).filter(is_json);
        let first = json.next();
        first.filter(|_| json.next().is_none())
    }

    /// The input field of a name; `guess` is tried first.
    pub(crate) fn field_named(&self, name: &str, guess: usize) -> Option<usize> {
        let column = self.fields.get(guess).copied().flatten();
        if column.and_then(|at| self.columns.get(at)).is_some_and(|c| c.field().name() == name) {
            return Some(guess);
        }
        self.by_name.get(name).copied()
    }

    /// The name of an input field, for errors.
    pub(crate) fn field_name(&self, field: usize) -> Option<String> {
        let column = self.fields.get(field).copied().flatten()?;
        self.columns.get(column).map(|c| c.field().name().clone())
    }

    /// The column an input field goes to; none: it is thrown away.
    pub(crate) fn column(&mut self, field: usize) -> Option<&mut ColumnBuilder> {
        let column = self.fields.get(field).copied().flatten()?;
        self.columns.get_mut(column)
    }

    /// Ends a row every field of which was appended; `bytes` is the length of its record.
    pub(crate) fn end_row(&mut self, bytes: usize) {
        for at in &self.absent {
            if let Some(column) = self.columns.get_mut(*at) {
                column.append_default();
            }
        }
        self.rows += 1;
        self.bytes += bytes;
        if self.rows >= self.rows_max || self.bytes >= self.bytes_max {
            self.failure = self.flush().err();
        }
    }

    /// The error of a batch that could not be made; it is no fault of one record.
    pub(crate) fn take_failure(&mut self) -> Option<FormatError> {
        self.failure.take()
    }

    /// Ends a row that is wrong: columns it did not reach are filled, and it is thrown away.
    pub(crate) fn spoil_row(&mut self) {
        for column in &mut self.columns {
            if column.len() <= self.rows {
                column.append_null();
            }
        }
        self.spoiled.push(self.rows);
        self.rows += 1;
    }

    /// Makes a batch of the rows so far.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let spoiled = std::mem::take(&mut self.spoiled);
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish);
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = if spoiled.is_empty() {
            RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?
        } else {
            // Spoiled rows may hold nulls the schema forbids, so they go before it is checked.
            let loose: Vec<_> = self
                .schema
                .fields()
                .iter()
                .map(|f| f.as_ref().clone().with_nullable(true))
                .collect();
            let loose = Arc::new(arrow_schema::Schema::new(loose));
            let batch = RecordBatch::try_new_with_options(loose, arrays, &options)?;
            let mut keep = vec![true; rows];
            for row in spoiled {
                if let Some(keep) = keep.get_mut(row) {
                    *keep = false;
                }
            }
            let kept = filter_record_batch(&batch, &BooleanArray::from(keep))?;
            let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
            let columns = kept.columns().to_vec();
            RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?
        };
        if batch.num_rows() > 0 {
            self.total += batch.num_rows() as u64;
            self.ready.push_back(batch);
        }
        Ok(())
    }

    /// The oldest batch that is ready.
    pub(crate) fn take(&mut self) -> Option<RecordBatch> {
        self.ready.pop_front()
    }

    /// Rows of all batches made so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Rows so far, in a batch already or not.
    pub(crate) fn taken(&self) -> u64 {
        self.total + (self.rows - self.spoiled.len()) as u64
    }
}

/// The error for a column name the target does not have.
pub(crate) fn unknown_column(schema: &SchemaRef, name: &str) -> FormatError {
    let known: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    FormatError::UnknownColumn { column: name.to_string(), known: known.join(", ") }
}
