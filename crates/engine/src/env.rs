//! What the database asks of the world besides rows: the time, random bytes, and a turn of the
//! host's event loop. Native code and the Worker each supply them. Not here: anything that can be
//! derived.

use std::pin::Pin;

/// A wait for the host to serve others.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

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
    /// On a host with one thread: the wait that lets other requests come as far as this one, so
    /// that they share its commit. None where threads do that.
    fn turn(&self) -> Option<Turn> {
        None
    }
    /// Bytes of memory this process or isolate has taken, where the host tells.
    fn memory_bytes(&self) -> Option<u64> {
        None
    }
}
