//! Look-ups by key: which keys a predicate asks for, and which parts may hold one of them according
//! to the filters in the head row and in `_ids`. Not here: reading the rows ([`crate::scan`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use dodb_part::{CompareOp, Predicate, Scalar, hash_bytes};
use dodb_rowstore::Usage;

use crate::error::Result;
use crate::ids;
use crate::keys::{derived_id, derived_id_hash};
use crate::snapshot::Snapshot;
use crate::state::PartState;
use crate::table::{TableDef, TableKind, relationships, things};

/// The key hashes of all rows that can meet a predicate.
#[derive(Debug, PartialEq)]
pub(crate) struct KeyLookup {
    hashes: Vec<u64>,
}

/// More keys than this are not looked up one by one.
const KEYS_MAX: usize = 256;

impl KeyLookup {
    /// The keys that `predicate` confines itself to; `None` when it does not.
    pub(crate) fn of(def: &TableDef, predicate: &Predicate) -> Option<KeyLookup> {
        let hashes = match def.kind {
            TableKind::Plain => return None,
            TableKind::Things => {
                let ids = values_of(predicate, things::ID)?;
                ids.iter().map(|id| hash_bytes(id.as_bytes())).collect()
            }
            TableKind::Relationships => match values_of(predicate, relationships::ID) {
                // An id that was given by hand can look like a derived one, but its key hash is
                // that of its triple; only parts without given ids may be left out.
                Some(ids) => ids.iter().map(|id| derived_id_hash(id)).collect::<Option<_>>()?,
                None => triple_hashes(predicate)?,
            },
        };
        Some(KeyLookup { hashes })
    }
}

fn triple_hashes(predicate: &Predicate) -> Option<Vec<u64>> {
    let from = values_of(predicate, relationships::FROM_ID)?;
    let to = values_of(predicate, relationships::TO_ID)?;
    let ty = values_of(predicate, relationships::TYPE)?;
    if from.len() * to.len() * ty.len() > KEYS_MAX {
        return None;
    }
    let mut out = Vec::new();
    for from in &from {
        for to in &to {
            for ty in &ty {
                out.push(derived_id_hash(&derived_id(from, to, ty))?);
            }
        }
    }
    Some(out)
}

/// The strings that `column` must be one of for the predicate to be true.
fn values_of<'a>(predicate: &'a Predicate, column: u32) -> Option<Vec<&'a str>> {
    let text = |value: &'a Scalar| match value {
        Scalar::String(text) => Some(text.as_str()),
        _ => None,
    };
    match predicate {
        Predicate::Compare { column: c, op: CompareOp::Eq, value } if *c == column => {
            Some(vec![text(value)?])
        }
        Predicate::In { column: c, values } if *c == column && values.len() <= KEYS_MAX => {
            values.iter().map(text).collect()
        }
        Predicate::And(terms) => terms.iter().find_map(|term| values_of(term, column)),
        _ => None,
    }
}

/// What the filters say of each part.
pub(crate) struct Verdicts {
    holds: BTreeMap<u64, bool>,
}

impl Verdicts {
    /// Asks the filters; reads `_ids` rows only for parts whose filter is there.
    pub(crate) fn new(
        snapshot: &Snapshot,
        parts: &[Arc<PartState>],
        lookup: &KeyLookup,
        usage: &Usage,
    ) -> Result<Verdicts> {
        let mut holds = BTreeMap::new();
        let given = given_ids(snapshot.def());
        for part in parts {
            // A given id of a relationship has a hash of its own: do not leave its part out.
            let opaque = given.is_some_and(|id| may_have_values(part, id));
            if let (Some(filter), false) = (&part.filter, opaque) {
                let hit = lookup.hashes.iter().any(|hash| filter.might_contain(*hash));
                holds.insert(part.no, hit);
            }
        }
        if parts.iter().any(|p| p.in_ids) {
            let probed = probe(snapshot, parts, lookup, usage)?;
            for part in parts.iter().filter(|p| p.in_ids) {
                let opaque = given.is_some_and(|id| may_have_values(part, id));
                if let (Some(hit), false) = (probed.get(&part.no), opaque) {
                    holds.insert(part.no, *hit);
                }
            }
        }
        Ok(Verdicts { holds })
    }

    /// Unknown parts might.
    pub(crate) fn might_hold(&self, part: &PartState) -> bool {
        self.holds.get(&part.no).copied().unwrap_or(true)
    }
}

fn given_ids(def: &TableDef) -> Option<u32> {
    (def.kind == TableKind::Relationships).then_some(relationships::ID)
}

fn may_have_values(part: &PartState, column: u32) -> bool {
    part.zones.get(&column).is_none_or(|stats| stats.nulls < stats.rows)
}

fn probe(
    snapshot: &Snapshot,
    parts: &[Arc<PartState>],
    lookup: &KeyLookup,
    usage: &Usage,
) -> Result<BTreeMap<u64, bool>> {
    let (core, state) = (&snapshot.core, &snapshot.state);
    let slot = core.slot(state.def.id);
    if let Some(filters) = slot.filters_in_memory() {
        let in_ids = parts.iter().filter(|p| p.in_ids);
        let known = in_ids.filter_map(|p| filters.get(p.no).map(|f| (p.no, f)));
        let hit = |f: &dodb_part::Sbbf| lookup.hashes.iter().any(|hash| f.might_contain(*hash));
        return Ok(known.map(|(no, f)| (no, hit(f))).collect());
    }
    let mut out: BTreeMap<u64, bool> = BTreeMap::new();
    let mut by_bucket: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for hash in &lookup.hashes {
        by_bucket.entry(ids::bucket_of(*hash, state.id_buckets)).or_default().push(*hash);
    }
    for (bucket, hashes) in by_bucket {
        let found = ids::probe(&core.rows, state, bucket, &hashes, usage)?;
        for part in parts.iter().filter(|p| p.in_ids) {
            // A part that the bucket does not cover might hold anything.
            *out.entry(part.no).or_default() |= found.get(&part.no).copied().unwrap_or(true);
        }
    }
    Ok(out)
}
