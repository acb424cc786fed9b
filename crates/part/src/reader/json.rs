//! JSON columns that are stored as subcolumns: documents, and typed values of paths, with what is
//! known of a path before anything is read. Not the putting together (`json`).

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray, new_null_array};
use arrow_buffer::{BooleanBuffer, Buffer};

use super::{PartColumn, PartReader};
use crate::bloom::Sbbf;
use crate::codec::segment::{decode_with, seed};
use crate::error::{Error, Result};
use crate::json::{
    Found, Kind, PathStep, PathType, REST_BUCKETS, Role, Step, Sub, Unshredder, Wanted, is_under,
    leaves, path_text, path_under, path_values, push_time, raw, rescaled, rest_bucket,
    rest_entries, steps_of, text_values,
};
use crate::layout::RowKey;
use crate::schema::{Column, ColumnType, element_field};
use crate::stats::ColumnStats;
use crate::value::Scalar;

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

    /// The kind of a subcolumn; `None` for rest.
    fn kind(&self, sub: usize) -> Option<Kind> {
        match self.subs.get(sub)?.role {
            Role::Leaf(kind) => Some(kind),
            Role::Rest(_) => None,
        }
    }

    /// The subcolumns of exactly this path whose values are read as `want`.
    fn taken(&self, path: &str, want: PathType) -> Vec<usize> {
        let all = self.exact(path).iter().copied();
        all.filter(|at| self.kind(*at).is_some_and(|kind| want.takes(kind))).collect()
    }

    /// Whether values of the path itself are in its subcolumns only, in a granule.
    fn is_settled(&self, path: &str, granule: usize) -> bool {
        let since = self.exact(path).first().and_then(|at| self.subs.get(*at));
        since.is_some_and(|sub| granule >= sub.since as usize)
    }

    /// The rest columns that can hold the path itself in a granule.
    fn rest_of<'a>(&'a self, path: &str, granule: usize) -> impl Iterator<Item = usize> + 'a {
        let bucket = rest_bucket(path);
        let settled = self.is_settled(path, granule);
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
        if matches!(want, PathType::DynamicPaths | PathType::SharedPaths) {
            let documents = self.texts(json, column, granule, "", None, fetch)?;
            let has_subcolumns = |path: &str| json.is_settled(path, granule);
            return paths_stored(&documents, want, &has_subcolumns);
        }
        let inside = json.by_path.keys().any(|other| is_under(other, path));
        if !want.is_of_leaves() {
            let rest = json.rest.iter().any(|at| json.has_values(*at, granule));
            let is_text = |at: &usize| {
                json.kind(*at).is_some_and(|k| k == Kind::Null || PathType::String.takes(k))
            };
            let only_text = !inside && !rest && json.exact(path).iter().all(is_text);
            if want == PathType::Text && only_text {
                let texts = json.taken(path, PathType::String);
                let leaves = self.leaves(json, &texts, granule, rows, fetch)?;
                return path_values(PathType::String, &Found { rows, leaves, rest: Vec::new() });
            }
            let texts = self.texts(json, column, granule, path, None, fetch)?;
            return Ok(as_wanted(&texts, want));
        }
        let leaves = self.leaves(json, &json.taken(path, want), granule, rows, fetch)?;
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
        let is_list = matches!(want.column_type(), ColumnType::Array(_));
        if !want.is_of_leaves() || is_list || want == PathType::TypeName {
            return None;
        }
        let granules = match granule {
            Some(granule) => granule..granule + 1,
            None => 0..self.granule_count(),
        };
        if granules.into_iter().any(|granule| json.rest_of(path, granule).next().is_some()) {
            return None;
        }
        let rows = match granule {
            Some(granule) => self.granule_rows(granule).end - self.granule_rows(granule).start,
            None => self.row_count,
        };
        let mut all = ColumnStats::default();
        for at in json.taken(path, want) {
            let column = json.columns.get(at)?;
            let own = match granule {
                Some(granule) => {
                    column.header.stats_of_granule(granule, u32::try_from(rows).ok()?)?
                }
                None => column.header.stats.clone(),
            };
            all.merge(&converted(own, json.kind(at)?, want)?);
        }
        // A row has one value at most at a path that leads through no array.
        (all.rows, all.nulls) = (rows, rows.checked_sub(all.rows)?);
        Some(all)
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
        match json.taken(path, want).as_slice() {
            [at] if json.kind(*at) == want.direct_kind() => match json.columns.get(*at) {
                Some(column) => self.bloom_of(column, fetch),
                None => Ok(None),
            },
            _ => Ok(None),
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
            Some((path, want)) if want.is_of_leaves() => {
                let taken = json.taken(path, want).into_iter();
                let read = taken.chain(json.rest_of(path, granule));
                read.filter_map(|at| json.columns.get(at)).map(of).sum::<u64>()
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
            let Some(kind) = json.kind(*at) else { continue };
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

/// Statistics of the values of one kind, read as `want`, without the rows that lack one. `None`
/// when they say nothing.
fn converted(own: ColumnStats, kind: Kind, want: PathType) -> Option<ColumnStats> {
    let convert = |value: &Scalar| -> Option<Scalar> {
        match (want, value) {
            (PathType::String, Scalar::Int(time)) => {
                let mut text = String::new();
                push_time(&mut text, kind, *time)?;
                Some(Scalar::String(text))
            }
            (PathType::Time(unit), Scalar::Int(time)) => {
                rescaled(kind, *time, unit).map(Scalar::Int)
            }
            (PathType::Float64, Scalar::Int(int)) => exact_float(int.unsigned_abs(), *int as f64),
            (PathType::Float64, Scalar::UInt(int)) => exact_float(*int, *int as f64),
            _ => Some(value.clone()),
        }
    };
    let rows = own.non_nulls();
    if rows == 0 {
        return Some(ColumnStats::default());
    }
    if kind == Kind::Number {
        // In the order of their texts.
        return None;
    }
    let bound = |bound: Option<Scalar>| match bound {
        Some(value) => convert(&value).map(Some),
        None => Some(None),
    };
    let values = own.values.as_ref().and_then(|values| {
        values.iter().map(|(value, count)| Some((convert(value)?, *count))).collect()
    });
    let (min, max) = (bound(own.min)?, bound(own.max)?);
    Some(ColumnStats { rows, nulls: 0, min, max, values, ..own })
}

/// An integer as a float, if it is the only integer that becomes it.
fn exact_float(magnitude: u64, float: f64) -> Option<Scalar> {
    (magnitude <= 1 << 53).then_some(Scalar::Float(float))
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

/// The paths of each document that have subcolumns, or the others.
fn paths_stored(
    documents: &ArrayRef,
    want: PathType,
    has_subcolumns: &dyn Fn(&str) -> bool,
) -> Result<ArrayRef> {
    let Some(texts) = documents.as_string_view_opt() else { return Ok(documents.clone()) };
    let field = element_field(ColumnType::String.arrow());
    let mut builder = ListBuilder::new(StringViewBuilder::new()).with_field(field);
    for text in texts {
        for (keys, _) in text.map(leaves).unwrap_or_default() {
            let path = path_text(keys.iter().map(String::as_str));
            if has_subcolumns(&path) == (want == PathType::DynamicPaths) {
                builder.values().append_value(keys.join("."));
            }
        }
        builder.append(text.is_some());
    }
    Ok(Arc::new(builder.finish()))
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
    if matches!(want, PathType::DynamicPaths | PathType::SharedPaths) {
        return paths_stored(documents, want, &|_| false);
    }
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
