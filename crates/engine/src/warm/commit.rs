//! The commit of the warm tier: the table's pointer moves, files come, parts and files go, as one
//! write of rows. Objects are in the bucket before, and none is deleted before: a crash on either
//! side leaves a whole table and, at worst, objects that nothing names. Not here: what is in the
//! objects ([`super::flush`], [`super::compact`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use dodb_lake::FileEnd;
use dodb_part::{ColumnStats, Sbbf};
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use super::files::{Warm, WarmFile, WarmHead, chunk_for_next};
use super::foreign::Foreign;
use crate::db::Core;
use crate::error::{Error, Result};
use crate::index::{
    Field, FileKeys, FileStats, IndexHead, IndexRows, Level, LevelHead, NewFooter, NewKeys, Summary,
};
use crate::state::{PartState, Paths};
use crate::working::Working;

/// What becomes of the warm tier.
#[derive(Default)]
pub(crate) struct WarmCommit {
    /// The pointer that the commit was prepared upon; `None`: there was no table yet.
    pub(crate) base: Option<String>,
    /// The pointer from then on.
    pub(crate) metadata: String,
    /// Parts and files whose rows are in `outputs` now.
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<NewFile>,
    /// Files whose deleted rows the Iceberg table knows now: how many of each, by number.
    pub(crate) deletes_written: BTreeMap<u64, u64>,
    /// The schema of the Iceberg table that the outputs were written with, as JSON.
    pub(crate) schema: String,
    /// Is this a move from the hot tier?
    pub(crate) is_flush: bool,
    /// What a commit of another engine does to rows.
    pub(crate) foreign: Option<Foreign>,
}

/// A part or file whose rows were written anew.
pub(crate) struct Input {
    pub(crate) no: u64,
    /// What was deleted in it when it was read.
    pub(crate) seen: Option<Arc<RoaringBitmap>>,
}

/// A file that is in the bucket already.
pub(crate) struct NewFile {
    pub(crate) uri: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// About what its rows take in memory, where that is known.
    pub(crate) decoded_bytes: Option<u64>,
    /// A hash of the partition that its rows are of.
    pub(crate) partition: u64,
    pub(crate) zones: BTreeMap<u32, ColumnStats>,
    /// Over the key hashes, where the table has a key that the index does not find rows by.
    pub(crate) filter: Option<Arc<Sbbf>>,
    /// Where each row came from: the place of its input, and the row in it.
    pub(crate) from: Vec<(u32, u32)>,
    /// Rows that are deleted from the start.
    pub(crate) deleted: Option<RoaringBitmap>,
    /// What its rows are found by; `None`: it is read for whatever is asked.
    pub(crate) keys: Option<FileKeys>,
    /// Its footer, where that is known.
    pub(crate) end: Option<FileEnd>,
}

/// A file that the index said nothing of.
pub(crate) struct NewlyCovered {
    pub(crate) no: u64,
    pub(crate) rows: u64,
    pub(crate) keys: FileKeys,
    pub(crate) end: FileEnd,
}

/// What the index gets to know of files that come.
#[derive(Default)]
struct Indexed {
    keys: Vec<NewKeys>,
    ends: Vec<(u32, FileEnd)>,
    /// What the paths of each hold.
    paths: Vec<FilePaths>,
}

/// What the paths of one file hold.
struct FilePaths {
    file: u32,
    rows: u64,
    summaries: Vec<(Field, Summary)>,
    /// Are these all of its paths?
    is_whole: bool,
}

