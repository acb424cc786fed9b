//! What a request cost, as `X-Dodb-Cost` has it and as a line for people. Not here: the prices.

use std::fmt;

use dodb_engine::PRICES;
use dodb_rowstore::UsageCounts;
use serde::Deserialize;

/// Rows and objects of one request, and their price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Rows read.
    pub rows_read: u64,
    /// Rows written.
    pub rows_written: u64,
    /// Objects read.
    pub object_gets: u64,
    /// Objects written.
    pub object_puts: u64,
    /// Bytes of objects moved.
    pub object_bytes: u64,
    /// Dollars.
    pub usd: f64,
}

impl Cost {
    /// What the meter counted.
    pub fn of(counts: &UsageCounts) -> Cost {
        Cost {
            rows_read: counts.rows_read,
            rows_written: counts.rows_written,
            object_gets: counts.object_gets,
            object_puts: counts.object_puts,
            object_bytes: counts.object_bytes,
            usd: PRICES.usd(counts),
        }
    }

    /// What a server said in its header; nothing if it said nothing.
    pub fn of_header(text: Option<&str>) -> Cost {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Adds another request's.
    pub fn add(&mut self, other: &Cost) {
        self.rows_read += other.rows_read;
        self.rows_written += other.rows_written;
        self.object_gets += other.object_gets;
        self.object_puts += other.object_puts;
        self.object_bytes += other.object_bytes;
        self.usd += other.usd;
    }

    /// Takes an earlier reading of the same meter away.
    pub fn subtract(&mut self, earlier: &Cost) {
        self.rows_read = self.rows_read.saturating_sub(earlier.rows_read);
        self.rows_written = self.rows_written.saturating_sub(earlier.rows_written);
        self.object_gets = self.object_gets.saturating_sub(earlier.object_gets);
        self.object_puts = self.object_puts.saturating_sub(earlier.object_puts);
        self.object_bytes = self.object_bytes.saturating_sub(earlier.object_bytes);
        self.usd = (self.usd - earlier.usd).max(0.0);
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows read, {} rows written, {} objects read, {} objects written, {} bytes, {}",
            self.rows_read,
            self.rows_written,
            self.object_gets,
            self.object_puts,
            self.object_bytes,
            usd(self.usd)
        )
    }
}

/// Dollars, with as many digits as a small sum needs.
pub fn usd(value: f64) -> String {
    match value {
        0.0 => "$0".to_owned(),
        v if v.abs() >= 1.0 => format!("${v:.2}"),
        v if v.abs() >= 0.001 => format!("${v:.5}"),
        v => format!("${v:.9}"),
    }
}

/// A whole number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the largest unit of 1,000 that fits.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 1_000.0 {
            break;
        }
        value /= 1_000.0;
        unit = next;
    }
    if unit == UNITS[0] { format!("{count} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::{Cost, bytes, grouped, usd};

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_344_592), "1,344,592");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(usd(0.0), "$0");
        assert_eq!(usd(0.000000001), "$0.000000001");
        assert_eq!(usd(0.0123), "$0.01230");
        assert_eq!(usd(12.0), "$12.00");
    }

    #[test]
    fn the_header_is_read_back() {
        let text = "{\"rows_read\":3,\"rows_written\":2,\"object_gets\":0,\"object_puts\":0,\
                    \"object_bytes\":0,\"usd\":0.000002003000}";
        let cost = Cost::of_header(Some(text));
        assert_eq!((cost.rows_read, cost.rows_written), (3, 2));
        assert!((cost.usd - 0.000002003).abs() < 1e-15);
        assert_eq!(Cost::of_header(Some("no")), Cost::default());
    }
}
