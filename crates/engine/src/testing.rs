//! What holds of a database on every backend: it answers as a naive model does, survives failures
//! at any call and damage of any row, and costs the rows it may. Each case is a test natively, on
//! libSQL; a Worker built for tests calls [`run`] with its own SQLite. Cases assert by panicking
//! and need nothing but stores: no files, threads, clock or randomness, except those of
//! `concurrency`, which only a native build has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use std::sync::Arc;

use dodb_rowstore::RowStore;

/// Where stores come from. Each call hands out an empty one, which may be the one it handed out
/// before: a case is done with a store when it asks for the next.
pub type Stores<'a> = &'a dyn Fn() -> Arc<dyn RowStore>;

/// One case: ends, or panics with what was wrong.
struct Case {
    name: &'static str,
    run: fn(Stores<'_>),
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
                super::$name(&|| crate::testing::support::memory());
            })+
        }
    };
}

mod budget;
#[cfg(test)]
mod concurrency;
mod crash;
mod damage;
mod databases;
mod foreign;
mod index;
mod index_damage;
mod model;
mod support;
mod table_model;
mod views;
mod warm;

const SUITES: [(&str, &[Case]); 10] = [
    ("budget", budget::CASES),
    ("crash", crash::CASES),
    ("damage", damage::CASES),
    ("databases", databases::CASES),
    ("model", model::CASES),
    ("warm", warm::CASES),
    ("foreign", foreign::CASES),
    ("index", index::CASES),
    ("index_damage", index_damage::CASES),
    ("views", views::CASES),
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
pub fn run(name: &str, stores: Stores<'_>) -> bool {
    let Some((suite, case)) = name.split_once('/') else { return false };
    let mut cases = SUITES.iter().filter(|(name, _)| *name == suite).flat_map(|(_, cases)| *cases);
    let found = cases.find(|found| found.name == case);
    found.map(|found| (found.run)(stores)).is_some()
}

/// Random operations from a seed against the model, to look for more than the cases find.
///
/// # Panics
/// The database and the model differ.
pub fn run_model(seed: u64, steps: usize, stores: Stores<'_>) {
    model::run(stores, seed, steps, None);
}

/// A size that is smaller in WebAssembly, where everything takes longer.
const fn size(natively: usize, in_wasm: usize) -> usize {
    if cfg!(target_arch = "wasm32") { in_wasm } else { natively }
}
