//! `dodb inspect`: the parts of a table, or the columns and segments of one part. Not here:
//! checking them ([`crate::verify`]).

use std::io::Write;
use std::process::ExitCode;

use dodb_engine::{PartDetail, Snapshot};
use dodb_part::Scalar;
use dodb_rowstore::Usage;

use crate::args::InspectArgs;
use crate::cost::{bytes, grouped};
use crate::error::{Error, Result};
use crate::open;
use crate::table::Table;

pub fn run(args: &InspectArgs) -> Result<ExitCode> {
    let db = open::open_existing(&args.place)?;
    let usage = Usage::default();
    let (table, part) = match args.what.rsplit_once(':') {
        // A table's name may hold a colon itself.
        Some((table, part)) if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() => {
            let part = part.parse::<u64>();
            (table, Some(part.map_err(|e| Error::Usage(format!("{}: {e}", args.what)))?))
        }
        _ => (args.what.as_str(), None),
    };
    let snapshot = db.snapshot(table, &usage)?;
    let text = match part {
        None => parts(&snapshot, &usage)?,
        Some(number) => {
            let detail = snapshot.inspect(number, &usage)?.ok_or_else(|| {
                Error::Failed(format!(
                    "table `{table}` has no part {number}; `dodb inspect {table}` lists them"
                ))
            })?;
            part_text(&detail, args.segments)
        }
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn parts(snapshot: &Snapshot, usage: &Usage) -> Result<String> {
    let mut table = Table::new(&[">part", "layout", ">rows", ">deleted", ">granules", ">bytes"]);
    for part in snapshot.parts(usage)? {
        table.row(vec![
            part.number.to_string(),
            part.layout.to_owned(),
            grouped(part.rows),
            grouped(part.deleted_rows),
            grouped(u64::from(part.granules)),
            bytes(part.bytes),
        ]);
    }
    Ok(format!(
        "table {}: {} rows in {} parts, {}\n\n{}",
        snapshot.def().name,
        grouped(snapshot.rows()),
        snapshot.part_count(),
        bytes(snapshot.bytes()),
        table.render()
    ))
}

fn part_text(detail: &PartDetail, with_segments: bool) -> String {
    let mut columns = Table::new(&[
        ">id",
        "column",
        "type",
        ">bytes",
        ">nulls",
        ">distinct",
        "least",
        "greatest",
        "codecs",
    ]);
    for column in &detail.columns {
        let stats = &column.stats;
        columns.row(vec![
            column.id.to_string(),
            column.name.clone(),
            column.type_name.clone(),
            bytes(column.bytes),
            grouped(stats.nulls),
            format!("~{}", grouped(stats.distinct)),
            scalar(stats.min.as_ref()),
            scalar(stats.max.as_ref()),
            codecs(detail, column.id),
        ]);
    }
    let info = &detail.info;
    let mut text = format!(
        "part {}: {}, {} rows of which {} are deleted, {} granules, {}\n\n{}",
        info.number,
        info.layout,
        grouped(info.rows),
        grouped(info.deleted_rows),
        info.granules,
        bytes(info.bytes),
        columns.render()
    );
    if with_segments {
        let mut segments =
            Table::new(&[">column", ">granule", ">stream", ">offset", ">bytes", "codec"]);
        for s in &detail.segments {
            segments.row(vec![
                s.column.to_string(),
                s.granule.to_string(),
                s.stream.to_string(),
                s.offset.to_string(),
                s.bytes.to_string(),
                format!("{:?}", s.codec),
            ]);
        }
        text.push('\n');
        text.push_str(&segments.render());
    }
    text
}

fn codecs(detail: &PartDetail, column: u32) -> String {
    let mut names: Vec<String> = Vec::new();
    for segment in detail.segments.iter().filter(|s| s.column == column && s.bytes > 0) {
        let name = format!("{:?}", segment.codec);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

fn scalar(value: Option<&Scalar>) -> String {
    const CHARS_MAX: usize = 24;
    let text = match value {
        None => return String::new(),
        Some(Scalar::Bool(value)) => value.to_string(),
        Some(Scalar::Int(value)) => value.to_string(),
        Some(Scalar::UInt(value)) => value.to_string(),
        Some(Scalar::Float(value)) => value.to_string(),
        Some(Scalar::Decimal(value)) => value.to_string(),
        Some(Scalar::String(value)) => format!("{value:?}"),
        Some(Scalar::Bytes(value)) => format!("{} bytes", value.len()),
    };
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
