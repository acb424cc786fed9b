//! A table as plain vectors: what the engine's answers are held against. Deliberately naive.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray,
};
use dodb_engine::{TableDef, TableKind, derived_id, relationships};
use dodb_part::{ColumnType, Predicate, Scalar, TimeUnit};

/// Values by column id; a missing one is null.
pub type Row = BTreeMap<u32, Scalar>;

#[derive(Debug, Clone)]
pub struct ModelColumn {
    pub id: u32,
    pub name: String,
    pub ty: ColumnType,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub name: String,
    pub kind: TableKind,
    pub key: Vec<u32>,
    pub columns: Vec<ModelColumn>,
    pub rows: Vec<Row>,
}

impl Model {
    pub fn of(def: &TableDef) -> Model {
        let column = |c: &dodb_part::Column| ModelColumn {
            id: c.id,
            name: c.name.clone(),
            ty: c.ty.clone(),
        };
        Model {
            name: def.name.clone(),
            kind: def.kind,
            key: def.key().to_vec(),
            columns: def.schema.columns().iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    pub fn ids(&self) -> Vec<u32> {
        self.columns.iter().map(|c| c.id).collect()
    }

    /// What an insert does: of rows of one key the last stays.
    pub fn insert(&mut self, rows: &[Row]) {
        for row in rows {
            let mut row = row.clone();
            if self.kind == TableKind::Relationships {
                let text = |id: u32| match &row[&id] {
                    Scalar::String(text) => text.clone(),
                    other => panic!("{other:?} in a key"),
                };
                let (from, to) = (text(relationships::FROM_ID), text(relationships::TO_ID));
                let derived = derived_id(&from, &to, &text(relationships::TYPE));
                row.entry(relationships::ID).or_insert(Scalar::String(derived));
            }
            if !self.key.is_empty() {
                let same = |other: &Row| self.key.iter().all(|id| other.get(id) == row.get(id));
                if let Some(at) = self.rows.iter().position(same) {
                    self.rows.remove(at);
                }
            }
            self.rows.push(row);
        }
    }

    /// Removes the rows that meet `predicate`; answers them.
    pub fn take(&mut self, predicate: &Predicate) -> Vec<Row> {
        let (gone, kept) =
            std::mem::take(&mut self.rows).into_iter().partition(|row| meets(predicate, row));
        self.rows = kept;
        gone
    }

    /// The rows that meet `predicate` as text, sorted.
    pub fn select(&self, predicate: &Predicate) -> Vec<String> {
        let ids = self.ids();
        let met = self.rows.iter().filter(|row| meets(predicate, row));
        let mut out: Vec<String> =
            met.map(|row| render(&ids, |id| row.get(&id).cloned())).collect();
        out.sort_unstable();
        out
    }

    /// A batch of `rows` with every column that has a value in one of them.
    pub fn batch(&self, rows: &[Row]) -> RecordBatch {
        let given = self.columns.iter().filter(|c| rows.iter().any(|r| r.contains_key(&c.id)));
        let columns = given.map(|c| (c.name.as_str(), array(c, rows)));
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
            .unwrap()
    }
}

fn array(column: &ModelColumn, rows: &[Row]) -> ArrayRef {
    let text = |row: &Row| match row.get(&column.id) {
        Some(Scalar::String(text)) => Some(text.clone()),
        _ => None,
    };
    let int = |row: &Row| match row.get(&column.id) {
        Some(Scalar::Int(value)) => Some(*value),
        _ => None,
    };
    match column.ty {
        ColumnType::String | ColumnType::Json => {
            Arc::new(rows.iter().map(text).collect::<StringViewArray>())
        }
        ColumnType::Timestamp(TimeUnit::Millisecond) => Arc::new(
            rows.iter().map(int).collect::<TimestampMillisecondArray>().with_timezone("UTC"),
        ),
        _ => Arc::new(rows.iter().map(int).collect::<Int64Array>()),
    }
}

fn render(ids: &[u32], value: impl Fn(u32) -> Option<Scalar>) -> String {
    let values = ids.iter().map(|id| match value(*id) {
        None => "-".to_owned(),
        Some(Scalar::Int(v)) => v.to_string(),
        Some(Scalar::String(v)) => format!("'{v}'"),
        Some(other) => format!("{other:?}"),
    });
    values.collect::<Vec<_>>().join("|")
}

/// Rows of batches with the columns `ids` as text, sorted.
pub fn rendered(batches: &[RecordBatch], ids: &[u32]) -> Vec<String> {
    let mut out = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            out.push(render(ids, |id| {
                let at = ids.iter().position(|other| *other == id).unwrap();
                Scalar::at(batch.column(at).as_ref() as &dyn Array, row)
            }));
        }
    }
    out.sort_unstable();
    out
}

/// Is `predicate` true of `row`, as in SQL?
pub fn meets(predicate: &Predicate, row: &Row) -> bool {
    truth(predicate, row) == Some(true)
}

fn truth(predicate: &Predicate, row: &Row) -> Option<bool> {
    match predicate {
        Predicate::True => Some(true),
        Predicate::Compare { column, op, value } => {
            Some(op.holds(row.get(column)?.compare(value).unwrap()))
        }
        Predicate::In { values, .. } if values.is_empty() => Some(false),
        Predicate::In { column, values } => Some(values.contains(row.get(column)?)),
        Predicate::IsNull { column } => Some(!row.contains_key(column)),
        Predicate::IsNotNull { column } => Some(row.contains_key(column)),
        Predicate::StartsWith { column, prefix } => match row.get(column)? {
            Scalar::String(text) => Some(text.starts_with(prefix)),
            other => panic!("LIKE on {other:?}"),
        },
        Predicate::And(terms) => {
            let truths: Vec<_> = terms.iter().map(|term| truth(term, row)).collect();
            if truths.contains(&Some(false)) {
                return Some(false);
            }
            if truths.contains(&None) { None } else { Some(true) }
        }
        Predicate::Or(terms) => {
            let truths: Vec<_> = terms.iter().map(|term| truth(term, row)).collect();
            if truths.contains(&Some(true)) {
                return Some(true);
            }
            if truths.contains(&None) { None } else { Some(false) }
        }
        Predicate::Not(term) => truth(term, row).map(|is| !is),
    }
}
