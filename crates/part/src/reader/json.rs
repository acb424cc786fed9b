//! JSON columns that are stored as subcolumns: documents, and typed values of paths, with what is
//! known of a path before anything is read. Not the putting together (`json`).

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray, new_null_array};
use arrow_buffer::{BooleanBuffer, Buffer};

use super::{PartColumn, PartReader};
use crate::bloom::Sbbf;
use crate::codec::segment::{decode_with, seed};
use crate::error::{Error, Result};
use crate::json::{
    Found, Kind, PathStep, PathType, REST_BUCKETS, Role, Step, Sub, Unshredder, Wanted, is_under,
    path_under, path_values, raw, rest_bucket, rest_entries, steps_of, text_values,
};
use crate::layout::RowKey;
use crate::schema::{Column, ColumnType};
use crate::stats::ColumnStats;

/// A function that fetches rows.
type Fetch<'a> = dyn FnMut(RowKey) -> Result<Buffer> + 'a;

/// One JSON column of an open part.
#[derive(Debug)]
pub(super) struct JsonColumn {
    pub(super) subs: Vec<Sub>,
    pub(super) columns: Vec<PartColumn>,
    by_path: HashMap<String, Vec<usize>>,
    rest: Vec<usize>,
}

impl JsonColumn {
    pub(super) fn new(subs: Vec<Sub>, columns: Vec<PartColumn>) -> JsonColumn {
        let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
        let mut rest = Vec::new();
        for (at, sub) in subs.iter().enumerate() {
            match sub.role {
                Role::Leaf(_) => by_path.entry(sub.path.clone()).or_default().push(at),
                Role::Rest(_) => rest.push(at),
            }
        }
        JsonColumn { subs, columns, by_path, rest }
    }

    fn has_values(&self, sub: usize, granule: usize) -> bool {
        let bytes = self.columns.get(sub).and_then(|c| c.header.segment_bytes.get(granule));
        bytes.is_some_and(|bytes| *bytes > 0)
    }

    /// The subcolumns of exactly this path.
    fn exact(&self, path: &str) -> &[usize] {
        self.by_path.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// The rest columns that can hold the path itself in a granule.
    fn rest_of<'a>(&'a self, path: &str, granule: usize) -> impl Iterator<Item = usize> + 'a {
        let bucket = rest_bucket(path);
        let since = self.exact(path).first().and_then(|at| self.subs.get(*at));
        let settled = since.is_some_and(|sub| granule >= sub.since as usize);
        self.rest.iter().copied().filter(move |at| {
            let role = self.subs.get(*at).map(|sub| sub.role);
            let can_hold =
                role == Some(Role::Rest(bucket)) || role == Some(Role::Rest(REST_BUCKETS));
            can_hold && !settled && self.has_values(*at, granule)
        })
    }
}

/// A path of a part, as `JSONDynamicPaths` and inspection see it.
#[derive(Debug, Clone)]
pub struct PartPath<'a> {
    /// The stored path; see [`crate::json::path_text`].
    pub path: &'a str,
    /// What its values are; `None` for a column of rare paths.
    pub kind: Option<Kind>,
    /// Bytes stored, its Bloom filter included.
    pub bytes: u64,
    /// Statistics of the whole part.
    pub stats: &'a ColumnStats,
}

