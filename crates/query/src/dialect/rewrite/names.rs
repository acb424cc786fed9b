//! ClickHouse functions that are another spelling of something DataFusion has. One row each: the
//! call, what it becomes, an example and its answer. Tests run every example, and `docs/sql.md`
//! is made from this table.

mod aggregates;
mod conversions;
mod dates;
mod strings;
mod values;

use aggregates::AGGREGATES;
use conversions::{CONDITIONS, CONVERSIONS};
use dates::DATES;
use strings::{JSON, STRINGS};
use values::{ARRAYS, NUMBERS};

/// One spelling. Parameters of `call` are replaced in `becomes` by the arguments.
#[derive(Debug)]
pub struct Spelling {
    /// As documented by ClickHouse: `name(a, b)`, or `name(p)(a)` with parameters.
    pub call: &'static str,
    /// SQL, with final function names.
    pub becomes: &'static str,
    /// An expression that uses it. `n` is a column with 1 to 10, one row each; `s` is the same
    /// numbers as text; `g` is `n % 3`.
    pub example: &'static str,
    /// Its value as text. For a scalar, the value in the first row.
    pub answer: &'static str,
}

const fn row(
    call: &'static str,
    becomes: &'static str,
    example: &'static str,
    answer: &'static str,
) -> Spelling {
    Spelling { call, becomes, example, answer }
}

/// Every spelling, by subject: `system.functions` and the documentation read this.
pub fn spellings() -> &'static [(&'static str, &'static [Spelling])] {
    SPELLINGS
}

/// Every spelling, by subject.
pub(super) const SPELLINGS: &[(&str, &[Spelling])] = &[
    ("Aggregates", AGGREGATES),
    ("Conditions and NULL", CONDITIONS),
    ("Conversions", CONVERSIONS),
    ("Dates and times", DATES),
    ("Strings", STRINGS),
    ("Arrays", ARRAYS),
    ("Numbers", NUMBERS),
    ("JSON text", JSON),
];
