//! What a commit has to know of rows in the bucket before it can be made, for commits cannot wait
//! for a bucket: where the keys of new rows are there, and what the rows that go hold. The commit
//! checks that it still holds. Not here: the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray, UInt32Array};
use arrow_select::take::take;
use dodb_lake::ReadRequest;
use dodb_part::{ColumnStats, CompareOp, Predicate, Scalar};
use dodb_rowstore::Usage;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;

use super::files::deleted_rows;
use super::lake::Lake;
use super::open::open;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::index::{KeyFiles, RowRanges};
use crate::keys::{KeyIndex, derived_id, key_columns};
use crate::scan::derived_column;
use crate::state::{PartState, TableState};
use crate::table::{TableDef, TableKind, relationships};
use crate::working::{Deletions, key_zone, merge_stats, zone_might_match};

/// What was found out about rows in files.
#[derive(Default)]
pub(crate) struct WarmRows {
    /// The version of the list of files that was searched; `None`: the table had none.
    pub(crate) version: Option<u64>,
    /// Rows in files that new rows replace.
    pub(crate) replaced: Deletions,
    /// Statistics of all rows in files that go, for the columns that the state summarises.
    pub(crate) stats: Vec<(u32, ColumnStats)>,
}

/// More keys than this are not asked for one by one.
const KEYS_MAX: usize = 512;
const BATCH_ROWS: usize = 8_192;

/// Looks in the files of the bucket for the keys of `batch` (full rows, normalized) and for what is
/// in the rows of `deletions`. Asks the bucket for nothing while neither filters nor the index say
/// that a file may have a key.
pub(crate) fn look_up<'a>(
    core: &'a Core,
    def: &'a Arc<TableDef>,
    batch: Option<&'a RecordBatch>,
    deletions: &'a Deletions,
    usage: &'a Usage,
) -> BoxFuture<'a, Result<WarmRows>> {
    Box::pin(look(core, def, batch, deletions, usage))
}

async fn look(
    core: &Core,
    def: &Arc<TableDef>,
    batch: Option<&RecordBatch>,
    deletions: &Deletions,
    usage: &Usage,
) -> Result<WarmRows> {
    let state = core.state(def, usage)?;
    let Some(warm) = &state.warm else { return Ok(WarmRows::default()) };
    let mut found = WarmRows { version: Some(warm.head.version), ..WarmRows::default() };
    let candidates = match batch {
        Some(batch) if !def.key().is_empty() => candidates(core, &state, batch, usage)?,
        _ => Vec::new(),
    };
    let files = state.files(&core.rows, usage)?;
    let file = |no: u64| files.iter().find(|file| file.no == no);
    let going: Vec<(&Arc<PartState>, &RoaringBitmap)> =
        deletions.iter().filter_map(|(no, rows)| Some((file(*no)?, rows))).collect();
    if candidates.is_empty() && going.is_empty() {
        return Ok(found);
    }
    let lake = Lake::new(core, def, usage)?;
    let reading = Reading { core, state: &state, lake: &lake, usage };
    for (part, rows) in going {
        reading.describe(part, rows, &mut found).await?;
    }
    if let Some(batch) = batch {
        let columns = key_columns(def, batch)?;
        let keys = KeyIndex::of_columns(def.kind, columns.clone())?;
        for candidate in candidates {
            let no = candidate.part.no;
            let leaving = deletions.iter().find(|(of, _)| *of == no).map(|(_, rows)| rows);
            let keys = Keys { index: &keys, columns: &columns, rows: &candidate.rows, leaving };
            reading.find(&candidate, &keys, &mut found).await?;
        }
    }
    Ok(found)
}

/// A file that may have keys of a batch.
struct Candidate {
    part: Arc<PartState>,
    /// The rows of the batch whose keys it may have.
    rows: Vec<u32>,
    /// Does the index say so, and not a filter?
    is_told: bool,
    /// Where in the file; `None`: anywhere.
    within: Option<RowRanges>,
}

