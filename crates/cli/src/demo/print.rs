//! What the demo prints. Not here: the measuring.

use std::io::Write;

use super::Figures;
use super::extraction::Reading;
use super::home::Home;
use super::measure::Load;
use super::tour::Visited;
use super::warm::Flushed;
use crate::cost::{bytes, grouped, usd};
use crate::error::Result;
use crate::table::Table;

/// The title of a stage of the demo.
pub fn heading(text: &str) -> Result<()> {
    say(&format!("\n== {text}\n"))
}

/// A file that was loaded.
pub fn file(name: &str, rows: u64, seconds: f64) -> Result<()> {
    let rate = grouped((rows as f64 / seconds.max(0.001)) as u64);
    say(&format!(
        "  {name:<14} {:>10} records  {seconds:>6.1} s  {rate:>9} a second",
        grouped(rows)
    ))
}

/// What a path costs before and after it has a subcolumn.
pub fn extraction(readings: &[Reading]) -> Result<()> {
    for reading in readings {
        say(&format!(
            "  {:<34} {:>6} rows read  {:>10} decoded  {:>7.1} ms",
            reading.title,
            grouped(reading.rows_read),
            bytes(reading.bytes_decoded),
            reading.seconds * 1e3
        ))?;
    }
    Ok(())
}

/// A load that is done.
pub fn loaded(what: &str, load: &Load) -> Result<()> {
    say(&format!(
        "  {} {what}: {} rows written, {:.2} for 1,000, {}",
        grouped(load.rows),
        grouped(load.cost.rows_written),
        load.written_per_thousand(),
        usd(load.cost.usd)
    ))
}

/// A query with its answer.
pub fn stop(stop: &Visited) -> Result<()> {
    let differs = if stop.agrees() { "" } else { "   <- plain SQLite says otherwise" };
    say(&format!(
        "  {}\n    {}{differs}\n    {} rows read, {}, {:.0} ms   \
         (row per record: {}, {}, {:.0} ms)",
        stop.sql,
        stop.answer_line(),
        grouped(stop.cost.rows_read),
        usd(stop.cost.usd),
        stop.seconds * 1e3,
        grouped(stop.row_cost.rows_read),
        usd(stop.row_cost.usd),
        stop.row_seconds * 1e3,
    ))
}

/// A flush that is done.
pub fn flushed(flush: &Flushed) -> Result<()> {
    say(&format!(
        "  {} rows in {} files, {}, {:.1} s\n  {}, {:.2} rows written for 1,000",
        grouped(flush.rows),
        grouped(flush.files),
        bytes(flush.bytes),
        flush.seconds,
        flush.cost,
        flush.cost.rows_written as f64 * 1e3 / flush.rows.max(1) as f64
    ))
}

/// The tables at the end.
pub fn tables(figures: &Figures) -> Result<()> {
    heading("Writing: rows that Cloudflare bills")?;
    say(&written(figures).render())?;
    let rows = figures.row_bytes.map(|count| format!(", row per record {}", bytes(count)));
    say(&format!("Stored: dodb {}{}", bytes(figures.bytes), rows.unwrap_or_default()))?;
    heading("Reading: the tour on hot rows")?;
    say(&tour(&figures.stops).render())?;
    heading("Reading: the tour on rows in the bucket")?;
    say(&tour(&figures.warm_stops).render())?;
    let count = |title: &str| {
        let stop = figures.stops.iter().find(|stop| stop.title == title);
        stop.map(Visited::answer_line).unwrap_or_default()
    };
    say(&format!("{} flights, {} airlines", count("flights"), count("airlines")))
}

fn written(figures: &Figures) -> Table {
    let mut table = Table::new(&[
        "what",
        ">records",
        ">rows written",
        ">per 1,000",
        ">cost",
        ">row per record",
        ">per 1,000",
        ">cost",
        ">saved",
    ]);
    let both = figures.things.and(&figures.relationships);
    let row_both = figures.row_things.and(&figures.row_relationships);
    let lines = [
        ("things", &figures.things, &figures.row_things),
        ("relationships", &figures.relationships, &figures.row_relationships),
        ("together", &both, &row_both),
    ];
    for (what, own, other) in lines {
        let (written, rows) = (own.cost.rows_written as f64, other.cost.rows_written as f64);
        table.row(vec![
            what.into(),
            grouped(own.rows),
            grouped(own.cost.rows_written),
            format!("{:.2}", own.written_per_thousand()),
            usd(own.cost.usd),
            grouped(other.cost.rows_written),
            format!("{:.2}", other.written_per_thousand()),
            usd(other.cost.usd),
            format!("{:.2} %", 100.0 * (1.0 - written / rows.max(1.0))),
        ]);
    }
    table
}

fn tour(stops: &[Visited]) -> Table {
    let mut table = Table::new(&[
        "query",
        "answer",
        ">rows read",
        ">objects read",
        ">bytes",
        ">cost",
        ">ms",
        ">row per record",
        ">its cost",
        ">its ms",
    ]);
    for stop in stops {
        table.row(vec![
            stop.title.into(),
            shortened(&stop.answer_line()),
            grouped(stop.cost.rows_read),
            grouped(stop.cost.object_gets),
            bytes(stop.cost.object_bytes),
            usd(stop.cost.usd),
            format!("{:.0}", stop.seconds * 1e3),
            grouped(stop.row_cost.rows_read),
            usd(stop.row_cost.usd),
            format!("{:.0}", stop.row_seconds * 1e3),
        ]);
    }
    table
}

/// At most so many characters of an answer.
fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 44;
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The memory of the Worker's isolate.
pub fn memory(count: u64) -> Result<()> {
    say(&format!(
        "Peak memory of the Worker's wasm: {}, of 128 MB that an isolate has",
        bytes(count)
    ))
}

/// What to do next.
pub fn farewell(home: &Home) -> Result<()> {
    let dodb = std::env::current_exe().unwrap_or_else(|_| "dodb".into());
    let dodb = dodb.display();
    match home {
        Home::Native(place, _) => {
            let data = place.data.display();
            say(&format!(
                "\nAsk more:  {dodb} sql --data {data}\nServe it:  {dodb} serve --data {data}\n\
                 \x20          curl 'http://127.0.0.1:8123/?query=SELECT+count()+FROM+things'"
            ))
        }
        Home::Worker(endpoint, _) => {
            let url = endpoint.url.as_deref().unwrap_or_default();
            say(&format!("\nAsk more while it runs:  {dodb} sql --url {url}"))
        }
    }
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
