//! Commits of other engines to a table's files, as they come through the catalog: rows of files
//! that are new are counted and looked for by key as if they were inserted, rows of files that went
//! and rows that were deleted are deleted. The table answers with them from the moment the pointer
//! moves. Not here: the protocol (`dodb-server`), what may be committed (`dodb-lake`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_schema::Schema;
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use arrow_select::take::take_record_batch;
use dodb_lake::{FileReader, ForeignCommit, LiveFile, Prepared, ReadRequest, Table};
use dodb_part::json::Inspector;
use dodb_part::{ColumnStats, ColumnType, Predicate, hash_bytes};
use dodb_rowstore::Usage;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;

use super::commit::{NewFile, WarmCommit};
use super::compact::{nullable, unwritten};
use super::lake::{Lake, layout, next_stamp};
use super::lookup::{WarmRows, look_up, with_stored_ids};
use crate::assemble::zones;
use crate::db::{Core, Db};
use crate::error::{Error, Result};
use crate::ids;
use crate::keys::{KeyIndex, hash_keys, key_columns};
use crate::state::{Paths, TableState};
use crate::table::{TableDef, TableKind};
use crate::working::{Deletions, merge_stats};

/// A table as the catalog gives it to other engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcebergTable {
    /// Where its metadata is.
    pub metadata_location: String,
    /// The metadata: JSON.
    pub metadata: Vec<u8>,
}

/// What a commit of somebody else does to the rows of a table.
#[derive(Default)]
pub(crate) struct Foreign {
    /// The keys of the new rows, where the table has a key.
    pub(crate) keys: Option<RecordBatch>,
    /// Statistics of the new rows.
    pub(crate) stats: Vec<(u32, ColumnStats)>,
    /// What their documents hold.
    pub(crate) paths: Paths,
    /// Rows that the commit deletes, in files.
    pub(crate) deletions: Deletions,
    /// Files that the commit removes.
    pub(crate) removed: Vec<u64>,
    /// What the new rows replace in files, and what is in all rows of files that go.
    pub(crate) found: WarmRows,
}

const BATCH_ROWS: usize = 8_192;
/// New files in one commit.
const FILES_MAX: u64 = 1_000;
/// How often a commit is tried when others change the same table.
const TRIES_MAX: usize = 8;

