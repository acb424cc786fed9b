//! Writes a table of things as dodb would, in a folder, for other engines to read: appended twice,
//! with documents whose paths grow, some rows deleted, then compacted if asked. Prints the location
//! of the metadata and what it cost.
//!
//! `cargo run -p dodb-lake --example write_sample -- FOLDER [ROWS] [compact]`

use std::error::Error;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringViewArray, TimestampMillisecondArray};
use dodb_lake::{
    Bucket, Change, Definition, FileOptions, FileReader, FileWriter, MeteredStore, ObjectUsage,
    PartitionBy, Prepared, ReadRequest, SortBy, Stamp, Survey, Table, split_by_partition,
    with_paths, write_deletes,
};
use dodb_part::{Column, ColumnType, Predicate, Schema, TimeUnit};
use futures::executor::block_on;
use iceberg::spec::{DataFile, Transform};
use object_store::local::LocalFileSystem;
use uuid::Uuid;

const DAY_MS: i64 = 86_400_000;
const START_MS: i64 = 1_700_000_000_000;

/// Uuids and moments, one after the other.
struct Stamps(u128);

impl Stamps {
    fn next(&mut self) -> Stamp {
        self.0 += 1;
        let now_ms = START_MS + 1_000 * self.0 as i64;
        Stamp { now_ms, uuid: Uuid::from_u128(0x0193_a3c5 << 96 | self.0 << 40 | self.0) }
    }
}

fn things() -> Result<Schema, dodb_part::Error> {
    let time = ColumnType::Timestamp(TimeUnit::Millisecond);
    let column = |id, name: &str, ty| Column { id, name: name.into(), ty, nullable: false };
    Schema::new(vec![
        column(1, "id", ColumnType::String),
        column(2, "type", ColumnType::String),
        column(3, "data", ColumnType::Json),
        column(5, "createdAt", time.clone()),
        column(6, "updatedAt", time),
    ])
}

