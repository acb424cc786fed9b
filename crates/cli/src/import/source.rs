//! A file or standard input as a stream of bytes, decompressed if its first bytes say so, and how
//! far it is read. Not here: what the bytes mean.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};

/// Bytes looked at to learn what a file is.
const HEAD_BYTES: usize = 1 << 20;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame or several.
    Zstd,
}

/// An open input.
pub struct Source {
    /// Its name, for messages.
    pub name: String,
    /// How it is packed.
    pub packing: Packing,
    /// The start of its content: all of it when `is_whole`.
    pub head: Vec<u8>,
    /// Is the head everything?
    pub is_whole: bool,
    /// The path, when it is a file that is not packed.
    pub path: Option<PathBuf>,
    /// Bytes of input read so far, before decompression, over all files.
    pub bytes: Arc<AtomicU64>,
    /// Bytes of the head given out.
    given: usize,
    /// Reading failed right after the head.
    failed: Option<io::Error>,
    rest: Box<dyn Read + Send>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// It cannot be opened or read at all.
    pub fn open(path: &str, bytes: Arc<AtomicU64>) -> Result<Source> {
        let cannot = |what: &'static str| {
            let path = path.to_owned();
            move |source: io::Error| Error::File { what, path, source }
        };
        let (name, raw): (_, Box<dyn Read + Send>) = match path {
            "-" => ("standard input".to_owned(), Box::new(io::stdin())),
            path => (path.to_owned(), Box::new(File::open(path).map_err(cannot("open"))?)),
        };
        let mut raw = Counted { inner: raw, bytes: bytes.clone() };
        let mut magic = Vec::new();
        let magic_bytes = ZSTD_MAGIC.len() as u64;
        raw.by_ref().take(magic_bytes).read_to_end(&mut magic).map_err(cannot("read"))?;
        let packing = match magic.as_slice() {
            start if start.starts_with(GZIP_MAGIC) => Packing::Gzip,
            start if start.starts_with(ZSTD_MAGIC) => Packing::Zstd,
            _ => Packing::None,
        };
        let whole = BufReader::with_capacity(128 << 10, Cursor::new(magic).chain(raw));
        let rest: Box<dyn Read + Send> = match packing {
            Packing::None => Box::new(whole),
            Packing::Gzip => Box::new(MultiGzDecoder::new(whole)),
            Packing::Zstd => {
                Box::new(zstd::stream::read::Decoder::with_buffer(whole).map_err(cannot("read"))?)
            }
        };
        let is_plain_file = packing == Packing::None && path != "-";
        let mut source = Source {
            name,
            packing,
            head: Vec::new(),
            is_whole: false,
            path: is_plain_file.then(|| PathBuf::from(path)),
            bytes,
            given: 0,
            failed: None,
            rest,
        };
        source.read_head();
        Ok(source)
    }

    /// A failure here is told when the head is used up.
    fn read_head(&mut self) {
        let taken = self.rest.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut self.head);
        match taken {
            Ok(count) => self.is_whole = count < HEAD_BYTES,
            Err(e) => self.failed = Some(e),
        }
    }

    /// The next bytes; 0: that was all.
    ///
    /// # Errors
    /// The system's, and packed data that breaks off or is damaged.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = self.head.get(self.given..).unwrap_or_default();
        if !left.is_empty() {
            let count = left.len().min(buffer.len());
            let (to, from) = (buffer.get_mut(..count), left.get(..count));
            if let (Some(to), Some(from)) = (to, from) {
                to.copy_from_slice(from);
            }
            self.given += count;
            return Ok(count);
        }
        if let Some(e) = self.failed.take() {
            return Err(self.broken(&e));
        }
        loop {
            match self.rest.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(&e)),
                Ok(count) => return Ok(count),
            }
        }
    }

    /// Everything that is left, if it is not too much.
    pub fn read_all(&mut self, bytes_max: usize) -> Result<Vec<u8>> {
        let mut whole = Vec::new();
        let mut chunk = vec![0; HEAD_BYTES];
        loop {
            let count = self.read(&mut chunk)?;
            if count == 0 {
                return Ok(whole);
            }
            if whole.len() + count > bytes_max {
                return Err(Error::Input {
                    place: self.name.clone(),
                    problem: format!(
                        "a file of this format that is packed or comes through a pipe is held \
                         whole, and this one has more than {bytes_max} bytes; unpack it to a file"
                    ),
                });
            }
            whole.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn broken(&self, e: &io::Error) -> Error {
        let problem = match self.packing {
            Packing::None => format!("it cannot be read: {e}"),
            Packing::Gzip | Packing::Zstd => format!(
                "the {} data breaks off or is damaged ({e}); the file is not whole, fetch or make \
                 it again",
                if self.packing == Packing::Gzip { "gzip" } else { "zstd" }
            ),
        };
        Error::Input { place: self.name.clone(), problem }
    }
}

/// Bytes of all files together; none when one is not a regular file.
pub fn total_bytes(paths: &[String]) -> Option<u64> {
    let size = |path: &String| {
        let meta = std::fs::metadata(path).ok()?;
        meta.is_file().then_some(meta.len())
    };
    paths.iter().map(size).sum()
}

struct Counted {
    inner: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}
