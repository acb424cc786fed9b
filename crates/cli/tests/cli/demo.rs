//! The tour of `make demo` on a small invented year of flights.

use crate::command::{Place, dodb, exists, gzip};

const CARRIERS: [&str; 3] = ["UA", "B6", "EV"];
const AIRPORTS: [&str; 4] = ["EWR", "LGA", "IAH", "BOS"];

/// `rows` as things of a type, one a line.
fn things(kind: &str, rows: impl Iterator<Item = (String, String, u64)>) -> String {
    let lines = rows.map(|(id, data, created)| {
        format!("{{\"id\":\"{id}\",\"type\":\"{kind}\",\"data\":{data},\"createdAt\":{created}}}\n")
    });
    lines.collect()
}

fn write_flights(place: &Place) -> String {
    let folder = place.path("flights");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(format!("{name}.ndjson.gz")), gzip(text.as_bytes())).unwrap();
    };
    let year = 1_356_998_400_000u64;
    let named = |kind: &'static str, names: &'static [&'static str]| {
        names
            .iter()
            .map(move |name| (format!("{kind}/{name}"), format!("{{\"name\":\"{name} é\"}}"), year))
    };
    write("airlines", things("Airline", named("airline", &CARRIERS)));
    write("airports", things("Airport", named("airport", &AIRPORTS)));
    write("planes", things("Plane", named("plane", &["N14228", "N2"])));
    write("weather", things("Weather", named("weather", &["EWR-1"])));
    // One flight in seven never left: it has no delay.
    let flights = (0..2_500u64).map(|n| {
        let carrier = CARRIERS[(n * n % 3) as usize];
        let delay = if n % 7 == 0 {
            String::new()
        } else {
            format!(",\"dep_delay\":{}", n % 50 + n * n % 3 * 10)
        };
        let data = format!("{{\"carrier\":\"{carrier}\"{delay}}}");
        (format!("flight/{n}"), data, year + n * 12_345_678)
    });
    write("flights", things("Flight", flights));
    let links = (0..2_500u64).flat_map(|n| {
        let ends = [
            ("plane/N14228".to_owned(), "OPERATED_WITH"),
            (format!("airport/{}", AIRPORTS[(n % 2) as usize]), "DEPARTS_FROM"),
            (format!("airport/{}", AIRPORTS[(n % 3 + 1) as usize]), "ARRIVES_AT"),
            (format!("airline/{}", CARRIERS[(n * n % 3) as usize]), "OPERATED_BY"),
        ];
        ends.map(|(to, kind)| {
            format!(
                "{{\"fromId\":\"flight/{n}\",\"toId\":\"{to}\",\"type\":\"{kind}\",\
                 \"createdAt\":{year}}}\n"
            )
        })
    });
    write("relationships", links.collect());
    folder.to_str().unwrap().to_owned()
}

#[test]
fn the_tour_agrees_with_plain_sqlite() {
    let place = Place::new();
    let (data, flights) = (place.data(), write_flights(&place));
    let run = dodb(&["demo", "--data", &data, "--flights", &flights]);
    assert!(!run.err.contains("differ"), "{} {}", run.err, run.out);
    let out = run.ok();
    assert!(out.contains("\n2500 flights, 3 airlines\n"), "{out}");
    assert!(!out.contains("plain SQLite says otherwise"), "{out}");
    // Each row of a table with three indexes and a key is five rows written.
    let things = out.lines().find(|line| line.starts_with("things ")).unwrap_or(&out);
    assert!(things.contains("12,550") && things.contains("5000.00"), "{things}");
    assert!(out.contains("Stored: dodb ") && out.contains("serve --data"), "{out}");
    // Everything went to the bucket, and the answers there are the same.
    assert!(out.contains("  12,510 rows in "), "{out}");
    let (_, warm) = out.split_once("Reading: the tour on rows in the bucket").unwrap();
    let objects = |title: &str| {
        let line = warm.lines().find(|line| line.contains(title)).unwrap();
        let cells = line.split("  ").filter(|cell| !cell.trim().is_empty());
        cells.map(|cell| cell.trim().to_owned()).nth(3).unwrap()
    };
    // Averages are in no index; counts are.
    assert_ne!(objects("latest carriers"), "0", "{warm}");
    assert_eq!(objects("United's flights"), "0", "{warm}");
    let said = dodb(&["demo", "--data", &data, "--flights", &flights]).failed();
    assert!(said.contains("start with an empty --data"), "{said}");
    let empty = Place::new();
    let said = dodb(&["demo", "--data", &empty.data(), "--flights", &empty.data()]).failed();
    assert!(said.contains("demo/prepare.py"), "{said}");
    assert!(!exists(empty.data()));
}