impl Working {
    /// Carries out a commit of the warm tier; answers the rows that were moved.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the pointer moved or an input is gone.
    pub(crate) fn warm(&mut self, core: &Core, commit: WarmCommit, usage: &Usage) -> Result<u64> {
        let def = self.state.def.clone();
        let conflict = || Error::Conflict { table: def.name.clone() };
        let pointer = self.state.warm.as_ref().map(|warm| &warm.head.metadata);
        if pointer != commit.base.as_ref() {
            return Err(conflict());
        }
        if let Some(foreign) = &commit.foreign {
            self.give_way(core, foreign, usage)?;
        }
        let mut files = self.state.files(&core.rows, usage)?.as_ref().clone();
        let mut late = Vec::with_capacity(commit.inputs.len());
        for input in &commit.inputs {
            let found = self.state.part(input.no);
            let found = found.or_else(|| files.iter().find(|file| file.no == input.no));
            late.push(late_rows(found.ok_or_else(conflict)?, input.seen.as_deref()));
        }
        let any_late = late.iter().any(|rows| !rows.is_empty());
        let any_filter = commit.outputs.iter().any(|output| output.filter.is_some());
        self.load_filters_for_files(core, any_filter, &files, usage)?;
        for input in &commit.inputs {
            self.leave(input.no, &mut files);
        }
        for no in commit.foreign.iter().flat_map(|foreign| &foreign.removed) {
            self.leave(*no, &mut files);
        }
        let mut moved = 0;
        let mut indexed = Indexed::default();
        for mut output in commit.outputs {
            moved += output.rows;
            let from_start = output.deleted.take();
            moved -= from_start.as_ref().map_or(0, RoaringBitmap::len);
            let deleted = if any_late { deleted_in(&output, &late) } else { from_start };
            let (keys, end) = (output.keys.take(), output.end.take());
            indexed.add(self.state.next_part, output.rows, keys, end);
            let bytes_max = core.options.file_filter_bytes_max;
            let file = self.new_file(output, deleted, &files, bytes_max);
            files.push(Arc::new(file));
        }
        for (no, written) in &commit.deletes_written {
            self.note_written(*no, *written, &mut files);
        }
        let before = self.state.warm.take();
        let before = before.unwrap_or_else(|| Warm::unread(WarmHead::default()));
        let mut after = before.with_index().with(files);
        self.index(core, &mut after, &commit.schema, indexed, usage)?;
        after.head.metadata = commit.metadata;
        let removed = commit.foreign.as_ref().is_some_and(|foreign| !foreign.removed.is_empty());
        let came_or_went = moved > 0 || removed || !commit.inputs.is_empty();
        after.head.version += u64::from(came_or_went);
        after.head.flushes += u64::from(commit.is_flush);
        self.state.warm = Some(after);
        self.head_changed = true;
        if let Some(foreign) = &commit.foreign {
            self.state.add_rows(moved, &foreign.stats);
            for (column, paths) in &foreign.paths {
                let known = self.state.paths.entry(*column).or_default();
                Arc::make_mut(known).merge(paths);
            }
        }
        Ok(moved)
    }

    /// Puts files that came in the index, and takes out what is gone.
    fn index(
        &mut self,
        core: &Core,
        warm: &mut Warm,
        schema: &str,
        new: Indexed,
        usage: &Usage,
    ) -> Result<()> {
        let Some(index) = &mut warm.head.index else { return Ok(()) };
        let def = self.state.def.clone();
        self.index_rows.add(core, &def, index, new.keys, usage)?;
        let stats = new.paths.into_iter().map(|of| of.stats(&self.state.paths)).collect();
        let schema = Arc::from(schema);
        let footers = new.ends.iter().filter_map(|(file, end)| NewFooter::new(*file, &schema, end));
        self.index_rows.add_files(core, &def, index, footers.collect(), stats, usage)
    }

    /// A part or file is shown no more.
    fn leave(&mut self, no: u64, files: &mut Vec<Arc<PartState>>) {
        if let Some(part) = self.state.part(no).cloned() {
            self.retire(&part);
            return;
        }
        if let Some(at) = files.iter().position(|file| file.no == no) {
            let gone = files.remove(at);
            self.dirty_chunks.extend(gone.file.as_ref().map(|file| file.chunk));
            if gone.in_ids {
                self.forget_filter(no);
            }
        }
    }

