//! `/v1/things` and `/v1/relationships`: records as JSON objects, posted in bulk, read, changed and
//! deleted by id. Not here: what makes two records the same (`dodb-engine`).

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, TimestampMillisecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use chrono::{DateTime, SecondsFormat, Utc};
use dodb_engine::{Error as EngineError, RowAddresses, ScanRequest, relationships, things};
use dodb_part::{CompareOp, Predicate, Scalar};
use dodb_query::Request;
use http::Method;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::formats::{DecodeOptions, Format};
use crate::server::{Call, Reply, Server};
use crate::sql::{decode, decode_options};

/// How often a change starts over when somebody else changed the record meanwhile.
const TRIES_MAX: usize = 16;

pub(crate) async fn post(server: &Server, call: &Call, table: &str) -> Result<Reply, Error> {
    if call.method != Method::POST {
        return Err(Error::bad_request(format!(
            "/v1/{table} takes POST; one record is at /v1/{table}/ID"
        )));
    }
    let request = call.params.request(&server.options.settings, call.usage.clone())?;
    let rows = store(server, table, &call.body, &request).await?;
    Ok(Reply::json(&json!({ "written": rows })))
}

async fn store(server: &Server, table: &str, body: &[u8], request: &Request) -> Result<u64, Error> {
    let batch = records(server, table, body, request, true)?;
    Ok(server.session.db().insert(table, &batch, &request.usage).await?)
}

/// Records as a batch. Where `strict`, a value of the wrong kind is refused and never converted:
/// what a program sends by mistake it should hear of.
fn records(
    server: &Server,
    table: &str,
    body: &[u8],
    request: &Request,
    strict: bool,
) -> Result<RecordBatch, Error> {
    let options = DecodeOptions { strict_kinds: strict, ..decode_options(server, request) };
    decode(server, table, None, Format::JsonEachRow, body, options, &request.usage)
}

pub(crate) async fn one(
    server: &Server,
    call: &Call,
    table: &str,
    id: &str,
) -> Result<Reply, Error> {
    let id = percent_encoding::percent_decode_str(id)
        .decode_utf8()
        .map_err(|_| Error::bad_request("the id in the path is not UTF-8"))?;
    let request = call.params.request(&server.options.settings, call.usage.clone())?;
    let what = if table == "things" { "thing" } else { "relationship" };
    let unknown = || Error::from(EngineError::UnknownId { what, id: id.to_string() });
    for _ in 0..TRIES_MAX {
        let Some((address, record)) = find(server, call, table, &id).await? else {
            return Err(unknown());
        };
        let outcome = match call.method {
            Method::GET | Method::HEAD => return Ok(Reply::json(&Value::Object(record))),
            Method::DELETE => {
                let db = server.session.db();
                let gone = db.mutate(table, address, None, &call.usage).await;
                gone.map(|n| json!({ "deleted": n }))
            }
            Method::PATCH => patch(server, call, &request, table, address, record).await?,
            _ => {
                return Err(Error::bad_request(format!(
                    "/v1/{table}/ID takes GET, PATCH and DELETE"
                )));
            }
        };
        match outcome {
            Err(EngineError::Conflict { .. }) => continue,
            outcome => return Ok(Reply::json(&outcome?)),
        }
    }
    Err(EngineError::Conflict { table: table.to_owned() }.into())
}

/// A record, and where it is.
type Found = (RowAddresses, Map<String, Value>);

/// The record of that id.
async fn find(server: &Server, call: &Call, table: &str, id: &str) -> Result<Option<Found>, Error> {
    let column = if table == "things" { things::ID } else { relationships::ID };
    let snapshot = server.session.db().snapshot(table, &call.usage)?;
    let request = ScanRequest {
        columns: snapshot.def().schema.columns().iter().map(|c| c.id).collect(),
        paths: Vec::new(),
        predicate: Predicate::Compare {
            column,
            op: CompareOp::Eq,
            value: Scalar::String(id.to_owned()),
        },
        row_addresses: true,
    };
    let plan = snapshot.scan(request, &call.usage)?;
    for task in plan.tasks(&call.usage)? {
        let mut scanner = plan.start(&task);
        if let Some(batch) = scanner.next_batch(&call.usage).await? {
            return Ok(Some((address(&batch)?, record(&batch, 0)?)));
        }
    }
    Ok(None)
}

