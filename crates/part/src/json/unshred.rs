//! Subcolumns back to JSON text: whole documents, or the value at a path of each. A shape is
//! compiled once to the text between its values. Not for typed reading (`values`).

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BinaryViewArray, StringArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBufferBuilder, OffsetBuffer};
use hashbrown::HashMap;

use super::kind::Kind;
use super::leaf::{REST_BUCKETS, Role, push_string, rest_entries};
use super::number::push_float;
use super::path::{PathStep, path_under, steps_of};
use super::shape;
use super::shred::Sub;
use super::time::{self, is_time};
use crate::error::{Error, Result};

/// The size of a granule's documents is told from so many of them.
const SAMPLE_ROWS: usize = 64;
/// They may still be much smaller.
const RESERVE_BYTES_MAX: usize = 4 << 20;

/// What is to be put together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The stored path of the value; empty for documents.
    pub(crate) path: &'a str,
    /// Only these rows; the others are left out.
    pub(crate) selection: Option<&'a BooleanBuffer>,
}

impl Wanted<'_> {
    fn rows(&self, count: usize) -> Vec<usize> {
        match self.selection {
            Some(selection) => selection.set_indices().collect(),
            None => (0..count).collect(),
        }
    }
}

/// Puts values of one granule together.
pub(crate) struct Unshredder<'a> {
    subs: &'a [Sub],
    shapes: &'a BinaryViewArray,
    wanted: Wanted<'a>,
}

