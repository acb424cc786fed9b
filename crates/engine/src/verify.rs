//! Checking a database against itself: every row is read, every checksum compared, every count,
//! bound and filter held against the data. Nothing is repaired here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use dodb_part::ColumnStats;
use dodb_rowstore::{Flow, Usage, Value};

use crate::db::Db;
use crate::error::{Error, Result};
use crate::index::IndexCheck;
use crate::keys::{KeyIndex, hash_keys, key_columns};
use crate::scan::live_batches;
use crate::state::{PartState, TableState};
use crate::statements;
use crate::warm::{Lake, open_by_end, read_file};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The table.
    pub table: String,
    /// What is wrong, and where.
    pub message: String,
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VerifyReport {
    /// Tables looked at.
    pub tables: u64,
    /// Parts read whole.
    pub parts: u64,
    /// Live rows read.
    pub rows: u64,
    /// All faults.
    pub faults: Vec<Fault>,
}

impl Db {
    /// Reads everything, the bucket too, and reports every fault. Only a failing row store is an
    /// error.
    pub async fn verify(&self, usage: &Usage) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        // What memory holds of objects is no proof that they are there.
        if let Some(bucket) = &self.core.bucket {
            bucket.forget();
        }
        let tables = match self.tables(usage) {
            Ok(tables) => tables,
            Err(e @ Error::Rows(_)) => return Err(e),
            Err(e) => {
                report.fault("(catalog)", e.to_string());
                return Ok(report);
            }
        };
        for def in tables {
            report.tables += 1;
            match self.snapshot(&def.name, usage) {
                Ok(snapshot) => self.verify_table(&snapshot.state, &mut report, usage).await?,
                Err(e @ Error::Rows(_)) => return Err(e),
                // Dropped meanwhile.
                Err(Error::UnknownTable { .. }) => {}
                Err(e) => report.fault(&def.name, e.to_string()),
            }
        }
        Ok(report)
    }

    async fn verify_table(
        &self,
        state: &TableState,
        report: &mut VerifyReport,
        usage: &Usage,
    ) -> Result<()> {
        let name = &state.def.name;
        let mut keys: Vec<Vec<ArrayRef>> = Vec::new();
        let mut found: BTreeMap<u32, ColumnStats> = state.empty_summary();
        let mut rows = 0;
        let files = match state.files(&self.core.rows, usage) {
            Ok(files) => files,
            Err(e @ Error::Rows(_)) => return Err(e),
            Err(e) => {
                report.fault(name, e.to_string());
                Arc::default()
            }
        };
        let mut faults = Vec::new();
        let index = state.warm.as_ref().and_then(|warm| warm.head.index.as_ref());
        let index =
            index.map(|index| IndexCheck::load(&self.core, &state.def, index, &mut faults, usage));
        let mut index = index.transpose()?;
        for part in state.parts.iter().chain(files.iter()) {
            report.parts += 1;
            let (batches, places) = match self.batches_of(state, part, usage).await {
                Ok(read) => read,
                Err(e @ Error::Rows(_)) => return Err(e),
                Err(e) => {
                    report.fault(name, e.to_string());
                    continue;
                }
            };
            let mut at = 0;
            for batch in &batches {
                rows += batch.num_rows() as u64;
                let before = at;
                at += batch.num_rows();
                if let (Some(index), true) = (&mut index, part.file.is_some()) {
                    let places = places.get(before..at).unwrap_or_default();
                    index.take_in(part, batch, places, &mut faults)?;
                }
                for (column, array) in state.def.schema.columns().iter().zip(batch.columns()) {
                    let stats = ColumnStats::of(array);
                    check_zone(state, part, column.id, &stats, report);
                    if let Some(sum) = found.get_mut(&column.id) {
                        sum.merge(&stats);
                    }
                }
                if !state.def.key().is_empty() {
                    let columns = key_columns(&state.def, batch)?;
                    self.check_filter(state, part, &columns, report, usage)?;
                    keys.push(columns);
                }
            }
        }
        if let Some(mut index) = index {
            index.settle(&mut faults);
        }
        faults.into_iter().for_each(|fault| report.fault(name, fault));
        report.rows += rows;
        if rows != state.rows {
            report
                .fault(name, format!("the head row counts {} rows, there are {rows}", state.rows));
        }
        check_summary(state, &found, report);
        check_keys(state, &keys, report)?;
        self.check_stray_rows(state, report, usage)
    }

    /// The live rows of a part or file, as stored.
    async fn batches_of(
        &self,
        state: &TableState,
        part: &PartState,
        usage: &Usage,
    ) -> Result<(Vec<RecordBatch>, Vec<u32>)> {
        let def = &state.def;
        if part.file.is_none() {
            let batches = live_batches(&self.core, def, part, usage)?;
            return Ok((batches.collect::<Result<_>>()?, Vec::new()));
        }
        let lake = Lake::new(&self.core, def, usage)?;
        let (mut batches, mut from) = (Vec::new(), Vec::new());
        // By its own end, and not by what the index says that is.
        let reader = open_by_end(&self.core, state, part, &lake.bucket).await?;
        read_file(def, part, &reader, (0, &mut batches, &mut from)).await?;
        Ok((batches, from.into_iter().map(|(_, row)| row).collect()))
    }

    fn check_filter(
        &self,
        state: &TableState,
        part: &PartState,
        columns: &[ArrayRef],
        report: &mut VerifyReport,
        usage: &Usage,
    ) -> Result<()> {
        let hashes = hash_keys(state.def.kind, columns)?;
        let held = if part.in_ids {
            let filters = self.core.slot(state.def.id).filters(&self.core, state, usage);
            match filters {
                Ok(filters) => filters.get(part.no).cloned(),
                Err(e @ Error::Rows(_)) => return Err(e),
                Err(e) => {
                    report.fault(&state.def.name, e.to_string());
                    None
                }
            }
        } else {
            part.filter.clone()
        };
        let missed = held.map_or(0, |f| hashes.iter().filter(|h| !f.might_contain(**h)).count());
        if missed > 0 {
            let message = format!("the id filter of part {} misses {missed} keys", part.no);
            report.fault(&state.def.name, message);
        }
        Ok(())
    }

    /// Every row of the store belongs to a part that the table shows, or is known garbage.
    fn check_stray_rows(
        &self,
        state: &TableState,
        report: &mut VerifyReport,
        usage: &Usage,
    ) -> Result<()> {
        let mut known: BTreeSet<u64> = state.parts.iter().map(|p| p.no).collect();
        known.extend(&state.garbage);
        let mut stray = BTreeSet::new();
        let params = [Value::Int(i64::from(state.def.id))];
        self.core.rows.exec(&statements::LIST_PART_ROWS, &params, usage, &mut |row| {
            if let Some(part) = row.first().and_then(Value::as_int)
                && !known.contains(&(part as u64))
            {
                stray.insert(part);
            }
            Flow::Continue
        })?;
        for part in stray {
            report.fault(&state.def.name, format!("part {part} belongs to nobody"));
        }
        Ok(())
    }
}

