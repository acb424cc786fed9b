//! Statistics of paths, file by file, in rows: by them files are left out, and values counted,
//! without opening any. The files of one commit share a row, or some. Not here: what they are made
//! of ([`super::summary`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use dodb_part::ColumnStats;
use dodb_part::json::PathType;
use dodb_rowstore::{Usage, Value};
use lru::LruCache;
use minicbor::{Decode, Encode};
use roaring::RoaringBitmap;

use super::field::Field;
use super::head::IndexHead;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::scan::PathColumn;
use crate::slot::Slot;
use crate::statements;
use crate::table::TableDef;

/// A row takes no more files once it is larger than this, about.
const ROW_BYTES: usize = 1_000_000;
/// Rows kept in memory.
const CACHED_MAX: usize = 32;
/// Fields of one file that are kept.
const FIELDS_MAX: usize = 64;

/// Statistics of the paths of some files.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct StatsRow {
    #[n(0)]
    fields: Vec<Field>,
    #[n(1)]
    files: Vec<FileDisk>,
}

#[derive(Debug, Clone, Encode, Decode)]
struct FileDisk {
    #[n(0)]
    file: u32,
    #[n(1)]
    rows: u64,
    #[n(2)]
    stats: Vec<FieldDisk>,
    /// Are there no values at paths that are not listed?
    #[n(3)]
    is_whole: bool,
}

#[derive(Debug, Clone, Encode, Decode)]
struct FieldDisk {
    /// Its place in the row's fields.
    #[n(0)]
    field: u32,
    /// What the path is read as, see [`code_of`]; 0: nothing is known but that it has values.
    #[n(1)]
    ty: u8,
    #[n(2)]
    stats: Option<ColumnStats>,
}

/// The statistics of one file.
pub(crate) struct FileStats {
    pub(crate) file: u32,
    pub(crate) rows: u64,
    pub(crate) fields: Vec<(Field, Option<(PathType, ColumnStats)>)>,
    pub(crate) is_whole: bool,
}

/// The number of a type that paths are read as; `None`: no statistics are kept of it.
fn code_of(ty: PathType) -> Option<u8> {
    match ty {
        PathType::Bool => Some(1),
        PathType::Int64 => Some(2),
        PathType::Float64 => Some(4),
        PathType::String => Some(5),
        _ => None,
    }
}

impl StatsRow {
    /// Rows of these files, which ascend.
    pub(crate) fn of(files: Vec<FileStats>) -> Vec<StatsRow> {
        let mut rows: Vec<StatsRow> = Vec::new();
        let mut bytes = usize::MAX;
        for file in files {
            if bytes > ROW_BYTES {
                rows.push(StatsRow::default());
                bytes = 0;
            }
            let Some(row) = rows.last_mut() else { continue };
            bytes += row.push(file);
        }
        rows
    }

    /// Adds a file; answers about how many bytes that takes.
    fn push(&mut self, file: FileStats) -> usize {
        let is_whole = file.is_whole && file.fields.len() <= FIELDS_MAX;
        let mut bytes = 16;
        let mut stats = Vec::new();
        for (field, known) in file.fields.into_iter().take(FIELDS_MAX) {
            let at = match self.fields.iter().position(|own| *own == field) {
                Some(at) => at,
                None => {
                    bytes += field.path.as_ref().map_or(0, String::len) + 8;
                    self.fields.push(field);
                    self.fields.len() - 1
                }
            };
            let known = known.and_then(|(ty, stats)| Some((code_of(ty)?, stats)));
            let values = known.as_ref().and_then(|(_, stats)| stats.values.as_ref());
            bytes += 96 + values.map_or(0, |values| values.len() * 24);
            let (ty, known) = match known {
                Some((ty, stats)) => (ty, Some(stats)),
                None => (0, None),
            };
            stats.push(FieldDisk { field: at as u32, ty, stats: known });
        }
        self.files.push(FileDisk { file: file.file, rows: file.rows, stats, is_whole });
        bytes
    }

    /// The file that it is found by.
    pub(crate) fn first(&self) -> u32 {
        self.files.first().map_or(0, |file| file.file)
    }

