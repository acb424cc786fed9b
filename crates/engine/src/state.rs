//! The rows of a table at one moment: its parts, what is deleted in them, exact counts. A state
//! never changes; a commit makes the next one, and readers keep the one they began with. Not here:
//! how a state becomes a head row ([`crate::head`]), how the next one is made ([`crate::commit`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_buffer::Buffer;
use dodb_lake::Table;
use dodb_part::json::{Inspector, PathSummary};
use dodb_part::{ColumnStats, ColumnType, Sbbf};
use roaring::RoaringBitmap;

use crate::memory::decoded_estimate;
use crate::table::TableDef;
use crate::warm::{Warm, WarmFile};

/// Statistics of live rows, by column id. A column that is missing is not tracked.
pub(crate) type Summary = BTreeMap<u32, ColumnStats>;

/// What is known of the paths of JSON columns.
pub(crate) type Paths = BTreeMap<u32, Arc<PathSummary>>;

/// Exact counts of at most so many bytes a column ride in the head row.
const VALUES_BYTES_MAX: usize = 8 << 10;
/// The first so many columns of a table are summarised.
const SUMMARY_COLUMNS_MAX: usize = 128;

/// A table at one moment.
#[derive(Debug, Clone)]
pub(crate) struct TableState {
    pub(crate) def: Arc<TableDef>,
    /// Raised by every commit.
    pub(crate) generation: u64,
    /// The number the next part gets. Never reused.
    pub(crate) next_part: u64,
    /// Live rows.
    pub(crate) rows: u64,
    pub(crate) summary: Summary,
    /// What the paths of each JSON column hold, by column id; a column that is missing is empty.
    pub(crate) paths: Paths,
    /// In order of arrival: the oldest rows first.
    pub(crate) parts: Vec<Arc<PartState>>,
    /// Parts replaced or emptied, whose rows are still to be deleted.
    pub(crate) garbage: Vec<u64>,
    /// In how many rows the id filters of large parts are cut: a power of two.
    pub(crate) id_buckets: u32,
    /// The rows in the bucket; counts and summaries cover them too.
    pub(crate) warm: Option<Warm>,
    /// The Iceberg table, where it is somebody else's.
    pub(crate) attached: Option<Table>,
}

/// A part as a state sees it.
#[derive(Debug, Clone)]
pub(crate) struct PartState {
    pub(crate) no: u64,
    /// Rows written, deleted ones included.
    pub(crate) rows: u64,
    pub(crate) granules: u32,
    /// Encoded bytes.
    pub(crate) bytes: u64,
    /// About what its rows take in memory, deleted ones included, where that was noted.
    pub(crate) decoded_bytes: Option<u64>,
    /// Rows that are deleted.
    pub(crate) deleted: Option<Arc<RoaringBitmap>>,
    /// Bounds of the table's zone columns, deleted rows included.
    pub(crate) zones: Arc<BTreeMap<u32, ColumnStats>>,
    /// The filter over key hashes, where it rides in the head row.
    pub(crate) filter: Option<Arc<Sbbf>>,
    /// Are the key hashes of this part in the `_ids` rows?
    pub(crate) in_ids: bool,
    /// The bytes of fresh rows, which have no row of their own.
    pub(crate) fresh: Option<Buffer>,
    /// When its oldest row came, in milliseconds since 1970, where that is known.
    pub(crate) born_ms: Option<i64>,
    /// Where its rows are, if they are in the bucket.
    pub(crate) file: Option<Arc<WarmFile>>,
    /// Held by every state that shows the part: when only the garbage list holds it, nobody reads.
    pub(crate) guard: Arc<()>,
}

impl TableState {
    /// A table in which nothing was written yet.
    pub(crate) fn empty(def: Arc<TableDef>) -> TableState {
        let mut state = TableState {
            def,
            generation: 0,
            next_part: 1,
            rows: 0,
            summary: Summary::new(),
            paths: Paths::new(),
            parts: Vec::new(),
            garbage: Vec::new(),
            id_buckets: 1,
            warm: None,
            attached: None,
        };
        state.summary = state.empty_summary();
        state
    }

    /// The summary of no rows.
    pub(crate) fn empty_summary(&self) -> Summary {
        let columns = self.def.schema.columns().iter().take(SUMMARY_COLUMNS_MAX);
        // Of documents there is nothing to say that their paths do not say better.
        let columns = columns.filter(|c| c.ty != ColumnType::Json);
        columns.map(|c| (c.id, empty_stats())).collect()
    }

