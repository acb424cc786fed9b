//! Batches to new parts: encoding, cutting by size, zones, key filters. Not here: which rows go
//! into a part (inserts and merges decide), nor the writing of its rows ([`crate::commit`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use dodb_part::WriteOptions;
use dodb_part::{ColumnStats, ColumnType, Effort, Layout, PartReader, PartRow, PartWriter, Sbbf};

use crate::error::{Error, Result};
use crate::ids;
use crate::keys::{hash_keys, key_columns};
use crate::memory::{memory_bytes, rows_within};
use crate::options::Options;
use crate::state::PartState;
use crate::table::TableDef;

/// Rows of one granule: what one batch of a scan holds.
pub(crate) const GRANULE_ROWS: usize = 8_192;
/// Zone columns keep exact value lists of at most so many values.
const ZONE_VALUES_MAX: usize = 16;

/// A part that has no number and no rows in the store yet.
pub(crate) struct NewPart {
    pub(crate) rows: u64,
    pub(crate) granules: u32,
    pub(crate) bytes: u64,
    decoded_bytes: u64,
    /// Rows to write; empty for a fresh part.
    pub(crate) image: Vec<PartRow>,
    pub(crate) stats: Vec<(u32, ColumnStats)>,
    zones: BTreeMap<u32, ColumnStats>,
    pub(crate) filter: Option<Arc<Sbbf>>,
    pub(crate) in_ids: bool,
    fresh: Option<Buffer>,
}

/// Where and how rows are assembled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A few rows that wait in the head row.
    Fresh,
    /// An insert large enough to be a part at once.
    Insert,
    /// The result of a merge, written once and read often.
    Merge,
}

/// Encodes `batches` (full rows in the order of `def.schema`) as one or more parts.
/// `bytes_estimate` is about what they will take.
pub(crate) fn assemble(
    def: &TableDef,
    options: &Options,
    purpose: Purpose,
    bytes_estimate: u64,
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
) -> Result<Vec<NewPart>> {
    let layout = layout(def, options, purpose, bytes_estimate);
    let most = Most::of(options, purpose, layout);
    let mut out = Vec::new();
    let mut writer: Option<Building<'_>> = None;
    for batch in batches {
        let batch = batch?;
        let step = most.rows_at_once(&batch);
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = (batch.num_rows() - start).min(step);
            let slice = batch.slice(start, rows);
            start += rows;
            let building = match writer.as_mut() {
                Some(building) => building,
                None => writer.insert(Building::new(def, layout, purpose)?),
            };
            building.push(&slice)?;
            if most.is_reached_by(building)
                && let Some(full) = writer.take()
            {
                out.push(full.finish(options)?);
            }
        }
    }
    if let Some(last) = writer {
        out.push(last.finish(options)?);
    }
    Ok(out)
}

/// What a part may have before it is cut.
struct Most {
    rows: u64,
    bytes: u64,
    memory_bytes: u64,
}

impl Most {
    fn of(options: &Options, purpose: Purpose, layout: Layout) -> Most {
        let bytes = match layout {
            Layout::Compact => options.compact_bytes_max,
            Layout::Wide => options.wide_bytes_max,
        };
        match purpose {
            Purpose::Fresh => Most { rows: u64::MAX, bytes: u64::MAX, memory_bytes: u64::MAX },
            _ => Most {
                rows: options.part_rows_max,
                bytes,
                memory_bytes: options.part_memory_bytes_max,
            },
        }
    }

    /// A granule, unless that is much of what a part may take in memory.
    fn rows_at_once(&self, batch: &RecordBatch) -> usize {
        const STEPS_MIN: u64 = 4;
        rows_within(batch, self.memory_bytes / STEPS_MIN).min(GRANULE_ROWS)
    }

    fn is_reached_by(&self, part: &Building<'_>) -> bool {
        part.rows >= self.rows
            || part.decoded_bytes >= self.memory_bytes
            || part.writer.bytes_written() as u64 >= self.bytes
    }
}

/// Keyed tables stay compact: a row is then found by its key in three row reads. Others are wide as
/// soon as their columns are worth a row each.
fn layout(def: &TableDef, options: &Options, purpose: Purpose, bytes_estimate: u64) -> Layout {
    if purpose == Purpose::Fresh || !def.key().is_empty() {
        return Layout::Compact;
    }
    if bytes_estimate < options.compact_bytes_max / 2 { Layout::Compact } else { Layout::Wide }
}

struct Building<'a> {
    def: &'a TableDef,
    purpose: Purpose,
    writer: PartWriter,
    rows: u64,
    decoded_bytes: u64,
    hashes: Vec<u64>,
}

