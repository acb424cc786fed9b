//! Guesses a schema from the first records of a file, for imports into a new table.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::calendar::{parse_date, parse_timestamp};
use super::decode::{Dialect, Part, parse_i64, split_record};
use super::error::{FormatError, Result};
use super::format::Format;
use super::type_name::TYPE_KEY;

/// The settings of [`infer_schema`].
#[derive(Clone, Debug)]
pub struct InferOptions {
    /// Records looked at (10,000).
    pub records_max: usize,
    /// Whether the sample is the whole file; else a record that breaks off at its end is left out.
    pub is_complete: bool,
    /// The delimiter of CSV (a comma).
    pub csv_delimiter: u8,
    /// Texts that say nothing about the type, besides the empty one and `\N` (`NA`). Give the
    /// same to [`super::DecodeOptions::null_texts`].
    pub null_texts: Vec<String>,
}

impl Default for InferOptions {
    fn default() -> Self {
        InferOptions {
            records_max: 10_000,
            is_complete: false,
            csv_delimiter: b',',
            null_texts: vec!["NA".to_string()],
        }
    }
}

/// Guesses names and types from the start of a CSV, tab-separated or JSONEachRow file (or a JSON
/// array of objects). All fields are nullable.
///
/// Types: Boolean, Int64, UInt64, Float64, Date32, Timestamp in UTC (milliseconds, or finer when
/// the sample is), Utf8View; values that nest are Utf8View with `dodb.type` = `JSON`. Columns of
/// mixed or no known type are strings. Without a line of names columns are `c1`, `c2` and so on.
///
/// # Errors
/// A format without names or types to guess from, a sample without a record, a record that is
/// wrong.
pub fn infer_schema(format: Format, sample: &[u8], options: &InferOptions) -> Result<SchemaRef> {
    let text = match std::str::from_utf8(sample) {
        Ok(text) => text,
        Err(error) => {
            let good = sample.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(good).unwrap_or_default()
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let dialect = match format {
        Format::JsonEachRow => return infer_objects(text, options),
        Format::Csv | Format::CsvWithNames | Format::CsvWithNamesAndTypes => {
            Dialect::Csv(options.csv_delimiter)
        }
        Format::Tsv | Format::TsvWithNames | Format::TsvWithNamesAndTypes => Dialect::Tsv,
        Format::TsvRaw | Format::TsvRawWithNames => Dialect::TsvRaw,
        other => {
            let problem = format!("{other} has its own schema, or none to guess");
            return Err(FormatError::Infer(problem));
        }
    };
    infer_separated(text, dialect, format.header_lines(), options)
}

/// What is known of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Guess {
    Nothing,
    Bool,
    /// Whether one is negative, and whether one is past `i64`.
    Int(bool, bool),
    Float,
    Date,
    /// Digits after the point.
    Time(usize),
    Text,
    Json,
}

impl Guess {
    /// The narrowest guess that holds for both.
    fn and(self, other: Guess) -> Guess {
        use Guess::{Date, Float, Int, Json, Nothing, Text, Time};
        match (self, other) {
            (Nothing, guess) | (guess, Nothing) => guess,
            (Json, _) | (_, Json) => Json,
            (Int(negative, large), Int(n, l)) => match (negative || n, large || l) {
                (true, true) => Text,
                (negative, large) => Int(negative, large),
            },
            (Int(_, false) | Float, Int(_, false) | Float) => Float,
            (Time(a), Time(b)) => Time(a.max(b)),
            (Time(digits), Date) | (Date, Time(digits)) => Time(digits),
            (a, b) if a == b => a,
            _ => Text,
        }
    }

    /// From a text that is not empty.
    fn of_text(text: &str) -> Guess {
        let number = Guess::of_number(text);
        if number != Guess::Text {
            return number;
        }
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Guess::Bool;
        }
        Guess::of_time(text)
    }

    fn of_time(text: &str) -> Guess {
        let bytes = text.as_bytes();
        if parse_date(bytes).is_some() {
            return Guess::Date;
        }
        if bytes.len() < 16 || parse_timestamp(bytes, TimeUnit::Nanosecond).is_none() {
            return Guess::Text;
        }
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        Guess::Time(fraction.bytes().take_while(u8::is_ascii_digit).count())
    }

    /// A number without a plus sign or zeros before it: those are codes, not numbers.
    fn of_number(text: &str) -> Guess {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let bytes = digits.as_bytes();
        let is_code = bytes.len() > 1
            && bytes.first() == Some(&b'0')
            && bytes.get(1).is_some_and(u8::is_ascii_digit);
        if is_code || !bytes.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
            return Guess::Text;
        }
        if bytes.iter().all(u8::is_ascii_digit) {
            return match (parse_i64(text.as_bytes()), text.parse::<u64>()) {
                (Some(value), _) => Guess::Int(value < 0, false),
                (None, Ok(_)) => Guess::Int(false, true),
                _ => Guess::Text,
            };
        }
        let is_float = bytes.iter().all(|b| b.is_ascii_digit() || b".eE+-".contains(b));
        match text.parse::<f64>() {
            Ok(value) if is_float && value.is_finite() => Guess::Float,
            _ => Guess::Text,
        }
    }

    fn of_json(raw: &str) -> Guess {
        match raw.as_bytes().first() {
            Some(b'n') => Guess::Nothing,
            Some(b't' | b'f') => Guess::Bool,
            Some(b'{' | b'[') => Guess::Json,
            Some(b'"') => Guess::of_time(raw.trim_matches('"')),
            _ => Guess::of_number(raw),
        }
    }

    fn field(self, name: &str) -> Field {
        let unit = match self {
            Guess::Time(0..=3) => TimeUnit::Millisecond,
            Guess::Time(4..=6) => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        };
        let data_type = match self {
            Guess::Bool => DataType::Boolean,
            Guess::Int(_, false) => DataType::Int64,
            Guess::Int(_, true) => DataType::UInt64,
            Guess::Float => DataType::Float64,
            Guess::Date => DataType::Date32,
            Guess::Time(_) => DataType::Timestamp(unit, Some("UTC".into())),
            Guess::Nothing | Guess::Text | Guess::Json => DataType::Utf8View,
        };
        let field = Field::new(name, data_type, true);
        match self {
            Guess::Json => {
                let noted = (TYPE_KEY.to_string(), "JSON".to_string());
                field.with_metadata([noted].into_iter().collect())
            }
            _ => field,
        }
    }
}

