//! Type names to [`ColumnType`]: ClickHouse's spellings and common SQL ones.
//! Not a statement parser; names come alone, as in `Array(Nullable(Int64))` or `VARCHAR(20)`.

use super::{ColumnType, TimeUnit};
use crate::error::{Error, Result};

/// Wrappers and arrays together may be nested this deep in a name.
const NAME_DEPTH_MAX: usize = 24;

/// The longest type name that is read, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// The type and whether it was wrapped in `Nullable`.
pub(super) fn parse(text: &str) -> Result<(ColumnType, bool)> {
    if text.len() > NAME_BYTES_MAX {
        let detail = format!("{} bytes, at most {NAME_BYTES_MAX}", text.len());
        return Err(Error::Limit { what: "type name".into(), detail });
    }
    let parser = Parser { text };
    let (ty, nullable) = parser.parse(text, 0)?;
    ty.check()?;
    Ok((ty, nullable))
}

struct Parser<'a> {
    /// The whole name, for messages.
    text: &'a str,
}

impl Parser<'_> {
    fn parse(&self, part: &str, depth: usize) -> Result<(ColumnType, bool)> {
        if depth > NAME_DEPTH_MAX {
            return Err(self.unknown("it is nested too deep"));
        }
        let part = part.trim();
        if let Some((element, count)) = split_brackets(part) {
            let element = self.parse(element, depth + 1)?.0;
            return match (count.trim(), element) {
                ("", element) => Ok((ColumnType::Array(Box::new(element)), false)),
                (count, ColumnType::Float32) => Ok((self.vector(count)?, false)),
                _ => Err(self.unknown("only FLOAT[n] has a fixed size; write T[] or Array(T)")),
            };
        }
        let (name, arguments) = self.split_arguments(part)?;
        let lower = name.to_ascii_lowercase();
        if let (Some(inner), "nullable" | "lowcardinality") = (arguments, lower.as_str()) {
            let (ty, nullable) = self.parse(inner, depth + 1)?;
            return Ok((ty, nullable || lower == "nullable"));
        }
        let ty = match (lower.as_str(), arguments) {
            ("array", Some(inner)) => ColumnType::Array(Box::new(self.parse(inner, depth + 1)?.0)),
            ("vector", Some(count)) => self.vector(count)?,
            (_, Some(arguments)) => self.with_arguments(&lower, arguments)?,
            (_, None) => self.simple(name, &lower)?,
        };
        Ok((ty, false))
    }

    fn simple(&self, name: &str, lower: &str) -> Result<ColumnType> {
        Ok(match lower {
            "bool" | "boolean" => ColumnType::Bool,
            "int8" if name == "Int8" => ColumnType::Int8,
            "int8" => {
                let detail = "it has 8 bits for some and 8 bytes for others; write Int8 or BIGINT";
                return Err(self.unknown(detail));
            }
            "tinyint" | "int1" | "byte" | "tinyint signed" => ColumnType::Int8,
            "int16" | "smallint" | "int2" | "smallint signed" => ColumnType::Int16,
            "int32" | "int" | "integer" | "int4" | "mediumint" | "int signed"
            | "integer signed" => ColumnType::Int32,
            "int64" | "bigint" | "bigint signed" => ColumnType::Int64,
            "uint8" | "utinyint" | "tinyint unsigned" => ColumnType::UInt8,
            "uint16" | "usmallint" | "smallint unsigned" => ColumnType::UInt16,
            "uint32" | "uinteger" | "int unsigned" | "integer unsigned" => ColumnType::UInt32,
            "uint64" | "ubigint" | "bigint unsigned" => ColumnType::UInt64,
            "float32" | "float" | "real" | "float4" | "single" => ColumnType::Float32,
            "float64" | "double" | "double precision" | "float8" => ColumnType::Float64,
            "decimal" | "numeric" | "dec" => ColumnType::Decimal { precision: 10, scale: 0 },
            "string"
            | "text"
            | "varchar"
            | "char"
            | "character varying"
            | "character"
            | "nvarchar"
            | "clob"
            | "tinytext"
            | "mediumtext"
            | "longtext"
            | "char varying"
            | "char large object"
            | "character large object" => ColumnType::String,
            "bytes" | "blob" | "bytea" | "binary" | "varbinary" => ColumnType::Bytes,
            "date" | "date32" => ColumnType::Date,
            "datetime" => ColumnType::Timestamp(TimeUnit::Second),
            "datetime64" => ColumnType::Timestamp(TimeUnit::Millisecond),
            "timestamp"
            | "timestamptz"
            | "timestamp with time zone"
            | "timestamp without time zone" => ColumnType::Timestamp(TimeUnit::Microsecond),
            "uuid" => ColumnType::Uuid,
            "json" | "jsonb" => ColumnType::Json,
            _ => return Err(self.unknown("no such type")),
        })
    }

    fn with_arguments(&self, lower: &str, arguments: &str) -> Result<ColumnType> {
        let list: Vec<&str> = arguments.split(',').map(str::trim).collect();
        Ok(match (lower, list.as_slice()) {
            ("decimal" | "numeric" | "dec", [precision]) => {
                ColumnType::Decimal { precision: self.number(precision)?, scale: 0 }
            }
            ("decimal" | "numeric" | "dec", [precision, scale]) => ColumnType::Decimal {
                precision: self.number(precision)?,
                scale: self.number(scale)?,
            },
            ("decimal32", [s]) => ColumnType::Decimal { precision: 9, scale: self.number(s)? },
            ("decimal64", [s]) => ColumnType::Decimal { precision: 18, scale: self.number(s)? },
            ("decimal128", [s]) => ColumnType::Decimal { precision: 38, scale: self.number(s)? },
            ("datetime", [zone]) => {
                self.utc(zone)?;
                ColumnType::Timestamp(TimeUnit::Second)
            }
            ("datetime64" | "timestamp" | "timestamptz", [digits, rest @ ..]) if rest.len() < 2 => {
                rest.iter().try_for_each(|zone| self.utc(zone))?;
                ColumnType::Timestamp(self.unit(digits)?)
            }
            ("varchar" | "char" | "character varying" | "character" | "nvarchar", [length])
            | ("fixedstring", [length]) => {
                self.number::<u32>(length)?;
                ColumnType::String
            }
            ("binary" | "varbinary", [length]) => {
                self.number::<u32>(length)?;
                ColumnType::Bytes
            }
            // How many digits are shown says nothing of the type.
            ("tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint", [digits]) => {
                self.number::<u8>(digits)?;
                self.simple(lower, lower)?
            }
            ("float", [bits]) => match self.number::<u8>(bits)? {
                1..=24 => ColumnType::Float32,
                25..=53 => ColumnType::Float64,
                _ => return Err(self.unknown("FLOAT(n) takes 1 to 53 bits")),
            },
            ("json", _) => ColumnType::Json,
            _ => return Err(self.unknown("no such type, or not with these arguments")),
        })
    }

    fn vector(&self, count: &str) -> Result<ColumnType> {
        Ok(ColumnType::Vector(self.number(count)?))
    }

    fn unit(&self, digits: &str) -> Result<TimeUnit> {
        match self.number::<u8>(digits)? {
            0 => Ok(TimeUnit::Second),
            1..=3 => Ok(TimeUnit::Millisecond),
            4..=6 => Ok(TimeUnit::Microsecond),
            7..=9 => Ok(TimeUnit::Nanosecond),
            _ => Err(self.unknown("a timestamp has 0 to 9 digits after the second")),
        }
    }

    fn utc(&self, zone: &str) -> Result<()> {
        let zone = zone.trim_matches(['\'', '"']);
        if ["utc", "etc/utc", "gmt", "z", "+00:00"].contains(&zone.to_ascii_lowercase().as_str()) {
            return Ok(());
        }
        Err(self.unknown("only the time zone UTC is known"))
    }

    fn number<N: std::str::FromStr>(&self, text: &str) -> Result<N> {
        text.trim()
            .parse()
            .map_err(|_| self.unknown(&format!("{:?} is not a number in range", text.trim())))
    }

    /// `name(arguments)` in two; the arguments are None without parentheses.
    fn split_arguments<'p>(&self, part: &'p str) -> Result<(&'p str, Option<&'p str>)> {
        let Some((name, rest)) = part.split_once('(') else { return Ok((part, None)) };
        match rest.trim_end().strip_suffix(')') {
            Some(arguments) => Ok((name.trim_end(), Some(arguments))),
            None => Err(self.unknown("a closing parenthesis is missing")),
        }
    }

    fn unknown(&self, detail: &str) -> Error {
        Error::Unsupported { what: format!("type name {:?}", self.text), detail: detail.into() }
    }
}

/// `T[n]` as (`T`, `n`).
fn split_brackets(part: &str) -> Option<(&str, &str)> {
    part.strip_suffix(']')?.rsplit_once('[')
}
