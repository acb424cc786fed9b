//! Arrays of JSON, one record each, perhaps after one of names and one of types.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Fault, Step};
use super::json::{Span, append_spans, broken, skip_between, span_of};
use super::rows::Rows;

/// Reads arrays, one a record, perhaps after one of names and one of types.
pub(crate) struct CompactRows {
    skip_unknown: bool,
    header_lines: u8,
    has_names: bool,
    spans: Vec<Span>,
}

impl CompactRows {
    /// `header_lines` are the arrays before the first record.
    pub(crate) fn new(skip_unknown: bool, header_lines: u8) -> CompactRows {
        CompactRows { skip_unknown, header_lines, has_names: false, spans: Vec::new() }
    }

    /// Reads the record at the start of `text`.
    pub(crate) fn step(
        &mut self,
        text: &str,
        at_end: bool,
        rows: &mut Rows,
    ) -> Result<Step, Fault> {
        let start = skip_between(text);
        match text.as_bytes().get(start) {
            None => return Ok(Step::took(start)),
            Some(b'[') => {}
            Some(_) => return Err(Fault::syntax(start, "expected a JSON array `[...]`")),
        }
        let record = text.get(start..).unwrap_or_default();
        self.spans.clear();
        let mut json = serde_json::Deserializer::from_str(record);
        let seed = Array { record, spans: &mut self.spans };
        if let Err(error) = seed.deserialize(&mut json) {
            return broken(text, start, record, &error, at_end);
        }
        let end = start + json.into_iter::<IgnoredAny>().byte_offset();
        if self.header_lines > 0 {
            if !self.has_names {
                self.header(record, start, rows)?;
                self.has_names = true;
            }
            self.header_lines -= 1;
            return Ok(Step::took(end));
        }
        if self.spans.len() != rows.field_count() {
            let (wanted, found) = (rows.field_count(), self.spans.len());
            let problem = format!("expected {wanted} values, found {found}");
            return Err(Fault { end: Some(end), ..Fault::syntax(start, problem) });
        }
        append_spans(&self.spans, record, (start, end), rows)?;
        Ok(Step::took(end))
    }
}

impl CompactRows {
    fn header(&self, record: &str, start: usize, rows: &mut Rows) -> Result<(), Fault> {
        let mut names = Vec::with_capacity(self.spans.len());
        for (from, to) in self.spans.iter().flatten() {
            let text = record.get(*from..*to).unwrap_or_default();
            let name = serde_json::from_str::<String>(text);
            let wrong = |_| Fault::syntax(start + from, "expected the name of a column");
            names.push(name.map_err(wrong)?);
        }
        rows.set_header(&names, self.skip_unknown).map_err(|(at, problem)| {
            let at = self.spans.get(at).copied().flatten().map_or(0, |(from, _)| from);
            Fault::syntax(start + at, problem)
        })
    }
}

/// Finds the values of one array.
struct Array<'a> {
    record: &'a str,
    spans: &'a mut Vec<Span>,
}

impl<'de> DeserializeSeed<'de> for Array<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Array<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            self.spans.push(Some(span_of(raw.get(), self.record)));
        }
        Ok(())
    }
}
