//! Prints how fast each text format is read and written on one core.
//!
//! `cargo run --release -p dodb-server --example format_speed`

#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use dodb_server::formats::{DecodeOptions, Decoder, EncodeOptions, Encoder, Format, Totals};

const ROWS: i64 = 400_000;
const RUNS: usize = 5;
const CHUNK_BYTES: usize = 64 << 10;

fn flights() -> Result<RecordBatch, Box<dyn Error>> {
    let carriers = ["UA", "AA", "B6", "DL", "EV", "MQ"];
    let carrier = |n: i64| carriers.get(n as usize % carriers.len()).copied();
    let tail = |n: i64| Some(format!("N{}{}", n * 7919 % 100_000, carrier(n).unwrap_or("")));
    let zone = Some(Arc::from("UTC"));
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("carrier", DataType::Utf8View, true),
        Field::new("tailnum", DataType::Utf8View, true),
        Field::new("dep_delay", DataType::Int32, true),
        Field::new("distance", DataType::Int32, false),
        Field::new("hours", DataType::Float64, false),
        Field::new("time_hour", DataType::Timestamp(TimeUnit::Millisecond, zone), false),
    ];
    let delay = |n: i64| (n % 11 != 0).then_some((n * 31 % 400 - 20) as i32);
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..ROWS).collect::<Int64Array>()),
        Arc::new((0..ROWS).map(carrier).collect::<StringViewArray>()),
        Arc::new((0..ROWS).map(tail).collect::<StringViewArray>()),
        Arc::new((0..ROWS).map(delay).collect::<Int32Array>()),
        Arc::new((0..ROWS).map(|n| (n * 13 % 3000) as i32).collect::<Int32Array>()),
        Arc::new((0..ROWS).map(|n| (n * 17 % 9999) as f64 / 60.0).collect::<Float64Array>()),
        Arc::new(
            (0..ROWS)
                .map(|n| Some(1_357_016_400_000 + n * 3_600_000))
                .collect::<TimestampMillisecondArray>()
                .with_timezone("UTC"),
        ),
    ];
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn write(format: Format, batch: &RecordBatch) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(format, batch.schema(), EncodeOptions::default())?;
    encoder.prefix(&mut out)?;
    let mut start = 0;
    while start < batch.num_rows() {
        let rows = 8192.min(batch.num_rows() - start);
        encoder.batch(&batch.slice(start, rows), &mut out)?;
        start += rows;
    }
    encoder.suffix(&Totals::default(), &mut out)?;
    Ok(out)
}

fn read(format: Format, batch: &RecordBatch, body: &[u8]) -> Result<u64, Box<dyn Error>> {
    let mut decoder = Decoder::new(format, batch.schema(), None, DecodeOptions::default())?;
    let mut rows = 0;
    for chunk in body.chunks(CHUNK_BYTES) {
        decoder.push(chunk)?;
        while let Some(batch) = decoder.take()? {
            rows += batch.num_rows() as u64;
        }
    }
    decoder.finish()?;
    while let Some(batch) = decoder.take()? {
        rows += batch.num_rows() as u64;
    }
    Ok(rows)
}

fn best(mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn main() -> Result<(), Box<dyn Error>> {
    let batch = flights()?;
    println!("{:36} {:>9} {:>12} {:>12}", "format", "MB", "write MB/s", "read MB/s");
    for format in Format::ALL.iter().copied().filter(|format| *format != Format::Null) {
        let body = write(format, &batch)?;
        let megabytes = body.len() as f64 / 1e6;
        let writing = best(|| write(format, &batch).map(drop))?;
        let mut reading = String::new();
        if format.is_readable() {
            let spent = best(|| match read(format, &batch, &body)? {
                rows if rows == ROWS as u64 => Ok(()),
                rows => Err(format!("{format}: {rows} rows came back").into()),
            })?;
            reading = format!("{:.0}", megabytes / spent.as_secs_f64());
        }
        let writing = megabytes / writing.as_secs_f64();
        println!("{:36} {megabytes:>9.1} {writing:>12.0} {reading:>12}", format.name());
    }
    Ok(())
}