/// Files that may have keys of `batch`.
fn candidates(
    core: &Core,
    state: &TableState,
    batch: &RecordBatch,
    usage: &Usage,
) -> Result<Vec<Candidate>> {
    let def = &state.def;
    let columns = key_columns(def, batch)?;
    let zone = key_zone(def, &columns);
    let files = state.files(&core.rows, usage)?;
    let near: Vec<&Arc<PartState>> =
        files.iter().filter(|file| file.live() > 0 && zone_might_match(file, &zone)).collect();
    if near.is_empty() {
        return Ok(Vec::new());
    }
    let filters = match near.iter().any(|file| file.in_ids) {
        true => core.slot(def.id).filters(core, state, usage)?,
        false => Arc::default(),
    };
    let by_index = match near.iter().all(|file| filters.get(file.no).is_some()) {
        true => KeyFiles::default(),
        false => KeyFiles::ask(core, state, &columns, usage)?,
    };
    let index = KeyIndex::of_columns(def.kind, columns)?;
    let mut out = Vec::new();
    for file in near {
        let told = by_index.rows_of(file.no);
        let is_told = filters.get(file.no).is_none() && told.is_some();
        let rows: Vec<u32> = match (filters.get(file.no), told) {
            (Some(filter), _) => {
                let hashes = index.hashes().iter().enumerate();
                let might = hashes.filter(|(_, hash)| filter.might_contain(**hash));
                might.map(|(row, _)| row as u32).collect()
            }
            (None, Some(rows)) => rows.iter().collect(),
            (None, None) => (0..batch.num_rows() as u32).collect(),
        };
        if !rows.is_empty() {
            let within = by_index.within(file.no).filter(|_| is_told);
            out.push(Candidate { part: file.clone(), rows, is_told, within });
        }
    }
    Ok(out)
}

/// Keys that a file may have.
struct Keys<'a> {
    index: &'a KeyIndex,
    columns: &'a [ArrayRef],
    rows: &'a [u32],
    /// Rows of the file that go anyway.
    leaving: Option<&'a RoaringBitmap>,
}

struct Reading<'a> {
    core: &'a Core,
    state: &'a TableState,
    lake: &'a Lake<'a>,
    usage: &'a Usage,
}

impl Reading<'_> {
    /// The columns to read: of the key, and those that the state summarises.
    fn columns(&self) -> Vec<u32> {
        let def = &self.state.def;
        let wanted = |id: &u32| def.key().contains(id) || self.state.summary.contains_key(id);
        def.schema.columns().iter().map(|c| c.id).filter(wanted).collect()
    }

    /// Those of a file, with their places in it, but for rows that are `deleted`.
    fn request(&self, deleted: Vec<u64>) -> ReadRequest {
        ReadRequest {
            columns: self.columns(),
            paths: Vec::new(),
            predicate: Predicate::True,
            deleted: Arc::new(deleted),
            row_numbers: true,
            batch_rows: BATCH_ROWS,
            rows: None,
            use_filters: true,
        }
    }

    async fn read(&self, part: &PartState, request: ReadRequest) -> Result<Vec<RecordBatch>> {
        let bucket = &self.lake.bucket;
        let reader = open(self.core, self.state, part, bucket, self.usage).await?;
        let mut scan = reader.scan(request).await?;
        let mut out = Vec::new();
        while let Some(batch) = scan.next_batch().await? {
            out.push(batch);
        }
        Ok(out)
    }

    /// Notes what is in the rows named.
    async fn describe(
        &self,
        part: &PartState,
        rows: &RoaringBitmap,
        found: &mut WarmRows,
    ) -> Result<()> {
        let others = (0..part.rows).filter(|row| !rows.contains(*row as u32)).collect();
        for batch in self.read(part, self.request(others)).await? {
            let all: UInt32Array = (0..batch.num_rows() as u32).collect();
            self.note(&batch, &all, found)?;
        }
        Ok(())
    }

    /// Finds the live rows that have one of the keys.
    async fn find(
        &self,
        candidate: &Candidate,
        keys: &Keys<'_>,
        found: &mut WarmRows,
    ) -> Result<()> {
        let (def, part) = (&self.state.def, &candidate.part);
        let mut gone = part.deleted.as_deref().cloned().unwrap_or_default();
        if let Some(leaving) = keys.leaving {
            gone |= leaving;
        }
        let mut rows = RoaringBitmap::new();
        let request = ReadRequest {
            predicate: asking_for(def, keys)?,
            rows: candidate.within.as_ref().map(|within| Arc::from(within.as_slice())),
            use_filters: !candidate.is_told,
            ..self.request(deleted_rows(Some(&gone)))
        };
        for batch in self.read(part, request).await? {
            let there = KeyIndex::of_columns(def.kind, key_columns(def, &batch)?)?;
            let mut at = Vec::new();
            for row in keys.rows {
                let hash = keys.index.hashes().get(*row as usize).copied().unwrap_or_default();
                at.extend(there.find(hash, keys.columns, *row as usize));
            }
            at.sort_unstable();
            at.dedup();
            let numbers = row_numbers(&batch)?;
            rows.extend(at.iter().filter_map(|row| numbers.get(*row as usize).copied()));
            self.note(&batch, &UInt32Array::from(at), found)?;
        }
        if !rows.is_empty() {
            found.replaced.push((part.no, rows));
        }
        Ok(())
    }

    fn note(&self, batch: &RecordBatch, rows: &UInt32Array, found: &mut WarmRows) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let batch = with_stored_ids(&self.state.def, batch)?;
        let mut noted = Vec::new();
        for column in self.state.def.schema.columns() {
            if !self.state.summary.contains_key(&column.id) {
                continue;
            }
            // A column that the file lacks is null in all of its rows.
            let stats = match batch.column_by_name(&column.name) {
                Some(array) => ColumnStats::of(&take(array, rows, None)?),
                None => crate::state::null_stats(rows.len() as u64),
            };
            noted.push((column.id, stats));
        }
        merge_stats(&mut found.stats, &noted);
        Ok(())
    }
}

