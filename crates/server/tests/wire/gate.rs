//! Whether tests may use the Worker at the same time: all but the one that ends its isolate, which
//! takes every object in it along.

use std::sync::{Condvar, Mutex};

/// How many tests use the Worker; -1 when one does alone.
static VISITS: Mutex<i64> = Mutex::new(0);
static CHANGED: Condvar = Condvar::new();

/// The right to use the Worker until this is dropped.
pub struct Visit;

impl Visit {
    /// Beside others.
    pub fn shared() -> Visit {
        let mut visits = CHANGED.wait_while(VISITS.lock().unwrap(), |visits| *visits < 0).unwrap();
        *visits += 1;
        Visit
    }

    /// Alone.
    pub fn alone() -> Visit {
        let mut visits = CHANGED.wait_while(VISITS.lock().unwrap(), |visits| *visits != 0).unwrap();
        *visits = -1;
        Visit
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        // A test that failed leaves nothing half done here.
        let mut visits = VISITS.lock().unwrap_or_else(|broken| broken.into_inner());
        *visits = (*visits - 1).max(0);
        CHANGED.notify_all();
    }
}
