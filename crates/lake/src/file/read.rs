//! Rows of one data file: prune by statistics, filters and pages, then filter, then project, each
//! with ranged reads of just what it needs. Not which files to read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::filter::prep_null_mask_filter;
use bytes::Bytes;
use dodb_part::json::PathType;
use dodb_part::{Answer, ColumnStats, ColumnType, CompareOp, Evidence, Predicate, Sbbf, prune};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::RowNumber;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, RowFilter, RowSelection, RowSelector,
};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::basic::{ConvertedType, LogicalType};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::{SchemaDescriptor, TypePtr};

use super::end::FileEnd;
use super::held::Held;
use super::resolve::{Fields, Source};
use super::select::{self, Judged};
use super::{evidence, footer};
use crate::documents::{FileKinds, KINDS_KEY};
use crate::error::{Error, Result};
use crate::schema::Layout;
use crate::store::Bucket;

/// So few rows are read at once, with everything between them.
const NARROW_ROWS_MAX: u64 = 8_192;
/// If it is not more than this.
const NARROW_BYTES_MAX: u64 = 4 << 20;

/// The name of the column of row numbers.
pub const ROW_NUMBER: &str = "_row";

/// A path of a JSON column, read as a column of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPath {
    /// What [`ReadRequest::columns`] and the predicate call it; no column has it.
    pub id: u32,
    /// The name of the field in the batches.
    pub name: String,
    /// The JSON column.
    pub column: u32,
    /// The stored path (`dodb_part::json::path_text`).
    pub path: String,
    /// What its values are read as.
    pub ty: PathType,
}

/// What to read of a file.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// Column ids, in the order of the batches to come; ids of `paths` among them.
    pub columns: Vec<u32>,
    /// Paths that are read as columns.
    pub paths: Vec<ReadPath>,
    /// Only rows for which this is true. Applied exactly.
    pub predicate: Predicate,
    /// Rows of the file that are deleted, ascending.
    pub deleted: Arc<Vec<u64>>,
    /// Append [`ROW_NUMBER`], Int64: the rows' numbers in the file.
    pub row_numbers: bool,
    /// Rows in a batch, at most.
    pub batch_rows: usize,
    /// Only rows in these ranges of the file, which ascend, can meet the predicate, as somebody
    /// knows who has looked; `None`: any can.
    pub rows: Option<Arc<[Range<u64>]>>,
    /// Ask the file's own Bloom filters, which costs a request.
    pub use_filters: bool,
}

/// What reading a file came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanCounts {
    /// Row groups of the file.
    pub groups: u64,
    /// Row groups left out by their statistics, or because no row in them can be wanted.
    pub groups_pruned: u64,
    /// Row groups left out by a Bloom filter.
    pub groups_pruned_by_filter: u64,
    /// Slices between page boundaries that were looked at.
    pub slices: u64,
    /// Slices left out by page statistics.
    pub slices_pruned: u64,
    /// Rows left for the predicate to decide.
    pub rows_kept: u64,
}

/// An open file: its footer and page index. Cheap to keep.
#[derive(Debug, Clone)]
pub struct FileReader {
    bucket: Bucket,
    uri: String,
    layout: Arc<Layout>,
    arrow: ArrowReaderMetadata,
    fields: Arc<Fields>,
    kinds: Option<Arc<FileKinds>>,
}

impl FileReader {
    /// Opens a file of `bytes` bytes: one ranged read for most, none where its `end` is known.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] for what is no Parquet file of that size, naming it.
    pub async fn open(
        bucket: &Bucket,
        uri: &str,
        bytes: u64,
        layout: &Arc<Layout>,
        end: Option<&FileEnd>,
    ) -> Result<FileReader> {
        let footer = footer::read(bucket, uri, bytes, end).await.map_err(|e| e.of_object(uri))?;
        let open = || {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let number = Field::new(ROW_NUMBER, DataType::Int64, false);
            let number = Arc::new(number.with_extension_type(RowNumber));
            let options = options.with_virtual_columns(vec![number])?;
            let arrow = ArrowReaderMetadata::try_new(Arc::new(footer), options)?;
            let metadata = arrow.metadata().file_metadata();
            let entries = metadata.key_value_metadata().into_iter().flatten();
            let text = entries.filter(|entry| entry.key == KINDS_KEY).find_map(|e| e.value.clone());
            let kinds = text.and_then(|text| FileKinds::parse(&text)).map(Arc::new);
            let fields = Arc::new(Fields::of(metadata.schema_descr()));
            Ok(FileReader {
                bucket: bucket.clone(),
                uri: uri.to_owned(),
                layout: layout.clone(),
                arrow,
                fields,
                kinds,
            })
        };
        open().map_err(|e: Error| e.of_object(uri))
    }