    /// `bytes_max`: of filters, that of the file among them.
    fn new_file(
        &mut self,
        file: NewFile,
        deleted: Option<RoaringBitmap>,
        files: &[Arc<PartState>],
        bytes_max: usize,
    ) -> PartState {
        let no = self.state.next_part;
        self.state.next_part += 1;
        let chunk = chunk_for_next(files);
        self.dirty_chunks.insert(chunk);
        let in_ids = file.filter.is_some_and(|filter| self.keep_filter(no, filter, bytes_max));
        PartState {
            no,
            rows: file.rows,
            granules: 0,
            bytes: file.bytes,
            decoded_bytes: file.decoded_bytes,
            deleted: deleted.map(Arc::new),
            zones: Arc::new(file.zones),
            filter: None,
            in_ids,
            fresh: None,
            born_ms: None,
            file: Some(Arc::new(WarmFile {
                uri: file.uri,
                chunk,
                deletes_written: 0,
                partition: file.partition,
            })),
            guard: Arc::new(()),
        }
    }

    fn note_written(&mut self, no: u64, written: u64, files: &mut [Arc<PartState>]) {
        if let Some(part) = files.iter_mut().find(|file| file.no == no)
            && let Some(file) = part.file.clone()
        {
            self.dirty_chunks.insert(file.chunk);
            let file = WarmFile { deletes_written: written, ..file.as_ref().clone() };
            let next = PartState { file: Some(Arc::new(file)), ..part.as_ref().clone() };
            *part = Arc::new(next);
        }
    }

    /// Marks rows of files deleted; their counts and statistics are the caller's.
    pub(crate) fn delete_in_files(&mut self, number: u64, rows: &RoaringBitmap) {
        let Some(warm) = &self.state.warm else { return };
        let Some(files) = warm.in_memory() else { return };
        let mut files = files.as_ref().clone();
        if let Some(part) = files.iter_mut().find(|file| file.no == number) {
            self.dirty_chunks.extend(part.file.as_ref().map(|file| file.chunk));
            *part = Arc::new(part.with_deleted(rows));
            self.state.warm = Some(warm.with(files));
            self.head_changed = true;
        }
    }
}

impl Working {
    /// Forgets the files of a table that is emptied.
    ///
    /// # Errors
    /// [`Error::Conflict`] when `pointer`, before and after, does not start where the table is.
    pub(crate) fn forget_files(
        &mut self,
        core: &Core,
        pointer: Option<&(String, String)>,
        usage: &Usage,
    ) -> Result<()> {
        let files = self.state.files(&core.rows, usage)?;
        let Some(warm) = self.state.warm.clone().filter(|_| !files.is_empty()) else {
            return Ok(());
        };
        let after = match pointer {
            Some((before, after)) if *before == warm.head.metadata => after.clone(),
            _ => return Err(Error::Conflict { table: self.state.def.name.clone() }),
        };
        self.load_filters_for_files(core, false, &files, usage)?;
        for file in files.iter() {
            self.dirty_chunks.extend(file.file.as_ref().map(|file| file.chunk));
            if file.in_ids {
                self.forget_filter(file.no);
            }
        }
        let mut next = warm.with(Vec::new());
        next.head.index = warm.head.index.as_ref().map(IndexHead::emptied);
        self.index_rows = IndexRows { forgets: true, ..IndexRows::default() };
        next.head.metadata = after;
        next.head.version += 1;
        self.state.warm = Some(next);
        Ok(())
    }
}

impl Indexed {
    fn add(&mut self, no: u64, rows: u64, keys: Option<FileKeys>, end: Option<FileEnd>) {
        let Ok(number) = u32::try_from(no) else { return };
        if let Some(mut keys) = keys {
            let summaries = std::mem::take(&mut keys.summaries);
            let is_whole = !keys.is_partial;
            self.paths.push(FilePaths { file: number, rows, summaries, is_whole });
            self.keys.push(NewKeys { file: number, keys });
        }
        if let Some(end) = end {
            self.ends.push((number, end));
        }
    }
}

