//! `dodb import`: files into a table. One thread reads and decodes, this one stores, a third folds
//! and merges meanwhile; memory holds a few batches. Not here: each of these steps.

pub mod batches;
mod documents;
mod format;
mod parquet;
pub mod progress;
mod records;
mod report;
pub mod source;
mod target;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};

use crate::args::{EndpointArgs, ImportArgs, OnError, ProgressMode};
use crate::error::{Error, Result};
use crate::memory::Memory;
use batches::{Event, Plan, Shape};
use progress::Progress;
use report::Report;
use source::Source;

pub use target::Target;

/// Batches that wait to be stored.
const BATCHES_WAITING: usize = 2;

pub fn run(args: &ImportArgs) -> Result<ExitCode> {
    check(args)?;
    let mut target = Target::open(&args.endpoint, args.max_memory)?;
    let report = load(args, &mut target)?;
    report.print(&target.cost())
}

/// Imports the files and does the background work they leave. What went in before an error is in
/// the report, with the error.
pub fn load(args: &ImportArgs, target: &mut Target) -> Result<Report> {
    let bytes = Arc::new(AtomicU64::new(0));
    let title = args.files.first().map(String::as_str).unwrap_or_default();
    let mut progress =
        Progress::new(args.progress, title, source::total_bytes(&args.files), &bytes);
    let mut report = Report::new(&args.table);
    for name in &args.files {
        let mut run = Run { args, target, progress: &mut progress, report: &mut report };
        if let Err(e) = run.file(name, bytes.clone()) {
            report.fail(e);
            break;
        }
    }
    let settled = target.finish();
    progress.finish();
    report.finish();
    // Everything imported is safe whether or not it could be merged.
    if let Err(e) = settled {
        report.fail(e);
    }
    Ok(report)
}

/// Arguments for a file of things or relationships as they are, for the demo.
pub fn plain(endpoint: EndpointArgs, table: &str, file: String, rows: u32) -> ImportArgs {
    ImportArgs {
        endpoint,
        table: table.to_owned(),
        thing_type: None,
        id: None,
        format: None,
        on_error: OnError::Stop,
        skip_unknown_fields: false,
        null_texts: Vec::new(),
        batch_rows: rows,
        max_memory: Memory::default(),
        progress: ProgressMode::Auto,
        files: vec![file],
    }
}

fn check(args: &ImportArgs) -> Result<()> {
    if args.thing_type.is_some() && args.table != "things" {
        return Err(Error::Usage(format!(
            "--type makes things; it does not go with --table {}",
            args.table
        )));
    }
    if args.thing_type.as_deref() == Some("") {
        return Err(Error::Usage("--type needs a name".into()));
    }
    if args.files.iter().filter(|file| *file == "-").count() > 1 {
        return Err(Error::Usage("standard input (`-`) can be read only once".into()));
    }
    Ok(())
}

/// One file on its way in.
struct Run<'a> {
    args: &'a ImportArgs,
    target: &'a mut Target,
    progress: &'a mut Progress,
    report: &'a mut Report,
}

impl Run<'_> {
    fn file(&mut self, name: &str, bytes: Arc<AtomicU64>) -> Result<()> {
        let source = Source::open(name, bytes)?;
        let format = format::of(self.args.format.as_deref(), &source)?;
        let mut plan = Plan {
            format,
            shape: Shape::Rows(Arc::new(Schema::empty())),
            batch_rows: self.args.batch_rows as usize,
            batch_bytes: self.args.max_memory.batch_bytes_max(),
            skip: self.args.on_error == OnError::Skip,
            skip_unknown_fields: self.args.skip_unknown_fields,
            null_texts: self.args.null_texts.clone(),
        };
        plan.shape = self.shape(&source, &plan)?;
        let place = source.name.clone();
        let (events, coming) = sync_channel(BATCHES_WAITING);
        std::thread::scope(|scope| {
            let decoding = scope.spawn(move || {
                batches::read(source, &plan, &mut |event| events.send(event).is_ok())
            });
            let mut stored = Ok(());
            for event in coming {
                stored = self.take(&place, event);
                if stored.is_err() {
                    break;
                }
            }
            // The channel is gone by now: the reader stops at its next batch.
            let read = decoding.join().unwrap_or_else(|_| {
                Err(Error::Failed(format!("{place}: the reader met a bug and stopped")))
            });
            stored.and(read)
        })
    }

    fn take(&mut self, place: &str, event: Event) -> Result<()> {
        match event {
            Event::Bad { count, problems } => {
                self.progress.pause(|| self.report.bad(place, count, &problems));
                Ok(())
            }
            Event::Batch(batch) => self.store(place, &batch),
        }
    }

    /// Stores a batch. When bad records are to be skipped, a batch that is refused is halved until
    /// the record to blame is alone.
    fn store(&mut self, place: &str, batch: &RecordBatch) -> Result<()> {
        match self.target.insert(&self.args.table, batch) {
            Ok(rows) => {
                self.report.stored(rows);
                self.progress.acknowledged(self.report.rows());
                Ok(())
            }
            Err(e) if self.args.on_error == OnError::Skip && target::is_refusal(&e) => {
                let rows = batch.num_rows();
                if rows <= 1 {
                    let problem = e.to_string();
                    self.progress.pause(|| self.report.bad(place, 1, &[problem]));
                    return Ok(());
                }
                self.store(place, &batch.slice(0, rows / 2))?;
                self.store(place, &batch.slice(rows / 2, rows - rows / 2))
            }
            Err(e) => {
                let before = self.report.rows();
                let place = format!("{place}, in the {} records after {before}", batch.num_rows());
                Err(Error::Input { place, problem: e.to_string() })
            }
        }
    }

    /// What records become; makes the table if there is none.
    fn shape(&mut self, source: &Source, plan: &Plan) -> Result<Shape> {
        if let Some(type_name) = &self.args.thing_type {
            let id = self.args.id.clone();
            return Ok(Shape::Documents { type_name: type_name.clone(), id });
        }
        let table = &self.args.table;
        let columns = match self.target.columns(table)? {
            Some(columns) => columns,
            None => {
                let guessed = batches::schema(source, plan)?;
                self.target.create(table, &guessed)?;
                self.target.columns(table)?.ok_or_else(|| {
                    Error::Failed(format!("table `{table}` was made and is gone again"))
                })?
            }
        };
        Ok(Shape::Rows(all_nullable(&columns)))
    }
}

/// Everything may be missing in a file: the database knows the defaults.
pub fn all_nullable(columns: &dodb_part::Schema) -> SchemaRef {
    let fields = columns.columns().iter().map(|c| c.field().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}
