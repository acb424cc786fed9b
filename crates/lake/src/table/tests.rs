//! Commits against a plain model: the set of rows that are live. And what a failure at any call
//! leaves behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch, StringViewArray};
use dodb_part::{Column, ColumnType, Predicate, Schema};
use futures::executor::block_on;
use iceberg::spec::Transform;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::store::fault::{FaultStore, Then};
use crate::{
    Bucket, ErrorKind, FileOptions, FileReader, FileWriter, ReadRequest, split_by_partition,
    with_columns, write_deletes,
};

const URI: &str = "memory:///lake";

/// Hands out uuids and times that never repeat.
struct World {
    bucket: Bucket,
    next: u128,
}

fn columns() -> Schema {
    let column = |id, name: &str, ty| Column { id, name: name.into(), ty, nullable: false };
    let id = column(1, "id", ColumnType::Int64);
    Schema::new(vec![id, column(2, "kind", ColumnType::String)]).unwrap()
}

fn batch(ids: &[i64]) -> RecordBatch {
    let kinds = ids.iter().map(|id| Some(format!("k{}", id % 3)));
    RecordBatch::try_new(
        columns().arrow(),
        vec![
            Arc::new(Int64Array::from(ids.to_vec())),
            Arc::new(kinds.collect::<StringViewArray>()),
        ],
    )
    .unwrap()
}

impl World {
    fn new(store: Arc<dyn ObjectStore>) -> World {
        World { bucket: Bucket::new(store, URI), next: 1 << 70 }
    }

    fn stamp(&mut self) -> Stamp {
        self.next += 0x1_0000_0001;
        let now_ms = 1_700_000_000_000 + (self.next & 0xffff_ffff) as i64;
        Stamp { now_ms, uuid: Uuid::from_u128(self.next) }
    }

    async fn create(&mut self) -> crate::Result<Table> {
        let stamp = self.stamp();
        let definition = Definition {
            name: "rows".into(),
            location: format!("{URI}/rows"),
            columns: columns(),
            partition_by: vec![PartitionBy { column: 2, transform: Transform::Identity }],
            sort_by: vec![SortBy { column: 1 }],
            properties: Vec::new(),
        };
        Ok(Table::create(&self.bucket, &definition, &stamp).await?.table)
    }

    /// The table as somebody finds it who knows only the pointer.
    async fn reload(&self, table: &Table) -> crate::Result<Table> {
        Table::load(&self.bucket, "rows", table.metadata_location()).await
    }

    async fn write(
        &mut self,
        table: &Table,
        ids: &[i64],
    ) -> crate::Result<Vec<iceberg::spec::DataFile>> {
        let spec = table.metadata().default_partition_spec().clone();
        let mut files = Vec::new();
        for split in split_by_partition(batch(ids), &spec, None, table.layout())? {
            let (partition, rows) = split?;
            let plan = table.file_plan(partition, self.stamp().uuid);
            let mut writer = FileWriter::new(plan, &FileOptions::default())?;
            writer.write(&rows).await?;
            files.push(writer.finish().await?.0);
        }
        Ok(files)
    }

    async fn append(&mut self, table: &Table, ids: &[i64]) -> crate::Result<Table> {
        let added = self.write(table, ids).await?;
        let change = Change { added, ..Change::default() };
        Ok(table.prepare(&change, &self.stamp()).await?.table)
    }

    async fn rows(&self, table: &Table, snapshot: Option<i64>) -> crate::Result<BTreeSet<i64>> {
        let mut out = BTreeSet::new();
        for live in table.files(snapshot).await? {
            for (id, _) in self.numbered(table, &live).await? {
                assert!(out.insert(id), "{id} is there twice");
            }
        }
        Ok(out)
    }

