//! Which files can hold rows that meet a predicate, by the posting lists. May name too many, never
//! too few: what is not covered, missing or damaged stays in. Not here: bounds ([`crate::scan`]).

use super::field::Field;
use super::hits::Hits;
use super::lists::Lists;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::scan::ScanRequest;
use crate::state::TableState;
use dodb_part::{CompareOp, Predicate, Scalar};
use dodb_rowstore::Usage;

/// More values than this are not looked up one by one.
const VALUES_MAX: usize = 256;
/// When so few files are left, further conditions are not asked for.
const FILES_ENOUGH: u64 = 1;

/// What the posting lists came to.
pub(crate) enum Candidates {
    /// Only these files can hold rows, and only where it says.
    Files(Hits),
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
    let lists = Lists { core, slot: &slot, def: &state.def, index, usage };
    let probe = Probe { lists, request };
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
    lists: Lists<'a>,
    request: &'a ScanRequest,
}

impl Probe<'_> {
    /// `None`: any file.
    fn of(&self, predicate: &Predicate) -> Result<Option<Hits>> {
        match predicate {
            Predicate::Compare { column, op: CompareOp::Eq, value } => {
                self.with_any(*column, std::slice::from_ref(value))
            }
            Predicate::In { column, values } if values.len() <= VALUES_MAX => {
                self.with_any(*column, values)
            }
            Predicate::And(terms) => {
                let mut found: Option<Hits> = None;
                for term in self.most_telling_first(terms) {
                    let Some(hits) = self.of(term)? else { continue };
                    let both = match found {
                        Some(found) => found.and(&hits),
                        None => hits,
                    };
                    let is_enough = both.files().len() <= FILES_ENOUGH;
                    found = Some(both);
                    if is_enough {
                        break;
                    }
                }
                Ok(found)
            }
            Predicate::Or(terms) if terms.iter().all(|term| self.can_tell(term)) => {
                let mut all = Hits::default();
                for term in terms {
                    let Some(hits) = self.of(term)? else { return Ok(None) };
                    all.or(hits);
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
        Field::asked(self.lists.def, self.request, column).is_some()
    }

    /// The conditions that can be told, those on the key first, then on paths: other columns often
    /// have few values, which bounds and partitions tell as well.
    fn most_telling_first<'p>(&self, terms: &'p [Predicate]) -> Vec<&'p Predicate> {
        let mut told: Vec<&Predicate> = terms.iter().filter(|term| self.can_tell(term)).collect();
        told.sort_by_key(|term| {
            let columns = term.columns();
            let key = self.lists.def.key().first();
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
    fn with_any(&self, column: u32, values: &[Scalar]) -> Result<Option<Hits>> {
        let Some((field, shape)) = Field::asked(self.lists.def, self.request, column) else {
            return Ok(None);
        };
        let keying = field.keying();
        let keys = values.iter().map(|value| keying.scalar(shape, value));
        let Some(mut keys) = keys.collect::<Option<Vec<u64>>>() else { return Ok(None) };
        keys.sort_unstable();
        keys.dedup();
        let mut found = Hits::default();
        let covered = self.lists.find(&keys, &mut |_, hit| found.add(hit))?;
        let index = self.lists.index;
        let Some(sure) = index.without_left_out(&field, &covered) else { return Ok(None) };
        #[cfg(any(test, feature = "testing"))]
        if self.lists.core.options.plants_fault_in_index {
            found.damage();
        }
        let live = &index.live.0;
        found.keep_only(live);
        found.add_whole(&(live - sure));
        Ok(Some(found))
    }
}
