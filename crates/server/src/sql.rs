//! SQL over HTTP, as ClickHouse's interface has it: the statement in `query` or in the body, data
//! of an INSERT after it, the answer in a format. Not here: running statements (`dodb-query`).

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use dodb_engine::Usage;
use dodb_query::dialect::Parsed;
use dodb_query::{Answer, Request, SendableRecordBatchStream};
use futures::TryStreamExt;
use http::{HeaderValue, Method};

use crate::error::Error;
use crate::formats::{DecodeOptions, Decoder, EncodeOptions, Encoder, Format, Totals};
use crate::request::text_of;
use crate::server::{Call, Reply, Server};

/// The header that says why a statement had nothing to do.
const NOTE: &str = "x-dodb-note";

pub(crate) async fn run(server: &Server, call: &Call) -> Result<Reply, Error> {
    let request = call.params.request(&server.options.settings, call.usage.clone())?;
    let is_get = matches!(call.method, Method::GET | Method::HEAD);
    if !is_get && call.method != Method::POST {
        return Err(Error::bad_request("SQL takes GET and POST"));
    }
    let (text, body_is_data) = match &call.params.query {
        Some(query) => (query.as_str(), true),
        None => (text_of(&call.body), false),
    };
    if text.trim().is_empty() {
        if call.body.is_empty() {
            return Ok(Reply::ok("text/plain; charset=UTF-8", "Ok.\n"));
        }
        return Err(Error::bad_request("the body is not a statement in UTF-8"));
    }
    // ClickHouse takes the body as the rest of the statement when it is not data.
    let joined;
    let (text, body_is_data) = if body_is_data && !call.body.is_empty() && !is_insert(text) {
        joined = format!("{text}\n{}", text_of(&call.body));
        (joined.as_str(), false)
    } else {
        (text, body_is_data)
    };
    let request = Request { read_only: is_get || request.read_only, ..request };
    let statements = server.session.parse(text, &request)?;
    let last = statements.len().saturating_sub(1);
    let mut reply: Option<Reply> = None;
    for (at, parsed) in statements.iter().enumerate() {
        let data = match (&parsed.inline, body_is_data && at == last) {
            (Some(inline), false) if !body_is_data && inline.data.end == text.len() => {
                // Bytes past the text that is UTF-8 belong to the data.
                call.body.slice(inline.data.start.min(call.body.len())..)
            }
            (Some(inline), _) => {
                let bytes = text.as_bytes().get(inline.data.clone()).unwrap_or_default();
                let mut whole = bytes.to_vec();
                if body_is_data && at == last {
                    whole.extend_from_slice(&call.body);
                }
                Bytes::from(whole)
            }
            (None, true) => call.body.clone(),
            (None, false) => Bytes::new(),
        };
        let noted = reply.and_then(|before| before.headers.get(NOTE).cloned());
        let mut answer = statement(server, call, parsed, data, &request).await?;
        if let Some(note) = noted {
            answer.headers.entry(NOTE).or_insert(note);
        }
        reply = Some(answer);
    }
    reply.ok_or_else(|| Error::bad_request("there is no statement in the text"))
}

fn is_insert(text: &str) -> bool {
    text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("insert"))
}

async fn statement(
    server: &Server,
    call: &Call,
    parsed: &Parsed,
    data: Bytes,
    request: &Request,
) -> Result<Reply, Error> {
    // Then the statement has all the rows as well, and may compute them.
    let is_parsed = (parsed.inline.as_ref())
        .is_some_and(|inline| inline.is_parsed && inline.data.len() == data.len());
    match rows_of(server, parsed, &data, request).await {
        Ok(Some((table, batch))) => {
            let rows = server.session.insert(parsed, &table, &batch, request).await?;
            return Ok(written(call, rows));
        }
        Err(error) if !is_parsed => return Err(error),
        Ok(None) | Err(_) => {}
    }
    match server.session.run(parsed, request).await? {
        Answer::Rows(rows) => answer(server, call, parsed, rows, request).await,
        Answer::Written(rows) => Ok(written(call, rows)),
        Answer::Done => Ok(written(call, 0)),
        Answer::Noted(note) => {
            let mut reply = written(call, 0);
            reply.headers.insert(NOTE, HeaderValue::from_static(note));
            Ok(reply)
        }
    }
}

/// The rows that came with an INSERT, decoded, and the table that they go to.
async fn rows_of(
    server: &Server,
    parsed: &Parsed,
    data: &[u8],
    request: &Request,
) -> Result<Option<(String, RecordBatch)>, Error> {
    if data.is_empty() {
        return Ok(None);
    }
    let Some((table, columns)) = server.session.insert_target(parsed, request).await? else {
        return Ok(None);
    };
    let format = parsed.inline.as_ref().map(|inline| inline.format.as_str());
    let format = Format::parse(format.or(parsed.format.as_deref()).unwrap_or("Values"))?;
    let mut request = request.clone();
    for (name, value) in &parsed.settings {
        request.settings.set(name, value)?;
    }
    let options = decode_options(server, &request);
    let usage = &request.usage;
    let batch = decode(server, &table, Some(&columns), format, data, options, usage)?;
    Ok(Some((table, batch)))
}