    /// Live rows of a file and their numbers.
    async fn numbered(&self, table: &Table, live: &LiveFile) -> crate::Result<Vec<(i64, u64)>> {
        let (uri, bytes) = (live.file.file_path(), live.file.file_size_in_bytes());
        let reader = FileReader::open(&self.bucket, uri, bytes, table.layout(), None).await?;
        let request = ReadRequest {
            columns: vec![1],
            paths: Vec::new(),
            predicate: Predicate::True,
            deleted: Arc::new(live.deleted_rows(table).await?),
            row_numbers: true,
            batch_rows: 7,
            rows: None,
            use_filters: true,
        };
        let mut scan = reader.scan(request).await?;
        let mut out = Vec::new();
        while let Some(batch) = scan.next_batch().await? {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            let numbers = batch.column(1).as_primitive::<Int64Type>();
            out.extend(ids.values().iter().copied().zip(numbers.iter().map(|n| n.unwrap() as u64)));
        }
        Ok(out)
    }

    async fn delete(&mut self, table: &Table, ids: &BTreeSet<i64>) -> crate::Result<Option<Table>> {
        let mut change =
            Change { planned_at: table.metadata().current_snapshot_id(), ..Change::default() };
        for live in table.files(None).await? {
            let found = self.numbered(table, &live).await?;
            let mut rows: Vec<u64> =
                found.iter().filter(|(id, _)| ids.contains(id)).map(|(_, row)| *row).collect();
            if rows.is_empty() {
                continue;
            }
            if rows.len() == found.len() {
                change.removed.push(live.file.file_path().to_owned());
                continue;
            }
            rows.extend(live.deleted_rows(table).await?);
            rows.sort_unstable();
            let uri = table.delete_file_uri(self.stamp().uuid);
            let spec = table.metadata().default_partition_spec_id();
            change.added.push(write_deletes(&self.bucket, &uri, &live.file, spec, &rows).await?);
            change.removed.extend(live.deletes.iter().map(|file| file.file_path().to_owned()));
        }
        if change.added.is_empty() && change.removed.is_empty() {
            return Ok(None);
        }
        Ok(Some(table.prepare(&change, &self.stamp()).await?.table))
    }

    /// All files in one, a partition.
    async fn compact(&mut self, table: &Table) -> crate::Result<Option<Table>> {
        let files = table.files(None).await?;
        let ids: Vec<i64> = self.rows(table, None).await?.into_iter().collect();
        if files.is_empty() {
            return Ok(None);
        }
        let change = Change {
            added: self.write(table, &ids).await?,
            removed: files.iter().map(|live| live.file.file_path().to_owned()).collect(),
            planned_at: table.metadata().current_snapshot_id(),
            same_rows: true,
            ..Change::default()
        };
        Ok(Some(table.prepare(&change, &self.stamp()).await?.table))
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Delete(u8),
    Compact,
    Expire,
    Sweep,
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1u8..20).prop_map(Step::Append),
        3 => (2u8..6).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        1 => Just(Step::Expire),
        1 => Just(Step::Sweep),
        1 => Just(Step::Reload),
    ];
    proptest::collection::vec(step, 1..14)
}

