//! The tour: questions about the flights, each on a database opened a moment before, beside the
//! same question to row-per-record tables. Not here: the SQL of those ([`super::statements`]).

use dodb_rowstore::Statement;

use super::home::Home;
use super::rowcost::RowStorage;
use super::{print, statements};
use crate::cost::Cost;
use crate::error::Result;

/// A question.
struct Stop {
    title: &'static str,
    sql: &'static str,
    row_sql: &'static Statement,
}

/// A question with its answers.
#[derive(Clone)]
pub struct Visited {
    /// What was asked, in words.
    pub title: &'static str,
    /// What was asked.
    pub sql: &'static str,
    /// dodb's answer: rows of texts.
    pub answer: Vec<Vec<String>>,
    /// What it cost.
    pub cost: Cost,
    /// How long it took, opening apart.
    pub seconds: f64,
    /// What plain SQLite answered.
    pub row_answer: Vec<Vec<String>>,
    /// What that cost.
    pub row_cost: Cost,
    /// How long that took.
    pub row_seconds: f64,
}

const STOPS: [Stop; 13] = [
    Stop { title: "all things", sql: "SELECT count(*) FROM things", row_sql: &statements::COUNT },
    Stop {
        title: "flights",
        sql: "SELECT count(*) FROM things WHERE type = 'Flight'",
        row_sql: &statements::FLIGHTS,
    },
    Stop {
        title: "airlines",
        sql: "SELECT count(*) FROM things WHERE type = 'Airline'",
        row_sql: &statements::AIRLINES,
    },
    Stop {
        title: "things by type",
        sql: "SELECT type, count(*) FROM things GROUP BY type ORDER BY type",
        row_sql: &statements::BY_TYPE,
    },
    Stop {
        title: "first and last",
        sql: "SELECT min(createdAt), max(createdAt) FROM things",
        row_sql: &statements::TIMES,
    },
    Stop {
        title: "one thing by id",
        sql: "SELECT data.name FROM things WHERE id = 'airline/UA'",
        row_sql: &statements::BY_ID,
    },
    Stop {
        title: "one airport by name",
        sql: "SELECT id FROM things WHERE data.name = 'La Guardia'",
        row_sql: &statements::BY_NAME,
    },
    Stop {
        title: "United's flights",
        sql: "SELECT count(*) FROM things WHERE type = 'Flight' AND data.carrier = 'UA'",
        row_sql: &statements::BY_PATH,
    },
    Stop {
        title: "latest carriers",
        sql: "SELECT data.carrier AS carrier, round(avg(data.dep_delay), 2) AS delay \
              FROM things WHERE type = 'Flight' GROUP BY carrier ORDER BY delay DESC LIMIT 3",
        row_sql: &statements::DELAYS,
    },
    Stop {
        title: "the 4th of July",
        sql: "SELECT count(*) FROM things \
              WHERE createdAt >= '2013-07-04' AND createdAt < '2013-07-05'",
        row_sql: &statements::RANGE,
    },
    Stop {
        title: "flights of a plane",
        sql: "SELECT count(*) FROM relationships \
              WHERE toId = 'plane/N14228' AND type = 'OPERATED_WITH'",
        row_sql: &statements::PLANE,
    },
    Stop {
        title: "reached from Newark",
        sql: "SELECT count(DISTINCT a.toId) FROM relationships d \
              JOIN relationships a ON a.fromId = d.fromId \
              WHERE d.toId = 'airport/EWR' AND d.type = 'DEPARTS_FROM' AND a.type = 'ARRIVES_AT'",
        row_sql: &statements::HOP,
    },
    Stop {
        title: "largest carriers",
        sql: "SELECT toId, count(*) AS flights FROM relationships WHERE type = 'OPERATED_BY' \
              GROUP BY toId ORDER BY flights DESC LIMIT 3",
        row_sql: &statements::CARRIERS,
    },
];

/// Asks everything and prints each answer as it comes.
pub fn run(home: &Home, rows: &RowStorage) -> Result<Vec<Visited>> {
    let mut visited = Vec::new();
    for stop in &STOPS {
        let (answer, cost, seconds) = home.ask(stop.sql)?;
        let (row_answer, row_cost, row_seconds) = rows.query(stop.row_sql)?;
        let stop = Visited {
            title: stop.title,
            sql: stop.sql,
            answer,
            cost,
            seconds,
            row_answer,
            row_cost,
            row_seconds,
        };
        print::stop(&stop)?;
        visited.push(stop);
    }
    Ok(visited)
}

/// Asks dodb everything again; what plain SQLite said stays.
pub fn again(home: &Home, before: &[Visited]) -> Result<Vec<Visited>> {
    let mut visited = Vec::new();
    for stop in before {
        let (answer, cost, seconds) = home.ask(stop.sql)?;
        let stop = Visited { answer, cost, seconds, ..stop.clone() };
        print::stop(&stop)?;
        visited.push(stop);
    }
    Ok(visited)
}

/// How many answers are not the same on both sides.
pub fn disagreements(stops: &[Visited]) -> usize {
    stops.iter().filter(|stop| !stop.agrees()).count()
}

impl Visited {
    /// Did both sides answer the same? Numbers may differ in their last digits.
    pub fn agrees(&self) -> bool {
        let same_cell = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
            _ => a == b,
        };
        let same_row = |(a, b): (&Vec<String>, &Vec<String>)| {
            a.len() == b.len() && a.iter().zip(b).all(same_cell)
        };
        self.answer.len() == self.row_answer.len()
            && self.answer.iter().zip(&self.row_answer).all(same_row)
    }

    /// The answer on one line.
    pub fn answer_line(&self) -> String {
        let rows: Vec<String> = self.answer.iter().map(|row| row.join(" ")).collect();
        rows.join(", ")
    }
}
