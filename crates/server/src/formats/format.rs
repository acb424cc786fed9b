//! The names of the formats, their aliases and their content types. Not how they are written.

use super::error::{FormatError, Result};

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident =
        $name:literal, [$($alias:literal),*], $read:literal, $mime:expr;)*) => {
        /// A wire format, as ClickHouse names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Format { $($(#[$doc])* $variant,)* }

        impl Format {
            /// Every format there is.
            pub const ALL: &'static [Format] = &[$(Format::$variant,)*];

            /// The canonical name.
            pub fn name(self) -> &'static str {
                match self { $(Format::$variant => $name,)* }
            }

            /// Other names that [`Format::parse`] takes.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $(Format::$variant => &[$($alias),*],)* }
            }

            /// Whether [`super::Decoder`] reads it.
            pub fn is_readable(self) -> bool {
                match self { $(Format::$variant => $read,)* }
            }

            /// The HTTP content type ClickHouse gives it.
            pub fn content_type(self) -> &'static str {
                match self { $(Format::$variant => $mime,)* }
            }
        }
    };
}

const JSON: &str = "application/json; charset=UTF-8";
const NDJSON: &str = "application/x-ndjson; charset=UTF-8";
const CSV: &str = "text/csv; charset=UTF-8; header=absent";
const CSV_NAMES: &str = "text/csv; charset=UTF-8; header=present";
const TSV: &str = "text/tab-separated-values; charset=UTF-8";
const TEXT: &str = "text/plain; charset=UTF-8";
const BINARY: &str = "application/octet-stream";

formats! {
    /// One object: meta, data as objects, rows, statistics.
    Json = "JSON", [], false, JSON;
    /// One object: meta, data as arrays, rows, statistics.
    JsonCompact = "JSONCompact", [], false, JSON;
    /// As `JSON`, every value a string.
    JsonStrings = "JSONStrings", [], false, JSON;
    /// One object a line.
    JsonEachRow = "JSONEachRow", ["NDJSON", "JSONLines", "JSONL"], true, NDJSON;
    /// One object a line, or objects in an array: each as a whole is the document of a JSON column.
    JsonAsObject = "JSONAsObject", [], true, NDJSON;
    /// One array a line.
    JsonCompactEachRow = "JSONCompactEachRow", [], true, NDJSON;
    /// One array a line, the first the names.
    JsonCompactEachRowWithNames = "JSONCompactEachRowWithNames", [], true, NDJSON;
    /// One array a line, the first the names, the second the types.
    JsonCompactEachRowWithNamesAndTypes =
        "JSONCompactEachRowWithNamesAndTypes", [], true, NDJSON;
    /// Comma-separated values.
    Csv = "CSV", [], true, CSV;
    /// Comma-separated values, a line of names first.
    CsvWithNames = "CSVWithNames", [], true, CSV_NAMES;
    /// Comma-separated values, a line of names and one of types first.
    CsvWithNamesAndTypes = "CSVWithNamesAndTypes", [], true, CSV_NAMES;
    /// Tab-separated values with backslash escapes.
    Tsv = "TabSeparated", ["TSV"], true, TSV;
    /// The same, a line of names first.
    TsvWithNames = "TabSeparatedWithNames", ["TSVWithNames"], true, TSV;
    /// The same, a line of names and one of types first.
    TsvWithNamesAndTypes =
        "TabSeparatedWithNamesAndTypes", ["TSVWithNamesAndTypes"], true, TSV;
    /// Tab-separated values without escapes.
    TsvRaw = "TabSeparatedRaw", ["TSVRaw", "Raw"], true, TSV;
    /// The same, a line of names first.
    TsvRawWithNames = "TabSeparatedRawWithNames", ["TSVRawWithNames", "RawWithNames"], true, TSV;
    /// A table with a frame around every cell.
    Pretty = "Pretty", ["PrettyMonoBlock", "PrettyNoEscapes"], false, TEXT;
    /// A table with a light frame.
    PrettyCompact =
        "PrettyCompact", ["PrettyCompactMonoBlock", "PrettyCompactNoEscapes"], false, TEXT;
    /// One value a line.
    Vertical = "Vertical", [], false, TEXT;
    /// Rows as SQL literals.
    Values = "Values", [], true, TEXT;
    /// A Markdown table.
    Markdown = "Markdown", ["MD"], false, "text/markdown; charset=UTF-8";
    /// Nothing at all.
    Null = "Null", [], false, TEXT;
    /// A Parquet file.
    Parquet = "Parquet", [], true, BINARY;
    /// An Arrow IPC file.
    Arrow = "Arrow", ["Feather"], true, BINARY;
    /// An Arrow IPC stream.
    ArrowStream = "ArrowStream", [], true, "application/vnd.apache.arrow.stream";
}

impl Format {
    /// Finds a format by name or alias; upper and lower case are the same, as in ClickHouse.
    ///
    /// # Errors
    /// [`FormatError::UnknownFormat`], which lists what there is.
    pub fn parse(name: &str) -> Result<Format> {
        let wanted = name.trim();
        let named = |format: &&Format| {
            format.name().eq_ignore_ascii_case(wanted)
                || format.aliases().iter().any(|alias| alias.eq_ignore_ascii_case(wanted))
        };
        Format::ALL.iter().find(named).copied().ok_or_else(|| FormatError::UnknownFormat {
            name: super::error::excerpt(wanted),
            known: Format::ALL.iter().map(|f| f.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// [`FormatError::NotReadable`] for this format.
    pub(crate) fn not_readable(self) -> FormatError {
        let readable = Format::ALL.iter().filter(|f| f.is_readable()).map(|f| f.name());
        FormatError::NotReadable {
            format: self.name(),
            readable: readable.collect::<Vec<_>>().join(", "),
        }
    }

    /// How many lines of header the format starts with: none, names, or names and types.
    pub(crate) fn header_lines(self) -> u8 {
        match self {
            Format::JsonCompactEachRowWithNames
            | Format::CsvWithNames
            | Format::TsvWithNames
            | Format::TsvRawWithNames => 1,
            Format::JsonCompactEachRowWithNamesAndTypes
            | Format::CsvWithNamesAndTypes
            | Format::TsvWithNamesAndTypes => 2,
            _ => 0,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