impl<'a> Unshredder<'a> {
    /// `shapes` as they are stored (`Bytes`).
    pub(crate) fn new(
        subs: &'a [Sub],
        shapes: &'a ArrayRef,
        wanted: Wanted<'a>,
    ) -> Result<Unshredder<'a>> {
        let shapes = shapes
            .as_binary_view_opt()
            .ok_or_else(|| Error::corrupt("JSON column", "its shapes are no bytes"))?;
        Ok(Unshredder { subs, shapes, wanted })
    }

    /// The numbers of the columns whose values are needed.
    pub(crate) fn needed(&self) -> BTreeSet<usize> {
        let mut needed = BTreeSet::new();
        let mut seen: hashbrown::HashSet<&[u8]> = hashbrown::HashSet::new();
        for row in self.wanted.rows(self.shapes.len()) {
            if self.shapes.is_null(row) || !seen.insert(self.shapes.value(row)) {
                continue;
            }
            for token in shape::tokens(self.shapes.value(row)) {
                if let Some(sub) = token.checked_sub(shape::LEAF) {
                    needed.insert(sub as usize);
                } else if let Some(bucket) = token.checked_sub(shape::REST) {
                    needed.extend(self.rest_sub(bucket as u8));
                }
            }
        }
        needed.retain(|at| self.subs.get(*at).is_some_and(|sub| self.concerns(sub)));
        needed
    }

    fn concerns(&self, sub: &Sub) -> bool {
        matches!(sub.role, Role::Rest(_)) || path_under(&sub.path, self.wanted.path).is_some()
    }

    fn rest_sub(&self, bucket: u8) -> Option<usize> {
        self.subs.iter().position(|sub| sub.role == Role::Rest(bucket))
    }

    /// The JSON text of each wanted row, null where there is no value. `column` gives the values
    /// of each needed column, `None` where all are null.
    pub(crate) fn texts(
        &self,
        column: &dyn Fn(usize) -> Option<ArrayRef>,
    ) -> Result<StringViewArray> {
        let needed = self.needed();
        let arrays: Vec<(usize, ArrayRef)> =
            needed.into_iter().filter_map(|at| Some((at, column(at)?))).collect();
        let mut columns: Vec<Option<Source<'_>>> = Vec::new();
        columns.resize_with(self.subs.len(), || None);
        for (at, array) in &arrays {
            let sub = self.subs.get(*at).ok_or_else(lost)?;
            let source = Source::new(sub, array).ok_or_else(lost)?;
            if let Some(slot) = columns.get_mut(*at) {
                *slot = Some(source);
            }
        }
        let rest: Vec<Option<usize>> = (0..=REST_BUCKETS).map(|b| self.rest_sub(b)).collect();
        let mut programs: HashMap<&[u8], Program> = HashMap::new();
        let rows = self.wanted.rows(self.shapes.len());
        let mut text = String::new();
        let mut lengths = Vec::with_capacity(rows.len());
        let mut nulls = NullBufferBuilder::new(rows.len());
        let all = rows.len();
        for (done, row) in rows.into_iter().enumerate() {
            if done == SAMPLE_ROWS {
                // Doubling would take up to three times what is needed.
                let more = (text.len() / SAMPLE_ROWS).saturating_mul((all - done) * 9 / 8);
                text.reserve_exact(more.min(RESERVE_BYTES_MAX));
            }
            let start = text.len();
            if self.shapes.is_valid(row) {
                let bytes = self.shapes.value(row);
                let own;
                let program = match programs.get(bytes) {
                    Some(program) if !program.has_rest => program,
                    _ => {
                        let made = self.compile(bytes, row, &rest, &columns)?;
                        if made.has_rest {
                            own = made;
                            &own
                        } else {
                            programs.entry(bytes).insert(made).into_mut()
                        }
                    }
                };
                program.run(row, &mut columns, &mut text)?;
            }
            // No value is empty text.
            nulls.append(text.len() > start);
            lengths.push(text.len() - start);
            if text.len() > i32::MAX as usize {
                let detail = format!("{} bytes of documents in a granule", text.len());
                return Err(Error::Limit { what: "decoded documents".into(), detail });
            }
        }
        text.shrink_to_fit();
        let offsets = OffsetBuffer::from_lengths(lengths);
        let array =
            StringArray::try_new(offsets, Buffer::from_vec(text.into_bytes()), nulls.finish())?;
        Ok(StringViewArray::from(&array))
    }

    fn compile(
        &self,
        bytes: &[u8],
        row: usize,
        rest: &[Option<usize>],
        columns: &[Option<Source<'_>>],
    ) -> Result<Program> {
        let mut builder = Builder::default();
        let mut entries: HashMap<u32, std::vec::IntoIter<(&str, &str)>> = HashMap::new();
        for token in shape::tokens(bytes) {
            match token {
                shape::CLOSE => builder.close()?,
                shape::NEXT => builder.next()?,
                token if token >= shape::LEAF => {
                    let at = (token - shape::LEAF) as usize;
                    let sub = self.subs.get(at).ok_or_else(lost)?;
                    let Role::Leaf(kind) = sub.role else { return Err(lost()) };
                    let under = path_under(&sub.path, self.wanted.path);
                    builder.leaf(under, kind, at)?;
                }
                token => {
                    builder.program.has_rest = true;
                    let bucket = token - shape::REST;
                    let entries = entries.entry(bucket).or_insert_with(|| {
                        let at = rest.get(bucket as usize).copied().flatten();
                        let column = at.and_then(|at| columns.get(at)?.as_ref());
                        column.map(|c| c.entries(row)).unwrap_or_default().into_iter()
                    });
                    let (path, value) = entries.next().ok_or_else(lost)?;
                    builder.rest(path_under(path, self.wanted.path), value)?;
                }
            }
        }
        builder.finish()
    }
}

fn lost() -> Error {
    Error::corrupt("JSON column", "a shape and its columns do not fit together")
}

/// The text of a shape: literals, and which value comes behind each.
#[derive(Debug, Default)]
struct Program {
    literals: String,
    /// The end of a literal, and the column whose value follows.
    parts: Vec<(usize, Option<usize>)>,
    has_rest: bool,
}