async fn run(steps: Vec<Step>) {
    let mut world = World::new(Arc::new(InMemory::new()));
    let mut table = world.create().await.unwrap();
    let mut model: BTreeSet<i64> = BTreeSet::new();
    let mut past: Vec<(i64, BTreeSet<i64>)> = Vec::new();
    let mut next = 0;
    for step in steps {
        match step {
            Step::Append(count) => {
                let ids: Vec<i64> = (next..next + i64::from(count)).collect();
                next += i64::from(count);
                table = world.append(&table, &ids).await.unwrap();
                model.extend(ids);
            }
            Step::Delete(every) => {
                let gone = model.iter().copied().filter(|id| id % i64::from(every) == 0).collect();
                if let Some(after) = world.delete(&table, &gone).await.unwrap() {
                    table = after;
                }
                model.retain(|id| !gone.contains(id));
            }
            Step::Compact => {
                if let Some(after) = world.compact(&table).await.unwrap() {
                    table = after;
                }
                let files = table.files(None).await.unwrap();
                assert!(files.iter().all(|live| live.deletes.is_empty()));
            }
            Step::Expire => {
                let stamp = world.stamp();
                if let Some(expired) = table.expire(stamp.now_ms, &stamp).await.unwrap() {
                    table = expired.prepared.table;
                    world.bucket.delete(&expired.unreachable).await.unwrap();
                    let ids: Vec<i64> =
                        table.metadata().snapshots().map(|s| s.snapshot_id()).collect();
                    past.retain(|(id, _)| ids.contains(id));
                }
            }
            Step::Sweep => {
                let orphans = table.orphans(i64::MAX).await.unwrap();
                world.bucket.delete(&orphans).await.unwrap();
            }
            Step::Reload => table = world.reload(&table).await.unwrap(),
        }
        let snapshot = table.metadata().current_snapshot_id();
        if let Some(id) = snapshot
            && past.last().is_none_or(|(last, _)| *last != id)
        {
            past.push((id, model.clone()));
        }
        assert_eq!(world.rows(&table, None).await.unwrap(), model);
        let total = table.metadata().current_snapshot().map(|s| {
            let summary = &s.summary().additional_properties;
            let count = |key: &str| summary[key].parse::<usize>().unwrap();
            count("total-records") - count("total-position-deletes")
        });
        assert_eq!(total.unwrap_or(0), model.len());
    }
    for (id, rows) in past {
        assert_eq!(world.rows(&table, Some(id)).await.unwrap(), rows, "at snapshot {id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_table_holds_what_its_commits_say(steps in steps()) {
        block_on(run(steps));
    }
}

/// The moves of a short life; the table is what the pointer says after each swap.
async fn life(world: &mut World, pointer: &mut Option<Table>) -> crate::Result<()> {
    let table = world.create().await?;
    *pointer = Some(table.clone());
    let table = world.append(&table, &[1, 2, 3, 4, 5, 6, 7]).await?;
    *pointer = Some(table.clone());
    if let Some(table) = world.delete(&table, &BTreeSet::from([2, 3])).await? {
        *pointer = Some(table);
    }
    let table = world.append(pointer.as_ref().unwrap_or(&table), &[8, 9]).await?;
    *pointer = Some(table.clone());
    if let Some(table) = world.compact(&table).await? {
        *pointer = Some(table);
    }
    let stamp = world.stamp();
    let expired = match pointer {
        Some(table) => table.expire(stamp.now_ms, &stamp).await?,
        None => None,
    };
    if let Some(expired) = expired {
        *pointer = Some(expired.prepared.table);
        world.bucket.delete(&expired.unreachable).await?;
    }
    Ok(())
}

#[test]
fn a_failure_at_any_call_loses_nothing_and_leaves_orphans_at_most() {
    let states: [&[i64]; 4] =
        [&[], &[1, 2, 3, 4, 5, 6, 7], &[1, 4, 5, 6, 7], &[1, 4, 5, 6, 7, 8, 9]];
    let (store, calls) = FaultStore::counting(Arc::new(InMemory::new()));
    let mut last = None;
    block_on(life(&mut World::new(Arc::new(store)), &mut last)).unwrap();
    let all = calls.made();
    assert!(all > 40, "{all}");
    for then in [Then::Recover, Then::StayDown] {
        for nth in 1..=all {
            let memory = Arc::new(InMemory::new());
            let (store, calls) = FaultStore::failing(memory.clone(), nth, then);
            let mut world = World::new(Arc::new(store));
            let mut pointer = None;
            let error = block_on(life(&mut world, &mut pointer)).unwrap_err();
            assert!(calls.failed());
            assert_eq!(error.kind(), ErrorKind::Storage, "call {nth}: {error}");
            let healthy = World { bucket: Bucket::new(memory, URI), next: world.next };
            let Some(table) = pointer else { continue };
            block_on(async {
                let table = healthy.reload(&table).await.unwrap();
                let rows: Vec<i64> =
                    healthy.rows(&table, None).await.unwrap().into_iter().collect();
                assert!(states.contains(&rows.as_slice()), "call {nth}: {rows:?}");
                let orphans = table.orphans(i64::MAX).await.unwrap();
                healthy.bucket.delete(&orphans).await.unwrap();
                assert!(table.orphans(i64::MAX).await.unwrap().is_empty());
                let again: Vec<i64> =
                    healthy.rows(&table, None).await.unwrap().into_iter().collect();
                assert_eq!(again, rows, "call {nth}: the sweep took a file that is needed");
            });
        }
    }
}

#[test]
fn changes_that_do_not_fit_any_more_are_conflicts() {
    block_on(async {
        let mut world = World::new(Arc::new(InMemory::new()));
        let table = world.create().await.unwrap();
        let base = world.append(&table, &[0, 3, 6, 9]).await.unwrap();
        let planned_at = base.metadata().current_snapshot_id();
        let removed: Vec<String> =
            base.files(None).await.unwrap().iter().map(|f| f.file.file_path().into()).collect();
        let added = world.write(&base, &[0, 3, 6, 9]).await.unwrap();
        let change = Change { added, removed, planned_at, same_rows: true, ..Change::default() };
        // Somebody appends: the change still fits.
        let appended = world.append(&base, &[12]).await.unwrap();
        let fits = appended.prepare(&change, &world.stamp()).await.unwrap().table;
        assert_eq!(world.rows(&fits, None).await.unwrap(), BTreeSet::from([0, 3, 6, 9, 12]));
        // Somebody deletes a row of the file: it does not.
        let deleted = world.delete(&base, &BTreeSet::from([3])).await.unwrap().unwrap();
        let error = deleted.prepare(&change, &world.stamp()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("rows of a file were deleted"), "{error}");
        // Somebody compacts: the file is gone.
        let compacted = world.compact(&base).await.unwrap().unwrap();
        let error = compacted.prepare(&change, &world.stamp()).await.unwrap_err();
        assert_eq!((error.kind(), error.table()), (ErrorKind::Conflict, Some("rows")));
        assert!(error.to_string().contains("no longer part"), "{error}");
    });
}

#[test]
fn many_appends_are_merged_into_few_manifests() {
    block_on(async {
        let mut world = World::new(Arc::new(InMemory::new()));
        let mut table = world.create().await.unwrap();
        let mut most = 0;
        for id in 0..700 {
            table = world.append(&table, &[id * 3]).await.unwrap();
            let snapshot = table.metadata().current_snapshot().unwrap().clone();
            let manifests = super::manifests::read_list(&table, &snapshot).await.unwrap();
            let files = manifests.iter().map(|one| super::manifests::entries(one).unwrap());
            assert!(files.clone().all(|files| files <= 512), "{id}");
            assert_eq!(files.sum::<u32>(), id as u32 + 1);
            most = most.max(manifests.len());
        }
        assert!((33..=40).contains(&most), "{most}");
        assert_eq!(world.rows(&table, None).await.unwrap().len(), 700);
    });
}

#[test]
fn a_schema_grows_and_old_files_are_read_as_the_new_one() {
    block_on(async {
        let mut world = World::new(Arc::new(InMemory::new()));
        let table = world.create().await.unwrap();
        let table = world.append(&table, &[1, 2]).await.unwrap();
        let mut wanted = columns().columns().to_vec();
        wanted.push(Column { id: 3, name: "extra".into(), ty: ColumnType::Json, nullable: true });
        let wanted = Schema::new(wanted).unwrap();
        let last = table.metadata().last_column_id();
        let schema = with_columns(table.layout(), &wanted, last).unwrap();
        let change = Change { schema: Some(schema.clone()), ..Change::default() };
        let table = table.prepare(&change, &world.stamp()).await.unwrap().table;
        assert_eq!(table.layout().columns_schema().unwrap(), wanted);
        assert_eq!(world.rows(&table, None).await.unwrap(), BTreeSet::from([1, 2]));
        let table = world.append(&table, &[3]).await.unwrap();
        assert_eq!(world.rows(&table, None).await.unwrap(), BTreeSet::from([1, 2, 3]));
        let again = table.prepare(&change, &world.stamp()).await.unwrap().table;
        assert_eq!(again.metadata().schemas_iter().len(), 2);
        let stamp = world.stamp();
        let old = table.metadata().snapshots().map(|s| s.timestamp_ms()).max().unwrap();
        let expired = table.expire(old, &stamp).await.unwrap().unwrap().prepared.table;
        assert_eq!(expired.metadata().schemas_iter().len(), 1);
        assert_eq!(world.rows(&expired, None).await.unwrap(), BTreeSet::from([1, 2, 3]));
    });
}

#[test]
fn missing_torn_and_foreign_objects_are_named() {
    block_on(async {
        let memory = Arc::new(InMemory::new());
        let mut world = World::new(memory.clone());
        let table = world.create().await.unwrap();
        let table = world.append(&table, &[1, 2, 3]).await.unwrap();
        let table = world.delete(&table, &BTreeSet::from([3])).await.unwrap().unwrap();
        let location = table.metadata_location().to_owned();
        let all = world.bucket.list(&format!("{URI}/rows")).await.unwrap();
        for meta in all {
            let uri = world.bucket.uri_of(&meta.location);
            let whole = world.bucket.read(&uri).await.unwrap();
            let half = whole.slice(..whole.len() / 2);
            for damaged in [None, Some(half), Some("nonsense".into()), Some("".into())] {
                match damaged {
                    None => world.bucket.delete(std::slice::from_ref(&uri)).await.unwrap(),
                    Some(bytes) => world.bucket.write(&uri, bytes).await.unwrap(),
                }
                let read = async {
                    let table = Table::load(&world.bucket, "rows", &location).await?;
                    world.rows(&table, None).await
                };
                if let Err(error) = read.await {
                    assert_eq!(error.object(), Some(uri.as_str()), "{error}");
                    let kind = error.kind();
                    // Of an empty object stores refuse every range.
                    let fits = kind != ErrorKind::Invalid && kind != ErrorKind::Conflict;
                    assert!(fits, "{kind:?} {error}");
                }
            }
            world.bucket.write(&uri, whole).await.unwrap();
        }
        assert_eq!(world.rows(&table, None).await.unwrap(), BTreeSet::from([1, 2]));
    });
}

#[test]
fn no_bytes_make_it_panic() {
    block_on(async {
        let mut world = World::new(Arc::new(InMemory::new()));
        let table = world.create().await.unwrap();
        let table = world.append(&table, &[1, 2, 3]).await.unwrap();
        let table = world.delete(&table, &BTreeSet::from([3])).await.unwrap().unwrap();
        let location = table.metadata_location().to_owned();
        for meta in world.bucket.list(&format!("{URI}/rows")).await.unwrap() {
            let uri = world.bucket.uri_of(&meta.location);
            let whole = world.bucket.read(&uri).await.unwrap();
            let step = (whole.len() / 40).max(1);
            for at in (0..whole.len()).step_by(step) {
                for byte in [0xff, whole[at] ^ 1] {
                    let mut bytes = whole.to_vec();
                    bytes[at] = byte;
                    world.bucket.write(&uri, bytes.into()).await.unwrap();
                    let read = async {
                        let table = Table::load(&world.bucket, "rows", &location).await?;
                        let mut rows = Vec::new();
                        for live in table.files(None).await? {
                            rows.extend(world.numbered(&table, &live).await?);
                        }
                        table.orphans(0).await
                    };
                    // An error or not: neither format has checksums. It must end, that is all.
                    let _ = read.await;
                }
            }
            world.bucket.write(&uri, whole).await.unwrap();
        }
    });
}
