//! Objects of JSON, one record each. The JSON itself is read by serde_json: each value
//! is found as raw text first and given to its column then.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Fault, Step};
use super::json_value::append_json;
use super::rows::Rows;

/// Where a value stands in the text.
pub(crate) type Span = Option<(usize, usize)>;

/// Reads objects: one a line, one after the other, or in one top-level array.
pub(crate) struct ObjectRows {
    skip_unknown: bool,
    /// Each object as a whole goes to one column.
    are_documents: bool,
    state: State,
    spans: Vec<Span>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Records,
    Array,
    End,
}

impl ObjectRows {
    /// `skip_unknown` throws fields away that no column has.
    pub(crate) fn new(skip_unknown: bool) -> ObjectRows {
        ObjectRows { skip_unknown, are_documents: false, state: State::Start, spans: Vec::new() }
    }

    /// Objects that are documents of the only JSON column.
    pub(crate) fn of_documents() -> ObjectRows {
        ObjectRows { are_documents: true, ..ObjectRows::new(false) }
    }

    /// Reads the record at the start of `text`.
    pub(crate) fn step(
        &mut self,
        text: &str,
        at_end: bool,
        rows: &mut Rows,
    ) -> Result<Step, Fault> {
        let start = skip_between(text);
        let first = text.as_bytes().get(start).copied();
        match (first, self.state) {
            (None, State::Array) if at_end => {
                return Err(Fault {
                    end: Some(text.len()),
                    ..Fault::syntax(start, "the array breaks off: expected `]`")
                });
            }
            (None, _) => return Ok(Step::took(start)),
            (Some(b'['), State::Start) => {
                self.state = State::Array;
                return Ok(Step::took(start + 1));
            }
            (Some(b']'), State::Array) => {
                self.state = State::End;
                return Ok(Step::took(start + 1));
            }
            (Some(b'{'), State::Start) => self.state = State::Records,
            (Some(b'{'), State::Records | State::Array) => {}
            (Some(_), State::End) => {
                return Err(Fault::syntax(start, "expected nothing after the closing `]`"));
            }
            (Some(_), _) => return Err(Fault::syntax(start, "expected a JSON object `{...}`")),
        }
        match rows.document_field().filter(|_| self.are_documents) {
            Some(field) => self.document(text, start, at_end, field, rows),
            None => self.object(text, start, at_end, rows),
        }
    }

    fn document(
        &mut self,
        text: &str,
        start: usize,
        at_end: bool,
        field: usize,
        rows: &mut Rows,
    ) -> Result<Step, Fault> {
        let record = text.get(start..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(record).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {}
            Some(Err(error)) => return broken(text, start, record, &error, at_end),
            None => return Ok(Step::took(start)),
        }
        let length = values.byte_offset();
        self.spans.clear();
        self.spans.resize(rows.field_count(), None);
        if let Some(span) = self.spans.get_mut(field) {
            *span = Some((0, length));
        }
        append_spans(&self.spans, record, (start, start + length), rows)?;
        Ok(Step::took(start + length))
    }

    fn object(
        &mut self,
        text: &str,
        start: usize,
        at_end: bool,
        rows: &mut Rows,
    ) -> Result<Step, Fault> {
        let record = text.get(start..).unwrap_or_default();
        self.spans.clear();
        self.spans.resize(rows.field_count(), None);
        let mut unknown = None;
        let mut json = serde_json::Deserializer::from_str(record);
        let fields = Object { record, rows: &*rows, spans: &mut self.spans, unknown: &mut unknown };
        if let Err(error) = fields.deserialize(&mut json) {
            return broken(text, start, record, &error, at_end);
        }
        let end = start + json.into_iter::<IgnoredAny>().byte_offset();
        if let Some((at, name)) = unknown
            && !self.skip_unknown
        {
            let problem = rows.unknown(&name);
            return Err(Fault { at: start + at, field: Some(name), problem, end: Some(end) });
        }
        append_spans(&self.spans, record, (start, end), rows)?;
        Ok(Step::took(end))
    }
}