impl Program {
    fn run(&self, row: usize, columns: &mut [Option<Source<'_>>], out: &mut String) -> Result<()> {
        let mut start = 0;
        for (end, value) in &self.parts {
            out.push_str(self.literals.get(start..*end).unwrap_or_default());
            start = *end;
            if let Some(at) = value {
                let column = columns.get_mut(*at).and_then(Option::as_mut).ok_or_else(lost)?;
                column.push_next(row, out).ok_or_else(lost)?;
            }
        }
        Ok(())
    }
}

/// Compiles a shape; keeps which objects and arrays are open.
#[derive(Debug, Default)]
struct Builder {
    program: Program,
    open: Vec<PathStep>,
    /// Arrays that are open but not wanted.
    skipped: usize,
}

impl Builder {
    fn leaf(&mut self, under: Option<&str>, kind: Kind, at: usize) -> Result<()> {
        let Some(path) = under.filter(|_| self.skipped == 0) else {
            self.skipped += usize::from(kind == Kind::Array);
            return Ok(());
        };
        self.go_to(path)?;
        match kind {
            Kind::Array => {
                self.program.literals.push('[');
                self.open.push(PathStep::Elements);
            }
            Kind::Null => self.program.literals.push_str("null"),
            Kind::EmptyObject => self.program.literals.push_str("{}"),
            Kind::EmptyArray => self.program.literals.push_str("[]"),
            _ => {
                let end = self.program.literals.len();
                self.program.parts.push((end, Some(at)));
            }
        }
        Ok(())
    }

    fn rest(&mut self, under: Option<&str>, value: &str) -> Result<()> {
        if let Some(path) = under.filter(|_| self.skipped == 0) {
            self.go_to(path)?;
            self.program.literals.push_str(value);
        }
        Ok(())
    }

    /// Closes what does not lead to the path, and opens what does.
    fn go_to(&mut self, path: &str) -> Result<()> {
        let steps = steps_of(path).ok_or_else(lost)?;
        let common = self.open.iter().zip(&steps).take_while(|(a, b)| a == b).count();
        let mut has_sibling = self.open.len() > common;
        self.close_to(common + usize::from(has_sibling))?;
        if has_sibling {
            self.open.pop();
        }
        for step in steps.into_iter().skip(common) {
            let PathStep::Key(key) = &step else { return Err(lost()) };
            self.program.literals.push(if has_sibling { ',' } else { '{' });
            has_sibling = false;
            push_string(&mut self.program.literals, key);
            self.program.literals.push(':');
            self.open.push(step);
        }
        Ok(())
    }

    /// Closes the objects within the first `count` steps; those must hold no open array.
    fn close_to(&mut self, count: usize) -> Result<()> {
        while self.open.len() > count {
            match self.open.pop() {
                Some(PathStep::Key(_)) => self.program.literals.push('}'),
                _ => return Err(lost()),
            }
        }
        Ok(())
    }

    /// The steps up to the innermost open array, it included.
    fn innermost(&self) -> Result<usize> {
        let at = self.open.iter().rposition(|step| *step == PathStep::Elements);
        at.map(|at| at + 1).ok_or_else(lost)
    }

    fn next(&mut self) -> Result<()> {
        if self.skipped > 0 {
            return Ok(());
        }
        let array = self.innermost()?;
        self.close_to(array)?;
        self.program.literals.push(',');
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        let array = self.innermost()?;
        self.close_to(array)?;
        self.open.pop();
        self.program.literals.push(']');
        Ok(())
    }

    fn finish(mut self) -> Result<Program> {
        self.close_to(0)?;
        let end = self.program.literals.len();
        self.program.parts.push((end, None));
        Ok(self.program)
    }
}

/// The values of one column, taken in order within a row.
struct Source<'a> {
    kind: Kind,
    values: Data<'a>,
    /// For paths through arrays: where each row starts.
    listed: Option<&'a [i32]>,
    row: usize,
    taken: usize,
}