    pub(crate) fn encode(&self, def: &TableDef) -> Result<Vec<u8>> {
        let payload =
            minicbor::to_vec(self).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
        Ok(frame::seal(Magic::Stats, &payload))
    }

    /// What is known of a path in a file; `None`: nothing.
    fn get(&self, file: u32, path: &PathColumn) -> Option<ColumnStats> {
        let at = self.files.binary_search_by_key(&file, |file| file.file).ok()?;
        let file = self.files.get(at)?;
        let is_it = |field: &Field| {
            field.column == path.column && field.path.as_deref() == Some(path.path.as_str())
        };
        let code = code_of(path.ty)?;
        let place = self.fields.iter().position(is_it);
        let own = place.and_then(|place| file.stats.iter().find(|s| s.field as usize == place));
        match own {
            Some(own) if own.ty == code => own.stats.clone(),
            Some(_) => None,
            None if file.is_whole => {
                let (rows, nulls) = (file.rows, file.rows);
                Some(ColumnStats { rows, nulls, ..ColumnStats::default() })
            }
            None => None,
        }
    }
}

/// Rows that were read lately.
pub(crate) struct StatsCache(LruCache<u32, Arc<StatsRow>>);

impl Default for StatsCache {
    fn default() -> StatsCache {
        StatsCache(LruCache::unbounded())
    }
}

impl StatsCache {
    fn keep(&mut self, first: u32, row: Arc<StatsRow>) {
        self.0.put(first, row);
        while self.0.len() > CACHED_MAX {
            self.0.pop_lru();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// What rows say of paths in files.
pub(crate) struct PathStats {
    /// By the first file.
    rows: BTreeMap<u32, Arc<StatsRow>>,
}

impl PathStats {
    /// Reads the rows that speak of these files. A damaged one counts as none.
    ///
    /// # Errors
    /// The row store failed.
    pub(crate) fn read(
        core: &Core,
        slot: &Slot,
        def: &TableDef,
        index: &IndexHead,
        files: &RoaringBitmap,
        usage: &Usage,
    ) -> Result<PathStats> {
        let mut rows = BTreeMap::new();
        let firsts: Vec<u32> = index.stats.0.iter().collect();
        for (at, first) in firsts.iter().enumerate() {
            let wanted = match firsts.get(at + 1) {
                Some(next) => files.range_cardinality(*first..*next),
                None => files.range_cardinality(*first..),
            };
            if wanted > 0
                && let Some(row) = read_row(core, slot, def, *first, usage)?
            {
                rows.insert(*first, row);
            }
        }
        Ok(PathStats { rows })
    }

    /// What is known of a path in a file.
    pub(crate) fn get(&self, no: u64, path: &PathColumn) -> Option<ColumnStats> {
        let file = u32::try_from(no).ok()?;
        let (_, row) = self.rows.range(..=file).next_back()?;
        row.get(file, path)
    }
}

fn read_row(
    core: &Core,
    slot: &Slot,
    def: &TableDef,
    first: u32,
    usage: &Usage,
) -> Result<Option<Arc<StatsRow>>> {
    if let Some(row) = slot.stats_rows.lock().0.get(&first) {
        return Ok(Some(row.clone()));
    }
    let params = [Value::Int(i64::from(def.id)), Value::Int(i64::from(first))];
    let mut found = None;
    core.rows.query_one(&statements::GET_STATS, &params, usage, &mut |row| {
        if let Some(Value::Blob(bytes)) = row.first() {
            found = Some(bytes.to_vec());
        }
    })?;
    let row = found.as_deref().and_then(|row| frame::open(Magic::Stats, &place(def), row).ok());
    let Some(row) = row.and_then(|row| minicbor::decode::<StatsRow>(row).ok()) else {
        return Ok(None);
    };
    let row = Arc::new(row);
    slot.stats_rows.lock().keep(first, row.clone());
    Ok(Some(row))
}

fn place(def: &TableDef) -> String {
    format!("the statistics of files of table `{}`", def.name)
}
