//! Statistics of paths, file by file, in rows: by them files are left out, and values counted,
//! without opening any. Not here: what they are made of ([`super::summary`]), nor which row a file
//! is in ([`super::by_file`]).

use std::sync::Arc;

use dodb_part::ColumnStats;
use dodb_part::json::PathType;
use dodb_rowstore::{Usage, Value};
use hashbrown::HashMap;
use lru::LruCache;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use roaring::RoaringBitmap;

use super::by_file::FileRow;
use super::field::Field;
use super::head::IndexHead;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::frame::{self, Magic};
use crate::scan::PathColumn;
use crate::slot::Slot;
use crate::statements;
use crate::table::TableDef;

/// Fields of one file that are kept.
const FIELDS_MAX: usize = 64;

/// Statistics of the paths of some files. Kept encoded: a query asks for one path or two.
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
    /// [`ColumnStats`].
    #[n(2)]
    stats: Option<ByteVec>,
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

impl FileRow for StatsRow {
    type Entry = FileStats;

    fn file_of(entry: &FileStats) -> u32 {
        entry.file
    }

    fn put(&mut self, file: FileStats) -> usize {
        let is_whole = file.is_whole && file.fields.len() <= FIELDS_MAX;
        let mut named = 0;
        let mut stats = Vec::new();
        for (field, known) in file.fields.into_iter().take(FIELDS_MAX) {
            let at = match self.fields.iter().position(|own| *own == field) {
                Some(at) => at,
                None => {
                    named += field_bytes(&field);
                    self.fields.push(field);
                    self.fields.len() - 1
                }
            };
            let known = known.and_then(|(ty, stats)| {
                // Writing to a Vec cannot fail.
                Some((code_of(ty)?, minicbor::to_vec(&stats).ok()?))
            });
            let (ty, known) = known.unzip();
            let known = known.map(ByteVec::from);
            stats.push(FieldDisk { field: at as u32, ty: ty.unwrap_or(0), stats: known });
        }
        let file = FileDisk { file: file.file, rows: file.rows, stats, is_whole };
        let bytes = named + file.bytes();
        match self.files.binary_search_by_key(&file.file, |own| own.file) {
            Ok(at) => self.files.splice(at..=at, [file]).for_each(drop),
            Err(at) => self.files.insert(at, file),
        }
        bytes
    }

    fn last(&self) -> Option<u32> {
        self.files.last().map(|file| file.file)
    }

    fn keep(&mut self, files: &RoaringBitmap) {
        self.files.retain(|file| files.contains(file.file));
    }

    fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(field_bytes).sum::<usize>();
        fields + self.files.iter().map(FileDisk::bytes).sum::<usize>()
    }
}

fn field_bytes(field: &Field) -> usize {
    field.path.as_ref().map_or(0, String::len) + 8
}

impl FileDisk {
    fn bytes(&self) -> usize {
        let each = |own: &FieldDisk| own.stats.as_ref().map_or(0, |stats| stats.len()) + 6;
        16 + self.stats.iter().map(each).sum::<usize>()
    }
}

impl StatsRow {
    pub(crate) fn encode(&self, def: &TableDef) -> Result<Vec<u8>> {
        let payload =
            minicbor::to_vec(self).map_err(|e| Error::corrupt(place(def), e.to_string()))?;
        Ok(frame::seal(Magic::Stats, &payload))
    }

    /// Reads a row; `None` when there is none, or a damaged one.
    ///
    /// # Errors
    /// The row store failed.
    pub(super) fn read(
        core: &Core,
        def: &TableDef,
        first: u32,
        usage: &Usage,
    ) -> Result<Option<StatsRow>> {
        let params = [Value::Int(i64::from(def.id)), Value::Int(i64::from(first))];
        let mut found = None;
        core.rows.query_one(&statements::GET_STATS, &params, usage, &mut |row| {
            let bytes = row.first().and_then(Value::as_blob).unwrap_or_default();
            let payload = frame::open(Magic::Stats, &place(def), bytes).ok();
            found = payload.and_then(|payload| minicbor::decode(payload).ok());
        })?;
        Ok(found)
    }

