//! Which format a file has: as told, by its name, or by its first bytes. Not here: reading it.

use dodb_server::formats::Format;

use super::source::Source;
use crate::error::{Error, Result};

/// The format of a file. `told` is what the arguments say.
///
/// # Errors
/// An unknown name, a format that cannot be read, a file that says nothing about itself.
pub fn of(told: Option<&str>, source: &Source) -> Result<Format> {
    let format = match told {
        Some(name) => Format::parse(name)?,
        None => by_name(&source.name).or_else(|| by_content(&source.head)).ok_or_else(|| {
            Error::Input {
                place: source.name.clone(),
                problem: "its format cannot be told from its name or content; say it with \
                          --format, for example --format JSONEachRow or --format CSVWithNames"
                    .into(),
            }
        })?,
    };
    if format.is_readable() {
        return Ok(format);
    }
    let readable = Format::ALL.iter().filter(|f| f.is_readable()).map(|f| f.name());
    Err(Error::Usage(format!(
        "format {format} can only be written; these can be read: {}",
        readable.collect::<Vec<_>>().join(", ")
    )))
}

fn by_name(name: &str) -> Option<Format> {
    let name = name.to_ascii_lowercase();
    let packings = [".gz", ".gzip", ".zst", ".zstd"];
    let name = packings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "ndjson" | "jsonl" | "json" => Some(Format::JsonEachRow),
        "csv" => Some(Format::CsvWithNames),
        "tsv" | "tab" => Some(Format::TsvWithNames),
        "parquet" | "pq" => Some(Format::Parquet),
        "arrow" | "feather" => Some(Format::Arrow),
        "arrows" => Some(Format::ArrowStream),
        _ => None,
    }
}

fn by_content(head: &[u8]) -> Option<Format> {
    if head.starts_with(b"PAR1") {
        return Some(Format::Parquet);
    }
    if head.starts_with(b"ARROW1") {
        return Some(Format::Arrow);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match text.first() {
        // An empty file has no record in any format.
        None | Some(b'{' | b'[') => Some(Format::JsonEachRow),
        Some(_) if line.contains(&b'\t') => Some(Format::TsvWithNames),
        Some(_) if line.contains(&b',') => Some(Format::CsvWithNames),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_tell() {
        for (name, format) in [
            ("a.ndjson.gz", Format::JsonEachRow),
            ("a.b/FLIGHTS.CSV.ZST", Format::CsvWithNames),
            ("x.tsv", Format::TsvWithNames),
            ("x.parquet", Format::Parquet),
        ] {
            assert_eq!(by_name(name), Some(format), "{name}");
        }
        assert_eq!(by_name("noending"), None);
        assert_eq!(by_content(b" \n {\"a\":1}"), Some(Format::JsonEachRow));
        assert_eq!(by_content(b"a\tb\n1\t2"), Some(Format::TsvWithNames));
        assert_eq!(by_content(b"\xef\xbb\xbfa,b\n1,2"), Some(Format::CsvWithNames));
        assert_eq!(by_content(b"PAR1...."), Some(Format::Parquet));
        assert_eq!(by_content(b"hello"), None);
    }
}
