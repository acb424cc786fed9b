//! Asks every example of `docs/sql.md` of a server, natively and of the Worker: what is documented
//! has to hold of tables that are stored, in a session of a server. Not here: other spellings and
//! whole queries, which `dodb-query` tests over tables in memory.

use crate::support::{Home, homes, text};

/// As the examples know it: n from 1 to 10, s the same as text, g = n % 3, b = n > 5, and hours.
const NUMBERS: [&str; 2] = [
    "CREATE TABLE numbers (n Int64 NOT NULL, s String, g Int64, b Bool, ts DateTime64(3)) \
     ORDER BY n",
    "INSERT INTO numbers SELECT n, toString(n), n % 3, n > 5, \
     fromUnixTimestamp64Milli(1714979289250 + n * 3600000) \
     FROM (SELECT arrayJoin(range(1, 11)) AS n)",
];

/// The examples and their answers, of the tables `| call | example | answer |`.
fn documented() -> Vec<(String, String)> {
    let path = "../../docs/sql.md";
    let page = std::fs::read_to_string(path).unwrap();
    let (_, tables) = page.split_once("<!-- generated -->\n").unwrap();
    let row = |line: &str| {
        let row = line.strip_prefix("| `")?.strip_suffix("` |")?;
        let [_, example, answer] = row.split("` | `").collect::<Vec<_>>().try_into().ok()?;
        Some([example, answer].map(|cell: &str| cell.replace("\\|", "|")).into())
    };
    tables.lines().filter_map(row).collect()
}

async fn ask(home: &Home, sql: &str) -> String {
    let response = home.send("POST", "/", format!("{sql} FORMAT TabSeparatedRaw")).await;
    text(&response).trim_end_matches('\n').to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_example_gives_its_answer() {
    let examples = documented();
    assert!(examples.len() > 300, "{} examples", examples.len());
    for home in homes() {
        for sql in NUMBERS {
            let response = home.send("POST", "/", sql.to_owned()).await;
            assert!(response.status().is_success(), "{}", text(&response));
        }
        let mut wrong = Vec::new();
        for (example, answer) in &examples {
            let found =
                ask(&home, &format!("SELECT toString({example}) FROM numbers LIMIT 1")).await;
            let answer = if answer == "NULL" { "\\N" } else { answer };
            if found != answer {
                wrong.push(format!("{example} gives {found}, not {answer}"));
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", home.name(), wrong.join("\n"));
    }
}
