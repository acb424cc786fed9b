//! What Cloudflare enforces in production and workerd on its own does not: requests in flight,
//! subrequests of an invocation, one write a second to a key. Whoever breaks one gets an error here
//! first, in tests too. Sources: the limits pages of Workers and of R2. Not here: R2 itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use dodb_engine::Env;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests that may wait for an answer at once; more wait their turn.
pub const IN_FLIGHT_MAX: usize = 6;
/// Requests of one invocation.
pub const SUBREQUESTS_MAX: u32 = 10_000;
/// The least time between two writes of a key.
const WRITE_PAUSE_MS: i64 = 1_000;

/// A limit that a request would break.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Broken {
    /// Too many requests in one invocation.
    #[error(
        "this invocation has made {max} requests, which is all that Cloudflare allows; \
         do less at once"
    )]
    Subrequests {
        /// The limit.
        max: u32,
    },
    /// A key is written too often.
    #[error(
        "{key} was written less than a second ago, and R2 takes one write a second of a key; \
         write each object under a name of its own"
    )]
    WriteRate {
        /// The key.
        key: String,
    },
}

/// The limits of one store.
pub struct Guard {
    env: Arc<dyn Env>,
    in_flight: Semaphore,
    subrequests: AtomicU32,
    /// When keys were last written, in milliseconds since 1970: those of the last second.
    written: Mutex<HashMap<String, i64>>,
    /// Whether keys may be written as often as one likes, by tests that were not written for R2.
    #[cfg(feature = "testing")]
    writes_freely: std::sync::atomic::AtomicBool,
}

impl Guard {
    /// Nothing asked yet.
    pub fn new(env: Arc<dyn Env>) -> Guard {
        Guard {
            env,
            in_flight: Semaphore::new(IN_FLIGHT_MAX),
            subrequests: AtomicU32::new(0),
            written: Mutex::default(),
            #[cfg(feature = "testing")]
            writes_freely: Default::default(),
        }
    }

    /// Looks away from how often a key is written, from now on.
    #[cfg(feature = "testing")]
    pub fn write_freely(&self) {
        self.writes_freely.store(true, Relaxed);
    }

    /// Another invocation begins: its subrequests are counted from none.
    pub fn begin(&self) {
        self.subrequests.store(0, Relaxed);
    }

    /// Waits until one more request may be in flight, which it is while the permit lives: hold it
    /// until the answer's headers are there.
    ///
    /// # Errors
    /// [`Broken::Subrequests`].
    pub async fn admit(&self) -> Result<Option<SemaphorePermit<'_>>, Broken> {
        let before = self.subrequests.fetch_add(1, Relaxed);
        if before >= SUBREQUESTS_MAX {
            self.subrequests.store(SUBREQUESTS_MAX, Relaxed);
            return Err(Broken::Subrequests { max: SUBREQUESTS_MAX });
        }
        // It is never closed.
        Ok(self.in_flight.acquire().await.ok())
    }

    /// Notes that `key` is about to be written.
    ///
    /// # Errors
    /// [`Broken::WriteRate`]; nothing is noted then.
    pub fn write(&self, key: &str) -> Result<(), Broken> {
        #[cfg(feature = "testing")]
        if self.writes_freely.load(Relaxed) {
            return Ok(());
        }
        let now = self.env.now_ms();
        let mut written = self.written.lock();
        written.retain(|_, at| now.saturating_sub(*at) < WRITE_PAUSE_MS);
        if written.contains_key(key) {
            return Err(Broken::WriteRate { key: key.to_owned() });
        }
        written.insert(key.to_owned(), now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use futures::FutureExt;
    use futures::executor::block_on;

    use super::*;

    /// A clock that stands where it is put.
    #[derive(Default)]
    struct Clock(AtomicI64);

    impl Env for Clock {
        fn now_us(&self) -> i64 {
            self.0.load(Relaxed) * 1_000
        }

        fn random(&self) -> [u8; 16] {
            [0; 16]
        }
    }

    fn guard() -> (Arc<Clock>, Guard) {
        let clock = Arc::new(Clock::default());
        (clock.clone(), Guard::new(clock))
    }

    #[test]
    fn the_seventh_request_waits() {
        let (_, guard) = guard();
        let mut held: Vec<_> =
            (0..IN_FLIGHT_MAX).map(|_| guard.admit().now_or_never().unwrap().unwrap()).collect();
        assert!(guard.admit().now_or_never().is_none());
        held.pop();
        assert!(guard.admit().now_or_never().is_some());
    }

    #[test]
    fn an_invocation_has_so_many_requests() {
        let (_, guard) = guard();
        for _ in 0..SUBREQUESTS_MAX {
            drop(block_on(guard.admit()).unwrap());
        }
        for _ in 0..2 {
            let refused = block_on(guard.admit()).err();
            assert_eq!(refused, Some(Broken::Subrequests { max: SUBREQUESTS_MAX }));
        }
        guard.begin();
        assert!(block_on(guard.admit()).is_ok());
    }

    #[test]
    fn a_key_is_written_once_a_second() {
        let (clock, guard) = guard();
        guard.write("a").unwrap();
        guard.write("b").unwrap();
        clock.0.store(999, Relaxed);
        assert_eq!(guard.write("a"), Err(Broken::WriteRate { key: "a".into() }));
        clock.0.store(1_000, Relaxed);
        guard.write("a").unwrap();
    }
}
