//! How much memory an import may take, and what that leaves for each thing that takes some. Not
//! here: the things.

use std::str::FromStr;

use dodb_engine::Options;

/// Bytes for the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(u64);

/// What is there whatever the sizes below: code, SQLite, compressors, what the allocator holds on
/// to. Measured: imports with the least sizes peaked at 130 to 195 MiB.
const PROGRAM_BYTES: u64 = 192 << 20;
/// With less the rest is too small for batches worth storing.
const BYTES_MIN: u64 = PROGRAM_BYTES + (64 << 20);
/// Units, the longest first.
const UNITS: [(&str, u64); 7] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

impl Memory {
    /// What the sizes below share.
    fn shared(self) -> u64 {
        self.0.saturating_sub(PROGRAM_BYTES)
    }

    /// Bytes of records in a batch. One is being read, some wait, one is being stored, and each is
    /// there as text, as columns and, while it is stored, encoded: about eight times this, a
    /// quarter of what is shared.
    pub fn batch_bytes_max(self) -> usize {
        usize::try_from(self.shared() / 32).unwrap_or(usize::MAX).min(32 << 20)
    }

    /// The engine's sizes. A quarter is for parts kept in memory. A merge reads as much as one part
    /// has, of which a table with an order holds all rows decoded, about eight times as large:
    /// again a quarter. The last quarter is for what grows with the table: id filters, the list of
    /// parts.
    pub fn options(self) -> Options {
        let native = Options::native();
        let wide = (self.shared() / 32).clamp(native.compact_bytes_max, native.wide_bytes_max);
        Options {
            cache_bytes_max: usize::try_from(self.shared() / 4).unwrap_or(usize::MAX),
            wide_bytes_max: wide,
            ..native
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Memory(1 << 30)
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = bytes(text)?;
        if bytes < BYTES_MIN {
            return Err(format!("{text} is too little; the least is {} MiB", BYTES_MIN >> 20));
        }
        Ok(Memory(bytes))
    }
}

/// Reads a size: `512MiB`, `2GB`, `0`.
///
/// # Errors
/// It is none.
pub fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(unit, bytes)| Some((lower.strip_suffix(unit)?, *bytes)));
    let (number, unit) = unit.unwrap_or((&lower, 1));
    let number = number.trim().parse::<u64>();
    let number = number.map_err(|_| format!("{text:?} is no size; write it as 512MiB or 2GB"))?;
    Ok(number.saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_their_units() {
        for (text, bytes) in [
            ("268435456", 256 << 20),
            ("256MiB", 256 << 20),
            ("256 mib", 256 << 20),
            ("300MB", 300_000_000),
            ("2GiB", 2 << 30),
            ("1gb", 1_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Memory(bytes)), "{text}");
        }
        for text in ["", "MiB", "1.5GB", "-1GB", "255MiB", "10 cows", "18446744073709551616"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_given_out_stays_below_the_limit() {
        for bytes in [BYTES_MIN, 300_000_000, 1 << 30, 1 << 40] {
            let memory = Memory(bytes);
            let options = memory.options();
            let batches = 8 * memory.batch_bytes_max() as u64;
            let merge = 8 * options.wide_bytes_max;
            let all = PROGRAM_BYTES + batches + merge + options.cache_bytes_max as u64;
            assert!(all <= bytes, "{bytes}");
        }
    }
}