impl Db {
    /// A table as the catalog gives it to other engines. One without rows in the bucket gets its
    /// first metadata there.
    ///
    /// # Errors
    /// There is no such table, or its bucket failed.
    pub fn iceberg_table<'a>(
        &'a self,
        name: &'a str,
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<IcebergTable>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.iceberg_table_of(name, usage))
    }

    async fn iceberg_table_of(&self, name: &str, usage: &Usage) -> Result<IcebergTable> {
        let def = self.core.def(name, usage)?;
        let state = self.core.state(&def, usage)?;
        let Some(warm) = &state.warm else {
            return given(&self.published(name, Vec::new(), usage).await?);
        };
        let lake = Lake::new(&self.core, &def, usage)?;
        given(&lake.table(&self.core, &def, &warm.head.metadata).await?)
    }

    /// Carries out a commit of another engine: `body` is the `CommitTableRequest` of Iceberg's REST
    /// catalog. Answers the table after it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a requirement does not hold, or others changed the table all the
    /// time; the request is wrong, or its files are not what the table takes. The table is as it
    /// was then.
    pub fn iceberg_commit<'a>(
        &'a self,
        name: &'a str,
        body: &'a [u8],
        usage: &'a Usage,
    ) -> BoxFuture<'a, Result<IcebergTable>> {
        // Boxed where it is made: it is [`Send`] there, whatever those who wait for it hold.
        Box::pin(self.commit_in_turn(name, body, usage))
    }

    async fn commit_in_turn(&self, name: &str, body: &[u8], usage: &Usage) -> Result<IcebergTable> {
        let commit = ForeignCommit::parse(body)?;
        let def = self.core.def(name, usage)?;
        let slot = self.core.slot(def.id);
        let _turn = slot.warm_turn().await;
        if self.core.state(&def, usage)?.warm.is_none() {
            self.publish(&def, Vec::new(), usage).await?;
        }
        for _ in 0..TRIES_MAX {
            match self.commit_foreign(name, &commit, usage).await {
                Err(Error::Conflict { .. }) => {}
                Ok(Some(table)) => return Ok(table),
                Ok(None) => {
                    // Whoever plans anew will see them.
                    self.write_all_deletes(name, usage).await?;
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        Err(Error::Conflict { table: def.name.clone() })
    }

    /// `None` where the commit was planned without knowing that rows which it writes anew are
    /// deleted.
    async fn commit_foreign(
        &self,
        name: &str,
        commit: &ForeignCommit,
        usage: &Usage,
    ) -> Result<Option<IcebergTable>> {
        let core = &self.core;
        let def = core.def(name, usage)?;
        let state = core.state(&def, usage)?;
        let Some(warm) = &state.warm else { return Err(Error::Conflict { table: name.into() }) };
        let lake = Lake::new(core, &def, usage)?;
        let table = lake.table(core, &def, &warm.head.metadata).await?;
        let prepared = table.apply(commit, &next_stamp(core.env.as_ref(), &table)).await?;
        let mut warm_commit = WarmCommit {
            base: Some(warm.head.metadata.clone()),
            metadata: prepared.table.metadata_location().to_owned(),
            ..WarmCommit::default()
        };
        if prepared.snapshot_id.is_some() {
            let read = read(core, &state, &table, &prepared, &mut warm_commit, usage).await;
            if !matches!(read, Ok(true)) {
                // If it stays, it is an orphan, and swept as such.
                let _ = lake.bucket.delete(&prepared.written).await;
                return read.map(|_| None);
            }
        }
        self.swap(&def, warm_commit, &prepared, &lake, usage).await?;
        given(&prepared.table).map(Some)
    }
}

pub(super) fn given(table: &Table) -> Result<IcebergTable> {
    let metadata = serde_json::to_vec(table.metadata().as_ref())
        .map_err(|e| Error::invalid(format!("metadata that is no JSON: {e}")))?;
    Ok(IcebergTable { metadata_location: table.metadata_location().to_owned(), metadata })
}

/// Finds out what the commit does to rows; false if it would bring back rows that are deleted here
/// and not there.
async fn read(
    core: &Core,
    state: &TableState,
    before: &Table,
    prepared: &Prepared,
    commit: &mut WarmCommit,
    usage: &Usage,
) -> Result<bool> {
    let def = &state.def;
    let files = state.files(&core.rows, usage)?;
    let then = before.files(None).await?;
    let now = prepared.table.files(None).await?;
    let then = by_uri(&then);
    let live = by_uri(&now);
    let mut foreign = Foreign::default();
    for part in files.iter() {
        let Some(file) = &part.file else { continue };
        let Some(found) = live.get(file.uri.as_str()) else {
            if unwritten(part) > 0 {
                return Ok(false);
            }
            let rows = (0..part.rows as u32).filter(|row| !part.is_deleted(*row)).collect();
            foreign.delete(part.no, rows);
            foreign.removed.push(part.no);
            continue;
        };
        let known = then.get(file.uri.as_str()).map(|known| delete_files(known));
        if known == Some(delete_files(found)) {
            continue;
        }
        let rows = deleted_in(found, &prepared.table, part.rows).await?;
        if rows.len() < file.deletes_written {
            return Err(Error::invalid(format!(
                "table `{}`, {}: the commit takes deletes of rows back; append the rows instead",
                def.name, file.uri
            )));
        }
        commit.deletes_written.insert(part.no, rows.len());
        let before = part.deleted.as_deref().cloned().unwrap_or_default();
        foreign.delete(part.no, rows - before);
    }
    let known: HashSet<&str> =
        files.iter().filter_map(|part| Some(part.file.as_ref()?.uri.as_str())).collect();
    let new: Vec<&LiveFile> =
        now.iter().filter(|file| !known.contains(file.file.file_path())).collect();
    check_size(core, &new)?;
    let mut added = Vec::with_capacity(new.len());
    for file in new {
        added.push(Added::open(def, &prepared.table, file).await?);
    }
    foreign.keys = keep_last(def, &mut added).await?;
    for file in &added {
        commit.outputs.push(file.describe(state, &mut foreign).await?);
    }
    foreign.found = look_up(core, def, foreign.keys.as_ref(), &foreign.deletions, usage).await?;
    commit.foreign = Some(foreign);
    Ok(true)
}

/// Keys and footers of all new files are in memory at once.
fn check_size(core: &Core, new: &[&LiveFile]) -> Result<()> {
    let remedy = "append in several commits";
    let rows = new.iter().map(|file| file.file.record_count()).fold(0, u64::saturating_add);
    let (files, max) = (new.len() as u64, core.options.foreign_rows_max);
    let limit = |what: &str, value, max| {
        Err(Error::Limit { what: format!("the number of {what} in a commit"), value, max, remedy })
    };
    if rows > max {
        return limit("new rows", rows, max);
    }
    if files > FILES_MAX {
        return limit("new files", files, FILES_MAX);
    }
    Ok(())
}

impl Foreign {
    fn delete(&mut self, no: u64, rows: RoaringBitmap) {
        if !rows.is_empty() {
            self.deletions.push((no, rows));
        }
    }
}

fn by_uri(files: &[LiveFile]) -> HashMap<&str, &LiveFile> {
    files.iter().map(|file| (file.file.file_path(), file)).collect()
}

fn delete_files(file: &LiveFile) -> Vec<&str> {
    file.deletes.iter().map(|deletes| deletes.file_path()).collect()
}

async fn deleted_in(file: &LiveFile, table: &Table, rows: u64) -> Result<RoaringBitmap> {
    let deleted = file.deleted_rows(table).await?;
    Ok(deleted.into_iter().filter(|row| *row < rows).map(|row| row as u32).collect())
}

/// A file that came.
struct Added<'a> {
    def: &'a Arc<TableDef>,
    file: &'a LiveFile,
    reader: FileReader,
    deleted: RoaringBitmap,
    /// Hashes of the keys of all its rows.
    hashes: Vec<u64>,
}

impl<'a> Added<'a> {
    async fn open(def: &'a Arc<TableDef>, table: &Table, file: &'a LiveFile) -> Result<Added<'a>> {
        let layout = layout(def, table)?;
        let (uri, bytes) = (file.file.file_path(), file.file.file_size_in_bytes());
        let reader = FileReader::open(table.bucket(), uri, bytes, &layout, None).await;
        let reader = reader.map_err(|e| e.of_table(&def.name))?;
        if reader.rows() != file.file.record_count() || u32::try_from(reader.rows()).is_err() {
            return Err(Error::invalid(format!(
                "table `{}`, {uri}: it holds {} rows, its manifest says {}",
                def.name,
                reader.rows(),
                file.file.record_count()
            )));
        }
        let deleted = deleted_in(file, table, reader.rows()).await?;
        Ok(Added { def, file, reader, deleted, hashes: Vec::new() })
    }

    /// Rows of the file: the values of `columns`, and where each row is.
    async fn rows(
        &self,
        columns: &[u32],
        deleted: &RoaringBitmap,
        each: &mut (dyn FnMut(RecordBatch, Vec<u32>) -> Result<()> + Send),
    ) -> Result<()> {
        let request = ReadRequest {
            columns: columns.to_vec(),
            paths: Vec::new(),
            predicate: Predicate::True,
            deleted: Arc::new(deleted.iter().map(u64::from).collect()),
            row_numbers: true,
            batch_rows: BATCH_ROWS,
            rows: None,
            use_filters: false,
        };
        let mut scan = self.reader.scan(request).await?;
        let schema = nullable(self.def);
        let fields = columns.iter().filter_map(|id| {
            let name = &self.def.schema.by_id(*id)?.name;
            schema.field_with_name(name).ok().cloned()
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        while let Some(batch) = scan.next_batch().await? {
            let numbers = batch.column(columns.len()).as_primitive_opt::<Int64Type>();
            let numbers = numbers.ok_or_else(|| Error::invalid("a file without row numbers"))?;
            let numbers = numbers.values().iter().map(|row| *row as u32).collect();
            let arrays: Vec<ArrayRef> =
                batch.columns().iter().take(columns.len()).cloned().collect();
            each(RecordBatch::try_new(schema.clone(), arrays)?, numbers)?;
        }
        Ok(())
    }

    /// Reads the rows that stay, and says what is in them.
    async fn describe(&self, state: &TableState, foreign: &mut Foreign) -> Result<NewFile> {
        let def = self.def;
        let columns: Vec<u32> = def.schema.columns().iter().map(|c| c.id).collect();
        let mut inspectors: BTreeMap<u32, Inspector> = BTreeMap::new();
        let mut own: Vec<(u32, ColumnStats)> = Vec::new();
        let mut each = |batch: RecordBatch, _: Vec<u32>| {
            self.check(&batch, &mut inspectors)?;
            let batch = with_stored_ids(def, &batch)?;
            let columns = def.schema.columns().iter().zip(batch.columns());
            let stats = columns.map(|(column, array)| (column.id, ColumnStats::of(array)));
            merge_stats(&mut own, &stats.collect::<Vec<_>>());
            Ok(())
        };
        self.rows(&columns, &self.deleted, &mut each).await?;
        for (column, inspector) in inspectors {
            let known = foreign.paths.entry(column).or_default();
            Arc::make_mut(known).merge(&inspector.summary());
        }
        let counted = own.iter().filter(|(column, _)| state.summary.contains_key(column));
        merge_stats(&mut foreign.stats, &counted.cloned().collect::<Vec<_>>());
        // Bounds cover deleted rows too; where there are such, nothing is known of them.
        let zones = if self.deleted.is_empty() { zones(def, &own) } else { BTreeMap::new() };
        let filter = match def.kind {
            TableKind::Plain => None,
            _ => Some(Arc::new(ids::build(&self.hashes, true))),
        };
        Ok(NewFile {
            uri: self.file.file.file_path().to_owned(),
            rows: self.reader.rows(),
            bytes: self.file.file.file_size_in_bytes(),
            decoded_bytes: None,
            partition: hash_bytes(format!("{:?}", self.file.file.partition()).as_bytes()),
            zones,
            filter,
            from: Vec::new(),
            deleted: (!self.deleted.is_empty()).then(|| self.deleted.clone()),
            keys: None,
            end: None,
        })
    }

    /// Refuses what the table does not take from anybody, and notes what documents hold.
    fn check(&self, batch: &RecordBatch, inspectors: &mut BTreeMap<u32, Inspector>) -> Result<()> {
        let place = |column: &str| {
            let uri = self.file.file.file_path();
            format!("table `{}`, {uri}, column `{column}`", self.def.name)
        };
        for (column, array) in self.def.schema.columns().iter().zip(batch.columns()) {
            if !column.nullable && array.null_count() > 0 {
                let what = format!("{}: NULL in a column that is NOT NULL", place(&column.name));
                return Err(Error::invalid(what));
            }
            if column.ty != ColumnType::Json {
                continue;
            }
            let inspector = inspectors.entry(column.id).or_default();
            for text in array.as_string_view_opt().into_iter().flatten().flatten() {
                inspector
                    .inspect(text)
                    .map_err(|e| Error::invalid(format!("{}: {e}", place(&column.name))))?;
            }
        }
        Ok(())
    }
}

/// Of rows with the same key in the files that came the last stays. Answers the keys of those that
/// stay; `None` in a table without a key.
async fn keep_last(def: &Arc<TableDef>, added: &mut [Added<'_>]) -> Result<Option<RecordBatch>> {
    if def.key().is_empty() {
        return Ok(None);
    }
    let mut batches = Vec::new();
    let mut places: Vec<(usize, u32)> = Vec::new();
    for (at, file) in added.iter_mut().enumerate() {
        let mut hashes = Vec::new();
        let mut each = |batch: RecordBatch, numbers: Vec<u32>| {
            hashes.extend(hash_keys(def.kind, &key_columns(def, &batch)?)?);
            let stays = |row: &u32| !file.deleted.contains(*row);
            places.extend(numbers.iter().copied().filter(stays).map(|row| (at, row)));
            let stays = BooleanArray::from_iter(numbers.iter().map(|row| Some(stays(row))));
            batches.push(filter_record_batch(&batch, &stays)?);
            Ok(())
        };
        file.rows(def.key(), &RoaringBitmap::new(), &mut each).await?;
        file.hashes = hashes;
    }
    let Some(first) = batches.first() else { return Ok(None) };
    let all = concat_batches(&first.schema(), &batches)?;
    let last = KeyIndex::of_columns(def.kind, key_columns(def, &all)?)?.last_rows();
    if last.len() == all.num_rows() {
        return Ok(Some(all));
    }
    let stays: RoaringBitmap = last.iter().copied().collect();
    for (row, (file, number)) in places.iter().enumerate() {
        if !stays.contains(row as u32)
            && let Some(file) = added.get_mut(*file)
        {
            file.deleted.insert(*number);
        }
    }
    Ok(Some(take_record_batch(&all, &UInt32Array::from(last))?))
}
