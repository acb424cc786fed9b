//! The databases beside one: a store in which none was opened is told from one in which one was,
//! and the list of their names outlives what memory holds.

use super::Stores;
use super::support::*;
use dodb_engine::{Db, ErrorKind, Options};
use dodb_rowstore::{Metered, Usage};

cases![asking_whether_there_is_one_makes_none, names_stay_on_the_list];

fn asking_whether_there_is_one_makes_none(stores: Stores<'_>) {
    let store = stores();
    let rows = Metered::new(Box::new(store.clone()));
    let bytes = rows.bytes().unwrap();
    assert!(!Db::is_made(&rows).unwrap());
    assert!(!Db::is_made(&rows).unwrap());
    assert_eq!(rows.bytes().unwrap(), bytes, "asking writes nothing");
    // Opened and no more, as releases before left a database that was only asked.
    drop(open(&store, &Options::default()));
    assert!(Db::is_made(&rows).unwrap());
    let billed = rows.totals().iter().map(|(_, _, rows)| rows.read + rows.written).sum::<u64>();
    assert_eq!(billed, 0, "asking costs no row");
}

fn names_stay_on_the_list(stores: Stores<'_>) {
    let store = stores();
    let db = open(&store, &Options::default());
    let usage = Usage::default();
    assert!(db.listed_databases(&usage).unwrap().is_empty());
    for (name, is_new) in [("b", true), ("a", true), ("b", false)] {
        assert_eq!(db.list_database(name, &usage).unwrap(), is_new, "{name}");
    }
    assert_eq!(usage.rows_written(), 2, "a row for each name");
    let attached = db.detach("c", false, &usage).unwrap_err();
    assert_eq!(attached.kind(), ErrorKind::NotFound);
    db.forget();
    assert_eq!(db.listed_databases(&usage).unwrap(), ["a", "b"]);
    let db = open(&store, &Options::default());
    assert_eq!(db.listed_databases(&usage).unwrap(), ["a", "b"]);
    assert!(!db.list_database("a", &usage).unwrap());
}
