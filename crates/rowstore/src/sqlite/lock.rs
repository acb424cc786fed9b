//! The lock file of a data folder: one handle, in one process, at a time.
//! The lock is the operating system's (it goes away with the process); the file itself stays.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

use fs4::{FileExt, TryLockError};

use crate::{Error, Result};

/// Holds `dir/LOCK` until dropped.
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<FolderLock> {
        let path = dir.join("LOCK");
        let io = |error: std::io::Error| Error::Io {
            what: "lock",
            database: path.display().to_string(),
            message: error.to_string(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked {
                    folder: dir.display().to_string(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // Only for the message above; the lock does not depend on it.
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(FolderLock { _file: file })
    }
}

/// " in process N" from the lock file, or nothing when it cannot be read (as on Windows).
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(32).read_to_string(&mut text) {
        Ok(_) => match text.trim().parse::<u32>() {
            Ok(process) => format!(" in process {process}"),
            Err(_) => String::new(),
        },
        Err(_) => String::new(),
    }
}
