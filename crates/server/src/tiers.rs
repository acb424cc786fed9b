//! `/v1/flush` and `/v1/compact`: the jobs of the warm tier by hand, a bounded piece of work a
//! request. Not here: the jobs (`dodb-engine`).

use dodb_engine::{FlushScope, JobBudget};
use http::Method;
use serde_json::json;

use crate::error::Error;
use crate::server::{Call, Reply, Server};

/// Commits in one request: each is some requests to the bucket, of which a Worker may make 1,000.
const STEPS_MAX: usize = 8;
/// Merges in one request.
const MERGES_MAX: usize = 32;

/// Moves rows to the bucket: of `?table=`, or of all tables. `more`: ask again.
pub(crate) async fn flush(server: &Server, call: &Call) -> Result<Reply, Error> {
    check(call, "/v1/flush")?;
    let db = server.session.db();
    let (mut rows, mut files, mut bytes, mut steps) = (0, 0, 0, 0);
    for table in tables(server, call)? {
        loop {
            if steps == STEPS_MAX {
                return Ok(flushed(rows, files, bytes, true));
            }
            let step = db.flush_step(&table, FlushScope::All, &call.usage).await?;
            steps += usize::from(step.rows > 0);
            rows += step.rows;
            files += step.files;
            bytes += step.bytes;
            if !step.more {
                break;
            }
        }
    }
    Ok(flushed(rows, files, bytes, false))
}

fn flushed(rows: u64, files: u64, bytes: u64, more: bool) -> Reply {
    Reply::json(&json!({ "rows": rows, "files": files, "bytes": bytes, "more": more }))
}

/// Folds, merges and tidies files. `more`: ask again.
pub(crate) async fn compact(server: &Server, call: &Call) -> Result<Reply, Error> {
    check(call, "/v1/compact")?;
    let db = server.session.db();
    let budget = JobBudget { steps_max: MERGES_MAX, thorough: true };
    let merged = db.run_jobs(&budget, &call.usage)?;
    let (mut replaced, mut written, mut deletes, mut steps) = (0, 0, 0, 0);
    let mut more = merged.more;
    for table in tables(server, call)? {
        while !more {
            if steps == STEPS_MAX {
                more = true;
                break;
            }
            let step = db.compact_step(&table, true, &call.usage).await?;
            steps += 1;
            replaced += step.files_replaced;
            written += step.files_written;
            deletes += step.delete_files;
            if !step.more {
                break;
            }
        }
    }
    Ok(Reply::json(&json!({
        "folds": merged.folds,
        "merges": merged.merges,
        "rows_rewritten": merged.rows_rewritten,
        "files_replaced": replaced,
        "files_written": written,
        "delete_files": deletes,
        "more": more,
    })))
}

fn check(call: &Call, path: &str) -> Result<(), Error> {
    if call.method != Method::POST {
        return Err(Error::bad_request(format!("{path} takes POST")));
    }
    call.params.only(&["table"])
}

fn tables(server: &Server, call: &Call) -> Result<Vec<String>, Error> {
    let db = server.session.db();
    match call.params.get("table") {
        Some(name) => Ok(vec![db.table(name, &call.usage)?.name.clone()]),
        None => Ok(db.tables(&call.usage)?.iter().map(|def| def.name.clone()).collect()),
    }
}
