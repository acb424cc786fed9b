//! Tables for people, as ClickHouse draws them: `Pretty`, `PrettyCompact` and `Vertical`.
//!
//! Widths are those of a terminal. At most `rows_max` rows are held and drawn: the first half and
//! the last half of a longer answer. A wide and short table is drawn as `Vertical`.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use unicode_width::UnicodeWidthStr;

use super::cell::Cell;
use super::encoder::EncodeOptions;
use super::number::push_readable_remark;
use crate::formats::error::Result;

const NULL: &str = "ᴺᵁᴸᴸ";
/// Line and paragraph separators take no column, nor do bytes that were not UTF-8.
const NO_WIDTH: [char; 3] = ['\u{2028}', '\u{2029}', '\u{fffd}'];
/// Columns are padded up to this width; longer values stick out.
const PAD_WIDTH_MAX: usize = 250;
/// Names that are not identifiers are cut to this width when longer by `NAME_SLACK`.
const NAME_WIDTH: usize = 24;
const NAME_SLACK: usize = 4;
/// From this many rows the names stand below the table too.
const FOOTER_ROWS: u64 = 50;

/// Rows waiting to be drawn, and how.
pub(crate) struct Pretty {
    full: bool,
    rows_max: usize,
    value_width_max: usize,
    rows: u64,
    head: Vec<(u64, RecordBatch)>,
    tail: VecDeque<(u64, RecordBatch)>,
    tail_rows: usize,
}

impl Pretty {
    /// `full` draws a frame around every cell.
    pub(crate) fn new(options: &EncodeOptions, full: bool) -> Pretty {
        Pretty {
            full,
            rows_max: options.pretty_rows_max,
            value_width_max: options.pretty_value_width_max,
            rows: 0,
            head: Vec::new(),
            tail: VecDeque::new(),
            tail_rows: 0,
        }
    }

    /// Keeps what may be drawn of a batch.
    pub(crate) fn push(&mut self, batch: &RecordBatch) {
        let first = self.rows;
        let rows = batch.num_rows();
        self.rows += rows as u64;
        let room = (self.rows_max as u64).saturating_sub(first).min(rows as u64) as usize;
        if room > 0 {
            self.head.push((first, batch.slice(0, room)));
        }
        let half = self.rows_max / 2;
        let kept = rows.min(half);
        self.tail.push_back((first + (rows - kept) as u64, batch.slice(rows - kept, kept)));
        self.tail_rows += kept;
        while let Some((_, oldest)) = self.tail.front() {
            if self.tail_rows - oldest.num_rows() < half {
                break;
            }
            self.tail_rows -= oldest.num_rows();
            self.tail.pop_front();
        }
    }

    /// Draws everything.
    pub(crate) fn render(self, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let table = self.table(schema)?;
        if table.is_wide_and_short(schema) {
            let names = vertical_names(schema);
            for (first, batch) in &self.head {
                let cells = batch.columns().iter().zip(schema.fields());
                let cells = cells.map(|(a, f)| Cell::new(a, f)).collect::<Result<Vec<_>>>()?;
                for row in 0..batch.num_rows() {
                    let number = first + row as u64 + 1;
                    if number > 1 {
                        out.push(b'\n');
                    }
                    vertical_row(&cells, &names, row, number, out);
                }
            }
        } else {
            table.draw(out);
        }
        if self.rows >= self.rows_max as u64 {
            let shown = self.rows.min(self.rows_max as u64);
            out.extend_from_slice(
                format!("Showed {shown} out of {} rows.\n", self.rows).as_bytes(),
            );
        }
        Ok(())
    }

    fn table(&self, schema: &Schema) -> Result<Table> {
        let all = self.rows <= self.rows_max as u64;
        let head_end = if all { self.rows } else { self.rows_max.div_ceil(2) as u64 };
        let tail_start = if all { self.rows } else { self.rows - (self.rows_max / 2) as u64 };
        let mut lines = Vec::new();
        let mut right = vec![false; schema.fields().len()];
        for (first, batch) in self.head.iter().chain(&self.tail) {
            let cells = batch.columns().iter().zip(schema.fields());
            let cells = cells.map(|(a, f)| Cell::new(a, f)).collect::<Result<Vec<_>>>()?;
            for (right, cell) in right.iter_mut().zip(&cells) {
                *right = cell.is_right();
            }
            let next = lines.last().map_or(0, |line: &Line| line.number + 1);
            for row in 0..batch.num_rows() {
                let number = first + row as u64;
                if number >= next && (number < head_end || number >= tail_start) {
                    lines.push(Line::new(number, &cells, row, self.value_width_max));
                }
            }
        }
        Ok(Table::new(schema, self, lines, right))
    }
}

/// One row as text.
struct Line {
    number: u64,
    values: Vec<String>,
    remark: Vec<u8>,
}