fn schema(names: &[String], guesses: &[Guess]) -> Result<SchemaRef> {
    for (at, name) in names.iter().enumerate() {
        if names.get(..at).is_some_and(|before| before.contains(name)) {
            return Err(FormatError::Infer(format!("two columns are named `{name}`")));
        }
    }
    let fields = names.iter().zip(guesses).map(|(name, guess)| guess.field(name));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn infer_separated(
    text: &str,
    dialect: Dialect,
    header_lines: u8,
    options: &InferOptions,
) -> Result<SchemaRef> {
    let (mut names, mut guesses) = (Vec::new(), Vec::new());
    let (mut parts, mut scratch) = (Vec::<Part>::new(), String::new());
    let (mut rest, mut line) = (text, 0usize);
    while !rest.is_empty() && line < options.records_max + usize::from(header_lines) {
        let split = split_record(rest, dialect, options.is_complete, &mut parts);
        let wrong = |(_, problem)| FormatError::Infer(format!("record {}: {problem}", line + 1));
        let Some(end) = split.map_err(wrong)? else { break };
        let record = rest;
        rest = rest.get(end..).unwrap_or_default();
        let is_blank = parts.len() == 1 && parts.iter().all(|p| p.from == p.to && !p.quoted);
        if is_blank && (names.len() != 1 || line == 0) {
            continue;
        }
        line += 1;
        let unreadable = |problem| FormatError::Infer(format!("record {line}: {problem}"));
        if line == 1 {
            for (at, part) in parts.iter().enumerate() {
                let name = match header_lines {
                    0 => "",
                    _ => part.text(record, dialect, &mut scratch).map_err(unreadable)?,
                };
                let numbered = || format!("c{}", at + 1);
                names.push(if name.is_empty() { numbered() } else { name.to_string() });
                guesses.push(Guess::Nothing);
            }
        }
        if line <= usize::from(header_lines) {
            continue;
        }
        if parts.len() != names.len() {
            let (wanted, found) = (names.len(), parts.len());
            let problem = format!("record {line}: expected {wanted} fields, found {found}");
            return Err(FormatError::Infer(problem));
        }
        for (part, guess) in parts.iter().zip(&mut guesses) {
            let text = part.text(record, dialect, &mut scratch).map_err(unreadable)?;
            let raw = record.get(part.from..part.to).unwrap_or_default();
            let is_null = !part.quoted
                && (raw.is_empty()
                    || raw == "\\N"
                    || options.null_texts.iter().any(|null| null == raw));
            if !is_null && *guess != Guess::Text {
                *guess = guess.and(Guess::of_text(text));
            }
        }
    }
    if names.is_empty() {
        return Err(FormatError::Infer("the sample holds no record".to_string()));
    }
    schema(&names, &guesses)
}

fn infer_objects(text: &str, options: &InferOptions) -> Result<SchemaRef> {
    let (mut names, mut guesses) = (Vec::<String>::new(), Vec::<Guess>::new());
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut rest = text;
    for record in 0..options.records_max {
        let between = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ';');
        rest = rest.trim_start_matches(between);
        if record == 0 {
            rest = rest.strip_prefix('[').unwrap_or(rest).trim_start();
        }
        if rest.is_empty() || rest.starts_with(']') {
            break;
        }
        let mut json = serde_json::Deserializer::from_str(rest);
        let fields = match Fields::deserialize(&mut json) {
            Ok(fields) => fields,
            Err(error) if !options.is_complete && record > 0 && is_cut(rest, &error) => break,
            Err(error) => {
                return Err(FormatError::Infer(format!("record {}: {error}", record + 1)));
            }
        };
        for (name, raw) in fields.0 {
            let guess = Guess::of_json(raw.get());
            match index.get(name.as_ref()).and_then(|at| guesses.get_mut(*at)) {
                Some(known) => *known = known.and(guess),
                None => {
                    index.insert(name.to_string(), names.len());
                    names.push(name.into_owned());
                    guesses.push(guess);
                }
            }
        }
        rest = rest.get(json.into_iter::<IgnoredAny>().byte_offset()..).unwrap_or_default();
    }
    if names.is_empty() {
        return Err(FormatError::Infer("the sample holds no object with a field".to_string()));
    }
    schema(&names, &guesses)
}

/// Is the end of `text` to blame? A number cut in two (`-`, `1e`) is called invalid, not
/// unfinished.
fn is_cut(text: &str, error: &serde_json::Error) -> bool {
    let lines = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
    error.is_eof() || before + error.column() >= text.len()
}

/// The fields of one object as raw text.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Fields<'de>, D::Error> {
        json.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            fields.push(entry);
        }
        Ok(Fields(fields))
    }
}