fn address(batch: &RecordBatch) -> Result<RowAddresses, Error> {
    let columns = batch.columns();
    let value = |back: usize| {
        let column = columns.get(columns.len().checked_sub(back)?)?;
        column.as_primitive_opt::<UInt64Type>().map(|c| c.value(0))
    };
    match (value(2), value(1)) {
        (Some(part), Some(row)) => Ok(vec![(part, [row as u32].into_iter().collect())]),
        _ => Err(Error::bad_request("the record has no address")),
    }
}

/// A row as the JSON object that was posted.
fn record(batch: &RecordBatch, row: usize) -> Result<Map<String, Value>, Error> {
    let mut out = Map::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if column.is_null(row) || field.name().starts_with('_') {
            continue;
        }
        let value = if let Some(text) = column.as_string_view_opt() {
            match field.name().as_str() {
                "data" => serde_json::from_str(text.value(row))
                    .map_err(|e| Error::bad_request(format!("the stored document: {e}")))?,
                _ => Value::from(text.value(row)),
            }
        } else if let Some(time) = column.as_primitive_opt::<TimestampMillisecondType>() {
            Value::from(rfc3339(time.value(row)))
        } else if let Some(list) = column.as_list_opt::<i32>() {
            let values = list.value(row);
            let floats = values.as_primitive_opt::<Float32Type>();
            let floats = floats.map(|f| f.values().to_vec()).unwrap_or_default();
            Value::from_iter(floats)
        } else {
            continue;
        };
        out.insert(field.name().clone(), value);
    }
    Ok(out)
}

/// RFC 3339 with milliseconds, in UTC.
fn rfc3339(ms: i64) -> String {
    match DateTime::<Utc>::from_timestamp_millis(ms) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::Millis, true),
        None => ms.to_string(),
    }
}

/// Changes a record: `data` is merged as RFC 7396 has it, other fields are replaced.
async fn patch(
    server: &Server,
    call: &Call,
    request: &Request,
    table: &str,
    address: RowAddresses,
    mut record: Map<String, Value>,
) -> Result<Result<Value, EngineError>, Error> {
    let change: Map<String, Value> = serde_json::from_slice(&call.body)
        .map_err(|e| Error::bad_request(format!("the change is not a JSON object: {e}")))?;
    if change.contains_key("id") && change.get("id") != record.get("id") {
        return Err(Error::bad_request("a record keeps its `id`; post a new one instead"));
    }
    records(server, table, &call.body, request, true)?;
    let is_kept = |(name, value): &(&String, &Value)| {
        value.is_null() && !["data", "embedding"].contains(&name.as_str())
    };
    if let Some((name, _)) = change.iter().find(is_kept) {
        return Err(Error::bad_request(format!(
            "field `{name}` cannot be taken out of a record; leave it out of the change to keep it"
        )));
    }
    let touches_time = change.contains_key("updatedAt");
    for (name, value) in change {
        match record.get_mut(&name) {
            Some(old) if name == "data" => merge(old, value),
            _ => {
                record.insert(name, value);
            }
        }
    }
    if table == "things" && !touches_time {
        record.insert("updatedAt".into(), Value::from(server.env.now_ms()));
    }
    let text = Value::Object(record).to_string();
    // What the record had before may have come by another door.
    let batch = records(server, table, text.as_bytes(), request, false)?;
    let db = server.session.db();
    let changed = db.mutate(table, address, Some(&batch), &call.usage).await;
    Ok(changed.map(|n| json!({ "updated": n })))
}

/// JSON Merge Patch, RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.shift_remove(&name);
            } else {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}
