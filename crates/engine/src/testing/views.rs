//! Views in the catalog: what they cost, that a name is one thing only, what an older program does
//! with a folder that has some. Not here: what a query through one answers.

use std::sync::Arc;

use super::Stores;
use super::support::{metered, now, numbered, open, strings, things};
use crate::catalog::Catalog;
use crate::frame::{CATALOG_WITH_VIEWS, Magic, seal};
use dodb_engine::{Alter, Db, Error, ErrorKind, Existing, Options, TableDef, VIEW_BYTES_MAX, View};
use dodb_part::ColumnType;
use dodb_rowstore::{RowStore, Usage};

cases![
    a_view_is_kept_and_goes,
    a_name_is_a_table_or_a_view,
    a_view_costs_what_a_table_costs,
    a_view_is_no_table,
    an_older_program_does_not_read_a_catalog_with_views,
    changes_of_a_table_are_all_made_or_none,
];

fn view(name: &str, query: &str) -> View {
    View::new(name, vec!["a".to_owned()], query).unwrap()
}

fn table(name: &str) -> TableDef {
    TableDef::plain(name, vec![("k".to_owned(), ColumnType::String, true)], &[], None).unwrap()
}

fn fresh(stores: Stores<'_>) -> (Arc<dyn RowStore>, Db) {
    let store = stores();
    let db = open(&store, &Options::default());
    (store, db)
}

fn a_view_is_kept_and_goes(stores: Stores<'_>) {
    let (store, db) = fresh(stores);
    let usage = Usage::default();
    let first = view("v", "SELECT `k``` -- é\nFROM t");
    assert!(db.create_view(first.clone(), Existing::Refuse, &usage).unwrap());
    db.create_table(table("t"), false, &usage).unwrap();
    let db = open(&store, &Options::default());
    assert_eq!(db.view("v", &usage).unwrap().as_deref(), Some(&first));
    let other = view("v", "SELECT 2");
    let again = db.create_view(other.clone(), Existing::Refuse, &usage).unwrap_err();
    assert!(matches!(again, Error::ViewExists { .. }), "{again}");
    assert!(!db.create_view(other.clone(), Existing::Keep, &usage).unwrap());
    assert_eq!(db.views(&usage).unwrap().len(), 1);
    assert!(db.create_view(other.clone(), Existing::Replace, &usage).unwrap());
    let db = open(&store, &Options::default());
    assert_eq!(db.view("v", &usage).unwrap().as_deref(), Some(&other));
    assert!(db.drop_view("v", false, &usage).unwrap());
    assert_eq!(db.drop_view("v", false, &usage).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!db.drop_view("v", true, &usage).unwrap());
    let db = open(&store, &Options::default());
    assert!(db.view("v", &usage).unwrap().is_none());
    assert_eq!(db.tables(&usage).unwrap().len(), 3);
    assert!(View::new("", Vec::new(), "SELECT 1").is_err());
    assert!(View::new("v", vec!["a".into(), "a".into()], "SELECT 1, 2").is_err());
    let long = "x".repeat(VIEW_BYTES_MAX + 1);
    assert_eq!(View::new("v", Vec::new(), &long).unwrap_err().kind(), ErrorKind::Limit);
}

fn a_name_is_a_table_or_a_view(stores: Stores<'_>) {
    let (_, db) = fresh(stores);
    let usage = Usage::default();
    db.create_table(table("t"), false, &usage).unwrap();
    db.create_view(view("v", "SELECT 1"), Existing::Refuse, &usage).unwrap();
    for existing in [Existing::Refuse, Existing::Replace] {
        for name in ["t", "things", "relationships"] {
            let e = db.create_view(view(name, "SELECT 1"), existing, &usage).unwrap_err();
            assert!(matches!(e, Error::TableExists { .. }), "{name}: {e}");
        }
    }
    assert!(!db.create_view(view("t", "SELECT 1"), Existing::Keep, &usage).unwrap());
    let e = db.create_table(table("v"), false, &usage).unwrap_err();
    assert!(matches!(e, Error::ViewExists { .. }), "{e}");
    assert!(!db.create_table(table("v"), true, &usage).unwrap());
    let e = db.alter_table("t", Alter::RenameTable { to: "v".into() }, &usage).unwrap_err();
    assert!(matches!(e, Error::ViewExists { .. }), "{e}");
    let e = db.drop_view("t", true, &usage).unwrap_err();
    assert!(e.to_string().contains("is a table"), "{e}");
    assert!(db.table("t", &usage).is_ok() && db.view("v", &usage).unwrap().is_some());
}

