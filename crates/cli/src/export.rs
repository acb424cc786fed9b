//! `dodb export`: a whole table out, a granule at a time, as it was when the export began. Not
//! here: queries; use `dodb sql`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dodb_engine::{Db, ScanRequest};
use dodb_part::Predicate;
use dodb_rowstore::Usage;
use dodb_server::formats::{EncodeOptions, Encoder, Format, Totals};

use crate::args::ExportArgs;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::{open, terminal};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

pub fn run(args: &ExportArgs) -> Result<ExitCode> {
    let format = Format::parse(&args.format)?;
    let db = open::open_existing(&args.place)?;
    // An unknown table leaves no file behind.
    db.table(&args.table, &Usage::default())?;
    match &args.output {
        None => {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, std::io::stdout().lock());
            write_table(&db, &args.table, format, &mut out, &Error::Output)?;
        }
        Some(path) => {
            let rows = write_file(&db, &args.table, format, path)?;
            terminal::note(&format!(
                "exported {rows} rows of {} to {}",
                args.table,
                path.display()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes beside the file and renames, so that half an export never looks like a whole one.
fn write_file(db: &Db, table: &str, format: Format, path: &Path) -> Result<u64> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |what: &'static str| {
        let path = part.display().to_string();
        move |source: std::io::Error| Error::File { what, path, source }
    };
    let file = File::create(&part).map_err(failed("create"))?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let written =
        write_table(db, table, format, &mut out, &|e| failed("write")(e)).and_then(|rows| {
            let file = out.into_inner().map_err(|e| failed("write")(e.into_error()))?;
            file.sync_all().map_err(failed("write"))?;
            std::fs::rename(&part, path).map_err(failed("rename"))?;
            Ok(rows)
        });
    if written.is_err() {
        // The error is what counts.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_table(
    db: &Db,
    table: &str,
    format: Format,
    out: &mut dyn Write,
    failed: &dyn Fn(std::io::Error) -> Error,
) -> Result<u64> {
    let watch = Stopwatch::start();
    let usage = Usage::default();
    let snapshot = db.snapshot(table, &usage)?;
    let request = ScanRequest {
        columns: snapshot.def().schema.columns().iter().map(|c| c.id).collect(),
        paths: Vec::new(),
        predicate: Predicate::True,
        row_addresses: false,
    };
    let plan = snapshot.scan(request, &usage)?;
    let mut encoder = Encoder::new(format, plan.schema().clone(), EncodeOptions::default())?;
    let mut buffer = Vec::new();
    let mut rows = 0;
    encoder.prefix(&mut buffer)?;
    for task in plan.tasks(&usage)? {
        let mut scanner = plan.start(&task);
        while let Some(batch) = open::wait(scanner.next_batch(&usage))?? {
            rows += batch.num_rows() as u64;
            encoder.batch(&batch, &mut buffer)?;
            if buffer.len() >= BUFFER_BYTES {
                out.write_all(&buffer).map_err(failed)?;
                buffer.clear();
            }
        }
    }
    let totals =
        Totals { rows, elapsed: watch.elapsed(), rows_read: usage.rows_read(), bytes_read: 0 };
    encoder.suffix(&totals, &mut buffer)?;
    out.write_all(&buffer).map_err(failed)?;
    out.flush().map_err(failed)?;
    Ok(rows)
}