fn row_numbers(batch: &RecordBatch) -> Result<Vec<u32>> {
    let numbers = batch.column_by_name(dodb_lake::ROW_NUMBER);
    let numbers = numbers.and_then(|numbers| numbers.as_primitive_opt::<Int64Type>());
    let numbers = numbers.ok_or_else(|| Error::invalid("a file without row numbers"))?;
    Ok(numbers.values().iter().map(|row| *row as u32).collect())
}

/// A predicate that every row with one of the keys meets.
fn asking_for(def: &TableDef, keys: &Keys<'_>) -> Result<Predicate> {
    let (Some(column), Some(array)) = (def.key().first().copied(), keys.columns.first()) else {
        return Ok(Predicate::True);
    };
    let array = array.as_string_view_opt();
    let array = array.ok_or_else(|| Error::invalid("a key column is not of type String"))?;
    let values = keys.rows.iter().map(|row| array.value(*row as usize));
    if keys.rows.len() > KEYS_MAX {
        let (Some(min), Some(max)) = (values.clone().min(), values.max()) else {
            return Ok(Predicate::True);
        };
        let text = |text: &str| Scalar::String(text.to_owned());
        return Ok(Predicate::And(vec![
            Predicate::Compare { column, op: CompareOp::GtEq, value: text(min) },
            Predicate::Compare { column, op: CompareOp::LtEq, value: text(max) },
        ]));
    }
    let mut values: Vec<Scalar> = values.map(|value| Scalar::String(value.to_owned())).collect();
    values.sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
    values.dedup();
    Ok(Predicate::In { column, values })
}

/// Rows of a file as the hot tier would store them: an id that follows from other columns is null.
pub(super) fn with_stored_ids(def: &TableDef, batch: &RecordBatch) -> Result<RecordBatch> {
    let Some(id) = derived_column(def) else { return Ok(batch.clone()) };
    debug_assert_eq!(def.kind, TableKind::Relationships);
    let schema = batch.schema();
    let at = |id: u32| {
        let name = def.schema.by_id(id).map(|c| c.name.as_str()).unwrap_or_default();
        schema.index_of(name).ok()
    };
    let places = [id, relationships::FROM_ID, relationships::TO_ID, relationships::TYPE].map(at);
    let [Some(at), Some(from), Some(to), Some(ty)] = places else { return Ok(batch.clone()) };
    let text = |at: usize| {
        let array = batch.column(at).as_string_view_opt();
        array.ok_or_else(|| Error::invalid("a key column is not of type String"))
    };
    let (ids, from, to, ty) = (text(at)?, text(from)?, text(to)?, text(ty)?);
    let stored: StringViewArray = (0..ids.len())
        .map(|row| {
            let id = ids.is_valid(row).then(|| ids.value(row))?;
            let derived = derived_id(from.value(row), to.value(row), ty.value(row));
            (id != derived).then_some(id)
        })
        .collect();
    let mut columns: BTreeMap<usize, ArrayRef> =
        batch.columns().iter().cloned().enumerate().collect();
    columns.insert(at, Arc::new(stored));
    let fields = schema.fields().iter().enumerate().map(|(place, field)| {
        let nullable = field.is_nullable() || place == at;
        field.as_ref().clone().with_nullable(nullable)
    });
    let schema = arrow_schema::Schema::new(fields.collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), columns.into_values().collect())?)
}
