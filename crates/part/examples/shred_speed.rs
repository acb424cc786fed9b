//! Prints how fast documents of an NDJSON file are checked, shredded, encoded and read back on
//! one core, and how small they become. Run with `cargo run --release -p dodb-part --example
//! shred_speed -- FILE`.

// An example may look at the clock.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_buffer::Buffer;
use dodb_part::json::{Inspector, PathType};
use dodb_part::{
    Column, ColumnType, Effort, Error, Layout, PartReader, PartWriter, Result, RowKey, Schema,
    WriteOptions,
};

const BATCH_ROWS: usize = 8192;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give an NDJSON file")?;
    let text = std::fs::read_to_string(&path)?;
    let documents: Vec<&str> = text.lines().take(300_000).collect();
    let bytes: usize = documents.iter().map(|document| document.len()).sum();
    let speed = |what: &str, started: Instant| {
        let seconds = started.elapsed().as_secs_f64();
        println!("{what:<28}{:>8.0} MB/s", bytes as f64 / 1e6 / seconds);
    };
    println!("{} documents, {:.1} MB", documents.len(), bytes as f64 / 1e6);

    let started = Instant::now();
    let mut inspector = Inspector::new();
    for document in &documents {
        inspector.inspect(document)?;
    }
    speed("check, note kinds", started);

    for (name, shred, effort) in [
        ("text, fast", false, Effort::Fast),
        ("subcolumns, fast", true, Effort::Fast),
        ("text, small", false, Effort::Small),
        ("subcolumns, small", true, Effort::Small),
    ] {
        let started = Instant::now();
        let rows = write(&documents, shred, effort)?;
        speed(&format!("encode {name}"), started);
        let stored: usize = rows.values().map(Buffer::len).sum();
        println!("{:<28}{:>8.1} MB, {} rows", "", stored as f64 / 1e6, rows.len());
        read(&rows, &speed, name)?;
    }
    Ok(())
}

fn schema() -> Result<Schema> {
    Schema::new(vec![Column { id: 1, name: "doc".into(), ty: ColumnType::Json, nullable: true }])
}

fn write(documents: &[&str], shred: bool, effort: Effort) -> Result<BTreeMap<RowKey, Buffer>> {
    let options = WriteOptions { shred, effort, layout: Layout::Wide, ..Default::default() };
    let schema = schema()?;
    let mut writer = PartWriter::new(&schema, options)?;
    for batch in documents.chunks(BATCH_ROWS) {
        let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(batch));
        writer.push(&RecordBatch::try_new(schema.arrow(), vec![array])?)?;
    }
    let image = writer.finish()?;
    Ok(image.rows.into_iter().map(|row| (row.key, Buffer::from(row.bytes))).collect())
}

fn read(rows: &BTreeMap<RowKey, Buffer>, speed: &dyn Fn(&str, Instant), name: &str) -> Result<()> {
    let mut fetch = |key: RowKey| {
        rows.get(&key).cloned().ok_or_else(|| Error::Fetch(format!("no row {key:?}").into()))
    };
    let reader = PartReader::open(&mut fetch)?;
    let schema = schema()?;
    let Some(column) = schema.by_id(1) else { return Ok(()) };
    let started = Instant::now();
    let mut count = 0;
    for granule in 0..reader.granule_count() {
        count += reader.read(column, granule, &mut fetch)?.len();
    }
    speed(&format!("read {name} ({count})"), started);
    for path in [".commit.collection", ".time_us", ".did"] {
        let want = if path == ".time_us" { PathType::Int64 } else { PathType::String };
        let started = Instant::now();
        let mut found = 0;
        for granule in 0..reader.granule_count() {
            let array = reader.read_path(column, path, want, granule, &mut fetch)?;
            found += array.len() - array.null_count();
        }
        speed(&format!("  {path} ({found})"), started);
    }
    Ok(())
}
