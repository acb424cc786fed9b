//! The clock and the dice of a native process, the only place that asks the system for them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dodb_engine::Env;

/// The system's clock and random bytes.
#[derive(Debug, Default)]
pub struct NativeEnv;

impl Env for NativeEnv {
    fn now_us(&self) -> i64 {
        #[allow(clippy::disallowed_methods, reason = "this is where the time is passed in from")]
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
        }
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if let Err(e) = getrandom::fill(&mut bytes) {
            // Identifiers need to differ, not to be secret.
            tracing::error!("the system has no random bytes ({e}); identifiers use the time");
            let now = u128::from(self.now_us().unsigned_abs()) << 64;
            bytes = now.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
        }
        bytes
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[allow(clippy::disallowed_methods, reason = "this is where the time is passed in from")]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