impl<'a> Building<'a> {
    fn new(def: &'a TableDef, layout: Layout, purpose: Purpose) -> Result<Building<'a>> {
        let mut options = WriteOptions { layout, granule_rows: GRANULE_ROWS, ..Default::default() };
        options.effort = if purpose == Purpose::Merge { Effort::Small } else { Effort::Fast };
        // A few rows cost less as text than as many columns.
        options.shred = purpose != Purpose::Fresh;
        options.json_paths_max_of = def.json_paths_max();
        options.json_blooms = purpose == Purpose::Merge;
        if purpose == Purpose::Fresh {
            options.row_bytes_max = i32::MAX as usize;
        }
        if purpose == Purpose::Merge && def.key().is_empty() {
            let strings = def
                .schema
                .columns()
                .iter()
                .filter(|c| matches!(c.ty, ColumnType::String | ColumnType::Uuid));
            options.bloom_columns = strings.map(|c| c.id).collect();
        }
        let writer =
            PartWriter::new(&def.schema, options).map_err(|e| Error::part(&def.name, e))?;
        Ok(Building { def, purpose, writer, rows: 0, decoded_bytes: 0, hashes: Vec::new() })
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.decoded_bytes += memory_bytes(batch);
        if !self.def.key().is_empty() {
            let keys = key_columns(self.def, batch)?;
            self.hashes.extend(hash_keys(self.def.kind, &keys)?);
        }
        self.writer.push(batch).map_err(|e| Error::part(&self.def.name, e))
    }

    fn finish(self, options: &Options) -> Result<NewPart> {
        let name = &self.def.name;
        let image = self.writer.finish().map_err(|e| Error::part(name, e))?;
        let bytes = image.rows.iter().map(|r| r.bytes.len() as u64).sum();
        let in_ids = image.row_count > options.inline_filter_rows_max;
        let keyed = !self.hashes.is_empty();
        let filter = keyed.then(|| Arc::new(ids::build(&self.hashes, in_ids)));
        let mut rows = image.rows;
        let fresh = match self.purpose {
            Purpose::Fresh => {
                Some(Buffer::from_vec(rows.drain(..).flat_map(|r| r.bytes).collect()))
            }
            _ => None,
        };
        Ok(NewPart {
            rows: image.row_count,
            decoded_bytes: self.decoded_bytes,
            granules: granules(&rows, fresh.as_ref()).map_err(|e| Error::part(name, e))?,
            bytes,
            zones: zones(self.def, &image.stats),
            stats: image.stats,
            image: rows,
            in_ids: in_ids && keyed,
            filter,
            fresh,
        })
    }
}

/// How many granules the writer cut, as its reader sees them.
fn granules(rows: &[PartRow], fresh: Option<&Buffer>) -> Result<u32, dodb_part::Error> {
    let reader = PartReader::open(&mut |key| match fresh {
        Some(bytes) => Ok(bytes.clone()),
        None => rows
            .iter()
            .find(|r| r.key == key)
            .map(|r| Buffer::from(r.bytes.as_slice()))
            .ok_or_else(|| dodb_part::Error::corrupt("part", "its header row is missing")),
    })?;
    Ok(reader.granule_count() as u32)
}

/// Bounds of the zone columns, as small as rides in a head row.
pub(crate) fn zones(def: &TableDef, stats: &[(u32, ColumnStats)]) -> BTreeMap<u32, ColumnStats> {
    const ZONE_BYTES_MAX: usize = 32;
    let mut out = BTreeMap::new();
    for id in def.zone_columns() {
        if let Some((_, stats)) = stats.iter().find(|(column, _)| *column == id) {
            let mut zone = stats.clone();
            zone.truncate_strings(ZONE_BYTES_MAX);
            if zone.values.as_ref().is_some_and(|v| v.len() > ZONE_VALUES_MAX) {
                zone.values = None;
            }
            out.insert(id, zone);
        }
    }
    out
}

impl NewPart {
    /// The part as a state shows it, under the number `no`.
    pub(crate) fn state(&self, no: u64, born_ms: Option<i64>) -> PartState {
        PartState {
            no,
            rows: self.rows,
            granules: self.granules,
            bytes: self.bytes,
            decoded_bytes: Some(self.decoded_bytes),
            deleted: None,
            zones: Arc::new(self.zones.clone()),
            filter: if self.in_ids { None } else { self.filter.clone() },
            in_ids: self.in_ids,
            fresh: self.fresh.clone(),
            born_ms,
            file: None,
            guard: Arc::new(()),
        }
    }
}
