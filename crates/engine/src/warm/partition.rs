//! PARTITION BY as Iceberg's transforms: a column, `toDate`, `toYYYYMM`, `toStartOfMonth`,
//! `toYear`, `toStartOfYear` or `toStartOfHour` of one, or a tuple of these. By anything else a
//! table is not partitioned in the bucket. Not here: splitting rows (`dodb-lake`).

use dodb_lake::{PartitionBy, Transform};
use dodb_part::{ColumnType, TimeUnit};

use crate::table::TableDef;

/// Most columns a table is partitioned by.
const COLUMNS_MAX: usize = 4;

/// What a table's PARTITION BY comes to.
pub(super) fn of(def: &TableDef) -> Vec<PartitionBy> {
    let Some(text) = &def.partition_by else { return Vec::new() };
    let text = text.trim();
    let inner = text.strip_prefix("tuple").unwrap_or(text).trim();
    let inner = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let terms = inner.unwrap_or(text).split(',').map(|term| term_of(def, term.trim()));
    let terms: Option<Vec<PartitionBy>> = terms.collect();
    terms.filter(|terms| terms.len() <= COLUMNS_MAX).unwrap_or_default()
}

fn term_of(def: &TableDef, term: &str) -> Option<PartitionBy> {
    let column = |name: &str| {
        let name = name.trim().trim_matches(['`', '"']);
        def.schema.by_name(name)
    };
    let Some((function, rest)) = term.split_once('(') else {
        let found = column(term)?;
        let plain = matches!(
            found.ty,
            ColumnType::Bool
                | ColumnType::Int8
                | ColumnType::Int16
                | ColumnType::Int32
                | ColumnType::Int64
                | ColumnType::UInt8
                | ColumnType::UInt16
                | ColumnType::UInt32
                | ColumnType::String
                | ColumnType::Date
        );
        return plain.then_some(PartitionBy { column: found.id, transform: Transform::Identity });
    };
    let found = column(rest.strip_suffix(')')?)?;
    // Nanoseconds are integers to Iceberg.
    let is_time = matches!(
        found.ty,
        ColumnType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond)
    );
    let is_day = found.ty == ColumnType::Date;
    let transform = match function.trim().to_ascii_lowercase().as_str() {
        "todate" | "tostartofday" | "toyyyymmdd" => Transform::Day,
        "toyyyymm" | "tostartofmonth" => Transform::Month,
        "toyear" | "tostartofyear" => Transform::Year,
        "tostartofhour" if is_time => Transform::Hour,
        _ => return None,
    };
    (is_time || is_day).then_some(PartitionBy { column: found.id, transform })
}
