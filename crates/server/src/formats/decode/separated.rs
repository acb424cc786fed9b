//! Comma- and tab-separated records. Fields are slices of the text; only quotes and escapes are
//! copied.
//!
//! The csv crates do not tell whether a field was quoted, and here `""` is an empty string, an
//! empty field is a default, `\N` is null and `"\N"` is not; hence this small splitter.

use dodb_query::dialect::literal::unescape;

use super::fault::{Fault, Step};
use super::rows::Rows;

/// How fields are separated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Dialect {
    /// A delimiter, fields perhaps in double quotes.
    Csv(u8),
    /// Tabs and backslash escapes.
    Tsv,
    /// Tabs, no escapes.
    TsvRaw,
}

/// One field of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    /// First byte of the content.
    pub(crate) from: usize,
    /// After the last byte of the content.
    pub(crate) to: usize,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
    /// Whether it holds doubled quotes or backslashes.
    pub(crate) escaped: bool,
}

impl Part {
    /// The content without escapes; `scratch` is used only when there are some.
    ///
    /// # Errors
    /// An escape that stands for nothing.
    pub(crate) fn text<'t>(
        &self,
        record: &'t str,
        dialect: Dialect,
        scratch: &'t mut String,
    ) -> Result<&'t str, String> {
        let content = record.get(self.from..self.to).unwrap_or_default();
        if !self.escaped {
            return Ok(content);
        }
        scratch.clear();
        match dialect {
            Dialect::Csv(_) => {
                for (at, piece) in content.split("\"\"").enumerate() {
                    if at > 0 {
                        scratch.push('"');
                    }
                    scratch.push_str(piece);
                }
            }
            _ => scratch.push_str(&unescape(content).map_err(|wrong| wrong.problem)?),
        }
        Ok(scratch)
    }
}

/// Splits the record at the start of `text` into `parts`; answers its length with its line end,
/// or none when its end has not come.
///
/// # Errors
/// The byte and the problem: a quote in the wrong place or one that is never closed.
pub(crate) fn split_record(
    text: &str,
    dialect: Dialect,
    at_end: bool,
    parts: &mut Vec<Part>,
) -> Result<Option<usize>, (usize, &'static str)> {
    parts.clear();
    match dialect {
        Dialect::Csv(delimiter) => split_csv(text.as_bytes(), delimiter, at_end, parts),
        Dialect::Tsv => Ok(split_tsv(text.as_bytes(), true, at_end, parts)),
        Dialect::TsvRaw => Ok(split_tsv(text.as_bytes(), false, at_end, parts)),
    }
}

fn split_csv(
    text: &[u8],
    delimiter: u8,
    at_end: bool,
    parts: &mut Vec<Part>,
) -> Result<Option<usize>, (usize, &'static str)> {
    let mut at = 0;
    loop {
        at += blanks(text, at, delimiter);
        let mut part = Part { from: at, to: at, quoted: false, escaped: false };
        if text.get(at) == Some(&b'"') {
            let Some((to, escaped)) = quoted_content(text, at + 1) else {
                return if at_end { Err((at, "the quote is never closed")) } else { Ok(None) };
            };
            part = Part { from: at + 1, to, quoted: true, escaped };
            at = to + 1;
            at += blanks(text, at, delimiter);
            if text.get(at) == Some(&b'\r') && matches!(text.get(at + 1), Some(b'\n') | None) {
                at += 1;
            }
            match text.get(at) {
                None if !at_end => return Ok(None),
                Some(byte) if *byte != delimiter && *byte != b'\n' => {
                    return Err((at, "expected a delimiter or a line end after the closing quote"));
                }
                _ => {}
            }
        } else {
            let rest = text.get(at..).unwrap_or_default();
            let end = match memchr::memchr2(delimiter, b'\n', rest) {
                Some(length) => at + length,
                None if at_end => text.len(),
                None => return Ok(None),
            };
            part.to = end;
            if text.get(end) != Some(&delimiter) && text.get(end.wrapping_sub(1)) == Some(&b'\r') {
                part.to = (end - 1).max(part.from);
            }
            while part.to > part.from && matches!(text.get(part.to - 1), Some(b' ' | b'\t')) {
                part.to -= 1;
            }
            at = end;
        }
        parts.push(part);
        match text.get(at) {
            Some(b'\n') => return Ok(Some(at + 1)),
            Some(_) => at += 1,
            None => return Ok(Some(at)),
        }
    }
}

/// Spaces and tabs from `at` on that are no delimiters.
fn blanks(text: &[u8], at: usize, delimiter: u8) -> usize {
    let blank = |b: &&u8| matches!(**b, b' ' | b'\t') && **b != delimiter;
    text.get(at..).unwrap_or_default().iter().take_while(blank).count()
}