    /// The same file, asked of another view of the same bucket: one that counts for another
    /// request.
    #[must_use]
    pub fn with_bucket(&self, bucket: &Bucket) -> FileReader {
        FileReader { bucket: bucket.clone(), ..self.clone() }
    }

    /// Rows of the file, deleted ones among them.
    pub fn rows(&self) -> u64 {
        let groups = self.footer().row_groups().iter();
        groups.map(|group| u64::try_from(group.num_rows()).unwrap_or_default()).sum()
    }

    fn footer(&self) -> &ParquetMetaData {
        self.arrow.metadata()
    }

    fn source(&self, id: u32, request: &ReadRequest) -> Result<Source> {
        match request.paths.iter().find(|path| path.id == id) {
            Some(path) => Source::of_path(path, &self.layout, &self.fields, self.kinds.as_deref()),
            None => Source::of_column(id, &self.layout, &self.fields, self.kinds.is_some()),
        }
    }

    /// Plans a read. Bloom filters are read here, and rows so few that one request fetches them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a column that is not there; what the store says.
    pub async fn scan(&self, request: ReadRequest) -> Result<FileScan> {
        self.plan(request).await.map_err(|e| e.of_object(&self.uri))
    }

    async fn plan(&self, request: ReadRequest) -> Result<FileScan> {
        let output = request.columns.iter().map(|id| self.source(*id, &request));
        let output: Vec<Source> = output.collect::<Result<_>>()?;
        let filter = request.predicate.columns();
        let filter = filter.into_iter().map(|id| self.source(id, &request));
        let filter: Vec<Source> = filter.collect::<Result<_>>()?;
        let schema = self.output_schema(&request)?;
        let mut counts = ScanCounts::default();
        let Selected { groups, rows, ranges } = self.select(&request, &filter, &mut counts).await?;
        let all = output.iter().chain(&filter);
        let narrow = self.narrow_ranges(&ranges, all, counts.rows_kept, request.rows.is_some());
        let parquet = self.arrow.parquet_schema();
        let leaves = output.iter().flat_map(|source| source.leaves.iter().copied());
        let mut builder = ParquetPushDecoderBuilder::new_with_metadata(self.arrow.clone())
            .with_batch_size(request.batch_rows.max(1))
            .with_projection(ProjectionMask::leaves(parquet, leaves))
            .with_row_groups(groups)
            .with_row_selection(rows)
            .with_max_predicate_cache_size(match narrow {
                // It would read whole batches of rows for that.
                Some(_) => 0,
                None => predicate_cache_bytes(parquet),
            });
        if request.predicate != Predicate::True {
            let leaves = filter.iter().flat_map(|source| source.leaves.iter().copied());
            let mask = ProjectionMask::leaves(parquet, leaves);
            let predicate = request.predicate.clone();
            let evaluate = move |batch: RecordBatch| evaluate(&predicate, &filter, &batch);
            let filter = RowFilter::new(vec![Box::new(ArrowPredicateFn::new(mask, evaluate))]);
            builder = builder.with_row_filter(filter);
        }
        let decoder = builder.build()?;
        let held = match narrow {
            Some(narrow) => {
                let bytes = self.bucket.read_ranges(&self.uri, &narrow).await?;
                Held::new(narrow, bytes)
            }
            None => Held::default(),
        };
        let reader = self.clone();
        let has_numbers = request.row_numbers;
        Ok(FileScan { reader, decoder, held, output, schema, has_numbers, counts })
    }

