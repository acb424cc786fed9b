//! Drives a record reader over text that arrives in chunks, and keeps count of what was wrong.

use arrow_array::RecordBatch;

use super::compact::CompactRows;
use super::decoder::DecodeOptions;
use super::fault::{Fault, Step};
use super::json::ObjectRows;
use super::lines::Lines;
use super::rows::Rows;
use super::separated::SeparatedRows;
use super::values::ValueRows;
use crate::formats::error::{FormatError, Result};

/// A large chunk is taken in pieces of this size, so that memory stays bounded.
const PIECE_BYTES: usize = 1 << 20;
/// Errors that are kept to be shown.
const ERRORS_KEPT: usize = 10;

/// A reader of one kind of record.
pub(crate) enum Reader {
    Objects(ObjectRows),
    Arrays(CompactRows),
    Separated(SeparatedRows),
    Values(ValueRows),
}

impl Reader {
    fn step(&mut self, text: &str, at_end: bool, rows: &mut Rows) -> Result<Step, Fault> {
        match self {
            Reader::Objects(reader) => reader.step(text, at_end, rows),
            Reader::Arrays(reader) => reader.step(text, at_end, rows),
            Reader::Separated(reader) => reader.step(text, at_end, rows),
            Reader::Values(reader) => reader.step(text, at_end, rows),
        }
    }
}

/// Reads records of text.
pub(crate) struct TextDecoder {
    reader: Reader,
    rows: Rows,
    lines: Lines,
    /// No use to try before this many bytes are unread.
    wanted: usize,
    record_bytes_max: usize,
    errors_max: u64,
    errors: u64,
    kept: Vec<FormatError>,
    started: bool,
}

impl TextDecoder {
    /// Reads into `rows`.
    pub(crate) fn new(reader: Reader, rows: Rows, options: &DecodeOptions) -> TextDecoder {
        TextDecoder {
            reader,
            rows,
            lines: Lines::default(),
            wanted: 1,
            record_bytes_max: options.record_bytes_max,
            errors_max: options.errors_max,
            errors: 0,
            kept: Vec::new(),
            started: false,
        }
    }

    /// Takes a chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<()> {
        for piece in chunk.chunks(PIECE_BYTES) {
            self.lines.push(piece);
            self.run(false)?;
        }
        Ok(())
    }

    /// The input is over.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.lines.end();
        self.wanted = 0;
        self.run(true)?;
        self.rows.flush()
    }

    fn run(&mut self, ending: bool) -> Result<()> {
        loop {
            self.read(ending && !self.lines.is_bad())?;
            let Some(error) = self.lines.take_bad() else { return Ok(()) };
            self.report(error)?;
            self.wanted = 1;
            if ending {
                self.lines.end();
            }
        }
    }

    /// Reads all records that are complete.
    fn read(&mut self, at_end: bool) -> Result<()> {
        if !self.started && self.lines.unread().len() >= 3 {
            self.started = true;
            if self.lines.unread().starts_with('\u{feff}') {
                self.lines.advance('\u{feff}'.len_utf8());
            }
        }
        loop {
            let unread = self.lines.unread();
            if unread.is_empty() || (unread.len() < self.wanted && !self.lines.is_bad()) {
                return Ok(());
            }
            self.wanted = 1;
            let step = self.reader.step(unread, at_end, &mut self.rows);
            if let Some(error) = self.rows.take_failure() {
                return Err(error);
            }
            match step {
                Ok(step) => {
                    self.lines.advance(step.consumed);
                    if step.needs_more {
                        let waiting = self.lines.unread().len();
                        if waiting > self.record_bytes_max {
                            self.too_long()?;
                            continue;
                        }
                        // Trying again only when there is twice as much keeps this linear.
                        self.wanted = (waiting * 2).min(self.record_bytes_max + 1);
                        return Ok(());
                    }
                    if step.consumed == 0 {
                        return Ok(());
                    }
                }
                Err(fault) => self.fault(fault)?,
            }
        }
    }

    fn fault(&mut self, fault: Fault) -> Result<()> {
        let error = self.lines.error(fault.at, fault.field, fault.problem);
        self.report(error)?;
        match fault.end {
            Some(end) => self.lines.advance(end),
            None => self.lines.drop_line(),
        }
        Ok(())
    }

    fn too_long(&mut self) -> Result<()> {
        let (line, _) = self.lines.position(0);
        self.report(FormatError::RecordTooLong { line, bytes_max: self.record_bytes_max })?;
        self.lines.drop_line();
        Ok(())
    }

    /// Counts an error; passes it on when there are too many.
    fn report(&mut self, error: FormatError) -> Result<()> {
        self.errors += 1;
        if self.errors > self.errors_max {
            return Err(error);
        }
        if self.kept.len() < ERRORS_KEPT {
            self.kept.push(error);
        }
        Ok(())
    }

    /// The oldest batch that is ready.
    pub(crate) fn take(&mut self) -> Option<RecordBatch> {
        self.rows.take()
    }

    /// Records skipped so far, and the first errors.
    pub(crate) fn skipped(&self) -> (u64, &[FormatError]) {
        (self.errors, &self.kept)
    }

    /// Rows of all batches made so far.
    pub(crate) fn total(&self) -> u64 {
        self.rows.total()
    }

    /// Rows so far, in a batch already or not.
    pub(crate) fn taken(&self) -> u64 {
        self.rows.taken()
    }
}
