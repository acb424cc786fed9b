//! The summary of a snapshot: what changed, and what there is then. Iceberg's specification,
//! "Optional Snapshot Summary Fields".

use std::collections::HashMap;

use iceberg::spec::{DataContentType, DataFile, Operation, Summary};

use super::open::Table;

/// Counts of files by what is in them.
#[derive(Debug, Default)]
struct Counts {
    data_files: u64,
    delete_files: u64,
    records: u64,
    position_deletes: u64,
    bytes: u64,
}

impl Counts {
    fn of<'a>(files: impl Iterator<Item = &'a DataFile>) -> Counts {
        let mut counts = Counts::default();
        for file in files {
            counts.bytes += file.file_size_in_bytes();
            if file.content_type() == DataContentType::Data {
                counts.data_files += 1;
                counts.records += file.record_count();
            } else {
                counts.delete_files += 1;
                counts.position_deletes += file.record_count();
            }
        }
        counts
    }
}

/// The summary of a commit upon the table's current snapshot.
pub(super) fn summary<'a>(
    table: &Table,
    operation: Operation,
    added: impl Iterator<Item = &'a DataFile>,
    removed: impl Iterator<Item = &'a DataFile>,
    properties: &[(String, String)],
) -> Summary {
    let (added, removed) = (Counts::of(added), Counts::of(removed));
    let mut out: HashMap<String, String> = properties.iter().cloned().collect();
    let mut changed = |key: &str, count: u64| {
        if count > 0 {
            out.insert(key.to_owned(), count.to_string());
        }
    };
    changed("added-data-files", added.data_files);
    changed("added-records", added.records);
    changed("added-delete-files", added.delete_files);
    changed("added-position-delete-files", added.delete_files);
    changed("added-position-deletes", added.position_deletes);
    changed("added-files-size", added.bytes);
    changed("deleted-data-files", removed.data_files);
    changed("deleted-records", removed.records);
    changed("removed-delete-files", removed.delete_files);
    changed("removed-position-delete-files", removed.delete_files);
    changed("removed-position-deletes", removed.position_deletes);
    changed("removed-files-size", removed.bytes);
    let before = table.metadata().current_snapshot().map(|s| &s.summary().additional_properties);
    for (key, plus, minus) in [
        ("total-data-files", added.data_files, removed.data_files),
        ("total-delete-files", added.delete_files, removed.delete_files),
        ("total-records", added.records, removed.records),
        ("total-position-deletes", added.position_deletes, removed.position_deletes),
        ("total-equality-deletes", 0, 0),
        ("total-files-size", added.bytes, removed.bytes),
    ] {
        let old = before.and_then(|before| before.get(key)).and_then(|old| old.parse::<u64>().ok());
        // A writer that left its totals out is not made up for.
        if before.is_none() || old.is_some() {
            let total = old.unwrap_or(0).saturating_add(plus).saturating_sub(minus);
            out.insert(key.to_owned(), total.to_string());
        }
    }
    Summary { operation, additional_properties: out }
}
