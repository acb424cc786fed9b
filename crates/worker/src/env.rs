//! The clock, the dice and the event loop of a Worker. Not here: storage.

use std::time::Duration;

use dodb_engine::{Env, Turn};
use worker::Delay;
use worker::send::SendFuture;

/// What JavaScript offers.
#[derive(Debug, Default)]
pub(crate) struct WorkerEnv;

impl Env for WorkerEnv {
    fn now_us(&self) -> i64 {
        // A Worker's clock counts milliseconds and stands still while no I/O happens.
        (js_sys::Date::now() * 1_000.0) as i64
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            // Identifiers need to differ, not to be secret.
            for byte in &mut bytes {
                *byte = (js_sys::Math::random() * 256.0) as u8;
            }
        }
        bytes
    }

    fn turn(&self) -> Option<Turn> {
        // A timer, not a microtask: only between events does the host deliver other requests.
        Some(Box::pin(SendFuture::new(Delay::from(Duration::ZERO))))
    }

    fn memory_bytes(&self) -> Option<u64> {
        memory_bytes()
    }
}

/// Bytes of linear memory, which never shrinks: what is taken now is the most that was.
#[cfg(target_arch = "wasm32")]
fn memory_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 64 << 10;
    Some(core::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES)
}

#[cfg(not(target_arch = "wasm32"))]
fn memory_bytes() -> Option<u64> {
    None
}
