//! Which files can hold rows that meet a predicate, by the posting lists. May name too many, never
//! too few: what is not covered, missing or damaged stays in. Not here: bounds ([`crate::scan`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use dodb_part::{CompareOp, Predicate, Scalar};
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use super::field::Field;
use super::head::{IndexHead, LevelHead};
use super::level::{self, Level, LevelRow, RowName, shard_of};
use crate::db::Core;
use crate::error::{Error, Result};
use crate::scan::ScanRequest;
use crate::slot::Slot;
use crate::state::TableState;
use crate::table::TableDef;

/// More values than this are not looked up one by one.
const VALUES_MAX: usize = 256;
/// When so few files are left, further conditions are not asked for.
const FILES_ENOUGH: u64 = 1;

/// What the posting lists came to.
pub(crate) enum Candidates {
    /// Only these files can hold rows.
    Files(RoaringBitmap),
    /// The predicate asks for nothing that is indexed.
    Any,
    /// The index would have an answer, but a row of it is missing or damaged.
    Unreadable,
}

/// Asks the posting lists: one row of each level for each value of a condition of equality.
///
/// # Errors
/// The row store failed.
pub(crate) fn candidates(
    core: &Core,
    state: &TableState,
    request: &ScanRequest,
    usage: &Usage,
) -> Result<Candidates> {
    let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
    let Some(index) = index.filter(|_| state.attached.is_none()) else {
        return Ok(Candidates::Any);
    };
    let slot = core.slot(state.def.id);
    let probe = Probe { core, slot: &slot, def: &state.def, index, request, usage };
    match probe.of(&request.predicate) {
        Ok(Some(files)) => Ok(Candidates::Files(files)),
        Ok(None) => Ok(Candidates::Any),
        Err(e @ Error::Rows(_)) => Err(e),
        Err(_) => {
            slot.suspect_index();
            Ok(Candidates::Unreadable)
        }
    }
}

struct Probe<'a> {
    core: &'a Core,
    slot: &'a Slot,
    def: &'a TableDef,
    index: &'a IndexHead,
    request: &'a ScanRequest,
    usage: &'a Usage,
}

impl Probe<'_> {
    /// `None`: any file.
    fn of(&self, predicate: &Predicate) -> Result<Option<RoaringBitmap>> {
        match predicate {
            Predicate::Compare { column, op: CompareOp::Eq, value } => {
                self.with_any(*column, std::slice::from_ref(value))
            }
            Predicate::In { column, values } if values.len() <= VALUES_MAX => {
                self.with_any(*column, values)
            }
            Predicate::And(terms) => {
                let mut found: Option<RoaringBitmap> = None;
                for term in self.most_telling_first(terms) {
                    let Some(files) = self.of(term)? else { continue };
                    let both = match found {
                        Some(found) => found & files,
                        None => files,
                    };
                    let is_enough = both.len() <= FILES_ENOUGH;
                    found = Some(both);
                    if is_enough {
                        break;
                    }
                }
                Ok(found)
            }
            Predicate::Or(terms) if terms.iter().all(|term| self.can_tell(term)) => {
                let mut all = RoaringBitmap::new();
                for term in terms {
                    let Some(files) = self.of(term)? else { return Ok(None) };
                    all |= files;
                }
                Ok(Some(all))
            }
            _ => Ok(None),
        }
    }

    /// Might the index say something of this? Reads nothing.
    fn can_tell(&self, predicate: &Predicate) -> bool {
        match predicate {
            Predicate::Compare { column, op: CompareOp::Eq, .. } => self.is_indexed(*column),
            Predicate::In { column, values } => {
                values.len() <= VALUES_MAX && self.is_indexed(*column)
            }
            Predicate::And(terms) => terms.iter().any(|term| self.can_tell(term)),
            Predicate::Or(terms) => terms.iter().all(|term| self.can_tell(term)),
            _ => false,
        }
    }

    fn is_indexed(&self, column: u32) -> bool {
        Field::asked(self.def, self.request, column).is_some()
    }

    /// The conditions that can be told, those on the key first, then on paths: other columns often
    /// have few values, which bounds and partitions tell as well.
    fn most_telling_first<'p>(&self, terms: &'p [Predicate]) -> Vec<&'p Predicate> {
        let mut told: Vec<&Predicate> = terms.iter().filter(|term| self.can_tell(term)).collect();
        told.sort_by_key(|term| {
            let columns = term.columns();
            let key = self.def.key().first();
            let is_path = |id: &u32| self.request.paths.iter().any(|path| path.id == *id);
            match () {
                () if columns.iter().any(|id| Some(id) == key) => 0,
                () if columns.iter().any(is_path) => 1,
                () => 2,
            }
        });
        told
    }

    /// The files that can hold one of these values.
    fn with_any(&self, column: u32, values: &[Scalar]) -> Result<Option<RoaringBitmap>> {
        let Some((field, shape)) = Field::asked(self.def, self.request, column) else {
            return Ok(None);
        };
        let keying = field.keying();
        let keys = values.iter().map(|value| keying.scalar(shape, value));
        let Some(mut keys) = keys.collect::<Option<Vec<u64>>>() else { return Ok(None) };
        keys.sort_unstable();
        keys.dedup();
        let (mut found, mut covered) = (RoaringBitmap::new(), RoaringBitmap::new());
        for level in Level::ALL {
            covered |= self.ask(level, &keys, &mut found)?;
        }
        let Some(sure) = self.index.without_left_out(&field, &covered) else { return Ok(None) };
        #[cfg(any(test, feature = "testing"))]
        if self.core.options.plants_fault_in_index {
            found.remove_biggest(1);
        }
        let live = &self.index.live.0;
        Ok(Some((found & live) | (live - sure)))
    }

    /// Adds the files of one level that have one of the keys; answers the files that it covers.
    fn ask(&self, level: Level, keys: &[u64], found: &mut RoaringBitmap) -> Result<RoaringBitmap> {
        let head = level.of(self.index);
        if head.cut == 0 {
            return Ok(RoaringBitmap::new());
        }
        let mut by_shard: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for key in keys {
            by_shard.entry(shard_of(*key, head.cut)).or_default().push(*key);
        }
        let mut covered: Option<RoaringBitmap> = None;
        for (shard, keys) in by_shard {
            let row = self.row(RowName { level, cut: head.cut, shard }, head)?;
            let postings = row.postings.find(&keys);
            let postings = postings.map_err(|e| Error::part("posting lists", e))?;
            found.extend(postings.into_iter().map(|(_, file)| file));
            covered = Some(match covered {
                Some(covered) => covered & &row.files,
                None => row.files.clone(),
            });
        }
        Ok(covered.unwrap_or_default())
    }

    fn row(&self, name: RowName, head: LevelHead) -> Result<Arc<LevelRow>> {
        let cache = &self.slot.index_rows;
        if let Some(row) = cache.get(name, head.version) {
            return Ok(row);
        }
        let row = level::read(&self.core.rows, self.def, name, self.usage)?;
        let missing = || Error::corrupt("posting lists", format!("there is no {name:?}"));
        let row = Arc::new(row.ok_or_else(missing)?);
        let bytes_max = self.core.options.index_cache_bytes_max;
        cache.keep(name, head.version, row.clone(), bytes_max);
        Ok(row)
    }
}