/// Appends the values found in one record.
pub(crate) fn append_spans(
    spans: &[Span],
    record: &str,
    (start, end): (usize, usize),
    rows: &mut Rows,
) -> Result<(), Fault> {
    for (field, span) in spans.iter().enumerate() {
        let strict = rows.is_strict();
        let Some(column) = rows.column(field) else { continue };
        let appended = match *span {
            Some((from, to)) => {
                append_json(column, record.get(from..to).unwrap_or_default(), strict)
            }
            None => {
                column.append_default();
                Ok(())
            }
        };
        if let Err(problem) = appended {
            rows.spoil_row();
            let at = start + span.map_or(0, |(from, _)| from);
            return Err(Fault { at, field: rows.field_name(field), problem, end: Some(end) });
        }
    }
    rows.end_row(end - start);
    Ok(())
}

/// The bytes before a record: white space and the separators ClickHouse allows.
pub(crate) fn skip_between(text: &str) -> usize {
    let between = |b: &&u8| b.is_ascii_whitespace() || matches!(**b, b',' | b';');
    text.as_bytes().iter().take_while(between).count()
}

/// What to do when serde_json gave up.
pub(crate) fn broken(
    text: &str,
    start: usize,
    record: &str,
    error: &serde_json::Error,
    at_end: bool,
) -> Result<Step, Fault> {
    let mut line_start = 0;
    for _ in 1..error.line() {
        let rest = record.as_bytes().get(line_start..).unwrap_or_default();
        line_start += memchr::memchr(b'\n', rest).map_or(0, |at| at + 1);
    }
    let at = start + line_start + error.column().saturating_sub(1);
    // A number cut in two (`-`, `1e`) is called invalid, not unfinished.
    let is_cut = error.is_eof() || at + 1 >= text.len();
    if is_cut && !at_end {
        return Ok(Step::waits(start));
    }
    let message = error.to_string();
    let problem = message.split(" at line ").next().unwrap_or_default();
    let problem = match error.is_eof() {
        true => format!("the record breaks off: {problem}"),
        false => format!("malformed JSON: {problem}"),
    };
    Err(Fault::syntax(at.min(text.len()), problem))
}

/// Finds the values of one object.
struct Object<'a> {
    record: &'a str,
    rows: &'a Rows,
    spans: &'a mut Vec<Span>,
    /// The first field that no column has, and where.
    unknown: &'a mut Option<(usize, String)>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut guess = 0;
        loop {
            let key = Key { record: self.record, rows: self.rows, guess, unknown: self.unknown };
            match map.next_key_seed(key)? {
                None => return Ok(()),
                Some(Some(field)) => {
                    let raw: &'de RawValue = map.next_value()?;
                    if let Some(span) = self.spans.get_mut(field) {
                        *span = Some(span_of(raw.get(), self.record));
                    }
                    guess = field + 1;
                }
                Some(None) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
    }
}

/// Where `part` stands in `whole`, which it was cut from.
pub(crate) fn span_of(part: &str, whole: &str) -> (usize, usize) {
    let from = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    (from, from.wrapping_add(part.len()))
}

struct Key<'a> {
    record: &'a str,
    rows: &'a Rows,
    guess: usize,
    unknown: &'a mut Option<(usize, String)>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Option<usize>, E> {
        let field = self.rows.field_named(name, self.guess);
        if field.is_none() && self.unknown.is_none() {
            let (at, _) = span_of(name, self.record);
            *self.unknown = Some((at.saturating_sub(1), name.to_string()));
        }
        Ok(field)
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        let field = self.rows.field_named(name, self.guess);
        if field.is_none() && self.unknown.is_none() {
            *self.unknown = Some((0, name.to_string()));
        }
        Ok(field)
    }
}
