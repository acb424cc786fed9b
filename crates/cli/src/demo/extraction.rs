//! A path of JSON before and after it is extracted: the same documents in a table that may extract
//! none, and in one that does as it likes. Not here: the tour of the real tables.

use super::home::Home;
use crate::error::{Error, Result};

/// Flights that are copied: as many as fit in one statement of a Worker.
const DOCUMENTS: usize = 20_000;
/// What is asked of both tables.
const QUERY: &str = "SELECT doc.carrier, round(avg(doc.dep_delay), 2), count() FROM {table} \
                     WHERE doc.distance > 1000 GROUP BY doc.carrier ORDER BY 3 DESC, 1";

/// One of the tables.
pub struct Reading {
    /// What its paths are stored as.
    pub title: &'static str,
    /// Rows read, on a database opened a moment before.
    pub rows_read: u64,
    /// Bytes of the segments that were decoded.
    pub bytes_decoded: u64,
    /// How long the query took.
    pub seconds: f64,
}

/// Asks both tables; their answers are the same.
pub fn run(home: &Home) -> Result<Vec<Reading>> {
    let mut answers = Vec::new();
    let mut readings = Vec::new();
    for (title, table, ty) in [
        ("before: rest, with the documents", "paths_before", "JSON(max_dynamic_paths=0)"),
        ("after: a subcolumn for each path", "paths_after", "JSON"),
    ] {
        home.ask(&format!("CREATE TABLE {table} (doc {ty})"))?;
        home.ask(&format!(
            "INSERT INTO {table} SELECT data FROM things WHERE type = 'Flight' \
             ORDER BY id LIMIT {DOCUMENTS}"
        ))?;
        let query = QUERY.replace("{table}", table);
        let (answer, cost, seconds) = home.ask(&query)?;
        let (plan, ..) = home.ask(&format!("EXPLAIN ANALYZE {query}"))?;
        let rows_read = cost.rows_read;
        readings.push(Reading { title, rows_read, bytes_decoded: decoded(&plan)?, seconds });
        answers.push(answer);
        home.ask(&format!("DROP TABLE {table}"))?;
    }
    match answers.as_slice() {
        [before, after] if before == after => Ok(readings),
        _ => Err(Error::Failed("the path reads differently before and after extraction".into())),
    }
}

/// `bytes_decoded=N` of the only scan of a plan.
fn decoded(plan: &[Vec<String>]) -> Result<u64> {
    let lines = plan.iter().flatten();
    let found = lines.filter_map(|line| line.split_once("bytes_decoded=")).map(|(_, rest)| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    found
        .flatten()
        .reduce(|a, b| a + b)
        .ok_or_else(|| Error::Failed("EXPLAIN ANALYZE tells of no scan".into()))
}
