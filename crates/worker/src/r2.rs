//! R2 as an [`object_store::ObjectStore`], over the binding that Workers have: [`R2Store`].
//!
//! What R2's binding cannot do: versions (`GetOptions::version`), tags, copying on the server (a
//! copy is read and written again), and putting a large object on the condition that there is none
//! (parts are put together without one).

mod binding;
#[cfg(feature = "testing")]
pub(crate) mod conformance;
mod guard;
mod multipart;
mod store;

pub use store::R2Store;
