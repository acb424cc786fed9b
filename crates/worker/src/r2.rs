//! R2 as an [`object_store::ObjectStore`], over the binding that Workers have: [`R2Store`].
//!
//! It passes `object_store`'s own integration tests, run on workerd under `/_test/object_store/`.
//! What R2 cannot do:
//! - Reading an older version (`GetOptions::version`): R2 keeps none, so no object has a version.
//! - Tags: R2 has none.
//! - Two writes of a key within a second: R2 answers 429, and so does the guard here; those tests
//!   are let past it.
//! - Copying on the server: the binding cannot, so a copy is read and written again.
//! - Putting an object in parts on the condition that there is none: `complete` of an upload takes
//!   no condition, so a copy of more than 8 MiB that may not replace another is refused.
//! - Parts of differing sizes, or of less than 5 MiB, but for the last.
//! - Keeping an upload that is neither completed nor aborted for more than seven days.
//!
//! Not implemented, because nothing needs it: `MultipartStore` and `PaginatedListStore`, and with
//! them their tests.

mod binding;
#[cfg(feature = "testing")]
pub(crate) mod conformance;
mod guard;
#[cfg(feature = "testing")]
pub(crate) mod integration;
mod multipart;
mod store;

pub use store::R2Store;
