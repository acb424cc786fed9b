//! What only a build with the feature `testing` answers, under `/_test/`: the suites that must run
//! inside the runtime, and the levers that tests of the object pull. Not in a Worker that is
//! deployed.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may")]

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use dodb_engine::{Db, JobBudget, Usage};
use dodb_rowstore::conformance;
use dodb_server::{Error, Response as Answer};
use http::StatusCode;
use worker::{Env, State};

use crate::database::{BUCKET, HELD};
use crate::env::WorkerEnv;
use crate::r2::{self, R2Store};
use crate::rows::SqlRows;

mod suites;

/// Answers a request to `/_test/PATH`.
pub(crate) async fn answer(
    path: &str,
    state: &State,
    env: &Env,
    db: &Db,
    alarm_ms: &Cell<i64>,
) -> Result<Answer, Error> {
    let failed = |message| Error::Request { status: StatusCode::INTERNAL_SERVER_ERROR, message };
    let text = match path {
        // As if the object had just woken.
        "forget" => {
            db.forget();
            "forgotten".to_owned()
        }
        // Background work waits for `jobs`: an alarm that is set is not set again.
        "hold" => {
            alarm_ms.set(HELD);
            "held".to_owned()
        }
        "jobs" => jobs(db).map_err(failed)?,
        "verify" => verify(db).await.map_err(failed)?,
        "rows" => {
            let storage = state.storage();
            let rows =
                SqlRows::new(storage.as_raw().as_ref()).map_err(|e| failed(e.to_string()))?;
            let rows = Arc::new(rows);
            let passed = conformance::run(|| Box::new(rows.clone()));
            let passed = passed.map_err(|failures| failed(failures.to_string()))?;
            format!("{passed} cases passed")
        }
        "r2" => {
            let store = bucket(env).map_err(failed)?;
            r2::conformance::run(&store).await.map_err(failed)?.join("\n")
        }
        "object_store" => r2::integration::names().join("\n"),
        "panic" => std::panic::panic_any("a test asked for it"),
        _ => match one_case(path, state, env).await.map_err(failed)? {
            Some(passed) => passed,
            None => {
                let message = format!("no test is called {path}");
                return Err(Error::Request { status: StatusCode::NOT_FOUND, message });
            }
        },
    };
    let mut answer = http::Response::new(Bytes::from(format!("{text}\n")));
    answer.headers_mut().insert("x-dodb-cost", http::HeaderValue::from_static("{}"));
    Ok(answer)
}

/// A case that ends the instance if it fails; `None` if there is none of that name.
async fn one_case(path: &str, state: &State, env: &Env) -> Result<Option<String>, String> {
    match path.strip_prefix("object_store/") {
        Some(name) => {
            let is_there = r2::integration::run(name, &bucket(env)?).await?;
            Ok(is_there.then(|| "passed".to_owned()))
        }
        None => Ok(suites::answer(path, state)),
    }
}

fn bucket(env: &Env) -> Result<R2Store, String> {
    let bucket = env.bucket(BUCKET).map_err(|e| e.to_string())?;
    Ok(R2Store::new(bucket.as_ref(), Arc::new(WorkerEnv)))
}

/// All background work, now.
fn jobs(db: &Db) -> Result<String, String> {
    let budget = JobBudget { steps_max: usize::MAX, thorough: false };
    let report = db.run_jobs(&budget, &Usage::default()).map_err(|e| e.to_string())?;
    Ok(format!("{report:?}"))
}

async fn verify(db: &Db) -> Result<String, String> {
    let report = db.verify(&Usage::default()).await.map_err(|e| e.to_string())?;
    match report.faults.as_slice() {
        [] => Ok("no faults".to_owned()),
        faults => Err(format!("{faults:?}")),
    }
}
