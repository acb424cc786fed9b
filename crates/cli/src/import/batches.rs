//! From a source to batches that a table takes: decoding, chunk by chunk, in bounded memory. Not
//! here: where the batches go.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use dodb_part::{ColumnType, TYPE_METADATA_KEY};
use dodb_server::formats::{
    Conform, DecodeOptions, Decoder, EncodeOptions, Encoder, Format, FormatError, InferOptions,
    infer_schema,
};

use super::documents::{Documents, texts};
use super::parquet::Parquet;
use super::records::{Found, Records};
use super::source::Source;
use crate::error::{Error, Result};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// How to read a file.
pub struct Plan {
    /// Its format.
    pub format: Format,
    /// What its records become.
    pub shape: Shape,
    /// Records of a batch at most.
    pub batch_rows: usize,
    /// Bytes of a batch's records at most, or little more.
    pub batch_bytes: usize,
    /// Are bad records left out?
    pub skip: bool,
    /// Are fields left out that the table does not have?
    pub skip_unknown_fields: bool,
    /// Texts that mean null in CSV and TSV.
    pub null_texts: Vec<String>,
}

/// What records become.
pub enum Shape {
    /// Rows with these columns.
    Rows(SchemaRef),
    /// Things of one type, with the record as document.
    Documents {
        /// The type.
        type_name: String,
        /// The field that holds the id.
        id: Option<String>,
    },
}

/// Something read.
pub enum Event {
    /// Rows.
    Batch(RecordBatch),
    /// Records left out.
    Bad {
        /// How many.
        count: u64,
        /// What was wrong with the first of them, and where.
        problems: Vec<String>,
    },
}

/// Reads a source to its end. `each` says whether it wants more.
///
/// # Errors
/// The source breaks off; a bad record, unless they are skipped. What came before was given out.
pub fn read(mut source: Source, plan: &Plan, each: &mut dyn FnMut(Event) -> bool) -> Result<()> {
    match &plan.shape {
        Shape::Rows(schema) if plan.format == Format::Parquet => {
            let mut file = Parquet::open(&mut source, plan)?;
            let conform =
                Conform::new(&file.schema(), schema.clone(), None, plan.skip_unknown_fields)
                    .map_err(|e| in_file(&source, &e))?;
            while let Some(batch) = file.next(&source)? {
                let batch = conform.batch(&batch).map_err(|e| in_file(&source, &e))?;
                if !each(Event::Batch(batch)) {
                    break;
                }
            }
            Ok(())
        }
        Shape::Rows(schema) => {
            let columns = schema.clone();
            decode(&mut source, plan, columns, &mut |event| Ok(each(event)))
        }
        Shape::Documents { type_name, id } => {
            let documents =
                Documents::new(type_name, id.as_deref(), plan.batch_rows, plan.batch_bytes);
            let mut sink = Sink { documents, skip: plan.skip, each };
            match plan.format {
                Format::JsonEachRow => json_documents(&mut source, &mut sink)?,
                Format::Parquet => parquet_documents(&mut source, plan, &mut sink)?,
                Format::Arrow | Format::ArrowStream => {
                    return Err(Error::Usage(format!(
                        "{}: {} does not go with --type; import it into a table of its own",
                        source.name, plan.format
                    )));
                }
                _ => text_documents(&mut source, plan, &mut sink)?,
            }
            sink.flush().map(|_| ())
        }
    }
}

/// The columns of a table for this file, all nullable.
///
/// # Errors
/// The format says nothing about them, the first records are bad, a type that no column has.
pub fn schema(source: &Source, plan: &Plan) -> Result<Schema> {
    let schema = match (plan.format, &source.path) {
        (Format::Parquet, Some(path)) => {
            let path = path.to_string_lossy();
            Parquet::open(&mut Source::open(&path, Arc::default())?, plan)?.schema()
        }
        (Format::Parquet, None) => {
            return Err(Error::Input {
                place: source.name.clone(),
                problem: "a Parquet file that is packed or comes through a pipe can only go into \
                          a table that is there; make the table first, or unpack it to a file"
                    .into(),
            });
        }
        _ => {
            let options = InferOptions {
                is_complete: source.is_whole,
                null_texts: plan.null_texts.clone(),
                ..InferOptions::default()
            };
            infer_schema(plan.format, &source.head, &options).map_err(|e| in_file(source, &e))?
        }
    };
    let fields = schema.fields().iter().map(|field| {
        let ty = match ColumnType::of_field(field) {
            Ok(ty) => ty,
            // Structures are kept as documents.
            Err(_) if field.data_type().is_nested() => ColumnType::Json,
            Err(e) => {
                return Err(Error::Input { place: source.name.clone(), problem: e.to_string() });
            }
        };
        let noted = (TYPE_METADATA_KEY.to_owned(), ty.name());
        Ok(Field::new(field.name(), ty.arrow(), true).with_metadata([noted].into()))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<Field>>>()?))
}