impl Working {
    /// Puts files in the index that it said nothing of; if it `forgets`, all others are out then.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the table has no files any more.
    pub(crate) fn cover(
        &mut self,
        core: &Core,
        schema: &str,
        files: Vec<NewlyCovered>,
        forgets: bool,
        usage: &Usage,
    ) -> Result<u64> {
        let conflict = || Error::Conflict { table: self.state.def.name.clone() };
        let mut warm = self.state.warm.clone().ok_or_else(conflict)?;
        let listed = self.state.files(&core.rows, usage)?;
        let live: RoaringBitmap =
            listed.iter().filter_map(|file| u32::try_from(file.no).ok()).collect();
        let before = warm.head.index.take().unwrap_or_else(IndexHead::new);
        let mut index = if forgets { before.emptied() } else { before };
        index.keep(live);
        let mut indexed = Indexed::default();
        for file in files {
            let number = u32::try_from(file.no).ok();
            // It may have been replaced since it was read.
            if number.is_some_and(|no| index.live.0.contains(no) && !index.covered.0.contains(no)) {
                indexed.add(file.no, file.rows, Some(file.keys), Some(file.end));
            }
        }
        if forgets {
            self.index_rows = IndexRows { forgets: true, ..IndexRows::default() };
        }
        let count = indexed.keys.len() as u64;
        warm.head.index = Some(index);
        self.index(core, &mut warm, schema, indexed, usage)?;
        self.state.warm = Some(warm);
        self.head_changed = true;
        Ok(count)
    }

    /// No keys wait any more: they are in `folded`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the levels are not those of `before`, which were read.
    pub(crate) fn folded(
        &mut self,
        before: (LevelHead, LevelHead),
        folded: LevelHead,
    ) -> Result<u64> {
        let conflict = || Error::Conflict { table: self.state.def.name.clone() };
        let mut warm = self.state.warm.clone().ok_or_else(conflict)?;
        let index = warm.head.index.as_mut().ok_or_else(conflict)?;
        if (index.waiting, index.folded) != before {
            return Err(conflict());
        }
        let (waiting, old) = before;
        index.waiting = waiting.emptied();
        self.index_rows.only_cut.insert(Level::Waiting, 0);
        if old.cut != folded.cut {
            // Of a cut that was begun by a process that died, too.
            self.index_rows.only_cut.insert(Level::Folded, folded.cut);
        }
        index.folded = folded;
        self.state.warm = Some(warm);
        self.head_changed = true;
        Ok(0)
    }
}

impl FilePaths {
    /// The same as statistics, in the types that all values of the table fit.
    fn stats(self, paths: &Paths) -> FileStats {
        let FilePaths { file, rows, summaries, is_whole } = self;
        let known = |field: &Field, summary: &Summary| {
            let ty = paths.get(&field.column)?.path_type(field.path.as_deref()?);
            Some((ty, summary.stats(ty, rows)?))
        };
        let fields = summaries.into_iter().map(|(field, summary)| {
            let known = known(&field, &summary);
            (field, known)
        });
        FileStats { file, rows, fields: fields.collect(), is_whole }
    }
}

/// Rows deleted since the part was read.
fn late_rows(part: &PartState, seen: Option<&RoaringBitmap>) -> RoaringBitmap {
    match (part.deleted.as_deref(), seen) {
        (None, _) => RoaringBitmap::new(),
        (Some(now), None) => now.clone(),
        (Some(now), Some(seen)) => now - seen,
    }
}

fn deleted_in(output: &NewFile, late: &[RoaringBitmap]) -> Option<RoaringBitmap> {
    let is_late = |(input, row): &(u32, u32)| {
        late.get(*input as usize).is_some_and(|rows| rows.contains(*row))
    };
    let from = output.from.iter().enumerate();
    let rows: RoaringBitmap =
        from.filter(|(_, from)| is_late(from)).map(|(row, _)| row as u32).collect();
    (!rows.is_empty()).then_some(rows)
}