    /// Counts rows that were added; `stats` are those of the added rows.
    pub(crate) fn add_rows(&mut self, rows: u64, stats: &[(u32, ColumnStats)]) {
        self.rows += rows;
        for (id, own) in &mut self.summary {
            match stats.iter().find(|(added, _)| added == id) {
                Some((_, added)) => own.merge(added),
                None => own.merge(&null_stats(rows)),
            }
            let too_long = own.values.as_ref().is_some_and(|v| values_bytes(v) > VALUES_BYTES_MAX);
            if too_long {
                own.values = None;
            }
        }
    }

    /// Counts rows that were removed; `stats` are those of the removed rows. A tracked column
    /// without stats is no longer tracked.
    pub(crate) fn remove_rows(&mut self, rows: u64, stats: &[(u32, ColumnStats)]) {
        self.rows = self.rows.saturating_sub(rows);
        if self.rows == 0 {
            self.summary = self.empty_summary();
            // Older snapshots in the bucket are read by them.
            if self.warm.is_none() {
                self.paths.clear();
            }
            return;
        }
        self.summary.retain(|id, own| match stats.iter().find(|(gone, _)| gone == id) {
            Some((_, gone)) => {
                own.remove(gone);
                true
            }
            None => false,
        });
    }

    /// Notes what the documents of a batch hold.
    pub(crate) fn add_paths(&mut self, batch: &RecordBatch) {
        for column in self.def.schema.columns() {
            let documents = batch.column_by_name(&column.name);
            let Some(documents) = documents.and_then(|array| array.as_string_view_opt()) else {
                continue;
            };
            if column.ty != ColumnType::Json {
                continue;
            }
            let mut inspector = Inspector::new();
            // They were checked before: what cannot be read here is not known.
            let all_read = documents.iter().flatten().all(|text| inspector.inspect(text).is_ok());
            let known = self.paths.entry(column.id).or_default();
            let known = Arc::make_mut(known);
            known.merge(&inspector.summary());
            if !all_read {
                known.merge(&PathSummary::unknown());
            }
        }
    }

    /// The part of that number.
    pub(crate) fn part(&self, no: u64) -> Option<&Arc<PartState>> {
        self.parts.iter().find(|p| p.no == no)
    }

    /// Bytes and rows of fresh rows.
    pub(crate) fn fresh_size(&self) -> (u64, u64) {
        let fresh = self.parts.iter().filter(|p| p.fresh.is_some());
        fresh.fold((0, 0), |(bytes, rows), p| (bytes + p.bytes, rows + p.rows))
    }
}

impl PartState {
    /// Rows that are not deleted.
    pub(crate) fn live(&self) -> u64 {
        self.rows - self.deleted_count()
    }

    pub(crate) fn deleted_count(&self) -> u64 {
        self.deleted.as_ref().map_or(0, |d| d.len()).min(self.rows)
    }

    /// About what its rows take in memory, deleted ones included.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.decoded_bytes.unwrap_or_else(|| decoded_estimate(self.bytes))
    }

    /// About what its live rows take in memory.
    pub(crate) fn live_memory_bytes(&self) -> u64 {
        (self.memory_bytes() / self.rows.max(1)).saturating_mul(self.live())
    }

    pub(crate) fn is_deleted(&self, row: u32) -> bool {
        self.deleted.as_ref().is_some_and(|d| d.contains(row))
    }

    /// The same part with more rows deleted.
    pub(crate) fn with_deleted(&self, rows: &RoaringBitmap) -> PartState {
        let mut all = self.deleted.as_deref().cloned().unwrap_or_default();
        all |= rows;
        PartState { deleted: Some(Arc::new(all)), ..self.clone() }
    }
}

fn empty_stats() -> ColumnStats {
    ColumnStats {
        rows: 0,
        nulls: 0,
        min: None,
        max: None,
        exact: true,
        distinct: 0,
        values: Some(Vec::new()),
    }
}

/// Statistics of `rows` nulls.
pub(crate) fn null_stats(rows: u64) -> ColumnStats {
    ColumnStats { rows, nulls: rows, ..empty_stats() }
}

fn values_bytes(values: &[(dodb_part::Scalar, u64)]) -> usize {
    use dodb_part::Scalar;
    let size = |v: &Scalar| match v {
        Scalar::String(s) => s.len(),
        Scalar::Bytes(b) => b.len(),
        _ => 8,
    };
    values.iter().map(|(v, _)| size(v) + 8).sum()
}
