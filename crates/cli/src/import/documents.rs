//! Records of any shape as things of one type: the record is the document, one field may be the id,
//! and its times are the thing's if they are times. Not here: records that are things already.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{StringViewBuilder, TimestampMillisecondBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
use arrow_schema::{DataType, Schema, SchemaRef};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use dodb_engine::{TableDef, things};
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// Things being gathered.
pub struct Documents {
    type_name: String,
    id_field: Option<String>,
    rows_max: usize,
    bytes_max: usize,
    ids: StringViewBuilder,
    data: StringViewBuilder,
    created: TimestampMillisecondBuilder,
    updated: TimestampMillisecondBuilder,
    rows: usize,
    bytes: usize,
}

/// The fields of a record that say something about the thing.
#[derive(Default)]
struct Marks<'a> {
    id: Option<Cow<'a, str>>,
    created: Option<i64>,
    updated: Option<i64>,
}

impl Documents {
    /// Things of `type_name`, whose ids are in `id_field` if it is given; a batch is cut at so many
    /// rows or bytes of documents.
    pub fn new(
        type_name: &str,
        id_field: Option<&str>,
        rows_max: usize,
        bytes_max: usize,
    ) -> Documents {
        Documents {
            type_name: type_name.to_owned(),
            id_field: id_field.map(str::to_owned),
            rows_max,
            bytes_max,
            ids: StringViewBuilder::new(),
            data: StringViewBuilder::new(),
            created: TimestampMillisecondBuilder::new(),
            updated: TimestampMillisecondBuilder::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds an object, given as JSON text.
    ///
    /// # Errors
    /// It has no id where it should have one: what was expected.
    pub fn push_json(&mut self, json: &str) -> Result<(), String> {
        let names_time = json.contains("createdAt") || json.contains("updatedAt");
        if self.id_field.is_none() && !names_time {
            return self.push(json, Marks::default());
        }
        let fields: HashMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(json).map_err(|e| format!("malformed JSON: {e}"))?;
        let field = |name: &str| fields.get(name).and_then(|raw| scalar(raw.get()));
        let marks = Marks {
            id: self.id_field.as_deref().and_then(field),
            created: field("createdAt").and_then(|text| milliseconds(&text)),
            updated: field("updatedAt").and_then(|text| milliseconds(&text)),
        };
        self.push(json, marks)
    }

    /// Adds row `row` of `texts`, one array per name. A text becomes a JSON number or Boolean where
    /// the type of its column says so and it is one; an empty text is left out.
    ///
    /// # Errors
    /// As [`Documents::push_json`].
    pub fn push_texts(
        &mut self,
        schema: &Schema,
        texts: &[&StringViewArray],
        row: usize,
    ) -> Result<(), String> {
        let mut json = String::from("{");
        let mut marks = Marks::default();
        for (field, column) in schema.fields().iter().zip(texts) {
            let text =
                if arrow_array::Array::is_null(column, row) { "" } else { column.value(row) };
            if text.is_empty() {
                continue;
            }
            json.push_str(if json.len() > 1 { "," } else { "" });
            push_string(&mut json, field.name());
            json.push(':');
            push_value(&mut json, field.data_type(), text);
            match field.name().as_str() {
                "createdAt" => marks.created = milliseconds(text),
                "updatedAt" => marks.updated = milliseconds(text),
                _ => {}
            }
            if self.id_field.as_ref() == Some(field.name()) {
                marks.id = Some(Cow::Borrowed(text));
            }
        }
        json.push('}');
        self.push(&json, marks)
    }

    fn push(&mut self, json: &str, marks: Marks<'_>) -> Result<(), String> {
        if let Some(name) = &self.id_field
            && marks.id.as_ref().is_none_or(|id| id.is_empty())
        {
            return Err(format!("the record has no text or number in `{name}` for its id"));
        }
        self.ids.append_option(marks.id);
        self.data.append_value(json);
        self.created.append_option(marks.created);
        self.updated.append_option(marks.updated);
        self.rows += 1;
        self.bytes += json.len();
        Ok(())
    }

    /// Are there enough for a batch?
    pub fn is_full(&self) -> bool {
        self.rows >= self.rows_max || self.bytes >= self.bytes_max
    }

    /// What was gathered, as rows of `things`; none if that is nothing.
    pub fn take(&mut self) -> Result<Option<RecordBatch>> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows == 0 {
            return Ok(None);
        }
        let types: StringViewArray =
            std::iter::repeat_n(Some(self.type_name.as_str()), rows).collect();
        let columns: Vec<(u32, ArrayRef)> = vec![
            (things::ID, Arc::new(self.ids.finish())),
            (things::TYPE, Arc::new(types)),
            (things::DATA, Arc::new(self.data.finish())),
            (things::CREATED_AT, Arc::new(self.created.finish().with_timezone("UTC"))),
            (things::UPDATED_AT, Arc::new(self.updated.finish().with_timezone("UTC"))),
        ];
        let (ids, arrays): (Vec<u32>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let batch = RecordBatch::try_new(schema(&ids)?, arrays);
        Ok(Some(batch.map_err(|e| Error::Failed(format!("the documents: {e}")))?))
    }
}

/// These columns of `things`, all nullable: the database knows the defaults.
fn schema(ids: &[u32]) -> Result<SchemaRef> {
    let def = TableDef::things()?;
    let columns = def.schema.columns().iter().filter(|c| ids.contains(&c.id));
    let fields: Vec<_> = columns.map(|c| c.field().with_nullable(true)).collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// The columns of a batch of texts.
pub fn texts(batch: &RecordBatch) -> Vec<&StringViewArray> {
    batch.columns().iter().filter_map(|column| column.as_string_view_opt()).collect()
}

fn push_string(json: &mut String, text: &str) {
    // Writing a string to a string cannot fail.
    json.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}

fn push_value(json: &mut String, data_type: &DataType, text: &str) {
    let is_number = || {
        serde_json::from_str::<serde_json::Number>(text).is_ok()
            && text.bytes().all(|byte| !byte.is_ascii_whitespace())
    };
    match data_type {
        DataType::Boolean if text.eq_ignore_ascii_case("true") => json.push_str("true"),
        DataType::Boolean if text.eq_ignore_ascii_case("false") => json.push_str("false"),
        data_type if data_type.is_numeric() && is_number() => json.push_str(text),
        _ => push_string(json, text),
    }
}

/// The text of a JSON string or number; nothing for other values.
fn scalar(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

/// Milliseconds since 1970, RFC 3339, or a date with or without a time, in UTC.
fn milliseconds(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    for pattern in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, pattern) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_all_their_forms() {
        let day = 1_357_035_300_000;
        for text in [
            "1357035300000",
            "2013-01-01T10:15:00Z",
            "2013-01-01T11:15:00.000+01:00",
            "2013-01-01 10:15:00",
            "2013-01-01 10:15",
        ] {
            assert_eq!(milliseconds(text), Some(day), "{text}");
        }
        assert_eq!(milliseconds("2013-01-01"), Some(1_356_998_400_000));
        assert_eq!(milliseconds("yesterday"), None);
    }

    #[test]
    fn texts_become_the_values_they_are() {
        let mut json = String::new();
        for (data_type, text) in [
            (DataType::Int64, "12"),
            (DataType::Int64, "012"),
            (DataType::Float64, "10.357019999999999"),
            (DataType::Float64, "n/a"),
            (DataType::Boolean, "TRUE"),
            (DataType::Utf8View, "a\"b"),
        ] {
            push_value(&mut json, &data_type, text);
            json.push(' ');
        }
        assert_eq!(json, "12 \"012\" 10.357019999999999 \"n/a\" true \"a\\\"b\" ");
    }

    #[test]
    fn ids_are_text_or_numbers() {
        let mut documents = Documents::new("T", Some("k"), 10, 1 << 20);
        documents.push_json("{\"k\":7}").unwrap();
        documents.push_json("{\"k\":\"é\"}").unwrap();
        assert!(documents.push_json("{\"k\":null}").is_err());
        assert!(documents.push_json("{}").is_err());
        let batch = documents.take().unwrap().unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.column(0).as_string_view().value(1), "é");
        assert!(documents.take().unwrap().is_none());
    }
}
