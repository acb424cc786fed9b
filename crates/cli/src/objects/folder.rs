//! A folder as a bucket: object_store's, and an object is on the disk when its put returns. The
//! database forgets rows once their file is written; without this a power failure could take both.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// Objects as files.
#[derive(Debug)]
pub struct FolderStore {
    inner: Arc<LocalFileSystem>,
    path: PathBuf,
}

impl FolderStore {
    /// Opens a folder, making it if there is none.
    pub fn open(path: &FilePath) -> Result<FolderStore> {
        let unable = |e: std::io::Error| Error::Generic { store: "folder", source: Box::new(e) };
        std::fs::create_dir_all(path).map_err(unable)?;
        let path = path.canonicalize().map_err(unable)?;
        let inner = Arc::new(LocalFileSystem::new_with_prefix(&path)?);
        Ok(FolderStore { inner, path })
    }

    /// The folder.
    pub fn path(&self) -> &FilePath {
        &self.path
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

/// Makes a file, and its name in its folder and those above, survive a power failure.
fn sync(inner: &LocalFileSystem, root: &FilePath, location: &Path) -> Result<()> {
    let sync = || {
        let file = inner.path_to_filesystem(location).map_err(std::io::Error::other)?;
        File::open(&file)?.sync_all()?;
        let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
        for folder in folders {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    sync().map_err(|e: std::io::Error| Error::Generic { store: "folder", source: Box::new(e) })
}

#[async_trait::async_trait]
impl ObjectStore for FolderStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(location, payload, options).await?;
        sync(&self.inner, &self.path, location)?;
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.inner.put_multipart_opts(location, options).await?;
        let (inner, path) = (self.inner.clone(), self.path.clone());
        Ok(Box::new(SyncedUpload { upload, inner, path, location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        sync(&self.inner, &self.path, to)
    }
}

#[derive(Debug)]
struct SyncedUpload {
    upload: Box<dyn MultipartUpload>,
    inner: Arc<LocalFileSystem>,
    path: PathBuf,
    location: Path,
}

#[async_trait::async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let put = self.upload.complete().await?;
        sync(&self.inner, &self.path, &self.location)?;
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
