//! What holds of parts wherever dodb runs: what goes in comes out, damage is noticed, files of
//! earlier versions can be read. Each case is a test natively; a Worker built for tests calls
//! [`run`]. Cases assert by panicking and need nothing but memory. Not here: tests of what the
//! crate does not show, which stand beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use proptest::test_runner::{Config, RngSeed};

/// One case: ends, or panics with what was wrong.
struct Case {
    name: &'static str,
    run: fn(),
}

/// The cases of a module, each of them a test where tests are built.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$(super::Case { name: stringify!($name), run: $name }),+];

        #[cfg(test)]
        mod native {
            $(#[test]
            fn $name() {
                super::$name();
            })+
        }
    };
}

mod corruption;
mod fixture;
mod generate;
mod json;
mod pruning_inputs;
mod round_trip;

const SUITES: [(&str, &[Case]); 5] = [
    ("corruption", corruption::CASES),
    ("fixture", fixture::CASES),
    ("json", json::CASES),
    ("pruning_inputs", pruning_inputs::CASES),
    ("round_trip", round_trip::CASES),
];

/// Every case, as `suite/case`.
pub fn names() -> Vec<String> {
    let name = |suite: &str, case: &Case| format!("{suite}/{}", case.name);
    SUITES.iter().flat_map(|(suite, cases)| cases.iter().map(|c| name(suite, c))).collect()
}

/// Runs the case of that name; false if there is none.
///
/// # Panics
/// The case fails.
pub fn run(name: &str) -> bool {
    let Some((suite, case)) = name.split_once('/') else { return false };
    let mut cases = SUITES.iter().filter(|(name, _)| *name == suite).flat_map(|(_, cases)| *cases);
    let found = cases.find(|found| found.name == case);
    found.map(|found| (found.run)()).is_some()
}

/// How a property is tried: natively `cases` times and others each time, what failed kept for the
/// next time; in WebAssembly, where there are no files, a quarter as often and always the same.
fn config(cases: u32) -> Config {
    match cfg!(target_arch = "wasm32") {
        false => Config { cases, ..Config::default() },
        true => Config {
            cases: cases.div_ceil(4),
            rng_seed: RngSeed::Fixed(2_026),
            failure_persistence: None,
            ..Config::default()
        },
    }
}