    fn output_schema(&self, request: &ReadRequest) -> Result<SchemaRef> {
        let mut fields = Vec::with_capacity(request.columns.len() + 1);
        for id in &request.columns {
            fields.push(match request.paths.iter().find(|path| path.id == *id) {
                Some(path) => Field::new(&path.name, path.ty.column_type().arrow(), true),
                None => self.layout.column(*id)?.column.field(),
            });
        }
        if request.row_numbers {
            fields.push(Field::new(ROW_NUMBER, DataType::Int64, false));
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Row groups to read, and the rows of these.
    async fn select(
        &self,
        request: &ReadRequest,
        filter: &[Source],
        counts: &mut ScanCounts,
    ) -> Result<Selected> {
        let judged: Vec<Judged> = filter.iter().filter_map(Source::judged).collect();
        let mut groups = Vec::new();
        let mut ranges = Vec::new();
        let mut selectors: Vec<RowSelector> = Vec::new();
        let mut first = 0u64;
        for (group, metadata) in self.footer().row_groups().iter().enumerate() {
            counts.groups += 1;
            let rows = u64::try_from(metadata.num_rows()).unwrap_or_default();
            let start = first;
            first = first.saturating_add(rows);
            let mut known: BTreeMap<u32, ColumnStats> = BTreeMap::new();
            for column in &judged {
                let of_chunk = metadata.columns().get(column.leaf);
                let stats = of_chunk.and_then(|chunk| evidence::of_chunk(chunk, &column.ty));
                known.extend(stats.map(|stats| (column.id, stats)));
            }
            for source in filter.iter().filter(|source| source.is_null()) {
                let nulls = ColumnStats { rows, nulls: rows, ..ColumnStats::default() };
                known.insert(source.id(), nulls);
            }
            let by_stats = |id: u32| Evidence { stats: known.get(&id), bloom: None };
            let wanted = select::wanted(request.rows.as_deref(), start, rows);
            if wanted.is_empty() || prune(&request.predicate, &by_stats) == Answer::CannotMatch {
                counts.groups_pruned += 1;
                continue;
            }
            let blooms = self.blooms(request, &judged, group).await?;
            let all = |id: u32| Evidence { stats: known.get(&id), bloom: blooms.get(&id) };
            if prune(&request.predicate, &all) == Answer::CannotMatch {
                counts.groups_pruned_by_filter += 1;
                continue;
            }
            let footer = self.footer();
            let kept = select::by_pages(footer, group, &wanted, &request.predicate, &judged, &all);
            counts.slices += kept.slices;
            counts.slices_pruned += kept.slices_pruned;
            let live = select::live(&kept.ranges, start, rows, &request.deleted);
            if live.selects_any() {
                counts.rows_kept += live.row_count() as u64;
                groups.push(group);
                ranges.push((group, kept.ranges));
                selectors.extend(live.iter().copied());
            }
        }
        Ok(Selected { groups, rows: RowSelection::from(selectors), ranges })
    }

    /// The bytes from the first to the last page of few rows, filter and output together: one
    /// request for a little more costs less than several. Where these are far apart but it
    /// `is_told` that rows will be found there, a range for each column, to be asked for together.
    /// `None` when the rows are many.
    fn narrow_ranges<'a>(
        &self,
        ranges: &[(usize, Vec<Range<u64>>)],
        sources: impl Iterator<Item = &'a Source>,
        rows: u64,
        is_told: bool,
    ) -> Option<Vec<Range<u64>>> {
        if rows == 0 || rows > NARROW_ROWS_MAX {
            return None;
        }
        let leaves: Vec<usize> = sources.flat_map(|source| source.leaves.clone()).collect();
        let mut all = Vec::with_capacity(ranges.len() * leaves.len());
        for (group, ranges) in ranges {
            for leaf in &leaves {
                all.push(select::bytes_of(self.footer(), *group, *leaf, ranges)?);
            }
        }
        all.sort_unstable_by_key(|range| (range.start, range.end));
        all.dedup();
        let end = all.iter().map(|range| range.end).max()?;
        let span = all.first()?.start..end;
        if span.end - span.start <= NARROW_BYTES_MAX {
            return Some(vec![span]);
        }
        let bytes: u64 = all.iter().map(|range| range.end - range.start).sum();
        Some(all).filter(|_| is_told && bytes <= NARROW_BYTES_MAX)
    }

    /// The bytes of these ranges; those that are held are not read.
    async fn fetch(&self, held: &Held, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut missing = ranges.to_vec();
        missing.retain(|range| held.get(range).is_none());
        let read = match missing.is_empty() {
            true => Vec::new(),
            false => self.bucket.read_ranges(&self.uri, &missing).await?,
        };
        let mut read = read.into_iter();
        let all = ranges.iter().map(|range| held.get(range).or_else(|| read.next()));
        all.map(|bytes| bytes.ok_or_else(|| Error::corrupt("a range was not read"))).collect()
    }

    /// Filters of a row group that can answer the predicate, by column id.
    async fn blooms(
        &self,
        request: &ReadRequest,
        judged: &[Judged],
        group: usize,
    ) -> Result<BTreeMap<u32, Sbbf>> {
        let mut equal = Vec::new();
        if request.use_filters {
            equalities(&request.predicate, &mut equal);
        }
        let mut ids = Vec::new();
        let mut ranges = Vec::new();
        for column in judged.iter().filter(|column| equal.contains(&column.id)) {
            // Those whose bytes Parquet and dodb hash alike.
            let same = matches!(column.ty, ColumnType::String | ColumnType::Int64);
            let chunk = self.footer().row_group(group).columns().get(column.leaf);
            let place = chunk.and_then(|chunk| {
                let start = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
                let bytes = u64::try_from(chunk.bloom_filter_length()?).ok()?;
                Some(start..start.checked_add(bytes)?)
            });
            if let Some(place) = place.filter(|_| same) {
                ids.push(column.id);
                ranges.push(place);
            }
        }
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let bytes = self.bucket.read_ranges(&self.uri, &ranges).await?;
        let mut blooms = BTreeMap::new();
        for (id, bytes) in ids.into_iter().zip(bytes) {
            let filter = parquet::bloom_filter::Sbbf::from_bytes(&bytes)?;
            let mut bits = Vec::with_capacity(bytes.len());
            filter.write_bitset(&mut bits)?;
            blooms.insert(id, Sbbf::from_bytes(&bits)?);
        }
        Ok(blooms)
    }
}

/// What of a file is to be read.
struct Selected {
    groups: Vec<usize>,
    /// The rows of these groups.
    rows: RowSelection,
    /// The same by group, before deleted rows are taken out.
    ranges: Vec<(usize, Vec<Range<u64>>)>,
}

/// Bytes of filter columns kept for the projection, so that they are decoded once. None at all
/// where a struct has one leaf: parquet 58 takes it for a plain column then, and panics. Lists,
/// which it leaves out by itself, do no harm.
fn predicate_cache_bytes(schema: &SchemaDescriptor) -> usize {
    const BYTES_MAX: usize = 8 << 20;
    let roots = schema.root_schema().get_fields();
    let leaves = |root: usize| {
        (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root).count()
    };
    let is_list = |root: &TypePtr| {
        let info = root.get_basic_info();
        info.logical_type_ref() == Some(&LogicalType::List)
            || info.converted_type() == ConvertedType::LIST
    };
    let is_lone =
        |(at, root): (usize, &TypePtr)| !root.is_primitive() && !is_list(root) && leaves(at) == 1;
    if roots.iter().enumerate().any(is_lone) { 0 } else { BYTES_MAX }
}

/// Columns for which a Bloom filter can answer.
fn equalities(predicate: &Predicate, out: &mut Vec<u32>) {
    match predicate {
        Predicate::Compare { column, op: CompareOp::Eq, .. } | Predicate::In { column, .. } => {
            out.push(*column);
        }
        Predicate::And(terms) | Predicate::Or(terms) => {
            terms.iter().for_each(|term| equalities(term, out));
        }
        _ => {}
    }
}

fn evaluate(
    predicate: &Predicate,
    sources: &[Source],
    batch: &RecordBatch,
) -> Result<arrow_array::BooleanArray, ArrowError> {
    let external = |e: Error| ArrowError::ExternalError(Box::new(e));
    let mut arrays: BTreeMap<u32, ArrayRef> = BTreeMap::new();
    for source in sources {
        arrays.insert(source.id(), source.values(batch).map_err(external)?);
    }
    let found = predicate.evaluate(batch.num_rows(), &|id| arrays.get(&id).cloned());
    let found = found.map_err(|e| external(e.into()))?;
    Ok(if found.null_count() > 0 { prep_null_mask_filter(&found) } else { found })
}

/// A read under way.
pub struct FileScan {
    reader: FileReader,
    decoder: ParquetPushDecoder,
    /// What the decoder asks for more than once is read once.
    held: Held,
    output: Vec<Source>,
    schema: SchemaRef,
    has_numbers: bool,
    counts: ScanCounts,
}

impl FileScan {
    /// The schema of the batches: dodb's types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What pruning came to.
    pub fn counts(&self) -> ScanCounts {
        self.counts
    }

    /// The next rows; `None` when there are no more.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] or what the store says, naming the file.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.next().await.map_err(|e| e.of_object(&self.reader.uri))
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match self.decoder.try_decode()? {
                DecodeResult::NeedsData(ranges) => {
                    let bytes = self.reader.fetch(&self.held, &ranges).await?;
                    self.decoder.push_ranges(ranges, bytes)?;
                }
                DecodeResult::Data(batch) if batch.num_rows() == 0 => {}
                DecodeResult::Data(batch) => return self.project(&batch).map(Some),
                DecodeResult::Finished => return Ok(None),
            }
        }
    }

    fn project(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let arrays = self.output.iter().map(|source| source.values(batch));
        let mut arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
        if self.has_numbers {
            let numbers = batch.column_by_name(ROW_NUMBER).cloned();
            arrays.push(numbers.ok_or_else(|| Error::corrupt("row numbers were not read"))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }
}