impl Line {
    fn new(number: u64, cells: &[Cell], row: usize, width_max: usize) -> Line {
        let mut remark = Vec::new();
        // ClickHouse remarks on the number that ends the line.
        if let Some(cell) = cells.last()
            && let Some(value) = cell.as_f64(row)
        {
            push_readable_remark(value, &mut remark);
        }
        let mut scratch = Vec::new();
        let values = cells.iter().map(|cell| {
            if cell.is_null(row) {
                return NULL.to_string();
            }
            scratch.clear();
            cell.push_text(row, &mut scratch);
            let text = String::from_utf8_lossy(&scratch);
            match cells.len() {
                1 => text.into_owned(),
                _ => cut(&text, width_max),
            }
        });
        Line { number, values: values.collect(), remark }
    }
}

/// Each line of the value no wider than `width_max`, an ellipsis where it was cut.
fn cut(text: &str, width_max: usize) -> String {
    if text.len() <= width_max {
        return text.to_string();
    }
    let cut_line = |line: &str| match width(line, 0) > width_max {
        true => format!("{}⋯", take_width(line, width_max)),
        false => line.to_string(),
    };
    text.split('\n').map(cut_line).collect::<Vec<_>>().join("\n")
}

/// The longest start of `text` that is no wider than `width_max`.
fn take_width(text: &str, width_max: usize) -> &str {
    let mut wide = 0;
    for (at, c) in text.char_indices() {
        wide += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if wide > width_max {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// The lines of a value; what a line end at its very end starts is none.
fn value_lines(value: &str) -> impl Iterator<Item = &str> {
    value.strip_suffix('\n').unwrap_or(value).split('\n')
}

/// Columns of a terminal that `text` takes when it starts at column `prefix`; tabs go to the next
/// multiple of eight, control characters take none.
fn width(text: &str, prefix: usize) -> usize {
    let mut total = 0;
    for (at, part) in text.split('\t').enumerate() {
        if at > 0 {
            total += 8 - (prefix + total) % 8;
        }
        let wide = part.split(|c: char| c.is_control() || NO_WIDTH.contains(&c)).map(str::width);
        total += wide.sum::<usize>();
    }
    total
}

/// The name and its width; one that is no identifier is cut in the middle when it is long.
fn short_name(name: &str, cut_to: usize) -> (String, usize) {
    let wide = width(name, 0);
    let identifier = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if wide <= cut_to + NAME_SLACK || identifier {
        return (name.to_string(), wide);
    }
    let start = take_width(name, cut_to / 2);
    let before_end = take_width(name, wide - (cut_to - 1) / 2);
    let end = name.get(before_end.len()..).unwrap_or_default();
    (format!("{start}⋯{end}"), cut_to)
}

/// A table measured and ready to draw.
struct Table {
    full: bool,
    rows: u64,
    names: Vec<(String, usize)>,
    widths: Vec<usize>,
    right: Vec<bool>,
    lines: Vec<Line>,
    number_width: usize,
    has_line_ends: bool,
}

impl Table {
    fn new(schema: &Schema, pretty: &Pretty, lines: Vec<Line>, right: Vec<bool>) -> Table {
        let number_width = pretty.rows.to_string().len() + 2;
        let mut prefix = number_width + 2;
        let (mut names, mut widths) = (Vec::new(), Vec::new());
        for (at, field) in schema.fields().iter().enumerate() {
            let values = lines.iter().filter_map(|line| line.values.get(at));
            let parts = values.flat_map(|value| value.split('\n'));
            let widest = parts.map(|part| width(part, prefix)).max().unwrap_or(0);
            let widest = widest.min(PAD_WIDTH_MAX);
            let (name, name_width) = short_name(field.name(), widest.max(NAME_WIDTH));
            let name_width = name_width.min(PAD_WIDTH_MAX);
            let widest = widest.max(name_width);
            prefix += widest + 3;
            names.push((name, name_width));
            widths.push(widest);
        }
        Table {
            full: pretty.full,
            rows: pretty.rows,
            names,
            widths,
            right,
            has_line_ends: lines.iter().any(|l| l.values.iter().any(|v| v.contains('\n'))),
            lines,
            number_width,
        }
    }

    fn is_wide_and_short(&self, schema: &Schema) -> bool {
        let wide = self.widths.iter().sum::<usize>() >= 250 || self.has_line_ends;
        self.rows <= 10 && schema.fields().len() >= 5 && wide
    }

    /// A line of the frame: `parts` are its left end, its filling, its crossing and its right end.
    fn rule(&self, parts: [&str; 4], out: &mut Vec<u8>) {
        let [left, fill, cross, right] = parts;
        out.resize(out.len() + self.number_width, b' ');
        for (at, wide) in self.widths.iter().enumerate() {
            out.extend_from_slice(if at == 0 { left } else { cross }.as_bytes());
            push_times(fill, wide + 2, out);
        }
        out.extend_from_slice(right.as_bytes());
        out.push(b'\n');
    }

    /// The line of names, at the top or below the table.
    fn name_line(&self, parts: [&str; 4], out: &mut Vec<u8>) {
        let [left, fill, cross, right] = parts;
        out.resize(out.len() + self.number_width, b' ');
        let columns = self.names.iter().zip(&self.widths).zip(&self.right);
        for (at, (((name, name_width), wide), is_right)) in columns.enumerate() {
            out.extend_from_slice(if at == 0 { left } else { cross }.as_bytes());
            out.extend_from_slice(fill.as_bytes());
            let padding = wide.saturating_sub(*name_width);
            if *is_right {
                push_times(fill, padding, out);
            }
            out.extend_from_slice(name.as_bytes());
            if !*is_right {
                push_times(fill, padding, out);
            }
            out.extend_from_slice(fill.as_bytes());
        }
        out.extend_from_slice(right.as_bytes());
        out.push(b'\n');
    }

    fn draw(&self, out: &mut Vec<u8>) {
        if self.full {
            self.rule(["┏", "━", "┳", "┓"], out);
            self.name_line(["┃", " ", "┃", "┃"], out);
            self.rule(["┡", "━", "╇", "┩"], out);
        } else {
            self.name_line(["┌", "─", "┬", "┐"], out);
        }
        let mut next = 0;
        for line in &self.lines {
            if line.number > 0 && self.full {
                self.rule(["├", "─", "┼", "┤"], out);
            }
            if line.number != next {
                let filler = self.widths.iter().map(|wide| wide + 3).sum::<usize>() + 1;
                out.resize(out.len() + self.number_width, b' ');
                for at in 0..filler {
                    out.extend_from_slice(if at % 2 == 0 { "─" } else { " " }.as_bytes());
                }
                out.push(b'\n');
                if self.full {
                    self.rule(["├", "─", "┼", "┤"], out);
                }
            }
            next = line.number + 1;
            self.draw_row(line, out);
        }
        match (self.rows >= FOOTER_ROWS, self.full) {
            (true, true) => {
                self.rule(["┢", "━", "╈", "┪"], out);
                self.name_line(["┃", " ", "┃", "┃"], out);
                self.rule(["┗", "━", "┻", "┛"], out);
            }
            (true, false) => self.name_line(["└", "─", "┴", "┘"], out),
            (false, _) => self.rule(["└", "─", "┴", "┘"], out),
        }
    }

    /// One row, over as many lines as its values have.
    fn draw_row(&self, line: &Line, out: &mut Vec<u8>) {
        let height = line.values.iter().map(|v| value_lines(v).count()).max().unwrap_or(1);
        for part in 0..height {
            match part {
                0 => {
                    let number = format!("{}. ", line.number + 1);
                    push_times(" ", self.number_width.saturating_sub(number.len()), out);
                    out.extend_from_slice(number.as_bytes());
                }
                _ => push_times(" ", self.number_width, out),
            }
            let columns = line.values.iter().zip(&self.widths).zip(&self.right);
            for ((value, wide), is_right) in columns {
                out.extend_from_slice("│".as_bytes());
                self.draw_value(value, part, *wide, *is_right, out);
            }
            out.extend_from_slice("│".as_bytes());
            out.extend_from_slice(&line.remark);
            out.push(b'\n');
        }
    }

    fn draw_value(&self, value: &str, part: usize, wide: usize, is_right: bool, out: &mut Vec<u8>) {
        let shown = value_lines(value).nth(part);
        let more = value.split('\n').nth(part + 1).is_some();
        let text = shown.unwrap_or_default();
        let continued = part > 0 && shown.is_some();
        out.extend_from_slice(if continued { "↳" } else { " " }.as_bytes());
        let padding = wide.saturating_sub(width(text, self.number_width + 2));
        if is_right {
            push_times(" ", padding, out);
        }
        out.extend_from_slice(text.as_bytes());
        if !is_right {
            push_times(" ", padding, out);
        }
        if more {
            out.extend_from_slice("↴".as_bytes());
        } else if !text.ends_with('⋯') || text.len() < PAD_WIDTH_MAX {
            out.push(b' ');
        }
    }
}

fn push_times(text: &str, times: usize, out: &mut Vec<u8>) {
    for _ in 0..times {
        out.extend_from_slice(text.as_bytes());
    }
}

/// The names of the columns with a colon, padded to one width.
pub(crate) fn vertical_names(schema: &Schema) -> Vec<String> {
    let names = schema.fields().iter().map(|field| short_name(field.name(), NAME_WIDTH));
    let names: Vec<(String, usize)> = names.collect();
    let widest = names.iter().map(|(_, wide)| *wide).max().unwrap_or(0);
    let padded = |(name, wide): (String, usize)| format!("{name}: {}", " ".repeat(widest - wide));
    names.into_iter().map(padded).collect()
}

/// Appends one row with a value a line under the heading `Row n:`.
pub(crate) fn vertical_row(
    cells: &[Cell],
    names: &[String],
    row: usize,
    number: u64,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(format!("Row {number}:\n").as_bytes());
    push_times("─", (number + 1).to_string().len() + "Row :".len(), out);
    out.push(b'\n');
    for (cell, name) in cells.iter().zip(names) {
        out.extend_from_slice(name.as_bytes());
        match cell.is_null(row) {
            true => out.extend_from_slice(NULL.as_bytes()),
            false => cell.push_text(row, out),
        }
        if let Some(value) = cell.as_f64(row) {
            push_readable_remark(value, out);
        }
        out.push(b'\n');
    }
}