/// Where the closing quote is, and whether there are doubled quotes before it.
fn quoted_content(text: &[u8], from: usize) -> Option<(usize, bool)> {
    let (mut at, mut escaped) = (from, false);
    loop {
        at += memchr::memchr(b'"', text.get(at..)?)?;
        if text.get(at + 1) != Some(&b'"') {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

fn split_tsv(text: &[u8], escapes: bool, at_end: bool, parts: &mut Vec<Part>) -> Option<usize> {
    let mut at = 0;
    let mut part = Part { from: 0, to: 0, quoted: false, escaped: false };
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let found = match escapes {
            true => memchr::memchr3(b'\t', b'\n', b'\\', rest),
            false => memchr::memchr2(b'\t', b'\n', rest),
        };
        let end = match found {
            Some(length) => at + length,
            None if at_end => text.len(),
            None => return None,
        };
        if escapes && text.get(end) == Some(&b'\\') {
            if end + 1 >= text.len() && !at_end {
                return None;
            }
            part.escaped = true;
            at = (end + 2).min(text.len());
            continue;
        }
        part.to = end;
        let ends_record = text.get(end) != Some(&b'\t');
        // Written tabs and returns are escaped, so a bare one here belongs to the line end.
        if ends_record && escapes && end > part.from && text.get(end - 1) == Some(&b'\r') {
            part.to = end - 1;
        }
        parts.push(part);
        if ends_record {
            return Some((end + 1).min(text.len()));
        }
        at = end + 1;
        part = Part { from: at, to: at, quoted: false, escaped: false };
    }
}

/// Reads separated records into rows.
pub(crate) struct SeparatedRows {
    dialect: Dialect,
    skip_unknown: bool,
    header_lines: u8,
    has_names: bool,
    null_texts: Vec<String>,
    parts: Vec<Part>,
    scratch: String,
}

impl SeparatedRows {
    /// `header_lines` come before the first record; unquoted fields equal to one of `null_texts`
    /// are null.
    pub(crate) fn new(
        dialect: Dialect,
        skip_unknown: bool,
        header_lines: u8,
        null_texts: Vec<String>,
    ) -> SeparatedRows {
        SeparatedRows {
            dialect,
            skip_unknown,
            header_lines,
            has_names: false,
            null_texts,
            parts: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Reads the record at the start of `text`.
    pub(crate) fn step(
        &mut self,
        text: &str,
        at_end: bool,
        rows: &mut Rows,
    ) -> Result<Step, Fault> {
        let split = split_record(text, self.dialect, at_end, &mut self.parts);
        let end = match split.map_err(|(at, problem)| Fault::syntax(at, problem))? {
            Some(end) => end,
            None => return Ok(Step::waits(0)),
        };
        if self.header_lines > 0 {
            if !self.has_names {
                self.header(text, rows)?;
                self.has_names = true;
            }
            self.header_lines -= 1;
            return Ok(Step::took(end));
        }
        let (wanted, found) = (rows.field_count(), self.parts.len());
        if found != wanted {
            let is_blank = self.parts.iter().all(|part| part.from == part.to && !part.quoted);
            if found == 1 && is_blank {
                return Ok(Step::took(end));
            }
            let problem = format!("expected {wanted} fields, found {found}");
            return Err(Fault { end: Some(end), ..Fault::syntax(0, problem) });
        }
        for field in 0..found {
            if let Err(problem) = self.append(text, field, rows) {
                rows.spoil_row();
                let at = self.parts.get(field).map_or(0, |part| part.from);
                return Err(Fault { at, field: rows.field_name(field), problem, end: Some(end) });
            }
        }
        rows.end_row(end);
        Ok(Step::took(end))
    }

    fn append(&mut self, text: &str, field: usize, rows: &mut Rows) -> Result<(), String> {
        let Some(part) = self.parts.get(field).copied() else { return Ok(()) };
        let Some(column) = rows.column(field) else { return Ok(()) };
        let raw = text.get(part.from..part.to).unwrap_or_default();
        if !part.quoted {
            let is_csv = matches!(self.dialect, Dialect::Csv(_));
            let is_empty = raw.is_empty() && (is_csv || !column.takes_empty());
            if is_empty && (is_csv || column.field().is_nullable())
                || raw == "\\N"
                || self.null_texts.iter().any(|null| null == raw)
            {
                column.append_default();
                return Ok(());
            }
        }
        // Arrays have escapes of their own, and only those.
        if self.dialect == Dialect::Tsv && column.inner().is_some() {
            return column.append_text(raw);
        }
        column.append_text(part.text(text, self.dialect, &mut self.scratch)?)
    }

    fn header(&mut self, text: &str, rows: &mut Rows) -> Result<(), Fault> {
        let mut names = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let name = part.text(text, self.dialect, &mut self.scratch);
            names.push(name.map_err(|problem| Fault::syntax(part.from, problem))?.to_string());
        }
        rows.set_header(&names, self.skip_unknown).map_err(|(at, problem)| {
            Fault::syntax(self.parts.get(at).map_or(0, |part| part.from), problem)
        })
    }
}
