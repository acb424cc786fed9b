//! What `object_store`'s own integration tests ask of a store, run inside the runtime. They are
//! written anew because those assert by panicking, which ends a Worker's instance. Left out is what
//! R2 cannot do: see the door of this module.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, PutPayload, UpdateVersion,
};

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
    case!(put_get_delete);
    case!(ranges);
    case!(conditional_gets);
    case!(conditional_puts);
    case!(attributes);
    case!(listings);
    case!(many_keys);
    case!(odd_names);
    case!(parts);
    case!(copies);
    case!(limits);
    sweep(store).await?;
    Ok(passed)
}

/// Deletes everything.
async fn sweep(store: &R2Store) -> Outcome {
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

async fn get(store: &R2Store, key: &str) -> Result<Bytes, String> {
    store.get(&Path::from(key)).await.map_err(text)?.bytes().await.map_err(text)
}

async fn put_get_delete(store: &R2Store) -> Outcome {
    let path = Path::from("a/file");
    let missing = store.get(&path).await.err();
    expect("a missing object", matches!(missing, Some(Error::NotFound { .. })), true)?;
    let missing = store.head(&path).await.err();
    expect("a missing head", matches!(missing, Some(Error::NotFound { .. })), true)?;
    put(store, "a/file", b"some bytes").await?;
    expect("what was put", get(store, "a/file").await?, Bytes::from("some bytes"))?;
    let meta = store.head(&path).await.map_err(text)?;
    expect("its size", (meta.size, meta.location), (10, path.clone()))?;
    put(store, "empty", b"").await?;
    expect("an empty object", get(store, "empty").await?, Bytes::new())?;
    store.delete(&path).await.map_err(text)?;
    let missing = store.get(&path).await.err();
    expect("after delete", matches!(missing, Some(Error::NotFound { .. })), true)
}

async fn ranges(store: &R2Store) -> Outcome {
    put(store, "r", b"0123456789").await?;
    let path = Path::from("r");
    for (range, wanted) in [
        (GetRange::Bounded(2..5), "234"),
        (GetRange::Bounded(8..100), "89"),
        (GetRange::Offset(7), "789"),
        (GetRange::Suffix(3), "789"),
        (GetRange::Suffix(100), "0123456789"),
    ] {
        let options = GetOptions { range: Some(range.clone()), ..GetOptions::default() };
        let found = store.get_opts(&path, options).await.map_err(text)?;
        expect("the whole size", found.meta.size, 10)?;
        let length = found.range.end - found.range.start;
        expect("the range", length, wanted.len() as u64)?;
        let bytes = found.bytes().await.map_err(text)?;
        expect(&format!("{range:?}"), bytes, Bytes::from(wanted))?;
    }
    for range in [GetRange::Bounded(10..12), GetRange::Offset(10), GetRange::Bounded(3..3)] {
        let options = GetOptions { range: Some(range.clone()), ..GetOptions::default() };
        expect(&format!("{range:?}"), store.get_opts(&path, options).await.is_err(), true)?;
    }
    let many = store.get_ranges(&path, &[0..1, 4..6, 9..10]).await.map_err(text)?;
    expect("several", many, vec![Bytes::from("0"), Bytes::from("45"), Bytes::from("9")])
}

async fn conditional_gets(store: &R2Store) -> Outcome {
    put(store, "c", b"x").await?;
    let path = Path::from("c");
    let etag = store.head(&path).await.map_err(text)?.e_tag;
    let ask = |options: GetOptions| store.get_opts(&path, options);
    let if_match = |tag: Option<String>| GetOptions { if_match: tag, ..GetOptions::default() };
    let none_match =
        |tag: Option<String>| GetOptions { if_none_match: tag, ..GetOptions::default() };
    expect("if_match", ask(if_match(etag.clone())).await.is_ok(), true)?;
    let other = ask(if_match(Some("other".into()))).await.err();
    expect("if_match of another", matches!(other, Some(Error::Precondition { .. })), true)?;
    let same = ask(none_match(etag)).await.err();
    expect("if_none_match", matches!(same, Some(Error::NotModified { .. })), true)?;
    expect("of another", ask(none_match(Some("other".into()))).await.is_ok(), true)
}

async fn conditional_puts(store: &R2Store) -> Outcome {
    let path = Path::from("put-if");
    let create = || PutOptions::from(PutMode::Create);
    let first = store.put_opts(&path, "v1".into(), create()).await.map_err(text)?;
    pause().await;
    let again = store.put_opts(&path, "v2".into(), create()).await.err();
    expect("create twice", matches!(again, Some(Error::AlreadyExists { .. })), true)?;
    expect("what is there", get(store, "put-if").await?, Bytes::from("v1"))?;
    let update = |e_tag| PutOptions::from(PutMode::Update(UpdateVersion { e_tag, version: None }));
    pause().await;
    store.put_opts(&path, "v3".into(), update(first.e_tag.clone())).await.map_err(text)?;
    pause().await;
    let stale = store.put_opts(&path, "v4".into(), update(first.e_tag)).await.err();
    expect("a stale update", matches!(stale, Some(Error::Precondition { .. })), true)?;
    expect("the update", get(store, "put-if").await?, Bytes::from("v3"))
}

async fn attributes(store: &R2Store) -> Outcome {
    let wanted = Attributes::from_iter([
        (Attribute::ContentType, "text/html"),
        (Attribute::CacheControl, "max-age=60"),
        (Attribute::Metadata("of".into()), "mine"),
    ]);
    let options = PutOptions { attributes: wanted.clone(), ..PutOptions::default() };
    let path = Path::from("attributes");
    store.put_opts(&path, "x".into(), options).await.map_err(text)?;
    let found = store.get(&path).await.map_err(text)?;
    expect("attributes", found.attributes, wanted)
}

async fn listings(store: &R2Store) -> Outcome {
    sweep(store).await?;
    for key in ["l/a", "l/b/1", "l/b/2", "lx", "z"] {
        put(store, key, b"x").await?;
    }
    let names = |prefix: Option<&str>| {
        let prefix = prefix.map(Path::from);
        let all = store.list(prefix.as_ref()).map_ok(|meta| meta.location.to_string());
        async move { all.try_collect::<Vec<_>>().await.map_err(text) }
    };
    let all: Vec<String> = ["l/a", "l/b/1", "l/b/2", "lx", "z"].map(String::from).into();
    expect("all", names(None).await?, all.clone())?;
    expect("a folder", names(Some("l")).await?, all[..3].to_vec())?;
    expect("no folder", names(Some("nothing")).await?, Vec::new())?;
    let after = store.list_with_offset(None, &Path::from("l/b/1"));
    let after: Vec<String> =
        after.map_ok(|m| m.location.to_string()).try_collect().await.map_err(text)?;
    expect("after a key", after, all[2..].to_vec())?;
    let folder = store.list_with_delimiter(Some(&Path::from("l"))).await.map_err(text)?;
    let objects: Vec<String> = folder.objects.iter().map(|m| m.location.to_string()).collect();
    expect("files of a folder", objects, vec!["l/a".to_owned()])?;
    expect("folders of a folder", folder.common_prefixes, vec![Path::from("l/b")])
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
    expect("the seams", found, vec![Bytes::from(vec![1, 2]), Bytes::from(vec![3; 100])])?;
    let mut upload = store.put_multipart(&Path::from("given-up")).await.map_err(text)?;
    upload.put_part(vec![0; 10].into()).await.map_err(text)?;
    upload.abort().await.map_err(text)?;
    let missing = store.head(&Path::from("given-up")).await.err();
    expect("an aborted upload", matches!(missing, Some(Error::NotFound { .. })), true)
}

async fn copies(store: &R2Store) -> Outcome {
    put(store, "from", b"copied").await?;
    let (from, to) = (Path::from("from"), Path::from("to"));
    store.copy(&from, &to).await.map_err(text)?;
    expect("the copy", get(store, "to").await?, Bytes::from("copied"))?;
    pause().await;
    let exists = store.copy_if_not_exists(&from, &to).await.err();
    expect("copy onto", matches!(exists, Some(Error::AlreadyExists { .. })), true)?;
    let large = Path::from("large-copy");
    store.copy(&Path::from("parts"), &large).await.map_err(text)?;
    expect("a large copy", store.head(&large).await.map_err(text)?.size, (10 << 20) + 100)?;
    store.rename(&from, &Path::from("renamed")).await.map_err(text)?;
    expect("renamed", get(store, "renamed").await?, Bytes::from("copied"))?;
    expect("the old name", store.head(&from).await.is_err(), true)
}

async fn limits(store: &R2Store) -> Outcome {
    put(store, "rate", b"1").await?;
    let at_once = put(store, "rate", b"2").await.err().unwrap_or_default();
    expect("two writes at once", at_once.contains("one write a second"), true)?;
    let used = store.usage();
    expect("it is metered", used.object_puts > 1_234 && used.object_gets > 20, true)
}

/// Longer than R2 wants between two writes of a key.
async fn pause() {
    let wait = worker::Delay::from(std::time::Duration::from_millis(1_050));
    worker::send::SendFuture::new(wait).await;
}