    /// The place of a path among the fields.
    fn place_of(&self, path: &PathColumn) -> Option<u32> {
        let is_it = |field: &Field| {
            field.column == path.column && field.path.as_deref() == Some(path.path.as_str())
        };
        self.fields.iter().position(is_it).map(|at| at as u32)
    }
}

impl FileDisk {
    /// What is known of a path, which is at `place` among the fields if any file has it; `None`:
    /// nothing.
    fn get(&self, place: Option<u32>, ty: PathType) -> Option<ColumnStats> {
        let code = code_of(ty)?;
        let own = place.and_then(|place| self.stats.iter().find(|own| own.field == place));
        match own {
            Some(own) if own.ty == code => minicbor::decode(own.stats.as_ref()?).ok(),
            Some(_) => None,
            None if self.is_whole => {
                let (rows, nulls) = (self.rows, self.rows);
                Some(ColumnStats { rows, nulls, ..ColumnStats::default() })
            }
            None => None,
        }
    }
}

/// Rows that were read lately.
pub(crate) struct StatsCache {
    rows: LruCache<u32, (Arc<StatsRow>, usize)>,
    bytes: usize,
}

impl Default for StatsCache {
    fn default() -> StatsCache {
        StatsCache { rows: LruCache::unbounded(), bytes: 0 }
    }
}

impl StatsCache {
    fn keep(&mut self, first: u32, row: Arc<StatsRow>, bytes_max: usize) {
        // Next to the bytes themselves there is a little for each field of a file.
        let fields: usize = row.files.iter().map(|file| file.stats.len()).sum();
        let bytes = row.bytes() + fields * size_of::<FieldDisk>();
        self.bytes += bytes;
        if let Some((_, before)) = self.rows.put(first, (row, bytes)) {
            self.bytes = self.bytes.saturating_sub(before);
        }
        while self.bytes > bytes_max {
            let Some((_, (_, gone))) = self.rows.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(gone);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = StatsCache::default();
    }
}

/// What rows say of some paths in some files.
pub(crate) struct PathStats {
    /// By file, and the id of the path's column in the request.
    known: HashMap<(u32, u32), ColumnStats>,
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
        paths: &[&PathColumn],
        usage: &Usage,
    ) -> Result<PathStats> {
        let mut known = HashMap::new();
        let firsts: Vec<u32> = index.stats.0.iter().collect();
        for (at, first) in firsts.iter().enumerate() {
            let last = match firsts.get(at + 1) {
                Some(next) => files.rank(next - 1),
                None => files.len(),
            };
            let last = last.checked_sub(1).and_then(|at| files.select(u32::try_from(at).ok()?));
            let Some(last) = last.filter(|last| last >= first) else { continue };
            let Some(row) = read_row(core, slot, def, *first, last, usage)? else { continue };
            let places: Vec<_> = paths.iter().map(|path| row.place_of(path)).collect();
            for file in row.files.iter().filter(|file| files.contains(file.file)) {
                for (path, place) in paths.iter().zip(&places) {
                    if let Some(stats) = file.get(*place, path.ty) {
                        known.insert((file.file, path.id), stats);
                    }
                }
            }
        }
        Ok(PathStats { known })
    }

    /// What is known of a path in a file.
    pub(crate) fn get(&self, no: u64, path: &PathColumn) -> Option<&ColumnStats> {
        self.known.get(&(u32::try_from(no).ok()?, path.id))
    }
}

/// The row that begins with file `first`, and speaks of file `last` if any does.
fn read_row(
    core: &Core,
    slot: &Slot,
    def: &TableDef,
    first: u32,
    last: u32,
    usage: &Usage,
) -> Result<Option<Arc<StatsRow>>> {
    // Locked while the row is read: threads that want it at once read it once.
    let mut held = slot.stats_rows.lock();
    // Files may have been added to the row since.
    if let Some((row, _)) = held.rows.get(&first)
        && row.last() >= Some(last)
    {
        return Ok(Some(row.clone()));
    }
    let Some(row) = StatsRow::read(core, def, first, usage)? else {
        slot.suspect_index();
        return Ok(None);
    };
    let row = Arc::new(row);
    let bytes_max = core.options.index_cache_bytes_max / 2;
    held.keep(first, row.clone(), bytes_max);
    Ok(Some(row))
}

fn place(def: &TableDef) -> String {
    format!("the statistics of files of table `{}`", def.name)
}