impl PartReader {
    /// The subcolumns of a JSON column; none when it is stored as text.
    pub fn paths(&self, column: u32) -> Vec<PartPath<'_>> {
        let Some(json) = self.json.get(&column) else { return Vec::new() };
        let paths = json.subs.iter().zip(&json.columns).map(|(sub, column)| PartPath {
            path: &sub.path,
            kind: match sub.role {
                Role::Leaf(kind) => Some(kind),
                Role::Rest(_) => None,
            },
            bytes: column.header.stored_bytes(),
            stats: &column.header.stats,
        });
        paths.collect()
    }

    /// The documents of one granule, in the rows of `selection` only if there is one; `None` when
    /// the column is stored as text.
    pub(super) fn read_documents(
        &self,
        column: &Column,
        granule: usize,
        selection: Option<&BooleanBuffer>,
        fetch: &mut Fetch<'_>,
    ) -> Result<Option<ArrayRef>> {
        let Some(json) = self.json.get(&column.id) else { return Ok(None) };
        let texts = self.texts(json, column, granule, "", selection, fetch)?;
        Ok(Some(texts))
    }

    /// The values of a stored path of keys in one granule, as the column type of `want`.
    ///
    /// # Errors
    /// As for [`PartReader::read`].
    pub fn read_path(
        &self,
        column: &Column,
        path: &str,
        want: PathType,
        granule: usize,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<ArrayRef> {
        let rows = self.rows_of(granule)?;
        let Some(json) = self.json.get(&column.id) else {
            let documents = self.read(column, granule, fetch)?;
            return documents_path(&documents, path, want);
        };
        let inside = json.by_path.keys().any(|other| is_under(other, path));
        let exact: Vec<usize> = json.exact(path).to_vec();
        if matches!(want, PathType::Text | PathType::Json | PathType::Object) {
            let rest = json.rest.iter().any(|at| json.has_values(*at, granule));
            let is_text = |at: &usize| {
                let role = json.subs.get(*at).map(|sub| sub.role);
                matches!(role, Some(Role::Leaf(Kind::String | Kind::Null)))
            };
            let only_text = !inside && !rest && exact.iter().all(is_text);
            if want == PathType::Text && only_text {
                let leaves = self.leaves(json, &exact, granule, rows, fetch)?;
                return path_values(PathType::String, &Found { rows, leaves, rest: Vec::new() });
            }
            let texts = self.texts(json, column, granule, path, None, fetch)?;
            return Ok(as_wanted(&texts, want));
        }
        let leaves = self.leaves(json, &exact, granule, rows, fetch)?;
        let mut rest = Vec::new();
        let buckets: Vec<usize> = json.rest_of(path, granule).collect();
        for at in buckets {
            let array = self.sub(json, at, granule, rows, fetch)?;
            rest_values(&array, path, &mut rest);
        }
        rest.sort_by_key(|(row, _)| *row);
        path_values(want, &Found { rows, leaves, rest })
    }

    /// What is known of a path, read as `want`: in one granule, or in the whole part. `None` when
    /// nothing is.
    pub fn path_stats(
        &self,
        column: u32,
        path: &str,
        want: PathType,
        granule: Option<usize>,
    ) -> Option<ColumnStats> {
        let json = self.json.get(&column)?;
        let kind = want.direct_kind()?;
        let granules = match granule {
            Some(granule) => granule..granule + 1,
            None => 0..self.granule_count(),
        };
        for granule in granules.clone() {
            if json.rest_of(path, granule).next().is_some() {
                return None;
            }
        }
        let serving = |at: &&usize| {
            let role = json.subs.get(**at).map(|sub| sub.role);
            role.is_some_and(|role| role == Role::Leaf(kind))
        };
        // Values of other kinds are converted; their bounds are not.
        let others = json.exact(path).iter().filter(|at| !serving(at)).any(|at| {
            let role = json.subs.get(*at).map(|sub| sub.role);
            want == PathType::Float64
                && matches!(role, Some(Role::Leaf(Kind::Int | Kind::UInt | Kind::Number)))
        });
        if others
            || matches!(
                want,
                PathType::Bools | PathType::Ints | PathType::Floats | PathType::Strings
            )
        {
            return None;
        }
        let rows = match granule {
            Some(granule) => self.granule_rows(granule).end - self.granule_rows(granule).start,
            None => self.row_count,
        };
        match json.exact(path).iter().find(serving) {
            None => Some(ColumnStats { rows, nulls: rows, ..ColumnStats::default() }),
            Some(at) => {
                let column = json.columns.get(*at)?;
                match granule {
                    Some(granule) => {
                        column.header.stats_of_granule(granule, u32::try_from(rows).ok()?)
                    }
                    None => Some(column.header.stats.clone()),
                }
            }
        }
    }

    /// The Bloom filter over the values of a path, read as `want`, if that is one kind with one.
    ///
    /// # Errors
    /// As for [`PartReader::bloom`].
    pub fn path_bloom(
        &self,
        column: u32,
        path: &str,
        want: PathType,
        fetch: &mut dyn FnMut(RowKey) -> Result<Buffer>,
    ) -> Result<Option<Sbbf>> {
        if self.path_stats(column, path, want, None).is_none() {
            return Ok(None);
        }
        let Some(json) = self.json.get(&column) else { return Ok(None) };
        let kind = want.direct_kind();
        let serving = json.exact(path).iter().copied().find(|at| {
            let role = json.subs.get(*at).map(|sub| sub.role);
            matches!(role, Some(Role::Leaf(own)) if Some(own) == kind)
        });
        match serving.and_then(|at| json.columns.get(at)) {
            Some(column) => self.bloom_of(column, fetch),
            None => Ok(None),
        }
    }

    /// The bytes of the segments that [`PartReader::read_path`] decodes, at most; of documents
    /// for `None`, of a plain column too.
    pub fn bytes_to_read(
        &self,
        column: u32,
        path: Option<(&str, PathType)>,
        granule: usize,
    ) -> u64 {
        let of = |column: &PartColumn| {
            u64::from(column.header.segment_bytes.get(granule).copied().unwrap_or_default())
        };
        let own = self.column(column).map(of).unwrap_or_default();
        let Some(json) = self.json.get(&column) else { return own };
        let all = || json.subs.iter().zip(&json.columns);
        let is_rest = |sub: &Sub| matches!(sub.role, Role::Rest(_));
        match path {
            None => own + all().map(|(_, column)| of(column)).sum::<u64>(),
            Some((path, want)) if want.direct_kind().is_some() => {
                let exact = all().filter(|(sub, _)| sub.path == path && !is_rest(sub));
                let rest = json.rest_of(path, granule).filter_map(|at| json.columns.get(at));
                exact.map(|(_, column)| of(column)).sum::<u64>() + rest.map(of).sum::<u64>()
            }
            Some((path, _)) => {
                let inside =
                    all().filter(|(sub, _)| is_rest(sub) || path_under(&sub.path, path).is_some());
                own + inside.map(|(_, column)| of(column)).sum::<u64>()
            }
        }
    }

    fn rows_of(&self, granule: usize) -> Result<usize> {
        if granule >= self.granule_count() {
            let detail = format!("granule {granule} of {}", self.granule_count());
            return Err(Error::bad_value("a read of a part", detail));
        }
        let range = self.granule_rows(granule);
        Ok(usize::try_from(range.end - range.start).unwrap_or_default())
    }

    /// The JSON text at a path.
    fn texts(
        &self,
        json: &JsonColumn,
        column: &Column,
        granule: usize,
        path: &str,
        selection: Option<&BooleanBuffer>,
        fetch: &mut Fetch<'_>,
    ) -> Result<ArrayRef> {
        let rows = self.rows_of(granule)?;
        let shapes = match self.column(column.id) {
            Some(found) => self.segment(found, &ColumnType::Bytes, granule, rows, fetch)?,
            None => new_null_array(&ColumnType::Bytes.arrow(), rows),
        };
        let unshredder = Unshredder::new(&json.subs, &shapes, Wanted { path, selection })?;
        let mut arrays: HashMap<usize, ArrayRef> = HashMap::new();
        for at in unshredder.needed() {
            arrays.insert(at, self.sub(json, at, granule, rows, fetch)?);
        }
        let texts = unshredder.texts(&|at| arrays.get(&at).cloned())?;
        Ok(Arc::new(texts))
    }

    fn leaves(
        &self,
        json: &JsonColumn,
        subs: &[usize],
        granule: usize,
        rows: usize,
        fetch: &mut Fetch<'_>,
    ) -> Result<Vec<(Kind, ArrayRef)>> {
        let mut leaves = Vec::new();
        for at in subs {
            let Some(Role::Leaf(kind)) = json.subs.get(*at).map(|sub| sub.role) else { continue };
            if json.has_values(*at, granule) {
                leaves.push((kind, self.sub(json, *at, granule, rows, fetch)?));
            }
        }
        Ok(leaves)
    }

    fn sub(
        &self,
        json: &JsonColumn,
        at: usize,
        granule: usize,
        rows: usize,
        fetch: &mut Fetch<'_>,
    ) -> Result<ArrayRef> {
        let column = json
            .columns
            .get(at)
            .ok_or_else(|| Error::corrupt("JSON column", format!("no subcolumn {at}")))?;
        self.segment(column, &column.ty, granule, rows, fetch)
    }

    /// One granule of a stored column, null where nothing is stored.
    fn segment(
        &self,
        column: &PartColumn,
        ty: &ColumnType,
        granule: usize,
        rows: usize,
        fetch: &mut Fetch<'_>,
    ) -> Result<ArrayRef> {
        match self.segment_extent(column, granule) {
            Some(extent) if extent.bytes > 0 => {
                let bytes = self.bytes(extent, fetch)?;
                decode_with(ty, rows, bytes, seed(column.header.id, granule))
            }
            _ => Ok(new_null_array(&ty.arrow(), rows)),
        }
    }
}