fn rows(from: usize, to: usize) -> Result<RecordBatch, Box<dyn Error>> {
    let texts = |of: &dyn Fn(usize) -> String| (from..to).map(|n| Some(of(n))).collect();
    let ids: StringViewArray = texts(&|n| format!("thing-{:08}", n * 7919 % 1_000_003));
    let types: StringViewArray = texts(&|n| ["User", "Order"][n % 2].to_owned());
    let documents: StringViewArray = texts(&|n| {
        let late =
            if from > 0 { format!(r#","late":{{"deep":[{n},{}]}}"#, n + 1) } else { "".into() };
        let city = ["Berlin", "Paris", "Rome"][n % 3];
        let (age, score) = (n % 90, n % 10);
        let head = format!(r#"{{"email":"user{n}@example.org","age":{age},"score":{score}.5"#);
        format!(r#"{head},"address":{{"city":"{city}"}}{late}}}"#)
    });
    let times = (from..to).map(|n| START_MS + (n as i64 % 3) * DAY_MS + n as i64);
    let times = TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC");
    let times = Arc::new(times);
    Ok(RecordBatch::try_new(
        things()?.arrow(),
        vec![Arc::new(ids), Arc::new(types), Arc::new(documents), times.clone(), times],
    )?)
}

async fn write(
    table: &Table,
    batch: &RecordBatch,
    stamps: &mut Stamps,
) -> Result<Vec<DataFile>, Box<dyn Error>> {
    let metadata = table.metadata();
    let (spec, order) = (metadata.default_partition_spec(), metadata.default_sort_order());
    let mut files = Vec::new();
    for split in split_by_partition(batch.clone(), spec, Some(order), table.layout())? {
        let (partition, rows) = split?;
        let options = FileOptions { bloom_columns: vec![1], ..FileOptions::default() };
        let plan = table.file_plan(partition, stamps.next().uuid);
        let mut writer = FileWriter::new(plan, &options)?;
        writer.write(&rows).await?;
        files.push(writer.finish().await?.0);
    }
    Ok(files)
}

/// Rows as one commit, with fields for the paths that are worth them.
async fn append(
    table: &Table,
    batch: &RecordBatch,
    stamps: &mut Stamps,
) -> Result<Table, Box<dyn Error>> {
    let mut survey = Survey::default();
    let documents = batch.column_by_name("data").ok_or("no documents")?;
    let documents = documents.as_any().downcast_ref::<StringViewArray>().ok_or("no text")?;
    for text in documents.iter().flatten() {
        survey.push(text)?;
    }
    let document = table.layout().column(3)?.document.clone().ok_or("no document")?;
    let paths = survey.new_paths(3, &document);
    let mut table = table.clone();
    if !paths.is_empty() {
        let last = table.metadata().last_column_id();
        let schema = Some(with_paths(table.layout(), &paths, last)?);
        let change = Change { schema, ..Change::default() };
        table = table.prepare(&change, &stamps.next()).await?.table;
    }
    let added = write(&table, batch, stamps).await?;
    let change = Change { added, ..Change::default() };
    let Prepared { table, .. } = table.prepare(&change, &stamps.next()).await?;
    Ok(table)
}

async fn all_rows(table: &Table) -> Result<Vec<RecordBatch>, Box<dyn Error>> {
    let mut batches = Vec::new();
    for live in table.files(None).await? {
        let (uri, bytes) = (live.file.file_path(), live.file.file_size_in_bytes());
        let reader = FileReader::open(table.bucket(), uri, bytes, table.layout(), None).await?;
        let request = ReadRequest {
            columns: vec![1, 2, 3, 5, 6],
            paths: Vec::new(),
            predicate: Predicate::True,
            deleted: Arc::new(live.deleted_rows(table).await?),
            row_numbers: false,
            batch_rows: 8_192,
            rows: None,
            use_filters: true,
        };
        let mut scan = reader.scan(request).await?;
        while let Some(batch) = scan.next_batch().await? {
            batches.push(batch);
        }
    }
    Ok(batches)
}

async fn run(folder: &str, count: usize, compacts: bool) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let folder = std::fs::canonicalize(folder)?;
    let store = Arc::new(LocalFileSystem::new_with_prefix(&folder)?);
    let usage = Arc::new(ObjectUsage::default());
    let store = Arc::new(MeteredStore::new(store, usage.clone()));
    let root = format!("file://{}", folder.display());
    let bucket = Bucket::new(store, &root);
    let mut stamps = Stamps(0);
    let definition = Definition {
        name: "things".into(),
        location: format!("{root}/things"),
        columns: things()?,
        partition_by: vec![
            PartitionBy { column: 2, transform: Transform::Identity },
            PartitionBy { column: 5, transform: Transform::Day },
        ],
        sort_by: vec![SortBy { column: 1 }],
        properties: Vec::new(),
    };
    let table = Table::create(&bucket, &definition, &stamps.next()).await?.table;
    let table = append(&table, &rows(0, count / 2)?, &mut stamps).await?;
    let mut table = append(&table, &rows(count / 2, count)?, &mut stamps).await?;
    // The first row of each file goes.
    let mut change =
        Change { planned_at: table.metadata().current_snapshot_id(), ..Change::default() };
    for live in table.files(None).await? {
        let uri = table.delete_file_uri(stamps.next().uuid);
        let spec = table.metadata().default_partition_spec_id();
        change.added.push(write_deletes(&bucket, &uri, &live.file, spec, &[0]).await?);
    }
    table = table.prepare(&change, &stamps.next()).await?.table;
    if compacts {
        let old = table.files(None).await?;
        let rows = all_rows(&table).await?;
        let rows = arrow_select::concat::concat_batches(&rows[0].schema(), &rows)?;
        let change = Change {
            added: write(&table, &rows, &mut stamps).await?,
            removed: old.iter().map(|live| live.file.file_path().to_owned()).collect(),
            planned_at: table.metadata().current_snapshot_id(),
            same_rows: true,
            ..Change::default()
        };
        table = table.prepare(&change, &stamps.next()).await?.table;
    }
    let rows: usize = all_rows(&table).await?.iter().map(RecordBatch::num_rows).sum();
    println!("{}", table.metadata_location());
    println!("{rows} rows; {:?}", usage.counts());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("usage: write_sample FOLDER [ROWS] [compact]")?;
    let count = arguments.get(1).map_or(Ok(10_000), |count| count.parse())?;
    block_on(run(folder, count, arguments.iter().any(|argument| argument == "compact")))
}