/// How bodies of a request are decoded.
pub(crate) fn decode_options(server: &Server, request: &Request) -> DecodeOptions {
    DecodeOptions {
        skip_unknown_fields: request.settings.skip_unknown_fields,
        body_bytes_max: server.options.body_bytes_max,
        ..DecodeOptions::default()
    }
}

/// A body as one batch of the named columns of a table, all of them if none are named.
pub(crate) fn decode(
    server: &Server,
    table: &str,
    columns: Option<&[String]>,
    format: Format,
    data: &[u8],
    options: DecodeOptions,
    usage: &Usage,
) -> Result<RecordBatch, Error> {
    let def = server.session.db().table(table, usage)?;
    // Everything may be missing here: the engine knows the defaults.
    let fields: Vec<Field> = def
        .schema
        .columns()
        .iter()
        .filter(|c| columns.is_none_or(|names| names.contains(&c.name)))
        .map(|c| c.field().with_nullable(true))
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let are_counted = options.strict_kinds;
    let mut decoder = Decoder::new(format, schema.clone(), columns, options)?;
    let read = decoder.push(data).and_then(|()| decoder.finish());
    if are_counted {
        read.map_err(|e| e.in_record(decoder.next_record()))?;
    } else {
        read?;
    }
    let mut batches: Vec<RecordBatch> = Vec::new();
    while let Some(batch) = decoder.take()? {
        batches.push(batch);
    }
    match batches.as_slice() {
        [one] => Ok(one.clone()),
        many => concat_batches(&schema, many).map_err(|e| Error::bad_request(e.to_string())),
    }
}

fn written(call: &Call, rows: u64) -> Reply {
    let mut reply = Reply::ok("text/plain; charset=UTF-8", Bytes::new());
    summarise(&mut reply, call, 0, rows, 0);
    reply
}

async fn answer(
    server: &Server,
    call: &Call,
    parsed: &Parsed,
    mut rows: SendableRecordBatchStream,
    request: &Request,
) -> Result<Reply, Error> {
    let header = call.headers.get("x-clickhouse-format").and_then(|v| v.to_str().ok());
    let default = match request.settings.default_format.as_str() {
        "" => header.unwrap_or("TabSeparated"),
        name => name,
    };
    let format = Format::parse(parsed.format.as_deref().unwrap_or(default))?;
    let mut encoder = Encoder::new(format, rows.schema(), EncodeOptions::default())?;
    let mut body = Vec::new();
    let mut count = 0;
    encoder.prefix(&mut body)?;
    while let Some(batch) = rows.try_next().await.map_err(dodb_query::Error::from)? {
        count += batch.num_rows() as u64;
        encoder.batch(&batch, &mut body)?;
        if body.len() > server.options.answer_bytes_max {
            return Err(Error::bad_request(format!(
                "the answer passes {} bytes; use LIMIT, or `dodb export`",
                server.options.answer_bytes_max
            )));
        }
    }
    drop(rows);
    let elapsed_us = server.env.now_us().saturating_sub(call.started_us).max(0) as u64;
    let totals = Totals {
        rows: count,
        elapsed: Duration::from_micros(elapsed_us),
        rows_read: call.usage.rows_read(),
        bytes_read: 0,
    };
    encoder.suffix(&totals, &mut body)?;
    let mut reply = Reply::ok(format.content_type(), body);
    if let Ok(name) = HeaderValue::from_str(format.name()) {
        reply.headers.insert("x-clickhouse-format", name);
    }
    summarise(&mut reply, call, count, 0, elapsed_us);
    Ok(reply)
}

/// `X-ClickHouse-Summary` and `X-ClickHouse-Query-Id`. Numbers are strings, as ClickHouse has them.
fn summarise(reply: &mut Reply, call: &Call, result: u64, written: u64, elapsed_us: u64) {
    let summary = format!(
        "{{\"read_rows\":\"{}\",\"read_bytes\":\"0\",\"written_rows\":\"{written}\",\
         \"written_bytes\":\"0\",\"result_rows\":\"{result}\",\"result_bytes\":\"{}\",\
         \"elapsed_ns\":\"{}\"}}",
        call.usage.rows_read(),
        reply.body.len(),
        elapsed_us * 1_000
    );
    if let Ok(value) = HeaderValue::from_str(&summary) {
        reply.headers.insert("x-clickhouse-summary", value);
    }
    if let Some(Ok(id)) = call.params.query_id.as_deref().map(HeaderValue::from_str) {
        reply.headers.insert("x-clickhouse-query-id", id);
    }
}