/// Appends the values of a path in a rest column, by row.
fn rest_values(array: &ArrayRef, path: &str, out: &mut Vec<(usize, String)>) {
    let Some(values) = array.as_binary_view_opt() else { return };
    for (row, value) in values.iter().enumerate() {
        for (_, text) in value.into_iter().flat_map(rest_entries).filter(|(own, _)| *own == path) {
            out.push((row, text.to_owned()));
        }
    }
}

/// JSON texts as text, or those that are objects.
fn as_wanted(texts: &ArrayRef, want: PathType) -> ArrayRef {
    let Some(texts) = texts.as_string_view_opt() else { return texts.clone() };
    match want {
        PathType::Object => {
            let objects = texts.iter().map(|text| text.filter(|text| text.starts_with('{')));
            Arc::new(objects.collect::<StringViewArray>())
        }
        PathType::Json => Arc::new(texts.clone()),
        _ => text_values(texts),
    }
}

/// The values of a stored path of keys in documents that are text, as the column type of `want`.
///
/// # Errors
/// [`Error::Type`] when the documents are no text.
pub fn documents_path(documents: &ArrayRef, path: &str, want: PathType) -> Result<ArrayRef> {
    let Some(texts) = documents.as_string_view_opt() else {
        let detail = format!("text expected, not {}", documents.data_type());
        return Err(Error::wrong_type("documents", detail));
    };
    let steps: Vec<Step> = steps_of(path)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|step| match step {
            PathStep::Key(key) => Some(Step::Key(key)),
            PathStep::Elements => None,
        })
        .collect();
    let raws = texts.iter().map(|text| text.and_then(|text| raw(text, &steps)));
    if matches!(want, PathType::Text | PathType::Json | PathType::Object) {
        let raws: ArrayRef = Arc::new(raws.collect::<StringViewArray>());
        return Ok(as_wanted(&raws, want));
    }
    let rest = raws.enumerate().filter_map(|(row, raw)| Some((row, raw?.to_owned()))).collect();
    path_values(want, &Found { rows: texts.len(), leaves: Vec::new(), rest })
}
