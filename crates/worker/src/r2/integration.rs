//! `object_store`'s own integration tests, as that crate publishes them, run inside the runtime on
//! an emptied bucket. They assert by panicking, which ends the instance, so a request runs one.
//! Left out: those of `MultipartStore` and `PaginatedListStore`, which [`R2Store`] does not
//! implement. Not here: what they do not look at ([`super::conformance`]).

use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use object_store::{Error, integration};

use super::R2Store;
use super::conformance::sweep;

/// A test of theirs.
struct Case {
    name: &'static str,
    run: for<'a> fn(&'a R2Store) -> LocalBoxFuture<'a, ()>,
}

macro_rules! cases {
    ($($name:ident($($more:expr),*)),+ $(,)?) => {
        &[$(Case {
            name: stringify!($name),
            run: |store| integration::$name(store $(, $more)*).boxed_local(),
        }),+]
    };
}

const CASES: &[Case] = cases![
    put_get_delete_list(),
    put_get_attributes(),
    get_opts(),
    // R2 replaces an object on the condition of its ETag.
    put_opts(true),
    stream_get(),
    list_uses_directories_correctly(),
    list_with_delimiter(),
    list_with_offset_exclusivity(),
    rename_and_copy(),
    copy_if_not_exists(),
    copy_rename_nonexistent_object(),
    multipart_out_of_order(),
    // Of two uploads to one key, the one that completes last is kept.
    multipart_race_condition(true),
];

/// The one test that answers something.
const NONEXISTENT: &str = "get_nonexistent_object";

/// Their names.
pub(crate) fn names() -> Vec<&'static str> {
    CASES.iter().map(|case| case.name).chain([NONEXISTENT]).collect()
}

/// Runs the test of that name on an emptied bucket; false if there is none.
pub(crate) async fn run(name: &str, store: &R2Store) -> Result<bool, String> {
    store.write_freely();
    sweep(store).await?;
    if name == NONEXISTENT {
        let found = integration::get_nonexistent_object(store, None).await;
        assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
    } else if let Some(case) = CASES.iter().find(|case| case.name == name) {
        drive((case.run)(store)).await?;
    } else {
        return Ok(false);
    }
    sweep(store).await?;
    Ok(true)
}

/// Polls `test` in a tokio runtime, which `WriteMultipart` asks for and a Worker does not have. It
/// is made to run for one round in each turn of JavaScript's event loop.
async fn drive(mut test: LocalBoxFuture<'_, ()>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    loop {
        let step = runtime.block_on(async {
            let step = futures::poll!(&mut test);
            tokio::task::yield_now().await;
            step
        });
        match step {
            Poll::Ready(()) => return Ok(()),
            Poll::Pending => worker::Delay::from(Duration::ZERO).await,
        }
    }
}