fn a_view_costs_what_a_table_costs(stores: Stores<'_>) {
    let (store, db) = fresh(stores);
    let usage = Usage::default();
    let written = |db: &Db| metered(db).written;
    let before = written(&db);
    db.create_table(table("t"), false, &usage).unwrap();
    let of_table = written(&db) - before;
    db.create_view(view("v", "SELECT 1"), Existing::Refuse, &usage).unwrap();
    assert_eq!(written(&db) - before - of_table, of_table);
    // To look for a view takes the catalog row, and none for the tables that always exist.
    let db = open(&store, &Options::default());
    assert!(db.view("things", &usage).unwrap().is_none());
    assert_eq!(metered(&db).read, 0);
    assert!(db.view("v", &usage).unwrap().is_some() && db.view("t", &usage).unwrap().is_none());
    assert_eq!(metered(&db).read, 1);
}

fn a_view_is_no_table(stores: Stores<'_>) {
    let (_, db) = fresh(stores);
    let usage = Usage::default();
    db.create_view(view("v", "SELECT 1"), Existing::Refuse, &usage).unwrap();
    let rows = arrow_array::RecordBatch::try_from_iter([("k", strings(["x"]))]).unwrap();
    let refusals = [
        db.table("v", &usage).map(|_| ()),
        db.snapshot("v", &usage).map(|_| ()),
        now(db.insert("v", &rows, &usage)).map(|_| ()),
        now(db.mutate("v", Vec::new(), None, &usage)).map(|_| ()),
        now(db.truncate("v", &usage)).map(|_| ()),
        db.drop_table("v", true, &usage).map(|_| ()),
        db.alter_table("v", Alter::DropColumn { name: "a".into() }, &usage),
    ];
    for (at, refusal) in refusals.into_iter().enumerate() {
        let e = refusal.unwrap_err();
        assert!(matches!(&e, Error::IsView { name } if name == "v"), "{at}: {e}");
    }
    assert!(!db.tables(&usage).unwrap().iter().any(|def| def.name == "v"));
    now(db.insert("things", &things(&numbered(0..3)), &usage)).unwrap();
    let report = now(db.verify(&usage)).unwrap();
    assert_eq!((report.tables, report.faults), (2, Vec::new()));
    assert!(db.view("v", &usage).unwrap().is_some());
}

/// It would write the catalog without them. Without views it is what it was before there were any.
fn an_older_program_does_not_read_a_catalog_with_views(_: Stores<'_>) {
    let mut catalog = Catalog::empty().unwrap();
    catalog.create(table("t")).unwrap();
    let without = catalog.encode().unwrap();
    assert_eq!(without[4], 1);
    catalog.create_view(view("v", "SELECT 1"), false).unwrap();
    let with = catalog.encode().unwrap();
    assert_eq!(with[4], CATALOG_WITH_VIEWS);
    let read = Catalog::decode(&with).unwrap();
    assert_eq!(read.views.keys().collect::<Vec<_>>(), ["v"]);
    assert!(read.tables.contains_key("t"));
    catalog.drop_view("v").unwrap();
    assert_eq!(catalog.encode().unwrap(), without);
    // Of other rows a second version is unknown here too.
    let mut head = seal(Magic::Head, b"payload");
    head[4] = CATALOG_WITH_VIEWS;
    assert!(crate::frame::open(Magic::Head, "a head", &head).is_err());
    let mut later = with.clone();
    later[4] = CATALOG_WITH_VIEWS + 1;
    assert!(Catalog::decode(&later).unwrap_err().to_string().contains("reads up to 2"));
}

fn changes_of_a_table_are_all_made_or_none(stores: Stores<'_>) {
    let (store, db) = fresh(stores);
    let usage = Usage::default();
    db.create_table(table("t"), false, &usage).unwrap();
    let add = |name: &str| Alter::AddColumn { name: name.into(), ty: ColumnType::Int64 };
    let names = |db: &Db, table: &str| -> Vec<String> {
        let def = db.table(table, &usage).unwrap();
        def.schema.columns().iter().map(|column| column.name.clone()).collect()
    };
    let missing = Alter::DropColumn { name: "nope".into() };
    assert!(db.alter_table_all("t", vec![add("a"), missing], &usage).is_err());
    assert_eq!(names(&db, "t"), ["k"]);
    let rename = Alter::RenameColumn { from: "a".into(), to: "b".into() };
    let changes = vec![add("a"), rename, Alter::RenameTable { to: "u".into() }, add("c")];
    db.alter_table_all("t", changes, &usage).unwrap();
    for db in [db, open(&store, &Options::default())] {
        assert_eq!(names(&db, "u"), ["k", "b", "c"]);
        assert!(db.table("t", &usage).is_err());
    }
}
