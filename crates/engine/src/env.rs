//! What the database asks of the world besides rows: the time and random bytes. Native code and the
//! Worker each supply one. Not here: anything that can be derived.

/// The clock and the dice, passed in so that the engine runs the same everywhere and in tests.
pub trait Env: Send + Sync {
    /// Microseconds since 1970-01-01 UTC.
    fn now_us(&self) -> i64;
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64 {
        self.now_us().div_euclid(1_000)
    }
    /// Random bytes good enough for identifiers.
    fn random(&self) -> [u8; 16];
}
