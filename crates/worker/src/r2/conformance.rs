//! What `object_store`'s own integration tests ([`super::integration`]) do not look at: limits and
//! what is metered, more keys than a page of a listing has, odd names, copies in parts, ranges
//! across parts, and what is refused.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};

use super::R2Store;

/// A case ends well or says what was wrong.
type Outcome = Result<(), String>;

/// Runs every case; the names of those that passed, or what was wrong with the first that did not.
pub(crate) async fn run(store: &R2Store) -> Result<Vec<String>, String> {
    sweep(store).await?;
    let mut passed = Vec::new();
    macro_rules! case {
        ($name:ident) => {
            let name = stringify!($name);
            $name(store).await.map_err(|e| format!("{name}: {e}"))?;
            passed.push(name.to_owned());
        };
    }
    case!(refused_ranges);
    case!(many_keys);
    case!(odd_names);
    case!(parts);
    case!(copies);
    case!(limits);
    sweep(store).await?;
    Ok(passed)
}

/// Deletes everything.
pub(super) async fn sweep(store: &R2Store) -> Outcome {
    store.begin();
    let all = store.list(None).map_ok(|meta| meta.location).boxed();
    store.delete_stream(all).try_collect::<Vec<_>>().await.map(|_| ()).map_err(text)
}

fn text(e: Error) -> String {
    e.to_string()
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got:?}, expected {wanted:?}")) }
}

async fn put(store: &R2Store, key: &str, bytes: &[u8]) -> Outcome {
    let payload = PutPayload::from(bytes.to_vec());
    store.put(&Path::from(key), payload).await.map(|_| ()).map_err(text)
}

async fn refused_ranges(store: &R2Store) -> Outcome {
    put(store, "r", b"0123456789").await?;
    for range in [GetRange::Bounded(10..12), GetRange::Offset(10), GetRange::Bounded(3..3)] {
        let options = GetOptions { range: Some(range.clone()), ..GetOptions::default() };
        let found = store.get_opts(&Path::from("r"), options).await;
        expect(&format!("{range:?}"), found.is_err(), true)?;
    }
    Ok(())
}

async fn many_keys(store: &R2Store) -> Outcome {
    sweep(store).await?;
    const COUNT: usize = 1_234;
    let puts = stream::iter(0..COUNT)
        .map(|n| async move { put(store, &format!("many/{n:05}"), b"x").await });
    puts.buffer_unordered(32).try_collect::<Vec<_>>().await?;
    let found = store.list(Some(&Path::from("many"))).try_collect::<Vec<_>>().await;
    let found = found.map_err(text)?;
    expect("keys", found.len(), COUNT)?;
    let in_order = found.windows(2).all(|two| two[0].location < two[1].location);
    expect("in order", in_order, true)?;
    sweep(store).await?;
    let left = store.list(None).try_collect::<Vec<_>>().await.map_err(text)?;
    expect("left after deleting all", left.len(), 0)
}

async fn odd_names(store: &R2Store) -> Outcome {
    for name in
        ["a b", "ünïcödé 🙂", "per%20cent", "plus+", "q?x=1#y", "quote\"'", "very/deep/1/2/3"]
    {
        let path = Path::from(name);
        store.put(&path, name.as_bytes().to_vec().into()).await.map_err(text)?;
        let found = store.get(&path).await.map_err(text)?.bytes().await.map_err(text)?;
        expect(name, found, Bytes::copy_from_slice(name.as_bytes()))?;
        let listed = store.list(None).map_ok(|m| m.location).try_collect::<Vec<_>>().await;
        expect("its listing", listed.map_err(text)?.contains(&path), true)?;
    }
    Ok(())
}

async fn parts(store: &R2Store) -> Outcome {
    const PART: usize = 5 << 20;
    let path = Path::from("parts");
    let mut upload = store.put_multipart(&path).await.map_err(text)?;
    let parts = [vec![1u8; PART], vec![2u8; PART], vec![3u8; 100]];
    for part in &parts {
        upload.put_part(part.clone().into()).await.map_err(text)?;
    }
    upload.complete().await.map_err(text)?;
    expect("the size", store.head(&path).await.map_err(text)?.size, (2 * PART + 100) as u64)?;
    let edges = [PART as u64 - 1..PART as u64 + 1, 2 * PART as u64..2 * PART as u64 + 100];
    let found = store.get_ranges(&path, &edges).await.map_err(text)?;
    expect("the seams", found, vec![Bytes::from(vec![1, 2]), Bytes::from(vec![3; 100])])
}

async fn copies(store: &R2Store) -> Outcome {
    let (from, to) = (Path::from("parts"), Path::from("copy"));
    store.copy(&from, &to).await.map_err(text)?;
    expect("a large copy", store.head(&to).await.map_err(text)?.size, (10 << 20) + 100)?;
    let refused = store.copy_if_not_exists(&from, &Path::from("other")).await.err();
    expect("a large copy that may not replace", is_not_supported(&refused), true)?;
    let version = GetOptions { version: Some("1".into()), ..GetOptions::default() };
    let refused = store.get_opts(&to, version).await.err();
    expect("a version", is_not_supported(&refused), true)
}

fn is_not_supported(refused: &Option<Error>) -> bool {
    matches!(refused, Some(Error::NotSupported { .. }))
}

async fn limits(store: &R2Store) -> Outcome {
    put(store, "rate", b"1").await?;
    let at_once = put(store, "rate", b"2").await.err().unwrap_or_default();
    expect("two writes at once", at_once.contains("one write a second"), true)?;
    let used = store.usage();
    expect("it is metered", used.object_puts > 1_234 && used.object_gets > 7, true)
}