enum Data<'a> {
    Bool(&'a arrow_array::BooleanArray),
    Int(&'a arrow_array::PrimitiveArray<Int64Type>),
    UInt(&'a arrow_array::PrimitiveArray<UInt64Type>),
    Float(&'a arrow_array::PrimitiveArray<Float64Type>),
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
    List(&'a [i32], Box<Data<'a>>),
}

impl<'a> Data<'a> {
    fn new(array: &'a ArrayRef) -> Option<Data<'a>> {
        use arrow_schema::DataType;
        Some(match array.data_type() {
            DataType::Boolean => Data::Bool(array.as_boolean_opt()?),
            DataType::Int64 => Data::Int(array.as_primitive_opt()?),
            DataType::UInt64 => Data::UInt(array.as_primitive_opt()?),
            DataType::Float64 => Data::Float(array.as_primitive_opt()?),
            DataType::Utf8View => Data::Text(array.as_string_view_opt()?),
            DataType::BinaryView => Data::Bytes(array.as_binary_view_opt()?),
            DataType::List(_) => {
                let list = array.as_list_opt::<i32>()?;
                Data::List(list.value_offsets(), Box::new(Data::new(list.values())?))
            }
            _ => return None,
        })
    }

    fn len(&self) -> usize {
        match self {
            Data::Bool(a) => a.len(),
            Data::Int(a) => a.len(),
            Data::UInt(a) => a.len(),
            Data::Float(a) => a.len(),
            Data::Text(a) => a.len(),
            Data::Bytes(a) => a.len(),
            Data::List(offsets, _) => offsets.len().saturating_sub(1),
        }
    }

    fn push(&self, kind: Kind, at: usize, out: &mut String) -> Option<()> {
        if at >= self.len() {
            return None;
        }
        match self {
            Data::Bool(a) => out.push_str(if a.value(at) { "true" } else { "false" }),
            Data::Int(a) if is_time(kind) => {
                out.push('"');
                time::push_text(out, kind, a.value(at))?;
                out.push('"');
            }
            Data::Int(a) => out.push_str(itoa::Buffer::new().format(a.value(at))),
            Data::UInt(a) => out.push_str(itoa::Buffer::new().format(a.value(at))),
            Data::Float(a) => push_float(out, a.value(at)),
            Data::Text(a) if matches!(kind, Kind::String | Kind::Strings) => {
                push_string(out, a.value(at));
            }
            Data::Text(a) => out.push_str(a.value(at)),
            Data::Bytes(_) => return None,
            Data::List(offsets, elements) => {
                let range = *offsets.get(at)?..*offsets.get(at + 1)?;
                out.push('[');
                for (count, element) in range.enumerate() {
                    if count > 0 {
                        out.push(',');
                    }
                    elements.push(kind, usize::try_from(element).ok()?, out)?;
                }
                out.push(']');
            }
        }
        Some(())
    }
}

impl<'a> Source<'a> {
    fn new(sub: &Sub, array: &'a ArrayRef) -> Option<Source<'a>> {
        let kind = match sub.role {
            Role::Leaf(kind) => kind,
            Role::Rest(_) => Kind::Raw,
        };
        let source = |values, listed| Source { kind, values, listed, row: usize::MAX, taken: 0 };
        match Data::new(array)? {
            Data::List(offsets, elements) if sub.listed => Some(source(*elements, Some(offsets))),
            values => Some(source(values, None)),
        }
    }

    /// Appends the next value of the row as JSON.
    fn push_next(&mut self, row: usize, out: &mut String) -> Option<()> {
        let Some(starts) = self.listed else { return self.values.push(self.kind, row, out) };
        if self.row != row {
            (self.row, self.taken) = (row, 0);
        }
        let (start, end) = (*starts.get(row)?, *starts.get(row + 1)?);
        let at = usize::try_from(start).ok()? + self.taken;
        self.taken += 1;
        if at >= usize::try_from(end).ok()? {
            return None;
        }
        self.values.push(self.kind, at, out)
    }

    fn entries(&self, row: usize) -> Vec<(&'a str, &'a str)> {
        match &self.values {
            Data::Bytes(a) if row < a.len() && a.is_valid(row) => {
                rest_entries(a.value(row)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Keeps texts as they are, or takes strings out of their quotes and `null` away.
pub(super) fn as_text(raw: &StringViewArray) -> ArrayRef {
    let mut builder = arrow_array::builder::StringViewBuilder::with_capacity(raw.len());
    for text in raw {
        builder.append_option(text.and_then(super::read::unquoted));
    }
    Arc::new(builder.finish())
}