impl VerifyReport {
    fn fault(&mut self, table: &str, message: String) {
        self.faults.push(Fault { table: table.to_owned(), message });
    }
}

fn check_zone(
    state: &TableState,
    part: &PartState,
    column: u32,
    found: &ColumnStats,
    report: &mut VerifyReport,
) {
    let Some(zone) = part.zones.get(&column) else { return };
    let below = match (&found.min, &zone.min) {
        (Some(found), Some(zone)) => found.partial_cmp_same(zone).is_some_and(|o| o.is_lt()),
        _ => false,
    };
    let above = match (&found.max, &zone.max) {
        (Some(found), Some(zone)) => found.partial_cmp_same(zone).is_some_and(|o| o.is_gt()),
        _ => false,
    };
    if below || above {
        let part = part.no;
        let message = format!("part {part} has values of column #{column} outside its bounds");
        report.fault(&state.def.name, message);
    }
}

fn check_summary(
    state: &TableState,
    found: &BTreeMap<u32, ColumnStats>,
    report: &mut VerifyReport,
) {
    for (id, kept) in &state.summary {
        let Some(found) = found.get(id) else { continue };
        let mut wrong = Vec::new();
        if kept.nulls != found.nulls {
            wrong.push(format!("{} nulls, there are {}", kept.nulls, found.nulls));
        }
        if kept.exact && found.exact && (kept.min != found.min || kept.max != found.max) {
            wrong.push("bounds that are not those of its values".to_owned());
        }
        if let (Some(kept), Some(found)) = (&kept.values, &found.values)
            && kept != found
        {
            wrong.push("value counts that are not those of its values".to_owned());
        }
        for what in wrong {
            report.fault(&state.def.name, format!("the head row gives column #{id} {what}"));
        }
    }
}

fn check_keys(state: &TableState, keys: &[Vec<ArrayRef>], report: &mut VerifyReport) -> Result<()> {
    let Some(first) = keys.first() else { return Ok(()) };
    let mut columns = Vec::with_capacity(first.len());
    for at in 0..first.len() {
        let chunks: Vec<_> =
            keys.iter().filter_map(|k| k.get(at)).map(|array| array.as_ref()).collect();
        columns.push(arrow_select::concat::concat(&chunks)?);
    }
    let all = columns.first().map_or(0, |c| c.len());
    let unique = KeyIndex::of_columns(state.def.kind, columns)?.last_rows().len();
    if unique != all {
        report.fault(&state.def.name, format!("{} live rows share a key", all - unique));
    }
    Ok(())
}
