//! `dodb stats`: what `/v1/stats` and `/v1/cost` say, of a folder or of a server, as a table. Not
//! here: the counting.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use dodb_engine::Options;
use serde_json::{Value, json};

use crate::args::StatsArgs;
use crate::cost::{bytes, grouped, usd};
use crate::data_folder::DataFolder;
use crate::error::{Error, Result};
use crate::open;
use crate::table::Table;

pub fn run(args: &StatsArgs) -> Result<ExitCode> {
    let (stats, cost) = match &args.endpoint.url {
        Some(url) => {
            let client = args.endpoint.client(url)?;
            (parse(&client.get("/v1/stats")?.text()?)?, parse(&client.get("/v1/cost")?.text()?)?)
        }
        None => local(args)?,
    };
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", json!({ "stats": stats, "cost": cost }))?;
    } else {
        out.write_all(text(&stats, &cost).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn local(args: &StatsArgs) -> Result<(Value, Value)> {
    let place = &args.endpoint.place;
    let db = open::open_existing(place)?;
    let folder = DataFolder::of(place, Options::native());
    let server = open::server(&db, &place.database, Arc::new(folder))?;
    let runtime = open::runtime()?;
    let get = |path: &'static str| {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = http::Uri::from_static(path);
        let response = runtime.block_on(server.handle(request));
        let text = String::from_utf8_lossy(response.body()).into_owned();
        match response.status().is_success() {
            true => parse(&text),
            false => Err(Error::Failed(text)),
        }
    };
    Ok((get("/v1/stats")?, get("/v1/cost")?))
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| Error::Failed(format!("the answer is not JSON: {e}")))
}

fn text(stats: &Value, cost: &Value) -> String {
    let mut tables = Table::new(&["table", "tier", ">rows", ">parts", ">bytes", ">index"]);
    for table in rows(stats, "/tables") {
        tables.row(vec![
            word(table, "/name"),
            word(table, "/tier"),
            grouped(number(table, "/rows")),
            grouped(number(table, "/parts")),
            bytes(number(table, "/bytes")),
            table
                .get("index_bytes")
                .map(|_| bytes(number(table, "/index_bytes")))
                .unwrap_or_default(),
        ]);
    }
    let mut meter = Table::new(&["statement", ">calls", ">rows read", ">rows written"]);
    for line in rows(stats, "/meter") {
        meter.row(vec![
            word(line, "/statement"),
            grouped(number(line, "/calls")),
            grouped(number(line, "/rows_read")),
            grouped(number(line, "/rows_written")),
        ]);
    }
    let money = |path: &str| usd(cost.pointer(path).and_then(Value::as_f64).unwrap_or_default());
    format!(
        "{}\nRows since the database was opened\n\n{}\n\
         Rows since it was opened: {} read, {} written, {}\n\
         Storage: {}, {} a month\n",
        tables.render(),
        meter.render(),
        grouped(number(cost, "/since_open/rows_read")),
        grouped(number(cost, "/since_open/rows_written")),
        money("/since_open/usd"),
        bytes(number(cost, "/storage/bytes")),
        money("/storage/usd_per_month"),
    )
}

fn rows<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

fn word(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}
