//! The suites of the engine and of parts, one case to a request: a case that fails panics, which
//! ends the instance, and the request then names it. Not here: those of the row store and of R2.

use std::sync::Arc;

use dodb_engine::testing as engine;
use dodb_part::testing as part;
use dodb_rowstore::{Flow, RowExec, RowStore, Statement};
use worker::State;

use crate::rows::SqlRows;

/// What leaves an object's storage as it was before the engine first wrote to it.
const EMPTY: [Statement; 7] = [
    Statement { name: "test_empty_head", sql: "DROP TABLE IF EXISTS _head" },
    Statement { name: "test_empty_parts", sql: "DROP TABLE IF EXISTS _parts" },
    Statement { name: "test_empty_ids", sql: "DROP TABLE IF EXISTS _ids" },
    Statement { name: "test_empty_manifest", sql: "DROP TABLE IF EXISTS _manifest" },
    Statement { name: "test_empty_postings", sql: "DROP TABLE IF EXISTS _postings" },
    Statement { name: "test_empty_footers", sql: "DROP TABLE IF EXISTS _footers" },
    Statement { name: "test_empty_stats", sql: "DROP TABLE IF EXISTS _stats" },
];
/// Steps of a run that is asked for by its seed.
const STEPS: usize = 60;

/// Answers `engine/...` and `part/...`; `None` if there is no such case. The bare name of a crate
/// lists its cases. `engine/seed/N` runs random operations from another seed.
///
/// What the object's storage held is gone afterwards: ask a database that is used for nothing else.
pub(super) fn answer(path: &str, state: &State) -> Option<String> {
    let stores = || emptied(state);
    let passed = |is_there: bool| is_there.then(|| "passed".to_owned());
    match path.split_once('/') {
        None if path == "engine" => Some(engine::names().join("\n")),
        None if path == "part" => Some(part::names().join("\n")),
        Some(("part", case)) => passed(part::run(case)),
        Some(("engine", case)) => {
            let seed = case.strip_prefix("seed/").and_then(|seed| seed.parse().ok());
            match seed {
                Some(seed) => {
                    engine::run_model(seed, STEPS, &stores);
                    passed(true)
                }
                None => passed(engine::run(case, &stores)),
            }
        }
        _ => None,
    }
}

/// The object's own storage with nothing in it.
fn emptied(state: &State) -> Arc<dyn RowStore> {
    let rows = SqlRows::new(state.storage().as_raw().as_ref()).expect("the object has a SQLite");
    for statement in &EMPTY {
        rows.exec(statement, &[], &mut |_| Flow::Continue).expect("a table can be dropped");
    }
    Arc::new(rows)
}