fn decode(
    source: &mut Source,
    plan: &Plan,
    columns: SchemaRef,
    each: &mut dyn FnMut(Event) -> Result<bool>,
) -> Result<()> {
    let options = DecodeOptions {
        rows_max: plan.batch_rows,
        batch_bytes_max: plan.batch_bytes,
        skip_unknown_fields: plan.skip_unknown_fields,
        errors_max: if plan.skip { u64::MAX } else { 0 },
        null_texts: plan.null_texts.clone(),
        ..DecodeOptions::default()
    };
    let mut decoder = Decoder::new(plan.format, columns, None, options)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut known, mut shown) = (0, 0);
    loop {
        let count = source.read(&mut chunk)?;
        let step = match count {
            0 => decoder.finish(),
            _ => decoder.push(chunk.get(..count).unwrap_or_default()),
        };
        // Batches that were whole before a bad record are good.
        while let Some(batch) = decoder.take().map_err(|e| in_file(source, &e))? {
            if !each(Event::Batch(batch))? {
                return Ok(());
            }
        }
        step.map_err(|e| in_file(source, &e))?;
        let (errors, kept) = decoder.errors();
        if errors > known {
            let new = kept.get(shown..).unwrap_or_default();
            let problems = new.iter().map(FormatError::to_string).collect();
            shown = kept.len();
            if !each(Event::Bad { count: errors - known, problems })? {
                return Ok(());
            }
            known = errors;
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// Documents on their way out.
struct Sink<'a> {
    documents: Documents,
    skip: bool,
    each: &'a mut dyn FnMut(Event) -> bool,
}

impl Sink<'_> {
    /// After a record was pushed: was it good, and are more wanted?
    fn pushed(&mut self, source: &Source, place: &str, pushed: Result<(), String>) -> Result<bool> {
        match pushed {
            Ok(()) if self.documents.is_full() => self.flush(),
            Ok(()) => Ok(true),
            Err(problem) => {
                let problem = format!("{place}: {problem}");
                if self.skip {
                    return Ok((self.each)(Event::Bad { count: 1, problems: vec![problem] }));
                }
                // The records before it are good.
                self.flush()?;
                Err(Error::Input { place: source.name.clone(), problem })
            }
        }
    }

    fn flush(&mut self) -> Result<bool> {
        Ok(match self.documents.take()? {
            Some(batch) => (self.each)(Event::Batch(batch)),
            None => true,
        })
    }
}

fn json_documents(source: &mut Source, sink: &mut Sink<'_>) -> Result<()> {
    let mut records = Records::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = source.read(&mut chunk)?;
        match count {
            0 => records.end(),
            _ => records.push(chunk.get(..count).unwrap_or_default()),
        }
        while let Some(found) = records.take() {
            let (line, pushed) = match found {
                Found::Record { line, text } => (line, sink.documents.push_json(text)),
                Found::Bad { line, problem } => (line, Err(problem)),
            };
            if !sink.pushed(source, &format!("line {line}"), pushed)? {
                return Ok(());
            }
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// CSV and TSV are read as text, so that numbers keep the digits they have.
fn text_documents(source: &mut Source, plan: &Plan, sink: &mut Sink<'_>) -> Result<()> {
    let options = InferOptions {
        is_complete: source.is_whole,
        null_texts: plan.null_texts.clone(),
        ..InferOptions::default()
    };
    let guessed =
        infer_schema(plan.format, &source.head, &options).map_err(|e| in_file(source, &e))?;
    let as_text = guessed.fields().iter().map(|f| Field::new(f.name(), DataType::Utf8View, true));
    let columns: SchemaRef = Arc::new(Schema::new(as_text.collect::<Vec<_>>()));
    let name = source.name.clone();
    let mut record = 0u64;
    decode(source, plan, columns, &mut |event| {
        let batch = match event {
            Event::Batch(batch) => batch,
            bad => return Ok((sink.each)(bad)),
        };
        let texts = texts(&batch);
        for row in 0..batch.num_rows() {
            record += 1;
            if let Err(problem) = sink.documents.push_texts(&guessed, &texts, row) {
                let problem = format!("record {record}: {problem}");
                if !sink.skip {
                    sink.flush()?;
                    return Err(Error::Input { place: name.clone(), problem });
                }
                if !(sink.each)(Event::Bad { count: 1, problems: vec![problem] }) {
                    return Ok(false);
                }
            }
        }
        sink.flush()
    })
}

fn parquet_documents(source: &mut Source, plan: &Plan, sink: &mut Sink<'_>) -> Result<()> {
    let mut file = Parquet::open(source, plan)?;
    let mut record = 0u64;
    while let Some(batch) = file.next(source)? {
        // The writer of JSON knows every type; nulls are left out afterwards.
        let mut encoder =
            Encoder::new(Format::JsonEachRow, batch.schema(), EncodeOptions::default())?;
        let mut lines = Vec::new();
        encoder.batch(&batch, &mut lines)?;
        for line in String::from_utf8_lossy(&lines).lines() {
            record += 1;
            let pushed = without_nulls(line).and_then(|json| sink.documents.push_json(&json));
            if !sink.pushed(source, &format!("record {record}"), pushed)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn without_nulls(json: &str) -> Result<String, String> {
    let mut object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|e| format!("malformed JSON: {e}"))?;
    object.retain(|_, value| !value.is_null());
    serde_json::to_string(&object).map_err(|e| e.to_string())
}

fn in_file(source: &Source, e: &FormatError) -> Error {
    Error::Input { place: source.name.clone(), problem: e.to_string() }
}
